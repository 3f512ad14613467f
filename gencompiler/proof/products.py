"""Signed products, the parts of sums of exponentials, and the functions that are spelled with exponentials."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from fractions import Fraction

from gencompiler.proof import exponentials as ex
from gencompiler.proof.exponentials import NONE, UNIT, Exponentials, Monomial
from gencompiler.proof.graph import Term, apply, constant, literal
from gencompiler.proof.terms import ONE


@dataclasses.dataclass(frozen=True)
class Product:
    """sign * exp(log) * (the factors of `rest` with their exponents, whose signs are not known)."""

    sign: int
    log: Exponentials
    rest: Monomial = UNIT


def times(left: Product, right: Product) -> Product:
    """The product of two products."""
    counts = dict(left.rest)
    for term, count in right.rest:
        counts[term] = counts.get(term, 0) + count
    rest = frozenset((t, n) for t, n in counts.items() if n)
    return Product(left.sign * right.sign, ex.plus(left.log, right.log), rest)


def reduced(value: Exponentials) -> Exponentials:
    """N / D as q where N = q D: a sum that stands in a denominator, cancelled."""
    for divisor in {t for p in value.values() for m in p for t, n in m if n < 0 and is_sum(t)}:
        whole = ex.normal(divisor)
        top: Exponentials | None = ex.times(value, whole)
        if any(dict(m).get(divisor, 0) < 0 for p in (top or {}).values() for m in p):
            top = cleared(value, divisor, whole)
        if top is None or len(parts_of(top)) < len(parts_of(whole)):
            continue
        first = parts_of(whole)[0][0]
        for lead, _ in parts_of(top):
            ratio = ex.times(lead, ex.inverse(first))
            if not ex.plus(top, ex.scaled(ex.times(ratio, whole), -1)):
                return ratio
    return value


def cleared(value: Exponentials, divisor: Term, whole: Exponentials) -> Exponentials | None:
    """value times the sum `divisor`, which stands in every one of its products."""
    found: list[Exponentials] = []
    for exponent, polynomial in value.items():
        for monomial, coefficient in polynomial.items():
            counts = dict(monomial)
            count = counts.pop(divisor, 0)
            rest: Exponentials = {exponent: {frozenset(counts.items()): coefficient}}
            found.append(ex.times(rest, whole) if count == 0 else rest)
            if count not in (0, -1):
                return None
    return ex.plus(*found)


def is_sum(term: Term) -> bool:
    return term.operation == "apply" and term.data in ("add", "subtract")


def negative(product: Product) -> Product:
    return dataclasses.replace(product, sign=-product.sign)


def number(value: Exponentials) -> Fraction | None:
    """The rational that a value is; None for any other."""
    if not value:
        return Fraction(0)
    return value[NONE][UNIT] if set(value) == {NONE} and set(value[NONE]) == {UNIT} else None


def log_of_number(value: Fraction) -> Exponentials:
    """log of a positive rational, in logarithms of primes; of what is left of large numbers, as it is."""
    found: ex.Polynomial = {}
    for whole, sign in ((value.numerator, 1), (value.denominator, -1)):
        rest = whole
        for prime in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47):
            while rest % prime == 0:
                rest //= prime
                key = frozenset(((apply("log", literal(prime)), 1),))
                found[key] = found.get(key, Fraction(0)) + sign
        if rest != 1:
            key = frozenset(((apply("log", literal(rest)), 1),))
            found[key] = found.get(key, Fraction(0)) + sign
    found = {m: c for m, c in found.items() if c}
    return {NONE: found} if found else {}


def logarithm_in(monomial: Monomial) -> Term | None:
    """The term whose logarithm a monomial is."""
    if len(monomial) != 1:
        return None
    ((term, count),) = monomial
    return term.arguments[0] if count == 1 and term.operation == "apply" and term.data == "log" else None


def parts_of(value: Exponentials) -> list[tuple[Exponentials, Fraction]]:
    """The products of a sum, each with its coefficient."""
    return [({e: {m: c}}, c) for e, polynomial in value.items() for m, c in polynomial.items()]


def rank(product: Exponentials) -> tuple[int, str]:
    """The order in which one product of a sum is taken out: a number first, then what is spelled first."""
    ((exponent, polynomial),) = product.items()
    ((monomial, _),) = polynomial.items()
    return len(exponent) + len(monomial), str(ex.written({exponent: {monomial: Fraction(1)}}))


def is_reciprocal(product: Exponentials) -> bool:
    """Whether more is below the line of a product than above it; of an exponential, if its exponent is negative."""
    ((exponent, polynomial),) = product.items()
    ((monomial, _),) = polynomial.items()
    count = sum(n for _, n in monomial)
    if count or not exponent:
        return count < 0
    return leads_negative({NONE: dict(exponent)})


def leads_negative(value: Exponentials) -> bool:
    """Whether the product of a sum that is spelled first has a negative coefficient."""
    lead, coefficient = min(parts_of(value), key=lambda part: rank(part[0]))
    return bool(lead) and coefficient < 0


def of_pi(name: str, argument: Exponentials) -> int | None:
    """sin or cos of a whole multiple of pi / 2."""
    monomial = frozenset(((constant("pi"), 1),))
    if set(argument) != {NONE} or set(argument[NONE]) != {monomial}:
        return None
    quarters = 2 * argument[NONE][monomial]
    if quarters.denominator != 1:
        return None
    return ((0, 1, 0, -1) if name == "sin" else (1, 0, -1, 0))[int(quarters) % 4]


def without_half_turns(argument: Exponentials) -> tuple[Exponentials, bool] | None:
    """(b, whether n is odd) of an argument b + n pi with |rest of pi| <= 1/2; None where n is 0."""
    monomial = frozenset(((constant("pi"), 1),))
    count = argument.get(NONE, {}).get(monomial, Fraction(0))
    turns = -math.floor(Fraction(1, 2) - count)
    if turns == 0:
        return None
    return ex.plus(argument, {NONE: {monomial: Fraction(-turns)}}), turns % 2 == 1


ODD = ("erf", "atan", "sin", "asinh", "tan", "sign", "bessel_ratio")
EVEN = ("cos", "abs", "bessel_i0")


def _exp(term: Term) -> Term:
    return apply("exp", term)


def _negate(term: Term) -> Term:
    return apply("negate", term)


def _one_plus(term: Term) -> Term:
    return apply("add", ONE, term)


#: Functions that are spelled with exponentials and logarithms.
REWRITTEN: dict[str, Callable[[Term], Term]] = {
    "sigmoid": lambda a: apply("divide", ONE, _one_plus(_exp(_negate(a)))),
    "softplus": lambda a: apply("log", _one_plus(_exp(a))),
    "log1p": lambda a: apply("log", _one_plus(a)),
    "expm1": lambda a: apply("subtract", _exp(a), ONE),
    "logit": lambda a: apply("subtract", apply("log", a), apply("log", apply("subtract", ONE, a))),
    "cosh": lambda a: apply("divide", apply("add", _exp(a), _exp(_negate(a))), literal(2)),
    "sinh": lambda a: apply("divide", apply("subtract", _exp(a), _exp(_negate(a))), literal(2)),
    "tanh": lambda a: apply(
        "subtract", ONE, apply("divide", literal(2), _one_plus(_exp(apply("multiply", literal(2), a))))
    ),
    "log_bessel_i0": lambda a: apply("log", apply("bessel_i0", a)),
    "stop": lambda a: a,
}


def over_one(value: Exponentials) -> Exponentials:
    """A sum of fractions with one denominator, multiplied out above the line where that leaves fewer products."""
    for divisor in {t for p in value.values() for m in p for t, n in m if n < 0 and is_sum(t)}:
        lowest = min(dict(m).get(divisor, 0) for p in value.values() for m in p)
        whole = ex.normal(divisor)
        top: list[Exponentials] = []
        for exponent, polynomial in value.items():
            for monomial, coefficient in polynomial.items():
                counts = dict(monomial)
                count = counts.pop(divisor, 0)
                rest: Exponentials = {exponent: {frozenset(counts.items()): coefficient}}
                top.append(ex.times(rest, ex.power(whole, count - lowest)))
        above = ex.plus(*top)
        if len(parts_of(above)) < len(parts_of(value)):
            value = ex.times(above, ex.atom(divisor, lowest))
    return value
