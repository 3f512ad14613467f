"""Equations between variables, computed: pipelines of maps in either direction, and `x = f(z)`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from gencompiler.model import nodes as model
from gencompiler.model.mentioned import read_by_maps
from gencompiler.node import walk
from gencompiler.rows.expressions import Expressions, NotLowered, Passed, Scope
from gencompiler.rows.nodes import Expr
from gencompiler.rows.pipeline import Pipeline


@dataclasses.dataclass(frozen=True)
class Flow:
    """A pipeline between a variable with a density (`base`) and the one that it gives a density (`data`); `generates`:
    written from base to data."""

    link: model.Link
    base: str
    data: str
    generates: bool

    def smooth(self) -> Flow:
        """The pipeline without the quantization that ends it: what `forward` and `inverse` speak of."""
        stages = self.link.stages
        while stages and isinstance(stages[-1], model.UseSurjection):
            stages = stages[:-1]
        return dataclasses.replace(self, link=dataclasses.replace(self.link, stages=stages))


def source_of(link: model.Link) -> str:
    """The variable that a pipeline starts from."""
    if not isinstance(link.source, model.Reference):
        raise NotLowered(link.source, "a pipeline that starts from an expression")
    return link.source.name


def flow_to(link: model.Link, data: str) -> Flow:
    """The pipeline as what gives `data` its density."""
    source = source_of(link)
    return Flow(link, source, data, True) if link.target == data else Flow(link, link.target, data, False)


class Equations:
    """What the equations of one model give, in the graph of `expressions`."""

    def __init__(self, expressions: Expressions, streams: Mapping[str, int]) -> None:
        self.expressions = expressions
        self.graph = expressions.graph
        self.streams = dict(streams)
        self.deterministic = {d.target: d for d in expressions.derived.model.deterministic}

    # -- x = f(z) ----------------------------------------------------------------------------------------------------

    def computed(self, equation: model.Deterministic, scope: Scope, hint: str = "") -> Expr:
        """The value of `x = f(z)`, called `hint`, or as the variable."""
        value = self.expressions.lower(equation.value, self.completed(equation.value, scope))
        if equation.value.type.shape and not value.type.shape:
            value = self.graph.broadcast(value, equation.value.type.shape[0], equation.span)
        return self.graph.name(value, hint or equation.target)

    def completed(self, expr: model.Expr, scope: Scope) -> Scope:
        """`scope` and what deterministic equations say of the other names in `expr`."""
        for part in (*walk(expr), *read_by_maps(self.expressions.derived.model, expr)):
            if isinstance(part, model.Reference) and part.name not in scope.names and part.name in self.deterministic:
                scope = scope.bind({part.name: self.computed(self.deterministic[part.name], scope)})
        return scope

    # -- pipelines ---------------------------------------------------------------------------------------------------

    def to_base(self, flow: Flow, x: Expr, scope: Scope) -> Passed:
        """The base value of data, and log|d base / d data|."""
        pipeline, start = self._pipeline(flow), self._start(flow, x)
        if flow.generates:
            return self._reversed(flow, pipeline.backward(flow.link.stages, start, scope))
        return pipeline.forward(flow.link.stages, start, scope)

    def to_data(self, flow: Flow, z: Expr, scope: Scope) -> Passed:
        """The data of a base value, and log|d data / d base|."""
        pipeline, start = self._pipeline(flow), self._start(flow, z)
        if flow.generates:
            return pipeline.forward(flow.link.stages, start, scope)
        return self._reversed(flow, pipeline.backward(flow.link.stages, start, scope))

    def _pipeline(self, flow: Flow) -> Pipeline:
        return Pipeline(self.expressions, (source_of(flow.link), flow.link.target), self.streams)

    def _start(self, flow: Flow, value: Expr) -> Passed:
        return Passed(value, self.graph.number(0, self.expressions.derived.model.span))

    def _reversed(self, flow: Flow, passed: Passed) -> Passed:
        return Passed(passed.value, self.graph.elementwise("negate", passed.log_det, span=flow.link.span))
