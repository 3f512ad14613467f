"""What the kernel believes of the catalogue, in high precision."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from flint import arb, ctx, fmpq
from hypothesis import given
from hypothesis import strategies as st

from gencompiler.catalog.functions import FUNCTIONS, Function
from gencompiler.model.nodes import REAL
from gencompiler.proof import enclosure
from gencompiler.proof.evaluate import evaluate
from gencompiler.proof.formulas import instance
from gencompiler.proof.graph import Term, apply, symbol
from gencompiler.proof.numbers import Number, ball
from tests.proof.strategies import distance, patient

A = symbol("variable", "a", REAL)
MONOTONE = [f for f in FUNCTIONS.values() if f.monotone]


def arguments(function: Function) -> st.SearchStrategy[Fraction]:
    domain = enclosure.domain_of(function.name)
    low = math.ceil(domain.lower * 64) if domain.lower != -math.inf else -6 * 64
    high = math.floor(domain.upper * 64) if domain.upper != math.inf else 6 * 64
    return st.integers(low + 1, high - 1).map(lambda n: Fraction(n, 64))


def at(term: Term, value: Number) -> Number:
    return evaluate(term, {A: (value,)})[0]


def slope(function: Function, value: Fraction) -> Number:
    step = Fraction(1, 2**42)
    with ctx.workprec(enclosure.PRECISION):
        rise = ball(at(apply(function.name, A), value + step)) - ball(at(apply(function.name, A), value - step))
        return rise / arb(fmpq(1, 2**41))


@pytest.mark.parametrize("function", MONOTONE, ids=lambda f: f.name)
@patient
@given(data=st.data())
def test_a_monotone_function_is_strictly_so(function: Function, data: st.DataObject) -> None:
    first, second = data.draw(st.lists(arguments(function), min_size=2, max_size=2, unique=True))
    values = [at(apply(function.name, A), v) for v in (first, second)]
    with ctx.workprec(enclosure.PRECISION):
        rises = bool(ball(values[0]) < ball(values[1]))
        falls = bool(ball(values[0]) > ball(values[1]))
    assert rises != falls
    assert rises == ((first < second) == (function.monotone == "increasing"))


@pytest.mark.parametrize("function", [f for f in MONOTONE if f.inverse], ids=lambda f: f.name)
@patient
@given(data=st.data())
def test_the_inverse_undoes_it(function: Function, data: st.DataObject) -> None:
    value = data.draw(arguments(function))
    forth = at(apply(function.name, A), value)
    assert distance(at(instance(str(function.inverse), y=A), forth), value) < 1e-25


@pytest.mark.parametrize("function", [f for f in MONOTONE if f.log_abs_derivative], ids=lambda f: f.name)
@patient
@given(data=st.data())
def test_the_log_of_the_slope(function: Function, data: st.DataObject) -> None:
    value = data.draw(arguments(function))
    stated = at(instance(str(function.log_abs_derivative), a=A), value)
    with ctx.workprec(enclosure.PRECISION):
        true = abs(slope(function, value)).log()
    assert distance(stated, true) < 1e-8


@pytest.mark.parametrize("function", [f for f in FUNCTIONS.values() if f.log_abs], ids=lambda f: f.name)
@patient
@given(data=st.data())
def test_the_log_of_the_value(function: Function, data: st.DataObject) -> None:
    value = data.draw(arguments(function))
    stated = at(instance(str(function.log_abs), a=A), value)
    with ctx.workprec(enclosure.PRECISION):
        true = abs(ball(at(apply(function.name, A), value))).log()
    assert distance(stated, true) < 1e-25


@pytest.mark.parametrize(
    "function",
    [f for f in FUNCTIONS.values() if f.arity == 1 and enclosure.ball_function(f.name)],
    ids=lambda f: f.name,
)
@patient
@given(data=st.data())
def test_values_are_in_the_range(function: Function, data: st.DataObject) -> None:
    value = at(apply(function.name, A), data.draw(arguments(function)))
    range_ = enclosure.range_of(function.name)
    with ctx.workprec(enclosure.PRECISION):
        assert range_.lower == -math.inf or not ball(value) < ball(Fraction(range_.lower))
        assert range_.upper == math.inf or not ball(value) > ball(Fraction(range_.upper))


@pytest.mark.parametrize("function", MONOTONE, ids=lambda f: f.name)
def test_the_ends_of_the_range_are_approached(function: Function) -> None:
    """At the ends of the domain: the kernel takes the one for the limit at the other."""
    if function.name == "negate":
        return
    domain, range_ = enclosure.domain_of(function.name), enclosure.range_of(function.name)
    for end, limit, inward in ((domain.lower, range_.lower, 1), (domain.upper, range_.upper, -1)):
        near = Fraction(end) + inward * Fraction(1, 10**30) if end not in (-math.inf, math.inf) else None
        place = near if near is not None else Fraction(-inward * 10**30 if function.name in _SLOW else -inward * 2000)
        value = at(apply(function.name, A), place)
        with ctx.workprec(4 * enclosure.PRECISION):
            if limit in (-math.inf, math.inf):
                assert abs(ball(value)) > 25
            else:
                assert abs(ball(value) - ball(Fraction(limit))) < _NEAR.get(function.name, 1e-12)


#: Functions that approach their ends slowly: they are looked at further out.
_SLOW = ("log", "log1p", "asinh", "atan", "sqrt", "logit", "digamma", "lambert_w", "bessel_ratio")
#: At its lower end, which is not a rational number, it is like a square root.
_NEAR = {"lambert_w": 1e-8}
