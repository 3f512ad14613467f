"""Warm-ups of chains: conditions of a transition that follow what the chain does, and then stand still.

The windows are Stan's (*Stan Reference Manual*, "HMC algorithm parameters"): a fast one in which only the step size
moves, slow ones of doubling length after each of which the scales become the deviations seen in it, and a fast one to
end with.  Each chain adapts on its own, so that a row does not depend on how many there are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from gencompiler.runtime.modules import Model

#: Shares of a warm-up before and after the slow windows, and the length of the first of these.
BEFORE, AFTER, FIRST = 0.15, 0.1, 25
#: How many draws a variance of SMALL counts for beside those of a window.
PRIOR, SMALL = 5, 1e-3


@dataclasses.dataclass(frozen=True)
class Condition:
    """A condition of the transition that chains follow: `how` is "constant", "acceptance" or "deviation" (of the
    variable `of`); `start` is its value, or its first one."""

    name: str
    how: str
    start: float
    shape: tuple[int, ...] = ()
    of: str = ""


def windows(steps: int, slow: bool) -> list[tuple[int, bool]]:
    """The lengths of the windows of a warm-up, and whether the scales are set after each."""
    first, last = int(BEFORE * steps), int(AFTER * steps)
    left = steps - first - last
    if not slow or left < FIRST:
        return [(steps, False)] if steps else []
    found = [(first, False)] if first else []
    length = FIRST
    while left:
        taken = length if left >= 3 * length else left
        found.append((taken, True))
        left, length = left - taken, 2 * length
    return [*found, (last, False)] if last else found


def starting(model: Model, rows: int) -> list[Tensor]:
    """The conditions before any warm-up, for so many rows."""
    return [
        torch.full((rows, *each.shape), each.start, dtype=model.dtype, device=model.device) for each in model.tuning
    ]


def warm_up(
    model: Model, state: Sequence[Tensor], inputs: Sequence[str], given: Sequence[Tensor], rows: Tensor, seed: int
) -> tuple[list[Tensor], list[Tensor]]:
    """The state after the warm-up, and what its conditions are from then on; `inputs` say which of a transition's
    inputs are "moving" and which "given"."""
    tuned = starting(model, len(rows))
    spread = list(dict.fromkeys(each.of for each in model.tuning if each.how == "deviation"))
    followed = next((place for place, each in enumerate(model.tuning) if each.how == "acceptance"), None)
    here, step = list(state), 0
    for length, slow in windows(model.warm_up, bool(spread)):
        moving, others = iter(here), iter(given)
        values = [next(moving if kind == "moving" else others) for kind in inputs]
        found = model.run("warm_up", [*values, *tuned], rows, seed=seed, step=step, steps=length)
        here, rest = list(found[: len(here)]), list(found[len(here) :])
        step += length
        if followed is not None:
            tuned[followed] = rest.pop(0)
        if not slow:
            continue
        squares = dict(zip(spread, rest, strict=True))
        for place, each in enumerate(model.tuning):
            if each.how == "deviation":
                variance = squares[each.of] / max(1, length - 1)
                shrunk = (length * variance + PRIOR * SMALL) / (length + PRIOR)
                tuned[place] = shrunk.sqrt().reshape(tuned[place].shape)
    return here, tuned
