"""Numbers of SDEs in balls, for verdicts in words: what a terminal law misses, and whether any signal is left."""

from __future__ import annotations

import math
from fractions import Fraction

from flint import ctx

from gencompiler.proof import enclosure
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.graph import Term
from gencompiler.proof.numbers import Number, Undecided, ball

#: The spacing of float32 below 1.
RESOLUTION = Fraction(1, 2**24)


def terminal_bound(
    moments: tuple[Term, Term, Term], time: Term, end: Fraction, mean: Term, scale: Term
) -> tuple[str, str] | None:
    """k0 and k1 of KL(law of x(end) || Normal(mean, scale)) <= k0 + k1 E x_i^2 per dimension, rounded up to two digits.

    With signal m, variance v and r = v / scale^2: k0 = (r - 1 - log r) / 2 and k1 = m^2 / (2 scale^2).  None where the
    prior is not centred on the solution from 0, or differs between dimensions."""
    at = {time: end}
    try:
        with ctx.workprec(enclosure.PRECISION):
            m, c, v = (ball(evaluate(t, at)[0]) for t in moments)
            (center, *others), (size, *more) = evaluate(mean, {}), evaluate(scale, {})
            if others or more or not (c - ball(center)).contains(0):
                return None
            ratio = v / ball(size) ** 2
            return _up((ratio - 1 - ratio.log()) / 2), _up(m**2 / (2 * ball(size) ** 2))
    except (Undecided, Undefined, ZeroDivisionError):
        return None


def _up(value: Number) -> str:
    """A ball's upper end, rounded up to two digits."""
    upper = enclosure.bounds_of(value)[1]
    if upper <= 0:
        return "0"
    if math.isinf(upper):
        return "inf"
    places = math.floor(math.log10(upper)) - 1
    digits = math.ceil(Fraction(upper) / Fraction(10) ** places)
    return f"{digits * 10.0**places:.2g}"


def is_lost(signal: Term, noise: Term, time: Term, end: Fraction) -> bool:
    """Whether signal / noise at the end is less than a float32 can add to 1."""
    at = {time: end}
    try:
        with ctx.workprec(enclosure.PRECISION):
            m, s = (ball(evaluate(e, at)[0]) for e in (signal, noise))
            return bool(abs(m) < abs(s) * ball(RESOLUTION))
    except (Undecided, Undefined):
        return False
