"""Windows into vectors and matrices, and masks, in torch."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gencompiler.emit.code import Subscript, Text, call, flat, method
from gencompiler.emit.torch_values import Value
from gencompiler.rows.analysis import constant
from gencompiler.rows.nodes import Elementwise, Local, Mask, Window

if TYPE_CHECKING:
    from gencompiler.emit.torch_expressions import Expressions


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


def block_index(expr: Window) -> Local | None:
    """i where the window is block i of its axis: it starts at i times its length."""
    match expr.start:
        case Local() if expr.length == 1:
            return expr.start
        case Elementwise(function="multiply", arguments=(Local() as index, length)) if constant(length) == expr.length:
            return index
    return None
