"""`conv(a, hidden = [H, H], kernel = [3, 1, 3])`: a network that sees of an image what lies around each place.

Inputs and outputs are images, `[channels, rows, columns]`; each layer is an affine map of the square of `kernel` places
around a place, with zeros outside of the image (LeCun et al., Gradient-based learning applied to document recognition,
1998), the same at every place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gencompiler.catalog import networks
from gencompiler.diagnostics.wording import counted
from gencompiler.model import nodes
from gencompiler.model.constants import size
from gencompiler.model.types import known_shape
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.builder import Context
    from gencompiler.model.infer import Infer

#: The side of the square that a layer sees where the call does not say.
KERNEL = 3


def grid_of(infer: Infer, expr: tree.Expr, inputs: tuple[nodes.Expr, ...]) -> tuple[int, ...]:
    """The rows and columns that all inputs have."""
    grids = {(known_shape(i.type) or ())[1:] for i in inputs}
    grid = next(iter(grids)) if len(grids) == 1 else ()
    if len(grid) != 2:
        shapes = ", ".join(str(list(known_shape(i.type) or ())) for i in inputs) or "no input"
        message = "`conv` takes images of one size, `[channels, rows, columns]`"
        infer.builder.report("G201", message, expr.span, f"this has {shapes}")
    return grid


def settings(
    infer: Infer, context: Context, expr: tree.Expr, written: tree.Expr | None, hidden: tuple[int, ...]
) -> tuple[tuple[str, int], ...]:
    """The side of the square of each layer, by the layer's name; the last is that of the outputs."""
    builder, layers = infer.builder, (*map(str, range(len(hidden))), "output")
    items = written.items if isinstance(written, tree.Array | tree.TupleExpr) else (written,) * len(layers)
    if len(items) != len(layers):
        message = f"one kernel for all layers, or one for each: {counted(len(layers), 'layer')}"
        builder.report("G104", message, expr.span, counted(len(items), "kernel"))
    sides = [KERNEL if item is None else size(item, context.constants, builder.reporter) for item in items]
    for side in sides:
        if side is not None and side % 2 == 0:
            builder.report("G206", "`kernel` is odd, for a square has a middle", expr.span, f"this is {side}")
    return tuple((f"kernel.{name}", side or KERNEL) for name, side in zip(layers, sides, strict=True))


def side(network: nodes.Network, layer: str) -> int:
    """The side of the square that a layer sees."""
    own = dict(network.settings)
    return own.get(f"kernel.{layer}", own["kernel.output"])


def is_image(network: nodes.Network) -> bool:
    """Whether a network goes over whole images."""
    return networks.NETWORKS[network.kind].image


def channels(network: nodes.Network, shape: tuple[int, ...]) -> int | None:
    """The channels of an output of this shape; None where it is no image of the inputs' size."""
    return shape[0] if len(shape) == 3 and shape[1:] == network.grid else None


def box(network: nodes.Network, layer: str) -> int:
    """How many places a layer sees; one where there are no places."""
    return side(network, layer) ** 2 if is_image(network) else 1
