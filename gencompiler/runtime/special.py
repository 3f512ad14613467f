"""Lambert's W, Wright's omega and the inverse of sinh, to a few units in the last place over their whole domains,
differentiable any number of times; the Bessel function I0 by its logarithm.

    W(x) exp(W(x)) = x,  x >= -1/e, W >= -1                ω(x) + log ω(x) = x,  ω(x) = W(exp(x))

Corless, Gonnet, Hare, Jeffrey & Knuth, On the Lambert W function, Advances in Computational Mathematics 5, 1996;
Lawrence, Corless & Jeffrey, Algorithm 917: the Wright omega function, ACM TOMS 38, 2012 (its iteration, of order 4)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

#: Where omega is exp(x) to rounding.
_LOW = -40.0

#: Where asinh(x) is log(2 x) to rounding.
_FAR = 1e9


def wright_omega(x: Tensor) -> Tensor:
    """The positive number with ω + log ω = x."""
    found: Tensor = _WrightOmega.apply(x)  # type: ignore[no-untyped-call]
    return found


def lambert_w(x: Tensor) -> Tensor:
    """The principal branch; not a number below -1/e."""
    found: Tensor = _LambertW.apply(x)  # type: ignore[no-untyped-call]
    return found


def log_bessel_i0(x: Tensor) -> Tensor:
    """log I0(x) = log(exp(-|x|) I0(x)) + |x|."""
    found: Tensor = torch.log(torch.special.i0e(x)) + x.abs()
    return found


def bessel_ratio(x: Tensor) -> Tensor:
    """I1(x) / I0(x), the derivative of log I0."""
    found: Tensor = torch.special.i1e(x) / torch.special.i0e(x)
    return found


def asinh(x: Tensor) -> Tensor:
    """The inverse of sinh; torch's own is computed number by number on the CPU, some forty times slower."""
    found: Tensor = _Asinh.apply(x)  # type: ignore[no-untyped-call]
    return found


class _Asinh(Function):
    """sign(x) log1p(a + a² / (1 + sqrt(1 + a²))) with a = |x|, without cancellation near 0 (Kahan, Branch cuts for
    complex elementary functions, 1987); log(2 a) where that is the same and a² might overflow."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        size = x.abs()
        near = torch.log1p(size + size * (size / (1 + torch.sqrt(1 + size * size))))
        return torch.copysign(torch.where(size < _FAR, near, torch.log(size) + math.log(2)), x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return gradients[0] / torch.sqrt(1 + x * x)


class _WrightOmega(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        far = x.clamp(min=2.0)
        near = torch.exp(x.clamp(_LOW, 2.0))
        w = torch.where(x > 2.0, far - torch.log(far), near / (1 + near))
        inside = x.clamp(min=_LOW)
        for _ in range(4):
            rest = inside - w - torch.log(w)
            one = 1 + w
            share, large = rest / one, one + rest * (2 / 3)  # divided by 1 + w, whose square would overflow
            w = w * (1 + share * (large - share / 2) / (large - share))
        grown = torch.exp(x.clamp(max=1.0)) * torch.exp(-w)  # below 1, w = exp(x) exp(-w) loses nothing
        w = torch.where(x < 1, w - (w - grown) / (1 + w), w)
        return torch.where(x < _LOW, torch.exp(x), torch.where(x == math.inf, x, w))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        w = wright_omega(ctx.saved_tensors[0])
        return gradients[0] * w / (1 + w)


class _LambertW(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        # 1 + e x, with what e loses in rounding added back
        above = torch.clamp(math.e * x + 1 + 1.4456468917292502e-16 * x, min=0.0)
        p = torch.sqrt(2 * above)
        branch = -1 + p * (1 + p * (-1 / 3 + p * (11 / 72 - p * (43 / 540))))
        log = torch.log1p(x.clamp(min=-0.3))
        middle = log * (1 - torch.log1p(log) / (2 + log))
        w = torch.where(x < -0.25, branch, middle)
        for _ in range(4):
            grown = torch.exp(w)
            rest = w * grown - x
            one = 1 + w
            safe = torch.where(one > 1e-3, one, torch.ones_like(one))
            step = rest / (grown * safe - (w + 2) * rest / (2 * safe))
            w = torch.where(one > 1e-3, w - step, w)  # beside the branch point its series is exact
        undefined = x < -1 / math.e - torch.finfo(x.dtype).eps
        w = torch.where(undefined, torch.full_like(x, math.nan), w)
        return torch.where(x == math.inf, x, w)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        w = lambert_w(ctx.saved_tensors[0])
        return gradients[0] * torch.exp(-w) / (1 + w)
