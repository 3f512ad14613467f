"""Where an argument of a law is written: its own, or one of a mixture's components."""

from __future__ import annotations

from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.proof.graph import Term
from gencompiler.proof.structure import Admissible, Mixed


def written(goal: Admissible, distribution: nodes.Distribution, term: Term) -> tuple[str, Span]:
    """The family that has `term` among its arguments, and where that is written; the whole law where none has."""
    found = _found(goal, distribution, term)
    return found if found is not None else (goal.family, distribution.span)


def _found(goal: Admissible, expr: nodes.Expr, term: Term) -> tuple[str, Span] | None:
    while isinstance(expr, nodes.Let):
        expr = expr.body
    if not isinstance(expr, nodes.Distribution):
        return None
    for argument, own in zip(goal.arguments, expr.arguments, strict=True):
        if argument is term:
            return goal.family, own.span
    if isinstance(goal, Mixed) and isinstance(expr, nodes.MixtureDistribution):
        return _found(goal.component, expr.component, term)
    return None
