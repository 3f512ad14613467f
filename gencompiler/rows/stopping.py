"""`stop(q)`: a distribution whose parameters are constants, while gradients flow through the values it is given.

The values are lowered with their parameters as usual, and `stop` is put around the largest parts that depend on
parameters and on no value with a gradient.  So an encoder that is needed both ways runs once: `z` is drawn from `m` and
`s`, and a stopped density reads `stop(m)` and `stop(s)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.node import children
from gencompiler.rows import nodes
from gencompiler.rows.graph import Graph
from gencompiler.rows.nodes import Expr
from gencompiler.rows.rewrite import Substitution, needed_by, operands_first, rebuilt


class Inseparable(Exception):
    """A loop computes from parameters and from values with gradients: its parameters have to be stopped inside."""


def parameters_stopped(graph: Graph, values: Mapping[str, Expr], lower: Callable[[Mapping[str, Expr]], Expr]) -> Expr:
    """`lower(values)` with its parameters as constants and `values` as they are; raises Inseparable.

    Values with a gradient are lowered by name and put in afterwards: `log(z)` of a z = exp(u) is no u, which `stop`
    would take for a parameter's."""
    stopping = _Stopping(graph)
    names = {
        name: graph.placeholder(value, value.span) if stopping.carries(value) else value
        for name, value in values.items()
    }
    places = {id(names[name]): value for name, value in values.items() if names[name] is not value}
    stopping.values = frozenset(places)
    return Substitution(graph, places)(stopping.stopped(lower(names)))


class _Stopping:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.carrying: dict[int, bool] = {}
        self.values: frozenset[int] = frozenset()
        self.touching: dict[int, bool] = {}
        self.done: dict[int, Expr] = {}

    def carries(self, expr: Expr) -> bool:
        """Whether a gradient can flow through `expr` to a parameter."""
        known = self.carrying
        for each in operands_first(expr, lambda e: [] if id(e) in known else needed_by(self.graph, e)):
            own = isinstance(each, nodes.ParameterRead | nodes.ExternalCall)
            known[id(each)] = own or any(known[id(part)] for part in self._differentiated(each))
        return known[id(expr)]

    def _differentiated(self, expr: Expr) -> list[Expr]:
        """The parts that a gradient passes on to."""
        if _is_flat(expr):
            return []
        return [expr.then, expr.otherwise] if isinstance(expr, nodes.Select) else needed_by(self.graph, expr)

    def touches(self, expr: Expr) -> bool:
        """Whether `expr` is computed from a value with a gradient."""
        known = self.touching
        for each in operands_first(expr, lambda e: [] if id(e) in known else needed_by(self.graph, e)):
            own = id(each) in self.values
            known[id(each)] = own or any(known[id(part)] for part in needed_by(self.graph, each))
        return known[id(expr)]

    def stopped(self, expr: Expr) -> Expr:
        for each in operands_first(expr, self._followed):
            self.done.setdefault(id(each), self._changed(each))
        return self.done[id(expr)]

    def _followed(self, expr: Expr) -> list[Expr]:
        """The parts in which something is stopped, rather than in `expr` as a whole."""
        if id(expr) in self.values or id(expr) in self.done or not self.carries(expr):
            return []
        inside = self.touches(expr) or isinstance(expr, nodes.Spread)  # stopped before it is repeated
        return [part for part in children(expr) if isinstance(part, Expr)] if inside else []

    def _changed(self, expr: Expr) -> Expr:
        if id(expr) in self.values or not self.carries(expr):
            return expr
        if not self._followed(expr):
            return self.graph.elementwise("stop", expr, span=expr.span)
        if id(expr) in self.graph.produced_by:
            raise Inseparable
        found = rebuilt(self.graph, expr, lambda part: self.done[id(part)])
        if id(expr) in self.graph.hints:
            self.graph.name(found, self.graph.hints[id(expr)])
        return found


def _is_flat(expr: Expr) -> bool:
    """Whether `expr` is constant wherever it is differentiable: a comparison, a rounding, a stop."""
    if not isinstance(expr, nodes.Elementwise):
        return False
    return FUNCTIONS[expr.function].is_flat
