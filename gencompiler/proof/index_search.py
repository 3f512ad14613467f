"""What the input of a map is seen through: for the search, and its messages.  Nothing here is trusted."""

from __future__ import annotations

from gencompiler.proof.binders import replaced
from gencompiler.proof.graph import Term, before, bound_index, element, subterms


def reaches(body: Term, input_: Term, cut: Term) -> bool:
    """Whether a term depends on the input otherwise than through `cut`."""
    stack, seen = [body], {cut}
    while stack:
        term = stack.pop()
        if term is input_:
            return True
        if term not in seen and input_ in term.symbols:
            seen.add(term)
            stack.extend(term.arguments)
    return False


def too_much(input_: Term, body: Term) -> str | None:
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
