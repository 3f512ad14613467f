"""The search for what shows that the mass of an energy is finite, and for an end of a variable, or of a slanted line,
towards which it is not.  Nothing here is trusted."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from fractions import Fraction

from gencompiler.catalog.supports import COUPLED, SUPPORTS
from gencompiler.proof import domain, rules
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.budget import Spent, limited
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.endless_rules import Box, End, Shear, confined, falls_slowly, near_end, sheared
from gencompiler.proof.evaluate import Undefined
from gencompiler.proof.graph import Malformed, Term, apply, is_finite, support_of
from gencompiler.proof.kernel import Proof, Unproved, attempt, prove
from gencompiler.proof.mass_rules import at_point, elements, mass, scalar
from gencompiler.proof.numbers import Undecided
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.refute_rules import Assignment, admissible
from gencompiler.proof.search import Search
from gencompiler.proof.sign_search import Asking, free_symbols

assert rules.RULES

#: How many ends are tried, and values of the parameters: such that hardly any formula is an exception there.
_MOST_ENDS = 8
_MOST_SLANTED = 4
_CORNERS = (Fraction(1), Fraction(1, 4))
#: Over how many elements an integral in closed form is looked for, and in how many steps.
MOST_INTEGRALS, MOST_STEPS = 4, 60_000
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
        for end, shear in (*((end, ()) for end in ends), *_slanted(ends, variables, whole)):
            for box in ((), _box(variables, end)) if len(own) > 1 else ((),):
                with contextlib.suppress(Unproved, Malformed, NotFound, Undefined, Undecided):
                    return _towards(joint, variables, log_density, assignment, (end, shear, box))
    return None


def _slanted(ends: list[End], variables: tuple[Term, ...], body: Term) -> Iterator[tuple[End, Shear]]:
    """Ends on slanted lines: along sums and differences of elements that the energy reads together."""
    for end in [e for e in ends if not e[3]][:_MOST_SLANTED]:
        others = [e for e in elements(variables) if e is not end[0] and _together(end[0], e, body)]
        for by in (Fraction(1), Fraction(-1), Fraction(2), Fraction(1, 2)):
            yield from ((end, ((other, by),)) for other in others)
        rest = tuple(e for e in elements(variables) if e is not end[0])
        if 1 < len(rest) < _MOST_ENDS:
            yield from ((end, tuple((other, by) for other in rest)) for by in (Fraction(1), Fraction(-1)))


def _together(one: Term, other: Term, body: Term) -> bool:
    """Whether an energy is more than a sum of what reads one element and of what reads the other."""
    if one not in body.symbols or other not in body.symbols:
        return False
    if body.operation == "apply" and body.data in ("add", "subtract", "negate"):
        return any(_together(one, other, a) for a in body.arguments)
    if body.operation == "apply" and body.data in ("multiply", "divide"):
        reading = [a for a in body.arguments if a.symbols]
        if len(reading) == 1 and not (body.data == "divide" and body.arguments[1].symbols):
            return _together(one, other, reading[0])
    return True


def finite(search: Search, joint: str, variables: tuple[Term, ...], log_density: Term) -> Proof | None:
    """That exp(log_density) has a finite mass: a sum of finitely many numbers, or an integral in closed form."""
    try:
        known = search.range(log_density)
        own = attempt("finite_sum", (joint, variables, log_density), known)
        if own is not None:
            return own
        order, body = elements(variables), scalar(apply("exp", log_density))
    except (NotFound, Unproved, Malformed):
        return None
    if len(order) > MOST_INTEGRALS:
        return None
    for way in (order, order[::-1]) if len(order) == 2 else (order,):
        asking = Asking(search)
        with contextlib.suppress(Unproved, Malformed, NotFound, Spent), limited(MOST_STEPS):
            mass(way, body, asking)
            return prove("finite_integral", (joint, variables, log_density, way), known, *asking.proofs.values())
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


def _box(variables: tuple[Term, ...], end: End) -> Box:
    """Other elements within narrow bounds."""
    found: list[tuple[Term, tuple[Fraction, Fraction]]] = []
    for other in elements(variables):
        own = domain.of_support(support_of(other))
        if other is not end[0] and own is not None and not SUPPORTS[support_of(other).name].discrete:
            fits = ((a, a + Fraction(1, 4)) for a in _CORNERS if own.contains(a) and own.contains(a + Fraction(1, 4)))
            found += [(other, bounds) for bounds in itertools.islice(fits, 1)]
    return tuple(found)


def _towards(
    joint: str,
    variables: tuple[Term, ...],
    log_density: Term,
    assignment: Assignment,
    where: tuple[End, Shear, Box],
) -> Proof:
    search = Search()
    asking = Asking(search)
    (end, shear, box), own = where, elements(variables)
    body = confined(sheared(at_point(scalar(log_density), assignment), own, end, shear), own, end, box)
    inside, slopes, lifted = near_end(ClosedForms(asking), body, end)
    number = search.range(inside)
    stays = not end[3] and is_finite(range_of(number.conclusion, inside).lower)
    for term in (*slopes, lifted):
        with contextlib.suppress(NotFound):
            found = search.range(term)
            interval = range_of(found.conclusion, term)
            if stays or (is_finite(interval.lower) if term is lifted else falls_slowly(interval, end)):
                subject = (joint, variables, log_density, assignment, *where)
                return prove("endless_mass", subject, number, found, *asking.proofs.values())
    raise NotFound("mass", log_density, "it may be finite")
