"""The rules for networks on causal views: what each output may depend on."""

from __future__ import annotations

import dataclasses
import math
from typing import cast

from gencompiler.catalog import causal, stacks
from gencompiler.model.stacks import Structure
from gencompiler.proof.facts import Fact
from gencompiler.proof.kernel import Subject, need, rule


@dataclasses.dataclass(frozen=True)
class SeesThePast(Fact):
    """The outputs for place i of the network at `path`, on views of `places` places, depend on what its views at i show
    and on nothing else; at `blind` of the places they do not depend on the nearest of what is shown.

    `inputs`: how many numbers each input has at a place, or, where its view is "", in all."""

    path: str
    places: int
    inputs: tuple[int, ...]
    views: tuple[str, ...]
    hidden: tuple[int, ...]
    outputs: tuple[int, ...]
    blind: int


@rule
def masked_network(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Degrees bound dependence (Germain et al., MADE, 2015, section 4.1): a weight is kept where the degree of its
    source is at most that of its target, so by induction over the layers a unit of degree m depends only on inputs of
    degree at most m.  Place j of a view "before" has degree j + 1, of a view "until" degree j, outputs for place i have
    degree i.  Subject: the fact without `blind`."""
    path, places, inputs, views, hidden, outputs = cast(
        tuple[str, int, tuple[int, ...], tuple[str, ...], tuple[int, ...], tuple[int, ...]], subject
    )
    need(places > 0 and len(inputs) == len(views), "{} is no network on causal views", path)
    need(set(views) <= {"", "before", "until"} and any(views), "{} reads no view", path)
    need(all(n > 0 for n in (*inputs, *hidden, *outputs)), "a layer of {} has no unit", path)
    first = tuple(causal.inputs(places, n, view) for n, view in zip(inputs, views, strict=True))
    layers = (first, *((causal.hidden(places, units, views),) for units in hidden))
    blind = 0
    for size in outputs:
        far = causal.reach((*layers, (causal.outputs(places, size),)))
        nearest = [
            max(d for part in first for d in part.all() if d <= i) if _any(first, i) else -1 for i in range(places)
        ]
        for unit, seen in enumerate(far):
            need(seen <= unit // size, "{} looks ahead", path)
        blind = max(blind, sum(far[i * size] < nearest[i] for i in range(places)))
    return SeesThePast(path, places, inputs, views, hidden, outputs, blind)


def _any(parts: tuple[causal.Degrees, ...], degree: int) -> bool:
    return any(part.first <= degree for part in parts)


@dataclasses.dataclass(frozen=True)
class Folds(Fact):
    """The state of the recurrent network at `path` for place i is a fold over the places that its views at i show, one
    after the other, and over nothing else of their axis."""

    path: str
    places: int
    views: tuple[str, ...]


@rule
def recurrent_network(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """By induction: the state before the first place is constant, and that after place i is a function of the one
    before and of place i.  So with views "before" the state for place i has read the places before i.  Subject: the
    fact."""
    path, places, views = cast(tuple[str, int, tuple[str, ...]], subject)
    need(places > 0 and set(views) <= {"", "before"} and "before" in views, "{} is not read place by place", path)
    return Folds(path, places, views)


@dataclasses.dataclass(frozen=True)
class SeesItsField(Fact):
    """The outputs for each place of the stack at `path`, of these layers over this grid in raster order, depend on
    places before it and on no other, all within the offsets `field` along each axis; at `blind` of the places something
    within them, and before the place, is not seen."""

    path: str
    grid: tuple[int, ...]
    layers: Structure  # as `model.stacks.structure` gives them
    field: tuple[tuple[int, int], ...]
    blind: int


@rule
def convolutional_network(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A layer at a place is a function of what its boxes hold, zeros outside of the grid; so by induction over the
    layers it depends on the places of the view from which a path of boxes leads to it, which are listed one by one.
    The outputs are functions of the layer `last` at their place.  Subject: path, grid, layers."""
    path, grid, layers = cast(tuple[str, tuple[int, ...], Structure], subject)
    need(bool(grid) and all(n > 0 for n in grid) and bool(layers), "{} has no places", path)
    need(math.prod(grid) <= stacks.MOST_PLACES, "{} has more places than can be looked at", path)
    known = {stacks.VIEW}
    for name, boxes in layers:
        need(name not in known, "two layers of {} are called {}", path, name)
        for source, first, counts, dilation in boxes:
            need(source in known, "{} reads {} before it is there", name, source)
            need(len(first) == len(counts) == len(grid), "a box of {} has other axes than the grid", name)
            need(dilation > 0 and all(n > 0 for n in counts), "a box of {} is empty", name)
            need(math.prod(counts) <= stacks.MOST_PLACES, "a box of {} is larger than can be looked at", name)
        known.add(name)
    need("last" in known, "{} has no last layer", path)
    parts = tuple((name, tuple(stacks.Box(*box) for box in boxes)) for name, boxes in layers)
    seen = stacks.sights(grid, parts, frozenset(["last"]))["last"]
    for place, bits in enumerate(seen):
        need(not bits >> place, "{} looks ahead", path)
    return SeesItsField(path, grid, layers, stacks.field(grid, seen), stacks.holes(grid, seen))
