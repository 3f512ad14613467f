"""Values of rows and values of their particles, each under names of their own.

A back end that runs over the particles of a row in a loop computes what belongs to the row outside of it.  So a value
never has both: what is spread over particles, handed out to them or collected from them is a name, and so is what a
loop carries for each of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import cast

from gencompiler.node import Node, children, rebuild, walk
from gencompiler.rows.analysis import bound_names, local_names, most_particles
from gencompiler.rows.nodes import (
    Carry,
    Collect,
    Distribute,
    Expr,
    InputRead,
    Let,
    Local,
    Loop,
    Output,
    Pool,
    Program,
    Spread,
    Statement,
)


def apart(program: Program) -> Program:
    """`program`, with names wherever rows and particles meet."""
    if most_particles(program) == 1:
        return program
    return _Apart(program).program()


class _Apart:
    def __init__(self, program: Program) -> None:
        self.logical = program
        self.taken = {*bound_names(program.body), *program.scalars, *(each.name for each in program.inputs)}
        self.statements: list[Statement] = []

    def program(self) -> Program:
        body = self.block(self.logical.body)
        self.statements = [*body]
        outputs = tuple(self.output(each) for each in self.logical.outputs)
        return dataclasses.replace(self.logical, body=tuple(self.statements), outputs=outputs)

    def output(self, output: Output) -> Output:
        """An output, of particles by the name of what they have."""
        found = rebuild(output, self.change)
        if output.type.particles == 1 or found.value is None or isinstance(found.value, Local):
            return found
        return dataclasses.replace(found, value=self.named(found.value, output.name))

    def block(self, statements: tuple[Statement, ...], carried: tuple[Carry, ...] = ()) -> list[Statement]:
        """The statements of a block, then what is named for the next values of its loop."""
        outside, self.statements = self.statements, []
        for each in statements:
            self.statements.append(self.loop(each) if isinstance(each, Loop) else rebuild(each, self.change))
        self.nexts = tuple(self.following(each) for each in carried)
        found, self.statements = self.statements, outside
        return found

    def loop(self, loop: Loop) -> Loop:
        initials = [cast(Expr, self.change(carry.initial)) for carry in loop.carried]
        body = self.block(loop.body, loop.carried)
        carried = tuple(
            dataclasses.replace(carry, initial=initial, next=following)
            for carry, initial, following in zip(loop.carried, initials, self.nexts, strict=True)
        )
        return dataclasses.replace(loop, carried=carried, body=tuple(body))

    def following(self, carry: Carry) -> Expr:
        """The next value of a carried one, which is copied when all are known."""
        value = cast(Expr, self.change(carry.next))
        own = isinstance(value, Local) and value.name == carry.name
        return value if value.type.particles == 1 or own else self.named(value, f"next_{carry.name}")

    def change(self, part: Node) -> Node:
        """A part of an expression, what it needs of the other kind named before."""
        found = rebuild(part, self.change)
        match found:
            case Spread(value=operand) | Distribute(vector=operand) if _is_computed(operand):
                return rebuild(found, lambda each: self.named(operand, "shared") if each is operand else each)
            case Collect(value=operand) | Pool(value=operand) if not isinstance(operand, Local):
                return rebuild(found, lambda each: self.named(operand, "each") if each is operand else each)
        return found

    def named(self, value: Expr, wish: str) -> Local:
        name, number = wish, 2
        while name in self.taken:
            name, number = f"{wish}_{number}", number + 1
        self.taken.add(name)
        self.statements.append(Let(name, value, span=value.span))
        return Local(value.type, name, span=value.span)


def _is_computed(value: Expr) -> bool:
    """Whether a value of a row takes more than to read it."""
    return value.type.rows and not isinstance(value, Local | InputRead)


def is_apart(program: Program) -> bool:
    """Whether every value that is spread, handed out or collected is only read."""
    parts = [part for part in walk(program) if isinstance(part, Spread | Distribute | Collect | Pool)]
    operands = [part.vector if isinstance(part, Distribute) else part.value for part in parts]
    return not any(map(_is_computed, operands))


def kept_for_all(program: Program) -> frozenset[str]:
    """The names of what the particles of a row have that is read after the loop over them."""
    outputs = [each for each in program.outputs if each.type.particles == 1]
    return _kept(program.body, read_singly(*outputs))


def _kept(statements: tuple[Statement, ...], after: frozenset[str]) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for each, later in in_groups(statements):
        if isinstance(each, tuple):
            needed = after | read_singly(*later)
            found |= {let.name for let in each if let.name in needed}
        elif isinstance(each, Loop):
            found |= _kept(each.body, local_names(*(carry.next for carry in each.carried)))
    return found


def read_singly(*trees: Node) -> frozenset[str]:
    """The names that are read as they are, and not as the sum over a row's particles."""
    found: set[str] = set()
    for tree in trees:
        if isinstance(tree, Local):
            found.add(tree.name)
        elif not isinstance(tree, Pool):
            found |= read_singly(*children(tree))
    return frozenset(found)


def in_groups(statements: tuple[Statement, ...]) -> Iterator[tuple[Statement | tuple[Let, ...], list[Statement]]]:
    """The statements in an order that keeps values of particles together, such lists of them as one; and beside each
    what comes after it."""
    rest = list(statements)
    while rest:
        first = rest.pop(0)
        if not isinstance(first, Let) or first.value.type.particles == 1:
            yield first, rest
            continue
        group, own = [first], {first.name}
        while rest and isinstance(each := rest[0], Let):
            if each.value.type.particles == first.value.type.particles:
                group.append(each)
                own.add(each.name)
            elif each.value.type.particles > 1 or local_names(each) & own:
                break
            else:
                yield each, [*group, *rest]
            rest.pop(0)
        yield tuple(group), rest
