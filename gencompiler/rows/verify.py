"""The invariants of row programs, checked between passes: a program that breaks one is a bug of the compiler.

Types follow from operands; every name is bound once and before its use; an index lies inside what it indexes; no two
draws share a key.  `verify_tile` checks in addition that a scheduled program has only what a kernel can do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.diagnostics.model import CompilerBug
from gencompiler.node import Node, walk
from gencompiler.rows.analysis import carried_type, constant, draws
from gencompiler.rows.nodes import (
    Broadcast,
    Column,
    Concat,
    Dot,
    Draw,
    Elementwise,
    Expr,
    InputRead,
    Iota,
    Let,
    Local,
    Loop,
    Number,
    Output,
    ParameterRead,
    Permute,
    Program,
    Reduce,
    RowType,
    Select,
    Slice,
    Statement,
    StoreColumn,
    WithColumn,
)

LOOP_KINDS = ("layers", "dimensions", "steps", "time")
REDUCTIONS = ("sum", "max", "min", "prod")
DRAW_KINDS = ("uniform", "normal")
INDEX = RowType(False, (), "integer")

#: What layouts absorb: none of these is left when a program has been scheduled.
_ABSORBED = (Slice, Concat, Permute, WithColumn)


def verify(program: Program, stage: str) -> Program:
    """`program` itself; raises `CompilerBug` naming `stage` at the first broken invariant."""
    _Verifier(program, stage).run()
    return program


def verify_tile(program: Program, stage: str) -> Program:
    """As `verify`, for the program of a kernel: vectors have power-of-two widths and stay where they are."""
    _TileVerifier(program, stage).run()
    by_column = {id(part.vector) for part in walk(program) if isinstance(part, Column)}
    for part in walk(program):
        if isinstance(part, _ABSORBED):
            raise CompilerBug(stage, f"a kernel has no {type(part).__name__}", part.span)
        padded = isinstance(part, InputRead) and id(part) in by_column
        if isinstance(part, Expr) and not padded and any(size < 16 or size & (size - 1) for size in part.type.shape):
            raise CompilerBug(stage, f"a tile of shape {part.type.shape} is not padded", part.span)
        if isinstance(part, Column) and not isinstance(part.vector, InputRead):
            raise CompilerBug(stage, "a kernel reads columns of inputs only", part.span)
    return program


class _Verifier:
    def __init__(self, program: Program, stage: str) -> None:
        self.program, self.stage = program, stage
        self.inputs = {each.name: each.type for each in program.inputs}
        self.parameters = {each.path: each.shape for each in program.parameters}
        self.scope: dict[str, RowType] = dict.fromkeys((*program.scalars, "seed", "step"), INDEX)
        self.sizes: dict[str, int | None] = {}
        self.ever_bound: set[str] = set()

    def run(self) -> None:
        self._unique([each.name for each in self.program.inputs], "input")
        self._unique([each.path for each in self.program.parameters], "parameter")
        self._unique([each.name for each in self.program.outputs], "output")
        self._block(self.program.body)
        stored = {part.output for part in walk(self.program) if isinstance(part, StoreColumn)}
        for output in self.program.outputs:
            if (output.value is None) != (output.name in stored):
                self._fail(f"output {output.name} is neither a value nor stored, or both", output)
            if output.value is not None:
                self._expect_output(output, output.value)
        self._keys()

    def _expect_output(self, output: Output, value: Expr) -> None:
        self._expect(value, shape=output.type.shape)

    def _fail(self, message: str, at: Node) -> NoReturn:
        raise CompilerBug(self.stage, message, at.span)

    def _unique(self, names: list[str], what: str) -> None:
        for name in names:
            if names.count(name) > 1:
                self._fail(f"two {what}s named {name}", self.program)

    # -- statements --------------------------------------------------------------------------------------------------

    def _bind(self, name: str, kind: RowType, at: Node) -> None:
        if name in self.ever_bound or name in self.program.scalars or name in ("seed", "step"):
            self._fail(f"{name} is bound twice", at)
        self.ever_bound.add(name)
        self.scope[name] = kind

    def _block(self, statements: tuple[Statement, ...]) -> None:
        for statement in statements:
            match statement:
                case Let(name, value):
                    self._expr(value)
                    self._bind(name, value.type, statement)
                case Loop():
                    self._loop(statement)
                case StoreColumn():
                    self._store(statement)
                case _:
                    self._fail(f"no statement: {type(statement).__name__}", statement)

    def _loop(self, loop: Loop) -> None:
        if loop.kind not in LOOP_KINDS:
            self._fail(f"no kind of loop: {loop.kind}", loop)
        self._expect(loop.count, rows=False, shape=(), kind="integer")
        for carry in loop.carried:
            self._expr(carry.initial)
        outside = dict(self.scope)
        self._bind(loop.index, INDEX, loop)
        self.sizes[loop.index] = constant(loop.count)
        for carry in loop.carried:
            kind = carried_type(carry)
            if carry.initial.type.shape != kind.shape or _is_boolean(carry.initial) != _is_boolean(carry.next):
                self._fail(f"{carry.name} changes its type from {carry.initial.type} to {carry.next.type}", carry)
            self._bind(carry.name, kind, carry)
        self._block(loop.body)
        for carry in loop.carried:
            self._expr(carry.next)
        carried = {carry.name: self.scope[carry.name] for carry in loop.carried}
        self.scope = outside | carried

    def _store(self, store: StoreColumn) -> None:
        targets = [each for each in self.program.outputs if each.name == store.output and each.value is None]
        if len(targets) != 1 or len(targets[0].type.shape) != 1:
            self._fail(f"no vector output named {store.output} to store into", store)
        self._index(store.index, targets[0].type.shape[0])
        self._expect(store.value, shape=())

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
        at = constant(index)
        if isinstance(index, Number) and (at is None or not 0 <= at < size):
            self._fail(f"index {index.value} is outside 0..{size}", index)
        if isinstance(index, Local):
            count = self.sizes.get(index.name)
            if count is not None and count > size:
                self._fail(f"{index.name} runs to {count}, outside 0..{size}", index)

    def _expr(self, expr: Expr) -> None:
        check: Callable[[Expr], RowType | None] | None = getattr(self, f"_type_{type(expr).__name__.lower()}", None)
        if check is None:
            self._fail(f"no expression: {type(expr).__name__}", expr)
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
            if _is_boolean(argument) != (logical or expr.function == "indicator"):
                self._fail(f"{expr.function} of a {argument.type.kind}", argument)
        return RowType(*self._together(expr, expr.arguments), self._kind(expr, function.kind))

    def _kind(self, expr: Elementwise, stated: str) -> str:
        if stated == "boolean":
            return "boolean"
        integers = all(argument.type.kind == "integer" for argument in expr.arguments)
        if expr.type.kind == "integer" and not integers and stated != "integer":
            self._fail(f"{expr.function} of reals is no integer", expr)
        return expr.type.kind if expr.type.kind != "boolean" else "real"

    def _together(self, expr: Expr, parts: tuple[Expr, ...]) -> tuple[bool, tuple[int, ...]]:
        shapes = {part.type.shape for part in parts if part.type.shape}
        if len(shapes) > 1:
            self._fail(f"shapes {sorted(shapes)} meet", expr)
        return any(part.type.rows for part in parts), next(iter(shapes), ())

    def _type_select(self, expr: Select) -> RowType:
        self._expect(expr.condition, kind="boolean")
        self._expr(expr.then)
        self._expr(expr.otherwise)
        if _is_boolean(expr.then) != _is_boolean(expr.otherwise):
            self._fail("the branches are of different kinds", expr)
        kind = expr.type.kind if not _is_boolean(expr.then) else "boolean"
        return RowType(*self._together(expr, (expr.condition, expr.then, expr.otherwise)), kind)

    def _type_dot(self, expr: Dot) -> RowType:
        length = self._length(expr.vector)
        self._expect(expr.matrix, rows=False)
        shape = expr.matrix.type.shape[::-1] if expr.transposed else expr.matrix.type.shape
        if len(shape) != 2 or shape[0] != length or _is_boolean(expr.vector):
            self._fail(f"a vector of {length} meets a matrix of shape {expr.matrix.type.shape}", expr)
        return RowType(expr.vector.type.rows, (shape[1],))

    def _type_reduce(self, expr: Reduce) -> RowType:
        if expr.operation not in REDUCTIONS:
            self._fail(f"no reduction: {expr.operation}", expr)
        self._length(expr.operand)
        if _is_boolean(expr.operand):
            self._fail("a reduction of booleans", expr)
        return RowType(expr.operand.type.rows, (), expr.type.kind)

    def _type_broadcast(self, expr: Broadcast) -> RowType:
        self._expect(expr.operand, shape=())
        return RowType(expr.operand.type.rows, (expr.length,), expr.operand.type.kind)

    def _type_column(self, expr: Column) -> RowType:
        self._index(expr.index, self._length(expr.vector))
        return RowType(expr.vector.type.rows, (), expr.vector.type.kind)

    def _type_withcolumn(self, expr: WithColumn) -> RowType:
        length = self._length(expr.vector)
        self._index(expr.index, length)
        self._expect(expr.value, shape=())
        return RowType(expr.vector.type.rows or expr.value.type.rows, (length,), expr.type.kind)

    def _type_slice(self, expr: Slice) -> RowType:
        length = self._length(expr.vector)
        if not 0 <= expr.start < expr.stop <= length:
            self._fail(f"slice {expr.start}..{expr.stop} of {length} elements", expr)
        return RowType(expr.vector.type.rows, (expr.stop - expr.start,), expr.vector.type.kind)

    def _type_concat(self, expr: Concat) -> RowType:
        for part in expr.parts:
            self._expr(part)
            if len(part.type.shape) > 1:
                self._fail("a matrix among the parts", part)
        length = sum(part.type.shape[0] if part.type.shape else 1 for part in expr.parts)
        return RowType(any(part.type.rows for part in expr.parts), (length,), expr.type.kind)

    def _type_permute(self, expr: Permute) -> RowType:
        length = self._length(expr.vector)
        if sorted(expr.order) != list(range(length)):
            self._fail(f"no permutation of {length} elements", expr)
        return expr.vector.type

    def _type_iota(self, expr: Iota) -> RowType:
        return RowType(False, (expr.length,), "integer")

    def _type_draw(self, expr: Draw) -> RowType:
        if expr.kind not in DRAW_KINDS or len(expr.type.shape) > 1:
            self._fail(f"no draw: {expr.kind} of shape {expr.type.shape}", expr)
        self._expect(expr.step, rows=False, shape=(), kind="integer")
        if expr.dim is not None:
            self._expect(expr.dim, rows=False, shape=expr.type.shape, kind="integer")
        return RowType(True, expr.type.shape)

    # -- keys --------------------------------------------------------------------------------------------------------

    def _keys(self) -> None:
        """Two draws of one stream are the same draw, or scalars at different constant dims."""
        seen: dict[int, set[Draw]] = {}
        for draw in draws(self.program):
            others = seen.setdefault(draw.stream, set())
            for other in others:
                apart = [None if each.dim is None else constant(each.dim) for each in (draw, other)]
                distinct = None not in apart and apart[0] != apart[1]
                if other != draw and not distinct:
                    self._fail(f"two different draws share stream {draw.stream}", draw)
            others.add(draw)


class _TileVerifier(_Verifier):
    """An input may be read as a whole, padded to the width of its tile; outputs are wider than what is stored."""

    def _type_inputread(self, expr: InputRead) -> RowType | None:
        logical = super()._type_inputread(expr)
        if logical is None or expr.type == logical:
            return logical
        wide = expr.type.shape[:1] >= logical.shape and len(expr.type.shape) == len(logical.shape) == 1
        return expr.type if wide and expr.type.kind == logical.kind else logical

    def _keys(self) -> None:
        """One draw may appear in two layouts here; the logical program was checked."""

    def _expect_output(self, output: Output, value: Expr) -> None:
        self._expr(value)
        if len(value.type.shape) != len(output.type.shape):
            self._fail(f"shape {value.type.shape} for an output of shape {output.type.shape}", output)


def _is_boolean(expr: Expr) -> bool:
    return expr.type.kind == "boolean"
