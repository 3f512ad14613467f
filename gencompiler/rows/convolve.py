"""Convolutions as row expressions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gencompiler.diagnostics.span import Span
from gencompiler.rows import nodes, particles
from gencompiler.rows.nodes import Expr
from gencompiler.rows.particles import together

if TYPE_CHECKING:
    from gencompiler.rows.graph import Graph


def convolved(
    graph: Graph,
    value: Expr,
    weight: Expr,
    bias: Expr | None,
    grid: tuple[int, ...],
    kernel: tuple[int, ...],
    dilation: int,
    pads: tuple[tuple[int, int], ...],
    span: Span,
) -> Expr:
    """The node `Convolve`, which says what these are."""
    if bias is not None:
        value, bias = particles.meet(graph.intern, (value, bias))
    found = nodes.Convolve(value.type, value, weight, bias, grid, kernel, dilation, pads, span=span)
    size = math.prod(found.result_grid) * weight.type.shape[0]
    type_ = together((value,) if bias is None else (value, bias), (size,))
    return graph.intern(nodes.Convolve(type_, value, weight, bias, grid, kernel, dilation, pads, span=span))
