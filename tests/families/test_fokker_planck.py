"""Fokker-Planck equations on a grid: against the closed form of a linear SDE, its own paths, and what must be kept."""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

import pytest
import torch

import gencompiler
from gencompiler.diagnostics.model import CompileError
from gencompiler.runtime import fokker_planck
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.fokker_planck import Solution

OU = """
model OU {{
  observed x : Real{shape}
  sde ou(x | t : Interval(0, 1)) {{ dx = ({drift}) * dt + ({noise}) * dW }}
  evaluate fokker_planck(ou, start = Normal(1, 0.5))
  p(x) = Normal(0, 1)
}}
"""
BOUNDS = (-7.0, 8.0)


@functools.cache
def model(shape: str = "", drift: str = "-x", noise: str = "sqrt(2)") -> Any:
    return gencompiler.compile(OU.format(shape=shape, drift=drift, noise=noise))()


def error(found: Solution, mean: float, variance: float) -> float:
    """The integral of |density - Normal| over a grid of one axis, cell by cell."""
    (axis,) = found.axes
    width = found.volume
    edges = torch.cat([axis - width / 2, axis[-1:] + width / 2])
    exact = torch.special.ndtr((edges - mean) / math.sqrt(variance)).diff() / width
    return float((found.density[-1] - exact).abs().sum() * width)


def ou_error(**grid: Any) -> float:
    """Against Normal(e^-1, e^-2 / 4 + 1 - e^-2), which is where Normal(1, 1/2) is at t = 1."""
    found = model().fokker_planck(bounds=BOUNDS, **grid)
    return error(found, math.exp(-1), math.exp(-2) / 4 + 1 - math.exp(-2))


def orders(errors: list[float]) -> list[float]:
    return [math.log2(a / b) for a, b in itertools.pairwise(errors)]


def test_the_error_falls_with_the_square_of_a_cell() -> None:
    found = [ou_error(grid=n, steps=4000) for n in (30, 60, 120)]
    assert all(abs(order - 2) < 0.15 for order in orders(found)), found


def test_the_error_falls_with_a_step() -> None:
    found = [ou_error(grid=600, steps=n) for n in (20, 40, 80)]
    assert all(abs(order - 1) < 0.1 for order in orders(found)), found


@pytest.mark.parametrize("shape", ["", "[1]", "[2]"])
def test_mass_is_kept_and_nothing_is_negative(shape: str) -> None:
    found = model(shape, "x - x^3").fokker_planck(grid=60, steps=100)
    assert found.mass_error < 1e-12
    assert found.smallest >= 0


def test_the_closed_form_in_two_dimensions() -> None:
    """Each axis for itself: moments within the error of 100 steps, and a product of marginals."""
    found = model("[2]").fokker_planck(grid=60, steps=100, bounds=BOUNDS)
    means, variances = found.moments()
    assert float((means - math.exp(-1)).abs().max()) < 0.01
    assert float((variances - (math.exp(-2) / 4 + 1 - math.exp(-2))).abs().max()) < 0.02
    last = found.density[-1] * found.volume
    torch.testing.assert_close(last, last.sum(1)[:, None] * last.sum(0)[None, :], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("drift", "noise"), [("x - x^3", "sqrt(2)"), ("-x", "sqrt(1 + x^2)"), ("-tanh(x)", "1 + t")])
def test_grid_and_paths_agree(drift: str, noise: str) -> None:
    """Mean and variance of 20,000 paths, within six standard errors and the bias of both discretizations; those of a
    drift that is half as large are not."""

    def gap(other: str) -> float:
        own = fokker_planck.compare(model("", other, noise))
        paths = fokker_planck.compare(model("", drift, noise))
        means = (own.means - paths.path_means).abs() / (6 * paths.mean_errors + 0.005)
        variances = (own.variances - paths.path_variances).abs() / (6 * paths.variance_errors + 0.02)
        return float(max(means.max(), variances.max()))

    assert gap(drift) < 1 < gap(f"0.5 * ({drift})")


def test_an_equilibrium_stays_on_any_grid() -> None:
    """The fluxes of Chang and Cooper vanish where p is in equilibrium; a drift that is 10 % larger moves it."""
    spec = OU.format(shape="", drift="-x", noise="sqrt(2)").replace("Normal(1, 0.5)", "Normal(0, 1)")
    found = gencompiler.compile(spec)().fokker_planck(grid=200, steps=50, bounds=(-6.0, 6.0))
    assert float((found.density[-1] - found.density[0]).abs().max()) < 1e-4
    wrong = gencompiler.compile(spec.replace("(-x)", "(-1.1 * x)"))().fokker_planck(
        grid=200, steps=50, bounds=(-6.0, 6.0)
    )
    assert float((wrong.density[-1] - wrong.density[0]).abs().max()) > 1e-2


def test_an_equation_needs_no_joint() -> None:
    """A damped rotation of two elements, which has no stationary law that anything states; its mean is exp(t A) (1, 1)."""
    text = """model Spiral {
      observed x : Real[2]
      def f(x : Real[2]) -> Real[2] = join([-0.5 * x[0] - 2 * x[1]], [2 * x[0] - 0.5 * x[1]])
      sde spiral(x | t : Interval(0, 1)) { dx = f(x) * dt + 0.6 * dW }
      evaluate fokker_planck(spiral, start = Normal(1, 0.3), grid = GRID, steps = 100) }"""
    wanted = [math.exp(-0.5) * (math.cos(2) - math.sin(2)), math.exp(-0.5) * (math.sin(2) + math.cos(2))]
    spread = 0.09 * math.exp(-1) + 0.36 * (1 - math.exp(-1))
    gaps = []
    for grid in (30, 60):
        found = gencompiler.compile(text.replace("GRID", str(grid)))().fokker_planck()
        means, variances = found.moments()
        assert float((means - torch.tensor(wanted, dtype=torch.float64)).abs().max()) < 0.05
        gaps.append(float((variances - spread).abs().max()))
        assert found.mass_error < 1e-12 and found.smallest >= 0
    assert gaps[1] < 0.6 * gaps[0] < 0.2


def test_other_cases_are_refused() -> None:
    with pytest.raises(CompileError) as caught:
        gencompiler.compile(OU.format(shape="[3]", drift="-x", noise="1"))
    assert [d.code for d in caught.value.diagnostics] == ["G901"]
    with pytest.raises(RunError, match="noise vanishes"):
        gencompiler.compile(OU.format(shape="", drift="-x", noise="max(x, 0)"))().fokker_planck(grid=20, steps=5)
