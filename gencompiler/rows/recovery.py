"""How the state of a loop before each of its iterations is had again when its adjoint runs.

A loop carries states and accumulators.  An accumulator is only ever added to (a log-determinant): its adjoint does not
change, and its values are not needed.  A state is recomputed where its iteration has an inverse: a proven inverse body
(`LoopPlan.inverse`), or the subtraction of what was added; it is then saved after every `stride` iterations.  Otherwise
it is saved before each.

Recomputing loses digits: 32 couplings with strong conditioners lose all of them in float32.  So it starts again at
every saved state, and `drift`, the largest difference between what was recomputed and what had been saved, relative to
1 + |state|, says whether the result can be used.
"""

from __future__ import annotations

import dataclasses

from gencompiler.rows import nodes
from gencompiler.rows.analysis import constant
from gencompiler.rows.graph import Graph, parts_of
from gencompiler.rows.nodes import Expr
from gencompiler.rows.plans import LoopPlan
from gencompiler.rows.rewrite import Substitution, operands_first
from gencompiler.rows.unsupported import NotDifferentiated

#: Iterations between two saved states, at most: of layers that invert a map, and of a sum that is subtracted from.
LONGEST_STRIDE = {"layers": 8, "dimensions": 64, "steps": 8, "time": 8}


@dataclasses.dataclass(frozen=True)
class State:
    """The carried value at `place`; `saved` and `end` name what is stored of it, `size` elements and its last value."""

    place: int
    width: int
    size: int
    saved: str
    end: str


@dataclasses.dataclass(frozen=True)
class Opened:
    """The adjoint's loop while its body is written.

    `states`: before the iteration; `ends`: after it; `adjoints` of the states after the iteration, by place;
    `totals`: what is added up for values from outside; `drift`: so far."""

    plan: LoopPlan
    index: Expr
    states: dict[int, Expr]
    adjoints: dict[int, Expr]
    totals: list[tuple[Expr, Expr]]
    drift: Expr | None


@dataclasses.dataclass(frozen=True)
class Closed:
    """After the adjoint's loop: adjoints of the initial states, totals in their order, and the drift."""

    adjoints: dict[int, Expr]
    totals: list[Expr]
    drift: Expr | None


@dataclasses.dataclass(eq=False)
class Recovery:
    """How the states of `plan` are had again; `inverts`: recomputed, from one saved in every `stride` iterations.

    `sources`: the inputs that hold saved states, by place; `ends`: values after the loop, by place; `matters`: whether
    a gradient flows through the loop at all."""

    graph: Graph
    plan: LoopPlan
    states: tuple[State, ...]
    stride: int
    inverts: bool
    sources: dict[int, nodes.Input] = dataclasses.field(default_factory=dict)
    ends: dict[int, Expr] = dataclasses.field(default_factory=dict)
    matters: bool = False

    @property
    def count(self) -> int:
        return constant(self.plan.count) or 0

    @property
    def slots(self) -> int:
        return self.count // self.stride

    # -- forward -----------------------------------------------------------------------------------------------------

    def store(self, state: State) -> nodes.StoreColumn | nodes.StoreSection:
        """What the loop stores in each iteration: later ones of a stride overwrite earlier ones."""
        plan, span = self.plan, self.plan.span
        value = plan.nexts[state.place] if self.inverts else plan.inside[state.place]
        slot = self._slot(self._turn(self.graph.index_of(plan)))
        if not value.type.shape:
            return nodes.StoreColumn(state.saved, slot, value, span=span)
        return nodes.StoreSection(state.saved, self._times(slot, state.width), value, state.width, span=span)

    def _turn(self, index: Expr) -> Expr:
        """The how manieth iteration has this index."""
        return self._whole("subtract", self.count - 1, index) if self.plan.reverse else index

    def _slot(self, turn: Expr) -> Expr:
        return turn if self.stride == 1 else self._whole("quotient", turn, self.stride)

    def _times(self, slot: Expr, width: int) -> Expr:
        return self._whole("multiply", slot, width)

    def _whole(self, function: str, *arguments: Expr | int) -> Expr:
        span = self.plan.span
        left, right = (self.graph.integer(a, span) if isinstance(a, int) else a for a in arguments)
        return self.graph.whole(function, left, right, span)

    def saved(self, state: State, slot: Expr | int) -> Expr:
        """The saved state in a slot."""
        graph, span = self.graph, self.plan.span
        source = self.sources[state.place]
        if not self.plan.inside[state.place].type.shape:
            at = graph.integer(slot, span) if isinstance(slot, int) else slot
            return graph.column(graph.intern(nodes.InputRead(source.type, source.name, span=span)), at, span)
        start = graph.integer(slot * state.width, span) if isinstance(slot, int) else self._times(slot, state.width)
        return graph.section(source, start, state.width, span)

    # -- the body ----------------------------------------------------------------------------------------------------

    def body(self) -> list[Expr]:
        """The values that an iteration computes, operands first."""
        found: dict[int, Expr] = {}
        for following in self.plan.nexts:
            if self._is_inside(following):
                found |= {id(expr): expr for expr in operands_first(following, self._inner) if id(expr) not in found}
        return list(found.values())

    def _inner(self, expr: Expr) -> list[Expr]:
        return [part for part in parts_of(expr) if self._is_inside(part)]

    def _is_inside(self, expr: Expr) -> bool:
        return self.graph.depth[id(expr)] >= self.plan.depth

    def frontier(self) -> list[Expr]:
        """The values from outside of the loop that its body reads."""
        read = [part for expr in self.body() for part in parts_of(expr)] + list(self.plan.nexts)
        return list({id(part): part for part in read if not self._is_inside(part)}.values())

    def depends(self, outer: list[Expr]) -> set[int]:
        """What in the body a gradient flows through: carried values, values from `outer`, parameters."""
        depends = {id(expr) for expr in (*self.plan.inside, *outer)}
        for expr in self.body():
            if isinstance(expr, nodes.ParameterRead) or any(id(part) in depends for part in parts_of(expr)):
                depends.add(id(expr))
        return depends

    # -- the adjoint's loop ------------------------------------------------------------------------------------------

    def open(self, adjoints: dict[int, Expr], outer: list[Expr]) -> Opened:
        """Open the loop that runs the other way; `adjoints` of the states after the loop, by place."""
        graph, plan = self.graph, self.plan
        zero = graph.number(0, plan.span)
        carried: dict[str, Expr] = {}
        if self.inverts:
            carried |= {plan.names[s.place]: self.ends[s.place] for s in self.states}
            carried["drift"] = zero
        carried |= {f"{plan.names[s.place]}_adjoint": adjoints[s.place] for s in self.states}
        for number, node in enumerate(outer):
            full = graph.broadcast(zero, node.type.shape[0], plan.span) if node.type.shape else zero
            carried[f"total_{number + 1}"] = full
        opened = graph.loop(
            plan.kind, plan.index, plan.count, carried, plan.span, depth=plan.depth - 1, reverse=not plan.reverse
        )
        index = graph.index_of(opened)
        inside = list(opened.inside)
        now = [inside.pop(0) for _ in self.states] if self.inverts else []
        drift = inside.pop(0) if self.inverts else None
        own = {s.place: inside.pop(0) for s in self.states}
        states, drift = self._states(index, now, drift)
        return Opened(opened, index, states, own, list(zip(outer, inside, strict=True)), drift)

    def _states(self, index: Expr, now: list[Expr], drift: Expr | None) -> tuple[dict[int, Expr], Expr | None]:
        """The states before the iteration, and the drift with what this iteration finds."""
        graph, span, turn = self.graph, self.plan.span, self._turn(index)
        slot = self._slot(turn)
        if not self.inverts or drift is None:
            return {s.place: self.saved(s, turn) for s in self.states}, None
        last = self._whole("add", self._times(slot, self.stride), self.stride - 1)
        full = graph.elementwise("equal", turn, last, span=span)
        found: dict[int, Expr] = {}
        for state, recomputed in zip(self.states, now, strict=True):
            saved = self.saved(state, slot)
            end = graph.select(full, saved, recomputed, span)
            here = graph.select(full, self.difference(recomputed, saved), graph.number(0, span), span)
            drift = graph.elementwise("max", drift, here, span=span)
            found[state.place] = self._before(state.place, end, index)
        return found, drift

    def difference(self, recomputed: Expr, saved: Expr) -> Expr:
        """The largest |recomputed - saved| / (1 + |saved|), a scalar."""
        graph, span = self.graph, self.plan.span
        apart = graph.elementwise("abs", graph.elementwise("subtract", recomputed, saved, span=span), span=span)
        scale = graph.elementwise("add", graph.elementwise("abs", saved, span=span), graph.number(1, span), span=span)
        each = graph.elementwise("divide", apart, scale, span=span)
        return graph.reduce("max", each, span) if each.type.shape else each

    def _before(self, place: int, end: Expr, index: Expr) -> Expr:
        """The state before an iteration from that after it."""
        found = _inverse(self.graph, self.plan, place)
        assert found is not None, "a state without an inverse is saved"
        stand_in, inverse = found
        own = self.graph.index_of(self.plan)
        return Substitution(self.graph, {id(stand_in): end, id(own): index})(inverse)

    def substitution(self, opened: Opened) -> Substitution:
        """The body's values in an iteration of the adjoint's loop."""
        places = {id(self.plan.inside[place]): state for place, state in opened.states.items()}
        return Substitution(self.graph, {**places, id(self.graph.index_of(self.plan)): opened.index})

    def close(self, opened: Opened, adjoints: dict[int, Expr], totals: list[Expr]) -> Closed:
        """Finish the adjoint's loop: the adjoints of the states before an iteration, and the totals with its share."""
        graph, plan = self.graph, self.plan
        nexts: list[Expr] = []
        if self.inverts and opened.drift is not None:
            nexts += [*(opened.states[s.place] for s in self.states), opened.drift]
        nexts += [adjoints[s.place] for s in self.states] + totals
        after = list(graph.close(opened.plan, tuple(nexts)))
        drift: Expr | None = None
        if self.inverts:
            firsts = [after.pop(0) for _ in self.states]
            drift = after.pop(0)
            for state, first in zip(self.states, firsts, strict=True):
                last = self.difference(first, plan.initials[state.place])
                drift = graph.elementwise("max", drift, last, span=plan.span)
        own = {s.place: after.pop(0) for s in self.states}
        return Closed(own, after, drift)


def recovery_of(graph: Graph, plan: LoopPlan, *, invert: bool) -> Recovery:
    """The plan for one loop, with a constant number of iterations; `invert`: by inverses, where all states have one."""
    count = constant(plan.count)
    if not count:
        raise NotDifferentiated("a loop of as many iterations as it is told")
    places = [n for n in range(len(plan.inside)) if not _is_accumulator(graph, plan, n)]
    inverts = invert and bool(places) and all(_inverse(graph, plan, place) is not None for place in places)
    longest = LONGEST_STRIDE[plan.kind]
    stride = max(d for d in range(1, longest + 1) if count % d == 0) if inverts else 1
    states = []
    for place in places:
        name, shape = plan.names[place], plan.inside[place].type.shape
        width = shape[0] if shape else 1
        states.append(State(place, width, count // stride * width, f"{name}_saved", f"{name}_end"))
    return Recovery(graph, plan, tuple(states), stride, inverts)


def _is_direct(graph: Graph, stand_in: Expr, inverse: Expr) -> bool:
    """Whether no loop runs from the value after an iteration to that before it."""
    reach = Substitution(graph, {id(stand_in): stand_in})
    return not any(id(e) in graph.produced_by and reach.reaches(e) for e in operands_first(inverse, parts_of))


def _is_accumulator(graph: Graph, plan: LoopPlan, place: int) -> bool:
    """Whether the value is only added to: its next is `inside ± term`, and nothing else reads it."""
    inside = plan.inside[place]
    others = [n for number, n in enumerate(plan.nexts) if number != place]
    reach = Substitution(graph, {id(inside): inside})
    if plan.nexts[place] is inside:
        if any(reach.reaches(other) for other in others):
            raise NotDifferentiated("a loop that carries what it does not change")
        return True
    found = _added(plan.nexts[place], inside)
    return found is not None and not any(reach.reaches(other) for other in (*others, found[1]))


def _added(following: Expr, inside: Expr) -> tuple[str, Expr] | None:
    """The function and the term where `following` is `inside + term`, `term + inside` or `inside - term`."""
    match following:
        case nodes.Elementwise(function="add" | "subtract" as function, arguments=(first, term)) if first is inside:
            return function, term
        case nodes.Elementwise(function="add", arguments=(term, second)) if second is inside:
            return "add", term
    return None


def _inverse(graph: Graph, plan: LoopPlan, place: int) -> tuple[Expr, Expr] | None:
    """A stand-in for the value after an iteration, and the value before it; None where there is no inverse, or none
    that takes less than a loop of its own, as that of an autoregressive map does."""
    if plan.inverse is not None and place in plan.inverse:
        stand_in, inverse = plan.inverse[place]()
        return (stand_in, inverse) if _is_direct(graph, stand_in, inverse) else None
    found = _added(plan.nexts[place], plan.inside[place])
    if found is None:
        return None
    function, term = found
    reach = Substitution(graph, {id(inside): inside for inside in plan.inside})
    if reach.reaches(term):
        return None
    stand_in = graph.placeholder(plan.nexts[place], plan.span)
    opposite = {"add": "subtract", "subtract": "add"}[function]
    return stand_in, graph.elementwise(opposite, stand_in, term, span=plan.span)
