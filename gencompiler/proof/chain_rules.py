"""Rules for transition operators: detailed balance of Metropolis-Hastings kernels, and its failure at a pair of
points."""

from __future__ import annotations

import dataclasses
from typing import cast

from gencompiler.catalog.distributions import DISTRIBUTIONS
from gencompiler.proof.domain import POSITIVE, REALS
from gencompiler.proof.facts import Fact
from gencompiler.proof.formulas import instance
from gencompiler.proof.graph import Term, apply, literal, substitute, support_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.ring import Ring
from gencompiler.proof.structure import Admissible
from gencompiler.proof.structure_rules import form_of
from gencompiler.proof.terms import ZERO, minus, plus, total


@dataclasses.dataclass(frozen=True)
class Proposal:
    """A draw: `drawn ~ law`, which becomes the next value of `moves` when accepted."""

    drawn: Term
    moves: Term
    law: Admissible


@dataclasses.dataclass(frozen=True)
class Kernel:
    """Draw all proposals in order, then move to them all with a probability, or stay.

    The probability is min(1, exp(log_ratio)), or `probability` where the spec gives its own."""

    state: tuple[Term, ...]
    proposals: tuple[Proposal, ...]
    log_ratio: Term | None
    probability: Term | None


@dataclasses.dataclass(frozen=True)
class Reversible(Fact):
    """The kernel is in detailed balance with the measure exp(log_target)."""

    kernel: Kernel
    log_target: Term


@dataclasses.dataclass(frozen=True)
class Stationary(Fact):
    """The kernel leaves the measure exp(log_target) invariant."""

    kernel: Kernel
    log_target: Term


@dataclasses.dataclass(frozen=True)
class NotReversible(Fact):
    """Detailed balance with exp(log_target) fails."""

    kernel: Kernel
    log_target: Term


@dataclasses.dataclass(frozen=True)
class NotStationary(Fact):
    """The kernel does not leave the measure exp(log_target) invariant."""

    kernel: Kernel
    log_target: Term


def swap(kernel: Kernel) -> dict[Term, Term]:
    """The exchange of the state and the proposal."""
    there = {p.moves: p.drawn for p in kernel.proposals}
    return {**there, **{drawn: moved for moved, drawn in there.items()}}


def log_proposal(kernel: Kernel) -> Term:
    """log q(y | x)"""
    found = ZERO
    for proposal in kernel.proposals:
        law = proposal.law
        row = form_of(law.family, law.form)
        names = {name: value for (name, _), value in zip(row.parameters, law.arguments, strict=True)}
        found = plus(found, total(instance(row.log_density, x=proposal.drawn, **names), law.shape))
    return found


def log_ratio(kernel: Kernel, log_target: Term) -> Term:
    """log π(y) + log q(x | y) - log π(x) - log q(y | x)      (Hastings 1970)"""
    exchange = swap(kernel)
    forward = log_proposal(kernel)
    there = substitute(log_target, {p.moves: p.drawn for p in kernel.proposals})
    return minus(plus(there, substitute(forward, exchange)), plus(log_target, forward))


def log_of(term: Term) -> Term:
    """log of a positive term, through exponentials, products, quotients and constant powers."""
    return _log_of(term, {})


def _log_of(term: Term, known: dict[Term, Term]) -> Term:
    found = known.get(term)
    if found is None:
        found = known[term] = _log_form(term, known)
    return found


def _log_form(term: Term, known: dict[Term, Term]) -> Term:
    if term.operation == "apply":
        arguments = term.arguments
        if term.data == "exp":
            return arguments[0]
        if term.data == "multiply":
            return plus(_log_of(arguments[0], known), _log_of(arguments[1], known))
        if term.data == "divide":
            return minus(_log_of(arguments[0], known), _log_of(arguments[1], known))
        if term.data == "power" and arguments[1].operation == "literal":
            return apply("multiply", arguments[1], _log_of(arguments[0], known))
    return ZERO if term is literal(1) else apply("log", term)


#: Symbols that a transition may depend on besides its state: what it does not move stays what it is.
FIXED = ("parameter", "variable")


def well_formed(kernel: Kernel, log_target: Term) -> None:
    """Every state variable moves to a draw of its own; raises Unproved."""
    moved = [p.moves for p in kernel.proposals]
    drawn = [p.drawn for p in kernel.proposals]
    need(set(moved) == set(kernel.state) and len(moved) == len(set(moved)), "a state variable does not move, or twice")
    need(len(set(drawn)) == len(drawn) and not set(drawn) & set(moved), "two draws of one name")
    known = set(kernel.state)
    for proposal in kernel.proposals:
        mentioned = {s for a in proposal.law.arguments for s in a.symbols if s.data[0] not in FIXED}
        need(mentioned <= known, "a proposal depends on something besides the state")
        known.add(proposal.drawn)
        need(proposal.drawn.shape == proposal.moves.shape == proposal.law.shape, "a proposal of another shape")
        need(
            support_of(proposal.drawn) == support_of(proposal.moves) == proposal.law.event,
            "{} is drawn from {}, and {} is in {}",
            proposal.drawn,
            proposal.law.event,
            proposal.moves,
            support_of(proposal.moves),
        )
    free = {s for s in log_target.symbols if s.data[0] not in FIXED}
    need(free <= set(kernel.state), "the target depends on something besides the state")


@rule
def metropolis_hastings(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """π(x) q(y|x) a(x, y) = π(y) q(x|y) a(y, x) for a = g(r), r the Metropolis-Hastings ratio, where g(r) = r g(1/r).

    Such balancing functions are min(1, r) (Metropolis et al. 1953) and r / (1 + r) = sigmoid(log r) (Barker 1965).
    Premises: each proposal's law is admissible, of a family positive on its whole support; log π is a real number; what
    `accepted` gives is defined: log r is a real number, or r is positive."""
    kernel, log_target = cast(tuple[Kernel, Term], subject)
    well_formed(kernel, log_target)
    *laws, finite, defined = premises
    need(list(laws) == [p.law for p in kernel.proposals], "a proposal that is not known to be admissible")
    need(all(DISTRIBUTIONS[p.law.family].full_support for p in kernel.proposals), "a proposal that may have no density")
    need(range_of(finite, log_target).within(REALS), "the target is not known to be positive")
    found = accepted(kernel)
    if found is None:
        raise Unproved("the probability of acceptance is neither min(1, r) nor sigmoid(log r)")
    term, is_log = found
    need(range_of(defined, term).within(REALS if is_log else POSITIVE), "the ratio is not known to be defined")
    own = term if is_log else log_of(term)
    if not Ring().same(own, log_ratio(kernel, log_target)):
        raise Unproved("the probability of acceptance does not have the derived ratio r")
    return Reversible(kernel, log_target)


def accepted(kernel: Kernel) -> tuple[Term, bool] | None:
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
