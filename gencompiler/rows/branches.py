"""`if u >= c then a else b` where both sides are computed: each side sees what it would see where it is taken.

A number that a side is not meant for may make it infinite or undefined, and the derivative of what is thrown away is
then not 0 but no number.  So a side that could, sees the input clamped to where it holds.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.model import nodes as model
from gencompiler.node import walk
from gencompiler.rows.nodes import Expr

if TYPE_CHECKING:
    from gencompiler.rows.expressions import Expressions, Scope

#: Functions of all numbers whose values, or those of their derivatives, may be too large for a float.
_GROWING = ("divide", "power", "exp", "expm1", "sinh", "cosh", "tan")


def sides(expressions: Expressions, expr: model.Choose, scope: Scope) -> tuple[Scope, Scope]:
    """The scopes of `then` and `otherwise`."""
    found = _comparison(expr.condition)
    if found is None or found[0].name not in scope.names:
        return scope, scope
    reference, size, bound, upper_first = found
    value = scope.names[reference.name]
    if value.type.kind != "real":
        return scope, scope
    graph, span = expressions.graph, expr.span

    def end(number: Fraction) -> Expr:
        return graph.number(float(number), span)

    if size:
        inside = graph.elementwise("max", value, end(-bound), span=span)
        inner = graph.elementwise("min", inside, end(bound), span=span)
        parts = (value, inner) if upper_first else (inner, value)
    else:
        above = graph.elementwise("max", value, end(bound), span=span)
        below = graph.elementwise("min", value, end(bound), span=span)
        parts = (above, below) if upper_first else (below, above)
    pairs = zip((expr.then, expr.otherwise), parts, strict=True)
    then, otherwise = (scope.bind({reference.name: part}) if _is_delicate(side) else scope for side, part in pairs)
    return then, otherwise


def _comparison(test: model.Expr) -> tuple[model.Reference, bool, Fraction, bool] | None:
    """Of `u >= c` and `abs(u) >= c`: u, whether it is its size that is compared, c, and whether `then` is for what is
    larger."""
    if not isinstance(test, model.Apply) or test.function not in ("less", "less_equal", "greater", "greater_equal"):
        return None
    left, right = test.arguments
    bound, other = (right, left) if isinstance(right, model.Literal) else (left, right)
    if not isinstance(bound, model.Literal) or not isinstance(bound.value, Fraction):
        return None
    upper_first = test.function.startswith("greater") == (bound is right)
    size = isinstance(other, model.Apply) and other.function == "abs"
    inner = other.arguments[0] if isinstance(other, model.Apply) and size else other
    if not isinstance(inner, model.Reference) or (size and bound.value <= 0):
        return None
    return inner, size, bound.value, upper_first


def _is_delicate(side: model.Expr) -> bool:
    """Whether a side may overflow, or be undefined, at inputs that it is not meant for."""
    for part in walk(side):
        if isinstance(part, model.Apply):
            fact = FUNCTIONS[part.function]
            if part.function in _GROWING or (fact.arity == 1 and fact.domain != "(-inf, inf)"):
                return True
        elif isinstance(part, model.Call | model.Bin):
            return True
    return False
