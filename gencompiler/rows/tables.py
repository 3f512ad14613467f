"""Elements of tables of constants, and of parameters, by subscripts of which some differ between rows.

An entry of a small table is a choice between numbers, `where(a == 0, 0.1, where(a == 1, …))`, which fuses with
everything around it; of a larger one, the entries are a vector from which the flat place picks.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes as model
from gencompiler.rows import arrays
from gencompiler.rows.nodes import Expr, Number
from gencompiler.rows.unsupported import NotLowered

if TYPE_CHECKING:
    from gencompiler.rows.expressions import Expressions

#: An entry of a table with more is picked from a vector, not chosen between numbers.
MOST_CHOICES = 16

#: One subscript, lowered; None keeps its axis.
Places = tuple[Expr | None, ...]


def merged(expr: model.Element) -> model.Element:
    """`T[a][b]` as `T[a, b]`, where the first subscripts leave a later axis whole."""
    while isinstance(expr.base, model.Element):
        inner = expr.base
        kept = [k for k, s in enumerate(inner.subscripts) if isinstance(s, model.Whole)]
        if any(isinstance(s, model.Before) for s in inner.subscripts) or len(expr.subscripts) > len(kept):
            return expr
        places = list(inner.subscripts)
        for place, subscript in zip(kept, expr.subscripts, strict=False):
            places[place] = subscript
        expr = model.Element(expr.type, inner.base, tuple(places), span=expr.span)
    return expr


def whole(expressions: Expressions, table: model.Table) -> Expr:
    """A table of one axis as a vector."""
    if len(table.type.shape) != 1:
        raise NotLowered(table, "a table of several axes without subscripts")
    return _vector(expressions, table.values, table.span)


def element(expressions: Expressions, table: model.Table, places: Places, span: Span) -> Expr:
    """The entry at `places`, or a row of entries where one axis is kept."""
    shape = table.type.shape
    places = (*places, *(None,) * (len(shape) - len(places)))
    kept = [k for k, place in enumerate(places) if place is None]
    if len(kept) > 1:
        raise NotLowered(table, "a part of a table with several axes")

    def entry(at: tuple[int, ...]) -> float:
        return float(table.values[sum(p * math.prod(shape[k + 1 :]) for k, p in enumerate(at))])

    def leaf(at: tuple[int, ...]) -> Expr:
        if not kept:
            return expressions.graph.number(entry(at), span)
        row = (entry((*at[: kept[0]], k, *at[kept[0] :])) for k in range(shape[kept[0]]))
        return expressions.graph.concat(tuple(expressions.graph.number(v, span) for v in row), span)

    extents = tuple(n for n, place in zip(shape, places, strict=True) if place is not None)
    wanted = tuple(place for place in places if place is not None)
    if kept or math.prod(n for n, p in zip(extents, wanted, strict=True) if not isinstance(p, Number)) <= MOST_CHOICES:
        return chosen(expressions, extents, wanted, leaf, span)
    values = tuple(expressions.graph.number(entry(at), span) for at in itertools.product(*map(range, extents)))
    return arrays.at(
        expressions, expressions.graph.concat(values, span), flat(expressions, extents, wanted, span), span
    )


def chosen(
    expressions: Expressions,
    extents: tuple[int, ...],
    places: tuple[Expr, ...],
    leaf: Callable[[tuple[int, ...]], Expr],
    span: Span,
    at: tuple[int, ...] = (),
) -> Expr:
    """`leaf` at the constant places that `places` turn out to be; the last value of each axis needs no question."""
    if len(at) == len(extents):
        return leaf(at)
    graph, place, extent = expressions.graph, places[len(at)], extents[len(at)]
    if isinstance(place, Number):
        return chosen(expressions, extents, places, leaf, span, (*at, int(place.value)))
    found = chosen(expressions, extents, places, leaf, span, (*at, extent - 1))
    for value in reversed(range(extent - 1)):
        here = graph.elementwise("equal", place, graph.integer(value, span), span=span)
        found = graph.select(here, chosen(expressions, extents, places, leaf, span, (*at, value)), found, span)
    return found


def flat(expressions: Expressions, extents: tuple[int, ...], places: tuple[Expr, ...], span: Span) -> Expr:
    """The place in row-major order."""
    graph = expressions.graph
    total: Expr | None = None
    for number, place in enumerate(places):
        stride = graph.integer(math.prod(extents[number + 1 :]), span)
        term = graph.elementwise("multiply", stride, place, span=span) if number + 1 < len(places) else place
        total = term if total is None else graph.elementwise("add", total, term, span=span)
    assert total is not None, "a table has an axis"
    return total


def _vector(expressions: Expressions, values: tuple[model.Real, ...], span: Span) -> Expr:
    numbers = tuple(expressions.graph.number(float(v), span) for v in values)
    return expressions.graph.concat(numbers, span)
