"""Networks that are stacks of convolutions: their layers, and the weights of these."""

from __future__ import annotations

import math
from collections.abc import Mapping

from gencompiler.catalog.networks import NETWORKS
from gencompiler.catalog.stacks import VIEW, Affine, Around, Box, Layer, Pointwise
from gencompiler.model import nodes


def layers_of(network: nodes.Network) -> tuple[Layer, ...]:
    """The layers of a stack, the outputs last; each output is affine in the layer `last`, or, without weights and where
    the spec writes the layers out, it is that layer."""
    if network.layers:
        return tuple(_written(layer, len(network.grid)) for layer in network.layers)
    kind = NETWORKS[network.kind]
    made = kind.stack
    assert made is not None
    if not kind.weight:
        return made(dict(network.settings))
    axes = len(network.grid)
    here = Box("last", (0,) * axes, (1,) * axes)
    names = zip(network.output_names or ("output",), network.outputs, strict=True)
    return (*made(dict(network.settings)), *(Affine(name, max(1, size), (here,)) for name, size in names))


def _written(layer: nodes.Layer, axes: int) -> Layer:
    """A layer that a spec writes out, as the catalogue has them."""
    boxes = tuple(Box(*box) for box in layer.boxes)
    if layer.kind == "affine":
        return Affine(layer.name, layer.size, boxes, bool(layer.given), layer.given)
    if layer.kind == "formula":
        return Pointwise(layer.name, layer.size, layer.formula, layer.names, axes)
    if len(boxes) == 1 and boxes[0].here:
        return Pointwise(layer.name, layer.size, "a", (("a", boxes[0].source),), axes)
    return Around(layer.name, boxes)


def is_stack(network: nodes.Network) -> bool:
    """Whether a network is a stack of convolutions on a causal view."""
    return bool(network.layers) or NETWORKS[network.kind].stack is not None


def sizes_of(network: nodes.Network, layers: tuple[Layer, ...]) -> dict[str, int]:
    """How many numbers each layer has at a place."""
    views = zip(network.inputs, network.views, strict=True)
    found = {VIEW: sum(max(1, n) for n, view in views if view)}
    for layer in layers:
        found[layer.name] = width(layer.reads, found) if isinstance(layer, Around) else layer.size
    return found


def width(boxes: tuple[Box, ...], sizes: Mapping[str, int]) -> int:
    """How many numbers boxes hold."""
    return sum(math.prod(box.counts) * sizes[box.source] for box in boxes)


def conditions(network: nodes.Network, layer: Affine) -> tuple[int, ...]:
    """The places among the inputs of those that a layer is conditioned on."""
    plain = tuple(k for k, view in enumerate(network.views) if not view)
    if not layer.conditioned:
        return ()
    return plain if layer.given is None else tuple(plain[k] for k in layer.given)


def condition_size(network: nodes.Network, layer: Affine) -> int:
    """How many numbers a layer is conditioned on."""
    return sum(max(1, network.inputs[k]) for k in conditions(network, layer))


def weights_of(network: nodes.Network) -> list[tuple[str, int, int]]:
    """Of each affine layer the name, and the rows and columns of its weight: a box after the other, of each its places
    in raster order, of each place its features; then the condition."""
    layers = layers_of(network)
    sizes = sizes_of(network, layers)
    found = []
    for layer in layers:
        if isinstance(layer, Affine):
            found.append((layer.name, layer.size, width(layer.reads, sizes) + condition_size(network, layer)))
    return found


#: Of each layer its name, and of each box that it reads the source, the first offsets, the counts, the dilation.
Structure = tuple[tuple[str, tuple[tuple[str, tuple[int, ...], tuple[int, ...], int], ...]], ...]


def structure(network: nodes.Network) -> Structure:
    """What each layer reads, as plain data; the outputs, which read what `last` is where they are, left out."""
    kept = -len(network.outputs) if NETWORKS[network.kind].weight and not network.layers else None
    layers = layers_of(network)[:kept]
    return tuple((each.name, tuple((b.source, b.first, b.counts, b.dilation) for b in each.reads)) for each in layers)
