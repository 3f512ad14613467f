"""Several finite supports as that of one vector."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from gencompiler.runtime.fields import Support


@dataclasses.dataclass(frozen=True, init=False)
class SideBySide(Support):
    """Vectors whose first elements are in one finite support and whose next ones in others: `parts` are supports, each
    with its number of elements.

    `ends` are those of the smallest interval that holds all parts."""

    parts: tuple[tuple[Support, int], ...]

    def __init__(self, parts: tuple[tuple[Support, int], ...]) -> None:
        object.__setattr__(self, "name", "SideBySide")
        object.__setattr__(self, "arguments", ())
        object.__setattr__(self, "parts", parts)

    @property
    def discrete(self) -> bool:
        return True

    @property
    def ends(self) -> tuple[float, float, bool, bool]:
        lower, upper = zip(*(support.ends[:2] for support, _ in self.parts), strict=True)
        return min(lower), max(upper), False, False

    def __str__(self) -> str:
        return " × ".join(f"{support}[{size}]" for support, size in self.parts)

    def contains(self, value: Tensor) -> Tensor:
        pieces = torch.split(value, [size for _, size in self.parts], -1)
        return torch.cat([s.contains(piece) for (s, _), piece in zip(self.parts, pieces, strict=True)], -1)

    def member(self, shape: tuple[int, ...]) -> Tensor:
        return torch.cat([support.member((*shape[:-1], size)) for support, size in self.parts], -1)
