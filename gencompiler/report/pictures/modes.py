"""Whether samples reach every part of data that fall into separate clusters of the plane: the picture of lost modes."""

from __future__ import annotations

import dataclasses

import numpy as np

from gencompiler.report import style
from gencompiler.report.data import Array, Comparison, flat
from gencompiler.report.pictures.subject import Subject
from gencompiler.report.style import Drawing

#: Rows of data that clusters are found in.
ROWS = 800

#: Data are clusters when the shortest gap between them is so many times the longest link within one; a cluster has at
#: least so many rows, and there are at least so many clusters.
SEPARATION = 2.0
SMALLEST = 4
FEWEST = 3
MOST = 100

#: Standard deviations from a centre within which a sample belongs to a mode.
REACH = 3.0


@dataclasses.dataclass(frozen=True)
class Coverage:
    """`centres` [modes, 2] and the standard deviation of the data about them; `shares` [modes] of the samples and of
    the data that lie within REACH of each."""

    name: str
    samples: Array
    centres: Array
    deviation: float
    shares: Array
    expected: Array

    @property
    def near(self) -> float:
        """The share of samples that belong to some mode."""
        return float(self.shares.sum())

    @property
    def found(self) -> int:
        """Modes that have at least a tenth of the samples that the data have there."""
        return int((self.shares >= 0.1 * self.expected).sum())


def gather(subject: Subject) -> Coverage | None:
    """The coverage of the clusters of the data, for points of the plane that have clusters."""
    return None if subject.comparison is None else coverage(subject.comparison)


def coverage(comparison: Comparison) -> Coverage | None:
    """The same of samples beside data."""
    if comparison.data is None or comparison.event.size != 2 or comparison.event.discrete:
        return None
    data, samples = flat(comparison.data), flat(comparison.samples)
    labels = clusters(data[:ROWS])
    if labels is None:
        return None
    rows = data[:ROWS]
    centres = np.stack([rows[labels == k].mean(0) for k in range(labels.max() + 1)])
    deviation = float(np.sqrt(((rows - centres[labels]) ** 2).mean()))
    order = np.lexsort((centres[:, 0], centres[:, 1]))
    centres = centres[order]
    shares, expected = (_shares(points, centres, REACH * deviation) for points in (samples, data))
    return Coverage(comparison.event.name, samples, centres, deviation, shares, expected)


def _shares(points: Array, centres: Array, reach: float) -> Array:
    distance = np.linalg.norm(points[:, None] - centres[None], axis=-1)
    nearest = np.where(distance.min(1) <= reach, distance.argmin(1), -1)
    return np.array([(nearest == k).mean() for k in range(len(centres))])


def clusters(points: Array) -> Array | None:
    """The cluster of each point, by single linkage cut at the widest relative gap between the lengths of the links;
    None where no cut separates the points well enough."""
    if len(points) < FEWEST * SMALLEST:
        return None
    lengths, ends = _tree(points)
    order = np.argsort(lengths, kind="stable")
    ordered = np.maximum(lengths[order], 1e-12)
    first = max(0, len(ordered) - MOST)
    steps = ordered[first + 1 :] / ordered[first:-1]
    if not len(steps):
        return None
    place = first + int(steps.argmax())
    if steps.max() < SEPARATION or len(ordered) - place < FEWEST:
        return None
    labels = _components(len(points), ends[order[: place + 1]])
    return labels if np.bincount(labels).min() >= SMALLEST else None


def _tree(points: Array) -> tuple[Array, Array]:
    """A shortest spanning tree by Prim's algorithm: the lengths `[n - 1]` and ends `[n - 1, 2]` of its links."""
    count = len(points)
    distance = np.linalg.norm(points - points[0], axis=1)
    parent, outside = np.zeros(count, dtype=int), np.ones(count, dtype=bool)
    outside[0] = False
    lengths, ends = np.empty(count - 1), np.empty((count - 1, 2), dtype=int)
    for step in range(count - 1):
        nearest = int(np.where(outside, distance, np.inf).argmin())
        lengths[step], ends[step], outside[nearest] = distance[nearest], (parent[nearest], nearest), False
        new = np.linalg.norm(points - points[nearest], axis=1)
        closer = outside & (new < distance)
        distance, parent = np.where(closer, new, distance), np.where(closer, nearest, parent)
    return lengths, ends


def _components(count: int, links: Array) -> Array:
    """The number of the connected component of each point, counted from 0 in order of appearance."""
    labels = np.arange(count)
    for a, b in links:
        low, high = sorted((labels[a], labels[b]))
        labels[labels == high] = low
    return np.unique(labels, return_inverse=True)[1]


def draw(found: Coverage) -> list[Drawing]:
    """Samples over the circles of the modes, and each mode's share beside the data's."""
    modes = len(found.centres)
    with style.figure(style.FULL, 4.3, 1, 2, width_ratios=[1, 1.1]) as (drawing, (left, right)):
        left.plot(*found.samples.T, ".", color=style.MODEL, markersize=2.6, alpha=0.6, markeredgewidth=0)
        _circles(left, found)
        left.set_title("samples, and the modes of the data")
        left.set_xlabel(f"{found.name}[0]")
        left.set_ylabel(f"{found.name}[1]")
        places = np.arange(1, modes + 1)
        right.bar(places, found.shares, color=style.MODEL, alpha=0.55, width=0.8, label="samples")
        right.plot(places, found.expected, "_", color=style.DATA, markersize=max(4, 160 / modes), label="data")
        right.set_title("share of each mode")
        right.set_xlabel("mode, row by row from the bottom left")
        right.xaxis.get_major_locator().set_params(integer=True)
        right.margins(x=0.02)
        right.set_ylim(top=1.25 * max(float(found.shares.max()), float(found.expected.max())))
        right.legend(loc="upper right", ncols=2)
        words = (
            f"{found.found} of {modes} modes have at least a tenth of the samples that the data have there; "
            f"{100 * found.near:.1f} % of the samples lie within {REACH:g} standard deviations ({found.deviation:.3g}) "
            f"of a mode, against {100 * found.expected.sum():.1f} % of the data. Modes are the clusters of the "
            "held-out rows by single linkage."
        )
        return [Drawing("modes", "samples at the modes of the data", words, drawing)]


def _circles(axes: object, found: Coverage) -> None:
    from matplotlib.collections import EllipseCollection

    sizes = np.full(len(found.centres), 2 * REACH * found.deviation)
    axes.add_collection(  # type: ignore[attr-defined]
        EllipseCollection(
            sizes,
            sizes,
            np.zeros(len(sizes)),
            units="xy",
            offsets=found.centres,
            transOffset=axes.transData,  # type: ignore[attr-defined]
            facecolors="none",
            edgecolors=style.DATA,
            linewidths=0.9,
        )
    )
