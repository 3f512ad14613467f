"""Chunks, exclusive sums, and packing for kernels."""

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


# -- packing ---------------------------------------------------------------------------------------------------------


def test_values_go_to_their_columns() -> None:
    values = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    placed = tiles.place(values, tiles.layout(4, [2, -1, 0]))
    assert placed.tolist() == [3.0, 0.0, 1.0, 0.0]
    placed.sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [1.0, 0.0, 1.0]
    assert tiles.place(values, 5).tolist() == [1.0, 2.0, 3.0, 0.0, 0.0]


def test_each_iteration_has_its_columns() -> None:
    """A stack of matrices: rows by iteration, columns padded."""
    weights = torch.arange(1.0, 13.0).reshape(3, 2, 2)
    alternate = tiles.layout(4, [0, 1], [3, 2], [0, 1])
    placed = tiles.place(weights, alternate, 3)
    assert placed.shape == (3, 4, 3)
    assert torch.equal(placed[0, :2, :2], weights[0])
    assert torch.equal(placed[1, [3, 2], :2], weights[1])
    assert float(placed.sum()) == float(weights.sum())
    repeated = tiles.layout(4, [0, 1], [3, 2], repeat=2)
    assert repeated.columns.tolist() == [[0, 1], [3, 2], [0, 1], [3, 2]]


def test_tables_of_layouts() -> None:
    cpu, axis = torch.device("cpu"), tiles.layout(4, [2, 0], [1, 3])
    assert tiles.mask(axis, cpu).tolist() == [[1, 0, 1, 0], [0, 1, 0, 1]]
    assert tiles.places(axis, cpu).tolist() == [[1, -1, 0, -1], [-1, 0, -1, 1]]
    single = tiles.layout(4, [2, 0])
    assert tiles.places(single, cpu).tolist() == [1, -1, 0, -1]
    matrix = tiles.permutation(single, tiles.plain(2, 4), cpu)
    assert (torch.tensor([5.0, 9.0, 7.0, 9.0]) @ matrix).tolist() == [7.0, 5.0, 0.0, 0.0]
    assert tiles.permutation(axis, single, cpu).shape == (2, 4, 4)


def test_packing_is_remembered_until_a_parameter_changes() -> None:
    calls = 0

    @tiles.remembered
    def pack(weight: Tensor, device: torch.device) -> tuple[Tensor, ...]:
        nonlocal calls
        calls += 1
        return (weight * 2,)

    weight, cpu = torch.ones(3), torch.device("cpu")
    assert pack(weight, cpu)[0] is pack(weight, cpu)[0]
    weight.add_(1.0)
    assert pack(weight, cpu)[0].tolist() == [4.0] * 3
    assert pack(torch.ones(3), cpu)[0].tolist() == [2.0] * 3
    assert pack(weight, cpu)[0].tolist() == [4.0] * 3
    assert calls == 4
    with torch.inference_mode():
        inside = torch.ones(3)
        pack(inside, cpu)
        inside.add_(1.0)
        assert pack(inside, cpu)[0].tolist() == [4.0] * 3
