"""What a report shows, as plain data: nothing here reads a file or draws.

Arrays are numpy, one row for each example or chain.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from gencompiler.report.pictures import Gathered

Array = NDArray[Any]

#: An event of a perfect-square length from here on is shown as an image when its values are bounded, or from
#: `IMAGE_PIXELS_UNBOUNDED` on in any case.
IMAGE_PIXELS = 16
IMAGE_PIXELS_UNBOUNDED = 64


@dataclasses.dataclass(frozen=True)
class VerdictRow:
    """One obligation: `status` is proved, refuted, unknown or assumed; `grade` says on what the verdict rests."""

    status: str
    obligation: str
    subject: str
    words: str
    grade: str = ""
    place: str = ""


@dataclasses.dataclass(frozen=True)
class CapabilityRow:
    """What the model can do (`name` is sample, log_prob, posterior or score), how well, and why."""

    name: str
    text: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Curve:
    """`values[i]` was measured at `positions[i]` (an epoch or a step)."""

    name: str
    positions: Array
    values: Array


@dataclasses.dataclass(frozen=True)
class TrainingRecord:
    """A finished training: its curves, the unit of their positions and of their values; `kept` is the position whose
    parameters were kept, where not the last."""

    objective: str
    position: str
    unit: str
    curves: tuple[Curve, ...]
    seconds: float
    steps: int
    facts: tuple[tuple[str, str], ...] = ()
    kept: float | None = None


@dataclasses.dataclass(frozen=True)
class Event:
    """One event of the model: its name, shape and support; `lower`, `upper` bound its values where they are bounded."""

    name: str
    shape: tuple[int, ...]
    support: str
    discrete: bool = False
    lower: float = -math.inf
    upper: float = math.inf

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def image(self) -> tuple[int, int] | None:
        """(height, width) when an event is best shown as a picture, else None."""
        if len(self.shape) == 2:
            return (self.shape[0], self.shape[1])
        if len(self.shape) == 3 and self.shape[0] == 1:
            return (self.shape[1], self.shape[2])
        side = math.isqrt(self.size)
        bounded = math.isfinite(self.lower) and math.isfinite(self.upper)
        enough = IMAGE_PIXELS if bounded else IMAGE_PIXELS_UNBOUNDED
        return (side, side) if len(self.shape) == 1 and side * side == self.size >= enough else None


@dataclasses.dataclass(frozen=True)
class DensityGrid:
    """A density on a grid: `axes` are one or two sorted arrays, `values` has their lengths as its shape.

    `source` says whose it is ("model", "target, up to a constant")."""

    axes: tuple[Array, ...]
    values: Array
    source: str


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Samples of the model, [rows, *event], and held-out data where there is any."""

    event: Event
    samples: Array
    data: Array | None = None
    data_name: str = ""
    density: DensityGrid | None = None


@dataclasses.dataclass(frozen=True)
class ChainQuantity:
    """One number of the state over all chains; effective sample sizes and R-hat as in Vehtari et al., 2021."""

    name: str
    mean: float
    standard_deviation: float
    standard_error: float
    bulk_ess: float
    tail_ess: float
    r_hat: float


@dataclasses.dataclass(frozen=True)
class ChainRecord:
    """Chains: `draws` is [chains, draws, dimensions] after burn-in and thinning; `quantities` has one per dimension."""

    method: str
    draws: Array
    quantities: tuple[ChainQuantity, ...]
    acceptance: float | None
    seconds: float | None = None


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One evaluation number; `standard_error` is None where it is exact or was not estimated."""

    name: str
    value: float
    standard_error: float | None = None
    unit: str = ""
    words: str = ""


@dataclasses.dataclass(frozen=True)
class FileLink:
    """A file beside the report, by its path relative to the report."""

    path: str
    words: str


@dataclasses.dataclass(frozen=True)
class ReportData:
    """Everything one report shows.

    `doc` is the spec's docstring (its citation), `doc_of_file` where it comes from; `facts` are small label-value pairs
    for the head of the page; `pictures` are what `report.pictures` gathered; `timings` are seconds of the compiler's
    passes."""

    title: str
    doc: str
    spec: str
    spec_path: str
    spec_hash: str
    compiler: str
    date: str
    facts: tuple[tuple[str, str], ...] = ()
    verdicts: tuple[VerdictRow, ...] = ()
    capabilities: tuple[CapabilityRow, ...] = ()
    training: TrainingRecord | None = None
    comparison: Comparison | None = None
    chains: ChainRecord | None = None
    pictures: tuple[Gathered, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    timings: tuple[tuple[str, float], ...] = ()
    commands: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    files: tuple[FileLink, ...] = ()
    notes: tuple[str, ...] = ()


def flat(rows: Array) -> Array:
    """`[rows, *event]` as `[rows, dimensions]` of float64."""
    rows = np.asarray(rows, dtype=np.float64)
    return rows.reshape(len(rows), -1)
