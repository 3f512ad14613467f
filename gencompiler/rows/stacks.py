"""Stacks of convolutions as row expressions, in two forms of one computation (`catalog.stacks` says what the layers
are).

Where all places are known, each layer is computed at all of them.  Where places become known one after the other, as in
drawing, each layer is computed once at each place, from what it has kept of the layers below: the rows of a ring, as
many as its boxes reach back (Le Paine et al., Fast WaveNet generation, 2016; Ramachandran et al., Fast generation for
convolutional autoregressive models, 2017).  A layer that sees nothing of its own row is computed for all of the row
when the row begins, for at a place it may read what is to the right of it in such layers.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from gencompiler.catalog.stacks import VIEW, Affine, Around, Box, Layer, Pointwise, sights
from gencompiler.model import nodes as model
from gencompiler.rows import causal, places
from gencompiler.rows.convolve import convolved
from gencompiler.rows.nodes import Expr
from gencompiler.rows.stack_weights import Weights

if TYPE_CHECKING:
    from gencompiler.rows.expressions import Expressions, Scope


def whole(expressions: Expressions, expr: model.NetworkOutput, scope: Scope) -> Expr:
    """An output of all places side by side."""
    weights = Weights(expressions, expr)
    graph, network = expressions.graph, weights.network
    values = {VIEW: _features(weights, scope)}
    wanted = weights.output(expr.output)
    if network.layers:
        return _written(weights, wanted, values, scope)
    for layer in weights.layers:
        if isinstance(layer, Pointwise):
            values[layer.name] = weights.pointwise(layer, values)
        elif layer.name == wanted or layer.name not in (network.output_names or ("output",)):
            values[layer.name] = _convolved(weights, layer, values, network.grid, scope)
        if layer.name in values:
            graph.name(values[layer.name], _called(layer))
    return values[wanted]


def _written(weights: Weights, wanted: str, values: dict[str, Expr], scope: Scope) -> Expr:
    """A layer of a stack that the spec writes out, and no more than it reads."""
    read = {wanted}
    for layer in reversed(weights.layers):
        read |= {box.source for box in layer.reads} if layer.name in read else set()
    for layer in (each for each in weights.layers if each.name in read):
        if isinstance(layer, Pointwise):
            value = weights.pointwise(layer, values)
        else:
            value = _convolved(weights, layer, values, weights.network.grid, scope)
        values[layer.name] = weights.graph.name(value, _called(layer))
    return values[wanted]


def _called(layer: Layer) -> str:
    """The name of a layer in code, the number of its block behind it."""
    number, _, rest = layer.name.rpartition(".")
    return f"{rest}_{number}" if number else rest


def _features(weights: Weights, scope: Scope) -> Expr:
    """What the views show, place by place."""
    graph, network, span = weights.graph, weights.network, weights.span
    view = causal.view_of(weights.call, scope.views)
    inputs = [(i, max(1, n)) for i, n, v in zip(weights.call.inputs, network.inputs, network.views, strict=True) if v]
    parts = tuple(causal.place_by_place(weights.expressions, i, view, scope) for i, _ in inputs)
    together = graph.concat(parts, span)
    order: list[int] = []
    for place in range(network.places):
        start = 0
        for _, size in inputs:
            order += range(start + place * size, start + (place + 1) * size)
            start += size * network.places
    return graph.permute(together, tuple(order), span)


def _convolved(
    weights: Weights, layer: Affine | Around, values: Mapping[str, Expr], grid: tuple[int, ...], scope: Scope
) -> Expr:
    graph, span, start, found = weights.graph, weights.span, 0, None
    for number, box in enumerate(layer.reads):
        width = weights.width(box)
        pads = tuple((-first, last) for first, last in zip(box.first, box.last, strict=True))
        bias = weights.bias(layer, scope) if number == 0 else None
        columns = weights.columns(layer, start, width, scope)
        term = convolved(graph, values[box.source], columns, bias, grid, box.counts, box.dilation, pads, span)
        found = term if found is None else graph.elementwise("add", found, term, span=span)
        start += width
    assert found is not None
    return found


# -- place by place --------------------------------------------------------------------------------------------------


def carried_output(expressions: Expressions, expr: model.NetworkOutput, scope: Scope) -> Expr:
    """An output at a place, from what the last layer has there."""
    weights, graph = Weights(expressions, expr), expressions.graph
    found, name = scope.carried[expr.path][-1], weights.output(expr.output)
    if weights.network.layers:
        start = sum(max(1, n) for n in weights.network.outputs[: expr.output])
        size = weights.network.outputs[expr.output]
        if size == 0:
            return graph.column(found, graph.integer(start, expr.span), expr.span)
        return graph.slice(found, start, start + size, expr.span)
    layer = next(each for each in weights.layers if each.name == name)
    if isinstance(layer, Affine):
        bias = weights.bias(layer, scope)
        assert bias is not None
        product = graph.dot(found, weights.matrix(layer, scope), True, expr.span)
        found = graph.elementwise("add", product, bias, span=expr.span)
    single = weights.network.outputs[expr.output] == 0
    return graph.column(found, graph.integer(0, expr.span), expr.span) if single else found


@dataclasses.dataclass(frozen=True)
class Ring:
    """What is kept of a layer: as many rows as are read, each with `left` and `right` places of zeros at its ends.

    Row i lies in slot i mod `rows`.  Before anything is written all is 0, as outside of the grid."""

    layer: str
    name: str
    rows: int
    left: int
    columns: int
    right: int
    size: int

    @property
    def row(self) -> int:
        """The numbers of a row."""
        return (self.left + self.columns + self.right) * self.size


class Caches:
    """The rings of one stack in a loop that draws what its views show."""

    #: Whether the loop must carry the variable for it: a ring has what it shows.
    reads_variable = False

    def __init__(self, expressions: Expressions, call: model.NetworkOutput) -> None:
        self.weights = Weights(expressions, call)
        self.expressions, self.graph, self.span = expressions, expressions.graph, call.span
        self.network, self.call = self.weights.network, call
        self.outputs = () if self.network.layers else self.network.output_names or ("output",)
        self.layers = [layer for layer in self.weights.layers if layer.name not in self.outputs]
        self.rows = self._layers_by_row()
        self.rings = self._rings()

    @property
    def path(self) -> str:
        return self.call.path

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(ring.name for ring in self.rings.values())

    def _layers_by_row(self) -> frozenset[str]:
        """The layers of an image that see nothing of their own row."""
        grid = self.network.grid
        if len(grid) == 1:
            return frozenset()
        seen = sights(grid, tuple((layer.name, layer.reads) for layer in self.layers))
        starts = [number - number % grid[1] for number in range(math.prod(grid))]
        return frozenset(
            layer.name
            for layer in self.layers
            if all(not bits >> start for bits, start in zip(seen[layer.name], starts, strict=True))
        )

    def _rings(self) -> dict[str, Ring]:
        """A ring for what the views show, for what is read elsewhere than where it is, and for rows."""
        found: dict[str, Ring] = {}
        columns = self.network.grid[1] if len(self.network.grid) > 1 else 1
        base = self.network.path.rsplit(".", 1)[-1]
        for source in (VIEW, *(layer.name for layer in self.layers)):
            boxes = [box for layer in self.layers for box in layer.reads if box.source == source]
            if all(box.here for box in boxes) and source not in self.rows:
                continue
            firsts = [(*box.first, 0) for box in boxes]
            lasts = [(*box.last, 0) for box in boxes]
            rows = 1 + max((-first[0] for first in firsts), default=0)
            left, right = max(-f[1] for f in firsts), max(each[1] for each in lasts)
            name = f"{base}_{source.replace('.', '_')}"
            size = self.weights.sizes[source]
            found[source] = Ring(source, name, rows, max(0, left), columns, max(0, right), size)
        return found

    def initial(self, scope: Scope) -> dict[str, Expr]:
        """All is 0."""
        zero = self.graph.number(0, self.span)
        return {r.name: self.graph.broadcast(zero, r.rows * r.row, self.span) for r in self.rings.values()}

    def at(self, before: Mapping[str, Expr], scope: Scope) -> dict[str, Expr]:
        """The rings when the layers of this place have been computed, and the last of these."""
        held = {source: before[ring.name] for source, ring in self.rings.items()}
        here: dict[str, Expr] = {}
        at = self._place(scope)
        for layer in self.layers:
            if layer.name in self.rows:
                held[layer.name] = self._row(layer, held, at, scope)
                continue
            here[layer.name] = self._here(layer, held, here, at, scope)
            if layer.name in self.rings:
                held[layer.name] = self._written(held, layer.name, here[layer.name], at)
        return {**{ring.name: held[source] for source, ring in self.rings.items()}, "last": here["last"]}

    def advanced(self, now: Mapping[str, Expr], newest: Callable[[model.Expr], Expr], scope: Scope) -> dict[str, Expr]:
        """The rings after this place, of which `newest` lowers what it gives to the network."""
        view = causal.view_of(self.call, scope.views)
        value = self.weights.read(scope, lambda given: newest(causal.uncut(given, view.index, view.index)))
        held = {source: now[ring.name] for source, ring in self.rings.items()}
        held[VIEW] = self._written(held, VIEW, value, self._place(scope))
        return {ring.name: held[source] for source, ring in self.rings.items()}

    # -- layers ------------------------------------------------------------------------------------------------------

    def _here(
        self, layer: Layer, held: Mapping[str, Expr], here: Mapping[str, Expr], at: tuple[Expr, ...], scope: Scope
    ) -> Expr:
        """A layer at this place."""
        graph = self.graph
        if isinstance(layer, Pointwise):
            values = {source: self._value(source, held, here, at) for _, source in layer.names}
            return graph.name(self.weights.pointwise(layer, values), _called(layer))
        parts: list[Expr] = []
        for box in layer.reads:
            if box.here:
                parts.append(self._value(box.source, held, here, at))
                continue
            for row in range(box.counts[0]):
                parts += self._run(box, held, at, box.first[0] + box.dilation * row)
        width = sum(map(self.weights.width, layer.reads))
        value, bias = graph.concat(tuple(parts), self.span), self.weights.bias(layer, scope)
        if bias is not None:
            weight = self.weights.columns(layer, 0, width, scope)
            value = graph.elementwise("add", graph.dot(value, weight, True, self.span), bias, span=self.span)
        return graph.name(value, _called(layer))

    def _value(self, source: str, held: Mapping[str, Expr], here: Mapping[str, Expr], at: tuple[Expr, ...]) -> Expr:
        """What a layer has at this place."""
        return here[source] if source in here else self._window(self.rings[source], held, at, 0, 0, 1)

    def _run(self, box: Box, held: Mapping[str, Expr], at: tuple[Expr, ...], row: int) -> list[Expr]:
        """One row of a box: neighbours in one piece."""
        ring = self.rings[box.source]
        first, count = (box.first[1], box.counts[1]) if len(at) > 1 else (0, 1)
        if box.dilation == 1 or count == 1:
            return [self._window(ring, held, at, row, first, count)]
        return [self._window(ring, held, at, row, first + box.dilation * k, 1) for k in range(count)]

    def _row(self, layer: Layer, held: Mapping[str, Expr], at: tuple[Expr, ...], scope: Scope) -> Expr:
        """The ring of a layer that is computed for all of a row at its first place."""
        graph, span, ring = self.graph, self.span, self.rings[layer.name]
        if isinstance(layer, Pointwise):
            values = {s: self._whole_row(self.rings[s], held, at, 0, 0, 0) for _, s in layer.names}
            value = self.weights.pointwise(layer, values)
        else:
            value = self._row_of(layer, held, at, scope)
        begins = graph.elementwise("equal", at[1], graph.integer(0, span), span=span)
        start = self._start(ring, at[0], 0, graph.integer(ring.left * ring.size, span))
        before = held[layer.name]
        return graph.name(
            graph.select(begins, graph.with_window(before, start, value, span), before, span), f"row_{_called(layer)}"
        )

    def _row_of(self, layer: Affine | Around, held: Mapping[str, Expr], at: tuple[Expr, ...], scope: Scope) -> Expr:
        graph, span, start, found = self.graph, self.span, 0, None
        for box in layer.reads:
            for row in range(box.counts[0]):
                width = box.counts[1] * self.weights.sizes[box.source]
                ring, step = self.rings[box.source], box.first[0] + box.dilation * row
                value = self._whole_row(ring, held, at, step, box.first[1], box.last[1])
                grid = (ring.columns + box.last[1] - box.first[1],)
                columns = self.weights.columns(layer, start, width, scope)
                bias = self.weights.bias(layer, scope) if found is None else None
                pads = ((0, 0),)
                term = convolved(graph, value, columns, bias, grid, box.counts[1:], box.dilation, pads, span)
                found = term if found is None else graph.elementwise("add", found, term, span=span)
                start += width
        assert found is not None
        return found

    # -- places of rings ---------------------------------------------------------------------------------------------

    def _place(self, scope: Scope) -> tuple[Expr, ...]:
        """The indices of this place in the grid."""
        number = self.expressions.subscript(causal.view_of(self.call, scope.views).index, scope)
        assert number is not None
        return places.indices(self.graph, number, self.network.grid, self.span)

    def _window(
        self, ring: Ring, held: Mapping[str, Expr], at: tuple[Expr, ...], row: int, column: int, count: int
    ) -> Expr:
        """`count` places of a row, from an offset to this place on."""
        graph, span = self.graph, self.span
        inside = graph.integer((ring.left + column) * ring.size, span)
        if len(at) > 1:
            own = graph.whole("multiply", at[1], graph.integer(ring.size, span), span)
            inside = graph.whole("add", own, inside, span)
        return graph.window(held[ring.layer], self._start(ring, at[0], row, inside), count * ring.size, span)

    def _whole_row(
        self, ring: Ring, held: Mapping[str, Expr], at: tuple[Expr, ...], row: int, first: int, last: int
    ) -> Expr:
        """A row, and what lies beside it from the offset `first` of its first place to `last` of its last."""
        start = self._start(ring, at[0], row, self.graph.integer((ring.left + first) * ring.size, self.span))
        length = (ring.columns + last - first) * ring.size
        return self.graph.window(held[ring.layer], start, length, self.span)

    def _start(self, ring: Ring, row: Expr, step: int, inside: Expr) -> Expr:
        """Where in a ring a number `inside` a row lies, `step` rows from the row at this place."""
        graph, span = self.graph, self.span
        if ring.rows == 1:
            return inside
        if step:
            row = graph.whole("add", row, graph.integer(ring.rows + step, span), span)
        slot = graph.whole("remainder", row, graph.integer(ring.rows, span), span)
        start = graph.whole("multiply", slot, graph.integer(ring.row, span), span)
        return graph.name(graph.whole("add", start, inside, span), "start")

    def _written(self, held: Mapping[str, Expr], source: str, value: Expr, at: tuple[Expr, ...]) -> Expr:
        """The ring of a layer with its value at this place."""
        graph, span, ring = self.graph, self.span, self.rings[source]
        inside = graph.integer(ring.left * ring.size, span)
        if len(at) > 1:
            own = graph.whole("multiply", at[1], graph.integer(ring.size, span), span)
            inside = graph.whole("add", own, inside, span)
        return graph.with_window(held[source], self._start(ring, at[0], 0, inside), value, span)
