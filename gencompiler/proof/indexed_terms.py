"""Polynomials in index notation back to terms."""

from __future__ import annotations

import functools
from fractions import Fraction

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.proof.graph import Term, apply, bound_index, choose, each, element, literal, reduce
from gencompiler.proof.indices import Factor, Index, Monomial, Open
from gencompiler.proof.terms import ONE, ZERO, minus, negated, plus, times


class NotATerm(Exception):
    """A factor that this does not spell."""


def term_of(value: Open) -> Term:
    """The term of a polynomial without open indices; raises NotATerm."""
    found = ZERO
    for monomial, coefficient in value.items():
        part = _monomial(monomial, abs(coefficient))
        if found is ZERO:
            found = part if coefficient > 0 else negated(part)
        else:
            found = plus(found, part) if coefficient > 0 else minus(found, part)
    return found


def _monomial(monomial: Monomial, coefficient: Fraction) -> Term:
    """A product, or a sum of products over its summed indices."""
    factors, sizes = monomial
    tests = [f for f, _ in factors if f[0] in ("less", "equal")]
    product = functools.reduce(times, (_power(f, n, sizes) for f, n in factors if f not in tests), ONE)
    for name, left, right, offset in tests:
        moved = (*left[:-1], left[-1] + offset)
        product = choose(apply(name, _index(moved, sizes), _index(right, sizes)), product, ZERO)
    for depth in reversed(range(len(sizes))):
        product = reduce("sum", each(depth, sizes[depth], product))
    return times(literal(coefficient), product)


def _power(factor: Factor, count: int, sizes: tuple[int, ...]) -> Term:
    base = _factor(factor, sizes)
    return base if count == 1 else apply("power", base, literal(count))


def _factor(factor: Factor, sizes: tuple[int, ...]) -> Term:
    if factor[0] == "atom":
        _, term, indices = factor
        return element(term, tuple(_index(i, sizes) for i in indices)) if indices else term
    if factor[0] == "index":
        return _index(factor[1], sizes)
    if factor[0] == "fn" and not factor[3]:
        parts = [term_of(dict(p)) for p in factor[2]]
        if factor[1] == ("reciprocal",):
            return apply("divide", ONE, parts[0])
        if len(factor[1]) == 1 and factor[1][0] in FUNCTIONS:
            return apply(factor[1][0], *parts)
    raise NotATerm("the energy has a term that no law of the catalogue could have")


def _index(index: Index, sizes: tuple[int, ...]) -> Term:
    kind, shift = index[0], index[-1]
    if kind == "c":
        return literal(shift)
    if kind == "s" and index[1] == 0:
        base = bound_index(index[2], sizes[index[2]])
    elif kind == "t":
        base = index[1]
    else:
        raise NotATerm("the energy has a sum inside a function")
    return apply("add", base, literal(shift)) if shift else base
