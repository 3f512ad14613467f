"""A draw of one of K values by inversion: how many of the cumulative probabilities lie at or below one uniform number.

Devroye, Non-Uniform Random Variate Generation, 1986, section III.2.1.  The last cumulative probability, which is 1 up
to rounding, is left out, so that every draw is one of 0, …, K - 1.
"""

from __future__ import annotations

from gencompiler.diagnostics.span import Span
from gencompiler.rows.graph import Graph
from gencompiler.rows.nodes import Expr


def inverted(graph: Graph, masses: Expr, uniform: Expr, span: Span) -> Expr:
    """The number of places k < K - 1 with masses[0] + … + masses[k] <= uniform, place by place."""
    graph.name(masses, "masses")
    graph.name(uniform, "noise")
    zero = graph.number(0, span)
    depth = max(graph.depth[id(masses)], graph.depth[id(uniform)])
    count = graph.integer(masses.type.shape[0] - 1, span)
    plan = graph.loop("dimensions", "k", count, {"cumulative": zero, "drawn": zero}, span, depth=depth)
    cumulative, drawn = plan.inside
    total = graph.elementwise("add", cumulative, graph.column(masses, graph.index_of(plan), span), span=span)
    below = graph.elementwise("indicator", graph.elementwise("less_equal", total, uniform, span=span), span=span)
    nexts = (total, graph.elementwise("add", drawn, below, span=span))
    return graph.close(plan, nexts)[1]
