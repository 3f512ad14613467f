"""Rules for the mass of densities that have no closed form here, by enclosures in ball arithmetic (`proof.quadrature`).

An enclosure near 1 proves the mass to be 1 up to its farther end, and nothing more."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.proof import exponentials as ex
from gencompiler.proof.closed_forms import Know
from gencompiler.proof.complex_balls import Bounds
from gencompiler.proof.density_facts import HasMass, NotMass
from gencompiler.proof.domain import NON_NEGATIVE
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Malformed, Term, is_finite, support_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.mass_rules import TOLERANCE, at_point, elements, from_premises, mass, rounded_up, scalar
from gencompiler.proof.quadrature import mass_bounds
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.refute_rules import Assignment


def bounds(variables: tuple[Term, ...], here: Term, last: Term, know: Know) -> Bounds:
    """Bounds of the integral of a body that is nowhere negative, in which nothing else is open: one variable, or one
    element, is left for the enclosure, and the others are integrated before in closed form; raises Unproved."""
    own = elements(variables)
    need(last in own and here.symbols <= set(own), "something is left open")
    others = tuple(v for v in own if v is not last)
    try:
        if others:
            forms, products = mass(others, here, know)
            here = ex.written(forms.total(products))
        return mass_bounds(here, last, know, SUPPORTS[support_of(last).name].discrete)
    except Malformed as problem:
        raise Unproved(str(problem)) from None


def _bounds(variables: tuple[Term, ...], here: Term, last: Term, premises: tuple[Fact, ...]) -> Bounds:
    need(bool(premises) and range_of(premises[0], here).within(NON_NEGATIVE), "the body may be negative")
    return bounds(variables, here, last, from_premises(premises))


@rule
def mass_enclosed(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The enclosed mass is near 1; the error is rounded up to a power of ten.

    Subject: the variables, the body, in which nothing else is open, the variable that is left for the enclosure.
    Premises: that the body is nowhere negative, then ranges of terms."""
    variables, body, last = cast(tuple[tuple[Term, ...], Term, Term], subject)
    low, high = _bounds(variables, scalar(body), last, premises)
    need(is_finite(high), "the mass is not bounded")
    error = rounded_up(max(Fraction(high) - 1, 1 - Fraction(low)))
    return HasMass(variables, body, error)


@rule
def mass_elsewhere(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """With numbers for everything else, the enclosed mass is farther from 1 than the tolerance.

    Subject: the variables, the body, the numbers, the variable that is left for the enclosure.  Premises: that the body
    is nowhere negative there, then ranges."""
    variables, body, assignment, last = cast(tuple[tuple[Term, ...], Term, Assignment, Term], subject)
    low, high = _bounds(variables, at_point(scalar(body), assignment), last, premises)
    need(low > 1 + TOLERANCE or high < 1 - TOLERANCE, "the mass may be 1")
    return NotMass(variables, body)
