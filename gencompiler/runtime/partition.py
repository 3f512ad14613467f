"""The constant of an energy with few states, summed: Z = sum over h of the mass of h, all other variables summed out.

A restricted Boltzmann machine with 20 hidden units has 2^20 such terms, whatever it has visible ones."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from gencompiler.runtime.fields import Field
    from gencompiler.runtime.modules import Model

#: Terms computed at once.
CHUNK = 1 << 14


@torch.no_grad()
def log_z(model: Model) -> float:
    """log Z in float64, by the model's program `log_mass`."""
    double = copy.deepcopy(model).double()
    found = -math.inf
    for rows in states(model.summed):
        values = [double.computed(f, v.to(double.device)) for f, v in zip(model.summed, rows, strict=True)]
        (masses,) = double.run("log_mass", values, torch.arange(len(rows[0]), device=double.device))
        found = float(torch.logaddexp(torch.tensor(found, dtype=torch.float64), masses.double().cpu().logsumexp(0)))
    return found


def states(fields: tuple[Field, ...]) -> Iterator[list[Tensor]]:
    """All values that variables of finitely many values have together, some at once: a tensor for each of them."""
    counts = [_values(f) for f in fields for _ in range(f.size)]
    total = math.prod(counts)
    strides = torch.tensor([math.prod(counts[k + 1 :]) for k in range(len(counts))])
    sizes = torch.tensor(counts)
    for start in range(0, total, CHUNK):
        numbers = torch.arange(start, min(start + CHUNK, total))
        digits = numbers[:, None] // strides % sizes
        yield [
            _shaped(f, part) for f, part in zip(fields, torch.split(digits, [f.size for f in fields], 1), strict=True)
        ]


def _values(field: Field) -> int:
    lower, upper, _, _ = field.support.ends
    return 2 if field.support.name == "Sign" else int(upper - lower) + 1


def _shaped(field: Field, digits: Tensor) -> Tensor:
    step = 2 if field.support.name == "Sign" else 1
    return (digits * step + int(field.support.ends[0])).reshape(-1, *field.shape)
