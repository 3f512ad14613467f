"""Storage of parameters and their first values."""

from __future__ import annotations

import math

import pytest
import torch

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.runtime import parameters
from gencompiler.runtime.fields import Support

SHAPES = {"Orthogonal": (5, 3), "Lower": (3, 3), "Upper": (3, 3)}
CASES = [
    Support("Real"),
    Support("Positive"),
    Support("NonNegative"),
    Support("Unit"),
    Support("Interval", (-1.0, 3.0)),
    Support("Open", (-1.0, 3.0)),
    Support("Open", (2.0, math.inf)),
    Support("Open", (-math.inf, 2.0)),
    Support("Open", (-math.inf, math.inf)),
    Support("Simplex", (4,)),
]


@pytest.mark.parametrize("support", CASES, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_any_storage_is_a_value_of_the_support(support: Support, dtype: torch.dtype) -> None:
    raw = torch.tensor([-1e4, -90.0, -20.0, -1.0, 0.0, 1.0, 20.0, 90.0], dtype=dtype).reshape(2, 4)
    value = parameters.constrain(raw, support)
    assert value.isfinite().all()
    strict = support.contains(value)
    # an interval away from zero cannot be told from its end by a float
    assert strict.all() or support.name == "Open"
    lower, upper, _, _ = support.ends
    assert ((value >= lower) & (value <= upper)).all()


@pytest.mark.parametrize("support", CASES, ids=str)
def test_unconstrain_goes_back(support: Support) -> None:
    raw = torch.linspace(-3, 3, 8, dtype=torch.float64).reshape(2, 4)
    value = parameters.constrain(raw, support)
    torch.testing.assert_close(parameters.constrain(parameters.unconstrain(value, support), support), value)


def test_matrices() -> None:
    raw = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    q = parameters.constrain(raw, Support("Orthogonal", (5, 3)))
    torch.testing.assert_close(q.mT @ q, torch.eye(3, dtype=torch.float64).expand(2, 3, 3))
    wide = parameters.constrain(raw.mT, Support("Orthogonal", (3, 5)))
    torch.testing.assert_close(wide @ wide.mT, torch.eye(3, dtype=torch.float64).expand(2, 3, 3))
    # an orthogonal matrix is stored as it is
    torch.testing.assert_close(parameters.constrain(q, Support("Orthogonal", (5, 3))), q)
    assert parameters.constrain(raw[:, :3], Support("Lower", (3,))).triu(1).abs().sum() == 0
    assert parameters.constrain(raw[:, :3], Support("Upper", (3,))).tril(-1).abs().sum() == 0
    for name in ("Lower", "Upper", "Invertible"):
        value = parameters.constrain(3 * raw[:, :3], Support(name, (3,)))
        assert torch.linalg.det(value).abs().min() > 0
        stored = parameters.unconstrain(value, Support(name, (3,)))
        torch.testing.assert_close(parameters.constrain(stored, Support(name, (3,))), value)
    start = parameters.constrain(
        parameters.initial("W", (2, 4, 4), 2, Support("Invertible", (4,))), Support("Invertible")
    )
    torch.testing.assert_close(start @ start.mT, torch.eye(4).expand(2, 4, 4), atol=1e-6, rtol=0)
    assert (start[0] - start[1]).abs().max() > 1e-2


def test_default_starts() -> None:
    assert parameters.constrain(
        parameters.initial("s", (3,), 0, Support("Positive")), Support("Positive")
    ).tolist() == (pytest.approx([1.0] * 3, abs=1e-6))
    assert parameters.initial("b", (3,), 1, Support("Real")).abs().sum() == 0
    simplex = parameters.constrain(parameters.initial("w", (4,), 1, Support("Simplex", (4,))), Support("Simplex"))
    torch.testing.assert_close(simplex, torch.full((4,), 0.25))
    table = parameters.constrain(parameters.initial("w", (2, 4), 2, Support("Simplex", (4,))), Support("Simplex"))
    torch.testing.assert_close(table.sum(-1), torch.ones(2))
    assert (table[0] - table[1]).abs().max() > 1e-3  # rows that start alike would learn alike
    matrix = parameters.initial("W", (50, 100), 2, Support("Real"))
    assert 0.09 < matrix.abs().max() <= 0.1
    assert abs(float(matrix.mean())) < 0.005
    q = parameters.initial("Q", (4, 4), 2, Support("Orthogonal", (4, 4)))
    torch.testing.assert_close(q @ q.mT, torch.eye(4), atol=1e-6, rtol=0)


def test_lifted_and_stacked_parameters_follow_their_own_rank() -> None:
    assert parameters.initial("s", (8, 3, 4), 0, Support("Real")).abs().sum() == 0
    stacked = parameters.initial("W", (2, 3, 4), 2, Support("Real"))
    assert not torch.equal(stacked[0], stacked[1])


def test_constant_starts() -> None:
    raw = parameters.initial("s", (2,), 1, Support("Positive"), start=3.0)
    torch.testing.assert_close(parameters.constrain(raw, Support("Positive")), torch.full((2,), 3.0))
    assert parameters.initial("W", (2, 3), 2, Support("Real"), start="zeros").abs().sum() == 0


def test_start_depends_on_seed_and_path_alone() -> None:
    def weights(path: str, seed: int) -> torch.Tensor:
        torch.manual_seed(seed + 17)
        return parameters.initial(path, (3, 4), 2, Support("Real"), seed=seed)

    state = torch.get_rng_state()
    assert torch.equal(weights("W", 0), parameters.initial("W", (3, 4), 2, Support("Real")))
    assert not torch.equal(weights("W", 0), weights("V", 0))
    assert not torch.equal(weights("W", 0), weights("W", 1))
    torch.set_rng_state(state)


def test_every_support_that_parameters_may_have_is_stored() -> None:
    """The catalogue says which."""
    for name, facts in SUPPORTS.items():
        if facts.stored is None:
            continue
        shape = SHAPES.get(name, (3, 3))
        support = Support(name, (0.0, 1.0) if name in ("Interval", "Open") else ())
        assert parameters.constrain(torch.zeros(*shape) + torch.eye(*shape), support).shape == shape


def test_unknown_storage_is_an_error() -> None:
    with pytest.raises(ValueError, match="no storage"):
        parameters.constrain(torch.zeros(1), Support("Count"))
