"""Polynomials in the elements of a state, and what they do far away: which grow, which stay bounded, which are no law.

The coefficients are normal forms that are free of the state; what is said of them holds for every admissible value of
their symbols."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

from gencompiler.proof import domain
from gencompiler.proof.exponentials import NONE, Exponentials, plus, scaled
from gencompiler.proof.graph import Term, support_of
from gencompiler.proof.matrices import has_positive_minors

#: Exponents of the elements of the state, in their order.
Powers = tuple[int, ...]
Polynomial = dict[Powers, Exponentials]

#: Directions with these entries are looked into, of a state with few elements; of others those along the axes.
ENTRIES = (0, 1, -1)
LARGEST = 6


def polynomial(value: Exponentials, state: tuple[Term, ...]) -> Polynomial | None:
    """A normal form sorted by powers of the state; None where it is no polynomial in it."""
    own = frozenset(state)
    found: Polynomial = {}
    places = {term: k for k, term in enumerate(state)}
    for exponent, part in value.items():
        if any(t.symbols & own for monomial, _ in exponent for t, _ in monomial):
            return None
        for monomial, coefficient in part.items():
            powers, rest = [0] * len(state), []
            for term, count in monomial:
                if term in places and count > 0:
                    powers[places[term]] = count
                elif term.symbols & own:
                    return None
                else:
                    rest.append((term, count))
            inner = found.setdefault(tuple(powers), {}).setdefault(exponent, {})
            key = frozenset(rest)
            inner[key] = inner.get(key, Fraction(0)) + coefficient
    return found


def sign(coefficient: Exponentials) -> int | None:
    """1 or -1 where a coefficient has that sign wherever it is defined; None where that is not seen."""
    signs = set()
    for _, part in coefficient.items():
        for monomial, number in part.items():
            own = 1 if number > 0 else -1
            for term, count in monomial:
                factor = _sign_of(term, count)
                if factor is None:
                    return None
                own *= factor
            signs.add(own)
    return signs.pop() if len(signs) == 1 else None


def _sign_of(term: Term, count: int) -> int | None:
    """The sign of a power of an atom: a reciprocal is defined, so that its base is not 0."""
    if count < 0 and (count % 2 == 0 or (term.operation == "apply" and term.data in ("sqrt", "exp"))):
        return 1
    if term.operation == "constant":
        return 1
    if term.operation != "symbol":
        return None
    bounds = domain.of_support(support_of(term))
    found = bounds.sign if bounds is not None else 0
    return found**count if found else None


def free_of(value: Polynomial, time: Term) -> bool:
    """Whether no coefficient depends on the time."""
    return not any(
        time in t.symbols
        for coefficient in value.values()
        for exponent, part in coefficient.items()
        for monomial in (*part, *(m for m, _ in exponent))
        for t, _ in monomial
    )


# -- far away --------------------------------------------------------------------------------------------------------


def highest(value: Polynomial) -> dict[int, int]:
    """By element of the state the exponent of its highest pure power."""
    found: dict[int, int] = {}
    for powers in value:
        support = [k for k, n in enumerate(powers) if n]
        if len(support) == 1:
            found[support[0]] = max(found.get(support[0], 0), powers[support[0]])
    return found


def leading_where(value: Polynomial, wanted: int) -> dict[int, int]:
    """The highest pure powers that are even and whose coefficient has the wanted sign."""
    size = len(next(iter(value))) if value else 0
    found = {}
    for k, n in highest(value).items():
        own = tuple(n if j == k else 0 for j in range(size))
        if n % 2 == 0 and sign(value[own]) == wanted:
            found[k] = n
    return found


def coercive(value: Polynomial) -> dict[int, int] | None:
    """Exponents d with value >= c Σ x_i^d_i - C for some c > 0, one for each element of the state; None where that is
    not seen.

    Every other monomial is either not negative, or of Σ a_i / d_i < 1: by Young's inequality any multiple of it is at
    most ε Σ x_i^d_i + C.  Or all of it is a quadratic form that is positive definite, plus what is linear."""
    if not value:
        return None
    size = len(next(iter(value)))
    tops = leading_where(value, 1)
    if set(tops) != set(range(size)):
        return None
    if all(_weight(p, tops) < 1 or _pure(p, tops) or _one_sided(p, value[p], 1) for p in value):
        return tops
    if set(tops.values()) == {2} and all(sum(p) <= 2 for p in value) and _definite(value, size):
        return tops
    return None


def bounded_above(value: Polynomial, by: dict[int, int] | None = None, degree: int = 0) -> bool:
    """Whether value <= C (1 + |x|^degree), or <= C (1 + Σ x_i^d_i) for the exponents `by`.

    A monomial is fine where it is never positive, where the bound is at least as large, or where Σ a_i / d_i < 1 for
    the value's own leading negative powers."""
    own = leading_where(value, -1)
    for powers, coefficient in value.items():
        if _one_sided(powers, coefficient, -1) or sum(powers) <= degree:
            continue
        if by is not None and {k for k, n in enumerate(powers) if n} <= set(by) and _weight(powers, by) <= 1:
            continue
        if _weight(powers, own) < 1:
            continue
        return False
    return True


def _weight(powers: Powers, tops: dict[int, int]) -> Fraction:
    """Σ a_i / d_i, and 1 at least where an element has no d_i."""
    total = Fraction(0)
    for k, n in enumerate(powers):
        if n:
            total += Fraction(n, tops[k]) if k in tops else 1
    return total


def _pure(powers: Powers, tops: dict[int, int]) -> bool:
    support = [k for k, n in enumerate(powers) if n]
    return len(support) == 1 and powers[support[0]] == tops[support[0]]


def _one_sided(powers: Powers, coefficient: Exponentials, wanted: int) -> bool:
    """Whether a monomial never has the sign opposite to the wanted one."""
    return all(n % 2 == 0 for n in powers) and sign(coefficient) == wanted


def _definite(value: Polynomial, size: int) -> bool:
    """Whether the quadratic part is positive definite: all leading minors of its matrix are positive (Sylvester)."""
    matrix = [[Fraction(0)] * size for _ in range(size)]
    for powers, coefficient in value.items():
        if sum(powers) != 2:
            continue
        number = _number(coefficient)
        if number is None:
            return False
        i, *more = (k for k, n in enumerate(powers) if n)
        j = more[0] if more else i
        matrix[i][j] += number if i == j else number / 2
        if i != j:
            matrix[j][i] += number / 2
    return has_positive_minors(matrix)


def _number(coefficient: Exponentials) -> Fraction | None:
    if set(coefficient) == {NONE} and set(coefficient[NONE]) == {frozenset()}:
        return coefficient[NONE][frozenset()]
    return None


# -- no law ----------------------------------------------------------------------------------------------------------


def directions(size: int) -> Iterator[tuple[int, ...]]:
    """Directions of the state, those along one axis first."""
    for k, s in itertools.product(range(size), (1, -1)):
        yield tuple(s if j == k else 0 for j in range(size))
    if size <= LARGEST:
        yield from (d for d in itertools.product(ENTRIES, repeat=size) if any(d))


def rises_along(value: Polynomial, direction: tuple[int, ...]) -> Exponentials:
    """The form of the highest degree at a direction; where it is positive, exp(value) has infinite mass.

    It is then positive in a cone around the direction, where value is eventually positive."""
    degree = max((sum(p) for p in value), default=0)
    total: list[Exponentials] = []
    for powers, coefficient in value.items():
        if sum(powers) == degree:
            factor = Fraction(1)
            for n, d in zip(powers, direction, strict=True):
                factor *= Fraction(d) ** n
            total.append(scaled(coefficient, factor))
    return plus(*total)


def direction_without_end(value: Exponentials, state: tuple[Term, ...]) -> tuple[int, ...] | None:
    """A direction along which exp(value) surely has infinite mass, where one is seen: an element of the state that it
    does not mention, or one along which a polynomial rises."""
    symbols = _symbols(value)
    for k, x in enumerate(state):
        if x not in symbols:
            return tuple(int(j == k) for j in range(len(state)))
    own = polynomial(value, state)
    if own is None:
        return None
    return next((d for d in directions(len(state)) if sign(rises_along(own, d)) == 1), None)


def may_rise(value: Exponentials, state: tuple[Term, ...]) -> bool:
    """Whether a polynomial rises along an axis for some values of the parameters in its coefficients, which are
    products of symbols of which one may have either sign."""
    own = polynomial(value, state)
    if own is None:
        return False
    return any(_either(rises_along(own, d)) for d in itertools.islice(directions(len(state)), 2 * len(state)))


def _either(coefficient: Exponentials) -> bool:
    if set(coefficient) != {NONE} or len(coefficient[NONE]) != 1 or sign(coefficient) is not None:
        return False
    (monomial,) = coefficient[NONE]
    return all(t.operation == "symbol" for t, _ in monomial)


def _symbols(value: Exponentials) -> frozenset[Term]:
    """Every symbol that a normal form mentions."""
    found: set[Term] = set()
    for exponent, part in value.items():
        for monomial in (*part, *(m for m, _ in exponent)):
            for term, _ in monomial:
                found |= term.symbols
    return frozenset(found)
