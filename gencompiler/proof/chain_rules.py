"""Rules for transition operators: detailed balance of Metropolis-Hastings kernels, and its failure at a pair of
points."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import cast

from gencompiler.catalog.distributions import DISTRIBUTIONS
from gencompiler.catalog.supports import SUPPORTS
from gencompiler.model.nodes import Support
from gencompiler.proof.balancing import log_odds, plain
from gencompiler.proof.domain import REALS, Interval, of_support
from gencompiler.proof.facts import Bijection, Fact, result
from gencompiler.proof.formulas import instance
from gencompiler.proof.graph import Term, apply, element, literal, substitute, support_of
from gencompiler.proof.indexed import Indexed
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.places import replaced_element
from gencompiler.proof.range_rules import has_value, range_of
from gencompiler.proof.ring import Ring
from gencompiler.proof.structure import Admissible
from gencompiler.proof.structure_rules import form_of
from gencompiler.proof.terms import ZERO, minus, plus, total


@dataclasses.dataclass(frozen=True)
class Proposal:
    """A draw: `drawn ~ law`, which becomes the next value of `moves` when accepted, or of its element at `place`.

    With `noise`, `noise ~ law` and `drawn = body`, a bijection of the noise with the rest fixed: `inverse` is the noise
    in terms of `drawn`, `log_slope` is log|d body / d noise| for each element, in terms of the noise."""

    drawn: Term
    moves: Term
    law: Admissible
    place: tuple[Term, ...] = ()
    noise: Term | None = None
    body: Term | None = None
    inverse: Term | None = None
    log_slope: Term | None = None


@dataclasses.dataclass(frozen=True)
class Kernel:
    """Draw all proposals in order, then move to them all with a probability, or stay.  What no proposal moves stays.

    The probability is min(1, exp(log_ratio)), or `probability` where the spec gives its own."""

    state: tuple[Term, ...]
    proposals: tuple[Proposal, ...]
    log_ratio: Term | None
    probability: Term | None


@dataclasses.dataclass(frozen=True)
class Aided:
    """Draw `aids` one after another, numbers that are no state and are gone afterwards, then all that `kernel` draws,
    whose laws may read them."""

    aids: tuple[tuple[Term, Admissible], ...]
    kernel: Kernel


@dataclasses.dataclass(frozen=True)
class Images:
    """A map of the state: the next value of each of its variables."""

    images: tuple[Term, ...]


@dataclasses.dataclass(frozen=True)
class Times:
    """`count` times one map after another."""

    count: int
    maps: tuple[Mapped, ...]


Mapped = Images | Times


@dataclasses.dataclass(frozen=True)
class Deterministic:
    """Apply `maps` to the variables `moves`, call what they become `arrives`, and move there or stay.

    The probability as in Kernel, with log|det| of the whole map in the ratio."""

    state: tuple[Term, ...]
    moves: tuple[Term, ...]
    arrives: tuple[Term, ...]
    maps: tuple[Mapped, ...]
    log_ratio: Term | None
    probability: Term | None


@dataclasses.dataclass(frozen=True)
class Orbit:
    """Walk along the orbit of `maps`, which `turn` turns round: a window of at most 2^doublings states around where the
    chain is, doubled forwards or backwards while `reach` is positive, from which the next state is drawn.

    `reach` is a function of two states, whose variables it calls `ends`, those of the earlier state first; a state
    weighs exp(log_weight)."""

    state: tuple[Term, ...]
    moves: tuple[Term, ...]
    maps: tuple[Mapped, ...]
    turn: tuple[Mapped, ...]
    ends: tuple[Term, ...]
    reach: Term
    doublings: int
    log_weight: Term


@dataclasses.dataclass(frozen=True)
class Sequence:
    """One transition after another."""

    parts: tuple[Move, ...]


@dataclasses.dataclass(frozen=True)
class Repeated:
    """`part` for each value of `index` from 0 to `count`, or `count` times where it has none."""

    index: Term | None
    count: int
    part: Move


@dataclasses.dataclass(frozen=True)
class Blend:
    """One of `parts`, the k-th with probability `weights[k]`, which may depend on where the chain is."""

    state: tuple[Term, ...]
    weights: tuple[Term, ...]
    parts: tuple[Move, ...]


Move = Kernel | Aided | Deterministic | Orbit | Sequence | Repeated | Blend


@dataclasses.dataclass(frozen=True)
class Reversible(Fact):
    """The move is in detailed balance with the measure exp(log_target)."""

    kernel: Move
    log_target: Term


@dataclasses.dataclass(frozen=True)
class Stationary(Fact):
    """The kernel leaves the measure exp(log_target) invariant."""

    kernel: Move
    log_target: Term


@dataclasses.dataclass(frozen=True)
class NotReversible(Fact):
    """Detailed balance with exp(log_target) fails."""

    kernel: Move
    log_target: Term


@dataclasses.dataclass(frozen=True)
class NotStationary(Fact):
    """The kernel does not leave the measure exp(log_target) invariant."""

    kernel: Move
    log_target: Term


def there(kernel: Kernel) -> dict[Term, Term]:
    """The state after a proposal is taken."""
    return {p.moves: replaced_element(p.moves, p.place, p.drawn) if p.place else p.drawn for p in kernel.proposals}


def swap(kernel: Kernel) -> dict[Term, Term]:
    """The exchange of the state and the proposal."""
    back = {p.drawn: element(p.moves, p.place) if p.place else p.moves for p in kernel.proposals}
    return {**there(kernel), **back}


def same(left: Term, right: Term) -> bool:
    """Whether two terms have one normal form: in arithmetic, in index notation, or with small sums written out."""
    return Ring().same(left, right) or Indexed().same(left, right) or Indexed(WRITTEN_OUT).same(left, right)


#: Sums over at most so many places are written out, where nothing else shows that two terms are equal.
WRITTEN_OUT = 8


def log_proposal(kernel: Kernel) -> Term:
    """log q(y | x)"""
    found = ZERO
    for proposal in kernel.proposals:
        law = proposal.law
        event = proposal.drawn if proposal.inverse is None else proposal.inverse
        found = plus(found, log_law(law, event))
        if proposal.noise is not None and proposal.inverse is not None and proposal.log_slope is not None:
            slope = substitute(proposal.log_slope, {proposal.noise: proposal.inverse})
            found = minus(found, total(slope, law.shape))
    return found


def alike(one: Support, other: Support) -> bool:
    """Whether two supports are one set: Category(3) is Integer(0..3)."""
    counted = all(SUPPORTS[s.name].discrete and s.name not in ("Sign", "Permutation") for s in (one, other))
    return one == other or (counted and of_support(one) == of_support(other))


def positive_everywhere(law: Admissible) -> bool:
    """Whether a law is positive on its whole support for all admissible parameters: shares may be 0, logits may not."""
    vectors = form_of(law.family, law.form).vectors
    return DISTRIBUTIONS[law.family].full_support and (not vectors or law.form == "logits")


def log_law(law: Admissible, event: Term) -> Term:
    """log of the density, or the mass, of a law of the catalogue at an event."""
    row = form_of(law.family, law.form)
    names = {name: value for (name, _), value in zip(row.parameters, law.arguments, strict=True)}
    if row.masses is not None:
        return apply("log", element(instance(row.masses, **names), (event,)))
    return total(instance(row.log_density, x=event, **names), law.shape)


def log_ratio(kernel: Kernel, log_target: Term) -> Term:
    """log π(y) + log q(x | y) - log π(x) - log q(y | x)      (Hastings 1970)"""
    exchange = swap(kernel)
    forward = log_proposal(kernel)
    moved = substitute(log_target, there(kernel))
    return minus(plus(moved, substitute(forward, exchange)), plus(log_target, forward))


PROBABILITIES = Interval(0, 1)

#: Symbols that a transition may depend on besides its state: what it does not move stays what it is.
FIXED = ("parameter", "variable", "condition")


def well_formed(kernel: Kernel, log_target: Term, beside: frozenset[Term] = frozenset()) -> None:
    """What moves is state, and moves once, to a draw of its own; raises Unproved.  `beside`: what laws may read too."""
    moved = [p.moves for p in kernel.proposals]
    drawn = [p.drawn for p in kernel.proposals]
    need(bool(moved) and set(moved) <= set(kernel.state), "what moves is not the state")
    need(len(moved) == len(set(moved)), "a state variable moves twice")
    need(len(set(drawn)) == len(drawn) and not set(drawn) & set(moved), "two draws of one name")
    known = set(kernel.state) | beside
    for proposal in kernel.proposals:
        mentioned = {s for a in (*proposal.law.arguments, *proposal.place) for s in a.symbols if s.data[0] not in FIXED}
        need(mentioned <= known, "a proposal depends on something besides the state")
        known.add(proposal.drawn)
        own = element(proposal.moves, proposal.place).shape if proposal.place else proposal.moves.shape
        need(proposal.drawn.shape == own == proposal.law.shape, "a proposal of another shape")
        # A place that is drawn, or is state, is another one on the way back.
        fixed = all(s.data[0] in FIXED and s not in kernel.state for a in proposal.place for s in a.symbols)
        need(fixed, "a place that depends on the state")
        if proposal.noise is not None:
            _check_pushed(kernel, proposal)
            continue
        need(
            support_of(proposal.drawn) == proposal.law.event and alike(support_of(proposal.moves), proposal.law.event),
            "{} is drawn from {}, and {} is in {}",
            proposal.drawn,
            proposal.law.event,
            proposal.moves,
            support_of(proposal.moves),
        )
    is_of_state(log_target, kernel.state)
    accepts(kernel, {*kernel.state, *drawn})


def is_of_state(log_target: Term, state: tuple[Term, ...]) -> None:
    """A measure depends on the state, and on what stays what it is; raises Unproved."""
    free = {s for s in log_target.symbols if s.data[0] not in FIXED}
    need(free <= set(state), "the target depends on something besides the state")


def accepts(kernel: Kernel | Deterministic, known: set[Term]) -> None:
    """What is accepted depends on where the move starts and ends, and on nothing that was drawn on the way: that is
    another number on the way back; raises Unproved."""
    stated = [t for t in (kernel.log_ratio, kernel.probability) if t is not None]
    own = all(s in known or s.data[0] in FIXED for t in stated for s in t.symbols)
    need(own, "the probability of acceptance depends on something besides the two states")


def _check_pushed(kernel: Kernel, proposal: Proposal) -> None:
    """A proposal that is a bijection of noise; raises Unproved."""
    noise, body, inverse, slope = proposal.noise, proposal.body, proposal.inverse, proposal.log_slope
    need(noise is not None and body is not None and inverse is not None and slope is not None, "half a proposal")
    assert noise is not None and body is not None and inverse is not None and slope is not None
    need(noise.data[0] == "draw" and noise.shape == proposal.law.shape and not proposal.place, "noise of another shape")
    need(
        support_of(noise) == proposal.law.event and support_of(proposal.drawn) == support_of(proposal.moves), "supports"
    )
    allowed = {*kernel.state, noise}
    need(all(s in allowed or s.data[0] in FIXED for s in body.symbols), "a proposal of something besides the state")
    others = {p.noise for p in kernel.proposals} | {p.drawn for p in kernel.proposals}
    need(not any((others - {noise}) & set(t.symbols) for t in (body, slope)), "noise that is used twice")


@rule
def metropolis_hastings(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """π(x) q(y|x) a(x, y) = π(y) q(x|y) a(y, x) for a = g(r), r the Metropolis-Hastings ratio, where g(r) = r g(1/r).

    Such balancing functions are min(1, r) (Metropolis et al. 1953) and r / (1 + r) = sigmoid(log r) (Barker 1965); of
    others, `balancing` says whether a(x, y) / a(y, x) = r.  Premises: each proposal's law is admissible, of a family
    positive on its whole support; log π is a real number; log r is a real number where it is derived, or the
    probability that the spec states is one; each proposal that is made of noise is a bijection of it onto the support
    of what moves, and defined."""
    kernel, log_target = cast(tuple[Kernel, Term], subject)
    well_formed(kernel, log_target)
    pushed = [p for p in kernel.proposals if p.noise is not None]
    laws = premises[: len(kernel.proposals)]
    finite, defined, *maps = premises[len(kernel.proposals) :]
    need(len(maps) == 2 * len(pushed), "a proposal that is not known to be a bijection")
    for proposal, found_map, defined_map in zip(pushed, maps[::2], maps[1::2], strict=True):
        is_map(proposal, found_map)
        assert proposal.body is not None
        has_value(defined_map, proposal.body)
    need(list(laws) == [p.law for p in kernel.proposals], "a proposal that is not known to be admissible")
    need(all(positive_everywhere(p.law) for p in kernel.proposals) or kernel.probability is None, "a law with holes")
    need(all(DISTRIBUTIONS[p.law.family].full_support for p in kernel.proposals), "a proposal that may have no density")
    need(range_of(finite, log_target).within(REALS), "the target is not known to be positive")
    own = odds(kernel, swap(kernel), {}, defined)
    if not same(own, log_ratio(kernel, log_target)):
        raise Unproved("the probability of acceptance does not have the derived ratio r")
    return Reversible(kernel, log_target)


def is_map(proposal: Proposal, found: Fact) -> None:
    """That a proposal is the bijection that a premise speaks of; raises Unproved."""
    if not isinstance(found, Bijection):
        raise Unproved("a proposal that is not known to be a bijection")
    need(found.input is proposal.noise and found.body is proposal.body and found.onto, "another map")
    whole = of_support(support_of(proposal.moves))
    need(whole is not None and found.image == whole, "a proposal that does not reach the whole support")
    back = substitute(found.inverse, {result(found.input.shape): proposal.drawn})
    need(back is proposal.inverse and found.log_derivative is proposal.log_slope, "another inverse")


def odds(
    kernel: Kernel | Deterministic, exchange: Mapping[Term, Term], written: Mapping[Term, Term], defined: Fact
) -> Term:
    """log a(x, y) - log a(y, x) of what a kernel accepts with, with `written` put in; raises Unproved.

    Premise: a derived log r is a real number, a probability of the spec's own is in [0, 1]."""
    if kernel.probability is None:
        need(kernel.log_ratio is not None, "nothing says what is accepted")
        assert kernel.log_ratio is not None
        need(range_of(defined, kernel.log_ratio).within(REALS), "the ratio is not known to be defined")
        return substitute(kernel.log_ratio, written)
    inside = range_of(defined, kernel.probability).within(PROBABILITIES)
    need(inside, "the probability of acceptance is not known to be one")
    return log_odds(plain(substitute(kernel.probability, written)), exchange, same)


def accepted(kernel: Kernel | Deterministic) -> tuple[Term, bool] | None:
    """log r, and True, or r, and False, of the ratio that a kernel accepts with; None for other probabilities."""
    probability = kernel.probability
    if probability is None:
        return None if kernel.log_ratio is None else (kernel.log_ratio, True)
    if probability is literal(1):
        return ZERO, True
    if probability.operation == "apply" and probability.data == "sigmoid":
        return probability.arguments[0], True
    if probability.operation != "apply" or probability.data != "min" or literal(1) not in probability.arguments:
        return None
    left, right = probability.arguments
    return (right if left is literal(1) else left), False


@rule
def detailed_balance(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A kernel in detailed balance with a measure leaves it invariant."""
    (found,) = premises
    if not isinstance(found, Reversible):
        raise Unproved("not reversible")
    return Stationary(found.kernel, found.log_target)
