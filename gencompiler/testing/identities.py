"""Ratio identities: bounded statistics of rows, of mean zero where the rows follow a density known up to a constant.

For a bijection T of the space, r = p(Tx)|det T| / p(x) and s the logistic function,

    E[s(log r_T)] = E[s(log r_{T^-1})],

because s(log r) p(x) = p(x) p(Tx)|det T| / (p(x) + p(Tx)|det T|) is symmetric in x and Tx: Barker's rule (Australian
Journal of Physics, 1965) moves as much mass from x to Tx as back.  On a discrete space T swaps two neighbouring values
of one element, and the identity is taken on the part of the space where that element has one of them.  On a continuous
one T shifts, scales or shears unconstrained coordinates.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import torch
from torch import Tensor

from gencompiler.runtime.fields import Field
from gencompiler.testing import spaces
from gencompiler.testing.spaces import Chart, LogDensity, flat

#: How many identities there are for a field, at least and at most; between them, one for each element.
_FEWEST, _MOST = 48, 96

#: A statistic of rows `[n, *shape]` and their log-densities `[n]`: `[n]`, in [-1, 1].
Statistic = Callable[[Tensor, Tensor], Tensor]


@dataclasses.dataclass(frozen=True)
class Identity:
    """One bounded identity, and what it is about."""

    name: str
    statistic: Statistic


def evaluate(identities: list[Identity], log_density: LogDensity, rows: Tensor) -> Tensor:
    """The statistics of `rows` `[n, *shape]`, one column each: `[n, identities]`, float64."""
    here = spaces.in_chunks(log_density, rows).double()
    with torch.no_grad():
        return torch.stack([identity.statistic(rows, here) for identity in identities], 1)


def ratio_identities(field: Field, log_density: LogDensity, rows: Tensor) -> list[Identity]:
    """Identities for a density of `field`; `rows` set their scales, and must not be those that are tested."""
    if field.support.discrete:
        return _swaps(log_density, rows)
    return _motions(log_density, Chart(field.support), rows)


def _pairs(size: int) -> list[tuple[int, int]]:
    """(an element, another one or itself): each element as often as any, in an order without a pattern."""
    generator = torch.Generator().manual_seed(0)
    count = min(max(size, _FEWEST), _MOST)
    rounds = [torch.randperm(size, generator=generator) for _ in range(math.ceil(count / size))]
    others = torch.randint(size, (count,), generator=generator)
    return list(zip(torch.cat(rounds)[:count].tolist(), others.tolist(), strict=True))


# -- swaps of values -------------------------------------------------------------------------------------------------


def _swaps(log_density: LogDensity, rows: Tensor) -> list[Identity]:
    """Swaps of two values next to each other of one element, most of them where another element is above its median."""
    values = flat(rows)
    identities = []
    for number, (element, other) in enumerate(_pairs(values.shape[1])):
        levels = torch.unique(values[:, element])
        if len(levels) > 1:
            low, high = levels[number % (len(levels) - 1) :][:2].tolist()
            threshold = None if other == element else values[:, other].median()
            identities.append(_swap(log_density, element, (low, high), other, threshold))
    if not identities:
        raise ValueError("every element of the pilot sample is constant: nothing to swap")
    return identities


def _swap(
    log_density: LogDensity, element: int, pair: tuple[int, int], other: int, threshold: Tensor | None
) -> Identity:
    low, high = pair

    def statistic(rows: Tensor, here: Tensor) -> Tensor:
        values = flat(rows)
        sign = (values[:, element] == low).double() - (values[:, element] == high).double()
        if threshold is not None:
            sign = sign * (values[:, other] >= threshold)
        taking_part = sign != 0
        moved = values[taking_part].clone()
        moved[:, element] = low + high - moved[:, element]
        there = spaces.in_chunks(log_density, moved.reshape(-1, *rows.shape[1:])).double()
        result = torch.zeros(len(rows), dtype=torch.float64)
        result[taking_part] = sign[taking_part] * torch.sigmoid(there - here[taking_part])
        return result

    where = "" if threshold is None else f" where element {other} is at least {threshold.item():g}"
    return Identity(f"element {element} swapping {low} and {high}{where}", statistic)


# -- motions of coordinates ------------------------------------------------------------------------------------------


def _motions(log_density: LogDensity, chart: Chart, rows: Tensor) -> list[Identity]:
    """Shifts and scales of one coordinate or all, and shears of one by another, in unconstrained coordinates."""
    t = flat(chart.coordinate(rows))
    center, scale = spaces.location_and_scale(t)
    size = t.shape[1]
    every = torch.ones(size, dtype=torch.float64)
    motions = [_Motion(f"all scaled by {factor:g}", center, scale, every, factor=factor) for factor in (1.2, 2.0)]
    for number, (element, other) in enumerate(_pairs(size)):
        only = torch.zeros(size, dtype=torch.float64)
        only[element] = 1
        factor = (1.3, 2.0)[number // 3 % 2]
        if number % 3 == 0:
            motion = _Motion(f"element {element} scaled", center, scale, only, factor=factor)
        elif number % 3 == 1 or other == element:
            motion = _Motion(f"element {element} shifted", center, scale, only, shift=factor - 1)
        else:
            name = f"element {element} sheared by element {other}"
            motion = _Motion(name, center, scale, only, other=other, slope=factor - 1)
        motions.append(motion)
    density = chart.pull_back(log_density)
    return [Identity(m.name, m.statistic(density, chart, rows.shape[1:])) for m in motions]


@dataclasses.dataclass(frozen=True)
class _Motion:
    """A motion of standardised coordinates s: on the elements `where`, s becomes factor s + shift + slope s[other]."""

    name: str
    center: Tensor
    scale: Tensor
    where: Tensor
    shift: float = 0.0
    factor: float = 1.0
    other: int = 0
    slope: float = 0.0

    def forwards(self, t: Tensor) -> Tensor:
        """T."""
        standard = (t - self.center) / self.scale
        moved = self.factor * standard + self._offset(standard)
        return self.center + self.scale * torch.where(self.where > 0, moved, standard)

    def backwards(self, t: Tensor) -> Tensor:
        """The inverse of T; the element that `slope` looks at is not one that moves."""
        standard = (t - self.center) / self.scale
        moved = (standard - self._offset(standard)) / self.factor
        return self.center + self.scale * torch.where(self.where > 0, moved, standard)

    def _offset(self, standard: Tensor) -> Tensor:
        return self.shift + self.slope * standard[:, self.other, None]

    def statistic(self, density: LogDensity, chart: Chart, shape: tuple[int, ...]) -> Statistic:
        """s(log r_T) - s(log r_{T^-1})."""
        log_det = float(self.where.sum()) * math.log(self.factor)

        def values(rows: Tensor, here: Tensor) -> Tensor:
            t = flat(chart.coordinate(rows.double()))
            now = here + flat(chart.log_jacobian(t)).sum(1)
            there = spaces.in_chunks(density, self.forwards(t).reshape(-1, *shape)).double()
            back = spaces.in_chunks(density, self.backwards(t).reshape(-1, *shape)).double()
            return torch.sigmoid(there - now + log_det) - torch.sigmoid(back - now - log_det)

        return values
