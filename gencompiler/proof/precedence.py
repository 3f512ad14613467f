"""Which elements of a variable come before others, as one equation produces them: in scan order, or against it."""

from __future__ import annotations

from collections.abc import Mapping

from gencompiler.proof.graph import Shape
from gencompiler.proof.structure import WHOLE, Place, Production, Range, box, overlap, strictly_before


def strictly_after(target: Place, place: Place, indices: tuple[Range, ...]) -> bool:
    """Whether `place` holds only elements later in scan order than the one that `target` is, for all indices.

    As `strictly_before`, in reverse; of places along an order nothing is said."""
    ranges = {r.index: r for r in indices}
    for number, own in enumerate(target.axes):
        other = place.axes[number] if number < len(place.axes) else WHOLE
        if own == other and own.kind in ("whole", "index", "place"):
            continue
        if own.order or other.order:
            return False
        if own.kind == "index":
            if other.kind == "index" and other.index == own.index:
                return other.shift > own.shift
            if other.kind == "after" and other.index == own.index:
                return other.shift > own.shift
            return other.kind == "place" and other.shift >= ranges[own.index].stop + own.shift
        return own.kind == "place" and other.kind == "place" and other.shift > own.shift
    return False


def apart(target: Place, place: Place, indices: tuple[Range, ...], shape: Shape) -> bool:
    """Whether `place` holds no element that `target` is for any value of the indices: another equation makes it."""
    made, used = box(target, shape, indices), box(place, shape, indices)
    return made is not None and used is not None and not overlap(made, used)


def acyclic(production: Production, shapes: Mapping[str, Shape]) -> bool:
    """Whether the elements that one equation produces depend on each other in scan order only, all of them in it or
    all against it; what other equations produce does not count."""
    own = {p.variable: p for p in production.produces}
    pairs = [(own[u.variable], u) for u in production.listed if u.variable in own]
    if len(own) < len(production.produces):
        return not pairs
    left = [(t, u) for t, u in pairs if not apart(t, u, production.indices, shapes[u.variable])]
    return any(
        all(order(target, used, production.indices) for target, used in left)
        for order in (strictly_before, strictly_after)
    )
