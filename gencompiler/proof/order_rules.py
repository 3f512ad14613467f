"""Rules for vectors along an order: numbers scattered to the places that come first in it."""

from __future__ import annotations

from gencompiler.proof import domain
from gencompiler.proof.facts import Fact, InRange
from gencompiler.proof.kernel import Subject, rule
from gencompiler.proof.range_rules import range_of, subject_term


@rule
def scattered(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Each place holds a number of the base, or 0.  Premise: the range of the base."""
    term = subject_term(subject, "scatter")
    return InRange(term, domain.hull(range_of(premises[0], term.arguments[0]), domain.point(0)))
