"""Stages that put the elements of an image, `[channels, rows, columns]`, in other places: `squeeze` and `unsqueeze`.

Each square of k x k pixels of a channel becomes k^2 channels of one pixel, row by row (Dinh, Sohl-Dickstein & Bengio,
Density estimation using Real NVP, ICLR 2017, section 3.6): result[k^2 c + k a + b, i, j] = value[c, k i + a, k j + b].
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gencompiler.model import definitions, nodes
from gencompiler.model.builder import Context
from gencompiler.model.constants import size
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer

Shape = tuple[int, ...]

REARRANGED = ("squeeze", "unsqueeze")


def squeezed(shape: Shape, by: int) -> tuple[Shape, tuple[int, ...]]:
    """The shape of `squeeze`, and the place that each of its elements comes from."""
    channels, rows, columns = shape
    after = (channels * by**2, rows // by, columns // by)
    order = (
        (c * rows + by * i + a) * columns + by * j + b
        for c in range(channels)
        for a in range(by)
        for b in range(by)
        for i in range(after[1])
        for j in range(after[2])
    )
    return after, tuple(order)


def unsqueezed(shape: Shape, by: int) -> tuple[Shape, tuple[int, ...]]:
    """The same of `unsqueeze`, which undoes it."""
    channels, rows, columns = shape
    after = (channels // by**2, rows * by, columns * by)
    order = [0] * math.prod(shape)
    for place, source in enumerate(squeezed(after, by)[1]):
        order[source] = place
    return after, tuple(order)


def rearranged(
    infer: Infer, context: Context, name: str, expr: tree.Expr, shape: Shape
) -> tuple[tuple[nodes.Stage, ...], Shape]:
    """`squeeze` or `squeeze(k)`, of squares of 2 x 2 pixels unless the spec says otherwise."""
    builder = infer.builder
    arguments = expr.arguments if isinstance(expr, tree.Call) else ()
    by: int | None = 2
    if arguments:
        value = arguments[0].value
        if len(arguments) > 1 or value is None or arguments[0].name is not None:
            builder.report("G104", f"`{name}(k)` takes the side of a square of pixels", expr.span, "wrong arguments")
        by = size(value, context.constants, builder.reporter)
    if by is None:
        raise definitions.Abandon
    divided = ((n, by) for n in shape[1:]) if name == "squeeze" else ((shape[0], by**2) for _ in shape[:1])
    if len(shape) != 3 or by < 1 or any(n % divisor for n, divisor in divided):
        wanted = f"sides that {by} divides" if name == "squeeze" else f"a number of channels that {by**2} divides"
        message = f"`{name}` takes an image, `[channels, rows, columns]`, with {wanted}"
        builder.report("G407", message, expr.span, f"this has the shape {list(shape)}")
    after, order = (squeezed if name == "squeeze" else unsqueezed)(shape, by)
    return (nodes.Rearrange(name, shape, after, order, span=expr.span),), after
