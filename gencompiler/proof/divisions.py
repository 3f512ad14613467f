"""Exact division of sums of exponentials: (p q) / q as p, where q is a sum that stands in a denominator.

A product Π t^n exp(Σ c m) is a point with the coordinates n and c, multiplying adds points, and an order by the first
coordinate in which two points differ is kept by that; so the largest product of p q is that of p times that of q
(Cox, Little & O'Shea, Ideals, Varieties, and Algorithms, section 2.3).  It counts only where nothing is left."""

from __future__ import annotations

from fractions import Fraction

from gencompiler.proof import exponentials as ex
from gencompiler.proof.exponentials import Exponentials
from gencompiler.proof.graph import Term
from gencompiler.proof.products import is_sum, parts_of

#: Longer quotients, and numerators of more products, are not sought.
LONGEST, LARGEST = 48, 400
#: The coordinates of a product: of its atoms, and of the monomials in its exponent.
_Point = tuple[Fraction, ...]


def cancelled(value: Exponentials) -> Exponentials:
    """A value in which each sum that stands in a denominator is cancelled as often as it divides what is above."""
    for divisor in sorted({t for p in value.values() for m in p for t, n in m if n < 0 and is_sum(t)}, key=str):
        value = _without(value, divisor, ex.normal(divisor))
    return value


def _without(value: Exponentials, divisor: Term, whole: Exponentials) -> Exponentials:
    lowest = min(dict(m).get(divisor, 0) for p in value.values() for m in p)
    above: list[Exponentials] = []
    for exponent, polynomial in value.items():
        for monomial, coefficient in polynomial.items():
            counts = dict(monomial)
            count = counts.pop(divisor, 0)
            rest: Exponentials = {exponent: {frozenset(counts.items()): coefficient}}
            above.append(ex.times(rest, ex.power(whole, count - lowest)))
    top, power = ex.plus(*above), lowest
    while power < 0 and (quotient := divided(top, whole)) is not None:
        top, power = quotient, power + 1
    if power == lowest:
        return value
    return top if power == 0 else ex.times(top, ex.atom(divisor, power))


def divided(value: Exponentials, divisor: Exponentials) -> Exponentials | None:
    """The exact quotient; None where there is none, or none that is short."""
    if not value or len(parts_of(value)) > LARGEST or len(parts_of(divisor)) < 2:
        return None
    axes = _axes(value, divisor)
    lead, _ = max(parts_of(divisor), key=lambda part: _point(part[0], axes))
    inverse = ex.inverse(lead)
    found: list[Exponentials] = []
    rest = value
    while rest:
        if len(found) == LONGEST:
            return None
        first, _ = max(parts_of(rest), key=lambda part: _point(part[0], axes))
        found.append(ex.times(first, inverse))
        rest = ex.plus(rest, ex.scaled(ex.times(found[-1], divisor), -1))
    return ex.plus(*found)


def _axes(*values: Exponentials) -> dict[object, int]:
    """The atoms and the monomials of exponents in values, in an order that is theirs."""
    found: dict[object, str] = {}
    for value in values:
        for exponent, polynomial in value.items():
            found |= {m: str(ex.written({ex.NONE: {m: Fraction(1)}})) for m, _ in exponent}
            found |= {t: str(t) for m in polynomial for t, _ in m}
    return {each: place for place, each in enumerate(sorted(found, key=lambda key: (found[key], str(type(key)))))}


def _point(product: Exponentials, axes: dict[object, int]) -> _Point:
    ((exponent, polynomial),) = product.items()
    ((monomial, _),) = polynomial.items()
    found = [Fraction(0)] * len(axes)
    for m, c in exponent:
        found[axes[m]] += c
    for t, n in monomial:
        found[axes[t]] += n
    return tuple(found)
