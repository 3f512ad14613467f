"""Types of the Model IR: a set of values and a shape."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

from gencompiler.catalog.supports import own_axes

#: An exact number; the infinities are floats, everything else is a Fraction.
Real = Fraction | float
INFINITY = math.inf


# -- types -----------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Support:
    """A set of values, e.g. `Support("Integer", (Fraction(0), Fraction(17)))`; `catalog.supports` has its facts."""

    name: str
    arguments: tuple[Real, ...] = ()

    def __str__(self) -> str:
        if not self.arguments:
            return self.name
        separator = ".." if self.name == "Integer" else ", "
        return f"{self.name}({separator.join(format_real(a) for a in self.arguments)})"


@dataclasses.dataclass(frozen=True)
class Type:
    """A support and a shape; `()` is a scalar."""

    support: Support
    shape: tuple[int, ...] = ()

    def __str__(self) -> str:
        own = len(own_axes(self.support.name, self.support.arguments))  # a simplex, a matrix: the last axes
        axes = self.shape[: len(self.shape) - own]
        return f"{self.support}[{', '.join(map(str, axes))}]" if axes else str(self.support)


def format_real(value: Real) -> str:
    """`3`, `1/2`, `inf`"""
    return str(value)


REAL = Support("Real")
BINARY = Support("Binary")
BOOLEAN = Support("Boolean")
