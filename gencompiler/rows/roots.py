"""The numeric inverse of a map: the argument at which a proven monotone function has a value.

    f(x(t)) = y,   x(t) = sinh(t), a + exp(t), b - exp(t) or a + (b - a) sigmoid(t)

on a line, a half-line or an interval: in t every root is within reach of a few dozen halvings.  Each iteration takes
Newton's step where it stays inside the bracket and the last step left an eighth of the residual at most (in t a power
or an exponential leaves 1/e of it, from however far), else the middle of the bracket; a row whose residual is 0, or
whose bracket cannot shrink, stays where it is.  The number of iterations is fixed, so that the loop is one of every
back end.

Two Newton steps in x follow, with the gradient going through them: the first makes derivatives right (the implicit
function theorem), the second those of second and third order, and both remove the rounding of x(t).

Where a formula gives the root to a few digits less than f has, one Newton step in x from there removes what it rounds;
the gradient is that of the formula."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes as model
from gencompiler.rows.adjoint import gradient
from gencompiler.rows.graph import Graph
from gencompiler.rows.nodes import Expr
from gencompiler.rows.unsupported import NotLowered

if TYPE_CHECKING:
    from gencompiler.rows.expressions import Expressions, Scope

#: Iterations of the loop, and the reach of t: exp(88) is near the largest float32.
ITERATIONS, REACH = 48, 87.0


def root(expressions: Expressions, expr: model.Root, scope: Scope) -> Expr:
    """The value of a root in the graph of `expressions`."""
    graph, span = expressions.graph, expr.span
    if len(expr.type.shape) > 1:
        raise NotLowered(expr, "a numeric inverse of a tensor of several axes")
    target = _of_shape(graph, expressions.lower(expr.target, scope), expr)
    free = _constant_in(graph, scope, span)

    def body(at: Expr, inside: Scope) -> Expr:
        return _of_shape(graph, expressions.lower(expr.body, inside.bind({expr.name: at})), expr)

    if expr.near is not None:
        near = _of_shape(graph, expressions.lower(expr.near, scope), expr)
        start, goal = (graph.elementwise("stop", value, span=span) for value in (near, target))
        step = _inside(graph, expr, start, _step(graph, expr, lambda at: body(at, free), start, goal))
        return graph.name(graph.elementwise("subtract", near, step, span=span), "root")
    found = _Loop(graph, expr, lambda at: body(at, free), span).run(graph.elementwise("stop", target, span=span))
    found = graph.elementwise("stop", found, span=span)
    for _ in range(2):
        step = _step(graph, expr, lambda at: body(at, scope), found, target)
        found = _within(graph, expr, graph.elementwise("subtract", found, step, span=span), span)
    return graph.name(found, "root")


def _of_shape(graph: Graph, value: Expr, expr: model.Root) -> Expr:
    """`value` with the root's shape."""
    if not expr.type.shape or value.type.shape:
        return value
    return graph.broadcast(value, expr.type.shape[0], expr.span)


def _step(graph: Graph, expr: model.Root, body: Callable[[Expr], Expr], found: Expr, target: Expr) -> Expr:
    """Newton's step from `found`."""
    value, slope = _with_slope(graph, body, found, expr.span)
    rest = graph.elementwise("subtract", value, target, span=expr.span)
    return _usable(graph, graph.elementwise("divide", rest, slope, span=expr.span), found, expr.span)


def _constant_in(graph: Graph, scope: Scope, span: Span) -> Scope:
    """The scope in which nothing has a gradient; whole numbers, such as an index, have none anyway."""
    names = {
        name: value if value.type.kind == "integer" else graph.elementwise("stop", value, span=span)
        for name, value in scope.names.items()
    }
    return dataclasses.replace(scope, names=names, stopped=True)


def _usable(graph: Graph, step: Expr, found: Expr, span: Span) -> Expr:
    """A Newton step, or none where it is no number or longer than rounding can be."""
    size = graph.elementwise("abs", step, span=span)
    allowed = graph.elementwise("add", graph.elementwise("abs", found, span=span), graph.number(1, span), span=span)
    allowed = graph.elementwise("multiply", allowed, graph.number(2.0**-8, span), span=span)
    small = graph.elementwise("less_equal", size, allowed, span=span)
    return graph.select(small, step, graph.number(0, span), span)


def _within(graph: Graph, expr: model.Root, value: Expr, span: Span) -> Expr:
    """`value` between the ends."""
    if math.isfinite(expr.lower):
        value = graph.elementwise("max", value, graph.number(float(expr.lower), span), span=span)
    if math.isfinite(expr.upper):
        value = graph.elementwise("min", value, graph.number(float(expr.upper), span), span=span)
    return value


def _inside(graph: Graph, expr: model.Root, start: Expr, step: Expr) -> Expr:
    """A step, or none where it does not end between the ends: a function need not be defined there."""
    after = graph.elementwise("subtract", start, step, span=expr.span)
    for name, end in (("greater", expr.lower), ("less", expr.upper)):
        if math.isfinite(end):
            within = graph.elementwise(name, after, graph.number(float(end), expr.span), span=expr.span)
            step = graph.select(within, step, graph.number(0, expr.span), expr.span)
    return step


def _with_slope(graph: Graph, body: Callable[[Expr], Expr], at: Expr, span: Span) -> tuple[Expr, Expr]:
    """A function's value and slope at a point, element by element."""
    place = graph.placeholder(at, span)
    value = body(place)
    slope = gradient(graph, graph.total(value, span), place)
    return graph.substitute(value, place, at), graph.substitute(slope, place, at)


class _Loop:
    """The bracketed iteration in t, of one root."""

    def __init__(self, graph: Graph, expr: model.Root, body: Callable[[Expr], Expr], span: Span) -> None:
        self.graph = graph
        self.expr = expr
        self.body = body
        self.span = span

    def run(self, target: Expr) -> Expr:
        """The x that is found for a target."""
        graph, span = self.graph, self.span
        first = self._like(target, 0.0)
        start = {
            "low": self._like(target, -REACH),
            "high": self._like(target, REACH),
            "t": first,
            "residual": self._like(target, math.inf),
        }
        plan = graph.loop(
            "steps", "iteration", graph.integer(ITERATIONS, span), start, span, depth=graph.depth[id(target)]
        )
        low, high, t, before = plan.inside
        x = self._x(t)
        value, slope = _with_slope(graph, self.body, x, span)
        rest = self._op("subtract", value, target)
        if not self.expr.increasing:
            rest, slope = self._op("negate", rest), self._op("negate", slope)
        over = self._op("greater", rest, self._number(0))
        under = self._op("less", rest, self._number(0))
        done = self._op("equal", rest, self._number(0))
        known = self._op("or", self._op("or", over, under), done)
        broken = self._op("not", known)  # no number, too far out: towards the middle
        out = self._op("greater", t, self._number(0))
        high = graph.select(self._op("or", over, self._op("and", broken, out)), t, high, span)
        low = graph.select(self._op("or", under, self._op("and", broken, self._op("not", out))), t, low, span)
        size = self._op("abs", rest)
        newton = self._op("subtract", t, self._op("divide", rest, self._op("multiply", slope, self._speed(t, x))))
        inside = self._op("and", self._op("greater", newton, low), self._op("less", newton, high))
        faster = self._op("less_equal", size, self._op("multiply", self._number(0.125), before))
        middle = self._op("multiply", self._number(0.5), self._op("add", low, high))
        moved = graph.select(self._op("and", inside, faster), newton, middle, span)
        after = graph.select(done, t, moved, span)
        kept = graph.select(broken, self._like(target, math.inf), size, span)
        return self._x(graph.close(plan, (low, high, after, kept))[2])

    def _op(self, name: str, *arguments: Expr) -> Expr:
        return self.graph.elementwise(name, *arguments, span=self.span)

    def _number(self, value: float) -> Expr:
        return self.graph.number(value, self.span)

    def _like(self, target: Expr, value: float) -> Expr:
        """A number as a value of every row, of the shape of the target."""
        number = self._number(value)
        return self.graph.broadcast(number, target.type.shape[0], self.span) if target.type.shape else number

    def _ends(self) -> tuple[float, float]:
        return float(self.expr.lower), float(self.expr.upper)

    def _x(self, t: Expr) -> Expr:
        low, high = self._ends()
        if math.isinf(low) and math.isinf(high):
            return self._op("sinh", t)
        if math.isinf(high):
            return self._op("add", self._number(low), self._op("exp", t))
        if math.isinf(low):
            return self._op("subtract", self._number(high), self._op("exp", self._op("negate", t)))
        width = self._op("multiply", self._number(high - low), self._op("sigmoid", t))
        return self._op("add", self._number(low), width)

    def _speed(self, t: Expr, x: Expr) -> Expr:
        """dx / dt > 0"""
        low, high = self._ends()
        if math.isinf(low) and math.isinf(high):
            return self._op("cosh", t)
        if math.isinf(high):
            return self._op("exp", t)
        if math.isinf(low):
            return self._op("exp", self._op("negate", t))
        rising, falling = self._op("sigmoid", t), self._op("sigmoid", self._op("negate", t))
        return self._op("multiply", self._number(high - low), self._op("multiply", rising, falling))
