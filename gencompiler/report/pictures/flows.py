"""What an invertible map does: rows carried to the latent space and back."""

from __future__ import annotations

import dataclasses
import inspect

import numpy as np
import torch
from torch import Tensor

from gencompiler.report import style
from gencompiler.report.data import Array, flat
from gencompiler.report.pictures.latents import LINES, ROW_TO_ROW, Ways, line
from gencompiler.report.pictures.subject import Subject
from gencompiler.report.style import Drawing

#: Rows of the plane that are carried, and lines and points of the grid that is carried the other way.
POINTS = 1000
GRID_LINES = 13
GRID_POINTS = 201
GRID_REACH = 3.0


@dataclasses.dataclass(frozen=True)
class Carried:
    """Rows of the plane `[rows, 2]`, their latent values, and a square grid of the latent plane carried to the data,
    `[2 * GRID_LINES, GRID_POINTS, 2]`."""

    name: str
    rows: Array
    latent: Array
    grid: Array


def _real(subject: Subject, rows: Tensor) -> Tensor:
    """Rows as the map takes them: of quantized values, the middles of their cells in the unit interval."""
    field = subject.field
    if not field.support.discrete:
        return rows.to(subject.model.dtype)
    _, upper, *_ = field.support.ends
    return (rows.to(subject.model.dtype) + 0.5) / (upper + 1)


def applies(subject: Subject) -> bool:
    """Whether one observed variable is the image of a latent one and of nothing else, and there are rows."""
    model = subject.model
    if len(model.observed) != 1 or not subject.has("forward", "inverse") or subject.rows is None:
        return False
    return all(len(inspect.signature(getattr(type(model), name)).parameters) == 2 for name in ("forward", "inverse"))


@torch.no_grad()
def ways(subject: Subject) -> Ways | None:
    """Straight lines between the latent values of held-out rows, carried to the data."""
    if not applies(subject) or subject.event.image is None:
        return None
    rows = subject.observed(2 * LINES)[0]
    if len(rows) < 2 * LINES:
        return None
    model = subject.model
    ends = model.call_program("inverse", [_real(subject, rows)])[0]
    made = model.call_program("forward", [line(ends.double(), model.dtype)])[0]
    event = subject.event
    if event.discrete:
        event = dataclasses.replace(event, discrete=False, lower=0.0, upper=1.0)
    values = made.double().cpu().numpy().reshape(LINES, -1, *event.shape)
    return Ways(event, values, f"{ROW_TO_ROW} between the latent values that the flow's inverse gives them.")


@torch.no_grad()
def carried(subject: Subject) -> Carried | None:
    """Points of the plane and their latent values, and a latent grid and what the flow makes of it."""
    if not applies(subject) or subject.event.size != 2 or subject.event.discrete:
        return None
    rows = subject.observed(POINTS)[0]
    model = subject.model
    latent = model.call_program("inverse", [_real(subject, rows)])[0]
    along, across = np.linspace(-GRID_REACH, GRID_REACH, GRID_POINTS), np.linspace(-GRID_REACH, GRID_REACH, GRID_LINES)
    one = np.stack(np.broadcast_arrays(across[:, None], along[None]), axis=-1)
    lines = np.concatenate([one, one[..., ::-1]])
    points = torch.from_numpy(lines.reshape(-1, *subject.event.shape)).to(model.device, model.dtype)
    grid = model.call_program("forward", [points])[0].double().cpu().numpy().reshape(lines.shape)
    return Carried(subject.event.name, flat(rows.cpu().numpy()), flat(latent.cpu().numpy()), grid)


def draw(found: Carried) -> list[Drawing]:
    """The data with the grid that the flow makes, beside the latent values of the same points, coloured alike."""
    colour = found.rows[:, 0]
    low, high = np.quantile(found.rows, 0.002, axis=0), np.quantile(found.rows, 0.998, axis=0)
    pad = 0.12 * (high - low)
    with style.figure(style.FULL, 4.3, 1, 2) as (drawing, (left, right)):
        for places in found.grid:
            left.plot(*places.T, color=style.MUTED, linewidth=0.6, alpha=0.8)
        for position in np.linspace(-GRID_REACH, GRID_REACH, GRID_LINES):
            ends = (-GRID_REACH, GRID_REACH)
            right.plot((position, position), ends, color=style.MUTED, linewidth=0.6, alpha=0.8)
            right.plot(ends, (position, position), color=style.MUTED, linewidth=0.6, alpha=0.8)
        for axes, points in ((left, found.rows), (right, found.latent)):
            axes.scatter(*points.T, c=colour, cmap="viridis", s=5, linewidths=0, zorder=3)
            axes.grid(False)
        left.set_xlim(low[0] - pad[0], high[0] + pad[0])
        left.set_ylim(low[1] - pad[1], high[1] + pad[1])
        right.set_xlim(-1.15 * GRID_REACH, 1.15 * GRID_REACH)
        right.set_ylim(-1.15 * GRID_REACH, 1.15 * GRID_REACH)
        right.set_aspect("equal")
        left.set_title("held-out rows, and the latent grid carried to them")
        right.set_title("their latent values")
        left.set_xlabel(f"{found.name}[0]")
        left.set_ylabel(f"{found.name}[1]")
        words = (
            f"Colours follow {found.name}[0] in both panels. Where the flow fits, the right panel looks like a sample "
            "of the base distribution; where lines crowd, the density is high."
        )
        return [Drawing("carried", "the plane of the data and the latent plane", words, drawing)]
