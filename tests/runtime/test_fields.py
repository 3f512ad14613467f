"""Supports at run time: membership, stand-ins, storage."""

from __future__ import annotations

import math

import pytest
import torch

from gencompiler.catalog.supports import SUPPORTS, bounds
from gencompiler.runtime.fields import DISCRETE, Field, Support

ARGUMENTS = {
    "Interval": (-1.0, 2.0),
    "Open": (-1.0, 2.0),
    "Category": (4,),
    "Integer": (2, 6),
    "Simplex": (3,),
    "Permutation": (4,),
}
MATRICES = {"Orthogonal", "Invertible", "Lower", "Upper"}
SCALARS = sorted(SUPPORTS.keys() - MATRICES)


def support(name: str) -> Support:
    return Support(name, ARGUMENTS.get(name, ()))


@pytest.mark.parametrize("name", SCALARS)
def test_runtime_supports_are_the_catalogues(name: str) -> None:
    """The runtime imports nothing of the compiler, so it states the same facts again; they must agree."""
    assert support(name).ends == bounds(name, ARGUMENTS.get(name, ()))
    assert (name in DISCRETE) == SUPPORTS[name].discrete


@pytest.mark.parametrize("name", SCALARS)
def test_members_are_inside(name: str) -> None:
    shape = (4,) if name == "Permutation" else (3,)
    assert support(name).contains(support(name).member(shape)).all()


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("Real", [-1e30, 0.0], [math.inf, math.nan]),
        ("Positive", [1e-30, 5.0], [0.0, -1.0, math.inf]),
        ("NonNegative", [0.0, 5.0], [-1e-30]),
        ("Unit", [0.5], [0.0, 1.0]),
        ("Interval", [-1.0, 2.0], [-1.1, 2.1]),
        ("Open", [0.0], [-1.0, 2.0]),
        ("NonZero", [-1.0], [0.0]),
        ("Sign", [-1.0, 1.0], [0.0, 2.0]),
        ("Binary", [0.0, 1.0], [0.5, 2.0, -1.0]),
        ("Integer", [2.0, 5.0], [1.0, 6.0, 2.5]),
        ("Category", [0.0, 3.0], [4.0, -1.0]),
        ("Count", [0.0, 1e6], [-1.0, 0.5]),
        ("Angle", [-math.pi, 3.0], [math.pi, -3.2]),
    ],
)
def test_membership(name: str, inside: list[float], outside: list[float]) -> None:
    assert support(name).contains(torch.tensor(inside, dtype=torch.float64)).all()
    assert not support(name).contains(torch.tensor(outside, dtype=torch.float64)).any()


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int64, torch.bool])
@pytest.mark.parametrize("ends", [(-5, 300), (0, 256), (-300, 300)], ids=str)
def test_narrow_dtypes_do_not_wrap(dtype: torch.dtype, ends: tuple[int, int]) -> None:
    assert Support("Integer", ends).contains(torch.ones(2, dtype=dtype)).all()
    assert not Support("Integer", (2, ends[1])).contains(torch.ones(2, dtype=dtype)).any()


def test_membership_of_rows() -> None:
    simplex = Support("Simplex", (2,)).contains(torch.tensor([[0.25, 0.75], [0.5, 0.6]]))
    assert simplex.tolist() == [[True, True], [False, False]]
    permutation = Support("Permutation", (3,)).contains(torch.tensor([[2, 0, 1], [0, 0, 1]]))
    assert permutation.all(1).tolist() == [True, False]


def test_constraint_speaks_of_events() -> None:
    constraint = Support("Binary").constraint(1)
    assert constraint.event_dim == 1
    assert constraint.check(torch.tensor([[0, 1], [0, 2]])).tolist() == [True, False]


def test_words() -> None:
    assert str(Field("x", (64,), Support("Integer", (0, 17)))) == "x : Integer(0..17)[64]"
    assert str(Field("x", (), Support("Interval", (0, math.inf)))) == "x : Interval(0, inf)"
