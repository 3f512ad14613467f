"""sin, cos and tan of pi times a number: exact where an enclosure of pi is too wide, at ends like pi / 2.

Part of what a proof trusts.  A wave in half turns, sin(pi r), turns at r = 1/2 + k, and has its zeros at r = k,
which are rational numbers; those of sin(t) are none."""

from __future__ import annotations

import functools
import math
from fractions import Fraction

from flint import arb, ctx, fmpq

from gencompiler.proof import enclosure
from gencompiler.proof.domain import Interval
from gencompiler.proof.graph import Term, constant, is_finite
from gencompiler.proof.ring import Polynomial, Ring, written

WAVES = ("sin", "cos", "tan")
_PI = constant("pi")
_HALF = Fraction(1, 2)


@functools.lru_cache(maxsize=4096)
def half_turns(angle: Term) -> Term | None:
    """The r of an angle pi r; None where pi is not a factor of all of it."""
    if not _mentions_pi(angle):
        return None
    found: Polynomial = {}
    for monomial, coefficient in Ring().normal(angle).items():
        powers = dict(monomial)
        if powers.pop(_PI, 0) != 1 or any(_mentions_pi(a) for a in powers):
            return None
        found[tuple(powers.items())] = coefficient
    return written(found)


@functools.lru_cache(maxsize=4096)
def _mentions_pi(term: Term) -> bool:
    return term is _PI or any(_mentions_pi(a) for a in term.arguments)


def at(name: str, turns: Fraction) -> tuple[Fraction | float, Fraction | float]:
    """Bounds of sin(pi r) or cos(pi r); equal where it is 0, 1 or -1."""
    if name == "cos":
        turns += _HALF
    if (2 * turns).denominator == 1:
        exact = Fraction((0, 1, 0, -1)[int(2 * turns) % 4])
        return exact, exact
    with ctx.workprec(enclosure.PRECISION):
        return enclosure.bounds_of(arb(fmpq(turns.numerator, turns.denominator)).sin_pi())


def image(name: str, turns: Interval) -> tuple[Interval, bool] | None:
    """Where sin, cos or tan of pi r lies for r in an interval, and whether the ends are exact; None where tan is not
    defined."""
    if name == "tan":
        return _tangents(turns)
    whole = Interval(Fraction(-1), Fraction(1))
    if not (is_finite(turns.lower) and is_finite(turns.upper)):
        return whole, True
    shift = _HALF if name == "cos" else Fraction(0)
    low, high = Fraction(turns.lower) + shift, Fraction(turns.upper) + shift
    if high - low > 2:
        return whole, True
    ends = [(*at("sin", end), open_) for end, open_ in ((low, turns.lower_open), (high, turns.upper_open))]
    lowest = min((e[0], e[2]) for e in ends)
    highest = max((e[1], not e[2]) for e in ends)
    exact = all(e[0] == e[1] for e in ends)
    turning = [k for k in range(math.floor(low - _HALF), math.ceil(high)) if low < k + _HALF < high]
    tops = any(k % 2 == 0 for k in turning)
    bottoms = any(k % 2 == 1 for k in turning)
    lower, lower_open = (Fraction(-1), False) if bottoms else lowest
    upper, upper_open = (Fraction(1), False) if tops else (highest[0], not highest[1])
    found = Interval(lower, upper, lower_open, upper_open)
    return enclosure.clamp(found, whole), exact


def _tangents(turns: Interval) -> tuple[Interval, bool] | None:
    """tan(pi r) for r in (-1/2, 1/2), the branch that the catalogue means."""
    if not turns.within(Interval(-_HALF, _HALF, True, True)):
        return None
    ends: list[tuple[Fraction | float, Fraction | float]] = []
    for end in (Fraction(turns.lower), Fraction(turns.upper)):
        if abs(end) == _HALF:
            ends.append((math.copysign(math.inf, end),) * 2)
        elif end == 0:
            ends.append((Fraction(0), Fraction(0)))
        else:
            with ctx.workprec(enclosure.PRECISION):
                ball = arb(fmpq(end.numerator, end.denominator))
                ends.append(enclosure.bounds_of(ball.sin_pi() / ball.cos_pi()))
    exact = all(e[0] == e[1] for e in ends)
    return Interval(ends[0][0], ends[1][1], turns.lower_open, turns.upper_open), exact


def quarter(name: str, turns: Interval) -> int | None:
    """The k for which sin is monotone for r in [k - 1/2, k + 1/2], tan in its inside, or cos in [k, k + 1]; None where
    there is none."""
    if not (is_finite(turns.lower) and is_finite(turns.upper)):
        return None
    start = Fraction(turns.lower) + (_HALF if name == "sin" else Fraction(0))
    if name == "tan":
        return 0 if turns.within(Interval(-_HALF, _HALF, True, True)) else None
    k = math.floor(start)
    end = k + (_HALF if name == "sin" else Fraction(1))
    return k if turns.upper <= end and not turns.is_point else None
