"""Two-sample statistics: what they are on known distributions, and the generators they must tell apart."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from gencompiler.runtime import toys, two_samples
from gencompiler.runtime.errors import RunError

CENTRES = torch.from_numpy(toys.GRID25_CENTRES)


def normal(count: int, dims: int, seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((count, dims)))


def test_the_estimate_is_the_definition() -> None:
    x, y = normal(7, 3, 0), normal(5, 3, 1) + 0.5
    between = np.mean([[math.dist(a, b) for b in y] for a in x])
    within = [
        np.sum([[math.dist(a, b) for b in z] for a in z]) / (len(z) * (len(z) - 1)) for z in (x.tolist(), y.tolist())
    ]
    assert two_samples.energy_distance(x, y).value == pytest.approx(2 * between - sum(within))


def test_in_one_dimension_it_is_the_distance_of_the_distribution_functions() -> None:
    """D^2 = 2 int (F - G)^2 (Székely & Rizzo, 2013, section 2), here for Normal(0, 1) and Normal(1, 1)."""
    grid = np.linspace(-8, 9, 20_001)
    below = [torch.special.ndtr(torch.from_numpy(grid - mean)).numpy() for mean in (0, 1)]
    exact = 2 * np.trapezoid((below[0] - below[1]) ** 2, grid)
    found = two_samples.energy_distance(normal(2000, 1, 0), normal(2000, 1, 1) + 1)
    assert abs(found.value - exact) < 4 * found.standard_error
    assert found.standard_error < 0.05


def test_the_estimate_is_unbiased_and_its_error_is_its_spread() -> None:
    values = [two_samples.energy_distance(normal(60, 2, 2 * s), normal(80, 2, 2 * s + 1) + 0.7) for s in range(200)]
    estimates = np.array([each.value for each in values])
    large = two_samples.energy_distance(normal(2000, 2, 900), normal(2000, 2, 901) + 0.7)
    joint = math.hypot(estimates.std() / math.sqrt(200), large.standard_error)
    assert abs(estimates.mean() - large.value) < 4 * joint
    assert np.mean([each.standard_error for each in values]) == pytest.approx(estimates.std(), rel=0.15)


def test_equal_distributions_give_uniform_p_values() -> None:
    p_values = [
        two_samples.energy_distance(normal(40, 2, 2 * s), normal(50, 2, 2 * s + 1), seed=s).p_value for s in range(200)
    ]
    places = np.arange(1, 201) / 200
    assert np.abs(np.sort(p_values) - places).max() < 1.95 / math.sqrt(200)  # Kolmogorov and Smirnov's test at 0.001
    null = two_samples.energy_distance(normal(400, 2, 0), normal(400, 2, 1))
    assert abs(null.value) < 4 * null.null_error


@pytest.mark.parametrize("shift", [0.3, -0.3])
def test_a_shifted_generator_is_found(shift: float) -> None:
    found = two_samples.energy_distance(normal(500, 2, 0) + shift, normal(500, 2, 1))
    assert found.p_value < 0.01
    assert found.value > 4 * found.null_error


def test_a_generator_that_misses_a_mode_is_found() -> None:
    data, grid = torch.from_numpy(toys.grid25(4000, seed=1)), toys.grid25(4000, seed=2)
    whole = torch.from_numpy(grid)
    corner = (grid > 3).all(1)
    missing = torch.from_numpy(grid[~corner])
    assert two_samples.modes_covered(whole, CENTRES, toys.GRID25_SCALE).covered == 25
    found = two_samples.modes_covered(missing, CENTRES, toys.GRID25_SCALE)
    assert (found.covered, found.total) == (24, 25)
    assert two_samples.energy_distance(missing, data).p_value < 0.05
    assert two_samples.energy_distance(whole, data).p_value > 0.05


def test_samples_between_modes_are_not_near_one() -> None:
    near = torch.from_numpy(toys.grid25(1000, seed=3))
    between = CENTRES[:24] + 1.0
    found = two_samples.modes_covered(torch.cat([near, between]), CENTRES, toys.GRID25_SCALE)
    expected = (1 - math.exp(-4.5)) * 1000 / 1024  # within 3 standard deviations in the plane
    assert abs(found.near - expected) < 4 * found.near_error
    assert two_samples.modes_covered(between, CENTRES, toys.GRID25_SCALE).covered == 0


def test_results_are_functions_of_the_samples_and_the_seed() -> None:
    x, y = normal(50, 2, 0), normal(50, 2, 1)
    assert two_samples.energy_distance(x, y, seed=3) == two_samples.energy_distance(x, y, seed=3)
    assert two_samples.energy_distance(x, y, seed=3) != two_samples.energy_distance(x, y, seed=4)


def test_words() -> None:
    found = two_samples.EnergyDistance(0.125, 0.0125, 0.01, 0.005, (10, 20))
    assert str(found) == "energy distance 0.125 +- 0.013 (+- 0.01 if equal; p = 0.005; 10 and 20 rows)"
    assert str(two_samples.Modes(24, 25, 0.9, 0.01)) == "24 of 25 modes covered, 90.0% +- 1.0% of the samples near one"


@pytest.mark.parametrize("shapes", [((1, 2), (5, 2)), ((5, 2), (5, 3))])
def test_what_cannot_be_compared_is_refused(shapes: tuple[tuple[int, int], tuple[int, int]]) -> None:
    with pytest.raises(RunError, match="cannot be compared"):
        two_samples.energy_distance(*(torch.zeros(*shape) for shape in shapes))
