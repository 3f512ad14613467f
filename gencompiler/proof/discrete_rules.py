"""Rules for maps of numbers between which there are gaps: finitely many, the integers, all numbers but 0.

Each concludes that the map is one-to-one onto the declared values; a density of counting measure has no Jacobian."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import cast

from gencompiler.model.nodes import Support
from gencompiler.proof import domain
from gencompiler.proof.domain import Interval
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.facts import Bijection, Fact, Invertible, NonZero, NotOnto, result
from gencompiler.proof.graph import Term, apply, choose, literal, substitute, support_of, symbol
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.numbers import Undecided, compare
from gencompiler.proof.range_rules import has_value, range_of
from gencompiler.proof.ring import Ring
from gencompiler.proof.terms import ZERO, minus, negated

#: Sets of more values are not gone through.
LARGEST = 64


@rule
def nonzero_counted(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A number that depends on one finite index, and is 0 at none of its values.  Subject: the term."""
    (term,) = cast(tuple[Term], subject)
    need(len(term.symbols) == 1 and term.shape == (), "it does not depend on one index")
    (index,) = term.symbols
    counted = domain.values_of(support_of(index), LARGEST) if index.shape == () else None
    need(counted is not None, "{} has no finite number of values", index)
    try:
        found = [evaluate(term, {index: value})[0] for value in counted or ()]
        need(all(compare(v, Fraction(0)) != 0 for v in found), "{} may be 0", term)
    except (Undecided, Undefined) as problem:
        raise Unproved(str(problem)) from None
    return NonZero(term)


@rule
def permuted(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A map of finitely many numbers that takes each declared value once.  Subject: the input, the body, the declared
    support."""
    input_, body, declared = cast(tuple[Term, Term, Support], subject)
    need(input_.shape == body.shape == () and body.symbols <= {input_}, "it depends on something else")
    own, wanted = (domain.values_of(s, LARGEST) for s in (support_of(input_), declared))
    need(own is not None and wanted is not None, "not a finite set")
    try:
        reached = [evaluate(body, {input_: value})[0] for value in own or ()]
    except (Undecided, Undefined) as problem:
        raise Unproved(str(problem)) from None
    exact = all(isinstance(v, Fraction) for v in reached)
    need(exact and sorted(reached) == sorted(wanted or ()), "it does not take each value of {} once", declared)
    (*rest, (_, inverse)) = sorted(zip(reached, map(literal, own or ()), strict=True), key=lambda pair: pair[0])
    for value, argument in reversed(rest):
        inverse = choose(apply("equal", result(()), literal(value)), argument, inverse)
    return Invertible(input_, body, declared, inverse, ZERO)


def whole_steps(input_: Term, body: Term) -> tuple[Fraction, Fraction]:
    """The whole numbers a and c of a map a u + c; raises Unproved for others."""
    normal = Ring().normal(body)
    need(set(normal) <= {((input_, 1),), ()}, "{} is not affine with numbers for coefficients", body)
    slope, offset = normal.get(((input_, 1),), Fraction(0)), normal.get((), Fraction(0))
    need(slope.denominator == offset.denominator == 1, "{} leaves the integers", body)
    return slope, offset


def is_integers(support: Support) -> bool:
    """Whether a support is that of all integers."""
    return support.name == "Integer" and support.arguments == (-math.inf, math.inf)


@rule
def shifted_integers(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """u + c and c - u are one-to-one maps of the integers.  Subject: the input, the body, the declared support.

    Premise: the range of the body, so that it is defined: `u + 1 / u - 1 / u` is not, at 0."""
    input_, body, declared = cast(tuple[Term, Term, Support], subject)
    need(bool(premises), "not known to be defined")
    range_of(premises[0], body)
    need(is_integers(support_of(input_)) and is_integers(declared) and input_.shape == (), "not a map of the integers")
    slope, offset = whole_steps(input_, body)
    need(abs(slope) == 1, "{} skips integers", body)
    moved = minus(result(()), literal(offset)) if offset else result(())
    back = minus(literal(offset), result(())) if offset else negated(result(()))
    return Invertible(input_, body, declared, moved if slope > 0 else back, ZERO)


@rule
def skips_integers(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """a u + c with another a than 1 and -1 does not take the value c + 1.  Subject: the input, the body, the declared
    support."""
    input_, body, declared = cast(tuple[Term, Term, Support], subject)
    need(is_integers(support_of(input_)) and is_integers(declared) and input_.shape == (), "not a map of the integers")
    slope, _ = whole_steps(input_, body)
    need(abs(slope) != 1, "{} takes every integer", body)
    return NotOnto(body, declared)


def halves(input_: Term) -> tuple[Term, Term]:
    """The symbols of a number other than 0 on either side of 0."""
    need(support_of(input_) == Support("NonZero") and input_.shape == (), "{} is not a number other than 0", input_)
    kind, name = input_.data[:2]
    return symbol(kind, name, Support("Open", (-math.inf, Fraction(0)))), symbol(kind, name, Support("Positive"))


@rule
def beside_zero(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A map of the numbers other than 0 that takes either side of 0 onto one side of it, not the same.

    Subject: the input, the body, the declared support.  Premises: the bijections of the lower and the upper side, that
    the body is defined on each."""
    input_, body, declared = cast(tuple[Term, Term, Support], subject)
    sides = halves(input_)
    need(not set(sides) & body.symbols, "the name of a side of {} is in use", input_)
    need(declared == Support("NonZero") and len(premises) == 4, "not a map to the numbers other than 0")
    images: list[Interval] = []
    found: list[Bijection] = []
    for own, premise, defined in zip(sides, premises[:2], premises[2:], strict=True):
        need(isinstance(premise, Bijection), "a side is not known to be mapped one-to-one")
        assert isinstance(premise, Bijection)
        need(premise.input is own and premise.body is substitute(body, {input_: own}), "a premise about another map")
        need(premise.onto, "a side is not known to be reached")
        has_value(defined, premise.body)
        images.append(premise.image)
        found.append(premise)
    below, above = Interval(-math.inf, Fraction(0), True, True), domain.POSITIVE
    need(images in ([below, above], [above, below]), "the two sides do not make up the numbers other than 0")
    up, down = found[::-1] if images == [below, above] else found
    inverse = choose(apply("greater", result(()), ZERO), up.inverse, down.inverse)
    lower, upper = (substitute(m.log_derivative, {s: input_}) for m, s in zip(found, sides, strict=True))
    slope = upper if upper is lower else choose(apply("greater", input_, ZERO), upper, lower)
    return Invertible(input_, body, declared, inverse, slope)
