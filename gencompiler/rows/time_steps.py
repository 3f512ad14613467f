"""One step of a sampler of an SDE: noise put back, the solver, the corrector."""

from __future__ import annotations

from gencompiler.model import diffusion_methods as asked
from gencompiler.rows.expressions import Scope
from gencompiler.rows.nodes import Expr
from gencompiler.rows.programs import Draft, streams_of
from gencompiler.rows.solvers import PLACES, Level, Motion, exponential_step, fixed_step, multistep
from gencompiler.rows.time_request import Noise, Request, Slope, names_of


class Step:
    """One step of a sampler: noise put back, the solver, the corrector."""

    def __init__(self, request: Request, draft: Draft, given: dict[str, Expr], index: Expr, number: Expr) -> None:
        self.request, self.draft, self.given, self.index, self.number = request, draft, given, index, number
        self.graph, self.span = draft.graph, request.method.span
        clock = request.clock
        self.time = clock.at(self.graph, index, self.span)
        self.length = clock.length(self.graph, index, self.span)
        self.last = clock.is_last(self.graph, index, self.span)
        self.following = clock.following(self.graph, index, self.span)

    def apply(self, function: str, *arguments: Expr) -> Expr:
        return self.graph.elementwise(function, *arguments, span=self.span)

    def after(self, x: Expr) -> Expr:
        if self.request.method.name == "reverse_sde":
            moved = self._stochastic(x)
        elif self.request.solver.exponential:
            moved = self._exponential(x)
        else:
            moved = self._flow(x)
        corrector = asked.corrector_of(self.request.method)
        return moved if corrector is None else self._corrected(moved, corrector)

    # -- the flow ----------------------------------------------------------------------------------------------------

    def _motion(self, slope: Slope) -> Motion:
        earliest = self.request.clock.lower if self.last is not None else None
        return Motion(self.graph, lambda state, time: (slope(state, time),), True, self.span, earliest)

    def _flow(self, x: Expr) -> Expr:
        slope = self.request.slopes(self.draft, self.given, reverse=False)
        tableau = self.request.solver.tableau
        assert tableau is not None
        churn = asked.churn_of(self.request.method)
        time, length = self.time, self.length
        if churn is not None:
            x, time = self._churned(x, churn)
            length = self.apply("subtract", time, self.following)
        (moved,) = fixed_step(self._motion(slope), tableau, (x,), time, length, self.last)
        return moved

    def _level(self, time: Expr) -> Level:
        """The kernel at a time."""
        kernel = self.request.derived.kernels[self.request.sde.name]
        scope = Scope({kernel.time.name: time})
        signal, shift, noise = (
            self.draft.expressions.lower(part, scope) for part in (kernel.signal, kernel.shift, kernel.noise)
        )
        return Level(signal, shift, noise, time)

    def _noise_of(self, state: Expr, time: Expr) -> Expr:
        """-noise * score: the noise that the score predicts."""
        scope = names_of(self.draft, state, time, self.request.sde, self.given)
        found = self.draft.expressions.lower(self.request.score(), scope)
        return self.apply("multiply", self.apply("negate", self._level(time).noise), found)

    def _exponential(self, x: Expr) -> Expr:
        order, churn = self.request.solver.exponential, asked.churn_of(self.request.method)
        time, length = self.time, self.length
        if churn is not None:
            x, time = self._churned(x, churn)
            length = self.apply("subtract", time, self.following)
        places = [self.apply("multiply", self.graph.number(float(p), self.span), length) for p in PLACES[order]]
        times = [time, *(self.apply("subtract", time, p) for p in places), self.following]
        levels = tuple(self._level(t) for t in times)
        return exponential_step(self._motion(lambda state, time: state), order, x, levels, self._noise_of)

    def remembering(self, x: Expr, memory: tuple[Expr, ...]) -> tuple[Expr, ...]:
        """The state after a step that looks back at earlier predictions of the data, and what the next one remembers:
        its own first."""
        clock, graph = self.request.clock, self.graph
        places = (self.apply("subtract", self.index, graph.integer(n, self.span)) for n in range(len(memory), 0, -1))
        earlier = tuple(self._level(clock.at(graph, place, self.span)) for place in places)
        levels = (*earlier, self._level(self.time), self._level(self.following))
        noise = self._noise_of(x, self.time)
        motion = self._motion(lambda state, time: state)
        moved, own = multistep(motion, x, levels, noise, memory, self.index)
        corrector = asked.corrector_of(self.request.method)
        return (moved if corrector is None else self._corrected(moved, corrector)), own, *memory[:-1]

    def _churned(self, x: Expr, churn: asked.Churn) -> tuple[Expr, Expr]:
        """The state with the noise of a later time, by the kernel from one time to the other, and that time."""
        share = min(float(churn.amount) / self.request.steps, 2**0.5 - 1)
        start = self.graph.number(float(self.request.clock.start), self.span)
        passed = self.apply("subtract", self.time, start)
        inside = self.apply(
            "and",
            self.apply("less_equal", self.graph.number(float(churn.lowest), self.span), passed),
            self.apply("less_equal", passed, self.graph.number(float(min(churn.highest, 1e300)), self.span)),
        )
        extra = self.graph.select(
            inside, self.graph.number(share, self.span), self.graph.number(0, self.span), self.span
        )
        later = self.apply("add", self.time, self.apply("multiply", extra, passed))
        before, after = self._level(self.time), self._level(later)
        ratio = self.apply("divide", after.signal, before.signal)
        square = self.apply("power", self.apply("multiply", ratio, before.noise), self.graph.integer(2, self.span))
        rest = self.apply("subtract", self.apply("power", after.noise, self.graph.integer(2, self.span)), square)
        spread = self.apply("sqrt", self.apply("max", rest, self.graph.number(0, self.span)))
        spread = self.apply("multiply", self.graph.number(float(churn.scale), self.span), spread)
        centred = self.apply("multiply", ratio, self.apply("subtract", x, before.shift))
        noisy = self.apply("add", centred, self.apply("multiply", spread, self._drawn("churn", x)))
        return self.apply("add", noisy, after.shift), later

    def _drawn(self, site: str, like: Expr) -> Expr:
        stream = streams_of(self.request.derived.model)[f"{self.request.sde.name}.{site}"]
        drawn = self.graph.draw("normal", stream, self.number, like.type.shape, self.span)
        return self.graph.name(drawn, "noise")

    # -- the reverse SDE ---------------------------------------------------------------------------------------------

    def _stochastic(self, x: Expr) -> Expr:
        slope = self.request.slopes(self.draft, self.given, reverse=True)
        noise = Noise(self.draft, self.request.sde)
        first = slope(x, self.time)
        kept = self._kept()

        def increment(state: Expr, time: Expr) -> Expr | None:
            scope = names_of(self.draft, state, time, self.request.sde, self.given)
            found = noise.increment(scope, self.number, self.length, state)
            return found if found is None or kept is None else self.apply("multiply", kept, found)

        motion = self._motion(slope)
        own = increment(x, self.time)
        moved = motion.along(x, self.length, first)
        if self.request.solver.calculus != "Stratonovich":
            return moved if own is None else self.apply("add", moved, own)
        guess = moved if own is None else self.apply("add", moved, own)
        second, other = slope(guess, self.reached), increment(guess, self.reached)
        half = self.graph.number(0.5, self.span)
        mean = self.apply("multiply", half, self.apply("add", first, second))
        moved = motion.along(x, self.length, mean if self.last is None else self._blend(mean, first))
        if own is None or other is None:
            return moved
        return self.apply("add", moved, self.apply("multiply", half, self.apply("add", own, other)))

    @property
    def reached(self) -> Expr:
        """The time after the step, no lower than the cutoff, where the score exists."""
        if self.last is None:
            return self.following
        return self.apply("max", self.following, self.graph.number(float(self.request.clock.lower), self.span))

    def _kept(self) -> Expr | None:
        """0 in the last step of a grid that goes down to the data, which adds no noise; None where there is none."""
        if self.last is None:
            return None
        return self.apply("subtract", self.graph.number(1, self.span), self.last)

    def _blend(self, usual: Expr, at_last: Expr) -> Expr:
        assert self.last is not None
        return self.apply("add", usual, self.apply("multiply", self.last, self.apply("subtract", at_last, usual)))

    # -- the corrector -----------------------------------------------------------------------------------------------

    def _corrected(self, x: Expr, corrector: asked.Corrector) -> Expr:
        """Langevin steps x + e S + sqrt(2 e) ξ with e = 2 (snr noise(t))^2      (Song & Ermon 2019, algorithm 1)

        The size is a function of time alone, so that p_t is what the steps keep up to their length; sizes from norms of
        the score, as in Song et al. 2021, would differ between states."""
        noise = self._level(self.reached).noise
        root = self.apply("multiply", self.graph.number(float(corrector.snr), self.span), noise)
        kept = self._kept()
        root = root if kept is None else self.apply("multiply", kept, root)
        size = self.apply("power", root, self.graph.integer(2, self.span))
        size = self.apply("multiply", self.graph.number(2, self.span), size)
        score = self.request.score()
        for place in range(corrector.steps):
            scope = names_of(self.draft, x, self.reached, self.request.sde, self.given)
            pull = self.apply("multiply", size, self.draft.expressions.lower(score, scope))
            push = self.apply(
                "multiply",
                self.apply("multiply", self.graph.number(2, self.span), root),
                self._drawn(f"corrector_{place}", x),
            )
            x = self.apply("add", self.apply("add", x, pull), push)
        return x
