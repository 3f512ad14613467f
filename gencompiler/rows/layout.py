"""Where the elements of a vector are inside its tile.

A tile is `[ROWS, width]` with a power-of-two width.  Its layout says in which column each element of the logical vector
is; inside a loop over layers there is one layout for each iteration.  So a slice keeps its tile and narrows the
layout, a permutation composes it, and joining disjoint parts of one tile costs a select or nothing.

What is in the other columns is tracked too, because it decides which masks a kernel needs:

    span    columns that may hold anything; every other column holds the constant `pad`
    same    a tile that this one equals outside its layout (an identity coupling leaves the passive half as it was)
    sound   the other columns are finite as long as the row is healthy, so that a zero weight makes them vanish
"""

from __future__ import annotations

import dataclasses
import math
import struct
from collections.abc import Callable
from fractions import Fraction

from gencompiler.rows.nodes import Expr, Number

#: One column for each element; None where a caller does not need the element.
Layout = tuple[int | None, ...]

#: The narrowest tile: the least that a matrix unit multiplies.
NARROWEST = 16


@dataclasses.dataclass(frozen=True)
class Place:
    """`layouts`: one for each iteration of the enclosing loop over layers, or a single one that holds for all."""

    layouts: tuple[Layout, ...]
    width: int

    @property
    def columns(self) -> tuple[frozenset[int], ...]:
        return tuple(frozenset(column for column in layout if column is not None) for layout in self.layouts)

    @property
    def is_plain(self) -> bool:
        """Element j is in column j, in all iterations."""
        return len(self.layouts) == 1 and self.layouts[0] == tuple(range(len(self.layouts[0])))

    @property
    def is_whole(self) -> bool:
        """Every element has a column."""
        return all(None not in layout for layout in self.layouts)

    def mapped(self, change: Callable[[Layout], Layout]) -> Place:
        return place(tuple(change(layout) for layout in self.layouts), self.width)


def place(layouts: tuple[Layout, ...], width: int) -> Place:
    """A place; layouts that are equal in all iterations become one."""
    return Place(layouts[:1] if len(set(layouts)) == 1 else layouts, width)


def plain(length: int) -> Place:
    """Element j in column j of the narrowest tile that holds `length` elements."""
    return Place((tuple(range(length)),), width_for(length))


def width_for(length: int) -> int:
    return max(NARROWEST, 1 << (length - 1).bit_length())


@dataclasses.dataclass(frozen=True)
class Tile:
    """A vector of the tile program: the value `expr` of shape `(at.width,)`, its layout and what is outside of it."""

    expr: Expr
    at: Place
    span: tuple[frozenset[int], ...]
    pad: float | None
    sound: bool
    same: Expr | None = None

    @property
    def fill(self) -> float | None:
        """The constant that is in every column outside the layout, if that is so."""
        columns, span = paired(self.at.columns, self.span)
        inside = all(here <= there for here, there in zip(span, columns, strict=True))
        full = all(len(there) == self.at.width for there in columns)
        return 0.0 if full else self.pad if inside else None

    def moved(self, at: Place) -> Tile:
        """The same columns, read through another layout."""
        return dataclasses.replace(self, at=at, same=None)


def paired(
    a: tuple[frozenset[int], ...], b: tuple[frozenset[int], ...]
) -> tuple[tuple[frozenset[int], ...], tuple[frozenset[int], ...]]:
    """Two sequences over iterations at a common length."""
    count = max(len(a), len(b))
    return (a * count if len(a) == 1 else a), (b * count if len(b) == 1 else b)


def union(*spans: tuple[frozenset[int], ...]) -> tuple[frozenset[int], ...]:
    result = spans[0]
    for span in spans[1:]:
        left, right = paired(result, span)
        result = tuple(here | there for here, there in zip(left, right, strict=True))
    return result


# -- what elementwise functions do outside a layout ------------------------------------------------------------------

#: Values that every back end computes exactly; a rounded constant would not be the one that a kernel has.
_EXACT = {
    ("exp", 0.0): 1.0,
    ("log", 1.0): 0.0,
    ("expm1", 0.0): 0.0,
    ("log1p", 0.0): 0.0,
    ("sqrt", 0.0): 0.0,
    ("sqrt", 1.0): 1.0,
    ("sigmoid", 0.0): 0.5,
    ("tanh", 0.0): 0.0,
    ("atan", 0.0): 0.0,
    ("erf", 0.0): 0.0,
    ("sinh", 0.0): 0.0,
    ("asinh", 0.0): 0.0,
    ("cosh", 0.0): 1.0,
    ("sin", 0.0): 0.0,
    ("cos", 0.0): 1.0,
}

#: Arithmetic: exact where the rational result is a float32.
_RATIONAL: dict[str, Callable[..., Fraction]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "negate": lambda a: -a,
    "min": min,
    "max": max,
    "abs": abs,
    "relu": lambda a: max(a, Fraction(0)),
}

#: Functions whose value is finite wherever their arguments are (overflow apart).
_FINITE = frozenset(
    [
        "add",
        "subtract",
        "multiply",
        "negate",
        "min",
        "max",
        "sigmoid",
        "softplus",
        "tanh",
        "atan",
        "erf",
        "asinh",
        "sin",
        "cos",
        "abs",
        "sign",
        "relu",
        "floor",
        "indicator",
        "less",
        "less_equal",
        "greater",
        "greater_equal",
        "equal",
        "not_equal",
        "and",
        "or",
        "not",
    ]
)

#: Functions that return the other argument unchanged when one, at this place, is this number.
_NEUTRAL = {("add", 0): 0.0, ("add", 1): 0.0, ("subtract", 1): 0.0, ("multiply", 0): 1.0, ("multiply", 1): 1.0}
_NEUTRAL |= {("divide", 1): 1.0}


def constant_of(function: str, arguments: list[float | None]) -> float | None:
    """The value where all arguments are constants, if it is known exactly."""
    known = [each for each in arguments if each is not None]
    if len(known) < len(arguments) or not all(map(math.isfinite, known)):
        return None
    if function == "power" and known[1] in (2.0, 3.0, 4.0):
        lower = known[0] if known[1] == 2.0 else constant_of("power", [known[0], known[1] - 1.0])
        return constant_of("multiply", [known[0], lower])
    if function in _RATIONAL:
        if function == "divide" and known[1] == 0.0:
            return None
        value = _RATIONAL[function](*map(Fraction, known))
        rounded = float(value) if abs(value) < 2**64 else math.inf
        exact = math.isfinite(rounded) and struct.unpack("f", struct.pack("f", rounded))[0] == value
        return rounded if exact else None
    return _EXACT.get((function, known[0])) if len(known) == 1 else None


def vanishes(function: str, arguments: list[float | None], sound: list[bool]) -> bool:
    """Whether a product is 0 because one factor is and the other is finite."""
    return function == "multiply" and any(a == 0.0 and sound[1 - n] for n, a in enumerate(arguments))


def unchanged(function: str, outside: list[float | Expr | None]) -> Expr | None:
    """The tile that `function` reproduces outside the layout, given what each argument is there."""
    for place_, value in enumerate(outside):
        neutral = _NEUTRAL.get((function, place_))
        if neutral is not None and isinstance(value, float) and value == neutral:
            other = outside[1 - place_]
            return other if isinstance(other, Expr) else None
    return None


def stays_finite(function: str, arguments: list[float | None]) -> bool:
    """Whether finite arguments give a finite value, overflow apart; `arguments` are known where they are constants."""
    whole = function == "power" and arguments[1] is not None and arguments[1] >= 0 and arguments[1] == int(arguments[1])
    divided = function == "divide" and arguments[1] is not None and arguments[1] != 0
    return function in _FINITE or whole or divided


def number_of(expr: Expr) -> float | None:
    return expr.value if isinstance(expr, Number) else None
