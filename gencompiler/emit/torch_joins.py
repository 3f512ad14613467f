"""Vectors side by side, between numbers, and summed up along their axis, in torch."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gencompiler.catalog.causal import Degrees
from gencompiler.emit.code import Code, Sequence, Text, call, flat
from gencompiler.emit.torch_values import Value, indexed
from gencompiler.rows.nodes import Concat, Dot, Mask, RowType

if TYPE_CHECKING:
    from gencompiler.emit.torch_expressions import Expressions


def joined(expressions: Expressions, expr: Concat) -> Value:
    """`torch.cat`, `torch.stack` or `F.pad`"""
    values = [expressions.value(part) for part in expr.parts]
    if not expr.type.rows and all(value.host for value in values):
        return Value(expressions.made("torch.tensor", Sequence(tuple(v.code for v in values), "[]")), expr.type)
    chunked = any(value.chunked for value in values)  # then all are
    if (padded := _padded(values)) is not None:
        return Value(padded, expr.type, chunked=chunked)
    codes = [expressions.spread(value, for_each_row(value.type, expr.type)) for value in values]
    if not any(value.type.shape for value in values):
        return Value(call("torch.stack", Sequence(tuple(codes)), "-1"), expr.type, chunked=chunked)
    last = ["..." if chunked else ":", "None"] if expr.type.rows else ["None"]
    parts = (c if v.type.shape else indexed(c, last) for c, v in zip(codes, values, strict=True))
    return Value(call("torch.cat", Sequence(tuple(parts)), "-1"), expr.type, chunked=chunked)


def _padded(values: list[Value]) -> Code | None:
    """One vector of rows between equal numbers, which torch pads; None of other parts."""
    vectors = [place for place, value in enumerate(values) if not value.host]
    numbers = {flat(value.code) for value in values if value.host}
    if len(vectors) != 1 or len(numbers) != 1:
        return None
    (at,), (fill,) = vectors, numbers
    if not values[at].type.shape or not values[at].type.rows or values[at].type.kind == "boolean":
        return None
    sides = Sequence((Text(str(at)), Text(str(len(values) - at - 1))))
    return call("F.pad", values[at].code, sides, **({} if fill in ("0", "0.0") else {"value": fill}))


def is_running_sum(expr: Dot) -> bool:
    """Whether a product is with a triangle of ones."""
    match expr.matrix:
        case Mask(rows=(Degrees(rise=1, run=1) as above,), columns=(below,)):
            return expr.transposed and above == below
    return False


def for_each_row(kind: RowType, whole: RowType) -> RowType:
    """The type of a part, where it differs between rows as the whole does."""
    return dataclasses.replace(kind, rows=whole.rows, particles=whole.particles)
