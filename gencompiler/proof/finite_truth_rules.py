"""Rules that go through all states of a finite chain and prove what holds at each.

A claim without parameters is settled by exact rational numbers.  With parameters, the flows between two states are
compared as formulas."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import cast

from gencompiler.proof.chain_rules import (
    FIXED,
    Kernel,
    Move,
    Reversible,
    Stationary,
    log_law,
    log_ratio,
    odds,
    same,
    swap,
    well_formed,
)
from gencompiler.proof.composite_rules import moved
from gencompiler.proof.ergodic_rules import Ergodic, NotErgodic
from gencompiler.proof.evaluate import Undefined
from gencompiler.proof.exact_masses import exponential
from gencompiler.proof.facts import Fact
from gencompiler.proof.finite_rules import Finite, Measure, State, checked, states, values_of
from gencompiler.proof.graph import Term, apply, literal, substitute, support_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.numbers import Number, Undecided, ball, times
from gencompiler.proof.terms import ONE, ZERO, minus, plus

#: Of a chain that is compared pair by pair, and of one that is followed step by step, the most states.
MOST_PAIRED = 32
MOST_FOLLOWED = 64


@rule
def finite_keeps(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """One step of a finite chain whose probabilities are rational leaves every mass as it is, exactly.

    Subject: the move, log of the measure, the variables.  Nothing but the variables is left open."""
    move, log_target, variables = cast(tuple[Move, Term, tuple[Term, ...]], subject)
    finite, every = _exact_chain(move, log_target, variables)
    try:
        before: Measure = {s: finite.mass(log_target, s) for s in every}
        after = finite.pushed(move, before)
    except (Undecided, Undefined) as problem:
        raise Unproved(str(problem)) from None
    need(all(isinstance(m, Fraction) for m in (*before.values(), *after.values())), "a mass that is no rational number")
    need(all(after.get(s, Fraction(0)) == m for s, m in before.items()) and set(after) <= set(before), "a mass changes")
    return Stationary(move, log_target)


@rule
def finite_balances(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Between any two states of a finite chain the flows there and back are equal rational numbers.

    Subject: the move, log of the measure, the variables."""
    move, log_target, variables = cast(tuple[Move, Term, tuple[Term, ...]], subject)
    finite, every = _exact_chain(move, log_target, variables)
    try:
        flows = {s: {t: times(finite.mass(log_target, s), p) for t, p in finite.spread(move, s).items()} for s in every}
    except (Undecided, Undefined) as problem:
        raise Unproved(str(problem)) from None
    for one in every:
        for other, flow in flows[one].items():
            need(isinstance(flow, Fraction) and other in flows, "a flow that is no rational number")
            need(flows[other].get(one, Fraction(0)) == flow, "the flows differ")
    return Reversible(move, log_target)


def _exact_chain(move: Move, log_target: Term, variables: tuple[Term, ...]) -> tuple[Finite, list[State]]:
    """A finite chain without parameters; raises Unproved."""
    checked(variables, ())
    need(set(variables) >= {s for s in log_target.symbols if s.data[0] in FIXED}, "a measure with parameters")
    need(set(variables) >= moved(move), "a variable that is not gone through")
    return Finite(variables, ()), states(variables)


@rule
def balanced_by_cases(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A kernel that moves one finite number: for any two values, the ratio is that of Metropolis and Hastings, or
    neither is ever proposed from the other.

    Subject: the kernel, log of the measure.  Premises: the proposal is admissible; what `odds` wants of a probability
    that the spec states."""
    kernel, log_target = cast(tuple[Kernel, Term], subject)
    well_formed(kernel, log_target)
    need(len(kernel.proposals) == 1 and not kernel.proposals[0].place, "a proposal of several variables")
    (proposal,) = kernel.proposals
    own, drawn, law = proposal.moves, proposal.drawn, proposal.law
    need(not own.shape and proposal.noise is None, "a proposal of more than a number")
    need(bool(premises) and premises[0] == law, "a proposal that is not known to be admissible")
    values = values_of(support_of(own))
    need(len(values) <= MOST_PAIRED, "too many values")
    chance = log_law(law, drawn)
    need({s for s in chance.symbols if s not in (own, drawn)} == set(), "a proposal with parameters")
    gained = minus(substitute(log_target, {own: drawn}), log_target)
    stated: Term | None = ZERO if kernel.probability is ONE else None
    if kernel.probability is None:
        derived = kernel.log_ratio is not None and same(kernel.log_ratio, log_ratio(kernel, log_target))
        need(derived, "the probability of acceptance does not have the derived ratio r")
    elif kernel.probability is not ONE:
        need(len(premises) == 2, "a probability that may be none")
        stated = odds(kernel, swap(kernel), {}, premises[1])
    for here, there in itertools.combinations(values, 2):
        pair = {own: here, drawn: there}
        try:
            ways = [exponential(chance, p) for p in (pair, {own: there, drawn: here})]
        except (Undecided, Undefined) as problem:
            raise Unproved(str(problem)) from None
        need(all(isinstance(w, Fraction) for w in ways), "chances that are no rational numbers")
        need((ways[0] == 0) == (ways[1] == 0), "a move that cannot be undone")
        if ways[0] != 0 and stated is not None:
            written = {own: literal(here), drawn: literal(there)}
            wanted = plus(substitute(gained, written), apply("log", literal(cast(Fraction, ways[1]) / ways[0])))
            need(same(substitute(stated, written), wanted), "the flows between two values differ")
    return Reversible(kernel, log_target)


@rule
def finite_ergodic(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Some power of a finite chain without parameters brings every state to every state with positive probability.

    Subject: the move, the variables.  All states are followed until each has reached all."""
    move, variables, every = _chain(subject)
    after = _following(move, variables, every, lambda p: bool(p > 0))
    need(_reaches(after, every), "no power of it reaches every state from every state")
    return Ergodic(move, variables)


@rule
def finite_periodic(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """No power of a finite chain without parameters brings every state to every state: from some it is always somewhere
    else, as of a chain that returns at every other step only.

    Subject: the move, the variables.  A step that is not known to have no probability counts as one that may be taken,
    with which even more would be reached."""
    move, variables, every = _chain(subject)
    after = _following(move, variables, every, lambda p: not bool(ball(p) == 0))
    need(not _reaches(after, every), "a power of it may reach every state from every state")
    return NotErgodic(move, variables)


def _chain(subject: Subject) -> tuple[Move, tuple[Term, ...], list[State]]:
    """A move, its variables and their states; raises Unproved."""
    move, variables = cast(tuple[Move, tuple[Term, ...]], subject)
    checked(variables, ())
    need(set(variables) >= moved(move), "a variable that is not gone through")
    every = states(variables)
    need(len(every) <= MOST_FOLLOWED, "too many states")
    return move, variables, every


def _following(
    move: Move, variables: tuple[Term, ...], every: list[State], possible: Callable[[Number], bool]
) -> dict[State, frozenset[State]]:
    """Where one step may lead from each state."""
    finite = Finite(variables, ())
    try:
        return {s: frozenset(t for t, p in finite.spread(move, s).items() if possible(p)) for s in every}
    except (Undecided, Undefined) as problem:
        raise Unproved(str(problem)) from None


def _reaches(after: dict[State, frozenset[State]], every: list[State]) -> bool:
    """Whether some power has every state reach every state: by the (n - 1)^2 + 1st, if any (Wielandt 1950)."""
    reached = after
    for _ in range((len(every) - 1) ** 2 + 1):
        if all(len(r) == len(every) for r in reached.values()):
            return True
        reached = {s: frozenset().union(*(after[t] for t in r)) for s, r in reached.items()}
    return False
