"""Lambert's W and Wright's omega against balls of 200 bits, and their derivatives of two orders."""

from __future__ import annotations

import math

import pytest
import torch
from flint import arb, ctx

from gencompiler.runtime.special import lambert_w, wright_omega


def worst(found: torch.Tensor, exact: list[arb]) -> float:
    """The largest relative error, in units of rounding."""
    eps = torch.finfo(found.dtype).eps
    return max(float(abs((arb(f) - e) / e)) / eps for f, e in zip(found.tolist(), exact, strict=True))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_omega_is_right_to_a_few_units(dtype: torch.dtype) -> None:
    largest = math.log10(torch.finfo(dtype).max) - 1e-3
    x = torch.cat([torch.linspace(-60, 60, 2001), torch.logspace(2, largest, 60, dtype=torch.float64)]).to(dtype)
    with ctx.workprec(200):
        assert worst(wright_omega(x), [arb(v).exp().lambertw() for v in x.tolist()]) < 6


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_w_is_right_to_a_few_units(dtype: torch.dtype) -> None:
    x = torch.cat([torch.linspace(-0.3, 3, 2001), torch.logspace(-20, 30, 200), -torch.logspace(-20, -1, 50)]).to(dtype)
    with ctx.workprec(200):
        assert worst(lambert_w(x), [arb(v).lambertw() for v in x.tolist()]) < 8


def test_w_ends_at_its_branch_point() -> None:
    x = torch.tensor([-1 / math.e, -0.4, 0.0, math.inf], dtype=torch.float64)
    found = lambert_w(x)
    assert abs(float(found[0]) + 1) < 1e-7
    assert bool(found[1].isnan())
    assert float(found[2]) == 0
    assert float(found[3]) == math.inf


@pytest.mark.parametrize("function", [wright_omega, lambert_w])
def test_derivatives_of_two_orders(function: object) -> None:
    x = torch.tensor([0.3, -0.2, 5.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(function, (x,))
    assert torch.autograd.gradgradcheck(function, (x,))
