"""The rule for transitions whose work the next one does anew: what they do makes no difference, as long as it is done.

A transition that has no value somewhere, or leaves the values of what it moves, is no transition there, whatever comes
after it: that it can be taken from everywhere is asked for piece by piece."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import cast

from gencompiler.model.nodes import Support
from gencompiler.proof.chain_rules import (
    PROBABILITIES,
    Blend,
    Deterministic,
    Images,
    Kernel,
    Mapped,
    Move,
    Repeated,
    Sequence,
    Stationary,
    alike,
    same,
)
from gencompiler.proof.composite_rules import moved, parts_of, total_weight
from gencompiler.proof.domain import REALS
from gencompiler.proof.facts import Fact, InRange, Member
from gencompiler.proof.graph import Term, support_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.terms import ONE

FROM_ZERO = Support("NonNegative")


@rule
def forgotten(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A transition that changes only what the next one draws anew, without reading it, makes no difference.

    Subject: the transition, its place among the parts.  Premises: what they keep without it; then what says that it can
    be taken from everywhere."""
    part, place = cast(tuple[Move, int], subject)
    rest, *known = premises
    if not isinstance(rest, Stationary):
        raise Unproved("a part that is not known to keep it")
    parts = rest.kernel.parts if isinstance(rest.kernel, Sequence) else (rest.kernel,)
    need(0 <= place < len(parts), "nothing follows it")
    need(forgets(parts[place], moved(part)), "what follows may depend on it")
    can_be_taken(part, frozenset(known))
    return Stationary(Sequence((*parts[:place], part, *parts[place:])), rest.log_target)


def forgets(move: Move, variables: frozenset[Term]) -> bool:
    """Whether a move draws these variables anew, whatever they were."""
    if not isinstance(move, Kernel) or move.probability is not ONE:
        return False
    whole = all(not p.place and p.noise is None for p in move.proposals)
    read = {s for p in move.proposals for a in p.law.arguments for s in a.symbols}
    return whole and variables <= moved(move) and not read & variables


def can_be_taken(move: Move, known: AbstractSet[Fact]) -> None:
    """Raises Unproved unless it is known of each piece of a move that it leads from every state to one: laws are
    admissible, images are values of what they become, probabilities are such."""
    if isinstance(move, Kernel):
        need(all(p.law in known for p in move.proposals), "a law that is not known to be admissible")
        for proposal in move.proposals:
            own = support_of(proposal.moves)
            drawn = proposal.body is None and alike(own, proposal.law.event)
            need(drawn or Member(cast(Term, proposal.body), own) in known, "a proposal that may be no state")
        _may_be_accepted(move, known)
    elif isinstance(move, Deterministic):
        need(all(Member(i, support_of(m)) in known for m, i in images(move)), "an image that may be no state")
        _may_be_accepted(move, known)
    elif isinstance(move, Sequence | Repeated | Blend):
        if isinstance(move, Blend):
            shares = all(Member(w, FROM_ZERO) in known for w in move.weights)
            need(shares and same(total_weight(move.weights), ONE), "weights that may be no probabilities")
        for part in parts_of(move):
            can_be_taken(part, known)
    else:
        raise Unproved("a transition of which it is not known that it can be taken")


def images(move: Deterministic) -> list[tuple[Term, Term]]:
    """What each variable becomes by each map of a move."""
    found: list[tuple[Term, Term]] = []
    waiting: list[Mapped] = list(move.maps)
    while waiting:
        each = waiting.pop()
        if isinstance(each, Images):
            found += zip(move.moves, each.images, strict=True)
        else:
            waiting += each.maps
    return found


def _may_be_accepted(move: Kernel | Deterministic, known: AbstractSet[Fact]) -> None:
    if move.probability is ONE:
        return
    term, allowed = (move.log_ratio, REALS) if move.probability is None else (move.probability, PROBABILITIES)
    held = any(isinstance(k, InRange) and k.term is term and k.interval.within(allowed) for k in known)
    need(held, "an acceptance that is not known to be defined")
