"""Held-out likelihood of flows against the same flows in zuko and nflows, at equal size and equal budget.

    python -m tests.benchmarks likelihood
    python -m tests.benchmarks likelihood --flows maf --data pinwheel --seeds 0 1 2 --epochs 30

Each flow is trained on the same rows in the same order by Adam with the same schedule, and keeps the epoch with the best
validation loss; the numbers are means over test rows, for each seed.  zuko's side uses `MAF`, `NICE` (affine couplings)
and `NICE` with splines as they come; nflows' its masked affine maps, affine couplings and coupling splines as they come,
an order reversed after each; ours are the specs below, whose affine maps are zuko's: u exp(s) + m, with a bounded s.
Hidden layers are two of 64 units with relu everywhere.  It needs `pip install zuko nflows scikit-learn`.
"""

from __future__ import annotations

import copy
import dataclasses
import importlib
import math
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import nflows.distributions
import nflows.flows
import nflows.transforms
import torch
import zuko
from nflows.nn.nets import MLP
from torch import Tensor, nn

import gencompiler
from gencompiler.runtime import data, optimizers, training
from gencompiler.runtime.modules import Model
from tests.benchmarks.timing import machine, options, say

HIDDEN, LEVELS, BINS, BOX = 64, 17, 8, 5

MAPS = {
    "maf": """
bijection Map(u : Real[D]) -> Real[D] = for i: u[i] * exp(s / (1 + abs(s) / 6.9)) + m
  where { m, s = mlp(u[<i], hidden = [64, 64]) }
""",
    "realnvp": """
bijection Map(u : Real[D]) -> Real[D] = join(a, b * exp(s / (1 + abs(s) / 6.9)) + t)
  where { a, b = split(u)   s, t = mlp(a, hidden = [64, 64]) }
""",
    "spline": """
bijection Map(u : Real[D]) -> Real[D] = join(a, for i:
    RationalQuadraticSpline(b[i] | softmax(w[i]), softmax(h[i]), 0.001 + softplus(0.5413 + d[i]), K = 8, B = 5))
  where { a, b = split(u)   w, h, d = mlp(a, hidden = [64, 64]) }
""",
}
MODEL = """
model Flow {{
  observed x : {support}[{size}]
  latent   z : Real[{size}]
  p(z) = Normal(0, 1)
  {pipeline}
  train maximum_likelihood with {{
    optimizer = adam(lr = {rate})  schedule = cosine(final = 0.02)  epochs = {epochs}  batch = {batch}
  }}
}}
"""


@dataclasses.dataclass(frozen=True)
class Task:
    """A data set: its dimensions, and the budget of a flow of so many maps."""

    name: str
    size: int
    maps: int
    epochs: int
    batch: int
    rate: float
    discrete: bool = False


TASKS = {
    task.name: task
    for task in (
        Task("moons", 2, 8, 15, 256, 2e-3),
        Task("pinwheel", 2, 8, 15, 256, 2e-3),
        Task("tumours", 30, 5, 60, 64, 1e-3),
        Task("wine", 13, 5, 60, 32, 1e-3),
        Task("digits", 64, 5, 60, 128, 1e-3, discrete=True),
    )
}


def source(name: str) -> data.Source:
    """A data set by its name, or its rows: those of wine, 13 standardised measurements each, are in scikit-learn."""
    if name != "wine":
        return name
    rows = importlib.import_module("sklearn.datasets").load_wine().data
    return (rows - rows.mean(0)) / rows.std(0)


def ours(flow: str, task: Task, epochs: int) -> type[Model]:
    """Our flow, compiled from its text."""
    if task.discrete:  # what is written goes from data to latent, as zuko's, and so does what training runs
        pipeline = f"x = z |> repeat({task.maps}) {{ reverse |> inverse(Map) }} |> sigmoid |> quantize({LEVELS})"
    else:
        pipeline = f"z = x |> repeat({task.maps}) {{ Map |> reverse }}"
    support = f"Integer(0..{LEVELS})" if task.discrete else "Real"
    text = MAPS[flow] + MODEL.format(
        support=support,
        size=task.size,
        pipeline=pipeline,
        rate=task.rate,
        epochs=epochs,
        batch=task.batch,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flow.gen"
        path.write_text(text, encoding="utf-8")
        return gencompiler.compile(path)


def zuko_flow(flow: str, task: Task) -> nn.Module:
    """The flow in zuko."""
    sizes = {"hidden_features": (HIDDEN, HIDDEN), "transforms": task.maps}
    if flow == "maf":
        return zuko.flows.MAF(task.size, **sizes)
    if flow == "realnvp":
        return zuko.flows.NICE(task.size, **sizes)
    spline = {"univariate": zuko.transforms.MonotonicRQSTransform, "shapes": [(BINS,), (BINS,), (BINS - 1,)]}
    return zuko.flows.NICE(task.size, **sizes, **spline)


class Network(MLP):
    """What a coupling of nflows calls, which hands it a context too."""

    def forward(self, inputs: Tensor, context: object = None) -> Tensor:
        """The network's outputs."""
        found: Tensor = super().forward(inputs)
        return found


def nflows_flow(flow: str, task: Task) -> nn.Module:
    """The flow in nflows."""
    half = (torch.arange(task.size) >= task.size // 2).int()

    def network(given: int, made: int) -> nn.Module:
        return Network((given,), (made,), [HIDDEN, HIDDEN])

    def part() -> nn.Module:
        if flow == "maf":
            return nflows.transforms.MaskedAffineAutoregressiveTransform(
                task.size, HIDDEN, num_blocks=1, use_residual_blocks=False
            )
        if flow == "realnvp":
            return nflows.transforms.AffineCouplingTransform(half, network)
        return nflows.transforms.PiecewiseRationalQuadraticCouplingTransform(
            half, network, num_bins=BINS, tails="linear", tail_bound=float(BOX)
        )

    parts = [each for _ in range(task.maps) for each in (part(), nflows.transforms.ReversePermutation(task.size))]
    base = nflows.distributions.StandardNormal([task.size])
    return nflows.flows.Flow(nflows.transforms.CompositeTransform(parts), base)


#: The peers: what makes a flow, and log p of rows under it.
PEERS: dict[str, tuple[Callable[[str, Task], nn.Module], Callable[[nn.Module, Tensor], Tensor]]] = {
    "zuko": (zuko_flow, lambda flow, x: flow().log_prob(x)),
    "nflows": (nflows_flow, lambda flow, x: flow.log_prob(x)),
}


class Peer(nn.Module):
    """A peer's flow, behind the same dequantization and logit where the data are grey levels."""

    def __init__(self, library: str, flow: str, task: Task) -> None:
        super().__init__()
        make, self.density = PEERS[library]
        self.flow = make(flow, task)
        self.discrete = task.discrete

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x), or one draw of the dequantization bound, `[rows]`."""
        if not self.discrete:
            return self.density(self.flow, x)
        u = torch.rand(x.shape)
        low, high = torch.log((x + u) / LEVELS), torch.log(((LEVELS - 1 - x) + (1 - u)) / LEVELS)
        volume = (low + high).sum(-1) + x.shape[-1] * math.log(LEVELS)
        return self.density(self.flow, low - high) - volume


def train_peer(peer: Peer, dataset: data.Dataset, settings: training.Settings) -> None:
    """The loop that ours is trained by: order of rows, optimizer, schedule, and choice of the best epoch."""
    optimizer = torch.optim.Adam(peer.parameters(), **settings.optimizer_options)
    schedule = optimizers.schedule(settings.schedule, **settings.schedule_options)
    total = settings.total_steps(len(dataset.train))
    best, kept, step = math.inf, copy.deepcopy(peer.state_dict()), 0
    for epoch in range(settings.epochs):
        order = data.shuffled(len(dataset.train), settings.seed, epoch, training.ORDER_STREAM)
        for places in torch.split(order, settings.batch):
            optimizers.set_rate(optimizer, schedule(step, total))
            optimizer.zero_grad(set_to_none=True)
            (-peer.log_prob(dataset.train.take(places).tensors["x"].float()).mean()).backward()
            optimizer.step()
            step += 1
        with torch.no_grad():
            loss = float(-peer.log_prob(dataset.valid.tensors["x"].float()).mean())
        if loss < best:
            best, kept = loss, copy.deepcopy(peer.state_dict())
    peer.load_state_dict(kept)


@torch.no_grad()
def score(log_prob: Callable[[Tensor, int], Tensor], task: Task, x: Tensor) -> float:
    """Nats, or bits per dimension (fewer are better), of test rows; a bound is averaged over draws."""
    draws = 20 if task.discrete else 1
    mean = float(torch.stack([log_prob(x, draw).double().mean() for draw in range(draws)]).mean())
    return -mean / (task.size * math.log(2)) if task.discrete else mean


def compared(flow: str, task: Task, seed: int, epochs: int, peers: list[str]) -> list[float]:
    """Our score and those of the peers."""
    kind = ours(flow, task, epochs)
    package = __import__(f"{kind.package}.train", fromlist=["SETTINGS"])
    settings = package.SETTINGS.override({"seed": seed, "progress": False})
    model = kind(seed)
    dataset = data.load(source(task.name), model.fields)
    x = dataset.test.tensors["x"]
    model.fit(dataset, seed=seed, progress=False)
    found = [score(lambda x, draw: model.log_prob(x, **({"seed": draw} if task.discrete else {})), task, x)]
    for library in peers:
        torch.manual_seed(seed)
        peer = Peer(library, flow, task)
        train_peer(peer, dataset, settings)
        found.append(score(lambda x, draw, peer=peer: peer.log_prob(x.float()), task, x))
    return found


def main(arguments: list[str]) -> None:
    """Run the benchmark with command-line arguments."""
    parser = options(__doc__ or "")
    parser.add_argument("--flows", nargs="+", default=list(MAPS), choices=list(MAPS))
    parser.add_argument("--data", nargs="+", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=0, help="other than those of the task")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(chosen.threads[0])
    say(f"{machine()}; zuko {zuko.__version__}")
    for name in chosen.data:
        task = TASKS[name]
        for flow in chosen.flows:
            epochs = chosen.epochs or task.epochs
            scores = [compared(flow, task, seed, epochs, chosen.peers) for seed in chosen.seeds]
            unit = "bits per dimension, fewer are better" if task.discrete else "nats"
            shown = (
                f"{title} {statistics.mean(v):.3f} ({', '.join(f'{each:.3f}' for each in v)})"
                for title, v in zip(("ours", *chosen.peers), zip(*scores, strict=True), strict=True)
            )
            say(f"{name:<9} {flow:<8} {epochs} epochs: {'; '.join(shown)} {unit}")
