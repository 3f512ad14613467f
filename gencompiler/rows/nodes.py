"""Row programs: what every mechanism becomes.

A program says what happens to ONE row (one example, one chain); every back end runs it for all rows at once.  It is a
list of statements over immutable named values, with loops that carry values from one iteration to the next: over
layers, dimensions, chain steps or time.

A value has a row type: whether it differs between rows, its shape per row (`()` or `(n,)`; a uniform value, the same
for
every row, may also be a matrix) and its kind.  In torch a row value is a tensor `[rows, *shape]` and a uniform value a
tensor `[*shape]`.  A scalar meets a vector elementwise; vectors meet only at equal length.

A row may be many particles: draws of a latent variable, values of a finite one.  A value with `particles = K` is, to
everything but the nodes that mention particles, K rows: in torch `[rows * K, *shape]`, a row's particles side by side.
Values of different `particles` never meet: `Spread` repeats a row's value for its particles, `Collect` makes the
particles' scalars a vector of the row, and `Distribute` undoes it.
"""

from __future__ import annotations

from gencompiler.node import Node, node
from gencompiler.rows.values import *  # noqa: F403  (the one schema of row programs, in two files)
from gencompiler.rows.values import Expr, RowType

# -- statements ------------------------------------------------------------------------------------------------------


@node
class Statement(Node):
    pass


@node
class Let(Statement):
    name: str
    value: Expr


@node
class Carry(Node):
    """A value carried by a loop: its name inside and after the loop, its value before, and its value after an
    iteration."""

    name: str
    initial: Expr
    next: Expr


@node
class Loop(Statement):
    """`for index in 0..count` (or downwards when `reverse`), carrying values.

    `kind` is layers, dimensions, steps or time.  `count` is a constant (Number) or a runtime scalar (Local).  The
    statements of `body` are evaluated first, then all `next`s, which see them and the carried values before.

    `done`, of carried values alone, holds for rows that no further iteration changes: a back end may stop when it holds
    for all of them, and need not."""

    kind: str
    index: str
    count: Expr
    carried: tuple[Carry, ...]
    body: tuple[Statement, ...]
    reverse: bool = False
    done: Expr | None = None


@node
class StoreColumn(Statement):
    """Write the scalar `value` to place `index` of the output `output`; of a uniform output, its sum over the rows."""

    output: str
    index: Expr
    value: Expr


@node
class StoreSection(Statement):
    """Write the vector `value` to the `length` places from `index` on; of a uniform output, its sum over the rows.

    `places` as those of a `Section`."""

    output: str
    index: Expr
    value: Expr
    length: int
    places: Expr | None = None


@node
class Run(Statement):
    """Run piece `number` of a program that was taken apart (`rows.stages`) for these rows, and call what it gives
    `names`, of `types`.

    `arguments` are its inputs and `scalars` its runtime integers, each in its own order; `random`: whether it draws."""

    number: int
    names: tuple[str, ...]
    types: tuple[RowType, ...]
    arguments: tuple[Expr, ...]
    scalars: tuple[Expr, ...]
    random: bool


# -- programs --------------------------------------------------------------------------------------------------------


@node
class Input(Node):
    """A row input `[rows, *shape]`."""

    name: str
    type: RowType


@node
class Output(Node):
    """A row output; `value` is None when it is written by StoreColumn or StoreSection.

    A uniform output (`type.rows` False) is stored, and holds sums over all rows."""

    name: str
    type: RowType
    value: Expr | None


@node
class ParameterUse(Node):
    """A parameter the program reads: its path, storage shape and support name ("Real", "Positive", …)."""

    path: str
    shape: tuple[int, ...]
    support: str = "Real"


@node
class Program(Node):
    """One row program.

    `scalars` are runtime integers common to all rows (a trip count; "seed" and "step" are implied by any Draw).
    `title` says in words what it computes, for generated docstrings.  `once`: it runs before a training and never
    again, so that torch runs it."""

    name: str
    title: str
    inputs: tuple[Input, ...]
    scalars: tuple[str, ...]
    parameters: tuple[ParameterUse, ...]
    body: tuple[Statement, ...]
    outputs: tuple[Output, ...]
    once: bool = False
