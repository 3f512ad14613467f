"""Quantiles of the gamma, the Poisson and the von Mises distribution: what samplers make of one uniform number.

    P(a, exp(y)) = u                    y = log_gamma_quantile(a, u),     P the regularized incomplete gamma function
    P(X <= k) >= u, the least k         k = poisson_quantile(rate, u),    P(X <= k) = 1 - P(k + 1, rate)
    P(X <= t) = u                       t = von_mises_quantile(k, u),     X of density exp(k cos t) / (2 pi I0(k))

A quantile is a function of its row's own number, so draws are reproducible row by row and smooth in `a`; its gradient
is implicit, dy/da = -(dP/da) / (dP/dy) (Figurnov, Mohamed & Mnih, Implicit reparameterization gradients, NeurIPS 2018,
eq. 5).  All are computed in double precision."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

#: Steps of Newton's method, from a start that is right to a few digits.
_STEPS = 8
#: Below, P(a, x) is its first term to double precision.
_TINY = -36.0
#: How many numbers to either side of the start are looked at.
_NEAR = 12


def log_gamma_quantile(a: Tensor | float, u: Tensor) -> Tensor:
    """The logarithm of the number below which a gamma variable of shape `a` and rate 1 is with probability `u`."""
    found: Tensor = _LogGammaQuantile.apply(*_together(a, u))  # type: ignore[no-untyped-call]
    return found


def poisson_quantile(rate: Tensor | float, u: Tensor) -> Tensor:
    """The least k >= 0 that a Poisson variable does not exceed with probability at least `u`."""
    mean, share = (t.detach().double() for t in _together(rate, u))
    z = torch.special.ndtri(share)
    root = torch.sqrt(mean)
    start = torch.floor(mean + root * z + (z * z - 1) / 6 - 0.5).clamp(min=0.0)  # Cornish & Fisher
    k = (start - _NEAR).clamp(min=0.0)
    for _ in range(2 * _NEAR):
        k = k + (torch.special.gammaincc(k + 1, mean) < share).double()
    return k.to(u.dtype)


def von_mises_quantile(k: Tensor | float, u: Tensor) -> Tensor:
    """The angle in (-pi, pi) below which a von Mises variable of mean 0 and concentration `k` is with probability
    `u`."""
    found: Tensor = _VonMisesQuantile.apply(*_together(k, u))  # type: ignore[no-untyped-call]
    return found


def _together(parameter: Tensor | float, u: Tensor) -> tuple[Tensor, Tensor]:
    """Both with one shape; a number of the spec becomes a tensor."""
    first = parameter if isinstance(parameter, Tensor) else torch.as_tensor(parameter, dtype=u.dtype, device=u.device)
    first, second = torch.broadcast_tensors(first, u)  # type: ignore[no-untyped-call]
    return first, second


class _LogGammaQuantile(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(a: Tensor, u: Tensor) -> Tensor:
        shape, share = a.double(), u.double()
        low = (torch.log(share) + torch.lgamma(shape + 1)) / shape  # where P is its first term
        z = torch.special.ndtri(share)
        cube = 1 - 1 / (9 * shape) + z / (3 * torch.sqrt(shape))  # Wilson & Hilferty
        y = torch.where((shape > 0.5) & (cube > 0.2), torch.log(shape) + 3 * torch.log(cube.clamp(min=0.2)), low)
        for _ in range(_STEPS):
            y = torch.minimum(y, torch.full_like(y, 700.0))
            gap, slope = _gap(shape, y, share)
            y = torch.where(y < _TINY, low, y - (gap / slope).clamp(-4.0, 4.0))
        return torch.where(low < _TINY, low, y).to(a.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs, output)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        a, u, y = (t.double() for t in ctx.saved_tensors)
        step = 6e-6 * a
        above, slope = _gap(a + step, y, u)
        below, _ = _gap(a - step, y, u)
        _, slope = _gap(a, y, u)
        by_shape = -(above - below) / (2 * step) / slope
        by_shape = torch.where(y < _TINY, (torch.digamma(a + 1) - y) / a, by_shape)
        by_share = torch.exp(torch.lgamma(a) - a * y + torch.exp(y))
        return (gradients[0] * by_shape).to(gradients[0].dtype), (gradients[0] * by_share).to(gradients[0].dtype)


def _gap(a: Tensor, y: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """log P(a, exp(y)) - log u and its slope in y; above the median log(1 - u) - log(1 - P): both concave or convex, so
    that Newton's method converges from anywhere."""
    x = torch.exp(y.clamp(min=_TINY))
    density = torch.exp(a * y - x - torch.lgamma(a))
    lower, upper = torch.special.gammainc(a, x), torch.special.gammaincc(a, x)
    tiny = torch.finfo(torch.float64).tiny
    first = a * y - torch.lgamma(a + 1) - x  # where P underflows
    below = torch.where(lower > 1e-290, torch.log(lower.clamp(min=tiny)), first) - torch.log(u)
    above = torch.log1p(-u) - torch.log(upper.clamp(min=tiny))
    near = u <= 0.5
    falling = torch.where(lower > 1e-290, density / lower.clamp(min=tiny), a)
    slope = torch.where(near, falling, density / upper.clamp(min=tiny))
    return torch.where(near, below, above), slope.clamp(min=1e-12)


#: Nodes of the quadrature of a von Mises density, over at most this many standard deviations, and Newton's steps.
_NODES, _REACH, _TURNS = 48, 10.0, 12


class _VonMisesQuantile(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(k: Tensor, u: Tensor) -> Tensor:
        concentration, share = k.double(), u.double()
        beyond = (share - 0.5).abs()
        normal = torch.special.ndtri(0.5 + beyond) / torch.sqrt(concentration)
        t = torch.minimum(normal, 2 * math.pi * beyond).clamp(0.0, math.pi)
        for _ in range(_TURNS):  # the distribution function is concave there, so this converges from anywhere
            within, density = _within(concentration, t)
            t = (t + ((beyond - within) / density).clamp(-1.0, 1.0)).clamp(0.0, math.pi)
        return (t * torch.sign(share - 0.5)).to(k.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs, output)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        k, _, t = (v.double() for v in ctx.saved_tensors)
        step = 6e-6 * k.clamp(min=1e-3)
        above, below = _within(k + step, t.abs())[0], _within(k - step, t.abs())[0]
        _, density = _within(k, t.abs())
        by_concentration = -torch.sign(t) * (above - below) / (2 * step) / density
        return (gradients[0] * by_concentration).to(gradients[0].dtype), (gradients[0] / density).to(gradients[0].dtype)


def _within(k: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """The probability of an angle between 0 and t >= 0, and the density at t."""
    places, weights = _rule(t.device)
    reach = torch.minimum(t, _REACH / torch.sqrt(k))[..., None]
    at = torch.exp(-2 * k[..., None] * torch.sin(0.5 * reach * places) ** 2)
    total = 2 * math.pi * torch.special.i0e(k)
    return (at * weights).sum(-1) * reach[..., 0] / total, torch.exp(-2 * k * torch.sin(0.5 * t) ** 2) / total


@functools.cache
def _rule(device: torch.device) -> tuple[Tensor, Tensor]:
    """Gauss and Legendre's nodes and weights on (0, 1)."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return torch.tensor(0.5 * (nodes + 1), device=device), torch.tensor(0.5 * weights, device=device)
