"""Products of polynomials in index notation, and the functions that have rules: exp, log, sqrt, even and odd ones."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

from gencompiler.model.nodes import Support
from gencompiler.proof.graph import Term
from gencompiler.proof.indices import (
    LARGEST,
    MOST_SUMMED,
    UNIT,
    Factor,
    Index,
    Monomial,
    Open,
    Polynomial,
    TooLargeError,
    add,
    mapped,
    mentions_summed,
    moved_place,
    number,
    positive,
    scale,
    shifted,
)

ODD = ("tanh", "sinh", "asinh", "atan", "erf", "sin", "sign")
EVEN = ("abs", "cosh", "cos")


def _is_test(factor: Factor) -> bool:
    """Whether a factor is 0 or 1."""
    return factor[0] in ("less", "equal") or (factor[0] == "fn" and factor[1][:1] == ("if",))


class Products:
    """Arithmetic of polynomials; terms have ranks, which put factors in one order."""

    def __init__(self) -> None:
        self._ranks: dict[Term, int] = {}

    def _called(self, name: str, *parts: Open) -> Open:
        return self._function((name,), tuple(self._frozen(p) for p in parts), ())

    def _function(self, key: tuple[Any, ...], parts: tuple[Polynomial, ...], indices: tuple[Index, ...]) -> Open:
        return {(((("fn", key, parts, indices), 1),), ()): Fraction(1)}

    def _halves(self, name: str, part: Open) -> Open:
        """sigmoid(-a) = 1 - sigmoid(a), softplus(-a) = softplus(a) - a: one of each pair."""
        flipped = scale(part, Fraction(-1))
        if not self._before(flipped, part):
            return self._called(name, part)
        other = self._called(name, flipped)
        if name == "softplus":
            return add(other, part)
        return add(number(Fraction(1)), scale(other, Fraction(-1)))

    def _exp(self, part: Open) -> Open:
        """exp(k log a + b) = a^k exp(b) for whole k."""
        rest, found = dict(part), number(Fraction(1))
        for (factors, summed), coefficient in part.items():
            if len(factors) == 1 and not summed and coefficient.denominator == 1:
                (factor, exponent) = factors[0]
                if factor[0] == "fn" and factor[1] == ("log",) and exponent == 1 and abs(coefficient) <= 16:
                    del rest[(factors, summed)]
                    found = self.times(found, self._power(dict(factor[2][0]), int(coefficient)))
        if not rest:
            return found
        own = self._called("exp", rest)
        return own if found == number(Fraction(1)) else self.times(found, own)

    def _log(self, part: Open) -> Open:
        """log of a product of positive factors is the sum of their logarithms; log sigmoid(a) = -softplus(-a)."""
        if len(part) == 1:
            (((factors, summed), coefficient),) = part.items()
            if not summed and coefficient > 0 and all(positive(f) for f, _ in factors):
                found = number(Fraction(0)) if coefficient == 1 else self._called("log", number(coefficient))
                for factor, exponent in factors:
                    found = add(found, scale(self._log_factor(factor), Fraction(exponent)))
                return found
            if not summed and coefficient == 1 and len(factors) == 1 and factors[0][1] == 1:
                return self._called("log", part)
            rest = tuple((f, n) for f, n in factors if not positive(f))
            if not summed and coefficient > 0 and len(rest) < len(factors):
                found = self._called("log", {(rest, ()): coefficient})
                for factor, exponent in factors:
                    if positive(factor):
                        found = add(found, scale(self._log_factor(factor), Fraction(exponent)))
                return found
        return self._called("log", part)

    def _log_factor(self, factor: Factor) -> Open:
        if factor[0] == "fn" and factor[1] in (("exp",), ("sqrt",), ("sigmoid",), ("reciprocal",)):
            inner = dict(factor[2][0])
            if factor[1] == ("exp",):
                return inner
            if factor[1] == ("reciprocal",):
                return scale(self._log(inner), Fraction(-1))
            if factor[1] == ("sqrt",):
                return scale(self._log(inner), Fraction(1, 2))
            return scale(self._halves("softplus", scale(inner, Fraction(-1))), Fraction(-1))
        return self._called("log", {(((factor, 1),), ()): Fraction(1)})

    def _sqrt(self, part: Open) -> Open:
        if len(part) == 1 and UNIT in part:
            value = part[UNIT]
            top, bottom = math.isqrt(max(value.numerator, 0)), math.isqrt(value.denominator)
            if value >= 0 and top * top == value.numerator and bottom * bottom == value.denominator:
                return number(Fraction(top, bottom))
        return self._called("sqrt", part)

    # -- arithmetic --------------------------------------------------------------------------------------------------

    def times(self, left: Open, right: Open) -> Open:
        """The product of two polynomials."""
        if len(left) * len(right) > LARGEST:
            raise TooLargeError
        found: Open = {}
        for a, x in left.items():
            for b, y in right.items():
                for monomial, factor in self._merged(a, b).items():
                    found[monomial] = found.get(monomial, Fraction(0)) + x * y * factor
        return {m: c for m, c in found.items() if c}

    def _power(self, base: Open, count: int) -> Open:
        if count < 0:
            if len(base) == 1:
                (((factors, summed), coefficient),) = base.items()
                if not summed and not any(_is_test(f) for f, _ in factors):
                    own = self._canonical({f: -n for f, n in factors}, {})
                    return self._power(scale(own, 1 / coefficient), -count) if own else {}
            return self._power(self._called("reciprocal", base), -count)
        found = number(Fraction(1))
        for _ in range(count):
            found = self.times(found, base)
        return found

    def _merged(self, left: Monomial, right: Monomial) -> Open:
        """The product of two monomials."""
        shift = len(left[1])
        moved = right[0]
        if shift and right[1]:
            moved = tuple((mapped(f, lambda i, level: shifted(i, level, shift)), n) for f, n in right[0])
        exponents: dict[Factor, int] = {}
        for factor, count in (*left[0], *moved):
            exponents[factor] = exponents.get(factor, 0) + count
        extents = dict(enumerate((*left[1], *right[1])))
        return self._simplified(exponents, extents)

    def _simplified(self, exponents: dict[Factor, int], extents: dict[int, int]) -> Open:
        """A product of factors: exponentials become one, even powers of roots powers, tests are 0 or 1."""
        plain: dict[Factor, int] = {}
        exponent: Open = {}
        extra = number(Fraction(1))
        for factor, count in exponents.items():
            if not count:
                continue
            name = factor[1] if factor[0] == "fn" else ()
            if factor[0] in ("less", "equal") or name[:1] == ("if",):
                plain[factor] = 1
            elif name == ("exp",) and not mentions_summed(factor):
                exponent = add(exponent, scale(dict(factor[2][0]), Fraction(count)))
            elif name == ("sqrt",) and abs(count) >= 2 and not mentions_summed(factor):
                whole = int(count / 2)
                plain[factor] = count - 2 * whole
                extra = self.times(extra, self._power(dict(factor[2][0]), whole))
            else:
                plain[factor] = count
        if exponent:
            found = self._exp(exponent)
            alone = len(found) == 1
            own = next(iter(found)) if alone else None
            if own is not None and len(own[0]) == 1 and own[0][0][0][:2] == ("fn", ("exp",)) and found[own] == 1:
                plain[own[0][0][0]] = 1
            else:
                extra = self.times(extra, found)
        own_part = self._canonical(plain, extents)
        return own_part if extra == number(Fraction(1)) else self.times(own_part, extra)

    def _canonical(self, exponents: dict[Factor, int], extents: dict[int, int]) -> Open:
        """One monomial with its summed indices numbered in the one way that sorts first; nothing where a test fails."""
        kept = [(f, n) for f, n in exponents.items() if n]
        tests = [f for f, _ in kept if f[0] in ("less", "equal")]
        for a, b in itertools.combinations(tests, 2):
            if a[0] == b[0] == "less" and a[1] == b[2] and a[2] == b[1] and a[3] + b[3] >= -1:
                return {}
        count = len(extents)
        if count > MOST_SUMMED:
            raise TooLargeError
        best: tuple[Any, Monomial] | None = None
        names = sorted(extents)
        for order in itertools.permutations(range(count)):
            places = dict(zip(names, order, strict=True))
            factors = [(mapped(f, lambda i, level: moved_place(i, level, places)), n) for f, n in kept]  # noqa: B023
            keyed = sorted(((self._key(f), n, f) for f, n in factors), key=lambda item: (item[0], item[1]))
            sizes = tuple(extents[n] for n in sorted(names, key=lambda n: places[n]))
            key = ([(k, n) for k, n, _ in keyed], sizes)
            if best is None or key < best[0]:
                best = (key, (tuple((f, n) for _, n, f in keyed), sizes))
        assert best is not None
        return {best[1]: Fraction(1)}

    # -- order -------------------------------------------------------------------------------------------------------

    def _rank(self, term: Term) -> int:
        return self._ranks.setdefault(term, len(self._ranks))

    def _key(self, item: Any) -> Any:
        """What sorts factors and indices: nested tuples of numbers and texts, spelled."""
        return repr(self._plain(item))

    def _plain(self, item: Any) -> Any:
        if isinstance(item, Term):
            return self._rank(item)
        if isinstance(item, tuple):
            return tuple(self._plain(i) for i in item)
        return str(item) if isinstance(item, Fraction | Support) else item

    def _before(self, left: Open, right: Open) -> bool:
        return bool(self._key(self._frozen(left)) < self._key(self._frozen(right)))

    def _frozen(self, value: Open) -> Polynomial:
        """A polynomial as an argument of a function."""
        return tuple(sorted(value.items(), key=self._key))
