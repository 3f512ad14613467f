"""In which order the equations of several variables are drawn from, and computed: one after the other, or in turns.

`proof.turns` finds the order, from the places that equations produce and use; a derived quantity is like a variable
that is all at one value."""

from __future__ import annotations

from collections.abc import Sequence

from gencompiler.derive.nodes import Factor, InTurns
from gencompiler.model import nodes
from gencompiler.proof import turns
from gencompiler.proof.mentions import mentions, place, variable_of
from gencompiler.proof.structure import Production, Range, Turns


def computing(quantity: nodes.Quantity) -> Factor:
    """`h[t] = …` as a factor: a distribution that is all at the value."""
    point = nodes.Distribution(quantity.place.type, "Delta", "", (quantity.value,), span=quantity.value.span)
    conditional = nodes.Conditional("p", (quantity.place,), (), quantity.indices, point, span=quantity.span)
    return Factor(conditional, point, (), span=quantity.span)


def in_order(model: nodes.Model, factors: Sequence[Factor]) -> list[Factor | InTurns] | None:
    """The factors of some variables in an order of evaluation; None where there is none."""
    shapes = {v.name: v.type.shape for v in model.variables}
    productions = [_production(model, f) for f in factors]
    found = turns.order_of(productions, shapes)
    if found is None:
        return None
    steps: list[Factor | InTurns] = []
    for turn in found:
        group = turns.members(turn)
        first = factors[group[0]]
        own = turn if isinstance(turn, Turns) else None
        if own is None and _is_computed(model, first):
            own = turns.in_turns(productions, group, shapes)
        if own is None:
            steps.append(first)
        else:
            steps.append(InTurns(tuple(_plain(factors[k]) for k in own.members), own.rising, span=first.span))
    return steps


def _is_computed(model: nodes.Model, factor: Factor) -> bool:
    """Whether a factor computes a quantity slice by slice."""
    derived = {v.name for v in model.variables if v.role == nodes.DERIVED}
    return bool(factor.conditional.indices) and variable_of(factor.conditional.targets[0]) in derived


def _plain(factor: Factor) -> Factor:
    """A factor without what a loop over all of its own indices would carry."""
    return Factor(factor.conditional, factor.conditional.distribution, (), span=factor.span)


def _production(model: nodes.Model, factor: Factor) -> Production:
    """What a factor produces and uses."""
    conditional = factor.conditional
    indices = {r.index for r in conditional.indices}
    variables = {v.name for v in model.variables if v.role != "given"}
    used = tuple(dict.fromkeys(p for p, _ in mentions(conditional.distribution, variables, indices, model)))
    listed = tuple(place(g, indices) for g in conditional.given) or used
    produced = tuple(place(t, indices) for t in conditional.targets)
    ranges = tuple(Range(r.index, r.start, r.stop) for r in conditional.indices)
    return Production("", ranges, produced, listed, used, None)
