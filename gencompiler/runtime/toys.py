"""Two-dimensional point sets, each a function of its number of points and a seed.

Normals come by Box and Muller from uniforms, which numpy keeps the same across its versions.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

COUNT = 20_000


class _Source:
    """Uniforms and normals out of a counter-based generator."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.Generator(np.random.Philox(key=seed))

    def uniform(self, *shape: int) -> Points:
        return self._generator.random(shape)

    def normal(self, *shape: int) -> Points:
        radius = np.sqrt(-2 * np.log1p(-self.uniform(*shape)))
        return np.asarray(radius * np.cos(2 * np.pi * self.uniform(*shape)))


def moons(count: int = COUNT, seed: int = 0, noise: float = 0.1) -> Points:
    """Two interleaved half circles of radius 1, blurred by a normal of standard deviation `noise`."""
    source = _Source(seed)
    angle = np.pi * source.uniform(count)
    upper = np.stack([np.cos(angle), np.sin(angle)], 1)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], 1)
    which = source.uniform(count, 1) < 0.5
    return np.where(which, upper, lower) + noise * source.normal(count, 2)


def inverse_sine(count: int = COUNT, seed: int = 0, noise: float = 0.05) -> dict[str, Points]:
    """c = x + 0.3 sin(2 pi x) + noise, of which several x may be the cause: Bishop, Mixture density networks, 1994.

    `x` and `c`, `[count]` and `[count, 1]`."""
    source = _Source(seed)
    x = source.uniform(count)
    c = x + 0.3 * np.sin(2 * np.pi * x) + noise * source.normal(count)
    return {"x": x, "c": c[:, None]}


def pinwheel(count: int = COUNT, seed: int = 0, arms: int = 5) -> Points:
    """Normals stretched along `arms` spokes and twisted: Johnson et al., NeurIPS 2016."""
    source = _Source(seed)
    spoke = np.floor(arms * source.uniform(count))
    points = source.normal(count, 2) * np.array([0.3, 0.05]) + np.array([1.0, 0.0])
    angle = 2 * np.pi * spoke / arms + 0.25 * np.exp(points[:, 0])
    cosine, sine = np.cos(angle), np.sin(angle)
    turned = np.stack([cosine * points[:, 0] - sine * points[:, 1], sine * points[:, 0] + cosine * points[:, 1]], 1)
    return 2 * turned


def checkerboard(count: int = COUNT, seed: int = 0) -> Points:
    """Uniform on the eight dark unit-2 squares of a 4 by 4 board over [-4, 4]^2."""
    source = _Source(seed)
    column = np.floor(4 * source.uniform(count))
    row = 2 * np.floor(2 * source.uniform(count)) + column % 2
    return 2 * (np.stack([column, row], 1) + source.uniform(count, 2)) - 4


def swissroll(count: int = COUNT, seed: int = 0, noise: float = 0.1) -> Points:
    """A spiral of one and a half turns, blurred."""
    source = _Source(seed)
    angle = 1.5 * np.pi * (1 + 2 * source.uniform(count))
    roll = np.stack([angle * np.cos(angle), angle * np.sin(angle)], 1) / 5
    return roll + noise * source.normal(count, 2)


#: The modes of `grid25`, [25, 2], and their standard deviation: the grid of Srivastava et al., VEEGAN, NeurIPS 2017.
GRID25_CENTRES = np.stack(np.meshgrid(*[np.arange(-4.0, 5.0, 2.0)] * 2, indexing="ij"), -1).reshape(25, 2)
GRID25_SCALE = 0.05


def grid25(count: int = COUNT, seed: int = 0, scale: float = GRID25_SCALE) -> Points:
    """Twenty-five normals of standard deviation `scale` at {-4, -2, 0, 2, 4}^2, equally likely."""
    source = _Source(seed)
    centre = 2 * np.floor(5 * source.uniform(count, 2)) - 4
    return centre + scale * source.normal(count, 2)


#: Standard deviations of the windings: of the angle around the hole, and of the other one given it.
WINDINGS_SCALES = 1.2, 0.3


def windings(count: int = COUNT, seed: int = 0) -> Points:
    """A band that winds around a torus: phi is a normal around pi, psi one around 2 phi, both wrapped."""
    source = _Source(seed)
    wide, narrow = WINDINGS_SCALES
    phi = np.pi + wide * source.normal(count)
    psi = 2 * phi + narrow * source.normal(count)
    return np.asarray(np.stack([phi, psi], 1) + np.pi) % (2 * np.pi) - np.pi


TOYS: dict[str, Callable[[], Points]] = {
    "moons": moons,
    "pinwheel": pinwheel,
    "checkerboard": checkerboard,
    "swissroll": swissroll,
    "grid25": grid25,
    "windings": windings,
}

#: Data sets whose modes are known: their centres and standard deviation.
MODES: dict[str, tuple[Points, float]] = {"grid25": (GRID25_CENTRES, GRID25_SCALE)}
