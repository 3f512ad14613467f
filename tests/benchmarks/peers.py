"""Flows of the prelude and of the specs at the weights of other libraries: equal values, equal log|det|.

    python -m tests.benchmarks peers

Each row is one map in double precision, its parameters moved away from where they start: the largest difference of what a
point is mapped to, and of log|det| there. It needs `pip install nflows pyro-ppl`.

Pyro's Sylvester flow is no peer: its matrices meet in another order than in the paper, and what it gives as log|det| is not
that of its map (0.83 where the Jacobian has 0.93, at random weights; pyro 1.9). Ours is compared with its Jacobian in
tests/families/test_closed_flows.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import nflows.transforms
import pyro
import pyro.distributions.transforms as pyro_transforms
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import gencompiler
from gencompiler.runtime.modules import Model
from tests.benchmarks.timing import options, say

D, ROWS = 4, 200
Passed = tuple[Tensor, Tensor]

MODEL = """
bijection Additive(u : Real[D] | H = 8) -> Real[D] = join(a, b + mlp(a, hidden = [H, H])) where {{ a, b = split(u) }}
bijection IAF(u : Real[D] | H = 16) -> Real[D] = for i: g * u[i] + (1 - g) * m
  where {{ m, s = mlp(u[<i], hidden = [H], activation = tanh)   g = sigmoid(s + 2) }}
model M(D = 4) {{
  observed x : Real[D]
  latent   z : Real[D]
  p(z) = Normal(0, 1)
  z = x |> {stages}
}}
"""


def ours(stages: str) -> Model:
    """The map from x to z, in double precision, its parameters moved."""
    model: Model = gencompiler.compile(MODEL.format(stages=stages))().double()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.7 * torch.randn(parameter.shape, generator=generator).double())
    return model


def undo_softplus(value: Tensor) -> Tensor:
    return value + torch.log(-torch.expm1(-value))


@torch.no_grad()
def radial(model: Model) -> Callable[[Tensor], Passed]:
    peer = pyro_transforms.Radial(D).double()
    a, b = model.value("Radial.a"), model.value("Radial.b")
    peer.x0.copy_(model.value("Radial.c"))
    peer.alpha_prime.copy_(undo_softplus(a))
    peer.beta_prime.copy_(undo_softplus(b))  # beta = -alpha + softplus
    return _of_pyro(peer)


@torch.no_grad()
def householder(model: Model) -> Callable[[Tensor], Passed]:
    peer = pyro_transforms.Householder(D).double()
    peer.u_unnormed.copy_(model.value("Householder.Q").T)
    return _of_pyro(peer)


@torch.no_grad()
def iaf(model: Model) -> Callable[[Tensor], Passed]:
    return _of_pyro(pyro_transforms.AffineAutoregressive(Conditioner(model), stable=True))


class Conditioner(nn.Module):
    """m and s of every place, one place after the other: those at place i from u[<i] alone, the rest taken away."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, u: Tensor) -> Passed:
        hidden, weights = self.model.value("IAF.mlp.0.weight"), self.model
        places = weights.value("IAF.mlp.0.bias")
        degrees = torch.tensor([1 + k * (D - 1) // len(places) for k in range(len(places))])
        seen = torch.tanh(F.linear(u, hidden * (degrees[:, None] > torch.arange(D)), places))
        found = []
        for name in "ms":
            weight, bias = weights.value(f"IAF.mlp.{name}.weight"), weights.value(f"IAF.mlp.{name}.bias")
            found.append(F.linear(seen, weight * (torch.arange(D)[:, None] >= degrees), bias))
        return found[0], found[1]


def _of_pyro(peer: Any) -> Callable[[Tensor], Passed]:
    def passed(x: Tensor) -> Passed:
        y = peer(x)
        return y, peer.log_abs_det_jacobian(x, y)

    return passed


@torch.no_grad()
def additive(model: Model) -> Callable[[Tensor], Passed]:
    half = D // 2

    def network(inputs: int, outputs: int) -> nn.Module:
        return nn.Sequential(
            nn.Linear(inputs, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, outputs)
        ).double()

    def coupling(path: str) -> Any:
        def build(inputs: int, outputs: int) -> nn.Module:
            own = network(inputs, outputs)
            for layer, name in zip(own[::2], ("0", "1", "output"), strict=True):
                layer.weight.copy_(model.value(f"{path}.mlp.{name}.weight"))
                layer.bias.copy_(model.value(f"{path}.mlp.{name}.bias"))
            return Ignoring(own)

        return nflows.transforms.AdditiveCouplingTransform(mask, build)

    mask = torch.cat((-torch.ones(half), torch.ones(D - half)))
    turn = nflows.transforms.ReversePermutation(D)
    return nflows.transforms.CompositeTransform(  # type: ignore[no-any-return]
        [coupling("Additive"), turn, coupling("Additive_2"), turn]
    )


class Ignoring(nn.Module):
    """A network that is also passed a context."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        value: Tensor = self.network(x)
        return value


@torch.no_grad()
def lu(model: Model) -> Callable[[Tensor], Passed]:
    peer = nflows.transforms.LULinear(D, identity_init=False).double()
    for parameter in peer.parameters():
        parameter.copy_(torch.randn(parameter.shape).double())
    lower, upper = peer._create_lower_upper()
    for name, value in (("L", lower), ("U", upper), ("b", peer.bias)):
        model.assign(f"LU.{name}", value)
    return peer  # type: ignore[no-any-return]


PEERS: dict[str, tuple[str, Callable[[Model], Callable[[Tensor], Passed]]]] = {
    "NICE, nflows": ("Additive |> reverse |> Additive |> reverse", additive),
    "IAF, pyro": ("IAF", iaf),
    "radial, pyro": ("Radial", radial),
    "Householder, pyro": ("Householder", householder),
    "LU, nflows": ("LU", lu),
}


def differences() -> Iterator[tuple[str, float, float]]:
    """Of each map, the largest difference of values and of log|det|."""
    torch.manual_seed(0)
    for name, (stages, build) in PEERS.items():
        model = ours(stages)
        peer, x = build(model), 2 * torch.randn(ROWS, D).double()
        with torch.no_grad():
            (z, log_det), (y, theirs) = model.inverse(x), peer(x)  # type: ignore[operator]
        yield name, float((z - y).abs().max()), float((log_det - theirs).abs().max())


def main(arguments: list[str]) -> None:
    """Run the comparison."""
    options(__doc__ or "").parse_args(arguments)
    say(f"nflows, pyro {pyro.__version__}; D = {D}, {ROWS} points, float64")
    for name, values, log_dets in differences():
        say(f"{name:<20} differ by {values:.1e}, log|det| by {log_dets:.1e}")
