"""What the programs of an SDE are made of: names, increments of its noise, and one request with its equation."""

from __future__ import annotations

from collections.abc import Callable

from gencompiler.derive.diffusions import end_of, start_of
from gencompiler.derive.gradient import NoDerivative
from gencompiler.derive.nodes import Derived
from gencompiler.derive.reverse_time import flow_drift, reverse_drift
from gencompiler.model import diffusion_methods as asked
from gencompiler.model import nodes as model
from gencompiler.rows.clock import Clock
from gencompiler.rows.expressions import NotLowered, Scope
from gencompiler.rows.nodes import Expr
from gencompiler.rows.programs import Draft, streams_of
from gencompiler.rows.solvers import wide_like

#: A drift at a state and a time.
Slope = Callable[[Expr, Expr], Expr]


def names_of(draft: Draft, x: Expr, t: Expr, sde: model.Sde, given: dict[str, Expr]) -> Scope:
    return Scope({**given, sde.state.name: x, sde.time.name: draft.graph.name(t, sde.time.name)})


def given_of(draft: Draft) -> dict[str, Expr]:
    return {v.name: draft.input(v) for v in draft.derived.model.variables if v.role == "given"}


def wide(draft: Draft, value: Expr, like: Expr) -> Expr:
    """A value of the state's shape."""
    return wide_like(draft.graph, value, like)


class Noise:
    """The increments of the Brownian motions of an SDE over one step."""

    def __init__(self, draft: Draft, sde: model.Sde) -> None:
        self.draft, self.sde = draft, sde
        self.streams = streams_of(draft.derived.model)

    def increment(
        self, scope: Scope, number: Expr, length: Expr, state: Expr, moved: model.Moved | None = None
    ) -> Expr | None:
        """Σ g sqrt(length) ξ of an equation (the only one where none is named), ξ standard normal: keyed by the seed,
        the row and the number of the step."""
        graph = self.draft.graph
        root = graph.elementwise("sqrt", length, span=self.sde.span)
        total: Expr | None = None
        for noise in (moved or self.sde.alone).noises:
            span = noise.span
            drawn = graph.draw("normal", self.streams[f"{self.sde.name}.{noise.name}"], number, state.type.shape, span)
            coefficient = self.draft.expressions.lower(noise.coefficient, scope)
            size = graph.name(graph.elementwise("multiply", root, coefficient, span=span), "scale")
            term = graph.elementwise("multiply", size, graph.name(drawn, noise.name), span=span)
            total = term if total is None else graph.elementwise("add", total, term, span=span)
        return total


class Request:
    """One request: an SDE, its score, and how its equation is solved."""

    def __init__(self, derived: Derived, method: model.Method) -> None:
        self.derived, self.method = derived, method
        self.sde = derived.sdes[str(asked.option(method, "sde"))]
        self.steps = asked.steps_of(method)
        self.solver = asked.solver_of(method)
        start, end = start_of(self.sde), end_of(self.sde)
        terminal = next((t for t in derived.model.terminals if t.variable == self.sde.state.name), None)
        if end is None or terminal is None:
            raise NotLowered(self.sde.drift, "an SDE without a stated terminal law")
        self.terminal = terminal
        self.clock = Clock(
            start,
            start + asked.cutoff_of(method),
            end,
            self.steps,
            rho=asked.rho_of(method),
            down=method.verb == "sample",
            final=method.verb == "sample" and not self.solver.exponential,
        )
        self.functions = {f.name: f for f in derived.model.functions}

    def score(self) -> model.Expr:
        """The score at the state and the time."""
        given = tuple(model.Reference(i.type, i.name, span=i.span) for i in (self.sde.state, self.sde.time))
        name = str(asked.option(self.method, "score"))
        return model.Call(self.sde.state.type, name, given, span=self.method.span)

    def _drift(self, *, reverse: bool) -> model.Expr:
        """The drift of the reverse SDE, or of the probability flow."""
        derive = reverse_drift if reverse else flow_drift
        try:
            return derive(self.sde, self.score(), self.functions)
        except NoDerivative as problem:
            raise NotLowered(problem.expr, f"the reverse of this noise ({problem.reason})") from None

    def slopes(self, draft: Draft, given: dict[str, Expr], *, reverse: bool) -> Callable[[Expr, Expr], Expr]:
        drift = self._drift(reverse=reverse)

        def slope(state: Expr, time: Expr) -> Expr:
            scope = names_of(draft, state, time, self.sde, given)
            return wide(draft, draft.graph.name(draft.expressions.lower(drift, scope), "drift"), state)

        return slope
