"""What comes before a place in an order: `indicator(o[<i])` and `scatter(x[o[<i]], o[<i], n)`, vectors over all places.

An order is a permutation o: its element o[k] is the k-th place.  `x[o[<i]]` are the elements of x at the first i of
them, so many numbers as there are; scattered to where they belong, with 0 elsewhere, they are a vector that a network
can read, and the indicator tells a known 0 from an unknown number (Uria, Murray & Larochelle, A deep and tractable
density estimator, ICML 2014, section 3).
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog.supports import bounds
from gencompiler.model import nodes, subscripts
from gencompiler.model.builder import Context
from gencompiler.model.constants import size
from gencompiler.model.types import known_shape
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


def indicated(infer: Infer, context: Context, call: tree.Call) -> nodes.Expr | None:
    """`indicator(o[<i])`: 1 at the places that come before; None of any other call."""
    arguments = [a.value for a in call.arguments if a.name is None]
    view_ = view(infer, context, arguments[0]) if len(arguments) == 1 else None
    if view_ is None:
        return None
    order, before = view_
    return nodes.Scatter(nodes.Type(nodes.REAL, order.type.shape), None, order, before, span=call.span)


def scattered(infer: Infer, context: Context, call: tree.Call) -> nodes.Expr:
    """`scatter(x[o[<i]], o[<i], n)`: the elements of x that come before, each at its own place."""
    arguments = [a.value for a in call.arguments if a.name is None]
    first = arguments[0] if len(arguments) == 3 else None
    inner = first.subscripts[0] if isinstance(first, tree.Index) and len(first.subscripts) == 1 else None
    along = view(infer, context, arguments[1]) if len(arguments) == 3 else None
    own = view(infer, context, inner.value) if isinstance(inner, tree.At) else None
    if along is None or along != own:
        text = "`scatter(x[o[<i]], o[<i], n)` takes elements along an order, their places, and how many"
        infer.builder.report("G104", text, call.span, "wrong arguments")
    assert isinstance(first, tree.Index) and arguments[2] is not None
    base, (order, before) = infer.expression(context, first.base), along
    count = size(arguments[2], context.constants, infer.builder.reporter)
    if known_shape(base.type) != order.type.shape or (count,) != order.type.shape:
        message = f"an order of {order.type.shape[0]} places needs a vector of as many"
        infer.builder.report(
            "G201", message, call.span, f"{count} places, and a value of shape {list(base.type.shape)}"
        )
    return nodes.Scatter(nodes.Type(nodes.REAL, order.type.shape), base, order, before, span=call.span)


def view(infer: Infer, context: Context, expr: tree.Expr | None) -> tuple[nodes.Expr, nodes.Before] | None:
    """The order and the view of `o[<i]` or `o[<=i]`, where the bound is an index or a whole number; None of anything
    else."""
    if not isinstance(expr, tree.Index) or len(expr.subscripts) != 1 or not isinstance(expr.base, tree.Name):
        return None
    (subscript,) = expr.subscripts
    if not isinstance(subscript, tree.Relative) or subscript.operator not in ("<", "<="):
        return None
    return _bounded(infer, context, expr.base, subscript)


def still_to_come(infer: Infer, context: Context, expr: tree.Expr | None) -> nodes.Expr | None:
    """What has come where `o[>=d]` has not: `indicator(o[<d])`, 1 at each place before; None of anything else."""
    if not isinstance(expr, tree.Index) or len(expr.subscripts) != 1 or not isinstance(expr.base, tree.Name):
        return None
    (subscript,) = expr.subscripts
    if not isinstance(subscript, tree.Relative) or subscript.operator not in (">=", ">"):
        return None
    before = dataclasses.replace(subscript, operator="<" if subscript.operator == ">=" else "<=")
    found = _bounded(infer, context, expr.base, before)
    if found is None:
        message = f"a sum over `{expr.base.id}[…]` is over places of an order, and `{expr.base.id}` is none"
        type_ = infer.expression(context, expr.base).type
        infer.builder.report("G704", message, expr.span, f"`{expr.base.id}` is {type_}")
    order, come = found
    return nodes.Scatter(nodes.Type(nodes.REAL, order.type.shape), None, order, come, span=expr.span)


def _bounded(
    infer: Infer, context: Context, name: tree.Name, subscript: tree.Relative
) -> tuple[nodes.Expr, nodes.Before] | None:
    """An order and what `<` or `<=` bounds of it; None where the name is no order's."""
    order = infer.expression(context, name)
    if order.type.support.name != "Permutation":
        return None
    if isinstance(subscript.bound, tree.Name) and subscript.bound.id in context.indices:
        return order, subscripts.before(infer, context, subscript, order.type.shape[0])
    bound = infer.expression(context, subscript.bound)
    lower, upper, _, _ = bounds(bound.type.support.name, bound.type.support.arguments)
    inside = lower >= 0 and upper <= order.type.shape[0] and known_shape(bound.type) == ()
    if not inside and not (isinstance(bound, nodes.Literal) and 0 <= bound.value <= Fraction(order.type.shape[0])):
        message = f"this may lie outside an order of {order.type.shape[0]} places"
        infer.builder.report("G204", message, bound.span, f"it is {bound.type}")
    return order, nodes.Before(bound.type, bound, subscript.operator == "<=", span=subscript.span)
