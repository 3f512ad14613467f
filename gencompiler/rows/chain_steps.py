"""One application of a transition: its steps, or the transitions that it is made of, on the state of a row."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes as model
from gencompiler.rows import orbits, places
from gencompiler.rows.chain_sites import COMPOSED, site
from gencompiler.rows.expressions import Expressions, NotLowered, Scope
from gencompiler.rows.factors import Factors
from gencompiler.rows.graph import Graph
from gencompiler.rows.nodes import Expr


@dataclasses.dataclass(frozen=True)
class Moved:
    """Where a row is after a transition; `taken` of `asked` proposals were accepted."""

    state: dict[str, Expr]
    taken: Expr | None
    asked: int

    def accepted(self, graph: Graph, span: Span) -> Expr:
        """The part of the proposals that was taken; 1 where there is none to take."""
        if self.taken is None:
            return graph.number(1, span)
        if self.asked == 1:
            return self.taken
        return graph.elementwise("multiply", self.taken, graph.number(1 / self.asked, span), span=span)


class Steps:
    """Applies transitions; `number` is that of the step, the key of its draws."""

    def __init__(
        self, expressions: Expressions, factors: Factors, number: Expr, *, depth: int, prefix: str = ""
    ) -> None:
        self.expressions = expressions
        self.graph = expressions.graph
        self.number = number
        self.depth = depth
        self.prefix = prefix
        self.transitions = {t.name: t for t in expressions.derived.model.transitions}
        self.factors = factors

    def of(
        self, move: model.Transition, state: Mapping[str, Expr], given: Mapping[str, Expr], prefix: str = ""
    ) -> Moved:
        """A transition from a state, with values for its conditions."""
        prefix = prefix or self.prefix or f"{move.name}."
        if any(isinstance(s, COMPOSED) for s in move.steps):
            (step,) = move.steps
            return self._composed(step, dict(state), given, f"{prefix}0.", self.number, self.depth)
        return self._block(move, {**state, **given}, prefix, self.number, self.depth)

    # -- composition -------------------------------------------------------------------------------------------------

    def _composed(
        self,
        step: model.Step,
        state: dict[str, Expr],
        given: Mapping[str, Expr],
        prefix: str,
        number: Expr,
        depth: int,
    ) -> Moved:
        match step:
            case model.Use(transition=name, given=bindings):
                scope = Scope({**state, **given})
                other = self.transitions[name]
                values = {b.name: self._value(other, b, scope) for b in bindings}
                inner = Steps(self.expressions, self.factors, number, depth=depth)
                moved = inner.of(other, state, values, prefix)
                return dataclasses.replace(moved, state={**state, **moved.state})
            case model.Series(steps=steps):
                taken, asked = None, 0
                for place, part in enumerate(steps):
                    moved = self._composed(part, state, given, f"{prefix}{place}.", number, depth)
                    state, asked = moved.state, asked + moved.asked
                    taken = self._sum(taken, moved.taken, part.span)
                return Moved(state, taken, asked)
            case model.Iterate():
                return self._repeated(step, state, given, prefix, number, depth)
            case model.Mix():
                return self._mixed(step, state, given, prefix, number, depth)
        raise NotImplementedError(type(step).__name__)

    def _value(self, other: model.Transition, binding: model.Binding, scope: Scope) -> Expr:
        """What a condition of a transition is here; a whole number that all rows share may be a place, `n - 1 - i`."""
        declared = next(i for i in other.conditions if i.name == binding.name)
        if SUPPORTS[declared.type.support.name].discrete:
            place = places.moved(self.expressions, binding.value, scope)
            if place is not None:
                return place
        return self.expressions.lower(binding.value, scope)

    def _sum(self, left: Expr | None, right: Expr | None, span: Span) -> Expr | None:
        if left is None or right is None:
            return right if left is None else left
        return self.graph.elementwise("add", left, right, span=span)

    def _repeated(
        self,
        step: model.Iterate,
        state: dict[str, Expr],
        given: Mapping[str, Expr],
        prefix: str,
        number: Expr,
        depth: int,
    ) -> Moved:
        """A loop in the loop over steps; iteration k of step t has the number t count + k."""
        graph, span = self.graph, step.span
        carried = {**state, "taken": self.graph.number(0, step.span)}
        count = graph.integer(step.count, span)
        plan = graph.loop("steps", step.index or "k", count, carried, span, depth=depth)
        here = dict(zip(state, plan.inside, strict=False))
        index = graph.index_of(plan)
        scaled = graph.elementwise("multiply", number, count, span=span)
        own = graph.name(graph.elementwise("add", scaled, index, span=span), "turn")
        inner = {**given, step.index: index} if step.index else given
        moved = self._composed(step.step, here, inner, prefix, own, depth + 1)
        taken = plan.inside[-1] if moved.taken is None else self._sum(plan.inside[-1], moved.taken, span)
        assert taken is not None
        after = graph.close(plan, (*(moved.state[n] for n in state), taken))
        asked = moved.asked * step.count
        return Moved(dict(zip(state, after, strict=False)), after[-1] if asked else None, asked)

    def _mixed(
        self,
        step: model.Mix,
        state: dict[str, Expr],
        given: Mapping[str, Expr],
        prefix: str,
        number: Expr,
        depth: int,
    ) -> Moved:
        """Every branch is taken from here, and one of the results kept."""
        graph, span = self.graph, step.span
        u = graph.draw("uniform", self.factors.streams[f"{prefix}pick"], number, (), span)
        scope = Scope({**state, **given})
        weights = [self.expressions.lower(w, scope) for w in step.weights]
        moved = [
            self._composed(b, dict(state), given, f"{prefix}{k}.", number, depth) for k, b in enumerate(step.branches)
        ]
        asked = max(m.asked for m in moved)
        found = dict(moved[-1].state)
        taken = self._rate(moved[-1], asked, span)
        edge: Expr | None = None
        edges = []
        for weight in weights[:-1]:
            edge = self._sum(edge, weight, span)
            edges.append(edge)
        for edge_, branch in reversed(list(zip(edges, moved[:-1], strict=True))):
            assert edge_ is not None
            below = graph.elementwise("less", u, edge_, span=span)
            found = {n: graph.select(below, branch.state[n], found[n], span) for n in found}
            rate = self._rate(branch, asked, span)
            if taken is not None and rate is not None:
                taken = graph.select(below, rate, taken, span)
        return Moved(found, taken, asked)

    def _rate(self, moved: Moved, asked: int, span: Span) -> Expr | None:
        """How many of `asked` proposals a branch with fewer stands for."""
        if not asked:
            return None
        if moved.taken is None:
            return self.graph.number(asked, span)
        if moved.asked == asked:
            return moved.taken
        factor = self.graph.number(asked / moved.asked, span)
        return self.graph.elementwise("multiply", moved.taken, factor, span=span)

    # -- steps in braces ---------------------------------------------------------------------------------------------

    def after(
        self, move: model.Transition, steps: tuple[model.Step, ...], names: Mapping[str, Expr]
    ) -> dict[str, Expr]:
        """The names after some steps of a transition, which draw and compute."""
        found = dict(names)
        self._block(dataclasses.replace(move, steps=steps, next=()), found, f"{move.name}.", self.number, self.depth)
        return found

    def _block(self, move: model.Transition, names: dict[str, Expr], prefix: str, number: Expr, depth: int) -> Moved:
        """The names after the steps, the next state among them."""
        taken: Expr | None = None
        asked = 0
        drawn: dict[str, int] = {}
        for step in move.steps:
            match step:
                case model.Draw():
                    drawn[step.name] = drawn.get(step.name, 0) + 1
                    self._draw(step, names, site(prefix, step.name, drawn[step.name]), number)
                case model.Assign(name=name, value=value):
                    names[name] = self.graph.name(self.expressions.lower(value, Scope(names)), name)
                case model.Through():
                    self._through(step, names, depth)
                case model.Accept():
                    one = self._accept(move, step, names, f"{prefix}accept", number)
                    taken, asked = self._sum(taken, one, step.span), asked + 1
                case model.Orbit():
                    one = orbits.walk(self, step, names, prefix, number, depth)
                    taken, asked = self._sum(taken, one, step.span), asked + 1
        state = {n.rstrip("'"): names.get(n, names[n.rstrip("'")]) for n in move.next}
        return Moved(state, taken, asked)

    def _draw(self, step: model.Draw, names: dict[str, Expr], at: str, number: Expr) -> None:
        hint = step.name if not step.place else f"{step.name.rstrip(chr(39))}_new"
        value = self.factors.draw(step.distribution, Scope(names), at, number, hint=hint)
        if step.place:
            (place,) = step.place
            index = self.expressions.lower(place, Scope(names))
            value = self.graph.with_column(names[step.base], index, value, step.span)
        names[step.name] = value
        self.graph.hints[id(value)] = step.name

    def _through(self, step: model.Through, names: dict[str, Expr], depth: int) -> None:
        """Bijections of several variables, a repeated one as a loop."""
        values = tuple(self.expressions.lower(s, Scope(names)) for s in step.sources)
        for name, value in zip(step.names, self.stages(step.stages, values, names, depth), strict=True):
            names[name] = self.graph.name(value, name)

    def stages(
        self, stages: tuple[model.Stage, ...], values: tuple[Expr, ...], names: Mapping[str, Expr], depth: int
    ) -> tuple[Expr, ...]:
        """Values after bijections of several variables, whose conditions are in terms of `names`."""
        functions = self.expressions.functions
        for stage in stages:
            if isinstance(stage, model.Repeat):
                carried = {f"state_{k}": v for k, v in enumerate(values)}
                count = self.graph.integer(stage.count, stage.span)
                plan = self.graph.loop("steps", "leap", count, carried, stage.span, depth=depth)
                values = self.graph.close(plan, self.stages(stage.stages, plan.inside, names, depth + 1))
                continue
            assert isinstance(stage, model.UseMany)
            given = tuple(self.expressions.lower(b.value, Scope(names)) for b in stage.given)
            found = []
            for name in stage.functions:
                own = functions[name]
                scope = Scope({i.name: v for i, v in zip(own.inputs, (*values, *given), strict=True)})
                found.append(self.expressions.lower(own.body, scope))
            values = tuple(found)
        return values

    def _accept(
        self, move: model.Transition, step: model.Accept, names: dict[str, Expr], at: str, number: Expr
    ) -> Expr:
        """x' = y where log u < log r; a ratio that is not a number compares false, and rejects."""
        graph, span = self.graph, step.span
        scope = Scope(names)
        u = graph.name(graph.draw("uniform", self.factors.streams[at], number, (), span), "u")
        if step.probability is None:
            derived = self.expressions.derived.acceptances.get(move.name)
            if derived is None:
                raise NotLowered(step.proposals[0], "accepting a proposal without a derived ratio")
            log_ratio = self.expressions.lower(derived.log_ratio, scope)
            graph.name(log_ratio, "log_ratio")
            accept = graph.elementwise("less", graph.elementwise("log", u, span=span), log_ratio, span=span)
        else:
            accept = graph.elementwise("less", u, self.expressions.lower(step.probability, scope), span=span)
        graph.name(accept, "accept")
        for name, proposal in zip(step.names, step.proposals, strict=True):
            value = self.expressions.lower(proposal, scope)
            names[name] = graph.select(accept, value, names.get(name, names[name.rstrip("'")]), span)
        return graph.elementwise("indicator", accept, span=span)
