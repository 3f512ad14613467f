"""The search for proofs that a map changes little, by a bound that names its parameters.  Nothing here is trusted."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from gencompiler.proof import sign_search
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.change_rules import drawn, room
from gencompiler.proof.facts import Changes, InRange
from gencompiler.proof.graph import Malformed, Term
from gencompiler.proof.kernel import Proof, Unproved, attempt, prove
from gencompiler.proof.lemma_rules import change

if TYPE_CHECKING:
    from gencompiler.proof.search import Search


def bijection(search: Search, input_: Term, body: Term) -> Proof | None:
    """That `u + g(u)` is a bijection, g a contraction for each value of the parameters; None where that is not seen."""
    with contextlib.suppress(NotFound, Unproved, Malformed):
        bound = changes(search, change(input_, body), input_)
        assert isinstance(bound.conclusion, Changes)
        return prove("small_change", (input_, body), bound, _below(search, bound.conclusion.size))
    return None


def changes(search: Search, term: Term, input_: Term) -> Proof:
    """A bound on how much a term changes with the input; raises NotFound or Unproved."""
    subject = (term, input_)
    if input_ not in term.symbols or term is input_ or term.operation == "select":
        return prove("changes_plainly", subject, search.range(term))
    moved = [a for a in term.arguments if input_ in a.symbols]
    others = [a for a in term.arguments if input_ not in a.symbols]
    if term.operation == "apply" and term.data in ("multiply", "divide") and len(moved) == 1:
        inner = changes(search, moved[0], input_)
        return prove("changes_scaled", subject, inner, search.range(others[0]), search.range(term))
    if term.operation == "apply":
        return prove("changes_applied", subject, *(changes(search, a, input_) for a in term.arguments))
    if term.operation == "contract" and len(moved) == 1:
        with contextlib.suppress(Unproved):
            return prove("changes_drawn_out", subject, changes(search, drawn(term), input_), search.range(term))
        return prove("changes_by_product", subject, changes(search, moved[0], input_), search.range(others[0]))
    raise Unproved(f"nothing is known about how much {term} changes with {input_}")


def _below(search: Search, size: Term) -> Proof:
    """That a bound is below 1; raises NotFound or Unproved."""
    with contextlib.suppress(NotFound):
        found = search.range(size)
        if isinstance(found.conclusion, InRange) and found.conclusion.interval.upper <= 1:
            return found
    for condition in search.given:
        if isinstance(condition.conclusion, InRange):
            known = attempt("below_by_condition", (size,), condition)
            if known is not None:
                return known
    left = room(size)
    signed = sign_search.on_supports(search, left, strict=True)
    return prove("below_in_norms", (size,), signed or search.range(left))
