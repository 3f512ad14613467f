"""Training steps of a VAE and of reweighted wake-sleep against Pyro, at equal weights.

    python -m tests.benchmarks latent

It needs `pip install pyro-ppl`, which nothing else here does.  Both bounds are checked to be the same at equal weights,
up to the error of an average over draws.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from pathlib import Path

import pyro
import pyro.distributions as dist
import torch
from pyro.infer import SVI, ReweightedWakeSleep, Trace_ELBO
from torch import Tensor, nn
from torch.nn import functional as F

import gencompiler
from gencompiler.runtime.modules import Model
from gencompiler.testing.strategies import Perturbation
from tests.benchmarks.timing import compare, machine, options, say, threads

SPECS = Path(__file__).parents[2] / "specs" / "approximate"
PARTICLES = 5


def network(*sizes: int) -> nn.Sequential:
    """Affine layers with relu between them."""
    layers: list[nn.Module] = []
    for given, made in itertools.pairwise(sizes):
        layers += [nn.Linear(given, made), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class PyroVAE(nn.Module):
    """The VAE of specs/approximate/vae.gen."""

    def __init__(self) -> None:
        super().__init__()
        self.decoder, self.encoder = network(10, 100, 100, 64), network(64, 100, 100, 20)

    def model(self, x: Tensor) -> None:
        pyro.module("decoder", self.decoder)
        with pyro.plate("rows", len(x)):
            z = pyro.sample("z", dist.Normal(x.new_zeros(len(x), 10), 1.0).to_event(1))
            pyro.sample("x", dist.Bernoulli(logits=self.decoder(z), validate_args=False).to_event(1), obs=x)

    def guide(self, x: Tensor) -> None:
        pyro.module("encoder", self.encoder)
        with pyro.plate("rows", len(x)):
            m, s = self.encoder(x).chunk(2, -1)
            pyro.sample("z", dist.Normal(m, F.softplus(s)).to_event(1))


class PyroSBN(nn.Module):
    """The belief net of specs/approximate/sbn_rws.gen."""

    def __init__(self) -> None:
        super().__init__()
        self.prior = nn.Parameter(torch.zeros(10))
        self.h1, self.x = nn.Linear(10, 40), nn.Linear(40, 64)
        self.q1, self.q2 = nn.Linear(64, 40), nn.Linear(40, 10)

    def model(self, rows: int, observations: dict[str, Tensor]) -> None:
        pyro.module("joint", nn.ModuleList([self.h1, self.x]))
        prior = pyro.param("prior", self.prior)
        with pyro.plate("rows", rows):
            h2 = pyro.sample("h2", dist.Bernoulli(logits=prior).expand([rows, 10]).to_event(1))
            h1 = pyro.sample("h1", dist.Bernoulli(logits=self.h1(h2)).to_event(1))
            pyro.sample("x", dist.Bernoulli(logits=self.x(h1), validate_args=False).to_event(1), obs=observations["x"])

    def guide(self, rows: int, observations: dict[str, Tensor]) -> None:
        pyro.module("recognition", nn.ModuleList([self.q1, self.q2]))
        with pyro.plate("rows", rows):
            h1 = pyro.sample("h1", dist.Bernoulli(logits=self.q1(observations["x"])).to_event(1))
            pyro.sample("h2", dist.Bernoulli(logits=self.q2(h1)).to_event(1))


@torch.no_grad()
def copy_vae(model: Model, peer: PyroVAE) -> None:
    """Give the peer our weights."""
    ours = model.state_dict()
    for net, path, outputs in ((peer.decoder, "mlp", ["output"]), (peer.encoder, "q.mlp", ["m", "s"])):
        for kind in ("weight", "bias"):
            getattr(net[0], kind).copy_(ours[f"{path}.0.{kind}"])
            getattr(net[2], kind).copy_(ours[f"{path}.1.{kind}"])
            getattr(net[4], kind).copy_(torch.cat([ours[f"{path}.{name}.{kind}"] for name in outputs]))


@torch.no_grad()
def copy_sbn(model: Model, peer: PyroSBN) -> None:
    """Give the peer our weights."""
    ours = model.state_dict()
    peer.prior.copy_(ours["bias.output.bias"])
    pairs = ((peer.h1, "linear"), (peer.x, "linear_2"), (peer.q1, "q.linear"), (peer.q2, "q.linear_2"))
    for layer, path in pairs:
        layer.weight.copy_(ours[f"{path}.output.weight"])
        layer.bias.copy_(ours[f"{path}.output.bias"])


def check_vae(model: Model, peer: PyroVAE, x: Tensor) -> None:
    """Raise AssertionError unless both bounds have one mean."""
    bound = Trace_ELBO()
    with torch.no_grad():
        ours = torch.stack([model.loss(x, seed=seed) for seed in range(100)])
        theirs = torch.tensor([bound.loss(peer.model, peer.guide, x) / len(x) for _ in range(100)])
    _check_means("the VAE's bound", ours, theirs)


def check_sbn(model: Model, peer: PyroSBN, x: Tensor) -> None:
    """Raise AssertionError unless log p(x, h) has one mean under the recognition model."""
    rows = x[:1].expand(4000, -1)
    with torch.no_grad():
        ours = model.log_weight(rows, seed=3)
        guide = pyro.poutine.trace(peer.guide).get_trace(len(rows), {"x": rows})
        replayed = pyro.poutine.trace(pyro.poutine.replay(peer.model, trace=guide)).get_trace(len(rows), {"x": rows})
        for trace in (guide, replayed):
            trace.compute_log_prob()
        joint = sum(replayed.nodes[n]["log_prob"] for n in ("h2", "h1", "x"))
        theirs = joint - sum(guide.nodes[n]["log_prob"] for n in ("h1", "h2"))
    _check_means("the belief net's log weight", ours, theirs)


def _check_means(what: str, ours: Tensor, theirs: Tensor) -> None:
    error = float((ours.var() / len(ours) + theirs.var() / len(theirs)).sqrt())
    difference = float(ours.mean() - theirs.mean())
    say(f"{what}: means differ by {difference:.4f}, whose standard error is {error:.4f}")
    if abs(difference) > 5 * error:
        raise AssertionError(f"{what} is not the same")


def our_step(model: Model, x: Tensor, phases: tuple[str | None, ...]) -> Callable[[], None]:
    """A step of Adam for each phase."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-6)

    def step() -> None:
        for phase in phases:
            optimizer.zero_grad(set_to_none=True)
            model.loss(x, seed=1, phase=phase).backward()
            optimizer.step()

    return step


def main(arguments: list[str]) -> None:
    """Run the benchmark with command-line arguments."""
    parser = options(__doc__ or "")
    parser.add_argument("--rows", type=int, nargs="+", default=[50, 512], help="rows of a batch")
    chosen = parser.parse_args(arguments)
    say(machine())
    vae = Perturbation(0.1, 0).apply(gencompiler.compile(SPECS / "vae.gen")())
    sbn = Perturbation(0.3, 0).apply(gencompiler.compile(SPECS / "sbn_rws.gen")())
    peers = PyroVAE(), PyroSBN()
    copy_vae(vae, peers[0])
    copy_sbn(sbn, peers[1])
    images = (torch.rand(max(chosen.rows), 64, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    check_vae(vae, peers[0], images[:50])
    check_sbn(sbn, peers[1], images)
    for count in chosen.threads:
        with threads(count):
            say(f"-- {count} thread{'s' * (count > 1)}")
            for rows in chosen.rows:
                measure(vae, sbn, peers, images[:rows], chosen.rounds)


def measure(vae: Model, sbn: Model, peers: tuple[PyroVAE, PyroSBN], x: Tensor, rounds: int) -> None:
    """A training step of each on one batch."""
    compared = functools.partial(compare, rounds=rounds, against="Pyro")
    pyro.clear_param_store()
    svi = SVI(peers[0].model, peers[0].guide, pyro.optim.Adam({"lr": 1e-6}), Trace_ELBO())
    label = f"VAE: training step, {len(x)} rows"
    say(compared(label, our_step(vae, x.long(), (None,)), lambda: svi.step(x), goal=1.2))
    pyro.clear_param_store()
    bound = ReweightedWakeSleep(  # a wake phase of both and a dream for each row, as the spec's objective
        num_particles=PARTICLES, vectorize_particles=True, insomnia=0.5, num_sleep_particles=1
    )
    wake = SVI(peers[1].model, peers[1].guide, pyro.optim.Adam({"lr": 1e-6}), bound)
    label = f"reweighted wake-sleep: training step, {len(x)} rows"
    phases = tuple(phase.label for phase in sbn.phases)
    say(compared(label, our_step(sbn, x.long(), phases), lambda: wake.step(len(x), observations={"x": x}), goal=1.5))
