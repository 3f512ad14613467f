"""Rules that refute claims about transition operators, on small boxes around points, so that null sets cannot
matter."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import cast

from flint import arb, ctx

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import enclosure
from gencompiler.proof.chain_rules import (
    Deterministic,
    Kernel,
    NotStationary,
    accepted,
    is_map,
    log_proposal,
    swap,
    well_formed,
)
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Term, substitute, support_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.numbers import Number, Undecided, Values, ball
from gencompiler.proof.refute_rules import Assignment, admissible
from gencompiler.proof.terms import ONE

#: Half the width of the boxes that stand for single points.
RADIUS = Fraction(1, 2**40)
#: Supports that hold what is between two of their values.
CONVEX = ("Real", "Positive", "NonNegative", "Unit", "Interval", "Open")
Point = dict[Term, Fraction | Values]


def box(support: Support, values: Values, radius: Fraction = RADIUS) -> Values:
    """Balls around the values of a continuous variable; values of a discrete one as they are."""
    need(all(isinstance(v, Fraction) and admissible(support, v) for v in values), "not a state")
    if SUPPORTS[support.name].discrete:
        return values
    inside = all(admissible(support, v + e) for v in values if isinstance(v, Fraction) for e in (radius, -radius))
    need(support.name in CONVEX and inside, "a box that leaves {}", support)
    return tuple(arb(ball(v), ball(radius)) for v in values)


def _boxes(kernel: Kernel, places: tuple[Values, ...], radius: Fraction, *, drawn: bool) -> Point:
    """Boxes for the state, or for what is drawn, one place for each proposal."""
    symbols = [p.drawn if drawn else p.moves for p in kernel.proposals]
    return {s: box(support_of(s), v, radius) for s, v in zip(symbols, places, strict=True)}


def chance(kernel: Kernel | Deterministic, point: Point) -> arb:
    """The probability of acceptance; raises Undecided where it is not known to be one."""
    if kernel.probability is ONE:
        return arb(1)
    own, ratio = kernel.probability, accepted(kernel)
    if own is None or (own.operation == "apply" and own.data == "min" and ratio is not None):
        term, is_log = cast(tuple[Term, bool], ratio)
        value = ball(evaluate(term, point)[0])
        return _least_of_one(value.exp() if is_log else value)
    found = ball(evaluate(own, point)[0])
    if not 0 <= found <= 1:
        raise Undecided("a probability outside [0, 1]")
    return found


def _least_of_one(ratio: arb) -> arb:
    """min(1, r)"""
    if not ratio >= 0:
        raise Undecided("a ratio that may be negative")
    if ratio >= 1:
        return arb(1)
    return ratio if ratio <= 1 else arb(ratio.lower()).union(arb(1))


def log_flow(kernel: Kernel, log_target: Term, point: Point) -> arb:
    """log π(x) + log q(y | x)"""
    return ball(evaluate(log_target, point)[0]) + ball(evaluate(log_proposal(kernel), point)[0])


def decided(compute: Callable[[], bool]) -> bool:
    """What a computation with balls says; raises Unproved where it says nothing."""
    try:
        with ctx.workprec(enclosure.PRECISION):
            return compute()
    except (Undecided, Undefined, OverflowError) as problem:
        raise Unproved(str(problem)) from None


def ready(kernel: Kernel, premises: tuple[Fact, ...]) -> None:
    """That the laws of a kernel are admissible, and what is made of noise a bijection of it; raises Unproved."""
    laws, maps = premises[: len(kernel.proposals)], premises[len(kernel.proposals) :]
    need(list(laws) == [p.law for p in kernel.proposals], "a proposal that is not known to be admissible")
    pushed = [p for p in kernel.proposals if p.noise is not None]
    need(len(maps) == len(pushed), "a proposal that is not known to be a bijection")
    for proposal, found in zip(pushed, maps, strict=True):
        is_map(proposal, found)


def _ready(kernel: Kernel, log_target: Term, assignment: Assignment, premises: tuple[Fact, ...]) -> None:
    well_formed(kernel, log_target)
    ready(kernel, premises)
    need(all(s.data[0] == "parameter" and admissible(support_of(s), v) for s, v in assignment), "not parameters")
    need(all(not p.place for p in kernel.proposals), "a proposal of another form")
    need({p.moves for p in kernel.proposals} == _moving(kernel, log_target), "a state that moves only in part")


def _moving(kernel: Kernel, log_target: Term) -> set[Term]:
    """The variables that the target, or the proposals, depend on."""
    written = [t for p in kernel.proposals for t in (*p.law.arguments, p.body) if t is not None]
    named = log_target.symbols.union(*(t.symbols for t in written))
    return {p.moves for p in kernel.proposals} | {s for s in named if s in kernel.state}


def _staying(kernel: Kernel, point: Point, volume: arb) -> arb:
    """∫ q(x | y) (1 - a(y, x)) dx over a box of x, at least: what stays at y of the mass that is there."""
    if kernel.probability is ONE:
        return arb(0)
    exchange = swap(kernel)
    back: Point = {exchange.get(s, s): v for s, v in point.items()}
    try:
        refused = 1 - chance(kernel, back)
        density = (volume + ball(evaluate(log_proposal(kernel), back)[0])).exp()
    except (Undecided, Undefined):
        return arb(0)
    return density * refused if bool(refused > 0) else arb(0)


#: Into how many pieces a box is cut at most.
MOST_PIECES = 256


def _centres(here: tuple[Values, ...], radius: Fraction, pieces: int) -> list[tuple[Values, ...]]:
    """The centres of the pieces of a box."""
    if pieces == 1:
        return [here]
    ((middle,),) = here
    need(isinstance(middle, Fraction), "not a place")
    assert isinstance(middle, Fraction)
    return [((middle - radius + (2 * k + 1) * radius / pieces,),) for k in range(pieces)]


@rule
def gain(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A small box of the state space that one step sends more mass into than it holds.

    For y in a small box, what arrives, ∫ π(x) q(y | x) a(x, y) dx over a box of x, and what stays where it was,
    π(y) ∫ q(x | y) (1 - a(y, x)) dx, are at least its volume times the smallest integrands; where their sum exceeds
    π(y), π is not invariant, whatever its total mass and its moments.  Subject: the kernel, the target, parameters,
    the centre and the radius of the box of x, the centre of that of y, and, of a state of one number, into how many
    pieces the box is cut: their integrals add up.  Premises: the laws of the proposals are admissible, and those that
    are made of noise are bijections of it."""
    kernel, log_target, assignment, here, radius, there, pieces = cast(
        tuple[Kernel, Term, Assignment, tuple[Values, ...], Fraction, tuple[Values, ...], int], subject
    )
    _ready(kernel, log_target, assignment, premises)
    continuous = all(support_of(p.moves) in (REAL, Support("Positive")) for p in kernel.proposals)
    need(radius > 0 and continuous, "a state that is not continuous")
    count = sum(len(x) for x in here)
    need(pieces == 1 or (count == 1 and 1 < pieces <= MOST_PIECES), "too many pieces")
    moved = substitute(log_target, {p.moves: p.drawn for p in kernel.proposals})
    own = radius / pieces
    try:
        with ctx.workprec(enclosure.PRECISION):
            target: Point = {**dict(assignment), **_boxes(kernel, there, RADIUS, drawn=True)}
            held = ball(evaluate(moved, target)[0])
            volume = ball(2 * own).log() * count
            inflow = arb(0)
            for centre in _centres(here, radius, pieces):
                point = {**target, **_boxes(kernel, centre, own, drawn=False)}
                flow: Number = volume + log_flow(kernel, log_target, point) + chance(kernel, point).log() - held
                inflow = inflow + ball(flow).exp() + _staying(kernel, point, volume)
            need(bool(inflow > 1), "no more mass than there is")
    except (Undecided, Undefined) as problem:
        raise Unproved(str(problem)) from None
    return NotStationary(kernel, log_target)
