"""Angles as numbers: what a map of the circle gives counts modulo 2 pi, and is kept as a number of [-pi, pi)."""

from __future__ import annotations

import math

from gencompiler.diagnostics.span import Span
from gencompiler.rows.graph import Graph
from gencompiler.rows.nodes import Expr


def wound(graph: Graph, value: Expr, span: Span) -> Expr:
    """The angle `value` as a number of [-pi, pi): y - 2 pi floor(y / 2 pi + 1 / 2)."""
    turn = graph.number(2 * math.pi, span)
    turns = graph.elementwise("divide", value, turn, span=span)
    whole = graph.elementwise("floor", graph.elementwise("add", turns, graph.number(0.5, span), span=span), span=span)
    moved = graph.elementwise("subtract", value, graph.elementwise("multiply", turn, whole, span=span), span=span)
    return kept(graph, moved, span)


def kept(graph: Graph, value: Expr, span: Span) -> Expr:
    """A number that is in [-pi, pi) up to rounding, and then is: pi itself is -pi."""
    pi = graph.number(math.pi, span)
    start = graph.number(-math.pi, span)
    below = graph.elementwise("less", value, pi, span=span)
    return graph.select(below, graph.elementwise("max", value, start, span=span), start, span)
