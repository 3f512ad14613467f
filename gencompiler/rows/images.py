"""Networks and linear maps over whole images, `[channels, rows, columns]`, as convolutions.

A row holds an image channel by channel; a convolution wants it place by place, so that the two are a transposition
apart.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gencompiler.diagnostics.span import Span
from gencompiler.model import convolutions
from gencompiler.model import nodes as model
from gencompiler.rows import networks
from gencompiler.rows.convolve import convolved
from gencompiler.rows.graph import Graph
from gencompiler.rows.nodes import Expr

if TYPE_CHECKING:
    from gencompiler.rows.expressions import Expressions, Scope


def turned(graph: Graph, value: Expr, rows: int, span: Span) -> Expr:
    """A vector that is a matrix of so many rows, column by column."""
    columns = value.type.shape[0] // rows
    return graph.permute(value, tuple(r * columns + c for c in range(columns) for r in range(rows)), span)


def output(expressions: Expressions, expr: model.NetworkOutput, scope: Scope) -> Expr:
    """One output of `conv`: its layers over all places at once."""
    network, graph, span = expressions.networks[expr.path], expressions.graph, expr.span
    value = graph.concat(tuple(expressions.lower(i, scope) for i in expr.inputs), span)
    value = turned(graph, value, sum(network.inputs), span)
    for number in range(len(network.hidden)):
        before = _layer(expressions, network, value, str(number), scope, span)
        value = graph.name(networks.activation(expressions, network.activation, before, scope, span), "hidden")
    name = (network.output_names or ("output",))[expr.output]
    found = _layer(expressions, network, value, name, scope, span)
    return turned(graph, found, math.prod(network.grid), span)


def _layer(expressions: Expressions, network: model.Network, value: Expr, name: str, scope: Scope, span: Span) -> Expr:
    side = convolutions.side(network, name)
    weight, bias = (
        networks.parameter(expressions, f"{network.path}.{name}.{part}", scope, span) for part in ("weight", "bias")
    )
    pads = ((side // 2, side // 2),) * 2
    return convolved(expressions.graph, value, weight, bias, network.grid, (side, side), 1, pads, span)


def product(graph: Graph, matrix: Expr, tensor: Expr, span: Span, *, first: bool) -> Expr:
    """`matrix @ tensor` along the first axis of a tensor, or (`first`: the tensor stands first) along its last one: a
    convolution whose box is one place."""
    size = matrix.type.shape[0 if first else 1]
    count = tensor.type.shape[0] // size
    weight = graph.matrix("transpose", matrix, span=span) if first else matrix
    value = tensor if first else turned(graph, tensor, size, span)
    found = convolved(graph, value, weight, None, (count,), (1,), 1, ((0, 0),), span)
    return found if first else turned(graph, found, count, span)
