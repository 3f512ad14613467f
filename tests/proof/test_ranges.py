"""Proven ranges are never violated, and the traps met in prototypes stay closed."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import ctx
from hypothesis import given, settings

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import domain, enclosure
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.domain import POSITIVE, Interval
from gencompiler.proof.evaluate import evaluate
from gencompiler.proof.facts import InRange
from gencompiler.proof.formulas import instance
from gencompiler.proof.graph import (
    Term,
    apply,
    before,
    choose,
    contract,
    element,
    gradient,
    literal,
    network,
    reduce,
    symbol,
)
from gencompiler.proof.numbers import Undecided, ball
from gencompiler.proof.search import Search
from tests.proof.strategies import POSITIVES, REALS, expressions, patient

X, Y, Z = (
    symbol("variable", "x", REAL),
    symbol("variable", "y", Support("Positive")),
    symbol("variable", "z", Support("Unit")),
)


def proven(term: Term) -> Interval:
    conclusion = Search().range(term).conclusion
    assert isinstance(conclusion, InRange)
    return conclusion.interval


@settings(patient, max_examples=400)
@given(term=expressions(), x=REALS, y=POSITIVES)
def test_a_value_lies_in_the_proven_range(term: Term, x: Fraction, y: Fraction) -> None:
    """An `Undefined` here would mean that a term proven to be defined is not; it is not caught."""
    try:
        found = proven(term)
    except NotFound:
        return
    try:
        (value,) = evaluate(term, {X: x, Y: y, Z: y / 4})
    except Undecided:
        return
    with ctx.workprec(enclosure.PRECISION):
        assert not ball(value) < _end(found.lower)
        assert not ball(value) > _end(found.upper)
    if isinstance(value, Fraction):
        assert found.contains(value)


def _end(value: object) -> object:
    return ball(value) if isinstance(value, Fraction) else value


def test_ranges_are_sharp_where_they_matter() -> None:
    assert proven(apply("exp", apply("tanh", X))).sign == 1
    assert proven(apply("multiply", X, X)) == domain.NON_NEGATIVE
    assert proven(apply("power", X, literal(2))) == domain.NON_NEGATIVE
    assert proven(apply("sqrt", apply("multiply", literal(2), Y))) == POSITIVE
    assert proven(apply("subtract", literal(1), Z)) == Interval(0, 1, True, True)
    assert proven(instance("min(1, exp(a))", a=X)) == Interval(0, 1, True, False)


@pytest.mark.parametrize(
    "term",
    [
        apply("log", apply("abs", X)),  # 0 is in [0, inf): log is undefined there, not minus infinity
        apply("log", apply("relu", X)),
        apply("logit", X),
        apply("logit", apply("min", Z, literal(0))),
        apply("sqrt", X),
        apply("divide", literal(1), X),
        apply("power", X, literal(-1)),
        apply("power", X, literal(Fraction(1, 2))),
        apply("tan", X),
        choose(apply("less", X, literal(0)), literal(0), apply("log", X)),
    ],
    ids=str,
)
def test_what_may_be_undefined_has_no_range(term: Term) -> None:
    with pytest.raises(NotFound):
        Search().range(term)


def test_subtraction_of_equals_is_not_simplified() -> None:
    """Each occurrence counts on its own: wider than the truth, never narrower."""
    assert proven(apply("subtract", X, X)) == domain.REALS


def test_an_assumed_range_is_used_and_marked() -> None:
    from gencompiler.proof.kernel import prove

    search = Search([prove("assumption", (InRange(X, POSITIVE), "because"))])
    proof = search.range(apply("log", X))
    assert proof.premises[0].rule == "assumption"


class TestTensors:
    W = symbol("parameter", "W", REAL, (3, 2))
    V = symbol("variable", "v", Support("Unit"), (2,))
    I = symbol("index", "i", Support("Integer", (Fraction(0), Fraction(3))))  # noqa: E741

    def test_a_contraction_of_bounded_vectors_is_bounded_and_holds_0_where_it_may_be_empty(self) -> None:
        """Over a causal view it may be a sum of nothing."""
        assert proven(contract(self.V, self.V)) == Interval(0, 2, True, True)
        past = element(self.V, (before(self.I),))
        assert proven(contract(past, past)) == Interval(0, 2, False, True)

    def test_a_sum_counts_its_elements(self) -> None:
        assert proven(reduce("sum", self.V)) == Interval(0, 2, True, True)
        assert proven(reduce("mean", self.V)) == Interval(0, 1, True, True)
        assert proven(reduce("norm", self.V)) == Interval(0, 2, True)

    def test_an_element_is_where_its_tensor_is(self) -> None:
        assert proven(element(self.V, (literal(1),))) == Interval(0, 1, True, True)

    def test_a_network_gives_any_real(self) -> None:
        assert proven(network("mlp", 0, (2,), (self.V,))) == domain.REALS
        with pytest.raises(NotFound):
            Search().range(network("mlp", 0, (2,), (apply("log", X),)))

    def test_a_gradient_needs_its_local_derivatives(self) -> None:
        formal = symbol("formal", "f.x", REAL)
        smooth = gradient(apply("power", formal, literal(2)), (formal,), (X,))
        assert proven(smooth) == domain.REALS
        kink = gradient(apply("abs", formal), (formal,), (X,))
        assert proven(kink) == domain.REALS  # the catalogue says what it is at 0
        steep = gradient(apply("sqrt", apply("abs", formal)), (formal,), (X,))
        with pytest.raises(NotFound):
            Search().range(steep)  # 1 / sqrt(0)
