"""Chunks, exclusive sums, and packing for kernels."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gencompiler.runtime import backends, gradients, tiles
from gencompiler.runtime.programs import RowFunction


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


# -- tiles of kernels ------------------------------------------------------------------------------------------------


@tiles.sizes(sm_80=(16, 8, 2), sm_86=(16, 8, 1), gfx942=(16, 4, 1))
def launcher() -> None:
    """A kernel that spills on sm_90."""


SIZES: tiles.Sizes = launcher.sizes  # type: ignore[attr-defined]
CUDA = torch.device("cuda", 0)


@pytest.mark.parametrize(
    ("capability", "amd", "wanted"),
    [
        ((8, 0), None, (16, 8, 2)),
        ((8, 6), None, (16, 8, 1)),
        ((8, 7), None, (16, 8, 2)),
        ((8, 9), None, (16, 8, 1)),
        ((12, 0), None, (16, 8, 1)),
        ((7, 5), None, None),
        ((9, 0), None, None),
        ((10, 0), None, None),
        ((9, 4), "6.2", (16, 4, 1)),
    ],
)
def test_a_kernel_takes_the_tile_of_the_device(
    capability: tuple[int, int], amd: str | None, wanted: tuple[int, int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.version, "hip", amd)
    tiles.processor.cache_clear()
    assert SIZES.fit(CUDA) == (wanted is not None)
    if wanted is not None:
        assert SIZES.on(CUDA) == tiles.Size(*wanted)
    tiles.processor.cache_clear()


def test_the_interpreter_has_no_limits() -> None:
    assert SIZES.fit(torch.device("cpu"))
    assert SIZES.on(torch.device("cpu")).rows == 16


def test_torch_runs_what_has_no_tile_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the launcher nor gradients whose kernels are not all there are used on a device without a tile."""

    class Here:
        package, device = "made", CUDA

    whole = RowFunction(tiles.sizes(sm_80=(16, 4, 1), sm_90=(16, 4, 1))(lambda: None))
    part = RowFunction(launcher)
    way = gradients.Way(whole, part, (), (), (), 1)
    monkeypatch.setattr(backends, "_launcher", lambda module, name: launcher)
    for processor in ("sm_80", "sm_90"):
        monkeypatch.setattr(tiles, "processor", lambda device, found=processor: found)
        assert (backends.kernel_launcher(Here(), "log_prob_rows") is launcher) == (processor == "sm_80")  # type: ignore[arg-type]
        assert gradients.Gradient((), (), (way,)).fits(CUDA) == (processor == "sm_80")
