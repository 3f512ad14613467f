"""Common subexpressions: what a block computes twice gets a name and is computed once.

Formulas that are derived (gradients, log-determinants, acceptance ratios) repeat themselves; both back ends would
compute
each repetition again.  Works within one block of statements; reads and rearrangements, which cost nothing, stay where
they are.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterator

from gencompiler.node import Node, children, rebuild
from gencompiler.rows.analysis import bound_names
from gencompiler.rows.nodes import (
    Concat,
    Dot,
    Draw,
    Elementwise,
    Expr,
    Let,
    Local,
    Loop,
    Program,
    Reduce,
    Select,
    Statement,
)

#: What is worth a name of its own.
_COSTLY = (Elementwise, Select, Dot, Reduce, Concat, Draw)


def share(program: Program) -> Program:
    """`program` with repeated expressions named once in each block."""
    taken = {*bound_names(program.body), *program.scalars, *(each.name for each in program.inputs)}
    outputs = tuple(each.value for each in program.outputs if each.value is not None)
    body, changed = _Block(taken).shared(program.body, outputs)
    values = iter(changed)
    results = tuple(o if o.value is None else dataclasses.replace(o, value=next(values)) for o in program.outputs)
    return dataclasses.replace(program, body=body, outputs=results)


class _Block:
    def __init__(self, taken: set[str]) -> None:
        self.taken = taken

    def shared(
        self, statements: tuple[Statement, ...], after: tuple[Expr, ...]
    ) -> tuple[tuple[Statement, ...], tuple[Expr, ...]]:
        """The block and the expressions evaluated at its end, with names for what they compute more than once."""
        uses = _uses([expr for each in statements for expr in _expressions(each)] + list(after))
        names: dict[Expr, Local] = {}
        result: list[Statement] = []
        pending: list[Let] = []

        def change(part: Node) -> Node:
            if not isinstance(part, Expr):
                return rebuild(part, change)
            if part in names:
                return names[part]
            changed = rebuild(part, change)
            if uses[part] > 1 and _is_costly(part):
                names[part] = Local(part.type, self._name(), span=part.span)
                pending.append(Let(names[part].name, changed, span=part.span))
                return names[part]
            return changed

        for statement in statements:
            if isinstance(statement, Let) and statement.value not in names and _is_costly(statement.value):
                value = rebuild(statement.value, change)
                names[statement.value] = Local(value.type, statement.name, span=statement.value.span)
                changed: Statement = Let(statement.name, value, span=statement.span)
            elif isinstance(statement, Loop):
                changed = self._loop(statement, change)
            else:
                changed = rebuild(statement, change)
            result += [*pending, changed]
            pending.clear()
        ends = tuple(change(expr) for expr in after)
        return (*result, *pending), tuple(end for end in ends if isinstance(end, Expr))

    def _loop(self, loop: Loop, change: object) -> Loop:
        body, following = self.shared(loop.body, tuple(carry.next for carry in loop.carried))
        carried = tuple(
            dataclasses.replace(carry, initial=change(carry.initial), next=after)  # type: ignore[operator]
            for carry, after in zip(loop.carried, following, strict=True)
        )
        return dataclasses.replace(loop, carried=carried, body=body)

    def _name(self) -> str:
        number = 1
        while f"shared_{number}" in self.taken:
            number += 1
        self.taken.add(f"shared_{number}")
        return f"shared_{number}"


def _is_costly(expr: Expr) -> bool:
    """Not arithmetic on indices, which is free and which draws recognise by its form."""
    on_indices = not expr.type.rows and not expr.type.shape and expr.type.kind == "integer"
    return isinstance(expr, _COSTLY) and not on_indices


def _expressions(statement: Statement) -> Iterator[Expr]:
    """The expressions that a statement evaluates in its own block; a loop's body is a block of its own."""
    if isinstance(statement, Loop):
        yield from (carry.initial for carry in statement.carried)
    else:
        yield from (part for part in children(statement) if isinstance(part, Expr))


def _uses(roots: list[Expr]) -> collections.Counter[Expr]:
    """How many places use each distinct expression, the places inside equal expressions counted once."""
    uses: collections.Counter[Expr] = collections.Counter()
    pending: list[Expr] = list(roots)
    while pending:
        expr = pending.pop()
        uses[expr] += 1
        if uses[expr] == 1:
            pending.extend(part for part in children(expr) if isinstance(part, Expr))
    return uses
