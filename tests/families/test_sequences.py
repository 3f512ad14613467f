"""Sequences whose elements depend on the one before: densities against sums over all paths, draws against their law.

The sums are written out in torch from the values of the parameters; nothing in them comes from the compiler.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

import gencompiler
from gencompiler.runtime.modules import Model
from gencompiler.testing.strategies import Perturbation

Value = Callable[[str], Tensor]

HMM = """
model HMM(T = 5, K = 3, M = 4) {
  observed x : Category(M)[T]
  latent   z : Category(K)[T]
  param pi : Simplex(K), A : Simplex(K)[K], B : Simplex(M)[K]
  p(z[0])            = Categorical(pi)
  p(z[t] | z[t - 1]) = Categorical(A[z[t - 1]])
  p(x[t] | z[t])     = Categorical(B[z[t]])
  train maximum_likelihood
}
"""

#: The emission begins one place later and looks back by one; the chain depends on the place, too.
SWITCHING = """
model Switching(T = 4, K = 2) {
  observed x : Real[T]
  latent   z : Category(K)[T]
  param A : Real[T, K, K], m : Real[K], r : Real, s : Positive[K], c : Real[K]
  p(z[0])                      = Categorical(logits = c)
  p(z[t] | z[t - 1])           = Categorical(logits = A[t, z[t - 1]])
  p(x[0] | z[0])               = Normal(m[z[0]], s[z[0]])
  p(x[t] | x[t - 1], z[t], z[t - 1]) = Normal(m[z[t]] + r * x[t - 1] - m[z[t - 1]], s[z[t]])
  train maximum_likelihood
}
"""

#: Two chains, of which the second depends on the first, and several numbers at each place.
FACTORIAL = """
model Factorial(T = 3, D = 2) {
  observed x : Binary[T, D]
  latent   u : Binary[T], v : Category(3)[T]
  param a : Real[2], b : Real[2, 3], c : Real, d : Real[3], W : Real[3, D], y : Real[2, D]
  p(u[0])                  = Bernoulli(logits = c)
  p(u[t] | u[t - 1])       = Bernoulli(logits = a[u[t - 1]])
  p(v[0])                  = Categorical(logits = d)
  p(v[t] | v[t - 1], u[t]) = Categorical(logits = for k: b[u[t], k] + indicator(v[t - 1] == k))
  p(x[t, i] | u[t], v[t])  = Bernoulli(logits = W[v[t], i] + y[u[t], i])
  train maximum_likelihood
}
"""

#: Every slice is a vector.
VECTORS = """
model Vectors(T = 4, H = 2, D = 3) {
  observed x : Real[T, D]
  latent   h : Binary[T, H]
  param c : Real[H], s : Positive
  p(h[0, :])               = Bernoulli(logits = c)
  p(h[t, :] | h[t - 1, :]) = Bernoulli(logits = mlp(h[t - 1, :], hidden = [3]))
  p(x[t, :] | h[t, :])     = Normal(linear(h[t, :]), s)
  train maximum_likelihood
}
"""


def model_of(text: str, seed: int = 0, scale: float = 0.8) -> Model:
    return Perturbation(scale, seed).apply(gencompiler.compile(text)()).double()


def paths(values: int, length: int) -> Iterator[tuple[int, ...]]:
    return itertools.product(range(values), repeat=length)


def hmm(value: Value, x: Tensor) -> Tensor:
    pi, A, B = (value(n).log() for n in ("pi", "A", "B"))
    return torch.stack(
        [
            pi[z[0]] + sum(A[a, b] for a, b in itertools.pairwise(z)) + sum(B[k][x[:, t]] for t, k in enumerate(z))
            for z in paths(3, x.shape[1])
        ],
        -1,
    )


def switching(value: Value, x: Tensor) -> Tensor:
    A, m, r, s, c = (value(n) for n in ("A", "m", "r", "s", "c"))
    found = []
    for z in paths(2, 4):
        total = c.log_softmax(-1)[z[0]] + Normal(m[z[0]], s[z[0]]).log_prob(x[:, 0])
        for t in range(1, 4):
            total = total + A[t, z[t - 1]].log_softmax(-1)[z[t]]
            mean = m[z[t]] + r * x[:, t - 1] - m[z[t - 1]]
            total = total + Normal(mean, s[z[t]]).log_prob(x[:, t])
        found.append(total)
    return torch.stack(found, -1)


def factorial(value: Value, x: Tensor) -> Tensor:
    a, b, c, d, W, y = (value(n) for n in ("a", "b", "c", "d", "W", "y"))

    def bernoulli(logits: Tensor, event: Tensor | int) -> Tensor:
        return -torch.nn.functional.softplus(logits) + logits * event

    found = []
    for u in paths(2, 3):
        for v in paths(3, 3):
            total = bernoulli(c, u[0]) + d.log_softmax(-1)[v[0]]
            for t in range(3):
                if t:
                    same = torch.nn.functional.one_hot(torch.tensor(v[t - 1]), 3)
                    total = total + bernoulli(a[u[t - 1]], u[t]) + (b[u[t]] + same).log_softmax(-1)[v[t]]
                total = total + bernoulli(W[v[t]] + y[u[t]], x[:, t]).sum(-1)
            found.append(total)
    return torch.stack(found, -1)


def vectors(value: Value, x: Tensor) -> Tensor:
    def linear(name: str, inner: Tensor) -> Tensor:
        return value(f"{name}.weight") @ inner + value(f"{name}.bias")

    def bernoulli(logits: Tensor, event: Tensor) -> Tensor:
        return (logits * event - torch.nn.functional.softplus(logits)).sum()

    states = [torch.tensor(h, dtype=torch.float64) for h in paths(2, 2)]
    found = []
    for h in itertools.product(states, repeat=4):
        total = bernoulli(value("c"), h[0])
        for before, now in itertools.pairwise(h):
            total = total + bernoulli(linear("mlp.output", linear("mlp.0", before).relu()), now)
        for t, now in enumerate(h):
            total = total + Normal(linear("linear.output", now), value("s")).log_prob(x[:, t]).sum(-1)
        found.append(total)
    return torch.stack(found, -1)


def data(shape: tuple[int, ...], levels: int) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    if not levels:
        return torch.randn(shape, dtype=torch.float64, generator=generator)
    return torch.randint(levels, shape, generator=generator)


CASES = {
    "hmm": (HMM, hmm, (6, 5), 4),
    "switching": (SWITCHING, switching, (6, 4), 0),
    "factorial": (FACTORIAL, factorial, (6, 3, 2), 2),
    "vectors": (VECTORS, vectors, (6, 4, 3), 0),
}


@pytest.mark.parametrize("name", CASES)
def test_the_forward_sum_is_the_sum_over_all_paths(name: str) -> None:
    text, joint, shape, levels = CASES[name]
    model, x = model_of(text), data(shape, levels)
    expected = joint(model.value, x).logsumexp(-1)
    found = model.log_prob(x)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    parameters = list(model.parameters())
    for ours, theirs in zip(
        torch.autograd.grad(found.sum(), parameters), torch.autograd.grad(expected.sum(), parameters), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-10)
