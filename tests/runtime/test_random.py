"""Counter-based random numbers: published vectors, an independent implementation, keys, distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from gencompiler.runtime import random
from tests.rows import interpreter

#: (row, step, dim, stream), seed, words: the known-answer vectors of Random123 for philox4x32-10.
KNOWN = [
    ((0, 0, 0, 0), 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, 0xFFFFFFFFFFFFFFFF, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        0x299F31D0A4093822,
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counters", "seed", "words"), KNOWN)
def test_published_vectors(counters: tuple[int, ...], seed: int, words: tuple[int, ...]) -> None:
    assert tuple(int(word) for word in random.philox(seed, *counters)) == words
    assert tuple(interpreter.philox(seed, *counters)) == words


@pytest.mark.parametrize("kind", ["uniform", "normal"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_numbers_follow_the_key(kind: str, dtype: torch.dtype) -> None:
    rows, seed, step, stream = torch.tensor([0, 5, 2**31, 2**32 - 1]), 2**63 + 11, 9, 4
    found = getattr(random, kind)(seed, rows, step, stream, 3, dtype=dtype)
    wanted = [[interpreter.draw(kind, seed, int(row), step, dim, stream) for dim in range(3)] for row in rows]
    reference = torch.tensor(wanted, dtype=torch.float64)
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), reference, rtol=1e-7, atol=1e-7)
    if kind == "uniform":  # exact: the float64 value rounded once
        assert torch.equal(found, reference.to(dtype))
    for dim in range(3):
        assert torch.equal(getattr(random, kind)(seed, rows, step, stream, dim=dim, dtype=dtype), found[:, dim])


def test_uniforms_stay_inside() -> None:
    words = torch.tensor([0, 0xFF, 0x100, 0xFFFFFF7F, 0xFFFFFFFF])
    for dtype in (torch.float32, torch.float64):
        unit = random._unit(words, dtype)
        assert bool((unit > 0).all() and (unit < 1).all())
        assert unit[0] == 2.0**-25
    assert random._unit(words, torch.float32)[-1] == 1 - 2.0**-24


def test_rows_are_independent_of_their_number() -> None:
    many = random.normal(3, torch.arange(1000), 0, 1, 7)
    assert torch.equal(random.normal(3, torch.arange(400, 407), 0, 1, 7), many[400:407])


@pytest.mark.parametrize("size", [None, 3])
def test_draws_ahead_are_the_same_numbers(size: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = torch.arange(10)
    monkeypatch.setattr(random, "AHEAD", 64)
    ahead = random.Draws("normal", 1, rows, 2, size)
    for step in (0, 1, 2, 50, 49, 1, 7):
        assert torch.equal(ahead.at(step), random.normal(1, rows, step, 2, size))


def test_large_draws_are_computed_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = torch.arange(100)
    whole = random.uniform(5, rows, 0, 0, 16)
    monkeypatch.setattr(random, "BLOCK", 64)
    assert torch.equal(random.uniform(5, rows, 0, 0, 16), whole)


def test_distributions() -> None:
    """First four moments, and neighbours in each counter uncorrelated; all bounds are 5 standard errors."""
    rows, count = torch.arange(20_000), 20_000 * 8
    z = random.normal(17, rows, 0, 0, 8, dtype=torch.float64)
    u = random.uniform(17, rows, 0, 1, 8, dtype=torch.float64)
    for sample, exact, variance in (
        (z, 0, 1),
        (z**2, 1, 2),
        (z**3, 0, 15),
        (z**4, 3, 96),
        (u, 1 / 2, 1 / 12),
        (u**2, 1 / 3, 4 / 45),
    ):
        assert abs(float(sample.mean()) - exact) < 5 * math.sqrt(variance / count)
    for other in (random.normal(17, rows, 1, 0, 8), random.normal(17, rows, 0, 2, 8), random.normal(18, rows, 0, 0, 8)):
        assert abs(float((z * other).mean())) < 5 / math.sqrt(count)
    assert abs(np.corrcoef(z[:-1].ravel(), z[1:].ravel())[0, 1]) < 5 / math.sqrt(count)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_has_64_bits(seed: int) -> None:
    with pytest.raises(ValueError, match=r"0\.\.2\^64"):
        random.uniform(seed, torch.arange(3), 0, 0)
