"""How a diffusion makes a sample: the states that a reverse process passes through."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from gencompiler.report import style
from gencompiler.report.data import Array, Event, flat
from gencompiler.report.pictures.subject import Subject
from gencompiler.report.style import Drawing

#: States of a process that are computed, at equal distances of time.
TIMES = 65

#: Snapshots: of points, with their number of rows, and of images.  Each is at half the time of the one before it,
#: because details come last.
SNAPSHOTS = 6
POINTS = 400
IMAGE_SNAPSHOTS = 8
IMAGES = 8

#: Paths that are drawn: in the plane, and over time.
PATHS = 8
PATHS_OVER_TIME = 48


@dataclasses.dataclass(frozen=True)
class Reverse:
    """`states` [rows, times, *shape] of reverse processes at `times`, from noise (first) to samples (last)."""

    event: Event
    times: Array
    states: Array


def gather(subject: Subject) -> Reverse | None:
    """States of reverse processes, for images and for real events of one or two dimensions."""
    event, model = subject.event, subject.model
    shown = event.image is not None or (event.size <= 2 and not event.discrete)
    if not hasattr(model, "trajectory") or not shown:
        return None
    count = IMAGES if event.image is not None else POINTS
    context = subject.context(count)
    if context is None:
        return None
    trajectory: Any = model.trajectory
    found = trajectory(count, TIMES, seed=subject.seed, **context)
    return Reverse(event, found.times.cpu().numpy(), found.states.double().cpu().numpy())


def draw(found: Reverse) -> list[Drawing]:
    """Snapshots, and paths where they can be drawn."""
    if found.event.image is not None:
        return [_images(found)]
    return [_snapshots(found), _paths(found)]


def halving(times: int, shown: int) -> list[int]:
    """The places of `shown` of equally distant times: the first, then where half the time is left, again and again, and
    the last."""
    last = times - 1
    return sorted({*(last - round(last / 2**k) for k in range(shown - 1)), last})


def _images(found: Reverse) -> Drawing:
    event = found.event
    assert event.image is not None
    places = halving(len(found.times), IMAGE_SNAPSHOTS)
    rows, times = len(found.states), len(places)
    states = flat(found.states[:, places].reshape(-1, *event.shape))
    limits = style.limits(event, flat(found.states[:, -1]))
    height, width = event.image
    wide = 0.6 * style.FULL
    with style.figure(wide, wide * rows / times * height / width + 0.4) as (drawing, axes):
        style.show_sheet(axes, states.reshape(-1, *event.image), limits, times)
        listed = ", ".join(f"{found.times[place]:.2g}" for place in places)
        words = f"Each line is one sample in the making, from noise to picture, at t = {listed}."
        return Drawing("snapshots", "states of reverse processes", words, drawing)


def _snapshots(found: Reverse) -> Drawing:
    places = halving(len(found.times), SNAPSHOTS)
    name = found.event.name
    options = {"squeeze": False, "sharex": True, "sharey": True}
    with style.figure(style.FULL, 2.1, 1, len(places), **options) as (drawing, grid):
        for axes, place in zip(grid[0], places, strict=True):
            states = flat(found.states[:, place])
            if states.shape[1] == 2:
                axes.plot(*states.T, ".", color=style.MODEL, markersize=1.8, alpha=0.6, markeredgewidth=0)
                axes.set_xlabel(f"{name}[0]")
            else:
                axes.hist(states[:, 0], bins=40, density=True, color=style.MODEL, alpha=0.5)
                axes.set_xlabel(name)
            axes.set_title(f"t = {found.times[place]:.2g}")
        grid[0][0].set_ylabel(f"{name}[1]" if found.event.size == 2 else "density")
        words = f"The states of {len(found.states)} reverse processes, from noise (left) to samples (right)."
        return Drawing("snapshots", "states of reverse processes at several times", words, drawing)


def _paths(found: Reverse) -> Drawing:
    states = found.states.reshape(*found.states.shape[:2], -1)
    return _in_the_plane(found, states) if states.shape[-1] == 2 else _over_time(found, states[:, :, 0])


def _in_the_plane(found: Reverse, states: Array) -> Drawing:
    from matplotlib.collections import LineCollection

    name = found.event.name
    with style.figure(5.6, 4.8) as (drawing, axes):
        axes.plot(*states[:, -1].T, ".", color=style.MUTED, markersize=2.4, alpha=0.6, markeredgewidth=0)
        ramp = np.linspace(0.06, 0.9, states.shape[1] - 1) ** 2
        for path in states[:PATHS]:
            links = np.stack([path[:-1], path[1:]], axis=1)
            axes.add_collection(LineCollection(list(links), colors=style.MODEL, linewidths=0.8, alpha=ramp))
        axes.plot(*states[:PATHS, 0].T, "o", color=style.FOURTH, markersize=3.6, label="noise")
        axes.plot(*states[:PATHS, -1].T, "o", color=style.DATA, markersize=4.2, label="sample")
        axes.set_xlabel(f"{name}[0]")
        axes.set_ylabel(f"{name}[1]")
        axes.legend(loc="upper right")
        words = f"{min(PATHS, len(states))} of them, fainter the earlier, each at {len(found.times)} times; "
        words += "grey are the samples of all."
        return Drawing("paths", "paths of reverse processes in the plane", words, drawing)


def _over_time(found: Reverse, states: Array) -> Drawing:
    with style.figure(style.FULL, 3.2) as (drawing, axes):
        for path in states[:PATHS_OVER_TIME]:
            axes.plot(found.times, path, color=style.MODEL, linewidth=0.7, alpha=0.55)
        axes.invert_xaxis()
        axes.margins(x=0.01)
        axes.set_xlabel("t, from noise to sample")
        axes.set_ylabel(found.event.name)
        words = f"{min(PATHS_OVER_TIME, len(states))} of them, each at {len(found.times)} times."
        return Drawing("paths", "paths of reverse processes over time", words, drawing)
