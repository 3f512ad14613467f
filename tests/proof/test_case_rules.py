"""Choices by the sign of a number, products taken apart, maps within a subspace: what the rules say is so, and what they
refuse."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.box_sign_rules import SignTree
from gencompiler.proof.case_rules import branches, distributed
from gencompiler.proof.domain import POSITIVE, Interval
from gencompiler.proof.evaluate import evaluate
from gencompiler.proof.facts import InRange, NotInjective
from gencompiler.proof.graph import WHOLE, Term, apply, choose, contract, element, literal, symbol
from gencompiler.proof.kernel import Unproved, prove
from gencompiler.proof.lemma_rules import ALONG, ridge_of
from gencompiler.proof.search import Search
from gencompiler.proof.subspace_rules import within_of
from gencompiler.proof.terms import ZERO, minus, negated, over, plus, times
from tests.proof.strategies import patient

D = 3
U, V, W = (symbol(kind, name, REAL, (D,)) for kind, name in (("input", "u"), ("parameter", "v"), ("parameter", "w")))
C = symbol("parameter", "c", REAL, ())
Q = symbol("parameter", "Q", Support("Orthogonal", (Fraction(D), Fraction(2))), (D, 2))
SQUARE = contract(W, W)
POSITIVE_SQUARE = apply("greater", SQUARE, ZERO)


def direction(least: Fraction) -> Term:
    """v with its part along w replaced so that w @ it is above -least."""
    along = contract(W, V)
    made = plus(V, over(times(minus(minus(apply("softplus", along), literal(least)), along), W), SQUARE))
    return choose(POSITIVE_SQUARE, made, V)


def vectors(depth: int) -> st.SearchStrategy[Term]:
    """Vectors made of v and w by sums, multiples and choices."""
    if not depth:
        return st.sampled_from((V, W))
    inner = vectors(depth - 1)
    return st.one_of(
        inner,
        st.builds(plus, inner, inner),
        st.builds(negated, inner),
        st.builds(lambda t: times(C, t), inner),
        st.builds(lambda t: over(t, SQUARE), inner),
        st.builds(lambda a, b: choose(POSITIVE_SQUARE, a, b), inner, inner),
    )


@patient
@given(vectors(3), vectors(2), st.lists(st.integers(-3, 3), min_size=7, max_size=7))
def test_a_product_taken_apart_is_the_same_number(left: Term, right: Term, numbers: list[int]) -> None:
    values = [Fraction(n) for n in numbers]
    point = {V: tuple(values[:3]), W: (*values[3:5], Fraction(1)), C: (values[6],)}
    product = contract(left, right)
    assert evaluate(product, point) == evaluate(distributed(product), point)


def test_the_direction_of_a_planar_map_has_the_product_that_it_is_made_for() -> None:
    found = Search().range(contract(W, direction(Fraction(1)))).conclusion
    assert isinstance(found, InRange)
    assert found.interval.lower == -1
    assert found.interval.lower_open
    lower = Search().range(contract(W, direction(Fraction(101, 100)))).conclusion
    assert isinstance(lower, InRange)
    assert lower.interval.lower == Fraction(-101, 100)


def test_a_branch_is_looked_at_only_where_it_is_taken() -> None:
    found = Search().range(choose(apply("greater", C, ZERO), over(literal(1), C), minus(literal(1), C))).conclusion
    assert isinstance(found, InRange)
    assert found.interval == POSITIVE
    with pytest.raises(NotFound, match="may be 0"):
        Search().range(choose(apply("greater_equal", C, ZERO), over(literal(1), C), literal(1)))


def test_only_a_vector_whose_square_is_not_positive_is_0() -> None:
    wide = choose(apply("greater", SQUARE, literal(1)), literal(1), contract(W, V))
    assert branches(wide)[2] is contract(W, V)
    assert branches(choose(POSITIVE_SQUARE, literal(1), contract(W, V)))[2] is ZERO
    other = choose(apply("greater", contract(W, V), ZERO), literal(1), contract(W, C_VECTOR))
    assert branches(other)[2] is not ZERO


C_VECTOR = symbol("parameter", "d", REAL, (D,))


def test_cases_need_the_ranges_of_the_branches_as_they_are_taken() -> None:
    term = choose(apply("greater", C, ZERO), over(literal(1), C), literal(1))
    search = Search()
    _, then, otherwise = branches(term)
    number, first, second = search.range(C), search.range(then), search.range(otherwise)
    assert prove("by_cases", (term,), number, first, second)
    for premises in ((number, second, first), (first, first, second), (number, first)):
        with pytest.raises((Unproved, ValueError)):
            prove("by_cases", (term,), *premises)


def test_columns_are_orthonormal_by_declaration_only() -> None:
    first, second = (element(Q, (WHOLE, literal(k))) for k in (0, 1))
    assert distributed(contract(first, first)) is literal(1)
    assert distributed(contract(first, second)) is not literal(1)
    loose = element(symbol("parameter", "P", REAL, (D, 2)), (WHOLE, ZERO))
    assert distributed(contract(loose, loose)) is not literal(1)
    rows = element(symbol("parameter", "R", Support("Orthogonal", (Fraction(2), Fraction(D))), (2, D)), (WHOLE, ZERO))
    assert distributed(contract(rows, rows)) is not literal(1)


def test_a_map_within_a_subspace_moves_along_declared_columns_only() -> None:
    inside = contract(U, Q)
    assert within_of(U, plus(U, contract(Q, times(literal(2), inside)))).basis is Q
    loose = symbol("parameter", "P", REAL, (D, 2))
    for body in (
        plus(U, contract(loose, contract(U, loose))),
        plus(U, contract(Q, times(element(U, (ZERO,)), inside))),
        plus(U, contract(Q, contract(U, loose))),
    ):
        with pytest.raises(Unproved):
            within_of(U, body)


def test_a_projection_is_refuted_and_a_reflection_proved() -> None:
    inside = contract(U, Q)
    search = Search()
    reflected = minus(U, contract(Q, times(literal(2), inside)))
    assert search.any_bijection(U, reflected).rule == "within_subspace"
    with pytest.raises(NotFound, match="slope"):
        search.any_bijection(U, minus(U, contract(Q, inside)))


def test_a_counterexample_to_another_map_refutes_nothing() -> None:
    body = plus(U, times(apply("tanh", contract(W, U)), V))
    scalar = ridge_of(U, body).scalar(flipped=False)

    class Told:
        conclusion = NotInjective(ALONG, negated(scalar), ())

    from gencompiler.proof.lemma_refutations import smaller_twice

    with pytest.raises(Unproved):
        smaller_twice((U, body, "ridge"), (Told.conclusion,))
    with pytest.raises(Unproved):
        smaller_twice((U, body, "sideways"), (NotInjective(ALONG, scalar, ()),))
    assert smaller_twice((U, body, "ridge"), (NotInjective(ALONG, scalar, ()),)) == NotInjective(U, body, ())


def test_a_root_outweighs_what_its_square_does() -> None:
    x = symbol("input", "x", REAL, ())
    box = {x: Interval(Fraction(-5), Fraction(5))}
    root = apply("sqrt", plus(times(x, x), literal(1)))
    tree = ("root", root, ("here",), ("here",))
    assert SignTree({}).range(plus(root, x), box, tree) == POSITIVE
    for wrong in (plus(root, times(literal(Fraction(11, 10)), x)), minus(x, root), plus(times(x, root), literal(1))):
        with pytest.raises(Unproved):
            SignTree({}).range(wrong, box, tree)
