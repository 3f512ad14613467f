"""Gradients of scalar expressions, symbolically, in reverse mode.

Rules: catalogue derivatives for elementwise functions, and one rule each for the structural nodes.  Equal
subexpressions are one node, so the gradient has the sharing of the value.
"""

from __future__ import annotations

from fractions import Fraction

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.derive import algebra
from gencompiler.derive.substitute import inline
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.model.formula import formula
from gencompiler.node import children

#: Below this many dimensions a gradient is assembled element by element; above, from one-hot vectors.
SMALL = 8


class NoDerivative(Exception):
    """There is no rule for `expr`; the message says what is in the way."""

    def __init__(self, expr: nodes.Expr, reason: str) -> None:
        super().__init__(reason)
        self.expr = expr
        self.reason = reason


def gradient(value: nodes.Expr, variable: nodes.Input, functions: dict[str, nodes.Function]) -> nodes.Expr:
    """d value / d variable, of the variable's shape; raises NoDerivative."""
    value = inline(value, functions)
    order = _topological(value)
    depends = _dependence(order, variable.name)
    adjoints: dict[nodes.Expr, nodes.Expr] = {value: algebra.literal(1, value.span)}
    elements: dict[int, nodes.Expr] = {}
    whole: nodes.Expr = algebra.literal(0, value.span)
    for current in reversed(order):
        adjoint = adjoints.pop(current, None)
        if adjoint is None or not depends[current]:
            continue
        if isinstance(current, nodes.Reference):
            whole = algebra.add(whole, adjoint, current.span)
        elif (place := _element_of(current, variable.name)) is not None:
            previous = elements.get(place, algebra.literal(0, current.span))
            elements[place] = algebra.add(previous, adjoint, current.span)
        else:
            for child, contribution in _pull(current, adjoint, depends):
                fitted = _fit(contribution, child.type.shape, current.span)
                before = adjoints.get(child)
                adjoints[child] = fitted if before is None else algebra.add(before, fitted, current.span)
    return _assembled(whole, elements, variable, value.span)


def _topological(value: nodes.Expr) -> list[nodes.Expr]:
    """Unique subexpressions, children before parents."""
    order: list[nodes.Expr] = []
    seen: set[nodes.Expr] = set()

    def visit(expr: nodes.Expr) -> None:
        if expr in seen:
            return
        seen.add(expr)
        for child in children(expr):
            if isinstance(child, nodes.Expr):
                visit(child)
        order.append(expr)

    visit(value)
    return order


def _dependence(order: list[nodes.Expr], name: str) -> dict[nodes.Expr, bool]:
    found: dict[nodes.Expr, bool] = {}
    for expr in order:
        direct = isinstance(expr, nodes.Reference) and expr.name == name
        found[expr] = direct or any(found[c] for c in children(expr) if isinstance(c, nodes.Expr))
    return found


def _element_of(expr: nodes.Expr, name: str) -> int | None:
    """The place, for `x[3]` of the variable itself."""
    if not (isinstance(expr, nodes.Element) and isinstance(expr.base, nodes.Reference) and expr.base.name == name):
        return None
    place = expr.subscripts[0]
    if len(expr.subscripts) != 1 or not isinstance(place, nodes.Literal):
        raise NoDerivative(expr, "a gradient through a subscript that is not a constant")
    return int(place.value)


def _pull(
    expr: nodes.Expr, adjoint: nodes.Expr, depends: dict[nodes.Expr, bool]
) -> list[tuple[nodes.Expr, nodes.Expr]]:
    """What `expr` passes on to each of its parts."""
    span = expr.span
    if isinstance(expr, nodes.Apply):
        return _pull_apply(expr, adjoint, depends)
    if isinstance(expr, nodes.Choose):
        zero = algebra.literal(0, span)
        taken = nodes.Choose(expr.type, expr.condition, adjoint, zero, span=span)
        other = nodes.Choose(expr.type, expr.condition, zero, adjoint, span=span)
        return [(b, g) for b, g in ((expr.then, taken), (expr.otherwise, other)) if depends[b]]
    if isinstance(expr, nodes.Reduce):
        return [(expr.operand, _pull_reduce(expr, adjoint))]
    if isinstance(expr, nodes.Contract):
        return _pull_contract(expr, adjoint, depends)
    if isinstance(expr, nodes.Permute):
        order = tuple(sorted(range(len(expr.order)), key=expr.order.__getitem__))
        return [(expr.base, nodes.Permute(expr.type, adjoint, order, span=span))]
    raise NoDerivative(expr, f"there is no derivative rule for this {type(expr).__name__.lower()}")


def _pull_apply(
    expr: nodes.Apply, adjoint: nodes.Expr, depends: dict[nodes.Expr, bool]
) -> list[tuple[nodes.Expr, nodes.Expr]]:
    rules = FUNCTIONS[expr.function].derivatives
    names = dict(zip("ab", expr.arguments, strict=False))
    found = []
    for number, argument in enumerate(expr.arguments):
        if not depends[argument]:
            continue
        if not rules:
            raise NoDerivative(expr, f"`{expr.function}` has no derivative")
        slope = _tidy(formula(rules[number], **names))
        found.append((argument, algebra.multiply(slope, adjoint, expr.span)))
    return found


def _tidy(expr: nodes.Expr) -> nodes.Expr:
    """Rebuild arithmetic through the identities: `2 * x^1` becomes `2 * x`."""
    if not isinstance(expr, nodes.Apply):
        return expr
    arguments = tuple(_tidy(a) for a in expr.arguments)
    if expr.function == "multiply":
        return algebra.multiply(arguments[0], arguments[1], expr.span)
    if expr.function == "negate":
        return algebra.negate(arguments[0], expr.span)
    if expr.function == "power" and algebra.is_number(arguments[1], 1):
        return arguments[0]
    if expr.function == "power" and algebra.is_number(arguments[1], 0):
        return algebra.literal(1, expr.span)
    return nodes.Apply(expr.type, expr.function, arguments, span=expr.span)


def _pull_reduce(expr: nodes.Reduce, adjoint: nodes.Expr) -> nodes.Expr:
    span, operand = expr.span, expr.operand
    if expr.operation == "sum":
        return adjoint
    if expr.operation == "mean":
        size = 1
        for extent in operand.type.shape:
            size *= extent
        return algebra.multiply(algebra.literal(Fraction(1, size), span), adjoint, span)
    if expr.operation == "norm":
        return algebra.multiply(algebra.apply("divide", adjoint, expr, span=span), operand, span)
    raise NoDerivative(expr, f"there is no derivative rule for `{expr.operation}`")


def _pull_contract(
    expr: nodes.Contract, adjoint: nodes.Expr, depends: dict[nodes.Expr, bool]
) -> list[tuple[nodes.Expr, nodes.Expr]]:
    left, right, span = expr.left, expr.right, expr.span
    ranks = len(left.type.shape), len(right.type.shape)
    found: list[tuple[nodes.Expr, nodes.Expr]] = []
    if depends[left]:
        if ranks == (1, 1):
            found.append((left, algebra.multiply(adjoint, right, span)))
        elif ranks == (1, 2):
            found.append((left, nodes.Contract(left.type, right, adjoint, span=span)))
        else:
            raise NoDerivative(expr, "a gradient in a matrix")
    if depends[right]:
        if ranks == (1, 1):
            found.append((right, algebra.multiply(adjoint, left, span)))
        elif ranks == (2, 1):
            found.append((right, nodes.Contract(right.type, adjoint, left, span=span)))
        else:
            raise NoDerivative(expr, "a gradient in a matrix")
    return found


def _fit(contribution: nodes.Expr, shape: tuple[int, ...], span: Span) -> nodes.Expr:
    """A scalar that met a tensor receives the sum; a uniform adjoint of a tensor stays a scalar until it is
    assembled."""
    return algebra.total(contribution, span) if shape == () else contribution


def _assembled(whole: nodes.Expr, elements: dict[int, nodes.Expr], variable: nodes.Input, span: Span) -> nodes.Expr:
    shape = variable.type.shape
    if shape == ():
        return whole
    if elements:
        whole = algebra.add(_from_elements(elements, shape[0], span), whole, span)
    return whole if whole.type.shape == shape else algebra.broadcast(whole, shape, span)


def _from_elements(elements: dict[int, nodes.Expr], size: int, span: Span) -> nodes.Expr:
    vector = nodes.Type(nodes.REAL, (size,))
    zero = algebra.literal(0, span)
    if size <= SMALL:
        return nodes.Join(vector, tuple(elements.get(i, zero) for i in range(size)), span=span)
    index = nodes.Reference(nodes.Type(nodes.Support("Integer", (Fraction(0), Fraction(size)))), "_", span=span)
    body: nodes.Expr = zero
    for place, value in sorted(elements.items()):
        here = algebra.apply("equal", index, algebra.literal(place, span), span=span)
        body = nodes.Choose(nodes.Type(nodes.REAL), here, value, body, span=span)
    return nodes.Each(vector, "_", size, body, span=span)
