"""How a density moves: the solution of a Fokker-Planck equation at several times."""

from __future__ import annotations

import dataclasses

import numpy as np

from gencompiler.report import style
from gencompiler.report.data import Array
from gencompiler.report.pictures.subject import Subject
from gencompiler.report.style import Drawing
from gencompiler.runtime import fokker_planck

#: What of a density is shown: where it is at least this part of its largest value at the last time.
SHOWN = 1e-4


@dataclasses.dataclass(frozen=True)
class Densities:
    """`density` [times, cells, …] over the midpoints `axes` of its cells, of the variable `name`."""

    name: str
    times: Array
    axes: tuple[Array, ...]
    density: Array


def gather(subject: Subject) -> Densities | None:
    """The solution that the spec asks for."""
    if fokker_planck.asked(subject.model) is None:
        return None
    found = fokker_planck.of(subject.model, seed=subject.seed)
    axes = tuple(axis.numpy() for axis in found.axes)
    return Densities(subject.field.name, found.times.numpy(), axes, found.density.numpy())


def draw(found: Densities) -> list[Drawing]:
    """Curves of one axis, panels of two."""
    return [_curves(found) if len(found.axes) == 1 else _panels(found)]


def _curves(found: Densities) -> Drawing:
    (axis,) = found.axes
    with style.figure(style.FULL, 3.2) as (drawing, axes):
        shades = np.linspace(0.25, 1.0, len(found.times))
        for time, density, shade in zip(found.times, found.density, shades, strict=True):
            axes.plot(axis, density, color=style.MODEL, alpha=float(shade), label=f"t = {time:.3g}")
        largest = found.density[-1].max()
        kept = np.nonzero((found.density[1:] > SHOWN * largest).any(0))[0]
        axes.set_xlim(axis[kept[0]], axis[kept[-1]])
        axes.set_ylim(0, 1.15 * found.density[1:].max())
        axes.set_xlabel(found.name)
        axes.set_ylabel("density")
        axes.legend(loc="upper right")
        words = f"By finite volumes on {len(axis)} cells, darker the later; the first may leave the picture."
        return Drawing("densities", "the density over time, by its Fokker-Planck equation", words, drawing)


def _panels(found: Densities) -> Drawing:
    first, second = found.axes
    ends = (first[0], first[-1], second[0], second[-1])
    options = {"squeeze": False, "sharex": True, "sharey": True}
    with style.figure(style.FULL, 2.1, 1, len(found.times), **options) as (drawing, grid):
        for axes, time, density in zip(grid[0], found.times, found.density, strict=True):
            axes.imshow(density.T, origin="lower", extent=ends, aspect="auto", cmap="Blues")
            axes.set_title(f"t = {time:.2g}")
            axes.set_xlabel(f"{found.name}[0]")
        grid[0][0].set_ylabel(f"{found.name}[1]")
        words = f"By finite volumes on {len(first)} x {len(second)} cells; each panel has a scale of its own."
        return Drawing("densities", "the density over time, by its Fokker-Planck equation", words, drawing)
