"""Gradient estimators of variational bounds are unbiased: against enumeration, and against each other.

A gradient is averaged over 200 independent blocks.  Block means are nearly normal, so that some of 126 components lies
more than 7 standard errors from the truth with probability below 1e-8 (Student's t, 199 degrees of freedom).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import gencompiler
from tests.families.enumeration import Array, Network, states, two_particle_bound, two_particle_weights
from tests.families.test_foundation import perturbed
from tests.families.test_wake_sleep import LAYERS, model_of, network_of

BLOCKS = 200
LIMIT = 7.0

#: The prelude's objectives for latent variables without a pathwise gradient, written out with a hole for an error.
SCORE = """
objective estimator {
  update p, q maximize E[x ~ data, z[k in 4] ~ stop(q)(z | x)]
    mean(for k: f[k] + stop(SIGNAL) * log q(z[k] | x))
    where { f[k] = log p(x, z[k]) - log stop(q)(z[k] | x) }
}
"""
VIMCO = """
objective estimator {
  update p, q maximize E[x ~ data, z[k in 2] ~ stop(q)(z | x)]
    bound + sum(for k: stop(SIGNAL) * log q(z[k] | x))
    where {
      f[k] = log p(x, z[k]) - log q(z[k] | x)
      bound = logmeanexp(f)
      without[k] = logmeanexp(for j in 2: if j == k then sum(f) - f[k] else f[j])
    }
}
"""

GAUSSIAN = """
model Gaussian(D = 4, Z = 2) {
  observed x : Real[D]
  latent   z : Real[Z]
  p(z)     = Normal(0, 1)
  p(x | z) = Normal(linear(z), 0.7)
  q(z | x) = Normal(m, softplus(s)) where { m, s = linear(x) }
  train OBJECTIVE
}
"""

DREG = """
objective dreg {
  update q maximize E[x ~ data, z[k in 4] ~ q(z | x)] sum(for k: stop(softmax(f)[k])^POWER * f[k])
    where { f[k] = log p(x, z[k]) - log STOPPED(z[k] | x) }
}
"""


def block_gradients(model: Any, x: torch.Tensor, paths: list[str], copies: int) -> Array:
    """The gradient of the last phase's value in `paths`, for each block of `copies` of `x`: `[blocks, components]`."""
    data = x.repeat_interleave(copies, 0)
    found = []
    for step in range(BLOCKS):
        model.zero_grad(set_to_none=True)
        model.loss(data, seed=5, step=step, phase=model.phases[-1].label).backward()
        grads = [model.raw(path).grad for path in paths]
        found.append(torch.cat([-grad.reshape(-1) for grad in grads]).numpy())
    return np.stack(found)


def deviation(blocks: Array, exact: Array) -> float:
    """The largest distance from the truth in standard errors."""
    return float((np.abs(blocks.mean(0) - exact) * np.sqrt(len(blocks)) / blocks.std(0, ddof=1)).max())


# -- discrete: enumeration -------------------------------------------------------------------------------------------


def network_deviation(declared: str, exact: dict[str, Array], objective: str = "estimator") -> float:
    model = model_of(objective, declared, scale=0.4)
    names = [name for name in exact if exact[name].size]
    paths = [f"{LAYERS[layer]}.{part}" for layer, part in (name.split(".") for name in names)]
    blocks = block_gradients(model, torch.tensor(states(6)).long(), paths, 20)
    return deviation(blocks, np.concatenate([exact[name].reshape(-1) for name in names]))


@pytest.fixture(scope="module")
def net() -> Network:
    return network_of(model_of("wake_sleep", scale=0.4))


def test_the_score_function_gradient_is_that_of_the_elbo(net: Network) -> None:
    log_p, log_q = net.tables()
    q = np.exp(log_q) / 64
    exact = {**net.p_gradient(q), **net.q_gradient(q * (log_p - log_q))}
    assert network_deviation("", exact, "score_function(K = 4)") < LIMIT
    # planted: a baseline that contains the draw itself
    assert network_deviation(SCORE.replace("SIGNAL", "f[k] - sum(f) / 4"), exact) > 2 * LIMIT


def test_the_vimco_gradient_is_that_of_the_two_sample_bound(net: Network) -> None:
    log_p, log_q = net.tables()
    weights = two_particle_weights(log_p, log_q) / 64
    exact = {**net.p_gradient(weights), **net.q_gradient(two_particle_bound(log_p, log_q) / 64 - weights)}
    assert network_deviation("", exact, "vimco(K = 2)") < LIMIT
    # planted: the bound itself, divided among the draws
    assert network_deviation(VIMCO.replace("SIGNAL", "(bound - without[k]) / 2"), exact) > 2 * LIMIT


# -- continuous: pathwise and doubly reparameterized -----------------------------------------------------------------


def gaussian_blocks(objective: str, declared: str = "") -> Array:
    model = perturbed(gencompiler.compile(declared + GAUSSIAN.replace("OBJECTIVE", objective))(), 0.3)
    x = torch.randn(10, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    paths = [f"q.linear.{output}.{part}" for output in "ms" for part in ("weight", "bias")]
    return block_gradients(model, x, paths, 60)


def apart(one: Array, other: Array) -> float:
    """The largest difference of means in standard errors."""
    error = np.sqrt((one.var(0, ddof=1) + other.var(0, ddof=1)) / len(one))
    return float((np.abs(one.mean(0) - other.mean(0)) / error).max())


def exact_gaussian_gradient() -> Array:
    """The ELBO of a linear decoder and a Gaussian q is a formula of m and s, and so is its gradient."""
    model = perturbed(gencompiler.compile(GAUSSIAN.replace("OBJECTIVE", "elbo"))(), 0.3)
    x = torch.randn(10, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def affine(layer: str, value: torch.Tensor) -> torch.Tensor:
        weight, bias = (model.value(f"{layer}.{part}") for part in ("weight", "bias"))
        return torch.nn.functional.linear(value, weight, bias)

    mean, scale = affine("q.linear.m", x), torch.nn.functional.softplus(affine("q.linear.s", x))
    squares = (model.value("linear.output.weight") ** 2).sum(0)
    missed = ((x - affine("linear.output", mean)) ** 2).sum(-1) + (scale**2 * squares).sum(-1)
    divergence = 0.5 * (mean**2 + scale**2 - 1 - 2 * scale.log()).sum(-1)
    (-missed / (2 * 0.7**2) - divergence).mean().backward()
    paths = [f"q.linear.{output}.{part}" for output in "ms" for part in ("weight", "bias")]
    return torch.cat([model.raw(path).grad.reshape(-1) for path in paths]).numpy()


#: The prelude's `elbo`, with holes for where z is drawn from, and how much of q's density counts.
PATHWISE = "objective path { update p, q maximize E[x ~ data, z ~ DRAWN(z | x)] log p(x, z) - SHARE * log q(z | x) }\n"


def test_the_pathwise_gradient_is_that_of_the_elbo() -> None:
    exact = exact_gaussian_gradient()
    assert deviation(gaussian_blocks("elbo"), exact) < LIMIT
    for drawn, share in (("stop(q)", "1"), ("q", "0.8")):  # planted: no gradient through z; a fifth of the entropy lost
        wrong = PATHWISE.replace("DRAWN", drawn).replace("SHARE", share)
        assert deviation(gaussian_blocks("path", wrong), exact) > 2 * LIMIT


def test_the_doubly_reparameterized_gradient_is_that_of_the_bound() -> None:
    pathwise = gaussian_blocks("iwae(K = 4)")
    doubly = gaussian_blocks("iwae_dreg(K = 4)")
    assert apart(pathwise, doubly) < LIMIT
    for power, stopped in (("1", "stop(q)"), ("2", "q")):  # planted: no square; a gradient into the density
        wrong = DREG.replace("POWER", power).replace("STOPPED", stopped)
        assert apart(pathwise, gaussian_blocks("dreg", wrong)) > 2 * LIMIT
