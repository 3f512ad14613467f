"""MADE of specs/autoregressive/made.gen, drawn unit by unit, against one evaluation of the masked network for each pixel.

    python -m tests.benchmarks made

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

SPEC = Path(__file__).parents[2] / "specs" / "autoregressive" / "made.gen"


def masked(model: Model, x: Tensor) -> Tensor:
    """The logits of all pixels, `[rows, D]`, with masks by the definition: sorted degrees, evenly spread."""
    weight, bias = model.get_parameter("mlp.0.weight"), model.get_parameter("mlp.0.bias")
    out, out_bias = model.get_parameter("mlp.output.weight"), model.get_parameter("mlp.output.bias")
    units, size = weight.shape
    levels = size - 1
    k = torch.arange(units)
    degrees = 1 + (k * levels // units if units >= levels else k * (levels - 1) // (units - 1))
    hidden = F.relu(F.linear(x, weight * (torch.arange(size) < degrees[:, None]), bias))
    return F.linear(hidden, out * (degrees <= torch.arange(size)[:, None]), out_bias)


@torch.no_grad()
def naive_sample(model: Model, uniforms: Tensor) -> Tensor:
    """Draws `[rows, D]` decided by `uniforms` `[rows, D]`, with one evaluation of the network for each pixel."""
    x = torch.zeros_like(uniforms)
    for i in range(x.shape[1]):
        x[:, i] = (uniforms[:, i] < torch.sigmoid(masked(model, x)[:, i])).float()
    return x


def check_equal(model: Model, size: int) -> None:
    """Raise AssertionError unless both draw the same rows and give them the same probability, up to rounding."""
    uniforms = random.uniform(7, torch.arange(256), 0, 0, size)
    ours, theirs = model.sample(256, seed=7), naive_sample(model, uniforms)
    same = float((ours == theirs).all(1).double().mean())
    with torch.no_grad():
        logits = masked(model, ours.float())
        density = -F.binary_cross_entropy_with_logits(logits, ours.float(), reduction="none").sum(1)
        difference = float((model.log_prob(ours) - density).abs().max())
    say(f"D = {size}: {same:.1%} of 256 rows are the same draw, log p differs by {difference:.1e} nats at most")
    if same < 0.97 or difference > 1e-2:
        raise AssertionError("the two samplers are not the same")


def main(arguments: list[str]) -> None:
    """Run the benchmark with command-line arguments."""
    parser = options(__doc__ or "")
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 784], help="dimensions D")
    parser.add_argument("--rows", type=int, nargs="+", default=[128], help="rows drawn at once")
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


@torch.no_grad()
def measure(model: Model, size: int, rows: int, rounds: int) -> None:
    """Sampling of `rows` rows."""
    ours, peer = lambda: model.sample(rows, seed=1), lambda: naive_sample(model, torch.rand(rows, size))
    say(compare(f"MADE, D = {size}: sample, {rows} rows", ours, peer, rounds))
