"""From the graph of a row program to its statements: every value in its scope, in the order it is needed."""

from __future__ import annotations

import dataclasses

from gencompiler.node import rebuild
from gencompiler.rows import nodes
from gencompiler.rows.graph import NEVER_NAMED, Graph, LoopPlan, parts_of
from gencompiler.rows.nodes import Expr


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
        #: What a loop carries has the carried value's name; it needs no second one.
        self.carried = {id(e) for plan in graph.plans for e in (*plan.initials, *plan.nexts)}

    def count(self, expr: Expr) -> None:
        """Count the uses of a value and of all it needs; a carried value needs its start and its next value."""
        self.uses[id(expr)] = self.uses.get(id(expr), 0) + 1
        if self.uses[id(expr)] > 1:
            return
        for part in parts_of(expr):
            self.count(part)
        if id(expr) in self.carries:
            plan, place = self.carries[id(expr)]
            if place not in self.needed[id(plan)]:
                self.needed[id(plan)].add(place)
                for value in (plan.count, plan.initials[place], plan.nexts[place]):
                    self.count(value)

    def count_stores(self, plan: LoopPlan) -> None:
        for value in (plan.count, *(s.value for s in plan.stores)):
            self.count(value)

    def place(self, expr: Expr) -> Expr:
        """`expr` as its reader writes it: in full, or by the name it has been given."""
        if id(expr) in self.done:
            return self.done[id(expr)]
        plan = self.graph.produced_by.get(id(expr))
        if plan is not None:
            self.place_plan(plan)
        written = rebuild(expr, lambda c: self.place(c) if isinstance(c, Expr) else c)
        uses = self.uses.get(id(expr), 0)
        named = uses > 1 or (id(expr) in self.graph.hints and id(expr) not in self.carried)
        if named and not isinstance(expr, NEVER_NAMED):
            name = self.graph.fresh(self.graph.hints.get(id(expr), self._default_name(expr)))
            self.lists[self.graph.depth[id(expr)]].append(nodes.Let(name, written, span=expr.span))
            written = nodes.Local(expr.type, name, span=expr.span)
        self.done[id(expr)] = written
        return written

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
        if isinstance(expr, nodes.Elementwise):
            if expr.function in _RESULTS:
                return _RESULTS[expr.function]
            return f"{expr.function}_{self._written_name(expr.arguments[0])}"
        return {"Reduce": "reduced", "Dot": "projected", "Draw": "noise", "Select": "chosen"}.get(
            type(expr).__name__, "value"
        )

    def _written_name(self, expr: Expr) -> str:
        """The name by which an argument is written, or "value" for a formula."""
        written = self.done.get(id(expr), expr)
        return written.name if isinstance(written, nodes.Local | nodes.InputRead) else "value"

    def place_plan(self, plan: LoopPlan) -> None:
        if id(plan) in self.placed:
            return
        self.placed.add(id(plan))
        carried = sorted(self.needed[id(plan)])
        count = self.place(plan.count)
        initials = {c: self.place(plan.initials[c]) for c in carried}
        self.lists.append([])
        nexts = {c: self.place(plan.nexts[c]) for c in carried}
        stores = [dataclasses.replace(s, value=self.place(s.value), index=self.place(s.index)) for s in plan.stores]
        body = (*self.lists.pop(), *stores)
        kept = tuple(nodes.Carry(plan.names[c], initials[c], nexts[c], span=plan.span) for c in carried)
        self.lists[-1].append(nodes.Loop(plan.kind, plan.index, count, kept, body, plan.reverse, span=plan.span))


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
