"""Rules for annealing paths: where a path starts, where it ends, and what undoes a transition.

A path is a measure exp(log_path) for each value of its time in [0, 1].  Annealed importance sampling (Neal, *Annealed
importance sampling*, Statistics and Computing 2001) estimates the mass at 1 without bias, if the mass at 0 is known and
each transition keeps the measure of its time; run backwards from an exact draw at 1, with transitions that are the
reversals of the former, it estimates the inverse of that mass (Grosse, Ghahramani & Adams, *Sandwiching the marginal
likelihood using bidirectional Monte Carlo*, 2015).
"""

from __future__ import annotations

import dataclasses
from typing import TypeVar, cast

from gencompiler.proof.chain_rules import Blend, Move, Repeated, Reversible, Sequence, log_law, same
from gencompiler.proof.composite_rules import constant_weights, counts
from gencompiler.proof.domain import REALS
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Term, apply, literal, name_of, substitute, support_of, symbol
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.structure import Admissible
from gencompiler.proof.structure_rules import form_of
from gencompiler.proof.terms import ZERO, minus


@dataclasses.dataclass(frozen=True)
class Starts(Fact):
    """At time 0 the path's measure is a constant times the product of the laws `laws` of the variables `state`.

    The constant may depend on everything but the state; as laws have mass 1, it is the measure's mass."""

    log_path: Term
    time: Term
    state: tuple[Term, ...]
    laws: tuple[Admissible, ...]


@dataclasses.dataclass(frozen=True)
class Ends(Fact):
    """At time 1 the path's measure is exp(log_target)."""

    log_path: Term
    time: Term
    log_target: Term


@dataclasses.dataclass(frozen=True)
class Adjoint(Fact):
    """π(dx) K(x, dy) = π(dy) L(y, dx): started from the measure π = exp(log_target), `backward` L runs `forward` K
    backwards in time; both keep π."""

    forward: Move
    backward: Move
    log_target: Term


def _is_time(time: Term) -> None:
    """A condition on [0, 1]; raises Unproved."""
    need(time.operation == "symbol" and time.data[0] == "condition" and not time.shape, "no time")
    support = support_of(time)
    need(support.name == "Interval" and support.arguments == (0, 1), "a time that is not on [0, 1]")


def log_start(log_path: Term, time: Term, state: tuple[Term, ...], laws: tuple[Admissible, ...]) -> Term:
    """log of the measure at 0, minus log of the laws: log of the mass, where it does not depend on the state."""
    found = substitute(log_path, {time: ZERO})
    for own, law in zip(state, laws, strict=True):
        need(not form_of(law.family, law.form).vectors, "a law by a vector of probabilities")
        found = minus(found, log_law(law, own))
    return found


def elsewhere(state: tuple[Term, ...]) -> dict[Term, Term]:
    """Other values of the state."""
    return {s: symbol("draw", f"{name_of(s)} elsewhere", support_of(s), s.shape) for s in state}


@rule
def known_start(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """log of the path's density at 0 minus log of the laws' is the same at any two values of the state.

    Subject: log of the path, its time, the state, the laws.  Premises: the laws are admissible; log of the path is a
    real number, so that 0 times a part of it is 0."""
    log_path, time, state, laws = cast(tuple[Term, Term, tuple[Term, ...], tuple[Admissible, ...]], subject)
    _is_time(time)
    need(bool(state) and len(state) == len(laws) == len(set(state)), "one law for each variable")
    need(len(premises) == len(laws) + 1, "one premise for each law, and the range of the path")
    need(premises[:-1] == laws, "a law that is not known to be admissible")
    need(range_of(premises[-1], log_path).within(REALS), "the path is not known to be positive")
    for own, law in zip(state, laws, strict=True):
        need(own.operation == "symbol" and (support_of(own), own.shape) == (law.event, law.shape), "other events")
        need(not any(s in state or s is time for a in law.arguments for s in a.symbols), "a law of the state itself")
    found = log_start(log_path, time, state, laws)
    need(same(found, substitute(found, elsewhere(state))), "at 0 the path is not known to be the product of these laws")
    return Starts(log_path, time, state, laws)


@rule
def path_ends(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """log of the path at 1 is log of the target, as formulas.

    Subject: log of the path, its time, log of the target.  Premise: log of the path is a real number."""
    log_path, time, log_target = cast(tuple[Term, Term, Term], subject)
    _is_time(time)
    (finite,) = premises
    need(range_of(finite, log_path).within(REALS), "the path is not known to be positive")
    need(time not in log_target.symbols, "the target depends on the time")
    end = substitute(log_path, {time: literal(1)})
    need(same(end, log_target), "at 1 the path is not known to be the target")
    return Ends(log_path, time, log_target)


# -- reversals -------------------------------------------------------------------------------------------------------


@rule
def own_adjoint(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Detailed balance: a reversible transition is its own reversal."""
    (found,) = premises
    if not isinstance(found, Reversible):
        raise Unproved("not reversible")
    return Adjoint(found.kernel, found.kernel, found.log_target)


@rule
def adjoint_sequence(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """(K_1 … K_n)* = K_n* … K_1*.  Subject: log of the measure; premises: the parts' reversals, in order."""
    (log_target,) = cast(tuple[Term], subject)
    found = [p for p in premises if isinstance(p, Adjoint)]
    need(bool(found) and len(found) == len(premises), "a part whose reversal is not known")
    need(all(p.log_target is log_target for p in found), "parts that keep different measures")
    forward = tuple(p.forward for p in found)
    return Adjoint(Sequence(forward), Sequence(tuple(p.backward for p in reversed(found))), log_target)


@rule
def adjoint_repeated(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """(K^n)* = (K*)^n, and (K_0 … K_(n-1))* = K_(n-1)* … K_0*: the same repetition, with n - 1 - i in the place of i.

    Subject: the index or None, n.  Premise: the reversal of the part, for every value of the index."""
    index, count = cast(tuple[Term | None, int], subject)
    (part,) = premises
    if not isinstance(part, Adjoint):
        raise Unproved("a part whose reversal is not known")
    need(count >= 0, "a negative count")
    if index is None:
        return Adjoint(Repeated(None, count, part.forward), Repeated(None, count, part.backward), part.log_target)
    counts(index, count, part.log_target)
    turned = apply("subtract", literal(count - 1), index)
    backward = with_value(part.backward, index, turned)
    return Adjoint(Repeated(index, count, part.forward), Repeated(index, count, backward), part.log_target)


Part = TypeVar("Part")


def with_value(part: Part, index: Term, value: Term) -> Part:
    """What a move is where a condition of it has a value; raises Unproved where a repetition inside has that index."""
    if isinstance(part, Term):
        return cast(Part, substitute(part, {index: value}))
    if isinstance(part, tuple):
        return cast(Part, tuple(with_value(each, index, value) for each in part))
    if not dataclasses.is_dataclass(part) or isinstance(part, type):
        return part
    need(not (isinstance(part, Repeated) and part.index is index), "a repetition within, of one and the same index")
    changed = {f.name: with_value(getattr(part, f.name), index, value) for f in dataclasses.fields(part)}
    return cast(Part, dataclasses.replace(part, **changed))


@rule
def adjoint_blend(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """(sum_k w_k K_k)* = sum_k w_k K_k* for constant weights.

    Subject: the state and the weights.  Premises: the parts' reversals, then that each weight is at least 0."""
    state, weights = cast(tuple[tuple[Term, ...], tuple[Term, ...]], subject)
    found = [p for p in premises[: len(weights)] if isinstance(p, Adjoint)]
    need(bool(found) and len(found) == len(weights), "a part whose reversal is not known")
    need(all(p.log_target is found[0].log_target for p in found), "parts that keep different measures")
    constant_weights(state, weights, premises[len(weights) :])
    forward = Blend(state, weights, tuple(p.forward for p in found))
    backward = Blend(state, weights, tuple(p.backward for p in found))
    return Adjoint(forward, backward, found[0].log_target)


@rule
def self_adjoint(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A transition that is its own reversal is in detailed balance: a palindrome of reversible ones, their mixture."""
    (found,) = premises
    if not isinstance(found, Adjoint):
        raise Unproved("a transition whose reversal is not known")
    need(alike(found.forward, found.backward), "run backwards it is another transition")
    return Reversible(found.forward, found.log_target)


def alike(one: Move, other: Move) -> bool:
    """Whether two moves are the same, up to the order in which a mixture lists its parts."""
    if isinstance(one, Sequence) and isinstance(other, Sequence):
        return len(one.parts) == len(other.parts) and all(map(alike, one.parts, other.parts))
    if isinstance(one, Repeated) and isinstance(other, Repeated):
        return (one.index, one.count) == (other.index, other.count) and alike(one.part, other.part)
    if not (isinstance(one, Blend) and isinstance(other, Blend)):
        return one == other
    left = list(zip(other.weights, other.parts, strict=True))
    for weight, part in zip(one.weights, one.parts, strict=True):
        match = next((k for k, (w, p) in enumerate(left) if w is weight and alike(part, p)), None)
        if match is None:
            return False
        left.pop(match)
    return not left
