"""Uniform summands move into what a loop carries: `c + a` with a <- a + term is carried as a whole, from c on.

NADE's hidden units are sigmoid(c + W x); carrying c + W x instead of W x saves a pass over the largest value of the
loop, in each dimension and in its gradient.
"""

from __future__ import annotations

import dataclasses

from gencompiler.node import Node, rebuild, walk
from gencompiler.rows.analysis import bound_names, local_names
from gencompiler.rows.nodes import Broadcast, Carry, Elementwise, Expr, Local, Loop, Number, Program, Statement
from gencompiler.rows.prefix import added_term


def absorb(program: Program) -> Program:
    """`program` with uniform summands in the initial values of the sums that they are added to."""
    outside = tuple(output.value for output in program.outputs if output.value is not None)
    return dataclasses.replace(program, body=_block(program.body, outside))


def _block(statements: tuple[Statement, ...], after: tuple[Expr, ...]) -> tuple[Statement, ...]:
    result: list[Statement] = []
    for number, statement in enumerate(statements):
        if isinstance(statement, Loop):
            later = (*statements[number + 1 :], *after)
            ends = tuple(carry.next for carry in statement.carried)
            loop = dataclasses.replace(statement, body=_block(statement.body, ends))
            for carry in loop.carried:
                loop = _absorbed(loop, carry.name, later)
            result.append(loop)
        else:
            result.append(statement)
    return tuple(result)


def _absorbed(loop: Loop, name: str, later: tuple[Node, ...]) -> Loop:
    """`loop` with the summand of carried `name` in its initial value, if all that reads it adds the same one."""
    carry = next(each for each in loop.carried if each.name == name)
    term = added_term(name, carry.next)
    if term is None or name in local_names(term, *later):
        return loop
    readers: tuple[Node, ...] = (*loop.body, *(each.next for each in loop.carried if each is not carry))
    summand = _common_summand(name, readers)
    inside = {loop.index, *(each.name for each in loop.carried), *bound_names(loop.body)}
    if summand is None or summand.type.rows or local_names(summand) & inside:
        return loop

    def change(part: Node) -> Node:
        if isinstance(part, Elementwise) and _summand(name, part) is not None:
            return Local(part.type, name, span=part.span)
        return rebuild(part, change)

    start = Carry(name, _sum(carry.initial, summand), carry.next, span=carry.span)
    carried = tuple(
        start if each is carry else dataclasses.replace(each, next=change(each.next))  # type: ignore[arg-type]
        for each in loop.carried
    )
    body = tuple(rebuild(statement, change) for statement in loop.body)
    return dataclasses.replace(loop, carried=carried, body=body)


def _common_summand(name: str, readers: tuple[Node, ...]) -> Expr | None:
    """The one expression that is added to `name` wherever it is read."""
    found: set[Expr] = set()
    reads = 0
    for reader in readers:
        for part in walk(reader):
            reads += isinstance(part, Local) and part.name == name
            summand = _summand(name, part)
            if summand is not None:
                found.add(summand)
                reads -= 1
    return found.pop() if reads == 0 and len(found) == 1 else None


def _summand(name: str, part: Node) -> Expr | None:
    term = added_term(name, part) if isinstance(part, Elementwise) else None
    if term is None or not isinstance(part, Elementwise) or name in local_names(term):
        return None
    return term if term.type.shape == part.type.shape else None


def _sum(initial: Expr, summand: Expr) -> Expr:
    zero = initial.operand if isinstance(initial, Broadcast) else initial
    if isinstance(zero, Number) and zero.value == 0.0:
        return summand
    kind = dataclasses.replace(initial.type, rows=initial.type.rows or summand.type.rows)
    return Elementwise(kind, "add", (initial, summand), span=summand.span)
