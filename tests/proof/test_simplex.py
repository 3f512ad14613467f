"""Points of a simplex: what is proved to be one, and the same broken in the smallest way, which is not."""

from __future__ import annotations

from fractions import Fraction

import pytest

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.domain import point
from gencompiler.proof.facts import InRange, Member
from gencompiler.proof.graph import WHOLE, Term, apply, choose, contract, each, element, literal, reduce, symbol
from gencompiler.proof.kernel import Unproved, prove
from gencompiler.proof.search import Search
from gencompiler.proof.simplex_rules import SIMPLEX

THREE = Support("Simplex", (Fraction(3),))
VECTOR = symbol("parameter", "w", THREE, (3,))
TABLE = symbol("parameter", "A", THREE, (2, 3))
SQUARE = symbol("parameter", "B", THREE, (3, 3))
STATE = symbol("variable", "z", Support("Category", (Fraction(2),)))
POSITIVE = symbol("parameter", "a", Support("Positive"), (3,))
ANY = symbol("parameter", "b", REAL, (3,))
NUMBER = symbol("parameter", "c", REAL, ())
FREE = symbol("parameter", "F", Support("Unit"), (3, 3))


@pytest.mark.parametrize(
    "term",
    [
        VECTOR,
        element(TABLE, (STATE,)),
        element(TABLE, (STATE, WHOLE)),
        contract(VECTOR, SQUARE),
        contract(contract(VECTOR, SQUARE), SQUARE),
        apply("divide", POSITIVE, reduce("sum", POSITIVE)),
        each(0, 4, literal(Fraction(1, 4))),
        choose(apply("less", literal(0), NUMBER), VECTOR, element(TABLE, (STATE, WHOLE))),
    ],
)
def test_points_of_a_simplex(term: Term) -> None:
    assert Search().simplex(term).conclusion == Member(term, SIMPLEX)
    assert Search().range(reduce("sum", term)).conclusion == InRange(reduce("sum", term), point(1))


@pytest.mark.parametrize(
    "term",
    [
        TABLE,
        element(TABLE, (WHOLE, literal(0))),
        contract(VECTOR, FREE),
        contract(POSITIVE, SQUARE),
        apply("divide", ANY, reduce("sum", ANY)),
        apply("divide", POSITIVE, reduce("sum", VECTOR)),
        apply("multiply", literal(2), VECTOR),
        each(0, 4, literal(Fraction(1, 3))),
        choose(apply("less", literal(0), NUMBER), VECTOR, POSITIVE),
        choose(apply("less", literal(0), ANY), VECTOR, element(TABLE, (STATE, WHOLE))),  # element by element
        choose(apply("less", literal(0), apply("log", NUMBER)), VECTOR, VECTOR),  # of a number that may not be
    ],
)
def test_what_is_none(term: Term) -> None:
    with pytest.raises(NotFound):
        Search().simplex(term)


def test_rules_refuse_premises_about_something_else() -> None:
    other = Search().simplex(VECTOR)
    with pytest.raises(Unproved):
        prove("sum_of_shares", (reduce("sum", POSITIVE),), other)
    with pytest.raises(Unproved):
        prove("mixed_rows", (contract(POSITIVE, SQUARE),), other)
    with pytest.raises(Unproved):
        prove("shares", (apply("divide", ANY, reduce("sum", ANY)),), Search().range(POSITIVE))
