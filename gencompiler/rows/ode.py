"""A continuous flow and its log|det|: d log|det| / dt = div v along the way (Chen et al., NeurIPS 2018, theorem 1)."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from gencompiler.model import flows
from gencompiler.model import nodes as model
from gencompiler.rows.expressions import Expressions, Scope
from gencompiler.rows.nodes import Expr
from gencompiler.rows.solvers import Motion, Way, adaptive, fixed_step, signs, wide_like
from gencompiler.rows.tangent import divergence


@dataclasses.dataclass(frozen=True)
class Passage:
    """What goes through a flow, by what name, in which iteration of the repetitions around (`scope`, of so many loops),
    whether from its end to its beginning, and the stream of its probe."""

    value: Expr
    name: str
    scope: Scope
    depth: int
    undone: bool
    probe: int


def passed(expressions: Expressions, stage: model.UseOde, passage: Passage) -> tuple[Expr, Expr]:
    """The other end of a flow, and log|det| of the flow as written along that path."""
    value, undone = passage.value, passage.undone
    graph, span = expressions.graph, stage.span
    how = flows.solving(expressions.derived.model, stage)
    function = expressions.functions[stage.function]
    state_name, time_name = (i.name for i in function.inputs)
    probe = None if how.exact or not stage.shape else signs(graph, passage.probe, stage.shape, span)

    def slopes(state: Expr, time: Expr) -> tuple[Expr, ...]:
        found = expressions.lower(function.body, passage.scope.only({state_name: state, time_name: time}))
        moved = graph.name(wide_like(graph, found, state), "velocity")
        spread = divergence(expressions, moved, state, probe)
        return moved, graph.elementwise("negate", spread, span=span) if undone else spread

    carried = {passage.name: value, "log_abs_det": graph.number(0, span)}
    motion = Motion(graph, slopes, undone, span, depth=passage.depth)
    if how.solver.adaptive:
        ends = (Fraction(1), Fraction(0)) if undone else (Fraction(0), Fraction(1))
        end, log_det = adaptive(motion, how.solver, carried, Way(*ends, how.tolerance, how.steps))
        return end, log_det
    assert how.solver.tableau is not None
    plan = graph.loop("time", "k", graph.integer(how.steps, span), carried, span, depth=passage.depth)
    length = graph.number(1 / how.steps, span)
    before = graph.elementwise("multiply", length, graph.index_of(plan), span=span)
    time = graph.elementwise("subtract", graph.number(1, span), before, span=span) if undone else before
    time = graph.name(time, time_name)
    end, log_det = graph.close(plan, fixed_step(motion, how.solver.tableau, plan.inside, time, length))
    return end, log_det
