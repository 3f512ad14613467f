"""Rules about where draws that are always taken, one after another, bring a measure: an integral over all ways there.

K = K_1 … K_n, each of which draws variables from laws q_k that read what the state is by then, brings π to

    (πK)(y) = ∫ π(x) Π_k q_k(z_k | x, z_1, …, z_(k-1)) dx dz

over where the way starts, x, and what is drawn on it and drawn again later, z; what nothing moves is what it was.  So a
sweep of Gibbs draws may keep π although one of them is not from its conditional, and breaks it where the integral is
larger than π(y): both are settled by the integral, in closed form, and not draw by draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import cast

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.model.nodes import Real
from gencompiler.proof import enclosure
from gencompiler.proof import exponentials as ex
from gencompiler.proof.chain_refutations import ready
from gencompiler.proof.chain_rules import (
    Kernel,
    Move,
    NotStationary,
    Sequence,
    Stationary,
    log_law,
    positive_everywhere,
    well_formed,
)
from gencompiler.proof.density_facts import HasMass
from gencompiler.proof.domain import REALS
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.facts import Fact
from gencompiler.proof.flow_rules import Place, Range, fixed_values, state_of, total_over, without_gradients
from gencompiler.proof.graph import Malformed, Term, apply, literal, name_of, substitute, support_of, symbol
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.mass_rules import elements, from_premises, mass
from gencompiler.proof.numbers import Undecided, Values
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.refute_rules import admissible, continuous
from gencompiler.proof.terms import ONE, minus, plus


def draws(move: Move) -> tuple[Kernel, ...]:
    """The kernels that a move consists of, one after another, each of which is always taken; raises Unproved."""
    parts = move.parts if isinstance(move, Sequence) else (move,)
    found = tuple(p for p in parts if isinstance(p, Kernel))
    need(bool(found) and len(found) == len(parts), "something besides draws")
    for kernel in found:
        need(kernel.probability is ONE, "a proposal that may be refused")
        need(all(not p.place and p.noise is None for p in kernel.proposals), "a proposal of another form")
        need(all(positive_everywhere(p.law) for p in kernel.proposals), "a law with holes")
    return found


def always_taken(move: Move) -> bool:
    """Whether a move consists of draws that are always taken."""
    try:
        return bool(draws(move))
    except Unproved:
        return False


def ways(move: Move, log_target: Term) -> tuple[tuple[Term, ...], Term]:
    """What is integrated over, and log of π(x) Π q, in which a state variable is where the way ends; raises Unproved.

    Where it starts and what is drawn on the way have symbols of their own, `x before` and `x on the way 1`."""
    kernels = draws(move)
    for kernel in kernels:
        well_formed(kernel, log_target)
    last = {p.moves: (k, j) for k, own in enumerate(kernels) for j, p in enumerate(own.proposals)}
    here = {s: symbol("integral", f"{name_of(s)} before", support_of(s), s.shape) for s in last}
    found, between = substitute(log_target, here), list(here.values())
    for k, kernel in enumerate(kernels):
        drawn: dict[Term, Term] = {}
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
    left = premises
    for kernel in draws(move):
        count = len(kernel.proposals)
        ready(kernel, left[:count])
        left = left[count:]
    return left


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
        need(not own.shape and len(values) == 1, "{} is no number", own)
        need(isinstance(values[0], Fraction) and admissible(support_of(own), values[0]), "{} has no value", own)
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
    need(inside.symbols <= set(order), "something is left open")
    closed = order if ends is None else order[1:]
    if closed:
        forms, products = mass(elements(closed), inside, from_premises(known))
        inside = ex.written(forms.total(products))
    if ends is None:
        (total,) = evaluate(inside, {})
        return total if isinstance(total, Fraction) else enclosure.bounds_of(total)[0]
    first = order[0]
    return total_over(inside, first, (ends[0] + ends[1]) / 2, support_of(first), ends)


def at_place(body: Term, values: Mapping[Term, Values]) -> Term:
    """What comes to a place, as a function of where it starts."""
    return without_gradients(substitute(body, {s: literal(v) for s, (v,) in values.items()}))
