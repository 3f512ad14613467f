"""Terms: sharing, normal forms of selections, substitution."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gencompiler.model.nodes import REAL
from gencompiler.proof import graph
from gencompiler.proof.evaluate import evaluate
from gencompiler.proof.graph import Malformed, Term, apply, join, literal, select, symbol
from tests.proof.strategies import patient

U = symbol("input", "u", REAL, (5,))
V = symbol("input", "v", REAL, (3,))
POINT = {U: tuple(map(Fraction, range(5))), V: tuple(map(Fraction, (10, 11, 12)))}


def test_equal_terms_are_one_object() -> None:
    assert apply("add", U, U) is apply("add", U, U)
    assert literal(2) is literal(Fraction(2))
    assert symbol("input", "u", REAL) is not symbol("parameter", "u", REAL)
    assert symbol("input", "u", REAL) is not symbol("input", "u", REAL, (5,))


@st.composite
def selections(draw: st.DrawFn) -> tuple[Term, list[Fraction]]:
    """A tower of selections and joins, with the elements it must have."""
    term, values = draw(st.sampled_from([(U, list(POINT[U])), (V, list(POINT[V]))]))
    for _ in range(draw(st.integers(0, 6))):
        if draw(st.booleans()):
            places = draw(st.lists(st.integers(0, len(values) - 1), min_size=1, max_size=6))
            term, values = select(term, places), [values[p] for p in places]
        else:
            other, more = draw(st.sampled_from([(U, list(POINT[U])), (V, list(POINT[V])), (term, values)]))
            first = draw(st.booleans())
            parts = ((term, values), (other, more)) if first else ((other, more), (term, values))
            term, values = join(p for p, _ in parts), [v for _, vs in parts for v in vs]
    return term, values


@patient
@given(made=selections())
def test_selections_keep_their_elements(made: tuple[Term, list[Fraction]]) -> None:
    term, values = made
    assert list(evaluate(term, POINT)) == values
    assert term.shape == (len(values),)


@patient
@given(made=selections())
def test_selections_are_in_normal_form(made: tuple[Term, list[Fraction]]) -> None:
    term, _ = made
    for part in graph.subterms(term):
        if part.operation == "select":
            assert part.arguments[0].operation == "symbol"
        if part.operation == "join":
            assert all(p.operation != "join" for p in part.arguments)


def test_splitting_and_joining_is_the_identity() -> None:
    assert join((select(U, range(2)), select(U, range(2, 5)))) is U
    backwards = tuple(reversed(range(5)))
    assert select(select(U, backwards), backwards) is U
    assert select(join((select(U, (3, 4)), select(U, (0, 1, 2)))), (2, 3, 4, 0, 1)) is U


def test_an_element_of_a_join_is_an_element_of_a_part() -> None:
    joined = join((V, select(U, (4, 0))))
    assert graph.element(joined, (literal(1),)) is graph.element(V, (literal(1),))
    assert graph.element(joined, (literal(3),)) is graph.element(U, (literal(4),))


@pytest.mark.parametrize(
    "make",
    [
        lambda: apply("add", U, V),
        lambda: graph.contract(U, V),
        lambda: select(U, (5,)),
        lambda: select(U, (-1,)),
        lambda: graph.element(join((V, V)), (literal(-1),)),
        lambda: graph.element(U, (literal(0), literal(0))),
        lambda: join(()),
        lambda: literal(float("nan")),
        lambda: graph.build("no such operation", None, ()),
        lambda: graph.build("select", (0,), ()),
    ],
)
def test_what_does_not_fit_is_refused(make: object) -> None:
    with pytest.raises(Malformed):
        make()  # type: ignore[operator]


class TestSubstitution:
    def test_it_is_simultaneous(self) -> None:
        x, y = symbol("variable", "x", REAL), symbol("variable", "y", REAL)
        assert graph.substitute(apply("subtract", x, y), {x: y, y: x}) is apply("subtract", y, x)

    def test_it_renormalises(self) -> None:
        assert graph.substitute(select(U, range(3)), {U: join((V, select(U, (0, 1))))}) is V

    def test_it_does_not_capture(self) -> None:
        index = graph.bound_index(0, 3)
        body = apply("add", graph.element(V, (index,)), symbol("variable", "x", REAL))
        loop = graph.each(0, 3, body)
        with pytest.raises(Malformed, match="captured"):
            graph.substitute(loop, {symbol("variable", "x", REAL): index})

    def test_bound_and_formal_symbols_are_not_free(self) -> None:
        index = graph.bound_index(0, 3)
        assert graph.each(0, 3, graph.element(V, (index,))).symbols == {V}
        formal, x = symbol("formal", "f.x", REAL), symbol("variable", "x", REAL)
        assert graph.gradient(apply("exp", formal), (formal,), (x,)).symbols == {x}


def test_messages_spell_terms_as_the_language_does() -> None:
    a, b = symbol("parameter", "Scale.a", REAL), symbol("variable", "b", REAL)
    assert str(apply("multiply", apply("add", a, b), literal(Fraction(-1, 2)))) == "(a + b) * -0.5"
    assert str(apply("subtract", a, apply("subtract", b, a))) == "a - (b - a)"
    assert str(apply("negate", apply("exp", b))) == "-exp(b)"
    assert str(apply("power", apply("add", a, b), literal(2))) == "(a + b)^2"
    assert str(select(U, (1, 2))) == "u[1..3]"
    assert str(graph.contract(U, U)) == "u @ u"
