"""Networks on causal views as row expressions, in two forms of one computation.

Where all places are known, the whole network is evaluated once: affine layers with masked weights, whose result for
place i is block i of the output.  Where places become known one after the other, as in drawing, the sums that the units
take are carried along and each unit is computed once, at the place its degree names: all places cost about as much as
one evaluation of the whole.  For one hidden layer that is the recursion of Larochelle & Murray, NADE, 2011, section 2.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from gencompiler.catalog import causal
from gencompiler.catalog.causal import Degrees
from gencompiler.catalog.networks import NETWORKS
from gencompiler.derive.causal import grows_by_one
from gencompiler.derive.nodes import Factor
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes as model
from gencompiler.model.views import Axes, axes
from gencompiler.node import Node, rebuild, walk
from gencompiler.rows import networks, nodes, stacks
from gencompiler.rows.nodes import Expr, RowType
from gencompiler.rows.unsupported import NotLowered

if TYPE_CHECKING:
    from gencompiler.rows.expressions import Expressions, Scope


def output(expressions: Expressions, expr: model.NetworkOutput, scope: Scope) -> Expr:
    """One output at the index of the network's views: of the sums that are carried, or of the whole network."""
    network = expressions.networks[expr.path]
    view = view_of(expr, scope.views)
    if expr.path in scope.carried and network.grid:
        return stacks.carried_output(expressions, expr, scope)
    if expr.path in scope.carried:
        return _carried_output(expressions, network, expr, scope)
    whole = stacks.whole(expressions, expr, scope) if network.grid else _whole(expressions, network, expr, scope)
    index, span = expressions.subscript(view.index, scope), expr.span
    size = network.outputs[expr.output]
    if size == 0:
        return whole if index is None else expressions.graph.column(whole, index, span)
    if index is None:
        raise NotLowered(expr, "an array of vectors that a network on a causal view gives")
    return expressions.graph.window(whole, _times(expressions, index, size, span), size, span)


def view_of(expr: model.NetworkOutput, names: Mapping[str, Axes]) -> model.Before:
    """The view at which a network on causal views is evaluated."""
    return next(view for value in expr.inputs for view in axes(value, names) if view is not None)


def uncut(expr: model.Expr, index: model.Expr, by: model.Expr | None = None) -> model.Expr:
    """What a view at `index` is a view of; or its place `by`."""

    def visit(current: Node) -> Node:
        if not isinstance(current, model.Expr):
            return current
        if isinstance(current, model.Element):
            return _opened(current, index, by)
        changed = rebuild(current, visit)
        if by is not None and isinstance(changed, model.Apply | model.Choose) and changed.type.shape:
            return dataclasses.replace(changed, type=dataclasses.replace(changed.type, shape=changed.type.shape[1:]))
        if by is not None and isinstance(changed, model.Each):
            own = (changed.extent, *changed.body.type.shape)
            return dataclasses.replace(changed, type=dataclasses.replace(changed.type, shape=own))
        return changed

    found = visit(expr)
    assert isinstance(found, model.Expr)
    return found


def _opened(element: model.Element, index: model.Expr, by: model.Expr | None) -> model.Element:
    whole = model.Whole(model.Type(model.REAL), span=element.span)
    views = [isinstance(s, model.Before) and s.index == index for s in element.subscripts]
    places = tuple((by or whole) if v else s for v, s in zip(views, element.subscripts, strict=True))
    extents = zip(element.base.type.shape, places, strict=True)
    shape = tuple(n for n, s in extents if isinstance(s, model.Whole | model.Before))
    return dataclasses.replace(element, subscripts=places, type=dataclasses.replace(element.type, shape=shape))


# -- all places at once ----------------------------------------------------------------------------------------------


def _layers(network: model.Network) -> tuple[tuple[Degrees, ...], ...]:
    """The degrees of the inputs, of each hidden layer, and of an output."""
    sizes = zip(network.inputs, network.views, strict=True)
    inputs = tuple(causal.inputs(network.places, max(1, n), view) for n, view in sizes)
    return (inputs, *((causal.hidden(network.places, h, network.views),) for h in network.hidden))


def _output_degrees(network: model.Network, number: int) -> tuple[Degrees, ...]:
    return (causal.outputs(network.places, max(1, network.outputs[number])),)


def _whole(expressions: Expressions, network: model.Network, expr: model.NetworkOutput, scope: Scope) -> Expr:
    """An output of all places side by side."""
    graph, span, view = expressions.graph, expr.span, view_of(expr, scope.views)
    value = graph.concat(tuple(place_by_place(expressions, i, view, scope) for i in expr.inputs), span)
    layers = _layers(network)
    for number in range(len(network.hidden)):
        weight = _masked(expressions, network, str(number), layers[number + 1], layers[number], scope, span)
        before = graph.elementwise(
            "add",
            graph.dot(value, weight, True, span),
            _bias(expressions, network, str(number), scope, span),
            span=span,
        )
        value = graph.name(networks.activation(expressions, network.activation, before, scope, span), "hidden")
    name = (network.output_names or ("output",))[expr.output]
    weight = _masked(expressions, network, name, _output_degrees(network, expr.output), layers[-1], scope, span)
    product = graph.dot(value, weight, True, span)
    return graph.name(
        graph.elementwise("add", product, _bias(expressions, network, name, scope, span), span=span), name
    )


def place_by_place(expressions: Expressions, given: model.Expr, view: model.Before, scope: Scope) -> Expr:
    """An input as a vector, what a view gives at each place side by side."""
    graph, cut = expressions.graph, axes(given, scope.views)
    value = expressions.lower(uncut(given, view.index), scope)
    if not any(cut[1:]):
        return value if value.type.shape else graph.broadcast(value, 1, given.span)
    places = given.type.shape[-1]
    features = value.type.shape[0] // places
    return graph.permute(value, tuple(k * places + p for p in range(places) for k in range(features)), given.span)


def _masked(
    expressions: Expressions,
    network: model.Network,
    layer: str,
    rows: tuple[Degrees, ...],
    columns: tuple[Degrees, ...],
    scope: Scope,
    span: Span,
) -> Expr:
    graph = expressions.graph
    weight = networks.parameter(expressions, f"{network.path}.{layer}.weight", scope, span)
    return graph.elementwise("multiply", weight, graph.mask(rows, columns, span), span=span)


def _bias(expressions: Expressions, network: model.Network, layer: str, scope: Scope, span: Span) -> Expr:
    return networks.parameter(expressions, f"{network.path}.{layer}.bias", scope, span)


def _times(expressions: Expressions, index: Expr, size: int, span: Span) -> Expr:
    graph = expressions.graph
    return graph.whole("multiply", index, graph.integer(size, span), span)


# -- place by place --------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Carried:
    """A network of which some views show the variable that is being drawn: its call, and the names of the sums that
    its layers take, the hidden ones in order; without hidden layers, those of its outputs."""

    call: model.NetworkOutput
    names: tuple[str, ...]


def carried_networks(expressions: Expressions, factor: Factor, variable: str) -> list[Carried]:
    """The networks of a conditional with a view of `variable` whose sums may be carried from place to place."""
    found: dict[str, Carried] = {}
    for part in walk(factor.distribution):
        if (
            not isinstance(part, model.NetworkOutput)
            or part.path in found
            or not expressions.networks[part.path].places
            or NETWORKS[expressions.networks[part.path].kind].gates
        ):
            continue
        views = [view for i in part.inputs if _shows_itself(i) for view in axes(i, {}) if view is not None]
        if len(views) < sum(map(bool, expressions.networks[part.path].views)):
            continue  # a local name stands for a view
        if not grows_by_one(views[0].index, factor.conditional):
            continue
        if any(isinstance(n, model.Reference) and n.name == variable for n in walk(part)):
            network = expressions.networks[part.path]
            layers = [str(n) for n in range(len(network.hidden))] or list(network.output_names or ("output",))
            base = network.path.rsplit(".", 1)[-1]
            found[part.path] = Carried(part, tuple(f"{base}_{layer}" for layer in layers))
    return list(found.values())


def _shows_itself(expr: model.Expr) -> bool:
    return not any(isinstance(n, model.Let) for n in walk(expr))


class Sums:
    """The carried sums of one network in the loop that draws `variable`."""

    def __init__(self, expressions: Expressions, carried: Carried, variable: str) -> None:
        self.expressions, self.graph = expressions, expressions.graph
        self.carried, self.variable = carried, variable
        self.network = expressions.networks[carried.call.path]
        self.span = carried.call.span
        self.layers = _layers(self.network)

    @property
    def path(self) -> str:
        return self.carried.call.path

    @property
    def names(self) -> tuple[str, ...]:
        """What the carried sums are called."""
        return self.carried.names

    @property
    def sums_of(self) -> list[str]:
        """The layers whose sums are carried."""
        return [str(n) for n in range(len(self.network.hidden))] or list(self.network.output_names or ("output",))

    def initial(self, scope: Scope) -> dict[str, Expr]:
        """The sums before the first place: biases, and what is known of other inputs."""
        found = {}
        for name, layer in zip(self.carried.names, self.sums_of, strict=True):
            value = _bias(self.expressions, self.network, layer, scope, self.span)
            if layer == "0" or not self.network.hidden:
                value = self._known(value, layer, scope)
            found[name] = value
        return found

    def _known(self, value: Expr, layer: str, scope: Scope) -> Expr:
        graph, view = self.graph, view_of(self.carried.call, scope.views)
        for number, given in enumerate(self.carried.call.inputs):
            if self._is_drawn(given):
                continue
            row = place_by_place(self.expressions, given, view, scope)
            weight = self._columns(self._first(layer, scope), number)
            value = graph.elementwise("add", value, graph.dot(row, weight, True, self.span), span=self.span)
        return value

    def _is_drawn(self, given: model.Expr) -> bool:
        return any(isinstance(n, model.Reference) and n.name == self.variable for n in walk(given))

    def _first(self, layer: str, scope: Scope) -> Expr:
        """The masked weights of a layer that reads the inputs."""
        names = list(self.network.output_names or ("output",))
        rows = self.layers[1] if self.network.hidden else _output_degrees(self.network, names.index(layer))
        weight = _masked(self.expressions, self.network, layer, rows, self.layers[0], scope, self.span)
        return self.graph.name(weight, f"{self.carried.names[self.sums_of.index(layer)]}_weight")

    def _columns(self, weight: Expr, number: int) -> Expr:
        start = sum(d.count for d in self.layers[0][:number])
        at = self.graph.integer(start, self.span)
        return self.graph.window(weight, at, self.layers[0][number].count, self.span, axis=1)

    def at(self, before: Mapping[str, Expr], scope: Scope) -> dict[str, Expr]:
        """The sums when the units of this place's degree have been computed, layer after layer: what an output
        reads."""
        found = dict(before)
        index = self.expressions.subscript(view_of(self.carried.call, scope.views).index, scope)
        assert index is not None
        for number in range(1, len(self.network.hidden)):
            below, above = self.carried.names[number - 1], self.carried.names[number]
            units, keep = self._units(index, self.layers[number][0])
            length = min(self.layers[number][0].most, self.layers[number][0].count)
            part = self.graph.window(found[below], units, length, self.span)
            part = self.graph.name(
                networks.activation(self.expressions, self.network.activation, part, scope, self.span), "newest"
            )
            part = self.graph.select(keep, part, self.graph.number(0, self.span), self.span)
            rows, columns = self.layers[number + 1], self.layers[number]
            weight = _masked(self.expressions, self.network, str(number), rows, columns, scope, self.span)
            weight = self.graph.name(weight, f"{above}_weight")
            weight = self.graph.window(weight, units, length, self.span, axis=1)
            added = self.graph.dot(part, weight, True, self.span)
            found[above] = self.graph.elementwise("add", found[above], added, span=self.span)
        return found

    def _units(self, degree: Expr, units: Degrees) -> tuple[Expr, Expr]:
        """Where as many neighbours begin as one degree has at most, the units of this degree among them; and which of
        them are."""
        graph, span = self.graph, self.span
        length = min(units.most, units.count)
        first = graph.name(self._below(degree, units), "first")
        last = graph.name(self._below(degree, units, 1), "last")
        at = graph.whole("min", first, graph.integer(units.count - length, span), span)
        at = graph.name(graph.whole("max", at, graph.integer(0, span), span), "start")
        iota = graph.intern(nodes.Iota(RowType(False, (length,), "integer"), length, span=span))
        places = graph.whole("add", iota, at, span)
        after = graph.elementwise("less_equal", first, places, span=span)
        return at, graph.elementwise("and", after, graph.elementwise("less", places, last, span=span), span=span)

    def _below(self, degree: Expr, units: Degrees, shift: int = 0) -> Expr:
        """How many units have a degree below `degree + shift`, where any do and any do not."""
        graph, span = self.graph, self.span
        shift -= units.first
        sign = "subtract" if shift < 0 else "add"
        offset = graph.whole(sign, degree, graph.integer(abs(shift), span), span)
        run, rise = (1, 1) if not units.rise else (units.run, units.rise)
        if run % rise == 0:
            return graph.whole("multiply", offset, graph.integer(run // rise, span), span)
        scaled = graph.whole("multiply", offset, graph.integer(run, span), span)
        raised = graph.whole("add", scaled, graph.integer(rise - 1, span), span)
        return graph.whole("quotient", raised, graph.integer(rise, span), span)

    def advanced(self, now: Mapping[str, Expr], newest: Callable[[model.Expr], Expr], scope: Scope) -> dict[str, Expr]:
        """The sums after this place, of which `newest` lowers what it gives to the network."""
        graph, found, view = self.graph, dict(now), view_of(self.carried.call, scope.views)
        at = self.expressions.subscript(view.index, scope)
        assert at is not None
        for name, layer in zip(self.carried.names, self.sums_of, strict=True):
            if self.network.hidden and layer != "0":
                continue
            for number, given in enumerate(self.carried.call.inputs):
                if not self._is_drawn(given):
                    continue
                features = max(1, self.network.inputs[number])
                value = newest(uncut(given, view.index, view.index))
                value = value if value.type.shape else graph.broadcast(value, 1, self.span)
                weight = self._columns(self._first(layer, scope), number)
                start = _times(self.expressions, at, features, self.span)
                weight = graph.window(weight, start, features, self.span, axis=1)
                added = graph.dot(value, weight, True, self.span)
                found[name] = graph.elementwise("add", found[name], added, span=self.span)
        return found


def _carried_output(expressions: Expressions, network: model.Network, expr: model.NetworkOutput, scope: Scope) -> Expr:
    """An output from the sums of the last hidden layer, or its own sums where there is none."""
    graph, span, sums = expressions.graph, expr.span, scope.carried[expr.path]
    index = expressions.subscript(view_of(expr, scope.views).index, scope)
    assert index is not None
    name = (network.output_names or ("output",))[expr.output]
    size = max(1, network.outputs[expr.output])
    start = _times(expressions, index, size, span)
    if network.hidden:
        value = networks.activation(expressions, network.activation, sums[-1], scope, span)
        value = graph.name(value, "hidden")
        weight = _masked(
            expressions, network, name, _output_degrees(network, expr.output), _layers(network)[-1], scope, span
        )
        weight = graph.window(graph.name(weight, f"{name}_weight"), start, size, span, axis=0)
        bias = graph.window(_bias(expressions, network, name, scope, span), start, size, span)
        result = graph.elementwise("add", graph.dot(value, weight, True, span), bias, span=span)
    else:
        result = graph.window(sums[expr.output], start, size, span)
    return graph.column(result, graph.integer(0, span), span) if network.outputs[expr.output] == 0 else result
