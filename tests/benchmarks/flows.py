"""RealNVP, coupling splines and masked autoregressive flows against zuko, nflows and normflows, at equal weights.

    python -m tests.benchmarks flows

It needs `pip install zuko nflows normflows`, which nothing else here does.  Both sides are checked to give the same densities and
samples first.  Peers are put together from their public parts; where their elementwise formula is another one
(nflows bounds a scale by softplus), the method that they leave to subclasses gives ours.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nflows.distributions
import nflows.flows
import nflows.transforms
import normflows
import torch
import zuko
from nflows.nn.nets import MLP
from torch import Tensor, nn
from torch.distributions import AffineTransform, Transform
from zuko.lazy import UnconditionalDistribution, UnconditionalTransform

import gencompiler
from gencompiler.runtime import causal
from gencompiler.runtime.modules import Model
from gencompiler.testing.strategies import Perturbation
from tests.benchmarks.realnvp import bounded_affine
from tests.benchmarks.timing import compare, machine, options, say, threads, training_step

SPECS = Path(__file__).parents[2] / "specs" / "bijections"

#: The couplings of specs/bijections/realnvp.gen on continuous data, without its warp.
REALNVP = """
bijection AffineCoupling(u : Real[D] | H = 64) -> Real[D] =
  join(a, b * exp(tanh(s)) + t)
  where { a, b = split(u)   s, t = mlp(a, hidden = [H, H]) }
model RealNVP64(D = 64) {
  observed x : Real[D]
  latent   z : Real[D]
  p(z) = Normal(0, 1)
  x = z |> repeat(8) { AffineCoupling |> reverse }
  train maximum_likelihood with { data = moons }
}
"""

#: The flow of specs/bijections/maf.gen in 64 dimensions.
MAF = """
bijection MAF(u : Real[D] | H = 64) -> Real[D] =
  for i: (u[i] - m) * exp(-s)
  where { m, s = mlp(u[<i], hidden = [H, H], activation = tanh) }
model MAF64(D = 64) {
  observed x : Real[D]
  latent   z : Real[D]
  p(z) = Normal(0, 1)
  z = x |> repeat(5) { MAF |> reverse }
  train maximum_likelihood with { data = moons }
}
"""


def shift_and_scale(m: Tensor, s: Tensor) -> Transform:
    """Data to latent: (x - m) exp(-s)."""
    scale = torch.exp(-s)
    return AffineTransform(-m * scale, scale)


# -- zuko ------------------------------------------------------------------------------------------------------------


def _zuko(size: int, parts: list[Any]) -> zuko.flows.Flow:
    base = UnconditionalDistribution(zuko.distributions.DiagNormal, torch.zeros(size), torch.ones(size), buffer=True)
    return zuko.flows.Flow(parts, base)


def _reversal(size: int) -> Any:
    order = torch.arange(size - 1, -1, -1)
    return UnconditionalTransform(zuko.transforms.PermutationTransform, order, buffer=True)


@torch.no_grad()
def zuko_realnvp(model: Model, size: int = 64, layers: int = 8, hidden: int = 64) -> zuko.flows.Flow:
    """The couplings in zuko, data to latent: ours undone, last to first."""
    ours, parts = model.state_dict(), []
    for k in reversed(range(layers)):
        mask = torch.arange(size) < size // 2
        coupling = zuko.flows.GeneralCouplingTransform(
            size, mask=mask, univariate=bounded_affine, shapes=((), ()), hidden_features=(hidden, hidden)
        )
        linear = [layer for layer in coupling.hyper if hasattr(layer, "weight")]
        _interleaved(ours, "AffineCoupling.mlp", "st", linear, k)
        parts += [_reversal(size), coupling]
    return _zuko(size, parts)


@torch.no_grad()
def zuko_maf(model: Model, size: int = 64, layers: int = 5, hidden: int = 64) -> zuko.flows.Flow:
    """The masked flow in zuko, whose masks become ours: it spreads degrees over the units in another order."""
    ours, parts = model.state_dict(), []
    for k in range(layers):
        part = zuko.flows.MaskedAutoregressiveTransform(
            size,
            univariate=shift_and_scale,
            shapes=((), ()),
            hidden_features=(hidden, hidden),
            activation=nn.Tanh,
        )
        linear = [layer for layer in part.hyper if hasattr(layer, "weight")]
        _interleaved(ours, "MAF.mlp", "ms", linear, k)
        for layer, mask in zip(linear, _masks(size, hidden), strict=True):
            layer.mask.copy_(mask)
        parts += [part, _reversal(size)]
    return _zuko(size, parts)


def _interleaved(ours: dict[str, Tensor], path: str, outputs: str, linear: list[Any], k: int) -> None:
    """The weights of layer `k` for a network whose last layer gives its outputs place by place."""
    for layer, name in zip(linear, "01", strict=False):
        layer.weight.copy_(ours[f"{path}.{name}.weight"][k])
        layer.bias.copy_(ours[f"{path}.{name}.bias"][k])
    for offset, name in enumerate(outputs):
        linear[-1].weight[offset :: len(outputs)].copy_(ours[f"{path}.{name}.weight"][k])
        linear[-1].bias[offset :: len(outputs)].copy_(ours[f"{path}.{name}.bias"][k])


def _masks(size: int, hidden: int) -> list[Tensor]:
    """Of the three layers of the masked network, two outputs for each place."""
    degrees = ((size, 1, 1, 1),), ((hidden, 1, size - 1, hidden),), ((2 * size, 0, 1, 2),)
    pairs = ((degrees[1], degrees[0]), (degrees[1], degrees[1]), (degrees[2], degrees[1]))
    return [causal.mask(above, below, torch.float32, torch.device("cpu")) for above, below in pairs]


# -- nflows ----------------------------------------------------------------------------------------------------------


class BoundedCoupling(nflows.transforms.AffineCouplingTransform):
    """u exp(tanh s) + t."""

    def _scale_and_shift(self, transform_params: Tensor) -> tuple[Tensor, Tensor]:
        size = self.num_transform_features
        return torch.exp(torch.tanh(transform_params[:, size:])), transform_params[:, :size]


class PlainMasked(nflows.transforms.MaskedAffineAutoregressiveTransform):
    """(x - m) exp(-s)."""

    def _elementwise_forward(self, inputs: Tensor, autoregressive_params: Tensor) -> tuple[Tensor, Tensor]:
        s, m = self._unconstrained_scale_and_shift(autoregressive_params)
        return (inputs - m) * torch.exp(-s), -s.sum(-1)

    def _elementwise_inverse(self, inputs: Tensor, autoregressive_params: Tensor) -> tuple[Tensor, Tensor]:
        s, m = self._unconstrained_scale_and_shift(autoregressive_params)
        return inputs * torch.exp(s) + m, s.sum(-1)


def _nflows(size: int, parts: list[Any]) -> nflows.flows.Flow:
    base = nflows.distributions.StandardNormal([size])
    return nflows.flows.Flow(nflows.transforms.CompositeTransform(parts), base)


def _network(hidden: int) -> Callable[[int, int], nn.Module]:
    class Network(MLP):
        def forward(self, inputs: Tensor, context: object = None) -> Tensor:
            result: Tensor = super().forward(inputs)
            return result

    return lambda given, made: Network((given,), (made,), [hidden, hidden])


@torch.no_grad()
def nflows_realnvp(model: Model, size: int = 64, layers: int = 8, hidden: int = 64) -> nflows.flows.Flow:
    """The couplings in nflows, data to latent."""
    ours, parts, mask = model.state_dict(), [], (torch.arange(size) >= size // 2).int()
    for k in reversed(range(layers)):
        coupling = BoundedCoupling(mask, _network(hidden))
        _stacked(ours, "AffineCoupling.mlp", coupling.transform_net, k, ["t", "s"])
        reversal = nflows.transforms.ReversePermutation(size)
        parts += [reversal, nflows.transforms.InverseTransform(coupling)]
    return _nflows(size, parts)


@torch.no_grad()
def nflows_spline(model: Model, size: int = 2, layers: int = 4, hidden: int = 32, bins: int = 8) -> nflows.flows.Flow:
    """Coupling splines in nflows, whose formula is that of the same paper."""
    ours, parts, mask = model.state_dict(), [], torch.tensor([0, 1])
    for k in reversed(range(layers)):
        coupling = nflows.transforms.PiecewiseRationalQuadraticCouplingTransform(
            mask, _network(hidden), num_bins=bins, tails="linear", tail_bound=3.0
        )
        _stacked(ours, "SplineCoupling.mlp", coupling.transform_net, k, ["w", "h", "d"])
        parts += [nflows.transforms.ReversePermutation(size), nflows.transforms.InverseTransform(coupling)]
    return _nflows(size, parts)


def _stacked(ours: dict[str, Tensor], path: str, net: Any, k: int, outputs: list[str]) -> None:
    """The weights of layer `k` for a network whose last layer gives one output after the other."""
    for kind in ("weight", "bias"):
        getattr(net._input_layer, kind).copy_(ours[f"{path}.0.{kind}"][k])
        getattr(net._hidden_layers[0], kind).copy_(ours[f"{path}.1.{kind}"][k])
        last = torch.cat([ours[f"{path}.{name}.{kind}"][k] for name in outputs])
        getattr(net._output_layer, kind).copy_(last)


@torch.no_grad()
def nflows_maf(model: Model, size: int = 64, layers: int = 5, hidden: int = 64) -> nflows.flows.Flow:
    """The masked flow in nflows, whose masks become ours."""
    ours, parts = model.state_dict(), []
    for k in range(layers):
        part = PlainMasked(size, hidden, num_blocks=1, use_residual_blocks=False, activation=torch.tanh)
        made = part.autoregressive_net
        linear = [made.initial_layer, made.blocks[0].linear, made.final_layer]
        _interleaved(ours, "MAF.mlp", "sm", linear, k)
        for layer, mask in zip(linear, _masks(size, hidden), strict=True):
            layer.mask.copy_(mask)
        parts += [part, nflows.transforms.ReversePermutation(size)]
    return _nflows(size, parts)


# -- normflows -------------------------------------------------------------------------------------------------------


class BoundedScales(nn.Module):
    """Shifts and tanh of scales, as the couplings of normflows take them, one after the other."""

    def forward(self, outputs: Tensor) -> Tensor:
        shift, scale = outputs[:, 0::2], outputs[:, 1::2]
        return torch.stack((shift, torch.tanh(scale)), 2).flatten(1)


class NormflowsMasked(normflows.flows.MaskedAffineAutoregressive):  # type: ignore[misc]
    """(x - m) exp(-s)."""

    def _elementwise_forward(self, inputs: Tensor, autoregressive_params: Tensor) -> tuple[Tensor, Tensor]:
        s, m = self._unconstrained_scale_and_shift(autoregressive_params)
        return (inputs - m) * torch.exp(-s), -s.sum(-1)

    def _elementwise_inverse(self, inputs: Tensor, autoregressive_params: Tensor) -> tuple[Tensor, Tensor]:
        s, m = self._unconstrained_scale_and_shift(autoregressive_params)
        return inputs * torch.exp(s) + m, s.sum(-1)


def _normflows(size: int, parts: list[Any]) -> normflows.NormalizingFlow:
    return normflows.NormalizingFlow(normflows.distributions.DiagGaussian(size, trainable=False), parts)


def _swapped(size: int) -> Any:
    """The reversal of all elements."""
    part = normflows.flows.Permute(size, mode="shuffle")
    for order in (part.perm, part.inv_perm):
        order.copy_(torch.arange(size - 1, -1, -1))
    return part


@torch.no_grad()
def normflows_realnvp(model: Model, size: int = 64, layers: int = 8, hidden: int = 64) -> normflows.NormalizingFlow:
    """The couplings in normflows, latent to data."""
    ours, parts = model.state_dict(), []
    for k in range(layers):
        net = normflows.nets.MLP([size // 2, hidden, hidden, size])
        linear = [layer for layer in net.net if hasattr(layer, "weight")]
        _interleaved(ours, "AffineCoupling.mlp", "ts", linear, k)
        parts += [normflows.flows.AffineCouplingBlock(nn.Sequential(net, BoundedScales())), _swapped(size)]
    return _normflows(size, parts)


@torch.no_grad()
def normflows_maf(model: Model, size: int = 64, layers: int = 5, hidden: int = 64) -> normflows.NormalizingFlow:
    """The masked flow in normflows, latent to data, whose masks become ours; its network has no nonlinearity after the
    first layer, and gets one."""
    ours, parts = model.state_dict(), []
    for k in reversed(range(layers)):
        part = NormflowsMasked(size, hidden, num_blocks=1, use_residual_blocks=False, activation=torch.tanh)
        made = part.autoregressive_net
        linear = [made.initial_layer, made.blocks[0].linear, made.final_layer]
        _interleaved(ours, "MAF.mlp", "sm", linear, k)
        for layer, mask in zip(linear, _masks(size, hidden), strict=True):
            layer.mask.copy_(mask)
        made.initial_layer = nn.Sequential(made.initial_layer, nn.Tanh())
        parts += [_swapped(size), normflows.flows.Reverse(part)]
    return _normflows(size, parts)


# -- both ------------------------------------------------------------------------------------------------------------


@torch.no_grad()
def check_equal(model: Model, peer: Any, size: int) -> None:
    """Raise AssertionError unless both give the same densities, and draw the same from the same noise."""
    z = torch.randn(100, size, generator=torch.Generator().manual_seed(1))
    x = model.forward(z)[0]
    distribution = peer() if isinstance(peer, zuko.flows.Flow) else peer
    match peer:
        case zuko.flows.Flow():
            theirs = distribution.transform.inv(z)
        case normflows.NormalizingFlow():
            theirs = peer(z)
        case _:
            theirs = peer._transform.inverse(z)[0]
    density = float((model.log_prob(x) - distribution.log_prob(x)).abs().max())
    drawn = float(((x - theirs).abs() / (1 + x.abs())).max())
    say(
        f"{type(model).__name__} and {type(peer).__module__.split('.')[0]}: log p differs by {density:.1e}, x by {drawn:.1e}"
    )
    if not (density < 1e-2 and drawn < 1e-3):
        raise AssertionError("the two flows are not the same")


def flows() -> list[tuple[str, Model, dict[str, Any], int]]:
    """Name, model, peers by name, size."""
    realnvp = Perturbation(0.1, 0).apply(gencompiler.compile(REALNVP)())
    spline = Perturbation(0.3, 0).apply(gencompiler.compile(SPECS / "spline.gen")())
    maf = Perturbation(0.1, 0).apply(gencompiler.compile(MAF)())
    couplings = {"zuko": zuko_realnvp, "nflows": nflows_realnvp, "normflows": normflows_realnvp}
    masked = {"zuko": zuko_maf, "nflows": nflows_maf, "normflows": normflows_maf}
    return [
        ("RealNVP-64", realnvp, {name: made(realnvp) for name, made in couplings.items()}, 64),
        ("spline flow, D = 2", spline, {"nflows": nflows_spline(spline)}, 2),
        ("MAF-64", maf, {name: made(maf) for name, made in masked.items()}, 64),
    ]


#: Goals of RealNVP and splines by flow, what is timed, peer and rows.
GOALS = {
    ("RealNVP-64", "log_prob", 512): 2.0,
    ("RealNVP-64", "log_prob", 8192): 1.7,
    ("RealNVP-64", "sample", 512): 2.0,
    ("RealNVP-64", "sample", 8192): 1.7,
    ("RealNVP-64", "training step", 512): 1.5,
    ("spline flow, D = 2", "log_prob", 512): 2.5,
    ("spline flow, D = 2", "sample", 512): 2.5,
    ("spline flow, D = 2", "training step", 512): 2.5,
}


def measure(name: str, model: Model, peer: Any, against: str, size: int, rows: int, rounds: int) -> None:
    """Density, sampling and a training step."""
    x = torch.randn(rows, size)
    called = peer if against == "zuko" else (lambda: peer)
    draw = (lambda: peer().sample((rows,))) if against == "zuko" else (lambda: peer.sample(rows))
    work: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "log_prob": (functools.partial(model.log_prob, x), lambda: called().log_prob(x)),
        "sample": (functools.partial(model.sample, rows), draw),
        "training step": (
            training_step(model, lambda: model.loss(x)),
            training_step(peer, lambda: -called().log_prob(x).mean()),
        ),
    }
    for what, (ours, theirs) in work.items():
        goal = GOALS.get((name, what, rows), 0.0) if against != "normflows" else 0.0
        if name == "MAF-64" and what == "sample":
            goal = {"zuko": 8.0, "nflows": 20.0}.get(against, 0.0)
        if what == "training step" and rows > 1000:
            continue
        with torch.set_grad_enabled(what == "training step"):
            label = f"{name}: {what}, {rows} rows"
            say(compare(label, ours, theirs, rounds, against=against, goal=goal))


def main(arguments: list[str]) -> None:
    """Run the benchmark with command-line arguments."""
    parser = options(__doc__ or "")
    parser.add_argument("--rows", type=int, nargs="+", default=[512, 8192], help="rows at once")
    chosen = parser.parse_args(arguments)
    say(machine())
    found = flows()
    for _, model, peers, size in found:
        for peer in peers.values():
            check_equal(model, peer, size)
    for count in chosen.threads:
        with threads(count):
            say(f"-- {count} thread{'s' * (count > 1)}")
            for name, model, peers, size in found:
                for against, peer in peers.items():
                    for rows in chosen.rows if name == "RealNVP-64" else chosen.rows[:1]:
                        measure(name, model, peer, against, size, rows, chosen.rounds)
