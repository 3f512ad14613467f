"""Residual maps in more dimensions than their Jacobian is written out in: log|det| by random terms, without bias."""

from __future__ import annotations

import functools
import math
from typing import Any

import pytest
import torch
from torch import Tensor

import gencompiler
from gencompiler.proof.contractions import EXACT_UP_TO

SPEC = """
bijection Residual(u : Real[D]) -> Real[D] = u + lipschitz(mlp(u, hidden = [D], activation = tanh), {slope})
model ResidualFlow(D = 17) {{
  observed x : Real[D]
  latent   z : Real[D]
  p(z) = Normal(0, 1)
  z = x |> repeat(2) {{ Residual }}
  train maximum_likelihood
}}
"""


@functools.cache
def flow(slope: float, sign: int = 1) -> Any:
    """Both layers are near ± the identity, so that the trace of A^k falls as slowly as the bound lets it."""
    model = gencompiler.compile(SPEC.format(slope=slope))().double()
    generator = torch.Generator().manual_seed(0)
    for name, parameter in model.named_parameters():
        parameter.data = 0.02 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        if name.endswith("weight"):
            parameter.data += torch.eye(17, dtype=torch.float64) * (sign if "output" in name else 1)
    return model


def rows(count: int) -> Tensor:
    return 0.3 * torch.randn(count, 17, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def exactly(model: Any, x: Tensor) -> float:
    """log|dz / dx| of one row by its whole Jacobian."""
    jacobian = torch.autograd.functional.jacobian(lambda a: model.inverse(a[None])[0][0], x)
    return float(torch.linalg.slogdet(jacobian)[1])


@pytest.mark.parametrize("sign", [1, -1])
def test_the_series_has_no_bias(sign: int) -> None:
    """Within six standard errors of the determinant, of which 2 % more or less would not be."""
    model, count = flow(0.6, sign), 6000
    (x,) = rows(1)
    found = model.inverse(x.expand(count, 17), seed=3)[1].detach()
    exact, error = exactly(model, x), float(found.std()) / math.sqrt(count)
    assert abs(float(found.mean()) - exact) < 6 * error < 0.01 * abs(exact)
    assert float(found.std()) < 3


def test_its_gradient_has_none_either() -> None:
    """Of the mean over many rows in one weight of each layer, against the gradient of the determinant."""
    model, count = flow(0.6), 4000
    (x,) = rows(1)
    weight = model.get_parameter("Residual.mlp.0.weight")
    draws = []
    for seed in range(8):
        (slope,) = torch.autograd.grad(model.inverse(x.expand(count // 8, 17), seed=seed)[1].mean(), weight)
        draws.append(torch.stack([slope[k, 0, 0] for k in range(2)]))
    found = torch.stack(draws)

    step, slopes = 1e-5, []
    for layer in range(2):
        values = []
        for move in (step, -step):
            with torch.no_grad():
                weight[layer, 0, 0] += move
            values.append(exactly(model, x))
            with torch.no_grad():
                weight[layer, 0, 0] -= move
        slopes.append((values[0] - values[1]) / (2 * step))
    error = found.std(0) / math.sqrt(len(draws))
    assert bool(((found.mean(0) - torch.tensor(slopes)).abs() < 6 * error).all()), (found.mean(0), slopes, error)


def test_an_estimate_is_called_one_and_rows_are_alone() -> None:
    model = flow(0.6)
    assert model.capabilities["log_prob"] == "estimate"
    x = rows(40)
    torch.testing.assert_close(model.log_prob(x, seed=2)[:3], model.log_prob(x[:3], seed=2), rtol=0, atol=1e-12)
    assert not torch.equal(model.log_prob(x, seed=2), model.log_prob(x, seed=4))
    small = gencompiler.compile(SPEC.format(slope=0.6), D=EXACT_UP_TO)()
    assert small.capabilities["log_prob"] == "exact"
