"""Enclosures against flint in four times the precision: they hold the value, and they are tight."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

import pytest
from flint import arb, ctx, fmpq
from hypothesis import given
from hypothesis import strategies as st

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.proof import enclosure
from gencompiler.proof.domain import POSITIVE, REALS, Interval
from tests.proof.strategies import patient

MONOTONE = sorted(f.name for f in FUNCTIONS.values() if f.monotone == "increasing")
PRECISE = 4 * enclosure.PRECISION


def rationals(name: str) -> st.SearchStrategy[Fraction]:
    """Rationals in the open domain of a function."""
    domain = enclosure.domain_of(name)
    low = math.ceil(domain.lower * 64) if math.isfinite(domain.lower) else -40 * 64
    high = math.floor(domain.upper * 64) if math.isfinite(domain.upper) else 40 * 64
    return st.integers(low + 1, high - 1).map(lambda n: Fraction(n, 64))


def precise(name: str, argument: Fraction) -> arb:
    function = enclosure.ball_function(name)
    assert function is not None
    with ctx.workprec(PRECISE):
        return function(arb(fmpq(argument.numerator, argument.denominator)))


def as_ball(value: Fraction) -> arb:
    return arb(fmpq(value.numerator, value.denominator))


@pytest.mark.parametrize("name", MONOTONE)
@patient
@given(data=st.data())
def test_bounds_hold_the_value_and_are_tight(name: str, data: st.DataObject) -> None:
    argument = data.draw(rationals(name))
    low, high = enclosure.value(name, argument)
    with ctx.workprec(PRECISE):
        true = precise(name, argument)
        if low != high:
            assert not as_ball(Fraction(low)) > true
            assert not as_ball(Fraction(high)) < true
        width = high - low
        assert width <= abs(Fraction(low)) * Fraction(1, 2**60) + Fraction(1, 2**100)


@pytest.mark.parametrize("name", MONOTONE)
@patient
@given(data=st.data())
def test_the_image_holds_the_values(name: str, data: st.DataObject) -> None:
    a, b, inside = sorted(data.draw(st.tuples(*3 * [rationals(name)])))
    image, _ = enclosure.image(name, Interval(a, inside))
    value = precise(name, b)
    with ctx.workprec(PRECISE):
        assert not as_ball(Fraction(image.lower)) > value
        assert not as_ball(Fraction(image.upper)) < value


@pytest.mark.parametrize("name", [f.name for f in FUNCTIONS.values() if f.exact])
def test_the_value_called_exact_is_the_value(name: str) -> None:
    argument, value = (Fraction(part) for part in str(FUNCTIONS[name].exact).split(":"))
    if enclosure.exact_function(name) is not None:
        assert enclosure.exact_function(name)(argument) == value
        return
    with ctx.workprec(PRECISE):
        assert precise(name, argument).contains(as_ball(value))
        assert float(precise(name, argument).rad()) < 1e-100
    assert enclosure.value(name, argument) == (value, value)


@pytest.mark.parametrize("name", MONOTONE)
def test_the_whole_domain_has_the_whole_range(name: str) -> None:
    image, exact = enclosure.image(name, enclosure.domain_of(name))
    ends = FUNCTIONS[name].range + FUNCTIONS[name].domain
    if "pi" in ends or "/e" in ends:  # not rational
        assert not exact
        whole = enclosure.range_of(name)
        assert image.within(whole)
        for end, wanted in ((image.lower, whole.lower), (image.upper, whole.upper)):
            # the domain's end is rounded inward, and there the slope may be infinite, as that of a square root at 0
            if math.isfinite(wanted):
                assert abs(end - wanted) < Fraction(1, 2**30)
            else:
                assert (end if wanted > 0 else -end) > 2**60
    else:
        assert exact
        assert image == enclosure.range_of(name)


def test_a_wide_argument_keeps_the_sign_of_exp() -> None:
    """A ball around [-1000, 1000] would say that exp of it may be negative."""
    image, _ = enclosure.image("exp", Interval(-1000, 1000))
    assert image.sign == 1


def test_arguments_beyond_all_precision() -> None:
    for argument in (Fraction(10) ** 30, -(Fraction(10) ** 30), Fraction(10) ** 4000):
        image, exact = enclosure.image("exp", Interval(argument, argument + 1))
        assert image.sign == 1
        assert not exact
    image, exact = enclosure.image("sigmoid", Interval(40, 2000))
    assert image.upper == 1
    assert image.upper_open  # what a float rounds to 1 is below 1
    assert not exact


def test_constants() -> None:
    pi = enclosure.named_constant("pi")
    assert Fraction(math.pi) - Fraction(1, 10**15) < pi.lower < pi.upper < Fraction(math.pi) + Fraction(1, 10**15)
    assert pi.lower < pi.upper


def test_a_square_root_of_a_square_is_exact() -> None:
    assert enclosure.value("sqrt", Fraction(9, 4)) == (Fraction(3, 2), Fraction(3, 2))
    low, high = enclosure.value("sqrt", Fraction(2))
    assert low**2 < 2 < high**2


def test_nan_bounds_nothing() -> None:
    assert enclosure.bounds_of(arb("nan")) == (-math.inf, math.inf)
    assert enclosure.bounds_of(arb("inf")) == (-math.inf, math.inf)


def test_a_decreasing_function_swaps_the_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """e^-a, as a row of the catalogue would give it: [0, 2) goes to (e^-2, 1], and the whole line to (0, inf)."""
    falling = dataclasses.replace(FUNCTIONS["exp"], name="falling", monotone="decreasing", range="(0, inf)")
    monkeypatch.setitem(FUNCTIONS, "falling", falling)
    monkeypatch.setitem(enclosure._BALLS, "falling", lambda a: (-a).exp())
    found, _ = enclosure.image("falling", Interval(0, 2, False, True))
    assert found.upper == 1
    assert not found.upper_open
    assert found.lower_open
    assert abs(float(found.lower) - math.exp(-2)) < 1e-12
    assert enclosure.image("falling", REALS) == (POSITIVE, True)
    assert enclosure.image("negate", Interval(0, 1, True, False)) == (Interval(-1, 0, False, True), True)
