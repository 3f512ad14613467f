"""A sigmoid and its complement: sigmoid(-a) is 1 - sigmoid(a) where sigmoid(a) has been computed.

The slope of a sigmoid is `sigmoid(a) * sigmoid(-a)`, so that backward passes ask for both.  The difference is exact up
to the rounding of the sigmoid, which is that of torch's own slope, and takes a fraction of the time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import cast

from gencompiler.node import Node, rebuild
from gencompiler.rows.nodes import Elementwise, Expr, Let, Local, Loop, Number, Program, RowType, Statement

#: Names of sigmoids, by their arguments.
_Known = Mapping[Expr, Local]


def complement(program: Program) -> Program:
    """`program` with complements of the sigmoids that have names."""
    body, known = _block(program.body, {})
    outputs = tuple(rebuild(each, lambda part: _changed(part, known)) for each in program.outputs)
    return dataclasses.replace(program, body=body, outputs=outputs)


def _block(statements: tuple[Statement, ...], known: _Known) -> tuple[tuple[Statement, ...], _Known]:
    found = dict(known)
    result: list[Statement] = []
    for each in statements:
        if isinstance(each, Loop):
            result.append(_loop(each, found))
            continue
        changed = rebuild(each, lambda part: _changed(part, found))
        result.append(changed)
        if isinstance(changed, Let) and (argument := _argument(changed.value)) is not None:
            found[argument] = Local(changed.value.type, changed.name, span=changed.span)
    return tuple(result), found


def _loop(loop: Loop, outside: _Known) -> Loop:
    carried = {carry.name for carry in loop.carried}
    kept = {argument: name for argument, name in outside.items() if name.name not in carried}
    body, inside = _block(loop.body, kept)
    ends = tuple(
        dataclasses.replace(
            carry,
            initial=cast(Expr, _changed(carry.initial, outside)),
            next=cast(Expr, _changed(carry.next, inside)),
        )
        for carry in loop.carried
    )
    return dataclasses.replace(loop, body=body, carried=ends)


def _changed(part: Node, known: _Known) -> Node:
    part = rebuild(part, lambda each: _changed(each, known))
    if not isinstance(part, Expr) or (argument := _argument(part)) is None:
        return part
    if not isinstance(argument, Elementwise) or argument.function != "negate":
        return part
    name = known.get(argument.arguments[0])
    if name is None:
        return part
    one = Number(RowType(False, ()), 1.0, span=part.span)
    return Elementwise(part.type, "subtract", (one, name), span=part.span)


def _argument(expr: Expr) -> Expr | None:
    """a of sigmoid(a)."""
    return expr.arguments[0] if isinstance(expr, Elementwise) and expr.function == "sigmoid" else None
