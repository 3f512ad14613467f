"""The Fokker-Planck equation on a grid: ∂p/∂t = Σ_i -∂_i (f_i p) + ½ ∂_i² (G_i p), for any drift and diagonal noise.

Finite volumes with the fluxes of Chang & Cooper (Journal of Computational Physics 6, 1970): between two cells, with
w = 2 f dx / G at the face and B(w) = w / (e^w - 1),

    J = (B(-w) G_l p_l - B(w) G_r p_r) / (2 dx),

which is 0 for a density in equilibrium, whatever dx is.  No flux crosses the boundary; time is implicit (Euler), so
that each step solves with an M-matrix whose columns sum to 1: mass is kept and nothing becomes negative.  In two
dimensions a step solves along one axis after the other.  All of it in float64.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gencompiler.runtime.errors import RunError

if TYPE_CHECKING:
    from gencompiler.runtime.modules import Model

#: Cells of an axis, in one dimension and in two, and steps, where nothing is said.
CELLS = {1: 400, 2: 100}
STEPS = 400
#: Paths that a solution is compared with, and that say how far the grid must reach; and what is added to their reach.
PATHS = 20_000
MARGIN = 0.3
#: Times at which a solution is kept, the first and the last among them.
KEPT = 6


@dataclasses.dataclass(frozen=True)
class Request:
    """What a spec asks for: the SDE, the Normal that its state starts from, and the times."""

    sde: str
    mean: float
    scale: float
    first: float
    last: float


def asked(model: Model | type[Model]) -> tuple[Request, int | None, int] | None:
    """What the spec asks for, with the cells of an axis and the steps; None where it asks for nothing."""
    found = model.evaluations.get("fokker_planck")
    if found is None:
        return None
    mean, scale, first, last = (float(found[name]) for name in ("mean", "scale", "first", "last"))
    request = Request(str(found["equation"]), mean, scale, first, last)
    grid = found.get("grid")
    return request, int(grid) if grid is not None else None, int(found.get("steps", STEPS))


@dataclasses.dataclass(frozen=True)
class Solution:
    """`density` `[times, cells, …]` over the midpoints `axes` of the cells at `times`, and what was lost on the way."""

    times: Tensor
    axes: tuple[Tensor, ...]
    density: Tensor

    @property
    def volume(self) -> float:
        """The volume of a cell."""
        return math.prod(float(axis[1] - axis[0]) for axis in self.axes)

    @property
    def mass_error(self) -> float:
        """The largest difference of the total mass from 1."""
        totals = self.density.flatten(1).sum(1) * self.volume
        return float((totals - 1).abs().max())

    @property
    def smallest(self) -> float:
        """The smallest density of a cell at any kept time."""
        return float(self.density.min())

    def moments(self, place: int = -1) -> tuple[Tensor, Tensor]:
        """Mean and variance of each axis at a kept time."""
        own = self.density[place] * self.volume
        means, variances = [], []
        for number, axis in enumerate(self.axes):
            others = tuple(k for k in range(own.dim()) if k != number)
            marginal = own.sum(others) if others else own
            mean = float((marginal * axis).sum())
            means.append(mean)
            variances.append(float((marginal * (axis - mean) ** 2).sum()))
        return torch.tensor(means, dtype=torch.float64), torch.tensor(variances, dtype=torch.float64)


@torch.no_grad()
def solve(
    model: Model,
    request: Request,
    *,
    grid: int | None = None,
    steps: int = STEPS,
    bounds: tuple[float, float] | None = None,
    seed: int = 0,
) -> Solution:
    """The density of an SDE's state from `request.first` to `request.last`.

    `bounds`, of every axis, are found from `PATHS` paths where none are given."""
    dims = math.prod(model.observed[0].shape)
    if dims not in CELLS:
        raise RunError("G801", f"a grid over {dims} dimensions", "the Fokker-Planck equation is solved in 1 or 2")
    cells = CELLS[dims] if grid is None else grid
    if cells < 4 or steps < 1:
        raise RunError("G801", f"grid = {cells}, steps = {steps}", "a grid has 4 cells or more, and there is a step")
    own = copy.deepcopy(model).double()
    lower, upper = bounds or _bounds(own, request, seed)
    edges = torch.linspace(lower, upper, cells + 1, dtype=torch.float64)
    axes = (0.5 * (edges[1:] + edges[:-1]),) * dims
    density = _initial(request, edges, dims)
    length = (request.last - request.first) / steps
    kept = sorted({round(k * steps / (KEPT - 1)) for k in range(KEPT)})
    times, densities = [request.first], [density]
    for step in range(1, steps + 1):
        now = request.first + step * length
        for axis in range(dims):
            density = _along(own, request.sde, density, axes, axis, now, length)
        if step in kept:
            times.append(now)
            densities.append(density)
    return Solution(torch.tensor(times, dtype=torch.float64), axes, torch.stack(densities))


def of(
    model: Model,
    *,
    grid: int | None = None,
    steps: int | None = None,
    bounds: tuple[float, float] | None = None,
    seed: int = 0,
) -> Solution:
    """The solution that the spec asks for, on another grid where one is given."""
    found = asked(model)
    if found is None:
        raise RunError("G801", f"{type(model).__name__} asks for no density", "add `evaluate fokker_planck(…)`")
    request, cells, count = found
    return solve(model, request, grid=grid or cells, steps=steps or count, bounds=bounds, seed=seed)


def _bounds(model: Model, request: Request, seed: int) -> tuple[float, float]:
    """Where the first law and the last paths are, and a margin."""
    first = request.mean - 6 * request.scale, request.mean + 6 * request.scale
    paths = simulate(model, request, seed=seed)
    lower, upper = min(first[0], float(paths.min())), max(first[1], float(paths.max()))
    reach = MARGIN * (upper - lower)
    return lower - reach, upper + reach


@torch.no_grad()
def simulate(model: Model, request: Request, *, count: int = PATHS, steps: int = STEPS, seed: int = 0) -> Tensor:
    """`count` Euler-Maruyama paths from draws of the first law, at the last time: `[count, *shape]`."""
    generator = torch.Generator().manual_seed(seed)
    shape = (count, *model.observed[0].shape)
    start = request.mean + request.scale * torch.randn(shape, generator=generator, dtype=torch.float64)
    found: Tensor = model.call_program(f"simulate_{request.sde}", (start,), steps=steps, seed=seed)
    return torch.as_tensor(found, dtype=torch.float64)


def _initial(request: Request, edges: Tensor, dims: int) -> Tensor:
    """The Normal's mass of each cell, divided by its volume; what lies outside the grid is put on nothing."""
    below: Tensor = torch.special.ndtr((edges - request.mean) / request.scale)
    mass = below.diff()
    mass = mass / mass.sum() / (edges[1] - edges[0])
    return mass if dims == 1 else mass[:, None] * mass[None, :]


def _along(
    model: Model, sde: str, density: Tensor, axes: tuple[Tensor, ...], axis: int, time: float, length: float
) -> Tensor:
    """One implicit step along one axis."""
    moved = density.movedim(axis, -1)
    width = float(axes[axis][1] - axes[axis][0])
    faces = 0.5 * (axes[axis][1:] + axes[axis][:-1])
    drift, _ = _coefficients(model, sde, axes, axis, faces, time)
    _, square = _coefficients(model, sde, axes, axis, axes[axis], time)
    _, between = _coefficients(model, sde, axes, axis, faces, time)
    if bool((between <= 0).any()):
        raise RunError("G801", "the noise vanishes on the grid", "where there is no noise the density is no function")
    ratio = 2 * width * drift / between
    out = _bernoulli(-ratio) * square[..., :-1] * length / (2 * width * width)
    back = _bernoulli(ratio) * square[..., 1:] * length / (2 * width * width)
    size = density.shape[axis]
    matrix = torch.zeros(*moved.shape[:-1], size, size, dtype=torch.float64)
    left = torch.arange(size - 1)
    matrix[..., range(size), range(size)] = 1.0
    matrix[..., left, left] += out
    matrix[..., left + 1, left] = -out
    matrix[..., left + 1, left + 1] += back
    matrix[..., left, left + 1] = -back
    solved: Tensor = torch.linalg.solve(matrix, moved[..., None])[..., 0]
    return solved.movedim(-1, axis)


def _coefficients(
    model: Model, sde: str, axes: tuple[Tensor, ...], axis: int, places: Tensor, time: float
) -> tuple[Tensor, Tensor]:
    """f and G of one axis at `places` along it, for every cell of the other: `[…, places]`."""
    if len(axes) == 1:
        points = places if not model.observed[0].shape else places[:, None]
    else:
        other = axes[1 - axis]
        along = places.expand(len(other), -1)
        across = other[:, None].expand(-1, len(places))
        points = torch.stack((along, across) if axis == 0 else (across, along), -1).reshape(-1, 2)
    clock = torch.full((len(points),), time, dtype=torch.float64)
    found = model.call_program(f"coefficients_{sde}", (points, clock))
    shape = (len(places),) if len(axes) == 1 else (len(axes[1 - axis]), len(places))
    drift, square = (each.reshape(len(points), -1)[:, axis].reshape(shape) for each in found)
    return drift, square


def _bernoulli(w: Tensor) -> Tensor:
    """w / (e^w - 1), 1 at 0."""
    small = w.abs() < 1e-5
    safe = torch.where(small, torch.ones_like(w), w)
    return torch.where(small, 1 - w / 2 + w * w / 12, safe / torch.expm1(safe.clamp(max=700)))


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A solution beside paths of the same SDE: mean and variance of each axis at the last time, and those of the paths
    with their standard errors."""

    solution: Solution
    means: Tensor
    variances: Tensor
    path_means: Tensor
    path_variances: Tensor
    mean_errors: Tensor
    variance_errors: Tensor
    paths: int

    def __str__(self) -> str:
        found = self.solution
        cells = " x ".join(str(len(axis)) for axis in found.axes)
        gaps = (self.path_means - self.means).abs() / self.mean_errors
        spread = (self.path_variances - self.variances).abs() / self.variance_errors
        listed = (", ".join(f"{v:.4f}" for v in each.tolist()) for each in (self.means, self.variances))
        return (
            f"Fokker-Planck on {cells} cells to {float(found.times[-1]):g}: mass within {found.mass_error:.1e} of 1, "
            f"smallest density {found.smallest:.1e}\n"
            f"mean {next(listed)} and variance {next(listed)}, {float(gaps.max()):.1f} and {float(spread.max()):.1f} "
            f"standard errors from those of {self.paths} paths"
        )


def compare(model: Model, *, seed: int = 0) -> Comparison:
    """The solution that the spec asks for, and paths of the same SDE."""
    solution = of(model, seed=seed)
    found = asked(model)
    assert found is not None
    paths = simulate(copy.deepcopy(model).double(), found[0], seed=seed).reshape(PATHS, -1)
    means, variances = solution.moments()
    squares = (paths - paths.mean(0)) ** 2
    root = math.sqrt(PATHS)
    errors = paths.std(0) / root, squares.std(0) / root
    return Comparison(solution, means, variances, paths.mean(0), paths.var(0), *errors, PATHS)
