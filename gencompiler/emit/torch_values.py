"""Values of torch while a function is printed: what names mean, and the axes that broadcasting needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from gencompiler.emit.code import Attribute, Code, Level, Subscript, Text, call, infix, method
from gencompiler.emit.names import Names
from gencompiler.emit.signature import Signature
from gencompiler.rows.nodes import Draw, Expr, RowType


@dataclasses.dataclass(frozen=True)
class Value:
    """A printed expression: `host` is a Python number; `chunked` has the axis `chunk`."""

    code: Code
    type: RowType
    host: bool = False
    chunked: bool = False


@dataclasses.dataclass
class Scope:
    """What names mean while one function is printed.

    `values` by the program's names; `inputs` by theirs; `parameters`: local names by path; `stored`: local names of
    preallocated outputs, of which `summed` hold sums over the rows; `modules`: those of the user's networks by name;
    `draws`: streams that are computed ahead, by number; `iotas`: local names of index vectors by length; `particles`:
    those of the numbers of particles, by how many a row has; `windows`: windows into uniform values that a loop takes
    at each of its iterations, by the names of their lists, and `starts`, by their code, the names of the lists of
    places where they start; `own`: carried vectors that may be filled in place
    (`rows.in_place`); `chunk`: the loop index that is a slice; `wants`: what
    the function's first lines must define; `rows_of`: what `len` counts; `single_reads`: inputs that are read once,
    to begin a carried value, with that value's name; `pieces`: the functions that a driver runs, by number."""

    names: Names
    values: dict[str, Value] = dataclasses.field(default_factory=dict)
    inputs: dict[str, Value] = dataclasses.field(default_factory=dict)
    parameters: dict[str, str] = dataclasses.field(default_factory=dict)
    stored: dict[str, str] = dataclasses.field(default_factory=dict)
    summed: set[str] = dataclasses.field(default_factory=set)
    modules: dict[str, str] = dataclasses.field(default_factory=dict)
    draws: dict[int, tuple[str, Draw]] = dataclasses.field(default_factory=dict)
    iotas: dict[int, str] = dataclasses.field(default_factory=dict)
    particles: dict[int, str] = dataclasses.field(default_factory=dict)
    windows: dict[tuple[Expr, bool], Code] = dataclasses.field(default_factory=dict)
    starts: dict[str, tuple[str, Code]] = dataclasses.field(default_factory=dict)
    own: frozenset[str] = frozenset()
    wants: set[str] = dataclasses.field(default_factory=set)
    chunk: str | None = None
    rows_of: str = ""
    single_reads: dict[str, str] = dataclasses.field(default_factory=dict)
    pieces: Mapping[int, tuple[str, Signature]] = dataclasses.field(default_factory=dict)

    def bind(self, name: str, kind: RowType, *, host: bool = False, chunked: bool = False) -> str:
        """A fresh local name for the program's `name`."""
        target = self.names.fresh(name)
        self.values[name] = Value(Text(target), kind, host, chunked)
        return target

    def want(self, name: str) -> Text:
        self.wants.add(name)
        return Text(name)

    def count(self, particles: int = 1) -> Code:
        """The number of rows, times that of a row's particles."""
        rows = call("len", self.rows_of)
        return rows if particles == 1 else infix("*", Level.PRODUCT, rows, Text(str(particles)))


def indexed(code: Code, items: list[str]) -> Code:
    """`code[items]`, merged into a subscript that `code` already ends with: `V[i][:, None]` is `V[i, None]`."""
    if not isinstance(code, Subscript) or any(item == "..." for item in (*code.items, *items)):
        return Subscript(code, tuple(items))
    old, merged = list(code.items), []
    for item in items:
        while item == ":" and old and _removes_axis(old[0]):
            merged.append(old.pop(0))
        merged.append(old.pop(0) if item == ":" and old else item)
    return Subscript(code.base, tuple(merged + old))


def _removes_axis(item: str) -> bool:
    return item.isdigit()


def transposed(code: Code) -> Code:
    """`code.T`, or `y` for `y.T`."""
    return code.base if isinstance(code, Attribute) and code.name == "T" else Attribute(code, "T")


def aligned(value: Value, chunked: bool, rows: bool, dims: int) -> Code:
    """`value` indexed with None at each axis that it lacks among (chunk, rows, dims), so that it broadcasts."""
    if value.host:
        return value.code
    present = [value.chunked] * chunked + [value.type.rows] * rows
    present += [False] * (dims - len(value.type.shape)) + [True] * len(value.type.shape)
    items = [":" if axis else "None" for axis in present]
    while items and items[0] == "None":
        items.pop(0)
    while items and items[-1] == ":":
        items.pop()
    if not items:
        return value.code
    if items.count("None") == 1 and len(items) > 2:
        return indexed(value.code, ["...", "None"])
    return indexed(value.code, items)


def reals(codes: list[Code], values: list[Value], dtype: Code) -> list[Code]:
    """Tensors of integers, beside none of reals, in the model's dtype: beside a number of Python's they would take that
    of torch by default."""
    return [code if value.host else method(code, "to", dtype) for code, value in zip(codes, values, strict=True)]


def for_each_row(kind: RowType, whole: RowType) -> RowType:
    """The type of a part, where it differs between rows as the whole does."""
    return dataclasses.replace(kind, rows=whole.rows, particles=whole.particles)
