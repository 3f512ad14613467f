"""Shapes of computation: dimensions in chunks, parameters packed for kernels."""

from __future__ import annotations

import dataclasses
import functools
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from gencompiler.runtime import settings

Launcher = TypeVar("Launcher", bound=Callable[..., Any])

#: Elements of the largest value of one chunk: about what a core's cache holds (measured on NADE with 784 dimensions).
CHUNK_ELEMENTS = 1 << 19
#: A chunk of c dimensions costs c² / 2 products where c sums would do, which pays only while c is small.
LONGEST_CHUNK = 32


def chunks(count: int, elements: int, *, reverse: bool = False) -> Iterator[slice]:
    """Slices of consecutive dimensions that cover 0..count; `elements` is what one dimension costs in memory.

    With `reverse` the last dimensions come first."""
    length = min(LONGEST_CHUNK, max(1, CHUNK_ELEMENTS // max(1, elements)))
    starts = range(0, count, length)
    for start in reversed(starts) if reverse else starts:
        yield slice(start, min(count, start + length))


def exclusive_sums(terms: Tensor, *, reverse: bool = False) -> Tensor:
    """`[chunk, …]`: at each place the sum of the terms before it, or after it with `reverse`."""
    if reverse:
        return exclusive_sums(terms.flip(0)).flip(0)
    sums = terms[:-1].cumsum(0)
    return torch.cat((torch.zeros_like(terms[:1]), sums))


def exclusive_products(left: Tensor, right: Tensor, *, reverse: bool = False) -> Tensor:
    """The exclusive sums of `left[c, row] * right[c, n]`, as `[chunk, rows, n]`, by one matrix product.

    left: `[chunk, rows]`; right: `[chunk, n]`."""
    ones = left.new_ones(len(left), len(left))
    before = ones.triu(1) if reverse else ones.tril(-1)
    return before[:, None, :] * left.T @ right


def windows(value: Tensor, starts: Sequence[int], length: int, *, transposed: bool = False) -> tuple[Tensor, ...]:
    """For each start the places start..start + length of the first axis of `value`; with `transposed` the matrix
    `[n, length]` of a `[…, n]` that they hold."""
    places = torch.tensor(starts, device=value.device)[:, None] + torch.arange(length, device=value.device)
    found = value[places]
    return (found.mT if transposed else found).unbind()


def filled(vector: Tensor, value: Tensor, start: int, end: int | None = None) -> Tensor:
    """`vector` `[rows, n]` with `value` `[rows, end - start]` in the columns start..end; `[rows]` in one column without
    `end`.

    Nothing reads the vector as it was, so it is overwritten where no derivatives are recorded."""
    if not torch.is_grad_enabled() and not value.requires_grad and type(value) is Tensor:
        if end is None:
            vector[:, start] = value
        else:
            vector[:, start:end] = value
        return vector
    if end is None:
        return torch.select_scatter(vector, value, -1, start)
    return torch.slice_scatter(vector, value, -1, start, end)


# -- launching kernels -----------------------------------------------------------------------------------------------

#: What kernels do with the operands of a product, by `torch.get_float32_matmul_precision()`.
PRECISIONS = {"highest": "ieee", "high": "tf32", "medium": "bf16"}


def precision() -> str:
    """How kernels multiply matrices: as torch does, which `torch.set_float32_matmul_precision` decides, and in bfloat16
    under autocast.  Everything else, and every sum, is float32."""
    chosen = "medium" if torch.is_autocast_enabled("cuda") else torch.get_float32_matmul_precision()
    found = PRECISIONS[chosen]
    return f"rounded to {found}" if settings.interpreting() and found != "ieee" else found


@dataclasses.dataclass(frozen=True)
class Size:
    """A tile: its rows, the warps that compute it, and stages of software pipelining."""

    rows: int
    warps: int
    stages: int


class Sizes:
    """The tile of one kernel on each processor that it was scheduled for; torch runs the program on the others."""

    def __init__(self, known: dict[str, Size]) -> None:
        self.known = known

    def fit(self, device: torch.device) -> bool:
        """Whether the kernel has a tile on this device."""
        return device.type == "cpu" or processor(device) in self.known

    def on(self, device: torch.device) -> Size:
        """The tile on this device; under the interpreter, which has no limits, that of any processor."""
        return next(iter(self.known.values())) if device.type == "cpu" else self.known[processor(device)]


def sizes(**known: tuple[int, int, int]) -> Callable[[Launcher], Launcher]:
    """Give a launcher the `sizes` of its tiles: rows, warps and stages by processor."""
    found = Sizes({name: Size(*each) for name, each in known.items()})

    def sized(launcher: Launcher) -> Launcher:
        launcher.sizes = found  # type: ignore[attr-defined]
        return launcher

    return sized


def stages(*launchers: Any) -> Callable[[Launcher], Launcher]:
    """Give a function that runs `launchers` between products of torch the processors on which all of them have tiles;
    it has no tile of its own."""
    first, *others = (launcher.sizes.known for launcher in launchers)
    shared = {name: Size(0, 0, 0) for name in first if all(name in known for known in others)}

    def staged(launcher: Launcher) -> Launcher:
        launcher.sizes = Sizes(shared)  # type: ignore[attr-defined]
        return launcher

    return staged


@functools.cache
def processor(device: torch.device) -> str:
    """Which of the processors that kernels are scheduled for has the limits of this device: registers, shared memory,
    threads of a warp."""
    if torch.version.hip:
        return "gfx942"
    major, minor = torch.cuda.get_device_capability(device)
    if major == 12 or (major, minor) in ((8, 6), (8, 9)):  # 99 KiB of shared memory for a program
        return "sm_86"
    return "sm_90" if major >= 9 else "sm_80" if major == 8 else f"sm_{major}{minor}"


# -- packing parameters for kernels ----------------------------------------------------------------------------------


class Layout:
    """Columns of a tile: `columns[k, j]` is where element j is in iteration k, or -1 where it is not needed; one row
    where all iterations agree."""

    def __init__(self, width: int, columns: Tensor) -> None:
        self.width = width
        self.columns = columns


def layout(width: int, *iterations: Sequence[int], repeat: int = 1) -> Layout:
    """A layout from the columns in each iteration, the whole sequence repeated `repeat` times."""
    return Layout(width, torch.tensor(iterations).repeat(repeat, 1))


def plain(length: int, width: int) -> Layout:
    """Element j in column j."""
    return Layout(width, torch.arange(length)[None])


def place(values: Tensor, *axes: Layout | int) -> Tensor:
    """`values` with its last axes, one for each of `axes`, padded to a width or spread over a layout; zero elsewhere.

    A layout with several iterations belongs to the first axis of `values`."""
    for number, axis in enumerate(axes):
        at = number - len(axes)
        moved = values.movedim(at, -1)
        placed = F.pad(moved, (0, axis - moved.shape[-1])) if isinstance(axis, int) else _scattered(moved, axis)
        values = placed.movedim(-1, at)
    return values.contiguous()


def _scattered(values: Tensor, axis: Layout) -> Tensor:
    """The last axis of `values` over the columns of a layout; elements without a column go to one that is cut off."""
    columns = axis.columns.to(values.device)
    columns = torch.where(columns < 0, axis.width, columns)
    index = columns[0] if len(columns) == 1 else columns.reshape(len(columns), *[1] * (values.dim() - 2), -1)
    spread = values.new_zeros(*values.shape[:-1], axis.width + 1)
    return spread.scatter(-1, index.expand_as(values), values)[..., : axis.width]


def _over_iterations(values: Tensor, axis: Layout) -> Tensor:
    return values if len(axis.columns) == 1 else values.expand(len(axis.columns), *values.shape)


def mask(axis: Layout, device: torch.device) -> Tensor:
    """1 in the columns of a layout, else 0: float32 `[width]` or `[iterations, width]`."""
    return place(_over_iterations(torch.ones(axis.columns.shape[1], device=device), axis), axis)


def places(axis: Layout, device: torch.device) -> Tensor:
    """The element in each column, -1 where there is none: int32."""
    elements = torch.arange(1, axis.columns.shape[1] + 1, dtype=torch.int32, device=device)
    return place(_over_iterations(elements, axis), axis) - 1


def permutation(source: Layout, target: Layout, device: torch.device) -> Tensor:
    """The 0/1 matrix that takes a vector laid out as `source` to `target`: `[width, width]`, or one for each
    iteration."""
    identity = torch.eye(source.columns.shape[1], device=device)
    longer = max(source, target, key=lambda axis: len(axis.columns))
    return place(_over_iterations(identity, longer), source, target)


def remembered(pack: Callable[..., tuple[Tensor, ...]]) -> Callable[..., tuple[Tensor, ...]]:
    """`pack(*parameters, device)`, computed again only when a parameter is another tensor or has been changed in
    place, or the device is another."""
    seen: list[tuple[weakref.ref[Tensor], int]] = []
    arrays: tuple[Tensor, ...] = ()
    device: object = None

    @functools.wraps(pack)
    def packed(*arguments: Tensor | torch.device) -> tuple[Tensor, ...]:
        nonlocal seen, arrays, device
        tensors = [each for each in arguments if isinstance(each, Tensor)]
        versions = [-1 if each.is_inference() else each._version for each in tensors]
        same = (
            device == arguments[-1]
            and len(tensors) == len(seen)
            and all(
                reference() is each and version == before >= 0
                for each, version, (reference, before) in zip(tensors, versions, seen, strict=True)
            )
        )
        if not same:
            arrays, device = pack(*arguments), arguments[-1]
            seen = [(weakref.ref(each), version) for each, version in zip(tensors, versions, strict=True)]
        return arrays

    return packed
