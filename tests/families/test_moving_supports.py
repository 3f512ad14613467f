"""Densities on supports whose ends are parameters: draws, densities and gradients against closed forms."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

import gencompiler

SPEC = '''"""A counter that is dead for a while after each pulse, and what it reads of the next one: Feller, 1948."""
density Waiting(x : Interval(dead, inf) | dead : Positive, rate : Positive) = rate * exp(-rate * (x - dead))
density Reading(y : Interval(low, low + width) | low : Positive, width : Positive) = 2 * (y - low) / width^2
model DeadTime {
  observed x, y : Positive
  param rate : Positive
  p(x) = Waiting(dead = 0.5, rate = rate)
  p(y | x) = Reading(low = x, width = 1 + x)
  claim cdf(Waiting) == 1 - exp(-rate * (x - dead))
  claim cdf(Reading) == ((y - low) / width)^2
  train maximum_likelihood
}
'''


@pytest.fixture(scope="module")
def model() -> Any:
    made = gencompiler.compile(SPEC)().double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.fill_(0.3)
    return made


def _rate(model: Any) -> float:
    return float(model.value("rate").detach())


def test_draws_lie_beyond_the_ends_and_follow_the_law(model: Any) -> None:
    """By the transforms that make both uniform: by the inequality of Dvoretzky, Kiefer, Wolfowitz and Massart, a
    largest distance of 0.027 from 20,000 draws is seen less than once in 10^12 times."""
    drawn = model.sample(20_000, seed=1)
    x, y = (value.detach() for value in drawn)
    assert bool((x >= 0.5).all()) and bool(((y >= x) & (y <= 2 * x + 1)).all())
    rate = _rate(model)
    for uniform in (1 - torch.exp(-rate * (x - 0.5)), ((y - x) / (1 + x)) ** 2):
        steps = torch.arange(len(x)) / len(x)
        assert float((uniform.double().sort().values - steps).abs().max()) < 0.027


def test_the_density_is_that_of_the_formula_and_zero_outside(model: Any) -> None:
    rate = _rate(model)
    x = torch.tensor([0.75, 2.0, 0.25, 2.0, 2.0], dtype=torch.float64)
    y = torch.tensor([1.0, 4.5, 1.0, 1.5, 5.5], dtype=torch.float64)
    found = model.log_prob(x, y).detach()
    inside = math.log(rate) - rate * (x - 0.5) + torch.log(2 * (y - x)) - 2 * torch.log(1 + x)
    assert torch.allclose(found[:2], inside[:2], rtol=1e-12)
    assert bool(torch.isneginf(found[2:]).all())


def test_what_lies_outside_leaves_the_gradient_of_the_others_alone(model: Any) -> None:
    x = torch.tensor([0.75, 0.25], dtype=torch.float64)
    y = torch.tensor([1.0, 1.0], dtype=torch.float64)
    (own,) = torch.autograd.grad(model.log_prob(x, y)[0], list(model.parameters()))
    assert bool(torch.isfinite(own).all()) and float(own) != 0
