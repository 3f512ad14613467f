"""NADE of specs/autoregressive/nade.gen, incremental in O(D H), against the loop that its equation suggests, O(D^2 H).

    python -m tests.benchmarks nade

The naive loop evaluates p(x[i] | x[<i]) from scratch for each i, with batched matrix products.  Given the same uniform
numbers, both draw the same samples: that is checked first.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

import gencompiler
from gencompiler.runtime import random
from gencompiler.runtime.modules import Model
from gencompiler.testing.strategies import Perturbation
from tests.benchmarks.timing import compare, machine, options, say, threads, training_step

SPEC = Path(__file__).parents[2] / "specs" / "autoregressive" / "nade.gen"


def logits(x: Tensor, i: int, model: Model) -> Tensor:
    """Of p(x[i] | x[<i]), `[rows]`."""
    W, V, b, c = (model.get_parameter(name) for name in "WVbc")
    return b[i] + torch.sigmoid(F.linear(x[:, :i], W[:, :i], c)) @ V[i]


@torch.no_grad()
def naive_sample(model: Model, uniforms: Tensor) -> Tensor:
    """Draws `[rows, D]` decided by `uniforms` `[rows, D]`."""
    x = torch.zeros_like(uniforms)
    for i in range(x.shape[1]):
        x[:, i] = (uniforms[:, i] < torch.sigmoid(logits(x, i, model))).float()
    return x


def naive_log_prob(model: Model, x: Tensor) -> Tensor:
    """log p(x), `[rows]`."""
    x = x.float()
    terms = [
        -F.binary_cross_entropy_with_logits(logits(x, i, model), x[:, i], reduction="none") for i in range(x.shape[1])
    ]
    return torch.stack(terms, 1).sum(1)


def check_equal(model: Model, size: int) -> None:
    """Raise AssertionError unless both draw the same rows and give them the same probability, up to rounding."""
    uniforms = random.uniform(7, torch.arange(256), 0, 0, size)
    ours, theirs = model.sample(256, seed=7), naive_sample(model, uniforms)
    same = float((ours == theirs).all(1).double().mean())
    with torch.no_grad():
        difference = float((model.log_prob(ours) - naive_log_prob(model, ours)).abs().max())
    say(f"D = {size}: {same:.1%} of 256 rows are the same draw, log p differs by {difference:.1e} nats at most")
    if same < 0.97 or difference > 1e-2:
        raise AssertionError("the two samplers are not the same")


def main(arguments: list[str]) -> None:
    """Run the benchmark with command-line arguments."""
    parser = options(__doc__ or "")
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 784], help="dimensions D")
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 128], help="rows drawn at once")
    chosen = parser.parse_args(arguments)
    say(machine())
    for size in chosen.sizes:
        model = Perturbation(0.3, 0).apply(gencompiler.compile(SPEC, D=size)())
        check_equal(model, size)
        for count in chosen.threads:
            with threads(count):
                say(f"-- D = {size}, H = 500, {count} thread{'s' * (count > 1)}")
                for rows in chosen.rows:
                    measure(model, size, rows, chosen.rounds)


def measure(model: Model, size: int, rows: int, rounds: int) -> None:
    """Sampling, log-probability and a training step of `rows` rows."""
    name, x = f"NADE, D = {size}", model.sample(rows, seed=2)
    with torch.no_grad():
        ours, peer = lambda: model.sample(rows, seed=1), lambda: naive_sample(model, torch.rand(rows, size))
        say(compare(f"{name}: sample, {rows} rows", ours, peer, rounds, goal=10.0 if rows > 1 else 0.0))
        ours, peer = lambda: model.log_prob(x), lambda: naive_log_prob(model, x)
        say(compare(f"{name}: log_prob, {rows} rows", ours, peer, rounds))
    if rows > 1:
        steps = (
            training_step(model, lambda: model.loss(x)),
            training_step(model, lambda: -naive_log_prob(model, x).mean()),
        )
        say(compare(f"{name}: training step, {rows} rows", *steps, rounds, goal=3.0))
