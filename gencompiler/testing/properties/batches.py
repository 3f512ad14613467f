"""Batches: a row's values do not depend on the rows beside it, nor on how many there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from gencompiler.testing.subject import Subject, in_float64, log_prob


def check_same_rows(draw: Callable[[int], Tensor], counts: Sequence[int]) -> None:
    """`draw(n)` gives the same first rows, bit for bit, for every n of `counts`."""
    whole = draw(max(counts))
    for count in counts:
        part = draw(count)
        if part.shape != (count, *whole.shape[1:]):
            raise AssertionError(f"{count} rows asked for, shape {list(part.shape)} given")
        if not torch.equal(part, whole[:count]):
            row = int((part != whole[:count]).reshape(count, -1).any(1).nonzero()[0])
            raise AssertionError(f"row {row} of {count} differs from row {row} of {max(counts)} for the same seed")


def check_batch(model: Subject, x: Tensor, seed: int) -> None:
    """log_prob of a batch `[n, *shape]` of any n is `[n]`, and equals that of its rows one by one, up to rounding."""
    model = in_float64(model)
    x = x.double() if x.is_floating_point() else x
    numbers = torch.arange(len(x))
    with torch.no_grad():
        together = log_prob(model, x, row=numbers, seed=seed)
        if together.shape != (len(x),):
            raise AssertionError(f"log_prob of {len(x)} rows has shape {list(together.shape)}")
        for row in range(min(len(x), 5)):
            # Rows are taken from the end too: there the last tile is only partly filled.
            place = row if row % 2 == 0 else len(x) - row
            alone = log_prob(model, x[place : place + 1], row=numbers[place : place + 1], seed=seed)
            if not torch.allclose(alone[0], together[place], rtol=1e-9, atol=1e-9, equal_nan=True):
                found = f"{together[place].item():.9g} in a batch of {len(x)}, {alone[0].item():.9g} alone"
                raise AssertionError(f"log_prob of row {place} is {found}")
