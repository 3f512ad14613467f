"""Terms with a part replaced: one element of a tensor, or whole subterms."""

from __future__ import annotations

from collections.abc import Mapping

from gencompiler.proof.graph import Malformed, Term, apply, bound_index, build, choose, each, element


def replaced_element(base: Term, place: tuple[Term, ...], value: Term) -> Term:
    """`base` with the element at `place` replaced by a scalar."""
    if len(place) != len(base.shape) or not place or value.shape:
        raise Malformed("an element is replaced by a number")
    bound = tuple(bound_index(depth, extent) for depth, extent in enumerate(base.shape))
    here = apply("equal", bound[0], place[0])
    for index, wanted in zip(bound[1:], place[1:], strict=True):
        here = apply("and", here, apply("equal", index, wanted))
    found = choose(here, value, element(base, bound))
    for depth, extent in reversed(list(enumerate(base.shape))):
        found = each(depth, extent, found)
    return found


def substitute_parts(term: Term, values: Mapping[Term, Term]) -> Term:
    """`term` with whole parts of it replaced, the outermost first."""
    memo: dict[Term, Term] = {}

    def visit(current: Term) -> Term:
        if current in values:
            return values[current]
        found = memo.get(current)
        if found is None:
            found = current
            if current.arguments:
                found = build(current.operation, current.data, tuple(visit(a) for a in current.arguments))
            memo[current] = found
        return found

    return visit(term)
