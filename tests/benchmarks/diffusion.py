"""Reverse diffusion of specs/physics/vp_diffusion.gen against a plain loop of Euler and Maruyama's steps.

    python -m tests.benchmarks diffusion

Given the same noise both end in the same states: that is checked first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

import gencompiler
from gencompiler.runtime import random
from gencompiler.runtime.modules import Model
from gencompiler.testing.strategies import Perturbation
from tests.benchmarks.timing import compare, machine, options, say, threads

SPEC = Path(__file__).parents[2] / "specs" / "physics" / "vp_diffusion.gen"
STEPS, CUTOFF = 500, 1e-3


def noise_of(model: Model, x: Tensor, t: Tensor) -> Tensor:
    """eps(x, t), `[rows, 2]`, of t `[rows]`, as a network of the usual kind computes it."""
    frequencies = torch.exp(math.log(100) * torch.linspace(0, 1, 8))
    angles = t[:, None] * frequencies
    value = torch.cat([x, angles.sin(), angles.cos()], -1)
    for layer in "012":
        value = F.silu(F.linear(value, *(model.raw(f"eps.mlp.{layer}.{kind}") for kind in ("weight", "bias"))))
    return F.linear(value, model.raw("eps.mlp.output.weight"), model.raw("eps.mlp.output.bias"))


@torch.no_grad()
def plain_sample(model: Model, rows: int, normals: Callable[[int], Tensor] | None = None) -> Tensor:
    """Draws `[rows, 2]`; `normals(step)` gives the noise of a step, -1 for the start; torch draws it where it is None."""
    drawn = normals or (lambda step: torch.randn(rows, 2))
    x, dt = drawn(-1), (1 - CUTOFF) / STEPS
    for step in range(STEPS):
        t = torch.full((rows,), 1 - step * dt)
        beta = (0.1 + 19.9 * t)[:, None]
        std = torch.sqrt(-torch.expm1(-(0.1 * t + 9.95 * t**2)))[:, None]
        score = -noise_of(model, x, t) / std
        x = x + (0.5 * beta * x + beta * score) * dt + torch.sqrt(beta * dt) * drawn(step)
    return x


def check_equal(model: Model, rows: int = 100) -> None:
    """Raise AssertionError unless both end in the same states."""
    numbers, streams = torch.arange(rows), {-1: 0}

    def same(step: int) -> Tensor:
        return random.normal(5, numbers, max(step, 0), streams.get(step, 3), 2)

    found, wanted = model.sample(rows, seed=5), plain_sample(model, rows, same)
    difference = float(((found - wanted).abs() / (1 + wanted.abs())).max())
    say(f"after {STEPS} steps states differ by {difference:.1e}, relatively")
    if not difference < 1e-2:
        raise AssertionError("the two samplers are not the same")


def main(arguments: list[str]) -> None:
    """Run the benchmark with command-line arguments."""
    parser = options(__doc__ or "")
    parser.add_argument("--rows", type=int, nargs="+", default=[512], help="rows drawn at once")
    chosen = parser.parse_args(arguments)
    model = Perturbation(0.05, 0).apply(gencompiler.compile(SPEC)())
    say(machine())
    check_equal(model)
    for count in chosen.threads:
        with threads(count):
            say(f"-- {count} thread{'s' * (count > 1)}, {STEPS} steps")
            for rows in chosen.rows:
                label = f"diffusion: sample, {rows} rows"
                ours, theirs = (lambda r=rows: model.sample(r)), (lambda r=rows: plain_sample(model, r))
                say(compare(label, ours, theirs, chosen.rounds, goal=1.8))
