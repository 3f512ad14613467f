"""Rules that refute what is claimed of a transition by what flows between places: there and back, and in and out.

A step K keeps π only if no place gains: (πK)(y) <= π(y) almost everywhere.  What arrives at y is at least

    ∫ π(x) w(x) q(y | x) a(x, y) dx + π(y) w(y) ∫ q(z | y) (1 - a(y, z)) dz

over any bounded range, summed over the branches of a mixture with weights w: proposals q that are accepted with
probability a, and what stays where it is because its own proposal is refused.  Everything is continuous in y, so that
what holds at one place holds around it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import cast

from flint import arb, ctx

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.model.nodes import Real, Support
from gencompiler.proof import enclosure
from gencompiler.proof.balancing import log_of, plain
from gencompiler.proof.binders import replaced
from gencompiler.proof.calculus import derivative
from gencompiler.proof.chain_refutations import Point, box, chance, decided, ready
from gencompiler.proof.chain_rules import (
    FIXED,
    PROBABILITIES,
    Blend,
    Deterministic,
    Kernel,
    Move,
    NotReversible,
    NotStationary,
    Orbit,
    Proposal,
    Repeated,
    Sequence,
    accepted,
    log_proposal,
    well_formed,
)
from gencompiler.proof.complex_balls import integral
from gencompiler.proof.composite_rules import blends, kernels, moved
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.facts import Fact, InRange, Member
from gencompiler.proof.graph import (
    Term,
    apply,
    build,
    gradient_parts,
    is_finite,
    literal,
    substitute,
    subterms,
    support_of,
    symbol,
)
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.numbers import Undecided, Values, ball
from gencompiler.proof.refute_rules import admissible, continuous
from gencompiler.proof.ring import Ring, written
from gencompiler.proof.terms import ONE, ZERO, minus, plus, times

#: Values for a symbol: one for each element.
Place = tuple[tuple[Term, Values], ...]
Range = tuple[Fraction, Fraction]
Ranges = tuple[tuple[Term, Range], ...]
#: Of a sum over whole numbers, the most terms.
MOST_TERMS = 256
#: Of an integral, how precise it is, and how often its body is evaluated at most.
DIGITS = 12
EVALUATIONS = 500


def fixed_values(assignment: Place, state: tuple[Term, ...]) -> None:
    """Values for what a move may depend on besides its state; raises Unproved."""
    for own, values in assignment:
        need(own.operation == "symbol" and own.data[0] in FIXED and own not in state, "{} is not free", own)
        need(all(admissible(support_of(own), v) for v in values), "{} cannot have these values", own)


def state_of(move: Move, log_target: Term, extra: tuple[Term, ...] = ()) -> set[Term]:
    """The variables that a move and a measure are about."""
    state: set[Term] = set()
    for part in (move, *kernels(move)):
        if isinstance(part, Kernel | Deterministic | Orbit | Blend):
            state |= set(part.state)
    named = log_target.symbols.union(*(t.symbols for t in extra))
    return {s for s in state if s in named} | set(moved(move))


def _premised(move: Move, premises: tuple[Fact, ...]) -> list[Fact]:
    """That the laws and maps of all kernels are what the premises say; what is left of these; raises Unproved."""
    left = list(premises)
    for kernel in kernels(move):
        count = len(kernel.proposals) + sum(p.noise is not None for p in kernel.proposals)
        ready(kernel, tuple(left[:count]))
        left = left[count:]
    return left


# -- there and back --------------------------------------------------------------------------------------------------


@rule
def unbalanced(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Two places between which the flows differ: π(x) k(x, y) and π(y) k(y, x).

    In a sequence each variable moves once at most, so that there is one way from x to y where all of them change.
    Subject: the move, the target, values of parameters, of the state, and of the state after the move.  Premises: the
    laws of the proposals are admissible, and those that are made of noise are bijections of it, kernel by kernel."""
    move, log_target, assignment, here, there = cast(tuple[Move, Term, Place, Place, Place], subject)
    need(not _premised(move, premises), "premises of something else")
    for kernel in kernels(move):
        well_formed(kernel, log_target)
    one, other = dict(here), dict(there)
    fixed_values(assignment, tuple(one))
    changing = moved(move)
    need(set(one) == set(other) >= state_of(move, log_target), "a state without a value")
    need(all((one[s] != other[s]) == (s in changing) for s in one), "a variable that does not move, or stays")

    def compute() -> bool:
        fixed: Point = dict(assignment)
        points = [{**fixed, **{s: box(support_of(s), v) for s, v in at.items()}} for at in (one, other)]
        flows = []
        for start, stop in (points, points[::-1]):
            mass = ball(evaluate(log_target, start)[0]).exp()
            flows.append(mass * _one_way(move, start, stop))
        return bool(flows[0] < flows[1]) or bool(flows[1] < flows[0])

    need(decided(compute), "the flows may be equal")
    return NotReversible(move, log_target)


def _one_way(move: Move, start: Point, stop: Point) -> arb:
    """The density of going from a place to another in one step, all that moves being elsewhere there."""
    match move:
        case Kernel():
            need(all(not p.place for p in move.proposals), "a proposal of an element")
            point = {**start, **{p.drawn: stop[p.moves] for p in move.proposals}}
            return ball(evaluate(log_proposal(move), point)[0]).exp() * chance(move, point)
        case Sequence(parts=parts):
            own = [moved(p) for p in parts]
            need(all(not a & b for a, b in itertools.combinations(own, 2)), "a variable that moves twice")
            density, here = arb(1), start
            for part, changed in zip(parts, own, strict=True):
                there = {**here, **{s: stop[s] for s in changed}}
                density, here = density * _one_way(part, here, there), there
            return density
        case Repeated(index=None, count=1, part=part):
            return _one_way(part, start, stop)
        case Blend(weights=weights, parts=parts):
            need(all(moved(p) == moved(move) for p in parts), "branches that move different variables")
            return sum(
                (ball(evaluate(w, start)[0]) * _one_way(p, start, stop) for w, p in zip(weights, parts, strict=True)),
                arb(0),
            )
    raise Unproved("a move of another form")


# -- in and out ------------------------------------------------------------------------------------------------------


@rule
def surplus(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A place that one step brings more mass to than the measure holds there, by integrals over a bounded range.

    Subject: the move, a kernel that moves one number or a mixture of such; log of the measure; values of parameters;
    the place; a range for what moves.  Premises: laws and maps as for `unbalanced`, then that each weight of a mixture
    is at least 0, then that each probability of acceptance that the spec states is in [0, 1]."""
    move, log_target, assignment, place, ranges = cast(tuple[Move, Term, Place, Place, Ranges], subject)
    left = _premised(move, premises)
    here = dict(place)
    fixed_values(assignment, tuple(here))
    branches = list(_branches(move, ONE))
    weights = [w for w, _ in branches if w is not ONE]
    need(state_of(move, log_target, tuple(weights)) <= set(here), "a state without a value")
    need(all(len(v) == 1 and admissible(support_of(s), v[0]) for s, v in here.items()), "not a place")
    need(all(len(v) == 1 for _, v in assignment), "a parameter that is no number")
    known = {f.term: f for f in left if isinstance(f, Member | InRange)}
    for weight in {f for part in blends(move) for f in part.weights}:
        own = known.get(weight)
        need(isinstance(own, Member) and own.support.name == "NonNegative", "a weight that may be negative")
    for _, kernel in branches:
        well_formed(kernel, log_target)
        if kernel.probability is not None and kernel.probability is not ONE:
            inside = known.get(kernel.probability)
            need(isinstance(inside, InRange) and inside.interval.within(PROBABILITIES), "it may be no probability")
    values = {s: literal(v) for s, (v,) in (*assignment, *place)}
    try:
        arrived = sum((_arriving(k, w, log_target, values, dict(ranges)) for w, k in branches), Fraction(0))
    except (Undecided, Undefined, OverflowError) as problem:
        raise Unproved(str(problem)) from None
    need(arrived > 1, "no more mass than there is")
    return NotStationary(move, log_target)


def _branches(move: Move, weight: Term) -> Iterator[tuple[Term, Kernel]]:
    """The kernels that a mixture chooses from, each with its probability."""
    if isinstance(move, Blend):
        for own, part in zip(move.weights, move.parts, strict=True):
            yield from _branches(part, own if weight is ONE else times(weight, own))
        return
    if not isinstance(move, Kernel):
        raise Unproved("a branch that is no proposal")
    yield weight, move


def _arriving(
    kernel: Kernel, weight: Term, log_target: Term, values: Mapping[Term, Term], ranges: Mapping[Term, Range]
) -> Real:
    """How much comes to a place through one kernel, at least, as a part of what is there."""
    proposal = _only(kernel)
    own, drawn = proposal.moves, proposal.drawn
    need(own in ranges, "no range for {}", own)
    rest = {s: v for s, v in values.items() if s is not own}
    other = symbol("integral", "elsewhere", support_of(own))
    density, (ratio, factor) = log_proposal(kernel), _probability(kernel)
    gap = minus(log_target, substitute(log_target, {own: values[own]}))
    moving = [s for s in (*values, drawn) if not SUPPORTS[support_of(s).name].discrete]
    for term in (weight, factor, ratio, plus(gap, density)):
        need(all(continuous(term, s) for s in moving), "a function that may jump")

    def at(term: Term, here: Mapping[Term, Term]) -> Term:
        return simplified(substitute(without_gradients(term), here))

    inward = {**rest, own: other, drawn: values[own]}
    flow = [at(plus(plus(gap, density), r), inward) for r in dict.fromkeys((ZERO, ratio))]
    coming = times(substitute(times(weight, factor), inward), apply("exp", _least(flow)))
    found = total_over(coming, other, values[own].data, support_of(own), ranges[own])
    if kernel.probability is not ONE:
        outward = {**values, drawn: other}
        chance = times(apply("exp", _least([at(r, outward) for r in dict.fromkeys((ZERO, ratio))])), factor)
        refused = times(times(weight, apply("exp", at(density, outward))), minus(ONE, chance))
        found += total_over(substitute(refused, outward), other, values[own].data, support_of(own), ranges[own])
    return found


def _least(terms: list[Term]) -> Term:
    return terms[0] if len(terms) == 1 else apply("min", *terms)


def simplified(term: Term) -> Term:
    """A sum in its normal form: what cancels is gone, so that it is enclosed tightly."""
    return written(Ring().normal(term))


def _only(kernel: Kernel) -> Proposal:
    need(len(kernel.proposals) == 1, "several proposals at once")
    (proposal,) = kernel.proposals
    need(not proposal.place and not proposal.moves.shape, "a proposal of more or less than a number")
    return proposal


def _probability(kernel: Kernel) -> tuple[Term, Term]:
    """A probability of acceptance as min(1, exp(r)) times f: r and f, where r is 0 if there is no such minimum."""
    own = kernel.probability
    if own is None:
        need(kernel.log_ratio is not None, "nothing says what is accepted")
        assert kernel.log_ratio is not None
        return kernel.log_ratio, ONE
    own = plain(own)
    ratio = accepted(dataclasses.replace(kernel, probability=own))
    if ratio is None or own is ONE or (own.operation == "apply" and own.data == "sigmoid"):
        return ZERO, own
    term, is_log = ratio
    return term if is_log else log_of(term), ONE


def total_over(body: Term, other: Term, here: Fraction, support: Support, ends: Range) -> Real:
    """The integral, or the sum, of a body that is nowhere negative, over a range, at least."""
    body = without_gradients(body)
    low, high = ends
    found: Real = Fraction(0)
    need(low <= high and admissible(support, low) and admissible(support, high), "a range of something else")
    if not SUPPORTS[support.name].discrete:
        bent = any(t.operation == "apply" and t.data in ("min", "max") for t in subterms(body))
        digits = DIGITS if bent else 4 * DIGITS
        for start, stop in itertools.pairwise(_cuts(here, low, high)):
            with contextlib.suppress(Unproved):  # nothing is negative: what is not enclosed is left out
                part = integral(body, other, start, stop, digits=digits, evaluations=EVALUATIONS)
                found += max(Fraction(part[0]), Fraction(0)) if is_finite(part[0]) else 0
        return found
    need(high - low < MOST_TERMS, "too many terms")
    with ctx.workprec(enclosure.PRECISION):
        for value in range(int(low), int(high) + 1):
            if admissible(support, Fraction(value)):
                found += max(_least_value(body, {other: Fraction(value)}), Fraction(0))
    return found


def _least_value(body: Term, point: Mapping[Term, Fraction]) -> Real:
    """A lower bound of a body at a point: where two numbers are too close to say which is smaller, with either."""
    try:
        (found,) = evaluate(body, point)
    except Undecided:
        close = next((t for t in subterms(body) if t.operation == "apply" and t.data == "min"), None)
        if close is None:
            raise
        return min(_least_value(replaced(body, {close: a}), point) for a in close.arguments)
    return found if isinstance(found, Fraction) else enclosure.bounds_of(found)[0]


def _cuts(here: Fraction, low: Fraction, high: Fraction) -> list[Fraction]:
    """A range in pieces, shorter near a place: a ratio is 1 there, and its minimum with 1 bends."""
    steps = [Fraction(0), *(s * Fraction(2) ** k for k in range(4) for s in (1, -1))]
    found = {low, high, *(here + s for s in steps), -here}
    return sorted(c for c in found if low <= c <= high)


def without_gradients(term: Term) -> Term:
    """A term with its gradients written out, of functions of one number; raises Unproved."""
    if term.operation == "gradient":
        body, formals, actuals = gradient_parts(term)
        need(not formals[0].shape, "the gradient of a function of a vector")
        slope = derivative(without_gradients(body), formals[0])
        return substitute(slope, {f: without_gradients(a) for f, a in zip(formals, actuals, strict=True)})
    if not term.arguments:
        return term
    return build(term.operation, term.data, tuple(map(without_gradients, term.arguments)))
