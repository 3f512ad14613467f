"""What an iteration computes of the state that the next one would compute again is carried to it.

A loop carries x to N(x).  Where its body has f(x) and, as the same formula, f(N(x)), the latter is the former of the
next iteration: the last gradient of a leapfrog step is the first of the next, an accepted proposal's energy is that of
the state.  With N = (y if accepted else x), f(N) is f(y) if accepted, else f(x), so that f(y) is enough; this holds for
any f of one row, as a choice between rows is one between their values.  Results do not change by a bit: the
same formula is evaluated at the same values, once instead of twice.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gencompiler.node import children
from gencompiler.rows import nodes
from gencompiler.rows.nodes import Expr
from gencompiler.rows.rewrite import Substitution, needed_by, operands_first, rebuilt

if TYPE_CHECKING:
    from gencompiler.rows.graph import Graph
    from gencompiler.rows.plans import LoopPlan

#: What costs as much as an addition, and what other functions cost beside it; a product with a matrix is always dear.
_CHEAP = {"add", "subtract", "multiply", "negate", "min", "max", "abs", "indicator", "and", "or", "not"}
_DEAR, _PRODUCT = 4, 1000
#: How much more than the numbers that are carried has to be saved.
_WORTH = 4
#: What is the same for equal arguments and reads nothing but them.
_PURE = (
    nodes.Elementwise,
    nodes.Select,
    nodes.Dot,
    nodes.Reduce,
    nodes.Broadcast,
    nodes.Column,
    nodes.WithColumn,
    nodes.Slice,
    nodes.Concat,
    nodes.Permute,
    nodes.MatrixFunction,
    nodes.LogAbsDet,
    nodes.Convolve,
)


@dataclasses.dataclass(frozen=True)
class _Choice:
    """A value after an iteration: `then` where `condition` holds, and what it was before elsewhere."""

    condition: Expr
    then: Expr


def recalled(graph: Graph, plan: LoopPlan) -> dict[int, Expr]:
    """Carry what the next iteration would compute again, in a loop whose next values are known; what each carried value
    is of the state, by its place."""
    found = _Finder(graph, plan).found()
    if not found:
        return {}
    first = len(plan.inside)
    initials = Substitution(graph, {id(i): b for i, b in zip(plan.inside, plan.initials, strict=True)})
    started = tuple(initials(value) for value, _ in found)
    names = tuple(graph.fresh(_name(graph, plan, value)) for value, _ in found)
    inside = tuple(
        graph.intern(nodes.Local(value.type, name, span=value.span), plan.depth, ("recalled", id(plan), name))
        for name, (value, _) in zip(names, found, strict=True)
    )
    put = Substitution(graph, {id(v): i for (v, _), i in zip(found, inside, strict=True)}, in_place=True)
    nexts = tuple(map(put, plan.nexts))
    for own, (value, after) in zip(inside, found, strict=True):
        if isinstance(after, _Choice):
            nexts += (graph.select(put(after.condition), put(after.then), own, value.span),)
        else:
            nexts += (put(after),)
    plan.done = put(plan.done) if plan.done is not None else None
    plan.stores = [dataclasses.replace(s, value=put(s.value), index=put(s.index)) for s in plan.stores]
    plan.names, plan.wishes = (*plan.names, *names), (*plan.wishes, *names)
    plan.initials, plan.inside, plan.nexts = (*plan.initials, *started), (*plan.inside, *inside), nexts
    return {first + k: value for k, (value, _) in enumerate(found)}


def _name(graph: Graph, plan: LoopPlan, value: Expr) -> str:
    """What a carried value is called: by its own name; `grad_U_kept`, of a multiple of what has one; or by the state
    that it is a function of, `kept_of_z`."""
    inner = value
    while id(inner) not in graph.hints and isinstance(inner, nodes.Elementwise):
        rest = [part for part in inner.arguments if not isinstance(part, nodes.Number)]
        if len(rest) != 1 or inner.function not in ("multiply", "divide", "negate"):
            break
        (inner,) = rest
    if id(inner) in graph.hints:
        return graph.hints[id(inner)] + ("" if inner is value else "_kept")
    state = {id(own): wish for own, wish in zip(plan.inside, plan.wishes, strict=False)}
    read = (state[id(part)] for part in operands_first(value, _parts) if id(part) in state)
    return f"kept_of_{next(read, 'state')}"


def remember(graph: Graph, plan: LoopPlan, carried: dict[int, Expr]) -> None:
    """After the loop, what it carried is known of the state that it ends with."""
    if graph.recalls is None or not carried:
        return
    ended = {id(i): a for i, a in zip(plan.inside, plan.after, strict=True)}
    for place, value in carried.items():
        graph.recalls[id(Substitution(graph, ended)(value))] = plan.after[place]


class _Finder:
    """Finds values of a loop's body that the next iteration has again."""

    def __init__(self, graph: Graph, plan: LoopPlan) -> None:
        self.graph, self.plan = graph, plan
        self.order = [e for root in plan.nexts for e in operands_first(root, self._inside)]
        self.distinct = {id(e): e for e in self.order}
        self.after: dict[int, Expr | _Choice | None] = {}
        self.known: dict[int, Expr | _Choice] = {}
        for inside, following in zip(plan.inside, plan.nexts, strict=True):
            self.after[id(inside)] = self._of_state(inside, following)

    def _inside(self, expr: Expr) -> list[Expr]:
        """The operands that change from iteration to iteration; of what an inner loop gives, all that it reads."""
        return [part for part in needed_by(self.graph, expr) if self.graph.depth[id(part)] >= self.plan.depth]

    def _of_state(self, inside: Expr, following: Expr) -> Expr | _Choice:
        if isinstance(following, nodes.Select) and following.otherwise is inside:
            return _Choice(following.condition, following.then)
        return following

    def found(self) -> list[tuple[Expr, Expr | _Choice]]:
        """The largest values worth carrying, each with what it is after an iteration."""
        again: list[Expr] = []
        for each in self.distinct.values():
            if isinstance(each, _PURE) and (following := self._computed(self._following(each))) is not None:
                self.known[id(each)] = following
                again.append(each)
        chosen: list[tuple[Expr, Expr | _Choice]] = []
        covered: set[int] = set()
        for each in reversed(again):  # the largest first
            if id(each) in covered or not self._worth(each):
                continue
            chosen.append((each, self.known[id(each)]))
            covered |= {id(part) for part in operands_first(each, self._inside)}
        return chosen

    def _computed(self, following: Expr | _Choice | None) -> Expr | _Choice | None:
        """The same where the body computes it anyway, or an inner loop ended with it."""
        assert self.graph.recalls is not None
        made = following.then if isinstance(following, _Choice) else following
        made = self.graph.recalls.get(id(made), made)
        if made is None or (id(made) not in self.distinct and id(made) not in self.graph.produced_by):
            return None
        return dataclasses.replace(following, then=made) if isinstance(following, _Choice) else made

    def _following(self, expr: Expr) -> Expr | _Choice | None:
        """What a value is after an iteration, as a formula."""
        if id(expr) not in self.after:
            self.after[id(expr)] = self._derived(expr)
        return self.after[id(expr)]

    def _derived(self, expr: Expr) -> Expr | _Choice | None:
        if self.graph.depth[id(expr)] < self.plan.depth:
            return expr
        if not isinstance(expr, _PURE) or id(expr) in self.graph.produced_by or expr.type.kind != "real":
            return None
        parts = {id(p): self._following(p) for p in _parts(expr)}
        if any(after is None for after in parts.values()):
            return None
        conditions = {id(a.condition): a.condition for a in parts.values() if isinstance(a, _Choice)}
        plain = [p for p in _parts(expr) if not isinstance(parts[id(p)], _Choice) and parts[id(p)] is not p]
        if len(conditions) > 1 or (conditions and plain):
            return None

        def of(part: Expr) -> Expr:
            after = parts[id(part)]
            assert after is not None
            return after.then if isinstance(after, _Choice) else after

        made = rebuilt(self.graph, expr, of)
        return _Choice(next(iter(conditions.values())), made) if conditions else made

    def _worth(self, expr: Expr) -> bool:
        """Whether more is saved than carrying the value costs."""
        if not expr.type.rows or len(expr.type.shape) > 1 or expr.type.particles > 1:
            return False
        work = sum(_cost(e) for e in operands_first(expr, self._inside))
        return work >= _WORTH * _width(expr)


def _parts(expr: Expr) -> list[Expr]:
    return [part for part in children(expr) if isinstance(part, Expr)]


def _width(expr: Expr) -> int:
    return expr.type.shape[0] if expr.type.shape else 1


def _cost(expr: Expr) -> int:
    """How many additions a node is worth."""
    match expr:
        case nodes.Dot() | nodes.Convolve() | nodes.LogAbsDet() | nodes.MatrixFunction():
            return _PRODUCT
        case nodes.Elementwise(function=function):
            return _width(expr) * (1 if function in _CHEAP else _DEAR)
        case nodes.Reduce(operand=operand):
            return _width(operand)
    return 0
