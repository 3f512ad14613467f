"""How a learned tensor of a declared support is stored, and what it starts as.

A parameter is stored unconstrained, so that any optimizer may move it anywhere; `constrain` maps storage to a value of
the support, smoothly and onto its interior (of a closed one too), and `unconstrain` back.  Raw zero is the default
start: 1 for Positive, 1/2 for Unit, the middle of an interval, the uniform vector for Simplex.
"""

from __future__ import annotations

import functools
import keyword
import math
import re
import zlib
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gencompiler.runtime import random
from gencompiler.runtime.fields import Support

#: softplus(_SHIFT) = 1
_SHIFT = math.log(math.expm1(1))

#: The random stream of initial values, apart from every stream of a model's draws (those are numbered from 0).
INITIAL_STREAM = 0x7FFF_FFF0


def positive(raw: Tensor) -> Tensor:
    """softplus(raw + log(e - 1)) > 0, with 0 -> 1; never underflows to 0."""
    return F.softplus(raw + _SHIFT, threshold=80) + torch.finfo(raw.dtype).tiny


def unit(raw: Tensor) -> Tensor:
    """sigmoid(raw), kept inside (0, 1) where it would round to an end."""
    margin = 0.5 * torch.finfo(raw.dtype).eps
    return margin + (1 - 2 * margin) * torch.sigmoid(raw)


def constrain(raw: Tensor, support: Support) -> Tensor:
    """The value of `support` that unconstrained storage `raw` stands for, of the same shape."""
    name = support.name
    if name == "Real":
        return raw
    if name in ("Positive", "NonNegative"):
        return positive(raw)
    if name == "Unit":
        return unit(raw)
    if name in ("Open", "Interval"):
        return _open(raw, *support.arguments)
    if name == "Simplex":
        return torch.softmax(raw, dim=-1)
    if name == "Lower":
        return _triangular(raw)
    if name == "Upper":
        return _triangular(raw.mT).mT
    if name == "Orthogonal":
        return _orthogonal(raw)
    if name == "Invertible":
        return _invertible(raw)
    raise ValueError(f"no storage for parameters of support {support}")


def unconstrain(value: Tensor, support: Support) -> Tensor:
    """Storage that `constrain` maps to `value`."""
    name = support.name
    if name in ("Positive", "NonNegative"):
        return value + torch.log(-torch.expm1(-value)) - _SHIFT
    if name == "Unit":
        return torch.logit(value)
    if name in ("Open", "Interval"):
        lower, upper = support.arguments
        if math.isfinite(lower) and math.isfinite(upper):
            return torch.logit((value - lower) / (upper - lower))
        if math.isfinite(lower):
            return unconstrain(value - lower, Support("Positive"))
        if math.isfinite(upper):
            return unconstrain(upper - value, Support("Positive"))
        return value
    if name == "Simplex":
        return torch.log(value)
    if name in ("Lower", "Upper"):
        diagonal = torch.diagonal(value, dim1=-2, dim2=-1)
        return value + torch.diag_embed(unconstrain(diagonal, Support("Positive")) - diagonal)
    if name == "Invertible":
        return _factors(value)
    if name in ("Real", "Orthogonal"):
        return value
    raise ValueError(f"no storage for parameters of support {support}")


def _open(raw: Tensor, lower: float, upper: float) -> Tensor:
    if math.isfinite(lower) and math.isfinite(upper):
        return lower + (upper - lower) * unit(raw)
    if math.isfinite(lower):
        return lower + positive(raw)
    if math.isfinite(upper):
        return upper - positive(raw)
    return raw


def _orthogonal(raw: Tensor) -> Tensor:
    """The orthogonal factor of raw, with the sign that makes it continuous: orthonormal columns, or rows where wide."""
    if raw.shape[-2] < raw.shape[-1]:
        return _orthogonal(raw.mT).mT
    q, r = torch.linalg.qr(raw)
    signs = torch.where(torch.diagonal(r, dim1=-2, dim2=-1) < 0, -1.0, 1.0).to(q)
    return torch.mul(q, signs.unsqueeze(-2))


def _triangular(raw: Tensor) -> Tensor:
    """Lower triangular, with a positive diagonal: the identity for raw zero."""
    return torch.tril(raw, -1) + torch.diag_embed(positive(torch.diagonal(raw, dim1=-2, dim2=-1)))


def _invertible(raw: Tensor) -> Tensor:
    """Q L U with a fixed orthogonal Q, L lower triangular with ones on its diagonal, U upper triangular with a positive
    one: det is never 0.  Raw zero is Q.  Kingma & Dhariwal, Glow, 2018, section 3.2, with a rotation for a permutation.
    """
    lower = torch.tril(raw, -1) + torch.eye(raw.shape[-1], dtype=raw.dtype, device=raw.device)
    return _rotation(raw) @ lower @ _triangular(raw.mT).mT


def _factors(value: Tensor) -> Tensor:
    """Storage of an invertible matrix W for which Qᵀ W = L U without exchanging rows, the diagonal of U positive."""
    factors = _rotation(value).mT @ value
    for k in range(value.shape[-1] - 1):
        column = factors[..., k + 1 :, k : k + 1] / factors[..., k : k + 1, k : k + 1]
        rest = factors[..., k + 1 :, k + 1 :] - column * factors[..., k : k + 1, k + 1 :]
        below = torch.cat((column, rest), -1)
        factors = torch.cat((factors[..., : k + 1, :], torch.cat((factors[..., k + 1 :, :k], below), -1)), -2)
    return torch.tril(factors, -1) + unconstrain(torch.triu(factors), Support("Upper"))


def _rotation(like: Tensor) -> Tensor:
    """An orthogonal matrix for each matrix of a stack, a function of its shape alone."""
    return _rotations(tuple(like.shape)).to(like)


@functools.lru_cache(maxsize=64)
def _rotations(shape: tuple[int, ...]) -> Tensor:
    numbers = random.normal(0, torch.tensor([len(shape)]), 0, INITIAL_STREAM, math.prod(shape))
    return _orthogonal(numbers.reshape(*shape).double())


#: A random start, as the spec writes it.
_DRAWN = re.compile(r"(Normal|Uniform)\((\S+), (\S+)\)")


def _random(drawn: re.Match[str], path: str, shape: Sequence[int], support: Support, seed: int) -> Tensor:
    first, second = float(drawn[2]), float(drawn[3])
    key, count = torch.tensor([zlib.crc32(path.encode())]), math.prod(shape)
    if drawn[1] == "Normal":
        value = first + second * random.normal(seed, key, 0, INITIAL_STREAM, count)
    else:
        value = first + (second - first) * random.uniform(seed, key, 0, INITIAL_STREAM, count)
    return unconstrain(value.double().reshape(*shape), support).float()


def initial(
    path: str, shape: Sequence[int], rank: int, support: Support, *, start: str | float = "default", seed: int = 0
) -> Tensor:
    """Initial storage, float32, a function of `seed` and `path` alone.

    `rank` counts the axes of one parameter, without those of iterations and lifting.  `start` is "default", "zeros",
    a constant value, or a distribution, "Normal(0.0, 0.01)".

    Default: Uniform(-a, a) with a = 1/sqrt(last axis) at rank 2 and above, else raw zero, which is
    the uniform vector of a simplex; the rows of a table must differ, or its states would learn alike.  Orthogonal
    matrices are random, invertible ones start orthogonal."""
    if isinstance(start, (int, float)):
        return unconstrain(torch.full(tuple(shape), float(start), dtype=torch.float64), support).float()
    if drawn := _DRAWN.fullmatch(start):
        return _random(drawn, path, shape, support, seed)
    if start == "zeros" or support.name == "Invertible" or rank < 2:
        return torch.zeros(tuple(shape))
    count = math.prod(shape)
    key = torch.tensor([zlib.crc32(path.encode())])
    if support.name == "Orthogonal":
        return _orthogonal(random.normal(seed, key, 0, INITIAL_STREAM, count).reshape(*shape)).float()
    uniform = random.uniform(seed, key, 0, INITIAL_STREAM, count).reshape(*shape)
    return (2 * uniform - 1).float() / math.sqrt(shape[-1])


def free_name(holder: nn.Module, name: str) -> str:
    """`name`, with underscores after it when a module already has such an attribute or Python such a keyword."""
    while hasattr(holder, name) or keyword.iskeyword(name):
        name += "_"
    return name
