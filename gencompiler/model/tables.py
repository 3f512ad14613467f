"""Constant tensors: `[0.2, 0.8]`, `[[0.1, 0.9], [0.7, 0.3]][a, b]`; and arrays of computed numbers, `[a, b + c]`."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.wording import counted
from gencompiler.model import nodes
from gencompiler.model.builder import Abandon, Context
from gencompiler.model.constants import NotConstant, constant, evaluate, size
from gencompiler.model.types import known_shape, unify
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


def array(infer: Infer, context: Context, expr: tree.Array) -> nodes.Expr:
    """A table where every entry is a constant; else the vector of its entries, which are numbers."""
    if not expr.items:
        infer.builder.report("G206", "a table has at least one entry", expr.span, "nothing in it")
    try:
        values, shape = _constants(infer, context, expr)
    except NotConstant:
        return _computed(infer, context, expr)
    return nodes.Table(nodes.Type(nodes.REAL, shape), values, span=expr.span)


def _constants(infer: Infer, context: Context, expr: tree.Expr) -> tuple[tuple[nodes.Real, ...], tuple[int, ...]]:
    """The elements and the shape of nested brackets; raises NotConstant."""
    if not isinstance(expr, tree.Array):
        return (evaluate(expr, context.constants),), ()
    rows = [_constants(infer, context, item) for item in expr.items]
    first = rows[0][1]
    for item, (_, shape) in zip(expr.items, rows, strict=True):
        if shape != first:
            infer.builder.report(
                "G201",
                "the rows of a table are of one length",
                item.span,
                f"{_size(shape)} here",
                also=(Label(expr.items[0].span, f"{_size(first)} here"),),
            )
    return tuple(v for values, _ in rows for v in values), (len(rows), *first)


def _size(shape: tuple[int, ...]) -> str:
    return counted(shape[0], "entry") if shape else "a number"


def _computed(infer: Infer, context: Context, expr: tree.Array) -> nodes.Expr:
    """`[a, b]` of numbers that the model computes: parts of one element each, side by side."""
    values = infer.expressions(context, *expr.items)
    parts = []
    for value in values:
        if not unify(value.type, nodes.Type(nodes.REAL)):
            shape = list(known_shape(value.type) or ())
            infer.builder.report(
                "G201",
                "the entries of an array are numbers",
                value.span,
                f"this has the shape {shape}",
                help=("put tensors side by side with `join(a, b)`",),
            )
        index = infer.builder.fresh("_entry")
        parts.append(nodes.Each(nodes.Type(nodes.REAL, (1,)), index, 1, value, span=value.span))
    if len(parts) == 1:
        return parts[0]
    return nodes.Join(nodes.Type(nodes.REAL, (len(parts),)), tuple(parts), span=expr.span)


#: A grid of more points is a mistake, or should be learned.
MOST_POINTS = 4096


def grid(infer: Infer, context: Context, expr: tree.Call) -> nodes.Expr:
    """`grid(a, b, n, m)`: the n m points of a grid over the square [a, b] x [a, b], one in each row of a table, its
    sides included; the last coordinate runs fastest."""
    arguments = [a.value for a in expr.arguments if a.name is None and a.value is not None]
    if len(arguments) < 3 or len(arguments) < len(expr.arguments) or expr.conditions is not None:
        infer.builder.report("G104", "`grid(a, b, n, …)` takes two ends and a number for each axis", expr.span)
    low, high = (constant(a, context.constants, infer.builder.reporter) for a in arguments[:2])
    counts = [size(a, context.constants, infer.builder.reporter) for a in arguments[2:]]
    if low is None or high is None or any(n is None for n in counts):
        raise Abandon
    if not isinstance(low, Fraction) or not isinstance(high, Fraction) or low >= high:
        infer.builder.report("G206", "the first end of a grid lies below the second", expr.span, f"{low}, {high}")
    sizes = [n for n in counts if n is not None]
    if math.prod(sizes) > MOST_POINTS:
        infer.builder.unsupported(f"a grid of {math.prod(sizes):,} points ({MOST_POINTS:,} is the limit)", expr.span)
    axes = [[low + (high - low) * Fraction(k, n - 1) if n > 1 else (low + high) / 2 for k in range(n)] for n in sizes]
    values = tuple(v for point in itertools.product(*axes) for v in point)
    return nodes.Table(nodes.Type(nodes.REAL, (math.prod(sizes), len(sizes))), values, span=expr.span)
