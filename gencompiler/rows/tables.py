"""Elements of tables of constants, and of parameters, by subscripts of which some differ between rows.

An entry of a small table is a choice between numbers, `where(a == 0, 0.1, where(a == 1, …))`, which fuses with
everything around it; of a larger one, the entries are a vector from which the flat place picks.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
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

    def entry(at: tuple[int, ...]) -> model.Real:
        return table.values[sum(p * math.prod(shape[k + 1 :]) for k, p in enumerate(at))]

    axis = kept[0] if kept else 0

    def leaf(at: tuple[int, ...]) -> Expr:
        if not kept:
            return expressions.graph.number(float(entry(at)), span)
        return _vector(expressions, tuple(entry((*at[:axis], k, *at[axis:])) for k in range(shape[axis])), span)

    extents = tuple(n for n, place in zip(shape, places, strict=True) if place is not None)
    wanted = tuple(place for place in places if place is not None)
    if math.prod(n for n, p in zip(extents, wanted, strict=True) if not isinstance(p, Number)) <= MOST_CHOICES:
        return chosen(expressions, extents, wanted, leaf, span)
    place = flat(expressions, extents, wanted, span)

    def picked(*also: int) -> Expr:
        """The entry at the place, with these places of the axis that is kept."""
        values = tuple(entry((*at[:axis], *also, *at[axis:])) for at in itertools.product(*map(range, extents)))
        steps = progression(values)
        if steps is not None:
            return _stepped(expressions, steps, place, span)
        return arrays.at(expressions, _vector(expressions, values, span), place, span)

    if not kept:
        return picked()
    return expressions.graph.concat(tuple(picked(k) for k in range(shape[axis])), span)


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


#: first, step, how often each value is repeated, how many values there are before they begin again
Steps = tuple[Fraction, Fraction, int, int]


def progression(values: tuple[model.Real, ...]) -> Steps | None:
    """How values rise in equal steps, each repeated and the whole begun again, as a coordinate of a grid does."""
    first = values[0]
    repeated = next((k for k, v in enumerate(values) if v != first), len(values))
    second = values[repeated % len(values)]
    if not isinstance(first, Fraction) or not isinstance(second, Fraction):
        return None
    step = second - first
    again = next((k for k in range(repeated, len(values), repeated) if values[k] == first), len(values))
    count = max(1, again // repeated)
    regular = all(v == first + step * (k // repeated % count) for k, v in enumerate(values))
    return (first, step, repeated, count) if regular else None


def _stepped(expressions: Expressions, steps: Steps, place: Expr, span: Span) -> Expr:
    """first + step * (floor(place / repeated) mod count)"""
    graph = expressions.graph
    first, step, repeated, count = steps

    def floored(divisor: int) -> Expr:
        if divisor == 1:
            return place
        share = graph.elementwise("divide", place, graph.number(divisor, span), span=span)
        return graph.elementwise("floor", share, span=span)

    digit = floored(repeated)
    around = graph.elementwise("multiply", graph.number(count, span), floored(repeated * count), span=span)
    digit = graph.elementwise("subtract", digit, around, span=span)
    rise = graph.elementwise("multiply", graph.number(float(step), span), digit, span=span)
    return graph.elementwise("add", rise, graph.number(float(first), span), span=span)


def _vector(expressions: Expressions, values: tuple[model.Real, ...], span: Span) -> Expr:
    numbers = tuple(expressions.graph.number(float(v), span) for v in values)
    return expressions.graph.name(expressions.graph.concat(numbers, span), "entries")
