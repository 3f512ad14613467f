"""The search for an end of a variable towards which the mass of an energy is not finite.  Nothing here is trusted."""

from __future__ import annotations

import contextlib

from gencompiler.proof import rules
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.endless_rules import End, falls_slowly, near_end, unbounded_ends
from gencompiler.proof.evaluate import Undefined
from gencompiler.proof.graph import Malformed, Term, is_finite
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.mass_rules import at_point, elements, scalar
from gencompiler.proof.numbers import Undecided
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.refute_rules import Assignment
from gencompiler.proof.search import Search
from gencompiler.proof.sign_search import Asking, free_symbols, points

assert rules.RULES

#: How many values of the parameters are tried, and of how many variables the ends.
_MOST_POINTS, _MOST_ENDS = 4, 24


def endless(joint: str, variables: tuple[Term, ...], log_density: Term) -> Proof | None:
    """That exp(log_density) has no finite mass; None where none is found."""
    try:
        own, whole = set(elements(variables)), scalar(log_density)
        ends = unbounded_ends(variables)[:_MOST_ENDS]
    except (Unproved, Malformed):
        return None
    free = tuple(s for s in free_symbols(whole) if s not in own and s not in variables)
    if any(s.shape for s in whole.symbols) or not all(s.operation == "symbol" for s in free):
        return None
    for assignment in ((), *points(free, _MOST_POINTS)) if free else ((),):
        for end in ends:
            with contextlib.suppress(Unproved, Malformed, NotFound, Undefined, Undecided):
                return _towards(joint, variables, log_density, assignment, end)
    return None


def _towards(joint: str, variables: tuple[Term, ...], log_density: Term, assignment: Assignment, end: End) -> Proof:
    search = Search()
    asking = Asking(search)
    inside, slopes, lifted = near_end(ClosedForms(asking), at_point(scalar(log_density), assignment), end)
    number = search.range(inside)
    stays = not end[3] and is_finite(range_of(number.conclusion, inside).lower)
    for term in (*slopes, lifted):
        with contextlib.suppress(NotFound):
            found = search.range(term)
            interval = range_of(found.conclusion, term)
            if stays or (is_finite(interval.lower) if term is lifted else falls_slowly(interval, end)):
                subject = (joint, variables, log_density, assignment, end)
                return prove("endless_mass", subject, number, found, *asking.proofs.values())
    raise NotFound("mass", log_density, "it may be finite")
