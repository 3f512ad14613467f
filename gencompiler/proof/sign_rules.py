"""The rule for what is nowhere negative where interval arithmetic, which treats each occurrence of a symbol on its own,
does not see it: differences of a monotone function, powers of one base, polynomials in their normal form."""

from __future__ import annotations

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.proof import exponentials as ex
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.domain import NON_NEGATIVE
from gencompiler.proof.facts import Fact, InRange
from gencompiler.proof.graph import Term, apply, build, choose
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.mass_rules import from_premises
from gencompiler.proof.terms import ZERO, minus


@rule
def nowhere_negative(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A term is defined and nowhere negative, by its parts.  Premises: its range, then ranges of terms."""
    term: Term = subject[0]
    need(bool(premises) and isinstance(premises[0], InRange) and premises[0].term is term, "it may be undefined")
    need(nonnegative(ClosedForms(from_premises(premises)), term), "{} may be negative", term)
    return InRange(term, NON_NEGATIVE)


@rule
def not_negative(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """What is in a range of numbers from 0 on is nowhere negative.  Premise: its range."""
    term: Term = subject[0]
    found = premises[0] if premises else None
    if not isinstance(found, InRange) or found.term is not term:
        raise Unproved("no range")
    need(found.interval.within(NON_NEGATIVE), "{} may be negative", term)
    return InRange(term, NON_NEGATIVE)


def nonnegative(forms: ClosedForms, term: Term) -> bool:
    """Whether a term that is defined is nowhere negative."""
    if _known(forms, term):
        return True
    if term.operation == "choose":
        return all(nonnegative(forms, a) for a in term.arguments[1:])
    if term.operation == "apply" and term.data in ("add", "multiply", "divide") and _parts(forms, term):
        return True
    chosen = _hoisted(term)
    if chosen is not None:
        return nonnegative(forms, chosen)
    if term.operation != "apply" or term.data not in ("add", "subtract"):
        return False
    left, right = term.arguments
    other = right if term.data == "subtract" else apply("negate", right)
    return _in_order(forms, left, other) or _by_logarithms(forms, left, other) or _normally(forms, term)


def _known(forms: ClosedForms, term: Term) -> bool:
    try:
        return forms.know(term).lower >= 0
    except Unproved:
        return False


def _parts(forms: ClosedForms, term: Term) -> bool:
    return all(nonnegative(forms, a) for a in term.arguments)


def _hoisted(term: Term) -> Term | None:
    """f(if c then a else b) as if c then f(a) else f(b)."""
    if term.operation != "apply":
        return None
    for k, argument in enumerate(term.arguments):
        if argument.operation == "choose":
            condition, then, otherwise = argument.arguments
            sides = (
                build("apply", term.data, (*term.arguments[:k], side, *term.arguments[k + 1 :]))
                for side in (then, otherwise)
            )
            return choose(condition, *sides)
    return None


def _in_order(forms: ClosedForms, left: Term, right: Term) -> bool:
    """F(u) - F(v) of a monotone F, its arguments in order."""
    same = left.operation == right.operation == "apply" and left.data == right.data
    if not same or len(left.arguments) != 1 or FUNCTIONS[left.data].monotone is None:
        return False
    (u,), (v,) = left.arguments, right.arguments
    upper, lower = (u, v) if FUNCTIONS[left.data].monotone == "increasing" else (v, u)
    return _normally(forms, minus(upper, lower))


def _by_logarithms(forms: ClosedForms, left: Term, right: Term) -> bool:
    """a - b of positive numbers with log a - log b >= 0."""
    try:
        gap = ex.plus(forms.log(left), ex.scaled(forms.log(right), -1))
    except Unproved:
        return False
    return _known(forms, ex.written(gap))


def _normally(forms: ClosedForms, term: Term) -> bool:
    """By the range of its normal form."""
    try:
        plain = forms.plain(term)
    except Unproved:
        return False
    return plain is ZERO or _known(forms, plain)
