"""Rules that refute claims about transition operators, on small boxes around points, so that null sets cannot
matter."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

from flint import arb, ctx

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import enclosure
from gencompiler.proof.chain_rules import (
    Kernel,
    NotReversible,
    NotStationary,
    log_proposal,
    swap,
    well_formed,
)
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Term, apply, literal, substitute, support_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.numbers import Number, Undecided, Values, ball
from gencompiler.proof.refute_rules import Assignment, admissible
from gencompiler.proof.terms import ONE

#: Half the width of the boxes that stand for single points.
RADIUS = Fraction(1, 2**40)
Point = dict[Term, Fraction | Values]


def _box(support: Support, values: Values, radius: Fraction) -> Values:
    """Balls around the values of a continuous variable; values of a discrete one as they are."""
    need(all(isinstance(v, Fraction) and admissible(support, v) for v in values), "not a state")
    if support != REAL:
        need(support.name in ("Binary", "Integer", "Category"), "a state over {}", support)
        return values
    return tuple(arb(ball(v), ball(radius)) for v in values)


def _boxes(kernel: Kernel, places: tuple[Values, ...], radius: Fraction, *, drawn: bool) -> Point:
    """Boxes for the state, or for what is drawn, one place for each proposal."""
    symbols = [p.drawn if drawn else p.moves for p in kernel.proposals]
    return {s: _box(support_of(s), v, radius) for s, v in zip(symbols, places, strict=True)}


def chance(kernel: Kernel, point: Point) -> arb:
    """The probability of acceptance; raises Undecided where it is not known to be one."""
    if kernel.probability is ONE:
        return arb(1)
    own = kernel.probability
    if own is None:
        own = apply("min", literal(1), apply("exp", cast(Term, kernel.log_ratio)))
    found = ball(evaluate(own, point)[0])
    if not 0 <= found <= 1:
        raise Undecided("a probability outside [0, 1]")
    return found


def log_flow(kernel: Kernel, log_target: Term, point: Point) -> arb:
    """log π(x) + log q(y | x)"""
    return ball(evaluate(log_target, point)[0]) + ball(evaluate(log_proposal(kernel), point)[0])


@rule
def unbalanced(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Two points around which the flows differ.  Subject: the kernel, the target, parameters, state and proposal.

    Premises: the laws of the proposals are admissible."""
    kernel, log_target, assignment, here, there = cast(
        tuple[Kernel, Term, Assignment, tuple[Values, ...], tuple[Values, ...]], subject
    )
    _ready(kernel, log_target, assignment, premises)
    need(here != there, "two different points")
    exchange = swap(kernel)
    try:
        with ctx.workprec(enclosure.PRECISION):
            point: Point = dict(assignment)
            point |= _boxes(kernel, here, RADIUS, drawn=False) | _boxes(kernel, there, RADIUS, drawn=True)
            back: Point = {exchange.get(s, s): v for s, v in point.items()}
            out, home = (log_flow(kernel, log_target, p).exp() * chance(kernel, p) for p in (point, back))
            need(bool(out < home) or bool(home < out), "the flows may be equal")
    except (Undecided, Undefined) as problem:
        raise Unproved(str(problem)) from None
    return NotReversible(kernel, log_target)


def _ready(kernel: Kernel, log_target: Term, assignment: Assignment, premises: tuple[Fact, ...]) -> None:
    well_formed(kernel, log_target)
    need(list(premises) == [p.law for p in kernel.proposals], "a proposal that is not known to be admissible")
    need(all(s.data[0] == "parameter" and admissible(support_of(s), v) for s, v in assignment), "not parameters")
    need(all(not p.place and p.noise is None for p in kernel.proposals), "a proposal of another form")
    need({p.moves for p in kernel.proposals} == _moving(kernel, log_target), "a state that moves only in part")


def _moving(kernel: Kernel, log_target: Term) -> set[Term]:
    """The variables that the target, or the proposals, depend on."""
    named = log_target.symbols.union(*(a.symbols for p in kernel.proposals for a in p.law.arguments))
    return {p.moves for p in kernel.proposals} | {s for s in named if s in kernel.state}


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

    For y in a small box, ∫ π(x) q(y | x) a(x, y) dx over a box of x is at least its volume times the smallest
    integrand; where that exceeds π(y), π is not invariant, whatever its total mass and its moments. Subject: the
    kernel, the target, parameters, the centre and the radius of the box of x, the centre of that of y, and, of a
    state of one number, into how many pieces the box is cut: their integrals add up."""
    kernel, log_target, assignment, here, radius, there, pieces = cast(
        tuple[Kernel, Term, Assignment, tuple[Values, ...], Fraction, tuple[Values, ...], int], subject
    )
    _ready(kernel, log_target, assignment, premises)
    need(radius > 0 and all(support_of(p.moves) == REAL for p in kernel.proposals), "a state that is not continuous")
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
                inflow = inflow + ball(flow).exp()
            need(bool(inflow > 1), "no more mass than there is")
    except (Undecided, Undefined) as problem:
        raise Unproved(str(problem)) from None
    return NotStationary(kernel, log_target)
