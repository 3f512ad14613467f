"""Limits of terms at the ends of an interval, by asymptotic series.

Part of what a proof trusts.  A limit at an end is one at infinity: u = v, u = -v, u = c + 1/v or u = c - 1/v."""

from __future__ import annotations

import math

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.model.nodes import Real
from gencompiler.proof import enclosure
from gencompiler.proof.asymptotic_series import POWER, UNIT, VANISHING, Arithmetic, Series
from gencompiler.proof.boxes import Evaluation, interior, is_weights
from gencompiler.proof.calculus import ROUGH, fold, is_number
from gencompiler.proof.domain import REALS, Interval
from gencompiler.proof.formulas import instance
from gencompiler.proof.graph import Term, apply, each, is_finite, literal, reduce
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.series_functions import DIRECT, FAR
from gencompiler.proof.terms import ONE, ZERO, plus, times
from gencompiler.proof.views import axes


class Limits(Arithmetic):
    """Limits at one end of an interval of `by`; signs are those on the box of `signs`."""

    def __init__(self, by: Term, where: Interval, upper: bool, signs: Evaluation) -> None:
        super().__init__(signs)
        self.by = by
        self.known: dict[Term, Series] = {}
        end = where.upper if upper else where.lower
        v = (((POWER, ONE),), ONE)
        if isinstance(end, float):
            self.start = Series((v,) if upper else ((v[0], literal(-1)),))
        else:
            inward = literal(-1 if upper else 1)
            self.start = self._add(self._constant(literal(end)), Series(((((POWER, literal(-1)),), inward),)))

    def limit(self, term: Term) -> Term | float:
        """The limit: a term free of the variable, or an infinity; raises Unproved."""
        return self._limit(self.series(term), term)

    def squeezed(self, term: Term, everywhere: Evaluation) -> Term | float:
        """The limit of f^n g where f goes to infinity and g stays between two positive numbers, or f to 0 and g between
        any two; `everywhere`: where terms lie on the whole interval.  Raises Unproved."""
        factors = _factors(term)
        need(len(factors) > 1, "{} may have no limit", term)
        for own in dict.fromkeys(factors):
            others = [everywhere.range(g) for g in factors if g is not own]
            if not all(is_finite(o.lower) and is_finite(o.upper) for o in others):
                continue
            try:
                found = self.limit(own)
            except Unproved:
                continue
            if found is ZERO:
                return found
            if isinstance(found, float) and all(o.lower > 0 for o in others):
                return abs(found) if factors.count(own) % 2 == 0 else found
        raise Unproved(f"{term} may have no limit")

    def _limit(self, series: Series, term: Term, before: Term = ZERO) -> Term | float:
        """`before`: the sum of the coefficients of what grows faster, all of one sign; here they are 0."""
        if series.terms:
            scale, coefficient = series.terms[0]
            if self._compare(scale, UNIT) > 0:
                self._above(scale, series.error)
                together = fold(plus(before, coefficient))
                side = self._side(together)
                if abs(side) == 1:
                    return math.copysign(math.inf, side)
                # The coefficient may be 0, and then the rest decides; both must come to the same.
                rest = self._limit(Series(series.terms[1:], series.error), term, together)
                need(rest == math.copysign(math.inf, side), "{} may have two limits", term)
                return rest
        need(series.error is None or self._compare(series.error, UNIT) < 0, "{} may have no limit", term)
        return next((c for s, c in series.terms if s == UNIT), ZERO)

    def _side(self, coefficient: Term) -> int:
        """1 or -1 for a sign, 2 or -2 where it may also be 0."""
        if is_number(coefficient):
            return self._sign(coefficient)
        found = self.signs.range(coefficient)
        if not found.sign:
            found = self.signs.range(self._simple(coefficient))
        known = found.sign or self._sign_of_fraction(coefficient)
        if known:
            return known
        need(found.lower >= 0 or found.upper <= 0, "the sign of {} is not known", coefficient)
        return 2 if found.lower >= 0 else -2

    def series(self, term: Term) -> Series:
        """The series of a term; raises Unproved."""
        found = self.known.get(term)
        if found is None:
            found = self.known[term] = self._of(term)
        return found

    def _of(self, term: Term) -> Series:
        if term is self.by:
            return self.start
        if self.by not in term.symbols:
            self.signs.range(term)
            return self._constant(fold(term))
        match term.operation:
            case "apply":
                return self._apply(term)
            case "reduce" if term.data == "sum":
                return self._total(term.arguments[0])
            case "contract" if len(term.arguments[0].shape) == len(term.arguments[1].shape) == 1:
                left, right = term.arguments
                return self._total(apply("multiply", left, right))
        raise Unproved(f"the limit of {term} is not known")

    def _total(self, operand: Term) -> Series:
        """The sum of a tensor whose elements have limits."""
        entries = operand.operation == "each" and self.by in operand.symbols
        inner = self.series(operand.arguments[0] if entries else operand)
        if self._stays_bounded(inner):
            return inner
        growing, middle, _ = self._parts(inner)
        need(not growing, "a sum of growing terms")
        need(not any(axes(operand)), "{} has as many elements as its view has places", operand)
        if entries:
            middle = each(operand.data[0], operand.data[1], middle)
        size = math.prod(operand.shape)
        found = times(literal(size), middle) if middle.shape == () else summed(middle)
        return Series(self._constant(fold(found)).terms, VANISHING)

    def _apply(self, term: Term) -> Series:
        name = term.data
        if name in ("add", "subtract", "multiply", "divide"):
            left, right = (self.series(a) for a in term.arguments)
            match name:
                case "add":
                    return self._add(left, right)
                case "subtract":
                    return self._add(left, self._scaled(right, literal(-1)))
                case "multiply":
                    return self._multiply(left, right)
            return self._multiply(left, self._power(right, literal(-1)))
        if name == "power":
            base, exponent = term.arguments
            if self.by not in exponent.symbols:
                self.signs.range(exponent)
                return self._power(self.series(base), fold(exponent))
            return self._exp(self._multiply(self.series(exponent), self._log(self.series(base))))
        need(FUNCTIONS[name].arity == 1, "the limit of {} is not known", term)
        return self._function(name, self.series(term.arguments[0]))

    def _function(self, name: str, series: Series) -> Series:
        try:
            return self._expanded(name, series)
        except Unproved:
            reach = enclosure.range_of(name)
            if is_finite(reach.lower) and is_finite(reach.upper) and enclosure.domain_of(name) == REALS:
                return Series((), UNIT)  # whichever way its argument goes, it stays bounded
            raise

    def _expanded(self, name: str, series: Series) -> Series:
        if self._stays_bounded(series) and enclosure.domain_of(name) == REALS:
            return Series((), UNIT)  # a continuous function of what stays bounded
        direct = DIRECT.get(name)
        if direct is not None:
            return direct(self, series)
        if series.terms and self._compare(series.terms[0][0], UNIT) > 0:
            self._above(series.terms[0][0], series.error)
            sign = self._sign(series.terms[0][1])
            far = FAR.get(name)
            if far is not None:
                return far(self, series, sign)
            if name in ("sin", "cos"):
                return Series((), UNIT)
            raise Unproved(f"the limit of {name} at infinity is not known")
        growing, middle, rest = self._parts(series)
        assert not growing
        inside = self.signs.range(middle).within(interior(enclosure.domain_of(name)))
        smooth = bool(FUNCTIONS[name].derivatives) and name not in ROUGH
        need(inside and smooth, "the limit of {} at a kink, or at the end of its domain", name)
        slope = fold(instance(FUNCTIONS[name].derivatives[0], a=middle))
        return self._first_order(fold(apply(name, middle)), slope, rest)

    def _stays_bounded(self, series: Series) -> bool:
        """Whether all that is known is O(1)."""
        return series.error == UNIT and not series.terms


def summed(vector: Term) -> Term:
    """The sum of a vector's elements; of a point of a simplex it is 1."""
    return ONE if is_weights(vector) else reduce("sum", vector)


def bounds(limit: Term | float, signs: Evaluation) -> tuple[Real, Real]:
    """The two ends of what is known of a limit; equal where it is known exactly."""
    if isinstance(limit, float):
        return limit, limit
    if is_number(limit):
        return limit.data, limit.data
    found = signs.range(limit)
    return found.lower, found.upper


def _factors(term: Term) -> list[Term]:
    """What a product is made of."""
    if term.operation == "apply" and term.data == "multiply":
        return [f for a in term.arguments for f in _factors(a)]
    return [term]
