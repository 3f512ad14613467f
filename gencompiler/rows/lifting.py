"""A statement for each value of a program that torch computes by itself, so that what is between can be taken apart.

`y = tanh(A @ relu(x)) + c` with a large product becomes

    operand = relu(x)
    computed = A @ operand
    y = tanh(computed) + c

and so do the values before and after iterations of a loop that holds such a value, and what is stored.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from gencompiler.node import Node, rebuild, walk
from gencompiler.rows.analysis import bound_names, carried_type
from gencompiler.rows.nodes import (
    Dot,
    Elementwise,
    Expr,
    InputRead,
    Let,
    Local,
    Loop,
    Output,
    Program,
    RowType,
    Statement,
    StoreColumn,
    StoreSection,
)

#: Why torch computes a value by itself, or None.
Outside = Callable[[Expr], str | None]


class Lifted:
    """The `body` and `outputs` of a program with such statements.

    `types` of the names that rows have; `shared`: what all rows share, by name: parameters, indices and what is
    computed from them by operations that are not torch's alone."""

    def __init__(self, program: Program, outside: Outside) -> None:
        self.outside = outside
        self.types: dict[str, RowType] = {}
        self.shared: dict[str, Let] = {}
        self._taken = {*bound_names(program.body), *program.scalars, "seed", "step"}
        self._taken |= {each.name for each in program.inputs} | {each.name for each in program.outputs}
        self.body = self._flat(program.body)
        self.outputs = tuple(map(self._output, program.outputs))

    def holds(self, tree: Node) -> bool:
        """Whether torch computes a part of it by itself."""
        return any(isinstance(part, Expr) and self.outside(part) is not None for part in walk(tree))

    def _output(self, output: Output) -> Output:
        if output.value is None:
            return output
        return dataclasses.replace(output, value=self._read(output.value, self.body, output.name))

    def _flat(self, statements: Sequence[Statement]) -> list[Statement]:
        """The statements with a name for each value that torch computes, and for each of its operands."""
        body: list[Statement] = []
        for statement in statements:
            match statement:
                case Let(name, value):
                    self.types[name] = value.type
                    value = self._lifted(value, body, named=True)
                    body.append(dataclasses.replace(statement, value=value))
                    if not value.type.rows and not self.holds(value):
                        self.shared[name] = Let(name, value, span=statement.span)
                case Loop():
                    body.append(self._flat_loop(statement, body))
                case StoreColumn(output=output, value=value) | StoreSection(output=output, value=value):
                    body.append(dataclasses.replace(statement, value=self._read(value, body, output)))
        return body

    def _flat_loop(self, loop: Loop, body: list[Statement]) -> Loop:
        for carry in loop.carried:
            self.types[carry.name] = carried_type(carry)
        if not self.holds(loop):
            return loop
        inside = self._flat(loop.body)
        carried = tuple(
            dataclasses.replace(
                carry,
                initial=self._read(carry.initial, body, f"{carry.name}_start"),
                next=self._read(carry.next, inside, f"{carry.name}_next"),
            )
            for carry in loop.carried
        )
        return dataclasses.replace(loop, carried=carried, body=tuple(inside))

    def _is_apart(self, value: Expr) -> bool:
        """Whether torch computes a value by itself; a product with the bias that torch adds to it in the same call."""
        product = _biased(value)
        return self.outside(value if product is None else product) is not None

    def _lifted(self, value: Expr, body: list[Statement], *, named: bool) -> Expr:
        """`value` with names, bound in `body`, for what torch computes in it; `named`: it has one itself."""
        if not self.holds(value):
            return value
        if not self._is_apart(value):
            return rebuild(value, lambda part: self._changed(part, body))
        product = _biased(value)

        def change(part: Node) -> Node:
            if part is product:
                return rebuild(part, change)
            return self._read(part, body, "operand") if isinstance(part, Expr) else part

        changed = rebuild(value, change)
        return changed if named else self._bound(changed, body, "computed")

    def _changed(self, part: Node, body: list[Statement]) -> Node:
        if isinstance(part, Expr):
            return self._lifted(part, body, named=False)
        return rebuild(part, lambda inner: self._changed(inner, body))

    def _read(self, value: Expr, body: list[Statement], wish: str) -> Expr:
        """`value` by a name, bound in `body`; what all rows share, and whole inputs, as they are."""
        if isinstance(value, Local | InputRead) or not value.type.rows:
            return self._lifted(value, body, named=False)
        return self._bound(self._lifted(value, body, named=True), body, wish)

    def _bound(self, value: Expr, body: list[Statement], wish: str) -> Local:
        name, number = wish, 1
        while name in self._taken:
            number += 1
            name = f"{wish}_{number}"
        self._taken.add(name)
        self.types[name] = value.type
        body.append(Let(name, value, span=value.span))
        return Local(value.type, name, span=value.span)


def _biased(value: Expr) -> Dot | None:
    """The product of `vector @ matrix.T + bias`, which is one call of torch."""
    match value:
        case Elementwise(function="add", arguments=(Dot(transposed=True) as product, bias)) if not bias.type.rows:
            return product if bias.type.shape == product.type.shape else None
    return None
