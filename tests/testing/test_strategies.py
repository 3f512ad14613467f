"""Strategies: rows lie in their support for every pattern, and reach its ends; perturbations do what they say."""

import math

import pytest
import torch
from hypothesis import given, settings

from gencompiler.runtime.fields import Field, Support
from gencompiler.testing import strategies
from tests.testing import models

SUPPORTS = [
    Support("Real"),
    Support("Positive"),
    Support("NonNegative"),
    Support("Unit"),
    Support("Interval", (-2.0, 3.0)),
    Support("Open", (-math.inf, 4.0)),
    Support("Open", (1.0, math.inf)),
    Support("Binary"),
    Support("Integer", (0, 17)),
    Support("Integer", (-3, 2)),
    Support("Category", (5,)),
    Support("Count"),
]


@pytest.mark.parametrize("support", SUPPORTS, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("pattern", strategies.PATTERNS)
def test_rows_lie_in_their_support(support: Support, dtype: torch.dtype, pattern: str) -> None:
    rows = strategies.make_rows(Field("x", (3, 2), support), 41, pattern, 5, dtype)
    assert rows.shape == (41, 3, 2)
    assert rows.dtype == (torch.int64 if support.discrete else dtype)
    assert bool(support.contains(rows).all())
    assert bool(rows.isfinite().all())


@pytest.mark.parametrize("support", [s for s in SUPPORTS if s.name != "Real"], ids=str)
def test_edges_are_reached(support: Support) -> None:
    rows = strategies.make_rows(Field("x", (4,), support), 200, "mixed", 1).double()
    lower, upper, _, _ = support.ends
    if math.isfinite(lower):
        assert rows.min().item() == pytest.approx(lower, abs=1e-6)
    if math.isfinite(upper):
        assert rows.max().item() == pytest.approx(upper, abs=1e-6)


def test_tails_are_far_and_interior_is_not() -> None:
    field = Field("x", (4,), Support("Real"))
    assert strategies.make_rows(field, 100, "tails", 0).abs().min() >= 10
    assert strategies.make_rows(field, 100, "tails", 0).abs().max() > 0.9 * strategies.REACH
    assert strategies.make_rows(field, 100, "interior", 0).abs().max() < 6
    assert bool((strategies.make_rows(field, 100, "edges", 0) == 0).any())


@pytest.mark.parametrize("support", [s for s in SUPPORTS if s.name not in ("Real",)], ids=str)
def test_rows_off_the_support_are_off_it(support: Support) -> None:
    field = Field("x", (3,), support)
    rows = strategies.rows_off_support(field, 50, 2)
    assert rows is not None
    assert not bool(support.contains(rows).all(1).any())
    assert bool(support.contains(rows).any(1).all()), "the rest of the row is inside"


def test_nothing_lies_off_the_line() -> None:
    assert strategies.rows_off_support(Field("x", (3,), Support("Real")), 5, 0) is None


@given(strategies.perturbations(), strategies.seeds(), strategies.batch_sizes(10), strategies.dtypes())
@settings(max_examples=30, deadline=None, derandomize=True)
def test_drawn_values_are_admissible(
    perturbation: strategies.Perturbation, seed: int, size: int, dtype: torch.dtype
) -> None:
    model = models.Flow()
    before = {name: p.clone() for name, p in model.named_parameters()}
    changed = perturbation.apply(model)
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters()), "the model itself is left alone"
    moved = max((p - before[name]).abs().max().item() for name, p in changed.named_parameters())
    assert (moved > 0) == (perturbation.scale > 0)
    assert moved < 6 * perturbation.scale + 1e-9
    assert 0 <= seed < 2**64
    assert 0 <= size <= 23
    assert dtype.is_floating_point
