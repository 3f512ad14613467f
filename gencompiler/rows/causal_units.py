"""Networks on causal views whose places become known one after the other: every unit is computed once.

The output for place i reads units of degree i or less, and a unit of degree m reads places before m, so a unit can be
computed when place m - 1 is known, and never changes after (Germain et al., MADE, ICML 2015, section 4.1).  A loop over
places carries the inputs and the units of each hidden layer; at place i it computes the units of degree i, layer after
layer, which are neighbours (`catalog.causal`), from all units below.  All places together cost one evaluation of the
whole network, where evaluating it for each place costs as many as there are places.  With one hidden layer this is the
sampler of Larochelle & Murray, NADE, 2011, section 2, its sums taken when they are needed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from gencompiler.catalog.causal import Degrees
from gencompiler.catalog.networks import NETWORKS
from gencompiler.derive.causal import grows_by_one
from gencompiler.derive.nodes import Factor
from gencompiler.model import nodes as model
from gencompiler.model.views import axes
from gencompiler.node import walk
from gencompiler.rows import networks
from gencompiler.rows.causal import bias, layers_of, masked, place_by_place, times, uncut, view_of
from gencompiler.rows.expressions import Expressions, Scope
from gencompiler.rows.nodes import Expr
from gencompiler.rows.stacks import Caches


def drawn_networks(expressions: Expressions, factor: Factor, variable: str) -> list[Units | Caches]:
    """The networks of a conditional that read `variable`, drawn place by place, and whose units may be carried."""
    return _carried(expressions, factor.distribution, variable, lambda index: grows_by_one(index, factor.conditional))


def recurring_networks(expressions: Expressions, recur: model.Recur) -> list[Units]:
    """The same of an array whose entries need those before them."""

    def runs(index: model.Expr) -> bool:
        return isinstance(index, model.Reference) and index.name == recur.index

    found = _carried(expressions, recur.body, recur.name, runs)
    return [units for units in found if isinstance(units, Units) and units.network.places == recur.extent]


def _carried(
    expressions: Expressions, tree: model.Expr, variable: str, runs: Callable[[model.Expr], bool]
) -> list[Units | Caches]:
    found: dict[str, Units | Caches] = {}
    for part in walk(tree):
        if not isinstance(part, model.NetworkOutput) or part.path in found:
            continue
        network = expressions.networks[part.path]
        if not network.places or NETWORKS[network.kind].gates:
            continue
        views = [view for i in part.inputs if _shows_itself(i) for view in axes(i, {}) if view is not None]
        if len(views) < sum(map(bool, network.views)):
            continue  # a local name stands for a view
        if runs(views[0].index) and any(_mentions(given, variable) for given in part.inputs):
            stacked = bool(network.grid)
            found[part.path] = Caches(expressions, part) if stacked else Units(expressions, part, variable)
    return list(found.values())


def _shows_itself(expr: model.Expr) -> bool:
    return not any(isinstance(n, model.Let) for n in walk(expr))


def _mentions(expr: model.Expr, variable: str) -> bool:
    return any(isinstance(n, model.Reference) and n.name == variable for n in walk(expr))


@dataclasses.dataclass(frozen=True)
class Units:
    """The units of one network in a loop that fills `variable`, place by place."""

    expressions: Expressions
    call: model.NetworkOutput
    variable: str

    @property
    def path(self) -> str:
        return self.call.path

    @property
    def network(self) -> model.Network:
        return self.expressions.networks[self.call.path]

    @property
    def reads_variable(self) -> bool:
        """Whether the network's input is the variable itself, which the loop must carry then."""
        (first, *others) = self.call.inputs
        if not isinstance(first, model.Element) or not isinstance(first.base, model.Reference):
            return False
        return not others and len(first.subscripts) == 1 and self._features(0) == 1

    @property
    def names(self) -> tuple[str, ...]:
        """What the carried values are called: the input, unless it is the variable, and the hidden layers."""
        base = self.path.rsplit(".", 1)[-1]
        own = () if self.reads_variable else (f"{base}_input",)
        return (*own, *(f"{base}_{number}" for number in range(len(self.network.hidden))))

    def initial(self, scope: Scope) -> dict[str, Expr]:
        """Zeros, and what is known of the input."""
        graph, span = self.expressions.graph, self.call.span
        zero = graph.number(0, span)
        hidden = [graph.broadcast(zero, size, span) for size in self.network.hidden]
        if self.reads_variable:
            return dict(zip(self.names, hidden, strict=True))
        view = view_of(self.call, scope.views)
        parts = [
            graph.broadcast(zero, degrees.count, span)
            if _mentions(given, self.variable)
            else place_by_place(self.expressions, given, view, scope)
            for given, degrees in zip(self.call.inputs, layers_of(self.network)[0], strict=True)
        ]
        return dict(zip(self.names, [graph.concat(tuple(parts), span), *hidden], strict=True))

    def at(self, before: Mapping[str, Expr], scope: Scope) -> dict[str, Expr]:
        """The input and all layers when the units of this place's degree have been computed: what an output reads."""
        graph, network, span = self.expressions.graph, self.network, self.call.span
        found = {self.variable: scope.names[self.variable], **before} if self.reads_variable else dict(before)
        index = self._index(scope)
        names, layers = list(found), layers_of(network)
        for number in range(len(network.hidden)):
            below, own = names[number], names[number + 1]
            (degrees,) = layers[number + 1]
            start, length = self._start(index, degrees), min(degrees.most, degrees.count)
            weight = masked(self.expressions, network, str(number), layers[number + 1], layers[number], scope, span)
            weight = graph.window(graph.name(weight, f"{own}_weight"), start, length, span, axis=0)
            added = graph.window(bias(self.expressions, network, str(number), scope, span), start, length, span)
            value = graph.elementwise("add", graph.dot(found[below], weight, True, span), added, span=span)
            value = networks.activation(self.expressions, network.activation, value, scope, span)
            units = graph.with_window(found[own], start, graph.name(value, "newest"), span)
            found[own] = graph.name(units, "units")
        return found

    def advanced(self, now: Mapping[str, Expr], newest: Callable[[model.Expr], Expr], scope: Scope) -> dict[str, Expr]:
        """The carried values after this place, of which `newest` lowers what it gives to the network."""
        graph, span = self.expressions.graph, self.call.span
        found = {name: now[name] for name in self.names}
        if self.reads_variable:
            return found
        view, index, first = view_of(self.call, scope.views), self._index(scope), 0
        value = now[self.names[0]]
        for number, given in enumerate(self.call.inputs):
            if _mentions(given, self.variable):
                at = times(self.expressions, index, self._features(number), span)
                at = graph.whole("add", at, graph.integer(first, span), span)
                part = newest(uncut(given, view.index, view.index))
                part = part if part.type.shape else graph.broadcast(part, 1, span)
                value = graph.with_window(value, at, part, span)
            first += layers_of(self.network)[0][number].count
        return {**found, self.names[0]: value}

    def _features(self, number: int) -> int:
        return max(1, self.network.inputs[number])

    def _index(self, scope: Scope) -> Expr:
        index = self.expressions.subscript(view_of(self.call, scope.views).index, scope)
        assert index is not None
        return index

    def _start(self, degree: Expr, units: Degrees) -> Expr:
        """Where as many neighbours begin as one degree has at most, all units of this degree among them.

        The others are computed again when their own degree comes, or were before, from what masks let them read: to
        the same values.  Until then no weight reads them."""
        graph, span = self.expressions.graph, self.call.span
        first = self._below(degree, units)
        at = graph.whole("min", first, graph.integer(units.count - min(units.most, units.count), span), span)
        return graph.name(graph.whole("max", at, graph.integer(0, span), span), "start")

    def _below(self, degree: Expr, units: Degrees) -> Expr:
        """How many units have a lower degree, where any do and any do not."""
        graph, span = self.expressions.graph, self.call.span
        offset = graph.whole("subtract", degree, graph.integer(units.first, span), span)
        run, rise = (1, 1) if not units.rise else (units.run, units.rise)
        if run % rise == 0:
            return graph.whole("multiply", offset, graph.integer(run // rise, span), span)
        scaled = graph.whole("multiply", offset, graph.integer(run, span), span)
        raised = graph.whole("add", scaled, graph.integer(rise - 1, span), span)
        return graph.whole("quotient", raised, graph.integer(rise, span), span)
