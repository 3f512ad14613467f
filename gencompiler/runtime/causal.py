"""Masks of causal networks."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

#: `(count, first, rise, run)`: unit k of `count` has the degree first + k rise // run.
Degrees = tuple[int, int, int, int]


@functools.lru_cache(maxsize=256)
def mask(rows: tuple[Degrees, ...], columns: tuple[Degrees, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """`[rows, columns]`, 1 where the degree of the column is at most that of the row, else 0.

    Degrees say how much of a sequence a unit may depend on (Germain et al., MADE, 2015)."""
    above, below = (torch.cat([_degrees(*part) for part in parts]) for parts in (rows, columns))
    return (below <= above[:, None]).to(device=device, dtype=dtype)


def _degrees(count: int, first: int, rise: int, run: int) -> Tensor:
    return first + torch.arange(count) * rise // run
