"""Quantiles against their distribution functions, and their implicit gradients against differences of quantiles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from flint import arb
from scipy import special, stats
from torch import Tensor

from gencompiler.runtime.quantiles import log_gamma_quantile, poisson_quantile, von_mises_quantile
from gencompiler.runtime.special import bessel_ratio, log_bessel_i0

#: Uniform numbers as the streams have them, the outermost included.
SHARES = torch.tensor((2.0**-25, 1e-4, 0.01, 0.2, 0.4999, 0.6, 0.9, 0.999, 1 - 2.0**-25), dtype=torch.float64)


def grid(low: float, high: float, count: int = 30) -> tuple[Tensor, Tensor]:
    parameters = torch.tensor(np.geomspace(low, high, count))
    return tuple(torch.meshgrid(parameters, SHARES, indexing="ij"))  # type: ignore[return-value]


def missed(found: Tensor, u: Tensor) -> float:
    """How far a distribution function at a quantile is from the number it is the quantile of, relative to the smaller
    of the two tails."""
    return float(((found - u).abs() / torch.minimum(u, 1 - u)).max())


def test_gamma_quantiles() -> None:
    a, u = grid(1e-3, 1e5)
    y = log_gamma_quantile(a, u)
    assert torch.isfinite(y).all()
    known = y > -600
    assert missed(torch.special.gammainc(a, torch.exp(y))[known], u[known]) < 1e-7
    tiny = y < -40  # P(a, x) = x^a / (a Γ(a)) there
    torch.testing.assert_close((a * y - torch.lgamma(a + 1))[tiny], torch.log(u)[tiny], rtol=1e-12, atol=0)


def test_von_mises_quantiles() -> None:
    k, u = grid(1e-3, 40)
    t = von_mises_quantile(k, u)
    assert (t.abs() < np.pi).all()
    places, weights = np.polynomial.legendre.leggauss(400)
    at = 0.5 * (t.numpy()[..., None] + np.pi) * (places + 1) - np.pi
    density = np.exp(k.numpy()[..., None] * (np.cos(at) - 1)) / (2 * np.pi * special.i0e(k.numpy()))[..., None]
    share = (density * weights).sum(-1) * 0.5 * (t.numpy() + np.pi)
    assert missed(torch.tensor(share), u) < 1e-5  # the sum of the reference is rounded
    large = torch.full_like(u, 1e8)  # a normal variable of variance 1 / k, to the order of 1 / k
    torch.testing.assert_close(von_mises_quantile(large, u) * 1e4, torch.special.ndtri(u), rtol=1e-6, atol=1e-12)


def test_poisson_quantiles() -> None:
    rate, u = grid(1e-3, 1e6, 60)
    assert np.array_equal(poisson_quantile(rate, u).numpy(), stats.poisson.ppf(u.numpy(), rate.numpy()))


@pytest.mark.parametrize("quantile", [log_gamma_quantile, von_mises_quantile], ids=lambda q: q.__name__)
def test_gradients_are_slopes(quantile: Callable[[Tensor, Tensor], Tensor]) -> None:
    a, u = grid(0.05, 300, 12)
    a.requires_grad_()
    u = u.clone().requires_grad_()
    by_parameter, by_share = torch.autograd.grad(quantile(a, u).sum(), (a, u))
    with torch.no_grad():
        step = 1e-4 * a
        slope = (quantile(a + step, u) - quantile(a - step, u)) / (2 * step)
        inside = 1e-5 * torch.minimum(u, 1 - u)
        other = (quantile(a, u + inside) - quantile(a, u - inside)) / (2 * inside)
    torch.testing.assert_close(by_parameter, slope, rtol=2e-5, atol=5e-7)
    within = (u > 1e-3) & (u < 0.9999)  # beyond, the difference of two numbers near 1 has few digits
    torch.testing.assert_close(by_share[within], other[within], rtol=2e-5, atol=1e-9)


def test_quantiles_in_single_precision_are_rounded_ones() -> None:
    a, u = grid(0.1, 100)
    single = log_gamma_quantile(a.float(), u.float())
    torch.testing.assert_close(single, log_gamma_quantile(a.float().double(), u.float().double()).float())


def test_the_logarithm_of_the_bessel_function() -> None:
    x = torch.tensor((0.0, 1e-6, 0.5, 3.0, 40.0, 900.0), dtype=torch.float64)
    exact = [float(arb(float(v)).bessel_i(arb(0)).log()) for v in x]
    torch.testing.assert_close(log_bessel_i0(x), torch.tensor(exact, dtype=torch.float64), rtol=1e-12, atol=1e-15)
    x.requires_grad_()
    (slope,) = torch.autograd.grad(log_bessel_i0(x).sum(), x)
    torch.testing.assert_close(slope, bessel_ratio(x.detach()), rtol=1e-9, atol=1e-12)
