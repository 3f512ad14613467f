"""Applications of rules about maps of vectors that one condition alone refuses, as in `planted`."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from gencompiler.model.nodes import REAL
from gencompiler.proof.components import component
from gencompiler.proof.domain import Interval
from gencompiler.proof.facts import Fact, InRange, NotInjective
from gencompiler.proof.graph import apply, join, network, select, symbol
from gencompiler.proof.terms import plus, times

Forged = tuple[str, tuple[Any, ...], tuple[Fact, ...]]

V = symbol("input", "v", REAL, (2,))


# -- second solutions ------------------------------------------------------------------------------------------------

_NEAR = Fraction(1, 2**11)
_BOX = Fraction(1, 2**10)
_UNIT_ROWS = ((Fraction(1), Fraction(0)), (Fraction(0), Fraction(1)))


def _at(*numbers: Fraction | int) -> tuple[Fraction, ...]:
    return tuple(map(Fraction, numbers))


def _a_network_and_its_input_at_once() -> Forged:
    """A coupling: at the solution its network sees the first point's own input, and is to give another number."""
    seen = select(V, (0,))
    output = network("n", 0, (1,), (seen,))
    body = join((select(V, (0,)), plus(select(V, (1,)), output)))
    choices, ends = ((output, _at(0), _at(0)),), (_at(0, 0), _at(_NEAR, _NEAR))
    return "second_solution", (V, body, choices, ends, ((V, 0), (output, 0)), _BOX, _UNIT_ROWS), ()


def _a_network_that_sees_what_is_solved_for() -> Forged:
    """v + B(u), then u + A(v + B(u)): at the solution A sees the first point's own input, and is to give another."""
    first, second = select(V, (0,)), select(V, (1,))
    inner = network("b", 0, (1,), (first,))
    shifted = plus(second, inner)
    outer = network("a", 0, (1,), (shifted,))
    body = join((shifted, plus(first, outer)))
    choices = ((inner, _at(0), _at(_NEAR - 1)), (outer, _at(0), _at(-1)))
    unknowns = ((inner, 0), (outer, 0))
    return "second_solution", (V, body, choices, (_at(0, 0), _at(1, 1)), unknowns, _BOX, _UNIT_ROWS), ()


def _two_entries_that_move() -> Forged:
    """sin(v[0]) + v[1] takes a value twice along the first element, and v[0] beside it tells the two apart."""
    own = component(V, 0)
    body = join((plus(apply("sin", select(V, (0,))), select(V, (1,))), select(V, (0,))))
    return "line_twice", (V, body, (), _at(0, 0), 0), (NotInjective(own, apply("sin", own)),)


def _a_fold_of_another_entry() -> Forged:
    """sinh(v[0]) takes no value twice, though sin does."""
    own = component(V, 0)
    body = join((apply("sinh", select(V, (0,))), select(V, (1,))))
    return "line_twice", (V, body, (), _at(0, 0), 0), (NotInjective(own, apply("sin", own)),)


def _a_size_of_two_numbers() -> Forged:
    """a b < 1 says nothing of a."""
    a, b = (symbol("parameter", name, REAL) for name in "ab")
    return "by_size", (), (InRange(times(a, b), Interval(-1, 1)),)


OF_VECTORS: tuple[Callable[[], Forged], ...] = (
    _a_network_and_its_input_at_once,
    _a_network_that_sees_what_is_solved_for,
    _two_entries_that_move,
    _a_fold_of_another_entry,
    _a_size_of_two_numbers,
)
