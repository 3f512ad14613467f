"""The search for proofs about draws that are always taken: where they bring a measure, all ways taken together, and
draws by way of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gencompiler.checks import admissibility
from gencompiler.proof import arrival_search
from gencompiler.proof.arrival_rules import always_taken
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.chain_rules import Aided, Kernel, Move
from gencompiler.proof.composite_rules import parts_of
from gencompiler.proof.graph import Term
from gencompiler.proof.kernel import Proof

if TYPE_CHECKING:
    from gencompiler.checks.invariance import Keeping


def by_way(keeping: Keeping, move: Aided, log_target: Term) -> Proof:
    """That draws by way of others are in detailed balance with a measure; raises NotFound."""
    finite = keeping.search.range(log_target)
    return keeping.proved(move, "balanced_by_way", (move, log_target), *_drawn(keeping, move), finite)


def arriving(keeping: Keeping, move: Move, log_target: Term) -> Proof | None:
    """That a move of draws brings to every place what was there."""
    known = laws(keeping, move) if always_taken(move) else None
    return None if known is None else arrival_search.kept(keeping.search, move, log_target, known)


def bringing_more(keeping: Keeping, move: Move, log_target: Term) -> Proof | None:
    """A place that a move of draws brings more to than it holds."""
    known = laws(keeping, move) if always_taken(move) else None
    return None if known is None else arrival_search.brings_more(move, log_target, known)


def laws(keeping: Keeping, move: Move) -> list[Proof] | None:
    """That the laws of a move of draws are admissible, in the order of the draws; None where that is not found."""
    try:
        return _drawn(keeping, move)
    except NotFound:
        return None


def _drawn(keeping: Keeping, move: Move) -> list[Proof]:
    if isinstance(move, Aided):
        aids = [admissibility.attempt(keeping.checking, law) for _, law in move.aids]
        return [*aids, *_drawn(keeping, move.kernel)]
    if isinstance(move, Kernel):
        return [admissibility.attempt(keeping.checking, p.law) for p in move.proposals]
    return [proof for part in parts_of(move) for proof in _drawn(keeping, part)]
