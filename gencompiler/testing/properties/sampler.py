"""Samplers: rows drawn by `sample` follow the density that `log_prob` states.

Two kinds of evidence.  Where the space is small the sampler is compared with exact probabilities (enumeration) or an
exact CDF (quadrature).  At any size, bounded ratio identities compare the two without a normalizer: for a bijection T
of the space and r = p(Tx)|det T| / p(x),

    E[s(log r_T)] = E[s(log r_{T^-1})],    s the logistic function,

because s(log r) p(x) = p(x) p(Tx)|det T| / (p(x) + p(Tx)|det T|) is symmetric in x and Tx: Barker's rule (Australian
Journal of Physics, 1965) moves as much mass from x to Tx as back.  On a discrete space T swaps two neighbouring values
of one element, and the identity is taken on the part of the space where that element has one of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor

from gencompiler.runtime.fields import Field
from gencompiler.testing import spaces
from gencompiler.testing.properties.density import state_probabilities
from gencompiler.testing.spaces import Chart, LogDensity
from gencompiler.testing.statistics import TEST_FALSE_ALARM, betting_test, cdf_test, most_promising, multinomial_test
from gencompiler.testing.subject import Subject, for_sampling, in_float64, observed

#: Identities that compete on the pilot sample, at least and at most, and those that are tested.
_FEWEST, _MOST = 48, 160
_FINALISTS = 4

#: Sizes of the pilot, on which identities are chosen, and of the fresh sample, on which they are tested.
PILOT = 5_000
FRESH = 60_000

#: Samples drawn from a small space (twice, where its probabilities are enumerated).
SMALL = 100_000

#: Parts of equal probability that a line is cut into.
_BINS = 16

#: What interpolation between the nodes of a grid may add to the distance of CDFs, and to the evidence from counts.
_INTERPOLATION = 1e-3
_EVIDENCE = 2.0

#: A statistic of rows `[n, *shape]`: `[n]`, in [-1, 1], of mean zero when the rows follow the density.
Statistic = Callable[[Tensor], Tensor]


@dataclasses.dataclass(frozen=True)
class Identity:
    """One bounded identity, and what it is about."""

    name: str
    statistic: Statistic


def check_sampler_by_ratios(
    model: Subject,
    seed: int,
    *,
    pilot: int = PILOT,
    fresh: int = FRESH,
    alpha: float = TEST_FALSE_ALARM,
) -> None:
    """`sample` follows `log_prob`, as judged by the ratio identities that look most violated on a pilot sample.

    A one-dimensional sampler whose scale is 3% off is caught at the default sizes with probability above 0.99, as
    measured (power grows with the number of dimensions).  The false-alarm rate is at most `alpha`.
    """
    model, field = for_sampling(model), observed(model)
    rows = model.sample(pilot, seed=seed)
    identities = ratio_identities(field, model.log_prob, rows)
    identities = [identities[i] for i in most_promising(_evaluate(identities, rows), _FINALISTS)]
    values = _evaluate(identities, model.sample(fresh, seed=seed + 1))
    outcome = betting_test(values, alpha, [i.name for i in identities])
    outcome.require("`sample` does not follow `log_prob`")


def _evaluate(identities: list[Identity], rows: Tensor) -> Tensor:
    return torch.stack([spaces.in_chunks(i.statistic, rows) for i in identities], 1)


def ratio_identities(field: Field, log_prob: LogDensity, rows: Tensor) -> list[Identity]:
    """Identities for a density of `field`; `rows` set their scales, and must not be those that are tested."""
    if field.support.discrete:
        return _swaps(log_prob, rows)
    return _motions(log_prob, Chart(field.support), rows)


def _candidates(elements: int) -> int:
    return min(max(2 * elements, _FEWEST), _MOST)


def _swaps(log_prob: LogDensity, rows: Tensor) -> list[Identity]:
    """Swaps of two values next to each other of one element, also where another element is above its median."""
    flat = rows.reshape(len(rows), -1)
    generator = torch.Generator().manual_seed(0)
    identities = []
    for _ in range(_candidates(flat.shape[1])):
        element, other = torch.randint(flat.shape[1], (2,), generator=generator).tolist()
        levels = torch.unique(flat[:, element])
        if len(levels) < 2:
            continue
        place = int(torch.randint(len(levels) - 1, (1,), generator=generator))
        pair = (int(levels[place]), int(levels[place + 1]))
        threshold = None if other == element else flat[:, other].median()
        identities.append(_swap(log_prob, element, pair, other, threshold))
    if not identities:
        raise ValueError("every element of the pilot sample is constant: nothing to swap")
    return identities


def _swap(log_prob: LogDensity, element: int, pair: tuple[int, int], other: int, threshold: Tensor | None) -> Identity:
    low, high = pair

    def statistic(rows: Tensor) -> Tensor:
        flat = rows.reshape(len(rows), -1)
        here = flat[:, element]
        sign = (here == low).double() - (here == high).double()
        if threshold is not None:
            sign = sign * (flat[:, other] >= threshold)
        values = torch.zeros(len(rows), dtype=torch.float64)
        taking_part = sign != 0
        if bool(taking_part.any()):
            moved = flat[taking_part].clone()
            moved[:, element] = low + high - moved[:, element]
            part = rows[taking_part]
            log_ratio = log_prob(moved.reshape(part.shape)).double() - log_prob(part).double()
            values[taking_part] = sign[taking_part] * torch.sigmoid(log_ratio)
        return values

    where = "" if threshold is None else f" where element {other} is at least {threshold.item():g}"
    return Identity(f"element {element} swapping {low} and {high}{where}", statistic)


def _motions(log_prob: LogDensity, chart: Chart, rows: Tensor) -> list[Identity]:
    """Shifts and scales of one coordinate or all, and shears of one by another, in unconstrained coordinates."""
    density = chart.pull_back(log_prob)
    t = chart.coordinate(rows).reshape(len(rows), -1)
    center, scale = spaces.location_and_scale(t)
    size = t.shape[1]
    generator = torch.Generator().manual_seed(0)
    every = torch.ones(size, dtype=torch.float64)
    motions = [_Motion(every, 0 * every, None, 0.0, center, scale, f"all scaled by {f:g}", f) for f in (1.2, 2.0)]
    for number in range(_candidates(size)):
        element, other = torch.randint(size, (2,), generator=generator).tolist()
        only = torch.zeros(size, dtype=torch.float64)
        only[element] = 1
        factor = (1.3, 2.0)[number // 3 % 2]
        if number % 3 == 0:
            motions.append(_Motion(only, 0 * only, None, 0.0, center, scale, f"element {element} scaled", factor))
        elif number % 3 == 1 or other == element:
            motions.append(_Motion(only, only * (factor - 1), None, 0.0, center, scale, f"element {element} shifted"))
        else:
            name = f"element {element} sheared by element {other}"
            motions.append(_Motion(only, 0 * only, other, factor - 1, center, scale, name))
    return [Identity(m.name, m.statistic(density, rows.shape[1:], chart)) for m in motions]


@dataclasses.dataclass(frozen=True)
class _Motion:
    """A motion of standardised coordinates s: on the elements `where`, s becomes factor s + shift + slope s[other]."""

    where: Tensor
    shift: Tensor
    other: int | None
    slope: float
    center: Tensor
    scale: Tensor
    name: str
    factor: float = 1.0

    def forwards(self, t: Tensor) -> Tensor:
        standard = (t - self.center) / self.scale
        return self._absolute(torch.where(self.where > 0, self.factor * standard, standard) + self._offset(standard))

    def backwards(self, t: Tensor) -> Tensor:
        standard = (t - self.center) / self.scale
        moved = standard - self._offset(standard)
        return self._absolute(torch.where(self.where > 0, moved / self.factor, moved))

    def _offset(self, standard: Tensor) -> Tensor:
        slope = 0 if self.other is None else self.slope * standard[:, self.other, None] * self.where
        return self.shift + slope

    def _absolute(self, standard: Tensor) -> Tensor:
        return self.center + self.scale * standard

    def statistic(self, density: LogDensity, shape: tuple[int, ...], chart: Chart) -> Statistic:
        log_det = float(self.where.sum()) * torch.tensor(self.factor, dtype=torch.float64).log()

        def values(rows: Tensor) -> Tensor:
            t = chart.coordinate(rows.double()).reshape(len(rows), -1)
            here = density(t.reshape(-1, *shape))
            there = density(self.forwards(t).reshape(-1, *shape))
            back = density(self.backwards(t).reshape(-1, *shape))
            return torch.sigmoid(there - here + log_det) - torch.sigmoid(back - here - log_det)

        return values


# -- small spaces ----------------------------------------------------------------------------------------------------


def check_sampler_by_enumeration(
    model: Subject, seed: int, *, count: int = SMALL, alpha: float = TEST_FALSE_ALARM
) -> None:
    """`sample` draws each state of a small discrete space with its probability exp(log_prob).

    Where log_prob is a random bound, the probabilities are averages, and the threshold is raised by sixteen times the
    evidence that their standard errors would give against them.
    """
    model, table = in_float64(model), spaces.states(observed(model))
    probabilities, errors = state_probabilities(model, table, seed)
    slack = 8 * count * (errors.square() / probabilities.clamp_min(1e-300)).sum().item()
    counts = []
    for part in (0, 1):
        numbers = spaces.state_numbers(model.sample(count, seed=seed + part), table)
        if bool((numbers < 0).any()):
            raise AssertionError("`sample` drew a row outside the support")
        counts.append(torch.bincount(numbers, minlength=len(table)))
    outcome = multinomial_test(counts[0], counts[1], probabilities / probabilities.sum(), alpha, slack)
    outcome.require("`sample` does not follow `log_prob`")


def check_sampler_by_quadrature(
    model: Subject, seed: int, *, count: int = SMALL, alpha: float = TEST_FALSE_ALARM
) -> None:
    """Each coordinate of `sample` follows its marginal CDF, integrated from `log_prob`, on one or two dimensions.

    By the largest distance from it, and by the counts between its quantiles, which see a wrong scale better.
    """
    model, field = in_float64(model), observed(model)
    chart = Chart(field.support)
    t = chart.coordinate(model.sample(count, seed=seed)).reshape(count, -1)
    density = chart.pull_back(model.log_prob)
    center, scale = spaces.location_and_scale(t)
    nodes = spaces.NODES[field.size]
    grid = spaces.tabulate(lambda t: density(t.reshape(-1, *field.shape)), center, scale, nodes)
    for axis in range(field.size):
        place = grid.cdf(axis, t[:, axis])
        share = alpha / (2 * field.size)
        claim = f"coordinate {axis} of `sample` does not follow `log_prob`"
        cdf_test(place, share, slack=_INTERPOLATION).require(claim)
        counts = [
            torch.bincount((part * _BINS).long().clamp_max(_BINS - 1), minlength=_BINS) for part in place.chunk(2)
        ]
        multinomial_test(counts[0], counts[1], torch.full((_BINS,), 1 / _BINS), share, _EVIDENCE).require(claim)


def check_rsample(model: Subject, count: int, seed: int) -> None:
    """`rsample_and_log_prob` returns rows whose log_prob is the one returned, in float64, and finite gradients."""
    model = in_float64(model)
    rows, log_prob = model.rsample_and_log_prob(count, seed=seed)
    with torch.no_grad():
        expected = model.log_prob(rows)
    if not torch.allclose(log_prob, expected, rtol=1e-6, atol=1e-6):
        error = (log_prob - expected).abs().max().item()
        raise AssertionError(f"rsample's log_prob differs from log_prob of the same rows by {error:.3g}")
    leaves = [p for p in model.parameters() if p.requires_grad]
    if leaves and rows.requires_grad:
        gradients = torch.autograd.grad(rows.sum() + log_prob.sum(), leaves, allow_unused=True)
        if any(g is not None and not bool(g.isfinite().all()) for g in gradients):
            raise AssertionError("gradients through rsample are not finite")
