"""What a generated class says of its row programs and of the phases of its training."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gencompiler.runtime.errors import RunError
from gencompiler.runtime.fields import Field


@dataclasses.dataclass(frozen=True)
class Phase:
    """One phase of the training objective: `program` gives each row's value, which is maximised (or minimised) over the
    parameters `update` (all of them when empty), `repeats` times in a row, each time ending `within` two ends where it
    has any.

    Where `chains` is not 0, so many chains of the variables `stored` go on from step to step, and the value is the mean
    over rows plus the mean over chains, whose programs are PROGRAM_chains, PROGRAM_advance and PROGRAM_start."""

    label: str
    program: str
    maximize: bool = True
    update: tuple[str, ...] = ()
    repeats: int = 1
    chains: int = 0
    stored: tuple[Field, ...] = ()
    within: tuple[float, float] | None = None


@dataclasses.dataclass(frozen=True)
class RowFunction:
    """A row program in torch: `function(*inputs, *parameters, *modules, *scalars, **keywords)`.

    `keywords` are those of `rows`, `seed`, `step` and `dtype` that it takes; `parameters` the paths of those it reads,
    passed by value; `modules` the user's own networks, by name; `scalars` its runtime integers.  A kernel's launcher is
    called in the same way.

    `width`: of a program that draws and has no matrix product, the elements of a row's widest value; else 0.
    `tiles`: of others, the rows of the first tile, of the second and of the longest (see `runtime.sampling`); longer
    ones leave a core's cache.
    `particles`: how many times a row is computed, once for each of its particles.
    `shapes`: of a row of each output, where one has several axes: in a program a tensor is a vector, row-major."""

    function: Callable[..., Any]
    keywords: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    scalars: tuple[str, ...] = ()
    width: int = 0
    modules: tuple[str, ...] = ()
    particles: int = 1
    shapes: tuple[tuple[int, ...], ...] = ()
    tiles: tuple[int, int, int] = (64, 64, 256)

    def at_once(self, most: int, device: torch.device) -> int:
        """The rows that are computed together: no more than `most` particles of them; and where nothing is kept for
        derivatives, on a CPU, no more than a tile."""
        together = max(1, most // self.particles)
        whole = torch.is_grad_enabled() or device.type != "cpu" or bool(self.modules)
        return together if whole or self.tiles[-1] <= 256 else min(together, self.tiles[-1])

    def shaped(self, outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The outputs in the axes of the variables that they are values of."""
        if not self.shapes:
            return outputs
        return tuple(each.reshape(len(each), *own) for each, own in zip(outputs, self.shapes, strict=True))


def flat(inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    """The inputs as a program takes them: a row of a tensor is a vector."""
    return [each.flatten(1) if each.dim() > 2 else each for each in inputs]


def checked_seed(seed: int) -> int:
    if not 0 <= seed < 1 << 64:
        raise RunError("G801", f"seed {seed} is not in 0..2^64")
    return seed


def frozen(network: nn.Module) -> Callable[..., Any]:
    """A network whose parameters are constants."""
    constants = {path: parameter.detach() for path, parameter in network.named_parameters()}
    return lambda *inputs: torch.func.functional_call(network, constants, inputs)


def untrainable(name: str) -> RunError:
    return RunError("G801", f"{name} has no training objective", "add a `train` line to the spec")
