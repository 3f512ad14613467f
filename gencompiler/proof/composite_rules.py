"""Rules for transitions that are made of others, and for deterministic proposals.

A composition, a repetition, and a mixture whose weights do not depend on the state keep what their parts keep
(Tierney, *Markov chains for exploring posterior distributions*, 1994).  A deterministic proposal keeps a measure where
the map is an involution and its Jacobian is in the ratio (Green 1995; Neklyudov et al., *Involutive MCMC*, 2020).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import cast

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.model.nodes import REAL, Support
from gencompiler.proof.balancing import log_of
from gencompiler.proof.chain_rules import (
    FIXED,
    Aided,
    Blend,
    Deterministic,
    Images,
    Kernel,
    Mapped,
    Move,
    Orbit,
    Repeated,
    Reversible,
    Sequence,
    Stationary,
    Times,
    accepts,
    is_of_state,
    odds,
    same,
)
from gencompiler.proof.domain import REALS, of_support
from gencompiler.proof.facts import Bijection, Fact, Member
from gencompiler.proof.graph import Term, apply, literal, reduce, substitute, support_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.range_rules import has_value, range_of
from gencompiler.proof.terms import ONE, ZERO, minus, plus


@dataclasses.dataclass(frozen=True)
class SelfInverse(Fact):
    """Maps of the variables `moves`, one after another, are their own inverse."""

    moves: tuple[Term, ...]
    maps: tuple[Mapped, ...]


@dataclasses.dataclass(frozen=True)
class Volume(Fact):
    """log|det| of maps of the variables `moves`, in terms of where they start."""

    moves: tuple[Term, ...]
    maps: tuple[Mapped, ...]
    log_det: Term


# -- composition -----------------------------------------------------------------------------------------------------


@rule
def in_sequence(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Transitions that each keep a measure, one after another, keep it.  Subject: log of the measure."""
    (log_target,) = cast(tuple[Term], subject)
    need(bool(premises) and all(isinstance(p, Stationary) for p in premises), "a part that is not known to keep it")
    found = [p for p in premises if isinstance(p, Stationary)]
    need(all(p.log_target is log_target for p in found), "parts that keep different measures")
    return Stationary(Sequence(tuple(p.kernel for p in found)), log_target)


@rule
def repeated(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A transition that keeps a measure for every value of a condition keeps it for one value after another."""
    index, count = cast(tuple[Term | None, int], subject)
    (part,) = premises
    if not isinstance(part, Stationary):
        raise Unproved("a part that is not known to keep it")
    need(count >= 0, "a negative count")
    if index is not None:
        counts(index, count, part.log_target)
    return Stationary(Repeated(index, count, part.kernel), part.log_target)


def counts(index: Term, count: int, log_target: Term) -> None:
    """That an index may have all values from 0 to a count, and the measure is the same for all; raises Unproved."""
    need(index.operation == "symbol" and index.data[0] == "condition", "a repetition over something else")
    need(support_of(index).name == "Integer", "an index that is no whole number")
    low, high = support_of(index).arguments
    need(low <= 0 and count <= high, "an index that leaves its range")
    need(index not in log_target.symbols, "the measure depends on the index")


@rule
def blended(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A mixture of transitions K_k with weights w_k(x) keeps π if each K_k keeps w_k π, for then
    sum_k (w_k π) K_k = sum_k w_k π = π.

    K_k keeps w_k π where it keeps π and moves nothing that w_k depends on.  Subject: the state, the weights, log of the
    measure.  Premises: what each part keeps, π or w_k π, then that each weight is at least 0."""
    state, weights, log_target = cast(tuple[tuple[Term, ...], tuple[Term, ...], Term], subject)
    found = [p for p in premises[: len(weights)] if isinstance(p, Stationary)]
    need(bool(found) and len(found) == len(weights), "a part that is not known to keep the measure")
    for weight, sign in zip(weights, shares(weights, premises[len(weights) :]), strict=True):
        need(sign.term is weight, "a weight that may be negative")
    for number, (weight, part) in enumerate(zip(weights, found, strict=True)):
        if part.log_target is log_target:
            whole = total_weight(w for w, p in zip(weights, found, strict=True) if p.kernel == part.kernel)
            # Branches of one transition count as one branch with their common weight.
            read = frozenset() if same(whole, ONE) else weight.symbols
            need(not read & moved(part.kernel), "a weight depends on the state")
        else:
            own = plus(log_target, log_of(weight))
            need(same(part.log_target, own), "branch {} is not known to keep its share of the measure", number + 1)
    return Stationary(Blend(state, weights, tuple(p.kernel for p in found)), log_target)


def total_weight(weights: Iterable[Term]) -> Term:
    """The sum of weights."""
    whole = ZERO
    for weight in weights:
        whole = plus(whole, weight)
    return whole


def moved(move: Move) -> frozenset[Term]:
    """The variables that a move may change."""
    if isinstance(move, Kernel):
        return frozenset(p.moves for p in move.proposals)
    if isinstance(move, Deterministic | Orbit):
        return frozenset(move.moves)
    return frozenset[Term]().union(*map(moved, parts_of(move)))


def shares(weights: tuple[Term, ...], signs: tuple[Fact, ...]) -> tuple[Member, ...]:
    """Weights that are not negative, and sum to 1; raises Unproved."""
    found = tuple(s for s in signs if isinstance(s, Member) and s.support.name == "NonNegative")
    need(len(found) == len(signs) == len(weights), "a weight that may be negative")
    need(not any(s.data[0] == "draw" for w in weights for s in w.symbols), "a weight depends on a draw")
    need(same(total_weight(weights), ONE), "the weights are not known to sum to 1")
    return found


def constant_weights(state: tuple[Term, ...], weights: tuple[Term, ...], signs: tuple[Fact, ...]) -> None:
    """Weights that are not negative, sum to 1 and are the same everywhere; raises Unproved."""
    for weight, sign in zip(weights, shares(weights, signs), strict=True):
        need(sign.term is weight, "a weight that may be negative")
        need(not any(s in state for s in weight.symbols), "a weight depends on the state")


# -- deterministic proposals -----------------------------------------------------------------------------------------


def composed(moves: tuple[Term, ...], maps: tuple[Mapped, ...]) -> tuple[Term, ...]:
    """The images of maps one after another, written out."""
    here = moves
    for each in maps:
        for _ in range(each.count if isinstance(each, Times) else 1):
            inner = composed(moves, each.maps) if isinstance(each, Times) else each.images
            values = dict(zip(moves, here, strict=True))
            here = tuple(substitute(i, values) for i in inner)
    return here


def check_maps(moves: tuple[Term, ...], maps: tuple[Mapped, ...]) -> None:
    """Maps of the variables into themselves; raises Unproved."""
    need(bool(moves) and len(set(moves)) == len(moves), "no variables, or one twice")
    for each in maps:
        if isinstance(each, Times):
            need(each.count >= 0, "a negative count")
            check_maps(moves, each.maps)
            continue
        need(len(each.images) == len(moves), "a map to other variables")
        for image, move in zip(each.images, moves, strict=True):
            need(image.shape == move.shape, "a map to another shape")
            need(all(s in moves or s.data[0] in FIXED for s in image.symbols), "a map of something besides the state")


def _identity(moves: tuple[Term, ...], images: tuple[Term, ...]) -> bool:
    return all(same(i, m) for i, m in zip(images, moves, strict=True))


@rule
def self_inverse(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The maps twice are the identity, as formulas.  Subject: the variables, the maps."""
    moves, maps = cast(tuple[tuple[Term, ...], tuple[Mapped, ...]], subject)
    check_maps(moves, maps)
    need(not premises, "no premises")
    need(_identity(moves, composed(moves, (*maps, *maps))), "applied twice it is not the identity")
    return SelfInverse(moves, maps)


@rule
def reversing(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """S F^n is an involution if S and S F are: S F S = F^-1, so that S F^n S = F^-n.

    Subject: n, the maps of F, those of S.  Premises: S is an involution, S F is one."""
    count, forward, back = cast(tuple[int, tuple[Mapped, ...], tuple[Mapped, ...]], subject)
    last, both = premises
    need(isinstance(last, SelfInverse) and isinstance(both, SelfInverse), "not involutions")
    assert isinstance(last, SelfInverse) and isinstance(both, SelfInverse)
    need(last.moves == both.moves and last.maps == back and both.maps == (*forward, *back), "other involutions")
    need(count >= 0, "a negative count")
    return SelfInverse(last.moves, (Times(count, forward), *back))


@rule
def sheared(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A map that is a sequence of shears, and at last at most signs and an exchange of variables, keeps volumes.

    Subject: the variables, the images, and for each shear, from the last to the first: the number of the variable that
    it adds to, whether it subtracts, and what it adds, in terms of the others (as the variables themselves, where they
    arrive).  Premises: the range of what each shear adds, so that it is defined wherever the others are: a map that is
    undefined at some places goes back from none of those that it takes there."""
    moves, images, witness = cast(
        tuple[tuple[Term, ...], tuple[Term, ...], tuple[tuple[int, bool, Term], ...]], subject
    )
    check_maps(moves, (Images(images),))
    here = list(images)
    need(len(premises) == len(witness), "one premise for each shear")
    for (number, subtracts, addend), defined in zip(witness, premises, strict=True):
        range_of(defined, addend)
        need(0 <= number < len(moves), "no such variable")
        need(support_of(moves[number]) == REAL, "{} may leave {}", moves[number], support_of(moves[number]))
        need(moves[number] not in addend.symbols, "a shear by the variable itself")
        others = {m: h for k, (m, h) in enumerate(zip(moves, here, strict=True)) if k != number}
        value, current = substitute(addend, others), here[number]
        need(current.operation == "apply" and len(current.arguments) == 2, "not a shear")
        left, right = current.arguments
        if subtracts:
            need(current.data == "subtract" and right is value and left.shape == current.shape, "not a shear")
            here[number] = left
        else:
            need(current.data == "add" and value in (left, right), "not a shear")
            here[number] = left if right is value else right
            need(here[number].shape == current.shape, "not a shear")
    rest = [h.arguments[0] if _is_negated(h) else h for h in here]
    need(set(rest) == set(moves) and len(rest) == len(moves), "something besides shears is left")
    for own, image, left in zip(moves, here, rest, strict=True):
        need(support_of(own) == support_of(left), "{} becomes a value of {}", own, support_of(left))
        need(image is left or support_of(own) in _SYMMETRIC, "-{} may not be in {}", left, support_of(own))
    return Volume(moves, (Images(images),), ZERO)


#: The supports that hold the negative of each of their values.
_SYMMETRIC = (REAL, Support("Sign"), Support("Integer", (-math.inf, math.inf)))


def _is_negated(term: Term) -> bool:
    return term.operation == "apply" and term.data == "negate"


@rule
def volumes(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Maps that keep volumes, one after another and repeated, keep them.  Subject: the variables, the maps."""
    moves, maps = cast(tuple[tuple[Term, ...], tuple[Mapped, ...]], subject)
    check_maps(moves, maps)
    kept = {p.maps for p in premises if isinstance(p, Volume) and p.moves == moves and p.log_det is ZERO}

    def keeps(parts: tuple[Mapped, ...]) -> bool:
        return all(keeps(p.maps) if isinstance(p, Times) else (p,) in kept for p in parts)

    need(keeps(maps), "a map that is not known to keep volumes")
    return Volume(moves, maps, ZERO)


@rule
def counted(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """An involution of discrete variables keeps the counting measure.  Subject: the variables, the images.

    Premises: that it is an involution, then for each variable that changes that its image is in its support."""
    moves, images = cast(tuple[tuple[Term, ...], tuple[Term, ...]], subject)
    own, *members = premises
    maps = (Images(images),)
    check_maps(moves, maps)
    need(isinstance(own, SelfInverse) and (own.moves, own.maps) == (moves, maps), "not an involution")
    changing = [(m, i) for m, i in zip(moves, images, strict=True) if m is not i]
    need(len(members) == len(changing), "an image that is not known to be in its support")
    for (move, image), found in zip(changing, members, strict=True):
        need(SUPPORTS[support_of(move).name].discrete, "{} is not discrete", move)
        inside = isinstance(found, Member) and found.term is image and found.support == support_of(move)
        need(inside, "{} may not be in {}", image, support_of(move))
    return Volume(moves, maps, ZERO)


@rule
def scalar_volume(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """|f'| of a bijection of one variable onto its own support, element by element.  Subject: the images.  Premises:
    the bijection, that it is defined."""
    (maps,) = cast(tuple[tuple[Mapped, ...]], subject)
    found, defined = premises
    if not isinstance(found, Bijection):
        raise Unproved("not a bijection")
    has_value(defined, found.body)
    need(maps == (Images((found.body,)),) and found.onto, "another map")
    own = of_support(support_of(found.input))
    need(own is not None and found.image == own, "it takes {} elsewhere than to {}", found.input, found.image)
    check_maps((found.input,), maps)
    need(
        all(s.data[0] in FIXED or s is found.input for s in found.body.symbols), "a map of something besides the state"
    )
    log_det = found.log_derivative
    if found.input.shape:
        log_det = reduce("sum", log_det) if log_det.shape else apply("multiply", literal(_size(found.input)), log_det)
    return Volume((found.input,), maps, log_det)


def _size(term: Term) -> Fraction:
    size = 1
    for extent in term.shape:
        size *= extent
    return Fraction(size)


def volume_of(premise: Fact | None, moves: tuple[Term, ...], maps: tuple[Mapped, ...]) -> Term:
    """log|det| of maps, as a premise says it; raises Unproved."""
    if not isinstance(premise, Volume) or (premise.moves, premise.maps) != (moves, maps):
        raise Unproved("a volume of another map")
    return premise.log_det


def deterministic_ratio(kernel: Deterministic, log_target: Term, log_det: Term) -> Term:
    """log π(f(x)) + log|det f'(x)| - log π(x), f(x) by the names it arrives under."""
    there = dict(zip(kernel.moves, kernel.arrives, strict=True))
    return minus(plus(substitute(log_target, there), log_det), log_target)


@rule
def involutive(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A deterministic proposal by an involution, accepted with g(r), r = π(f(x)) |det f'(x)| / π(x).

    Premises: the involution, its volume, that log π is a real number, and what `odds` wants of the probability."""
    kernel, log_target = cast(tuple[Deterministic, Term], subject)
    check_maps(kernel.moves, kernel.maps)
    need(set(kernel.moves) <= set(kernel.state), "what moves is not the state")
    need(
        all(a.data[0] == "draw" and a.shape == m.shape for a, m in zip(kernel.arrives, kernel.moves, strict=True)), "no"
    )
    need(len(set(kernel.arrives)) == len(kernel.moves), "two values of one name")
    accepts(kernel, {*kernel.state, *kernel.arrives})
    own, volume, finite, defined = premises
    need(isinstance(own, SelfInverse) and own.moves == kernel.moves and own.maps == kernel.maps, "not an involution")
    log_det = volume_of(volume, kernel.moves, kernel.maps)
    need(range_of(finite, log_target).within(REALS), "the target is not known to be positive")
    is_of_state(log_target, kernel.state)
    exchange = dict(zip((*kernel.moves, *kernel.arrives), (*kernel.arrives, *kernel.moves), strict=True))
    written: dict[Term, Term] = {}
    if len(kernel.maps) == 1 and isinstance(kernel.maps[0], Images):
        written = dict(zip(kernel.arrives, kernel.maps[0].images, strict=True))
        exchange = dict(zip(kernel.moves, kernel.maps[0].images, strict=True))
    ratio = substitute(deterministic_ratio(kernel, log_target, log_det), written)
    if not same(odds(kernel, exchange, written, defined), ratio):
        raise Unproved("the probability of acceptance does not have the derived ratio r")
    return Reversible(kernel, log_target)


def parts_of(move: Move) -> tuple[Move, ...]:
    """The transitions that a move is made of."""
    if isinstance(move, Sequence | Blend):
        return move.parts
    if isinstance(move, Aided):
        return (move.kernel,)
    return (move.part,) if isinstance(move, Repeated) else ()


def kernels(move: Move) -> Iterator[Kernel]:
    """The kernels that a move is made of, in order."""
    return (m for m in _within(move) if isinstance(m, Kernel))


def blends(move: Move) -> Iterator[Blend]:
    """The mixtures that a move is made of, the outermost first."""
    return (m for m in _within(move) if isinstance(m, Blend))


def _within(move: Move) -> Iterator[Move]:
    yield move
    for part in parts_of(move):
        yield from _within(part)
