"""What kernels have no operation for, by what they have: norms, logsumexp, values that training stops."""

from __future__ import annotations

import math

from gencompiler.node import Node, rebuild
from gencompiler.rows.nodes import Elementwise, Expr, Number, Program, Reduce, RowType, Select


def expand(program: Program) -> Program:
    """`program` for a kernel, which computes no gradients."""
    result = _expanded(program)
    assert isinstance(result, Program)
    return result


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
        boolean = function in ("less", "and")
        return Elementwise(
            RowType(kind.rows, type_.shape, "boolean" if boolean else "real"), function, arguments, span=span
        )

    def number(value: float) -> Expr:
        return Number(RowType(False, ()), value, span=span)

    greatest = Reduce(kind, "max", operand, span=span)
    finite = apply("less", apply("abs", greatest), number(math.inf))
    shift = Select(kind, finite, greatest, number(0.0), span=span)
    total = Reduce(kind, "sum", apply("exp", apply("subtract", operand, shift)), span=span)
    return apply("add", shift, apply("log", total))
