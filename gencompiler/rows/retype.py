"""Which values differ between rows and which are integers, found again after a pass that took vectors apart.

An element of a row vector may be the same for all rows (a join of a parameter and a draw); once elements are values of
their own, they and all that depends on them alone are uniform.  An element of a real vector may be an integer (a join
of a discrete input and a draw), and so is what its name stands for.
"""

from __future__ import annotations

import dataclasses

from gencompiler.node import Node, children, rebuild
from gencompiler.rows.nodes import (
    Broadcast,
    Carry,
    Column,
    Draw,
    Expr,
    InputRead,
    Let,
    Local,
    Loop,
    Permute,
    Program,
    Section,
    Slice,
    Statement,
)

#: By name, whether a value differs between rows, and its kind.
_Names = dict[str, tuple[bool, str]]


def retype(program: Program) -> Program:
    """`program` with `rows` of every expression, and the kind of what is only named, read or repeated, as its operands
    make them."""
    names: _Names = {}
    body = _block(program.body, names)
    outputs = tuple(
        o if o.value is None else dataclasses.replace(o, value=_expr(o.value, names)) for o in program.outputs
    )
    return dataclasses.replace(program, body=body, outputs=outputs)


def _block(statements: tuple[Statement, ...], names: _Names) -> tuple[Statement, ...]:
    result: list[Statement] = []
    for statement in statements:
        if isinstance(statement, Loop):
            result.append(_loop(statement, names))
        else:
            changed = rebuild(statement, lambda part: _any(part, names))
            if isinstance(changed, Let):
                names[changed.name] = (changed.value.type.rows, changed.value.type.kind)
            result.append(changed)
    return tuple(result)


def _loop(loop: Loop, names: _Names) -> Loop:
    """What is carried is uniform if it is at the start and stays so; found by assuming it until it is refuted.  It has
    the kind of its next value, an integer if that is one."""
    initials = [_expr(carry.initial, names) for carry in loop.carried]
    carries = [(initial.type.rows, carry.next.type.kind) for initial, carry in zip(initials, loop.carried, strict=True)]
    while True:
        names.update(zip((carry.name for carry in loop.carried), carries, strict=True))
        body = _block(loop.body, names)
        nexts = [_expr(carry.next, names) for carry in loop.carried]
        found = [
            (rows or after.type.rows, kind if kind == "integer" else after.type.kind)
            for (rows, kind), after in zip(carries, nexts, strict=True)
        ]
        if found == carries:
            break
        carries = found
    carried = tuple(
        Carry(carry.name, initial, following, span=carry.span)
        for carry, initial, following in zip(loop.carried, initials, nexts, strict=True)
    )
    return dataclasses.replace(loop, carried=carried, body=body)


def _any(part: Node, names: _Names) -> Node:
    return _expr(part, names) if isinstance(part, Expr) else part


def _expr(expr: Expr, names: _Names) -> Expr:
    changed = rebuild(expr, lambda part: _any(part, names))
    kind = changed.type.kind
    match changed:
        case Local(name=name):
            rows, kind = names.get(name, (False, kind))
        case InputRead() | Section() | Draw():
            rows = True
        case _:
            rows = any(part.type.rows for part in children(changed) if isinstance(part, Expr))
    match changed:
        case Broadcast(operand=below) | Column(vector=below) | Slice(vector=below) | Permute(vector=below):
            kind = below.type.kind
    if (rows, kind) == (changed.type.rows, changed.type.kind):
        return changed
    return dataclasses.replace(changed, type=dataclasses.replace(changed.type, rows=rows, kind=kind))
