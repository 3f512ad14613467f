"""Short ways to write row programs; types follow from operands."""

from __future__ import annotations

import math

from gencompiler.diagnostics.span import Span
from gencompiler.rows.nodes import (
    Carry,
    Column,
    Concat,
    Dot,
    Draw,
    Elementwise,
    Expr,
    Input,
    InputRead,
    Let,
    Local,
    Loop,
    Number,
    Output,
    ParameterRead,
    ParameterUse,
    Permute,
    Reduce,
    RowType,
    Select,
    Slice,
    StoreColumn,
)

AT = Span("flow.gen", 0, 0)


def row(*shape: int, kind: str = "real") -> RowType:
    return RowType(True, shape, kind)


def uniform(*shape: int, kind: str = "real") -> RowType:
    return RowType(False, shape, kind)


def number(value: float, kind: str = "real") -> Number:
    return Number(uniform(kind=kind), value, span=AT)


def index(name: str) -> Local:
    return Local(uniform(kind="integer"), name, span=AT)


def local(name: str, kind: RowType) -> Local:
    return Local(kind, name, span=AT)


def let(name: str, value: Expr) -> Let:
    return Let(name, value, span=AT)


def apply(function: str, *arguments: Expr | float) -> Elementwise:
    """A catalogue function; the type is that of its arguments together."""
    given = tuple(number(each) if isinstance(each, int | float) else each for each in arguments)
    shape = max((each.type.shape for each in given), key=len)
    comparison = function in (
        "less",
        "less_equal",
        "greater",
        "greater_equal",
        "equal",
        "not_equal",
        "and",
        "or",
        "not",
    )
    integers = all(each.type.kind == "integer" for each in given) and function in ("add", "subtract", "multiply")
    kind = "boolean" if comparison else "integer" if integers else "real"
    return Elementwise(RowType(any(each.type.rows for each in given), shape, kind), function, given, span=AT)


def add(*terms: Expr | float) -> Expr:
    total, *rest = terms
    for term in rest:
        total = apply("add", total, term)
    assert isinstance(total, Expr)
    return total


def multiply(a: Expr | float, b: Expr | float) -> Elementwise:
    return apply("multiply", a, b)


def subtract(a: Expr | float, b: Expr | float) -> Elementwise:
    return apply("subtract", a, b)


def select(condition: Expr, then: Expr, otherwise: Expr) -> Select:
    parts = (condition, then, otherwise)
    shape = max((each.type.shape for each in parts), key=len)
    return Select(RowType(any(each.type.rows for each in parts), shape), *parts, span=AT)


def total(operand: Expr) -> Reduce:
    return Reduce(RowType(operand.type.rows, ()), "sum", operand, span=AT)


def part(vector: Expr, start: int, stop: int) -> Slice:
    return Slice(RowType(vector.type.rows, (stop - start,), vector.type.kind), vector, start, stop, span=AT)


def join(*parts: Expr) -> Concat:
    length = sum(each.type.shape[0] if each.type.shape else 1 for each in parts)
    return Concat(RowType(any(each.type.rows for each in parts), (length,)), parts, span=AT)


def permute(vector: Expr, order: tuple[int, ...]) -> Permute:
    return Permute(vector.type, vector, order, span=AT)


def reverse(vector: Expr) -> Permute:
    return permute(vector, tuple(reversed(range(vector.type.shape[0]))))


def column(vector: Expr, place: Expr | int) -> Column:
    at = number(place, "integer") if isinstance(place, int) else place
    return Column(RowType(vector.type.rows, (), vector.type.kind), vector, at, span=AT)


def parameter(path: str, places: tuple[Expr | int | None, ...], shape: tuple[int, ...]) -> ParameterRead:
    given = tuple(number(place, "integer") if isinstance(place, int) else place for place in places)
    return ParameterRead(uniform(*shape), path, given, span=AT)


def use(path: str, *shape: int, support: str = "Real") -> ParameterUse:
    return ParameterUse(path, shape, support, span=AT)


def dot(vector: Expr, matrix: Expr, transposed: bool = False) -> Dot:
    size = matrix.type.shape[0 if transposed else 1]
    return Dot(RowType(vector.type.rows, (size,)), vector, matrix, transposed, span=AT)


def carry(name: str, initial: Expr, following: Expr) -> Carry:
    return Carry(name, initial, following, span=AT)


def loop(
    kind: str,
    name: str,
    count: Expr | int,
    carried: tuple[Carry, ...],
    *body: Let | Loop | StoreColumn,
    down: bool = False,
) -> Loop:
    size = number(count, "integer") if isinstance(count, int) else count
    return Loop(kind, name, size, carried, body, down, span=AT)


def draw(kind: str, stream: int, step: Expr, size: int | None = None, dim: Expr | None = None) -> Draw:
    return Draw(row(*(() if size is None else (size,))), kind, stream, step, dim, span=AT)


def read(name: str, kind: RowType) -> InputRead:
    return InputRead(kind, name, span=AT)


def given(name: str, kind: RowType) -> Input:
    return Input(name, kind, span=AT)


def output(name: str, value: Expr | None, kind: RowType | None = None) -> Output:
    assert value is not None or kind is not None
    return Output(name, kind or RowType(True, value.type.shape, value.type.kind), value, span=AT)  # type: ignore[union-attr]


def normal_log_density(x: Expr) -> Expr:
    size = x.type.shape[0]
    return subtract(multiply(-0.5, total(multiply(x, x))), 0.5 * size * math.log(2 * math.pi))
