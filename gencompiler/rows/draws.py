"""Draws: from data, from a joint by ancestral sampling, from a distribution of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gencompiler.derive import drawing, queries
from gencompiler.derive.nodes import Derived, InTurns
from gencompiler.model import carried
from gencompiler.model import nodes as model
from gencompiler.node import Node
from gencompiler.rows import nodes
from gencompiler.rows.chain_steps import Steps
from gencompiler.rows.densities import Densities
from gencompiler.rows.equations import flow_to, sources_of
from gencompiler.rows.expressions import NotLowered, Scope
from gencompiler.rows.nodes import Expr
from gencompiler.rows.stopping import Inseparable, parameters_stopped


class Draws:
    """Lowers draws into the graph of `densities`; `data` are the observed variables of a row."""

    def __init__(self, densities: Densities, data: Mapping[str, Expr]) -> None:
        self.expressions = densities.expressions
        self.graph = densities.graph
        self.derived = densities.derived
        self.factors = densities.factors
        self.equations = densities.equations
        self.data = dict(data)
        self.moves = {t.name: t for t in self.derived.model.transitions}

    def draw(self, drawn: model.Drawn, scope: Scope, site: str) -> Scope:
        """`scope` and the names that are drawn; the numbers of each variable come from the stream `site.VARIABLE`."""
        match drawn.source:
            case model.Data():
                pairs = zip(drawn.names, drawn.variables, strict=True)
                return scope.bind({name: self.known(variable) for name, variable in pairs})
            case model.DistributionSource(distribution=distribution):
                (name,) = drawn.names
                step, count = self.graph.scalar("step", drawn.span), _count(drawn, ())
                return scope.bind({name: self.factors.draw(distribution, scope, site, step, hint=name, count=count)})
            case model.JointSource() as source if source.joint in self.moves:
                return self._moved(drawn, source, scope, site)
            case model.JointSource(power=1) as source:
                given = {b.name: self.expressions.lower(b.value, scope) for b in source.given}
                steps = self.plan(source.joint, drawn.variables, tuple(given), drawn)
                hints = dict(zip(drawn.variables, drawn.names, strict=True))
                found = Ancestral(self, site, hints, _count(drawn, given.values()), source.stopped).run(steps, given)
                return scope.bind({name: found[variable] for variable, name in hints.items()})
        raise NotLowered(drawn, "this draw")

    def known(self, variable: str) -> Expr:
        """The value that a row of the data has: its own, or what pipelines make of it."""
        if variable not in self.data:
            model_ = self.derived.model
            own = {v.name: v for v in model_.variables}
            link = carried.from_data(own, model_.links, {s.name: s for s in model_.surjections})[variable]
            flow = flow_to(link, sources_of(link)[0] if link.target == variable else link.target)
            passed = self.equations.to_base(flow, self.known(flow.data), Scope(dict(self.data)))
            self.data |= self.equations.parted(flow, passed.value)
        return self.data[variable]

    def _moved(self, drawn: model.Drawn, source: model.JointSource, scope: Scope, site: str) -> Scope:
        """The state that a transition, taken `power` times, moves to; what it draws anew starts at 0."""
        move, graph, span = self.moves[source.joint], self.graph, drawn.span
        if drawn.particles:
            raise NotLowered(drawn, "several draws from a transition")
        values = {b.name: self.expressions.lower(b.value, scope) for b in source.given}
        conditions = {i.name: values[i.name] for i in move.conditions}
        state = {i.name: values.get(i.name, self._anything(i)) for i in move.current}
        step = graph.scalar("step", span)
        if source.power == 1:
            state |= (
                Steps(self.expressions, self.factors, step, depth=0, prefix=f"{site}.")
                .of(move, state, conditions)
                .state
            )
        else:
            count = graph.integer(source.power, span)
            plan = graph.loop("steps", "k", count, state, span, depth=0)
            scaled = graph.elementwise("multiply", step, count, span=span)
            number = graph.name(graph.elementwise("add", scaled, graph.index_of(plan), span=span), "turn")
            steps = Steps(self.expressions, self.factors, number, depth=1, prefix=f"{site}.")
            inside = dict(zip(state, plan.inside, strict=True))
            moved = {**inside, **steps.of(move, inside, conditions).state}
            state = dict(zip(state, graph.close(plan, tuple(moved[n] for n in state)), strict=True))
        found = {n: state[v] for v, n in zip(drawn.variables, drawn.names, strict=True)}
        if source.stopped:
            found = {n: graph.elementwise("stop", v, span=span) for n, v in found.items()}
        return scope.bind(found)

    def _anything(self, state: model.Input) -> Expr:
        zero = self.graph.number(0, state.span)
        return self.graph.broadcast(zero, state.type.shape[0], state.span) if state.type.shape else zero

    def plan(self, joint: str, variables: tuple[str, ...], given: tuple[str, ...], where: Node) -> drawing.DrawPlan:
        """The equations that draw `variables`, in order."""
        try:
            return drawing.draw_plan(self.derived, joint, variables, given)
        except queries.Refused as refusal:
            raise NotLowered(where, f"a draw of {', '.join(variables)} from `{joint}`") from refusal


class Ancestral:
    """Draws along a plan: each variable given those before it, by the stream `site.VARIABLE` (or VARIABLE where there
    is no site), known as `hints` says; with `stopped`, its parameters constant."""

    def __init__(
        self,
        draws: Draws,
        site: str = "",
        hints: Mapping[str, str] | None = None,
        count: int = 1,
        stopped: bool = False,
    ) -> None:
        self.draws = draws
        self.graph = draws.graph
        self.site = site
        self.hints = hints or {}
        self.count = count
        self.stopped = stopped

    def run(self, plan: drawing.DrawPlan, given: Mapping[str, Expr]) -> dict[str, Expr]:
        """`given` and the variables drawn."""
        values = dict(given)
        for step in plan:
            values |= self._stopped(step, values) if self.stopped else self.step(step, Scope(values))
        if not self.stopped:
            self.draws.equations.remember(Scope(values))
        return values

    def step(self, step: drawing.DrawStep, scope: Scope) -> dict[str, Expr]:
        """One variable, or several in turns, drawn or computed."""
        return self.draws.equations.made(step, scope, self.stream, self.count, self.hints)

    def stream(self, variable: str) -> str:
        return f"{self.site}.{variable}" if self.site else variable

    def _stopped(self, step: drawing.DrawStep, values: Mapping[str, Expr]) -> dict[str, Expr]:
        """The variables of a step without a gradient into its parameters."""
        name = ""

        def lowered(named: Mapping[str, Expr]) -> Expr:
            nonlocal name
            ((name, value),) = self.step(step, Scope(named)).items()
            return value

        if isinstance(step, InTurns):
            return self.step(step, Scope(values, stopped=True))
        try:
            found = parameters_stopped(self.graph, values, lowered)
        except Inseparable:
            return self.step(step, Scope(values, stopped=True))
        whole = found.arguments[0] if isinstance(found, nodes.Elementwise) and found.function == "stop" else found
        if whole is not found and id(whole) in self.graph.hints:
            self.graph.name(found, self.graph.hints.pop(id(whole)))
        return {name: found}


def _count(drawn: model.Drawn, given: Iterable[Expr]) -> int:
    """How many particles of a row are drawn."""
    own = drawn.particles[1] if drawn.particles else 1
    return max([own, *(value.type.particles for value in given)])


def plan_of(
    derived: Derived, joint: str, variables: tuple[str, ...], given: tuple[str, ...]
) -> drawing.DrawPlan | None:
    """The equations that draw `variables`, in order; None where they do not."""
    try:
        return drawing.draw_plan(derived, joint, variables, given)
    except queries.Refused:
        return None
