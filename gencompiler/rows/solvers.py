"""Steps of the solvers of `catalog.solvers` on the row graph.

Every value is carried by a step in the same way, be it a state or the logarithm of a density along its path; `slopes`
says how fast each moves at a state and a time.  Lengths are positive, and `down` says that time runs backwards.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from fractions import Fraction

from gencompiler.catalog.solvers import Solver, Tableau
from gencompiler.diagnostics.span import Span
from gencompiler.rows.graph import Graph
from gencompiler.rows.nodes import Expr

#: How fast each carried value moves, at a state (the first of them) and a time.
Slopes = Callable[[Expr, Expr], tuple[Expr, ...]]

#: An adaptive step grows or shrinks by no more than this, and aims a little below what its error allows.
GROWTH, SHRINKAGE, SAFETY = 5.0, 0.2, 0.9
#: The first step that an adaptive solver tries, of the whole way.
FIRST = Fraction(1, 32)


@dataclasses.dataclass(frozen=True)
class Motion:
    """The values that are carried along, how fast they move, and in which direction of time.

    No stage looks before `earliest`, where there is one; `depth` loops are around."""

    graph: Graph
    slopes: Slopes
    down: bool
    span: Span
    earliest: Fraction | None = None
    depth: int = 0

    def apply(self, function: str, *arguments: Expr) -> Expr:
        return self.graph.elementwise(function, *arguments, span=self.span)

    def number(self, value: Fraction | float) -> Expr:
        return self.graph.number(float(value), self.span)

    def along(self, value: Expr, length: Expr, slope: Expr) -> Expr:
        """value ± length * slope"""
        return self.apply("subtract" if self.down else "add", value, self.apply("multiply", length, slope))

    def combined(self, weights: tuple[Fraction, ...], slopes: list[Expr]) -> Expr | None:
        """Σ w k over the weights that are not 0."""
        total: Expr | None = None
        for weight, slope in zip(weights, slopes, strict=False):
            if weight:
                term = self.apply("multiply", self.number(weight), slope)
                total = term if total is None else self.apply("add", total, term)
        return total

    def stages(
        self,
        tableau: Tableau,
        values: tuple[Expr, ...],
        time: Expr,
        length: Expr,
        first: tuple[Expr, ...] | None = None,
    ) -> list[tuple[Expr, ...]]:
        """The slopes of each stage; `first` are those of the first where they are known."""
        state = values[0]
        found: list[tuple[Expr, ...]] = []
        for place, coupling in zip(tableau.places, tableau.coupling, strict=True):
            if not found:
                found.append(self.slopes(state, time) if first is None else first)
                continue
            own = [k[0] for k in found]
            used = [c for c in coupling if c]
            if len(used) == 1:
                slope = own[next(n for n, c in enumerate(coupling) if c)]
                moved = self.along(state, self.apply("multiply", self.number(used[0]), length), slope)
            else:
                slope_ = self.combined(coupling, own)
                assert slope_ is not None
                moved = self.along(state, length, slope_)
            offset = self.apply("multiply", self.number(place), length)
            later = self.apply("subtract" if self.down else "add", time, offset)
            if self.earliest is not None:
                later = self.apply("max", later, self.number(self.earliest))
            found.append(self.slopes(moved, later))
        return found


def fixed_step(
    motion: Motion, tableau: Tableau, values: tuple[Expr, ...], time: Expr, length: Expr, last: Expr | None = None
) -> tuple[Expr, ...]:
    """The values after a Runge-Kutta step; where the number `last` is 1 rather than 0, after an Euler step."""
    slopes = motion.stages(tableau, values, time, length)
    found = []
    for value, *own in zip(values, *slopes, strict=True):
        if len(own) == 1:
            found.append(motion.along(value, length, own[0]))
            continue
        slope = motion.combined(tableau.weights, own)
        assert slope is not None
        if last is not None:
            gap = motion.apply("multiply", last, motion.apply("subtract", own[0], slope))
            slope = motion.apply("add", slope, gap)
        found.append(motion.along(value, length, slope))
    return tuple(found)


# -- steps of its own length -----------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Way:
    """From one time to another with this error allowed in a step, in so many attempts."""

    first: Fraction
    last: Fraction
    tolerance: Fraction
    attempts: int


def adaptive(motion: Motion, solver: Solver, values: dict[str, Expr], way: Way) -> tuple[Expr, ...]:
    """The values at the end of the way, by steps whose length each row chooses for itself.

    A row that has arrived takes steps of length 0, so that it does not depend on the rows that are still under way.
    Attempt k of n is at least 1 / (n - k) of what is left, so that every row arrives, if need be with a larger error
    than allowed.  No gradient passes through the choice of a length."""
    graph, tableau = motion.graph, solver.tableau
    assert tableau is not None and tableau.coupling[-1] == tableau.weights[:-1], "the last stage begins the next step"
    whole = abs(way.last - way.first)
    start = motion.slopes(next(iter(values.values())), motion.number(way.first))
    carried = dict(values) | {f"{name}_slope": k for name, k in zip(values, start, strict=True)}
    carried |= {"left": motion.number(whole), "length": motion.number(whole * FIRST)}
    plan = graph.loop("time", "k", graph.integer(way.attempts, motion.span), carried, motion.span, depth=motion.depth)
    count = len(values)
    inside, known, (left, length) = plan.inside[:count], plan.inside[count : 2 * count], plan.inside[2 * count :]
    attempts = motion.apply("subtract", motion.number(way.attempts), graph.index_of(plan))
    least = motion.apply("divide", left, attempts)
    trial = motion.apply("stop", motion.apply("min", motion.apply("max", length, least), left))
    trial = graph.name(trial, "trial")
    time = motion.apply("add" if motion.down else "subtract", motion.number(way.last), left)
    stages = motion.stages(tableau, inside, time, trial, known)
    moved, errors = [], []
    for value, *own in zip(inside, *stages, strict=True):
        slope, error = motion.combined(tableau.weights, own), motion.combined(tableau.errors, own)
        assert slope is not None and error is not None
        moved.append(graph.name(motion.along(value, trial, slope), "moved"))
        errors.append(graph.name(motion.apply("multiply", trial, error), "error"))
    ratio = graph.name(motion.apply("stop", _ratio(motion, inside, moved, errors, way.tolerance)), "ratio")
    fine = motion.apply("less_equal", ratio, motion.number(1))
    kept = graph.name(motion.apply("or", fine, motion.apply("less_equal", trial, least)), "kept")
    wanted = motion.apply("power", motion.apply("max", ratio, motion.number(1e-9)), motion.number(-1 / solver.order))
    factor = motion.apply("min", motion.apply("multiply", motion.number(SAFETY), wanted), motion.number(GROWTH))
    factor = motion.apply("max", factor, motion.number(SHRINKAGE))
    after = [graph.select(kept, new, old, motion.span) for new, old in zip(moved, inside, strict=True)]
    after += [graph.select(kept, new, old, motion.span) for new, old in zip(stages[-1], known, strict=True)]
    after.append(graph.select(kept, motion.apply("subtract", left, trial), left, motion.span))
    after.append(motion.apply("multiply", trial, factor))
    plan.done = motion.apply("less_equal", left, motion.number(0))
    return graph.close(plan, tuple(after))[:count]


def _ratio(
    motion: Motion, before: tuple[Expr, ...], after: list[Expr], errors: list[Expr], tolerance: Fraction
) -> Expr:
    """The root mean square of error / (tolerance (1 + |value|)), over all elements of all values."""
    graph, total, size = motion.graph, None, 0
    for old, new, error in zip(before, after, errors, strict=True):
        larger = motion.apply("max", motion.apply("abs", old), motion.apply("abs", new))
        allowed = motion.apply("multiply", motion.number(tolerance), motion.apply("add", motion.number(1), larger))
        square = motion.apply("power", motion.apply("divide", error, allowed), graph.integer(2, motion.span))
        own = graph.total(square, motion.span)
        total = own if total is None else motion.apply("add", total, own)
        size += old.type.shape[0] if old.type.shape else 1
    assert total is not None
    return motion.apply("sqrt", motion.apply("divide", total, motion.number(size)))


# -- exponential integrators -----------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Level:
    """A linear SDE at one time: x(t) given x(0) is Normal(signal x(0) + shift, noise)."""

    signal: Expr
    shift: Expr
    noise: Expr
    time: Expr


def exponential_step(
    motion: Motion, order: int, x: Expr, levels: tuple[Level, ...], noise_of: Callable[[Expr, Expr], Expr]
) -> Expr:
    """The probability flow from the first of `levels` to the last, by DPM-Solver of this order (Lu et al. 2022).

    `noise_of` is -noise * score.  With y = x - shift and e^λ = signal / noise the flow is

        y_t = (m_t / m_s) y_s - σ_t (e^h - 1) (ε_s + …),      h = λ_t - λ_s,

    and the levels between are where the higher orders look at ε; there λ need not lie at a fixed part of the step."""
    apply = motion.apply
    begin = levels[0]
    first = motion.graph.name(noise_of(x, begin.time), "noise")
    centred = apply("subtract", x, begin.shift)

    def grown(level: Level) -> Expr:
        """σ_t (e^h - 1) = (m_t / m_s) σ_s - σ_t"""
        return apply("subtract", apply("multiply", _ratio_of(level), begin.noise), level.noise)

    def _ratio_of(level: Level) -> Expr:
        return apply("divide", level.signal, begin.signal)

    def reached(level: Level, *corrections: tuple[Expr, Expr]) -> Expr:
        """The state at a level, with the first ε and so many (coefficient, difference) taken off."""
        kept = apply("multiply", _ratio_of(level), centred)
        found = apply("add", apply("subtract", kept, apply("multiply", grown(level), first)), level.shift)
        for coefficient, difference in corrections:
            found = apply("subtract", found, apply("multiply", coefficient, difference))
        return found

    def gap(level: Level) -> Expr:
        """λ at a level less λ at the beginning."""
        return apply("log", apply("divide", apply("multiply", _ratio_of(level), begin.noise), level.noise))

    if order == 1:
        return reached(levels[-1])
    middle, end = levels[1], levels[-1]
    change = apply("subtract", noise_of(reached(middle), middle.time), first)
    if order == 2:
        half = apply("multiply", motion.number(0.5), apply("divide", gap(end), gap(middle)))
        return reached(end, (apply("multiply", half, grown(end)), change))
    later = levels[2]

    def bent(level: Level, seen: Level) -> Expr:
        """σ_t ((e^h - 1) / h - 1) / r, r = (λ - λ_s of `seen`) / h"""
        share = apply("divide", gap(seen), gap(level))
        rest = apply("subtract", apply("divide", grown(level), gap(level)), level.noise)
        return apply("divide", rest, share)

    further = apply("subtract", noise_of(reached(later, (bent(later, middle), change)), later.time), first)
    return reached(end, (bent(end, later), further))


def multistep(
    motion: Motion, x: Expr, levels: tuple[Level, ...], noise: Expr, memory: tuple[Expr, ...], index: Expr
) -> tuple[Expr, Expr]:
    """The probability flow from the last but one of `levels` to the last by DPM-Solver++(2M) or (3M) (Lu et al. 2022),
    and the prediction of the data that the next steps remember.

    `noise` is -noise * score at x; `memory` are the predictions at the levels before, the latest first, as many as
    there are such levels, of which step number `index` has made `index` at most.  With y = x - shift,
    D = (y_s - σ_s ε) / m_s and h = λ_t - λ_s the flow is

        y_t = (σ_t / σ_s) y_s + (m_t - (σ_t / σ_s) m_s) (D + φ_2 D_1 + φ_3 D_2),

    where D + u D_1 + u^2 D_2 is the polynomial through D and what is remembered, u = (λ - λ_s) / h, and φ_n the mean of
    u^(n - 1) under the weight e^(h u), which 2M takes as 1/2.  (The code that is in use takes half of φ_3 here, and is
    of order 2: tests/families/test_solvers.py measures 3.)"""
    apply, (begin, end) = motion.apply, levels[-2:]
    centred = apply("subtract", x, begin.shift)
    data = apply("divide", apply("subtract", centred, apply("multiply", begin.noise, noise)), begin.signal)
    data = motion.graph.name(data, "denoised")
    ratio = apply("divide", end.noise, begin.noise)
    gain = apply("subtract", end.signal, apply("multiply", ratio, begin.signal))
    better = apply("add", data, _look_back(motion, levels, data, memory, index))
    moved = apply("add", apply("multiply", ratio, centred), apply("multiply", gain, better))
    return apply("add", moved, end.shift), data


def _gap(motion: Motion, one: Level, other: Level) -> Expr:
    """λ at the second level less λ at the first."""
    apply = motion.apply
    signal, spread = apply("divide", other.signal, one.signal), apply("divide", one.noise, other.noise)
    return apply("log", apply("multiply", signal, spread))


def _look_back(motion: Motion, levels: tuple[Level, ...], data: Expr, memory: tuple[Expr, ...], index: Expr) -> Expr:
    """What the predictions before add to the present one, none of it where none has been made yet."""
    apply, graph, zero = motion.apply, motion.graph, motion.number(0)
    begin, end = levels[-2:]
    half, length = motion.number(0.5), graph.name(_gap(motion, begin, end), "length")
    past = apply("divide", _gap(motion, levels[-3], begin), length)
    slope = apply("divide", apply("subtract", data, memory[0]), past)
    found = apply("multiply", half, slope)
    if len(memory) == 2:
        earlier = apply("divide", _gap(motion, levels[-4], levels[-3]), length)
        before = apply("divide", apply("subtract", memory[0], memory[1]), earlier)
        bend = apply("divide", apply("subtract", slope, before), apply("add", past, earlier))
        weight = apply("negate", apply("expm1", apply("negate", length)))
        whole = apply("divide", motion.number(1), weight)
        first = apply("subtract", whole, apply("divide", motion.number(1), length))
        second = apply("subtract", whole, apply("divide", apply("multiply", motion.number(2), first), length))
        rising = apply("multiply", first, apply("add", slope, apply("multiply", past, bend)))
        curved = apply("add", rising, apply("multiply", second, bend))
        many = apply("less", index, graph.integer(2, motion.span))
        found = graph.select(many, found, curved, motion.span)
    alone = apply("less", index, graph.integer(1, motion.span))
    return graph.select(alone, zero, found, motion.span)


#: Where in a step an exponential integrator looks between its ends.
PLACES: dict[int, tuple[Fraction, ...]] = {
    1: (),
    2: (Fraction(1, 2),),
    3: (Fraction(1, 3), Fraction(2, 3)),
}


# -- probes and shapes -----------------------------------------------------------------------------------------------


def signs(graph: Graph, stream: int, shape: tuple[int, ...], span: Span, key: Expr | None = None) -> Expr:
    """Independent signs, drawn once for each row, and for each `key` where they are many."""
    drawn = graph.draw("uniform", stream, graph.scalar("step", span) if key is None else key, shape, span)
    low = graph.elementwise("less", drawn, graph.number(0.5, span), span=span)
    return graph.name(graph.select(low, graph.number(-1, span), graph.number(1, span), span), "probe")


def wide_like(graph: Graph, value: Expr, like: Expr) -> Expr:
    """A value of the shape of another."""
    shape = like.type.shape
    return graph.broadcast(value, shape[0], value.span) if shape and not value.type.shape else value
