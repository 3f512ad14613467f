"""What the operands of a row expression make of it: its type, and which operands it may have."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import NoReturn

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.diagnostics.model import CompilerBug
from gencompiler.node import Node
from gencompiler.rows.analysis import constant
from gencompiler.rows.folding import signed
from gencompiler.rows.nodes import (
    MATRIX_FUNCTIONS,
    Argsort,
    Broadcast,
    Collect,
    Column,
    Concat,
    Convolve,
    Distribute,
    Dot,
    Draw,
    Elementwise,
    Expr,
    ExternalCall,
    InputRead,
    Iota,
    LinearSolution,
    Local,
    LogAbsDet,
    Mask,
    MatrixFunction,
    Number,
    Outer,
    ParameterRead,
    ParticleIndex,
    Permute,
    Pool,
    Program,
    Reduce,
    Reshape,
    RowType,
    Section,
    Select,
    Slice,
    Spread,
    Window,
    WithColumn,
    WithWindow,
    matrix_shape,
)

REDUCTIONS = ("sum", "max", "min", "prod", "norm", "logsumexp")
DRAW_KINDS = ("uniform", "normal")
INDEX = RowType(False, (), "integer")


class Typing:
    """The expressions of one program, in the scope that its statements make."""

    def __init__(self, program: Program, stage: str) -> None:
        self.program, self.stage = program, stage
        self.inputs = {each.name: each.type for each in program.inputs}
        self.parameters = {each.path: each.shape for each in program.parameters}
        self.scope: dict[str, RowType] = dict.fromkeys((*program.scalars, "seed", "step"), INDEX)
        #: What names of whole numbers run over, where it is known: indices of loops, and what is moved from one.
        self.reaches: dict[str, range | None] = {}
        self.ever_bound: set[str] = set()
        #: What pieces that a driver runs give as sums over rows.
        self.summed: set[str] = set()

    def _fail(self, message: str, at: Node) -> NoReturn:
        raise CompilerBug(self.stage, message, at.span)

    def _same_rows(self, value: Expr, kind: RowType) -> None:
        """A value with as many particles as what it becomes, or one that all rows share."""
        if value.type.rows and value.type.particles != kind.particles:
            self._fail(f"{value.type.particles} particles for {kind.particles}", value)

    # -- expressions -------------------------------------------------------------------------------------------------

    def _expect(
        self, expr: Expr, *, rows: bool | None = None, shape: tuple[int, ...] | None = None, kind: str | None = None
    ) -> None:
        self._expr(expr)
        found = expr.type
        if rows is not None and found.rows != rows:
            self._fail(f"a {'row' if rows else 'uniform'} value is needed, not {found}", expr)
        if shape is not None and found.shape != shape:
            self._fail(f"shape {shape} is needed, not {found.shape}", expr)
        if kind is not None and found.kind != kind:
            self._fail(f"a {kind} value is needed, not {found.kind}", expr)

    def _length(self, expr: Expr) -> int:
        self._expr(expr)
        if len(expr.type.shape) != 1:
            self._fail(f"a vector is needed, not shape {expr.type.shape}", expr)
        return expr.type.shape[0]

    def _index(self, index: Expr, size: int) -> None:
        self._expect(index, rows=False, shape=(), kind="integer")
        if isinstance(index, Number) and constant(index) is None:
            self._fail(f"index {index.value} is outside 0..{size}", index)
        runs = reach(index, self.reaches)
        if runs is not None and not (runs.start >= 0 and runs.stop <= size):
            self._fail(f"an index runs over {runs.start}..{runs.stop}, outside 0..{size}", index)

    def _expr(self, expr: Expr) -> None:
        check: Callable[[Expr], RowType | None] | None = getattr(self, f"_type_{type(expr).__name__.lower()}", None)
        if check is None:
            self._fail(f"no expression: {type(expr).__name__}", expr)
        if expr.type.particles < 1 or (expr.type.particles > 1 and not expr.type.rows):
            self._fail(f"{expr.type.particles} particles of no row", expr)
        wanted = check(expr)
        if wanted is not None and expr.type != wanted:
            self._fail(f"{type(expr).__name__} has type {expr.type}, but its operands make it {wanted}", expr)

    def _type_number(self, expr: Number) -> RowType | None:
        if expr.type.kind == "integer" and constant(expr) is None:
            self._fail(f"{expr.value} is no integer", expr)
        return RowType(False, (), expr.type.kind)

    def _type_local(self, expr: Local) -> RowType:
        if expr.name not in self.scope:
            self._fail(f"{expr.name} is not bound here", expr)
        return self.scope[expr.name]

    def _type_inputread(self, expr: InputRead) -> RowType | None:
        if expr.name not in self.inputs:
            self._fail(f"no input named {expr.name}", expr)
        return self.inputs[expr.name]

    def _type_parameterread(self, expr: ParameterRead) -> RowType:
        shape = self.parameters.get(expr.path)
        if shape is None or len(shape) != len(expr.index):
            self._fail(f"{expr.path} is no parameter with {len(expr.index)} axes", expr)
        for place, size in zip(expr.index, shape, strict=True):
            if place is not None:
                self._index(place, size)
        kept = tuple(size for place, size in zip(expr.index, shape, strict=True) if place is None)
        return RowType(False, kept, expr.type.kind)

    def _type_elementwise(self, expr: Elementwise) -> RowType:
        function = FUNCTIONS.get(expr.function)
        if function is None or function.arity != len(expr.arguments):
            self._fail(f"{expr.function} with {len(expr.arguments)} arguments is no function of the catalogue", expr)
        for argument in expr.arguments:
            self._expr(argument)
        logical = expr.function in ("and", "or", "not")
        for argument in expr.arguments:
            if is_boolean(argument) != (logical or expr.function == "indicator"):
                self._fail(f"{expr.function} of a {argument.type.kind}", argument)
        return self._together(expr, expr.arguments, self._kind(expr, function.kind))

    def _kind(self, expr: Elementwise, stated: str) -> str:
        if stated == "boolean":
            return "boolean"
        integers = all(argument.type.kind == "integer" for argument in expr.arguments)
        if expr.type.kind == "integer" and not integers and stated != "integer":
            self._fail(f"{expr.function} of reals is no integer", expr)
        return expr.type.kind if expr.type.kind != "boolean" else "real"

    def _together(self, expr: Expr, parts: tuple[Expr, ...], kind: str) -> RowType:
        shapes = {part.type.shape for part in parts if part.type.shape}
        if len(shapes) > 1:
            self._fail(f"shapes {sorted(shapes)} meet", expr)
        return self._of(expr, parts, next(iter(shapes), ()), kind)

    def _of(self, expr: Expr, parts: tuple[Expr, ...], shape: tuple[int, ...], kind: str = "real") -> RowType:
        """The type of what is computed from `parts`; those that differ between rows have equally many particles."""
        counts = {part.type.particles for part in parts if part.type.rows}
        if len(counts) > 1:
            self._fail(f"{sorted(counts)} particles meet", expr)
        return RowType(bool(counts), shape, kind, next(iter(counts), 1))

    def _type_select(self, expr: Select) -> RowType:
        self._expect(expr.condition, kind="boolean")
        self._expr(expr.then)
        self._expr(expr.otherwise)
        if is_boolean(expr.then) != is_boolean(expr.otherwise):
            self._fail("the branches are of different kinds", expr)
        kind = expr.type.kind if not is_boolean(expr.then) else "boolean"
        return self._together(expr, (expr.condition, expr.then, expr.otherwise), kind)

    def _type_dot(self, expr: Dot) -> RowType:
        length = self._length(expr.vector)
        self._expect(expr.matrix, rows=False)
        shape = expr.matrix.type.shape[::-1] if expr.transposed else expr.matrix.type.shape
        if len(shape) != 2 or shape[0] != length or is_boolean(expr.vector):
            self._fail(f"a vector of {length} meets a matrix of shape {expr.matrix.type.shape}", expr)
        return self._of(expr, (expr.vector,), (shape[1],))

    def _type_reduce(self, expr: Reduce) -> RowType:
        if expr.operation not in REDUCTIONS:
            self._fail(f"no reduction: {expr.operation}", expr)
        self._length(expr.operand)
        if is_boolean(expr.operand):
            self._fail("a reduction of booleans", expr)
        return self._of(expr, (expr.operand,), (), expr.type.kind)

    def _type_broadcast(self, expr: Broadcast) -> RowType:
        self._expect(expr.operand, shape=())
        return self._of(expr, (expr.operand,), (expr.length,), expr.operand.type.kind)

    def _type_column(self, expr: Column) -> RowType:
        self._index(expr.index, self._length(expr.vector))
        return self._of(expr, (expr.vector,), (), expr.vector.type.kind)

    def _type_withcolumn(self, expr: WithColumn) -> RowType:
        length = self._length(expr.vector)
        self._index(expr.index, length)
        self._expect(expr.value, shape=())
        return self._of(expr, (expr.vector, expr.value), (length,), expr.type.kind)

    def _type_slice(self, expr: Slice) -> RowType:
        length = self._length(expr.vector)
        if not 0 <= expr.start < expr.stop <= length:
            self._fail(f"slice {expr.start}..{expr.stop} of {length} elements", expr)
        return self._of(expr, (expr.vector,), (expr.stop - expr.start,), expr.vector.type.kind)

    def _type_section(self, expr: Section) -> RowType:
        source = self.inputs.get(expr.input)
        if source is None or len(source.shape) != 1 or expr.length > source.shape[0]:
            self._fail(f"no input {expr.input} with {expr.length} elements to read", expr)
        self._expect(expr.start, rows=False, shape=(), kind="integer")
        if expr.places is not None:
            self._expect(expr.places, rows=False, shape=expr.type.shape, kind="integer")
        return RowType(True, (expr.length,), source.kind)

    def _type_concat(self, expr: Concat) -> RowType:
        for part in expr.parts:
            self._expr(part)
            if len(part.type.shape) > 1:
                self._fail("a matrix among the parts", part)
        length = sum(part.type.shape[0] if part.type.shape else 1 for part in expr.parts)
        return self._of(expr, expr.parts, (length,), expr.type.kind)

    def _type_permute(self, expr: Permute) -> RowType:
        length = self._length(expr.vector)
        if sorted(expr.order) != list(range(length)):
            self._fail(f"no permutation of {length} elements", expr)
        return expr.vector.type

    def _type_iota(self, expr: Iota) -> RowType:
        return RowType(False, (expr.length,), "integer")

    def _type_window(self, expr: Window) -> RowType:
        self._expr(expr.value)
        self._expect(expr.start, rows=False, shape=(), kind="integer")
        shape = expr.value.type.shape
        if not 0 <= expr.axis < len(shape) or len(shape) > 2 or (len(shape) == 2 and expr.value.type.rows):
            self._fail(f"axis {expr.axis} of shape {shape}", expr)
        if not 0 < expr.length <= shape[expr.axis]:
            self._fail(f"a window of {expr.length} of {shape[expr.axis]} places", expr)
        shape = (*shape[: expr.axis], expr.length, *shape[expr.axis + 1 :])
        return self._of(expr, (expr.value,), shape, expr.value.type.kind)

    def _type_withwindow(self, expr: WithWindow) -> RowType:
        length = self._length(expr.vector)
        self._expect(expr.start, rows=False, shape=(), kind="integer")
        if self._length(expr.value) > length:
            self._fail(f"a window longer than the {length} elements of its vector", expr)
        return self._of(expr, (expr.vector, expr.value), (length,), expr.type.kind)

    def _type_argsort(self, expr: Argsort) -> RowType:
        self._length(expr.vector)
        return dataclasses.replace(expr.vector.type, kind="real")

    def _type_reshape(self, expr: Reshape) -> RowType:
        self._expect(expr.value, rows=False)
        if math.prod(expr.value.type.shape) != math.prod(expr.type.shape):
            self._fail(f"shape {expr.value.type.shape} as {expr.type.shape}", expr)
        return RowType(False, expr.type.shape, expr.value.type.kind)

    def _type_outer(self, expr: Outer) -> RowType:
        return self._of(expr, (expr.left, expr.right), (self._length(expr.left) * self._length(expr.right),))

    def _type_mask(self, expr: Mask) -> RowType:
        return RowType(False, (sum(d.count for d in expr.rows), sum(d.count for d in expr.columns)))

    def _type_convolve(self, expr: Convolve) -> RowType:
        self._expect(expr.weight, rows=False)
        length, out = self._length(expr.value), expr.weight.type.shape[0]
        places = math.prod(expr.grid)
        if length % places or expr.weight.type.shape != (out, math.prod(expr.kernel) * (length // places)):
            self._fail(f"a weight {expr.weight.type.shape} over {length} numbers at {places} places", expr)
        if not len(expr.grid) == len(expr.kernel) == len(expr.pads) or min(expr.result_grid) < 1:
            self._fail(f"a box {expr.kernel} in the grid {expr.grid}", expr)
        if expr.bias is not None and self._length(expr.bias) != out:
            self._fail(f"a bias of another length than {out}", expr)
        parts = (expr.value,) if expr.bias is None else (expr.value, expr.bias)
        return self._of(expr, parts, (math.prod(expr.result_grid) * out,))

    def _type_draw(self, expr: Draw) -> RowType:
        if expr.kind not in DRAW_KINDS or len(expr.type.shape) > 1:
            self._fail(f"no draw: {expr.kind} of shape {expr.type.shape}", expr)
        self._expect(expr.step, rows=False, shape=(), kind="integer")
        if expr.dim is not None:
            self._expect(expr.dim, rows=False, shape=expr.type.shape, kind="integer")
            if expr.type.particles > 1 and not expr.type.shape:
                self._index(expr.dim, expr.length)
        return RowType(True, expr.type.shape, "real", expr.type.particles)

    # -- particles ---------------------------------------------------------------------------------------------------

    def _type_spread(self, expr: Spread) -> RowType:
        self._expect(expr.value, rows=True)
        if expr.value.type.particles != 1 or expr.type.particles == 1:
            self._fail(f"{expr.value.type.particles} particles spread to {expr.type.particles}", expr)
        return dataclasses.replace(expr.value.type, particles=expr.type.particles)

    def _type_collect(self, expr: Collect) -> RowType:
        self._expect(expr.value, rows=True, shape=())
        if expr.value.type.particles == 1:
            self._fail("a single particle is collected", expr)
        return RowType(True, (expr.value.type.particles,), expr.value.type.kind)

    def _type_pool(self, expr: Pool) -> RowType:
        self._expect(expr.value, rows=True)
        if expr.value.type.particles == 1 or expr.value.type.kind != "real":
            self._fail(f"a sum of {expr.value.type.particles} particles of kind {expr.value.type.kind}", expr)
        return RowType(True, expr.value.type.shape)

    def _type_distribute(self, expr: Distribute) -> RowType:
        self._expr(expr.vector)
        shape = expr.vector.type.shape
        if expr.vector.type.particles != 1 or len(shape) not in (1, 2) or shape[0] == 1:
            self._fail(f"shape {shape} of {expr.vector.type.particles} particles is distributed", expr)
        if len(shape) == 2 and expr.vector.type.rows:
            self._fail("a matrix that differs between rows", expr)
        return RowType(True, shape[1:], expr.vector.type.kind, shape[0])

    def _type_particleindex(self, expr: ParticleIndex) -> RowType:
        if expr.type.particles == 1:
            self._fail("the number of a single particle", expr)
        return RowType(True, (), "integer", expr.type.particles)

    # -- what only torch runs ----------------------------------------------------------------------------------------

    def _type_matrixfunction(self, expr: MatrixFunction) -> RowType:
        for argument in expr.arguments:
            self._expect(argument, rows=False)
        shapes = tuple(argument.type.shape for argument in expr.arguments)
        if MATRIX_FUNCTIONS.get(expr.function) != tuple(map(len, shapes)):
            self._fail(f"{expr.function} of shapes {shapes}", expr)
        square = expr.function in ("cholesky", "inverse", "inverse_lower", "inverse_upper", "log_abs_det", "diagonal")
        if (square and shapes[0][0] != shapes[0][1]) or (expr.function == "matmul" and shapes[0][1] != shapes[1][0]):
            self._fail(f"{expr.function} of shapes {shapes}", expr)
        return RowType(False, matrix_shape(expr.function, shapes, expr.type.shape[-1] if expr.type.shape else 0))

    def _type_logabsdet(self, expr: LogAbsDet) -> RowType:
        if expr.entries.type.shape != (expr.size**2,):
            self._fail("a matrix of another size", expr)
        return self._of(expr, (expr.entries,), ())

    def _type_linearsolution(self, expr: LinearSolution) -> RowType:
        (size,) = expr.right.type.shape
        if expr.entries.type.shape != (size**2,):
            self._fail("a matrix of another size", expr)
        return self._of(expr, (expr.entries, expr.right), (size,))

    def _type_externalcall(self, expr: ExternalCall) -> RowType:
        for argument in expr.arguments:
            self._expr(argument)
            if len(argument.type.shape) > 1 or is_boolean(argument):
                self._fail(f"{argument.type} as an argument of a module", argument)
        found = self._of(expr, expr.arguments, expr.type.shape)
        if not found.rows or len(found.shape) > 1:
            self._fail(f"a module of shape {found.shape} on what all rows share", expr)
        return found


def is_boolean(expr: Expr) -> bool:
    return expr.type.kind == "boolean"


def reach(index: Expr, known: Mapping[str, range | None]) -> range | None:
    """The whole numbers that a constant, a name of which it is known, or one plus a constant, runs over."""
    base, by = signed(index) or (index, 0)
    at = constant(base)
    over = range(at, at + 1) if at is not None else known.get(base.name) if isinstance(base, Local) else None
    return range(over.start + by, over.stop + by) if over is not None else None
