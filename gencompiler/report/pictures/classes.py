"""Samples for each value of a finite condition."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from gencompiler.report import style
from gencompiler.report.data import Array, Event, flat
from gencompiler.report.pictures.subject import Subject, classes
from gencompiler.report.style import Drawing

#: The most values that are shown, and samples of each.
MOST = 12
IMAGES = 12
POINTS = 150


@dataclasses.dataclass(frozen=True)
class ByClass:
    """`samples` [values, each, *shape] of x for each value of the condition `given`, and held-out rows of the same
    values where there are any (a list, since they are not equally many)."""

    event: Event
    given: str
    samples: Array
    rows: tuple[Array, ...] = ()


def gather(subject: Subject) -> ByClass | None:
    """Samples by class, where the one condition of the model is finite."""
    model = subject.model
    if len(model.given) != 1 or not hasattr(model, "sample"):
        return None
    field, event = model.given[0], subject.event
    count = classes(field)
    shown = event.image is not None or (event.size <= 2 and not event.discrete)
    if count is None or not shown or subject.field.name == field.name:
        return None
    count, each = min(count, MOST), IMAGES if event.image is not None else POINTS
    values = torch.arange(count).repeat_interleave(each)
    samples = subject.sample(count * each, {"context": {field.name: values}})
    rows: tuple[Array, ...] = ()
    if subject.rows is not None:
        kinds, data = subject.rows[field.name], subject.rows[subject.field.name]
        rows = tuple(data[kinds == k][:each].cpu().numpy() for k in range(count))
    return ByClass(event, field.name, samples.reshape(count, each, *event.shape), rows)


def draw(found: ByClass) -> list[Drawing]:
    """One line of samples for each class, or one panel."""
    event = found.event
    if event.image is not None:
        return [_sheets(found)]
    return [_panels(found)]


def _sheets(found: ByClass) -> Drawing:
    event = found.event
    assert event.image is not None
    count, each = found.samples.shape[:2]
    parts = [("samples", found.samples.reshape(-1, *event.shape))]
    if found.rows:
        parts.append(("held-out rows", np.concatenate([_filled(rows, each) for rows in found.rows])))
    limits = style.limits(event, *(rows[np.isfinite(rows)] for _, rows in parts))
    height, width = event.image
    wide = style.FULL / 2 * len(parts)
    tall = style.FULL / 2 * count / each * height / width + 0.4
    with style.figure(wide, tall, 1, len(parts), squeeze=False) as (drawing, grid):
        drawing.get_layout_engine().set(wspace=0.08)
        for axes, (title, rows) in zip(grid[0], parts, strict=True):
            style.show_sheet(axes, flat(rows).reshape(-1, *event.image), limits, each, title)
        words = f"Line by line, {found.given} = 0 to {count - 1}: the first samples given each."
        return Drawing("classes", f"samples given each {found.given}", words, drawing)


def _filled(rows: Array, count: int) -> Array:
    """`rows` with empty ones after them, so that there are `count`."""
    empty = np.full((count - len(rows), *rows.shape[1:]), np.nan)
    return np.concatenate([rows.astype(np.float64), empty])


def _panels(found: ByClass) -> Drawing:
    count, event = len(found.samples), found.event
    columns = min(count, 5)
    lines = -(-count // columns)
    tall = style.FULL / columns * lines + 0.4
    options = {"squeeze": False, "sharex": True, "sharey": True}
    with style.figure(style.FULL, tall, lines, columns, **options) as (drawing, grid):
        cells = grid.ravel()
        for axes in cells[count:]:
            axes.set_axis_off()
        for k, axes in enumerate(cells[:count]):
            axes.set_title(f"{found.given} = {k}")
            _panel(axes, flat(found.samples[k]), flat(found.rows[k]) if found.rows else None)
        for axes in grid[-1]:
            axes.set_xlabel(f"{event.name}[0]" if event.size == 2 else event.name)
        handles, labels = cells[0].get_legend_handles_labels()
        drawing.legend(handles, labels, loc="outside upper right", ncols=2, markerscale=2)
        words = f"Samples given each {found.given}" + (", over held-out rows of it." if found.rows else ".")
        return Drawing("classes", f"samples given each {found.given}", words, drawing)


def _panel(axes: object, samples: Array, rows: Array | None) -> None:
    style_of = {"markersize": 3, "alpha": 0.6, "markeredgewidth": 0}
    for points, colour, name in ((rows, style.DATA, "held-out rows"), (samples, style.MODEL, "samples")):
        if points is None or not len(points):
            continue
        if points.shape[1] == 2:
            axes.plot(*points.T, ".", color=colour, label=name, **style_of)  # type: ignore[attr-defined]
        else:
            axes.hist(points[:, 0], bins=25, density=True, color=colour, alpha=0.4, label=name)  # type: ignore[attr-defined]
