"""Warm-ups of chains: what they find, that they stop, and that a chain's row is its own; export to ArviZ."""

from __future__ import annotations

import builtins
import sys
from typing import Any

import pytest
import torch

import gencompiler
from gencompiler.runtime import adaptation, chains
from gencompiler.runtime.errors import RunError

#: Deviations 10, 1 and 0.1, and no correlations: with the right scales one step size serves all.
SCALES = """model Scales(D = 3) {
  observed x : Real[D]
  p(x) ∝ exp(-U(x))
  def U(x : Real[D]) -> Real = x[0]^2 / 200 + x[1]^2 / 2 + 50 * x[2]^2
  transition mala(x' | x, eps : Positive, scale : Positive[D]) {
    y ~ Normal(x - eps * scale^2 * grad(U)(x), scale * sqrt(2 * eps))
    x' = metropolis(y)
  }
  sample chain(mala, warmup = 800, thin = 4, eps = acceptance(0.6), scale = deviation)
}
"""
FIXED = """model Fixed {
  observed x : Real
  p(x) ∝ exp(-x^2 / 2)
  transition walk(x' | x, eps : Positive) { y ~ Normal(x, eps)   x' = metropolis(y) }
  sample chain(walk, burn_in = 100, eps = 2.4)
}
"""


@pytest.fixture(scope="module")
def model() -> Any:
    return gencompiler.compile(SCALES)()


@pytest.fixture(scope="module")
def chain(model: Any) -> Any:
    return model.chain(64, 200, seed=1)


def test_the_windows_of_a_warm_up_fill_it() -> None:
    for steps in (0, 1, 7, 25, 60, 100, 999, 5000):
        for slow in (False, True):
            found = adaptation.windows(steps, slow)
            assert sum(length for length, _ in found) == steps
            assert all(length > 0 for length, _ in found)
            assert slow or all(not each for _, each in found)
    lengths = [length for length, each in adaptation.windows(1000, True) if each]
    assert lengths == [25, 50, 100, 575]


def test_it_finds_the_rate_and_the_deviations(model: Any, chain: Any) -> None:
    """Acceptance within 0.1 of what was asked for, and draws with the deviations of the target, within 6 standard
    errors by the effective sizes."""
    assert abs(float(chain.acceptance.mean()) - 0.6) < 0.1
    for place, deviation in enumerate((10, 1, 0.1)):
        squares = (chain.draws[..., place] / deviation) ** 2
        size = chains.effective_sample_size(squares.double().numpy())
        assert size > 1000
        assert abs(float(squares.mean()) - 1) < 6 * float(squares.std()) / size**0.5
    rows = torch.arange(64)
    state = model.run("start", [], rows, seed=3)
    _, (size_, scale) = adaptation.warm_up(model, state, ["moving"], [], rows, 3)
    assert bool((scale.median(0).values / torch.tensor([10.0, 1.0, 0.1]) - 1).abs().max() < 0.2)
    assert bool((size_ > 0).all())


def test_without_scales_the_widest_direction_is_not_crossed(model: Any) -> None:
    """Power: with all scales 1 the step size that fits the narrow direction leaves the wide one where it began."""
    steps = 800 + 200 * 4
    rows = torch.arange(64)
    state = model.run("start", [], rows, seed=1)
    x, _ = model.run("chain", [*state, torch.full((64,), 0.005), torch.ones(64, 3)], rows, seed=1, steps=steps)
    assert float(x[:, 0].std()) < 7


def test_rows_adapt_on_their_own(model: Any) -> None:
    whole, part = (model.chain(count, 3, seed=5).draws for count in (70, 9))
    assert torch.equal(whole[:9], part)


def test_no_draw_of_the_warm_up_is_kept(model: Any) -> None:
    with pytest.raises(RunError, match="while the transition adapts"):
        model.chain(2, 2, burn_in=100)
    assert model.sample(2).shape == (2, 3)


def test_a_condition_may_be_a_number() -> None:
    fixed = gencompiler.compile(FIXED)()
    found = fixed.chain(64, 200, seed=0)
    assert abs(float(found.acceptance.mean()) - 0.44) < 0.05  # of a walk of 2.4 deviations (Roberts et al., 1997)
    assert abs(float(found.draws.var()) - 1) < 0.1


def test_chains_become_inference_data(chain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("arviz")
    found = chain.inference_data()
    assert found.posterior["x"].shape == (64, 200, 3)
    assert found.sample_stats["acceptance_rate"].shape == (64, 200)
    assert float(found.sample_stats["acceptance_rate"].mean()) == pytest.approx(
        float(chain.acceptance.mean()), abs=1e-5
    )
    real = builtins.__import__

    def missing(name: str, *rest: Any, **more: Any) -> Any:
        if name == "arviz":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.delitem(sys.modules, "arviz")
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(RunError, match="ArviZ"):
        chain.inference_data()
