"""Vectors as tables: windows into them, masks, convolutions and determinants, in torch."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from gencompiler.emit.code import Attribute, Code, Sequence, Subscript, Text, call, flat, method
from gencompiler.emit.torch_values import Value
from gencompiler.rows.analysis import block_index, constant
from gencompiler.rows.nodes import Convolve, LogAbsDet, Mask, Permute, Reshape, Window, WithWindow

if TYPE_CHECKING:
    from gencompiler.emit.torch_expressions import Expressions


def value(expressions: Expressions, expr: Window | WithWindow | Reshape | Mask | Convolve | LogAbsDet) -> Value:
    """One of the expressions of this file."""
    match expr:
        case Window():
            return window(expressions, expr)
        case WithWindow():
            return with_window(expressions, expr)
        case Reshape():
            return reshape(expressions, expr)
        case Convolve():
            return convolve(expressions, expr)
        case LogAbsDet(entries=entries, size=size):
            table = method(expressions.code(entries), "unflatten", "-1", f"({size}, {size})")
            return Value(Attribute(call("torch.linalg.slogdet", table), "logabsdet"), expr.type)
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
        axes_read = map(str, (*range(ahead), *(ahead + axis for axis in turned)))
        parts = method(call("torch.unflatten", code, "-1", str(sizes)), "permute", *axes_read)
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
    """`torch.slice_scatter(vector, value, -1, start, start + length)`"""
    length = expr.value.type.shape[0]
    vector = expressions.spread(expressions.value(expr.vector), expr.type)
    value = expressions.spread(expressions.value(expr.value), dataclasses.replace(expr.type, shape=(length,)))
    start, at = flat(expressions.code(expr.start)), constant(expr.start)
    stop = f"{start} + {length}" if at is None else str(at + length)
    return Value(call("torch.slice_scatter", vector, value, "-1", start, stop), expr.type)
