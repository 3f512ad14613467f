"""The search for an end of a variable towards which the mass of an energy is not finite.  Nothing here is trusted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction

from gencompiler.catalog.supports import COUPLED, SUPPORTS
from gencompiler.proof import domain, rules
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.endless_rules import End, falls_slowly, near_end
from gencompiler.proof.evaluate import Undefined
from gencompiler.proof.graph import Malformed, Term, is_finite, support_of
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.mass_rules import at_point, elements, scalar
from gencompiler.proof.numbers import Undecided
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.refute_rules import Assignment, admissible
from gencompiler.proof.search import Search
from gencompiler.proof.sign_search import Asking, free_symbols

assert rules.RULES

#: How many ends are tried, and values of the parameters: such that hardly any formula is an exception there.
_MOST_ENDS = 8
_GENERIC = tuple(Fraction(n, 13) for n in (17, -17, 5, -5))


def endless(joint: str, variables: tuple[Term, ...], log_density: Term) -> Proof | None:
    """That exp(log_density) has no finite mass; None where none is found."""
    try:
        own, whole = set(elements(variables)), scalar(log_density)
        ends = _ends(variables)[:_MOST_ENDS]
    except (Unproved, Malformed):
        return None
    free = tuple(s for s in free_symbols(whole) if s not in own and s not in variables)
    if any(s.shape for s in whole.symbols) or not all(s.operation == "symbol" for s in free):
        return None
    for assignment in ((), *_assignments(free)) if free else ((),):
        for end in ends:
            with contextlib.suppress(Unproved, Malformed, NotFound, Undefined, Undecided):
                return _towards(joint, variables, log_density, assignment, end)
    return None


def _ends(variables: tuple[Term, ...]) -> list[End]:
    """The ends of the supports of variables, each with how far from it a look begins."""
    found: list[End] = []
    for element in elements(variables):
        own = domain.of_support(support_of(element))
        if own is None:
            continue
        for direction, edge in ((1, own.upper), (-1, own.lower)):
            if not is_finite(edge):
                found.append((element, direction, Fraction(8), False))
            elif not SUPPORTS[support_of(element).name].discrete:
                found.append((element, -direction, Fraction(1, 16), True))
    return found


def _assignments(free: tuple[Term, ...]) -> Iterator[Assignment]:
    """Numbers for the parameters, other ones in each turn: that a mass is infinite at an exceptional one, such as where
    all weights are 0, is no error."""
    values = [[v for v in _GENERIC if admissible(support_of(s), v)] for s in free]
    if all(values) and not any(support_of(s).name in COUPLED for s in free):
        for turn in range(len(_GENERIC)):
            yield tuple(
                (s, v[(turn + k * (turn % 2)) % len(v)]) for k, (s, v) in enumerate(zip(free, values, strict=True))
            )


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
