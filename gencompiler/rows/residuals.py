"""How well the numeric side of a pipeline was solved, as a program of its own.

Where a map has no inverse in closed form, a root or a fixed point is computed, and nobody believes it: with u found for
a value y, the program evaluates the maps as written at u, each with its running rounding errors (`rows.rounding`), and
gives

    residual = |f(u) - y|        roundings: what of it rounding explains, in eps

which is 4 units of each map's value, as an inverse may leave them, what computing the maps rounds, and what changes
where u, a number that is rounded too, is one unit off.  A row with residual <= eps * roundings has converged.
"""

from __future__ import annotations

import dataclasses

from gencompiler.derive.nodes import Derived
from gencompiler.model import nodes as model
from gencompiler.node import walk
from gencompiler.rows import angles, nodes
from gencompiler.rows.analysis import inverse_order
from gencompiler.rows.equations import Flow, ends_of
from gencompiler.rows.expressions import Passed, Scope
from gencompiler.rows.graph import Graph
from gencompiler.rows.nodes import Expr
from gencompiler.rows.pipeline import Pipeline, extents, opened
from gencompiler.rows.programs import Draft, streams_of
from gencompiler.rows.rounding import Rounding
from gencompiler.rows.unsupported import NotLowered

#: Units in the last place that an inverse may leave beside what the map itself rounds.
LEFT = 4.0


def is_solved(derived: Derived, flow: Flow, *, inverted: bool) -> bool:
    """Whether the inverse (or else the forward direction) of a pipeline solves an equation numerically."""
    against = inverted == flow.generates
    for stage in walk(flow.link):
        if isinstance(stage, model.UseMap) and isinstance(stage, model.UseInverse) != against:
            inverse = derived.inverses.get(stage.map)
            if inverse is not None and any(_is_equation(part) for part in walk(inverse.body)):
                return True
    return False


def _is_equation(part: object) -> bool:
    return isinstance(part, model.FixedPoint | model.Solution) or (isinstance(part, model.Root) and part.near is None)


def residual(derived: Derived, flow: Flow, solving: nodes.Program, *, inverted: bool) -> nodes.Program | None:
    """The program that measures what `solving`, the inverse or the forward direction of a pipeline, has found.

    Its inputs are what was found, and then those of `solving`.  None where a stage has no rule for its rounding."""
    found, sought = (flow.bases[0], flow.data) if inverted else (flow.data, flow.bases[0])
    title = f"how far the map of {found} is from {sought}, and how many eps of that rounding explains"
    draft = Draft(derived, f"{solving.name}_residual", title)
    variables = {v.name: v for v in derived.model.variables}
    values = {each.name: draft.input(variables[each.name], real=True) for each in solving.inputs}
    at = draft.input(variables[found], real=True)
    graph, span = draft.graph, flow.link.span
    start = graph.elementwise("abs", at, span=span)
    others = Scope({name: value for name, value in values.items() if name != sought})
    streams = streams_of(derived.model)
    pipeline = Pipeline(draft.expressions, ends_of(flow.link), streams)
    try:
        value, error = _Rounded(pipeline).passed(
            flow.link.stages, (at, start), others, undone=inverted != flow.generates
        )
    except NotLowered:
        return None
    apart = graph.elementwise("subtract", value, values[sought], span=span)
    if variables[sought].type.support.name == "Angle":  # the short way around
        apart = angles.wound(graph, apart, span)
    off = graph.elementwise("abs", apart, span=span)
    program = draft.program({"residual": off, "roundings": error}, real=True)
    own = {each.name: each for each in program.inputs}
    ordered = (own[found], *(own[each.name] for each in solving.inputs))
    return dataclasses.replace(program, inputs=ordered)


@dataclasses.dataclass(frozen=True)
class _Rounded:
    """Stages applied to a value beside which goes a bound of its error, in eps."""

    pipeline: Pipeline

    @property
    def graph(self) -> Graph:
        return self.pipeline.graph

    def passed(
        self, stages: tuple[model.Stage, ...], at: tuple[Expr, Expr], scope: Scope, depth: int = 0, *, undone: bool
    ) -> tuple[Expr, Expr]:
        """The value after the stages (before them, where they are undone) and the bound of its error."""
        for stage in reversed(stages) if undone else stages:
            at = self._one(stage, at, scope, depth, undone=undone)
        return at

    def _one(
        self, stage: model.Stage, at: tuple[Expr, Expr], scope: Scope, depth: int, *, undone: bool
    ) -> tuple[Expr, Expr]:
        graph, span = self.graph, stage.span
        match stage:
            case model.Repeat():
                return self._loop(stage, at, scope, depth, undone=undone)
            case model.Rearrange(order=order):
                order = inverse_order(order) if undone else order
                return graph.permute(at[0], order, span), graph.permute(at[1], order, span)
            case model.Parts():
                return self._parts(stage, at, scope, depth, undone=undone)
            case model.UseMap():
                value = self.pipeline.through(
                    stage, Passed(at[0], graph.number(0, span)), scope, backwards=undone
                ).value
                error = Rounding(graph, {id(at[0]): at[1]}).full(value)
                left = graph.elementwise("abs", value, span=span)
                left = graph.elementwise("multiply", graph.number(LEFT, span), left, span=span)
                return value, graph.elementwise("add", error, left, span=span)
        raise NotLowered(stage, "the rounding of this stage")

    def _loop(
        self, stage: model.Repeat, at: tuple[Expr, Expr], scope: Scope, depth: int, *, undone: bool
    ) -> tuple[Expr, Expr]:
        carried = {"value": at[0], "error": at[1]}
        plan, inside = opened(self.graph, stage, carried, scope, depth, reverse=undone)
        start = (plan.inside[0], plan.inside[1])
        value, error = self.graph.close(plan, self.passed(stage.stages, start, inside, depth + 1, undone=undone))
        return value, error

    def _parts(
        self, stage: model.Parts, at: tuple[Expr, Expr], scope: Scope, depth: int, *, undone: bool
    ) -> tuple[Expr, Expr]:
        graph, span = self.graph, stage.span
        values, errors = [], []
        for part, start, stop in extents(stage, at[0]):
            cut = graph.slice(at[0], start, stop, span), graph.slice(at[1], start, stop, span)
            value, error = self.passed(part.stages, cut, scope, depth, undone=undone)
            values.append(value)
            errors.append(error)
        return graph.concat(tuple(values), span), graph.concat(tuple(errors), span)
