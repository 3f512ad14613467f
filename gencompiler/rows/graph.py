"""Building row programs: expressions are shared nodes of a graph, and `linearize` turns the graph into statements.

Lowering asks for values; equal values are one node.  A node belongs to the innermost loop it depends on, so what does
not change inside a loop is computed before it, and a value used twice gets a name: the one the spec gave it, if any.
"""

from __future__ import annotations

import dataclasses

from gencompiler.catalog.causal import Degrees
from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.diagnostics.span import Span
from gencompiler.node import children, field_names, identity
from gencompiler.rows import folding, nodes, particles, recall, windows
from gencompiler.rows.nodes import Expr, RowType
from gencompiler.rows.particles import together
from gencompiler.rows.plans import LoopPlan
from gencompiler.rows.rewrite import Substitution

#: Written at each use: a name would only keep a tile alive.
NEVER_NAMED = (nodes.Number, nodes.Local, nodes.InputRead, nodes.ParameterRead, nodes.Iota, nodes.Mask)


class Graph:
    """Interned row expressions and the loops among them."""

    def __init__(self) -> None:
        self._table: dict[tuple[object, ...], Expr] = {}
        self.depth: dict[int, int] = {}
        self.hints: dict[int, str] = {}
        #: What to call a value that is used more than once.
        self.suggestions: dict[int, str] = {}
        self.produced_by: dict[int, LoopPlan] = {}
        self.plans: list[LoopPlan] = []
        #: Whether blocks of vectors are read at a loop's own index, so that all iterations may be evaluated at once.
        self.at_once = False
        self.recalls: dict[int, Expr] | None = None  # see `recall`: what loops ended with, by the formula of it
        self._names = {"seed", "step"}  # what a program that draws is told
        self._placeholders = 0

    # -- interning ---------------------------------------------------------------------------------------------------

    def intern(self, expr: Expr, depth: int | None = None, key: tuple[object, ...] = ()) -> Expr:
        """The one node equal to `expr`, whose parts are interned already."""
        parts = tuple(identity(getattr(expr, name)) for name in field_names(type(expr)))
        full = (type(expr), parts, key)
        known = self._table.get(full)
        if known is not None:
            return known
        self._table[full] = expr
        inner = [self.depth[id(c)] for c in parts_of(expr)]
        self.depth[id(expr)] = depth if depth is not None else max(inner, default=0)
        return expr

    def name(self, expr: Expr, hint: str) -> Expr:
        """Call this value by the name the spec gave it."""
        if not isinstance(expr, NEVER_NAMED):
            self.hints.setdefault(id(expr), hint)
        return expr

    def fresh(self, name: str) -> str:
        """An unused name like `name`."""
        base, count = name.replace("'", "_next"), 1
        found = base
        while found in self._names:
            count += 1
            found = f"{base}_{count}"
        self._names.add(found)
        return found

    # -- expressions -------------------------------------------------------------------------------------------------

    def number(self, value: float, span: Span) -> Expr:
        return self.intern(nodes.Number(RowType(False, ()), float(value), span=span))

    def integer(self, value: int, span: Span) -> Expr:
        """A uniform whole number: a place, a count, an exponent."""
        return self.intern(nodes.Number(RowType(False, (), "integer"), float(value), span=span))

    def scalar(self, name: str, span: Span) -> Expr:
        """A runtime integer of the program."""
        self._names.add(name)
        return self.intern(nodes.Local(RowType(False, (), "integer"), name, span=span))

    def elementwise(self, function: str, *arguments: Expr, span: Span) -> Expr:
        if function in folding.MIRRORED and isinstance(arguments[0], nodes.Number):
            function, arguments = folding.MIRRORED[function], arguments[::-1]  # the constant last, as it is read
        number = folding.folded(function, arguments)
        if number is not None:
            return self.number(number, span)
        if (same := folding.identity(function, arguments)) is not None:
            return same
        if function in ("add", "subtract"):
            left, right = arguments
            by = right.value if isinstance(right, nodes.Number) else None
            if by is not None and (gathered := self._gathered(function, left, by, span)) is not None:
                return gathered
            if (negated := folding.negated(right)) is not None:
                return self.elementwise("subtract" if function == "add" else "add", left, negated, span=span)
            if function == "add" and (negated := folding.negated(left)) is not None:
                return self.elementwise("subtract", right, negated, span=span)
        kind = FUNCTIONS[function].kind
        types = [a.type for a in arguments]
        if kind == "same":
            kind = "integer" if all(t.kind == "integer" for t in types) else "real"
        shape = next((t.shape for t in types if t.shape), ())
        arguments = particles.meet(self.intern, arguments)
        return self.intern(nodes.Elementwise(together(arguments, shape, kind), function, arguments, span=span))

    def whole(self, function: str, left: Expr, right: Expr, span: Span) -> Expr:
        """Arithmetic on uniform integers: places and counts."""
        if isinstance(left, nodes.Number) and isinstance(right, nodes.Number):
            return self.integer(folding.whole(function, int(left.value), int(right.value)), span)
        if (same := folding.identity(function, (left, right))) is not None:
            return same
        if (moved := folding.moved(function, left, right)) is not None:
            return self.whole(moved[0], moved[1], self.integer(moved[2], span), span)
        type_ = RowType(False, left.type.shape or right.type.shape, "integer")
        return self.intern(nodes.Elementwise(type_, function, (left, right), span=span))

    def _gathered(self, function: str, left: Expr, number: float, span: Span) -> Expr | None:
        """(a - 1) - 2 as a - 3, a - (-1) as a + 1; None where there is nothing to gather."""
        signed = number if function == "add" else -number
        base: Expr | None = None
        if isinstance(left, nodes.Elementwise) and left.function in ("add", "subtract"):
            inner = left.arguments[1]
            if isinstance(inner, nodes.Number):
                base = left.arguments[0]
                signed += inner.value if left.function == "add" else -inner.value
        if base is None and number >= 0:
            return None
        result = self.number(abs(signed), span)
        own = left if base is None else base
        return self.elementwise("add" if signed >= 0 else "subtract", own, result, span=span)

    def select(self, condition: Expr, then: Expr, otherwise: Expr, span: Span) -> Expr:
        if folding.holds(condition):
            return then
        parts = particles.meet(self.intern, (condition, then, otherwise))
        shape = next((p.type.shape for p in parts if p.type.shape), ())
        return self.intern(nodes.Select(together(parts, shape), *parts, span=span))

    def reduce(self, operation: str, operand: Expr, span: Span) -> Expr:
        return self.intern(nodes.Reduce(together((operand,), ()), operation, operand, span=span))

    def total(self, operand: Expr, span: Span) -> Expr:
        return self.reduce("sum", operand, span) if operand.type.shape else operand

    def dot(self, vector: Expr, matrix: Expr, transposed: bool, span: Span) -> Expr:
        width = matrix.type.shape[0] if transposed else matrix.type.shape[1]
        return self.intern(nodes.Dot(together((vector,), (width,)), vector, matrix, transposed, span=span))

    def column(self, vector: Expr, index: Expr, span: Span) -> Expr:
        if isinstance(vector, nodes.Concat) and isinstance(index, nodes.Number):
            place = int(index.value)
            for part in vector.parts:
                width = part.type.shape[0] if part.type.shape else 1
                if place < width:
                    return self.column(part, self.integer(place, span), span) if part.type.shape else part
                place -= width
        if isinstance(vector, nodes.WithColumn) and vector.index is index:
            return vector.value
        return self.intern(nodes.Column(together((vector,), (), vector.type.kind), vector, index, span=span))

    def with_column(self, vector: Expr, index: Expr, value: Expr, span: Span) -> Expr:
        vector, value = particles.meet(self.intern, (vector, value))
        type_ = together((vector, value), vector.type.shape)
        return self.intern(nodes.WithColumn(type_, vector, index, value, span=span))

    def concat(self, parts: tuple[Expr, ...], span: Span) -> Expr:
        if len(parts) == 1 and parts[0].type.shape:
            return parts[0]
        width = sum(p.type.shape[0] if p.type.shape else 1 for p in parts)
        parts = particles.meet(self.intern, parts)
        return self.intern(nodes.Concat(together(parts, (width,)), parts, span=span))

    def slice(self, vector: Expr, start: int, stop: int, span: Span) -> Expr:
        """Elements start..stop; a slice that is one part of a concatenation is that part."""
        if (start, vector.type.shape) == (0, (stop,)):
            return vector
        if isinstance(vector, nodes.Concat):
            at = 0
            for part in vector.parts:
                width = part.type.shape[0] if part.type.shape else 1
                if at <= start and stop <= at + width and part.type.shape:
                    return self.slice(part, start - at, stop - at, span)
                at += width
        if isinstance(vector, nodes.Slice):
            return self.slice(vector.vector, vector.start + start, vector.start + stop, span)
        type_ = together((vector,), (stop - start,), vector.type.kind)
        return self.intern(nodes.Slice(type_, vector, start, stop, span=span))

    def window(self, value: Expr, start: Expr, length: int, span: Span, axis: int = 0) -> Expr:
        """Places start..start + length of an axis, from a place that is known at run time."""
        return windows.window(self, value, start, length, span, axis)

    def with_window(self, vector: Expr, start: Expr, value: Expr, span: Span) -> Expr:
        """`vector` with the elements from `start` on replaced by those of `value`."""
        if value.type.shape == vector.type.shape:
            return value
        vector, value = particles.meet(self.intern, (vector, value))
        type_ = together((vector, value), vector.type.shape)
        return self.intern(nodes.WithWindow(type_, vector, start, value, span=span))

    def mask(self, rows: tuple[Degrees, ...], columns: tuple[Degrees, ...], span: Span) -> Expr:
        """1 where the degree of the column is at most that of the row."""
        shape = sum(d.count for d in rows), sum(d.count for d in columns)
        return self.intern(nodes.Mask(RowType(False, shape), rows, columns, span=span))

    def section(self, source: nodes.Input, start: Expr, length: int, span: Span) -> Expr:
        """`length` elements of the input `source` from `start` on."""
        type_ = RowType(True, (length,), source.type.kind)
        return self.intern(nodes.Section(type_, source.name, start, length, span=span))

    def permute(self, vector: Expr, order: tuple[int, ...], span: Span) -> Expr:
        """`result[j] = vector[order[j]]`; permutations compose."""
        if isinstance(vector, nodes.Permute):
            order = tuple(vector.order[j] for j in order)
            vector = vector.vector
        if order == tuple(range(len(order))):
            return vector
        return self.intern(nodes.Permute(vector.type, vector, order, span=span))

    def broadcast(self, operand: Expr, length: int, span: Span) -> Expr:
        type_ = together((operand,), (length,), operand.type.kind)
        return self.intern(nodes.Broadcast(type_, operand, length, span=span))

    def draw(
        self,
        kind: str,
        stream: int,
        step: Expr,
        shape: tuple[int, ...],
        span: Span,
        dim: Expr | None = None,
        *,
        count: int = 1,
        length: int = 1,
    ) -> Expr:
        """`count` particles; `length`: how many scalars a loop draws one by one, each at its `dim`."""
        if not shape and dim is None:
            dim = self.integer(0, span)
        length = length if count > 1 else 1  # where a row has one particle, keys do not depend on it
        return self.intern(nodes.Draw(RowType(True, shape, "real", count), kind, stream, step, dim, length, span=span))

    def placeholder(self, like: Expr, span: Span) -> Expr:
        """A value of the type of `like` that stands for it until it is put in its place: `rewrite.Substitution`."""
        self._placeholders += 1
        key = ("placeholder", self._placeholders)
        return self.intern(nodes.Local(like.type, f"placeholder {key[1]}", span=span), self.depth[id(like)], key)

    def substitute(self, value: Expr, place: Expr, by: Expr) -> Expr:
        """`value` with `by` in the place of `place`."""
        return Substitution(self, {id(place): by})(value)

    # -- particles ---------------------------------------------------------------------------------------------------

    def spread(self, value: Expr, count: int) -> Expr:
        """A value for each of `count` particles of its row."""
        return particles.spread(self.intern, value, count)

    def meet(self, *values: Expr) -> tuple[Expr, ...]:
        """Values of rows with as many particles as the one that has most."""
        return particles.meet(self.intern, values)

    def collect(self, value: Expr, count: int, span: Span) -> Expr:
        """The scalars of a row's `count` particles as a vector."""
        return particles.collect(self.intern, value, count, span)

    def pool(self, value: Expr, count: int, span: Span) -> Expr:
        """The sum of a value over its row's `count` particles."""
        return particles.pool(self.intern, value, count, span)

    def distribute(self, vector: Expr, span: Span) -> Expr:
        """Element k of a vector (row k of a uniform matrix) for particle k."""
        return particles.distribute(self.intern, vector, span)

    def particle_index(self, count: int, span: Span) -> Expr:
        """The number of the particle among `count`."""
        return particles.particle_index(self.intern, count, span)

    # -- what only torch runs ----------------------------------------------------------------------------------------

    def matrix(self, function: str, *arguments: Expr, span: Span, size: int = 0) -> Expr:
        """A function of uniform matrices; `size` is that of an identity, or a number of columns."""
        shape = nodes.matrix_shape(function, tuple(a.type.shape for a in arguments), size)
        return self.intern(nodes.MatrixFunction(RowType(False, shape), function, arguments, span=span))

    def log_abs_det(self, entries: Expr, size: int, span: Span) -> Expr:
        """log|det| of the matrix that a row's vector of size² numbers is."""
        return self.intern(nodes.LogAbsDet(together((entries,), ()), entries, size, span=span))

    def linear_solution(self, entries: Expr, right: Expr, span: Span) -> Expr:
        """The vector that the matrix of `entries` sends to `right`."""
        entries, right = particles.meet(self.intern, (entries, right))
        type_ = together((entries, right), right.type.shape)
        return self.intern(nodes.LinearSolution(type_, entries, right, span=span))

    def external(self, module: str, arguments: tuple[Expr, ...], shape: tuple[int, ...], span: Span) -> Expr:
        """The user's own module `module`, applied to values of which at least one differs between rows."""
        arguments = particles.meet(self.intern, arguments)
        return self.intern(nodes.ExternalCall(together(arguments, shape), module, arguments, span=span))

    # -- loops -------------------------------------------------------------------------------------------------------

    def loop(
        self,
        kind: str,
        index: str,
        count: Expr,
        carried: dict[str, Expr],
        span: Span,
        *,
        depth: int,
        reverse: bool = False,
    ) -> LoopPlan:
        """Open a loop; `inside` are the carried values as its body sees them."""
        index = self.fresh(index)
        names = tuple(self.fresh(n) for n in carried)
        plan = LoopPlan(
            kind, index, count, reverse, depth + 1, span, names, tuple(carried), tuple(carried.values()), ()
        )
        self.plans.append(plan)
        plan.number = number = len(self.plans)
        plan.inside = tuple(
            self.intern(
                nodes.Local(RowType(len(v.type.shape) < 2, v.type.shape, "real", v.type.particles), n, span=span),
                depth + 1,
                ("inside", number),
            )
            for n, v in zip(names, carried.values(), strict=True)
        )
        return plan

    def index_of(self, plan: LoopPlan) -> Expr:
        local = nodes.Local(RowType(False, (), "integer"), plan.index, span=plan.span)
        return self.intern(local, plan.depth, ("index", plan.number))

    def close(self, plan: LoopPlan, nexts: tuple[Expr, ...]) -> tuple[Expr, ...]:
        """Finish a loop; the carried values as the statements after it see them."""
        plan.nexts = nexts
        more = recall.recalled(self, plan) if self.recalls is not None else {}
        self._widen(plan)
        nexts = plan.nexts
        plan.after = tuple(
            self.intern(nodes.Local(e.type, n, span=plan.span), plan.depth - 1, ("after", plan.number))
            if after is not e
            else before  # what no iteration changes is what it was
            for n, e, before, after in zip(plan.names, plan.inside, plan.initials, nexts, strict=True)
        )
        for value, after, inside in zip(plan.after, nexts, plan.inside, strict=True):
            if after is not inside:
                self.produced_by[id(value)] = plan
        recall.remember(self, plan, more)
        return plan.after[: len(plan.after) - len(more)]

    def _widen(self, plan: LoopPlan) -> None:
        """Carry for each particle what starts once for each row and becomes different between particles."""
        while True:
            pairs = zip(plan.inside, plan.nexts, strict=True)
            wider = {id(i): self._widened(plan, i, n) for i, n in pairs if n.type.particles > i.type.particles}
            if not wider:
                break
            replaced = Substitution(self, wider, in_place=True)
            plan.inside = tuple(wider.get(id(inside), inside) for inside in plan.inside)
            plan.nexts = tuple(map(replaced, plan.nexts))
            plan.done = replaced(plan.done) if plan.done is not None else None
            plan.stores = [dataclasses.replace(store, value=replaced(store.value)) for store in plan.stores]
        counts = [inside.type.particles for inside in plan.inside]
        plan.initials = tuple(map(self.spread, plan.initials, counts))
        plan.nexts = tuple(map(self.spread, plan.nexts, counts))

    def _widened(self, plan: LoopPlan, inside: Expr, following: Expr) -> Expr:
        assert isinstance(inside, nodes.Local)
        type_ = dataclasses.replace(inside.type, particles=following.type.particles)
        return self.intern(nodes.Local(type_, inside.name, span=plan.span), plan.depth, ("widened", plan.number))


def parts_of(expr: Expr) -> list[Expr]:
    """The expressions directly below `expr`, in field order."""
    return [child for child in children(expr) if isinstance(child, Expr)]
