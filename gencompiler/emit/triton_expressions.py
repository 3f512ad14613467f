"""Row expressions in Triton.

A row scalar is a block `[ROWS]`, a row vector `[ROWS, width]`, a uniform vector `[1, width]`; uniform scalars are
numbers.
"""

from __future__ import annotations

import dataclasses

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.emit.code import (
    OPERATORS,
    Code,
    Level,
    Prefix,
    Subscript,
    Text,
    call,
    fill,
    flat,
    infix,
    method,
    number,
)
from gencompiler.emit.triton_values import Scope, Value
from gencompiler.rows.analysis import constant
from gencompiler.rows.folding import MIRRORED
from gencompiler.rows.nodes import (
    Broadcast,
    Column,
    Dot,
    Draw,
    Elementwise,
    Expr,
    InputRead,
    Iota,
    Local,
    Number,
    ParameterRead,
    Reduce,
    RowType,
    Section,
    Select,
)

#: The highest power that is computed by multiplication.
_LONGEST_PRODUCT = 16

#: What kernels may call of `runtime.kernels`: no name of a kernel's own.
DEVICE_FUNCTIONS = frozenset(
    {each.triton.partition("(")[0] for each in FUNCTIONS.values() if "." not in each.triton.partition("(")[0]}
    | {"vector", "matrix", "matrix_again", "dot", "square", "whole_power", "power", "uniform", "normal"}
    | {"product", "largest", "smallest"}
) - {""}

#: Device functions that reduce the last axis.
_REDUCTIONS = {"prod": "product", "max": "largest", "min": "smallest"}


class Expressions:
    """A fold over the expressions of tile programs."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def code(self, expr: Expr) -> Code:
        return self.value(expr).code

    def value(self, expr: Expr) -> Value:
        match expr:
            case Number(type=kind, value=value):
                whole = kind.kind == "integer" and constant(expr) is not None
                return Value(Text(str(int(value))) if whole and value >= 0 else number(value), kind)
            case Local(name=name):
                return self.scope.values[name]
            case InputRead(name=name):
                return self.scope.inputs[name]
            case ParameterRead():
                return self._parameter(expr)
            case Elementwise():
                return self._elementwise(expr)
            case Select():
                parts = (expr.condition, expr.then, expr.otherwise)
                return Value(call("tl.where", *self._together(parts, expr.type)), expr.type)
            case Dot():
                return self._dot(expr)
            case Reduce():
                return self._reduce(expr)
            case Broadcast(operand=operand):
                return Value(self.spread(self.value(operand), expr.type), expr.type)
            case Column():
                return self._column(expr)
            case Section():
                return self._section(expr)
            case Iota(length=length):
                return Value(Subscript(call("tl.arange", "0", str(length)), ("None", ":")), expr.type)
            case Draw():
                return self._draw(expr)
        raise TypeError(f"no expression of a tile program: {expr!r}")

    # -- leaves ------------------------------------------------------------------------------------------------------

    def _parameter(self, expr: ParameterRead) -> Value:
        array, shape = Text(self.scope.arrays[expr.path]), self.scope.shapes[expr.path]
        at = self._offset([place for place in expr.index if place is not None], shape)
        if not expr.type.shape:
            pointer = array if at is None else infix("+", Level.SUM, array, at)
            return Value(call("tl.load", pointer), expr.type)
        at = at or Text("0")
        name = "vector" if len(expr.type.shape) == 1 else self._matrix(flat(array), flat(at))
        return Value(call(self.scope.device(name), array, at, *map(str, expr.type.shape)), expr.type)

    def _matrix(self, array: str, at: str) -> str:
        """How a matrix is read: anew where what runs without loops has read it before."""
        if self.scope.loops:
            return "matrix"
        known = (array, at) in self.scope.read
        self.scope.read.add((array, at))
        return "matrix_again" if known else "matrix"

    def _offset(self, leading: list[Expr], shape: tuple[int, ...]) -> Code | None:
        """The leading indices as one number: `(k * D + i) * …`."""
        at: Code | None = None
        for place, size in zip(leading, shape, strict=False):
            index = self.code(place)
            at = index if at is None else infix("+", Level.SUM, infix("*", Level.PRODUCT, at, Text(str(size))), index)
        return at

    def _column(self, expr: Column) -> Value:
        """One element of an input, read from memory."""
        if not isinstance(expr.vector, InputRead):
            raise TypeError("a kernel reads columns of inputs only")
        name = expr.vector.name
        pointer = self.element(self.scope.input_pointers[name], self.scope.lengths[name], expr.index)
        loaded = call("tl.load", pointer, mask="live", other="0")
        return Value(method(loaded, "to", "tl.float32") if name in self.scope.integers else loaded, expr.type)

    def _section(self, expr: Section) -> Value:
        """Consecutive elements of an input, read from memory into the columns where they are wanted."""
        name, width = expr.input, expr.type.shape[0]
        start = self.element(self.scope.input_pointers[name], self.scope.lengths[name], expr.start, block=True)
        columns, inside = self.columns(expr.places, width, expr.length)
        loaded = call("tl.load", infix("+", Level.SUM, start, columns), mask=self.live(inside), other="0")
        return Value(loaded, expr.type)

    def columns(self, places: Expr | None, width: int, length: int) -> tuple[Code, Code | None]:
        """The element that each column of a tile holds, and which columns hold one, where not all do."""
        if places is not None:
            columns = self.code(places)
            return columns, infix(">=", Level.COMPARISON, columns, Text("0"))
        columns = Subscript(call("tl.arange", "0", str(width)), ("None", ":"))
        return columns, None if width == length else infix("<", Level.COMPARISON, columns, Text(str(length)))

    def live(self, inside: Code | None) -> Code:
        """The mask of a tile: its rows, and of its columns those `inside`."""
        rows = Text("live[:, None]")
        return rows if inside is None else infix("&", Level.BIT_AND, rows, inside)

    def element(self, pointer: str, length: int, index: Expr, *, of: str = "place", block: bool = False) -> Code:
        """`pointer + place * length + index`; `of`: what numbers the stretches of `length`; `block`: with an axis for
        columns."""
        numbers = Text(f"{of}[:, None]" if block else of)
        place = infix("*", Level.PRODUCT, numbers, Text(str(length)))
        start = infix("+", Level.SUM, Text(pointer), place)
        return start if constant(index) == 0 else infix("+", Level.SUM, start, self.code(index))

    def _draw(self, expr: Draw) -> Value:
        row, dim = Text("row"), Text("0") if expr.dim is None else self.code(expr.dim)
        step = self.code(expr.step)
        key = Subscript(row, (":", "None")) if expr.type.shape else row
        return Value(call(self.scope.device(expr.kind), "seed", key, step, dim, str(expr.stream)), expr.type)

    # -- elementwise -------------------------------------------------------------------------------------------------

    def _elementwise(self, expr: Elementwise) -> Value:
        codes = self._together(expr.arguments, expr.type)
        return Value(self._apply(expr, codes), expr.type)

    def _apply(self, expr: Elementwise, codes: list[Code]) -> Code:
        function = expr.function
        if function == "power":
            return self._power(expr, codes)
        if function in OPERATORS:
            if function in MIRRORED and isinstance(expr.arguments[0], Number):
                function, codes = MIRRORED[function], codes[::-1]  # the constant last, as it is read
            return infix(*OPERATORS[function], *codes)
        if function == "negate":
            return Prefix("-", codes[0])
        if function == "not":
            return infix("==", Level.COMPARISON, codes[0], Text("0"))
        template = FUNCTIONS[function].triton
        name = template.partition("(")[0]
        if name and "." not in name:
            self.scope.device(name)
        return fill(template, codes)

    def _power(self, expr: Elementwise, codes: list[Code]) -> Code:
        """Whole powers and roots by multiplication and sqrt; `power` for the rest."""
        exponent = expr.arguments[1].value if isinstance(expr.arguments[1], Number) else None
        if exponent == 2.0:
            return call(self.scope.device("square"), codes[0])
        if exponent == 0.5:
            return call("tl.sqrt", codes[0])
        if exponent is not None and exponent == int(exponent) and 0 <= exponent <= _LONGEST_PRODUCT:
            return call(self.scope.device("whole_power"), codes[0], str(int(exponent)))
        return call(self.scope.device("power"), *codes)

    def _together(self, parts: tuple[Expr, ...], result: RowType) -> list[Code]:
        """The codes of `parts`, row scalars with an axis for columns where they meet a vector."""
        codes = []
        for part in parts:
            bare = part.operand if isinstance(part, Broadcast) else part
            value = self.value(bare)
            column = bool(result.shape) and not value.type.shape and value.type.rows
            codes.append(_column(value.code) if column else value.code)
        return codes

    # -- vectors -----------------------------------------------------------------------------------------------------

    def _dot(self, expr: Dot) -> Value:
        exact = isinstance(expr.matrix, ParameterRead) and expr.matrix.path in self.scope.exact
        vector = self.spread(self.value(expr.vector), dataclasses.replace(expr.vector.type, rows=True))
        precision = '"ieee"' if exact else "PRECISION"
        return Value(call(self.scope.device("dot"), vector, self.code(expr.matrix), precision), expr.type)

    def _reduce(self, expr: Reduce) -> Value:
        operand = self.value(expr.operand)
        if expr.operation == "sum":
            return Value(call("tl.sum", operand.code, "1"), expr.type)
        return Value(call(self.scope.device(_REDUCTIONS[expr.operation]), operand.code), expr.type)

    # -- rows --------------------------------------------------------------------------------------------------------

    def spread(self, value: Value, kind: RowType) -> Code:
        """`value` as a whole block of type `kind`."""
        if value.type.rows == kind.rows and value.type.shape == kind.shape:
            return value.code
        shape = f"(ROWS, {kind.shape[0]})" if kind.shape else "(ROWS,)"
        shape = shape if kind.rows else f"(1, {kind.shape[0]})"
        if not value.type.rows and not value.type.shape and kind.kind != "boolean":
            return call("tl.full", shape, value.code, "tl.float32")
        column = kind.shape and not value.type.shape and value.type.rows
        return call("tl.broadcast_to", _column(value.code) if column else value.code, shape)


def _column(code: Code) -> Code:
    """`x[:, None]`; a minus stays outside, `-x[:, None]`."""
    if isinstance(code, Prefix) and code.operator == "-":
        return Prefix("-", _column(code.operand))
    return Subscript(code, (":", "None"))
