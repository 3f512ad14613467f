"""Supports: the sets of values a type may name, and what is known of each.

An interval is `(lower, upper, lower_open, upper_open)`, where a bound is a number, an infinity, or `$0`, `$1` for an
argument of the support (`Interval(a, b)`).
"""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

Number = int | float | Fraction
Bound = int | float | str


@dataclasses.dataclass(frozen=True)
class SupportFacts:
    """`arguments`: how many it takes; `discrete`: its measure is counting; `stored`: how an unconstrained tensor
    becomes a
    value of it (a function of the catalogue, or a named transform of `runtime.parameters`), None where no parameter
    may have it; `initial`: the value a parameter starts at, where rank does not decide."""

    name: str
    arguments: int
    lower: Bound
    upper: Bound
    lower_open: bool
    upper_open: bool
    discrete: bool = False
    stored: str | None = None
    initial: float | None = None
    dtype: str = "float32"


_ALL = (
    SupportFacts("Real", 0, -math.inf, math.inf, True, True, stored="identity"),
    SupportFacts("NonZero", 0, -math.inf, math.inf, True, True),
    SupportFacts("Positive", 0, 0, math.inf, True, True, stored="positive", initial=1.0),
    SupportFacts("NonNegative", 0, 0, math.inf, False, True, stored="nonnegative", initial=1.0),
    SupportFacts("Unit", 0, 0, 1, True, True, stored="unit", initial=0.5),
    SupportFacts("Interval", 2, "$0", "$1", False, False, stored="interval"),
    SupportFacts("Open", 2, "$0", "$1", True, True, stored="open"),
    SupportFacts("Angle", 0, -math.pi, math.pi, False, True),
    SupportFacts("Binary", 0, 0, 1, False, False, discrete=True, dtype="int64"),
    SupportFacts("Boolean", 0, 0, 1, False, False, discrete=True, dtype="bool"),
    SupportFacts("Category", 1, 0, "$0 - 1", False, False, discrete=True, dtype="int64"),
    SupportFacts("Integer", 2, "$0", "$1 - 1", False, False, discrete=True, dtype="int64"),
    SupportFacts("Count", 0, 0, math.inf, False, True, discrete=True, dtype="int64"),
    SupportFacts("Sign", 0, -1, 1, False, False, discrete=True, dtype="int64"),
    SupportFacts("Simplex", 1, 0, 1, False, False, stored="simplex"),
    SupportFacts("Permutation", 1, 0, "$0 - 1", False, False, discrete=True, dtype="int64"),
    SupportFacts("Orthogonal", 2, -1, 1, False, False, stored="orthogonal"),
    SupportFacts("Invertible", 1, -math.inf, math.inf, True, True, stored="invertible"),
    SupportFacts("Lower", 1, -math.inf, math.inf, True, True, stored="lower"),
    SupportFacts("Upper", 1, -math.inf, math.inf, True, True, stored="upper"),
)

SUPPORTS: dict[str, SupportFacts] = {s.name: s for s in _ALL}


def bounds(name: str, arguments: tuple[Number, ...]) -> tuple[Number, Number, bool, bool]:
    """`(lower, upper, lower_open, upper_open)` of a support with its arguments put in."""
    facts = SUPPORTS[name]

    def fill(bound: Bound) -> Number:
        if not isinstance(bound, str):
            return bound
        place, _, minus = bound.partition(" - ")
        value = arguments[int(place[1:])]
        return value - int(minus) if minus else value

    lower, upper = fill(facts.lower), fill(facts.upper)
    return lower, upper, facts.lower_open or lower == -math.inf, facts.upper_open or upper == math.inf


def own_axes(name: str, arguments: tuple[Number, ...]) -> tuple[int, ...]:
    """The axes that one value of a support has itself, which come last: a point of `Simplex(K)` is K numbers,
    an order of `Permutation(n)` n places, a `Lower(n)` an n x n matrix."""
    if name in ("Lower", "Upper", "Invertible"):
        return (int(arguments[0]), int(arguments[0]))
    if name == "Orthogonal":
        return (int(arguments[0]), int(arguments[1]))
    return (int(arguments[0]),) if name in ("Simplex", "Permutation") else ()


def values_in(name: str, arguments: tuple[Number, ...]) -> int | None:
    """How many values a set of consecutive integers has; None where the support is no such set, or has no end."""
    if not SUPPORTS[name].discrete or name in ("Permutation", "Sign"):
        return None
    lower, upper, _, _ = bounds(name, arguments)
    if not isinstance(lower, int | Fraction) or not isinstance(upper, int | Fraction):
        return None
    return int(upper - lower) + 1


#: Supports that are intervals, by the text the catalogue of functions uses.
_INTERVALS = {"(-inf, inf)": "Real", "(0, inf)": "Positive", "[0, inf)": "NonNegative", "(0, 1)": "Unit"}


def of_interval(text: str) -> tuple[str, tuple[str, ...]] | None:
    """The support that an interval such as `(0, inf)` or `[-1, 1]` is, with its ends; None where no support is that
    set."""
    if text in _INTERVALS:
        return _INTERVALS[text], ()
    ends = tuple(part.strip() for part in text[1:-1].split(","))
    kind = {"()": "Open", "[]": "Interval"}.get(text[0] + text[-1])
    return (kind, ends) if kind is not None and not any("pi" in end or "e" in end for end in ends) else None


#: Supports whose tensors have elements that constrain each other.
COUPLED = ("Simplex", "Permutation", "Orthogonal", "Invertible", "Lower", "Upper")
