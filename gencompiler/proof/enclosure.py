"""Outward-rounded evaluation of the catalogue's functions, on python-flint's balls.

A ball is only ever used at one point and turned back into exact dyadic bounds; intervals are bounded through their
ends, because a ball around a wide interval forgets the sign of `exp` and the end of a range."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from fractions import Fraction

from flint import arb, ctx, fmpq

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.model.nodes import Real
from gencompiler.proof.domain import Interval, point

#: Working precision of the balls, and the bits that bounds keep: fewer, so that two versions of flint agree.
PRECISION = 128
KEPT_BITS = 64
#: Bounds beyond 2^LARGEST are infinite, and below 2^-LARGEST they are 0.
LARGEST = 4096

_BALLS: dict[str, Callable[[arb], arb]] = {
    "exp": lambda a: a.exp(),
    "log": lambda a: a.log(),
    "expm1": lambda a: a.expm1(),
    "log1p": lambda a: a.log1p(),
    "sqrt": lambda a: a.sqrt(),
    "sigmoid": lambda a: 1 / (1 + (-a).exp()),
    "logit": lambda a: a.log() - (-a).log1p(),
    "softplus": lambda a: a.exp().log1p(),
    "tanh": lambda a: a.tanh(),
    "atan": lambda a: a.atan(),
    "erf": lambda a: a.erf(),
    "sinh": lambda a: a.sinh(),
    "asinh": lambda a: a.asinh(),
    "cosh": lambda a: a.cosh(),
    "sin": lambda a: a.sin(),
    "cos": lambda a: a.cos(),
    "tan": lambda a: a.tan(),
    "lgamma": lambda a: a.lgamma(),
    "digamma": lambda a: a.digamma(),
    "lambert_w": lambda a: a.lambertw(),
    "wright_omega": lambda a: a.exp().lambertw(),
    "bessel_i0": lambda a: a.bessel_i(arb(0)),
    "log_bessel_i0": lambda a: a.bessel_i(arb(0)).log(),
    "bessel_ratio": lambda a: a.bessel_i(arb(1)) / a.bessel_i(arb(0)),
}
_EXACT: dict[str, Callable[[Fraction], Fraction]] = {
    "negate": lambda q: -q,
    "abs": abs,
    "sign": lambda q: Fraction((q > 0) - (q < 0)),
    "relu": lambda q: max(q, Fraction(0)),
    "floor": lambda q: Fraction(math.floor(q)),
    "stop": lambda q: q,
}

Bounds = tuple[Real, Real]


def ball_function(name: str) -> Callable[[arb], arb] | None:
    """The ball version of a unary function of the catalogue, if it has one."""
    return _BALLS.get(name)


def exact_function(name: str) -> Callable[[Fraction], Fraction] | None:
    """The unary function on rationals, where its values are rational."""
    return _EXACT.get(name)


def bounds_of(ball: arb) -> Bounds:
    """Exact ends of a ball, rounded outward to KEPT_BITS; infinite where the ball is not finite."""
    if not ball.is_finite():
        return -math.inf, math.inf
    middle, radius = _dyadic(ball.mid()), _dyadic(ball.rad())
    if isinstance(middle, float) or isinstance(radius, float):
        return -math.inf, math.inf
    return rounded_down(middle - radius), -rounded_down(-(middle + radius))


def _dyadic(exact: arb) -> Real:
    mantissa, exponent = (int(n) for n in exact.man_exp())
    if mantissa == 0:
        return Fraction(0)
    if abs(exponent) > 16 * LARGEST:
        return math.inf
    return Fraction(mantissa) * Fraction(2) ** exponent


def rounded_down(value: Fraction) -> Real:
    """The largest number of KEPT_BITS bits that is at most `value`; -inf below -2^LARGEST."""
    if value == 0:
        return value
    size = value.numerator.bit_length() - value.denominator.bit_length()
    if size > LARGEST:
        return -math.inf if value < 0 else Fraction(2) ** LARGEST
    if size < -LARGEST:
        return -(Fraction(2) ** -LARGEST) if value < 0 else Fraction(0)
    unit = Fraction(2) ** (size - KEPT_BITS)
    return math.floor(value / unit) * unit


@functools.cache
def _known(function: str) -> tuple[Fraction, Fraction] | None:
    exact = FUNCTIONS[function].exact
    if exact is None:
        return None
    argument, value = exact.split(":")
    return Fraction(argument.strip()), Fraction(value.strip())


@functools.lru_cache(maxsize=4096)
def value(function: str, argument: Fraction) -> Bounds:
    """Bounds of a unary function at a rational of its domain; equal ends when the value is known exactly."""
    if function in _EXACT:
        exact = _EXACT[function](argument)
        return exact, exact
    known = _known(function)
    if known is not None and known[0] == argument:
        return known[1], known[1]
    if function == "sqrt" and argument >= 0:
        root = Fraction(math.isqrt(argument.numerator), math.isqrt(argument.denominator))
        if root * root == argument:
            return root, root
    with ctx.workprec(PRECISION):
        return bounds_of(_BALLS[function](arb(fmpq(argument.numerator, argument.denominator))))


@functools.cache
def named_constant(name: str) -> Interval:
    """An enclosure of "pi" or "e"."""
    with ctx.workprec(PRECISION):
        ball = arb.pi() if name == "pi" else arb.const_e()
        return Interval(*bounds_of(ball))


# -- intervals of the catalogue --------------------------------------------------------------------------------------


@functools.cache
def _ends(text: str) -> tuple[Bounds, Bounds, bool, bool]:
    lower, upper = (part.strip() for part in text[1:-1].split(","))
    return _end(lower), _end(upper), text[0] == "(", text[-1] == ")"


def _end(text: str) -> Bounds:
    if text in ("inf", "-inf"):
        return float(text), float(text)
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text)
    name, _, denominator = rest.partition("/")
    if denominator.strip() == "e":
        around = named_constant("e")
        low, high = (int(name) / Fraction(e) for e in (around.upper, around.lower))
        return (low, high) if sign > 0 else (-high, -low)
    if name.strip() == "pi":
        around = named_constant("pi")
        low, high = (Fraction(e) / int(denominator or 1) for e in (around.lower, around.upper))
        return (low, high) if sign > 0 else (-high, -low)
    exact = sign * Fraction(rest.replace(" ", ""))
    return exact, exact


@functools.cache
def range_of(function: str) -> Interval:
    """The catalogue's range of a function, its ends rounded outward."""
    lower, upper, lower_open, upper_open = _ends(FUNCTIONS[function].range)
    return Interval(lower[0], upper[1], lower_open, upper_open)


@functools.cache
def domain_of(function: str) -> Interval:
    """The catalogue's domain of a function, its ends rounded inward."""
    lower, upper, lower_open, upper_open = _ends(FUNCTIONS[function].domain)
    return Interval(lower[1], upper[0], lower_open, upper_open)


@functools.lru_cache(maxsize=4096)
def image(function: str, argument: Interval) -> tuple[Interval, bool]:
    """The image of an interval of the domain under a monotone function, and whether it is exact or only enclosed."""
    fact = FUNCTIONS[function]
    domain_, range_ = _ends(fact.domain)[:2], _ends(fact.range)[:2]
    ends = (argument.lower, argument.lower_open), (argument.upper, argument.upper_open)
    # A decreasing function takes the lower end of an interval to the upper end of its image.
    falling = fact.monotone == "decreasing"
    values = [
        range_[k != falling] if end == domain_[k][0] == domain_[k][1] else value(function, Fraction(end))
        for k, (end, _) in enumerate(ends)
    ]
    low, high = reversed(values) if falling else values
    lower_open, upper_open = ends[falling][1], ends[not falling][1]
    found = Interval(low[0], high[1], lower_open, upper_open)
    return clamp(found, range_of(function)), low[0] == low[1] and high[0] == high[1]


def clamp(found: Interval, range_: Interval) -> Interval:
    """`found` cut down to `range_`, which it meets."""
    lower, lower_open = max((found.lower, found.lower_open), (range_.lower, range_.lower_open))
    upper, closed = min((found.upper, not found.upper_open), (range_.upper, not range_.upper_open))
    if lower == upper:
        return point(lower)
    return Interval(lower, upper, lower_open, not closed)
