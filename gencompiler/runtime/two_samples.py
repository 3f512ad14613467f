"""Whether two samples come from one distribution: what can be asked of a model that samples and has no density.

Energy distance: Székely & Rizzo, *Energy statistics: a class of statistics based on distances*, Journal of Statistical
Planning and Inference 143, 2013.  Modes covered: Srivastava, Valkov, Russell, Gutmann & Sutton, *VEEGAN*, NeurIPS 2017,
section 4.1.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gencompiler.runtime.errors import RunError

#: Rows of each sample that are looked at; the distances of all pairs are held at once.
ROWS = 2000

#: Permutations for the p-value, and resamples for the standard error.
REPEATS = 199


@dataclasses.dataclass(frozen=True)
class EnergyDistance:
    """D^2 = 2 E|X - Y| - E|X - X'| - E|Y - Y'|, 0 exactly if X and Y have one distribution (eq. 5).

    `value` is its unbiased estimate, which may be below 0; `standard_error` is its bootstrap error, `null_error` its
    standard deviation if the distributions were equal, and `p_value` how often it would then be as large (by
    permutations of the rows).  `rows` counts those of each sample."""

    value: float
    standard_error: float
    null_error: float
    p_value: float
    rows: tuple[int, int]

    def __str__(self) -> str:
        return (
            f"energy distance {self.value:.4g} +- {self.standard_error:.2g} "
            f"(+- {self.null_error:.2g} if equal; p = {self.p_value:.3g}; {self.rows[0]} and {self.rows[1]} rows)"
        )


@torch.no_grad()
def energy_distance(x: Tensor, y: Tensor, *, seed: int = 0, repeats: int = REPEATS) -> EnergyDistance:
    """The energy distance of two samples `[rows, …]`, of which the first ROWS rows are used.

    Raises RunError G801 for rows of different sizes, or fewer than 2 of them."""
    first, second = (each[:ROWS].reshape(len(each[:ROWS]), -1).double().cpu() for each in (x, y))
    n, m = len(first), len(second)
    if min(n, m) < 2 or first.shape[1] != second.shape[1]:
        raise RunError("G801", f"samples of {list(x.shape)} and {list(y.shape)} cannot be compared")
    both = torch.cat([first, second])
    distances = torch.cdist(both, both, compute_mode="donot_use_mm_for_euclid_dist")
    generator = np.random.Generator(np.random.Philox(key=seed))
    observed = torch.zeros(n + m, 1, dtype=torch.float64)
    observed[:n] = 1
    value = float(_statistic(distances, observed, 1 - observed, n, m))
    permuted = torch.from_numpy(_permutations(generator, n, m, repeats))
    null = _statistic(distances, permuted, 1 - permuted, n, m)
    above = int((null >= value).sum())
    first_weights, second_weights = map(torch.from_numpy, _resamples(generator, n, m, repeats))
    spread = _statistic(distances, first_weights, second_weights, n, m)
    error, null_error = float(spread.std()), float(null.std())
    return EnergyDistance(value, error, null_error, (1 + above) / (1 + repeats), (n, m))


def _statistic(distances: Tensor, first: Tensor, second: Tensor, n: int, m: int) -> Tensor:
    """The unbiased estimate for each column of weights `[n + m, columns]`: how often a row is in either sample."""
    between, within = distances @ second, distances @ first
    cross = (first * between).sum(0)
    own = (first * within).sum(0) / (n * (n - 1)) + (second * between).sum(0) / (m * (m - 1))
    return 2 * cross / (n * m) - own


def _permutations(generator: np.random.Generator, n: int, m: int, count: int) -> NDArray[np.float64]:
    """Columns with n ones at random places: `[n + m, count]`."""
    ranks = np.argsort(np.argsort(generator.random((count, n + m)), axis=1), axis=1)
    return np.ascontiguousarray((ranks < n).T.astype(np.float64))


def _resamples(
    generator: np.random.Generator, n: int, m: int, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How often each row is drawn, with replacement, from its own sample: two of `[n + m, count]`."""
    first, second = np.zeros((2, count, n + m))
    for start, size, target in ((0, n, first), (n, m, second)):
        drawn = start + np.floor(size * generator.random((count, size))).astype(np.int64)
        np.add.at(target, (np.arange(count)[:, None], drawn), 1.0)
    return np.ascontiguousarray(first.T), np.ascontiguousarray(second.T)


@dataclasses.dataclass(frozen=True)
class Modes:
    """How many of `total` modes have a sample near them, and the share of samples that are near one."""

    covered: int
    total: int
    near: float
    near_error: float

    def __str__(self) -> str:
        return (
            f"{self.covered} of {self.total} modes covered, "
            f"{self.near:.1%} +- {self.near_error:.1%} of the samples near one"
        )


def modes_covered(samples: Tensor, centres: Tensor, scale: float, *, radius: float = 3.0) -> Modes:
    """A sample `[rows, D]` is near the closest of `centres` `[modes, D]` within `radius` standard deviations `scale`;
    a mode is covered if any sample is near it."""
    points, places = samples.double().cpu(), centres.double().cpu()
    distance, closest = torch.cdist(points, places, compute_mode="donot_use_mm_for_euclid_dist").min(1)
    near = distance <= radius * scale
    share = float(near.double().mean())
    error = math.sqrt(share * (1 - share) / len(points))
    return Modes(len(set(closest[near].tolist())), len(places), share, error)
