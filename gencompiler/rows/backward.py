"""The backward pass of a row program as a row program, and what it needs the forward pass to save.

Reverse mode (Griewank & Walther, *Evaluating Derivatives*, 2008, chapters 3 and 12), with loops as loops: a loop's
adjoint is a loop in the opposite direction.  It needs the state before each iteration.  Where the body is proven
invertible the state is recomputed with the inverse body, from states saved every few iterations, and the `drift`
between what was recomputed and what was saved is an output; otherwise every state is saved.

    saving      the program's outputs, and the states at its checkpoints
    backward    inputs, states and the outputs' cotangents in; gradients of the inputs, and what those of the
                parameters are made of (`rows.contributions`), out

Rows stay independent: a gradient of a weight matrix is a sum of outer products over all rows, and a row gives its
two factors.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.rows import nodes
from gencompiler.rows.contributions import Contribution, Contributions
from gencompiler.rows.copies import Build, Copies
from gencompiler.rows.graph import Graph, parts_of
from gencompiler.rows.nodes import Expr, RowType
from gencompiler.rows.plans import LoopPlan
from gencompiler.rows.prepared import Prepared
from gencompiler.rows.programs import Draft
from gencompiler.rows.pullbacks import Pullbacks
from gencompiler.rows.recovery import Recovery, recovery_of
from gencompiler.rows.rewrite import Substitution, operands_first
from gencompiler.rows.unsupported import NotDifferentiated


@dataclasses.dataclass(frozen=True)
class Adjoint:
    """One way to differentiate a program: `saving` runs forward, `backward` back; `contributions` say what
    parameters' gradients its outputs make, and those of `prepared` matrices; `inverts`: whether states are recomputed
    by inverses; `valued`: whether `backward` gives the program's value as well, first, because nothing is saved for
    it."""

    saving: nodes.Program
    backward: nodes.Program
    contributions: tuple[Contribution, ...]
    prepared: Prepared | None
    inverts: bool
    valued: bool = False

    @property
    def saves(self) -> bool:
        """Whether any state is saved; else `saving` is the program itself."""
        return any(output.value is None for output in self.saving.outputs)


def adjoints(build: Build | Copies, *, at_hand: bool = False) -> tuple[Adjoint, ...]:
    """The ways to differentiate what `build` builds, the one that saves least first; the last one inverts nothing.

    `at_hand`: what a core has at hand is used there and then: factors are multiplied (`Contributions`), and where no
    states are saved the value comes with the gradient.  Raises NotDifferentiated where there is no way."""
    copies = build if isinstance(build, Copies) else Copies(build)
    first = _adjoint(copies, invert=True, at_hand=at_hand)
    return (first, _adjoint(copies, invert=False, at_hand=at_hand)) if first.inverts else (first,)


def apart(copies: Copies, adjoint: Adjoint) -> Adjoint:
    """A way for what has nothing at hand: one that gives factors, and no value."""
    if not adjoint.valued and not any(each.multiplied for each in adjoint.contributions):
        return adjoint
    return _adjoint(copies, invert=adjoint.inverts, at_hand=False)


def _adjoint(copies: Copies, *, invert: bool, at_hand: bool) -> Adjoint:
    draft, outputs, kept = _built(copies, invert=invert)
    saving = _saving(draft, outputs, kept)
    valued = at_hand and not any(recovery.states for recovery in kept)
    backward = _Backward(*_built(copies, invert=invert), multiplied=at_hand).program(valued=valued)
    return Adjoint(saving, *backward, any(each.inverts for each in kept), valued=valued)


def _built(copies: Copies, *, invert: bool) -> tuple[Draft, dict[str, Expr], list[Recovery]]:
    """A copy of the program under construction, and how the states of its loops are had again."""
    draft, outputs = copies.inverted() if invert else copies.plain()
    plans = _plans(draft.graph, tuple(outputs.values()))
    return draft, outputs, [recovery_of(draft.graph, plan, invert=invert) for plan in plans]


def _plans(graph: Graph, roots: tuple[Expr, ...]) -> list[LoopPlan]:
    """The loops that `roots` depend on, each after those it needs."""
    found: list[LoopPlan] = []

    def needed(expr: Expr) -> list[Expr]:
        plan = graph.produced_by.get(id(expr))
        return parts_of(expr) if plan is None else [*plan.initials, *plan.nexts]

    for root in roots:
        for expr in operands_first(root, needed):
            plan = graph.produced_by.get(id(expr))
            if plan is not None and plan not in found:
                if plan.depth > 1:
                    raise NotDifferentiated("a loop within a loop")
                if plan.stores:
                    raise NotDifferentiated("a loop that stores its results one by one")
                if any(inside.type.particles > 1 for inside in plan.inside):
                    raise NotDifferentiated("a loop that carries values of particles")
                found.append(plan)
    return found


# -- forward ---------------------------------------------------------------------------------------------------------


def _saving(draft: Draft, outputs: dict[str, Expr], kept: list[Recovery]) -> nodes.Program:
    """The program itself, which also stores what its backward pass starts from."""
    made = [draft.output(name, value) for name, value in outputs.items()]
    for recovery in kept:
        for state in recovery.states:
            recovery.plan.stores.append(recovery.store(state))
            made.append(nodes.Output(state.saved, RowType(True, (state.size,)), None, span=draft.span))
            if not recovery.inverts:
                made.append(draft.output(state.end, recovery.plan.after[state.place]))
    title = f"{draft.title}, and the states that its gradient needs"
    return draft.assembled(made, name=f"{draft.name}_saving", title=title)


# -- backward --------------------------------------------------------------------------------------------------------


class _Backward:
    """The backward pass while it is derived."""

    def __init__(self, draft: Draft, outputs: dict[str, Expr], kept: list[Recovery], *, multiplied: bool) -> None:
        self.draft, self.graph, self.kept = draft, draft.graph, kept
        self.span = draft.span
        self.inputs = {each.name: each for each in draft.inputs}
        self.contributions = Contributions(self.graph, multiplied=multiplied)
        self.drift: Expr | None = None
        self.ends: dict[int, Recovery] = {}
        places: dict[int, Expr] = {}
        for recovery in kept:
            for state in recovery.states:
                saved = self._given(state.saved, (state.size,))
                recovery.sources[state.place] = saved
                after = recovery.plan.after[state.place]
                if recovery.inverts:
                    end = recovery.saved(state, recovery.slots - 1)
                else:
                    end = self._read(self._given(state.end, after.type.shape))
                places[id(after)] = end
                self.ends[id(end)] = recovery
                recovery.ends[state.place] = end
            for place, after in enumerate(recovery.plan.after):
                if id(after) not in places and after is not recovery.plan.initials[place]:
                    self.ends[id(after)] = recovery
                    recovery.ends[place] = after
        replaced = Substitution(self.graph, places, in_place=True)
        for recovery in kept:  # what a loop starts from or reads may be what another ended with
            recovery.plan.initials = tuple(map(replaced, recovery.plan.initials))
            recovery.plan.nexts = tuple(map(replaced, recovery.plan.nexts))
        self.roots = {name: replaced(value) for name, value in outputs.items()}
        self.order = self._order()

    def _given(self, name: str, shape: tuple[int, ...]) -> nodes.Input:
        made = nodes.Input(self.graph.fresh(name), RowType(True, shape), span=self.span)
        assert made.name == name, f"{name} is taken"
        self.draft.inputs.append(made)
        return made

    def _read(self, source: nodes.Input) -> Expr:
        return self.graph.intern(nodes.InputRead(source.type, source.name, span=source.span))

    def program(self, *, valued: bool) -> tuple[nodes.Program, tuple[Contribution, ...], Prepared | None]:
        """The program, how its outputs make the parameters' gradients, and the matrices that are computed of these."""
        rules = _Rules(self.graph, self.contributions, self._depends())
        for name, root in self.roots.items():
            cotangent = self._read(self._given(f"{name}_cotangent", root.type.shape))
            rules.add(root, cotangent)
        made = []
        for unit in reversed(self.order):
            if isinstance(unit, Recovery):
                self._loop(unit, rules)
                continue
            adjoint = rules.take(unit)
            if adjoint is None:
                continue
            if id(unit) in self.ends:  # what its loop passes on
                continue
            if isinstance(unit, nodes.InputRead):
                made.append(self.draft.output(f"{unit.name}_gradient", rules.full(adjoint, unit.type.shape)))
            elif isinstance(unit, nodes.ParameterRead):
                self.contributions.sum(unit, rules.full(adjoint, unit.type.shape))
            else:
                rules.pull(unit, adjoint)
        self.contributions.settle()
        made += self.contributions.outputs(self.draft)
        if self.drift is not None:
            made.append(self.draft.output("drift", self.drift))
        if not made:
            raise NotDifferentiated("no gradient: neither parameters nor real inputs matter")
        if valued:
            made = [*(self.draft.output(name, root) for name, root in self.roots.items()), *made]
        title = f"the gradient of {self.draft.title}"
        program = self.draft.assembled(made, name=f"{self.draft.name}_backward", title=title)
        return program, self.contributions.all(), self.contributions.prepared(self.draft)

    # -- the order in which adjoints are complete --------------------------------------------------------------------

    def _order(self) -> list[Expr | Recovery]:
        """Values outside of loops, and loops as a whole, each after what it is computed from."""
        order: list[Expr | Recovery] = []
        seen: set[int] = set()

        def below(unit: Expr | Recovery) -> Iterator[Expr | Recovery]:
            if isinstance(unit, Recovery):
                yield from unit.plan.initials
                yield from unit.frontier()
            elif id(unit) in self.ends:
                yield self.ends[id(unit)]
            else:
                yield from parts_of(unit)

        stack: list[tuple[Expr | Recovery, bool]] = [(root, False) for root in self.roots.values()]
        while stack:
            unit, ready = stack.pop()
            if ready:
                order.append(unit)
            elif id(unit) not in seen:
                seen.add(id(unit))
                stack.append((unit, True))
                stack.extend((each, False) for each in below(unit) if id(each) not in seen)
        return order

    def _depends(self) -> set[int]:
        """What a gradient flows into: real inputs, parameters, and all that is computed from them."""
        depends: set[int] = set()
        for unit in self.order:
            if isinstance(unit, Recovery):
                below = [*unit.plan.initials, *unit.frontier()]
                inner = any(isinstance(part, nodes.ParameterRead) for part in unit.body())
                if inner or any(id(each) in depends for each in below):
                    depends.update(id(end) for end in unit.ends.values())
                    unit.matters = True
            elif _is_leaf(unit, self.inputs) or (
                has_derivatives(unit) and any(id(p) in depends for p in parts_of(unit))
            ):
                depends.add(id(unit))
        return depends

    # -- loops -------------------------------------------------------------------------------------------------------

    def _loop(self, recovery: Recovery, rules: _Rules) -> None:
        """The adjoint of a loop: a loop that runs the other way."""
        graph, plan = self.graph, recovery.plan
        after = {place: rules.take(end) for place, end in recovery.ends.items()}
        if not recovery.matters or all(adjoint is None for adjoint in after.values()):
            return
        # matrices that all iterations read give their products inside
        outer = [node for node in recovery.frontier() if id(node) in rules.depends and len(node.type.shape) < 2]
        starts = {s.place: self._start(rules, after[s.place], plan, s.place) for s in recovery.states}
        opened = recovery.open(starts, outer)
        shared = [node for node in recovery.frontier() if id(node) in rules.depends and len(node.type.shape) > 1]
        inner = _Rules(graph, self.contributions, recovery.depends([*outer, *shared]))
        for place, following in enumerate(plan.nexts):
            adjoint = opened.adjoints[place] if place in opened.adjoints else after.get(place)
            if adjoint is not None:
                inner.add(following, adjoint)
        self.contributions.settle()
        inner.pull_all(recovery.body(), {id(expr) for expr in plan.inside})
        now = recovery.substitution(opened)
        before = {place: self._full(inner, plan.inside[place], now) for place in opened.adjoints}
        shares = [self._sum(total, self._full(inner, node, now)) for node, total in opened.totals]
        self.contributions.settle_loop(opened.plan, opened.index, now, graph.index_of(plan))
        closed = recovery.close(opened, before, shares)
        if closed.drift is not None:
            drift = closed.drift
            self.drift = drift if self.drift is None else graph.elementwise("max", self.drift, drift, span=plan.span)
        for place, initial in enumerate(plan.initials):
            adjoint = closed.adjoints[place] if place in closed.adjoints else after.get(place)
            if adjoint is not None:
                rules.add(initial, adjoint)
        for node, total in zip(outer, closed.totals, strict=True):
            rules.add(node, total)

    def _start(self, rules: _Rules, adjoint: Expr | None, plan: LoopPlan, place: int) -> Expr:
        shape = plan.inside[place].type.shape
        return rules.full(adjoint if adjoint is not None else self.graph.number(0, plan.span), shape)

    def _sum(self, a: Expr, b: Expr) -> Expr:
        return self.graph.elementwise("add", a, b, span=a.span)

    def _full(self, rules: _Rules, node: Expr, now: Substitution) -> Expr:
        adjoint = rules.take(node)
        return now(rules.full(adjoint if adjoint is not None else self.graph.number(0, node.span), node.type.shape))


def has_derivatives(expr: Expr) -> bool:
    """Whether a value has derivatives in its operands at all: what is rounded, compared or stopped has none."""
    if not isinstance(expr, nodes.Elementwise):
        return True
    return not FUNCTIONS[expr.function].is_flat


def _is_leaf(expr: Expr, inputs: dict[str, nodes.Input]) -> bool:
    if isinstance(expr, nodes.ParameterRead):
        return True
    return isinstance(expr, nodes.InputRead) and expr.type.kind == "real" and expr.name in inputs


class _Rules(Pullbacks):
    """The rules of reverse mode, where parameters have gradients too."""

    def __init__(self, graph: Graph, contributions: Contributions, depends: set[int]) -> None:
        super().__init__(graph, 1, depends)
        self.contributions = contributions

    def pull(self, node: Expr, adjoint: Expr) -> None:
        if isinstance(node, nodes.MatrixFunction | nodes.ExternalCall):
            raise NotDifferentiated(f"a {type(node).__name__}")
        if isinstance(node, nodes.Distribute) and len(node.vector.type.shape) == 2:
            self.contributions.handed_out(node, self.full(adjoint, node.type.shape))
            return
        if isinstance(node, nodes.Dot) and id(node.matrix) in self.depends:
            self.contributions.product(node, self.full(adjoint, node.type.shape))
        super().pull(node, adjoint)

    def pull_all(self, body: list[Expr], stop: set[int]) -> None:
        """Through the values of a loop's body, given operands first, down to what is in `stop`."""
        for node in reversed(body):
            if id(node) in stop or id(node) not in self.depends:
                continue
            adjoint = self.take(node)
            if adjoint is None:
                continue
            if isinstance(node, nodes.ParameterRead):
                self.contributions.sum(node, self.full(adjoint, node.type.shape))
            else:
                self.pull(node, adjoint)
