"""Constant tensors as terms."""

from __future__ import annotations

import math
from fractions import Fraction

from gencompiler.model.nodes import Real
from gencompiler.proof.graph import Malformed, Shape, Term, define, is_finite, make


def table(shape: Shape, values: tuple[Real, ...]) -> Term:
    """A constant tensor: its elements, the last axis running fastest."""
    if not shape or math.prod(shape) != len(values):
        raise Malformed(f"{len(values)} values do not make a table of shape {shape}")
    return make("table", (tuple(shape), tuple(Fraction(v) if is_finite(v) else v for v in values)), (), tuple(shape))


define("table", lambda data, arguments: table(*data))


def elements(term: Term) -> tuple[Real, ...]:
    """The elements of a table."""
    found: tuple[Real, ...] = term.data[1]
    return found
