"""Refutations of maps of a number that follow it along intervals: one value twice, a value that is never taken."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import cast

from gencompiler.model.nodes import Support
from gencompiler.proof.domain import Interval, of_support
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.facts import Fact, NotInjective, NotOnto
from gencompiler.proof.graph import Term, support_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.numbers import Number, Undecided, Values, compare
from gencompiler.proof.refute_rules import admissible, is_free
from gencompiler.proof.sweep import branches, enclosures

#: Rational values of symbols and network outputs, element by element.
Elements = tuple[tuple[Term, Values], ...]
#: The ends of a closed interval.
Cell = tuple[Fraction, Fraction]
_INTERVALS = ("Real", "Positive", "NonNegative", "Unit", "Interval", "Open")


def _point(assignment: Elements, input_: Term) -> dict[Term, Fraction | Values]:
    chosen: dict[object, Values] = {}
    for atom, values in assignment:
        need(atom is not input_ and atom.operation in ("network", "symbol"), "the input is not fixed")
        need(atom.operation == "network" or is_free(atom, values), "{} cannot be that", atom)
        need(all(isinstance(v, Fraction) for v in values), "not exact")
        key = (atom.operation, atom.data[:2])  # a network's output is one constant, whatever it is given
        need(chosen.setdefault(key, values) == values, "two values for one {}", atom)
    return dict(assignment)


def _value(body: Term, point: dict[Term, Fraction | Values], input_: Term, at: Fraction) -> Number:
    try:
        return evaluate(body, {**point, input_: (at,)})[0]
    except (Undecided, Undefined) as problem:
        raise Unproved(str(problem)) from None


@rule
def taken_twice(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A value that lies strictly between those at the ends of each of two intervals, on which the map is continuous.

    Subject: the input, the body, an assignment, the two intervals, the value.  By the intermediate value theorem it is
    taken inside each, and the insides are disjoint."""
    input_, body, assignment, first, second, value = cast(tuple[Term, Term, Elements, Cell, Cell, Fraction], subject)
    need(input_.shape == () and body.shape == (), "not a map of a number")
    need(support_of(input_).name in _INTERVALS, "{} is not an interval", support_of(input_))
    point = _point(assignment, input_)
    need(first[0] < first[1] <= second[0] < second[1], "two intervals, one after the other")
    for low, high in (first, second):
        need(all(admissible(support_of(input_), e) for e in (low, high)), "not an input")
        enclosures(body, point, input_, Interval(low, high), strict=True)
        try:
            before, after = (compare(_value(body, point, input_, e), value) for e in (low, high))
        except Undecided as problem:
            raise Unproved(str(problem)) from None
        need(before * after < 0, "the value is not between those at the ends")
    return NotInjective(input_, body)


@rule
def never_taken(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A value of the support that no part of the line is mapped to.

    Subject: the input, the body, the support, an assignment, the value, and places in order at which the domain is
    cut."""
    input_, body, support, assignment, value, cuts = cast(
        tuple[Term, Term, Support, Elements, Fraction, tuple[Fraction, ...]], subject
    )
    need(input_.shape == () and body.shape == (), "not a map of a number")
    need(admissible(support, value), "{} is not a value of {}", value, support)
    point = _point(assignment, input_)
    whole = of_support(support_of(input_))
    if whole is None:
        raise Unproved("the ends of the domain are not exact numbers")
    ends = (whole.lower, *cuts, whole.upper)
    need(all(a < b for a, b in itertools.pairwise(ends)), "the cuts are not in order")
    for low, high in itertools.pairwise(ends):
        for reached in branches(body, point, input_, Interval(low, high)):
            need(not reached.contains(value), "{} may be taken", value)
    return NotOnto(body, support)
