"""Reverse-mode differentiation of row programs: gradients as values of the same graph.

The adjoint of a node v of value f is df/dv, for each row.  Nodes are visited from f backwards, and each passes its
adjoint on to its operands by the rule of its kind (Griewank & Walther, *Evaluating Derivatives*, SIAM 2008, chapter 3).
What comes out is ordinary graph: torch differentiates it again, and what f has computed already is shared.

Particles.  Of a row's scalar, adjoints are those of all its particles; where a row's value was spread, they are added
up.  Of a particle's scalar, each particle has adjoints of its own all the way back.
"""

from __future__ import annotations

from gencompiler.rows.analysis import constant
from gencompiler.rows.graph import Graph, parts_of
from gencompiler.rows.nodes import Expr
from gencompiler.rows.plans import LoopPlan
from gencompiler.rows.pullbacks import Pullbacks
from gencompiler.rows.rewrite import Substitution, operands_first
from gencompiler.rows.unsupported import NotLowered

#: Iterations of a loop that are written out, at most, to be differentiated.
MOST_ITERATIONS = 64


def gradient(graph: Graph, value: Expr, variable: Expr) -> Expr:
    """d value / d variable of a scalar, in the shape of `variable`; zero where `value` does not depend on it.

    Raises NotLowered where a node has no rule."""
    return pullback(graph, value, variable, graph.number(1, value.span))


def pullback(graph: Graph, value: Expr, variable: Expr, cotangent: Expr) -> Expr:
    """`cotangent` times the Jacobian d value / d variable, in the shape of `variable`.

    `cotangent` is a vector as long as `value`, or one number for all its elements."""
    value = _without_loops(graph, value, variable)
    order = _dependent(value, variable)
    rules = Pullbacks(graph, value.type.particles, {id(node) for node in order})
    rules.add(value, cotangent)
    for current in reversed(order):
        adjoint = rules.take(current)
        if current is variable:
            return rules.full(adjoint, variable.type.shape) if adjoint is not None else _zero(graph, variable)
        if adjoint is not None:
            rules.pull(current, adjoint)
    return _zero(graph, variable)


def _zero(graph: Graph, variable: Expr) -> Expr:
    zero = graph.number(0, variable.span)
    return graph.broadcast(zero, variable.type.shape[0], variable.span) if variable.type.shape else zero


def _dependent(value: Expr, variable: Expr) -> list[Expr]:
    """What `value` is computed from that depends on `variable`, operands first."""
    depends = {id(variable): True}
    order = [variable]
    for current in operands_first(value, parts_of):
        if current is not variable:
            depends[id(current)] = any(depends[id(part)] for part in parts_of(current))
            if depends[id(current)]:
                order.append(current)
    return order


# -- loops -----------------------------------------------------------------------------------------------------------


def _without_loops(graph: Graph, value: Expr, variable: Expr) -> Expr:
    """`value` with the loops that depend on `variable` written out."""
    while (plan := _loop_between(graph, value, variable)) is not None:
        value = Substitution(graph, _written_out(graph, plan))(value)
    return value


def _loop_between(graph: Graph, value: Expr, variable: Expr) -> LoopPlan | None:
    """A loop that `value` reads and that depends on `variable`."""
    for current in operands_first(value, parts_of):
        plan = graph.produced_by.get(id(current))
        if plan is not None and current is not variable and dependence(graph, current, variable):
            return plan
    return None


def _written_out(graph: Graph, plan: LoopPlan) -> dict[int, Expr]:
    """What the loop's results are, iteration after iteration."""
    count = constant(plan.count)
    if count is None or count > MOST_ITERATIONS:
        what = f"the gradient through a loop of more than {MOST_ITERATIONS} iterations, or of as many as it is told"
        raise NotLowered(plan.count, what)
    current = plan.initials
    index = graph.index_of(plan)
    for number in reversed(range(count)) if plan.reverse else range(count):
        places = {id(inside): now for inside, now in zip(plan.inside, current, strict=True)}
        places[id(index)] = graph.integer(number, plan.span)
        current = tuple(map(Substitution(graph, places), plan.nexts))
    return {id(after): now for after, now in zip(plan.after, current, strict=True)}


def dependence(graph: Graph, value: Expr, variable: Expr) -> bool:
    """Whether `value` depends on `variable`, through loops too."""
    return Substitution(graph, {id(variable): variable}).reaches(value)
