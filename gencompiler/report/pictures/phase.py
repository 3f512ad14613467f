"""Where an SDE of two numbers leads: the ends of many paths over the energy that they move in."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from gencompiler.report import style
from gencompiler.report.data import Array
from gencompiler.report.pictures.subject import Subject
from gencompiler.report.style import Drawing
from gencompiler.runtime import fokker_planck

#: Paths, and the steps of each.
PATHS, STEPS = 1000, 1000
#: Level lines of the energy above its lowest value on the grid, and points of the grid along an axis.
LEVELS = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0)
GRID = 81

_SIMULATION = "simulate_"


@dataclasses.dataclass(frozen=True)
class Phase:
    """`ends` [paths, 2] of paths of `sde` that began at Normal(0, 1), and the energy on the grid of `axes`."""

    sde: str
    names: tuple[str, str]
    ends: Array
    axes: tuple[Array, Array]
    energy: Array


def gather(subject: Subject) -> Phase | None:
    """The ends of paths, where a model simulates two real numbers and states their energy."""
    model = subject.model
    found = sorted(name for name in model.programs if name.startswith(_SIMULATION))
    names = [f"{f.name}[{k}]" if f.size > 1 else f.name for f in model.observed for k in range(f.size)]
    real = all(f.support.name == "Real" for f in model.observed)
    if not found or not subject.has("energy") or len(names) != 2 or not real or model.given:
        return None
    if fokker_planck.asked(model) is not None:
        return None
    generator = torch.Generator().manual_seed(subject.seed)
    start = torch.randn(PATHS, 2, generator=generator)
    ends = model.call_program(found[0], _values(subject, start), steps=STEPS, seed=subject.seed)
    parts = ends if isinstance(ends, tuple) else (ends,)
    points = torch.cat([p.reshape(PATHS, -1) for p in parts], 1).double().cpu().numpy()
    axes = (_axis(points[:, 0]), _axis(points[:, 1]))
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 2)
    energy = model.call_program("energy", _values(subject, torch.from_numpy(grid)))
    shaped = energy.double().cpu().numpy().reshape(GRID, GRID)
    return Phase(found[0].removeprefix(_SIMULATION), (names[0], names[1]), points, axes, shaped)


def _values(subject: Subject, points: torch.Tensor) -> list[torch.Tensor]:
    """Points [rows, 2] as values of the observed variables."""
    fields = subject.model.observed
    parts = torch.split(points, [f.size for f in fields], 1)
    return [part.reshape(len(points), *f.shape) for part, f in zip(parts, fields, strict=True)]


def _axis(values: Array) -> Array:
    reach = 0.1 * float(values.max() - values.min()) + 1e-6
    return np.linspace(float(values.min()) - reach, float(values.max()) + reach, GRID)


def draw(found: Phase) -> list[Drawing]:
    """The states of the chains over the contours of the energy."""
    with style.figure(5.6, 4.8) as (drawing, axes):
        levels = float(found.energy.min()) + np.array(LEVELS)
        axes.contour(*found.axes, found.energy.T, levels=levels, colors=style.MUTED, linewidths=0.7)
        axes.plot(*found.ends.T, ".", color=style.MODEL, markersize=3, alpha=0.6, markeredgewidth=0)
        axes.set_xlabel(found.names[0])
        axes.set_ylabel(found.names[1])
        words = f"{len(found.ends)} paths in {STEPS:,} Euler-Maruyama steps, from Normal(0, 1); grey, where the energy "
        words += f"is {', '.join(f'{level:g}' for level in LEVELS)} above its lowest."
        return [Drawing("phase", f"where paths of {found.sde} end", words, drawing)]
