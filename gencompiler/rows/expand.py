"""What kernels have no operation for, by what they have: norms, logsumexp, stopped values, names of matrices."""

from __future__ import annotations

import dataclasses
import math
from typing import cast

from gencompiler.node import Node, rebuild
from gencompiler.rows.nodes import (
    Carry,
    Elementwise,
    Expr,
    Let,
    Local,
    Loop,
    Number,
    Output,
    Program,
    Reduce,
    RowType,
    Select,
    Statement,
)


def expand(program: Program) -> Program:
    """`program` for a kernel, which computes no gradients."""
    result = _expanded(_without_named_matrices(program))
    assert isinstance(result, Program)
    return result


def _without_named_matrices(program: Program) -> Program:
    """`program` with each named matrix, which all rows share, written where it is used: kernels read packed arrays."""
    matrices: dict[str, Expr] = {}

    def change(part: Node) -> Node:
        if isinstance(part, Local) and part.name in matrices:
            return matrices[part.name]
        return rebuild(part, change)

    def block(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
        kept: list[Statement] = []
        for statement in statements:
            if isinstance(statement, Let) and not statement.value.type.rows and len(statement.value.type.shape) == 2:
                matrices[statement.name] = cast(Expr, change(statement.value))
            elif isinstance(statement, Loop):
                body = block(statement.body)
                carried = tuple(cast(Carry, change(carry)) for carry in statement.carried)
                kept.append(dataclasses.replace(statement, body=body, carried=carried))
            else:
                kept.append(cast(Statement, change(statement)))
        return tuple(kept)

    body = block(program.body)
    return dataclasses.replace(program, body=body, outputs=tuple(cast(Output, change(o)) for o in program.outputs))


def _expanded(part: Node) -> Node:
    changed = rebuild(part, _expanded)
    match changed:
        case Elementwise(function="stop", arguments=(value,)):
            return value
        case Reduce(operation="logsumexp", operand=operand):
            return _logsumexp(operand, changed.type)
        case Reduce(operation="norm", operand=operand, type=kind):
            square = Elementwise(operand.type, "multiply", (operand, operand), span=part.span)
            total = Reduce(kind, "sum", square, span=part.span)
            return Elementwise(kind, "sqrt", (total,), span=part.span)
    return changed


def _logsumexp(operand: Expr, kind: RowType) -> Expr:
    """m + log(sum(exp(v - m))) with m = max(v); an infinite maximum is the value itself, so m is 0 instead."""
    span = operand.span

    def apply(function: str, *arguments: Expr) -> Expr:
        type_ = max((a.type for a in arguments), key=lambda t: len(t.shape))
        result = "boolean" if function in ("less", "and") else "real"
        return Elementwise(RowType(kind.rows, type_.shape, result, kind.particles), function, arguments, span=span)

    def number(value: float) -> Expr:
        return Number(RowType(False, ()), value, span=span)

    greatest = Reduce(kind, "max", operand, span=span)
    finite = apply("less", apply("abs", greatest), number(math.inf))
    shift = Select(kind, finite, greatest, number(0.0), span=span)
    total = Reduce(kind, "sum", apply("exp", apply("subtract", operand, shift)), span=span)
    return apply("add", shift, apply("log", total))
