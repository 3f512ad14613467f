"""The function that packs a model's parameters for a kernel, in torch.

It runs once for each new value of the parameters.  Everything that a kernel would otherwise compute again for each row
happens here: functions of parameters alone, transposing, padding, and placing elements where the kernel's state has
them.
"""

from __future__ import annotations

import dataclasses

from gencompiler.emit.code import Attribute, Code, Comprehension, Sequence, Subscript, Text, call, method
from gencompiler.emit.lines import statement
from gencompiler.emit.names import Names
from gencompiler.emit.torch_expressions import Expressions
from gencompiler.emit.torch_values import Scope, Value
from gencompiler.node import walk
from gencompiler.rows.analysis import constant
from gencompiler.rows.layout import Layout, Place
from gencompiler.rows.nodes import Expr, Local, ParameterRead, RowType
from gencompiler.rows.packing import Lead, Packed

_INDEX = RowType(False, (), "integer")


@dataclasses.dataclass
class Layouts:
    """The layouts of one kernel that are not plain, named as constants of its module."""

    prefix: str
    names: dict[Place, str] = dataclasses.field(default_factory=dict)

    def name(self, at: Place) -> str:
        if at not in self.names:
            self.names[at] = f"{self.prefix}_LAYOUT_{len(self.names) + 1}"
        return self.names[at]

    def definitions(self) -> list[str]:
        return [line for at, name in self.names.items() for line in statement(f"{name} = ", _layout(at), 0)]


def print_pack(
    name: str, parameters: dict[str, str], packs: dict[str, Packed], layouts: Layouts, wants: set[str]
) -> list[str]:
    """The lines of `def name(*parameters, device)`, which returns the arrays in order.  `parameters`: arguments by
    path."""
    scope = Scope(Names((*parameters.values(), "device", "dtype")), parameters=dict(parameters), wants=wants)
    values = [_array(packed, Expressions(scope), layouts) for packed in packs.values()]
    lines = statement("", call(f"def {name}", *parameters.values(), "device"), 0, ":")
    lines.append('    """The arrays that the kernel reads, in the order of its arguments."""')
    if "dtype" in scope.wants:
        lines.append("    dtype = torch.float32")
    for length, places in scope.iotas.items():
        lines += statement(f"{places} = ", call("torch.arange", str(length), device="device"), 4)
    return [*lines, *statement("return ", Sequence(tuple(values)), 4)]


def _array(packed: Packed, expressions: Expressions, layouts: Layouts) -> Code:
    axes = [str(at.width) if at.is_plain else layouts.name(at) for at in packed.axes]
    if packed.kind == "permutation":
        sizes = [f"tiles.plain({len(at.layouts[0])}, {at.width})" for at in packed.axes]
        names = [size if at.is_plain else axis for size, at, axis in zip(sizes, packed.axes, axes, strict=True)]
        return call("tiles.permutation", *names, "device")
    if packed.kind in ("mask", "places"):
        return call(f"tiles.{packed.kind}", *axes, "device")
    value = _source(packed, expressions)
    if packed.transposed:
        value = Attribute(value, "mT")
    return call("tiles.place", value, *axes)


def _source(packed: Packed, expressions: Expressions) -> Code:
    """The source for every value of the leading indices, as a tensor with those axes first."""
    expr = packed.source
    if expr is None:
        raise TypeError("a packed parameter without a source")
    if isinstance(expr, ParameterRead):
        value, own = _read(expr, packed, expressions)
    else:
        own = [lead for lead in packed.leading if lead.index in _locals(expr)]
        value = _stacked(expr, own, expressions)
    extra = [lead for lead in packed.leading if lead not in own]
    if extra:  # the same for every layer, but placed differently
        kept = [str(-1)] * (len(own) + len(packed.axes))
        value = method(value, "expand", str(extra[0].count), *kept)
    return value


def _stacked(expr: Expr, loops: list[Lead], expressions: Expressions) -> Code:
    """A compound expression, evaluated for each index: `torch.stack([… for k in range(8)])`."""
    scope, names = expressions.scope, []
    for lead in loops:
        index = lead.index.name if isinstance(lead.index, Local) else "index"
        names.append(scope.names.fresh(index))
        scope.values[index] = Value(Text(names[-1]), _INDEX, host=True)
    value = expressions.code(expr)
    for lead, name in reversed(list(zip(loops, names, strict=True))):
        value = call("torch.stack", Comprehension(value, name, lead.count))
    return value


def _locals(expr: Expr) -> list[Expr]:
    return [part for part in walk(expr) if isinstance(part, Local)]


def _read(expr: ParameterRead, packed: Packed, expressions: Expressions) -> tuple[Code, list[Lead]]:
    """A parameter with its constant indices applied and its indexed axes first."""
    name: Code = Text(expressions.scope.parameters[expr.path])
    items, kept = [], []
    for place in expr.index:
        at = None if place is None else constant(place)
        items.append(":" if at is None else str(at))
        if at is None:
            kept.append(place)
    while items and items[-1] == ":":
        items.pop()
    value = Subscript(name, tuple(items)) if items else name
    own = [lead for lead in packed.leading if any(lead.index == place for place in kept)]
    order = [kept.index(lead.index) for lead in own]
    order += [number for number, place in enumerate(kept) if place is None]
    if order == list(range(len(order))):
        return value, own
    if order == [1, 0]:
        return Attribute(value, "T"), own
    return method(value, "permute", *map(str, order)), own


# -- layouts ---------------------------------------------------------------------------------------------------------


def _layout(at: Place) -> Code:
    """`tiles.layout(width, columns of iteration 0, columns of iteration 1, …)`, a period of them repeated."""
    layouts = list(at.layouts)
    period = next(p for p in range(1, len(layouts) + 1) if _repeats(layouts, p))
    columns = [_columns(layout) for layout in layouts[:period]]
    repeat = {} if period == len(layouts) else {"repeat": str(len(layouts) // period)}
    return call("tiles.layout", str(at.width), *columns, **repeat)


def _repeats(layouts: list[Layout], period: int) -> bool:
    return len(layouts) % period == 0 and layouts == layouts[:period] * (len(layouts) // period)


def _columns(layout: Layout) -> Code:
    """`[*range(32, 64), *range(31, -1, -1)]`: runs of columns; -1 where an element has none."""
    pieces: list[Code] = []
    values = [-1 if column is None else column for column in layout]
    start = 0
    while start < len(values):
        stop, step = _run(values, start)
        if stop - start < 3:
            pieces += [Text(str(value)) for value in values[start:stop]]
        elif step == 0:
            pieces.append(Text(f"*[{values[start]}] * {stop - start}"))
        else:
            first = [str(values[start])] if values[start] or step != 1 else []
            ends = [*first, str(values[stop - 1] + step), *([str(step)] if step != 1 else [])]
            pieces.append(Text(f"*range({', '.join(ends)})"))
        start = stop
    return Sequence(tuple(pieces), "[]")


def _run(values: list[int], start: int) -> tuple[int, int]:
    """The end of the longest arithmetic run from `start`, and its step."""
    if start + 1 == len(values):
        return start + 1, 1
    step = values[start + 1] - values[start]
    stop = start + 2
    while stop < len(values) and values[stop] - values[stop - 1] == step:
        stop += 1
    return (stop, step) if stop - start >= 3 else (start + 1, 1)
