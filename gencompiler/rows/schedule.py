"""What becomes a kernel, how its tiles are laid out, and what it costs.

`schedule` takes a logical program apart into planes and tiles (`planes`, `tiling`), estimates what one row keeps on
chip, and picks the size of a tile; or says why torch alone runs the program.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from gencompiler.catalog.devices import DEVICES, MAIN
from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.node import Node, walk
from gencompiler.rows.absorb import absorb
from gencompiler.rows.analysis import torch_alone
from gencompiler.rows.cost import Cost, by_kernel, by_torch, cost, operations
from gencompiler.rows.early import store_early
from gencompiler.rows.expand import expand
from gencompiler.rows.footprint import shared_bytes
from gencompiler.rows.measured import MEASURED, program_key
from gencompiler.rows.native import Native, native
from gencompiler.rows.nodes import (
    Dot,
    Elementwise,
    Expr,
    Loop,
    MatrixFunction,
    Program,
    Window,
    WithWindow,
)
from gencompiler.rows.placing import Unfusable
from gencompiler.rows.planes import take_apart
from gencompiler.rows.share import share
from gencompiler.rows.stages import split
from gencompiler.rows.tiling import Tiled, tile
from gencompiler.rows.verify import verify, verify_tile

#: Elements of the largest matrix that a kernel multiplies with by itself.  An exact product keeps its operands in
#: registers:
#: compiled for sm_80 and sm_90, 64 x 64 and 32 x 128 fit without spilling, 64 x 128 does not; and torch's products are
#: faster there.
LARGEST_MATRIX = 4096

#: 32-bit registers of one thread that live values may fill; the rest of the 255 is for addresses and temporaries.
REGISTERS = 128

#: Why torch runs a program that the estimate would have made a kernel.
SPILLS = "compiled, every tile of it ran out of registers or shared memory (measured)"


@dataclasses.dataclass(frozen=True)
class Config:
    """How a kernel is launched: rows of one tile, warps of the processor, and stages of software pipelining."""

    rows: int
    warps: int
    stages: int

    def on(self, target: str) -> Config:
        """A configuration of warps of 32 on a processor of the catalogue: as many threads, and stages where they
        fit."""
        device = DEVICES[target]
        return Config(self.rows, max(1, self.warps * 32 // device.warp), self.stages if device.prefetches else 1)


@dataclasses.dataclass(frozen=True)
class Choice:
    """A configuration, the registers of a thread that live values may fill under it, and the elements of the largest
    matrix that it multiplies with."""

    config: Config
    registers: int
    largest: int = 0


#: Without products: the first that holds a row.
ALONE = [Choice(Config(*each), REGISTERS) for each in ((16, 4, 1), (16, 8, 1), (8, 8, 1), (4, 8, 1))]

#: With products, tiles are as low as a product allows, operands are in registers too, and two stages keep the next
#: weights in shared memory.  What does not spill was found by compiling for sm_90: the backward pass of couplings of
#: 64 dimensions has 1026 live numbers, which spill with 8 warps and not with 16; one of 2 dimensions has 345, which
#: spill with two stages and not with one.
PRODUCTS = [
    Choice(Config(16, 4, 2), 32, 1024),
    Choice(Config(16, 4, 1), 52, 1024),
    Choice(Config(16, 8, 2), 52, LARGEST_MATRIX),
    Choice(Config(16, 16, 2), 52, LARGEST_MATRIX),
]


@dataclasses.dataclass(frozen=True)
class Stages:
    """A program that is several kernels: `driver` runs `pieces` between what torch computes; `left`: why torch computes
    other regions, too, by the names of what they give."""

    driver: Program
    pieces: tuple[Schedule, ...]
    left: dict[tuple[str, ...], str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Schedule:
    """`tiled` where the program is one kernel, and `configs`, its tile on each processor on which it is one; `reason`
    says why, or why not.  `stages` where it is several kernels.  `native`: the decision for a CPU, None of a backward
    pass (see `native_gradient`)."""

    program: Program
    reason: str
    cost: Cost
    tiled: Tiled | None = None
    configs: dict[str, Config] = dataclasses.field(default_factory=dict)
    native: Native | None = None
    stages: Stages | None = None

    @property
    def fused(self) -> bool:
        """Whether the program is one kernel on any processor."""
        return bool(self.configs)

    def kernels(self) -> tuple[Schedule, ...]:
        """What of it is one kernel each: itself, or its pieces."""
        return self.stages.pieces if self.stages is not None else (self,) if self.fused else ()

    def targets(self) -> tuple[str, ...]:
        """The processors on which kernels run it, whole or between what torch computes."""
        parts = self.kernels()
        return tuple(target for target in DEVICES if parts and all(target in each.configs for each in parts))

    def why(self, target: str) -> str:
        """Why the program is, or is not, a kernel on one processor."""
        return self.reason if target in self.configs or not self.fused else SPILLS

    @property
    def has_products(self) -> bool:
        """Whether the kernel multiplies with matrices, which takes at least 16 rows."""
        return self.tiled is not None and bool(_dots(self.tiled.program))


def schedule(program: Program) -> Schedule:
    """The schedule of a logical program, on a GPU and on a CPU."""
    return dataclasses.replace(on_gpu(program), native=native(program))


def on_gpu(program: Program) -> Schedule:
    """Its schedule on a GPU alone: one kernel, or else several where that is worth it, or else torch."""
    whole = _as_one(program)
    if whole.fused or program.once:
        return whole
    pieces: list[Schedule] = []
    left: dict[tuple[str, ...], str] = {}

    def worth(piece: Program) -> bool:
        own = _as_one(piece)
        if why := _refused(own):
            left[tuple(output.name for output in piece.outputs)] = why
        else:
            pieces.append(own)
        return not why

    driver = split(absorb(program), outside, worth).driver
    if not pieces:
        return whole
    return dataclasses.replace(whole, stages=Stages(verify(driver, "schedule"), tuple(pieces), left))


def _refused(piece: Schedule) -> str:
    """Why torch computes a region between two products, too; nothing where a kernel does."""
    if MAIN not in piece.configs:
        return piece.why(MAIN)
    ours, theirs = by_kernel(piece.cost), by_torch(piece.program)
    if ours < theirs:
        return ""
    count = operations(piece.program)
    what = f"{count} operation{'s' if count > 1 else ''}"
    return f"{what}: {theirs / 1e3:.3g} µs in torch, {ours / 1e3:.3g} µs as a kernel"


def outside(value: Expr) -> str | None:
    """Why torch computes a value by itself where what is around it is a kernel, or None."""
    match value:
        case Dot(matrix=matrix) if value.type.rows and math.prod(matrix.type.shape) > LARGEST_MATRIX:
            return _too_large(matrix.type.shape)
        case Window() | WithWindow() if not value.type.rows:
            return None
    return _torch_computes(value)


def _as_one(program: Program) -> Schedule:
    """One kernel, or torch."""
    if (why := _only_torch(program)) is not None:
        return Schedule(program, why, cost(program))
    try:
        prepared = share(take_apart(absorb(expand(program))))
        tiled = store_early(tile(prepared))
    except Unfusable as refusal:
        return Schedule(program, str(refusal), cost(program))
    verify_tile(tiled.program, "schedule")
    spent = cost(tiled.program)
    shape = max((dot.matrix.type.shape for dot in _dots(tiled.program)), key=math.prod, default=())
    if math.prod(shape) > LARGEST_MATRIX:
        return Schedule(program, _too_large(shape), spent)
    estimated = _config(tiled.program, spent)
    if estimated is None:
        why = f"one row keeps {spent.live_elements} numbers, more than the registers of a tile hold"
        return Schedule(program, why, spent)
    measured = MEASURED.get(program_key(tiled.program), {})
    found = {target: _tile(tiled.program, estimated, measured, target) for target in DEVICES}
    configs = {target: each for target, each in found.items() if each is not None}
    if not configs:
        return Schedule(program, SPILLS, spent)
    return Schedule(program, f"one row keeps {spent.live_elements} numbers on chip", spent, tiled, configs)


def _tile(
    program: Program, estimated: Config, measured: Mapping[str, tuple[int, int, int] | None], target: str
) -> Config | None:
    """The tile on a processor: as measured there, or on the one that it is like, or as estimated; with fewer stages
    where the next weights, too, would need more shared memory than there is."""
    device = DEVICES[target]
    if target in measured:
        found = measured[target]
        return Config(*found) if found is not None else None
    chosen = measured.get(device.like, dataclasses.astuple(estimated.on(target)))
    if chosen is None:
        return None
    rows, warps, stages = chosen
    fits = shared_bytes(program, rows, stages) <= device.shared
    return Config(rows, warps, stages if fits else 1)


def _too_large(shape: tuple[int, ...]) -> str:
    return f"a product with a {shape[0]} x {shape[1]} matrix; {LARGEST_MATRIX} elements fit in registers"


def _only_torch(program: Program) -> str | None:
    """What of a program no kernel can hold, or None."""
    for part in walk(program):
        match part:
            case Expr() if part.type.particles > 1:
                return f"a row has {part.type.particles} particles; a tile has rows"
            case Loop(done=Expr()):
                return "a loop that ends when all rows are done"
            case _ if (why := _torch_computes(part)) is not None:
                return why
    return None


def _torch_computes(part: Node) -> str | None:
    """Why a kernel does not compute one value, or None."""
    match part:
        case Window() | WithWindow():
            return "a part of a vector that starts at a place computed at run time"
        case MatrixFunction(function=function):
            return f"`{function}` of a matrix, which torch computes once for all rows"
        case Elementwise(function=function) if not FUNCTIONS[function].triton:
            return f"`{function}`, which no kernel computes"
    return torch_alone(part)


def _dots(program: Program) -> list[Dot]:
    return [part for part in walk(program) if isinstance(part, Dot)]


def _config(program: Program, spent: Cost) -> Config | None:
    """The first configuration whose live values fit.  `tests/rows/resources.toml` has what each compiles to."""
    if spent.widest == 1:  # scalars only: one thread has a row
        return Config(128, 4, 1) if spent.live_elements <= REGISTERS else None
    largest = max((math.prod(dot.matrix.type.shape) for dot in _dots(program)), default=0)
    choices = [each for each in PRODUCTS if largest <= each.largest] if largest else ALONE
    for choice in choices:
        config = choice.config
        if config.rows * spent.live_elements <= choice.registers * 32 * config.warps:
            return config
    return None
