"""Vectors as tables: windows into them, masks, convolutions and determinants, in torch."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from gencompiler.catalog.causal import Degrees
from gencompiler.emit.code import Attribute, Code, Comprehension, Sequence, Subscript, Text, call, flat, method
from gencompiler.emit.torch_values import Value, aligned, for_each_row, indexed
from gencompiler.node import Node, rebuild, walk
from gencompiler.rows.analysis import block_index, bound_names, constant, local_names
from gencompiler.rows.nodes import (
    Argsort,
    Concat,
    Convolve,
    Dot,
    Expr,
    Let,
    LinearSolution,
    Local,
    LogAbsDet,
    Loop,
    Mask,
    ParameterRead,
    Permute,
    Reshape,
    RowType,
    Window,
    WithColumn,
    WithWindow,
)

if TYPE_CHECKING:
    from gencompiler.emit.torch_expressions import Expressions

_INDEX = RowType(False, (), "integer")

#: Iterations from which on lists of windows pay.
_MANY = 8

#: The expressions of this file.
Table = Window | WithWindow | WithColumn | Reshape | Mask | Convolve | LogAbsDet | LinearSolution


def value(expressions: Expressions, expr: Table) -> Value:
    """One of the expressions of this file."""
    match expr:
        case Window():
            return window(expressions, expr)
        case WithWindow():
            return with_window(expressions, expr)
        case WithColumn():
            return with_column(expressions, expr)
        case Reshape():
            return reshape(expressions, expr)
        case Convolve():
            return convolve(expressions, expr)
        case LogAbsDet(entries=entries, size=size):
            table = method(expressions.code(entries), "unflatten", "-1", f"({size}, {size})")
            return Value(Attribute(call("torch.linalg.slogdet", table), "logabsdet"), expr.type)
        case LinearSolution(entries=entries, right=right):
            return Value(call("solving.linear", expressions.code(entries), expressions.code(right)), expr.type)
    return mask(expressions, expr)


def convolve(expressions: Expressions, expr: Convolve) -> Value:
    """`convolutions.convolve(value, weight, bias, grid, kernel, pads, dilation)`"""
    bias = expressions.code(expr.bias) if expr.bias is not None else Text("None")
    sizes = (Text(str(each)) for each in (expr.grid, expr.kernel, expr.pads))
    options = {"dilation": str(expr.dilation)} if expr.dilation > 1 else {}
    kind = dataclasses.replace(expr.type, shape=expr.value.type.shape)
    given = expressions.spread(expressions.value(expr.value), kind)
    return Value(
        call("convolutions.convolve", given, expressions.code(expr.weight), bias, *sizes, **options), expr.type
    )


def mask(expressions: Expressions, expr: Mask) -> Value:
    """`causal.mask(rows, columns)`"""
    options = {"dtype": expressions.scope.want("dtype"), "device": expressions.scope.want("device")}
    parts = (Text(repr(tuple(map(dataclasses.astuple, each)))) for each in (expr.rows, expr.columns))
    return Value(call("causal.mask", *parts, **options), expr.type)


def window(expressions: Expressions, expr: Window) -> Value:
    """`value[:, start : start + length]`; in chunks, where the windows are blocks side by side, all at once."""
    if (code := expressions.scope.windows.get((expr, False))) is not None:
        return Value(code, expr.type)
    value = expressions.value(expr.value)
    if (block := block_index(expr)) is not None and (place := expressions.place(block))[1]:
        return _blocks(expr, value, place[0])
    start = flat(expressions.code(expr.start))
    items = f"{start} : {start} + {expr.length}"
    if (at := constant(expr.start)) is not None:
        items = f"{at or ''}:{at + expr.length}"
    if value.type.rows:
        return Value(expressions.last(value, items), expr.type, chunked=value.chunked)
    return Value(Subscript(value.code, (*([":"] * expr.axis), items)), expr.type)


def listed(expressions: Expressions, loop: Loop) -> Iterator[tuple[str, Code]]:
    """The windows into uniform values that each iteration of a loop takes, as lists to be assigned before it.

    A list costs torch two operations; slices, and the transpositions in front of products, cost some in each iteration,
    and where iterations are many and rows are few that is what time goes to."""
    scope, count = expressions.scope, constant(loop.count) or 0
    named = {each.name: each.value for each in loop.body if isinstance(each, Let) and each.value.type == _INDEX}
    inside = set(bound_names((loop,)))
    for part in (part for tree in (*loop.body, *(carry.next for carry in loop.carried)) for part in walk(tree)):
        turned = isinstance(part, Dot) and part.transposed and part.vector.type.rows
        found = part.matrix if isinstance(part, Dot) and turned else part
        if not isinstance(found, Window) or found.axis or found.type.rows or (found, turned) in scope.windows:
            continue
        start = _unnamed(found.start, named)
        if local_names(start) != {loop.index} or local_names(found.value) & inside or count < _MANY:
            continue
        if turned == (len(found.type.shape) == 2):  # a matrix in a product, or a vector
            name = scope.names.fresh(f"{_named(found.value)}_at")
            options = {"transposed": "True"} if turned else {}
            places = call("range", str(count)) if isinstance(start, Local) else _starts(expressions, start, loop, count)
            yield name, call("tiles.windows", expressions.code(found.value), places, str(found.length), **options)
            scope.windows[(found, turned)] = Subscript(Text(name), (flat(scope.values[loop.index].code),))


def _unnamed(start: Expr, named: Mapping[str, Expr]) -> Expr:
    """A place without the names that the loop gave to parts of it."""

    def visit(part: Node) -> Node:
        if isinstance(part, Local) and part.name in named:
            return visit(named[part.name])
        return rebuild(part, visit)

    found = visit(start)
    assert isinstance(found, Expr)
    return found


def _named(value: Expr) -> str:
    if isinstance(value, Local):
        return value.name
    return value.path.rsplit(".", 1)[-1] if isinstance(value, ParameterRead) else "window"


def _starts(expressions: Expressions, start: Expr, loop: Loop, count: int) -> Code:
    """Where windows start, as a list that the function makes once."""
    scope, index = expressions.scope, flat(expressions.scope.values[loop.index].code)
    made = Comprehension(expressions.code(start), index, count)
    if flat(made) not in scope.starts:
        scope.starts[flat(made)] = (scope.names.fresh("starts"), made)
    return Text(scope.starts[flat(made)][0])


def _blocks(expr: Window, value: Value, index: str) -> Value:
    count = str(expr.value.type.shape[expr.axis] // expr.length)
    size: tuple[str, ...] = (count, str(expr.length))
    if value.type.rows or expr.axis:
        size = ("-1", *size)
    elif len(expr.value.type.shape) == 2:
        size = (*size, "-1")
    code = method(value.code, "view", *size)
    if value.type.rows or expr.axis:
        return Value(method(Subscript(code, (":", index)), "movedim", "1", "0"), expr.type, chunked=True)
    return Value(Subscript(code, (index,)), expr.type, chunked=True)


def reshape(expressions: Expressions, expr: Reshape) -> Value:
    """A uniform tensor in other axes, that of a chunk kept in front."""
    value = expressions.value(expr.value)
    sizes = (*(["-1"] if value.chunked else []), *map(str, expr.type.shape))
    return Value(method(value.code, "reshape", *sizes), expr.type, chunked=value.chunked)


def ordered(expressions: Expressions, expr: Permute | Argsort) -> Value:
    """In a known order, or the order that sorts."""
    if isinstance(expr, Permute):
        return permute(expressions, expr)
    value = expressions.value(expr.vector)
    code = method(method(value.code, "argsort", "-1"), "to", expressions.scope.want("dtype"))
    return Value(code, expr.type, chunked=value.chunked)


def permute(expressions: Expressions, expr: Permute) -> Value:
    """A flip, a roll, a transposition where the order is one; else the places by number."""
    value, order, n = expressions.value(expr.vector), expr.order, len(expr.order)
    code: Code = value.code
    if order == tuple(reversed(range(n))):
        code = method(code, "flip", "-1")
    elif order == tuple((place + order[0]) % n for place in range(n)):
        code = method(code, "roll", str(-order[0]), "-1") if order[0] else code
    elif (axes := transposed_axes(order)) is not None:
        code = method(Attribute(call("torch.unflatten", code, "-1", str(axes)), "mT"), "flatten", "-2")
    elif (found := strides(order)) is not None:
        sizes, turned = found
        ahead = int(value.type.rows) + int(value.chunked)
        axes_read = (*range(ahead), *(ahead + axis for axis in turned))
        parts = call("torch.permute", call("torch.unflatten", code, "-1", str(sizes)), str(axes_read))
        code = method(parts, "flatten", str(ahead))
    else:
        code = expressions.last(value, flat(Sequence(tuple(Text(str(place)) for place in order), "[]")))
    return Value(code, expr.type, chunked=value.chunked)


def transposed_axes(order: tuple[int, ...]) -> tuple[int, int] | None:
    """The axes n, m of the matrix, row-major, that an order of its elements transposes."""
    columns = order[1] if len(order) > 1 else 0
    if columns < 2 or len(order) % columns:
        return None
    rows = len(order) // columns
    turned = tuple(row * columns + column for column in range(columns) for row in range(rows))
    return (rows, columns) if order == turned and rows > 1 else None


def strides(order: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The sizes of axes, row-major, and the order in which these are then read; None where an order is none of axes.

    Innermost first, an axis is as long as places follow each other at one distance."""
    found: list[tuple[int, int]] = []  # the distance of neighbours along an axis, and its length
    step = 1
    while step < len(order):
        distance, count = order[step], 1
        while count * step < len(order) and order[count * step] == count * distance:
            count += 1
        if distance < 1 or count < 2 or len(order) % (step * count):
            return None
        found.insert(0, (distance, count))
        step *= count
    places = sorted(range(len(found)), key=lambda axis: -found[axis][0])
    sizes = tuple(found[axis][1] for axis in places)
    read = tuple(places.index(axis) for axis in range(len(found)))
    return (sizes, read) if order == _read(sizes, read) else None


def _read(sizes: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """The places of a row-major tensor, its axes read in another order."""
    jumps = [math.prod(sizes[axis + 1 :]) for axis in range(len(sizes))]
    found = [0]
    for axis in axes:
        found = [place + k * jumps[axis] for place in found for k in range(sizes[axis])]
    return tuple(found)


def with_window(expressions: Expressions, expr: WithWindow) -> Value:
    """`torch.slice_scatter(vector, value, -1, start, end)`, or in place where the vector is the loop's own."""
    length = expr.value.type.shape[0]
    vector = expressions.spread(expressions.value(expr.vector), expr.type)
    value = expressions.spread(expressions.value(expr.value), dataclasses.replace(expr.type, shape=(length,)))
    start, at = flat(expressions.code(expr.start)), constant(expr.start)
    end = f"{start} + {length}" if at is None else str(at + length)
    if _is_own(expressions, expr.vector):
        return Value(call("tiles.filled", vector, value, start, end), expr.type)
    return Value(call("torch.slice_scatter", vector, value, "-1", start, end), expr.type)


def with_column(expressions: Expressions, expr: WithColumn) -> Value:
    """`torch.select_scatter(vector, value, -1, index)`, or in place where the vector is the loop's own."""
    vector = expressions.spread(expressions.value(expr.vector), expr.type)
    value = expressions.spread(expressions.value(expr.value), dataclasses.replace(expr.type, shape=()))
    place, _ = expressions.place(expr.index)
    if _is_own(expressions, expr.vector):
        return Value(call("tiles.filled", vector, value, place), expr.type)
    return Value(call("torch.select_scatter", vector, value, "-1", place), expr.type)


def _is_own(expressions: Expressions, vector: Expr) -> bool:
    return isinstance(vector, Local) and vector.name in expressions.scope.own


def concat(expressions: Expressions, expr: Concat) -> Value:
    """`torch.cat` of vectors and scalars, each repeated for the rows and the places that others have."""
    values = [expressions.value(part) for part in expr.parts]
    if not expr.type.rows and all(value.host for value in values):
        return Value(expressions.made("torch.tensor", Sequence(tuple(v.code for v in values), "[]")), expr.type)
    chunked = any(value.chunked for value in values)
    if chunked and not all(value.chunked and value.type.rows for value in values):
        codes = [_for_each_place(expressions, value, expr.type) for value in values]
        return Value(call("torch.cat", Sequence(tuple(codes)), "-1"), expr.type, chunked=True)
    if (padded := _padded(values)) is not None:
        return Value(padded, expr.type, chunked=chunked)
    codes = [expressions.spread(value, for_each_row(value.type, expr.type)) for value in values]
    if not any(value.type.shape for value in values):
        return Value(call("torch.stack", Sequence(tuple(codes)), "-1"), expr.type, chunked=chunked)
    last = ["..." if chunked else ":", "None"] if expr.type.rows else ["None"]
    parts = (c if v.type.shape else indexed(c, last) for c, v in zip(codes, values, strict=True))
    return Value(call("torch.cat", Sequence(tuple(parts)), "-1"), expr.type, chunked=chunked)


def _padded(values: list[Value]) -> Code | None:
    """One vector of rows between equal numbers, which torch pads; None of other parts."""
    vectors = [place for place, value in enumerate(values) if not value.host]
    numbers = {flat(value.code) for value in values if value.host}
    if len(vectors) != 1 or len(numbers) != 1:
        return None
    (at,), (fill,) = vectors, numbers
    if not values[at].type.shape or not values[at].type.rows or values[at].type.kind == "boolean":
        return None
    sides = Sequence((Text(str(at)), Text(str(len(values) - at - 1))))
    return call("F.pad", values[at].code, sides, **({} if fill in ("0", "0.0") else {"value": fill}))


def is_running_sum(expr: Dot) -> bool:
    """Whether a product is with a triangle of ones."""
    match expr.matrix:
        case Mask(rows=(Degrees(rise=1, run=1) as above,), columns=(below,)):
            return expr.transposed and above == below
    return False


def _for_each_place(expressions: Expressions, value: Value, kind: RowType) -> Code:
    """A part of a concatenation, `[chunk, rows, n]`, repeated for places and rows where it has no such axes."""
    if value.chunked and value.type.rows:
        return value.code if value.type.shape else indexed(value.code, ["...", "None"])
    own = Value(expressions.spread(value, value.type), value.type) if value.host else value
    code = aligned(own, True, True, len(own.type.shape))
    code = code if own.type.shape else indexed(code, ["...", "None"])
    places = call("len", expressions.scope.want(f"{expressions.slice_of_chunk()}_values"))
    return method(code, "expand", places, expressions.scope.count(kind.particles), "-1")
