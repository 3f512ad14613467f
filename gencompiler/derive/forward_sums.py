"""Latent variables along a sequence, summed or integrated out slice by slice: further ways to answer `log p(x | y)`.

`proof.slices` says which slices each equation touches; where that is one, or two neighbours, the sum over all of them
takes as many steps as there are slices.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from gencompiler.derive.nodes import Factor
from gencompiler.model import nodes
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.mentions import mentions, place
from gencompiler.proof.slices import LARGEST_SUM, MOST_BESIDE, Part, Slices, Window, slices, values_of, windows
from gencompiler.proof.structure import Range
from gencompiler.proof.translate import variable

if TYPE_CHECKING:
    from gencompiler.derive.queries import Question


@dataclasses.dataclass(frozen=True)
class ForwardSum:
    """log of the sum, over all values of the variables `summed`, of the product of the factors of `parts` and `free`.

    The variables have `extent` slices of `states` values; `parts`: the factors that touch them, each with the slices at
    which it is needed; those of `free` touch none.  `beside`: finite variables without slices, summed over last."""

    summed: tuple[str, ...]
    beside: tuple[str, ...]
    extent: int
    states: int
    parts: tuple[tuple[Factor, Window], ...]
    free: tuple[Factor, ...]


def forward_sum(question: Question) -> ForwardSum | None:
    """Everything unknown that the targets depend on is finite, and produced place by place along one axis."""
    from gencompiler.derive.marginals import hidden_of

    graph = question.graph
    hidden = hidden_of(question)
    if not hidden or graph.energy is not None or question.given & graph.descendants({*question.targets, *hidden}):
        return None
    known = {*hidden, *question.targets}
    if known & graph.points or not any(f.conditional.indices for name in hidden for f in graph.factors[name]):
        return None
    factors = [f for name, own in graph.factors.items() if name in known for f in own]
    types = {name: graph.variables[name].type for name in hidden}
    beside = tuple(name for name in hidden if all(_is_whole(f.conditional) for f in graph.factors[name]))
    counts = [values_of(types[name].support, types[name].shape) for name in beside]
    summed = tuple(name for name in hidden if name not in beside)
    try:
        need(math.prod(c or LARGEST_SUM for c in counts) <= MOST_BESIDE, "too many values beside the sequence")
        parts = [_part(graph.derived.model, f.conditional) for f in factors]
        found = slices({name: types[name] for name in summed}, parts)
    except Unproved:
        return None
    return _plan(summed, beside, found, factors)


def _is_whole(conditional: nodes.Conditional) -> bool:
    return not conditional.indices and isinstance(conditional.targets[0], nodes.Reference)


@dataclasses.dataclass(frozen=True)
class Filter:
    """The same of a Normal variable `integrated`: each factor of `parts` is Normal, its mean affine in the slices that
    it touches and its scale free of them."""

    integrated: str
    extent: int
    parts: tuple[tuple[Factor, Window], ...]
    free: tuple[Factor, ...]


def filtered(question: Question) -> Filter | None:
    """The one unknown variable is Normal, and produced place by place; what touches it is Normal, too, and linear."""
    from gencompiler.derive.marginals import hidden_of, is_linear

    graph = question.graph
    hidden = hidden_of(question)
    if not hidden or len(hidden) > 1 or graph.energy is not None:
        return None
    known = {*hidden, *question.targets}
    if question.given & graph.descendants(known):
        return None
    if known & graph.points or not any(f.conditional.indices for f in graph.factors[hidden[0]]):
        return None
    factors = [f for name, own in graph.factors.items() if name in known for f in own]
    types = {name: graph.variables[name].type for name in hidden}
    try:
        extent, found = windows(types, [_part(graph.derived.model, f.conditional) for f in factors])
    except Unproved:
        return None
    pairs = list(zip(factors, found, strict=True))
    parts = tuple((factor, window) for factor, window in pairs if window is not None)
    latent = frozenset({variable(graph.variables[hidden[0]])})
    if not all(is_linear(graph.derived.model, factor, latent) for factor, _ in parts):
        return None
    return Filter(hidden[0], extent, parts, tuple(factor for factor, window in pairs if window is None))


def _plan(summed: tuple[str, ...], beside: tuple[str, ...], found: Slices, factors: list[Factor]) -> ForwardSum:
    pairs = list(zip(factors, found.windows, strict=True))
    parts = tuple((factor, window) for factor, window in pairs if window is not None)
    free = tuple(factor for factor, window in pairs if window is None)
    return ForwardSum(summed, beside, found.extent, found.states, parts, free)


def _part(model: nodes.Model, conditional: nodes.Conditional) -> Part:
    """The indices of an equation, and the places that it produces or mentions."""
    indices = {r.index for r in conditional.indices}
    used = mentions(conditional.distribution, {v.name for v in model.variables}, indices, model)
    places = (*(place(t, indices) for t in conditional.targets), *(p for p, _ in used))
    return tuple(Range(r.index, r.start, r.stop) for r in conditional.indices), tuple(dict.fromkeys(places))
