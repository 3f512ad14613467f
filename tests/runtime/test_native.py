"""Words by a C compiler are torch's, bit for bit; without a compiler torch computes them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from gencompiler.runtime import native, random, special

ROWS = torch.tensor([0, 3, 77, 2**31, 2**32 - 1]).repeat(20)

DRAWS: dict[str, Callable[[int, int], Tensor]] = {
    "a column": lambda seed, step: random.normal(seed, ROWS, step, 3, dim=4),
    "short rows": lambda seed, step: random.uniform(seed, ROWS, step, 3, 7),
    "long rows": lambda seed, step: random.normal(seed, ROWS, step, 2**31, 65),
    "one row": lambda seed, step: random.uniform(seed, ROWS[3:4], step, 3, 33),
    "in float64": lambda seed, step: random.normal(seed, ROWS, step, 3, 9, dtype=torch.float64),
    "steps ahead": lambda seed, step: random.Draws("normal", seed, ROWS, 2, 3).at(step),
    "no numbers": lambda seed, step: random.uniform(seed, ROWS[:0], step, 0, 3),
}


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """What is found of a compiler in a test is not kept."""
    native.library.cache_clear()
    yield
    native.library.cache_clear()


@pytest.mark.parametrize("drawn", DRAWS.values(), ids=DRAWS)
@pytest.mark.parametrize(("seed", "step"), [(0, 0), (2**63 + 12345, 7), (2**64 - 1, 40)])
def test_words_are_the_same(
    drawn: Callable[[int, int], Tensor], seed: int, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = drawn(seed, step)
    if shutil.which("cc") is not None:
        assert native.library() is not None
    native.library.cache_clear()
    monkeypatch.setenv("GENC_NATIVE", "0")
    assert native.library() is None
    assert torch.equal(found, drawn(seed, step))


@pytest.mark.parametrize("compiler", ["no such compiler", "false"])
def test_without_a_compiler_torch_computes(compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = random.uniform(5, ROWS, 1, 2, 3)
    native.library.cache_clear()
    monkeypatch.setenv("CC", compiler)
    monkeypatch.setenv("GENC_CACHE", str(tmp_path))
    assert native.library() is None
    assert torch.equal(random.uniform(5, ROWS, 1, 2, 3), wanted)


def test_a_folder_of_someone_else_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENC_CACHE", str(tmp_path))
    monkeypatch.setattr("os.getuid", lambda: 12345)
    assert native.library() is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_asinh(dtype: torch.dtype) -> None:
    sizes = torch.logspace(-30, 37, 500, dtype=torch.float64)
    x = torch.cat([sizes, -sizes, torch.tensor([0.0, -0.0, float("inf"), -float("inf")])]).to(dtype)
    torch.testing.assert_close(
        special.asinh(x), torch.asinh(x.double()).to(dtype), rtol=4e-7 if dtype == torch.float32 else 1e-15, atol=0
    )
    at = torch.tensor([-3.0, -0.2, 0.0, 0.7, 40.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(special.asinh, (at,))
    assert torch.autograd.gradgradcheck(special.asinh, (at,))
