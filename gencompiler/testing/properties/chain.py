"""Chains: a transition keeps its target invariant, point by point where it states its ratio, and in law."""

from __future__ import annotations

import torch
from torch import Tensor

from gencompiler.testing import spaces
from gencompiler.testing.spaces import Chart, Grid, LogDensity, flat
from gencompiler.testing.statistics import TEST_FALSE_ALARM, betting_test
from gencompiler.testing.subject import Subject, chain_draws, for_sampling, in_float64, observed

#: Chains, and how many steps each takes.
CHAINS = 40_000
STEPS = 10

#: Quantiles of each coordinate at which the law is compared before and after.
_LEVELS = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)


def log_target(model: Subject) -> LogDensity:
    """log of the density that chains are for: log_prob, or minus the energy, which differs from it by a constant."""
    if "log_prob" in model.programs:
        return model.log_prob
    return lambda x: -model.energy(x)


def check_detailed_balance(model: Subject, x: Tensor, y: Tensor) -> None:
    """At each pair of states: log r(x, y) = log p(y) + log q(x | y) - log p(x) - log q(y | x), in float64.

    The ratio is the transition's own (`log_ratio(x, y)`), q its proposal density (`log_proposal(x, y)` = log q(y | x)),
    p the target from `energy` or `log_prob` (Hastings, Biometrika 1970).
    """
    model, x, y = in_float64(model), x.double(), y.double()
    target = log_target(model)
    with torch.no_grad():
        terms = torch.stack([target(y), model.log_proposal(y, x), -target(x), -model.log_proposal(x, y)])
        found = model.log_ratio(x, y)
    expected = terms.sum(0)
    error = (found - expected).abs()
    tolerance = 1e-9 * (1 + terms.abs().sum(0))
    bad = ~(error <= tolerance)
    if bool(bad.any()):
        row = int(error.nan_to_num(torch.inf).argmax())
        raise AssertionError(
            f"the acceptance ratio breaks detailed balance: log r = {found[row].item():.6g} where the target and the "
            f"proposal give {expected[row].item():.6g}, from {x[row].tolist()} to {y[row].tolist()}"
        )


def check_stationary(
    model: Subject, seed: int, *, chains: int = CHAINS, steps: int = STEPS, alpha: float = TEST_FALSE_ALARM
) -> None:
    """Chains that start in the target law are in it after `steps` transitions: no event's probability has changed.

    The target is tabulated on one or two dimensions and drawn from by rejection.  The events are that a coordinate, a
    product or sum of two, or the log-density lies below one of its quantiles.
    """
    model, field = for_sampling(model), observed(model)
    chart = Chart(field.support)
    density = chart.pull_back(log_target(model))

    def of_coordinates(t: Tensor) -> Tensor:
        return density(t.reshape(-1, *field.shape))

    grid = _settled_grid(field.size, of_coordinates, seed)
    events = _Events(spaces.draw_from(of_coordinates, grid, 4_000, seed), of_coordinates)
    before = spaces.draw_from(of_coordinates, grid, chains, seed + 1)
    start = chart.value(before).reshape(-1, *field.shape)
    moved = chain_draws(model, chains, seed, start=start, draws=1, thin=steps)[:, 0]
    after = chart.coordinate(moved).reshape(chains, -1)
    names = [events.name(column) for column in range(events.count)]
    outcome = betting_test(events(after) - events(before), alpha, names)
    outcome.require("the transition does not keep its target invariant")


def _settled_grid(size: int, density: LogDensity, seed: int) -> Grid:
    """A fine grid, centred and scaled by a coarse one."""
    coarse = spaces.tabulate(density, torch.zeros(size), torch.ones(size), spaces.NODES[size])
    rough = spaces.draw_from(density, coarse, 2_000, seed)
    center, scale = spaces.location_and_scale(rough)
    return spaces.tabulate(density, center, scale, spaces.NODES[size])


class _Events:
    """Indicators of events that a law may be judged by, their thresholds being quantiles of draws `t` `[n, d]`."""

    def __init__(self, t: Tensor, density: LogDensity) -> None:
        self._density = density
        levels = torch.tensor(_LEVELS, dtype=torch.float64)
        self._thresholds = torch.quantile(self._features(t), levels, dim=0)
        self.count = self._thresholds.numel()

    def _features(self, t: Tensor) -> Tensor:
        log_density = spaces.in_chunks(self._density, t)
        pairs = [t[:, :1] * t[:, 1:], t[:, :1] + t[:, 1:]] if t.shape[1] > 1 else []
        return torch.cat([t, *pairs, log_density[:, None]], 1)

    def __call__(self, t: Tensor) -> Tensor:
        """`[n, events]`, each 0 or 1."""
        below = self._features(t)[:, None, :] <= self._thresholds
        return flat(below).double()

    def name(self, column: int) -> str:
        """The event in words."""
        level, feature = divmod(column, self._thresholds.shape[1])
        return f"statistic {feature} below its {_LEVELS[level]:.0%} quantile"


def check_chain_survives_tails(model: Subject, start: Tensor, seed: int) -> None:
    """From any state of the support, however far out, chains stay in the support and never become NaN."""
    field = observed(model)
    moved = chain_draws(model, len(start), seed, start=start, thin=3)
    inside = flat(field.support.contains(moved)).all(1)
    if not bool(inside.all()):
        row = int((~inside).nonzero()[0])
        raise AssertionError(f"a chain left the support from {start[row].tolist()}: {moved[row].tolist()}")
