"""Latent variables cut into slices along their first axis, and which slices each equation touches.

Where every equation touches one slice, or two neighbours, the sum over all values of all slices is done slice by slice:
the sum over the slices before s of the product of the equations that touch nothing after s is a function of slice s
alone.  That is variable elimination in the order of the slices (Koller & Friedman, Probabilistic Graphical Models,
section 9.3), and for one chain the forward algorithm (Rabiner, A tutorial on hidden Markov models, Proceedings of the
IEEE 1989, section III.A)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

from gencompiler.catalog.supports import SUPPORTS, bounds
from gencompiler.model.nodes import Support, Type
from gencompiler.proof.graph import Shape
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.structure import Place, Range, describe, first_axis

#: The most values that are summed over at once: of all latent variables, or of two neighbouring slices of them.
LARGEST_SUM = 1 << 16


def values_of(support: Support, shape: Shape) -> int | None:
    """How many values a variable has; None where that is not a finite set of numbers, element by element."""
    facts = SUPPORTS[support.name]
    if not facts.discrete or support.name in ("Permutation", "Sign"):
        return None
    lower, upper, _, _ = bounds(support.name, support.arguments)
    if not isinstance(lower, int | Fraction) or not isinstance(upper, int | Fraction):
        return None
    values: int = int(upper - lower + 1) ** math.prod(shape)
    return values


#: The most values of finite variables beside a sequence, for each of which the sum along it is written out.
MOST_BESIDE = 16


@dataclasses.dataclass(frozen=True)
class Window:
    """The slices `start..stop` at which an equation is needed, the last ones that it touches; `before`: it touches the
    slice before each as well.  At slice s its `index` is s - `shift`; "": it has no such index, and `shift` is s."""

    index: str
    shift: int
    start: int
    stop: int
    before: bool


@dataclasses.dataclass(frozen=True)
class Slices:
    """`extent` slices of `states` values each; of each equation its window, None where it touches no slice."""

    extent: int
    states: int
    windows: tuple[Window | None, ...]


#: An equation: its indices, and the places that it produces or mentions.
Part = tuple[tuple[Range, ...], tuple[Place, ...]]


def slices(latent: Mapping[str, Type], parts: Sequence[Part]) -> Slices:
    """The slices of finite latent variables; raises Unproved where an equation touches others than two neighbours."""
    extent, found = windows(latent, parts)
    states = 1
    for name, type_ in latent.items():
        values = values_of(type_.support, type_.shape[1:])
        if values is None:
            raise Unproved(f"`{name}` takes more than finitely many values")
        states *= values
    if states**2 > LARGEST_SUM:
        raise Unproved(f"two neighbouring places have {states**2:,} values together, more than {LARGEST_SUM:,}")
    return Slices(extent, states, found)


def windows(latent: Mapping[str, Type], parts: Sequence[Part]) -> tuple[int, tuple[Window | None, ...]]:
    """How many slices latent variables have, and which of them each equation touches; raises Unproved."""
    extents = {type_.shape[:1] for type_ in latent.values()}
    need(len(extents) == 1 and () not in extents, "the latent variables have no first axis in common")
    ((extent,),) = extents
    return extent, tuple(_window(latent, *part) for part in parts)


def _window(latent: Mapping[str, Type], indices: tuple[Range, ...], places: tuple[Place, ...]) -> Window | None:
    touched = {first_axis(p): p for p in places if p.variable in latent}
    if not touched:
        return None
    indexed = {axis.index for axis in touched if axis.kind == "index"}
    known = all(axis.kind in ("index", "place") and not axis.order for axis in touched)
    if not known or len(indexed) > 1 or (indexed and any(axis.kind == "place" for axis in touched)):
        shown = ", ".join(f"`{describe(p)}`" for p in touched.values())
        raise Unproved(f"one equation depends on {shown}: on more than two neighbouring places")
    last, first = max(axis.shift for axis in touched), min(axis.shift for axis in touched)
    need(last - first <= 1, "an equation depends on places further apart than neighbours")
    if not indexed:
        return Window("", last, last, last + 1, first < last)
    (index,) = indexed
    own = next((r for r in indices if r.index == index), None)
    if own is None:
        raise Unproved(f"nothing is known of `{index}`")
    return Window(index, last, own.start + last, own.stop + last, first < last)
