"""A normal form for arithmetic: sums of products of atoms with rational coefficients and whole exponents.

Two terms with one normal form have one value wherever both are defined.  Sums over a tensor's elements are linear,
scalar factors leave them, `norm(v)^2` and `v @ v` are sums of squares, and `sqrt(a)^2` is a.  A function of arguments
with one normal form is one atom; of log the normal form is that of log|·|, so that products become sums.  A binary x
has x^2 = x, a sign x^2 = 1; sin(a)^2 is 1 - cos(a)^2."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import TypeVar

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.proof.graph import Term, apply, is_finite, literal, reduce, support_of
from gencompiler.proof.terms import ZERO, minus, plus, times
from gencompiler.proof.views import has_view

#: A product of atoms with exponents, in a fixed order; the empty one is 1.
Monomial = tuple[tuple[Term, int], ...]
Polynomial = dict[Monomial, Fraction]
Key = frozenset[tuple[Monomial, Fraction]]
KeyT = TypeVar("KeyT")

#: Terms whose expansion has more monomials stay atoms.
LARGEST = 512
#: So many sums are multiplied out of denominators.
MOST_DENOMINATORS = 4
_UNIT: Monomial = ()


class _TooLargeError(Exception):
    """An expansion has more than LARGEST monomials."""


class Ring:
    """Normal forms, each term once."""

    def __init__(self) -> None:
        self._known: dict[Term, Polynomial] = {}
        self._rank: dict[Term, int] = {}
        self._atoms: dict[tuple[str, Key], Term] = {}

    def same(self, left: Term, right: Term) -> bool:
        """Whether two terms have one normal form, or one over a common denominator."""
        if left.shape != right.shape:
            return False
        one, other = self.normal(left), self.normal(right)
        return one == other or self._is_zero(add(one, _scale(other, Fraction(-1))))

    def _is_zero(self, value: Polynomial) -> bool:
        """Whether a sum is 0 once it is multiplied by the sums that it is divided by, which are not 0."""
        for _ in range(MOST_DENOMINATORS):
            divided = [(atom, -n) for m in value for atom, n in m if n < 0 and atom.operation == "apply"]
            below = next((a for a, _ in divided if len(self.normal(a)) > 1), None)
            if below is None:
                return not value
            most = max(n for atom, n in divided if atom is below)
            found: Polynomial = {}
            try:
                for monomial, coefficient in value.items():
                    have = next((-n for atom, n in monomial if atom is below), 0)
                    part = {tuple((a, n) for a, n in monomial if a is not below or n > 0): coefficient}
                    for _ in range(most - max(have, 0)):
                        part = self._times(part, self.normal(below))
                    found = add(found, part)
            except _TooLargeError:
                return False
            value = found
        return not value

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
        if term.operation == "choose" and (chosen := self._by_a_bit(term)) is not None:
            return chosen
        if term.operation == "contract" and len(term.arguments[0].shape) == len(term.arguments[1].shape) == 1:
            left, right = term.arguments
            if left is right:
                return self.normal(reduce("sum", apply("multiply", left, right)))
        return self._atom(term)

    def _by_a_bit(self, term: Term) -> Polynomial | None:
        """`if x == 1 then a else b` is x a + (1 - x) b for a binary x; None of another choice."""
        condition, then, otherwise = term.arguments
        if condition.operation != "apply" or condition.data != "equal":
            return None
        bit, value = condition.arguments
        if _support(bit) != "Binary" or value.operation != "literal" or value.data not in (0, 1):
            return None
        own = self.normal(bit)
        complement = add({_UNIT: Fraction(1)}, _scale(own, Fraction(-1)))
        here, there = (own, complement) if value.data == 1 else (complement, own)
        return add(self._times(here, self.normal(then)), self._times(there, self.normal(otherwise)))

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
            case "log":
                return self._log(term, parts[0])
            case "log1p":
                return self.normal(apply("log", apply("add", literal(1), term.arguments[0])))
            case "logit":
                return self.normal(_logit(*term.arguments))
            case "softplus" | "sigmoid" if _is(term.arguments[0], "logit"):
                (a,) = term.arguments[0].arguments  # 1 + exp(logit(a)) = 1 / (1 - a)
                minus_softplus = apply("log", apply("subtract", literal(1), a))
                return self.normal(a if term.data == "sigmoid" else apply("negate", minus_softplus))
            case _ if len(parts) == 1 and term.data in FUNCTIONS:
                return self._function(term, parts[0])
        return self._atom(term)

    def _function(self, term: Term, own: Polynomial) -> Polynomial:
        """One atom for arguments of one normal form; f(-a) by f(a) where the two belong together."""
        key, negative = (frozenset(p.items()) for p in (own, _scale(own, Fraction(-1))))
        known = self._atoms.get((term.data, key))
        if known is not None:
            return self._atom(known)
        other = self._atoms.get((term.data, negative)) if term.data in _MIRRORED else None
        if other is None:
            self._atoms[term.data, key] = term
            return self._atom(term)
        return _MIRRORED[term.data](self._atom(other), own)

    def _log(self, term: Term, own: Polynomial) -> Polynomial:
        """log|·|, a sum over the factors of a single product; log sigmoid(a) = a - softplus(a), and with 1 - sigmoid(a)
        in the place of sigmoid(a) it is -softplus(a)."""
        if len(own) == 1:
            ((monomial, coefficient),) = own.items()
            found: Polynomial = {}
            if abs(coefficient) != 1:
                found = self._function(apply("log", literal(abs(coefficient))), {_UNIT: abs(coefficient)})
            for atom, count in monomial:
                found = add(found, _scale(self._log_of_atom(atom), Fraction(count)))
            return found
        complement = add({_UNIT: Fraction(1)}, _scale(own, Fraction(-1)))
        if len(complement) == 1:
            ((monomial, coefficient),) = complement.items()
            if coefficient == 1 and len(monomial) == 1 and monomial[0][1] == 1 and _is(monomial[0][0], "sigmoid"):
                return _scale(self.normal(apply("softplus", *monomial[0][0].arguments)), Fraction(-1))
        return self._function(term, own)

    def _log_of_atom(self, atom: Term) -> Polynomial:
        if _is(atom, "exp"):
            return self.normal(atom.arguments[0])
        if _is(atom, "sqrt"):
            return _scale(self.normal(apply("log", atom.arguments[0])), Fraction(1, 2))
        if _is(atom, "power"):
            base, exponent = atom.arguments
            return self.normal(apply("multiply", exponent, apply("log", base)))
        if _is(atom, "sigmoid"):
            (a,) = atom.arguments
            return self.normal(apply("subtract", a, apply("softplus", a)))
        return self._function(apply("log", atom), self.normal(atom))

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
        """The product of two monomials; an even power of a square root is a power of its argument, that of a sine one
        of 1 - cos^2."""
        exponents: dict[Term, int] = {}
        for atom, count in (*left, *right):
            exponents[atom] = exponents.get(atom, 0) + count
        found: Polynomial = {_UNIT: Fraction(1)}
        rest: dict[Term, int] = {}
        for atom, count in exponents.items():
            support = _support(atom)
            if support == "Binary" and count >= 1:
                rest[atom] = 1
            elif support == "Sign":
                rest[atom] = count % 2
            elif atom.operation == "apply" and atom.data == "sqrt" and abs(count) >= 2:
                whole = int(count / 2)
                rest[atom] = count - 2 * whole
                inner = apply("power", atom.arguments[0], literal(whole))
                found = self._times(found, self.normal(inner))
            elif _is(atom, "sin") and count >= 2:
                rest[atom] = count % 2
                cosine = apply("cos", *atom.arguments)
                square = apply("subtract", literal(1), apply("power", cosine, literal(2)))
                found = self._times(found, self.normal(apply("power", square, literal(count // 2))))
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
                total = reduce("sum", product(inner))
                outer[total] = outer.get(total, 0) + 1
            else:
                factor *= count
            if term.data == "mean":
                factor /= count
            key = self._ordered(outer)
            found[key] = found.get(key, Fraction(0)) + factor
        return {m: c for m, c in found.items() if c}


def add(left: dict[KeyT, Fraction], right: dict[KeyT, Fraction]) -> dict[KeyT, Fraction]:
    """The sum of two polynomials, however their monomials are written; no coefficient is 0."""
    found = dict(left)
    for monomial, coefficient in right.items():
        found[monomial] = found.get(monomial, Fraction(0)) + coefficient
    return {m: c for m, c in found.items() if c}


def product(monomial: Monomial, coefficient: Fraction = Fraction(1)) -> Term:
    """A monomial as a term."""
    found = literal(coefficient)
    for atom, count in monomial:
        found = times(found, atom if count == 1 else apply("power", atom, literal(count)))
    return found


def written(polynomial: Polynomial) -> Term:
    """A polynomial as a term, monomial by monomial."""
    total: Term = ZERO
    for monomial, coefficient in polynomial.items():
        total = (plus if coefficient > 0 else minus)(total, product(monomial, abs(coefficient)))
    return total


def _is(term: Term, function: str) -> bool:
    return term.operation == "apply" and term.data == function


def _support(atom: Term) -> str:
    """The support of a symbol, or of an element of one."""
    base = atom.arguments[0] if atom.operation == "element" else atom
    return support_of(base).name if base.operation == "symbol" else ""


def _logit(a: Term) -> Term:
    """logit(a) = log(a) - log(1 - a)"""
    return apply("subtract", apply("log", a), apply("log", apply("subtract", literal(1), a)))


def _same(value: Polynomial, _: Polynomial) -> Polynomial:
    return value


def _opposite(value: Polynomial, _: Polynomial) -> Polynomial:
    return _scale(value, Fraction(-1))


#: f(-a), the first, in terms of f(a) and a: even and odd functions, softplus(a) = softplus(-a) + a,
#: sigmoid(a) = 1 - sigmoid(-a).
_MIRRORED: dict[str, Callable[[Polynomial, Polynomial], Polynomial]] = {
    **dict.fromkeys(("abs", "cosh", "cos"), _same),
    **dict.fromkeys(("tanh", "sinh", "asinh", "atan", "erf", "sin", "tan", "sign"), _opposite),
    "softplus": add,
    "sigmoid": lambda value, _: add({_UNIT: Fraction(1)}, _scale(value, Fraction(-1))),
}


def _scale(value: Polynomial, factor: Fraction) -> Polynomial:
    return {m: c * factor for m, c in value.items()}
