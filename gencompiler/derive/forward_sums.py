"""Finite latent variables along a sequence, summed slice by slice: a further way to answer `log p(targets | given)`.

`proof.slices` says which slices each equation touches; where that is one, or two neighbours, the sum over all of them
takes as many steps as there are slices.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gencompiler.derive.nodes import Factor
from gencompiler.model import nodes
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.mentions import mentions, place
from gencompiler.proof.slices import Part, Slices, Window, slices
from gencompiler.proof.structure import Range

if TYPE_CHECKING:
    from gencompiler.derive.queries import Question


@dataclasses.dataclass(frozen=True)
class ForwardSum:
    """log of the sum, over all values of the variables `summed`, of the product of the factors of `parts` and `free`.

    The variables have `extent` slices of `states` values; `parts`: the factors that touch them, each with the slices at
    which it is needed; those of `free` touch none."""

    summed: tuple[str, ...]
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
    try:
        found = slices(types, [_part(graph.derived.model, f.conditional) for f in factors])
    except Unproved:
        return None
    return _plan(hidden, found, factors)


def _plan(hidden: tuple[str, ...], found: Slices, factors: list[Factor]) -> ForwardSum:
    pairs = list(zip(factors, found.windows, strict=True))
    parts = tuple((factor, window) for factor, window in pairs if window is not None)
    free = tuple(factor for factor, window in pairs if window is None)
    return ForwardSum(hidden, found.extent, found.states, parts, free)


def _part(model: nodes.Model, conditional: nodes.Conditional) -> Part:
    """The indices of an equation, and the places that it produces or mentions."""
    indices = {r.index for r in conditional.indices}
    used = mentions(conditional.distribution, {v.name for v in model.variables}, indices, model)
    places = (*(place(t, indices) for t in conditional.targets), *(p for p, _ in used))
    return tuple(Range(r.index, r.start, r.stop) for r in conditional.indices), tuple(dict.fromkeys(places))
