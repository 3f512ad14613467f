"""Rules about where draws that are always taken, one after another, bring a measure: an integral over all ways there.

K = K_1 … K_n, each of which draws variables from laws q_k that read what the state is by then, brings π to

    (πK)(y) = ∫ π(x) Π_k q_k(z_k | x, z_1, …, z_(k-1)) dx dz

over where the way starts, x, and what is drawn on it and drawn again later, z; what nothing moves is what it was.  So a
sweep of Gibbs draws may keep π although one of them is not from its conditional, and breaks it where the integral is
larger than π(y): both are settled by the integral, in closed form, and not draw by draw.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import cast

from gencompiler.catalog.supports import COUPLED, SUPPORTS
from gencompiler.model.nodes import Real
from gencompiler.proof import enclosure
from gencompiler.proof import exponentials as ex
from gencompiler.proof.chain_rules import (
    FIXED,
    Aided,
    Kernel,
    Move,
    NotStationary,
    Reversible,
    Sequence,
    Stationary,
    log_law,
    log_proposal,
    positive_everywhere,
    same,
    swap,
    well_formed,
)
from gencompiler.proof.components import component
from gencompiler.proof.density_facts import HasMass
from gencompiler.proof.domain import REALS
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.facts import Fact
from gencompiler.proof.flow_rules import Place, Range, fixed_values, state_of, total_over, without_gradients
from gencompiler.proof.graph import Malformed, Term, apply, literal, name_of, substitute, support_of, symbol
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.mass_rules import elements, from_premises, mass, scalar
from gencompiler.proof.numbers import Undecided, Values
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.refute_rules import admissible, continuous
from gencompiler.proof.structure import Admissible
from gencompiler.proof.terms import ONE, minus, plus

Aids = tuple[tuple[Term, Admissible], ...]


def draws(move: Move) -> tuple[tuple[Aids, Kernel], ...]:
    """The kernels that a move consists of, one after another, each of which is always taken, with the draws that each
    begins with; raises Unproved."""
    parts = move.parts if isinstance(move, Sequence) else (move,)
    found = []
    for part in parts:
        kernel = part.kernel if isinstance(part, Aided) else part
        if not isinstance(kernel, Kernel):
            raise Unproved("something besides draws")
        need(kernel.probability is ONE, "a proposal that may be refused")
        need(all(not p.place and p.noise is None for p in kernel.proposals), "a proposal of another form")
        aids = part.aids if isinstance(part, Aided) else ()
        need(all(map(positive_everywhere, laws_of(aids, kernel))), "a law with holes")
        found.append((aids, kernel))
    return tuple(found)


def laws_of(aids: Aids, kernel: Kernel) -> list[Admissible]:
    """The laws that are drawn from, in order."""
    return [*(law for _, law in aids), *(p.law for p in kernel.proposals)]


def _well_formed(aids: Aids, kernel: Kernel, log_target: Term) -> None:
    """Draws beside the state that read it and each other, then a kernel that reads both; raises Unproved."""
    known = set(kernel.state)
    for drawn, law in aids:
        read = {s for a in law.arguments for s in a.symbols if s.data[0] not in FIXED}
        need(read <= known, "a draw that depends on something besides the state")
        need(drawn.operation == "symbol" and drawn.data[0] == "draw" and drawn not in known, "two draws of one name")
        need((support_of(drawn), drawn.shape) == (law.event, law.shape), "a draw of another kind")
        known.add(drawn)
    own = frozenset(drawn for drawn, _ in aids)
    need(not own & {p.drawn for p in kernel.proposals}, "two draws of one name")
    well_formed(kernel, log_target, own)


def always_taken(move: Move) -> bool:
    """Whether a move consists of draws that are always taken."""
    try:
        return bool(draws(move))
    except Unproved:
        return False


def ways(move: Move, log_target: Term) -> tuple[tuple[Term, ...], Term]:
    """What is integrated over, and log of π(x) Π q, in which a state variable is where the way ends; raises Unproved.

    Where it starts and what is drawn on the way have symbols of their own, `x before` and `x on the way 1`."""
    steps = draws(move)
    for aids, kernel in steps:
        _well_formed(aids, kernel, log_target)
    last = {p.moves: (k, j) for k, (_, own) in enumerate(steps) for j, p in enumerate(own.proposals)}
    here = {s: symbol("integral", f"{name_of(s)} before", support_of(s), s.shape) for s in last}
    found, between = substitute(log_target, here), list(here.values())
    for k, (aids, kernel) in enumerate(steps):
        drawn: dict[Term, Term] = {}
        for aid, law in aids:
            drawn[aid] = symbol("integral", f"{name_of(aid)} beside {k}", support_of(aid), aid.shape)
            between.append(drawn[aid])
            found = plus(found, substitute(log_law(law, aid), {**here, **drawn}))
        for j, proposal in enumerate(kernel.proposals):
            own = proposal.moves
            ends = last[own] == (k, j)
            name = f"{name_of(own)} on the way {k}"
            drawn[proposal.drawn] = own if ends else symbol("integral", name, support_of(own), own.shape)
            between += [] if ends else [drawn[proposal.drawn]]
            found = plus(found, substitute(log_law(proposal.law, proposal.drawn), {**here, **drawn}))
        here |= {p.moves: drawn[p.drawn] for p in kernel.proposals}
    return tuple(between), found


def _ready(move: Move, premises: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """That the laws of all draws are admissible, as premises say; what is left of these; raises Unproved."""
    wanted = [law for aids, kernel in draws(move) for law in laws_of(aids, kernel)]
    need(list(premises[: len(wanted)]) == wanted, "a law that is not known to be admissible")
    return premises[len(wanted) :]


def share(move: Move, log_target: Term) -> tuple[tuple[Term, ...], Term]:
    """What is integrated over, and what comes to y on one way, as a part of what is there; raises Unproved."""
    variables, log_flow = ways(move, log_target)
    return variables, apply("exp", minus(log_flow, log_target))


@rule
def brings_all(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Draws bring to every place what was there: ∫ π(x) Π q dx dz = π(y).

    Subject: the move, log of the measure, the variables in the order of integration.  Premises: the laws are
    admissible, log π is a real number, the integral of π(x) Π q / π(y) is exactly 1."""
    move, log_target, order = cast(tuple[Move, Term, tuple[Term, ...]], subject)
    left = _ready(move, premises)
    variables, body = share(move, log_target)
    need(len(left) == 2 and sorted(order, key=str) == sorted(variables, key=str), "an integral over something else")
    finite, found = left
    need(range_of(finite, log_target).within(REALS), "the target is not known to be positive")
    need(found == HasMass(order, body, Fraction(0)), "the integral is not known to be 1")
    return Stationary(move, log_target)


@rule
def balanced_by_way(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Draws by way of others, x to c to y: π(x) q(c | x) r(y | c, x) is the same with x and y exchanged for each c, so
    that its integral over c is (Tanner & Wong, *The calculation of posterior distributions by data augmentation*, JASA
    1987).

    Subject: the move, log of the measure.  Premises: the laws are admissible, log π is a real number."""
    move, log_target = cast(tuple[Move, Term], subject)
    left = _ready(move, premises)
    need(isinstance(move, Aided) and len(left) == 1, "no draws by way of others")
    assert isinstance(move, Aided)
    _well_formed(move.aids, move.kernel, log_target)
    need(range_of(left[0], log_target).within(REALS), "the target is not known to be positive")
    flow = plus(log_target, log_proposal(move.kernel))
    for drawn, law in move.aids:
        flow = plus(flow, log_law(law, drawn))
    need(same(flow, substitute(flow, swap(move.kernel))), "there and back are not known to be alike")
    return Reversible(move, log_target)


@rule
def brings_more(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A place that draws bring more mass to than the measure holds there.

    With numbers for everything else, all integrals are taken in closed form, the last variable first; with a range,
    that over the first variable is enclosed on it, so that what is found is at least what arrives.  Everything is
    continuous in y, so that what holds at y holds around it (Fatou's lemma).  Subject: the move, log of the measure,
    values of parameters, the place, the variables, a range for the first one or None.  Premises: the laws are
    admissible, then ranges of terms."""
    move, log_target, assignment, place, order, ends = cast(
        tuple[Move, Term, Place, Place, tuple[Term, ...], Range | None], subject
    )
    left = _ready(move, premises)
    variables, body = share(move, log_target)
    need(sorted(order, key=str) == sorted(variables, key=str), "an integral over something else")
    here = dict(place)
    fixed_values(assignment, tuple(here))
    need(state_of(move, log_target) <= set(here), "a state without a value")
    for own, values in (*assignment, *place):
        need(len(own.shape) <= 1 and len(values) == math.prod(own.shape), "{} has other elements", own)
        need(support_of(own).name not in COUPLED, "the elements of {} are not free", own)
        allowed = all(isinstance(v, Fraction) and admissible(support_of(own), v) for v in values)
        need(allowed, "{} cannot have these values", own)
    smooth = [s for s in here if not SUPPORTS[support_of(s).name].discrete]
    need(all(continuous(body, s) for s in smooth), "a function that may jump")
    try:
        need(_arrived(body, {**dict(assignment), **here}, order, ends, left) > 1, "no more mass than there is")
    except (Malformed, Undecided, Undefined, OverflowError) as problem:
        raise Unproved(str(problem)) from None
    return NotStationary(move, log_target)


def _arrived(
    body: Term,
    values: Mapping[Term, Values],
    order: tuple[Term, ...],
    ends: Range | None,
    known: tuple[Fact, ...],
) -> Real:
    """How much comes to a place, at least, as a part of what is there."""
    inside = at_place(body, values)
    need(inside.symbols <= set(elements(order)), "something is left open")
    closed = order if ends is None else order[1:]
    if closed:
        forms, products = mass(elements(closed), inside, from_premises(known))
        inside = ex.written(forms.total(products))
    if ends is None:
        (total,) = evaluate(inside, {})
        return total if isinstance(total, Fraction) else enclosure.bounds_of(total)[0]
    first = order[0]
    need(not first.shape, "a range of a vector")
    return total_over(inside, first, (ends[0] + ends[1]) / 2, support_of(first), ends)


def at_place(body: Term, values: Mapping[Term, Values]) -> Term:
    """What comes to a place, as a function of where it starts."""
    numbers = {component(s, k): literal(v) for s, row in values.items() for k, v in enumerate(row)}
    return without_gradients(substitute(scalar(body), numbers))
