"""`requires` of a density: proved where it holds, and asked of every use."""

from __future__ import annotations

import pytest

from gencompiler import api
from tests.checks.checking import checked

MODEL = "model M {{ observed y : Positive  param c, d : Positive  p(y) = F({use})  train maximum_likelihood }}\n"
#: The sum of two exponential variables of different rates: not defined where they are equal.
SUM = "density F(x : Positive | a : Positive, b : Positive) requires {condition} = {constant} * (exp(-b * x) - exp(-a * x))\n"
TRUE = "a * b / (a - b)"


def codes(condition: str, use: str, constant: str = TRUE) -> list[str]:
    text = SUM.format(condition=condition, constant=constant) + MODEL.format(use=use)
    return [d.code for d in api.check(text).diagnostics]


@pytest.mark.parametrize("condition", ["a > b", "b < a"])
def test_what_is_required_may_be_used(condition: str) -> None:
    assert codes(condition, "a = c + d, b = d") == []


def test_a_bound_of_what_has_a_bound_is_not_supported() -> None:
    assert codes("a > b and b > 0.5", "a = c + d + 0.5, b = d + 0.5") == ["G901"]


def test_without_it_the_density_is_none() -> None:
    found, _ = checked(
        (SUM.format(condition="a > b", constant=TRUE) + MODEL.format(use="")).replace("requires a > b ", "")
    )
    assert "proved" not in [v.status for v in found.verdicts if v.obligation.id in ("nonnegative", "mass")]


def test_a_wrong_constant_is_refuted_where_the_requirement_holds() -> None:
    assert codes("a > b", "a = c + d, b = d", "a * b / (a + b)") == ["G503"]


@pytest.mark.parametrize("use", ["a = c, b = d", "a = d, b = c + d", "a = c, b = c", "b = d", ""])
def test_a_use_has_to_fulfil_it(use: str) -> None:
    assert codes("a > b", use) == ["G501"]


def test_values_that_a_type_excludes_refute_nothing() -> None:
    """a = b + d may be anything above b, and a : Unit only what is below 1: that form is not supported."""
    density = "density F(x : Unit | a : Unit, b : Unit) requires a > b = if x < 1 - a + b then 1 / (1 - a + b) else 0\n"
    assert [
        d.code for d in api.check(density + "model M { observed y : Real  p(y) = Normal(0, 1) }\n").diagnostics
    ] == ["G901"]
