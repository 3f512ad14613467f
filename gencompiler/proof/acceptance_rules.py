"""The rule for probabilities of acceptance: products of such, A / (A + B), min(1, r) are in [0, 1] by their form."""

from __future__ import annotations

from gencompiler.proof.balancing import is_probability, plain
from gencompiler.proof.chain_rules import PROBABILITIES
from gencompiler.proof.domain import NON_NEGATIVE
from gencompiler.proof.facts import Fact, InRange
from gencompiler.proof.graph import Term
from gencompiler.proof.kernel import Subject, need, rule


@rule
def a_probability(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A term is in [0, 1] by its form.  Premises: its own range, which says that it is defined, and ranges of parts."""
    (term,) = subject
    ranges = {p.term: p.interval for p in premises if isinstance(p, InRange)}
    need(term in ranges, "it may be undefined")

    def positive(part: Term) -> bool:
        if part.operation == "literal":
            return bool(part.data >= 0)
        return part in ranges and ranges[part].within(NON_NEGATIVE)

    need(is_probability(plain(term), positive), "{} may not be a probability", term)
    return InRange(term, PROBABILITIES)
