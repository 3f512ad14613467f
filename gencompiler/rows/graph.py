"""Building row programs: expressions are shared nodes of a graph, and `linearize` turns the graph into statements.

Lowering asks for values; equal values are one node.  A node belongs to the innermost loop it depends on, so what
does not
change inside a loop is computed before it, and a value used twice gets a name: the one the spec gave it where there
is one.
"""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Callable

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.diagnostics.span import Span
from gencompiler.node import Node, children
from gencompiler.rows import nodes
from gencompiler.rows.nodes import Expr, RowType

#: Reads are written at each use: a name would only keep a tile alive.
NEVER_NAMED = (nodes.Number, nodes.Local, nodes.InputRead, nodes.ParameterRead, nodes.Iota)


@dataclasses.dataclass(eq=False)
class LoopPlan:
    """A loop under construction; `depth` is that of its body."""

    kind: str
    index: str
    count: Expr
    reverse: bool
    depth: int
    span: Span
    names: tuple[str, ...]
    initials: tuple[Expr, ...]
    inside: tuple[Expr, ...]
    after: tuple[Expr, ...] = ()
    nexts: tuple[Expr, ...] = ()
    stores: list[nodes.StoreColumn] = dataclasses.field(default_factory=list)


class Graph:
    """Interned row expressions and the loops among them."""

    def __init__(self) -> None:
        self._table: dict[tuple[object, ...], Expr] = {}
        self.depth: dict[int, int] = {}
        self.hints: dict[int, str] = {}
        self.produced_by: dict[int, LoopPlan] = {}
        self.plans: list[LoopPlan] = []
        self._names: set[str] = set()

    # -- interning ---------------------------------------------------------------------------------------------------

    def intern(self, expr: Expr, depth: int | None = None, key: tuple[object, ...] = ()) -> Expr:
        """The one node equal to `expr`, whose parts are interned already."""
        parts = tuple(_key(getattr(expr, f.name)) for f in dataclasses.fields(expr) if f.name != "span")
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
        folded = _folded(function, arguments)
        if folded is not None:
            return self.number(folded, span)
        same = _identity(function, arguments)
        if same is not None:
            return same
        if function in ("add", "subtract"):
            left, right = arguments
            if (
                isinstance(right, nodes.Number)
                and (gathered := self._gathered(function, left, right.value, span)) is not None
            ):
                return gathered
            if (negated := _negated(right)) is not None:
                return self.elementwise("subtract" if function == "add" else "add", left, negated, span=span)
            if function == "add" and (negated := _negated(left)) is not None:
                return self.elementwise("subtract", right, negated, span=span)
        kind = FUNCTIONS[function].kind
        types = [a.type for a in arguments]
        if kind == "same":
            kind = "integer" if all(t.kind == "integer" for t in types) else "real"
        shape = next((t.shape for t in types if t.shape), ())
        return self.intern(
            nodes.Elementwise(RowType(any(t.rows for t in types), shape, kind), function, arguments, span=span)
        )

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
        return self.elementwise(
            "add" if signed >= 0 else "subtract", base if base is not None else left, result, span=span
        )

    def select(self, condition: Expr, then: Expr, otherwise: Expr, span: Span) -> Expr:
        types = (condition.type, then.type, otherwise.type)
        shape = next((t.shape for t in types if t.shape), ())
        return self.intern(
            nodes.Select(RowType(any(t.rows for t in types), shape), condition, then, otherwise, span=span)
        )

    def reduce(self, operation: str, operand: Expr, span: Span) -> Expr:
        return self.intern(nodes.Reduce(RowType(operand.type.rows, ()), operation, operand, span=span))

    def total(self, operand: Expr, span: Span) -> Expr:
        return self.reduce("sum", operand, span) if operand.type.shape else operand

    def dot(self, vector: Expr, matrix: Expr, transposed: bool, span: Span) -> Expr:
        width = matrix.type.shape[0] if transposed else matrix.type.shape[1]
        return self.intern(nodes.Dot(RowType(vector.type.rows, (width,)), vector, matrix, transposed, span=span))

    def column(self, vector: Expr, index: Expr, span: Span) -> Expr:
        if isinstance(vector, nodes.Concat) and isinstance(index, nodes.Number):
            place = int(index.value)
            for part in vector.parts:
                width = part.type.shape[0] if part.type.shape else 1
                if place < width:
                    return self.column(part, self.integer(place, span), span) if part.type.shape else part
                place -= width
        return self.intern(nodes.Column(RowType(vector.type.rows, (), vector.type.kind), vector, index, span=span))

    def concat(self, parts: tuple[Expr, ...], span: Span) -> Expr:
        if len(parts) == 1 and parts[0].type.shape:
            return parts[0]
        width = sum(p.type.shape[0] if p.type.shape else 1 for p in parts)
        return self.intern(nodes.Concat(RowType(any(p.type.rows for p in parts), (width,)), parts, span=span))

    def slice(self, vector: Expr, start: int, stop: int, span: Span) -> Expr:
        """Elements start..stop; a slice that is one part of a concatenation is that part."""
        if start == 0 and vector.type.shape == (stop,):
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
        return self.intern(nodes.Slice(RowType(vector.type.rows, (stop - start,)), vector, start, stop, span=span))

    def permute(self, vector: Expr, order: tuple[int, ...], span: Span) -> Expr:
        """`result[j] = vector[order[j]]`; permutations compose."""
        if isinstance(vector, nodes.Permute):
            order = tuple(vector.order[j] for j in order)
            vector = vector.vector
        if order == tuple(range(len(order))):
            return vector
        return self.intern(nodes.Permute(vector.type, vector, order, span=span))

    def broadcast(self, operand: Expr, length: int, span: Span) -> Expr:
        return self.intern(nodes.Broadcast(RowType(operand.type.rows, (length,)), operand, length, span=span))

    def draw(
        self, kind: str, stream: int, step: Expr, shape: tuple[int, ...], span: Span, dim: Expr | None = None
    ) -> Expr:
        if not shape and dim is None:
            dim = self.integer(0, span)
        return self.intern(nodes.Draw(RowType(True, shape), kind, stream, step, dim, span=span))

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
        plan = LoopPlan(kind, index, count, reverse, depth + 1, span, names, tuple(carried.values()), ())
        self.plans.append(plan)
        number = len(self.plans)
        plan.inside = tuple(
            self.intern(nodes.Local(RowType(True, v.type.shape), n, span=span), depth + 1, ("inside", number))
            for n, v in zip(names, carried.values(), strict=True)
        )
        return plan

    def index_of(self, plan: LoopPlan) -> Expr:
        local = nodes.Local(RowType(False, (), "integer"), plan.index, span=plan.span)
        return self.intern(local, plan.depth, ("index", id(plan)))

    def close(self, plan: LoopPlan, nexts: tuple[Expr, ...]) -> tuple[Expr, ...]:
        """Finish a loop; the carried values as the statements after it see them."""
        plan.nexts = nexts
        plan.after = tuple(
            self.intern(nodes.Local(e.type, n, span=plan.span), plan.depth - 1, ("after", id(plan)))
            if after is not e
            else before  # what no iteration changes is what it was
            for n, e, before, after in zip(plan.names, plan.inside, plan.initials, nexts, strict=True)
        )
        for value, after, inside in zip(plan.after, nexts, plan.inside, strict=True):
            if after is not inside:
                self.produced_by[id(value)] = plan
        return plan.after


def _folded(function: str, arguments: tuple[Expr, ...]) -> float | None:
    """The value of arithmetic on numbers, where double precision has one."""
    numbers = [a.value for a in arguments if isinstance(a, nodes.Number)]
    if len(numbers) < len(arguments) or function not in _ARITHMETIC:
        return None
    try:
        found = _ARITHMETIC[function](*numbers)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    return found if isinstance(found, float) and math.isfinite(found) else None


_ARITHMETIC: dict[str, Callable[..., float]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
    "negate": operator.neg,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "log1p": math.log1p,
    "tanh": math.tanh,
}


def _negated(expr: Expr) -> Expr | None:
    """a, for -a."""
    return expr.arguments[0] if isinstance(expr, nodes.Elementwise) and expr.function == "negate" else None


def _identity(function: str, arguments: tuple[Expr, ...]) -> Expr | None:
    """The argument that the function returns unchanged: a + 0, a - 0, a * 1, a / 1, f⁻¹(f(a))."""
    first, last = arguments[0], arguments[-1]
    neutral = {"add": 0.0, "subtract": 0.0, "multiply": 1.0, "divide": 1.0}.get(function)
    if neutral is not None:
        if isinstance(last, nodes.Number) and last.value == neutral:
            return first
        if function in ("add", "multiply") and isinstance(first, nodes.Number) and first.value == neutral:
            return last
    if len(arguments) == 1 and isinstance(first, nodes.Elementwise) and len(first.arguments) == 1:
        undone = FUNCTIONS[first.function].inverse
        if undone in (f"{function}(y)", "-y" if function == "negate" else None):
            return first.arguments[0]
    return None


def _key(value: object) -> object:
    if isinstance(value, Node):
        return id(value)
    if isinstance(value, tuple):
        return tuple(_key(v) for v in value)
    return value


def parts_of(expr: Expr) -> list[Expr]:
    """The expressions directly below `expr`, in field order."""
    return [child for child in children(expr) if isinstance(child, Expr)]
