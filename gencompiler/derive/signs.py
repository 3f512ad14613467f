"""The sign of an expression, as intervals show it from the supports of what stands in it."""

from __future__ import annotations

import dataclasses

from gencompiler.model import nodes
from gencompiler.node import walk
from gencompiler.proof.boxes import Evaluation
from gencompiler.proof.graph import Malformed, symbol
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.translate import Translation, Untranslated


def sign_of(expr: nodes.Expr) -> int:
    """1 or -1 where an expression has that sign whatever its names stand for, else 0."""
    if isinstance(expr, nodes.Literal):
        return (expr.value > 0) - (expr.value < 0)
    if isinstance(expr, nodes.Apply) and _is_positive(expr):
        return 1
    references = {n.name: n.type for n in walk(expr) if isinstance(n, nodes.Reference)}
    try:
        names = {name: symbol("input", name, type_.support, type_.shape) for name, type_ in references.items()}
        term = dataclasses.replace(Translation(), names=names).term(expr)
        return Evaluation({}, {}).range(term).sign
    except (Unproved, Untranslated, Malformed):
        return 0


def _is_positive(expr: nodes.Expr) -> bool:
    """Whether an expression is an exponential, or a product of powers of some: also of what is no name, a parameter."""
    if not isinstance(expr, nodes.Apply):
        return isinstance(expr, nodes.Literal) and expr.value > 0
    match expr.function:
        case "exp":
            return True
        case "power":
            return _is_positive(expr.arguments[0])
        case "multiply" | "divide":
            return all(map(_is_positive, expr.arguments))
    return False
