"""Asymptotic series in a variable v that grows to infinity, and arithmetic with them.

    t(v) = c_1 m_1 + … + c_n m_n + O(m),      m = exp(λ v^q + …) v^p (log v)^k

Part of what a proof trusts: coefficients are terms free of v, their signs and those of the exponents λ, p, k are proven
by outward-rounded intervals, for every value of their symbols, and what cannot be ordered raises Unproved.

Gruntz, On Computing Limits in a Symbolic Manipulation System, ETH 1996, explains why leading terms must be compared
this way and not by substitution; what is here is the part of it that needs no zero test beyond normal forms."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from gencompiler.proof.boxes import Evaluation
from gencompiler.proof.calculus import fold, is_number
from gencompiler.proof.graph import Term, apply, literal
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.numerators import cleared, divisible, horner
from gencompiler.proof.ring import Ring
from gencompiler.proof.terms import ONE, ZERO, minus, over, plus, times

#: The scales, slowest first: something that vanishes at an unknown rate (in remainders, o(…)), log v, v, and exp(v^q)
#: for rational q > 0.
Rank = tuple[int, Fraction]
SMALL, LOG, POWER = (-1, Fraction(0)), (0, Fraction(0)), (1, Fraction(0))
#: A product of scales with exponents, fastest first; the empty one is 1.
Scale = tuple[tuple[Rank, Term], ...]
UNIT: Scale = ()
#: o(1)
VANISHING: Scale = ((SMALL, literal(-1)),)
#: Series with more terms lose the smallest.
_LONGEST = 10
#: Whole powers up to this one are multiplied out.
_EXPANDED = 8


@dataclasses.dataclass(frozen=True)
class Series:
    """Terms, largest first, up to a multiple of `error`; None where it is exact."""

    terms: tuple[tuple[Scale, Term], ...]
    error: Scale | None = None


class Arithmetic:
    """Operations on series whose signs are those on the box of `signs`."""

    def __init__(self, signs: Evaluation) -> None:
        self.signs = signs
        self.ring = Ring()

    # -- comparing ---------------------------------------------------------------------------------------------------

    def _sign(self, term: Term) -> int:
        """The sign of a coefficient or an exponent, the same for all values of its symbols."""
        if is_number(term):
            return int(term.data > 0) - int(term.data < 0)
        if not self.ring.normal(term):
            return 0
        found = self.signs.range(term).sign or self.signs.range(self._simple(term)).sign or self._sign_of_fraction(term)
        need(found != 0, "the sign of {} is not known", term)
        return found

    def _sign_of_fraction(self, term: Term) -> int:
        """The sign of the numerator where the denominators are positive; 0 where it is not known."""
        numerator, divided = cleared(term)
        positive = all(divisible(self.signs.range(factor), count) for factor, count in divided)
        return self.signs.range(numerator).sign if positive else 0

    def _compare(self, left: Scale, right: Scale) -> int:
        """1, 0 or -1 as the first grows faster, alike or slower."""
        if left == right:
            return 0
        a, b = dict(left), dict(right)
        for rank in sorted({*a, *b}, reverse=True):
            found = self._sign(fold(minus(a.get(rank, ZERO), b.get(rank, ZERO))))
            if found:
                return found
        return 0

    def _above(self, scale: Scale, error: Scale | None) -> None:
        need(error is None or self._compare(scale, error) > 0, "the largest term is lost in the remainder")

    def _largest(self, *scales: Scale | None) -> Scale | None:
        best: Scale | None = None
        for scale in scales:
            if scale is None:
                continue
            try:
                best = scale if best is None or self._compare(scale, best) > 0 else best
            except Unproved:
                need(best is not None and all(self._compare(s, UNIT) < 0 for s in (scale, best)), "no largest term")
                best = VANISHING
        return best

    # -- arithmetic --------------------------------------------------------------------------------------------------

    def _constant(self, term: Term) -> Series:
        return Series(((UNIT, term),) if self.ring.normal(term) else ())

    def _times_scale(self, left: Scale, right: Scale) -> Scale:
        merged = dict(left)
        for rank, exponent in right:
            merged[rank] = fold(plus(merged.get(rank, ZERO), exponent))
        kept = {r: e for r, e in merged.items() if self.ring.normal(e)}
        return tuple(sorted(kept.items(), key=lambda item: item[0], reverse=True))

    def _raised_scale(self, scale: Scale, exponent: Term) -> Scale:
        need(all(rank != SMALL for rank, _ in scale), "a power of what is only known to be smaller")
        return tuple((rank, fold(times(e, exponent))) for rank, e in scale)

    def _series(self, terms: list[tuple[Scale, Term]], error: Scale | None) -> Series:
        """Like terms together, largest first, without those within the error."""
        try:
            return self._ordered(terms, error)
        except Unproved:
            return self._merged(terms, error)

    def _merged(self, terms: list[tuple[Scale, Term]], error: Scale | None) -> Series:
        """A sum of terms that cannot all be ordered: without those that vanish, or the largest alone."""
        try:
            own = [t for t in terms if t[0] == UNIT or self._compare(t[0], UNIT) > 0]
            if len(own) < len(terms):
                return self._ordered(own, self._largest(error, VANISHING))
        except Unproved:
            pass
        for scale, _ in terms:
            others = [s for s, _ in terms if s != scale] + ([] if error is None else [error])
            if all(self._surely_above(scale, other) for other in others):
                same = [t for t in terms if t[0] == scale]
                return self._ordered(same, self._times_scale(scale, VANISHING))
        raise Unproved("terms that cannot be ordered")

    def _surely_above(self, scale: Scale, other: Scale) -> bool:
        try:
            return self._compare(scale, other) > 0
        except Unproved:
            return False

    def _ordered(self, terms: list[tuple[Scale, Term]], error: Scale | None) -> Series:
        kept: list[tuple[Scale, Term]] = []
        for scale, coefficient in terms:
            place = 0
            while place < len(kept):
                order = self._compare(scale, kept[place][0])
                if order == 0:
                    together = fold(plus(kept[place][1], coefficient))
                    kept[place] = (kept[place][0], together)
                    break
                if order > 0:
                    kept.insert(place, (scale, coefficient))
                    break
                place += 1
            else:
                kept.append((scale, coefficient))
        kept = [(s, c) for s, c in kept if self.ring.normal(c)]
        if error is not None:
            kept = [(s, c) for s, c in kept if self._compare(s, error) > 0]
        if len(kept) > _LONGEST:
            error = self._largest(error, kept[_LONGEST][0])
            kept = kept[:_LONGEST]
        return Series(tuple(kept), error)

    def _add(self, left: Series, right: Series) -> Series:
        return self._series([*left.terms, *right.terms], self._largest(left.error, right.error))

    def _scaled(self, series: Series, factor: Term, scale: Scale = UNIT) -> Series:
        terms = [(self._times_scale(s, scale), fold(times(factor, c))) for s, c in series.terms]
        error = None if series.error is None else self._times_scale(series.error, scale)
        return Series(tuple(terms), error)

    def _multiply(self, left: Series, right: Series) -> Series:
        products = [(self._times_scale(s, r), fold(times(c, d))) for s, c in left.terms for r, d in right.terms]
        errors: list[Scale] = []
        for one, other in ((left, right), (right, left)):
            if one.error is not None:
                errors += [self._times_scale(one.error, s) for s, _ in other.terms[:1]]
                errors += [] if other.error is None else [self._times_scale(one.error, other.error)]
        return self._series(products, self._largest(*errors))

    def _lead(self, series: Series) -> tuple[Scale, Term, int, Series]:
        """The largest term, the sign of its coefficient, and what the rest is of it: terms that vanish."""
        need(bool(series.terms), "the largest term is not known")
        scale, coefficient = series.terms[0]
        self._above(scale, series.error)
        sign = self._sign(coefficient)
        rest = self._scaled(
            Series(series.terms[1:], series.error), over(ONE, coefficient), self._raised_scale(scale, literal(-1))
        )
        return scale, coefficient, sign, rest

    def _first_order(self, value: Term, slope: Term, rest: Series) -> Series:
        """value + slope rest + O(rest²), for a function that is analytic at the value."""
        largest = self._largest(*(s for s, _ in rest.terms[:1]), rest.error)
        if largest is None:
            return self._constant(value)
        need(self._compare(largest, UNIT) < 0, "not near a point")
        error = self._largest(rest.error, self._times_scale(largest, largest))
        moved = [(s, fold(times(slope, c))) for s, c in rest.terms]
        return self._series([*self._constant(value).terms, *moved], error)

    def _power(self, series: Series, exponent: Term) -> Series:
        """(c m)^p (1 + p r + O(r²)); c > 0, or p a whole number."""
        if exponent is ZERO:
            return self._constant(ONE)
        whole = is_number(exponent) and exponent.data.denominator == 1
        if whole and 0 < exponent.data <= _EXPANDED:
            product = series
            for _ in range(int(exponent.data) - 1):
                product = self._multiply(product, series)
            return product
        scale, coefficient, sign, rest = self._lead(series)
        need(sign > 0 or whole, "a power of what is negative")
        head = fold(apply("power", coefficient, exponent))
        return self._scaled(self._first_order(ONE, exponent, rest), head, self._raised_scale(scale, exponent))

    def _parts(self, series: Series) -> tuple[list[tuple[Scale, Term]], Term, Series]:
        """The terms that grow, the constant, and what vanishes; raises where the remainder does not vanish."""
        need(series.error is None or self._compare(series.error, UNIT) < 0, "a remainder that does not vanish")
        orders = [self._compare(s, UNIT) for s, _ in series.terms]
        growing = [t for t, order in zip(series.terms, orders, strict=True) if order > 0]
        middle = next((c for (_, c), order in zip(series.terms, orders, strict=True) if order == 0), ZERO)
        rest = tuple(t for t, order in zip(series.terms, orders, strict=True) if order < 0)
        return growing, middle, Series(rest, series.error)

    def _exp(self, series: Series) -> Series:
        growing, middle, rest = self._parts(series)
        found: dict[Rank, Term] = {}
        for scale, coefficient in growing:
            if len(scale) != 1:
                return self._beyond(growing)
            (rank, exponent), *_ = scale
            if rank == POWER and is_number(exponent):
                found[(2, Fraction(exponent.data))] = coefficient
            elif rank == LOG and exponent is ONE:
                found[POWER] = coefficient
            else:
                return self._beyond(growing)
        scale = tuple(sorted(found.items(), key=lambda item: item[0], reverse=True))
        head = fold(apply("exp", middle))
        return self._scaled(self._first_order(ONE, ONE, rest), head, scale)

    def _beyond(self, growing: list[tuple[Scale, Term]]) -> Series:
        """exp of what falls to -∞ faster than there are scales for."""
        need(self._sign(growing[0][1]) < 0, "an exponential beyond the scales")
        return Series((), VANISHING)

    def _log(self, series: Series) -> Series:
        scale, coefficient, sign, rest = self._lead(series)
        need(sign > 0, "the logarithm of what is not positive")
        terms: list[tuple[Scale, Term]] = [] if coefficient is ONE else [(UNIT, fold(apply("log", coefficient)))]
        for (level, q), exponent in scale:
            if level == 2:
                terms.append((((POWER, literal(q)),), exponent))
            else:
                need((level, q) == POWER, "a logarithm of a logarithm")
                terms.append((((LOG, ONE),), exponent))
        return self._add(self._series(terms, None), self._first_order(ZERO, ONE, rest))

    def _simple(self, term: Term) -> Term:
        return horner(self.ring.normal(term))

    def _decays(self, series: Series, factor: int) -> Series:
        """exp(factor series), factor series falling to -∞."""
        try:
            return self._exp(self._scaled(series, literal(factor)))
        except Unproved:
            return Series((), VANISHING)

    def _to_first(self, series: Series) -> Scale | None:
        """The square of the size of a vanishing series: the error of a first-order expansion in it."""
        largest = self._largest(*(s for s, _ in series.terms[:1]), series.error)
        return None if largest is None else self._times_scale(largest, largest)

    def _with(self, head: Series, small: Series) -> Series:
        """head + small + O(small²)"""
        found = self._add(head, small)
        return self._series(list(found.terms), self._largest(found.error, self._to_first(small)))
