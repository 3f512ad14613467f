"""How many elements a tensor has, where causal views (`x[<i]`) cut its axes.

Part of what a proof trusts.  The shape of a view is that of what it is a view of; how many of its places there are
depends on an index, and at `x[<0]` there are none."""

from __future__ import annotations

import functools

from gencompiler.proof.graph import Term, subterms
from gencompiler.proof.kernel import Unproved, need

#: For each axis of a term, the `before` that cuts it, or None where all of it is there.
Axes = tuple[Term | None, ...]


@functools.lru_cache(maxsize=4096)
def axes(term: Term) -> Axes:
    """The views that cut the axes of a term; raises Unproved where tensors of different lengths meet."""
    whole: Axes = (None,) * len(term.shape)
    match term.operation:
        case "element":
            return _of_element(term)
        case "apply" | "choose":
            tensors = {axes(a) for a in term.arguments if a.shape}
            need(len(tensors) <= 1, "{} puts tensors of different lengths together", term)
            return tensors.pop() if tensors else ()
        case "contract":
            left, right = map(axes, term.arguments)
            need(left[-1] is right[0], "{} contracts tensors of different lengths", term)
            return left[:-1] + right[1:]
        case "each" | "recur":
            return (None, *axes(term.arguments[0]))
        case "network":
            return whole  # a network on a view sees what the view shows, and nothing else
        case (
            "select" | "join" | "matrix" | "scan" | "bin" | "bounded" | "fixed_point" | "solution" | "jacobian_log_det"
        ):
            need(not any(any(axes(a)) for a in term.arguments), "{} takes a causal view apart", term)
        case "gradient":
            need(not any(any(axes(a)) for a in term.arguments), "{} is at a causal view", term)
    return whole


def _of_element(term: Term) -> Axes:
    base, *subscripts = term.arguments
    own = axes(base)
    kept: list[Term | None] = []
    for axis, place in zip(own, (*subscripts, *(None,) * (len(own) - len(subscripts))), strict=True):
        if place is None or place.operation == "whole":
            kept.append(axis)
            continue
        need(axis is None, "{} is a part of a causal view", term)
        if place.operation == "before":
            kept.append(place)
    return tuple(kept)


def count(shape: tuple[int, ...], cut: Axes) -> tuple[int, int]:
    """The least and the largest number of elements of a tensor whose axes are cut so, over all values of the indices.

    A view before an index of 0 is empty, and one up to and including it has an element."""
    if not all(shape):
        raise Unproved("a tensor without elements")
    least = most = 1
    for extent, view in zip(shape, cut, strict=True):
        least *= extent if view is None else int(view.data)
        most *= extent
    return least, most


def has_view(term: Term) -> bool:
    """Whether a causal view stands anywhere in a term."""
    return any(t.operation == "before" for t in subterms(term))
