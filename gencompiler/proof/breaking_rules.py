"""Rules that refute what is claimed of deterministic moves, of mixtures, and of compositions with a part that breaks.

If K_1 … K_(j-1) keep π and K_j does not, π K_1 … K_n = π is still possible, where what follows makes different measures
equal: a Gibbs step that draws all that K_j got wrong anew.  It is not where what follows keeps π and tells measures
apart: bijections; involutions accepted with min(1, r); a random walk with Gaussian steps accepted with min(1, r)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from fractions import Fraction
from typing import cast

from flint import arb, arb_mat

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.model.nodes import REAL
from gencompiler.proof import enclosure
from gencompiler.proof.calculus import ROUGH, derivative
from gencompiler.proof.chain_refutations import Point, box, chance, decided
from gencompiler.proof.chain_rules import (
    PROBABILITIES,
    Blend,
    Deterministic,
    Images,
    Kernel,
    Mapped,
    Move,
    NotReversible,
    NotStationary,
    Reversible,
    Sequence,
    Stationary,
    Times,
)
from gencompiler.proof.composite_rules import Volume, total_weight, volume_of
from gencompiler.proof.evaluate import evaluate
from gencompiler.proof.facts import Fact, InRange
from gencompiler.proof.flow_rules import Place, fixed_values, state_of, without_gradients
from gencompiler.proof.graph import Term, subterms, support_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.numbers import Values, ball
from gencompiler.proof.refute_rules import admissible
from gencompiler.proof.terms import ONE, ZERO

# -- deterministic moves ---------------------------------------------------------------------------------------------


@rule
def overtaken(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Where a map f takes more mass to f(x) than leaves it: π(x) a(x) / |det f'(x)| > π(f(x)) a(f(x)).

    Subject: the move, log of the measure, values of parameters, the place x.  Premises: the volume of f, where it moves
    anything continuous, then that a probability of acceptance that the spec states is in [0, 1]."""
    move, log_target, assignment, place = cast(tuple[Deterministic, Term, Place, Place], subject)
    log_det: Term = ZERO
    rest = premises
    if not all(SUPPORTS[support_of(m).name].discrete for m in move.moves):
        log_det, rest = volume_of(rest[0] if rest else None, move.moves, move.maps), rest[1:]

    def volume(start: Point) -> arb:
        return ball(evaluate(log_det, start)[0]).exp()

    _takes_more(move, log_target, assignment, place, rest, volume)
    return NotStationary(move, log_target)


@rule
def overtaken_nearby(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The same, with det f'(x) by derivatives: where it is not 0, f is one-to-one near x, and what it is elsewhere only
    brings more.

    Subject: the move, log of the measure, values of parameters, the place x.  Premise: that a probability of acceptance
    that the spec states is in [0, 1]."""
    move, log_target, assignment, place = cast(tuple[Deterministic, Term, Place, Place], subject)
    need(all(m.shape == () and support_of(m) == REAL for m in move.moves), "something besides numbers moves")

    def volume(start: Point) -> arb:
        return cast(arb, abs(_jacobian(move.maps, move.moves, start)[1]))

    _takes_more(move, log_target, assignment, place, premises, volume)
    return NotStationary(move, log_target)


def _jacobian(maps: tuple[Mapped, ...], moves: tuple[Term, ...], point: Point) -> tuple[Point, arb]:
    """Where maps take a point, and the determinant of their derivative there."""
    found = arb(1)
    for each in maps:
        for _ in range(each.count if isinstance(each, Times) else 1):
            if isinstance(each, Images):
                images = [without_gradients(i) for i in each.images]
                inner = [t for i in images for t in subterms(i) if t.arguments]
                smooth = all(t.operation == "apply" and t.data not in ROUGH for t in inner)
                need(smooth, "a map that may have no derivative")
                rows = [[ball(evaluate(derivative(i, m), point)[0]) for m in moves] for i in images]
                found = found * arb_mat(rows).det()
                values = tuple(evaluate(i, point) for i in images)
                point = {**point, **dict(zip(moves, values, strict=True))}
            else:
                point, own = _jacobian(each.maps, moves, point)
                found = found * own
    return point, found


def _takes_more(
    move: Deterministic,
    log_target: Term,
    assignment: Place,
    place: Place,
    premises: tuple[Fact, ...],
    volume: Callable[[Point], arb],
) -> None:
    """That a map takes more from a place than it leaves where it leads; raises Unproved."""
    here, rest = dict(place), list(premises)
    fixed_values(assignment, tuple(here))
    need(state_of(move, log_target) <= set(here), "a state without a value")
    if move.probability is not None and move.probability is not ONE:
        inside = rest.pop(0) if rest else None
        if not isinstance(inside, InRange) or inside.term is not move.probability:
            raise Unproved("it may be no probability")
        need(inside.interval.within(PROBABILITIES), "it may be no probability")

    def compute() -> bool:
        fixed: Point = dict(assignment)
        start: Point = {**fixed, **{s: box(support_of(s), v) for s, v in here.items()}}
        size = volume(start)
        need(bool(size > 0), "a map that may fold")
        stop = mapped(move.maps, move.moves, start)
        need(all(_inside(m, stop[m]) for m in move.moves), "a map out of the space")
        beyond = mapped(move.maps, move.moves, stop)
        arrives = dict(zip(move.arrives, move.moves, strict=True))
        out, back = (
            {**one, **{a: other[m] for a, m in arrives.items()}} for one, other in ((start, stop), (stop, beyond))
        )
        leaving = ball(evaluate(log_target, start)[0]).exp() / size * chance(move, out)
        staying = ball(evaluate(log_target, stop)[0]).exp() * chance(move, back)
        return bool(leaving > staying)

    need(decided(compute), "no more mass than there is")


@rule
def escapes(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A map that is always taken leaves the space.  Subject: the move, log of the measure, parameters, the place."""
    move, log_target, assignment, place = cast(tuple[Deterministic, Term, Place, Place], subject)
    here = dict(place)
    fixed_values(assignment, tuple(here))
    need(state_of(move, log_target) <= set(here) and move.probability is ONE, "it may be refused")

    def compute() -> bool:
        start: Point = {**dict(assignment), **{s: box(support_of(s), v) for s, v in here.items()}}
        evaluate(log_target, start)  # where the measure is positive
        stop = mapped(move.maps, move.moves, start)
        return any(_outside(m, stop[m]) for m in move.moves)

    need(decided(compute), "it may stay in the space")
    return NotStationary(move, log_target)


def mapped(maps: tuple[Mapped, ...], moves: tuple[Term, ...], point: Point) -> Point:
    """Where maps take a point."""
    for each in maps:
        for _ in range(each.count if isinstance(each, Times) else 1):
            if isinstance(each, Images):
                values = tuple(evaluate(i, point) for i in each.images)
                point = {**point, **dict(zip(moves, values, strict=True))}
            else:
                point = mapped(each.maps, moves, point)
    return point


def _inside(variable: Term, values: Fraction | Values) -> bool:
    """Whether values are surely in a variable's support."""
    own = SUPPORTS[support_of(variable).name]
    for value in cast(Values, values):
        if isinstance(value, Fraction) or own.discrete:
            if not (isinstance(value, Fraction) and admissible(support_of(variable), value)):
                return False
        elif not all(admissible(support_of(variable), Fraction(e)) for e in enclosure.bounds_of(value)):
            return False
    return True


def _outside(variable: Term, values: Fraction | Values) -> bool:
    """Whether a value is surely outside a variable's support, an interval or whole numbers."""
    support = support_of(variable)
    for value in cast(Values, values):
        if isinstance(value, Fraction):
            if not admissible(support, value):
                return True
            continue
        ends = enclosure.bounds_of(value)
        low, high = (admissible(support, Fraction(e)) for e in ends)
        middle = admissible(support, (Fraction(ends[0]) + Fraction(ends[1])) / 2)
        if not (low or high or middle) and not SUPPORTS[support.name].discrete:
            return True
    return False


@rule
def not_kept(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Detailed balance with a measure keeps it: what does not keep it is in no balance with it."""
    (found,) = premises
    if not isinstance(found, NotStationary):
        raise Unproved("it may keep the measure")
    return NotReversible(found.kernel, found.log_target)


@rule
def lost_share(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A mixture whose weights are numbers and do not sum to 1 does not keep how much mass there is.

    Subject: the move, log of the measure."""
    move, log_target = cast(tuple[Blend, Term], subject)
    need(not premises and all(not w.symbols for w in move.weights), "weights that are not numbers")

    def compute() -> bool:
        (total,) = evaluate(total_weight(move.weights), {})
        return bool(ball(total) < 1) or bool(ball(total) > 1)

    need(decided(compute), "the weights may sum to 1")
    return NotStationary(move, log_target)


# -- compositions ----------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Separating(Fact):
    """The move keeps exp(log_target), and makes no two different measures equal; with `bounded`, none of those whose
    densities with respect to exp(log_target) are bounded."""

    kernel: Move
    log_target: Term
    bounded: bool


@rule
def separating_map(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A bijection that is always taken.  Premises: that it keeps the measure, and its volume."""
    kept, volume = premises
    if not isinstance(kept, Stationary) or not isinstance(kept.kernel, Deterministic) or not isinstance(volume, Volume):
        raise Unproved("not a map that keeps the measure")
    own = kept.kernel
    need(own.probability is ONE, "a map that is not always taken")
    need((volume.moves, volume.maps) == (own.moves, own.maps), "a volume of another map")
    return Separating(own, kept.log_target, False)


@rule
def separating_involution(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """An involution f accepted with min(1, r): between x and f(x), of which one goes over for certain, the
    probabilities form a matrix of determinant 1 - a(x) - a(f(x)) = -min(r, 1 / r).  Premise: detailed balance."""
    (found,) = premises
    own = found.kernel if isinstance(found, Reversible) else None
    need(isinstance(own, Deterministic) and own.probability is None, "not accepted with the derived ratio")
    assert isinstance(found, Reversible)
    return Separating(found.kernel, found.log_target, False)


@rule
def separating_walk(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A random walk with Gaussian steps accepted with min(1, r) (Baxendale, *Annals of Applied Probability* 2005,
    lemma 3.1).

    Of h bounded, <K h, h> is ∫ h^2 ρ π, ρ the probability to stay, plus ∫∫ min(π(x), π(y)) q(x - y) h(x) h(y), which is
    ∫∫ (∫ 1[t < π(x)] g(x - z) h(x) dx)^2 dz dt >= 0, as q = g * g.  ρ > 0, as π has a finite mass; so K h = 0 only for
    h = 0.  Premise: detailed balance."""
    (found,) = premises
    own = found.kernel if isinstance(found, Reversible) else None
    if not isinstance(own, Kernel) or own.probability is not None or len(own.proposals) != 1:
        raise Unproved("not accepted with the derived ratio")
    assert isinstance(found, Reversible)
    (proposal,) = own.proposals
    law = proposal.law
    need(law.family == "Normal" and not proposal.place and proposal.noise is None, "no Gaussian steps")
    mean, scale = law.arguments
    need(mean is proposal.moves and support_of(proposal.moves) == REAL, "no steps from where it is")
    need(proposal.moves not in scale.symbols, "steps that depend on where it is")
    return Separating(own, found.log_target, True)


@rule
def part_breaks(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A composition does not keep a measure if all parts before one keep it, that one does not, and those after it keep
    it and tell measures apart.

    Subject: how many parts come before.  Premises: of these, that they keep it; that the next does not; of those
    after it, that they are separating; where one of these is so for bounded densities, that each branch of the part
    that breaks, a mixture, keeps the measure: then the density is at most the number of branches."""
    (count,) = cast(tuple[int], subject)
    before, rest = premises[:count], premises[count:]
    need(bool(rest) and all(isinstance(p, Stationary) for p in before), "a part that is not known to keep it")
    broken = rest[0]
    if not isinstance(broken, NotStationary):
        raise Unproved("no part is known to break it")
    target = broken.log_target
    after = [p for p in rest[1:] if isinstance(p, Separating)]
    branches = [p.kernel for p in rest[1:] if isinstance(p, Stationary) and p.log_target is target]
    kept = [p for p in before if isinstance(p, Stationary)]
    measures = [*(p.log_target for p in kept), *(p.log_target for p in after)]
    need(all(m is target for m in measures), "parts that are about different measures")
    need(bool(kept or after), "a single part")
    if any(p.bounded for p in after):
        own = broken.kernel
        need(isinstance(own, Blend) and all(p in branches for p in own.parts), "a density that may have no bound")
    parts = (*(p.kernel for p in kept), broken.kernel, *(p.kernel for p in after))
    return NotStationary(Sequence(parts), target)
