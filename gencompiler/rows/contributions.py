"""What the gradients of parameters are made of: sums over rows, and products of what rows have.

A row program cannot add over rows, save where it stores (`nodes.Output`), and the gradient of a matrix is a sum of
outer products.  So a backward pass gives, for each place where a parameter is read, the sum over rows of its adjoint,
or the two factors for all rows; `runtime.gradients` multiplies and adds them up.
"""

from __future__ import annotations

import dataclasses

from gencompiler.rows import folding, nodes
from gencompiler.rows.analysis import constant
from gencompiler.rows.graph import Graph
from gencompiler.rows.nodes import Expr, RowType
from gencompiler.rows.plans import LoopPlan
from gencompiler.rows.prepared import Matrices, Prepared
from gencompiler.rows.programs import Draft
from gencompiler.rows.rewrite import Substitution
from gencompiler.rows.unsupported import NotDifferentiated

#: Where along an axis of a parameter a value is read: at a constant, at the index of a loop, at a place of its own in
#: each iteration, or everywhere.
Place = int | str | tuple[int, ...] | None

#: Numbers of a sum of products of all iterations that a backward pass keeps: they stay in a cache.
LARGEST_SUM = 1 << 18


@dataclasses.dataclass(frozen=True)
class Contribution:
    """One summand of the gradient of parameter `path`, or of a matrix of that name (`rows.prepared`).

    `index`: of each axis of the parameter the constant at which it is read, "loop" where the index of a loop reads it,
    the places in all iterations where these are computed from it, None where it is read as a whole.  `outputs`: one,
    to be added up over rows unless it is `summed`; or two, whose products add up over rows to axes 0 and 1 of the
    matrix.  `count`: the iterations of the loop in which it arises, whose values lie one after the other; 0 outside of
    loops.  `particles`: of how many each has its own row of the matrix, 1 where the particles of a row have one
    matrix."""

    path: str
    index: tuple[Place, ...]
    outputs: tuple[str, ...]
    count: int = 0
    summed: bool = False
    particles: int = 1

    @property
    def multiplied(self) -> bool:
        """Whether the backward pass itself multiplies two factors: it gives one output for a matrix."""
        return len(self.outputs) == 1 and self.index.count(None) == 2


class Contributions:
    """Collects them while a backward pass is derived; `multiplied`: what is not too large is multiplied and added up by
    the pass itself, where an iteration of a loop has a matrix of its own."""

    def __init__(self, graph: Graph, *, multiplied: bool = False) -> None:
        self.graph, self.multiplied = graph, multiplied
        self.matrices = Matrices(graph)
        self._pending: list[tuple[Expr, tuple[Expr, ...]]] = []
        self._done: list[Contribution] = []
        self._values: dict[str, Expr] = {}
        self._stored: dict[str, nodes.Output] = {}
        self._names: dict[tuple[object, ...], str] = {}

    def sum(self, read: nodes.ParameterRead, adjoint: Expr) -> None:
        """The adjoint of a vector or scalar parameter, complete."""
        if len(adjoint.type.shape) > 1:
            raise NotDifferentiated(f"the matrix {read.path} is read outside of a product")
        self._pending.append((read, (adjoint,)))

    def handed_out(self, node: nodes.Distribute, adjoint: Expr) -> None:
        """Of a matrix each particle has a row, whose adjoint is its own."""
        self._pending.append((node.vector, (self.graph.meet(adjoint, node)[0],)))

    def product(self, dot: nodes.Dot, adjoint: Expr) -> None:
        """`vector @ matrix` gives vectorᵀ adjoint, and `vector @ matrixᵀ` its transpose."""
        vector, adjoint = self.graph.meet(dot.vector, adjoint)
        self._pending.append((dot.matrix, (adjoint, vector) if dot.transposed else (vector, adjoint)))

    def settle(self) -> None:
        """Those that arose outside of loops: values of the program."""
        for read, values in self._pending:
            names = tuple(self._value(value) for value in values)
            own = values[0].type.particles if len(values) == 1 else 1
            path, places = self._place(read, None, 0)
            self._done.append(Contribution(path, places, names, particles=own))
        self._pending.clear()

    def settle_loop(self, plan: LoopPlan, index: Expr, now: Substitution, own: Expr) -> None:
        """Those that arose in the body of a loop with index `own`: stored by `plan`, whose index is `index`, where the
        body's values are what `now` says."""
        count = constant(plan.count) or 0
        if any(value.type.particles > 1 for _, values in self._pending for value in values):
            raise NotDifferentiated("a matrix in a loop, which multiplies what particles have")
        for read, values in sorted(self._pending, key=lambda pending: -len(pending[1])):
            found = tuple(map(now, values))
            path, places = self._place(read, own, count)
            if self.multiplied and len(found) == 2 and is_looped(places):
                found = self._products(found, count)
            # a bias has the adjoint that its product has: what is stored for all rows need not be added up here
            summed = len(found) == 1 and (id(plan), id(found[0]), False) not in self._names
            names = tuple(self._store(plan, value, index, summed=summed) for value in found)
            self._done.append(Contribution(path, places, names, count, summed))
        self._pending.clear()

    def _products(self, factors: tuple[Expr, ...], count: int) -> tuple[Expr, ...]:
        left, right = factors
        size = left.type.shape[0] * right.type.shape[0]
        if count * size > LARGEST_SUM:
            return factors
        kind = RowType(left.type.rows or right.type.rows, (size,))
        return (self.graph.intern(nodes.Outer(kind, left, right, span=right.span)),)

    def _place(self, read: Expr, own: Expr | None, count: int) -> tuple[str, tuple[Place, ...]]:
        """What a gradient is of, and where in it: the loop with the index `own` has `count` iterations."""
        if isinstance(read, nodes.ParameterRead):
            return read.path, _places(read, own, count)
        return self.matrices.place(read, own, count)

    def prepared(self, draft: Draft) -> Prepared | None:
        """The matrices that are computed from parameters."""
        return self.matrices.prepared(draft)

    def outputs(self, draft: Draft) -> list[nodes.Output]:
        made = [draft.output(name, value) for name, value in self._values.items()]
        return made + list(self._stored.values())

    def all(self) -> tuple[Contribution, ...]:
        return tuple(self._done)

    def _value(self, value: Expr) -> str:
        key = ("value", id(value))
        if key not in self._names:
            self._names[key] = self.graph.fresh(f"part_{len(self._names) + 1}")
            self._values[self._names[key]] = value
        return self._names[key]

    def _store(self, plan: LoopPlan, value: Expr, index: Expr, *, summed: bool) -> str:
        """The output that holds `value` of every iteration, one after the other."""
        key = (id(plan), id(value), summed)
        if key in self._names:
            return self._names[key]
        name = self._names[key] = self.graph.fresh(f"part_{len(self._names) + 1}")
        count, span = constant(plan.count) or 0, plan.span
        width = value.type.shape[0] if value.type.shape else 1
        self._stored[name] = nodes.Output(name, RowType(not summed, (count * width,)), None, span=span)
        start = self.graph.elementwise("multiply", index, self.graph.integer(width, span), span=span)
        if value.type.shape:
            plan.stores.append(nodes.StoreSection(name, start, value, width, span=span))
        else:
            plan.stores.append(nodes.StoreColumn(name, index, value, span=span))
        return name


def is_looped(places: tuple[Place, ...]) -> bool:
    """Whether each iteration of a loop has a part of its own."""
    return any(isinstance(place, str | tuple) for place in places)


def _places(read: nodes.ParameterRead, loop: Expr | None, count: int) -> tuple[Place, ...]:
    found: list[Place] = []
    for place in read.index:
        at = None if place is None else constant(place)
        if place is None or at is not None:
            found.append(at)
        elif place is loop and "loop" not in found:
            found.append("loop")
        elif loop is not None:
            found.append(tuple(_computed(place, loop, k) for k in range(count)))
        else:
            raise NotDifferentiated(f"{read.path} is read at a computed place")
    return tuple(found)


def _computed(place: Expr, loop: Expr, number: int) -> int:
    """A place that depends on nothing but the index of a loop, in one iteration."""
    if place is loop:
        return number
    if (known := constant(place)) is not None:
        return known
    if isinstance(place, nodes.Elementwise) and place.function in folding.WHOLE:
        left, right = (_computed(each, loop, number) for each in place.arguments)
        return folding.whole(place.function, left, right)
    raise NotDifferentiated("a parameter is read at a place that depends on what the loop carries")
