"""Quotients of polynomials in one variable, their coefficients polynomials in atoms: what a piece of a spline is.

An atom is a term that is looked at as one number.  Nothing here is decided by floats: whether a coefficient is
positive follows from the signs of its atoms and of its rational factors.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from fractions import Fraction

from gencompiler.proof.domain import Interval
from gencompiler.proof.graph import Term, apply, literal
from gencompiler.proof.kernel import need
from gencompiler.proof.terms import ONE, ZERO, minus, plus, times

#: A product of atoms with positive whole exponents; the empty one is 1.
Monomial = frozenset[tuple[Term, int]]
#: A sum of monomials with rational factors.
Coefficient = dict[Monomial, Fraction]
#: Coefficients by power of the variable, the highest not zero.
Polynomial = tuple[Coefficient, ...]

UNIT: Monomial = frozenset()
#: Expansions with more monomials, or of a higher degree, are refused.
LARGEST, HIGHEST = 512, 8


def number(value: Fraction | int) -> Coefficient:
    """A rational number."""
    return {UNIT: Fraction(value)} if value else {}


def atom(term: Term) -> Coefficient:
    """A term as one number."""
    return {frozenset(((term, 1),)): Fraction(1)}


def added(left: Coefficient, right: Coefficient, factor: Fraction | int = 1) -> Coefficient:
    """left + factor * right"""
    found = dict(left)
    for monomial, value in right.items():
        found[monomial] = found.get(monomial, Fraction(0)) + factor * value
    return {m: v for m, v in found.items() if v}


def multiplied(left: Coefficient, right: Coefficient) -> Coefficient:
    """The product."""
    need(len(left) * len(right) <= LARGEST, "a product of too many terms")
    found: Coefficient = {}
    for a, x in left.items():
        for b, y in right.items():
            powers = dict(a)
            for base, count in b:
                powers[base] = powers.get(base, 0) + count
            key = frozenset(powers.items())
            found[key] = found.get(key, Fraction(0)) + x * y
    return {m: v for m, v in found.items() if v}


#: The order of atoms, so that what is written does not depend on how monomials are stored.
Order = Mapping[Term, int]


def written(value: Coefficient, order: Order) -> Term:
    """A coefficient as a term; what is added comes before what is subtracted."""
    total: Term = ZERO
    ordered = sorted(value.items(), key=lambda item: (item[1] < 0, sorted((order[a], n) for a, n in item[0])))
    for monomial, factor in ordered:
        product = literal(abs(factor))
        for base, count in sorted(monomial, key=lambda item: order[item[0]]):
            product = times(product, base if count == 1 else apply("power", base, literal(count)))
        total = plus(total, product) if factor > 0 else minus(total, product)
    return total


# -- polynomials in the variable -------------------------------------------------------------------------------------


def _trimmed(coefficients: list[Coefficient]) -> Polynomial:
    while coefficients and not coefficients[-1]:
        coefficients.pop()
    need(len(coefficients) <= HIGHEST + 1, "a polynomial of too high a degree")
    return tuple(coefficients)


def sum_of(left: Polynomial, right: Polynomial, factor: Fraction | int = 1) -> Polynomial:
    """left + factor * right"""
    size = max(len(left), len(right))
    return _trimmed([added(_at(left, k), _at(right, k), factor) for k in range(size)])


def product_of(left: Polynomial, right: Polynomial) -> Polynomial:
    """The product."""
    found: list[Coefficient] = [{} for _ in range(max(0, len(left) + len(right) - 1))]
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            found[i + j] = added(found[i + j], multiplied(a, b))
    return _trimmed(found)


def derivative(value: Polynomial) -> Polynomial:
    """d/dr"""
    return _trimmed([{m: v * k for m, v in own.items()} for k, own in enumerate(value)][1:])


def at_one(value: Polynomial) -> Coefficient:
    """The value at r = 1."""
    found: Coefficient = {}
    for own in value:
        found = added(found, own)
    return found


def _at(value: Polynomial, power: int) -> Coefficient:
    return value[power] if power < len(value) else {}


def bernstein(value: Polynomial, degree: int) -> tuple[Coefficient, ...]:
    """b_k with value(r) = sum_k b_k C(n, k) r^k (1 - r)^(n - k), of degree n at least that of the polynomial.

    b_k = sum_(i <= k) C(k, i) / C(n, i) a_i (Farouki, The Bernstein polynomial basis: a centennial retrospective, 2012,
    eq. 8).  On [0, 1] the basis is not negative, and positive inside."""
    found = []
    for k in range(degree + 1):
        own: Coefficient = {}
        for i in range(min(k, len(value) - 1) + 1):
            own = added(own, value[i], Fraction(math.comb(k, i), math.comb(degree, i)))
        found.append(own)
    return tuple(found)


# -- quotients -------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Quotient:
    """top / bottom, common factors that are single atoms left out: who divides says why the divisor is not 0."""

    top: Polynomial
    bottom: Polynomial


def quotient(top: Polynomial, bottom: Polynomial) -> Quotient:
    """A quotient in lowest terms as far as single atoms go."""
    need(bool(bottom), "a division by zero")
    shared: dict[Term, int] | None = None
    for own in (*top, *bottom):
        for monomial in own:
            powers = dict(monomial)
            shared = powers if shared is None else {a: min(n, powers[a]) for a, n in shared.items() if a in powers}
    if shared:
        top, bottom = _without(top, shared), _without(bottom, shared)
    return Quotient(top, bottom)


def _without(value: Polynomial, shared: Mapping[Term, int]) -> Polynomial:
    def reduced(monomial: Monomial) -> Monomial:
        return frozenset((a, n - shared.get(a, 0)) for a, n in monomial if n > shared.get(a, 0))

    return tuple({reduced(m): v for m, v in own.items()} for own in value)


def whole(value: Coefficient) -> Quotient:
    """A quotient that does not depend on the variable."""
    return Quotient((value,) if value else (), (number(1),))


def plus_of(left: Quotient, right: Quotient, factor: Fraction | int = 1) -> Quotient:
    """left + factor * right"""
    if left.bottom == right.bottom:
        return quotient(sum_of(left.top, right.top, factor), left.bottom)
    top = sum_of(product_of(left.top, right.bottom), product_of(right.top, left.bottom), factor)
    return quotient(top, product_of(left.bottom, right.bottom))


def times_of(left: Quotient, right: Quotient) -> Quotient:
    """The product."""
    return quotient(product_of(left.top, right.top), product_of(left.bottom, right.bottom))


def over_of(left: Quotient, right: Quotient) -> Quotient:
    """left / right"""
    return times_of(left, Quotient(right.bottom, right.top)) if right.top else quotient(left.top, ())


# -- signs -----------------------------------------------------------------------------------------------------------

#: What is known of atoms.
Known = Mapping[Term, Interval]


def sign(value: Coefficient, known: Known) -> int | None:
    """1 where it is positive for all values of its atoms, 0 where it is at least not negative, None where neither is
    seen."""
    strict = False
    for monomial, factor in value.items():
        if factor < 0:
            return None
        own = [known.get(a) for a, _ in monomial]
        if any(i is None or i.lower < 0 for i in own):
            return None
        strict = strict or all(i is not None and i.sign > 0 for i in own)
    return 1 if strict else 0


def positive_inside(value: Polynomial, known: Known) -> tuple[Coefficient, ...] | None:
    """The Bernstein coefficients that show a polynomial to be positive on (0, 1), for all values of its atoms: none is
    negative, and one is positive.  None where none do; a degree two higher is tried."""
    for degree in range(max(len(value) - 1, 0), len(value) + 2):
        found = bernstein(value, degree)
        signs = [sign(b, known) for b in found]
        if None not in signs and 1 in signs:
            return found
    return None


def positive(value: Polynomial, known: Known) -> tuple[Coefficient, ...] | None:
    """The same on [0, 1], where the first and the last coefficient are the values at the ends."""
    for degree in range(max(len(value) - 1, 0), len(value) + 2):
        found = bernstein(value, degree)
        signs = [sign(b, known) for b in found]
        if None not in signs and signs[0] == signs[-1] == 1:
            return found
    return None


def in_bernstein(coefficients: tuple[Coefficient, ...], r: Term, rest: Term, order: Order) -> Term:
    """sum_k b_k C(n, k) r^k rest^(n - k) as a term, `rest` being 1 - r: no cancellation where no b_k is negative."""
    degree = len(coefficients) - 1
    total: Term = ZERO
    for k, own in enumerate(coefficients):
        if own:
            part = written({m: v * math.comb(degree, k) for m, v in own.items()}, order)
            total = plus(total, times(part, times(_power(r, k), _power(rest, degree - k))))
    return total


def _power(base: Term, count: int) -> Term:
    if count == 0:
        return ONE
    return base if count == 1 else apply("power", base, literal(count))
