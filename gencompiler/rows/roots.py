"""The numeric inverse of a map: the argument at which a proven monotone function has a value.

    f(x) = y,   x = side * size,   side = -1, 0 or 1

The first point is 0, where it lies inside the interval: it says on which side the root is.  From there a bracket of its
size is halved: by its logarithm as long as one end is more than twice the other, so that a root of 1e-300 or of 1e300
is a dozen halvings away, whatever f is, and then by its length, down to neighbouring numbers.  Each iteration takes
Newton's step in log(size) where it stays inside the bracket and the last step left an eighth of the residual at most (a
power or an exponential leaves 1/e of it, from however far), else the middle of the bracket.  A row whose residual is 0,
that does not move, or that Newton's steps bring ever faster to rest, stays where it is, and the loop may end when all
rows do.  (Bracketed in the manner of Brent, Algorithms for Minimization Without Derivatives, 1973, chapter 4.)

Two Newton steps in x follow, with the gradient going through them: the first makes derivatives right (the implicit
function theorem), the second those of second and third order, and both remove the rounding of x(t).

Where a formula gives the root to a few digits less than f has, one Newton step in x from there removes what it rounds;
the gradient is that of the formula.

How well a root was found is not believed but measured: `rows.residuals`."""

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

#: Iterations of the loop, at most: 12 halvings of the logarithm, 52 of the length, and what Newton wastes.
ITERATIONS = 72
#: The reach of log(size): that of the smallest and of the largest double.  Where a size is infinite, as in float32 from
#: exp(89) on, so is f, or it is no number, and the bracket of the logarithm shrinks all the same.
SMALLEST, LARGEST = -744.0, 709.75
#: A row has arrived when Newton's step in log(size) is as short, and the last one left as little of the residual: two
#: more square the error twice.
SHORT, FAST = 2.0**-20, 2.0**-10


def root(expressions: Expressions, expr: model.Root, scope: Scope) -> Expr:
    """The value of a root in the graph of `expressions`."""
    graph, span = expressions.graph, expr.span
    if len(expr.type.shape) > 1:
        raise NotLowered(expr, "a numeric inverse of a tensor of several axes")
    target = _of_shape(graph, expressions.lower(expr.target, scope), expr)
    free = constant_in(graph, scope, span)

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
    step = graph.elementwise("divide", rest, slope, span=expr.span)
    return _usable(graph, step, found, expr.near is not None, expr.span)


def constant_in(graph: Graph, scope: Scope, span: Span) -> Scope:
    """The scope in which nothing has a gradient; whole numbers, such as an index, have none anyway."""
    names = {
        name: value if value.type.kind == "integer" else graph.elementwise("stop", value, span=span)
        for name, value in scope.names.items()
    }
    return dataclasses.replace(scope, names=names, stopped=True)


def _usable(graph: Graph, step: Expr, found: Expr, by_formula: bool, span: Span) -> Expr:
    """A Newton step, or none where it is no number or longer than what is left to mend: some digits of a formula, the
    last bits of what the loop found; a slope that is all rounding must not lead away from there."""
    size = graph.elementwise("abs", step, span=span)
    allowed = graph.elementwise("abs", found, span=span)
    if by_formula:
        allowed = graph.elementwise("add", allowed, graph.number(1, span), span=span)
    allowed = graph.elementwise(
        "multiply", allowed, graph.number(2.0**-8 if by_formula else 4 * SHORT, span), span=span
    )
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
        self.lower, self.upper = float(expr.lower), float(expr.upper)
        #: Whether 0 is inside, and so both sides of it are.
        self.split = self.lower < 0 < self.upper

    def run(self, target: Expr) -> Expr:
        """The x that is found for a target."""
        graph, span, op, number = self.graph, self.span, self._op, self._number
        near, far = (self.lower, self.upper) if self.upper > 0 else (self.upper, self.lower)
        starts = {
            "low": 0.0 if self.split else abs(near),
            "high": abs(far),
            "log_low": SMALLEST if self.split else _log(near, SMALLEST),
            "log_high": _log(far, LARGEST),
            "size": math.exp(self._first()),
            "log_size": self._first(),
            "side": 0.0 if self.split else math.copysign(1.0, self.lower + self.upper),
            "residual": math.inf,
            "moving": 1.0,
        }
        carried = {name: self._like(target, value) for name, value in starts.items()}
        count, depth = graph.integer(ITERATIONS, span), graph.depth[id(target)]
        plan = graph.loop("steps", "iteration", count, carried, span, depth=depth)
        at = _State(*plan.inside)
        x = op("multiply", at.side, at.size)
        value, slope = _with_slope(graph, self.body, x, span)
        rest = op("subtract", value, target)
        first, going = op("equal", at.side, number(0)), op("not_equal", rest, number(0))
        over, under = self._sides(rest)
        inner, outer = self._ends(at, over, under, first)
        step = op("divide", op("divide", rest, x), slope)
        newton = op("multiply", at.size, op("exp", op("negate", step)))
        newton = self._at_first(first, op("abs", op("divide", rest, slope)), newton)  # Newton's step from 0
        left = op("abs", rest)
        inside = op("and", op("greater", newton, inner[0]), op("less", newton, outer[0]))
        faster = op("less_equal", left, op("multiply", number(0.125), at.residual))
        chosen = op("and", inside, faster)
        short = op("less_equal", op("abs", step), number(SHORT))
        fast = op("less_equal", left, op("multiply", number(FAST), at.residual))
        arrived = op("and", short, op("and", fast, op("less", at.residual, number(math.inf))))
        kept = op("or", first, arrived) if self.split else arrived
        size, log_size = self._middle(inner, outer)
        size = graph.select(chosen, newton, graph.select(kept, at.size, size, span), span)
        log_size = graph.select(chosen, op("log", newton), graph.select(kept, at.log_size, log_size, span), span)
        stays = op("and", op("equal", size, at.size), op("equal", log_size, at.log_size))
        still = op("or", arrived, stays)
        still = op("and", still, op("not", first)) if self.split else still
        going = op("and", going, op("greater", at.moving, number(0)))
        side = graph.select(over, number(-1), number(1), span)
        nexts = _State(
            *(inner[0], outer[0], inner[1], outer[1]),
            graph.select(going, size, at.size, span),
            graph.select(going, log_size, at.log_size, span),
            graph.select(op("and", first, going), side, at.side, span) if self.split else at.side,
            graph.select(op("or", op("or", over, under), op("not", going)), left, number(math.inf), span),
            op("indicator", op("and", going, op("not", still))),
        )
        moving = graph.reduce("max", at.moving, span) if at.moving.type.shape else at.moving
        plan.done = op("less_equal", moving, number(0))
        found = _State(*graph.close(plan, tuple(vars(nexts).values())))
        return _within(graph, self.expr, op("multiply", found.side, found.size), span)

    def _sides(self, rest: Expr) -> tuple[Expr, Expr]:
        """Whether x is too far to the right, and whether too far to the left; neither where f is no number."""
        over, under = (self._op(name, rest, self._number(0)) for name in ("greater", "less"))
        return (over, under) if self.expr.increasing else (under, over)

    def _ends(self, at: _State, over: Expr, under: Expr, first: Expr) -> tuple[tuple[Expr, Expr], tuple[Expr, Expr]]:
        """The bracket once f is known at its point: the inner and the outer end, each with its logarithm."""
        graph, span, op = self.graph, self.span, self._op
        left = op("less", at.side, self._number(0))
        right = op("not", left)
        broken = op("not", op("or", over, under))
        out = op("greater", at.log_size, self._number(self._first()))  # no number: towards the middle
        beyond = op("or", op("or", op("and", over, right), op("and", under, left)), op("and", broken, out))
        before = op("or", op("or", op("and", under, right), op("and", over, left)), op("and", broken, op("not", out)))
        if self.split:
            before, beyond = (op("and", each, op("not", first)) for each in (before, beyond))
        inner = graph.select(before, at.size, at.low, span), graph.select(before, at.log_size, at.log_low, span)
        outer = graph.select(beyond, at.size, at.high, span), graph.select(beyond, at.log_size, at.log_high, span)
        if self.split and self.lower != -self.upper:
            far = graph.select(over, self._number(-self.lower), self._number(self.upper), span)
            left_log, right_log = (self._number(_log(end, LARGEST)) for end in (self.lower, self.upper))
            far_log = graph.select(over, left_log, right_log, span)
            outer = self._at_first(first, far, outer[0]), self._at_first(first, far_log, outer[1])
        return inner, outer

    def _at_first(self, first: Expr, then: Expr, otherwise: Expr) -> Expr:
        """What holds at the first point, where that is 0."""
        return self.graph.select(first, then, otherwise, self.span) if self.split else otherwise

    def _middle(self, inner: tuple[Expr, Expr], outer: tuple[Expr, Expr]) -> tuple[Expr, Expr]:
        """The middle of a bracket, by length where it is short, and its logarithm."""
        op, half = self._op, self._number(0.5)
        short = op("less_equal", outer[0], op("multiply", self._number(2), inner[0]))
        between = op("multiply", half, op("add", inner[1], outer[1]))
        middle = op("add", inner[0], op("multiply", half, op("subtract", outer[0], inner[0])))
        size = self.graph.select(short, middle, op("exp", between), self.span)
        return size, self.graph.select(short, op("log", middle), between, self.span)

    def _op(self, name: str, *arguments: Expr) -> Expr:
        return self.graph.elementwise(name, *arguments, span=self.span)

    def _number(self, value: float) -> Expr:
        return self.graph.number(value, self.span)

    def _like(self, target: Expr, value: float) -> Expr:
        """A number as a value of every row, of the shape of the target."""
        number = self._number(value)
        return self.graph.broadcast(number, target.type.shape[0], self.span) if target.type.shape else number

    def _first(self) -> float:
        """The logarithm of a size well inside: of the middle of an interval, of twice the end of a half-line."""
        if self.split:
            return min((0.0, *(math.log(abs(end)) - 1 for end in (self.lower, self.upper) if math.isfinite(end))))
        if math.isfinite(self.lower) and math.isfinite(self.upper):
            return math.log(abs(self.lower + self.upper) / 2)
        end = self.lower if math.isfinite(self.lower) else self.upper
        return math.log(2 * abs(end)) if end else 0.0


@dataclasses.dataclass(frozen=True)
class _State:
    """What the loop carries: the bracket of the size and its logarithm, a point in it, its side of 0, the residual at
    the point before, and 1 as long as the row moves."""

    low: Expr
    high: Expr
    log_low: Expr
    log_high: Expr
    size: Expr
    log_size: Expr
    side: Expr
    residual: Expr
    moving: Expr


def _log(end: float, otherwise: float) -> float:
    """log|end|, or `otherwise` where that is infinite."""
    return math.log(abs(end)) if math.isfinite(end) and end != 0 else otherwise
