"""Arrays over several indices as formulas of whole tensors, where they say the same.

`for c, i, j: W[c] @ u[:, i, j]` is `W @ u`, and `for c, i, j: s[c] * u[c, i, j]` is `for c: s[c] * u[c]`: an index that
only comes last, in every subscript that it has, says "and so on along that axis".  What is elementwise, or contracts,
speaks of the axis as a whole then, which is what proofs and programs look at.
"""

from __future__ import annotations

import dataclasses

from gencompiler.model import nodes
from gencompiler.model.types import known_shape
from gencompiler.node import walk


def shortened(expr: nodes.Expr) -> nodes.Expr:
    """A nest of arrays without the indices that say nothing more than the axes themselves, from the inside out."""
    if not isinstance(expr, nodes.Each):
        return expr
    each = dataclasses.replace(expr, body=shortened(expr.body))
    whole = _along(each.body, each.index, each.extent)
    return each if whole is None or known_shape(whole.type) != known_shape(each.type) else whole


def _along(expr: nodes.Expr, index: str, extent: int) -> nodes.Expr | None:
    """`expr` for all values of an index at once, whose axis comes first; None where there is no such formula."""
    match expr:
        case nodes.Element():
            first = _before(expr, index)
            if first is None or any(isinstance(part, nodes.Whole | nodes.Before) for part in first):
                return None
            return _cut(expr, first, extent)
        case nodes.Apply(function=function, arguments=arguments):
            parts = [_along(a, index, extent) if _mentions(a, index) else a for a in arguments]
            found = tuple(part for part in parts if part is not None)
            shape = (extent, *(known_shape(expr.type) or ()))
            if len(found) < len(parts) or any(known_shape(part.type) not in ((), shape) for part in found):
                return None
            return nodes.Apply(nodes.Type(expr.type.support, shape), function, found, span=expr.span)
        case nodes.Contract(left=left, right=right):
            return _contracted(expr, left, right, index, extent)
    return None


def _contracted(
    expr: nodes.Contract, left: nodes.Expr, right: nodes.Expr, index: str, extent: int
) -> nodes.Expr | None:
    """`for i: A[i] @ u` is `A @ u`, and `for j: a @ u[:, j]` is `a @ u` for a vector a."""
    type_ = nodes.Type(expr.type.support, (extent, *(known_shape(expr.type) or ())))
    if not _mentions(right, index):
        whole = _along(left, index, extent)
        return None if whole is None else nodes.Contract(type_, whole, right, span=expr.span)
    if _mentions(left, index) or len(known_shape(left.type) or ()) != 1 or not isinstance(right, nodes.Element):
        return None
    contracted, *between = _before(right, index) or (None,)
    if not isinstance(contracted, nodes.Whole) or any(isinstance(p, nodes.Whole | nodes.Before) for p in between):
        return None
    cut = _cut(right, (contracted, *between), extent)
    return None if cut is None else nodes.Contract(type_, left, cut, span=expr.span)


def _before(expr: nodes.Element, index: str) -> tuple[nodes.Expr, ...] | None:
    """The subscripts before that of the index, which comes last and nowhere else."""
    subscripts = list(expr.subscripts)
    while subscripts and isinstance(subscripts[-1], nodes.Whole):
        subscripts.pop()
    if not subscripts or any(_mentions(part, index) for part in (expr.base, *subscripts[:-1])):
        return None
    last = subscripts.pop()
    return tuple(subscripts) if isinstance(last, nodes.Reference) and last.name == index else None


def _cut(expr: nodes.Element, first: tuple[nodes.Expr, ...], extent: int) -> nodes.Expr | None:
    """The element without a subscript that ran over all of its axis, and those after it."""
    base, shape = expr.base, known_shape(expr.base.type)
    if shape is None or len(expr.subscripts) > len(shape) or shape[len(first)] != extent:
        return None
    if isinstance(base, nodes.Flat):
        return None
    if all(isinstance(part, nodes.Whole) for part in first):
        return base
    kept = [n for n, part in zip(shape, first, strict=False) if isinstance(part, nodes.Whole)]
    type_ = nodes.Type(expr.type.support, (*kept, *shape[len(first) :]))
    rest = tuple(nodes.Whole(nodes.Type(nodes.REAL), span=expr.span) for _ in shape[len(first) :])
    return nodes.Element(type_, base, (*first, *rest), span=expr.span)


def _mentions(expr: nodes.Expr, index: str) -> bool:
    return any(isinstance(n, nodes.Reference) and n.name == index for n in walk(expr))
