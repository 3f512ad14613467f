"""Initial values that data give, before a training takes its first step.

A `Start` is one parameter, in one iteration of the repetitions around its map.  They are settled one after the other,
in an order in which everything that a mean rests on has begun: a normalization in a flow sees what the maps between it
and the data make of them with their own initial values.  The means are over at most ROWS rows of the training's, chosen
by its seed, and summed in double precision.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import torch

from gencompiler.runtime.data import Rows, shuffled
from gencompiler.runtime.errors import RunError

if TYPE_CHECKING:
    from gencompiler.runtime.modules import Model

#: Rows that the means are over, at most.
ROWS = 4096
#: The random stream that chooses them.
ROWS_STREAM = 0x7FFF_FFE5


@dataclasses.dataclass(frozen=True)
class Start:
    """The parameter `path` begins with output `output` of the program `start_values`, in iteration `layers`."""

    path: str
    output: int
    layers: tuple[int, ...] = ()


@torch.no_grad()
def settle(model: Model, rows: Rows, seed: int) -> None:
    """Give every parameter of `model.starts` its initial value, in place; RunError G801 without rows, G805 where one is
    no number."""
    if not len(rows):
        raise RunError("G801", "initial values are means over data, and there are no rows", "give some rows")
    batch = rows.take(shuffled(len(rows), seed, 0, ROWS_STREAM)[:ROWS], model.device)
    inputs = [model.computed(field, batch.tensors[field.name]) for field in model.fields]
    given = [value[:1] for field, value in zip(model.fields, inputs, strict=True) if field.given]
    one = torch.zeros(1, dtype=torch.int64, device=model.device)
    for start in model.starts:
        layers = dict.fromkeys(model.programs["start_means"].scalars, 0)
        layers |= {f"layer_{number}": layer for number, layer in enumerate(start.layers)}
        means = [_mean(each) for each in model.run("start_means", inputs, batch.row, seed=seed, **layers)]
        value = model.run("start_values", [*given, *means], one, **layers)[start.output]
        if not bool(torch.isfinite(value).all()):
            origin = next(o for name, o in model.origins.items() if name == start.path or start.path.endswith(name))
            raise RunError(
                "G805", f"the initial value of `{start.path}` is not a number ({origin})", "look at the data"
            )
        model.assign(start.path, value, start.layers)
    model.started = True


def _mean(values: torch.Tensor) -> torch.Tensor:
    """The mean over rows, as one row."""
    return values.double().mean(0, keepdim=True).to(values.dtype)


def loaded(model: Model, _: object) -> None:
    """Parameters that were loaded have begun already."""
    model.started = True
