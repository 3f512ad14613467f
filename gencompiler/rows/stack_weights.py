"""The parameters of a stack's layers as row expressions, taken apart by what they multiply."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from gencompiler.catalog.stacks import Affine, Around, Box, Pointwise
from gencompiler.model import nodes as model
from gencompiler.model.formula import formula, placed
from gencompiler.model.stacks import condition_size, conditions, layers_of, sizes_of
from gencompiler.rows import networks
from gencompiler.rows.nodes import Expr

if TYPE_CHECKING:
    from gencompiler.rows.expressions import Expressions, Scope


class Weights:
    """The parameters of a stack's affine layers, taken apart by what they multiply."""

    def __init__(self, expressions: Expressions, call: model.NetworkOutput) -> None:
        self.expressions, self.graph, self.call, self.span = expressions, expressions.graph, call, call.span
        self.network = expressions.networks[call.path]
        self.layers = layers_of(self.network)
        self.sizes = sizes_of(self.network, self.layers)

    def matrix(self, layer: Affine | Around, scope: Scope) -> Expr:
        if isinstance(layer, Around):
            return self.graph.matrix("identity", span=self.span, size=self.sizes[layer.name])
        return networks.parameter(self.expressions, f"{self.network.path}.{layer.name}.weight", scope, self.span)

    def columns(self, layer: Affine | Around, start: int, count: int, scope: Scope) -> Expr:
        at = self.graph.integer(start, self.span)
        return self.graph.window(self.matrix(layer, scope), at, count, self.span, axis=1)

    def output(self, number: int) -> str:
        """The layer that an output is."""
        names = self.network.output_names or ("output",)
        return names[number] if any(layer.name == names[number] for layer in self.layers) else "last"

    def width(self, box: Box) -> int:
        """How many numbers a box holds."""
        return math.prod(box.counts) * self.sizes[box.source]

    def bias(self, layer: Affine | Around, scope: Scope) -> Expr | None:
        """What the layer adds at every place: its bias, and what the inputs that are no views give."""
        graph = self.graph
        if isinstance(layer, Around):
            return None
        found = networks.parameter(self.expressions, f"{self.network.path}.{layer.name}.bias", scope, self.span)
        places, size = conditions(self.network, layer), condition_size(self.network, layer)
        if not places:
            return found
        given = graph.concat(tuple(self.expressions.lower(self.call.inputs[k], scope) for k in places), self.span)
        weight = self.columns(layer, sum(map(self.width, layer.reads)), size, scope)
        added = graph.elementwise("add", graph.dot(given, weight, True, self.span), found, span=self.span)
        return graph.name(added, "condition")

    def pointwise(self, layer: Pointwise, values: Mapping[str, Expr]) -> Expr:
        """The formula of a layer at the values of those that it reads."""
        from gencompiler.rows.expressions import Scope

        given = {name: values[source] for name, source in layer.names}
        references = {
            name: model.Reference(model.Type(model.REAL, value.type.shape), name, span=self.span)
            for name, value in given.items()
        }
        return self.expressions.lower(placed(formula(layer.formula, **references), self.span), Scope(given))

    def read(self, scope: Scope, lower: Callable[[model.Expr], Expr]) -> Expr:
        """The features of a place that the views give, side by side."""
        inputs = zip(self.call.inputs, self.network.views, strict=True)
        parts = tuple(lower(i) for i, view in inputs if view)
        if len(parts) == 1 and not parts[0].type.shape:
            return self.graph.broadcast(parts[0], 1, self.span)
        return self.graph.concat(parts, self.span)


# -- all places at once ----------------------------------------------------------------------------------------------
