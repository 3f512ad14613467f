"""Causal reductions: `W[:, <i] @ x[<i]` becomes a value carried from dimension to dimension.

The sum over the past of W[:, j] x[j] satisfies a_0 = 0, a_{i+1} = a_i + W[:, i] x[i], so evaluating every
conditional of a
factorization costs O(D H) instead of O(D² H) (Larochelle & Murray 2011, section 2).  It needs a factor that is free
of the index elsewhere; other causal views keep the naive form, a masked product.
"""

from __future__ import annotations

import dataclasses

from gencompiler.derive import algebra
from gencompiler.derive.nodes import Factor, Recurrence
from gencompiler.model import nodes
from gencompiler.node import Node, rebuild, walk


def factor(conditional: nodes.Conditional) -> Factor:
    """The conditional with its causal reductions replaced by carried values."""
    found: list[Recurrence] = []

    def visit(current: Node) -> Node:
        if isinstance(current, nodes.Contract) and (made := _recurrence(current, found, conditional)) is not None:
            return nodes.Reference(current.type, made.name, span=current.span)
        return rebuild(current, visit)

    distribution = visit(conditional.distribution) if conditional.indices else conditional.distribution
    assert isinstance(distribution, nodes.Expr)
    return Factor(conditional, distribution, tuple(found), span=conditional.span)


def _recurrence(contract: nodes.Contract, found: list[Recurrence], conditional: nodes.Conditional) -> Recurrence | None:
    """The recurrence of one contraction over the past, or None when its weights depend on the index."""
    left, right = contract.left, contract.right
    if not isinstance(left, nodes.Element) or not isinstance(right, nodes.Element):
        return None
    before = left.subscripts[-1], right.subscripts[0]
    if not (isinstance(before[0], nodes.Before) and isinstance(before[1], nodes.Before)):
        return None
    index = before[0].index
    others = (*left.subscripts[:-1], *right.subscripts[1:])
    if before[1].index != index or before[0].inclusive or before[1].inclusive:
        return None
    if not grows_by_one(index, conditional):
        return None
    if any(not isinstance(s, nodes.Whole) for s in others) or len(contract.type.shape) > 1:
        return None
    term = algebra.multiply(_at(left, -1, index), _at(right, 0, index), contract.span)
    for known in found:
        if known.term == term:
            return known
    name = "_".join(_base_name(side) for side in (left, right))
    taken = {r.name for r in found}
    while name in taken:
        name += "_"
    found.append(Recurrence(name, contract.type, term, span=contract.span))
    return found[-1]


def grows_by_one(index: nodes.Expr, conditional: nodes.Conditional) -> bool:
    """Whether a view at `index` shows one more place at each iteration of the loop over a conditional's indices."""
    indices = index.indices if isinstance(index, nodes.Scan) else (index,)
    names = [i.name if isinstance(i, nodes.Reference) else "" for i in indices]
    return names == [r.index for r in conditional.indices] and not any(r.start for r in conditional.indices)


def _at(view: nodes.Element, axis: int, index: nodes.Expr) -> nodes.Expr:
    """The newest place of a causal view."""
    subscripts = list(view.subscripts)
    subscripts[axis] = index
    shape = tuple(n for n, s in zip(view.base.type.shape, subscripts, strict=True) if isinstance(s, nodes.Whole))
    return dataclasses.replace(view, subscripts=tuple(subscripts), type=nodes.Type(view.type.support, shape))


def _base_name(view: nodes.Element) -> str:
    base = view.base.base if isinstance(view.base, nodes.Flat) else view.base
    if isinstance(base, nodes.Reference):
        return base.name
    return base.path.rsplit(".", 1)[-1] if isinstance(base, nodes.ParameterReference) else "carried"


def causal_views(expr: nodes.Expr) -> tuple[nodes.Element, ...]:
    """The views of the past that are left in an expression."""
    return tuple(
        n for n in walk(expr) if isinstance(n, nodes.Element) and any(isinstance(s, nodes.Before) for s in n.subscripts)
    )
