"""Reductions over all elements of a tensor, and `softmax`, which needs one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gencompiler.model import nodes
from gencompiler.model.builder import Context
from gencompiler.model.types import known_shape
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer

REDUCED = ("sum", "prod", "mean", "norm", "min", "max", "logsumexp", "logmeanexp")


def reduce(infer: Infer, context: Context, expr: tree.Call, name: str, operand: nodes.Expr) -> nodes.Expr:
    """`sum(x)` and the like.  An objective is written for variables of any shape: there a scalar is its own sum."""
    if known_shape(operand.type) != ():
        return nodes.Reduce(nodes.Type(nodes.REAL), name, operand, span=expr.span)
    if context.frame is None:
        infer.builder.report("G201", f"`{name}` reduces a tensor, and this is a scalar", operand.span, "a scalar")
    return infer.apply("abs", (operand,), expr.span) if name == "norm" else operand


def softmax(infer: Infer, expr: tree.Call, operand: nodes.Expr) -> nodes.Expr:
    """exp(f - log sum exp f), which does not overflow."""
    if known_shape(operand.type) == ():
        infer.builder.report("G201", "`softmax` takes a tensor, and this is a scalar", operand.span, "a scalar")
    span = expr.span
    name = infer.builder.fresh("_logits")
    logits = nodes.Reference(operand.type, name, span=span)
    total = nodes.Reduce(nodes.Type(nodes.REAL), "logsumexp", logits, span=span)
    body = infer.apply("exp", (infer.apply("subtract", (logits, total), span),), span)
    return nodes.Let(body.type, (nodes.Binding(name, operand, span=span),), body, span=span)
