"""Spaces that a density lives on: their unconstrained coordinates, their quadrature, their enumeration.

`Chart` turns a support into coordinates on which shifts and scales are bijections; `integrate` and `Grid` know the
mass of a density on one or two of them; `states` lists a small discrete space.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from gencompiler.runtime.fields import Field, Support

#: A log-density (or a log of something unnormalised) of rows `[n, *shape]`: `[n]`.
LogDensity = Callable[[Tensor], Tensor]

#: Supports that are not a product of intervals.
_NOT_BOXES = frozenset({"Simplex", "Permutation", "Orthogonal", "Invertible", "Lower", "Upper", "NonZero", "Sign"})

#: The largest space that is enumerated, and the most coordinates that are integrated over.
MOST_STATES = 1 << 14
MOST_AXES = 2

#: Rows that a density is asked for at once.
_CHUNK = 1 << 16


def in_chunks(function: LogDensity, rows: Tensor) -> Tensor:
    """`function(rows)` without its gradients, a bounded number of rows at a time."""
    with torch.no_grad():
        return torch.cat([function(part) for part in torch.split(rows, _CHUNK)]) if len(rows) else function(rows)


def flat(rows: Tensor) -> Tensor:
    """`[n, *shape]` as `[n, size]`, also without rows."""
    return rows.reshape(len(rows), math.prod(rows.shape[1:]))


# -- coordinates -----------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Chart:
    """Unconstrained coordinates of a continuous interval support, elementwise: x = value(t) for every real t."""

    support: Support

    @staticmethod
    def covers(support: Support) -> bool:
        """Whether the support is a continuous interval."""
        return not support.discrete and support.name not in _NOT_BOXES

    def value(self, t: Tensor) -> Tensor:
        """The point of the support with coordinate `t`."""
        lower, upper, _, _ = self.support.ends
        if math.isinf(lower) and math.isinf(upper):
            return t
        if math.isinf(upper):
            return lower + t.exp()
        if math.isinf(lower):
            return upper - t.exp()
        return lower + (upper - lower) * torch.sigmoid(t)

    def coordinate(self, x: Tensor) -> Tensor:
        """The coordinate of a point inside the support."""
        lower, upper, _, _ = self.support.ends
        if math.isinf(lower) and math.isinf(upper):
            return x
        if math.isinf(upper):
            return (x - lower).log()
        if math.isinf(lower):
            return (upper - x).log()
        return torch.log((x - lower) / (upper - x))

    def log_jacobian(self, t: Tensor) -> Tensor:
        """log|dx/dt|, elementwise."""
        lower, upper, _, _ = self.support.ends
        if math.isinf(lower) and math.isinf(upper):
            return torch.zeros_like(t)
        if math.isinf(upper) or math.isinf(lower):
            return t
        return math.log(upper - lower) - F.softplus(t) - F.softplus(-t)

    def pull_back(self, log_density: LogDensity) -> LogDensity:
        """The log-density of the coordinates."""

        def of_coordinates(t: Tensor) -> Tensor:
            jacobian = flat(self.log_jacobian(t)).sum(1)
            return log_density(self.value(t)).double() + jacobian

        return of_coordinates


def location_and_scale(t: Tensor) -> tuple[Tensor, Tensor]:
    """Median and half the spread of the middle 68% of each column of `t` `[n, d]`, float64: outliers do not matter."""
    low, middle, high = torch.quantile(t.double(), torch.tensor((0.16, 0.5, 0.84), dtype=torch.float64), dim=0)
    return middle, ((high - low) / 2).clamp_min(1e-6)


# -- quadrature ------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Grid:
    """A density on one or two real coordinates, tabulated on t = center + scale * sinh(v) for an even grid of v.

    The trapezoidal rule in v converges fast for what is smooth and decays, and reaches 10^4 scales into the tails
    (Takahasi & Mori, Double exponential formulas, 1974).  `nodes` `[d, n]`, `weights` `[d, n]` (dt at each node),
    `log_mass` `[n, …]`, one axis per coordinate: log of density times cell volume."""

    center: Tensor
    scale: Tensor
    nodes: Tensor
    weights: Tensor
    log_mass: Tensor

    @property
    def log_total(self) -> float:
        return torch.logsumexp(self.log_mass.flatten(), 0).item()

    def cdf(self, axis: int, t: Tensor) -> Tensor:
        """The marginal CDF of coordinate `axis` at `t`, normalised, interpolated between nodes."""
        other = [a for a in range(self.log_mass.dim()) if a != axis]
        marginal = torch.logsumexp(self.log_mass, other) if other else self.log_mass
        mass = (marginal - torch.logsumexp(marginal, 0)).exp()
        # At a node stands all mass before it and half its own: the trapezoidal rule up to there.
        at_nodes = mass.cumsum(0) - 0.5 * mass
        v = torch.asinh((t.double() - self.center[axis]) / self.scale[axis])
        v_nodes = torch.asinh((self.nodes[axis] - self.center[axis]) / self.scale[axis])
        return _interpolate(v, v_nodes, at_nodes)


def tabulate(log_density: LogDensity, center: Tensor, scale: Tensor, points: int, reach: float = 9.0) -> Grid:
    """A `Grid` of `points` nodes along each of `len(center)` coordinates; `log_density` takes rows `[n, d]`."""
    v = torch.linspace(-reach, reach, points, dtype=torch.float64)
    center, scale = center.double(), scale.double()
    nodes = center[:, None] + scale[:, None] * torch.sinh(v)
    weights = scale[:, None] * torch.cosh(v) * (v[1] - v[0])
    rows = torch.cartesian_prod(*nodes).reshape(-1, len(center))
    volumes = torch.cartesian_prod(*weights.log()).reshape(-1, len(center)).sum(1)
    log_mass = in_chunks(log_density, rows).double() + volumes
    return Grid(center, scale, nodes, weights, log_mass.reshape([points] * len(center)))


#: Nodes along each axis of a grid of 1 and of 2 dimensions.
NODES = {1: 4001, 2: 401}

#: Nodes of grids whose results are compared; without common factors, so that a kink falls differently on each.
_GRIDS = {1: (NODES[1], 3307, 2003), 2: (NODES[2], 337, 283)}


def integrate(log_density: LogDensity, center: Tensor, scale: Tensor) -> tuple[float, float]:
    """(the integral over 1 or 2 real coordinates, a bound on its error as judged by three grids)."""
    grids = (tabulate(log_density, center, scale, points) for points in _GRIDS[len(center)])
    masses = [math.exp(grid.log_total) for grid in grids]
    return masses[0], 4 * (max(masses) - min(masses)) + 1e-6


def _interpolate(x: Tensor, nodes: Tensor, values: Tensor) -> Tensor:
    """Piecewise linear through (nodes, values), constant beyond the ends."""
    right = torch.searchsorted(nodes, x.contiguous()).clamp(1, len(nodes) - 1)
    left = right - 1
    share = ((x - nodes[left]) / (nodes[right] - nodes[left])).clamp(0, 1)
    return values[left] + share * (values[right] - values[left])


def draw_from(log_density: LogDensity, grid: Grid, count: int, seed: int) -> Tensor:
    """`count` draws `[count, d]` of the density that `grid` tabulates, known up to a constant.

    Rejection from a proposal that is constant on each cell of the grid, in v: exact wherever the density stays below
    1.5 times its largest corner, which a fine grid makes true of all but a negligible mass."""
    axes = len(grid.center)
    v = torch.asinh((grid.nodes - grid.center[:, None]) / grid.scale[:, None])
    corner = grid.log_mass
    for axis in range(axes):
        count_here = corner.shape[axis] - 1
        corner = torch.maximum(corner.narrow(axis, 0, count_here), corner.narrow(axis, 1, count_here))
    envelope = (corner + math.log(1.5)).flatten()
    cells = (envelope - envelope.max()).exp().cumsum(0)
    generator = torch.Generator().manual_seed(seed)
    step = (v[0, 1] - v[0, 0]).item()
    accepted: list[Tensor] = []
    while sum(map(len, accepted)) < count:
        chosen = torch.searchsorted(cells, torch.rand(2 * count, generator=generator, dtype=torch.float64) * cells[-1])
        places = torch.stack(torch.unravel_index(chosen, corner.shape), 1)
        low = torch.stack([v[a, places[:, a]] for a in range(axes)], 1)
        at = low + step * torch.rand(2 * count, axes, generator=generator, dtype=torch.float64)
        t = grid.center + grid.scale * torch.sinh(at)
        log_volume = (grid.scale * torch.cosh(at) * step).log().sum(1)
        log_ratio = in_chunks(log_density, t).double() + log_volume - envelope[chosen]
        keep = torch.rand(2 * count, generator=generator, dtype=torch.float64).log() < log_ratio
        accepted.append(t[keep])
    return torch.cat(accepted)[:count]


# -- enumeration -----------------------------------------------------------------------------------------------------


def log_states(field: Field) -> float:
    """The log of the number of values that a row of `field` may take; inf where they cannot be listed."""
    lower, upper, _, _ = field.support.ends
    countable = field.support.discrete and math.isfinite(upper - lower)
    return field.size * math.log(upper - lower + 1) if countable else math.inf


def is_enumerable(field: Field) -> bool:
    """Whether the values that a row of `field` may take can be listed."""
    return log_states(field) <= math.log(MOST_STATES)


def is_integrable(field: Field) -> bool:
    """Whether a density over `field` can be integrated numerically."""
    return field.size <= MOST_AXES and Chart.covers(field.support)


def states(field: Field) -> Tensor:
    """Every value of a discrete `field`, `[states, *shape]`, in lexicographic order."""
    lower, upper, _, _ = field.support.ends
    levels = range(int(lower), int(upper) + 1)
    table = torch.tensor(list(itertools.product(levels, repeat=field.size)), dtype=torch.int64)
    rows = table.reshape(-1, *field.shape)
    inside = flat(field.support.contains(rows)).all(1)
    return rows[inside]


def state_numbers(rows: Tensor, table: Tensor) -> Tensor:
    """The place of each row in `table`, which `states` made; -1 for a row that is not there."""
    values, known = flat(rows), flat(table)
    base = int(known.max() - known.min()) + 1
    powers = base ** torch.arange(known.shape[1] - 1, -1, -1)
    codes, keys = ((values - known.min()) * powers).sum(1), ((known - known.min()) * powers).sum(1)
    places = torch.searchsorted(keys, codes).clamp_max(len(keys) - 1)
    found = (known[places] == values).all(1)
    return torch.where(found, places, -1)
