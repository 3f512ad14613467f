"""No-U-turn sampling: one step keeps exact draws of a skewed target, and is seen not to where a check is left out."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import gencompiler
from gencompiler.rows import orbits
from gencompiler.rows.nodes import Expr

#: exp(x) has the gamma law of shape 2; a long step, so that windows of a few states are often the last ones.
SPEC = """model Skewed(eps = 0.6) {
  observed x : Real
  latent   v : Real
  def U(x : Real) -> Real = exp(x) - 2 * x
  p(x, v) ∝ exp(-U(x) - v^2 / 2)
  bijection leap(x : Real, v : Real) -> (Real, Real) = (y, w - eps / 2 * grad(U)(y))
    where { w = v - eps / 2 * grad(U)(x)   y = x + eps * w }
  bijection flip(x : Real, v : Real) -> (Real, Real) = (x, -v)
  def apart(x, v, y, w : Real) -> Real = min((y - x) * v, (y - x) * w)
  transition refresh(x', v' | x, v) { v' ~ p(v) }
  transition walk(x', v' | x, v) { x', v' = orbit(leap, flip, while = apart, doublings = 5) }
  transition nuts = refresh |> walk
  claim stationary(nuts, p)
  sample chain(nuts, burn_in = 100)
}
"""
ROWS, STEPS = 20_000, 2


def _scores(spec: str) -> tuple[list[float], float]:
    """How many standard errors the moments after some steps are away from the exact ones, and the correlation."""
    model: Any = gencompiler.compile(spec)().double()
    generator = torch.Generator().manual_seed(1)
    start = torch.empty(ROWS, 2, dtype=torch.float64).exponential_(generator=generator).sum(1).log()
    velocity = torch.randn(ROWS, generator=generator, dtype=torch.float64)
    x, _, _ = model.run("chain", [start, velocity], torch.arange(ROWS), seed=3, steps=STEPS)

    def score(value: Tensor, exact: float) -> float:
        return float((value.mean() - exact) / value.std()) * ROWS**0.5

    euler = 0.5772156649015329
    moments = [score(x, 1 - euler), score(x.exp(), 2.0), score((2 * x).exp(), 6.0)]
    return moments, float(torch.corrcoef(torch.stack([start, x]))[0, 1])


def test_a_step_keeps_exact_draws_and_moves_them() -> None:
    """Three moments within 5 standard errors: a false alarm in 600,000."""
    scores, correlation = _scores(SPEC)
    assert all(abs(s) < 5 for s in scores), scores
    assert abs(correlation) < 0.5


def test_parts_of_a_block_that_fold_have_to_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Power: without looking at the parts of a block, only at whole windows, the law that is kept is another."""
    honest = orbits._Walk._parts

    def careless(walk: Any, *arguments: Any) -> tuple[Expr | None, Expr]:
        found, _ = honest(walk, *arguments)
        return found, arguments[0].plain["folded"]

    monkeypatch.setattr(orbits._Walk, "_parts", careless)
    scores, _ = _scores(SPEC.replace("Skewed", "Careless"))
    assert max(map(abs, scores)) > 5, scores


def test_the_states_of_a_straight_line_are_drawn_by_their_weight() -> None:
    """A walk of fixed length: without a criterion the window always has 2^n states, and a standard normal is kept."""
    line = """model Line {
  observed x : Real
  latent   v : Real
  p(x, v) ∝ exp(-x^2 / 2 - v^2 / 2)
  bijection along(x : Real, v : Real) -> (Real, Real) = (x + 0.3 * v, v)
  bijection flip(x : Real, v : Real) -> (Real, Real) = (x, -v)
  def always(x, v, y, w : Real) -> Real = 1
  transition refresh(x', v' | x, v) { v' ~ p(v) }
  transition walk(x', v' | x, v) { x', v' = orbit(along, flip, while = always, doublings = 4) }
  transition line = refresh |> walk
  claim stationary(line, p)
  sample chain(line, burn_in = 100)
}
"""
    model: Any = gencompiler.compile(line)().double()
    generator = torch.Generator().manual_seed(2)
    start, velocity = torch.randn(2, ROWS, generator=generator, dtype=torch.float64)
    x, _, rate = model.run("chain", [start, velocity], torch.arange(ROWS), seed=5, steps=1)
    assert abs(float(x.mean())) < 5 / ROWS**0.5
    assert abs(float((x**2).mean()) - 1) < 5 * (2 / ROWS) ** 0.5
    assert 0.1 < float(rate.mean()) < 0.9
