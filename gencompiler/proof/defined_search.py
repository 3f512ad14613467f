"""The search for proofs that a term is defined: by its range, else part by part.  Nothing here is trusted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import sign_search, splines
from gencompiler.proof.binders import replaced
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.defined_rules import is_total, part_of
from gencompiler.proof.graph import Malformed, Term, subterms, symbol
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.knot_rules import band

if TYPE_CHECKING:
    from gencompiler.proof.search import Search


def defined(search: Search, term: Term) -> Proof:
    """That a term has a value for all values of its symbols; raises NotFound."""
    try:
        return prove("defined_in_range", (term,), search.range(term))
    except (NotFound, Unproved) as problem:
        failure = problem
    for look in (_by_sign, _between_knots, _part_by_part):
        with contextlib.suppress(NotFound, Unproved, Malformed):
            found = look(search, term)
            if found is not None:
                return found
    raise NotFound("range", term, str(failure)) from None


def _by_sign(search: Search, term: Term) -> Proof | None:
    """A function of a number that is positive, which its range leaves open."""
    if term.operation != "apply" or len(term.arguments) != 1:
        return None
    (argument,) = term.arguments
    signed = sign_search.on_supports(search, argument, strict=True)
    if signed is None:
        return None
    known = prove("monotone", (term,), signed)
    return prove("defined_in_range", (term,), known)


def _part_by_part(search: Search, term: Term) -> Proof | None:
    """An operation that has a value where its arguments have one."""
    if not is_total(term):
        return None
    return prove("defined_parts", (term,), *map(search.defined, term.arguments))


def _between_knots(search: Search, term: Term) -> Proof | None:
    """A formula of the interval that a number lies in, perhaps around 0 with tails."""
    for value in _asked(term):
        own, general = value, term
        if value.operation != "symbol":
            own = symbol("along", f"the place of {value}", _support(value, term))
            general = replaced(term, {value: own})
        if own in term.symbols and own is not value:
            continue
        with contextlib.suppress(NotFound, Unproved, Malformed):
            found = _of_symbol(search, own, general)
            return found if own is value else prove("defined_for", (own, value, general), found, search.range(value))
    return None


def _asked(term: Term) -> Iterator[Term]:
    """The numbers whose interval between knots a term asks for."""
    yield from dict.fromkeys(t.arguments[0] for t in subterms(term) if t.operation == "bin")


def _support(value: Term, term: Term) -> Support:
    """The numbers that a value may be: all of them in a band, else those of what it is a part of."""
    return REAL if term.operation == "choose" else part_of(value) or REAL


def _of_symbol(search: Search, own: Term, general: Term) -> Proof:
    if general.operation != "choose":
        return splines.knots(search, own, general, "defined_between_knots")
    symbols, _, outer, inner = band(own, general)
    parts = [replaced(part, {own: piece}) for part, piece in zip((outer, inner, outer), symbols, strict=True)]
    return prove("defined_in_band", (own, general), *map(search.defined, parts))
