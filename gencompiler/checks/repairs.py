"""The smallest change that would let a map be proved: another type of one parameter, or of the result.

Tried out with the prover itself, so that what is suggested works."""

from __future__ import annotations

from fractions import Fraction

from gencompiler.checks.checking import Checking
from gencompiler.model.nodes import INFINITY, Support
from gencompiler.proof import domain
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.facts import Bijection
from gencompiler.proof.graph import Malformed, Term, name_of, substitute, support_of, symbol
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.scope import MapTerms
from gencompiler.proof.search import Search
from gencompiler.proof.signs import Purse
from gencompiler.proof.slopes import sharing
from gencompiler.proof.text import number, short

#: Types that a parameter may be given instead, the widest first.
CANDIDATES = (
    Support("Open", (Fraction(-1), INFINITY)),
    Support("NonNegative"),
    Support("Positive"),
    Support("Interval", (Fraction(-1), Fraction(1))),
    Support("Open", (Fraction(-1), Fraction(1))),
    Support("Interval", (Fraction(0), Fraction(1))),
    Support("Unit"),
)


def suggestions(checking: Checking, terms: MapTerms, declared: Support) -> tuple[str, ...]:
    """What to write instead, in words; nothing where no single change helps."""
    if terms.input.shape != ():
        return ()
    with sharing(Purse()):
        found = _parameter(terms, declared)
    if found is not None:
        parameter, support = found
        if checking.declared_at(parameter) is not None and parameter.data[0] == "parameter":
            return (f"declare {checking.declaration(parameter, spelled(support))}",)
        return (f"declare `{short(name_of(parameter))} : {spelled(support)}`",)
    return _result(terms, declared)


def _parameter(terms: MapTerms, declared: Support) -> tuple[Term, Support] | None:
    """One parameter, and a type of it for which the map is proved."""
    free = sorted((s for s in terms.body.symbols if _changeable(s, terms.input)), key=lambda s: str(s.data[:2]))
    for parameter in free[:3]:
        own = domain.of_support(support_of(parameter))
        for support in CANDIDATES:
            narrower = domain.of_support(support)
            if own is None or narrower is None or narrower == own or not narrower.within(own):
                continue
            kind, name, _, shape = parameter.data
            body = substitute(terms.body, {parameter: symbol(kind, name, support, shape)})
            if _proves(terms, body, declared):
                return parameter, support
    return None


def _changeable(term: Term, input_: Term) -> bool:
    return term is not input_ and term.data[0] in ("parameter", "variable") and term.shape == ()


def _proves(terms: MapTerms, body: Term, declared: Support) -> bool:
    try:
        Search().under(terms.requires).invertible(terms.input, body, declared)
    except (NotFound, Malformed, Unproved):
        return False
    return True


def _result(terms: MapTerms, declared: Support) -> tuple[str, ...]:
    """The type whose values are the range that was found."""
    try:
        found = Search().under(terms.requires).any_bijection(terms.input, terms.body).conclusion
    except (NotFound, Malformed, Unproved):
        return ()
    if not isinstance(found, Bijection) or not found.onto or found.image == domain.of_support(declared):
        return ()
    return (f"declare the result as `{support_like(found.image)}`",)


def spelled(support: Support) -> str:
    """A support as a type is written."""
    return f"{support.name}({', '.join(map(number, support.arguments))})" if support.arguments else support.name


def support_like(interval: domain.Interval) -> str:
    """The type whose values are an interval."""
    for name in ("Real", "Positive", "NonNegative", "Unit"):
        if domain.of_support(Support(name)) == interval:
            return name
    kind = "Interval" if not interval.lower_open and not interval.upper_open else "Open"
    if interval.upper == INFINITY and not interval.lower_open:
        kind = "Interval"
    return f"{kind}({number(interval.lower)}, {number(interval.upper)})"
