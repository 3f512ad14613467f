"""Building Model-IR arithmetic, with the identities that keep derived formulas readable (0 + a, 1 * a, --a)."""

from __future__ import annotations

from fractions import Fraction

from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.model.types import meet


def literal(value: int | Fraction, span: Span) -> nodes.Literal:
    return nodes.Literal(nodes.Type(nodes.REAL), Fraction(value), span=span)


def is_number(expr: nodes.Expr, value: int) -> bool:
    return isinstance(expr, nodes.Literal) and expr.value == value


def apply(function: str, *arguments: nodes.Expr, span: Span) -> nodes.Expr:
    """An elementwise function; the shapes are known to fit."""
    type_ = meet(tuple(a.type for a in arguments), nodes.REAL)
    assert type_ is not None, f"{function} of shapes {[a.type.shape for a in arguments]}"
    return nodes.Apply(type_, function, arguments, span=span)


def add(left: nodes.Expr, right: nodes.Expr, span: Span) -> nodes.Expr:
    """`left + right`; a zero disappears only where that does not lose the shape of the sum."""
    if is_number(left, 0):
        return right
    if is_number(right, 0):
        return left
    if isinstance(right, nodes.Apply) and right.function == "negate":
        return apply("subtract", left, right.arguments[0], span=span)
    return apply("add", left, right, span=span)


def subtract(left: nodes.Expr, right: nodes.Expr, span: Span) -> nodes.Expr:
    if is_number(right, 0):
        return left
    if is_number(left, 0):
        return negate(right, span)
    return apply("subtract", left, right, span=span)


def negate(expr: nodes.Expr, span: Span) -> nodes.Expr:
    if isinstance(expr, nodes.Literal):
        return nodes.Literal(expr.type, -expr.value, span=span)
    if isinstance(expr, nodes.Apply) and expr.function == "negate":
        return expr.arguments[0]
    return apply("negate", expr, span=span)


def multiply(left: nodes.Expr, right: nodes.Expr, span: Span) -> nodes.Expr:
    """`left * right`; products with 0, 1 and -1 and of two numbers are simplified."""
    if is_number(left, 0) or is_number(right, 0):
        return literal(0, span)
    for one, other in ((left, right), (right, left)):
        if is_number(one, 1):
            return other
        if is_number(one, -1):
            return negate(other, span)
    if isinstance(left, nodes.Literal) and isinstance(right, nodes.Literal):
        return nodes.Literal(left.type, left.value * right.value, span=span)
    if isinstance(right, nodes.Literal):
        left, right = right, left
    if isinstance(left, nodes.Literal) and isinstance(right, nodes.Apply) and right.function == "multiply":
        first, second = right.arguments
        if isinstance(first, nodes.Literal):
            return multiply(nodes.Literal(first.type, left.value * first.value, span=span), second, span)
    return apply("multiply", left, right, span=span)


def total(expr: nodes.Expr, span: Span) -> nodes.Expr:
    """The sum over all elements."""
    return expr if expr.type.shape == () else nodes.Reduce(nodes.Type(nodes.REAL), "sum", expr, span=span)


def broadcast(expr: nodes.Expr, shape: tuple[int, ...], span: Span) -> nodes.Expr:
    """A scalar repeated to a vector's shape."""
    for extent in reversed(shape[: len(shape) - len(expr.type.shape)]):
        expr = nodes.Each(nodes.Type(nodes.REAL, (extent, *expr.type.shape)), "_", extent, expr, span=span)
    return expr
