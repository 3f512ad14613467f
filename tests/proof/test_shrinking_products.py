"""Products of numbers between 0 and 1 to an end that is not constant, and choices that ranges settle."""

from __future__ import annotations

from fractions import Fraction

import pytest

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof.domain import Interval
from gencompiler.proof.facts import InRange
from gencompiler.proof.graph import Term, apply, bound_index, choose, each, literal, reduce, symbol
from gencompiler.proof.kernel import Unproved, prove
from gencompiler.proof.search import Search

UNIT = symbol("parameter", "a", Support("Unit"))
T = symbol("index", "t", Support("Integer", (Fraction(0), Fraction(5))))


ONE, AFTER = literal(1), apply("add", T, literal(1))


def product(factor: Term, ends: Term = AFTER, neutral: Term = ONE) -> Term:
    """prod(for s in 0..end: factor), over five places."""
    index = bound_index(0, 5)
    return reduce("prod", each(0, 5, choose(apply("less", index, ends), factor, neutral)))


def interval(term: Term) -> Interval:
    found = Search().range(term).conclusion
    assert isinstance(found, InRange)
    return found.interval


def test_a_product_that_has_a_first_factor_is_below_1() -> None:
    assert interval(product(UNIT)) == Interval(0, 1, True, True)
    half = apply("divide", UNIT, literal(2))
    assert interval(product(half)).within(Interval(0, Fraction(1, 2)))


@pytest.mark.parametrize(
    "term",
    [
        product(UNIT, T),  # at t = 0 there is no factor
        product(UNIT, neutral=literal(2)),
        product(apply("add", UNIT, literal(1))),
        product(apply("negate", UNIT)),
    ],
    ids=["of nothing", "neutral is not 1", "above 1", "below 0"],
)
def test_another_is_not(term: Term) -> None:
    assert not interval(term).within(Interval(-1, 1, False, True))


def test_premises_about_something_else_prove_nothing() -> None:
    term = product(UNIT)
    every, of_unit = Search().range(term.arguments[0]), Search().range(UNIT)
    with pytest.raises(Unproved):
        prove("shrinking_product", (term,), every, of_unit)
    with pytest.raises(Unproved):
        prove("shrinking_product", (reduce("sum", term.arguments[0]),), every, every)


@pytest.mark.parametrize(
    ("name", "left", "right", "settled"),
    [
        ("less", T, literal(5), 1),
        ("less", T, literal(4), None),
        ("less", T, literal(0), 2),
        ("less_equal", T, literal(4), 1),
        ("less_equal", T, literal(0), None),
        ("greater", T, literal(4), 2),
        ("greater", T, literal(0), None),
        ("greater_equal", T, literal(0), 1),
        ("greater_equal", literal(0), T, None),
        ("less", UNIT, literal(1), 1),
        ("equal", literal(0), literal(0), None),
    ],
)
def test_a_choice_is_settled_where_its_sides_are_apart(name: str, left: Term, right: Term, settled: int | None) -> None:
    term = choose(
        apply(name, left, right), symbol("parameter", "b", Support("Positive")), symbol("parameter", "c", REAL)
    )
    premises = [Search().range(part) for part in (left, right, *term.arguments[1:])]
    if settled is None:
        with pytest.raises(Unproved):
            prove("settled_choice", (term,), *premises)
    else:
        found = prove("settled_choice", (term,), *premises).conclusion
        assert found == InRange(term, premises[settled + 1].conclusion.interval)  # type: ignore[attr-defined]
