"""What training did: losses over epochs or steps."""

from __future__ import annotations

import numpy as np

from gencompiler.report import style
from gencompiler.report.data import Array, TrainingRecord
from gencompiler.report.style import Drawing


def draw(record: TrainingRecord) -> list[Drawing]:
    """The pictures of a training."""
    return [losses(record)] if record.curves else []


def losses(record: TrainingRecord) -> Drawing:
    """Training and validation curves over epochs or steps; a dashed line where the parameters that were kept are."""
    with style.figure(style.FULL, 3.0) as (drawing, axes):
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
        return Drawing("losses", f"{record.objective}: loss over {record.position}s", "", drawing)


def _readable_range(values: Array) -> tuple[float, float]:
    """The range of `values`, cut where the first few would flatten all others."""
    low, high = float(values.min()), float(values.max())
    cut = float(np.quantile(values, 0.95))
    if high - low > 4 * (cut - low) > 0:
        high = cut + 0.5 * (cut - low)
    pad = 0.06 * (high - low) or 1.0
    return low - pad, high + pad
