"""Numbers to look at: in the supports of symbols, in intervals.  Nothing rests on them."""

from __future__ import annotations

import math
from fractions import Fraction

from gencompiler.proof import domain
from gencompiler.proof.boxes import Evaluation
from gencompiler.proof.domain import Interval
from gencompiler.proof.facts import Member
from gencompiler.proof.graph import Term, is_finite, subterms
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.lazy import np

#: How far within an end that is not reached, or that a condition sets: a hundredth and less is what errors are.
WITHIN = Fraction(1, 256)


def sample(symbols: tuple[Term, ...], count: int) -> dict[Term, object]:
    """Values of symbols within their supports, one column each; of tensors, their own axes first."""
    generator = np.random.default_rng(0)
    found: dict[Term, object] = {}
    for each in sorted(symbols, key=lambda s: str(s.data[:2])):
        places = np.array(grid_of(each, 64))
        if not len(places):
            continue
        drawn = generator.choice(places, size=(*each.shape, 1, count))
        own = Evaluation({}, {}).range(each)
        for place, (end, open_) in enumerate(((own.lower, own.lower_open), (own.upper, own.upper_open))):
            if not open_:  # at the first columns, the ends that are reached
                drawn[..., place] = float(end)
        if each.data[2].name == "Simplex" and len(each.shape) == 1:
            drawn = generator.dirichlet(np.ones(each.shape[0]), size=count).T[:, None, :]
        found[each] = drawn
    return found


def grid_of(each: Term, count: int) -> list[float]:
    """Numbers in a symbol's support."""
    try:
        own = Evaluation({}, {}).range(each)
    except Unproved:
        return []
    return grid(own, count)


def grid(part: Interval, count: int) -> list[float]:
    """Numbers in an interval, dense where functions turn, sparse in the tails."""
    low, high = (
        float(e) if is_finite(e) and abs(Fraction(e)) < 1e300 else math.copysign(math.inf, e)
        for e in (part.lower, part.upper)
    )
    steps = [(k + 0.5) / count for k in range(count)]
    if math.isinf(low) and math.isinf(high):
        half = [math.expm1(6.0 * s**1.5) for s in steps]
        return sorted([-h for h in half] + half)
    if math.isinf(high):
        return [low + math.expm1(7.0 * s**1.5) for s in steps]
    if math.isinf(low):
        return sorted(high - math.expm1(7.0 * s**1.5) for s in steps)
    return [low + (high - low) * s for s in steps]


def inside_of(part: Interval) -> list[Fraction]:
    """Simple numbers on the inside of an interval."""
    low = Fraction(part.lower) if is_finite(part.lower) else None
    high = Fraction(part.upper) if is_finite(part.upper) else None
    if low is not None and high is not None:
        return [low + (high - low) * Fraction(k, 4) for k in (2, 1, 3)]
    if low is not None:
        return [low + 1, low + 3]
    return [high - 1, high - 3] if high is not None else []


def within_conditions(requires: tuple[Member, ...]) -> list[Fraction]:
    """Numbers of either sign at and just within those that conditions state, or their roots, as of `norm(W) < 1.1`."""
    stated = {Fraction(t.data) for c in requires for t in subterms(c.term) if t.operation == "literal" and t.data != 0}
    for own in (domain.of_support(c.support) for c in requires):
        stated |= {Fraction(end) for end in (own.lower, own.upper) if is_finite(end)} if own is not None else set()
    found: list[Fraction] = []
    for number in sorted(n for n in stated if n > 0):
        root = Fraction(math.sqrt(number)).limit_denominator(1024)
        for size in dict.fromkeys((number, root)):
            found += [size * (WITHIN - 1), size * (1 - WITHIN), -size, size]
    return found
