"""The search for where draws that are always taken bring a measure; the rules of `arrival_rules` confirm it."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterable, Iterator
from fractions import Fraction

from gencompiler.proof.arrival_rules import at_place, share
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.budget import MASS_WAY, Spent, limited
from gencompiler.proof.chain_rules import Move
from gencompiler.proof.composite_rules import moved
from gencompiler.proof.flow_rules import Range
from gencompiler.proof.flow_search import assignments, places, range_around, state_of
from gencompiler.proof.graph import Malformed, Term, subterms, support_of
from gencompiler.proof.kernel import Proof, Unproved, attempt, prove
from gencompiler.proof.mass_rules import elements, mass
from gencompiler.proof.mass_search import closed_form
from gencompiler.proof.refute_rules import admissible
from gencompiler.proof.search import Search
from gencompiler.proof.sign_search import Asking

#: More variables are not integrated over, in more orders, and more places are not looked at.
MOST_VARIABLES, MOST_ELEMENTS, MOST_ORDERS, MOST_PLACES = 4, 8, 4, 8


def kept(search: Search, move: Move, log_target: Term, laws: Iterable[Proof]) -> Proof | None:
    """That draws bring to every place what was there."""
    known = tuple(laws)
    with contextlib.suppress(Unproved, Malformed, NotFound, Spent), limited(MASS_WAY):
        variables, body = share(move, log_target)
        finite = search.range(log_target)
        for order in _orders(variables, body):
            with contextlib.suppress(Unproved, Malformed, NotFound):
                found = closed_form(search, order, body)
                return prove("brings_all", (move, log_target, order), *known, finite, found)
    return None


def brings_more(move: Move, log_target: Term, laws: Iterable[Proof]) -> Proof | None:
    """A place that draws bring more mass to than the measure holds there."""
    known = tuple(laws)
    with contextlib.suppress(Unproved, Malformed, NotFound, Spent), limited(MASS_WAY):
        variables, body = share(move, log_target)
        state = state_of(move, log_target)
        if sum(math.prod(v.shape) for v in variables) > MOST_ELEMENTS:
            return None
        taken = _taken(variables, body)
        for assignment in assignments(move, log_target):
            for place in itertools.islice(places(state, moved(move)), MOST_PLACES):
                inside = at_place(body, {**dict(assignment), **dict(place)})
                for way in list(taken):
                    order, ends = way
                    asked = _closed(order if ends is None else order[1:], inside)
                    if asked is None:
                        taken.remove(way)  # what has no closed form here has none elsewhere
                        continue
                    found = attempt("brings_more", (move, log_target, assignment, place, *way), *known, *asked)
                    if found is not None:
                        return found
    return None


def _closed(variables: tuple[Term, ...], inside: Term) -> tuple[Proof, ...] | None:
    """What an integral in closed form rests on; None where there is none."""
    asking = Asking(Search())
    try:
        if variables:
            mass(elements(variables), inside, asking)
    except (Unproved, Malformed, NotFound):
        return None
    return tuple(asking.proofs.values())


def _taken(variables: tuple[Term, ...], body: Term) -> list[tuple[tuple[Term, ...], Range | None]]:
    """How integrals are taken: all in closed form, or the first one over a range, which asks for less."""
    orders = list(_orders(variables, body))
    ranged: list[tuple[tuple[Term, ...], Range | None]] = []
    for order in orders:
        if order[0].shape:
            continue
        centre = next((v for v in map(Fraction, ("1/2", "1")) if admissible(support_of(order[0]), v)), None)
        ranged += [] if centre is None else [(order, range_around(order[0], centre))]
    closed: list[tuple[tuple[Term, ...], Range | None]] = [(order, None) for order in orders[:2]]
    return (
        [*ranged, *closed] if len(variables) > 1 else closed
    )  # of one variable alone, `flow_search` looks for a range


def _orders(variables: tuple[Term, ...], body: Term) -> Iterator[tuple[Term, ...]]:
    """Orders of integration: what stands at the fewest places is the last, and is integrated over first."""
    if len(variables) > MOST_VARIABLES:
        return
    count = {v: sum(v in t.arguments for t in subterms(body)) for v in variables}
    first = sorted(variables, key=lambda v: -count[v])
    yield from (tuple(o) for o in itertools.islice(itertools.permutations(first), MOST_ORDERS))
