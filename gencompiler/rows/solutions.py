"""The numeric inverse of a map of a vector: the point at which a proven bijection has a value.

    F(x) = y,    d = -(F'(x) + λ 1)^-1 (F(x) - y),    x' = x + t d

Every norm of the residual falls along Newton's step at first, by itself in a unit of t.  A continuous bijection of R^D
is proper (its inverse is continuous, by invariance of domain): the points where the residual is no larger than at the
start are a compact set, and where F' is not singular there damped steps end at the one solution (Deuflhard, Newton
methods for nonlinear problems, 2004, chapter 3).  Where F' is singular, as that of u^3 at 0, a small λ keeps the step
finite (Li, Fukushima, Qi & Yamashita, Regularized Newton methods for convex minimization problems with singular
solutions, 2004).

A step is taken where the residual has fallen, or, in the first iterations, the next step with the same F' would be
shorter: Deuflhard's natural test (section 3.3), for which it does not matter how large the entries of F are beside
each other.  A step is as long as the last ones have shown to be of use: shorter after one that was not taken, much
shorter after one that ended where F is no number, and longer again after one that was.  Each iteration evaluates F and
its derivatives at one point.  A row whose residual is within a unit of y, or whose step is too short to move it,
stays where it is; the loop may end when all rows do.

Two Newton steps follow, with the gradient going through them, for the reasons that `rows.roots` states.  How well a row
was solved is not believed but measured: `rows.residuals`."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes as model
from gencompiler.node import walk
from gencompiler.rows.adjoint import gradient
from gencompiler.rows.graph import Graph
from gencompiler.rows.nodes import Expr
from gencompiler.rows.roots import constant_in

if TYPE_CHECKING:
    from gencompiler.rows.expressions import Expressions, Scope

#: Iterations of the loop, at most; a usual row takes five to ten.
ITERATIONS = 160
#: In so many of them the natural test may do; it alone could lead around in a circle.
NATURAL = 80
#: λ, in units of the largest element of a row of F'.
REGULAR = 2.0**-24
#: By how much of its length a step is cut that did not help, and one that ended where F is no number.
CUT, OUT = 0.25, 2.0**-8
#: How much longer than the last step the next may be.
GROWTH = 8.0
#: How much of what a step promises the residual has to fall.
ENOUGH = 0.25
#: A share of a step that is so small promises less than float32 may see: then not to grow is enough.
UNSEEN = 2.0**-18
#: A last step is taken where it is at most so long, in units of the point (of 1, where that is shorter).
SHORT = 2.0**-10


def solution(expressions: Expressions, expr: model.Solution, scope: Scope) -> Expr:
    """The solution of the equations in the graph of `expressions`."""
    graph, span = expressions.graph, expr.span
    free = constant_in(graph, scope, span)
    target = expressions.lower(expr.target, scope)
    seen = [scope.names[n.name] for n in walk(expr) if isinstance(n, model.Reference) and n.name in scope.names]
    depth = max(graph.depth[id(value)] for value in (*seen, target, *scope.iteration))
    search = _Search(expressions, expr, free, graph.elementwise("stop", target, span=span))
    found = graph.elementwise("stop", search.run(depth), span=span)
    refined = _Search(expressions, expr, scope, target)
    for _ in range(2):
        found = refined.refined(found)
    return graph.name(found, "solution")


@dataclasses.dataclass(frozen=True)
class _Search:
    """The search for one solution, in a scope."""

    expressions: Expressions
    expr: model.Solution
    scope: Scope
    target: Expr

    @property
    def graph(self) -> Graph:
        return self.expressions.graph

    @property
    def span(self) -> Span:
        return self.expr.span

    def run(self, depth: int) -> Expr:
        """The point that is found, in a loop."""
        graph, op, number = self.graph, self._op, self._number
        apart = op("add", number(1), op("abs", self.target))
        start = op("divide", self.target, apart)
        starts = {
            "point": start,
            "step": op("multiply", number(0), start),
            "slopes": graph.broadcast(number(0), start.type.shape[0] ** 2, self.span),
            "residual": number(math.inf),
            "reach": number(math.inf),
            "moving": number(1),
        }
        plan = graph.loop("steps", "iteration", graph.integer(ITERATIONS, self.span), starts, self.span, depth=depth)
        point, step, slopes, before, reach, moving = plan.inside
        length = self._size(step)
        share = op("min", number(1), op("divide", reach, length))
        share = graph.select(op("less_equal", length, reach), number(1), share, self.span)
        moved = op("multiply", share, step)
        trial = graph.name(op("add", point, moved), "trial")
        rest, jacobian, newton = self._newton(trial, regular=True)
        size = self._size(rest)
        promised = op("subtract", number(1), op("multiply", number(ENOUGH), share))
        fallen = op("less", size, self._finite_or(before, op("multiply", before, promised)))
        again = self._size(graph.linear_solution(slopes, rest, self.span))
        early = op("less", graph.index_of(plan), graph.integer(NATURAL, self.span))
        shorter = op("less", again, op("multiply", length, promised))
        unseen = op("and", op("less", share, number(UNSEEN)), op("less_equal", again, length))
        shorter = op("and", early, op("or", shorter, unseen))
        better = graph.name(op("or", fallen, shorter), "better")
        going = op("greater", moving, number(0))
        taken = graph.name(op("and", going, better), "taken")
        within = self._all(op("equal", op("add", self.target, op("multiply", number(0.25), rest)), self.target))
        unmoved = op("and", self._all(op("equal", trial, point)), op("not", self._unbounded(before)))
        cut = graph.select(op("less", size, number(math.inf)), number(CUT), number(OUT), self.span)
        tried = op("multiply", share, length)
        longer = op("max", reach, op("multiply", number(GROWTH), tried))
        ended = op("or", op("and", better, within), op("and", op("not", better), unmoved))
        plan.done = op("less_equal", moving, number(0))
        found = graph.close(
            plan,
            (
                graph.select(taken, trial, point, self.span),
                graph.select(taken, newton, step, self.span),
                graph.select(taken, jacobian, slopes, self.span),
                graph.select(taken, size, before, self.span),
                graph.select(better, longer, op("multiply", cut, tried), self.span),
                op("indicator", op("and", going, op("not", ended))),
            ),
        )
        return found[0]

    def refined(self, at: Expr) -> Expr:
        """The point after one more Newton step, where that is short: it removes rounding, and must not lead away."""
        graph, op, number = self.graph, self._op, self._number
        *_, step = self._newton(at, regular=False)
        allowed = op("multiply", number(SHORT), op("add", number(1), self._size(at)))
        short = op("less_equal", self._size(step), allowed)
        return op("add", at, graph.select(short, step, number(0), self.span))

    def _newton(self, at: Expr, *, regular: bool) -> tuple[Expr, Expr, Expr]:
        """The residual at a point, the Jacobian there, and Newton's step."""
        graph, span, size = self.graph, self.span, self.expr.type.shape[0]
        place = graph.placeholder(at, span)
        value = self.expressions.lower(self.expr.body, self.scope.bind({self.expr.name: place}))
        rows = [gradient(graph, graph.column(value, graph.integer(k, span), span), place) for k in range(size)]
        if regular:
            rows = [self._regular(row, k) for k, row in enumerate(rows)]
        entries = graph.name(graph.concat(tuple(rows), span), "jacobian")
        rest = graph.name(self._op("subtract", value, self.target), "rest")
        step = graph.linear_solution(entries, self._op("negate", rest), span)
        rest, entries, step = (graph.substitute(each, place, at) for each in (rest, entries, step))
        return rest, entries, step

    def _regular(self, row: Expr, place: int) -> Expr:
        """A row of the Jacobian with λ added to its element on the diagonal: of a row of zeros, 1."""
        largest = self._size(row)
        nothing = self._op("equal", largest, self._number(0))
        least = self._op("multiply", self._number(REGULAR), largest)
        share = self.graph.select(nothing, self._number(1), least, self.span)
        unit = self.graph.concat(tuple(self._number(float(k == place)) for k in range(row.type.shape[0])), self.span)
        return self._op("add", row, self._op("multiply", share, unit))

    def _size(self, value: Expr) -> Expr:
        """The largest element, without its sign."""
        return self.graph.reduce("max", self._op("abs", value), self.span)

    def _all(self, holds: Expr) -> Expr:
        """Whether something holds of all elements."""
        least = self.graph.reduce("min", self._op("indicator", holds), self.span)
        return self._op("greater", least, self._number(0))

    def _unbounded(self, value: Expr) -> Expr:
        return self._op("equal", value, self._number(math.inf))

    def _finite_or(self, before: Expr, promised: Expr) -> Expr:
        """What is promised, except at the start, where nothing was known."""
        return self.graph.select(self._unbounded(before), before, promised, self.span)

    def _op(self, name: str, *arguments: Expr) -> Expr:
        return self.graph.elementwise(name, *arguments, span=self.span)

    def _number(self, value: float) -> Expr:
        return self.graph.number(value, self.span)
