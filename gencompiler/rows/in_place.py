"""Which vectors a loop may fill in place: those that nothing else sees.

A carried vector that begins as a constant is the loop's own.  Where an iteration replaces some of its elements and what
it was before is not read any more, back ends that hold vectors in memory may overwrite it instead of copying it: units
and entries of a sequence are filled in one after the other, and copying each time would cost as much as their number.
"""

from __future__ import annotations

from gencompiler.node import walk
from gencompiler.rows.analysis import local_names, loops
from gencompiler.rows.nodes import (
    Broadcast,
    Carry,
    Column,
    Expr,
    Let,
    Local,
    Loop,
    Number,
    Permute,
    Program,
    Slice,
    Window,
    WithColumn,
    WithWindow,
)


def filled_in_place(program: Program) -> frozenset[str]:
    """The names of the carried vectors that may be overwritten where they are replaced in part."""
    return frozenset(carry.name for loop in loops(program) for carry in loop.carried if _is_own(carry, loop))


def _is_own(carry: Carry, loop: Loop) -> bool:
    start = carry.initial
    if not (isinstance(start, Broadcast) and isinstance(start.operand, Number) and carry.next.type.rows):
        return False
    writes = [part for part in walk(loop) if _replaces(part, carry.name)]
    if len(writes) != 1:
        return False
    others = tuple(each.next for each in loop.carried if each is not carry)
    if carry.next is writes[0]:
        return carry.name not in local_names(*others) and _unseen({carry.name}, loop, others)
    if not isinstance(carry.next, Local):
        return False
    lets = ((n, each) for n, each in enumerate(loop.body) if isinstance(each, Let))
    place = next((n for n, each in lets if each.name == carry.next.name and each.value is writes[0]), None)
    if place is None:
        return False
    later = (*loop.body[place + 1 :], *others)
    return carry.name not in local_names(*later) and _unseen({carry.name, carry.next.name}, loop, others)


def _replaces(part: object, name: str) -> bool:
    return isinstance(part, WithColumn | WithWindow) and isinstance(part.vector, Local) and part.vector.name == name


def _unseen(names: set[str], loop: Loop, others: tuple[Expr, ...]) -> bool:
    """Whether no other value is, or becomes by the next iteration, a part of the memory that `names` have."""
    if any(isinstance(each, Let) and each.name not in names and _shown(each.value) in names for each in loop.body):
        return False
    inner = (carry.initial for each in loop.body if isinstance(each, Loop) for carry in each.carried)
    return not any(_shown(each) in names for each in (*inner, *others))


def _shown(expr: Expr) -> str:
    """The name of the vector that an expression may share memory with; empty for none."""
    while True:
        match expr:
            case Local(name=name):
                return name
            case Column(vector=inner) | Slice(vector=inner) | Permute(vector=inner) | Window(value=inner):
                expr = inner
            case _:
                return ""
