"""Every stage of EDM and of the Ornstein-Uhlenbeck process on Gaussian data, against its closed form.

Data are Normal(1, 1/2), so that x(t) is Normal(m, sqrt(m^2 / 4 + s^2)) with the signal m and the noise s of the kernel;
`tests/families/test_diffusion.py` has the same of variance-preserving, sub-VP and exploding equations on [0, 1]."""

from __future__ import annotations

import functools
import math
from typing import Any

import pytest
import torch
from torch import Tensor

import gencompiler

MEAN, SCALE = 1.0, 0.5

#: By name: the end of time, the equation, the prior's scale, the kernel that is claimed, and the grid of steps.
SDES = {
    "edm": ("20", "sqrt(2 * t) * dW", "20", "Normal(x, t)", "rho = 7, lo = 0.002"),
    "ou": ("5", "-x * dt + sqrt(2) * dW", "1", "Normal(exp(-t) * x, sqrt(1 - exp(-2 * t)))", "rho = 3, lo = 0.001"),
}
SPEC = """
model Gaussian(D = 2, factor = 1) {{
  observed x : Real[D]
  sde moved(x | t : Interval(0, {end})) {{ dx = {sde} }}
  param k : Real
  def spread(t : Interval(0, {end})) -> Positive = signal(moved, t)^2 / 4 + noise(moved, t)^2
  def score(x : Real[D], t : Interval(0, {end})) -> Real[D] = -factor * (x - signal(moved, t)) / spread(t)
  def fitted(x : Real[D], t : Interval(0, {end})) -> Real[D] = k * score(x, t)
  def eps(x : Real[D], t : Interval(0, {end})) -> Real[D] = -noise(moved, t) * fitted(x, t)
  def data_(x : Real[D], t : Interval(0, {end})) -> Real[D] = (x + noise(moved, t)^2 * fitted(x, t)) / signal(moved, t)
  def denoise(x : Real[D], s : Positive) -> Real[D] = x - k * s^2 * (x - 1) / (s^2 + 1 / 4)
  p(x({end})) = Normal(0, {prior})
  claim moved(x' | x, t) == {kernel}
  {requests}
}}
"""


@functools.cache
def compiled(name: str, requests: str, **constants: float) -> Any:
    end, sde, prior, kernel, _ = SDES[name]
    text = SPEC.format(end=end, sde=sde, prior=prior, kernel=kernel, requests=requests)
    return gencompiler.compile(text, **constants)().double()


def moments(name: str, t: float) -> tuple[float, float]:
    """The mean and the standard deviation of x(t)."""
    signal, variance = (1.0, t * t) if name == "edm" else (math.exp(-t), 1 - math.exp(-2 * t))
    return signal * MEAN, math.sqrt(signal**2 * SCALE**2 + variance)


@pytest.mark.parametrize("name", SDES)
def test_the_equation_carries_the_data_to_the_law_of_each_time(name: str) -> None:
    """40,000 paths of 400 steps to the end of time: six standard errors, and a bias of a thousandth of the scale."""
    generator = torch.Generator().manual_seed(1)
    start = MEAN + SCALE * torch.randn(40_000, 2, dtype=torch.float64, generator=generator)
    ended = compiled(name, "sample reverse_sde(score, moved, steps = 10)").simulate_moved(start, steps=400, seed=2)
    mean, scale = moments(name, float(SDES[name][0]))
    error = scale / math.sqrt(40_000)
    assert float((ended.mean(0) - mean).abs().max()) < 6 * error + 0.001 * scale
    assert float((ended.std(0) - scale).abs().max()) < 6 * error + 0.01 * scale


@pytest.mark.parametrize("name", SDES)
@pytest.mark.parametrize("method", ["reverse_sde", "probability_flow"])
def test_the_way_back_ends_at_the_data(name: str, method: str) -> None:
    """By both equations; a score that is a fifth too small does not."""
    solver = "euler_maruyama" if method == "reverse_sde" else "heun"
    steps = 400 if method == "reverse_sde" else 60
    request = f"sample {method}(score, moved, steps = {steps}, solver = {solver}({SDES[name][4]}))"

    def is_the_data(x: Tensor) -> bool:
        error = 6 * SCALE / math.sqrt(len(x)) + 0.02
        return bool((x.mean(0) - MEAN).abs().max() < error) and bool((x.std(0) - SCALE).abs().max() < error)

    assert is_the_data(compiled(name, request).sample(20_000, seed=4))
    assert not is_the_data(compiled(name, request, factor=0.8).sample(20_000, seed=4))


@pytest.mark.parametrize("name", SDES)
def test_the_flow_has_the_density_of_the_data(name: str) -> None:
    """At the cutoff, up to what the prior misses of the terminal law, whose closed form is taken off."""
    request = "evaluate probability_flow(score, moved, solver = dopri5(tolerance = 1e-8), steps = 4000, cutoff = 0.01)"
    x = torch.tensor([[1.0, 0.3], [0.5, 1.9], [2.0, 1.0]], dtype=torch.float64)
    found = compiled(name, request).probability_flow(x)
    (mean, scale), (last_mean, last_scale) = moments(name, 0.01), moments(name, float(SDES[name][0]))
    ended = last_mean + last_scale / scale * (x - mean)  # where the flow between Gaussians takes x
    prior = torch.distributions.Normal(0.0, float(SDES[name][2])).log_prob(ended).sum(1)
    exact = prior + 2 * math.log(last_scale / scale)
    torch.testing.assert_close(found, exact, rtol=0, atol=1e-5)
    data = torch.distributions.Normal(mean, scale).log_prob(x).sum(1)
    assert float((found - data).abs().max()) < 0.2


@pytest.mark.parametrize(
    ("name", "objective"),
    [
        ("edm", "edm_denoising(denoise, d = 0.5)"),
        ("edm", "denoising_score_matching(fitted, moved, weighting = variance)"),
        ("ou", "denoising_score_matching(fitted, moved, weighting = likelihood, cutoff = 0.05)"),
        ("ou", "noise_prediction(eps, moved)"),
        ("ou", "data_prediction(data_, moved, weighting = uniform, cutoff = 0.05)"),
    ],
)
def test_objectives_have_the_exact_score_as_their_minimum(name: str, objective: str) -> None:
    """In k the value is a parabola with its vertex at 1, up to the noise of 40,000 draws, which are the same ones."""
    model = compiled(name, f"train {objective}")
    generator = torch.Generator().manual_seed(7)
    x = MEAN + SCALE * torch.randn(40_000, 2, dtype=torch.float64, generator=generator)
    values = []
    for k in (0.0, 1.0, 2.0):
        with torch.no_grad():
            model.get_parameter("k").fill_(k)
            values.append(float(model.loss(x, seed=1).detach()))
    low, middle, high = values
    assert 1 - (high - low) / (2 * (high - 2 * middle + low)) == pytest.approx(1, abs=0.03)
