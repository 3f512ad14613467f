"""The search for proofs about bijections of the state that are always taken."""

from __future__ import annotations

from gencompiler.proof import carried_rules
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.chain_rules import Images, Mapped
from gencompiler.proof.graph import Malformed, Term
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.search import Search


def linear_volume(search: Search, moves: tuple[Term, ...], maps: tuple[Mapped, ...]) -> Proof | None:
    """log|det| of one map that mixes numbers linearly; None of others, and where the determinant may be 0."""
    if len(maps) != 1 or not isinstance(maps[0], Images):
        return None
    try:
        found = carried_rules.mixing(moves, maps[0].images)
        ranges = [search.range(term) for term in dict.fromkeys(found.coefficients())]
        size = search.log_abs(found.determinant())
        return prove("linear_volume", (moves, maps[0].images), size, *ranges)
    except (NotFound, Unproved, Malformed):
        return None
