"""Spaces: charts and their Jacobians, quadrature against closed forms, enumeration."""

import math

import pytest
import torch

from gencompiler.runtime.fields import Field, Support
from gencompiler.testing import spaces
from gencompiler.testing.spaces import Chart

INTERVALS = [
    Support("Real"),
    Support("Positive"),
    Support("Unit"),
    Support("Interval", (-2.0, 3.0)),
    Support("Open", (-math.inf, 4.0)),
]


@pytest.mark.parametrize("support", INTERVALS, ids=str)
def test_a_chart_and_its_jacobian(support: Support) -> None:
    chart = Chart(support)
    t = torch.linspace(-6, 6, 41, dtype=torch.float64, requires_grad=True)
    x = chart.value(t)
    assert bool(support.contains(x).all())
    torch.testing.assert_close(chart.coordinate(x), t)
    (slope,) = torch.autograd.grad(x.sum(), t)
    torch.testing.assert_close(slope.abs().log(), chart.log_jacobian(t), atol=1e-9, rtol=0)


def test_charts_cover_intervals_only() -> None:
    assert Chart.covers(Support("Unit"))
    assert not Chart.covers(Support("Binary"))
    assert not Chart.covers(Support("Simplex", (3,)))


def log_normal(t: torch.Tensor, mean: float, scale: float) -> torch.Tensor:
    return (-0.5 * ((t - mean) / scale) ** 2 - math.log(scale * math.sqrt(2 * math.pi))).sum(1)


@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("scale", [0.05, 1.0, 20.0])
def test_quadrature_of_normals_that_are_not_centred(axes: int, scale: float) -> None:
    mass, error = spaces.integrate(lambda t: log_normal(t, 0.4, scale), torch.zeros(axes), torch.ones(axes))
    assert abs(mass - 1) <= error < 1e-3


def test_quadrature_of_heavy_tails_and_a_kink() -> None:
    def log_laplace_with_a_step(t: torch.Tensor) -> torch.Tensor:
        return torch.where(t[:, 0] > 0.123, -t[:, 0].abs() + math.log(2 / 3), -t[:, 0].abs() + math.log(1 / 3))

    exact = 2 / 3 * math.exp(-0.123) + 1 / 3 * (2 - math.exp(-0.123))
    mass, error = spaces.integrate(log_laplace_with_a_step, torch.zeros(1), torch.ones(1))
    assert abs(mass - exact) <= error < 0.01

    def log_student(t: torch.Tensor) -> torch.Tensor:
        return -2 * torch.log1p(t[:, 0] ** 2 / 3) + math.log(2 / (math.pi * math.sqrt(3)))

    mass, error = spaces.integrate(log_student, torch.zeros(1), torch.ones(1))
    assert abs(mass - 1) <= error < 1e-5


def test_quadrature_sees_a_wrong_mass() -> None:
    mass, error = spaces.integrate(lambda t: log_normal(t, 0, 1) + math.log(1.001), torch.zeros(2), torch.ones(2))
    assert abs(mass - 1) > error


def test_the_cdf_of_a_grid() -> None:
    grid = spaces.tabulate(lambda t: log_normal(t, 0.3, 0.7) + 5, torch.zeros(2), torch.ones(2), spaces.NODES[2])
    t = torch.linspace(-2, 3, 101, dtype=torch.float64)
    torch.testing.assert_close(grid.cdf(1, t), torch.special.ndtr((t - 0.3) / 0.7), atol=1e-3, rtol=0)
    assert grid.log_total == pytest.approx(5, abs=1e-4)


def test_draws_from_a_grid_follow_the_density() -> None:
    def log_bent(t: torch.Tensor) -> torch.Tensor:
        return -0.5 * t[:, 0] ** 2 - 0.5 * (t[:, 1] - t[:, 0] ** 2) ** 2

    grid = spaces.tabulate(log_bent, torch.zeros(2), torch.ones(2), spaces.NODES[2])
    draws = spaces.draw_from(log_bent, grid, 40_000, 3)
    standard = torch.stack([draws[:, 0], draws[:, 1] - draws[:, 0] ** 2], 1)
    for column in standard.T:
        place = torch.special.ndtr(column).sort().values
        steps = torch.arange(1, len(place) + 1) / len(place)
        assert float((place - steps).abs().max()) < math.sqrt(math.log(2 / 1e-6) / (2 * len(place)))


def test_states_are_listed_once_and_found_again() -> None:
    field = Field("x", (2, 2), Support("Integer", (-1, 2)))
    assert spaces.is_enumerable(field)
    table = spaces.states(field)
    assert len(table) == 81
    assert len(torch.unique(table.reshape(81, 4), dim=0)) == 81
    order = torch.randperm(81, generator=torch.Generator().manual_seed(0))
    assert torch.equal(spaces.state_numbers(table[order], table), order)
    assert spaces.state_numbers(torch.full((1, 2, 2), 5), table).tolist() == [-1]


def test_spaces_that_cannot_be_listed() -> None:
    assert not spaces.is_enumerable(Field("x", (64,), Support("Binary")))
    assert not spaces.is_enumerable(Field("x", (1,), Support("Count")))
    assert not spaces.is_enumerable(Field("x", (1,), Support("Real")))
    assert len(spaces.states(Field("x", (3,), Support("Permutation", (3,))))) == 6
