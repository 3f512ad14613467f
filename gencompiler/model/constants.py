"""Constant expressions: header constants, sizes, bounds of supports, options."""

from __future__ import annotations

import math
from fractions import Fraction

from gencompiler.diagnostics.model import Reporter
from gencompiler.model.nodes import Real
from gencompiler.syntax import tree

#: The largest number of digits a constant may have: beyond it a size is a mistake, and exact arithmetic stops being
#: cheap.
LARGEST_EXPONENT = 4096


class NotConstant(Exception):
    """`expr` is not made of numbers and header constants; `reason` says what is in the way."""

    def __init__(self, expr: tree.Expr, reason: str) -> None:
        super().__init__(reason)
        self.expr = expr
        self.reason = reason


def evaluate(expr: tree.Expr, constants: dict[str, Real]) -> Real:
    """The exact value of a constant expression; raises NotConstant."""
    match expr:
        case tree.Number(value=value):
            return value
        case tree.Name(id="inf"):
            return math.inf
        case tree.Name(id=name):
            if name in constants:
                return constants[name]
            raise NotConstant(expr, f"`{name}` is not a constant")
        case tree.Unary(operator="-", operand=operand):
            return -evaluate(operand, constants)
        case tree.Binary(operator=operator, left=left, right=right):
            return _operate(expr, operator, evaluate(left, constants), evaluate(right, constants))
    raise NotConstant(expr, "this is not a constant expression")


def _operate(expr: tree.Binary, operator: str, left: Real, right: Real) -> Real:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    if operator in ("/", "%"):
        if right == 0:
            raise NotConstant(expr.right, "this divides by zero")
        return left / right if operator == "/" else left % right
    if operator == "^":
        return _power(expr, left, right)
    raise NotConstant(expr, f"`{operator}` is not constant arithmetic")


def _power(expr: tree.Binary, base: Real, exponent: Real) -> Real:
    if not isinstance(exponent, Fraction) or not isinstance(base, Fraction) or exponent.denominator != 1:
        raise NotConstant(expr, "a constant power needs a whole exponent")
    if abs(exponent) > LARGEST_EXPONENT or (base == 0 and exponent < 0):
        raise NotConstant(expr, "this power is out of range")
    return Fraction(base ** int(exponent))


def size(expr: tree.Expr, constants: dict[str, Real], reporter: Reporter) -> int | None:
    """A positive whole number, or None after a report."""
    value = constant(expr, constants, reporter)
    if value is None:
        return None
    if not isinstance(value, Fraction) or value.denominator != 1 or value < 1:
        reporter.add("G206", f"a size must be a positive whole number, not {value}", expr.span, f"this is {value}")
        return None
    if value > 2**31:
        reporter.add("G902", f"a size of {value} is beyond what the compiler accepts", expr.span, "larger than 2^31")
        return None
    return int(value)


def constant(expr: tree.Expr, constants: dict[str, Real], reporter: Reporter) -> Real | None:
    """The value of a constant expression, or None after a report."""
    try:
        return evaluate(expr, constants)
    except NotConstant as problem:
        reporter.add(
            "G206",
            f"a constant is needed here, and {problem.reason}",
            problem.expr.span,
            "not known at compile time",
            help=("use numbers and the names of the model's header, e.g. `model M(D = 64)`",),
        )
        return None
