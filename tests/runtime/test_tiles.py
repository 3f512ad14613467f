"""Chunks, exclusive sums and tiles of rows."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gencompiler.runtime import tiles


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 784])
@pytest.mark.parametrize("elements", [0, 1, 50_000, 10**9])
@pytest.mark.parametrize("reverse", [False, True])
def test_chunks_cover_each_dimension_once(count: int, elements: int, reverse: bool) -> None:
    slices = list(tiles.chunks(count, elements, reverse=reverse))
    covered = [i for each in (reversed(slices) if reverse else slices) for i in range(each.start, each.stop)]
    assert covered == list(range(count))


@pytest.mark.parametrize("reverse", [False, True])
def test_exclusive_sums(reverse: bool) -> None:
    left, right = torch.randn(6, 4, dtype=torch.float64), torch.randn(6, 3, dtype=torch.float64)
    terms = left[..., None] * right[:, None]
    places = range(6)
    wanted = torch.stack(
        [sum((terms[j] for j in places if (j > c if reverse else j < c)), terms[0] * 0) for c in places]
    )
    torch.testing.assert_close(tiles.exclusive_sums(terms, reverse=reverse), wanted)
    torch.testing.assert_close(tiles.exclusive_products(left, right, reverse=reverse), wanted)


def test_tiles_make_a_row_a_function_of_its_number() -> None:
    """Bit-identical for any set of rows, though a matrix product alone is not."""
    weight = torch.randn(37, 53)

    def function(rows: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        return x @ weight, rows * 1.0

    x = torch.randn(1000, 37)
    whole, numbers = tiles.in_tiles(function, torch.arange(1000), x)
    assert torch.equal(numbers, torch.arange(1000.0))
    torch.testing.assert_close(whole, x @ weight)
    for rows in (torch.arange(7), torch.arange(120, 300), torch.tensor([3, 127, 128, 999])):
        part, found = tiles.in_tiles(function, rows, x[rows])
        assert torch.equal(part, whole[rows])
        assert torch.equal(found, rows * 1.0)


def test_no_rows() -> None:
    (nothing,) = tiles.in_tiles(lambda rows: rows * 2.0, torch.arange(0))
    assert nothing.shape == (0,)
