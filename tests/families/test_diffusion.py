"""Diffusions on Gaussian data, where everything is a closed form: kernels, reverse-time samples, likelihoods, orders.

With data Normal(1, 1/2) and the exact score, the reverse-time SDE must give the data back and the probability flow its
density; what is left is the solver's error, whose order is measured."""

from __future__ import annotations

import functools
import itertools
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import gencompiler
from gencompiler.runtime import data

MEAN, SCALE = 1.0, 0.5

SDES = {
    "vp": ("-0.5 * beta(t) * x * dt + sqrt(beta(t)) * dW", "1"),
    "subvp": ("-0.5 * beta(t) * x * dt + sqrt(beta(t) * (1 - exp(-0.2 * t - 19.9 * t^2))) * dW", "1"),
    "ve": ("0.01 * 2000^t * sqrt(2 * log(2000)) * dW", "20"),
}

SPEC = """
model Gaussian(D = 2, K = 500, factor = 1) {{
  observed x : Real[D]
  def beta(t : Interval(0, 1)) -> Positive = 0.1 + 19.9 * t
  sde moved(x | t : Interval(0, 1)) {{ dx = {sde} }}
  def score(x : Real[D], t : Interval(0, 1)) -> Real[D] =
    -factor * (x - signal(moved, t)) / (signal(moved, t)^2 / 4 + noise(moved, t)^2)
  p(x(1)) = Normal(0, {prior})
  {requests}
}}
"""


@functools.cache
def compiled(name: str, requests: str, **constants: int | float) -> Any:
    sde, prior = SDES[name]
    return gencompiler.compile(SPEC.format(sde=sde, prior=prior, requests=requests), **constants)()


def moments(name: str, t: float) -> tuple[float, float]:
    """Signal and variance of the kernels, by hand."""
    if name == "ve":
        return 1.0, 1e-4 * (2000 ** (2 * t) - 1)
    whole = 0.1 * t + 9.95 * t * t
    return math.exp(-whole / 2), (1 - math.exp(-whole)) ** (2 if name == "subvp" else 1)


def density(name: str, x: Tensor, t: float) -> Tensor:
    """log p_t(x)"""
    signal, variance = moments(name, t)
    spread = signal**2 * SCALE**2 + variance
    return (-0.5 * (x - signal * MEAN) ** 2 / spread - 0.5 * math.log(2 * math.pi * spread)).sum(-1)


# -- kernels and solvers ---------------------------------------------------------------------------------------------

MOVING = """
model Moving {{
  observed x : Real
  p(x) = Normal(0, 1)
  sde moved(x | t : Interval(0, 1)) {{ dx = {sde} }}
}}
"""


@functools.cache
def simulated(sde: str) -> Any:
    return gencompiler.compile(MOVING.format(sde=sde))().double()


def test_the_kernel_is_what_a_simulation_gives() -> None:
    """dx = -(x - 1) dt + sqrt(1/2) dW from 3: 60,000 paths of 200 steps; six standard errors and the bias h of Euler.

    A noise 5 % too large is caught."""
    count, steps = 60_000, 200
    start = torch.full((count,), 3.0, dtype=torch.float64)
    found = simulated("-(x - 1) * dt + sqrt(0.5) * dW").simulate_moved(start, steps=steps, seed=3)
    mean, variance = 1 + 2 * math.exp(-1), 0.25 * (1 - math.exp(-2))

    def near(x: Tensor) -> bool:
        drift = abs(float(x.mean()) - mean) < 6 * math.sqrt(variance / count) + 1 / steps
        return drift and abs(float(x.var()) / variance - 1) < 6 * math.sqrt(2 / count) + 1 / steps

    assert near(found)
    assert not near(simulated("-(x - 1) * dt + 1.05 * sqrt(0.5) * dW").simulate_moved(start, steps=steps, seed=3))


def test_euler_maruyama_has_weak_order_one() -> None:
    """Of a linear drift the mean of the scheme is (1 - h)^n exactly; from 10^9 the noise is nothing."""
    model = simulated("-x * dt + dW")
    start = torch.full((4,), 1e9, dtype=torch.float64)

    def error(steps: int) -> float:
        return abs(float(model.simulate_moved(start, steps=steps).mean()) / 1e9 - math.exp(-1))

    orders = [math.log2(error(n) / error(2 * n)) for n in (32, 64, 128)]
    assert all(abs(order - 1) < 0.05 for order in orders), orders


@pytest.mark.parametrize(
    ("sde", "exact", "order"),
    [
        ("x * dW", lambda w: torch.exp(w - 0.5), 0.5),
        ("x ∘ dW", torch.exp, 0.5),
        ("0.5 * x * dt + x * dW", torch.exp, 0.5),
    ],
)
def test_euler_maruyama_has_strong_order_one_half(sde: str, exact: Any, order: float) -> None:
    """Against the exact solution of the same Brownian path, which `dx = dW` gives: equal seeds, equal increments."""
    model, path = simulated(sde), simulated("dW")
    rows = 4000
    start = torch.ones(rows, dtype=torch.float64)

    def error(steps: int) -> float:
        brownian = path.simulate_moved(torch.zeros_like(start), steps=steps, seed=1)
        return float((model.simulate_moved(start, steps=steps, seed=1) - exact(brownian)).abs().mean())

    found = [error(n) for n in (16, 64, 256)]
    orders = [math.log(a / b, 4) for a, b in itertools.pairwise(found)]
    assert all(abs(o - order) < 0.15 for o in orders), orders


def test_reading_stratonovich_as_ito_is_seen() -> None:
    """E x(1) = sqrt(e) for x o dW, and 1 for x * dW."""
    start = torch.ones(40_000, dtype=torch.float64)
    means = [float(simulated(s).simulate_moved(start, steps=64, seed=2).mean()) for s in ("x ∘ dW", "x * dW")]
    assert means[0] == pytest.approx(math.sqrt(math.e), abs=0.08) and means[1] == pytest.approx(1, abs=0.05)


# -- sampling --------------------------------------------------------------------------------------------------------


def is_the_data(x: Tensor, bias: float) -> bool:
    """Mean and standard deviation within six standard errors and the stated bias of the discretization."""
    error = SCALE / math.sqrt(len(x))
    means = (x.mean(0) - MEAN).abs().max() < 6 * error + bias
    return bool(means) and bool((x.std(0) - SCALE).abs().max() < 6 * error + bias)


@pytest.mark.parametrize("name", SDES)
@pytest.mark.parametrize("method", ["reverse_sde", "probability_flow"])
def test_the_exact_score_gives_the_data_back(name: str, method: str) -> None:
    """20,000 samples of 500 steps, a bias of at most 0.02; a score that is 20 % too small is caught."""
    requests = f"sample {method}(score, moved, steps = K)"
    assert is_the_data(compiled(name, requests).sample(20_000, seed=4), 0.02)
    assert not is_the_data(compiled(name, requests, factor=0.8).sample(20_000, seed=4), 0.02)


def test_samples_are_functions_of_the_seed_and_the_row() -> None:
    model = compiled("vp", "sample reverse_sde(score, moved, steps = K)", K=20)
    torch.testing.assert_close(model.sample(10, seed=1), model.sample(300, seed=1)[:10], rtol=0, atol=0)
    assert not torch.equal(model.sample(10, seed=1), model.sample(10, seed=2))


# -- likelihoods -----------------------------------------------------------------------------------------------------


def likelihood(name: str, steps: int, solver: str, x: Tensor, **constants: int) -> Tensor:
    requests = f"evaluate probability_flow(score, moved, steps = K, solver = {solver})"
    return compiled(name, requests, K=steps, **constants).double().probability_flow(x)


@pytest.mark.parametrize("name", SDES)
def test_the_flow_has_the_exact_density(name: str) -> None:
    """At the cutoff, up to the solver and to what the terminal law misses: mean m and variance 1 - 3/4 m^2."""
    x = MEAN + SCALE * torch.randn(64, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found = likelihood(name, 200, "rk4", x)
    missing = {"vp": 0.03, "subvp": 0.03, "ve": 0.25}[name]
    assert float((found - density(name, x, 1e-3)).abs().max()) < missing
    assert float((found - density(name, x + 0.5, 1e-3)).abs().max()) > 0.3


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("heun", 2), ("rk4", 4)])
def test_the_solvers_have_their_order(solver: str, order: int) -> None:
    """log p against a solution with far smaller steps."""
    x = torch.tensor([[1.2, 0.3], [0.5, 1.9], [2.0, 1.0]], dtype=torch.float64)
    reference = likelihood("vp", 1600, "rk4", x)
    errors = [float((likelihood("vp", n, solver, x) - reference).abs().max()) for n in (100, 200, 400)]
    orders = [math.log2(a / b) for a, b in itertools.pairwise(errors)]
    assert all(abs(o - order) < 0.25 for o in orders), (errors, orders)


COUPLED = """
model Coupled(D = 3) {{
  observed x : Real[D]
  sde moved(x | t : Interval(0, 1)) {{ dx = -5 * x * dt + sqrt(10) * dW }}
  param W : Real[D, D]
  def score(x : Real[D], t : Interval(0, 1)) -> Real[D] = -x + tanh(W @ x) * (1 - t)
  p(x(1)) = Normal(0, 1)
  evaluate probability_flow(score, moved, steps = 40, divergence = {divergence})
}}
"""


def coupled(divergence: str) -> Any:
    model = gencompiler.compile(COUPLED.format(divergence=divergence))().double()
    with torch.no_grad():
        model.get_parameter("W").copy_(torch.tensor([[0.3, -0.8, 0.2], [0.9, 0.1, -0.4], [-0.2, 0.7, 0.5]]))
    return model


def test_the_divergence_is_the_trace_of_the_jacobian() -> None:
    """The density is that of the map which the same steps make: log|det| of autograd's Jacobian, up to the order."""
    x = torch.tensor([[0.4, -0.7, 1.1]], dtype=torch.float64)
    model = coupled("exact")
    W = model.get_parameter("W").detach()

    def drift(x: Tensor, t: float) -> Tensor:
        return -5 * x - 5 * (-x + torch.tanh(x @ W.T) * (1 - t))

    def ended(x: Tensor) -> Tensor:
        length = (1 - 1e-3) / 40
        for k in range(40):
            t = 1e-3 + length * k
            first = drift(x, t)
            x = x + length / 2 * (first + drift(x + length * first, t + length))
        return x

    end = ended(x)
    jacobian = torch.autograd.functional.jacobian(lambda one: ended(one[None])[0], x[0])
    base = (-0.5 * end**2 - 0.5 * math.log(2 * math.pi)).sum()
    exact = float(base + torch.linalg.slogdet(jacobian).logabsdet)
    assert float(model.probability_flow(x).detach()) == pytest.approx(exact, abs=0.02)


def test_hutchinson_estimates_without_bias() -> None:
    """The mean over 600 probes, within six standard errors of the exact divergence; one probe is not exact."""
    x = torch.tensor([[0.4, -0.7, 1.1]], dtype=torch.float64)
    exact, model = float(coupled("exact").probability_flow(x).detach()), coupled("hutchinson")
    found = torch.stack([model.probability_flow(x, seed=seed)[0] for seed in range(600)]).detach()
    error = float(found.std()) / math.sqrt(len(found))
    assert error > 0 and abs(float(found.mean()) - exact) < 6 * error + 1e-9


# -- training --------------------------------------------------------------------------------------------------------

FITTED = """
model Fitted {
  observed x : Real[2]
  sde moved(x | t : Interval(0, 1)) { dx = -5 * x * dt + sqrt(10) * dW }
  param k : Real
  def score(x : Real[2], t : Interval(0, 1)) -> Real[2] =
    -k * (x - signal(moved, t)) / (signal(moved, t)^2 / 4 + noise(moved, t)^2)
  def eps(x : Real[2], t : Interval(0, 1)) -> Real[2] = -noise(moved, t) * score(x, t)
  def v(x : Real[2], t : Interval(0, 1)) -> Real[2] =
    k * (signal(moved, t) * noise(moved, t) * (3 / 4) * x - noise(moved, t)) / (signal(moved, t)^2 / 4 + noise(moved, t)^2)
  def d(x : Real[2], t : Interval(0, 1)) -> Real[2] =
    k * (1 + signal(moved, t) / 4 * (x - signal(moved, t)) / (signal(moved, t)^2 / 4 + noise(moved, t)^2))
  p(x(1)) = Normal(0, 1)
  train OBJECTIVE
}
"""


@pytest.mark.parametrize(
    "objective",
    [
        "denoising_score_matching(score, moved, weighting = variance)",
        "denoising_score_matching(score, moved, weighting = likelihood, cutoff = 0.05)",
        "noise_prediction(eps, moved)",
        "velocity_prediction(v, moved)",
        "data_prediction(d, moved)",
        "data_prediction(d, moved, weighting = uniform)",
    ],
)
def test_the_objectives_have_the_exact_score_as_their_minimum(objective: str) -> None:
    """In k the value is a parabola, with its vertex at the exact score: three values with equal draws give it."""
    model = gencompiler.compile(FITTED.replace("OBJECTIVE", objective))().double()
    generator = torch.Generator().manual_seed(7)
    x = MEAN + SCALE * torch.randn(40_000, 2, dtype=torch.float64, generator=generator)
    values = []
    for k in (0.0, 1.0, 2.0):
        with torch.no_grad():
            model.get_parameter("k").fill_(k)
            values.append(float(model.loss(x, seed=1).detach()))
    low, middle, high = values
    vertex = 1 - (high - low) / (2 * (high - 2 * middle + low))
    assert vertex == pytest.approx(1, abs=0.03)


@pytest.mark.slow
def test_moons_are_likelier_than_under_a_gaussian() -> None:
    """30 epochs of noise prediction: log p by the flow, against the Gaussian of the data's mean and covariance."""
    model = gencompiler.compile(Path("specs/physics/vp_diffusion.gen"))()
    split = data.load("moons", model.fields)
    rows, points = (part.tensors["x"].double() for part in (split.train, split.test))
    gaussian = float(torch.distributions.MultivariateNormal(rows.mean(0), rows.T.cov()).log_prob(points).mean())

    def likelihood_now() -> float:
        with torch.no_grad():
            return float(model.probability_flow(points.float()).mean())

    assert likelihood_now() < gaussian, "before training"
    model.fit("moons", epochs=30)
    assert likelihood_now() > gaussian + 0.15


INTERPRETED = """
import os, torch, gencompiler
model = gencompiler.compile({spec!r}, K=20)()
x = torch.randn(5, 2, generator=torch.Generator().manual_seed(1))
runs = (lambda: model.sample(7, seed=1), lambda: model.probability_flow(x), lambda: model.simulate_moved(x, steps=9))
for each in runs:
    found = []
    for backend in ("torch", "triton"):
        os.environ["GENC_BACKEND"] = backend
        with torch.no_grad():
            found.append(each())
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-4)
"""


def test_the_kernels_compute_the_same() -> None:
    """Loops over time in Triton's interpreter, against torch."""
    sde, prior = SDES["vp"]
    requests = "sample reverse_sde(score, moved, steps = K)\n  evaluate probability_flow(score, moved, steps = K)"
    spec = SPEC.format(sde=sde, prior=prior, requests=requests)
    ended = subprocess.run(
        [sys.executable, "-c", INTERPRETED.format(spec=spec)],
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]


# -- several variables -----------------------------------------------------------------------------------------------

UNDERDAMPED = """
model Underdamped(g = 1) {{
  observed x, v : Real
  p(x, v) ∝ exp(-x^2 / 2 - v^2 / 2)
  sde langevin(x, v | t : Interval(0, 20)) {{ dx = v * dt  dv = (-x - g * v) * dt + {noise} * dW }}
}}
"""


def test_underdamped_langevin_reaches_its_law() -> None:
    """20,000 paths of 4000 steps from 0: means 0 and variances 1, uncorrelated, within six standard errors and the bias
    of the steps.  Noise that does not go with the friction is caught."""

    def worst(noise: str) -> float:
        model = gencompiler.compile(UNDERDAMPED.format(noise=noise))()
        x, v = model.simulate_langevin(torch.zeros(20_000), torch.zeros(20_000), steps=4000, seed=1)
        return max(abs(float(e)) for e in (x.mean(), v.mean(), x.var() - 1, v.var() - 1, (x * v).mean()))

    bound = 6 * math.sqrt(2 / 20_000) + 0.01
    assert worst("sqrt(2 * g)") < bound < worst("sqrt(g)")
