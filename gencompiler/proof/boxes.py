"""Ranges of terms on boxes: every symbol in an interval, the whole term evaluated at once with outward rounding.

Part of what a proof trusts.  A box gives some symbols narrower intervals than their supports; what is known of terms
(premises) cuts ranges down.  Intervals treat each occurrence of a symbol on its own, which is sound and wider than the
truth; products of one factor with itself are squares."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from fractions import Fraction

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.proof import domain, enclosure, views
from gencompiler.proof.calculus import ROUGH, fold
from gencompiler.proof.domain import NON_NEGATIVE, POSITIVE, REALS, Interval
from gencompiler.proof.graph import Term, bound_index, is_finite, support_of
from gencompiler.proof.half_turns import WAVES, half_turns, image
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.numerators import horner
from gencompiler.proof.ring import Ring
from gencompiler.proof.terms import ONE, minus

#: Symbols, and elements of them, with the intervals they are restricted to.
Box = Mapping[Term, Interval]
#: What premises say of terms.
Known = Mapping[Term, Interval]
#: Exact ends with more bits are rounded outward.
_LONG = 192
_BOOLEAN = Interval(0, 1)


def support_interval(symbol: Term) -> Interval:
    """The interval of a symbol's support, that of an angle rounded outward; raises Unproved."""
    found = domain.of_support(support_of(symbol))
    if support_of(symbol).name == "Angle":
        end = enclosure.named_constant("pi").upper
        return Interval(-end, end)
    if found is None:
        raise Unproved(f"the ends of {support_of(symbol)} are not exact numbers")
    return found


def interior(interval: Interval) -> Interval:
    """The open interval with the same ends."""
    return Interval(interval.lower, interval.upper, True, True)


def meet(left: Interval, right: Interval) -> Interval:
    """What two intervals have in common; raises Unproved where that is nothing."""
    lower, lower_open = max((left.lower, left.lower_open), (right.lower, right.lower_open))
    upper, closed = min((left.upper, not left.upper_open), (right.upper, not right.upper_open))
    if lower > upper or (lower == upper and (lower_open or not closed)):
        raise Unproved("no values in common")
    return Interval(lower, upper, lower_open, not closed)


class Evaluation:
    """The ranges of terms on one box; the box's intervals stand in place of the supports.

    With `smooth` (a symbol), every function of it must be analytic on the box: no `if` or kink that depends on it, and
    every argument on the inside of its function's domain."""

    def __init__(self, box: Box, known: Known, smooth: Term | None = None) -> None:
        self.box = box
        self.given = known
        self.smooth = smooth
        self.found: dict[Term, Interval] = {}

    def range(self, term: Term) -> Interval:
        """Where the values of a term lie; raises Unproved unless it is defined everywhere on the box."""
        found = self.found.get(term)
        if found is None:
            found = self._range(term)
            given = self.given.get(term)
            if given is not None:
                found = meet(found, given)
            found = self.found[term] = _short(found)
        return found

    def _range(self, term: Term) -> Interval:
        match term.operation:
            case "symbol":
                return self.box[term] if term in self.box else support_interval(term)
            case "literal":
                need(is_finite(term.data), "{} is not a finite number", term)
                return domain.point(term.data)
            case "constant":
                return enclosure.named_constant(term.data)
            case "apply":
                return self._apply(term)
            case "choose":
                return self._choose(term)
            case "element" | "select" | "each":
                inner = self.range(term.arguments[0])
                return meet(inner, self.box[term]) if term in self.box else inner
            case "join":
                return domain.hull(*(self.range(a) for a in term.arguments))
            case "network":
                for argument in term.arguments:
                    self.range(argument)
                return REALS
            case "reduce" if term.data in ("sum", "mean", "min", "max"):
                return self._reduce(term)
            case "contract":
                return self._contract(term)
        raise Unproved(f"nothing is known about the range of {term}")

    def _reduce(self, term: Term) -> Interval:
        (operand,) = term.arguments
        inner = self.range(operand)
        cut = views.axes(operand)
        weighted = _weighted(operand) if term.data == "sum" else None
        if weighted is not None:
            return domain.point(1) if weighted is ONE else self.range(weighted)
        least, most = views.count(operand.shape, cut)
        if term.data == "sum":
            return domain.hull(domain.scale(inner, least), domain.scale(inner, most))
        need(least > 0, "{} of nothing is not defined", term.data)
        return inner

    def _contract(self, term: Term) -> Interval:
        views.axes(term)
        left, right = term.arguments
        a, b = self.range(left), self.range(right)
        squares = left is right and len(left.shape) == 1
        for weights, values, found in ((left, right, b), (right, left, a)):
            if is_weights(weights) and len(values.shape) == 1:
                return found
        least, most = views.count(right.shape[:1], views.axes(right)[:1])
        product = domain.power(a, 2) if squares else domain.multiply(a, b)
        return domain.hull(domain.scale(product, least), domain.scale(product, most))

    def _choose(self, term: Term) -> Interval:
        condition, then, otherwise = term.arguments
        self.range(condition)
        answer = self.holds(condition)
        if answer is not None:
            return self.range(then if answer else otherwise)
        need(self.smooth is None or self.smooth not in condition.symbols, "{} is in pieces", term)
        return domain.hull(self.range(then), self.range(otherwise))

    def holds(self, condition: Term) -> bool | None:
        """Whether a condition is true, or false, everywhere on the box; None where neither is known."""
        if condition.operation == "literal":
            return bool(condition.data)
        if condition.operation != "apply":
            return None
        name, arguments = condition.data, condition.arguments
        if name == "not":
            inner = self.holds(arguments[0])
            return None if inner is None else not inner
        if name in ("and", "or"):
            answers = [self.holds(a) for a in arguments]
            decisive = bool(name == "or")
            if decisive in answers:
                return decisive
            return None if None in answers else not decisive
        if name not in ("less", "less_equal", "greater", "greater_equal"):
            return None
        left, right = (self.range(a) for a in arguments)
        if name.startswith("greater"):
            left, right = right, left
        strict = not name.endswith("equal")
        found = _below(left, right, strict)
        if found is None and any(a.arguments for a in arguments):
            gap = difference(*(arguments[::-1] if name.startswith("greater") else arguments))
            found = _below(self.range(gap), domain.point(0), strict)
        return found

    # -- functions -----------------------------------------------------------------------------------------------------

    def _apply(self, term: Term) -> Interval:
        name = term.data
        ranges = [self.range(a) for a in term.arguments]
        fact = FUNCTIONS[name]
        if fact.kind == "boolean" or name == "indicator":
            answer = self.holds(term if name != "indicator" else term.arguments[0])
            return _BOOLEAN if answer is None else domain.point(int(answer))
        moved = self.smooth is not None and self.smooth in term.symbols
        need(not moved or (name not in ROUGH and name != "stop"), "{} is not smooth", term)
        match name:
            case "add":
                return domain.add(*ranges)
            case "subtract":
                return domain.subtract(*ranges)
            case "multiply" if term.arguments[0] is term.arguments[1]:
                return domain.power(ranges[0], 2)
            case "multiply":
                return domain.multiply(*ranges)
            case "divide":
                inverse = domain.reciprocal(ranges[1])
                if inverse is None:
                    raise Unproved(f"{term.arguments[1]} may be 0")
                return domain.multiply(ranges[0], inverse)
            case "power":
                return self._power(term, *ranges)
            case "min" | "max":
                return _extremum(name, *ranges)
        need(len(ranges) == 1, "nothing is known about the range of {}", term)
        (argument,) = ranges
        turned = self._turned(term) if name in WAVES else None
        if turned is not None:
            return turned
        allowed = enclosure.domain_of(name)
        need(argument.within(interior(allowed) if moved else allowed), "{} may be undefined", term)
        if fact.monotone:
            return enclosure.image(name, argument)[0]
        return _bounded(name, argument)

    def _turned(self, term: Term) -> Interval | None:
        """The range of a wave of a multiple of pi; None where it is not one, or not known to be defined."""
        turns = half_turns(term.arguments[0])
        found = image(term.data, self.range(turns)) if turns is not None else None
        return found[0] if found is not None else None

    def _power(self, term: Term, base: Interval, exponent: Interval) -> Interval:
        if exponent.is_point and Fraction(exponent.lower).denominator == 1 and abs(Fraction(exponent.lower)) <= 64:
            count = int(exponent.lower)
            if count == 0:
                return domain.point(1)
            found = domain.power(base, abs(count))
            if count > 0:
                return found
            inverse = domain.reciprocal(found) if base.sign else None
            if inverse is None:
                raise Unproved(f"{term.arguments[0]} may be 0")
            return inverse
        moved = self.smooth is not None and self.smooth in term.symbols
        need(base.sign > 0 or (base.within(NON_NEGATIVE) and exponent.sign > 0 and not moved), "{}: undefined", term)
        return _real_power(base, exponent)


@functools.lru_cache(maxsize=4096)
def difference(left: Term, right: Term) -> Term:
    """left - right, with what cancels left out."""
    return horner(Ring().normal(fold(minus(left, right))))


def is_weights(term: Term) -> bool:
    """Whether a vector is a point of a simplex, or all its elements in order."""
    if term.operation == "each" and term.shape == (term.data[1],):
        return _entry_of(term.arguments[0], term) is not None
    return term.operation == "symbol" and support_of(term).name == "Simplex" and len(term.shape) == 1


def _entry_of(entry: Term, array: Term) -> Term | None:
    """The point of a simplex of which `entry` is the element at the index of an array of as many."""
    if entry.operation != "element" or entry.arguments[1:] != (bound_index(*array.data),):
        return None
    base = entry.arguments[0]
    return base if is_weights(base) and base.shape == (array.data[1],) else None


def _weighted(operand: Term) -> Term | None:
    """What a sum is a mean of, with the weights of a point of a simplex; 1 for the sum of the weights themselves."""
    if is_weights(operand):
        return ONE
    inner = operand.arguments[0] if operand.operation == "each" and len(operand.shape) == 1 else operand
    if inner.operation == "apply" and inner.data == "multiply":
        for weights, values in (inner.arguments, inner.arguments[::-1]):
            if is_weights(weights) or (inner is not operand and _entry_of(weights, operand) is not None):
                return values
    return None


def _below(left: Interval, right: Interval, strict: bool) -> bool | None:
    """left < right (or <=) for all values, for none, or neither."""
    apart = left.upper < right.lower or (left.upper == right.lower and (left.upper_open or right.lower_open))
    if apart or (not strict and left.upper == right.lower):
        return True
    over = right.upper < left.lower or (right.upper == left.lower and (right.upper_open or left.lower_open))
    if over or (strict and right.upper == left.lower):
        return False
    return None


def _extremum(name: str, left: Interval, right: Interval) -> Interval:
    if name == "max":
        return domain.negate(_extremum("min", domain.negate(left), domain.negate(right)))
    lower = min((left.lower, left.lower_open), (right.lower, right.lower_open))
    upper = min((left.upper, not left.upper_open), (right.upper, not right.upper_open))
    return Interval(lower[0], upper[0], lower[1], not upper[1])


def _bounded(name: str, argument: Interval) -> Interval:
    """The range of a function that is not monotone; sharper for abs, relu, sign, cosh, and for short waves."""
    if name == "stop":
        return argument
    if name == "abs":
        if argument.sign:
            return argument if argument.sign > 0 else domain.negate(argument)
        square = domain.power(argument, 2)
        return Interval(0, max(-argument.lower, argument.upper), False, square.upper_open)
    if name == "relu":
        return Interval(
            max(argument.lower, 0),
            max(argument.upper, 0),
            argument.lower_open and argument.lower > 0,
            argument.upper_open and argument.upper > 0,
        )
    if name == "sign" and argument.sign:
        return domain.point(argument.sign)
    if name == "cosh":
        size = _bounded("abs", argument)
        return _even(name, size)
    if name in ("sin", "cos"):
        return _wave(name, argument)
    return enclosure.range_of(name)


def _even(name: str, size: Interval) -> Interval:
    low = enclosure.value(name, Fraction(size.lower))[0]
    high = enclosure.value(name, Fraction(size.upper))[1] if is_finite(size.upper) else math.inf
    return enclosure.clamp(Interval(low, high), enclosure.range_of(name))


def _wave(name: str, argument: Interval) -> Interval:
    """sin or cos of a short interval: the value at its middle and the reach of a function of slope at most 1."""
    whole = enclosure.range_of(name)
    if not is_finite(argument.lower) or not is_finite(argument.upper) or argument.upper - argument.lower > 2:
        return whole
    if argument.is_point:
        low, high = enclosure.value(name, Fraction(argument.lower))
        return enclosure.clamp(Interval(low, high), whole)
    middle = Fraction(argument.lower + argument.upper) / 2
    reach = Fraction(argument.upper) - middle
    low, high = enclosure.value(name, middle)
    tangent = enclosure.value("cos" if name == "sin" else "sin", middle)
    steep = min(Fraction(1), max(abs(Fraction(e)) for e in tangent) + reach)
    return enclosure.clamp(Interval(low - steep * reach, high + steep * reach), whole)


def _real_power(base: Interval, exponent: Interval) -> Interval:
    """x^y for x >= 0: exp(y log x), bounded through the ends of both."""
    if base.upper == 0:
        return domain.point(0)
    inside = Interval(base.lower, base.upper, base.lower_open or base.lower == 0, base.upper_open)
    logs = enclosure.image("log", inside)[0]
    found = enclosure.image("exp", domain.multiply(logs, exponent))[0]
    if base.lower == 0 and not base.lower_open:
        return Interval(0, found.upper, False, found.upper_open)
    return enclosure.clamp(found, POSITIVE)


def _short(interval: Interval) -> Interval:
    """An interval with ends of few bits, rounded outward; open where they moved."""
    lower, upper = interval.lower, interval.upper
    if not (_is_long(lower) or _is_long(upper)):
        return interval
    down, up = (
        enclosure.rounded_down(Fraction(lower)) if _is_long(lower) else lower,
        -enclosure.rounded_down(-Fraction(upper)) if _is_long(upper) else upper,
    )
    return Interval(down, up, interval.lower_open or down != lower, interval.upper_open or up != upper)


def _is_long(end: object) -> bool:
    return isinstance(end, Fraction) and end.numerator.bit_length() + end.denominator.bit_length() > _LONG
