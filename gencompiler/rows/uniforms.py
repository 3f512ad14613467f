"""What a program computes of its parameters alone, once for all rows.

Weights times masks, functions of parameters, embeddings of constants: they cost a row nothing if they are computed
before the loop over rows.  Each becomes a shared array, one for each iteration of the loops that it depends on, and is
read like a parameter.
"""

from __future__ import annotations

import dataclasses
import math
from typing import cast

from gencompiler.node import Node, rebuild, walk
from gencompiler.rows.analysis import bound_names, constant, local_names
from gencompiler.rows.nodes import (
    Carry,
    Column,
    Dot,
    Elementwise,
    Expr,
    Iota,
    Let,
    Local,
    Loop,
    Mask,
    MatrixFunction,
    Number,
    ParameterRead,
    Permute,
    Program,
    Reshape,
    RowType,
    Slice,
    Statement,
    StoreColumn,
    StoreSection,
    Window,
)

#: Numbers that a shared array may have: beyond, a value is computed where it is used.
LARGEST = 1 << 22

_INDEX = RowType(False, (), "integer")
#: What only selects, and is done where the value is read.
_VIEWS = (Column, Slice, Window, Permute, Reshape)


@dataclasses.dataclass(frozen=True)
class Shared:
    """The array `name` `[count of each lead, *value.type.shape]`: `value` at each iteration of the loops `leads`, which
    are indices with their numbers of iterations."""

    name: str
    leads: tuple[tuple[str, int], ...]
    value: Expr

    @property
    def shape(self) -> tuple[int, ...]:
        return (*(count for _, count in self.leads), *self.value.type.shape)


@dataclasses.dataclass(frozen=True)
class Settled:
    """A program that reads the `shared` arrays as parameters of their names."""

    program: Program
    shared: tuple[Shared, ...]


def settle(program: Program) -> Settled:
    """`program` with what is common to all rows taken out of it."""
    return _Settling(program).settled()


class _Settling:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.taken = {*bound_names(program.body), *program.scalars, *(each.name for each in program.inputs)}
        self.taken |= {use.path for use in program.parameters}
        self.named: dict[str, Expr] = {}
        self.found: dict[tuple[Expr, tuple[tuple[str, int], ...]], Shared] = {}
        self.loops: tuple[tuple[str, int], ...] = ()

    def settled(self) -> Settled:
        body = self.block(self.program.body)
        outputs = tuple(rebuild(each, self.change) for each in self.program.outputs)
        program = dataclasses.replace(self.program, body=body, outputs=outputs)
        return Settled(program, tuple(self.found.values()))

    def block(self, statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
        kept: list[Statement] = []
        for each in statements:
            match each:
                case Let(name, value) if self.is_fixed(value) and _is_worth(value):
                    self.named[name] = self.inlined(value)
                case Loop():
                    kept.append(self.loop(each))
                case Let() | StoreColumn() | StoreSection():
                    kept.append(rebuild(each, self.change))
        return tuple(kept)

    def loop(self, loop: Loop) -> Loop:
        count, outside = constant(loop.count), self.loops
        starts = [cast(Expr, self.change(carry.initial)) for carry in loop.carried]
        self.loops += ((loop.index, count),) if count else ()
        body = self.block(loop.body)
        carried = tuple(
            Carry(c.name, start, cast(Expr, self.change(c.next)), span=c.span)
            for c, start in zip(loop.carried, starts, strict=True)
        )
        done = None if loop.done is None else cast(Expr, self.change(loop.done))
        self.loops = outside
        return dataclasses.replace(loop, body=body, carried=carried, done=done)

    # -- expressions -------------------------------------------------------------------------------------------------

    def is_fixed(self, expr: Expr) -> bool:
        """Whether a value is a function of parameters and of the iterations of loops of known length."""
        if expr.type.rows:
            return False
        known = {index for index, _ in self.loops} | self.named.keys()
        return local_names(expr) <= known

    def inlined(self, expr: Expr) -> Expr:
        def change(part: Node) -> Node:
            return (
                self.named[part.name] if isinstance(part, Local) and part.name in self.named else rebuild(part, change)
            )

        return cast(Expr, change(expr))

    def change(self, part: Node) -> Node:
        """A part of an expression, with shared arrays in the places of what is computed of parameters."""
        if not isinstance(part, Expr) or part.type.rows:
            return rebuild(part, self.change)
        if isinstance(part, Local) and part.name in self.named:
            return self.change(self.named[part.name])
        if isinstance(part, _VIEWS) or _is_transposed(part):
            return rebuild(part, self.change)
        if not self.is_fixed(part) or not (_is_worth(part) or self.is_column(part)):
            return part if isinstance(part, ParameterRead) else rebuild(part, self.change)
        return self.shared(self.inlined(part))

    def is_column(self, part: Expr) -> bool:
        """Whether a vector of a parameter's numbers is read whose neighbours in memory belong to other iterations: each
        has them side by side in an array that is filled once."""
        if not isinstance(part, ParameterRead) or len(part.type.shape) != 1:
            return False
        counts = dict(self.loops)
        last = [at for at in part.index[part.index.index(None) + 1 :] if at is not None]
        return any(isinstance(at, Local) and counts.get(at.name, 1) > 1 for at in last)

    def shared(self, value: Expr) -> Expr:
        read = local_names(value)
        leads = tuple(each for each in self.loops if each[0] in read)
        if math.prod((*(count for _, count in leads), *value.type.shape)) > LARGEST:
            return value
        if (value, leads) not in self.found:
            self.found[value, leads] = Shared(self.fresh(value), leads, value)
        places: tuple[Expr | None, ...] = tuple(Local(_INDEX, index, span=value.span) for index, _ in leads)
        places += (None,) * len(value.type.shape)
        return ParameterRead(value.type, self.found[value, leads].name, places, span=value.span)

    def fresh(self, value: Expr) -> str:
        """A name after the parameter that the value is of."""
        paths = [part.path for part in walk(value) if isinstance(part, ParameterRead)]
        stem = f"{'_'.join(paths[0].split('.')[-2:])}_used" if paths else "shared"
        name, number = stem, 2
        while name in self.taken:
            name, number = f"{stem}_{number}", number + 1
        self.taken.add(name)
        return name


def _is_transposed(part: Expr) -> bool:
    return isinstance(part, MatrixFunction) and part.function == "transpose"


def _is_worth(value: Expr) -> bool:
    """Whether a value is computed, of parameters or as a vector: numbers and indices cost nothing where they are."""
    if isinstance(value, ParameterRead | Number | Local):
        return False
    if value.type.shape:
        return any(isinstance(part, Elementwise | Dot | Mask | MatrixFunction) for part in walk(value))
    return any(isinstance(part, ParameterRead | Iota) for part in walk(value)) and any(
        isinstance(part, Elementwise | Dot | MatrixFunction) for part in walk(value)
    )
