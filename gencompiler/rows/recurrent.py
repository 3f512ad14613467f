"""Recurrent networks as values that a loop over places carries: `gru(x[<t], hidden = H)` has read what is before t.

The step is the catalogue's formula.  Where a head has further indices after t, the state moves on with their last.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from gencompiler.catalog.networks import NETWORKS
from gencompiler.derive.nodes import Factor
from gencompiler.model import nodes as model
from gencompiler.model.formula import formula, placed
from gencompiler.model.views import axes
from gencompiler.node import walk
from gencompiler.rows import causal, networks
from gencompiler.rows.expressions import Expressions, Scope
from gencompiler.rows.nodes import Expr


class States:
    """The states of one network in a loop over the indices of a factor."""

    def __init__(self, expressions: Expressions, call: model.NetworkOutput, factor: Factor) -> None:
        self.expressions, self.graph = expressions, expressions.graph
        self.call, self.factor, self.span = call, factor, call.span
        self.network = expressions.networks[call.path]
        self.kind = NETWORKS[self.network.kind]

    @property
    def path(self) -> str:
        return self.call.path

    @property
    def names(self) -> tuple[str, ...]:
        base = self.network.path.rsplit(".", 1)[-1]
        return tuple(base if name == "h" else f"{base}_{name}" for name, _ in self.kind.states)

    def initial(self, scope: Scope) -> dict[str, Expr]:
        """All states begin at 0."""
        zero = self.graph.broadcast(self.graph.number(0, self.span), self.network.hidden[0], self.span)
        return dict.fromkeys(self.names, zero)

    def at(self, before: Mapping[str, Expr], scope: Scope) -> dict[str, Expr]:
        """The states that the equation reads are those that are carried."""
        return dict(before)

    def advanced(self, now: Mapping[str, Expr], drawn: Callable[[model.Expr], Expr], scope: Scope) -> dict[str, Expr]:
        """The states after this place, of which `drawn` lowers what it gives to the network."""
        following = self._stepped(now, drawn)
        inner = [r.stop - r.start for r in self.factor.conditional.indices[1:]]
        if math.prod(inner) == 1:
            return following
        graph, last = self.graph, []
        for range_ in self.factor.conditional.indices[1:]:
            end = graph.integer(range_.stop - 1, self.span)
            last.append(graph.elementwise("equal", scope.names[range_.index], end, span=self.span))
        ends = last[0]
        for each in last[1:]:
            ends = self.graph.elementwise("and", ends, each, span=self.span)
        return {n: self.graph.select(ends, following[n], now[n], self.span) for n in self.names}

    def _stepped(self, now: Mapping[str, Expr], drawn: Callable[[model.Expr], Expr]) -> dict[str, Expr]:
        graph, size, view = self.graph, self.network.hidden[0], causal.view_of(self.call, {})
        given = graph.concat(tuple(drawn(causal.uncut(i, view.index, view.index)) for i in self.call.inputs), self.span)
        states = dict(zip((name for name, _ in self.kind.states), (now[n] for n in self.names), strict=True))
        parts = {**self._gates("input", given), **self._gates("hidden", states["h"])}
        values = {**states, **parts}
        for name, text in self.kind.states:
            references = {n: model.Reference(model.Type(model.REAL, (size,)), n, span=self.span) for n in values}
            step = placed(formula(text, **references), self.span)
            values[f"{name}_next"] = self.expressions.lower(step, Scope(values))
        return {full: values[f"{name}_next"] for full, (name, _) in zip(self.names, self.kind.states, strict=True)}

    def _gates(self, layer: str, value: Expr) -> dict[str, Expr]:
        """`i0`, `i1`, … or `h0`, `h1`, …: one affine function, cut into gates."""
        graph, size, empty = self.graph, self.network.hidden[0], Scope({})
        weight = networks.parameter(self.expressions, f"{self.network.path}.{layer}.weight", empty, self.span)
        bias = networks.parameter(self.expressions, f"{self.network.path}.{layer}.bias", empty, self.span)
        product = graph.elementwise("add", graph.dot(value, weight, True, self.span), bias, span=self.span)
        product = graph.name(product, f"of_{layer}")
        cut = (graph.slice(product, k * size, (k + 1) * size, self.span) for k in range(self.kind.gates))
        return {f"{layer[0]}{k}": part for k, part in enumerate(cut)}


def recurrent_networks(expressions: Expressions, factor: Factor) -> list[States]:
    """The recurrent networks of a factor whose view runs with the first index of its head."""
    found: dict[str, States] = {}
    for part in walk(factor.distribution):
        if not isinstance(part, model.NetworkOutput) or not NETWORKS[expressions.networks[part.path].kind].gates:
            continue
        views = [view for i in part.inputs for view in axes(i, {}) if view is not None]
        first = factor.conditional.indices[0]
        runs = all(isinstance(v.index, model.Reference) and v.index.name == first.index for v in views)
        if len(views) == sum(map(bool, expressions.networks[part.path].views)) and runs and first.start == 0:
            found.setdefault(part.path, States(expressions, part, factor))
    return list(found.values())
