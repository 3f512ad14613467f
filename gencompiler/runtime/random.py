"""Counter-based random numbers: every number is a function of (seed, row, step, dim, stream), of nothing else.

The generator is Philox4x32-10 (Salmon, Moraes, Dror & Shaw, *Parallel random numbers: as easy as 1, 2, 3*, SC 2011)
with
the 64-bit seed as key and four 32-bit counters (row, step, dim, stream).  `runtime.kernels` draws the same numbers on a
GPU: words and uniforms agree bit for bit, normals to 1e-6.

Where there is a C compiler it makes the words (`runtime.native`), elsewhere torch does.

    uniform   u = (n + 1/2) 2^-24, where n is the upper 24 bits of word 0, kept below 1
    normal    sqrt(-2 log u0) cos(2 pi u1), with u0 and u1 the uniforms of words 0 and 1 (Box & Muller, 1958)
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

from gencompiler.runtime import native

MASK = 0xFFFFFFFF
ROUNDS = 10
#: Multipliers of the words 0 and 2.
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)

#: The largest float32 below 1: without this bound (n + 1/2) 2^-24 rounds to 1 for n = 2^24 - 1.
BELOW_ONE = 1.0 - 2.0**-24

#: How many numbers a `Draws` computes ahead, and how many are computed at once (they stay in a core's cache).
AHEAD = 1 << 15
BLOCK = 1 << 16

#: Rows of a block are a multiple of this many, which leaves nothing over after the last vector (`runtime.sampling`).
QUANTUM = 64

Counter = Tensor | int


def philox(
    seed: int, row: Counter, step: Counter, dim: Counter, stream: Counter
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The four 32-bit words of Philox4x32-10, as int64 tensors of the counters' common shape.

    Counters are integers or int64 tensors that broadcast; only their low 32 bits count.  `seed` is in 0..2^64."""
    words = _rounds(seed, (row, step, dim, stream), ROUNDS)
    return words[0], words[1] & MASK, words[2], words[3] & MASK


def _first_words(seed: int, row: Counter, step: Counter, dim: Counter, stream: Counter) -> tuple[Tensor, Tensor]:
    """Words 0 and 1 (the second with more bits above the lowest 32), which need less than the last two rounds."""
    word_0, _, word_2, word_3 = _rounds(seed, (row, step, dim, stream), ROUNDS - 2)
    keys = _keys(seed)
    word_1 = word_2 * MULTIPLIERS[1]
    word_2 = _mixed(word_0 * MULTIPLIERS[0], word_3, keys[ROUNDS - 2][1])
    product = word_2 * MULTIPLIERS[1]
    return _mixed(product, word_1, keys[ROUNDS - 1][0]), product


def _rounds(seed: int, counters: tuple[Counter, Counter, Counter, Counter], count: int) -> tuple[Tensor, ...]:
    """The words after `count` rounds; the odd ones have more bits above the lowest 32.

    Each word has only the axes of what it depends on, so the first rounds cost next to nothing.  Products of 32-bit
    words wrap in int64, which keeps all 64 bits; an odd word is the lower half of one, and masked only when used."""
    device = next((c.device for c in counters if isinstance(c, Tensor)), torch.device("cpu"))
    word_0, word_1, word_2, word_3 = (torch.as_tensor(c, dtype=torch.int64, device=device) & MASK for c in counters)
    for key_0, key_1 in _keys(seed)[:count]:
        left, right = word_0 * MULTIPLIERS[0], word_2 * MULTIPLIERS[1]
        word_0, word_2 = _mixed(right, word_1, key_0), _mixed(left, word_3, key_1)
        word_1, word_3 = right, left
    return word_0, word_1, word_2, word_3


def _mixed(product: Tensor, word: Tensor, key: int) -> Tensor:
    """The upper half of a product, xor a word, xor a key."""
    return ((product >> 32) ^ word).bitwise_xor_(key).bitwise_and_(MASK)


@functools.lru_cache
def _keys(seed: int) -> tuple[tuple[int, int], ...]:
    """Both words of the key in each round: raised by the Weyl constants before each round but the first."""
    if not 0 <= seed < 1 << 64:
        raise ValueError(f"a seed is an integer in 0..2^64, not {seed}")
    low, high = seed & MASK, seed >> 32
    return tuple(((low + i * KEY_STEPS[0]) & MASK, (high + i * KEY_STEPS[1]) & MASK) for i in range(ROUNDS))


def _unit(word: Tensor, dtype: torch.dtype) -> Tensor:
    """The uniform of one word.  In float32 the sum rounds to nearest even, as on a GPU."""
    return (word >> 8).to(dtype).add_(0.5).mul_(2.0**-24).clamp_(max=BELOW_ONE)


def _uniform(seed: int, row: Counter, step: Counter, dim: Counter, stream: int, dtype: torch.dtype) -> Tensor:
    _keys(seed)
    if dtype is torch.float32 and (found := native.uniforms(seed, (row, step, dim, stream), 1)) is not None:
        return found[0]
    word, _ = _first_words(seed, row, step, dim, stream)
    return _unit(word, dtype)


def _uniforms(seed: int, row: Counter, step: Counter, dim: Counter, stream: int) -> tuple[Tensor, ...]:
    """The float32 uniforms of words 0 and 1."""
    _keys(seed)
    found = native.uniforms(seed, (row, step, dim, stream), 2)
    if found is not None:
        return found
    word_0, word_1 = _first_words(seed, row, step, dim, stream)
    return _unit(word_0, torch.float32), _unit(word_1 & MASK, torch.float32)


def _normal(seed: int, row: Counter, step: Counter, dim: Counter, stream: int, dtype: torch.dtype) -> Tensor:
    """Of the float32 uniforms, in any dtype, because near u0 = 1 the radius feels their rounding; but computed in
    float64, because in float32 the angle 2 pi u1 alone would cost more than the 1e-6 that back ends agree to."""
    first, second = _uniforms(seed, row, step, dim, stream)
    radius = first.double().log_().mul_(-2.0).sqrt_()
    angle = second.double().mul_(2.0 * math.pi)
    return radius.mul_(angle.cos_()).to(dtype)


_KINDS = {"uniform": _uniform, "normal": _normal}


def _draw(
    kind: str, seed: int, rows: Tensor, step: int, stream: int, size: int | None, dim: int, dtype: torch.dtype
) -> Tensor:
    compute = _KINDS[kind]
    if size is None:
        return compute(seed, rows, step, dim, stream, dtype)
    dims = torch.arange(size, device=rows.device)
    height = max(QUANTUM, BLOCK // max(1, size) // QUANTUM * QUANTUM)
    parts = [compute(seed, part[:, None], step, dims, stream, dtype) for part in torch.split(rows, height)]
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def uniform(
    seed: int,
    rows: Tensor,
    step: int,
    stream: int,
    size: int | None = None,
    *,
    dim: int = 0,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Uniforms on (0, 1), ends excluded: `[rows, size]` with dims 0..size, or `[rows]` at dim `dim` when `size` is
    None.

    `rows` are the numbers of the rows, an int64 tensor; `stream` numbers the place in the model that draws."""
    return _draw("uniform", seed, rows, step, stream, size, dim, dtype)


def normal(
    seed: int,
    rows: Tensor,
    step: int,
    stream: int,
    size: int | None = None,
    *,
    dim: int = 0,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Standard normals, shaped and keyed as in `uniform`."""
    return _draw("normal", seed, rows, step, stream, size, dim, dtype)


class Draws:
    """The draws of one stream at many steps: `draws.at(step)` is `uniform(…)` or `normal(…)` at that step.

    A loop over steps asks for few numbers at a time, so a block of steps is computed at once; numbers depend on their
    counters only, so computing ahead changes none."""

    def __init__(
        self,
        kind: str,
        seed: int,
        rows: Tensor,
        stream: int,
        size: int | None = None,
        *,
        dim: int = 0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._compute = _KINDS[kind]
        self._seed, self._stream, self._dtype = seed, stream, dtype
        self._row = rows if size is None else rows[:, None]
        self._dim: Counter = dim if size is None else torch.arange(size, device=rows.device)
        self._steps = max(1, AHEAD // max(1, rows.numel() * (size or 1)))
        self._first = -1
        self._block: tuple[Tensor, ...] = ()

    def at(self, step: int) -> Tensor:
        """The draws of one step."""
        first = step // self._steps * self._steps
        if first != self._first:
            steps = torch.arange(first, first + self._steps, device=self._row.device)
            steps = steps.reshape(-1, *[1] * self._row.dim())
            draws = self._compute(self._seed, self._row, steps, self._dim, self._stream, self._dtype)
            self._first, self._block = first, draws.unbind()
        return self._block[step - first]
