"""A normal form for arithmetic: sums of products of atoms with rational coefficients and whole exponents.

Two terms with one normal form have one value wherever both are defined.  Sums over a tensor's elements are linear,
scalar factors leave them, `norm(v)^2` and `v @ v` are sums of squares, and `sqrt(a)^2` is a."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TypeVar

from gencompiler.proof.graph import Term, apply, is_finite, literal, reduce
from gencompiler.proof.views import has_view

#: A product of atoms with exponents, in a fixed order; the empty one is 1.
Monomial = tuple[tuple[Term, int], ...]
Polynomial = dict[Monomial, Fraction]
KeyT = TypeVar("KeyT")

#: Terms whose expansion has more monomials stay atoms.
LARGEST = 512
_UNIT: Monomial = ()


class _TooLargeError(Exception):
    """An expansion has more than LARGEST monomials."""


class Ring:
    """Normal forms, each term once."""

    def __init__(self) -> None:
        self._known: dict[Term, Polynomial] = {}
        self._rank: dict[Term, int] = {}
        self._evens: dict[str, list[tuple[Term, Polynomial]]] = {}

    def same(self, left: Term, right: Term) -> bool:
        """Whether two terms have one normal form."""
        return left.shape == right.shape and self.normal(left) == self.normal(right)

    def normal(self, term: Term) -> Polynomial:
        """The normal form of a term."""
        found = self._known.get(term)
        if found is None:
            try:
                found = self._normal(term)
            except _TooLargeError:
                found = self._atom(term)
            self._known[term] = found
        return found

    def _normal(self, term: Term) -> Polynomial:
        if term.operation == "literal" and is_finite(term.data):
            return {_UNIT: term.data} if term.data else {}
        if term.operation == "apply":
            return self._apply(term)
        if term.operation == "reduce" and term.data in ("sum", "mean"):
            return self._sum(term)
        if term.operation == "contract" and len(term.arguments[0].shape) == len(term.arguments[1].shape) == 1:
            left, right = term.arguments
            if left is right:
                return self.normal(reduce("sum", apply("multiply", left, right)))
        return self._atom(term)

    def _apply(self, term: Term) -> Polynomial:
        parts = [self.normal(a) for a in term.arguments]
        match term.data:
            case "add":
                return add(parts[0], parts[1])
            case "subtract":
                return add(parts[0], _scale(parts[1], Fraction(-1)))
            case "negate":
                return _scale(parts[0], Fraction(-1))
            case "multiply":
                return self._times(parts[0], parts[1])
            case "divide":
                inverse = self._inverse(parts[1], term.arguments[1])
                return self._times(parts[0], inverse)
            case "power":
                return self._power(term, parts)
            case "log" if term.arguments[0].operation == "apply" and term.arguments[0].data == "exp":
                return self.normal(term.arguments[0].arguments[0])
            case "abs" | "cosh" | "cos":
                return self._even(term)
        return self._atom(term)

    def _even(self, term: Term) -> Polynomial:
        """f(a) of a function with f(-a) = f(a): one atom for an argument and its negative."""
        own = self.normal(term.arguments[0])
        known = self._evens.setdefault(term.data, [])
        for other, argument in known:
            if argument in (own, _scale(own, Fraction(-1))):
                return self._atom(other)
        known.append((term, own))
        return self._atom(term)

    def _power(self, term: Term, parts: list[Polynomial]) -> Polynomial:
        base, exponent = term.arguments
        if exponent.operation != "literal" or Fraction(exponent.data).denominator != 1 or abs(exponent.data) > 16:
            return self._atom(term)
        count = int(exponent.data)
        if count == 2 and base.operation == "reduce" and base.data == "norm":
            inner = base.arguments[0]
            return self.normal(
                reduce("sum", apply("multiply", inner, inner)) if inner.shape else apply("multiply", inner, inner)
            )
        own = parts[0] if count >= 0 else self._inverse(parts[0], base)
        found: Polynomial = {_UNIT: Fraction(1)}
        for _ in range(abs(count)):
            found = self._times(found, own)
        return found

    def _inverse(self, divisor: Polynomial, term: Term) -> Polynomial:
        if len(divisor) == 1:
            ((monomial, coefficient),) = divisor.items()
            return {tuple((atom, -n) for atom, n in monomial): 1 / coefficient}
        return {((term, -1),): Fraction(1)}

    def _times(self, left: Polynomial, right: Polynomial) -> Polynomial:
        if len(left) * len(right) > LARGEST:
            raise _TooLargeError
        found: Polynomial = {}
        for a, x in left.items():
            for b, y in right.items():
                for monomial, factor in self._merge(a, b).items():
                    found[monomial] = found.get(monomial, Fraction(0)) + x * y * factor
        return {m: c for m, c in found.items() if c}

    def _merge(self, left: Monomial, right: Monomial) -> Polynomial:
        """The product of two monomials; an even power of a square root is a power of its argument."""
        exponents: dict[Term, int] = {}
        for atom, count in (*left, *right):
            exponents[atom] = exponents.get(atom, 0) + count
        found: Polynomial = {_UNIT: Fraction(1)}
        rest: dict[Term, int] = {}
        for atom, count in exponents.items():
            if atom.operation == "apply" and atom.data == "sqrt" and abs(count) >= 2:
                whole = int(count / 2)
                rest[atom] = count - 2 * whole
                inner = apply("power", atom.arguments[0], literal(whole))
                found = self._times(found, self.normal(inner))
            else:
                rest[atom] = count
        own = self._ordered(rest)
        return found if own == _UNIT else {self._join(m, own): c for m, c in found.items()}

    def _join(self, left: Monomial, right: Monomial) -> Monomial:
        exponents = dict(left)
        for atom, count in right:
            exponents[atom] = exponents.get(atom, 0) + count
        return self._ordered(exponents)

    def _ordered(self, exponents: dict[Term, int]) -> Monomial:
        kept = [(atom, n) for atom, n in exponents.items() if n]
        for atom, _ in kept:
            self._rank.setdefault(atom, len(self._rank))
        return tuple(sorted(kept, key=lambda item: self._rank[item[0]]))

    def _atom(self, term: Term) -> Polynomial:
        self._rank.setdefault(term, len(self._rank))
        return {((term, 1),): Fraction(1)}

    def _sum(self, term: Term) -> Polynomial:
        """Monomial by monomial: scalar factors leave the sum, and what is left is a sum of its own."""
        operand = term.arguments[0]
        if operand.shape == () or has_view(operand):
            return self._atom(term)
        count = math.prod(operand.shape)
        found: Polynomial = {}
        for monomial, coefficient in self.normal(operand).items():
            outer = {atom: n for atom, n in monomial if atom.shape == ()}
            inner = tuple((atom, n) for atom, n in monomial if atom.shape != ())
            factor = coefficient
            if inner:
                total = reduce("sum", _product(inner))
                outer[total] = outer.get(total, 0) + 1
            else:
                factor *= count
            if term.data == "mean":
                factor /= count
            key = self._ordered(outer)
            found[key] = found.get(key, Fraction(0)) + factor
        return {m: c for m, c in found.items() if c}


def _product(monomial: Monomial) -> Term:
    parts = [atom if n == 1 else apply("power", atom, literal(n)) for atom, n in monomial]
    product = parts[0]
    for part in parts[1:]:
        product = apply("multiply", product, part)
    return product


def add(left: dict[KeyT, Fraction], right: dict[KeyT, Fraction]) -> dict[KeyT, Fraction]:
    """The sum of two polynomials, however their monomials are written; no coefficient is 0."""
    found = dict(left)
    for monomial, coefficient in right.items():
        found[monomial] = found.get(monomial, Fraction(0)) + coefficient
    return {m: c for m, c in found.items() if c}


def _scale(value: Polynomial, factor: Fraction) -> Polynomial:
    return {m: c * factor for m, c in value.items()}
