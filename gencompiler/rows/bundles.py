"""Short vectors of numbers that differ from lane to lane, as tuples: one row value for each place.

A scalar map that acts on every element of a tensor computes all of them at once, each a lane of a vector.  What is a
vector within the map (the widths of a spline's bins, the weights of a mixture) has two axes then, and no row value has;
it is held as a bundle, place by place, each place a value with all lanes.  Sums over it are sums of its places, running
sums are partial sums, and `v[bin(u, x)]` is a walk along the knots that keeps the last place whose knot is passed: no
gather, and no table in memory.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from gencompiler.model import nodes as model
from gencompiler.model.subscripts import moved_bin
from gencompiler.node import Node, children
from gencompiler.rows import nodes
from gencompiler.rows.nodes import Expr
from gencompiler.rows.unsupported import NotLowered

if TYPE_CHECKING:
    from gencompiler.rows.expressions import Expressions, Scope

#: A value for each place.
Bundle = tuple[Expr, ...]


@dataclasses.dataclass(frozen=True)
class Interval:
    """`bin(u, x)`: for each inner knot, whether it is passed."""

    passed: tuple[Expr, ...]


def is_bundled(expressions: Expressions, expr: Node, scope: Scope) -> bool:
    """Whether an expression computes with bundles or with intervals between knots."""
    if not in_lanes(scope):
        return False
    match expr:
        case model.Cumulative() | model.Bin():
            return True
        case model.Reference(name=name):
            return name in scope.bundles or name in scope.intervals
        case model.ParameterReference(path=path) if scope.lifted and expr.type.shape:
            return bool(expressions.parameters[path].lift)
        case model.Element(base=base) if len(base.type.shape) == 2 and _lane(expr, scope):
            return True
        case model.Call(function=name) if expr not in expressions.plain_calls:
            inside = expressions.functions[name].body
            if any(is_bundled(expressions, part, scope) for part in expr.arguments):
                return True
            if is_bundled(expressions, inside, scope.only({})):
                return True
            expressions.plain_calls.add(expr)
            return False
        case model.Each():
            return False  # it has lanes of its own
    return any(is_bundled(expressions, part, scope) for part in children(expr))


def in_lanes(scope: Scope) -> bool:
    """Whether a scalar stands for many, each a lane of a vector."""
    return scope.lanes or scope.lifted


def _lane(expr: model.Element, scope: Scope) -> bool:
    """Whether the first subscript is the index that runs along the lanes."""
    place = expr.subscripts[0]
    return isinstance(place, model.Reference) and place.name in scope.vector


# -- numbers ---------------------------------------------------------------------------------------------------------


def number(expressions: Expressions, expr: model.Expr, scope: Scope) -> Expr | None:
    """A scalar that is made of bundles; None where nothing about it is special."""
    match expr:
        case model.Element(base=base, subscripts=(place,)) if len(base.type.shape) == 1:
            if not (is_bundled(expressions, base, scope) or is_bundled(expressions, place, scope)):
                return None
            return _picked(expressions, bundle(expressions, base, scope), place, scope, expr)
        case model.Reduce(operation=operation, operand=operand) if is_bundled(expressions, operand, scope):
            return _reduced(expressions, operation, bundle(expressions, operand, scope), expr)
        case model.Contract(left=left, right=right) if len(left.type.shape) == len(right.type.shape) == 1:
            if not (is_bundled(expressions, left, scope) or is_bundled(expressions, right, scope)):
                return None
            pairs = zip(bundle(expressions, left, scope), bundle(expressions, right, scope), strict=True)
            products = tuple(expressions.graph.elementwise("multiply", *pair, span=expr.span) for pair in pairs)
            return _folded(expressions, "add", products, expr)
    return None


def _picked(expressions: Expressions, values: Bundle, place: model.Expr, scope: Scope, expr: model.Expr) -> Expr:
    """The place that a number, or the interval that a number lies in, picks."""
    if isinstance(place, model.Literal):
        return values[int(place.value)]
    found = moved_bin(place)
    if found is None:
        raise NotLowered(expr, "a subscript that differs from lane to lane")
    base, shift = found
    if isinstance(base, model.Reference) and base.name in scope.intervals:
        passed = scope.intervals[base.name].passed
    elif isinstance(base, model.Bin):
        passed = interval(expressions, base, scope).passed
    else:
        raise NotLowered(expr, "a subscript that differs from lane to lane")
    chosen = values[shift]
    for number_, condition in enumerate(passed, start=1):
        chosen = expressions.graph.select(condition, values[number_ + shift], chosen, expr.span)
    return chosen


def interval(expressions: Expressions, expr: model.Bin, scope: Scope) -> Interval:
    """Which inner knots a number has passed."""
    value = expressions.lower(expr.value, scope)
    inner = bundle(expressions, expr.knots, scope)[1:-1]
    return Interval(
        tuple(expressions.graph.elementwise("greater_equal", value, knot, span=expr.span) for knot in inner)
    )


def _reduced(expressions: Expressions, operation: str, values: Bundle, expr: model.Expr) -> Expr:
    graph, span = expressions.graph, expr.span
    combine = functools.partial(graph.elementwise, span=span)
    fold: Callable[[str, Bundle], Expr] = lambda name, parts: _folded(expressions, name, parts, expr)  # noqa: E731
    count = graph.number(len(values), span)
    match operation:
        case "sum" | "prod" | "min" | "max":
            return fold({"sum": "add", "prod": "multiply"}.get(operation, operation), values)
        case "mean":
            return combine("divide", fold("add", values), count)
        case "norm":
            return combine("sqrt", fold("add", tuple(combine("multiply", v, v) for v in values)))
    top = graph.name(fold("max", values), "largest")
    total = fold("add", tuple(combine("exp", combine("subtract", v, top)) for v in values))
    found = combine("add", top, combine("log", total))
    return combine("subtract", found, combine("log", count)) if operation == "logmeanexp" else found


def _folded(expressions: Expressions, function: str, values: Bundle, expr: model.Expr) -> Expr:
    found, *rest = values
    for value in rest:
        found = expressions.graph.elementwise(function, found, value, span=expr.span)
    return found


# -- bundles ---------------------------------------------------------------------------------------------------------


def bundle(expressions: Expressions, expr: model.Expr, scope: Scope) -> Bundle:
    """The places of a vector, computed once in a scope."""
    key = (id(expr), id(scope))
    if key not in expressions.bundled:
        expressions.bundled[key] = (expr, scope, _bundle(expressions, expr, scope))
    return expressions.bundled[key][2]


def _bundle(expressions: Expressions, expr: model.Expr, scope: Scope) -> Bundle:
    graph, span = expressions.graph, expr.span
    if len(expr.type.shape) != 1:
        raise NotLowered(expr, "a tensor of several axes that differs from lane to lane")
    if not is_bundled(expressions, expr, scope):
        return _columns(expressions, expr, scope)
    match expr:
        case model.Reference(name=name):
            return scope.bundles[name]
        case model.ParameterReference():
            return tuple(expressions.parameter(expr, (None, graph.integer(k, span)), scope) for k in _places(expr))
        case model.Apply(function=function, arguments=arguments):
            columns = [_spread(expressions, a, expr, scope) for a in arguments]
            return tuple(graph.elementwise(function, *row, span=span) for row in zip(*columns, strict=True))
        case model.Choose(condition=condition, then=then, otherwise=otherwise):
            columns = [_spread(expressions, a, expr, scope) for a in (condition, then, otherwise)]
            return tuple(graph.select(c, a, b, span) for c, a, b in zip(*columns, strict=True))
        case model.Cumulative(operand=operand):
            return running(expressions, bundle(expressions, operand, scope), expr)
        case model.Join(parts=parts):
            return tuple(v for p in parts for v in _part(expressions, p, scope))
        case model.Slice(base=base, start=start, stop=stop):
            return bundle(expressions, base, scope)[start:stop]
        case model.Permute(base=base, order=order):
            values = bundle(expressions, base, scope)
            return tuple(values[place] for place in order)
        case model.Let():
            return bundle(expressions, expr.body, expressions.locals(expr, scope))
        case model.Call(function=name, arguments=arguments):
            function_ = expressions.functions[name]
            return bundle(expressions, function_.body, expressions.inside(function_, arguments, scope))
        case model.Element(base=base) if len(base.type.shape) == 2 and _lane(expr, scope):
            return _lanes(expressions, base, scope)
    raise NotLowered(expr, f"this {type(expr).__name__.lower()} of what differs from lane to lane")


def _places(expr: model.Expr) -> range:
    return range(expr.type.shape[0])


def _columns(expressions: Expressions, expr: model.Expr, scope: Scope) -> Bundle:
    """The elements of a vector that is the same in all lanes."""
    graph, span = expressions.graph, expr.span
    if isinstance(expr, model.Each) and not isinstance(expr.body, model.Reference):
        value = expressions.lower(expr.body, scope)
        if not any(isinstance(p, model.Reference) and p.name == expr.index for p in children(expr.body)):
            return (value,) * expr.extent
    if isinstance(expr, model.ParameterReference):
        return tuple(expressions.parameter(expr, (graph.integer(k, span),), scope) for k in _places(expr))
    whole = expressions.lower(expr, scope)
    return tuple(graph.column(whole, graph.integer(k, span), span) for k in _places(expr))


def _spread(expressions: Expressions, part: model.Expr, whole: model.Expr, scope: Scope) -> Bundle:
    """A part of an elementwise operation; a number counts for every place."""
    if part.type.shape:
        return bundle(expressions, part, scope)
    return (expressions.lower(part, scope),) * whole.type.shape[0]


def _part(expressions: Expressions, part: model.Expr, scope: Scope) -> Bundle:
    return bundle(expressions, part, scope) if part.type.shape else (expressions.lower(part, scope),)


def running(expressions: Expressions, values: Bundle, expr: model.Expr) -> Bundle:
    """The sums of the first places, of one, two, … all."""
    total, *rest = values
    found = [total]
    for value in rest:
        total = expressions.graph.elementwise("add", total, value, span=expr.span)
        found.append(total)
    return tuple(found)


def _lanes(expressions: Expressions, base: model.Expr, scope: Scope) -> Bundle:
    """`w[i]` of a tensor with a row for each lane: a parameter column by column, a network's output block by block."""
    graph, span = expressions.graph, base.span
    lanes, places = base.type.shape
    if isinstance(base, model.ParameterReference):
        return tuple(expressions.parameter(base, (None, graph.integer(k, span)), scope) for k in range(places))
    flat = expressions.lower(base, scope)
    if not isinstance(flat.type, nodes.RowType) or flat.type.shape != (lanes * places,):
        raise NotLowered(base, "a tensor of two axes that is no network's output")
    found = tuple(graph.slice(flat, k * lanes, (k + 1) * lanes, span) for k in range(places))
    if isinstance(base, model.Reference):
        for part in found:
            graph.name(part, base.name)
    return found
