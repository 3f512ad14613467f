"""WaveNet of specs/autoregressive/wavenet.gen, drawn from caches, against one evaluation of the network for each place.

    python -m tests.benchmarks wavenet

Given the same uniform numbers, both draw the same samples: that is checked first.
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
from tests.benchmarks.timing import compare, machine, options, say, threads

SPEC = Path(__file__).parents[2] / "specs" / "autoregressive" / "wavenet.gen"


def logits(model: Model, x: Tensor) -> Tensor:
    """The logits of all places, `[rows, T, K]`, by plain convolutions (van den Oord et al. 2016, figure 4)."""

    def layer(name: str, value: Tensor, kernel: int = 1, dilation: int = 1, shift: int = 0) -> Tensor:
        weight, bias = model.get_parameter(f"wavenet.{name}.weight"), model.get_parameter(f"wavenet.{name}.bias")
        filters = weight.reshape(len(weight), kernel, -1).mT
        padded = F.pad(value, (dilation * (kernel - 1) + shift, -shift))
        return F.conv1d(padded, filters, bias, dilation=dilation)

    levels = model.get_parameter("wavenet.output.weight").shape[0]
    layers = sum(name.endswith("gate.weight") for name, _ in model.named_parameters())
    h, skips = layer("residual_0", F.one_hot(x, levels).mT.to(torch.get_default_dtype()), kernel=2, shift=1), []
    for k in range(layers):
        gate, value = (layer(f"{k}.{half}", h, 2, 2 ** (k % 10)) for half in ("gate", "filter"))
        skips.append(torch.tanh(value) * torch.sigmoid(gate))
        h = h + layer(f"{k}.residual", skips[-1]) if k + 1 < layers else h
    found = layer("mixed", F.relu(layer("skip", torch.cat(skips, 1))))
    return layer("output", F.relu(found)).mT


@torch.no_grad()
def naive_sample(model: Model, uniforms: Tensor) -> Tensor:
    """Draws `[rows, T]` decided by `uniforms` `[rows, T]`, with one evaluation of the network for each place."""
    x = torch.zeros(uniforms.shape, dtype=torch.int64)
    for t in range(x.shape[1]):
        cumulative = logits(model, x)[:, t].softmax(-1).cumsum(-1)[:, :-1]
        x[:, t] = (cumulative <= uniforms[:, t, None]).sum(-1)
    return x


def check_equal(model: Model, length: int) -> None:
    """Raise AssertionError unless both draw the same rows and give them the same probability, up to rounding."""
    uniforms = random.uniform(7, torch.arange(64), 0, 0, length)
    ours, theirs = model.sample(64, seed=7), naive_sample(model, uniforms)
    same = float((ours == theirs).all(1).double().mean())
    with torch.no_grad():
        density = -F.cross_entropy(logits(model, ours).mT, ours, reduction="none").sum(1)
        difference = float((model.log_prob(ours) - density).abs().max())
    say(f"T = {length}: {same:.1%} of 64 rows are the same draw, log p differs by {difference:.1e} nats at most")
    if same < 0.9 or difference > 1e-2:
        raise AssertionError("the two samplers are not the same")


def main(arguments: list[str]) -> None:
    """Run the benchmark with command-line arguments."""
    parser = options(__doc__ or "")
    parser.add_argument("--lengths", type=int, nargs="+", default=[64, 512], help="lengths T")
    parser.add_argument("--rows", type=int, nargs="+", default=[16], help="rows drawn at once")
    chosen = parser.parse_args(arguments)
    say(machine())
    for length in chosen.lengths:
        model = Perturbation(0.3, 0).apply(gencompiler.compile(SPEC, T=length)())
        check_equal(model, length)
        for count in chosen.threads:
            with threads(count):
                say(f"-- T = {length}, {count} thread{'s' * (count > 1)}")
                for rows in chosen.rows:
                    measure(model, length, rows, chosen.rounds)


@torch.no_grad()
def measure(model: Model, length: int, rows: int, rounds: int) -> None:
    """Sampling of `rows` rows."""
    ours, peer = lambda: model.sample(rows, seed=1), lambda: naive_sample(model, torch.rand(rows, length))
    say(compare(f"sample, {rows} rows", ours, peer, rounds))
