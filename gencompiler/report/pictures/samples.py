"""Samples beside data: sheets of images, the plane with its density, histograms, and moments of every dimension."""

from __future__ import annotations

from typing import Any

import numpy as np

from gencompiler.report import quadrature, style
from gencompiler.report.data import Array, Comparison, DensityGrid, flat
from gencompiler.report.pictures.subject import SAMPLES, Subject
from gencompiler.report.style import Drawing

#: Points of a scatter plot, and dimensions shown one by one: more of either would not be read.
SCATTER_POINTS = 1500
SHOWN_DIMENSIONS = 8
SHEET_COLUMNS = 10
SHEET_IMAGES = 80

#: Contours enclose the smallest regions that hold these shares of the mass.
CONTOUR_SHARES = (0.1, 0.3, 0.5, 0.7, 0.9, 0.99)


def gather(subject: Subject) -> Comparison | None:
    """Samples of the first observed variable, beside held-out rows of it and, in one or two real dimensions, its
    density."""
    model, event, context = subject.model, subject.event, subject.context(SAMPLES)
    if subject.chains is not None:
        draws = subject.chains.draws
        every = max(1, draws.shape[0] * draws.shape[1] // SAMPLES)
        samples = draws.reshape(-1, draws.shape[-1])[::every, : event.size].reshape(-1, *event.shape)
    elif hasattr(model, "sample") and context is not None:
        samples = subject.sample(SAMPLES, context)
    else:
        return None
    rows = subject.data()
    density = None
    if quadrature.applies(model):
        seen = flat(samples) if rows is None else np.concatenate([flat(samples), flat(rows)])
        density = quadrature.density(model, seen)
    return Comparison(event, samples, rows, subject.rows_name, density)


def draw(comparison: Comparison) -> list[Drawing]:
    """The pictures of a comparison, by what its events are."""
    event = comparison.event
    if event.image is not None:
        found = [sheets(comparison)]
    elif event.size == 2 and not event.discrete:
        found = [scatter(comparison)]
    else:
        found = [histograms(comparison)]
    if comparison.data is not None and event.size > SHOWN_DIMENSIONS:
        found.append(moments(comparison))
    return found


def _panels(comparison: Comparison) -> list[tuple[str, Array, str]]:
    """(title, rows, colour) of the samples and, where there are any, of the data."""
    panels = [("samples", flat(comparison.samples), style.MODEL)]
    if comparison.data is not None:
        panels.append((comparison.data_name or "data", flat(comparison.data), style.DATA))
    return panels


def sheets(comparison: Comparison) -> Drawing:
    """A sheet of samples and, where there is data, a sheet of data in the same grey levels."""
    event = comparison.event
    assert event.image is not None
    panels = [(name, rows[:SHEET_IMAGES]) for name, rows, _ in _panels(comparison)]
    limits = style.limits(event, *(rows for _, rows in panels))
    height, width = event.image
    lines = max(-(-len(rows) // SHEET_COLUMNS) for _, rows in panels)
    across = style.FULL if len(panels) > 1 else style.FULL / 2
    tall = across / len(panels) * lines * height / (SHEET_COLUMNS * width) + 0.35
    with style.figure(across, tall, 1, len(panels), squeeze=False) as (drawing, grid):
        drawing.get_layout_engine().set(wspace=0.08)
        for axes, (name, rows) in zip(grid[0], panels, strict=True):
            style.show_sheet(axes, rows.reshape(-1, *event.image), limits, SHEET_COLUMNS, name)
        words = "The first draws and the first held-out rows, none of them chosen." if len(panels) > 1 else ""
        return Drawing("sheets", f"sheets of {event.name}, samples and data", words, drawing)


def scatter(comparison: Comparison) -> Drawing:
    """Two-dimensional samples, beside data where there is any, and the density where it is known."""
    panels, density = _panels(comparison), comparison.density
    both = np.concatenate([points for _, points, _ in panels])
    low, high = np.quantile(both, 0.002, axis=0), np.quantile(both, 0.998, axis=0)
    pad = 0.1 * (high - low) + 1e-9
    columns = len(panels) + (density is not None)
    wide, tall = style.FULL / max(2, columns) * columns, 4.3 if columns < 3 else 3.5
    with style.figure(wide, tall, 1, columns, squeeze=False, sharex=True, sharey=True) as (drawing, grid):
        cells = list(grid[0])
        for axes, (name, points, colour) in zip(cells, panels, strict=False):
            shown = points[:SCATTER_POINTS]
            axes.plot(shown[:, 0], shown[:, 1], ".", color=colour, markersize=2.6, alpha=0.6, markeredgewidth=0)
            axes.set_title(name)
        if density is not None:
            cells[-1].set_title(density.source)
            _contours(cells[-1], density)
        for axes in cells:
            axes.set_xlim(low[0] - pad[0], high[0] + pad[0])
            axes.set_ylim(low[1] - pad[1], high[1] + pad[1])
            axes.set_xlabel(f"{comparison.event.name}[0]")
        cells[0].set_ylabel(f"{comparison.event.name}[1]")
        words = "" if density is None else _CONTOURS
        return Drawing("scatter", f"samples of {comparison.event.name} in two dimensions", words, drawing)


_CONTOURS = (
    "Each contour encloses the smallest region that holds 10, 30, 50, 70, 90 or 99 % of the mass; the density was "
    "computed at 401 × 401 points."
)


def _contours(axes: Any, density: DensityGrid) -> None:
    # far from the data a map may saturate: what is no number there is no mass
    values = np.nan_to_num(np.asarray(density.values, dtype=np.float64), posinf=0.0)
    values = values / max(float(values.max()), 1e-300)
    ordered = np.sort(values.ravel())[::-1]
    mass = np.cumsum(ordered) / max(float(ordered.sum()), 1e-300)
    places = np.minimum(np.searchsorted(mass, CONTOUR_SHARES), len(ordered) - 1)
    levels = sorted({float(ordered[place]) for place in places if ordered[place] > 0})
    if not levels:
        return
    top = max(float(ordered[0]), levels[-1]) * (1 + 1e-9)
    for level in levels:
        if level < top:
            axes.contourf(*density.axes, values.T, levels=[level, top], colors=style.MODEL, alpha=0.16)
    axes.contour(*density.axes, values.T, levels=levels, colors=style.INK, linewidths=0.7, alpha=0.55)


def histograms(comparison: Comparison) -> Drawing:
    """One histogram for each of the first dimensions, samples over data, with the density in one dimension."""
    samples, name = flat(comparison.samples), comparison.event.name
    data = None if comparison.data is None else flat(comparison.data)
    count = min(samples.shape[1], SHOWN_DIMENSIONS)
    columns = min(count, 4)
    rows = -(-count // columns)
    height = 3.2 if count == 1 else 2.0 * rows + 0.5
    with style.figure(style.FULL, height, rows, columns, squeeze=False) as (drawing, grid):
        cells = grid.ravel()
        for axes in cells[count:]:
            axes.set_axis_off()
        for i, axes in enumerate(cells[:count]):
            _histogram(axes, comparison, samples[:, i], None if data is None else data[:, i])
            axes.set_title(name if samples.shape[1] == 1 else f"{name}[{i}]")
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
            axes.grid(False)
        density = comparison.density
        if count == 1 and density is not None:
            cells[0].plot(density.axes[0], density.values, color=style.INK, linewidth=1.2, label=density.source)
        handles, labels = cells[0].get_legend_handles_labels()
        drawing.legend(handles, labels, loc="outside upper right", ncols=3, handlelength=1.2)
        size = comparison.event.size
        words = f"The first {SHOWN_DIMENSIONS} of {size} dimensions." if size > SHOWN_DIMENSIONS else ""
        return Drawing("histograms", "histograms of samples and data", words, drawing)


def _histogram(axes: Any, comparison: Comparison, samples: Array, data: Array | None) -> None:
    both = samples if data is None else np.concatenate([samples, data])
    if comparison.event.discrete:
        low, high = int(both.min()), int(both.max())
        edges = np.arange(low, min(high, low + 60) + 2) - 0.5
    else:
        edges = np.linspace(np.quantile(both, 0.002), np.quantile(both, 0.998) + 1e-9, 41)
    axes.hist(samples, bins=edges, density=True, color=style.MODEL, alpha=0.35, label="samples")
    if data is not None:
        heights, _ = np.histogram(data, bins=edges, density=True)
        axes.stairs(heights, edges, color=style.DATA, linewidth=1.3, label=comparison.data_name or "data")


def moments(comparison: Comparison) -> Drawing:
    """Mean and standard deviation of every dimension, data against samples: points on the diagonal agree."""
    assert comparison.data is not None
    samples, data = flat(comparison.samples), flat(comparison.data)
    with style.figure(style.FULL, 3.9, 1, 2) as (drawing, grid):
        pairs = (("mean", data.mean(0), samples.mean(0)), ("standard deviation", data.std(0), samples.std(0)))
        for axes, (title, across, up) in zip(grid, pairs, strict=True):
            low, high = min(across.min(), up.min()), max(across.max(), up.max())
            pad = 0.05 * (high - low) or 1.0
            axes.plot([low - pad, high + pad], [low - pad, high + pad], color=style.MUTED, linewidth=0.8)
            axes.plot(across, up, "o", color=style.MODEL, markersize=3.4, alpha=0.7, markeredgewidth=0)
            axes.set_title(f"{title} of each dimension")
            axes.set_xlabel(comparison.data_name or "data")
            axes.set_ylabel("samples")
            axes.set_aspect("equal")
            axes.locator_params(nbins=6)
        words = "Each point is one dimension; on the line, samples and data agree."
        return Drawing("moments", "moments of every dimension, data against samples", words, drawing)
