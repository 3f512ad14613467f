"""Loops over time: SDEs run forwards and backwards, and the probability flow with its density.

| the spec has | program |
|---|---|
| `sample reverse_sde(score, sde)` | sample: Euler-Maruyama from the terminal law down to the cutoff |
| `sample probability_flow(score, sde)` | sample: Euler, Heun or Runge-Kutta steps of the flow |
| either | start, reverse: the terminal law, and some of the steps from a state |
| `evaluate probability_flow(score, sde)` | probability_flow: log p by the flow and its divergence |
| an SDE over an interval | simulate_NAME: Euler-Maruyama from its lower end to its upper |

Time is cut into equal steps, all rows alike, so that a step's coefficients are computed once.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from gencompiler.derive.density import log_density
from gencompiler.derive.diffusions import end_of, start_of
from gencompiler.derive.gradient import NoDerivative
from gencompiler.derive.nodes import Derived
from gencompiler.derive.reverse_time import flow_drift, reverse_drift
from gencompiler.model import diffusion_methods as asked
from gencompiler.model import nodes as model
from gencompiler.rows import nodes
from gencompiler.rows.expressions import NotLowered, Scope
from gencompiler.rows.factors import Factors
from gencompiler.rows.nodes import Expr
from gencompiler.rows.programs import Draft, streams_of
from gencompiler.rows.tangent import divergence

#: Up to so many dimensions the divergence is exact unless the spec says otherwise.
EXACT_UP_TO = 16

#: A drift or its divergence at a state and a time.
Slope = Callable[[Expr, Expr], Expr]


def programs(derived: Derived) -> list[nodes.Program]:
    """The programs of the SDEs of a model."""
    found: dict[str, nodes.Program] = {}
    plain = not (derived.model.conditionals or derived.model.links or derived.model.energies)
    for method in derived.model.methods:
        if asked.option(method, "sde") is None:
            continue
        solver = _Solver(derived, method)
        name = "sample" if plain and method is asked.method_of(derived.model, "sample") else method.name
        program = solver.likelihood() if method.verb == "evaluate" else solver.sample(name)
        found.setdefault(program.name, program)
        if name == "sample" and method.verb == "sample":
            found |= {each.name: each for each in (solver.start(), solver.onwards())}
    for sde in derived.sdes.values():
        if end_of(sde) is not None:
            found[f"simulate_{sde.name}"] = _simulation(derived, sde)
    return list(found.values())


def _names(draft: Draft, x: Expr, t: Expr, sde: model.Sde, given: dict[str, Expr]) -> Scope:
    return Scope({**given, sde.state.name: x, sde.time.name: draft.graph.name(t, sde.time.name)})


def _given(draft: Draft) -> dict[str, Expr]:
    return {v.name: draft.input(v) for v in draft.derived.model.variables if v.role == "given"}


def _wide(draft: Draft, value: Expr, like: Expr) -> Expr:
    """A value of the state's shape."""
    shape = like.type.shape
    return draft.graph.broadcast(value, shape[0], value.span) if shape and not value.type.shape else value


class _Noise:
    """The increments of the Brownian motions of an SDE over one step."""

    def __init__(self, draft: Draft, sde: model.Sde) -> None:
        self.draft, self.sde = draft, sde
        self.streams = streams_of(draft.derived.model)

    def increment(self, scope: Scope, number: Expr, length: Expr, state: Expr) -> Expr | None:
        """Σ g sqrt(length) ξ, ξ standard normal: keyed by the seed, the row and the number of the step."""
        graph = self.draft.graph
        root = graph.elementwise("sqrt", length, span=self.sde.span)
        total: Expr | None = None
        for noise in self.sde.noises:
            span = noise.span
            drawn = graph.draw("normal", self.streams[f"{self.sde.name}.{noise.name}"], number, state.type.shape, span)
            coefficient = self.draft.expressions.lower(noise.coefficient, scope)
            size = graph.name(graph.elementwise("multiply", root, coefficient, span=span), "scale")
            term = graph.elementwise("multiply", size, graph.name(drawn, noise.name), span=span)
            total = term if total is None else graph.elementwise("add", total, term, span=span)
        return total


def _simulation(derived: Derived, sde: model.Sde) -> nodes.Program:
    """dx = f dt + g dW from the lower end of time to the upper, in `steps` steps."""
    start, end = start_of(sde), end_of(sde)
    assert end is not None
    title = f"{sde.state.name} at {sde.time.name} = {end}, from where it is at {start}: `steps` Euler-Maruyama steps"
    draft = Draft(derived, f"simulate_{sde.name}", f"{title} of {sde.name}")
    graph, span = draft.graph, sde.span
    x, given = draft.input(sde.state), _given(draft)
    count = draft.scalar("steps")
    length = graph.elementwise("divide", graph.number(float(end - start), span), count, span=span)
    plan = graph.loop("time", "k", count, {sde.state.name: x}, span, depth=0)
    (inside,) = plan.inside
    index = graph.index_of(plan)
    passed = graph.elementwise("multiply", length, index, span=span)
    t = graph.elementwise("add", graph.number(float(start), span), passed, span=span)
    scope = _names(draft, inside, t, sde, given)
    number = graph.elementwise("add", graph.scalar("step", span), index, span=span)
    drift = graph.name(draft.expressions.lower(sde.drift, scope), "drift")
    moved = graph.elementwise("add", inside, graph.elementwise("multiply", length, drift, span=span), span=span)
    noise = _Noise(draft, sde).increment(scope, number, length, inside)
    after = moved if noise is None else graph.elementwise("add", moved, noise, span=span)
    (final,) = graph.close(plan, (after,))
    return draft.program({sde.state.name: final})


class _Solver:
    """One request: an SDE, its score, and how time is cut."""

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
        self.lower, self.upper = start + asked.cutoff_of(method), end
        self.length = (self.upper - self.lower) / self.steps
        self.functions = {f.name: f for f in derived.model.functions}

    def _drift(self, *, reverse: bool) -> model.Expr:
        """The drift of the reverse SDE, or of the probability flow."""
        given = tuple(model.Reference(i.type, i.name, span=i.span) for i in (self.sde.state, self.sde.time))
        name = str(asked.option(self.method, "score"))
        score = model.Call(self.sde.state.type, name, given, span=self.method.span)
        derive = reverse_drift if reverse else flow_drift
        try:
            return derive(self.sde, score, self.functions)
        except NoDerivative as problem:
            raise NotLowered(problem.expr, f"the reverse of this noise ({problem.reason})") from None

    def _clock(self, draft: Draft, index: Expr, *, down: bool) -> Expr:
        """The time before step number `index`."""
        graph, span = draft.graph, self.sde.span
        passed = graph.elementwise("multiply", graph.number(float(self.length), span), index, span=span)
        first = graph.number(float(self.upper if down else self.lower), span)
        return graph.elementwise("subtract" if down else "add", first, passed, span=span)

    # -- sampling ----------------------------------------------------------------------------------------------------

    def sample(self, name: str) -> nodes.Program:
        """Draws of the terminal law, carried down to the cutoff."""
        reverse = self.method.name == "reverse_sde"
        how = "the reverse-time SDE" if reverse else "the probability flow"
        title = f"approximate samples of {{x}} by {how} of {self.sde.name} in {self.steps} steps"
        draft = Draft(self.derived, name, title)
        graph, span, given = draft.graph, self.method.span, _given(draft)
        step = graph.scalar("step", span)
        x = self._noise(draft, step)
        plan = graph.loop("time", "k", graph.integer(self.steps, span), {self.sde.state.name: x}, span, depth=0)
        (inside,) = plan.inside
        index = graph.index_of(plan)
        after = self._after(draft, inside, given, index, graph.elementwise("add", step, index, span=span))
        (final,) = graph.close(plan, (after,))
        return draft.program({self.sde.state.name: final})

    def start(self) -> nodes.Program:
        """Draws of the terminal law: those that `sample` begins with."""
        end = float(self.upper)
        draft = Draft(
            self.derived, "start", f"{self.sde.state.name} at {self.sde.time.name} = {end:g}: its terminal law"
        )
        return draft.program({self.sde.state.name: self._noise(draft, draft.graph.scalar("step", self.method.span))})

    def onwards(self) -> nodes.Program:
        """Some of the steps of `sample`, from a state."""
        name, how = self.sde.state.name, "reverse-time SDE" if self.method.name == "reverse_sde" else "probability flow"
        title = f"the state {name} after `steps` of the {self.steps} steps of the {how} of {self.sde.name}"
        draft = Draft(self.derived, "reverse", f"{title}, from that before step number `step`")
        graph, span = draft.graph, self.method.span
        x, given = draft.input(self.sde.state), _given(draft)
        plan = graph.loop("time", "k", draft.scalar("steps"), {name: x}, span, depth=0)
        (inside,) = plan.inside
        number = graph.elementwise("add", graph.scalar("step", span), graph.index_of(plan), span=span)
        (final,) = graph.close(plan, (self._after(draft, inside, given, number, number),))
        return draft.program({name: final})

    def _noise(self, draft: Draft, step: Expr) -> Expr:
        """A draw of the terminal law."""
        prior = Factors(draft.expressions, streams_of(self.derived.model))
        return prior.draw(self.terminal.distribution, Scope({}), self.sde.state.name, step)

    def _after(self, draft: Draft, inside: Expr, given: dict[str, Expr], index: Expr, number: Expr) -> Expr:
        """The state after the step `index`, whose noise has the key `number`."""
        graph, span = draft.graph, self.method.span
        reverse = self.method.name == "reverse_sde"
        drift = self._drift(reverse=reverse)
        t = self._clock(draft, index, down=True)

        def slope(state: Expr, time: Expr) -> Expr:
            scope = _names(draft, state, time, self.sde, given)
            return graph.name(draft.expressions.lower(drift, scope), "drift")

        if reverse:
            moved = self._shifted(draft, inside, slope(inside, t), -self.length)
            length = graph.number(float(self.length), span)
            noise = _Noise(draft, self.sde).increment(_names(draft, inside, t, self.sde, given), number, length, inside)
            after = moved if noise is None else graph.elementwise("add", moved, noise, span=span)
        else:
            after = self._step(draft, inside, t, slope, -self.length)
        return _wide(draft, after, inside)

    def _shifted(self, draft: Draft, x: Expr, slope: Expr, length: Fraction) -> Expr:
        """x + length * slope"""
        graph = draft.graph
        size = graph.number(float(abs(length)), slope.span)
        moved = graph.elementwise("multiply", size, slope, span=slope.span)
        return graph.elementwise("add" if length > 0 else "subtract", x, moved, span=slope.span)

    def _stages(self, length: Fraction) -> tuple[tuple[Fraction, ...], ...]:
        """The explicit Runge-Kutta tableau: for each stage its place in the step and the stage that it starts from,
        then the weights."""
        half, third, sixth = Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)
        return {
            "euler": ((Fraction(0),), (Fraction(1),)),
            "heun": ((Fraction(0), Fraction(1)), (half, half)),
            "rk4": ((Fraction(0), half, half, Fraction(1)), (sixth, third, third, sixth)),
        }[self.solver]

    def _visited(self, draft: Draft, x: Expr, t: Expr, slope: Slope, length: Fraction) -> list[tuple[Expr, Expr, Expr]]:
        """State, time and slope of each stage; each stage starts from the slope of the one before it."""
        graph, span = draft.graph, self.method.span
        places, _ = self._stages(length)
        found: list[tuple[Expr, Expr, Expr]] = []
        for place in places:
            state = x if not found else self._shifted(draft, x, found[-1][2], place * length)
            offset = graph.number(float(abs(place * length)), span)
            time = graph.elementwise("add" if length > 0 else "subtract", t, offset, span=span) if place else t
            found.append((state, time, slope(state, time)))
        return found

    def _weighted(self, draft: Draft, slopes: list[Expr], length: Fraction) -> Expr:
        """The slope of the whole step."""
        graph, span = draft.graph, self.method.span
        _, weights = self._stages(length)
        total: Expr | None = None
        for weight, slope in zip(weights, slopes, strict=True):
            term = graph.elementwise("multiply", graph.number(float(weight), span), slope, span=span)
            total = term if total is None else graph.elementwise("add", total, term, span=span)
        assert total is not None
        return total

    def _step(self, draft: Draft, x: Expr, t: Expr, slope: Slope, length: Fraction) -> Expr:
        slopes = [s for _, _, s in self._visited(draft, x, t, slope, length)]
        return self._shifted(draft, x, self._weighted(draft, slopes, length), length)

    # -- densities ---------------------------------------------------------------------------------------------------

    def likelihood(self) -> nodes.Program:
        """log p(x) = log p_T(x(T)) + ∫ div F dt along the flow dx = F dt      (Song et al. 2021, eq. 39)"""
        sde, span = self.sde, self.method.span
        title = f"an estimate of log p({{x}}) by the probability flow of {sde.name} in {self.steps} steps"
        draft = Draft(self.derived, "probability_flow", title)
        graph = draft.graph
        read = {v.name: draft.input(v) for v in self.derived.model.variables if v.role in ("observed", "given")}
        x = read[sde.state.name]
        given = {name: value for name, value in read.items() if value is not x}
        probe = self._probe(draft)
        carried = {sde.state.name: x, "log_det": draft.zero}
        plan = graph.loop("time", "k", graph.integer(self.steps, span), carried, span, depth=0)
        inside, log_det = plan.inside
        drift = self._drift(reverse=False)

        def slope(state: Expr, time: Expr) -> Expr:
            scope = _names(draft, state, time, sde, given)
            return _wide(draft, graph.name(draft.expressions.lower(drift, scope), "drift"), state)

        t = self._clock(draft, graph.index_of(plan), down=False)
        stages = self._visited(draft, inside, t, slope, self.length)
        spread = [divergence(draft.expressions, value, state, probe) for state, _, value in stages]
        moved = self._shifted(draft, inside, self._weighted(draft, [s for _, _, s in stages], self.length), self.length)
        grown = self._shifted(draft, log_det, self._weighted(draft, spread, self.length), self.length)
        final, total = graph.close(plan, (moved, grown))
        event = model.Reference(sde.state.type, sde.state.name, span=span)
        law, scope = draft.expressions.distribution(self.terminal.distribution, Scope({}))
        base = draft.expressions.lower(log_density(law, event), scope.bind({sde.state.name: final}))
        return draft.program({"log_prob": graph.elementwise("add", base, total, span=span)})

    def _probe(self, draft: Draft) -> Expr | None:
        """Signs drawn once for a solve; None where the divergence is exact."""
        shape = self.sde.state.type.shape
        stated = asked.option(self.method, "divergence")
        small = not shape or shape[0] <= EXACT_UP_TO
        if stated == "exact" or (stated is None and small) or not shape:
            return None
        graph, span = draft.graph, self.method.span
        stream = streams_of(self.derived.model)[f"{self.sde.name}.probe"]
        drawn = graph.draw("uniform", stream, graph.scalar("step", span), shape, span)
        low = graph.elementwise("less", drawn, graph.number(0.5, span), span=span)
        signs = graph.select(low, graph.number(-1, span), graph.number(1, span), span)
        return graph.name(signs, "probe")
