"""The normal form of arithmetic: what it calls the same is the same, and known identities are found."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gencompiler.model.nodes import REAL
from gencompiler.proof import graph
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.formulas import instance
from gencompiler.proof.graph import Term, apply, literal, reduce, symbol
from gencompiler.proof.numbers import Undecided
from gencompiler.proof.ring import LARGEST, Ring
from tests.proof.strategies import REALS, distance, patient

A, B, C = (symbol("variable", name, REAL) for name in "abc")
V, W = (symbol("variable", name, REAL, (3,)) for name in "vw")


def same(left: Term, right: Term) -> bool:
    return Ring().same(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("(a - b)^2", "(b - a)^2"),
        ("(a + b) * (a - b)", "a^2 - b^2"),
        ("(a + b) / c", "a / c + b / c"),
        ("sqrt(a)^2", "a"),
        ("-0.5 * ((a - b) / sqrt(c))^2", "-(b - a)^2 / (2 * c)"),
        ("log(exp(a))", "a"),
        ("a * a * a", "a^3"),
        ("1 / (2 * a)", "0.5 * a^(-1)"),
    ],
)
def test_identities_are_found(left: str, right: str) -> None:
    names = {"a": A, "b": B, "c": C}
    assert same(instance(left, **names), instance(right, **names))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("(a - b)^2", "(a + b)^2"),
        ("sqrt(a^2)", "a"),
        ("exp(log(a))", "b"),
        ("a / (a + b)", "b / (a + b)"),
        ("log(a * b)", "log(a)"),
        ("a^2", "a^3"),
        ("1 / (a + b)", "1 / a + 1 / b"),
    ],
)
def test_what_differs_is_kept_apart(left: str, right: str) -> None:
    names = {"a": A, "b": B, "c": C}
    assert not same(instance(left, **names), instance(right, **names))


def test_sums_are_linear() -> None:
    scaled = reduce("sum", apply("multiply", A, apply("add", V, W)))
    apart = apply("multiply", A, apply("add", reduce("sum", V), reduce("sum", W)))
    assert same(scaled, apart)
    assert same(reduce("sum", apply("add", V, literal(1))), apply("add", reduce("sum", V), literal(3)))
    assert same(reduce("mean", V), apply("divide", reduce("sum", V), literal(3)))
    assert same(graph.contract(V, V), apply("power", reduce("norm", V), literal(2)))
    assert not same(reduce("sum", apply("multiply", V, V)), apply("power", reduce("sum", V), literal(2)))


def polynomials() -> st.SearchStrategy[Term]:
    leaves = st.one_of(
        st.sampled_from((A, B, apply("exp", A), apply("sqrt", apply("multiply", B, B)))),
        st.integers(-3, 3).map(literal),
    )

    def grow(inner: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
        binary = st.sampled_from(("add", "subtract", "multiply", "divide"))
        return st.one_of(
            st.tuples(binary, inner, inner).map(lambda p: apply(*p)),
            st.tuples(inner, st.integers(-2, 4)).map(lambda p: apply("power", p[0], literal(p[1]))),
        )

    return st.recursive(leaves, grow, max_leaves=8)


@settings(patient, max_examples=300)
@given(left=polynomials(), right=polynomials(), a=REALS, b=REALS)
def test_what_has_one_normal_form_has_one_value(left: Term, right: Term, a: Fraction, b: Fraction) -> None:
    """Differences that the ring says are 0, and terms next to rearrangements of themselves."""
    ring = Ring()
    rearranged = apply("subtract", apply("add", left, right), right)
    assert ring.same(rearranged, left)
    if not ring.same(left, right):
        return
    try:
        values = [evaluate(t, {A: a, B: b})[0] for t in (left, right)]
    except (Undecided, Undefined):
        return
    assert distance(*values) < 1e-20


def test_an_expansion_that_is_too_large_stays_an_atom() -> None:
    """Giving up half way through a product must not forget the other factors."""
    total: Term = literal(1)
    for k in range(12):
        total = apply("add", total, symbol("variable", f"x{k}", REAL))
    high = apply("power", total, literal(6))
    assert len(Ring().normal(high)) <= LARGEST
    assert not same(high, total)
    assert not same(high, apply("power", total, literal(5)))
    assert same(high, high)
