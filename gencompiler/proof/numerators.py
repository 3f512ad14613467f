"""Terms as polynomials: numerators, and coefficients of powers of one atom.

Part of what a proof trusts; normal forms are those of `ring`, after exponentials of sums are products, hyperbolic
functions are exponentials, and sigmoid(-a) is 1 - sigmoid(a)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from fractions import Fraction

from gencompiler.proof.calculus import fold, is_number
from gencompiler.proof.domain import Interval
from gencompiler.proof.graph import Term, apply, build, literal
from gencompiler.proof.ring import Monomial, Polynomial, Ring
from gencompiler.proof.terms import ONE, ZERO, minus, negated, over, plus, times


@functools.lru_cache(maxsize=4096)
def rewritten(term: Term) -> Term:
    """`term` with fewer kinds of atoms; equal wherever it is defined."""
    if not term.arguments or term.operation not in ("apply", "choose", "reduce", "contract"):
        return term
    parts = tuple(rewritten(a) for a in term.arguments)
    if term.operation == "apply":
        found = _REWRITES.get(term.data, _kept)(*parts)
        if found is not None:
            return fold(found)
    return fold(build(term.operation, term.data, parts))


def _kept(*parts: Term) -> Term | None:
    return None


def _exp(a: Term) -> Term | None:
    """exp(a + b) = exp(a) exp(b), exp(n a) = exp(a)^n, exp(-a) = 1 / exp(a)."""
    if a.operation != "apply":
        return None
    match a.data:
        case "add":
            return times(exponential(a.arguments[0]), exponential(a.arguments[1]))
        case "subtract":
            return over(exponential(a.arguments[0]), exponential(a.arguments[1]))
        case "negate":
            return over(ONE, exponential(a.arguments[0]))
        case "log":
            return a.arguments[0]
        case "multiply":
            for number, other in (a.arguments, a.arguments[::-1]):
                if is_number(number) and number.data.denominator == 1 and abs(number.data) <= 8 and number.data != 1:
                    return apply("power", exponential(other), number)
    return None


def exponential(a: Term) -> Term:
    """exp(a), in the form that `rewritten` gives."""
    return _exp(a) or apply("exp", a)


def _half(a: Term, b: Term) -> Term | None:
    """a^(n / 2) = sqrt(a)^n"""
    if is_number(b) and b.data.denominator == 2 and abs(b.data) <= 8:
        return apply("power", apply("sqrt", a), literal(2 * b.data))
    return None


def _sigmoid(a: Term) -> Term | None:
    if a.operation == "apply" and a.data == "negate":
        return minus(ONE, apply("sigmoid", a.arguments[0]))
    return None


def _hyperbolic(sign: int) -> Callable[[Term], Term]:
    return lambda a: over((plus if sign > 0 else minus)(exponential(a), over(ONE, exponential(a))), literal(2))


_REWRITES: dict[str, Callable[..., Term | None]] = {
    "exp": _exp,
    "power": _half,
    "expm1": lambda a: minus(exponential(a), ONE),
    "sinh": _hyperbolic(-1),
    "cosh": _hyperbolic(1),
    "sigmoid": _sigmoid,
}


@functools.lru_cache(maxsize=4096)
def cleared(term: Term, allowed: frozenset[Term] | None = None) -> tuple[Term, tuple[tuple[Term, int], ...]]:
    """`term` divided by powers of factors, which leaves no denominators; only by those `allowed`, if that is given."""
    ring = Ring()
    normal = ring.normal(rewritten(term))
    factors: dict[Term, int] = {}
    for _ in range(4):
        lowest = tuple((a, n) for a, n in _lowest(normal) if allowed is None or a in allowed)
        if not lowest:
            break
        for atom, count in lowest:
            factors[atom] = factors.get(atom, 0) + count
        normal = _multiplied(ring, normal, lowest)
    return horner(normal), tuple(factors.items())


def divisible(factor: Interval, count: int) -> bool:
    """Whether a power of a factor is positive: the factor is, or it is not 0 and the power is even."""
    return factor.sign > 0 or (factor.sign != 0 and count % 2 == 0)


def _lowest(normal: Polynomial) -> Monomial:
    """The product of powers by which all monomials can be divided: negative powers, and what is in all of them."""
    counts: dict[Term, int] = {}
    for monomial in normal:
        for atom, count in monomial:
            counts[atom] = min(counts.get(atom, count), count)
    found = []
    for atom, count in counts.items():
        everywhere = all(atom in dict(m) for m in normal)
        least = count if everywhere else min(count, 0)
        if least:
            found.append((atom, least))
    return tuple(found)


def _multiplied(ring: Ring, normal: Polynomial, lowest: Monomial) -> Polynomial:
    """Each monomial divided by `lowest`; what is left with a positive power is expanded."""
    found: Polynomial = {}
    down = dict(lowest)
    for monomial, coefficient in normal.items():
        exponents = dict(monomial)
        kept: list[tuple[Term, int]] = []
        opened: list[tuple[Term, int]] = []
        for atom in {**exponents, **down}:
            count = exponents.get(atom, 0) - down.get(atom, 0)
            if count:
                (opened if atom in down and down[atom] < 0 else kept).append((atom, count))
        product: Polynomial = {ring._ordered(dict(kept)): coefficient}
        for atom, count in opened:
            product = ring._times(product, ring.normal(apply("power", atom, literal(count))))
        for m, c in product.items():
            found[m] = found.get(m, Fraction(0)) + c
    return {m: c for m, c in found.items() if c}


@functools.lru_cache(maxsize=4096)
def coefficients(term: Term, atom: Term) -> dict[int, Term]:
    """The coefficients of the powers of an atom; other atoms may depend on what it depends on."""
    ring = Ring()
    by_power: dict[int, Polynomial] = {}
    for monomial, coefficient in ring.normal(rewritten(term)).items():
        power, rest = 0, []
        for other, count in monomial:
            if other is atom:
                power = count
            else:
                rest.append((other, count))
        by_power.setdefault(power, {})[tuple(rest)] = coefficient
    return {power: horner(found) for power, found in by_power.items()}


def horner(normal: Polynomial) -> Term:
    """A polynomial as a term: the atom that most monomials share is factored out first."""
    if not normal:
        return ZERO
    counts: dict[Term, int] = {}
    for monomial in normal:
        for atom, count in monomial:
            if count > 0:
                counts[atom] = counts.get(atom, 0) + 1
    shared = max(counts.values(), default=0)
    if shared < 2:
        return _sum(normal)
    atom = next(a for a, n in counts.items() if n == shared)
    with_: Polynomial = {}
    without: Polynomial = {}
    for monomial, coefficient in normal.items():
        exponents = dict(monomial)
        (with_ if exponents.get(atom, 0) > 0 else without)[monomial] = coefficient
    least = min(dict(m)[atom] for m in with_)
    inner: Polynomial = {}
    for monomial, coefficient in with_.items():
        inner[tuple((a, n - least if a is atom else n) for a, n in monomial if a is not atom or n != least)] = (
            coefficient
        )
    product = times(_power(atom, least), horner(inner))
    return fold(plus(product, horner(without)) if without else product)


def _sum(normal: Polynomial) -> Term:
    total: Term = ZERO
    for monomial, coefficient in normal.items():
        product: Term = ONE
        for atom, count in monomial:
            product = times(product, _power(atom, count))
        size = abs(coefficient)
        part = product if size == 1 else fold(times(literal(size), product))
        total = fold(plus(total, part if coefficient > 0 else negated(part)))
    return total


def _power(atom: Term, count: int) -> Term:
    return atom if count == 1 else apply("power", atom, literal(count))
