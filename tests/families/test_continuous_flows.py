"""Continuous flows: closed forms of linear fields, log-determinants, probes, gradients, and what is no flow."""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor

import gencompiler
from gencompiler.diagnostics.model import CompileError

SPEC = """
model Flow(D = 2) {{
  observed x : Real[D]
  latent   z : Real[D]
  def v(x : Real[D], t : Interval(0, 1)) -> Real[D] = {field}
  p(z) = Normal(0, 1)
  x = z |> ode(v, {options})
  {train}
}}
"""
NETWORK = "mlp(x, t, hidden = [16, 16], activation = tanh)"


@functools.cache
def model(field: str = NETWORK, options: str = "solver = rk4(steps = 40)", **constants: int) -> Any:
    train = "train maximum_likelihood" if "mlp" in field else ""
    made = gencompiler.compile(SPEC.format(field=field, options=options, train=train), **constants)().double()
    generator = torch.Generator().manual_seed(0)
    for parameter in made.parameters():
        parameter.data = 0.5 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    return made


def points(count: int = 6, dims: int = 2) -> Tensor:
    return torch.randn(count, dims, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_a_linear_field_has_a_closed_form() -> None:
    """dx/dt = 2 t x + 1: the flow multiplies by e, so that log p(x) is that of a Normal with e times the scale, moved."""
    own = model("2 * t * x + 1", "solver = rk4(steps = 80)")
    x, grown = own.forward(points())
    torch.testing.assert_close(grown, torch.full((6,), 2.0, dtype=torch.float64), rtol=0, atol=1e-9)
    shift = float(own.forward(torch.zeros(1, 2, dtype=torch.float64))[0][0, 0].detach())
    assert shift == pytest.approx(math.e * math.sqrt(math.pi) / 2 * math.erf(1), abs=1e-8)
    exact = torch.distributions.Normal(shift, math.e).log_prob(x).sum(-1)
    torch.testing.assert_close(own.log_prob(x), exact, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("midpoint", 2), ("heun", 2), ("rk4", 4)])
def test_solvers_have_their_order(solver: str, order: int) -> None:
    x = points()
    reference = model(options="solver = rk4(steps = 400)").log_prob(x)
    errors = [
        float((model(options=f"solver = {solver}(steps = {n})").log_prob(x) - reference).detach().abs().max())
        for n in (10, 20, 40)
    ]
    orders = [math.log2(a / b) for a, b in itertools.pairwise(errors)]
    assert abs(orders[-1] - order) < 0.3, (errors, orders)


@pytest.mark.parametrize("options", ["solver = rk4(steps = 60)", "solver = dopri5(tolerance = 1e-9)"])
def test_both_directions_and_the_jacobian(options: str) -> None:
    own, z = model(options=options), points()
    x, grown = (t.detach() for t in own.forward(z))
    back, shrunk = (t.detach() for t in own.inverse(x))
    torch.testing.assert_close(back, z, rtol=0, atol=1e-6)
    torch.testing.assert_close(shrunk, -grown, rtol=0, atol=1e-6)
    for row, log_det in zip(x, shrunk, strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda a: own.inverse(a[None])[0][0], row)
        assert float(torch.linalg.slogdet(jacobian)[1] - log_det) == pytest.approx(0, abs=1e-6)


def test_rows_choose_their_steps_alone() -> None:
    own = model(options="solver = dopri5(tolerance = 1e-4)")
    torch.testing.assert_close(own.sample(5, seed=2), own.sample(300, seed=2)[:5], rtol=0, atol=0)
    x = own.sample(40, seed=2)
    torch.testing.assert_close(own.log_prob(x)[:3], own.log_prob(x[:3]), rtol=0, atol=1e-12)


def test_a_probe_is_unbiased() -> None:
    """The mean of 4000 probes, within six standard errors; one that is half as large would not be."""
    exact = model(options="solver = rk4(steps = 10), divergence = exact").log_prob(points(2))
    own = model(options="solver = rk4(steps = 10), divergence = hutchinson")
    x = points(2).repeat_interleave(4000, 0)
    found = own.log_prob(x, seed=3).detach().reshape(2, -1)
    error = found.std(1) / math.sqrt(4000)
    assert bool(((found.mean(1) - exact).abs() < 6 * error).all())
    assert bool((error < 0.05).all()) and bool(((found.mean(1) * 0.5 - exact).abs() > 6 * error).all())


def test_the_loss_is_differentiated_through_the_solver() -> None:
    """Against differences of the loss in one weight."""
    own, x = model(options="solver = dopri5(tolerance = 1e-10)"), points()
    loss = own.loss(x)
    weight = next(iter(own.parameters()))
    (gradient,) = torch.autograd.grad(loss, weight)
    step = 1e-4
    with torch.no_grad():
        values = []
        for sign in (1, -1):
            weight.view(-1)[0] += sign * step
            values.append(float(own.loss(x)))
            weight.view(-1)[0] -= sign * step
    assert float(gradient.view(-1)[0]) == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-3)


@pytest.mark.parametrize(
    ("field", "right"),
    [
        ("t * x + 1", True),
        ("tanh(x) * t + sin(x)", True),
        ("mlp(x, fourier(t, size = 8), hidden = [8], activation = silu)", True),
        ("x / (1 + t)", True),
        ("x * x", False),  # at infinity before long
        ("x * mlp(x, t, hidden = [8])", False),
        ("exp(x)", False),
        ("x^2", False),
        ("x / t", False),  # not defined at the start
        ("sqrt(abs(x))", False),  # two solutions through 0
        ("floor(3 * t) * x", False),  # jumps
    ],
)
def test_what_is_proved_to_be_a_flow(field: str, right: bool) -> None:
    train = "train maximum_likelihood" if "mlp" in field else ""
    text = SPEC.format(field=field, options="solver = rk4", train=train)
    if right:
        gencompiler.compile(text)
        return
    with pytest.raises(CompileError) as caught:
        gencompiler.compile(text)
    assert "G610" in [d.code for d in caught.value.diagnostics]
