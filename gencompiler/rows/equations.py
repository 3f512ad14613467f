"""Equations between variables, computed: pipelines of maps in either direction, and `x = f(z)`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping

from gencompiler.derive.drawing import DrawStep, come_down_to, computing_plan
from gencompiler.derive.nodes import Factor, InTurns
from gencompiler.derive.queries import Refused
from gencompiler.model import nodes as model
from gencompiler.model.mentioned import read_by_maps, starts
from gencompiler.node import walk
from gencompiler.rows.expressions import Expressions, NotLowered, Passed, Scope
from gencompiler.rows.factors import Factors, variable_of
from gencompiler.rows.nodes import Expr
from gencompiler.rows.pipeline import Pipeline
from gencompiler.rows.turns import made_in_turns


@dataclasses.dataclass(frozen=True)
class Flow:
    """A pipeline between variables with a density (`bases`, joined) and the one that it gives a density (`data`);
    `generates`: written from bases to data."""

    link: model.Link
    bases: tuple[str, ...]
    data: str
    generates: bool

    def smooth(self) -> Flow:
        """The pipeline without the quantization that ends it: what `forward` and `inverse` speak of."""
        stages = self.link.stages
        while stages and isinstance(stages[-1], model.UseSurjection):
            stages = stages[:-1]
        return dataclasses.replace(self, link=dataclasses.replace(self.link, stages=stages))


def sources_of(link: model.Link) -> tuple[str, ...]:
    """The variables that a pipeline starts from."""
    return tuple(part.name for part in starts(link))


def flow_to(link: model.Link, data: str) -> Flow:
    """The pipeline as what gives `data` its density."""
    generates = link.target == data
    return Flow(link, sources_of(link) if generates else (link.target,), data, generates)


def ends_of(link: model.Link) -> tuple[str, str]:
    """What the values at the ends of a pipeline are called."""
    return "_".join(sources_of(link)), link.target


class Equations:
    """What the equations of one model give, in the graph of `expressions`."""

    def __init__(self, expressions: Expressions, factors: Factors) -> None:
        self.expressions = expressions
        self.graph = expressions.graph
        self.factors = factors
        self.streams = factors.streams
        self.deterministic = {d.target: d for d in expressions.derived.model.deterministic}
        self.quantities = frozenset(q.name for q in expressions.derived.model.quantities)
        #: Derived quantities that have been computed, each with the values of variables that it came from.
        self.known: list[tuple[str, bool, Mapping[str, int], Expr]] = []

    # -- x = f(z) ----------------------------------------------------------------------------------------------------

    def computed(self, equation: model.Deterministic, scope: Scope, hint: str = "") -> Expr:
        """The value of `x = f(z)`, called `hint`, or as the variable."""
        value = self.expressions.lower(equation.value, self.completed(equation.value, scope))
        if equation.value.type.shape and not value.type.shape:
            value = self.graph.broadcast(value, equation.value.type.shape[0], equation.span)
        return self.graph.name(value, hint or equation.target)

    def completed(self, expr: model.Expr, scope: Scope) -> Scope:
        """`scope` and what deterministic equations say of the other names in `expr`, derived quantities among them."""
        missing = {n.name for n in walk(expr) if isinstance(n, model.Reference)} & self.quantities - scope.names.keys()
        if missing:
            scope = scope.bind(self._quantities(frozenset(missing), scope, expr))
        for part in (*walk(expr), *read_by_maps(self.expressions.derived.model, expr)):
            if isinstance(part, model.Reference) and part.name not in scope.names and part.name in self.deterministic:
                scope = scope.bind({part.name: self.computed(self.deterministic[part.name], scope)})
        return scope

    def _quantities(self, names: frozenset[str], scope: Scope, where: model.Expr) -> Mapping[str, Expr]:
        """Derived quantities, and those that they need, from the variables in scope."""
        ids = {n: id(v) for n, v in scope.names.items()}
        found = {
            name: value
            for name, stopped, sources, value in self.known
            if name in names and stopped == scope.stopped and all(ids.get(n) == v for n, v in sources.items())
        }
        if names <= found.keys():
            return found
        try:
            plan = computing_plan(self.expressions.derived, names - found.keys(), frozenset(scope.names))
        except Refused as problem:
            shown = ", ".join(f"`{n}`" for n in sorted(names))
            raise NotLowered(where, f"{shown}, of which {problem.reason},") from problem
        inside = scope.bind(found)
        for step in plan:
            inside = inside.bind(self.made(step, inside, lambda name: name, 1, {}))
        self.remember(inside)
        return {n: v for n, v in inside.names.items() if n not in scope.names}

    def remember(self, scope: Scope) -> None:
        """Keep the derived quantities in scope for whoever needs them at the same values of variables."""
        for name in sorted(self.quantities & scope.names.keys()):
            sources = come_down_to(self.expressions.derived, name)
            if sources <= scope.names.keys():
                ids = {n: id(scope.names[n]) for n in sources}
                self.known.append((name, scope.stopped, ids, scope.names[name]))

    def made(
        self,
        step: DrawStep,
        scope: Scope,
        site: Callable[[str], str],
        count: int,
        hints: Mapping[str, str],
    ) -> dict[str, Expr]:
        """The variables that one step draws or computes, called as `hints` say, from the streams of `site`."""
        match step:
            case InTurns(factors=factors):
                for factor in factors:
                    scope = self._completed_but(factor, factors, scope)
                return made_in_turns(self.factors, step, scope, site, count, hints)
            case Factor():
                name = variable_of(step)
                scope = self.completed(step.distribution, scope)
                return {name: self.factors.drawn(step, scope, site(name), count, hint=hints.get(name, name))}
            case model.Deterministic(target=name):
                return {name: self.computed(step, scope, hints.get(name, name))}
            case model.Link(target=target):
                first, *_ = sources_of(step)
                flow = flow_to(step, target if first in scope.names else first)
                passed = self.to_data(flow, self.joined(flow, scope), scope)
                return {flow.data: self.graph.name(passed.value, hints.get(flow.data, flow.data))}
        raise NotLowered(step, f"a draw through a {type(step).__name__.lower()}")

    def _completed_but(self, factor: Factor, group: tuple[Factor, ...], scope: Scope) -> Scope:
        """`scope` and what deterministic equations say of names that the equations in turns do not make themselves."""
        made = {variable_of(each): self.graph.number(0, factor.span) for each in group}
        own = {n: v for n, v in scope.names.items() if n in made}
        found = self.completed(factor.distribution, scope.bind(made))
        names = {n: v for n, v in found.names.items() if n not in made}
        return dataclasses.replace(found, names={**names, **own})

    # -- pipelines ---------------------------------------------------------------------------------------------------

    def joined(self, flow: Flow, scope: Scope) -> Expr:
        """What a pipeline starts from: its bases, one after the other."""
        values = tuple(scope.names[name] for name in flow.bases)
        return values[0] if len(values) == 1 else self.graph.concat(values, flow.link.source.span)

    def parted(self, flow: Flow, value: Expr) -> dict[str, Expr]:
        """The bases in what a pipeline starts from."""
        if len(flow.bases) == 1:
            return {flow.bases[0]: self.graph.name(value, flow.bases[0])}
        found, start = dict[str, Expr](), 0
        for part in starts(flow.link):
            stop = start + math.prod(part.type.shape)
            found[part.name] = self.graph.name(self.graph.slice(value, start, stop, part.span), part.name)
            start = stop
        return found

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
        return Pipeline(self.expressions, ends_of(flow.link), self.streams)

    def _start(self, flow: Flow, value: Expr) -> Passed:
        return Passed(value, self.graph.number(0, self.expressions.derived.model.span))

    def _reversed(self, flow: Flow, passed: Passed) -> Passed:
        return Passed(passed.value, self.graph.elementwise("negate", passed.log_det, span=flow.link.span))
