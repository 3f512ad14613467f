"""Networks as row expressions: an affine layer and an activation for each hidden width, then one layer an output."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog import networks
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes as model
from gencompiler.model.formula import formula, placed
from gencompiler.rows.nodes import Expr
from gencompiler.rows.unsupported import NotLowered

if TYPE_CHECKING:
    from gencompiler.rows.expressions import Expressions, Scope


def output(expressions: Expressions, expr: model.NetworkOutput, scope: Scope) -> Expr:
    """One output of a network; its weights are [out, in]."""
    network, graph, span = expressions.networks[expr.path], expressions.graph, expr.span
    if networks.NETWORKS[network.kind].gates:
        if expr.path not in scope.carried:
            raise NotLowered(expr, f"`{network.kind}` where its view does not run with the first index of a head")
        return scope.carried[expr.path][-1]
    if networks.NETWORKS[network.kind].image:
        from gencompiler.rows import images

        return images.output(expressions, expr, scope)
    if network.places:
        from gencompiler.rows import causal

        return causal.output(expressions, expr, scope)
    name = (network.output_names or ("output",))[expr.output]
    value = None
    if expr.inputs:
        value = graph.concat(tuple(expressions.lower(i, scope) for i in expr.inputs), span)
    known = (expr.path, name, id(value), tuple(map(id, scope.iteration)), scope.stopped)
    if known not in expressions.outputs:
        expressions.outputs[known] = _last(expressions, network, value, name, scope, span)
    result = expressions.outputs[known]
    if network.outputs[expr.output] == 0:
        return graph.column(result, graph.integer(0, span), span)
    return result


def _last(
    expressions: Expressions, network: model.Network, value: Expr | None, name: str, scope: Scope, span: Span
) -> Expr:
    """The hidden layers and the one called `name`."""
    graph = expressions.graph
    for number in range(len(network.hidden)):
        before = _affine(expressions, network, value, str(number), scope, span)
        value = activation(expressions, network.activation, before, scope, span)
        graph.name(value, "hidden")
    return _affine(expressions, network, value, name, scope, span)


def _affine(
    expressions: Expressions, network: model.Network, value: Expr | None, layer: str, scope: Scope, span: Span
) -> Expr:
    """`weight @ value + bias`, with those of the two that the kind has."""
    kind, graph = networks.NETWORKS[network.kind], expressions.graph
    path = f"{network.path}.{layer}"
    product = None
    if value is not None and kind.weight:
        weight = parameter(expressions, f"{path}.weight", scope, span)
        if network.lipschitz is not None:
            weight = _scaled(expressions, network, weight, span)
        product = graph.dot(value, weight, True, span)
    if not kind.bias:
        assert product is not None
        return product
    bias = parameter(expressions, f"{path}.bias", scope, span)
    return bias if product is None else graph.elementwise("add", product, bias, span=span)


def _scaled(expressions: Expressions, network: model.Network, weight: Expr, span: Span) -> Expr:
    """A weight divided by what its norm, bounded from above, is too large by: no more than the layer's share is left.

    The shares multiply to the network's bound, the largest slopes of the activations counted."""
    graph = expressions.graph
    slopes = float(Fraction(networks.SLOPES[network.activation])) ** len(network.hidden)
    share = (float(network.lipschitz or 1) / slopes) ** (1 / (len(network.hidden) + 1))
    size = graph.name(graph.matrix("norm_bound", weight, span=span), "norm")
    most = graph.elementwise("max", size, graph.number(share, span), span=span)
    factor = graph.elementwise("divide", graph.number(share, span), most, span=span)
    return graph.elementwise("multiply", weight, factor, span=span)


def parameter(expressions: Expressions, path: str, scope: Scope, span: Span) -> Expr:
    """The current iteration's slice of a weight or bias."""
    return expressions.lower(model.ParameterReference(model.Type(model.REAL), path, span=span), scope)


def activation(expressions: Expressions, name: str, value: Expr, scope: Scope, span: Span) -> Expr:
    """The catalogue's formula of an activation, at a row value."""
    argument = model.Reference(model.Type(model.REAL, value.type.shape), "a", span=span)
    return expressions.lower(placed(formula(networks.ACTIVATIONS[name], a=argument), span), scope.only({"a": value}))
