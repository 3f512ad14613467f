"""Intervals of the extended reals with exact ends, open or closed: what is known of a term's values."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

from gencompiler.catalog import supports
from gencompiler.model.nodes import Real, Support
from gencompiler.proof.graph import is_finite
from gencompiler.proof.text import number


@dataclasses.dataclass(frozen=True, slots=True)
class Interval:
    """A non-empty interval of finite reals; an infinite end is always open."""

    lower: Real
    upper: Real
    lower_open: bool = False
    upper_open: bool = False

    def __post_init__(self) -> None:
        for name in ("lower", "upper"):
            end = getattr(self, name)
            if type(end) is Fraction:
                continue
            if isinstance(end, float) and math.isnan(end):
                raise ValueError("NaN bounds nothing")
            if is_finite(end):
                object.__setattr__(self, name, Fraction(end))
            else:
                object.__setattr__(self, f"{name}_open", True)
        if self.lower > self.upper or (self.lower == self.upper and (self.lower_open or self.upper_open)):
            raise ValueError(f"{self} is empty")

    def __str__(self) -> str:
        left, right = "(" if self.lower_open else "[", ")" if self.upper_open else "]"
        return f"{left}{number(self.lower)}, {number(self.upper)}{right}"

    def contains(self, value: Real) -> bool:
        """Whether the finite number `value` lies in it."""
        above = value > self.lower or (value == self.lower and not self.lower_open)
        below = value < self.upper or (value == self.upper and not self.upper_open)
        return above and below

    def within(self, other: Interval) -> bool:
        """Whether it is a subset of `other`."""
        above = self.lower > other.lower or (self.lower == other.lower and (self.lower_open or not other.lower_open))
        below = self.upper < other.upper or (self.upper == other.upper and (self.upper_open or not other.upper_open))
        return above and below

    @property
    def is_point(self) -> bool:
        return self.lower == self.upper

    @property
    def sign(self) -> int:
        """1 or -1 when every value has that sign, else 0."""
        if self.lower > 0 or (self.lower == 0 and self.lower_open):
            return 1
        if self.upper < 0 or (self.upper == 0 and self.upper_open):
            return -1
        return 0


@dataclasses.dataclass(frozen=True, slots=True)
class Circle:
    """All angles: the numbers modulo 2 pi, which no interval of numbers is."""

    def __str__(self) -> str:
        return "the circle"


REALS = Interval(-math.inf, math.inf)
CIRCLE = Circle()
POSITIVE = Interval(0, math.inf, lower_open=True)
NON_NEGATIVE = Interval(0, math.inf)


def point(value: Real) -> Interval:
    """The interval of one finite number."""
    return Interval(value, value)


def of_support(support: Support) -> Interval | None:
    """The interval of a support's values; None where its ends are not exact numbers (`Angle`), or it has no values."""
    lower, upper, lower_open, upper_open = supports.bounds(support.name, support.arguments)
    ends = (lower, upper)
    if any(isinstance(e, float) and math.isfinite(e) for e in ends) or lower > upper:
        return None
    return Interval(lower, upper, lower_open, upper_open)


def values_of(support: Support, most: int) -> tuple[Fraction, ...] | None:
    """The values of a finite support of numbers, in order; None of others, and where there are more than `most`."""
    if support.name == "Sign":
        return Fraction(-1), Fraction(1)
    count = supports.values_in(support.name, support.arguments)
    own = of_support(support)
    if count is None or own is None or not 0 < count <= most:
        return None
    return tuple(Fraction(own.lower) + k for k in range(count))


def hull(*intervals: Interval) -> Interval:
    """The smallest interval around them."""
    lower = min(i.lower for i in intervals)
    upper = max(i.upper for i in intervals)
    return Interval(
        lower,
        upper,
        all(i.lower_open for i in intervals if i.lower == lower),
        all(i.upper_open for i in intervals if i.upper == upper),
    )


# -- arithmetic: exact, each occurrence of a variable on its own -------------------------------------------------------

#: An end of an interval during arithmetic: a value, and whether it is approached but not reached.
End = tuple[Real, bool]


def _interval(lower: End, upper: End) -> Interval:
    return Interval(lower[0], upper[0], lower[1], upper[1])


def negate(a: Interval) -> Interval:
    """{-x}"""
    return Interval(-a.upper, -a.lower, a.upper_open, a.lower_open)


def add(a: Interval, b: Interval) -> Interval:
    """{x + y}"""
    lower, upper = _sum(a.lower, b.lower), _sum(a.upper, b.upper)
    return Interval(lower, upper, a.lower_open or b.lower_open, a.upper_open or b.upper_open)


def _sum(x: Real, y: Real) -> Real:
    """The sum of two lower (or upper) ends; a fraction may be too large for a float to meet infinity."""
    return x if isinstance(x, float) else y if isinstance(y, float) else x + y


def subtract(a: Interval, b: Interval) -> Interval:
    """{x - y}"""
    return add(a, negate(b))


def multiply(a: Interval, b: Interval) -> Interval:
    """{x y}"""
    if not (a.lower < 0 or b.lower < 0):
        return _interval(_times(*(_ends(i)[0] for i in (a, b))), _times(*(_ends(i)[1] for i in (a, b))))
    products = [_times(x, y) for x in _ends(a) for y in _ends(b)]
    lower = min(products, key=lambda e: (e[0], e[1]))
    upper = max(products, key=lambda e: (e[0], not e[1]))
    return _interval(lower, upper)


def _ends(a: Interval) -> tuple[End, End]:
    return (a.lower, a.lower_open), (a.upper, a.upper_open)


def _times(x: End, y: End) -> End:
    """The product of two ends.  Zero times infinity is 0: values near it are products of finite numbers, 0 of a zero
    that is reached and an open 0 otherwise."""
    if not x[0] or not y[0]:
        reached = (not x[0] and not x[1]) or (not y[0] and not y[1])
        return Fraction(0), not reached
    if isinstance(x[0], float) or isinstance(y[0], float):
        return math.copysign(math.inf, 1 if (x[0] > 0) == (y[0] > 0) else -1), x[1] or y[1]
    return x[0] * y[0], x[1] or y[1]


def reciprocal(a: Interval) -> Interval | None:
    """{1 / x}, or None when 0 is in it or in its interior closure on both sides."""
    if a.sign == 0:
        return None
    if a.sign < 0:
        positive = reciprocal(negate(a))
        return negate(positive) if positive is not None else None
    lower: Real = Fraction(0) if a.upper == math.inf else 1 / Fraction(a.upper)
    upper: Real = math.inf if a.lower == 0 else 1 / Fraction(a.lower)
    return Interval(lower, upper, a.upper_open, a.lower_open)


def _size(end: Real) -> Real:
    return -end if end < 0 else end


def _raised(end: Real, exponent: int) -> Real:
    return end**exponent if isinstance(end, float) else Fraction(end**exponent)


def power(a: Interval, exponent: int) -> Interval:
    """{x^n} for n >= 1, the occurrences of x being one and the same."""
    if exponent % 2 == 0 and a.sign == 0:
        ends: tuple[End, End] = ((_size(a.lower), a.lower_open), (_size(a.upper), a.upper_open))
        reach = max(ends, key=lambda e: (e[0], not e[1]))
        return Interval(0, _raised(reach[0], exponent), False, reach[1])
    if exponent % 2 == 0 and a.sign < 0:
        a = negate(a)
    return Interval(_raised(a.lower, exponent), _raised(a.upper, exponent), a.lower_open, a.upper_open)


def scale(a: Interval, count: int) -> Interval:
    """The sums of `count` independent values of `a`; of none at all, 0."""
    return multiply(a, point(count)) if count else point(0)
