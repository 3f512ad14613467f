"""The normal form of functions of time: it keeps values, it differentiates, and equal means equal."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import exponentials as ex
from gencompiler.proof.components import component, components, elementwise
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.formulas import instance
from gencompiler.proof.graph import Term, apply, contract, gradient, literal, reduce, symbol
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.numbers import Undecided, ball

UNIT = Support("Interval", (Fraction(0), Fraction(1)))
T = symbol("input", "t", UNIT)
S = symbol("parameter", "s", Support("Positive"))
X = symbol("input", "x", REAL, (3,))


def said(text: str) -> Term:
    return instance(text, t=T, s=S)


def functions() -> st.SearchStrategy[Term]:
    leaves = st.one_of(st.just(T), st.just(S), st.fractions(-3, 3, max_denominator=4).map(literal))

    def grown(inner: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
        binary = st.sampled_from(("add", "subtract", "multiply", "divide"))
        return st.one_of(
            st.builds(apply, binary, inner, inner),
            st.builds(apply, st.sampled_from(("negate", "exp", "expm1", "sqrt", "log", "tanh")), inner),
            st.builds(lambda a, n: apply("power", a, literal(n)), inner, st.integers(-2, 3)),
        )

    return st.recursive(leaves, grown, max_leaves=6)


def value(term: Term, t: Fraction, s: Fraction) -> float | None:
    try:
        return float(ball(evaluate(term, {T: t, S: s})[0]).mid())
    except (Undecided, Undefined, OverflowError, ZeroDivisionError):
        return None


@settings(max_examples=200, deadline=None)
@given(functions(), st.fractions("1/4", 1, max_denominator=8), st.fractions("1/2", 2, max_denominator=4))
def test_the_normal_form_has_the_same_value(term: Term, t: Fraction, s: Fraction) -> None:
    own = value(term, t, s)
    try:
        written = ex.written(ex.normal(term))
    except Unproved:
        return
    found = value(written, t, s)
    if own is not None and found is not None:
        assert found == pytest.approx(own, rel=1e-9, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(functions(), st.fractions("3/8", "7/8", max_denominator=8))
def test_the_derivative_is_that_of_central_differences(term: Term, t: Fraction) -> None:
    step, s = Fraction(1, 2**20), Fraction(3, 4)
    try:
        slope = ex.written(ex.derivative(ex.normal(term), T))
    except Unproved:
        return
    values = [value(term, t + k * step, s) for k in (-2, -1, 1, 2)]
    found = value(slope, t, s)
    if found is None or any(v is None for v in values):
        return
    far, low, high, other = (v for v in values if v is not None)
    near = (8 * (high - low) - (other - far)) / (12 * float(step))
    if abs(near) < 1e6 and max(map(abs, (far, low, high, other))) < 1e6:
        assert found == pytest.approx(near, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        ("exp(t) * exp(-t)", "1", True),
        ("exp(2 * t)", "exp(t)^2", True),
        ("1 + expm1(t)", "exp(t)", True),
        ("3^t * 3^(2 * t)", "27^t / 27^0 * exp(0)", False),  # 27^t is exp(t log 27), and log 27 = 3 log 3 is not used
        ("sqrt(1 + t)^2", "1 + t", True),
        ("sqrt(4 * exp(2 * t))", "2 * exp(t)", True),
        ("1 / (1 + t) + t / (1 + t)", "1", True),
        ("1 / (1 + t)", "1 / (2 + t)", False),
        ("log(exp(t) * 1)", "t", True),
        ("exp(t)", "exp(s)", False),
        ("t", "t^2", False),
    ],
)
def test_equality(left: str, right: str, equal: bool) -> None:
    assert ex.same(said(left), said(right)) is equal


@pytest.mark.parametrize("text", ["abs(t)", "max(t, s)", "sign(t)", "floor(t)", "relu(t)"])
def test_what_has_a_kink_is_not_differentiated(text: str) -> None:
    with pytest.raises(Unproved):
        ex.derivative(ex.normal(said(text)), T)


def test_division_by_zero_is_refused() -> None:
    with pytest.raises(Unproved):
        ex.normal(said("1 / (t - t)"))


# -- components ------------------------------------------------------------------------------------------------------


def test_components_of_a_vector() -> None:
    places = tuple(component(X, k) for k in range(3))
    assert components(apply("exp", X)) == tuple(apply("exp", p) for p in places)
    (dot,) = components(contract(X, X))
    (square,) = components(reduce("sum", apply("power", X, literal(2))))
    assert ex.same(dot, square)
    assert not ex.same(dot, components(reduce("sum", X))[0])


def test_components_of_a_gradient() -> None:
    formal = symbol("formal", "U.x", REAL, (3,))
    body = reduce("sum", apply("power", formal, literal(3)))
    slopes = components(gradient(body, (formal,), (X,)))
    for slope, place in zip(slopes, (component(X, k) for k in range(3)), strict=True):
        assert ex.same(slope, apply("multiply", literal(3), apply("power", place, literal(2))))


def test_a_function_that_mixes_elements_is_not_elementwise() -> None:
    scalar = symbol("component", "any", REAL)
    assert elementwise(apply("multiply", T, X), X, scalar) is apply("multiply", T, scalar)
    for mixed in (apply("multiply", reduce("sum", X), X), reduce("sum", X)):
        with pytest.raises(Unproved):
            elementwise(mixed, X, scalar)
    with pytest.raises(Unproved):  # a vector of parameters differs from element to element
        elementwise(apply("multiply", symbol("parameter", "a", REAL, (3,)), X), X, scalar)
