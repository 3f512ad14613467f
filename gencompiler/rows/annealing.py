"""Annealing along a path: where it starts, its steps forwards and backwards, and exact draws of what it ends at.

| program | |
|---|---|
| anneal_start | a draw of the laws at time 0, and log of the path's mass there |
| anneal | `steps` of `total` steps: log f_t(x) - log f_s(x) for s the time before and t after, then a transition at t |
| anneal_back | the same from time 1 down: the reversed transition at t, then log f_s(x) - log f_t(x) |
| anneal_exact | draws of `p`, where it can be drawn from: of the path's variables and what it is given |

Where a model anneals along several paths, the names of all but the first end in theirs.  Weights stay with the state on
chip, so that a run of T steps is one program.
"""

from __future__ import annotations

from gencompiler.derive import annealing
from gencompiler.derive.conditional_laws import tidy
from gencompiler.derive.density import log_density
from gencompiler.derive.nodes import Annealing, Derived
from gencompiler.derive.substitute import inline, substitute
from gencompiler.model import nodes as model
from gencompiler.rows import nodes
from gencompiler.rows.chain_steps import Moved, Steps
from gencompiler.rows.draws import Ancestral, Draws
from gencompiler.rows.expressions import Scope
from gencompiler.rows.factors import Factors
from gencompiler.rows.nodes import Expr
from gencompiler.rows.programs import Draft, streams_of


def programs(derived: Derived) -> list[nodes.Program]:
    """Those of each of the model's paths."""
    return [program for own in derived.annealings for program in _programs(derived, own)]


def _programs(derived: Derived, own: Annealing) -> list[nodes.Program]:
    found = [_start(derived, own), _forward(derived, own)]
    if own.backward:
        found.append(_back(derived, own))
    plan = annealing.exact_draws(derived, own)
    if plan is not None:
        names = ", ".join(v.name for v in derived.model.variables if v.name in _names(own))
        draft = Draft(derived, f"anneal_exact{own.suffix}", f"exact draws of {names} from p")
        drawn = Ancestral(Draws(draft.densities, {})).run(plan, {})
        declared = [v.name for v in derived.model.variables if v.name in _names(own) and v.role != "given"]
        found.append(draft.program({name: drawn[name] for name in declared}))
    return found


def _names(own: Annealing) -> set[str]:
    return {i.name for i in (*own.variables, *own.given)}


def _body(derived: Derived, own: Annealing) -> model.Function:
    """log of the path, as a function."""
    density = next(d for d in derived.model.densities if d.name == own.path)
    return next(f for f in derived.model.functions if f.name == density.function)


# -- time 0 ----------------------------------------------------------------------------------------------------------


def _start(derived: Derived, own: Annealing) -> nodes.Program:
    draft = Draft(
        derived, f"anneal_start{own.suffix}", f"draws of {own.path} at {own.time.name} = 0, and log of its mass there"
    )
    graph, streams = draft.graph, streams_of(derived.model)
    values = {i.name: draft.input(i) for i in own.given}
    factors, step = Factors(draft.expressions, streams), graph.scalar("step", own.span)
    state = {}
    for moved, law in zip(own.variables, own.laws, strict=True):
        state[moved.name] = factors.draw(law, Scope(values), moved.name, step, hint=moved.name)
    functions = {f.name: f for f in derived.model.functions}
    zero = model.Literal(own.time.type, 0, span=own.span)
    at_zero = tidy(substitute(inline(_body(derived, own).body, functions), {own.time.name: zero}))
    value = draft.expressions.lower(at_zero, Scope({**values, **state}))
    for moved, law in zip(own.variables, own.laws, strict=True):
        density = log_density(law, model.Reference(moved.type, moved.name, span=own.span))
        term = draft.expressions.lower(density, Scope({**values, **state}))
        value = graph.elementwise("subtract", value, term, span=own.span)
    return draft.program({**state, "log_weight": graph.name(value, "log_mass")})


# -- steps -----------------------------------------------------------------------------------------------------------


class _Walk:
    """A loop over times; `taken` counts accepted proposals."""

    def __init__(self, derived: Derived, own: Annealing, name: str, title: str) -> None:
        self.derived, self.own = derived, own
        self.draft = Draft(derived, name, title)
        self.graph, self.span = self.draft.graph, own.span
        self.graph.recalls = {}
        self.state = {i.name: self.draft.input(i) for i in own.variables}
        self.fixed = {i.name: self.draft.input(i) for i in own.given}
        zero = self.draft.zero
        carried = {**self.state, "log_weight": zero, "accepted": zero}
        self.plan = self.graph.loop("steps", "k", self.draft.scalar("steps"), carried, self.span, depth=0)
        self.total = self.draft.scalar("total")
        self.here = dict(zip(self.state, self.plan.inside, strict=False))
        *_, self.weight, self.count = self.plan.inside
        offset = self.graph.scalar("step", self.span)
        self.number = self.graph.name(self._whole("add", offset, self.graph.index_of(self.plan)), "now")

    def _whole(self, function: str, left: Expr, right: Expr) -> Expr:
        return self.graph.elementwise(function, left, right, span=self.span)

    def times(self, *, down: bool) -> tuple[Expr, Expr]:
        """The earlier and the later end of the interval that this step crosses, counted from 1 when `down`."""
        graph, one = self.graph, self.graph.integer(1, self.span)
        after = self._whole("add", self.number, one)
        if down:
            low, high = (self._whole("subtract", self.total, n) for n in (after, self.number))
        else:
            low, high = self.number, after
        scale = self._whole("divide", graph.number(1, self.span), self.total)
        early, late = (self._whole("multiply", scale, n) for n in (low, high))
        return graph.name(early, f"{self.own.time.name}_before"), graph.name(late, f"{self.own.time.name}_after")

    def log_path(self, state: dict[str, Expr], time: Expr) -> Expr:
        function = _body(self.derived, self.own)
        return self.draft.expressions.lower(function.body, Scope({**self.fixed, **state, self.own.time.name: time}))

    def gain(self, state: dict[str, Expr], before: Expr, after: Expr) -> Expr:
        """log f_after - log f_before"""
        ends = self.log_path(state, after), self.log_path(state, before)
        return self.graph.name(self._whole("subtract", *ends), "gain")

    def moved(self, name: str, state: dict[str, Expr], time: Expr) -> Moved:
        move = next(t for t in self.derived.model.transitions if t.name == name)
        factors = Factors(self.draft.expressions, streams_of(self.derived.model))
        steps = Steps(self.draft.expressions, factors, self.number, depth=1)
        return steps.of(move, {**state, **self.fixed}, {self.own.time.name: time})

    def program(self, moved: Moved, gain: Expr) -> nodes.Program:
        weight = self._whole("add", self.weight, gain)
        count = self._whole("add", self.count, moved.accepted(self.graph, self.span))
        after = self.graph.close(self.plan, (*(moved.state[n] for n in self.state), weight, count))
        return self.draft.program(dict(zip((*self.state, "log_weight", "accepted"), after, strict=True)))


def _forward(derived: Derived, own: Annealing) -> nodes.Program:
    title = f"`steps` of `total` steps along {own.path}, numbered from `step`: log of the weight gained, then a move"
    walk = _Walk(derived, own, f"anneal{own.suffix}", title)
    before, after = walk.times(down=False)
    gain = walk.gain(walk.here, before, after)
    return walk.program(walk.moved(own.transition, walk.here, after), gain)


def _back(derived: Derived, own: Annealing) -> nodes.Program:
    title = f"`steps` of `total` steps down {own.path}, numbered from `step`: a reversed move, then log of the weight"
    walk = _Walk(derived, own, f"anneal_back{own.suffix}", title)
    low, high = walk.times(down=True)
    moved = walk.moved(own.backward, walk.here, high)
    return walk.program(moved, walk.gain({n: moved.state[n] for n in walk.state}, high, low))
