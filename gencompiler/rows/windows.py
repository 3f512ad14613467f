"""Parts of vectors that begin at a place which is known at run time, in the forms that later passes look for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gencompiler.diagnostics.span import Span
from gencompiler.rows import nodes
from gencompiler.rows.nodes import Expr
from gencompiler.rows.particles import together

if TYPE_CHECKING:
    from gencompiler.rows.graph import Graph


def window(graph: Graph, value: Expr, start: Expr, length: int, span: Span, axis: int) -> Expr:
    """Places start..start + length of an axis; what has just been written there is what it was written from."""
    extent = value.type.shape[axis]
    if isinstance(value, nodes.WithWindow) and value.start is start and value.value.type.shape == (length,):
        return value.value
    if graph.at_once and value.type.rows and (moved := _shifted(start, length)) is not None:
        index, by = moved
        value = graph.slice(value, by * length, extent, span)
        start, extent = graph.whole("multiply", index, graph.integer(length, span), span), value.type.shape[axis]
    if isinstance(start, nodes.Number) and value.type.rows:
        return graph.slice(value, int(start.value), int(start.value) + length, span)
    if length == extent:
        return value
    shape = (*value.type.shape[:axis], length, *value.type.shape[axis + 1 :])
    type_ = together((value,), shape, value.type.kind)
    return graph.intern(nodes.Window(type_, value, start, length, axis, span=span))


def _shifted(start: Expr, length: int) -> tuple[Expr, int] | None:
    """i and n where a block of `length` elements starts at (i + n) times its length; None of other places."""
    match start:
        case nodes.Elementwise(
            function="multiply",
            arguments=(
                nodes.Elementwise(function="add", arguments=(nodes.Local() as index, nodes.Number(value=by))),
                nodes.Number(value=size),
            ),
        ) if size == length and by > 0 and not index.type.rows:
            return index, int(by)
    return None
