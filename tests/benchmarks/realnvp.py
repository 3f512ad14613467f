"""RealNVP of specs/bijections/realnvp.gen against the same flow in zuko: densities, times, bits per dimension.

    python -m tests.benchmarks realnvp              densities and times
    python -m tests.benchmarks realnvp --train 3    and three training runs each at equal budget (minutes each)

It needs `pip install zuko`, which nothing else here does.  zuko's side uses its public parts only:
`GeneralCouplingTransform` with a mask and a univariate, `PermutationTransform`,
`Flow`; the sinh-arcsinh warp and the affine coupling's bounded scale are `torch.distributions` transforms.
"""

from __future__ import annotations

import copy
import functools
import math
from pathlib import Path
from typing import Any

import torch
import zuko
from torch import Tensor, nn
from torch.distributions import AffineTransform, Transform, constraints
from zuko.lazy import UnconditionalDistribution, UnconditionalTransform

import gencompiler
from gencompiler.runtime import data, named, training
from gencompiler.runtime.modules import Model
from gencompiler.testing.strategies import Perturbation
from tests.benchmarks.timing import compare, machine, options, say, threads

SPEC = Path(__file__).parents[2] / "specs" / "bijections" / "realnvp.gen"
LEVELS = 17


class SinhArcsinh(Transform):
    """Data to latent: u = sinh(d asinh(x) - e), elementwise."""

    domain = codomain = constraints.real
    bijective = True
    sign = +1

    def __init__(self, e: Tensor, raw: Tensor) -> None:
        super().__init__()
        self.e, self.d = e, nn.functional.softplus(raw + math.log(math.expm1(1)))

    def _call(self, x: Tensor) -> Tensor:
        return torch.sinh(self.d * torch.asinh(x) - self.e)

    def _inverse(self, u: Tensor) -> Tensor:
        return torch.sinh((torch.asinh(u) + self.e) / self.d)

    def log_abs_det_jacobian(self, x: Tensor, u: Tensor) -> Tensor:
        return self.d.log() + 0.5 * torch.log1p(u**2) - 0.5 * torch.log1p(x**2)


def bounded_affine(s: Tensor, t: Tensor) -> Transform:
    """Data to latent: (x - t) exp(-tanh s)."""
    scale = torch.exp(-torch.tanh(s))
    return AffineTransform(-t * scale, scale)


def zuko_flow(size: int = 64, couplings: int = 8, hidden: int = 64) -> zuko.flows.Flow:
    """The flow between logits of the data and the latent, in zuko's direction: data to latent."""
    first = torch.arange(size) < size // 2
    reverse = torch.arange(size - 1, -1, -1)
    warp = UnconditionalTransform(SinhArcsinh, torch.zeros(size), torch.zeros(size))
    parts: list[Any] = [warp]
    for _ in range(couplings):
        parts.append(UnconditionalTransform(zuko.transforms.PermutationTransform, reverse, buffer=True))
        parts.append(
            zuko.flows.GeneralCouplingTransform(
                size, mask=first, univariate=bounded_affine, shapes=((), ()), hidden_features=(hidden, hidden)
            )
        )
    base = UnconditionalDistribution(zuko.distributions.DiagNormal, torch.zeros(size), torch.ones(size), buffer=True)
    return zuko.flows.Flow(parts, base)


class ZukoRealNVP(nn.Module):
    """The flow with dequantization and logit around it, as a user of zuko writes them."""

    def __init__(self, size: int = 64) -> None:
        super().__init__()
        self.flow = zuko_flow(size)

    def log_density(self, y: Tensor) -> Tensor:
        """log p(y) of values in (0, 1), `[rows]`."""
        log_y, log_rest = y.log(), torch.log1p(-y)
        return self.flow().log_prob(log_y - log_rest) - (log_y + log_rest).sum(-1)

    def log_prob(self, x: Tensor) -> Tensor:
        """One draw of the dequantization bound of log p(x), `[rows]`."""
        u = torch.rand(x.shape)
        log_y, log_rest = torch.log((x + u) / LEVELS), torch.log(((LEVELS - 1 - x) + (1 - u)) / LEVELS)
        log_prob = self.flow().log_prob(log_y - log_rest) - (log_y + log_rest).sum(-1)
        return log_prob - x.shape[-1] * math.log(LEVELS)

    def sample(self, count: int) -> Tensor:
        """Draws `[count, size]`, int64."""
        y = torch.sigmoid(self.flow().sample((count,)))
        return (LEVELS * y).floor().clamp(max=LEVELS - 1).long()


@torch.no_grad()
def copy_weights(model: Model, peer: ZukoRealNVP) -> None:
    """Give `peer` the parameters of `model`; zuko undoes our couplings last to first."""
    ours = model.state_dict()
    warp, *rest = peer.flow.transform.transforms
    warp.get_parameter("_0").copy_(ours["Warp.e"])
    warp.get_parameter("_1").copy_(ours["Warp.d"])
    couplings = [part for part in rest if isinstance(part, zuko.flows.GeneralCouplingTransform)]
    for place, part in enumerate(reversed(couplings)):
        one, two, out = (layer for layer in part.hyper if hasattr(layer, "weight"))
        for layer, name in ((one, "0"), (two, "1")):
            layer.weight.copy_(ours[f"AffineCoupling.mlp.{name}.weight"][place])
            layer.bias.copy_(ours[f"AffineCoupling.mlp.{name}.bias"][place])
        for offset, name in enumerate("st"):  # zuko interleaves the outputs of its univariates
            out.weight[offset::2].copy_(ours[f"AffineCoupling.mlp.{name}.weight"][place])
            out.bias[offset::2].copy_(ours[f"AffineCoupling.mlp.{name}.bias"][place])


def largest_difference(model: Model, peer: ZukoRealNVP) -> float:
    """Of the two log-densities at equal weights, in float64, relative to 1 + their size."""
    model, peer = copy.deepcopy(model).double(), copy.deepcopy(peer).double()
    with torch.no_grad():
        y = model.forward(torch.randn(200, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))[0]
        y = y.clamp(1e-9, 1 - 1e-9)
        z, log_det = model.inverse(y)
        ours = (-0.5 * z**2 - 0.5 * math.log(2 * math.pi)).sum(1) + log_det
        return float(((ours - peer.log_density(y)).abs() / (1 + ours.abs())).max())


def times(model: Model, peer: ZukoRealNVP, rounds: int) -> None:
    """Log-density, sampling and a training step, at equal weights."""
    images = torch.from_numpy(named.digits()).long()
    with torch.no_grad():
        for x in (images[:128], images[:1024]):
            label = f"log_prob, {len(x)} rows"
            say(compare(label, functools.partial(model.log_prob, x), functools.partial(peer.log_prob, x), rounds))
        say(compare("sample, 1024 rows", lambda: model.sample(1024), lambda: peer.sample(1024), rounds))
    x = images[:128]
    optimizers = [torch.optim.Adam(m.parameters(), lr=1e-5) for m in (model, peer)]

    def step(optimizer: torch.optim.Optimizer, loss: Any) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()

    say(
        compare(
            "training step, 128 rows",
            lambda: step(optimizers[0], lambda: model.loss(x)),
            lambda: step(optimizers[1], lambda: -peer.log_prob(x).mean()),
            rounds,
        )
    )


def train_peer(peer: ZukoRealNVP, dataset: data.Dataset, settings: training.Settings) -> None:
    """The same epochs, batches in the same order, optimizer and choice of the best epoch as the generated loop has."""
    optimizer = torch.optim.Adam(peer.parameters(), **settings.optimizer_options)
    best, kept = math.inf, copy.deepcopy(peer.state_dict())
    for epoch in range(settings.epochs):
        order = data.shuffled(len(dataset.train), settings.seed, epoch, training.ORDER_STREAM)
        for places in torch.split(order, settings.batch):
            optimizer.zero_grad(set_to_none=True)
            (-peer.log_prob(dataset.train.take(places).tensors["x"].float()).mean()).backward()
            optimizer.step()
        with torch.no_grad():
            loss = float(-peer.log_prob(dataset.valid.tensors["x"].float()).mean())
        if loss < best:
            best, kept = loss, copy.deepcopy(peer.state_dict())
    peer.load_state_dict(kept)


@torch.no_grad()
def bits_per_dim(log_prob: Any, x: Tensor, draws: int = 20) -> float:
    """The dequantization bound in bits per dimension, averaged over draws and rows."""
    mean = torch.stack([log_prob(x, draw).double().mean() for draw in range(draws)]).mean()
    return float(-mean / (x.shape[1] * math.log(2)))


def train(kind: type[Model], seed: int) -> None:
    """One run each at equal budget, and their bits per dimension on the test rows."""
    model = kind(seed)
    package = __import__(f"{kind.package}.train", fromlist=["SETTINGS"])
    settings = package.SETTINGS.override({"seed": seed, "progress": False})
    dataset = data.load("digits", model.fields)
    test = dataset.test.tensors["x"]
    model.fit(dataset, seed=seed, progress=False)
    ours = bits_per_dim(lambda x, draw: model.log_prob(x, seed=1000 + draw), test)
    torch.manual_seed(seed)
    peer = ZukoRealNVP()
    train_peer(peer, dataset, settings)
    theirs = bits_per_dim(lambda x, draw: peer.log_prob(x.float()), test)
    say(f"seed {seed}: {settings.epochs} epochs of batch {settings.batch}: ours {ours:.4f}, zuko {theirs:.4f} bits/dim")


def main(arguments: list[str]) -> None:
    """Run the benchmark with command-line arguments."""
    parser = options(__doc__ or "")
    parser.add_argument("--train", type=int, default=0, metavar="SEEDS", help="training runs each at equal budget")
    chosen = parser.parse_args(arguments)
    kind = gencompiler.compile(SPEC)
    say(machine())
    model, peer = Perturbation(0.2, 0).apply(kind()), ZukoRealNVP()
    copy_weights(model, peer)
    difference = largest_difference(model, peer)
    say(f"log-densities at equal weights differ by {difference:.1e} (float64, relative)")
    if not difference < 1e-8:
        raise AssertionError("the two flows are not the same")
    for count in chosen.threads:
        with threads(count):
            say(f"-- {count} thread{'s' * (count > 1)}, zuko {zuko.__version__}")
            times(model, peer, chosen.rounds)
    for seed in range(chosen.train):
        train(kind, seed)
