"""Small questions about row programs that several passes ask."""

from __future__ import annotations

import collections
import math
from collections.abc import Iterable, Iterator

from gencompiler.node import Node, walk
from gencompiler.rows.nodes import (
    Argsort,
    Carry,
    Convolve,
    Draw,
    Elementwise,
    Expr,
    ExternalCall,
    InputRead,
    Let,
    LinearSolution,
    Local,
    LogAbsDet,
    Loop,
    Number,
    Program,
    RowType,
    Run,
    Statement,
    Window,
)


def local_names(*trees: Node) -> frozenset[str]:
    """Every name that occurs as a Local anywhere in `trees`."""
    return frozenset(part.name for tree in trees for part in walk(tree) if isinstance(part, Local))


def bound_names(statements: Iterable[Statement]) -> Iterator[str]:
    """Names that `statements` bind: lets, loop indices and carried values, those of inner loops included."""
    for statement in statements:
        match statement:
            case Let(name, _):
                yield name
            case Run(names=names):
                yield from names
            case Loop():
                yield statement.index
                yield from (carry.name for carry in statement.carried)
                yield from bound_names(statement.body)


def carried_type(carry: Carry) -> RowType:
    """The type of a carried value inside and after its loop: it differs between rows if it does before or becomes
    so."""
    before, after = carry.initial.type, carry.next.type
    return RowType(before.rows or after.rows, after.shape, after.kind, max(before.particles, after.particles))


def draws(tree: Node) -> Iterator[Draw]:
    return (part for part in walk(tree) if isinstance(part, Draw))


def single_reads(program: Program) -> dict[str, str]:
    """Inputs that the program reads exactly once, as the initial value of an outermost loop's carried value: its
    name."""
    reads = collections.Counter(part.name for part in walk(program) if isinstance(part, InputRead))
    starts = [carry for loop in program.body if isinstance(loop, Loop) for carry in loop.carried]
    return {c.initial.name: c.name for c in starts if isinstance(c.initial, InputRead) and reads[c.initial.name] == 1}


def constant(expr: Expr) -> int | None:
    """The integer an expression is known to be, or None."""
    whole = isinstance(expr, Number) and math.isfinite(expr.value) and expr.value == int(expr.value)
    return int(expr.value) if isinstance(expr, Number) and whole else None


def block_index(expr: Window) -> Local | None:
    """i where the window is block i of its axis: it starts at i times its length."""
    match expr.start:
        case Local() if expr.length == 1:
            return expr.start
        case Elementwise(function="multiply", arguments=(Local() as index, length)) if constant(length) == expr.length:
            return index
    return None


def loops(program: Program) -> Iterator[Loop]:
    return (part for part in walk(program) if isinstance(part, Loop))


def inverse_order(order: tuple[int, ...]) -> tuple[int, ...]:
    """The permutation that undoes one."""
    return tuple(sorted(range(len(order)), key=order.__getitem__))


def torch_alone(part: Node) -> str | None:
    """What of a program neither a kernel nor a C function computes, or None."""
    match part:
        case Program(once=True):
            return "it runs once, before a training"
        case Convolve():
            return "a convolution, which torch has"
        case Argsort():
            return "the order that sorts a vector"
        case LogAbsDet():
            return "the determinant of a matrix of each row"
        case LinearSolution():
            return "linear equations of each row"
        case ExternalCall(module=module):
            return f"`{module}` is a module of the user's own"
    return None


def most_particles(program: Program) -> int:
    """The most particles that a value of the program has."""
    return max((part.type.particles for part in walk(program) if isinstance(part, Expr)), default=1)


def unravelled(place: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The places along each axis of the element that is `place` in row-major order."""
    found: list[int] = []
    for extent in reversed(shape):
        place, last = divmod(place, extent)
        found.append(last)
    return tuple(reversed(found))
