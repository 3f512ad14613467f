"""Numeric inverses say how well they solved each row, and what they say is true."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import gencompiler
from gencompiler.model import nodes
from gencompiler.rows import arrays, residuals, roots
from gencompiler.runtime.errors import NotConverged
from tests.families.test_foundation import perturbed
from tests.families.test_numeric_inverse import MAPS, module
from tests.families.test_prelude_bijections import spec as use_of

#: Maps whose inverse is solved, and the same in 60 digits: mpmath's functions, the parameters by name.
SOLVED = {
    "a wave": lambda u, a: u + a * mpmath.sin(u),
    "a slope that vanishes": lambda u, s: s * (u + mpmath.sin(u)),
    "a quintic": lambda u, a: u**5 + a * u + 1,
    "a planar flow": lambda u, c, b: u + c * mpmath.tanh(u + b),
}
#: A map of many functions.
MIXED = (
    "(u : Real | a : Open(-1, 1), s : Positive) -> Real = u + a * sin(u) + asinh(s * u) + s * tanh(u / 3) + softplus(u)"
)


def model_of(name: str, dtype: torch.dtype = torch.float64) -> Any:
    return perturbed(module(MAPS[name]), 0.3).to(dtype)


def extremes(dtype: torch.dtype) -> torch.Tensor:
    sizes = [0.0, 1e-300, 1e-30, 1e-9, 0.3, 1.0, 2.5, 7.0, 1e4, 1e9, 1e37, 1e300]
    values = torch.tensor(sizes, dtype=torch.float64).to(dtype)
    values = values[values.isfinite()]
    return torch.stack((values, -values, values / 3), 1)


@pytest.mark.parametrize("name", SOLVED)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_row_converges_from_the_smallest_to_the_largest(name: str, dtype: torch.dtype) -> None:
    model, y = model_of(name, dtype), extremes(dtype)
    found = model.inverse_ex(y)
    assert bool(found.converged.all())
    assert bool((found.residual <= found.bound).all())
    # the bound says something: near 1 it is a few units in the last place
    usual = (y.abs() > 0.1) & (y.abs() < 10)
    assert bool((found.bound[usual] < 1e4 * torch.finfo(dtype).eps * (1 + y[usual].abs())).all())
    one_by_one = torch.cat([model.inverse(row[None])[0] for row in y])
    assert torch.equal(one_by_one, found.value)


@pytest.mark.parametrize("name", SOLVED)
def test_what_was_found_solves_the_equation_in_60_digits(name: str) -> None:
    model, drawn = model_of(name), torch.randn(40, 3, generator=torch.Generator().manual_seed(1)).double()
    y = torch.cat((drawn, torch.sinh(30 * drawn), extremes(torch.float64)))
    found = model.inverse_ex(y)
    assert bool(found.converged.all())
    parameters = [model.value(path).tolist() for path in model.programs["forward"].parameters]
    with mpmath.workdps(400):  # sine of 1e300
        for row, values in enumerate(found.value.tolist()):
            for place, value in enumerate(values):
                exact = SOLVED[name](mpmath.mpf(value), *(mpmath.mpf(each[place]) for each in parameters))
                # twice: for what f rounds where the residual is measured, and for the residual
                assert abs(exact - y[row, place].item()) <= 2 * found.bound[row, place].item()


_KEPT: dict[str, Any] = {}


@settings(deadline=None, max_examples=100, derandomize=True, database=None)
@given(u=st.floats(min_value=-1e6, max_value=1e6), a=st.floats(-0.99, 0.99), s=st.floats(0.01, 30))
def test_a_running_error_bound_is_one(u: float, a: float, s: float) -> None:
    """The error of float32 against float64 stays below it, in every row."""
    if "mixed" not in _KEPT:
        _KEPT["mixed"] = module(MIXED).double()
    double = _KEPT["mixed"]
    (function, paths) = double.programs["inverse_residual"].function, double.programs["inverse_residual"].parameters
    known = {"F.a": a, "F.s": s}
    single = [torch.full((3,), known[path]) for path in paths]
    at = torch.full((1, 3), u)
    exact, _ = function(at.double(), torch.zeros(1, 3).double(), *(each.double() for each in single))
    computed, roundings = function(at, torch.zeros(1, 3), *single)
    assert bool(((computed.double() - exact).abs() <= torch.finfo(torch.float32).eps * roundings).all())


def test_a_sloppy_solver_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roots, "ITERATIONS", 8)
    model = module(MAPS["a quintic"]).double()
    y = extremes(torch.float64)
    found = model.inverse_ex(y)
    assert not bool(found.converged.all())
    with pytest.warns(NotConverged, match="G808.*did not converge in .* of 12 rows"):
        model.inverse(y)


def test_a_row_that_no_number_solves_is_told() -> None:
    """At 1 the map has no largest value, and no number below 1 comes close to it: y = 1000 is out of reach."""
    spec = """bijection F(u : Unit | a : Open(0, 1)) -> Real = logit(u) + a * sin(u) * u
    model M(D = 1) { observed x : Real[D] latent z : Unit[D] p(z) = Uniform(0, 1) x = z |> F train maximum_likelihood }"""
    model = gencompiler.compile(spec)().double()
    found = model.inverse_ex(torch.tensor([[0.5], [1000.0], [-3.0]], dtype=torch.float64))
    assert found.converged.tolist() == [True, False, True]


def test_a_fixed_point_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = """bijection F(u : Real[D]) -> Real[D] = u + lipschitz(mlp(u, hidden = [8], activation = tanh), 0.9)
    model M(D = 3) { observed x : Real[D] latent z : Real[D] p(z) = Normal(0, 1) x = z |> repeat(2) { F }
      train maximum_likelihood }"""
    y = torch.cat((torch.randn(20, 3, generator=torch.Generator().manual_seed(0)), torch.full((1, 3), 1e8))).double()
    good = perturbed(gencompiler.compile(spec)(), 1.0).double()
    assert bool(good.inverse_ex(y).converged.all())
    honest = arrays._contracted
    monkeypatch.setattr(arrays, "_contracted", lambda e, expr, *more: honest(e, _with_steps(expr), *more))
    sloppy = perturbed(gencompiler.compile(spec)(), 1.0).double()
    assert not bool(sloppy.inverse_ex(y[:20]).converged.any())  # 1e8 is so long that 4 steps do


def _with_steps(expr: nodes.FixedPoint) -> nodes.FixedPoint:
    return dataclasses.replace(expr, steps=4)


def test_the_direction_that_is_solved_is_the_one_that_tells() -> None:
    spec = """bijection F(u : Real | a : Open(-1, 1)) -> Real = u + a * sin(u)
    model M(D = 2) { observed x : Real[D] latent z : Real[D] p(z) = Normal(0, 1) z = x |> F |> repeat(2) { F }
      train maximum_likelihood }"""
    model = perturbed(gencompiler.compile(spec)(), 0.5).double()
    assert not hasattr(model, "inverse_ex")
    z = torch.linspace(-30, 30, 40).reshape(20, 2).double()
    found = model.forward_ex(z)
    assert bool(found.converged.all())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x, grown = model.forward(z)
    assert torch.equal(x, found.value)
    assert torch.equal(grown, found.log_abs_det)
    worse = found.residual.clone()
    worse[3, 1] = 2 * found.bound[3, 1]
    assert bool((worse > found.bound).any())


#: Closed inverses that keep the same bound, and by how much those exceed it that multiply with a matrix which is only
#: orthogonal up to rounding, or cancel against the centre.
EXCEED = {"LU": 4.0, "Radial": 16.0}


@pytest.mark.parametrize("name", ["Affine", "SinhArcsinh", "Softplus", "YeoJohnson", "Kumaraswamy", "Radial", "LU"])
def test_closed_inverses_keep_the_same_bound(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(residuals, "is_solved", lambda *given, **options: True)
    model = perturbed(gencompiler.compile(use_of(name))(), 0.7).double()
    found = model.inverse_ex(model.sample(500, seed=1))
    assert bool((found.residual <= EXCEED.get(name, 1.0) * found.bound).all())
