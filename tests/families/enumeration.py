"""A sigmoid belief network of two layers, by enumeration in numpy: nothing here comes from the compiler.

    p(h2) p(h1 | h2) p(x | h1)        q(h1 | x) q(h2 | h1)

Every conditional is Bernoulli with logits `weight @ parent + bias`.
"""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

Array = np.ndarray


def states(bits: int) -> Array:
    """Every binary vector, `[2^bits, bits]`, the last bit fastest."""
    return np.array(list(itertools.product([0.0, 1.0], repeat=bits)))


@dataclasses.dataclass(frozen=True)
class Layer:
    """`weight` `[out, in]` (of no columns for a bias alone) and `bias` `[out]`."""

    weight: Array
    bias: Array

    def logits(self, parent: Array) -> Array:
        return parent @ self.weight.T + self.bias

    def log_table(self, parents: Array, values: Array) -> Array:
        """log p(value | parent) for every pair, `[parents, values]`."""
        logits = self.logits(parents)
        return logits @ values.T - np.logaddexp(0, logits).sum(1)[:, None]

    def gradients(self, parents: Array, values: Array) -> tuple[Array, Array]:
        """d log p(value | parent) / d (weight, bias) for every pair, `[parents, values, …]`."""
        rest = values[None] - 1 / (1 + np.exp(-self.logits(parents)))[:, None]
        return rest[:, :, :, None] * parents[:, None, None, :], rest


@dataclasses.dataclass(frozen=True)
class Network:
    """`names` give the parameters (weight, bias) of top, middle, bottom (of p) and first, second (of q)."""

    top: Layer
    middle: Layer
    bottom: Layer
    first: Layer
    second: Layer
    sizes: tuple[int, int, int]

    def tables(self) -> tuple[Array, Array]:
        """log p(x, h1, h2) and log q(h1, h2 | x), `[x, h1, h2]`."""
        x, h1, h2 = map(states, self.sizes)
        nothing = np.zeros((1, 0))
        log_p = self.bottom.log_table(h1, x).T[:, :, None] + self.middle.log_table(h2, h1).T[None]
        log_p = log_p + self.top.log_table(nothing, h2)[0][None, None]
        log_q = self.first.log_table(x, h1)[:, :, None] + self.second.log_table(h1, h2)[None]
        return log_p, log_q

    def p_gradient(self, weights: Array) -> dict[str, Array]:
        """sum of `weights[x, h1, h2]` times the gradient of log p(x, h1, h2), by layer and part."""
        x, h1, h2 = map(states, self.sizes)
        bottom = _weighted(self.bottom.gradients(h1, x), weights.sum(2).T)
        middle = _weighted(self.middle.gradients(h2, h1), weights.sum(0).T)
        top = _weighted(self.top.gradients(np.zeros((1, 0)), h2), weights.sum((0, 1))[None])
        return {"top.bias": top[1], **_named("middle", middle), **_named("bottom", bottom)}

    def q_gradient(self, weights: Array) -> dict[str, Array]:
        """The same of log q(h1, h2 | x)."""
        x, h1, h2 = map(states, self.sizes)
        first = _weighted(self.first.gradients(x, h1), weights.sum(2))
        second = _weighted(self.second.gradients(h1, h2), weights.sum(0))
        return {**_named("first", first), **_named("second", second)}


def _weighted(gradients: tuple[Array, Array], weights: Array) -> tuple[Array, Array]:
    weight, bias = gradients
    return np.einsum("pv,pvoi->oi", weights, weight), np.einsum("pv,pvo->o", weights, bias)


def _named(layer: str, parts: tuple[Array, Array]) -> dict[str, Array]:
    return {f"{layer}.weight": parts[0], f"{layer}.bias": parts[1]}


def two_particle_weights(log_p: Array, log_q: Array) -> Array:
    """E sum_k w_k 1[h_k = h] for two draws of q and their normalized weights, for every h, `[x, h1, h2]`.

    v(a) = 2 q(a) sum_b q(b) r(a) / (r(a) + r(b)), r = p / q."""
    found = np.empty_like(log_q)
    for number, (one_p, one_q) in enumerate(zip(log_p, log_q, strict=True)):
        ratio, q = (one_p - one_q).ravel(), np.exp(one_q).ravel()
        share = 1 / (1 + np.exp(ratio[None] - ratio[:, None]))
        found[number] = (2 * q * (share @ q)).reshape(one_q.shape)
    return found


def two_particle_bound(log_p: Array, log_q: Array) -> Array:
    """2 q(a) E_b log((r(a) + r(b)) / 2), b drawn from q: what d log q(a) is weighted with in the gradient of the bound,
    beside the derivative of the ratios, `[x, h1, h2]`."""
    found = np.empty_like(log_q)
    for number, (one_p, one_q) in enumerate(zip(log_p, log_q, strict=True)):
        ratio, q = (one_p - one_q).ravel(), np.exp(one_q).ravel()
        bound = np.logaddexp(ratio[:, None], ratio[None]) - np.log(2)
        found[number] = (2 * q * (bound @ q)).reshape(one_q.shape)
    return found
