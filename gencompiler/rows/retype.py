"""Which values differ between rows, found again after a pass that took vectors apart.

An element of a row vector may be the same for all rows (a join of a parameter and a draw); once elements are values of
their own, they and all that depends on them alone are uniform.
"""

from __future__ import annotations

import dataclasses

from gencompiler.node import Node, children, rebuild
from gencompiler.rows.nodes import Carry, Draw, Expr, InputRead, Let, Local, Loop, Program, Section, Statement


def retype(program: Program) -> Program:
    """`program` with `rows` of every expression as its operands make it."""
    names: dict[str, bool] = {}
    body = _block(program.body, names)
    outputs = tuple(
        o if o.value is None else dataclasses.replace(o, value=_expr(o.value, names)) for o in program.outputs
    )
    return dataclasses.replace(program, body=body, outputs=outputs)


def _block(statements: tuple[Statement, ...], names: dict[str, bool]) -> tuple[Statement, ...]:
    result: list[Statement] = []
    for statement in statements:
        if isinstance(statement, Loop):
            result.append(_loop(statement, names))
        else:
            changed = rebuild(statement, lambda part: _any(part, names))
            if isinstance(changed, Let):
                names[changed.name] = changed.value.type.rows
            result.append(changed)
    return tuple(result)


def _loop(loop: Loop, names: dict[str, bool]) -> Loop:
    """What is carried is uniform if it is at the start and stays so; found by assuming it until it is refuted."""
    initials = [_expr(carry.initial, names) for carry in loop.carried]
    rows = [initial.type.rows for initial in initials]
    while True:
        names.update(zip((carry.name for carry in loop.carried), rows, strict=True))
        body = _block(loop.body, names)
        nexts = [_expr(carry.next, names) for carry in loop.carried]
        found = [before or after.type.rows for before, after in zip(rows, nexts, strict=True)]
        if found == rows:
            break
        rows = found
    carried = tuple(
        Carry(carry.name, initial, following, span=carry.span)
        for carry, initial, following in zip(loop.carried, initials, nexts, strict=True)
    )
    return dataclasses.replace(loop, carried=carried, body=body)


def _any(part: Node, names: dict[str, bool]) -> Node:
    return _expr(part, names) if isinstance(part, Expr) else part


def _expr(expr: Expr, names: dict[str, bool]) -> Expr:
    changed = rebuild(expr, lambda part: _any(part, names))
    match changed:
        case Local(name=name):
            rows = names.get(name, False)
        case InputRead() | Section() | Draw():
            rows = True
        case _:
            rows = any(part.type.rows for part in children(changed) if isinstance(part, Expr))
    if rows == changed.type.rows:
        return changed
    return dataclasses.replace(changed, type=dataclasses.replace(changed.type, rows=rows))
