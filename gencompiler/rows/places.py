"""Places of tensors with several axes: in rows a tensor is a vector, its elements in row-major order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes as model
from gencompiler.rows import nodes
from gencompiler.rows.graph import Graph
from gencompiler.rows.nodes import Expr, RowType
from gencompiler.rows.unsupported import NotLowered

if TYPE_CHECKING:
    from gencompiler.rows.expressions import Expressions, Scope

#: Elements that are read one by one, rather than by rearranging the whole tensor, where it changes in a loop.
FEW = 8


def flat(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape in rows of a tensor."""
    return (math.prod(shape),) if shape else ()


def number(graph: Graph, indices: tuple[Expr, ...], extents: tuple[int, ...], span: Span) -> Expr:
    """The row-major number of a place; of the indices of a loop over these extents, the number of its iteration."""
    found = indices[0]
    for index, extent in zip(indices[1:], extents[1:], strict=True):
        match found, index:
            case (
                nodes.Elementwise(function="quotient", arguments=(whole, nodes.Number(value=by))),
                nodes.Elementwise(function="remainder", arguments=(same, nodes.Number(value=by_))),
            ) if whole is same and by == by_ == extent:
                found = whole
            case _:
                scaled = graph.whole("multiply", found, graph.integer(extent, span), span)
                found = graph.whole("add", scaled, index, span)
    return found


def indices(graph: Graph, iteration: Expr, extents: tuple[int, ...], span: Span) -> tuple[Expr, ...]:
    """The indices of an iteration of a loop over all places of these extents, the last running fastest."""
    found: list[Expr] = []
    for extent in reversed(extents[1:]):
        by = graph.integer(extent, span)
        found.append(graph.whole("remainder", iteration, by, span))
        iteration = graph.whole("quotient", iteration, by, span)
    return (iteration, *reversed(found))


def moved(expressions: Expressions, place: model.Expr, scope: Scope) -> Expr | None:
    """`t - 1` of an index: a place that all rows share; None of what is no sum of an index and a number."""
    if not isinstance(place, model.Apply) or place.function not in ("add", "subtract"):
        return None
    left, right = (expressions.subscript(a, scope) for a in place.arguments)
    if left is None or right is None or any(p.type.rows or p.type.kind != "integer" for p in (left, right)):
        return None
    return expressions.graph.whole(place.function, left, right, place.span)


def element(expressions: Expressions, expr: model.Element, base: Expr, scope: Scope) -> Expr:
    """`base[…]` of a tensor with several axes: an element, a part that lies together, or the past of one."""
    graph, span, shape = expressions.graph, expr.span, expr.base.type.shape
    places = [None if isinstance(s, model.Before) else expressions.subscript(s, scope) for s in expr.subscripts]
    views = [k for k, s in enumerate(expr.subscripts) if isinstance(s, model.Before)]
    varying = [p for p in places if p is not None and p.type.rows]
    if varying:
        if views or places[1:] != [None] * (len(places) - 1) or not base.type.rows:
            raise NotLowered(expr, "an index of a tensor with several axes that differs between rows")
        return _chosen(graph, base, varying[0], shape, span)
    first = next((k for k, p in enumerate(places) if p is None), len(places))
    if views in ([], [first]) and all(p is None for p in places[first:]):
        chosen = tuple(p for p in places[:first] if p is not None)
        part = leading(graph, base, chosen, shape, span)
        if not views:
            return part
        return kept(expressions, part, _view(expr.subscripts[first]), 0, scope, span, shape[first:])
    last = next((k for k, p in enumerate(places) if p is not None), len(places))
    outer, inner = math.prod(shape[:last]), math.prod(shape[last:])
    if len(views) < 2 and places[last:] and all(p is not None for p in places[last:]):
        at = number(graph, tuple(p for p in places if p is not None), shape[last:], span)
        part = _trailing(graph, base, at, outer, inner, span)
        if not views:
            return part
        return kept(expressions, part, _view(expr.subscripts[views[0]]), 0, scope, span, shape[:last], views[0])
    if views == [len(shape) - 1] and all(p is None for p in places):
        return kept(expressions, base, _view(expr.subscripts[-1]), 0, scope, span, shape, views[0])
    raise NotLowered(expr, "these subscripts together")


def _chosen(graph: Graph, base: Expr, index: Expr, shape: tuple[int, ...], span: Span) -> Expr:
    """The part of a row's tensor of which the first subscript is given, one that differs between rows."""
    rest = math.prod(shape[1:])
    parts = [graph.slice(base, k * rest, (k + 1) * rest, span) for k in range(shape[0])]
    found = parts[-1]
    for k in range(shape[0] - 2, -1, -1):
        here = graph.elementwise("equal", index, graph.integer(k, span), span=span)
        found = graph.select(here, parts[k], found, span)
    return found


def leading(graph: Graph, base: Expr, chosen: tuple[Expr, ...], shape: tuple[int, ...], span: Span) -> Expr:
    """The part of which the first subscripts are given: it lies together."""
    if not chosen:
        return base
    at, rest = number(graph, chosen, shape[: len(chosen)], span), math.prod(shape[len(chosen) :])
    if len(chosen) == len(shape):
        return graph.column(base, at, span)
    return graph.window(base, graph.whole("multiply", at, graph.integer(rest, span), span), rest, span)


def _trailing(graph: Graph, base: Expr, at: Expr, outer: int, inner: int, span: Span) -> Expr:
    """The part of which the last subscripts are given: every `inner`-th element from `at` on."""
    if outer <= FEW and graph.depth[id(base)] > 0:
        starts = (graph.integer(k * inner, span) for k in range(outer))
        return graph.concat(tuple(graph.column(base, graph.whole("add", at, s, span), span) for s in starts), span)
    together = graph.permute(base, tuple(k * inner + p for p in range(inner) for k in range(outer)), span)
    return graph.window(together, graph.whole("multiply", at, graph.integer(outer, span), span), outer, span)


def written(graph: Graph, whole: Expr, target: model.Element, at: tuple[Expr, ...], value: Expr, span: Span) -> Expr:
    """`whole` with `value` in the place of the element `target` of a tensor, at its given subscripts `at`."""
    shape = target.base.type.shape
    given = [not isinstance(s, model.Whole) for s in target.subscripts]
    if len(at) == len(shape) == 1 and at[0].type.rows:
        here = graph.elementwise("equal", at[0], _iota(graph, shape[0], span), span=span)
        return graph.select(here, value, whole, span)
    if given == sorted(given, reverse=True):
        return with_leading(graph, whole, at, shape, value, span)
    if given != sorted(given):
        raise NotLowered(target, "drawing these places of a tensor at once")
    outer = math.prod(shape[: -len(at)])
    inner = math.prod(shape[-len(at) :])
    place = number(graph, at, shape[-len(at) :], span)
    for k in range(outer):
        column = graph.whole("add", place, graph.integer(k * inner, span), span)
        whole = graph.with_column(whole, column, graph.column(value, graph.integer(k, span), span), span)
    return whole


def with_leading(
    graph: Graph, whole: Expr, at: tuple[Expr, ...], shape: tuple[int, ...], value: Expr, span: Span
) -> Expr:
    """`whole`, a tensor of this shape, with `value` as the part of which the first subscripts are given."""
    place, rest = number(graph, at, shape[: len(at)], span), math.prod(shape[len(at) :])
    if len(at) == len(shape):
        return graph.with_column(whole, place, value, span)
    return graph.with_window(whole, graph.whole("multiply", place, graph.integer(rest, span), span), value, span)


def _iota(graph: Graph, length: int, span: Span) -> Expr:
    return graph.intern(nodes.Iota(RowType(False, (length,), "integer"), length, span=span))


def reshaped(graph: Graph, value: Expr, shape: tuple[int, ...], span: Span) -> Expr:
    """A uniform tensor with its elements in other axes."""
    if value.type.shape == shape:
        return value
    return graph.intern(nodes.Reshape(RowType(False, shape, value.type.kind), value, span=span))


def kept(
    expressions: Expressions,
    value: Expr,
    view: model.Before,
    neutral: float,
    scope: Scope,
    span: Span | None = None,
    shape: tuple[int, ...] = (),
    axis: int = 0,
) -> Expr:
    """A tensor of this shape (a vector by default) with `neutral` at the places that a causal view of an axis leaves
    out."""
    graph, span, length = expressions.graph, span or value.span, value.type.shape[0]
    found: Expr = _iota(graph, length, span)
    index = expressions.subscript(view.index, scope)
    assert index is not None
    shape = shape or (length,)
    inner = math.prod(shape[axis + 1 :])
    if axis:
        found = graph.whole("remainder", found, graph.integer(shape[axis] * inner, span), span)
    if inner > 1:
        found = graph.whole("quotient", found, graph.integer(inner, span), span)
    mask = graph.elementwise("less_equal" if view.inclusive else "less", found, index, span=span)
    return graph.select(mask, value, graph.number(neutral, span), span)


def meeting(graph: Graph, values: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """Values that meet elementwise: where one of rows is among them, uniform ones of several axes become vectors."""
    if all(len(v.type.shape) < 2 for v in values) or not any(v.type.rows for v in values):
        return values
    return tuple(reshaped(graph, v, flat(v.type.shape), v.span) for v in values)


def _view(subscript: model.Expr) -> model.Before:
    assert isinstance(subscript, model.Before)
    return subscript
