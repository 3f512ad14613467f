"""Values of Triton while a kernel is printed: what names mean."""

from __future__ import annotations

import dataclasses

from gencompiler.emit.code import Code, Text
from gencompiler.emit.names import Names
from gencompiler.rows.nodes import RowType


@dataclasses.dataclass(frozen=True)
class Value:
    """A printed expression."""

    code: Code
    type: RowType


@dataclasses.dataclass
class Scope:
    """What names mean while one kernel is printed.

    `values` by the program's names; `inputs`: whole inputs by theirs; `input_pointers`, `output_pointers` and `arrays`:
    arguments by name; `shapes` of the packed arrays; `exact`: the arrays that are 0/1 matrices; `lengths` of inputs and
    outputs; `integers`: discrete inputs; `summed`: outputs that hold sums over the rows of a tile; `wants`: device
    functions of `runtime.kernels`; `loops` around what is printed; `read`: the matrices that have been read outside
    loops."""

    names: Names
    values: dict[str, Value] = dataclasses.field(default_factory=dict)
    inputs: dict[str, Value] = dataclasses.field(default_factory=dict)
    input_pointers: dict[str, str] = dataclasses.field(default_factory=dict)
    output_pointers: dict[str, str] = dataclasses.field(default_factory=dict)
    arrays: dict[str, str] = dataclasses.field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)
    exact: set[str] = dataclasses.field(default_factory=set)
    lengths: dict[str, int] = dataclasses.field(default_factory=dict)
    integers: set[str] = dataclasses.field(default_factory=set)
    summed: set[str] = dataclasses.field(default_factory=set)
    wants: set[str] = dataclasses.field(default_factory=set)
    loops: int = 0
    read: set[tuple[str, str]] = dataclasses.field(default_factory=set)

    def bind(self, name: str, kind: RowType) -> str:
        """A fresh local name for the program's `name`."""
        target = self.names.fresh(name)
        self.values[name] = Value(Text(target), kind)
        return target

    def device(self, name: str) -> str:
        """A function of `runtime.kernels`, which the file must import."""
        self.wants.add(name)
        return name
