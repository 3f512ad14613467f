"""Convolutions over the places of a grid, of tensors that are flat in each row."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor
from torch.nn import functional as F

_CONVOLUTIONS = {1: torch.conv1d, 2: torch.conv2d, 3: torch.conv3d}


def convolve(
    value: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    grid: tuple[int, ...],
    kernel: tuple[int, ...],
    pads: tuple[tuple[int, int], ...],
    dilation: int = 1,
) -> Tensor:
    """An affine map of the box `kernel` around each place: `[rows, places * in]` to `[rows, places * out]`.

    A row holds the numbers of a place side by side, the places of `grid` in raster order; `weight` is `[out, in of the
    places of the box]`, these in raster order too, `dilation` apart.  `pads`: rows of zeros before and after along each
    axis, cut where negative.  `bias` is `[out]`, or `[rows, out]`."""
    places, size = math.prod(grid), value.shape[-1] // math.prod(grid)
    if math.prod(kernel) == 1 and not any(map(any, pads)):
        found = F.linear(value.reshape(len(value), places, size), weight)
    else:
        image = value.reshape(len(value), *grid, size).movedim(-1, 1)
        padded = F.pad(image, tuple(itertools.chain.from_iterable(reversed(pads))))
        filters = weight.reshape(len(weight), *kernel, size).movedim(-1, 1)
        found = _CONVOLUTIONS[len(grid)](padded, filters, dilation=dilation).flatten(2).mT
    if bias is not None:
        found = found + (bias if bias.dim() == 1 else bias[:, None])
    return found.flatten(1)
