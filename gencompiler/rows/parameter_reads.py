"""Subscripts of parameters: what all rows read, and what each row picks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gencompiler.model import nodes as model
from gencompiler.rows import arrays, tables
from gencompiler.rows.nodes import Expr
from gencompiler.rows.unsupported import NotLowered

if TYPE_CHECKING:
    from gencompiler.rows.expressions import Expressions, Scope


def element(
    expressions: Expressions,
    expr: model.Element,
    base: model.ParameterReference,
    subscripts: tuple[model.Expr, ...],
    scope: Scope,
) -> Expr:
    """`W[k, :]`; an index that differs between rows selects from what the others leave."""
    index = tuple(expressions.subscript(s, scope) for s in subscripts)
    varying = [k for k, i in enumerate(index) if i is not None and i.type.rows]
    if len(varying) <= 1:
        return _row_of(expressions, expr, base, index, scope)
    if varying == [0, 1] == list(range(len(base.type.shape))):
        entries = arrays.entry_by_particle(expressions, expressions.parameter(base, (), scope), index, expr.span)
        if entries is not None:
            return entries
    first = varying[:-1]  # chosen one by one; the last subscript picks from what each leaves
    extents = tuple(base.type.shape[k] for k in first)
    if math.prod(extents) > tables.MOST_CHOICES:
        raise NotLowered(expr, f"{len(varying)} subscripts of one parameter that differ between rows")

    def leaf(at: tuple[int, ...]) -> Expr:
        fixed: list[Expr | None] = list(index)
        for k, place in zip(first, at, strict=True):
            fixed[k] = expressions.graph.integer(place, expr.span)
        return _row_of(expressions, expr, base, tuple(fixed), scope)

    chosen = tuple(i for k in first if (i := index[k]) is not None)
    return tables.chosen(expressions, extents, chosen, leaf, expr.span)


def _row_of(
    expressions: Expressions,
    expr: model.Element,
    base: model.ParameterReference,
    index: tuple[Expr | None, ...],
    scope: Scope,
) -> Expr:
    """`W[k, :]` where at most one subscript differs between rows, before the axes that are kept."""
    varying = next((i for i in index if i is not None and i.type.rows), None)
    read = expressions.parameter(base, tuple(None if i is varying else i for i in index), scope)
    if varying is None:
        return read
    rest = (*index, *(None,) * (len(base.type.shape) - len(index)))
    if next(i for i in rest if i is None or i.type.rows) is not varying:
        raise NotLowered(expr, "a subscript of a later axis that differs between rows")
    return arrays.row_of(expressions, read, varying, expr.span)
