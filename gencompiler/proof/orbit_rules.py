"""The rule for walks along an orbit, of which no-U-turn samplers are one kind.

Let F keep volumes and R be an involution with R F R = F⁻¹; a state s has the orbit …, F⁻¹(s), s, F(s), ….  A window of
one state is doubled with a block of as many states behind it or before it, each with probability ½.  A window, and a
block, is *folded* where `reach` of its two ends, in the order of the orbit, is not positive, or where one of its halves
is folded, down to two states.  Doubling ends with a folded window, before a folded block, or after n doublings.

*Which window.*  That a window B of 2^d states comes about from the state at place i of it has probability 2^-d where
no proper dyadic part of B is folded, else 0: the d directions are the binary digits of i, and every window on the way,
and every block that was added, is such a part.  That it then is the last one is a function of B.  So P(B | i) is the
same for all i.

*Which state of it.*  On each doubling, of a window A to A ∪ A', the chain moves to a state of A', drawn in proportion
to its weight, with probability min(1, w(A') / w(A)).  Let i in A and j in A' be in different halves of the smallest
dyadic part that has both; then P(i → j | B) = min(1, w(A') / w(A)) w_j / w(A') c, where c is of the doublings after
that one and the same from j, and w_i P(i → j | B) = w_i w_j min(1 / w(A'), 1 / w(A)) c is symmetric in i and j.

With weights w_j = π(F^j(s)), whose volume element is that of s, the walk is in detailed balance with π.

Hoffman & Gelman, *The No-U-Turn Sampler*, JMLR 2014; Betancourt, *A conceptual introduction to Hamiltonian Monte
Carlo*, 2017, appendix A.3; Durmus, Gruffaz, Kailas, Saksman & Vihola, *On the convergence of dynamic implementations of
Hamiltonian Monte Carlo and No U-Turn Samplers*, 2023.
"""

from __future__ import annotations

from typing import cast

from gencompiler.proof.chain_rules import FIXED, Mapped, Orbit, Reversible, is_of_state, same
from gencompiler.proof.composite_rules import SelfInverse, check_maps, volume_of
from gencompiler.proof.domain import REALS
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Term, support_of
from gencompiler.proof.kernel import Subject, need, rule
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.terms import ZERO


@rule
def along_orbits(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A walk along an orbit is in detailed balance with what its states weigh.  Subject: the walk, log of the measure.

    Premises: R is an involution, F and then R is one, F and R keep volumes, log π is a real number, and `reach` is
    defined for any two states."""
    move, log_target = cast(tuple[Orbit, Term], subject)
    turned, both, volume, turning, finite, defined = premises
    check_maps(move.moves, (*move.maps, *move.turn))
    need(set(move.moves) <= set(move.state), "what walks is not the state")
    need(move.doublings >= 1, "it never doubles")
    _inverse(turned, move.moves, move.turn)
    _inverse(both, move.moves, (*move.maps, *move.turn))
    need(volume_of(volume, move.moves, move.maps) is ZERO, "a map that changes volumes")
    need(volume_of(turning, move.moves, move.turn) is ZERO, "a map that changes volumes")
    need(range_of(finite, log_target).within(REALS), "the target is not known to be positive")
    is_of_state(log_target, move.state)
    need(same(move.log_weight, log_target), "its states are not weighed by the target")
    _two_states(move)
    need(range_of(defined, move.reach).within(REALS), "how far two states are apart may be undefined")
    return Reversible(move, log_target)


def _inverse(found: Fact, moves: tuple[Term, ...], maps: tuple[Mapped, ...]) -> None:
    own = isinstance(found, SelfInverse) and found.moves == moves and found.maps == maps
    need(own, "nothing turns the map round")


def _two_states(move: Orbit) -> None:
    """`reach` is a function of two states, and of nothing that walks; raises Unproved."""
    need(len(move.ends) == 2 * len(move.moves) == len(set(move.ends)), "no two states")
    for end, own in zip(move.ends, (*move.moves, *move.moves), strict=True):
        alike = end.operation == "symbol" and end.data[0] == "draw" and end.shape == own.shape
        need(alike and support_of(end) == support_of(own), "{} is no value of {}", end, own)
    others = {s for s in move.reach.symbols if s not in move.ends}
    need(not others & set(move.moves) and all(s.data[0] in FIXED for s in others), "it depends on where the chain is")
