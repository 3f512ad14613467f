"""Substitution below the binders of terms, `for i: e` and recursions, and how they are numbered."""

from __future__ import annotations

from collections.abc import Mapping

from gencompiler.model.nodes import REAL
from gencompiler.proof.graph import (
    Term,
    bound_array,
    bound_index,
    build,
    substituted,
    subterms,
    support_of,
    symbol,
)

BINDERS = ("each", "recur", "fixed_point", "solution")


def replaced(term: Term, values: Mapping[Term, Term]) -> Term:
    """`term` with parts replaced wherever they stand, below binders too: the caller knows that nothing is captured."""
    memo: dict[Term, Term] = dict(values)
    for part in subterms(term):
        if part not in memo:
            fresh = tuple(memo[a] for a in part.arguments)
            memo[part] = part if fresh == part.arguments else build(part.operation, part.data, fresh)
    return memo[term]


def releveled(term: Term, depth: int = 0) -> Term:
    """`term` with each binder numbered by how many are around it, as the translation of a formula numbers them."""
    memo: dict[Term, Term] = {}

    def visit(current: Term) -> Term:
        found = memo.get(current)
        if found is None:
            found = memo[current] = _visited(current)
        return found

    def _visited(current: Term) -> Term:
        if current.operation not in BINDERS:
            fresh = tuple(visit(a) for a in current.arguments)
            return current if fresh == current.arguments else build(current.operation, current.data, fresh)
        old, extent, *more = current.data
        body, *outside = current.arguments
        support = {"each": [], "recur": more, "fixed_point": [REAL], "solution": [REAL]}[current.operation]
        aside = symbol("bound", f"aside {depth}", support_of(bound_index(old, extent)))  # no binder's own name
        names, back = {bound_index(old, extent): aside}, {aside: bound_index(depth, extent)}
        if support:
            array = symbol("bound", f"array aside {depth}", support[0], (extent,))
            names[bound_array(old, extent, *support)] = array
            back[array] = bound_array(depth, extent, *support)
        inner = substituted(releveled(substituted(body, names), depth + 1), back)
        return build(current.operation, (depth, extent, *more), (inner, *map(visit, outside)))

    return visit(term)
