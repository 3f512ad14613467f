"""From the graph of a row program to its statements: every value in its scope, in the order it is needed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from gencompiler.node import rebuild
from gencompiler.rows import nodes
from gencompiler.rows.analysis import bound_names, local_names
from gencompiler.rows.graph import NEVER_NAMED, Graph, parts_of
from gencompiler.rows.nodes import Expr
from gencompiler.rows.plans import LoopPlan
from gencompiler.rows.rewrite import operands_first

#: How many expressions are written inside one another at most; Python's parser has a limit, and so have readers.
DEEPEST = 24


class _Linear:
    """Places every value in the scope it belongs to, in the order it is needed; what nothing needs is left out."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.uses: dict[int, int] = {}
        self.lists: list[list[nodes.Statement]] = [[]]
        self.done: dict[int, Expr] = {}
        self.needed: dict[int, set[int]] = {id(p): set() for p in graph.plans}
        self.carries = {
            id(e): (plan, place)
            for plan in graph.plans
            for values in (plan.inside, plan.after)
            for place, e in enumerate(values)
            if e is not plan.initials[place]
        }
        self.placed: set[int] = set()
        self.nesting: dict[int, int] = {}
        #: What a loop carries has the carried value's name; it needs no second one.
        self.carried = {id(e) for plan in graph.plans for e in (*plan.initials, *plan.nexts)}

    def count(self, expr: Expr) -> None:
        """Count the uses of a value and of all it needs; a carried value needs its start and its next value."""
        pending = [expr]
        while pending:
            current = pending.pop()
            self.uses[id(current)] = self.uses.get(id(current), 0) + 1
            if self.uses[id(current)] > 1:
                continue
            pending.extend(parts_of(current))
            if id(current) in self.carries:
                plan, place = self.carries[id(current)]
                if place not in self.needed[id(plan)]:
                    if plan.done is not None and not self.needed[id(plan)]:
                        pending.append(plan.done)
                    self.needed[id(plan)].add(place)
                    pending += (plan.count, plan.initials[place], plan.nexts[place])

    def count_stores(self, plan: LoopPlan) -> None:
        for value in (plan.count, *(s.value for s in plan.stores)):
            self.count(value)

    def place(self, root: Expr) -> Expr:
        """`root` as its reader writes it: in full, or by the name it has been given."""
        for expr in operands_first(root, lambda e: [] if id(e) in self.done else _draws_last(parts_of(e))):
            self._place(expr)
        return self.done[id(root)]

    def _place(self, expr: Expr) -> Expr:
        if id(expr) in self.done:
            return self.done[id(expr)]
        plan = self.graph.produced_by.get(id(expr))
        if plan is not None:
            self.place_plan(plan)
        written = rebuild(expr, lambda c: self._place(c) if isinstance(c, Expr) else c)
        self.nesting[id(expr)] = 1 + max((self.nesting[id(part)] for part in parts_of(expr)), default=0)
        uses = self.uses.get(id(expr), 0)
        named = uses > 1 or (id(expr) in self.graph.hints and id(expr) not in self.carried) or self._outside(expr)
        if (named or self.nesting[id(expr)] > DEEPEST) and not _written_anew(expr):
            self.nesting[id(expr)] = 1
            name = self.graph.fresh(self.graph.hints.get(id(expr), self._default_name(expr)))
            self.lists[self.graph.depth[id(expr)]].append(nodes.Let(name, written, span=expr.span))
            written = nodes.Local(expr.type, name, span=expr.span)
        self.done[id(expr)] = written
        return written

    def _outside(self, expr: Expr) -> bool:
        """Whether an iteration would compute again, for each particle, what does not change in its loop."""
        return expr.type.particles > 1 and self.graph.depth[id(expr)] < len(self.lists) - 1

    def _default_name(self, expr: Expr) -> str:
        """A name for a shared value that the spec did not name, from what it is."""
        if isinstance(expr, nodes.Column) and isinstance(expr.index, nodes.Number | nodes.Local):
            place = int(expr.index.value) if isinstance(expr.index, nodes.Number) else expr.index.name
            base = expr.vector
            named = (
                base.name
                if isinstance(base, nodes.Local | nodes.InputRead)
                else self.graph.hints.get(id(base), "value")
            )
            return f"{named}_{place}"
        if id(expr) in self.graph.suggestions:
            return self.graph.suggestions[id(expr)]
        if isinstance(expr, nodes.Elementwise):
            if expr.function in _RESULTS:
                return _RESULTS[expr.function]
            return f"{expr.function}_{self._written_name(expr.arguments[0])}"
        if isinstance(expr, nodes.Spread):
            return f"{self._written_name(expr.value)}_spread"
        return _NAMES.get(type(expr), "value")

    def _written_name(self, expr: Expr) -> str:
        """The name by which an argument is written, or "value" for a formula."""
        written = self.done.get(id(expr), expr)
        return written.name if isinstance(written, nodes.Local | nodes.InputRead) else "value"

    def place_plan(self, plan: LoopPlan) -> None:
        if id(plan) in self.placed:
            return
        self.placed.add(id(plan))
        around, self.lists = self.lists, self.lists[: plan.depth]  # a loop may first be needed inside a later one
        carried = sorted(self.needed[id(plan)])
        count = self.place(plan.count)
        initials = {c: self.place(plan.initials[c]) for c in carried}
        self.lists.append([])
        done = self.place(plan.done) if plan.done is not None else None
        assert not (done and self.lists[-1]), "whether a row is done is read off what is carried"
        nexts = {c: self.place(plan.nexts[c]) for c in carried}
        stores = [dataclasses.replace(s, value=self.place(s.value), index=self.place(s.index)) for s in plan.stores]
        body = _stored_early(self.lists.pop(), stores)
        kept = tuple(nodes.Carry(plan.names[c], initials[c], nexts[c], span=plan.span) for c in carried)
        loop = nodes.Loop(plan.kind, plan.index, count, kept, body, plan.reverse, done, span=plan.span)
        self.lists[-1].append(loop)
        self.lists = around


def _written_anew(expr: Expr) -> bool:
    """Whether each use has a value of its own: reads, constant vectors, which loops may fill in place, and an index
    times a number, where a block begins (`block_index`)."""
    match expr:
        case nodes.Broadcast(operand=nodes.Number()):
            return True
        case nodes.Elementwise(function="multiply", arguments=(nodes.Local(type=index), nodes.Number())):
            return not index.rows and index.kind == "integer"
    return isinstance(expr, NEVER_NAMED)


def _stored_early(body: list[nodes.Statement], stores: Sequence[nodes.Statement]) -> tuple[nodes.Statement, ...]:
    """The body with each store as soon as what it stores is known: a kernel need not keep it any longer."""
    result = list(body)
    for store in stores:
        reads = local_names(store)
        known = [place + 1 for place, each in enumerate(result) if reads & set(bound_names([each]))]
        after = max(known, default=0)
        while after < len(result) and not isinstance(result[after], nodes.Let | nodes.Loop):
            after += 1  # stores that are there already stay in their order
        result.insert(after, store)
    return tuple(result)


_NAMES: dict[type[Expr], str] = {
    nodes.Reduce: "reduced",
    nodes.Dot: "projected",
    nodes.Outer: "products",
    nodes.Draw: "noise",
    nodes.Select: "chosen",
    nodes.Collect: "collected",
    nodes.Pool: "pooled",
    nodes.Distribute: "distributed",
}

_RESULTS = {
    "add": "total",
    "subtract": "difference",
    "multiply": "product",
    "divide": "ratio",
    "and": "both",
    "or": "either",
    "min": "smaller",
    "max": "larger",
}


def _draws_last(parts: list[Expr]) -> list[Expr]:
    """Numbers are drawn where they are used, after what else is computed there."""
    return sorted(parts, key=lambda part: isinstance(part, nodes.Draw))


def linearize(graph: Graph, roots: tuple[Expr, ...]) -> tuple[tuple[nodes.Statement, ...], tuple[Expr, ...]]:
    """The statements that compute `roots` (and run every loop that stores something), and how each root is written."""
    linear = _Linear(graph)
    linear.carried |= {id(root) for root in roots}  # an output has its name in the program's signature
    storing = [p for p in graph.plans if p.stores and p.depth == 1]
    for plan in storing:
        linear.count_stores(plan)
    for root in roots:
        linear.count(root)
    for plan in storing:
        linear.place_plan(plan)
    written = tuple(linear.place(root) for root in roots)
    return tuple(linear.lists[0]), written
