"""The rule for what is nowhere negative where interval arithmetic, which treats each occurrence of a symbol on its own,
does not see it: differences of a monotone function, powers of one base, polynomials in their normal form."""

from __future__ import annotations

from fractions import Fraction

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.model.nodes import Support
from gencompiler.proof import domain
from gencompiler.proof import exponentials as ex
from gencompiler.proof.binders import replaced
from gencompiler.proof.boxes import meet, support_interval
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.domain import NON_NEGATIVE, POSITIVE, Interval
from gencompiler.proof.facts import Fact, InRange, OnBox
from gencompiler.proof.graph import (
    Term,
    apply,
    build,
    choose,
    constant,
    literal,
    substitute,
    subterms,
    support_of,
    symbol,
)
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.mass_rules import from_premises
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.terms import ONE, ZERO, minus, times


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


@rule
def on_supports(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """What holds of a term on a box holds wherever its symbols are in their supports, if the box holds these.

    Premise: where the term lies on the box."""
    term: Term = subject[0]
    found = premises[0] if premises else None
    if not isinstance(found, OnBox) or found.term is not term:
        raise Unproved("no box")
    for each, interval in found.box:
        need(support_interval(each).within(interval), "{} may be elsewhere", each)
    return InRange(term, found.interval)


@rule
def specialise(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A range that holds for every value of a symbol holds for a term with values in its support.

    Subject: the symbol, its replacement, the general term.  Premises: the range with the symbol, that of the
    replacement."""
    name, value, general = subject
    found, own = range_of(premises[0], general), range_of(premises[1], value)
    allowed = domain.of_support(support_of(name))
    need(name.operation == "symbol" and allowed is not None and value.shape == name.shape, "nothing to specialise")
    assert allowed is not None
    need(own.within(allowed), "{} may leave {}", value, support_of(name))
    return InRange(substitute(general, {name: value}), found)


@rule
def in_order(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """F(u) - F(v) has the sign of u - v for an increasing F of the catalogue, the other for a decreasing one.

    Premises: the range of the difference, which is defined, then of u - v in its normal form, then others."""
    term: Term = subject[0]
    arguments = monotone_difference(term)
    need(arguments is not None and len(premises) >= 2, "{} is no difference of one function", term)
    assert arguments is not None
    own = range_of(premises[0], term)
    gap = ClosedForms(from_premises(premises)).plain(minus(*arguments))
    sign = range_of(premises[1], gap).sign
    need(sign != 0, "the sign of {} is not known", gap)
    return InRange(term, meet(own, POSITIVE if sign > 0 else domain.negate(POSITIVE)))


def monotone_difference(term: Term) -> tuple[Term, Term] | None:
    """(u, v) of F(u) - F(v), or -F(v) + F(u), with an increasing function F of the catalogue, (v, u) with another."""
    if term.operation != "apply" or term.data not in ("subtract", "add"):
        return None
    left, right = term.arguments
    if term.data == "add":
        if left.operation != "apply" or left.data != "negate":
            return None
        left, right = right, left.arguments[0]
    same = left.operation == right.operation == "apply" and left.data == right.data
    if not same or len(left.arguments) != 1 or FUNCTIONS[left.data].monotone is None:
        return None
    (u,), (v,) = left.arguments, right.arguments
    return (u, v) if FUNCTIONS[left.data].monotone == "increasing" else (v, u)


def nonnegative(forms: ClosedForms, term: Term) -> bool:
    """Whether a term that is defined is nowhere negative."""
    if _known(forms, term):
        return True
    if term.operation == "choose":
        return all(nonnegative(forms, a) for a in _sides(*term.arguments))
    if term.operation == "apply" and term.data in ("sin", "cos"):
        return _half_wave(forms, term)
    if term.operation == "apply" and term.data in ("add", "multiply", "divide") and _parts(forms, term):
        return True
    chosen = _hoisted(term)
    if chosen is not None:
        return nonnegative(forms, chosen)
    if term.operation != "apply" or term.data not in ("add", "subtract"):
        return False
    if (general := _with_shares(term)) is not term and _normally(forms, general):
        return True
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
    """F(u) - F(v) of a monotone F, its arguments in order; of powers, by their bases or by their exponents."""
    arguments = monotone_difference(minus(left, right))
    if arguments is not None:
        return _at_least(forms, *arguments)
    if not left.operation == right.operation == "apply" or not left.data == right.data == "power":
        return False
    (base, exponent), (other, another) = left.arguments, right.arguments
    if exponent is another:
        if _known(forms, exponent) and _known(forms, other):
            return _at_least(forms, base, other)
        falls = _known(forms, apply("negate", exponent)) and forms.positive(base)
        return falls and _at_least(forms, other, base)
    if base is not other or not forms.positive(base):
        return False
    if _known(forms, minus(base, ONE)):
        return _at_least(forms, exponent, another)
    return _known(forms, minus(ONE, base)) and _at_least(forms, another, exponent)


def _at_least(forms: ClosedForms, left: Term, right: Term) -> bool:
    return _normally(forms, minus(left, right)) or _in_order(forms, left, right)


def _with_shares(term: Term) -> Term:
    """A term in which each atan is pi / 2 times any number in (-1, 1)."""
    found = [t for t in subterms(term) if t.operation == "apply" and t.data == "atan" and not t.shape]
    quarter = times(literal(Fraction(1, 2)), constant("pi"))
    return replaced(term, {t: times(quarter, symbol("share", f"atan {n}", _SHARE)) for n, t in enumerate(found)})


_SHARE = Support("Open", (Fraction(-1), Fraction(1)))


def _sides(condition: Term, then: Term, otherwise: Term) -> tuple[Term, Term]:
    """The branches, the symbol that is compared with a number being on its side of it, that number included."""
    if condition.operation != "apply" or condition.data not in _BELOW:
        return then, otherwise
    name, end = condition.arguments
    own = domain.of_support(support_of(name)) if name.operation == "symbol" and name.shape == () else None
    if own is None or end.operation != "literal" or not own.lower < end.data < own.upper:
        return then, otherwise
    label = f"{name.data[1]} beside {end.data} of {support_of(name)}"
    low = symbol("below", label, Support("Interval", (own.lower, end.data)))
    high = symbol("above", label, Support("Interval", (end.data, own.upper)))
    if {low, high} & (then.symbols | otherwise.symbols):  # another symbol of this name
        return then, otherwise
    first, second = (low, high) if _BELOW[condition.data] else (high, low)
    return substitute(then, {name: first}), substitute(otherwise, {name: second})


#: Whether a comparison of a symbol with a number holds below it.
_BELOW = {"less": True, "less_equal": True, "greater": False, "greater_equal": False}


def _half_wave(forms: ClosedForms, term: Term) -> bool:
    """cos(pi q) for -1/2 <= q <= 1/2, sin(pi q) for 0 <= q <= 1."""
    try:
        turns = ex.times(forms.normal(term.arguments[0]), ex.inverse(ex.atom(constant("pi"))))
        inside = forms.know(ex.written(turns))
    except Unproved:
        return False
    half = Fraction(1, 2)
    return inside.within(Interval(-half, half) if term.data == "cos" else Interval(Fraction(0), Fraction(1)))


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
