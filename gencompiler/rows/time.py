"""Loops over time: SDEs run forwards and backwards, and the probability flow with its density.

| the spec has | program |
|---|---|
| `sample reverse_sde(score, sde)` | sample: a stochastic scheme from the terminal law down to the cutoff |
| `sample probability_flow(score, sde)` | sample: Runge-Kutta steps or an exponential integrator of the flow |
| either, with steps of given lengths | start, reverse: the terminal law, and some of the steps from a state |
| `evaluate probability_flow(score, sde)` | probability_flow: log p by the flow and its divergence |
| an SDE over an interval | simulate_NAME: Euler-Maruyama from its lower end to its upper |
| `evaluate fokker_planck(sde, …)` | coefficients_NAME: its drift and the square of its noise |

Time is cut for all rows alike (see `clock`), so that a step's coefficients are computed once; only an adaptive solver
lets each row choose.
"""

from __future__ import annotations

from gencompiler.derive.density import log_density
from gencompiler.derive.diffusions import end_of, start_of
from gencompiler.derive.nodes import Derived
from gencompiler.derive.reverse_time import square_noise
from gencompiler.model import diffusion_methods as asked
from gencompiler.model import nodes as model
from gencompiler.rows import nodes
from gencompiler.rows.expressions import Scope
from gencompiler.rows.factors import Factors
from gencompiler.rows.nodes import Expr
from gencompiler.rows.programs import Draft, streams_of
from gencompiler.rows.solvers import Motion, Way, adaptive, fixed_step, signs
from gencompiler.rows.tangent import divergence
from gencompiler.rows.time_request import Noise, Request, Slope, given_of, wide
from gencompiler.rows.time_steps import Step

#: Up to so many dimensions the divergence is exact unless the spec says otherwise.
EXACT_UP_TO = 16


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
        steps_alone = not (solver.solver.adaptive or solver.solver.multistep)
        if name == "sample" and method.verb == "sample" and steps_alone:
            found |= {each.name: each for each in (solver.start(), solver.onwards())}
    for sde in derived.sdes.values():
        if end_of(sde) is not None:
            found[f"simulate_{sde.name}"] = _simulation(derived, sde)
    for method in derived.model.methods:
        if method.name == "fokker_planck":
            own = _coefficients(derived, derived.sdes[str(asked.option(method, "equation"))])
            found[own.name] = own
    return list(found.values())


def _coefficients(derived: Derived, sde: model.Sde) -> nodes.Program:
    """The drift and the squared noise of an Itô equation, where a grid asks for them."""
    title = f"the drift of {sde.name} and the square of its noise, at a state and a time"
    draft = Draft(derived, f"coefficients_{sde.name}", title)
    x, time = draft.input(sde.state), draft.input(sde.time)
    scope = Scope({**given_of(draft), sde.state.name: x, sde.time.name: time})
    found = {"drift": sde.drift, "square": square_noise(sde)}
    return draft.program({name: wide(draft, draft.expressions.lower(e, scope), x) for name, e in found.items()})


def _simulation(derived: Derived, sde: model.Sde) -> nodes.Program:
    """d state = f dt + g dW, of each equation, from the lower end of time to the upper, in `steps` steps."""
    start, end = start_of(sde), end_of(sde)
    assert end is not None
    moves = ", ".join(state.name for state in sde.states)
    they = "it is" if len(sde.states) == 1 else "they are"
    title = f"{moves} at {sde.time.name} = {end}, from where {they} at {start}: `steps` Euler-Maruyama steps"
    draft = Draft(derived, f"simulate_{sde.name}", f"{title} of {sde.name}")
    graph, span = draft.graph, sde.span
    values, given = {state.name: draft.input(state) for state in sde.states}, given_of(draft)
    count = draft.scalar("steps")
    length = graph.elementwise("divide", graph.number(float(end - start), span), count, span=span)
    plan = graph.loop("time", "k", count, values, span, depth=0)
    inside = dict(zip(values, plan.inside, strict=True))
    index = graph.index_of(plan)
    passed = graph.elementwise("multiply", length, index, span=span)
    t = graph.elementwise("add", graph.number(float(start), span), passed, span=span)
    scope = Scope({**given, **inside, sde.time.name: graph.name(t, sde.time.name)})
    number = graph.elementwise("add", graph.scalar("step", span), index, span=span)
    after = []
    for moved in sde.equations:
        state = inside[moved.state.name]
        drift = graph.name(draft.expressions.lower(moved.drift, scope), "drift")
        new = graph.elementwise("add", state, graph.elementwise("multiply", length, drift, span=span), span=span)
        noise = Noise(draft, sde).increment(scope, number, length, state, moved)
        after.append(wide(draft, new if noise is None else graph.elementwise("add", new, noise, span=span), state))
    return draft.program(dict(zip(values, graph.close(plan, tuple(after)), strict=True)))


class _Solver(Request):
    """The programs of one request."""

    # -- sampling ----------------------------------------------------------------------------------------------------

    def sample(self, name: str) -> nodes.Program:
        """Draws of the terminal law, carried down to the cutoff."""
        reverse = self.method.name == "reverse_sde"
        how = "the reverse-time SDE" if reverse else "the probability flow"
        title = f"approximate samples of {{x}} by {how} of {self.sde.name} in {self._how_many()} steps"
        draft = Draft(self.derived, name, title)
        graph, span, given = draft.graph, self.method.span, given_of(draft)
        step = graph.scalar("step", span)
        x = self._noise(draft, step)
        if self.solver.adaptive:
            (final,) = self._adaptive(draft, {self.sde.state.name: x}, self.slopes(draft, given, reverse=False), None)
            return draft.program({self.sde.state.name: final})
        carried = {self.sde.state.name: x}
        names = ("before", "earlier")[: self.solver.multistep]
        carried |= {name: wide(draft, draft.zero, x) for name in names}
        plan = graph.loop("time", "k", graph.integer(self.steps, span), carried, span, depth=0)
        index = graph.index_of(plan)
        number = graph.elementwise("add", step, index, span=span)
        if self.solver.multistep:
            inside, *memory = plan.inside
            after = Step(self, draft, given, index, number).remembering(inside, tuple(memory))
            final = graph.close(plan, tuple(wide(draft, each, x) for each in after))[0]
        else:
            (final,) = graph.close(plan, (self._after(draft, plan.inside[0], given, index, number),))
        return draft.program({self.sde.state.name: final})

    def _how_many(self) -> str:
        return f"at most {self.steps}" if self.solver.adaptive else str(self.steps)

    def start(self) -> nodes.Program:
        """Draws of the terminal law: those that `sample` begins with."""
        end = float(self.clock.upper)
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
        x, given = draft.input(self.sde.state), given_of(draft)
        plan = graph.loop("time", "k", draft.scalar("steps"), {name: x}, span, depth=0)
        (inside,) = plan.inside
        number = graph.elementwise("add", draft.scalar("step"), graph.index_of(plan), span=span)
        (final,) = graph.close(plan, (self._after(draft, inside, given, number, number),))
        return draft.program({name: final})

    def _noise(self, draft: Draft, step: Expr) -> Expr:
        """A draw of the terminal law."""
        prior = Factors(draft.expressions, streams_of(self.derived.model))
        return prior.draw(self.terminal.distribution, Scope({}), self.sde.state.name, step)

    def _after(self, draft: Draft, inside: Expr, given: dict[str, Expr], index: Expr, number: Expr) -> Expr:
        """The state after the step `index`, whose noise has the key `number`."""
        step = Step(self, draft, given, index, number)
        return wide(draft, step.after(inside), inside)

    def _adaptive(self, draft: Draft, values: dict[str, Expr], slope: Slope, probe: Expr | None) -> tuple[Expr, ...]:
        """The carried values at the other end of time; with a log-determinant among them its divergence is taken."""
        down = self.method.verb == "sample"

        def slopes(state: Expr, time: Expr) -> tuple[Expr, ...]:
            value = slope(state, time)
            return (value,) if down else (value, divergence(draft.expressions, value, state, probe))

        lower, upper = self.clock.lower, self.clock.upper
        ends = (upper, lower) if down else (lower, upper)
        way = Way(*ends, asked.tolerance_of(self.method), self.steps)
        return adaptive(Motion(draft.graph, slopes, down, self.method.span), self.solver, values, way)

    # -- densities ---------------------------------------------------------------------------------------------------

    def likelihood(self) -> nodes.Program:
        """log p(x) = log p_T(x(T)) + ∫ div F dt along the flow dx = F dt      (Song et al. 2021, eq. 39)"""
        sde, span = self.sde, self.method.span
        title = f"an estimate of log p({{x}}) by the probability flow of {sde.name} in {self._how_many()} steps"
        draft = Draft(self.derived, "probability_flow", title)
        graph = draft.graph
        read = {v.name: draft.input(v) for v in self.derived.model.variables if v.role in ("observed", "given")}
        x = read[sde.state.name]
        given = {name: value for name, value in read.items() if value is not x}
        probe = self._probe(draft)
        slope = self.slopes(draft, given, reverse=False)
        carried = {sde.state.name: x, "log_det": draft.zero}
        if self.solver.adaptive:
            final, total = self._adaptive(draft, carried, slope, probe)
        else:
            final, total = self._flowed(draft, carried, slope, probe)
        event = model.Reference(sde.state.type, sde.state.name, span=span)
        law, scope = draft.expressions.distribution(self.terminal.distribution, Scope({}))
        base = draft.expressions.lower(log_density(law, event), scope.bind({sde.state.name: final}))
        return draft.program({"log_prob": graph.elementwise("add", base, total, span=span)})

    def _flowed(self, draft: Draft, carried: dict[str, Expr], slope: Slope, probe: Expr | None) -> tuple[Expr, ...]:
        graph, span = draft.graph, self.method.span
        plan = graph.loop("time", "k", graph.integer(self.steps, span), carried, span, depth=0)

        def slopes(state: Expr, time: Expr) -> tuple[Expr, ...]:
            value = slope(state, time)
            return value, divergence(draft.expressions, value, state, probe)

        index = graph.index_of(plan)
        motion = Motion(graph, slopes, False, span)
        tableau = self.solver.tableau
        assert tableau is not None, "only Runge-Kutta methods carry a density"
        t, length = self.clock.at(graph, index, span), self.clock.length(graph, index, span)
        return graph.close(plan, fixed_step(motion, tableau, plan.inside, t, length))

    def _probe(self, draft: Draft) -> Expr | None:
        """Signs drawn once for a solve; None where the divergence is exact."""
        shape = self.sde.state.type.shape
        stated = asked.option(self.method, "divergence")
        small = not shape or shape[0] <= EXACT_UP_TO
        if stated == "exact" or (stated is None and small) or not shape:
            return None
        graph, span = draft.graph, self.method.span
        stream = streams_of(self.derived.model)[f"{self.sde.name}.probe"]
        return signs(graph, stream, shape, span)
