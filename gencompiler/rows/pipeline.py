"""Pipelines of maps in either direction: the state is a vector, a `repeat` is a loop over layers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes as model
from gencompiler.node import walk
from gencompiler.rows import angles, jacobians, nodes, ode, places
from gencompiler.rows.analysis import inverse_order
from gencompiler.rows.expressions import Expressions, NotLowered, Passed, Scope
from gencompiler.rows.graph import Graph, LoopPlan
from gencompiler.rows.nodes import Expr


class Pipeline:
    """Applies stages of one model, forward as written or inverted."""

    def __init__(self, expressions: Expressions, names: tuple[str, str], streams: dict[str, int]) -> None:
        self.expressions = expressions
        self.graph = expressions.graph
        self.source_name, self.target_name = names
        self.streams = streams
        model_ = expressions.derived.model
        self.maps = {m.name: m for m in model_.maps}
        self.surjections = {s.name: s for s in model_.surjections}

    def forward(self, stages: tuple[model.Stage, ...], at: Passed, scope: Scope, depth: int = 0) -> Passed:
        """From the pipeline's source to its target."""
        for stage in stages:
            at = self._forward_one(stage, at, scope, depth)
        return at

    def backward(self, stages: tuple[model.Stage, ...], at: Passed, scope: Scope, depth: int = 0) -> Passed:
        """From the pipeline's target to its source; the log|det|s stay those of the maps as written."""
        for stage in reversed(stages):
            at = self._backward_one(stage, at, scope, depth)
        return at

    # -- forward -----------------------------------------------------------------------------------------------------

    def _forward_one(self, stage: model.Stage, at: Passed, scope: Scope, depth: int) -> Passed:
        if isinstance(stage, model.Repeat):
            return self._loop(stage, at, scope, depth, reverse=False)
        if isinstance(stage, model.Rearrange):
            return Passed(self.graph.permute(at.value, stage.order, stage.span), at.log_det)
        if isinstance(stage, model.Parts):
            return self._parts(stage, at, scope, depth, undone=False)
        if isinstance(stage, model.UseSurjection):
            return Passed(self._quantize(self.surjections[stage.surjection], at.value, stage.span), at.log_det)
        if isinstance(stage, model.UseOde):
            return self._flowed(stage, at, scope, depth, undone=False)
        return self.through(stage, at, scope, backwards=False)

    def _quantize(self, surjection: model.Surjection, value: Expr, span: Span) -> Expr:
        """⌊K y⌋; a y that rounds to 1 falls into the last level."""
        graph = self.graph
        scaled = graph.elementwise("multiply", graph.number(surjection.levels, span), value, span=span)
        level = graph.elementwise("floor", scaled, span=span)
        return graph.elementwise("min", level, graph.number(surjection.levels - 1, span), span=span)

    # -- backward ----------------------------------------------------------------------------------------------------

    def _backward_one(self, stage: model.Stage, at: Passed, scope: Scope, depth: int) -> Passed:
        if isinstance(stage, model.Repeat):
            return self._loop(stage, at, scope, depth, reverse=True)
        if isinstance(stage, model.Rearrange):
            return Passed(self.graph.permute(at.value, inverse_order(stage.order), stage.span), at.log_det)
        if isinstance(stage, model.Parts):
            return self._parts(stage, at, scope, depth, undone=True)
        if isinstance(stage, model.UseSurjection):
            return self._dequantize(self.surjections[stage.surjection], at, scope, stage.span)
        if isinstance(stage, model.UseOde):
            return self._flowed(stage, at, scope, depth, undone=True)
        return self.through(stage, at, scope, backwards=True)

    def _dequantize(self, surjection: model.Surjection, at: Passed, scope: Scope, span: Span) -> Passed:
        """y = (x + u) / K with u ~ Uniform(0, 1), and log p(x) ≥ E_u log p_Y(y) - D log K; where u is a variable,
        log p(x, u) = log p_Y(y) - D log K.

        1 - y = ((K - 1 - x) + (1 - u)) / K is kept beside it: near the last level the difference would lose every
        digit."""
        graph = self.graph
        shape = at.value.type.shape
        step = graph.scalar("step", span)
        drawn = graph.draw("uniform", self.streams[surjection.name], step, shape, span)
        u = scope.names[surjection.rest] if surjection.rest else graph.name(drawn, "u")
        levels = graph.number(surjection.levels, span)
        below = graph.elementwise("add", at.value, u, span=span)
        top = graph.elementwise("subtract", graph.number(surjection.levels - 1, span), at.value, span=span)
        one_minus = graph.elementwise("subtract", graph.number(1, span), u, span=span)
        above = graph.elementwise("add", top, one_minus, span=span)
        y = graph.elementwise("divide", below, levels, span=span)
        self.expressions.complements[id(y)] = (below, above)
        size = graph.number(shape[0] if shape else 1, span)
        volume = graph.elementwise("multiply", size, graph.elementwise("log", levels, span=span), span=span)
        return Passed(y, graph.elementwise("add", at.log_det, volume, span=span))

    def _flowed(self, stage: model.UseOde, at: Passed, scope: Scope, depth: int, *, undone: bool) -> Passed:
        """A continuous flow, as written or undone; log|det| is that of the flow as written."""
        name = self.source_name if undone else self.target_name
        stream = self.streams[f"{stage.function}.probe"]
        passage = ode.Passage(at.value, name, scope, depth, undone, stream)
        value, grown = ode.passed(self.expressions, stage, passage)
        return Passed(value, self.graph.elementwise("add", at.log_det, grown, span=stage.span))

    # -- both --------------------------------------------------------------------------------------------------------

    def _parts(self, stage: model.Parts, at: Passed, scope: Scope, depth: int, *, undone: bool) -> Passed:
        """Each part through its own stages."""
        graph, span = self.graph, stage.span
        run, log_det = self.backward if undone else self.forward, at.log_det
        values = []
        for part, start, stop in extents(stage, at.value):
            through = run(part.stages, Passed(graph.slice(at.value, start, stop, span), log_det), scope, depth)
            values.append(through.value)
            log_det = through.log_det
        return Passed(graph.concat(tuple(values), span), log_det)

    def through(self, stage: model.Stage, at: Passed, scope: Scope, *, backwards: bool) -> Passed:
        """A map, or the inverse of one; log|det| is that of the stage as written, at the map's own input."""
        assert isinstance(stage, model.UseMap)
        map_, swapped = self.maps[stage.map], isinstance(stage, model.UseInverse)
        if backwards == swapped:
            value = self.expressions.lower(map_.body, inside_map(map_, scope, map_.input.name, at.value))
            if map_.result.support.name == "Angle":
                value = angles.wound(self.graph, value, stage.span)
            self.graph.name(value, f"{map_.definition}_output")
            own = at.value
        else:
            inverse = self.expressions.derived.inverses.get(map_.name)
            if inverse is None:
                raise NotLowered(map_.body, f"running `{map_.name}` backwards without a derived inverse")
            value = self.expressions.lower(inverse.body, inside_map(map_, scope, inverse.output.name, at.value))
            if map_.input.type.support.name == "Angle":  # what is derived is in [-pi, pi)
                value = angles.kept(self.graph, value, stage.span)
            own = value
            self.graph.name(value, f"{map_.definition}_input")
        return Passed(value, self._add_log_det(at.log_det, map_, own, scope, stage.span, minus=swapped))

    def _loop(self, stage: model.Repeat, at: Passed, scope: Scope, depth: int, *, reverse: bool) -> Passed:
        name = self.source_name if reverse else self.target_name
        carried = {name: at.value, "log_abs_det": at.log_det}
        plan, inside = opened(self.graph, stage, carried, scope, depth, reverse=reverse)
        run = self.backward if reverse else self.forward
        result = run(stage.stages, Passed(plan.inside[0], plan.inside[1]), inside, depth + 1)
        if not any(isinstance(n, model.UseOde) for n in walk(stage)):  # a solver's steps are not undone exactly
            plan.inverse = {0: lambda: self._undone(stage, plan, inside, depth + 1, reverse=reverse)}
        value, log_det = self.graph.close(plan, (result.value, result.log_det))
        return Passed(value, log_det)

    def _undone(
        self, stage: model.Repeat, plan: LoopPlan, scope: Scope, depth: int, *, reverse: bool
    ) -> tuple[Expr, Expr]:
        """A stand-in for the value after an iteration, and the value before it: each map is proven invertible."""
        stand_in = self.graph.placeholder(plan.nexts[0], stage.span)
        run = self.forward if reverse else self.backward
        return stand_in, run(stage.stages, Passed(stand_in, plan.inside[1]), scope, depth).value

    def _add_log_det(
        self, so_far: Expr, map_: model.Map, value: Expr, scope: Scope, span: Span, *, minus: bool = False
    ) -> Expr:
        """Add, or take off, log|det| of a map at its own input."""
        graph = self.graph
        found = self.expressions.derived.log_dets.get(map_.name)
        if found is None:
            raise NotLowered(map_.body, f"the density of `{map_.name}` without a derived log|det|")
        inside = inside_map(map_, scope, map_.input.name, value)
        inside = dataclasses.replace(inside, noise=jacobians.noise_of(map_, self.streams))
        one = self.expressions.lower(found.body, inside)
        if isinstance(one, nodes.Number) and one.value == 0:
            return so_far
        if map_.lift and not one.type.shape:
            one = graph.elementwise("multiply", graph.number(math.prod(map_.lift), span), one, span=span)
        one = places.reshaped(graph, one, places.flat(one.type.shape), span)
        return graph.elementwise("subtract" if minus else "add", so_far, graph.total(one, span), span=span)


def opened(
    graph: Graph, stage: model.Repeat, carried: dict[str, Expr], scope: Scope, depth: int, *, reverse: bool
) -> tuple[LoopPlan, Scope]:
    """The loop of a repetition, and the scope that its stages see."""
    count = graph.integer(stage.count, stage.span)
    plan = graph.loop("layers", "k", count, carried, stage.span, depth=depth, reverse=reverse)
    number = graph.index_of(plan)
    inside = dataclasses.replace(scope, iteration=(*scope.iteration, number))
    return plan, inside.bind({stage.index: number}) if stage.index else inside


def extents(stage: model.Parts, value: Expr) -> Iterator[tuple[model.Part, int, int]]:
    """Each part with where in `value` it starts and stops."""
    each = value.type.shape[0] // sum(part.count for part in stage.parts)
    start = 0
    for part in stage.parts:
        yield part, start * each, (start + part.count) * each
        start += part.count


def inside_map(map_: model.Map, scope: Scope, name: str, value: Expr) -> Scope:
    """The scope of a map's formula, where `name` is `value`."""
    return dataclasses.replace(scope.bind({name: value}), lifted=bool(map_.lift))
