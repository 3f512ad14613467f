"""Values of a graph again, with other values in some places."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from gencompiler.node import children, rebuild
from gencompiler.rows import nodes
from gencompiler.rows.convolve import convolved
from gencompiler.rows.nodes import Expr
from gencompiler.rows.unsupported import NotLowered

if TYPE_CHECKING:
    from gencompiler.rows.graph import Graph
    from gencompiler.rows.plans import LoopPlan


def rebuilt(graph: Graph, expr: Expr, of: Callable[[Expr], Expr]) -> Expr:
    """`expr` with `of(part)` for each of its parts; types and particles follow from the new parts."""
    span = expr.span
    match expr:
        case nodes.Elementwise(function=function, arguments=arguments):
            return graph.elementwise(function, *map(of, arguments), span=span)
        case nodes.Select(condition=condition, then=then, otherwise=otherwise):
            return graph.select(of(condition), of(then), of(otherwise), span)
        case nodes.Dot(vector=vector, matrix=matrix, transposed=transposed):
            return graph.dot(of(vector), of(matrix), transposed, span)
        case nodes.Reduce(operation=operation, operand=operand):
            return graph.reduce(operation, of(operand), span)
        case nodes.Broadcast(operand=operand, length=length):
            return graph.broadcast(of(operand), length, span)
        case nodes.Column(vector=vector, index=index):
            return graph.column(of(vector), of(index), span)
        case nodes.WithColumn(vector=vector, index=index, value=value):
            return graph.with_column(of(vector), of(index), of(value), span)
        case nodes.Slice(vector=vector, start=start, stop=stop):
            return graph.slice(of(vector), start, stop, span)
        case nodes.Concat(parts=parts):
            return graph.concat(tuple(map(of, parts)), span)
        case nodes.Window(value=value, start=start, length=length, axis=axis):
            return graph.window(of(value), of(start), length, span, axis)
        case nodes.WithWindow(vector=vector, start=start, value=value):
            return graph.with_window(of(vector), of(start), of(value), span)
        case nodes.Permute(vector=vector, order=order):
            return graph.permute(of(vector), order, span)
        case nodes.Convolve(value=value, weight=weight, bias=bias):
            added = of(bias) if bias is not None else None
            sizes = (expr.grid, expr.kernel, expr.dilation, expr.pads)
            return convolved(graph, of(value), of(weight), added, *sizes, span)
        case nodes.Spread(value=value):
            return graph.spread(of(value), expr.type.particles)
        case nodes.Collect(value=value):
            return graph.collect(of(value), expr.type.shape[0], span)
        case nodes.Pool(value=value):
            return graph.pool(of(value), value.type.particles, span)
        case nodes.Distribute(vector=vector):
            return graph.distribute(of(vector), span)
        case nodes.MatrixFunction(function=function, arguments=arguments):
            size = expr.type.shape[0] if expr.type.shape else 0
            return graph.matrix(function, *map(of, arguments), span=span, size=size)
        case nodes.LogAbsDet(entries=entries, size=size):
            return graph.log_abs_det(of(entries), size, span)
        case nodes.LinearSolution(entries=entries, right=right):
            return graph.linear_solution(of(entries), of(right), span)
        case nodes.ExternalCall(module=module, arguments=arguments):
            return graph.external(module, tuple(map(of, arguments)), expr.type.shape, span)
    return graph.intern(rebuild(expr, lambda part: of(part) if isinstance(part, Expr) else part))


class Substitution:
    """`Substitution(graph, {id(old): new})(value)`: `value` with `new` in the place of `old`.

    A loop that would change is refused, or, with `in_place`, changed itself: for loops that nothing else reads yet."""

    def __init__(self, graph: Graph, places: Mapping[int, Expr], *, in_place: bool = False) -> None:
        self.graph = graph
        self.done = dict(places)
        self.places = frozenset(places)
        self.in_place = in_place
        self.reaching: dict[int, bool] = {}

    def __call__(self, expr: Expr) -> Expr:
        for each in operands_first(expr, self._changing):
            self.done[id(each)] = self._changed(each)
        return self.done.get(id(expr), expr)

    def reaches(self, expr: Expr) -> bool:
        """Whether `expr` depends on what is replaced."""
        for each in operands_first(expr, lambda e: [n for n in needed_by(self.graph, e) if id(n) not in self.reaching]):
            needs = needed_by(self.graph, each)
            self.reaching[id(each)] = id(each) in self.places or any(self.reaching[id(n)] for n in needs)
        return self.reaching[id(expr)]

    def _changing(self, expr: Expr) -> list[Expr]:
        """The operands that have to be written again before `expr` is."""
        if id(expr) in self.done or id(expr) in self.graph.produced_by:
            return []
        return [part for part in children(expr) if isinstance(part, Expr) and self.reaches(part)]

    def _changed(self, expr: Expr) -> Expr:
        if id(expr) in self.done:
            return self.done[id(expr)]
        if not self.reaches(expr):
            return expr
        plan = self.graph.produced_by.get(id(expr))
        if plan is not None:
            self.done[id(expr)] = expr
            self._change(plan, expr)
            return expr
        result = rebuilt(self.graph, expr, lambda part: self.done.get(id(part), part))
        if id(expr) in self.graph.hints:
            self.graph.name(result, self.graph.hints[id(expr)])
        return result

    def _change(self, plan: LoopPlan, expr: Expr) -> None:
        if not self.in_place:
            raise NotLowered(expr, "a value computed by a loop, at another argument")
        initials = tuple(map(self, plan.initials))
        for initial, inside in zip(initials, plan.inside, strict=True):
            if initial.type.particles > inside.type.particles:
                raise NotLowered(expr, "a loop within a loop over particles that starts with one row")
        plan.initials = tuple(
            self.graph.spread(i, inside.type.particles) for i, inside in zip(initials, plan.inside, strict=True)
        )
        plan.nexts = tuple(map(self, plan.nexts))
        plan.stores = [dataclasses.replace(s, value=self(s.value), index=self(s.index)) for s in plan.stores]


def operands_first(root: Expr, operands: Callable[[Expr], list[Expr]]) -> list[Expr]:
    """`root` and all below it, each after its operands, without recursion: gradients are deep."""
    order: list[Expr] = []
    seen: set[int] = set()
    stack: list[tuple[Expr, bool]] = [(root, False)]
    while stack:
        current, ready = stack.pop()
        if ready:
            order.append(current)
        elif id(current) not in seen:
            seen.add(id(current))
            stack.append((current, True))
            stack.extend((part, False) for part in reversed(operands(current)) if id(part) not in seen)
    return order


def needed_by(graph: Graph, expr: Expr) -> list[Expr]:
    """What `expr` is computed from; for the result of a loop, all that the loop computes."""
    plan = graph.produced_by.get(id(expr))
    if plan is None:
        return [part for part in children(expr) if isinstance(part, Expr)]
    return [plan.count, *plan.initials, *plan.nexts, *(store.value for store in plan.stores)]
