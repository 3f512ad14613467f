"""Running sums and intervals between knots along a vector's axis: what splines and histograms are made of.

Where a value of the row is one number, what is a vector beside it (the widths of a spline's bins) is a vector of the
row, and stays one: its running sums are a product with a triangle of ones, and `v[bin(u, x)]` is a sum over the places,
each counted once or not at all.  Where a map acts on many elements of a tensor at once, `rows.bundles` holds such
vectors place by place.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gencompiler.catalog.causal import Degrees
from gencompiler.model import nodes as model
from gencompiler.model.subscripts import moved_bin
from gencompiler.rows import bundles
from gencompiler.rows.nodes import Expr

if TYPE_CHECKING:
    from gencompiler.rows.expressions import Expressions, Scope


@dataclasses.dataclass(frozen=True)
class Bin:
    """`bin(u, x)`: 1 at the place of the interval in which u lies, 0 at all others."""

    here: Expr


def running(expressions: Expressions, expr: model.Cumulative, scope: Scope) -> Expr:
    """The sums of the first elements of a vector, of one, two, … all."""
    graph, span = expressions.graph, expr.span
    values = expressions.lower(expr.operand, scope)
    length = values.type.shape[0]
    if values.type.rows:
        places = Degrees(length, first=0, rise=1, run=1)
        return graph.dot(values, graph.mask((places,), (places,), span), True, span)
    columns = tuple(graph.column(values, graph.integer(k, span), span) for k in range(length))
    return graph.concat(bundles.running(expressions, columns, expr), span)


def interval(expressions: Expressions, expr: model.Bin, scope: Scope) -> Bin:
    """The interval between knots in which a number lies: the last one of which it has passed the lower end."""
    graph, span = expressions.graph, expr.span
    value, knots = expressions.lower(expr.value, scope), expressions.lower(expr.knots, scope)
    inner = graph.slice(knots, 1, knots.type.shape[0] - 1, span)
    passed = graph.elementwise("greater_equal", value, inner, span=span)
    ones = graph.elementwise("indicator", passed, span=span)
    lower = graph.concat((graph.number(1, span), ones), span)
    upper = graph.concat((ones, graph.number(0, span)), span)
    return Bin(graph.elementwise("subtract", lower, upper, span=span))


def picked(expressions: Expressions, expr: model.Element, scope: Scope) -> Expr | None:
    """`v[k]` and `v[k + 1]`, where k is an interval; None of another subscript."""
    if len(expr.base.type.shape) != 1 or len(expr.subscripts) != 1:
        return None
    found = moved_bin(expr.subscripts[0])
    if found is None:
        return None
    base, shift = found
    if isinstance(base, model.Reference) and base.name in scope.bins:
        here = scope.bins[base.name].here
    elif isinstance(base, model.Bin):
        here = interval(expressions, base, scope).here
    else:
        return None
    graph, span = expressions.graph, expr.span
    values = graph.slice(expressions.lower(expr.base, scope), shift, shift + here.type.shape[0], span)
    return graph.reduce("sum", graph.elementwise("multiply", here, values, span=span), span)
