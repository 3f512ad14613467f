"""Pieces between knots: what the body of a spline says of one interval, and what its knots add up to.

The body of a spline speaks of the interval `k = bin(u, x)` that its input lies in.  For one k, everything subscripted
by it is a number, and with u = x[k] + W[k] r the body is a function of r on [0, 1].  Here that function is brought
into the form of a quotient of polynomials in r; the rule `knots` draws the conclusion.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from fractions import Fraction

from gencompiler.proof import quotients
from gencompiler.proof.domain import Interval
from gencompiler.proof.facts import Fact, InRange, Member
from gencompiler.proof.graph import Term, apply, build, constant, element, is_finite, literal, subterms, support_of
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.quotients import Coefficient, Quotient
from gencompiler.proof.terms import ONE


@dataclasses.dataclass(frozen=True)
class Knots:
    """A vector of K + 1 knots as what is in front of the first one and the K distances between neighbours."""

    start: Coefficient
    widths: Term


def knots_of(vector: Term) -> Knots:
    """`a + join(0, cumsum(w))` and the like; raises Unproved."""
    if vector.operation == "join" and len(vector.arguments) == 2 and vector.arguments[1].operation == "scan":
        first, sums = vector.arguments
        zero = first.operation == "each" and first.data[1] == 1 and first.arguments[0] is literal(0)
        need(zero, "{} does not begin with 0", vector)
        return Knots({}, sums.arguments[0])
    if vector.operation == "apply" and vector.data in ("add", "subtract", "multiply"):
        left, right = vector.arguments
        inner, other = (left, right) if left.shape else (right, left)
        need(other.shape == (), "{} is not one number and knots", vector)
        found = knots_of(inner)
        if vector.data == "multiply":
            widths = apply("multiply", *((found.widths, other) if inner is left else (other, found.widths)))
            return Knots(quotients.multiplied(found.start, coefficient(other)), widths)
        need(vector.data == "add" or inner is left, "{} runs downwards", vector)
        sign = 1 if vector.data == "add" else -1
        return Knots(quotients.added(found.start, coefficient(other), sign), found.widths)
    raise Unproved(f"{vector} is not known to be knots: write them as `a + join(0, cumsum(w))`")


def coefficient(term: Term) -> Coefficient:
    """A number as a polynomial in atoms."""
    if term.operation == "literal" and is_finite(term.data):
        return quotients.number(term.data)
    if term.operation == "apply" and all(a.shape == () for a in term.arguments):
        parts = term.arguments
        match term.data:
            case "add" | "subtract":
                left, right = map(coefficient, parts)
                return quotients.added(left, right, 1 if term.data == "add" else -1)
            case "negate":
                return quotients.added({}, coefficient(parts[0]), -1)
            case "multiply":
                return quotients.multiplied(*map(coefficient, parts))
            case "divide" if parts[1].operation == "literal" and parts[1].data != 0 and is_finite(parts[1].data):
                return quotients.added({}, coefficient(parts[0]), 1 / Fraction(parts[1].data))
    return quotients.atom(term)


def total(vector: Term, simplexes: frozenset[Term]) -> Coefficient:
    """The sum of the elements of a vector, where those of each of `simplexes` sum to 1; raises Unproved."""
    if vector in simplexes:
        return quotients.number(1)
    size = vector.shape[0]
    if vector.operation == "join":
        found: Coefficient = {}
        for part in vector.arguments:
            found = quotients.added(found, total(part, simplexes))
        return found
    if vector.operation == "each" and not any(s.data[0] == "bound" for s in vector.arguments[0].symbols):
        return quotients.multiplied(quotients.number(size), coefficient(vector.arguments[0]))
    if vector.operation == "apply":
        sums = [
            total(a, simplexes) if a.shape else quotients.multiplied(quotients.number(size), coefficient(a))
            for a in vector.arguments
        ]
        match vector.data:
            case "add" | "subtract":
                return quotients.added(sums[0], sums[1], 1 if vector.data == "add" else -1)
            case "negate":
                return quotients.added({}, sums[0], -1)
            case "multiply" if () in (vector.arguments[0].shape, vector.arguments[1].shape):
                return quotients.multiplied(quotients.multiplied(*sums), quotients.number(Fraction(1, size)))
            case "divide" if vector.arguments[1].operation == "literal" and vector.arguments[1].data != 0:
                return quotients.added({}, sums[0], 1 / Fraction(vector.arguments[1].data))
    raise Unproved(f"what the elements of {vector} sum to is not known")


def parts_of_total(vector: Term) -> list[Term]:
    """The vectors that have to be simplexes for `total` to be known."""
    if vector.operation == "apply" and vector.data in ("add", "subtract", "negate", "multiply", "divide"):
        return [p for a in vector.arguments if a.shape for p in parts_of_total(a)]
    if vector.operation == "join":
        return [p for a in vector.arguments for p in parts_of_total(a)]
    return [] if vector.operation == "each" else [vector]


def simplexes(premises: tuple[Fact, ...]) -> frozenset[Term]:
    """The vectors that premises say are on a simplex."""
    return frozenset(p.term for p in premises if isinstance(p, Member) and p.support.name == "Simplex")


# -- one piece -------------------------------------------------------------------------------------------------------


def bins(input_: Term, body: Term) -> list[Term]:
    """The intervals between knots that a body asks its input for."""
    return [t for t in subterms(body) if t.operation == "bin" and t.arguments[0] is input_]


class Piece:
    """The body within interval `place` as a quotient of polynomials in r, u being x[k] + W[k] r.

    `atoms` are the terms taken as numbers, in the order they were met; `divisors` what must not vanish on [0, 1]."""

    def __init__(self, input_: Term, place: Term) -> None:
        self.input = input_
        self.place = place
        self.atoms: dict[Term, int] = {}
        self.divisors: list[Quotient] = []
        self.knots = knots_of(place.arguments[1])
        self.left = element(place.arguments[1], (place,))
        self.width = element(self.knots.widths, (place,))
        line = (self._atom(self.left), self._atom(self.width))
        self.position = Quotient(line, (quotients.number(1),))

    def _atom(self, term: Term) -> Coefficient:
        self.atoms.setdefault(term, len(self.atoms))
        return quotients.atom(term)

    def of(self, term: Term) -> Quotient:
        """A part of the body; raises Unproved."""
        if term is self.input:
            return self.position
        if term.operation == "literal" and is_finite(term.data):
            return quotients.whole(quotients.number(term.data))
        if term.operation == "element" and term.arguments[1:] == (apply("add", self.place, ONE),):
            return quotients.whole(self._next(term.arguments[0]))
        moving = term.operation == "apply" and (not self._is_fixed(term) or term.data in _RING)
        if moving and all(a.shape == () for a in term.arguments):
            return self._apply(term)
        need(self._is_fixed(term), "{} depends on {} in a way that is not looked into", term, self.input)
        need(term.shape == (), "{} is not a number", term)
        self._check_places(term)
        return quotients.whole(self._atom(term))

    def _apply(self, term: Term) -> Quotient:
        match term.data:
            case "add" | "subtract":
                left, right = map(self.of, term.arguments)
                return quotients.plus_of(left, right, 1 if term.data == "add" else -1)
            case "negate":
                return quotients.plus_of(quotients.whole({}), self.of(term.arguments[0]), -1)
            case "multiply":
                return quotients.times_of(*map(self.of, term.arguments))
            case "divide":
                above, below = map(self.of, term.arguments)
                self.divisors.append(below)
                return quotients.over_of(above, below)
            case "power":
                base, exponent = term.arguments
                known = exponent.operation == "literal" and exponent.data in range(1, 5)
                need(known, "{} is not a small whole power", term)
                found = base_ = self.of(base)
                for _ in range(int(exponent.data) - 1):
                    found = quotients.times_of(found, base_)
                return found
        raise Unproved(f"{term} is not a quotient of polynomials in {self.input}")

    def _next(self, vector: Term) -> Coefficient:
        """v[k + 1]: of knots, v[k] and a distance."""
        need(vector.shape[0] > self.place.arguments[1].shape[0] - 1, "{} ends before the last interval does", vector)
        need(self.input not in vector.symbols, "{} depends on {}", vector, self.input)
        try:
            found = knots_of(vector)
        except Unproved:
            return self._atom(element(vector, (apply("add", self.place, ONE),)))
        here = self._atom(element(vector, (self.place,)))
        return quotients.added(here, self._atom(element(found.widths, (self.place,))))

    def _is_fixed(self, term: Term) -> bool:
        """Whether a term is one number within the interval: the input enters by the interval alone."""
        if self.input not in term.symbols or term is self.place:
            return True
        return term is not self.input and all(self._is_fixed(a) for a in term.arguments)

    def _check_places(self, term: Term) -> None:
        """Whatever the interval subscripts has a place for each, and the interval's number is nothing else."""
        if self.input not in term.symbols:
            return
        need(term is not self.place, "the number of the interval is used as a value")
        arguments = list(term.arguments)
        if term.operation == "element" and self.place in term.arguments[1:]:
            need(term.arguments[1] is self.place, "{} is not a subscript of a first axis", self.place)
            need(term.arguments[0].shape[0] >= self.place.arguments[1].shape[0] - 1, "{} is too short", term)
            arguments = [term.arguments[0]]
        if term.operation == "element" and term.arguments[1:] == (apply("add", self.place, ONE),):
            need(term.arguments[0].shape[0] >= self.place.arguments[1].shape[0], "{} is too short", term)
            arguments = [term.arguments[0]]
        for argument in arguments:
            self._check_places(argument)


#: What is looked into even where it does not depend on the input.
_RING = ("add", "subtract", "negate", "multiply", "power")


def ends(input_: Term) -> tuple[Coefficient, Coefficient]:
    """The ends of a closed, finite domain; raises Unproved."""
    support = support_of(input_)
    if support.name == "Angle":
        pi = coefficient(constant("pi"))
        return quotients.added({}, pi, -1), pi
    closed = support.name == "Interval" and all(is_finite(a) for a in support.arguments)
    need(closed, "{} is not a closed interval", support)
    lower, upper = support.arguments
    return quotients.number(Fraction(lower)), quotients.number(Fraction(upper))


def exact(value: Coefficient) -> Fraction:
    """A coefficient that is a number; raises Unproved."""
    need(set(value) <= {quotients.UNIT}, "a sum of elements is not an exact number")
    return value.get(quotients.UNIT, Fraction(0))


def signs(premises: tuple[Fact, ...]) -> Mapping[Term, Interval]:
    """What premises say of the signs of numbers."""
    return {p.term: p.interval for p in premises if isinstance(p, InRange)}


def replaced(term: Term, part: Term, by: Term) -> Term:
    """`term` with one part for another, wherever it stands."""
    known: dict[Term, Term] = {part: by}
    for each in subterms(term):
        if each not in known:
            arguments = tuple(known[a] for a in each.arguments)
            same = all(a is b for a, b in zip(arguments, each.arguments, strict=True))
            known[each] = each if same else build(each.operation, each.data, arguments)
    return known[term]
