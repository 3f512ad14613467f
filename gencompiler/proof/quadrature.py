"""Enclosures of integrals and sums of functions without parameters, in ball arithmetic.

The middle of an integral is enclosed by the algorithm of Petras as flint has it, which is rigorous for functions that
are analytic where it is told that they are; of a sum, the first terms are added up.  What is left of a function g > 0
is bounded by how fast it falls: if y g'(y) / g(y) >= p > -1 on 0 < y < d, then its integral there is at most
d g(d) / (p + 1), and if it is <= -p < -1 beyond N, the sum from N on is at most g(N) (1 + N / (p - 1))."""

from __future__ import annotations

import contextlib
import functools
import math
from fractions import Fraction
from typing import Any

from gencompiler.model.nodes import REAL, Real, Support
from gencompiler.proof import enclosure
from gencompiler.proof import exponentials as ex
from gencompiler.proof.closed_forms import ClosedForms, Know
from gencompiler.proof.complex_balls import Bounds, integral
from gencompiler.proof.domain import Interval
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.exponentials import Exponentials
from gencompiler.proof.graph import Term, is_finite, literal, substitute, subterms, support_of, symbol
from gencompiler.proof.integrals import POSITIVE, Integrals
from gencompiler.proof.integrands import addends, power_of, split
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.numbers import Undecided
from gencompiler.proof.pieces import Cut, Pieces, linear
from gencompiler.proof.products import Product, parts_of
from gencompiler.proof.terms import minus, over, plus, times

#: Where an integral is cut off: near 0 here, and beyond the reciprocals of these.
ENDS = tuple(Fraction(1, 2**n) for n in (3, 5, 7, 10, 20, 40, 80, 160))
#: Tails smaller than this are small enough.
SMALL = Fraction(1, 10**13)
_TERMS = (64, 512)
#: After so many terms, the rest of a convex function is compared with integrals.
_CONVEX = 1024


class Enclosing(Integrals):
    """The pieces of an integral: functions on (0, 1) without conditions."""

    def __init__(self, know: Know) -> None:
        super().__init__(ClosedForms(know))
        self.bounds: list[Bounds] = []

    def _integral(self, body: Term, support: Support, depth: int) -> tuple[Product, ...]:
        need(depth <= 8, "an integral that takes too many steps")
        y = symbol("integral", f"y{self.count}", support)
        if support == REAL:
            self._beyond(body, y, literal(0), -1, depth)
            self._beyond(body, y, literal(0), 1, depth)
            return ()
        try:
            whole = Pieces(self.forms, y, False).resolved(body)
        except Cut as cut:
            return self._cut(body, y, support, cut.place, depth + 1)
        except Unproved:
            whole = body  # a kink at an unknown place is enclosed like any other
        if support == POSITIVE:
            return self._between(whole, y, literal(0), literal(1), depth) or self._far(whole, y)
        self._near(whole, y)
        return ()

    def _bounded(self, body: Term, variable: Term, lower: Term, upper: Term) -> tuple[Product, ...]:
        return self._between(body, variable, lower, upper, 0)  # once: what has been added to the bounds stays there

    def _near(self, body: Term, y: Term) -> None:
        """Over (0, 1): both ends, and what is between them."""
        other = substitute(body, {y: minus(literal(1), y)})
        ends = [self._end(g, y) for g in (body, other)]
        (low, first), (high, second) = ends
        middle = self._middle(body, y, low, 1 - high)
        self.bounds.append((middle[0], middle[1] + first + second))

    def _middle(self, body: Term, y: Term, start: Fraction, stop: Fraction) -> Bounds:
        """The integral between two numbers; what is not enclosed is at least 0, where the body is nowhere negative."""
        floor: Real = 0 if self.forms.know(body).lower >= 0 else -math.inf
        try:
            found = integral(body, y, start, stop)
        except Unproved:
            return floor, math.inf
        return max(found[0], floor), found[1]

    def _far(self, body: Term, y: Term) -> tuple[Product, ...]:
        """Over (1, inf)."""
        turned = over(substitute(body, {y: over(literal(1), y)}), times(y, y))
        end, tail = self._end(turned, y)
        low: Real = Fraction(0)
        high: Real = Fraction(0)
        start = Fraction(1)
        while start < 1 / end:
            stop = min(8 * start, 1 / end)
            found = self._middle(body, y, start, stop)
            low, high, start = low + found[0], high + found[1], stop
            if math.isinf(found[1]):
                break
        self.bounds.append((low, high + tail))
        return ()

    def _end(self, body: Term, y: Term) -> tuple[Fraction, Real]:
        """Where to cut off near 0, and a bound of the integral from 0 to there."""
        with contextlib.suppress(Unproved):
            body = not_below(self.forms, body)
        best: tuple[Fraction, Real] = (ENDS[-2], math.inf)
        for end in ENDS:
            try:
                tail = self._tail(body, y, end)
            except (Unproved, Undecided, Undefined):
                continue
            if tail <= SMALL:
                return end, tail
            if tail < best[1]:
                best = end, tail
        return best

    def _tail(self, body: Term, y: Term, end: Fraction) -> Real:
        first, other = (self._above(body, y, number) for number in (False, True))
        found = self._tail_of(first, y, end)
        return found if other is first or found <= SMALL else min(found, self._tail_of(other, y, end))

    def _tail_of(self, body: Term, y: Term, end: Fraction) -> Real:
        near = symbol("integral", f"near {y.data[1]}", Support("Open", (Fraction(0), end)))
        inside = substitute(body, {y: near})
        own = self.forms.know(inside)
        bounded = own.upper * end if is_finite(own.upper) else math.inf
        try:
            slope = self._slope(inside, near)
        except Unproved:
            return bounded
        edge = _upper(substitute(body, {y: literal(end)}))
        if slope.lower <= -1 or not is_finite(slope.lower) or not is_finite(edge):
            return bounded
        return min(bounded, end * Fraction(edge) / (Fraction(slope.lower) + 1))

    def _above(self, body: Term, y: Term, number: bool) -> Term:
        """A body that is no smaller, y being positive: for exp(k y) - 1 in a denominator stands k y, for
        1 - exp(-k y) its bound k y / (1 + k y); for a sum an exponential in it, or with `number` a number."""
        if body.operation != "apply" or body.data not in ("multiply", "divide"):
            return body
        left, right = body.arguments
        if body.data == "multiply":
            both = self.forms.positive(left) and self.forms.positive(right)
            return times(self._above(left, y, number), self._above(right, y, number)) if both else body
        if not (self.forms.positive(left) and self.forms.positive(right)):
            return body
        return over(self._above(left, y, number), self._below(right, y, number) or right)

    def _below(self, divisor: Term, y: Term, number: bool) -> Term | None:
        """A positive term that a positive divisor is at least; of a sum of positive ones, one of them."""
        parts = [ex.written(part) for part, _ in parts_of(self.forms.normal(divisor))]
        if len(parts) > 1 and all(map(self.forms.positive, parts)):
            wanted = (p for p in parts if (y not in p.symbols if number else _has_exponential(p)))
            return next(wanted, None)
        gap = ex.plus(self.forms.normal(divisor), ex.constant(1))
        for sign in (1, -1):
            inner = ex.plus(ex.constant(1 - sign), ex.scaled(gap, sign)) if sign < 0 else gap
            grown = ex.written(inner)
            exponent = linear(self.forms.log(grown), y) if self.forms.positive(grown) else None
            if exponent is None or exponent[1]:
                continue
            rate = ex.written(ex.scaled(exponent[0], sign))
            if self.forms.positive(rate):
                step = times(rate, y)
                return step if sign > 0 else over(step, plus(literal(1), step))
        return None

    def _slope(self, body: Term, y: Term) -> Interval:
        """Where y g'(y) / g(y) lies, by the form whose interval starts higher."""
        found = elasticity(self.forms, self.forms.log(body), y)
        return max((self.forms.know(form) for form in (ex.written(found), grouped(found))), key=lambda k: k.lower)


def _has_exponential(term: Term) -> bool:
    return any(t.operation == "apply" and t.data == "exp" for t in subterms(term))


def elasticity(forms: ClosedForms, log: Exponentials, y: Term) -> Exponentials:
    """y d/dy of a logarithm; of log(a + b y^c) it is c (1 - a / (a + b y^c)), where y stands once."""
    _, own = split(log, y)
    found: list[Exponentials] = []
    for function, coefficient in own.items():
        slope = _of_logarithm(forms, function, y)
        if slope is None:
            slope = ex.times(ex.atom(y), ex.derivative(forms.normal(function), y))
        found.append(ex.times(coefficient, slope))
    return forms.collected(ex.plus(*found))


def _of_logarithm(forms: ClosedForms, function: Term, y: Term) -> Exponentials | None:
    if function.operation != "apply" or function.data != "log":
        return None
    inside = forms.normal(function.arguments[0])
    free, own = split(inside, y)
    exponent = power_of(next(iter(own)), y) if len(own) == 1 else None
    if exponent is None:
        return None
    share = ex.times(free, ex.inverse(inside))
    return ex.times(exponent, ex.plus(ex.constant(1), ex.scaled(share, -1)))


def grouped(value: Exponentials) -> Term:
    """The same sum, by monomials: t (exp(t) - exp(-t)) has a narrower interval than t exp(t) - t exp(-t)."""
    by_monomial: dict[ex.Monomial, Exponentials] = {}
    for exponent, polynomial in value.items():
        for monomial, coefficient in polynomial.items():
            by_monomial.setdefault(monomial, {})[exponent] = {ex.UNIT: coefficient}
    whole = ex.written({})
    for monomial, factor in by_monomial.items():
        own = ex.written({ex.NONE: {monomial: Fraction(1)}})
        whole = plus(whole, times(own, ex.written(factor)))
    return whole


class Adding:
    """The sum of a function of whole numbers."""

    def __init__(self, know: Know) -> None:
        self.forms = ClosedForms(know)
        self.know = know

    def over(self, body: Term, variable: Term) -> Bounds:
        from gencompiler.proof import domain

        own = domain.of_support(support_of(variable))
        if own is None:
            raise Unproved(f"{variable} is no whole number")
        if is_finite(own.lower) and is_finite(own.upper):
            return self._listed(body, variable, range(int(own.lower), int(own.upper) + 1))
        if is_finite(own.lower):
            return self._endless(body, variable, int(own.lower), 1)
        if is_finite(own.upper):
            return self._endless(body, variable, int(own.upper), -1)
        up, down = self._endless(body, variable, 0, 1), self._endless(body, variable, -1, -1)
        return up[0] + down[0], up[1] + down[1]

    def _listed(self, body: Term, variable: Term, values: range) -> Bounds:
        need(len(values) <= 4096, "a sum of many terms")
        low: Real = Fraction(0)
        high: Real = Fraction(0)
        for value in values:
            (found,) = evaluate(substitute(body, {variable: literal(value)}), {})
            below, above = _bounds(found)
            low, high = low + below, high + above
        return low, high

    def _endless(self, body: Term, variable: Term, start: int, step: int) -> Bounds:
        best: Bounds = (Fraction(0), math.inf)
        for count in _TERMS:
            places = range(start, start + step * count, step)
            low, high = self._listed(body, variable, places)
            try:
                tail = self._tail(body, variable, start, step, count)
            except (Unproved, Undecided, Undefined):
                tail = math.inf
            best = (low, min(best[1], high + tail))
            if tail <= SMALL:
                return best
        try:
            rest = self._convex_tail(body, variable, start, step)
        except (Unproved, Undecided, Undefined):
            return best
        first = self._listed(body, variable, range(start, start + step * _CONVEX, step))
        return max(best[0], first[0] + rest[0]), min(best[1], first[1] + rest[1])

    def _convex_tail(self, body: Term, variable: Term, start: int, step: int) -> Bounds:
        """The sum of a convex g > 0 from N on: at least ∫ g from N plus g(N) / 2, at most ∫ g from N - 1/2 (Hermite &
        Hadamard); g is convex where log g is."""
        half = Fraction(1, 2)
        y = symbol("integral", "convex", Support("Interval", (_CONVEX - half, math.inf)))
        place = plus(literal(start), y) if step > 0 else minus(literal(start), y)
        inside = Pieces(self.forms, y, True).resolved(substitute(body, {variable: place}))
        log = self.forms.log(inside)
        bend = self.forms.collected(ex.derivative(ex.derivative(log, y), y))
        need(self.know(ex.written(bend)).lower >= 0, "the terms may not be convex")
        slope = self.know(ex.written(elasticity(self.forms, log, y)))
        need(is_finite(slope.upper) and slope.upper < -1, "the terms fall too slowly")
        found: list[Bounds] = []
        for end in (Fraction(_CONVEX), _CONVEX - half):
            far = symbol("integral", f"from {end}", Support("Interval", (end, math.inf)))
            found.append(mass_bounds(substitute(inside, {y: far}), far, self.know, False))
        edge = _bounds(evaluate(substitute(inside, {y: literal(_CONVEX)}), {})[0])[0]
        return found[0][0] + Fraction(edge) / 2, found[1][1]

    def _tail(self, body: Term, variable: Term, start: int, step: int, count: int) -> Real:
        y = symbol("integral", "far", Support("Interval", (Fraction(count), math.inf)))
        place = plus(literal(start), y) if step > 0 else minus(literal(start), y)
        inside = not_below(self.forms, Pieces(self.forms, y, True).resolved(substitute(body, {variable: place})))
        log = self.forms.log(inside)
        slope = self.know(ex.written(elasticity(self.forms, log, y)))
        need(is_finite(slope.upper) and slope.upper < -1, "the terms fall too slowly")
        first = _upper(substitute(inside, {y: literal(count)}))
        need(is_finite(first), "a term without a bound")
        return Fraction(first) * (1 + count / (-Fraction(slope.upper) - 1))


def not_below(forms: ClosedForms, body: Term) -> Term:
    """A body, or of a sum whose sign is not known what is not subtracted, which is no smaller."""
    if forms.positive(body):
        return body
    kept = [p for p in addends(body) if not (p.data == "negate" and forms.know(p).upper <= 0)]
    need(len(kept) > 0, "{} may not be positive", body)
    return functools.reduce(plus, kept)


def mass_bounds(body: Term, variable: Term, know: Know, discrete: bool) -> Bounds:
    """Bounds of the integral, or the sum, of a body without other symbols; raises Unproved."""
    try:
        if discrete:
            return Adding(know).over(body, variable)
        found = Enclosing(know)
        found.over(body, variable)
        low: Real = Fraction(0)
        high: Real = Fraction(0)
        for below, above in found.bounds:
            low, high = low + below, high + above
    except (Undecided, Undefined) as problem:
        raise Unproved(str(problem)) from None
    except OverflowError:  # a fraction beyond all floats meets infinity
        raise Unproved("an integral without bounds") from None
    return low, high


def _upper(term: Term) -> Real:
    return _bounds(evaluate(term, {})[0])[1]


def _bounds(value: Any) -> Bounds:
    if isinstance(value, Fraction):
        return value, value
    return enclosure.bounds_of(value)
