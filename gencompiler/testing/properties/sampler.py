"""Samplers: rows drawn by `sample` follow the density that `log_prob` states.

Where the space is small the sampler is compared with exact probabilities (enumeration) or an exact CDF (quadrature).
At any size, the bounded ratio identities of `testing.identities` compare the two without a normalizer.
"""

from __future__ import annotations

import torch

from gencompiler.testing import spaces
from gencompiler.testing.identities import evaluate, ratio_identities
from gencompiler.testing.properties.density import DRAWS, state_probabilities
from gencompiler.testing.spaces import Chart
from gencompiler.testing.statistics import (
    TEST_FALSE_ALARM,
    betting_test,
    cdf_test,
    most_promising,
    multinomial_test,
)
from gencompiler.testing.subject import Subject, for_sampling, in_float64, observed

#: Sizes of the pilot, on which identities are chosen, and of the fresh sample, on which they are tested.
PILOT = 8_000
FRESH = 60_000

#: Identities that are tested.
_FINALISTS = 5

#: Samples drawn from a small space (twice, where its probabilities are enumerated).
SMALL = 100_000

#: Parts of equal probability that a line is cut into.
_BINS = 16

#: What interpolation between the nodes of a grid may add to the distance of CDFs, and to the evidence from counts.
_INTERPOLATION = 1e-3
_EVIDENCE = 2.0


def check_sampler_by_ratios(
    model: Subject, seed: int, *, pilot: int = PILOT, fresh: int = FRESH, alpha: float = TEST_FALSE_ALARM
) -> None:
    """`sample` follows `log_prob`, as judged by the ratio identities that look most violated on a pilot sample.

    A one-dimensional sampler whose scale is 3% off is caught at the default sizes with probability above 0.99, as
    measured (power grows with the number of dimensions).  The false-alarm rate is at most `alpha`.
    """
    model, field = for_sampling(model), observed(model)
    rows = model.sample(pilot, seed=seed)
    identities = ratio_identities(field, model.log_prob, rows)
    identities = [identities[i] for i in most_promising(evaluate(identities, model.log_prob, rows), _FINALISTS)]
    values = evaluate(identities, model.log_prob, model.sample(fresh, seed=seed + 1))
    outcome = betting_test(values, alpha, [i.name for i in identities])
    outcome.require("`sample` does not follow `log_prob`")


# -- small spaces ----------------------------------------------------------------------------------------------------


def check_sampler_by_enumeration(
    model: Subject, seed: int, *, count: int = SMALL, draws: int = DRAWS, alpha: float = TEST_FALSE_ALARM
) -> None:
    """`sample` draws each state of a small discrete space with its probability exp(log_prob).

    Where log_prob is a random bound, the probabilities are averages, and the threshold is raised by sixteen times the
    evidence that their standard errors would give against them.
    """
    model, table = for_sampling(model), spaces.states(observed(model))
    probabilities, errors = state_probabilities(model, table, seed, draws)
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


def check_samples_in_support(model: Subject, count: int, seed: int) -> None:
    """`sample(count)` is `[count, *shape]`, finite, and in the support."""
    field = observed(model)
    rows = model.sample(count, seed=seed)
    if rows.shape != (count, *field.shape):
        raise AssertionError(f"{count} samples have shape {list(rows.shape)}")
    inside = spaces.flat(field.support.contains(rows) & rows.isfinite()).all(1)
    if not bool(inside.all()):
        row = int((~inside).nonzero()[0])
        raise AssertionError(f"sample {row} lies outside {field.support}: {rows[row].tolist()}")
