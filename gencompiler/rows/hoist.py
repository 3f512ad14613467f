"""Draws that a loop over dimensions makes one at a time, made as one vector before it.

A number depends on its counters only, so `u_i` drawn at dim `i` of a loop is element `i` of the vector drawn with dims
0..D.  One vector draw is far cheaper for torch, where every operation costs a launch.  (Kernels draw in place.)
"""

from __future__ import annotations

import dataclasses

from gencompiler.node import Node, rebuild, walk
from gencompiler.rows.analysis import bound_names, constant, local_names
from gencompiler.rows.nodes import Column, Draw, Expr, Let, Local, Loop, Program, RowType, Statement

_INDEX = RowType(False, (), "integer")


def hoist_draws(program: Program) -> Program:
    """`program` with vector draws in place of scalar draws keyed by the index of a dimension loop."""
    return dataclasses.replace(program, body=_statements(program.body))


def _statements(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    result: list[Statement] = []
    for statement in statements:
        if isinstance(statement, Loop):
            lets, loop = _hoisted(dataclasses.replace(statement, body=_statements(statement.body)))
            result += [*lets, loop]
        else:
            result.append(statement)
    return tuple(result)


def _hoisted(loop: Loop) -> tuple[list[Let], Loop]:
    count = constant(loop.count)
    if loop.kind != "dimensions" or count is None:
        return [], loop
    inside = {loop.index, *(carry.name for carry in loop.carried), *bound_names(loop.body)}
    lets: dict[int, Let] = {}

    def change(part: Node) -> Node:
        part = rebuild(part, change)
        if not (isinstance(part, Draw) and _is_at(part.dim, loop.index)) or local_names(part.step) & inside:
            return part
        if part.type.particles > 1 and part.length != count:
            return part
        vector = RowType(True, (count,), "real", part.type.particles)
        draw = Draw(vector, part.kind, part.stream, part.step, span=part.span)
        name = f"{part.kind}_{part.stream}"
        lets[part.stream] = Let(name, draw, span=part.span)
        index = Local(_INDEX, loop.index, span=part.span)
        return Column(part.type, Local(vector, name, span=part.span), index, span=part.span)

    changed = rebuild(loop, change)
    return list(lets.values()), changed


def _is_at(dim: Expr | None, index: str) -> bool:
    return isinstance(dim, Local) and dim.name == index


def stepped_draws(program: Program) -> dict[int, Draw]:
    """By stream, the draws whose step moves with a loop and whose dims do not: torch computes many steps of them
    ahead."""
    moving = {part.index for part in walk(program) if isinstance(part, Loop)}
    for part in walk(program):  # named steps, `now = step + t`, before their uses
        if isinstance(part, Let) and part.value.type == _INDEX and local_names(part.value) & moving:
            moving.add(part.name)
    return {
        part.stream: part
        for part in walk(program)
        if isinstance(part, Draw)
        and local_names(part.step) & moving
        and (part.dim is None or constant(part.dim) is not None)
        and part.length == 1
    }
