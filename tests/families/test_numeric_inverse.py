"""Maps without a closed inverse: the root that is computed, its residual, its derivatives."""

from __future__ import annotations

import pytest
import torch

import gencompiler

#: Without a closed inverse, then with one through Wright's omega, a cubic's root, a fifth root, a quadratic's.
MAPS = {
    "a wave": "(u : Real | a : Open(-1, 1)) -> Real = u + a * sin(u)",
    "a slope that vanishes": "(u : Real | s : Positive) -> Real = s * (u + sin(u))",
    "a quintic": "(u : Real | a : Positive) -> Real = u^5 + a * u + 1",
    "a planar flow": "(u : Real | c : Open(-1, inf), b : Real) -> Real = u + c * tanh(u + b)",
    "omega": "(u : Real | s : Positive) -> Real = s * (u + exp(u))",
    "a cubic": "(u : Real | s : Positive) -> Real = s * (u^3 + u)",
    "a fifth power": "(u : Real | s : Positive) -> Real = s * u^5 + 1",
    "a quadratic piece": "(u : Real | a : Interval(0, 2)) -> Real = if u >= 0 then u + a * u^2 else u",
}


def module(statement: str) -> torch.nn.Module:
    spec = f"bijection F{statement}\nmodel M(D = 3) {{ observed x : Real[D] latent z : Real[D] p(z) = Normal(0, 1) "
    return gencompiler.compile(spec + "x = z |> F train maximum_likelihood }")()


@pytest.mark.parametrize("name", list(MAPS))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_residual_is_a_few_units_in_the_last_place(name: str, dtype: torch.dtype) -> None:
    model = module(MAPS[name]).to(dtype)
    z = torch.linspace(-20, 20, 603, dtype=dtype).reshape(201, 3)
    x, _ = model.forward(z)
    again, _ = model.forward(model.inverse(x)[0])
    eps = torch.finfo(dtype).eps
    # 4 ulp of the value, and what computing the map itself rounds: a few terms of the size of x and z
    bound = 4 * eps * x.abs() + 8 * eps * (1 + z.abs())
    assert bool(((again - x).abs() <= bound).all())


@pytest.mark.parametrize("name", list(MAPS))
def test_derivatives_of_both_orders_are_those_of_the_inverse(name: str) -> None:
    model = module(MAPS[name]).double()
    x = torch.tensor([[0.3, -1.7, 2.9], [5.0, 0.11, -0.6]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(model.log_prob, (x,))
    assert torch.autograd.gradgradcheck(model.log_prob, (x,))
    slopes = torch.autograd.grad(model.log_prob(x.detach()).sum(), list(model.parameters()))
    assert all(bool(slope.isfinite().all()) for slope in slopes)
