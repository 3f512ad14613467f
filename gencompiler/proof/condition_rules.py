"""Rules for `requires`: what a definition may assume of its parameters, and what each use of it has to show.

`required` takes a condition for true, so what is proved with it holds only under it.  A verdict is checked to rest on
no other conditions than its goal names, and a use is rid of them by proofs that they hold there."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from fractions import Fraction
from typing import cast

from gencompiler.model.nodes import Support
from gencompiler.proof import domain
from gencompiler.proof.binders import replaced
from gencompiler.proof.components import components
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.facts import Fact, InRange, Invertible, Member, NonZero
from gencompiler.proof.graph import Term, apply, is_finite, literal, subterms
from gencompiler.proof.kernel import Proof, Subject, Unproved, need, rule
from gencompiler.proof.numbers import Number, Undecided, Values, compare
from gencompiler.proof.ring import Ring

#: Kinds of symbols that stand for something within a proof only, over all of whose values a rule then speaks.
_WITHIN_PROOFS = frozenset(
    ("above", "along", "below", "block", "bound", "component", "formal", "inner", "integral", "limit", "odd", "output")
) | {"result", "root", "sum", "wave"}


@rule
def required(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A condition of a definition, on what it takes from outside.  Subject: it, as a Member."""
    (condition,) = cast(tuple[Member], subject)
    outside = all(s.data[0] not in _WITHIN_PROOFS for s in condition.term.symbols)
    need(outside, "{} is no condition of a definition", condition.term)
    if condition.support.name == "NonZero":
        return NonZero(condition.term)
    interval = domain.of_support(condition.support)
    if interval is None:
        raise Unproved(f"the ends of {condition.support} are not exact numbers")
    return InRange(condition.term, interval)


@rule
def by_condition(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A number that is a power of another one, both written out in elements, lies where that power does.

    Subject: the number, the exponent.  Premises: that the number is defined, where the other one lies."""
    term, count = cast(tuple[Term, int], subject)
    defined, found = premises
    need(isinstance(defined, InRange) and defined.term is term and isinstance(found, InRange), "nothing is known")
    assert isinstance(found, InRange)
    need(count in (1, 2) and term.shape == found.term.shape == (), "another power")
    (own,), (other,) = (components(in_elements(t)) for t in (term, found.term))
    whole = other if count == 1 else apply("multiply", other, other)
    need(Ring().same(own, whole), "{} is another number", term)
    return InRange(term, domain.power(found.interval, count))


def sized(term: Term) -> tuple[Term, int]:
    """What |a|, a^2, a a and norm(a) are sizes of, and the power; raises Unproved for others."""
    if term.operation == "reduce" and term.data == "norm":
        return term.arguments[0], 1
    need(term.operation == "apply", "{} is no size", term)
    (first, *rest) = term.arguments
    if term.data == "abs":
        return first, 1
    square = (term.data == "multiply" and rest == [first]) or (term.data == "power" and rest == [literal(2)])
    need(square, "{} is no size", term)
    return first, 2


@rule
def by_size(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """|a| < m says that a is in (-m, m), a^2 < m^2 the same; so is each element of a vector of norm below m.

    Premise: where the size lies, all of whose parts are defined then."""
    (found,) = premises
    need(isinstance(found, InRange), "nothing is known")
    assert isinstance(found, InRange)
    term, power = sized(found.term)
    top = found.interval.upper
    need(is_finite(top) and top >= 0, "{} may be as large as you like", found.term)
    own, is_open = Fraction(top), found.interval.upper_open
    if power == 2:
        root = Fraction(math.isqrt(own.numerator * own.denominator), own.denominator)
        if root * root != own:  # the next number of this denominator, which is larger than the root
            root, is_open = root + Fraction(1, own.denominator), True
        own = root
    return InRange(term, domain.Interval(-own, own, is_open, is_open))


def in_elements(term: Term) -> Term:
    """A term in which the elements of vectors go by the symbols that stand for them when it is written out."""
    known = {}
    for part in subterms(term):
        if part.operation == "element" and part.arguments[0].operation == "symbol":
            with contextlib.suppress(Unproved):
                (known[part],) = components(part)
    return replaced(term, known)


@rule
def under(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A bijection under conditions.  Subject: the conditions.  Premise: the bijection, proved with their help."""
    (found,) = premises
    conditions = cast(tuple[Member, ...], subject)
    need(isinstance(found, Invertible) and found.requires == (), "not a bijection of its own")
    assert isinstance(found, Invertible)
    own = found.input.data[:2]  # a part of the domain goes by the input's name
    moving = any(s.data[:2] == own for c in conditions for s in c.term.symbols)
    need(not moving, "a condition on {} itself", found.input)
    return dataclasses.replace(found, requires=conditions)


@rule
def discharged(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A bijection whose conditions hold.  Premises: the bijection under conditions, then each of them."""
    found, *held = premises
    need(isinstance(found, Invertible), "not a bijection")
    assert isinstance(found, Invertible)
    need(tuple(held) == found.requires, "a condition that is not known to hold")
    return dataclasses.replace(found, requires=())


@rule
def nonzero_member(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A condition `a != b`.  Subject: it, as a Member.  Premise: that the difference does not vanish."""
    (condition,) = cast(tuple[Member], subject)
    need(condition.support.name == "NonZero" and premises == (NonZero(condition.term),), "{} may be 0", condition.term)
    return condition


_ZERO = Fraction(0)


def holds_at(conditions: tuple[Member, ...], at: tuple[tuple[Term, Fraction | tuple[Fraction, ...]], ...]) -> bool:
    """Whether conditions surely hold at a point."""
    try:
        return all(_holds(c, evaluate(c.term, dict(at))) for c in conditions)
    except (Undecided, Undefined, KeyError):
        return False


def _holds(condition: Member, values: Values) -> bool:
    interval = domain.of_support(condition.support)
    if interval is None:
        return False
    return all(_within(v, interval) and (condition.support.name != "NonZero" or compare(v, _ZERO)) for v in values)


def _within(value: Number, interval: domain.Interval) -> bool:
    """Whether a number is in an interval; raises Undecided where a ball reaches an end."""
    if isinstance(value, Fraction):
        return interval.contains(value)
    ends = ((interval.lower, 1), (interval.upper, -1))
    return all(not is_finite(end) or compare(value, Fraction(end)) == inward for end, inward in ends)


#: 0 > 0, which nothing satisfies.
NEVER = Member(literal(0), Support("Positive"))
#: Rules that put a term in the place of a symbol, the first of the subject.
_PUTTING_IN = ("specialise", "instance_of_map", "defined_for")


def hypotheses_in(proof: Proof) -> frozenset[Member]:
    """The conditions that a proof rests on and does not show.

    A condition on a symbol says nothing of what is put in its place, so that a proof which does this rests on what
    never holds."""
    known: dict[int, frozenset[Member]] = {}

    def visit(current: Proof) -> frozenset[Member]:
        found = known.get(id(current))
        if found is None:
            own = [visit(p) for p in current.premises]
            if current.rule == "discharged":  # the proofs that conditions hold rest on what they rest on
                own[0] -= set(cast(Invertible, current.premises[0].conclusion).requires)
            found = frozenset().union(*own)
            if current.rule == "required":
                found |= {current.subject[0]}
            if current.rule in _PUTTING_IN and any(current.subject[0] in c.term.symbols for c in found):
                found |= {NEVER}
            known[id(current)] = found
        return found

    return visit(proof)
