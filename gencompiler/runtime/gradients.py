"""Gradients of parameters from what a backward row program gives: sums and products over rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


@dataclasses.dataclass(frozen=True)
class Part:
    """One summand of the gradient of the parameter `path`.

    `index`: for each axis of the parameter a constant place, "loop" for the iterations of a loop, or None for the
    whole axis.  `outputs` name one result of the backward program, added up over rows unless it is `summed`, or two
    whose products are: axes 0 and 1 of a matrix.  `count`: the iterations whose values lie one after the other in each
    result, 0 outside of loops."""

    path: str
    index: tuple[int | str | None, ...]
    outputs: tuple[str, ...]
    count: int = 0
    summed: bool = False


def assembled(
    parts: Sequence[Part], results: Mapping[str, Tensor], shapes: Mapping[str, torch.Size]
) -> dict[str, Tensor]:
    """The gradient of each parameter in `shapes`, in the dtype of the results; zero where nothing contributes."""
    some = next(iter(results.values()))
    gradients = {path: some.new_zeros(shape) for path, shape in shapes.items()}
    for part in parts:
        if part.path in gradients:
            _add(gradients[part.path], part, [results[name] for name in part.outputs])
    return gradients


def _add(gradient: Tensor, part: Part, values: list[Tensor]) -> None:
    """Add one part in place."""
    looped = "loop" in part.index
    if len(values) == 2:
        total = _products(values, part.count, looped)
    else:
        total = _sums(values[0], part, gradient.dim() - sum(place is not None for place in part.index), looped)
    place = part.index.index("loop") if looped else 0
    kept = sum(not isinstance(each, int) for each in part.index[:place])
    if looped and kept:
        total = total.movedim(0, kept)
    items = [
        each if isinstance(each, int) else slice(0, part.count) if each == "loop" else slice(None)
        for each in part.index
    ]
    gradient[tuple(items)] += total


def _products(values: list[Tensor], count: int, looped: bool) -> Tensor:
    """Outer products, added up over rows (and over iterations, where all of them read the same matrix)."""
    first, second = values
    if count:
        first, second = (each.unflatten(1, (count, -1)) for each in values)
    if looped:
        return torch.einsum("rkn,rkm->knm", first, second)
    return first.flatten(0, -2).T @ second.flatten(0, -2)


def _sums(value: Tensor, part: Part, axes: int, looped: bool) -> Tensor:
    """One value for each row and iteration, a vector where `axes` is 1, added up."""
    total = value if part.summed else value.sum(0)
    if not part.count:
        return total
    each = total.unflatten(0, (part.count, -1))
    if not looped:
        each = each.sum(0)
    return each if axes else each.squeeze(-1)
