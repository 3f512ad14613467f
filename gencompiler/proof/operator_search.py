"""The search for proofs that a map is a monotone operator.  Nothing here is trusted."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from gencompiler.proof.blocks import NotFound
from gencompiler.proof.facts import Bijection
from gencompiler.proof.graph import Malformed, Term, subterms
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.lemma_rules import DISTANCE, radial_of, summands
from gencompiler.proof.linear_forms import multiple_of
from gencompiler.proof.operator_rules import along_of, conjugate_of, parts_of, scores_in

if TYPE_CHECKING:
    from gencompiler.proof.search import Search


def bijection(search: Search, input_: Term, body: Term) -> Proof | None:
    """That a map is a bijection as a strictly monotone and coercive operator; None where that is not seen."""
    with contextlib.suppress(NotFound, Unproved, Malformed):
        found = operator(search, input_, body)
        return prove("minty_browder", (input_, body), found, search.range(body))
    return None


def operator(search: Search, input_: Term, term: Term) -> Proof:
    """That a term is a monotone operator; raises NotFound."""
    if input_ not in term.symbols:
        return prove("operator_constant", (term, input_), search.range(term))
    for finder in (_elementwise, _sum, _multiple, _conjugate, _linear, _along, _shares, _radial):
        with contextlib.suppress(NotFound, Unproved, Malformed):
            return finder(search, input_, term)
    raise NotFound("form", term, f"{term} is not known to be monotone in {input_}")


def _increasing(search: Search, input_: Term, term: Term) -> Proof:
    """That each element increases with that of the input; raises NotFound."""
    found = search.bijection(input_, term)
    if not isinstance(found.conclusion, Bijection) or found.conclusion.increasing is not True:
        raise NotFound("form", term, f"{term} does not increase with {input_}")
    return found


def _elementwise(search: Search, input_: Term, term: Term) -> Proof:
    if not _is_elementwise(input_, term):
        raise NotFound("form", term, f"{term} mixes the elements of {input_}")
    if term.operation == "apply" and term.data == "relu":
        return prove("operator_cut", (term, input_), _increasing(search, input_, term.arguments[0]))
    return prove("operator_elementwise", (term, input_), _increasing(search, input_, term))


def _is_elementwise(input_: Term, term: Term) -> bool:
    plain = ("apply", "choose", "symbol")
    return term.shape == input_.shape and all(t.operation in plain for t in subterms(term) if input_ in t.symbols)


def _sum(search: Search, input_: Term, term: Term) -> Proof:
    """What is elementwise together, the others one by one."""
    listed = summands(term)
    if len(listed) < 2:
        raise NotFound("form", term, f"{term} is no sum")
    own = tuple(k for k, (part, _) in enumerate(listed) if _is_elementwise(input_, part))
    groups = (*((own,) if own else ()), *((k,) for k in range(len(listed)) if k not in own))
    if len(groups) == 1:
        groups = tuple((k,) for k in own)
    proofs = [operator(search, input_, part) for part in parts_of(term, groups)]
    return prove("operator_sum", (term, input_, groups), *proofs)


def _multiple(search: Search, input_: Term, term: Term) -> Proof:
    moved, factor = multiple_of(input_, term)
    return prove("operator_multiple", (term, input_), operator(search, input_, moved), search.range(factor))


def _conjugate(search: Search, input_: Term, term: Term) -> Proof:
    place, moved = conjugate_of(input_, term)
    return prove("operator_conjugate", (term, input_), operator(search, place, moved))


def _linear(search: Search, input_: Term, term: Term) -> Proof:
    product = term.arguments[0] if term.operation == "apply" and term.data == "negate" else term
    factor = next((a for a in product.arguments if len(a.shape) == 2), term)
    return prove("operator_linear", (term, input_), search.range(factor))


def _along(search: Search, input_: Term, term: Term) -> Proof:
    place, moved = along_of(input_, term)
    return prove("operator_along", (term, input_), _increasing(search, place, moved))


def _shares(search: Search, input_: Term, term: Term) -> Proof:
    slope, offset = scores_in(input_, term)
    return prove("operator_shares", (term, input_), search.range(slope), search.range(offset))


def _radial(search: Search, input_: Term, term: Term) -> Proof:
    found = radial_of(input_, term)
    inner = search.bijection(DISTANCE, found.scalar)
    return prove("operator_radial", (term, input_), inner, search.range(found.scale))
