"""Applications of rules about maps of vectors that one condition alone refuses, as in `planted`."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof.components import component
from gencompiler.proof.domain import Interval
from gencompiler.proof.facts import Defined, Fact, InRange, NotInjective
from gencompiler.proof.graph import Term, apply, join, literal, network, select, symbol
from gencompiler.proof.matrices import matrix
from gencompiler.proof.proper_rules import determinant, far_out
from gencompiler.proof.terms import ONE, minus, over, plus, times
from gencompiler.proof.written_rules import jacobian

Forged = tuple[str, tuple[Any, ...], tuple[Fact, ...]]

V = symbol("input", "v", REAL, (2,))
_V0 = select(V, (0,))


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


# -- integers --------------------------------------------------------------------------------------------------------

INTEGERS = Support("Integer", (-math.inf, math.inf))
N = symbol("input", "n", INTEGERS, (2,))
_FIRST, _LAST = select(N, (0,)), select(N, (1,))


def _of_integers(*parts: Term, order: tuple[int, ...] = (0, 1), support: Support = INTEGERS) -> Forged:
    body = join(parts)
    return "lattice", (N, body, support, ((0,), (1,)), order), (Defined(body),)


def _a_shift_by_no_whole_number() -> Forged:
    """n[1] + tanh(n[0]) is no integer."""
    return _of_integers(_FIRST, plus(_LAST, apply("tanh", _FIRST)))


def _a_shift_by_what_is_not_known_yet() -> Forged:
    """(0, 1) and (1, 2) both go to (0, 2)."""
    up = plus(_FIRST, apply("floor", apply("cos", _LAST)))
    return _of_integers(up, plus(_LAST, apply("floor", apply("cos", _FIRST))))


def _a_multiple_of_an_integer() -> Forged:
    """2 n[1] is never 1."""
    return _of_integers(_FIRST, plus(_LAST, _LAST))


def _integers_with_a_hole() -> Forged:
    """n[1] + floor(1 / n[0]) has no value where n[0] is 0."""
    name, subject, _ = _of_integers(_FIRST, plus(_LAST, apply("floor", over(ONE, _FIRST))))
    return name, subject, (Defined(_FIRST),)


def _onto_more_than_the_integers() -> Forged:
    """Integers are not all real numbers."""
    return _of_integers(_FIRST, _LAST, support=REAL)


def _a_shift_that_skips_nothing() -> Forged:
    """n[1] + 3 takes every integer."""
    return "lattice_skips", (N, join((_FIRST, plus(_LAST, literal(3)))), INTEGERS, ((0,), (1,)), 1), ()


# -- linear far out --------------------------------------------------------------------------------------------------


def _linear_far_out(first: Term, low: int, high: float, size: Interval, v: Term = V) -> Forged:
    """That [first, v[1]] is a bijection, with a determinant between 0 and 2 unless it is said otherwise."""
    body = join((first, select(v, (1,))))
    volume = determinant(jacobian(v, body))
    rest = [InRange(r, size) for r in far_out(v, body).rest]
    everything = Interval(-math.inf, math.inf, True, True)
    return "proper", (v, body), (InRange(body, everything), InRange(volume, Interval(low, high)), *rest)


def _bounded_and_not_linear() -> Forged:
    """atan(v[0]) stays below 2."""
    return _linear_far_out(apply("atan", _V0), 1, 2, Interval(-2, 2))


def _a_determinant_of_both_signs() -> Forged:
    """v[0] - 2 tanh(v[0]) turns back."""
    return _linear_far_out(minus(_V0, times(literal(2), apply("tanh", _V0))), -1, 1, Interval(-2, 2))


def _what_is_added_is_not_bounded() -> Forged:
    """v[0] + sqrt(1 + v[0]^2) is positive."""
    root = apply("sqrt", plus(ONE, times(_V0, _V0)))
    return _linear_far_out(plus(_V0, root), 1, 2, Interval(1, math.inf, False, True))


def _linear_on_a_quadrant() -> Forged:
    """The identity of positive numbers does not reach the others."""
    v = symbol("input", "v", Support("Positive"), (2,))
    return _linear_far_out(select(v, (0,)), 1, 1, Interval(0, 0), v)


def _an_inverse_for_an_exponential() -> Forged:
    """W^-1 does not exist for all matrices W."""
    any_ = symbol("parameter", "W", REAL, (2, 2))
    return "nonsingular_exponential", (matrix("inverse", any_),), (InRange(any_, Interval(-math.inf, math.inf)),)


OF_VECTORS: tuple[Callable[[], Forged], ...] = (
    _a_network_and_its_input_at_once,
    _a_network_that_sees_what_is_solved_for,
    _two_entries_that_move,
    _a_fold_of_another_entry,
    _a_size_of_two_numbers,
    _a_shift_by_no_whole_number,
    _a_shift_by_what_is_not_known_yet,
    _a_multiple_of_an_integer,
    _integers_with_a_hole,
    _onto_more_than_the_integers,
    _a_shift_that_skips_nothing,
    _bounded_and_not_linear,
    _a_determinant_of_both_signs,
    _what_is_added_is_not_bounded,
    _linear_on_a_quadrant,
    _an_inverse_for_an_exponential,
)
