"""The invariants of row programs, checked between passes: a program that breaks one is a bug of the compiler.

Types follow from operands; every name is bound once and before its use; an index lies inside what it indexes; no two
draws share a key.  `verify_tile` checks in addition that a scheduled program has only what a kernel can do.
"""

from __future__ import annotations

from gencompiler.diagnostics.model import CompilerBug
from gencompiler.node import Node, walk
from gencompiler.rows.analysis import carried_type, constant, draws
from gencompiler.rows.nodes import (
    Column,
    Concat,
    Draw,
    Expr,
    InputRead,
    Let,
    Local,
    Loop,
    Output,
    Permute,
    Program,
    RowType,
    Run,
    Section,
    Slice,
    Statement,
    StoreColumn,
    StoreSection,
    WithColumn,
)
from gencompiler.rows.verify_types import INDEX, Typing, is_boolean, reach

LOOP_KINDS = ("layers", "dimensions", "steps", "time")

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


class _Verifier(Typing):
    def run(self) -> None:
        self._unique([each.name for each in self.program.inputs], "input")
        self._unique([each.path for each in self.program.parameters], "parameter")
        self._unique([each.name for each in self.program.outputs], "output")
        self._block(self.program.body)
        stored = {part.output for part in walk(self.program) if isinstance(part, StoreColumn | StoreSection)}
        for output in self.program.outputs:
            if (output.value is None) != (output.name in stored):
                self._fail(f"output {output.name} is neither a value nor stored, or both", output)
            summed = isinstance(output.value, Local) and output.value.name in self.summed
            if output.value is not None and not output.type.rows and not summed:
                self._fail(f"the uniform output {output.name} is not stored", output)
            if output.value is not None:
                self._expect_output(output, output.value)
        self._keys()

    def _expect_output(self, output: Output, value: Expr) -> None:
        self._expect(value, shape=output.type.shape)
        self._same_rows(value, output.type)

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
                    if value.type == INDEX:
                        self.reaches[name] = reach(value, self.reaches)
                case Loop():
                    self._loop(statement)
                case Run():
                    self._run(statement)
                case StoreColumn():
                    self._store(statement)
                case StoreSection():
                    self._store_section(statement)
                case _:
                    self._fail(f"no statement: {type(statement).__name__}", statement)

    def _run(self, run: Run) -> None:
        """Of a driver: what a piece needs is there; what it gives are numbers of rows, or sums over all of them."""
        for argument in run.arguments:
            self._expect(argument, rows=True)
        for scalar in run.scalars:
            self._expect(scalar, rows=False, shape=(), kind="integer")
        for name, kind in zip(run.names, run.types, strict=True):
            self._bind(name, kind, run)
            self.summed |= set() if kind.rows else {name}

    def _loop(self, loop: Loop) -> None:
        if loop.kind not in LOOP_KINDS:
            self._fail(f"no kind of loop: {loop.kind}", loop)
        self._expect(loop.count, rows=False, shape=(), kind="integer")
        for carry in loop.carried:
            self._expr(carry.initial)
        outside = dict(self.scope)
        self._bind(loop.index, INDEX, loop)
        count = constant(loop.count)
        self.reaches[loop.index] = range(count) if count is not None else None
        for carry in loop.carried:
            kind = carried_type(carry)
            if carry.initial.type.shape != kind.shape or is_boolean(carry.initial) != is_boolean(carry.next):
                self._fail(f"{carry.name} changes its type from {carry.initial.type} to {carry.next.type}", carry)
            self._same_rows(carry.initial, kind)
            self._same_rows(carry.next, kind)
            self._bind(carry.name, kind, carry)
        if loop.done is not None:
            self._expect(loop.done, shape=(), kind="boolean")
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
        self._same_rows(store.value, targets[0].type)

    def _store_section(self, store: StoreSection) -> None:
        targets = [each for each in self.program.outputs if each.name == store.output and each.value is None]
        if len(targets) != 1 or len(targets[0].type.shape) != 1 or store.length > targets[0].type.shape[0]:
            self._fail(f"no output named {store.output} with {store.length} places to store into", store)
        self._expect(store.index, rows=False, shape=(), kind="integer")
        self._expect_section(store)
        self._same_rows(store.value, targets[0].type)

    def _expect_section(self, store: StoreSection) -> None:
        self._expect(store.value, shape=(store.length,))

    # -- keys --------------------------------------------------------------------------------------------------------

    def _keys(self) -> None:
        """Two draws of one stream are the same draw, or scalars at dims of which none is among the other's."""
        seen: dict[int, set[Draw]] = {}
        for draw in draws(self.program):
            others = seen.setdefault(draw.stream, set())
            for other in others:
                apart = [None if each.dim is None else reach(each.dim, self.reaches) for each in (draw, other)]
                distinct = _apart(*apart) and _keyed_alike(other, draw)
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

    def _expect_section(self, store: StoreSection) -> None:
        self._expr(store.value)
        if store.places is not None:
            self._expect(store.places, rows=False, shape=store.value.type.shape, kind="integer")

    def _type_section(self, expr: Section) -> RowType:
        super()._type_section(expr)
        return expr.type

    def _keys(self) -> None:
        """One draw may appear in two layouts here; the logical program was checked."""

    def _expect_output(self, output: Output, value: Expr) -> None:
        self._expr(value)
        if len(value.type.shape) != len(output.type.shape):
            self._fail(f"shape {value.type.shape} for an output of shape {output.type.shape}", output)


def _keyed_alike(a: Draw, b: Draw) -> bool:
    """Whether different dims of two draws stay different in every particle."""
    return (a.type.particles, a.length) == (b.type.particles, b.length)


def _apart(one: range | None, other: range | None) -> bool:
    """Whether two dims, where they are known, are never the same."""
    return one is not None and other is not None and (one.stop <= other.start or other.stop <= one.start)
