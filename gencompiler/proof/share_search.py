"""The search for points of a simplex, and for means that are taken with them: nothing here is trusted."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from gencompiler.proof.blocks import NotFound
from gencompiler.proof.graph import Term
from gencompiler.proof.kernel import Proof, Unproved, attempt, prove
from gencompiler.proof.simplex_rules import weighted

if TYPE_CHECKING:
    from gencompiler.proof.search import Search


def on_simplex(search: Search, term: Term) -> Proof:
    """That the elements of a vector are not negative and sum to 1; raises NotFound."""
    for rule in ("simplex_declared", "equal_shares"):
        found = attempt(rule, (term,))
        if found is not None:
            return found
    base = term.arguments[0] if term.operation == "element" else term
    if base.operation == "table":  # a row of a table of constants
        places = [a for a in term.arguments[1:] if a.operation != "whole"]
        return prove("rows_of_table", (term,), *map(search.range, places))
    if term.operation == "apply" and term.data == "divide":
        return prove("shares", (term,), search.range(term.arguments[0]))
    if term.operation == "choose":
        condition, *points = term.arguments
        return prove("chosen_point", (term,), *map(search.simplex, points), search.range(condition))
    if term.operation == "contract":
        return prove("mixed_rows", (term,), search.simplex(term.arguments[0]))
    inner = term.arguments[0] if term.arguments else term
    if not inner.arguments:
        raise NotFound("range", term, f"{term} is not known to sum to 1")
    return prove("normalized", (term,), search.range(inner.arguments[0]))


def mean(search: Search, term: Term) -> Proof | None:
    """The range of a product with a point of a simplex, a mean; None of another product."""
    for weights, values in weighted(term):
        with contextlib.suppress(NotFound, Unproved):
            return prove("mean_by_shares", (term,), search.simplex(weights), search.range(values))
    return None
