"""Densities on grids, for real events of one or two dimensions: pictures, and moments that chains are compared with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from gencompiler.report.data import Array, DensityGrid, flat

if TYPE_CHECKING:
    from gencompiler.runtime.modules import Model

#: Points along each axis.
POINTS = {1: 2001, 2: 401}

#: The box grows until this share of the mass at most lies in its outermost layer.
EDGE_SHARE = 1e-9
MAXIMUM_GROWTHS = 12


def applies(model: Model) -> bool:
    """Whether the model has one real observed variable of at most two dimensions, and a density or an energy for it."""
    if len(model.observed) != 1 or model.given or not {"log_prob", "energy"} & set(model.programs):
        return False
    field = model.observed[0]
    exact = model.capabilities.get("log_prob", "exact") == "exact" or "energy" in model.programs
    return not field.support.discrete and field.size in POINTS and exact


def density(model: Model, seen: Array) -> DensityGrid:
    """The density over a box that holds `seen` [rows, dimensions]; an energy's is normalized on the grid."""
    low, high = np.quantile(seen, 0.001, axis=0), np.quantile(seen, 0.999, axis=0)
    pad = 0.25 * (high - low) + 1e-6
    axes = _axes(model, low - pad, high + pad)
    values = _log_density(model, axes)
    known = "log_prob" in model.programs
    weights = np.exp(values if known else values - values.max())
    if not known:
        weights = weights / _integral(axes, weights)
    return DensityGrid(axes, weights, "density" if known else "target density")


def moments(model: Model, draws: Array) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of each coordinate by the trapezoidal rule, by name ("x[0]").

    The box starts around `draws` [chains, draws, dimensions] and grows until its edge holds no mass worth the name; a
    target whose mass does not end there gives nothing."""
    rows = flat(draws.reshape(-1, draws.shape[-1]))
    low, high = rows.min(axis=0), rows.max(axis=0)
    field = model.observed[0]
    for _ in range(MAXIMUM_GROWTHS):
        axes = _axes(model, low, high)
        values = _log_density(model, axes)
        weights = np.exp(values - values.max())
        total = _integral(axes, weights)
        if _edge(weights) / weights.sum() < EDGE_SHARE:
            return _moments(field.name, bool(field.shape), axes, weights / total)
        grow = 0.25 * (high - low)
        low, high = low - grow, high + grow
    return {}


def _axes(model: Model, low: Array, high: Array) -> tuple[Array, ...]:
    """Grid points inside the support."""
    lower, upper, *_ = model.observed[0].support.ends
    count = POINTS[len(low)]
    axes = []
    for a, b in zip(low, high, strict=True):
        inside = max(float(a), lower), min(float(b), upper)
        tiny = 1e-6 * (inside[1] - inside[0])
        first = inside[0] + (tiny if inside[0] == lower else 0)
        last = inside[1] - (tiny if inside[1] == upper else 0)
        axes.append(np.linspace(first, last, count))
    return tuple(axes)


@torch.no_grad()
def _log_density(model: Model, axes: tuple[Array, ...]) -> Array:
    """log p (or minus the energy) on the grid, with the axes' lengths as its shape."""
    points = np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=-1)
    field = model.observed[0]
    rows = torch.from_numpy(points).to(model.device, torch.float64).reshape(-1, *field.shape)
    name = "log_prob" if "log_prob" in model.programs else "energy"
    function = getattr(model, name)
    found = torch.cat([function(part.to(model.dtype)).double().cpu() for part in torch.split(rows, 65536)]).numpy()
    values: Array = (found if name == "log_prob" else -found).reshape([len(axis) for axis in axes])
    return values


def _integral(axes: tuple[Array, ...], values: Array) -> float:
    for axis in reversed(axes):
        values = np.trapezoid(values, axis, axis=-1)
    return float(values)


def _edge(weights: Array) -> float:
    """The sum over the outermost layer of the grid."""
    inner = weights[tuple(slice(1, -1) for _ in weights.shape)]
    return float(weights.sum() - inner.sum())


def _moments(name: str, indexed: bool, axes: tuple[Array, ...], density_: Array) -> dict[str, tuple[float, float]]:
    found = {}
    for place, axis in enumerate(axes):
        shape = [1] * len(axes)
        shape[place] = len(axis)
        coordinate = axis.reshape(shape)
        mean = _integral(axes, coordinate * density_)
        variance = _integral(axes, (coordinate - mean) ** 2 * density_)
        found[f"{name}[{place}]" if indexed else name] = (mean, math.sqrt(variance))
    return found
