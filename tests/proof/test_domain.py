"""Interval arithmetic: every result of members is a member, and the ends that are claimed are reached."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gencompiler.model.nodes import Support
from gencompiler.proof import domain
from gencompiler.proof.domain import Interval
from tests.proof.strategies import patient

NUMBERS = st.fractions(min_value=-5, max_value=5, max_denominator=3)


@st.composite
def intervals(draw: st.DrawFn, infinite: bool = True) -> Interval:
    lower, upper = sorted((draw(NUMBERS), draw(NUMBERS)))
    if lower == upper:
        return Interval(lower, upper)
    below, above = (infinite and draw(st.integers(0, 5)) == 0 for _ in range(2))
    ends = (-math.inf if below else lower, math.inf if above else upper)
    return Interval(*ends, draw(st.booleans()), draw(st.booleans()))


@st.composite
def members(draw: st.DrawFn, interval: Interval) -> Fraction:
    """A member: an end that belongs, or something between."""
    lower = interval.lower if math.isfinite(interval.lower) else min(-10, interval.upper) - 10
    upper = interval.upper if math.isfinite(interval.upper) else max(10, interval.lower) + 10
    weights = st.fractions(min_value=0, max_value=1, max_denominator=6)
    values = weights.map(lambda w: Fraction(lower) + w * (Fraction(upper) - Fraction(lower)))
    return draw(values.filter(interval.contains))


OPERATIONS = {
    "add": (domain.add, lambda x, y: x + y),
    "subtract": (domain.subtract, lambda x, y: x - y),
    "multiply": (domain.multiply, lambda x, y: x * y),
}


@pytest.mark.parametrize("name", OPERATIONS)
@patient
@given(data=st.data())
def test_results_of_members_are_members(name: str, data: st.DataObject) -> None:
    on_intervals, on_numbers = OPERATIONS[name]
    a, b = data.draw(intervals()), data.draw(intervals())
    x, y = data.draw(members(a)), data.draw(members(b))
    assert on_intervals(a, b).contains(on_numbers(x, y))


@pytest.mark.parametrize("name", OPERATIONS)
@patient
@given(data=st.data())
def test_an_end_that_belongs_is_reached_and_one_that_does_not_is_approached(name: str, data: st.DataObject) -> None:
    """Without this, `(-inf, inf)` would pass the test above.  The corners of the box attain or approach every end."""
    on_intervals, on_numbers = OPERATIONS[name]
    a, b = data.draw(intervals(infinite=False)), data.draw(intervals(infinite=False))
    found = on_intervals(a, b)
    corners = [
        (on_numbers(x, y), xo or yo)
        for x, xo in ((a.lower, a.lower_open), (a.upper, a.upper_open))
        for y, yo in ((b.lower, b.lower_open), (b.upper, b.upper_open))
    ]
    assert found.lower == min(v for v, _ in corners)
    assert found.upper == max(v for v, _ in corners)
    if not found.lower_open and found.lower != 0:
        assert any(v == found.lower and not is_open for v, is_open in corners)


@patient
@given(data=st.data(), exponent=st.integers(1, 4))
def test_powers_of_members_are_members(data: st.DataObject, exponent: int) -> None:
    a = data.draw(intervals())
    x = data.draw(members(a))
    found = domain.power(a, exponent)
    assert found.contains(x**exponent)
    if exponent % 2 == 0:
        assert found.lower >= 0


@patient
@given(data=st.data())
def test_reciprocals_of_members_are_members(data: st.DataObject) -> None:
    a = data.draw(intervals())
    found = domain.reciprocal(a)
    x = data.draw(members(a))
    if found is None:
        assert a.lower <= 0 <= a.upper
    else:
        assert found.contains(1 / x)


@patient
@given(data=st.data())
def test_the_hull_holds_both(data: st.DataObject) -> None:
    a, b = data.draw(intervals()), data.draw(intervals())
    assert a.within(domain.hull(a, b))
    assert b.within(domain.hull(a, b))


@patient
@given(data=st.data())
def test_within_means_that_every_member_is_one(data: st.DataObject) -> None:
    a, b = data.draw(intervals()), data.draw(intervals())
    x = data.draw(members(a))
    if a.within(b):
        assert b.contains(x)


def test_openness_decides() -> None:
    assert Interval(0, 1, True, True).within(domain.of_support(Support("Unit")))
    assert not Interval(0, 1, False, True).within(domain.of_support(Support("Unit")))
    assert domain.multiply(Interval(0, 1, True, True), domain.point(0)) == domain.point(0)
    assert domain.multiply(domain.POSITIVE, domain.POSITIVE) == domain.POSITIVE
    assert domain.multiply(domain.NON_NEGATIVE, domain.REALS) == domain.REALS
    assert domain.add(domain.POSITIVE, domain.NON_NEGATIVE) == domain.POSITIVE
    assert domain.POSITIVE.sign == 1
    assert domain.NON_NEGATIVE.sign == 0


@pytest.mark.parametrize("ends", [(1, 0, False, False), (0, 0, True, False), (math.nan, 1, False, False)])
def test_an_empty_interval_is_refused(ends: tuple[float, float, bool, bool]) -> None:
    with pytest.raises(ValueError, match=r"empty|NaN"):
        Interval(*ends)


def test_a_support_whose_ends_are_not_exact_has_no_interval() -> None:
    assert domain.of_support(Support("Angle")) is None
    assert domain.of_support(Support("Integer", (Fraction(3), Fraction(3)))) is None
    assert domain.of_support(Support("Open", (-math.inf, Fraction(2)))) == Interval(-math.inf, 2, True, True)
