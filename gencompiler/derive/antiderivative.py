"""Antiderivatives of sums of polynomials times exponentials: a small table, each entry verified by differentiation.

| f(t) | ∫ f dt |
|---|---|
| c t^n | c t^(n + 1) / (n + 1), and c log t for n = -1 |
| c t^n exp(k t + e), n >= 0 | exp(k t + e) Σ_j (-1)^j n! / (n - j)! c t^(n - j) / k^(j + 1) |
| c E'(t) exp(E(t)) | c exp(E(t)) |
"""

from __future__ import annotations

from fractions import Fraction

from gencompiler.proof import exponentials as ex
from gencompiler.proof.exponentials import Exponentials, Frozen, Monomial
from gencompiler.proof.graph import Term, apply


class NoIntegralError(Exception):
    """The table has no antiderivative."""


def antiderivative(value: Exponentials, time: Term) -> Exponentials:
    """F with F' = value; raises NoIntegralError."""
    found = ex.plus(*(_one(exponent, polynomial, time) for exponent, polynomial in value.items()))
    residual = ex.plus(ex.derivative(found, time), ex.scaled(value, -1))
    if not ex.is_zero(residual):
        raise NoIntegralError("no antiderivative of this form is known")
    return found


def _one(exponent: Frozen, polynomial: ex.Polynomial, time: Term) -> Exponentials:
    inner: Exponentials = {ex.NONE: dict(exponent)} if exponent else {}
    rate = ex.derivative(inner, time)
    ratio = ratio_of({ex.NONE: polynomial}, rate) if rate else None
    if ratio is not None and is_constant(ratio, time):
        return ex.times(ratio, ex.exponential(inner))
    if not is_constant(rate, time):
        raise NoIntegralError("an exponential of no linear function of time")
    found: list[Exponentials] = []
    for monomial, coefficient in polynomial.items():
        count, rest = _time_power(monomial, time)
        constant = ex.scaled({ex.NONE: {rest: Fraction(1)}}, coefficient)
        found.append(_power(count, constant, rate, inner, time))
    return ex.plus(*found)


def _power(count: int, factor: Exponentials, rate: Exponentials, inner: Exponentials, time: Term) -> Exponentials:
    """∫ factor t^count exp(inner), where inner' = rate is constant."""
    if not rate:
        if count == -1:
            return ex.times(ex.times(factor, ex.exponential(inner)), ex.atom(apply("log", time)))
        raised = ex.scaled(_raised(time, count + 1), Fraction(1, count + 1))
        return ex.times(ex.times(factor, ex.exponential(inner)), raised)
    if count < 0:
        raise NoIntegralError("an exponential over a power of time")
    slow = ex.inverse(rate)
    total: list[Exponentials] = []
    weight = slow
    for j in range(count + 1):
        total.append(ex.times(weight, _raised(time, count - j)))
        weight = ex.scaled(ex.times(weight, slow), -(count - j))
    return ex.times(ex.times(factor, ex.exponential(inner)), ex.plus(*total))


def _raised(time: Term, count: int) -> Exponentials:
    return ex.atom(time, count) if count else ex.constant(1)


def _time_power(monomial: Monomial, time: Term) -> tuple[int, Monomial]:
    """The exponent of the time, and the rest, which must not depend on it."""
    count = dict(monomial).get(time, 0)
    rest = frozenset((t, n) for t, n in monomial if t is not time)
    if any(time in t.symbols for t, _ in rest):
        raise NoIntegralError("a function of time that the table does not have")
    return count, rest


def is_constant(value: Exponentials, time: Term) -> bool:
    """Whether a normal form does not mention the time."""
    monomials = [m for e, p in value.items() for m in (*p, *(n for n, _ in e))]
    return all(time not in t.symbols for m in monomials for t, _ in m)


def ratio_of(left: Exponentials, right: Exponentials) -> Exponentials | None:
    """left / right where they are proportional: term by term, or because right is one product; None otherwise."""
    if not right:
        return None
    if len(right) == 1 and len(next(iter(right.values()))) == 1:
        return ex.times(left, ex.inverse(right))
    if set(left) != set(right):
        return None
    factors = set()
    for exponent, polynomial in right.items():
        own = left[exponent]
        if set(own) != set(polynomial):
            return None
        factors |= {own[m] / polynomial[m] for m in polynomial}
    return ex.constant(factors.pop()) if len(factors) == 1 else None
