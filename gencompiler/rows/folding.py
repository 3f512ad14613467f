"""What arithmetic on row values comes to without computing it: numbers, neutral elements, inverses that meet."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.rows import nodes
from gencompiler.rows.nodes import Expr

#: Comparisons, and what each is with its sides exchanged.
MIRRORED = {
    "equal": "equal",
    "not_equal": "not_equal",
    "less": "greater",
    "greater": "less",
    "less_equal": "greater_equal",
    "greater_equal": "less_equal",
}


def folded(function: str, arguments: tuple[Expr, ...]) -> float | None:
    """The value of arithmetic on numbers, where double precision has one."""
    numbers = [a.value for a in arguments if isinstance(a, nodes.Number)]
    if len(numbers) < len(arguments) or function not in _ARITHMETIC:
        return None
    try:
        found = _ARITHMETIC[function](*numbers)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    return found if isinstance(found, float) and math.isfinite(found) else None


def whole(function: str, left: int, right: int) -> int:
    """Arithmetic on whole numbers."""
    return WHOLE[function](left, right)


def moved(function: str, left: Expr, right: Expr) -> tuple[str, Expr, int] | None:
    """(i + 1) - 3 as what is done to i: subtract 2; None of what is no sum of a sum and a whole number."""
    own = signed(left)
    if function not in ("add", "subtract") or not isinstance(right, nodes.Number) or own is None:
        return None
    by = own[1] + int(right.value) * (1 if function == "add" else -1)
    return "add" if by > 0 else "subtract", own[0], abs(by)


def signed(place: Expr) -> tuple[Expr, int] | None:
    """i and a of i + a; None of anything else."""
    if not isinstance(place, nodes.Elementwise) or place.function not in ("add", "subtract"):
        return None
    base, by = place.arguments
    if not isinstance(by, nodes.Number) or by.type.kind != "integer":
        return None
    return base, int(by.value) * (1 if place.function == "add" else -1)


WHOLE: dict[str, Callable[[int, int], int]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "quotient": operator.floordiv,
    "remainder": operator.mod,
    "min": min,
    "max": max,
}

_ARITHMETIC: dict[str, Callable[..., float]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
    "negate": operator.neg,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "log1p": math.log1p,
    "tanh": math.tanh,
}


def negated(expr: Expr) -> Expr | None:
    """a, for -a."""
    return expr.arguments[0] if isinstance(expr, nodes.Elementwise) and expr.function == "negate" else None


def holds(condition: Expr) -> bool:
    """Whether a comparison is of a value with itself."""
    match condition:
        case nodes.Elementwise(function="equal", arguments=(left, right)):
            return left is right
    return False


def identity(function: str, arguments: tuple[Expr, ...]) -> Expr | None:
    """The argument that the function returns unchanged: a + 0, a - 0, a * 1, a / 1, f⁻¹(f(a)), stop(1)."""
    first, last = arguments[0], arguments[-1]
    if function == "stop" and isinstance(first, nodes.Number):
        return first
    neutral = {"add": 0.0, "subtract": 0.0, "multiply": 1.0, "divide": 1.0}.get(function)
    if neutral is not None:
        if isinstance(last, nodes.Number) and last.value == neutral:
            return first
        if function in ("add", "multiply") and isinstance(first, nodes.Number) and first.value == neutral:
            return last
    if len(arguments) == 1 and isinstance(first, nodes.Elementwise) and len(first.arguments) == 1:
        inverse = "-y" if function == "negate" else f"{function}(y)"
        if FUNCTIONS[first.function].inverse == inverse:
            return first.arguments[0]
    return None
