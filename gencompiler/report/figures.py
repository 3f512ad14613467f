"""The figures of a report: each takes plain data and returns inline SVG (or a PNG data URI for images)."""

from __future__ import annotations

from typing import Any

import numpy as np

from gencompiler.report import style
from gencompiler.report.data import Array, ChainRecord, Comparison, DensityGrid, TrainingRecord, flat

#: Points of a scatter plot, and dimensions shown one by one: more of either would not be read.
SCATTER_POINTS = 1500
SHOWN_DIMENSIONS = 8
SHEET_COLUMNS = 10
SHEET_IMAGES = 80

#: Inches across a full-width figure: with it, text comes out at the size of the page's small print.
FULL = 9.4


def losses(record: TrainingRecord) -> str:
    """Training and validation curves over epochs or steps; the last value of each is written beside it."""
    with style.figure(FULL, 3.0) as (drawing, axes):
        for curve, colour in zip(record.curves, style.SERIES, strict=False):
            few = len(curve.positions) <= 60
            axes.plot(
                curve.positions, curve.values, color=colour, label=curve.name, marker="o" if few else "", markersize=2.5
            )
        if record.kept is not None:
            axes.axvline(record.kept, color=style.MUTED, linewidth=0.9, linestyle=(0, (3, 3)))
        everything = np.concatenate([curve.values for curve in record.curves])
        finite = everything[np.isfinite(everything)]
        if len(finite) > 8:
            axes.set_ylim(*_readable_range(finite))
        axes.set_xlabel(record.position)
        axes.set_ylabel(record.unit)
        axes.margins(x=0.01)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(loc="upper right", ncols=len(record.curves))
        return style.svg(drawing, "losses", f"{record.objective}: loss over {record.position}s")


def _readable_range(values: Array) -> tuple[float, float]:
    """The range of `values`, cut where the first few would flatten all others."""
    low, high = float(values.min()), float(values.max())
    cut = float(np.quantile(values, 0.95))
    if high - low > 4 * (cut - low) > 0:
        high = cut + 0.5 * (cut - low)
    pad = 0.06 * (high - low) or 1.0
    return low - pad, high + pad


def sheets(comparison: Comparison) -> list[tuple[str, str]]:
    """(caption, data URI) of a sheet of samples and, where there is data, a sheet of data."""
    event = comparison.event
    assert event.image is not None
    found = [("samples", comparison.samples)]
    if comparison.data is not None:
        found.append((comparison.data_name or "data", comparison.data))
    rows = [flat(values)[:SHEET_IMAGES] for _, values in found]
    lower, upper = event.lower, event.upper
    if not (np.isfinite(lower) and np.isfinite(upper)):
        lower, upper = float(np.quantile(rows[-1], 0.01)), float(np.quantile(rows[-1], 0.99))
    if event.discrete and event.support.startswith("Integer"):
        upper = max(upper, lower + 1)
    return [
        (name, style.image_sheet(values.reshape(-1, *event.image), lower, upper, SHEET_COLUMNS))
        for (name, _), values in zip(found, rows, strict=True)
    ]


def scatter(comparison: Comparison) -> str:
    """Two-dimensional samples, beside data where there is any, with the contours of the density where it is known."""
    panels = [("samples", flat(comparison.samples), style.MODEL)]
    if comparison.data is not None:
        panels.append((comparison.data_name or "data", flat(comparison.data), style.DATA))
    both = np.concatenate([points for _, points, _ in panels])
    low, high = np.quantile(both, 0.002, axis=0), np.quantile(both, 0.998, axis=0)
    pad = 0.1 * (high - low) + 1e-9
    alone = comparison.density is not None and comparison.data is None
    columns = len(panels) + alone
    with style.figure(4.7 * columns, 4.3, 1, columns, squeeze=False, sharex=True, sharey=True) as (drawing, grid):
        cells = list(grid[0])
        for axes, (name, points, colour) in zip(cells, panels, strict=False):
            shown = points[:SCATTER_POINTS]
            axes.plot(shown[:, 0], shown[:, 1], ".", color=colour, markersize=2.6, alpha=0.6, markeredgewidth=0)
            axes.set_title(name)
            if comparison.density is not None:
                _contours(axes, comparison.density, filled=False)
        if alone and comparison.density is not None:
            cells[-1].set_title(comparison.density.source)
            _contours(cells[-1], comparison.density, filled=True)
        for axes in cells:
            axes.set_xlim(low[0] - pad[0], high[0] + pad[0])
            axes.set_ylim(low[1] - pad[1], high[1] + pad[1])
            axes.set_xlabel(f"{comparison.event.name}[0]")
        cells[0].set_ylabel(f"{comparison.event.name}[1]")
        return style.svg(drawing, "scatter", f"samples of {comparison.event.name} in two dimensions")


#: Contours enclose the smallest regions that hold these shares of the mass.
CONTOUR_SHARES = (0.1, 0.3, 0.5, 0.7, 0.9, 0.99)


def _contours(axes: Any, density: DensityGrid, *, filled: bool) -> None:
    values = np.nan_to_num(np.asarray(density.values, dtype=np.float64))
    ordered = np.sort(values.ravel())[::-1]
    mass = np.cumsum(ordered) / max(float(ordered.sum()), 1e-300)
    places = np.minimum(np.searchsorted(mass, CONTOUR_SHARES), len(ordered) - 1)
    levels = sorted({float(ordered[place]) for place in places if ordered[place] > 0})
    if not levels:
        return
    if filled:
        top = max(float(ordered[0]), levels[-1]) * (1 + 1e-9)
        for level in levels:
            if level < top:
                axes.contourf(*density.axes, values.T, levels=[level, top], colors=style.MODEL, alpha=0.16)
    axes.contour(*density.axes, values.T, levels=levels, colors=style.INK, linewidths=0.7, alpha=0.55)


def histograms(comparison: Comparison) -> str:
    """One histogram for each of the first dimensions, samples over data, with the density in one dimension."""
    samples = flat(comparison.samples)
    data = None if comparison.data is None else flat(comparison.data)
    count = min(samples.shape[1], SHOWN_DIMENSIONS)
    columns = min(count, 4)
    rows = -(-count // columns)
    height = 3.2 if count == 1 else 2.0 * rows + 0.5
    with style.figure(FULL, height, rows, columns, squeeze=False) as (drawing, grid):
        cells = grid.ravel()
        for axes in cells[count:]:
            axes.set_axis_off()
        for i, axes in enumerate(cells[:count]):
            _histogram(axes, comparison, samples[:, i], None if data is None else data[:, i])
            name = comparison.event.name
            axes.set_title(name if samples.shape[1] == 1 else f"{name}[{i}]")
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
            axes.grid(False)
        if count == 1 and comparison.density is not None:
            cells[0].plot(
                comparison.density.axes[0],
                comparison.density.values,
                color=style.INK,
                linewidth=1.2,
                label=comparison.density.source,
            )
        handles, labels = cells[0].get_legend_handles_labels()
        drawing.legend(handles, labels, loc="outside upper right", ncols=3, handlelength=1.2)
        return style.svg(drawing, "histograms", "histograms of samples and data")


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


def moments(comparison: Comparison) -> str:
    """Mean and standard deviation of every dimension, data against samples: points on the diagonal agree."""
    assert comparison.data is not None
    samples, data = flat(comparison.samples), flat(comparison.data)
    with style.figure(FULL, 3.9, 1, 2) as (drawing, grid):
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
        return style.svg(drawing, "moments", "moments of every dimension, data against samples")


def traces(record: ChainRecord) -> str:
    """The first chains over their draws, and the mean autocorrelation over chains, one row for each dimension."""
    _, draws, dimensions = record.draws.shape
    shown = min(dimensions, 4)
    shape = {"width_ratios": [2.4, 1]}
    with style.figure(FULL, 1.7 * shown + 0.5, shown, 2, squeeze=False, gridspec_kw=shape) as (drawing, grid):
        for i in range(shown):
            left, right = grid[i]
            for chain, colour in zip(record.draws[:4], style.SERIES, strict=False):
                left.plot(np.arange(draws), chain[:, i], color=colour, linewidth=0.7, alpha=0.75)
            left.set_ylabel(record.quantities[i].name)
            left.margins(x=0.01)
            correlation = autocorrelation(record.draws[:, :, i])
            right.axhline(0, color=style.MUTED, linewidth=0.8)
            right.vlines(np.arange(len(correlation)), 0, correlation, color=style.MODEL, linewidth=1.6)
            right.set_ylim(min(-0.12, float(correlation.min()) - 0.05), 1.05)
            if i == 0:
                left.set_title(f"{min(4, len(record.draws))} of {len(record.draws)} chains")
                right.set_title("autocorrelation")
        grid[-1][0].set_xlabel("draw")
        grid[-1][1].set_xlabel("lag")
        return style.svg(drawing, "traces", "traces and autocorrelation of the chains")


def autocorrelation(draws: Array, lags: int = 40) -> Array:
    """Autocorrelation of `draws` [chains, n] at lags 0 to `lags`, averaged over chains about their common mean."""
    count = draws.shape[1]
    centred = np.asarray(draws, dtype=np.float64) - draws.mean()
    spectrum = np.fft.rfft(centred, n=2 * count, axis=1)
    covariance = np.fft.irfft(spectrum * np.conj(spectrum), axis=1)[:, : min(lags + 1, count)].mean(axis=0) / count
    first = float(covariance[0])
    correlation: Array = covariance / first if first > 0 else np.zeros_like(covariance)
    return correlation
