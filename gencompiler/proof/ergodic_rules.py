"""Rules for ergodicity: from every state, every set that is not null is reached with positive probability.

A draw from a family that is positive on its whole support, into all of a variable, can bring it anywhere; so can one
element after another.  A chain all of whose variables are drawn so is irreducible and aperiodic, and converges to its
invariant law where it has one (Tierney 1994; Bengio et al. 2014 for corruption followed by reconstruction).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import cast

from gencompiler.catalog.supports import SUPPORTS, bounds
from gencompiler.proof.chain_rules import (
    FIXED,
    Aided,
    Blend,
    Deterministic,
    Kernel,
    Move,
    Proposal,
    Repeated,
    Sequence,
    accepted,
    alike,
    positive_everywhere,
)
from gencompiler.proof.composite_rules import kernels, moved
from gencompiler.proof.domain import POSITIVE, REALS
from gencompiler.proof.facts import Fact, InRange, Member
from gencompiler.proof.graph import Term, support_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.terms import ONE


@dataclasses.dataclass(frozen=True)
class Ergodic(Fact):
    """A power of the move brings the variables `state` from anywhere to any set that is not null."""

    kernel: Move
    state: tuple[Term, ...]


@dataclasses.dataclass(frozen=True)
class NotErgodic(Fact):
    """No power of the move brings the variables from everywhere to every set that is not null."""

    kernel: Move
    state: tuple[Term, ...]


@rule
def full_support(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Every variable is drawn anew from a law that is positive everywhere, and what is drawn may be accepted.

    Subject: the move, the variables.  Premises: the laws are admissible, ratios are defined, weights positive."""
    move, state = cast(tuple[Move, tuple[Term, ...]], subject)
    need(bool(state), "no variables")
    found = _fresh(move, premises)
    missing = [s for s in state if s not in found]
    if missing:
        raise Unproved(f"{missing[0]} is not drawn from a law that is positive everywhere")
    return Ergodic(move, state)


@rule
def unreached(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A variable of several values that never moves, or a continuous one that moves without any draw: it is at
    countably many places.  Subject: the move, the variables."""
    move, state = cast(tuple[Move, tuple[Term, ...]], subject)
    need(bool(state), "no variables")
    if any(s not in moved(move) and _several(s) for s in state):
        return NotErgodic(move, state)
    drawn = any(kernels(move))
    continuous = any(not SUPPORTS[support_of(s).name].discrete and _several(s) for s in state)
    need(continuous and not drawn, "it moves, and by a draw")
    return NotErgodic(move, state)


def _several(variable: Term) -> bool:
    """Whether a variable has more than one value."""
    lower, upper, _, _ = bounds(support_of(variable).name, support_of(variable).arguments)
    return lower < upper and all(variable.shape)


def _fresh(move: Move, premises: tuple[Fact, ...]) -> frozenset[Term]:
    """The variables that a move can bring anywhere, whatever the state; raises Unproved where that cannot be said."""
    match move:
        case Kernel():
            return _drawn(move, premises)
        case Aided(aids=aids, kernel=kernel):
            need(all(law in premises for _, law in aids), "a law that is not known to be admissible")
            return _drawn(kernel, premises)
        case Sequence(parts=parts):
            return frozenset().union(*(_fresh(p, premises) for p in parts))
        case Repeated(index=index, count=count, part=part):
            need(count >= 1, "a repetition of nothing")
            whole = _swept(index, count, part, premises)
            return whole if whole is not None else _fresh(part, premises)
        case Blend(weights=weights, parts=parts):
            for weight in weights:
                known = any(
                    isinstance(p, Member) and p.term is weight and p.support.name == "Positive" for p in premises
                )
                need(known, "a branch that may have no weight")
            return frozenset().union(*(_fresh(p, premises) for p in parts))
        case Deterministic():
            raise Unproved("it moves deterministically")
    raise Unproved("a move of another form")


def _drawn(kernel: Kernel, premises: tuple[Fact, ...]) -> frozenset[Term]:
    """The whole variables that a kernel draws."""
    _positive(kernel, premises)
    return frozenset(p.moves for p in kernel.proposals if not p.place)


def _positive(kernel: Kernel, premises: Iterable[Fact]) -> None:
    """That all draws are from positive laws on the whole support, and are accepted with positive probability."""
    known = list(premises)
    for proposal in kernel.proposals:
        need(proposal.law in known, "a law that is not known to be admissible")
        need(positive_everywhere(proposal.law) or _shares(proposal, known), "a law that may have holes")
        if proposal.noise is None:
            need(alike(proposal.law.event, support_of(proposal.moves)), "a law on another support")
        else:
            raise Unproved("a proposal that is made of noise")
    if kernel.probability is ONE:
        return
    found = accepted(kernel)
    if found is None:
        raise Unproved("a probability of acceptance that may be 0")
    term, is_log = found
    allowed = REALS if is_log else POSITIVE
    need(any(isinstance(p, InRange) and p.term is term and p.interval.within(allowed) for p in known), "a ratio of 0")


def _shares(proposal: Proposal, known: list[Fact]) -> bool:
    """Whether the shares of a law that is given by a vector of them are known to be positive."""
    return any(
        isinstance(p, InRange) and p.term is a and p.interval.within(POSITIVE)
        for p in known
        for a in proposal.law.arguments
    )


def _swept(index: Term | None, count: int, part: Move, premises: tuple[Fact, ...]) -> frozenset[Term] | None:
    """The variable whose elements a repetition draws one after another, all of them; None for other repetitions."""
    if index is None or not isinstance(part, Kernel) or len(part.proposals) != 1:
        return None
    (proposal,) = part.proposals
    if proposal.place != (index,) or proposal.moves.shape != (count,):
        return None
    need(all(s.data[0] in (*FIXED, "draw") for a in proposal.law.arguments for s in a.symbols), "an unknown law")
    _positive(part, premises)
    return frozenset((proposal.moves,))
