"""The search for proofs about parts of maps: elements, entries of `for i: e`, blocks.  As in `search`, nothing here is
trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gencompiler.proof.binders import replaced
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.circle_search import circle_map
from gencompiler.proof.circles import is_circle
from gencompiler.proof.dependence import depends_beside
from gencompiler.proof.graph import Malformed, Term, before, bound_index, element, subterms, support_of
from gencompiler.proof.index_rules import entry, own_entry
from gencompiler.proof.kernel import Proof, Unproved, prove

if TYPE_CHECKING:
    from gencompiler.proof.search import Search


def proved(rule: str, subject: tuple[object, ...], body: Term, *premises: Proof) -> Proof:
    """A rule's proof, or why it licenses none, as the failure of a search."""
    try:
        return prove(rule, subject, *premises)
    except (Unproved, Malformed) as failure:
        raise NotFound("form", body, str(failure)) from None


def elementwise(search: Search, own: Term, part: Term) -> Proof:
    """That a map is a bijection place by place, of angles one of the circle; raises NotFound."""
    return circle_map(search, own, part) if is_circle(support_of(own)) else search.bijection(own, part)


def by_index(search: Search, input_: Term, body: Term) -> Proof:
    """That entry i of a map is a bijection of entry i of the input, given what comes before."""
    try:
        own, inner = entry(input_, body)
    except Unproved as failure:
        raise NotFound("cycle", body, _too_much(input_, body) or str(failure)) from None
    try:
        found = elementwise(search, own, inner)
    except NotFound as problem:
        raise problem.moved({own: own_entry(input_, bound_index(*body.data))}) from None
    return proved("by_index", (input_, body), body, found)


def block(search: Search, own: Term, part: Term) -> Proof:
    """That one part of a map is a bijection of its block."""
    try:
        return elementwise(search, own, part)
    except NotFound as failure:
        if not own.shape or (part.operation != "each" and value_between(own, part) is None):
            raise
        try:
            return search.any_bijection(own, part)
        except NotFound as other:
            raise other if other.kind != "form" else failure from None


def value_between(input_: Term, body: Term) -> Term | None:
    """The first vector on the way from the input to the result through which alone the result depends on it."""
    for term in subterms(body):
        own = term.shape == input_.shape and input_ in term.symbols and term not in (body, input_)
        if own and all(s.data[0] != "bound" for s in term.symbols) and not depends_beside(body, input_, term):
            return term
    return None


def _too_much(input_: Term, body: Term) -> str | None:
    """What an entry sees of the input that makes entries depend on each other."""
    index = bound_index(*body.data)
    for term in subterms(body.arguments[0]):
        if term.operation == "element" and term.arguments[0] is input_:
            place = term.arguments[1]
            if place is before(index, inclusive=True):
                return f"`{input_}[<=i]` holds `{input_}[i]` itself, so entry i feeds its own conditioner"
            if place not in (index, before(index)):
                return f"entry i depends on `{term}`, which does not come before it"
    rest = replaced(body, {element(input_, (index,)): index, element(input_, (before(index),)): index})
    return f"entry i depends on all of `{input_}`" if input_ in rest.symbols else None
