"""Rules for what is defined: that a term has a value, for all values of its symbols.

A rule that rewrites a formula says that two formulas agree wherever both have a value, and may lose what has none: of
`u + 1 / a - 1 / a` the reciprocals cancel.  What is concluded of a map of a model therefore needs this besides, of the
formula as it is written, and by rules that rewrite nothing: they follow its parts."""

from __future__ import annotations

from typing import cast

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.model.nodes import Support
from gencompiler.proof import domain, enclosure, views
from gencompiler.proof.domain import REALS
from gencompiler.proof.facts import Defined, Fact
from gencompiler.proof.graph import Term, substitute, support_of
from gencompiler.proof.kernel import Subject, need, rule
from gencompiler.proof.knot_rules import band, defined_piece
from gencompiler.proof.map_rules import is_interval
from gencompiler.proof.range_rules import has_value, range_of

#: Operations that have a value where their arguments have one.
_PLAIN = ("choose", "join", "select", "each", "contract", "scan", "network", "bounded")
#: Functions of several numbers that do.
_TOTAL = ("add", "subtract", "multiply", "min", "max", "indicator")


def is_total(term: Term) -> bool:
    """Whether a term has a value wherever its arguments have one."""
    if term.operation in _PLAIN:
        return True
    if term.operation == "reduce":
        return term.data in ("sum", "prod", "norm")
    if term.operation != "apply":
        return False
    fact = FUNCTIONS[term.data]
    everywhere = fact.arity == 1 and enclosure.domain_of(term.data) == REALS
    return fact.kind == "boolean" or term.data in _TOTAL or everywhere


@rule
def defined_in_range(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """What lies somewhere is defined.  Premise: the range."""
    (term,) = cast(tuple[Term], subject)
    range_of(premises[0], term)
    return Defined(term)


@rule
def defined_parts(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """An operation that has a value wherever its arguments have one.  Premises: that these are defined."""
    (term,) = cast(tuple[Term], subject)
    need(is_total(term) and len(premises) == len(term.arguments), "{} may be undefined where its parts are not", term)
    for premise, argument in zip(premises, term.arguments, strict=True):
        has_value(premise, argument)
    views.axes(term)
    return Defined(term)


@rule
def defined_for(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """What is defined for every value of a symbol is so for a term with values in its support.

    Subject: the symbol, its replacement, the general term.  Premises: that the general term is defined, the range of
    the replacement."""
    name, value, general = cast(tuple[Term, Term, Term], subject)
    found, by = premises
    has_value(found, general)
    need(name.operation == "symbol" and value.shape == name.shape, "nothing to put in")
    own, support = range_of(by, value), support_of(name)
    if part_of(value) != support:
        allowed = domain.of_support(support) if is_interval(support) else None
        need(allowed is not None and own.within(allowed), "{} may leave {}", value, support)
    return Defined(substitute(general, {name: value}))


def part_of(value: Term) -> Support | None:
    """The support of the symbol that a term is an element or a selection of; None of other terms."""
    while value.operation in ("element", "select"):
        value = value.arguments[0]
    return support_of(value) if value.operation == "symbol" else None


@rule
def defined_in_band(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A piece around 0 with tails, each branch where it is taken.  Subject: the symbol that is compared, the choice.

    Premises: that the branches are defined, from below, each of a symbol for the numbers for which it is taken."""
    input_, term = cast(tuple[Term, Term], subject)
    symbols, _, outer, inner = band(input_, term)
    need(len(premises) == len(symbols), "three premises")
    for premise, own, part in zip(premises, symbols, (outer, inner, outer), strict=True):
        has_value(premise, substitute(part, {input_: own}))
    return Defined(term)


@rule
def defined_between_knots(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A formula of the interval between knots that its input lies in, none of whose divisors vanishes there.

    Subject: the input, the term, the interval (`bin`).  Premises: those of `knots` that are ranges."""
    input_, term, place = cast(tuple[Term, Term, Term], subject)
    defined_piece(input_, term, place, premises)
    return Defined(term)
