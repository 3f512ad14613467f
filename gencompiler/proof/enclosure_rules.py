"""Rules for the mass of densities that have no closed form here, by enclosures in ball arithmetic (`proof.quadrature`).

An enclosure near 1 proves the mass to be 1 up to its farther end, and nothing more."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.proof.complex_balls import Bounds
from gencompiler.proof.density_facts import HasMass, NotMass
from gencompiler.proof.domain import NON_NEGATIVE
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Malformed, Term, is_finite, support_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.mass_rules import TOLERANCE, at_point, from_premises, rounded_up, scalar
from gencompiler.proof.quadrature import mass_bounds
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.refute_rules import Assignment


def _bounds(variables: tuple[Term, ...], here: Term, premises: tuple[Fact, ...]) -> Bounds:
    need(len(variables) == 1 and variables[0].shape == (), "only of one variable")
    need(here.symbols <= set(variables), "something is left open")
    need(bool(premises) and range_of(premises[0], here).within(NON_NEGATIVE), "the body may be negative")
    discrete = SUPPORTS[support_of(variables[0]).name].discrete
    try:
        return mass_bounds(here, variables[0], from_premises(premises), discrete)
    except Malformed as problem:
        raise Unproved(str(problem)) from None


@rule
def mass_enclosed(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The enclosed mass is near 1; the error is rounded up to a power of ten.

    Subject: the variable, the body, in which nothing else is open.  Premises: that the body is nowhere negative, then
    ranges of terms."""
    variables, body = cast(tuple[tuple[Term, ...], Term], subject)
    low, high = _bounds(variables, body, premises)
    need(is_finite(high), "the mass is not bounded")
    error = rounded_up(max(Fraction(high) - 1, 1 - Fraction(low)))
    return HasMass(variables, body, error)


@rule
def mass_elsewhere(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """With numbers for everything else, the enclosed mass is farther from 1 than the tolerance.

    Subject: the variable, the body, the numbers.  Premises: that the body is nowhere negative there, then ranges."""
    variables, body, assignment = cast(tuple[tuple[Term, ...], Term, Assignment], subject)
    low, high = _bounds(variables, at_point(scalar(body), assignment), premises)
    need(low > 1 + TOLERANCE or high < 1 - TOLERANCE, "the mass may be 1")
    return NotMass(variables, body)
