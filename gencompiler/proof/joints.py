"""Where a map in pieces is cut: the numbers, or terms, that its conditions compare the input with.  Nothing rests on
what is found here."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction

from gencompiler.proof.boxes import difference, interior
from gencompiler.proof.calculus import at, fold, in_pieces, is_number
from gencompiler.proof.domain import Interval
from gencompiler.proof.graph import Term, build, subterms
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.lazy import np
from gencompiler.proof.monotone_rules import settled
from gencompiler.proof.numerators import coefficients
from gencompiler.proof.numeric import values
from gencompiler.proof.samples import grid
from gencompiler.proof.terms import ZERO, negated, over

_ORDERS = ("less", "less_equal", "greater", "greater_equal")


def in_pieces_of(body: Term, x: Term) -> bool:
    """Whether a function has an `if`, or a kink, that depends on `x`."""
    return any(p.operation == "choose" and x in p.arguments[0].symbols for p in subterms(in_pieces(body, x)))


def cuts_of(body: Term, x: Term, where: Interval) -> tuple[Fraction, ...]:
    """The numbers at which conditions on `x` turn."""
    inside = interior(where)
    found = {c for d in _gaps(body, x) for c in _zeros(d, x, where) if inside.contains(c)}
    return tuple(sorted(found))


def _gaps(body: Term, x: Term) -> list[Term]:
    """The differences of the two sides of every comparison that depends on `x`, branch by branch."""
    found: dict[Term, None] = {}
    whole = in_pieces(body, x)
    for part in subterms(whole):
        if x in part.symbols and part.operation == "apply" and part.data in _ORDERS:
            for left, right in itertools.product(*(_branches(a, x) for a in part.arguments)):
                found[difference(left, right)] = None
    return list(found)


def _branches(term: Term, x: Term) -> list[Term]:
    """The formulas that a term has, one for each way its conditions on `x` can turn out."""
    first = next((p for p in subterms(term) if p.operation == "choose" and x in p.arguments[0].symbols), None)
    if first is None:
        return [term]
    found: list[Term] = []
    for branch in first.arguments[1:]:
        found += _branches(_swapped(term, first, branch), x)[:8]
    return found


def _swapped(term: Term, part: Term, by: Term) -> Term:
    known: dict[Term, Term] = {}
    for each in subterms(term):
        known[each] = by if each is part else build(each.operation, each.data, tuple(known[a] for a in each.arguments))
    return known[term]


def _zeros(gap: Term, x: Term, where: Interval) -> list[Fraction]:
    """The numbers at which a difference is 0, where that is seen exactly."""
    if x not in gap.symbols:
        return []
    try:
        found = coefficients(gap, x)
    except Unproved:
        found = {}
    if set(found) <= {0, 1} and 1 in found and not any(x in c.symbols for c in found.values()):
        zero = settled(fold(negated(over(found.get(0, ZERO), found[1]))))
        return [zero.data] if is_number(zero) else []
    if gap.symbols != {x}:
        return []
    places = np.array(grid(where, 200))
    signs = np.sign(np.broadcast_to(values(gap, {x: places}), places.shape))
    turns = [k for k in range(len(places) - 1) if signs[k] * signs[k + 1] <= 0]
    zeros = []
    for k in turns[:6]:
        near = _bisected(lambda p: float(values(gap, {x: np.float64(p)})), places[k], places[k + 1])
        for limit in (1, 100, 10**6):
            candidate = Fraction(near).limit_denominator(limit)
            if fold(at(gap, x, candidate)).data == 0:
                zeros.append(candidate)
                break
    return zeros


def _bisected(function: Callable[[float], float], low: float, high: float) -> float:
    sign = function(low) < 0
    for _ in range(80):
        middle = (low + high) / 2
        if (function(middle) < 0) == sign:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def symbolic_joints(input_: Term, body: Term) -> list[Term]:
    """Terms free of the input that a condition compares it with."""
    found: dict[Term, None] = {}
    for gap in _gaps(body, input_):
        try:
            parts = coefficients(gap, input_)
        except Unproved:
            continue
        if (
            set(parts) <= {0, 1}
            and is_number(parts.get(1, negated(input_)))
            and input_ not in parts.get(0, gap).symbols
        ):
            factor = parts[1].data
            joint = negated(parts[0]) if factor == 1 else parts[0] if factor == -1 else None
            if joint is not None and not is_number(joint):
                found[fold(joint)] = None
    return list(found)[:2]
