"""Networks on causal views as row expressions, in two forms of one computation.

Where all places are known, the whole network is evaluated once: affine layers with masked weights, whose result for
place i is block i of the output.  Where places become known one after the other, as in drawing and in inverting, a loop
carries the units (`rows.causal_units`), and an output reads those of the last layer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gencompiler.catalog import causal
from gencompiler.catalog.causal import Degrees
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes as model
from gencompiler.model.views import Axes, axes
from gencompiler.node import Node, rebuild
from gencompiler.rows import networks, stacks
from gencompiler.rows.nodes import Expr
from gencompiler.rows.unsupported import NotLowered

if TYPE_CHECKING:
    from gencompiler.rows.expressions import Expressions, Scope


def output(expressions: Expressions, expr: model.NetworkOutput, scope: Scope) -> Expr:
    """One output at the index of the network's views: of the sums that are carried, or of the whole network."""
    network = expressions.networks[expr.path]
    view = view_of(expr, scope.views)
    if expr.path in scope.carried and network.grid:
        return stacks.carried_output(expressions, expr, scope)
    if expr.path in scope.carried:
        return _carried_output(expressions, network, expr, scope)
    whole = stacks.whole(expressions, expr, scope) if network.grid else _whole(expressions, network, expr, scope)
    index, span = expressions.subscript(view.index, scope), expr.span
    size = network.outputs[expr.output]
    if size == 0:
        return whole if index is None else expressions.graph.column(whole, index, span)
    if index is None:
        raise NotLowered(expr, "an array of vectors that a network on a causal view gives")
    return expressions.graph.window(whole, times(expressions, index, size, span), size, span)


def view_of(expr: model.NetworkOutput, names: Mapping[str, Axes]) -> model.Before:
    """The view at which a network on causal views is evaluated."""
    return next(view for value in expr.inputs for view in axes(value, names) if view is not None)


def uncut(expr: model.Expr, index: model.Expr, by: model.Expr | None = None) -> model.Expr:
    """What a view at `index` is a view of; or its place `by`."""

    def visit(current: Node) -> Node:
        if not isinstance(current, model.Expr):
            return current
        if isinstance(current, model.Element):
            return _opened(current, index, by)
        changed = rebuild(current, visit)
        if by is not None and isinstance(changed, model.Apply | model.Choose) and changed.type.shape:
            return dataclasses.replace(changed, type=dataclasses.replace(changed.type, shape=changed.type.shape[1:]))
        if by is not None and isinstance(changed, model.Each):
            own = (changed.extent, *changed.body.type.shape)
            return dataclasses.replace(changed, type=dataclasses.replace(changed.type, shape=own))
        if by is not None and isinstance(changed, model.Contract):
            own = (*changed.left.type.shape[:-1], *changed.right.type.shape[1:])
            return dataclasses.replace(changed, type=dataclasses.replace(changed.type, shape=own))
        return changed

    found = visit(expr)
    assert isinstance(found, model.Expr)
    return found


def _opened(element: model.Element, index: model.Expr, by: model.Expr | None) -> model.Element:
    whole = model.Whole(model.Type(model.REAL), span=element.span)
    views = [isinstance(s, model.Before) and s.index == index for s in element.subscripts]
    places = tuple((by or whole) if v else s for v, s in zip(views, element.subscripts, strict=True))
    extents = zip(element.base.type.shape, places, strict=True)
    shape = tuple(n for n, s in extents if isinstance(s, model.Whole | model.Before))
    return dataclasses.replace(element, subscripts=places, type=dataclasses.replace(element.type, shape=shape))


# -- all places at once ----------------------------------------------------------------------------------------------


def layers_of(network: model.Network) -> tuple[tuple[Degrees, ...], ...]:
    """The degrees of the inputs, of each hidden layer, and of an output."""
    sizes = zip(network.inputs, network.views, strict=True)
    inputs = tuple(causal.inputs(network.places, max(1, n), view) for n, view in sizes)
    return (inputs, *((causal.hidden(network.places, h, network.views),) for h in network.hidden))


def output_degrees(network: model.Network, number: int) -> tuple[Degrees, ...]:
    """The degrees of one output."""
    return (causal.outputs(network.places, max(1, network.outputs[number])),)


def _whole(expressions: Expressions, network: model.Network, expr: model.NetworkOutput, scope: Scope) -> Expr:
    """An output of all places side by side."""
    graph, span, view = expressions.graph, expr.span, view_of(expr, scope.views)
    value = graph.concat(tuple(place_by_place(expressions, i, view, scope) for i in expr.inputs), span)
    layers = layers_of(network)
    for number in range(len(network.hidden)):
        weight = masked(expressions, network, str(number), layers[number + 1], layers[number], scope, span)
        before = graph.elementwise(
            "add",
            graph.dot(value, weight, True, span),
            bias(expressions, network, str(number), scope, span),
            span=span,
        )
        value = graph.name(networks.activation(expressions, network.activation, before, scope, span), "hidden")
    name = (network.output_names or ("output",))[expr.output]
    weight = masked(expressions, network, name, output_degrees(network, expr.output), layers[-1], scope, span)
    product = graph.dot(value, weight, True, span)
    return graph.name(graph.elementwise("add", product, bias(expressions, network, name, scope, span), span=span), name)


def place_by_place(expressions: Expressions, given: model.Expr, view: model.Before, scope: Scope) -> Expr:
    """An input as a vector, what a view gives at each place side by side."""
    graph, cut = expressions.graph, axes(given, scope.views)
    value = expressions.lower(uncut(given, view.index), scope)
    if not any(cut[1:]):
        return value if value.type.shape else graph.broadcast(value, 1, given.span)
    places = given.type.shape[-1]
    features = value.type.shape[0] // places
    return graph.permute(value, tuple(k * places + p for p in range(places) for k in range(features)), given.span)


def masked(
    expressions: Expressions,
    network: model.Network,
    layer: str,
    rows: tuple[Degrees, ...],
    columns: tuple[Degrees, ...],
    scope: Scope,
    span: Span,
) -> Expr:
    """The weight of a layer, 0 where a unit may not depend on another."""
    graph = expressions.graph
    weight = networks.parameter(expressions, f"{network.path}.{layer}.weight", scope, span)
    return graph.elementwise("multiply", weight, graph.mask(rows, columns, span), span=span)


def bias(expressions: Expressions, network: model.Network, layer: str, scope: Scope, span: Span) -> Expr:
    """The bias of a layer."""
    return networks.parameter(expressions, f"{network.path}.{layer}.bias", scope, span)


def times(expressions: Expressions, index: Expr, size: int, span: Span) -> Expr:
    """A place times the numbers that each place has."""
    graph = expressions.graph
    return graph.whole("multiply", index, graph.integer(size, span), span)


# -- place by place --------------------------------------------------------------------------------------------------


def _carried_output(expressions: Expressions, network: model.Network, expr: model.NetworkOutput, scope: Scope) -> Expr:
    """An output at the newest place, from the last of the values that a loop carries for the network."""
    graph, span, value = expressions.graph, expr.span, scope.carried[expr.path][-1]
    index = expressions.subscript(view_of(expr, scope.views).index, scope)
    assert index is not None
    name = (network.output_names or ("output",))[expr.output]
    size = max(1, network.outputs[expr.output])
    start = times(expressions, index, size, span)
    rows, columns = output_degrees(network, expr.output), layers_of(network)[-1]
    weight = graph.name(masked(expressions, network, name, rows, columns, scope, span), f"{name}_weight")
    weight = graph.window(weight, start, size, span, axis=0)
    added = graph.window(bias(expressions, network, name, scope, span), start, size, span)
    result = graph.elementwise("add", graph.dot(value, weight, True, span), added, span=span)
    return graph.column(result, graph.integer(0, span), span) if network.outputs[expr.output] == 0 else result
