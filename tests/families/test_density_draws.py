"""Several variables drawn at once from a density, and draws by way of others: chains with laws in closed form."""

from __future__ import annotations

import math

import torch

import gencompiler

PAIR = """density Pair(b : Positive, a : Real | m : Real) = Gamma(b | 2, 1 + a^2) * Normal(a | m, 1)
model Both {
  observed x : Real
  latent   y : Positive
  p(x, y) ∝ y * exp(-x^2 / 2 - y * (2 + x^2))
  transition t(x', y' | x, y) { b, a ~ Pair(m = x / 2)   x', y' = metropolis(a, b) }
  claim stationary(t, p)
  sample chain(t, burn_in = 50)
}
"""
WAY = """model Rates {
  observed x : Positive
  p(x) = Gamma(2, 3)
  transition t(x' | x) { n ~ Poisson(x)   x' ~ Gamma(2 + n, 4) }
  claim reversible(t, p)
  sample chain(t, burn_in = 50)
}
"""


def _moment(values: torch.Tensor) -> tuple[float, float]:
    """The mean over chains, each of which gives one independent number, and its standard error."""
    own = values.double().mean(1)
    return float(own.mean()), float(own.std()) / math.sqrt(len(own))


def test_a_pair_is_drawn_in_the_order_in_which_its_laws_read_each_other() -> None:
    """∫ p(x, y) dy is a multiple of exp(-x^2 / 2) / (2 + x^2)^2."""
    x = torch.linspace(-9, 9, 20_001, dtype=torch.float64)
    law = torch.exp(-(x**2) / 2) / (2 + x**2) ** 2
    found = gencompiler.compile(PAIR)().chain(256, 100, burn_in=50, seed=1)
    assert 0.2 < float(found.acceptance.mean()) < 1
    mean, error = _moment(found.draws.double() ** 2)
    assert abs(mean - float((x**2 * law).sum() / law.sum())) < 5 * error < 0.1


def test_a_draw_by_way_of_another_keeps_the_law() -> None:
    """Gamma(2, 3) has the mean 2 / 3 and the second moment 2 / 3, which a rate of 3 on the way back would change."""
    draws = gencompiler.compile(WAY)().chain(256, 100, burn_in=50, seed=2).draws
    for power in (1, 2):
        mean, error = _moment(draws.double() ** power)
        assert abs(mean - 2 / 3) < 5 * error < 0.1
    wrong = gencompiler.compile(WAY.replace("2 + n, 4", "2 + n, 3.5").replace("  claim reversible(t, p)\n", ""))()
    mean, error = _moment(wrong.chain(256, 100, burn_in=50, seed=2).draws)
    assert abs(mean - 2 / 3) > 5 * error
