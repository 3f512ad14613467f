"""Ranges of reductions: sound, sharp where it matters, and defined where a causal view may be empty."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import ctx
from hypothesis import given, settings
from hypothesis import strategies as st

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import domain, enclosure
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.domain import NON_NEGATIVE, POSITIVE, REALS, Interval
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.facts import InRange, Member
from gencompiler.proof.graph import Term, apply, before, contract, element, literal, reduce, symbol
from gencompiler.proof.kernel import Unproved, prove
from gencompiler.proof.numbers import Undecided, ball
from gencompiler.proof.refute import outside
from gencompiler.proof.search import Search
from tests.proof.strategies import patient

EXTENT = 3
INDEX = symbol("index", "i", Support("Integer", (Fraction(0), Fraction(EXTENT))))
VECTOR = symbol("variable", "v", REAL, (EXTENT,))
PAST = element(VECTOR, (before(INDEX),))
UP_TO = element(VECTOR, (before(INDEX, inclusive=True),))
OPERATIONS = ("sum", "prod", "mean", "min", "max", "norm", "logsumexp", "logmeanexp")
ELEMENTS = ("tanh", "sigmoid", "exp", "cos", "abs", "negate")


def proven(term: Term) -> Interval:
    conclusion = Search().range(term).conclusion
    assert isinstance(conclusion, InRange)
    return conclusion.interval


@settings(patient, max_examples=300)
@given(
    operation=st.sampled_from(OPERATIONS),
    function=st.sampled_from((None, *ELEMENTS)),
    view=st.sampled_from((VECTOR, PAST, UP_TO)),
    values=st.tuples(*(st.fractions(-4, 4, max_denominator=4),) * EXTENT),
    index=st.integers(0, EXTENT - 1),
)
def test_a_reduction_lies_in_its_range(
    operation: str, function: str | None, view: Term, values: tuple[Fraction, ...], index: int
) -> None:
    """An `Undefined` here would mean that a term proven to be defined is not; it is not caught."""
    term = reduce(operation, apply(function, view) if function else view)
    try:
        found = proven(term)
    except NotFound:
        assert view is PAST and operation not in ("sum", "prod", "norm")
        return
    try:
        (value,) = evaluate(term, {VECTOR: values, INDEX: Fraction(index)})
    except Undecided:
        return
    with ctx.workprec(enclosure.PRECISION):
        assert not ball(value) < _end(found.lower)
        assert not ball(value) > _end(found.upper)


def _end(value: object) -> object:
    return ball(value) if isinstance(value, Fraction) else value


@pytest.mark.parametrize("view", [PAST, VECTOR])
@pytest.mark.parametrize("function", ELEMENTS)
@pytest.mark.parametrize("operation", ["sum", "prod", "norm"])
def test_sums_products_and_norms_are_always_real(operation: str, function: str, view: Term) -> None:
    assert proven(reduce(operation, apply(function, view))).within(REALS)


def test_nothing_sums_to_0_and_multiplies_to_1() -> None:
    nothing = {VECTOR: (Fraction(5),) * EXTENT, INDEX: Fraction(0)}
    assert evaluate(reduce("sum", PAST), nothing) == (0,)
    assert evaluate(reduce("prod", PAST), nothing) == (1,)
    assert ball(evaluate(reduce("norm", PAST), nothing)[0]) == 0
    for operation in ("mean", "min", "max", "logsumexp", "logmeanexp"):
        with pytest.raises(Undefined):
            evaluate(reduce(operation, PAST), nothing)


def test_what_is_hidden_does_not_count() -> None:
    point = {VECTOR: (Fraction(2), Fraction(3), Fraction(-1)), INDEX: Fraction(2)}
    assert evaluate(reduce("sum", apply("power", PAST, literal(2))), point) == (13,)
    assert evaluate(reduce("min", PAST), point) == (2,)
    assert evaluate(contract(PAST, PAST), point) == (13,)
    assert evaluate(reduce("mean", UP_TO), point) == (Fraction(4, 3),)
    # The logarithm of the hidden -1 is never taken.
    assert evaluate(reduce("sum", apply("log", PAST)), point)


def test_an_empty_view_keeps_a_sum_from_being_positive() -> None:
    positive = apply("exp", PAST)
    assert proven(reduce("sum", positive)) == NON_NEGATIVE
    assert proven(reduce("sum", apply("exp", UP_TO))) == POSITIVE
    assert proven(reduce("sum", apply("exp", VECTOR))) == POSITIVE
    assert outside(reduce("sum", positive), Support("Positive")) is not None
    assert proven(reduce("prod", positive)) == POSITIVE
    assert proven(reduce("prod", apply("sigmoid", PAST))) == Interval(0, 1, True, False)
    assert proven(reduce("norm", apply("exp", VECTOR))).sign == 1


def test_a_contraction_over_a_whole_axis_keeps_its_sign() -> None:
    weights = symbol("parameter", "w", Support("Positive"), (EXTENT,))
    assert proven(contract(weights, apply("exp", VECTOR))) == POSITIVE
    cut = element(weights, (before(INDEX),))
    assert proven(contract(cut, apply("exp", PAST))) == NON_NEGATIVE


def test_many_factors_are_bounded_by_what_is_closed_under_products() -> None:
    many = symbol("variable", "m", REAL, (1000,))
    assert proven(reduce("prod", apply("tanh", many))).within(Interval(-1, 1))
    assert proven(reduce("prod", apply("exp", many))) == POSITIVE
    assert proven(reduce("prod", many)) == REALS


@pytest.mark.parametrize("other", [VECTOR, UP_TO])
def test_tensors_of_different_lengths_do_not_meet(other: Term) -> None:
    for term in (contract(PAST, other), reduce("sum", apply("add", PAST, other))):
        with pytest.raises(NotFound, match="different lengths"):
            Search().range(term)
        with pytest.raises(Undecided):
            evaluate(term, {VECTOR: Fraction(1), INDEX: Fraction(1)})


def test_a_mean_of_what_may_be_nothing_is_refuted() -> None:
    assert outside(reduce("mean", PAST), REAL) is not None
    assert outside(reduce("mean", UP_TO), REAL) is None
    assert domain.point(0).within(proven(reduce("sum", PAST)))


def softmax(scores: Term, total: Term) -> Term:
    return apply("exp", apply("subtract", scores, reduce("logsumexp", total)))


def test_a_softmax_is_on_a_simplex() -> None:
    term = softmax(VECTOR, VECTOR)
    assert Search().simplex(term).conclusion == Member(term, Support("Simplex"))
    values = {VECTOR: (Fraction(1), Fraction(-2), Fraction(0))}
    parts = [ball(value) for value in evaluate(term, values)]
    assert abs(float(sum(parts, start=ball(Fraction(0))).mid()) - 1) < 1e-12


@pytest.mark.parametrize(
    "term",
    [
        softmax(VECTOR, apply("negate", VECTOR)),
        apply("exp", VECTOR),
        apply("sigmoid", VECTOR),
        softmax(PAST, PAST),
        apply("exp", apply("add", VECTOR, reduce("logsumexp", VECTOR))),
        VECTOR,
    ],
)
def test_nothing_else_is(term: Term) -> None:
    with pytest.raises(NotFound):
        Search().simplex(term)
    with pytest.raises(Unproved):
        prove("normalized", (term,), Search().range(VECTOR))
