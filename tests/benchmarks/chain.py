"""MALA of specs/physics/banana.gen against plain eager torch, whose gradient is autograd's.

    python -m tests.benchmarks chain

Given the same random numbers both visit the same states: that is checked first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

import gencompiler
from gencompiler.runtime import random
from gencompiler.runtime.modules import Model
from tests.benchmarks.timing import compare, machine, options, say, threads

SPEC = Path(__file__).parents[2] / "specs" / "physics" / "banana.gen"
EPS = 0.05


def energy(x: Tensor) -> Tensor:
    """U(x), `[rows]`."""
    return 0.5 * x[:, 0] ** 2 + 2 * (x[:, 1] - x[:, 0] ** 2) ** 2


def energy_and_gradient(x: Tensor) -> tuple[Tensor, Tensor]:
    """U(x) `[rows]` and its gradient `[rows, 2]`, by autograd."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        value = energy(x)
        (gradient,) = torch.autograd.grad(value.sum(), x)
    return value.detach(), gradient


@torch.no_grad()
def eager_chain(x: Tensor, steps: int, numbers: Callable[[int], tuple[Tensor, Tensor]] | None = None) -> Tensor:
    """The states after `steps` steps.

    `numbers(step)` gives normals `[rows, 2]` and uniforms `[rows]`; torch draws them where it is None."""
    value, gradient = energy_and_gradient(x)
    for step in range(steps):
        noise, u = numbers(step) if numbers else (torch.randn_like(x), torch.rand(len(x)))
        y = x - EPS * gradient + math.sqrt(2 * EPS) * noise
        y_value, y_gradient = energy_and_gradient(y)
        forth = -((y - x + EPS * gradient) ** 2).sum(1) / (4 * EPS)
        back = -((x - y + EPS * y_gradient) ** 2).sum(1) / (4 * EPS)
        accept = u.log() < value - y_value + back - forth
        x = torch.where(accept[:, None], y, x)
        value = torch.where(accept, y_value, value)
        gradient = torch.where(accept[:, None], y_gradient, gradient)
    return x


def check_equal(model: Model, rows: int = 200, steps: int = 20) -> None:
    """Raise AssertionError unless, given the same random numbers, nearly all chains visit the same states.

    A chain parts for good where an acceptance is decided by rounding, which is rare."""
    start = torch.randn(rows, 2, generator=torch.Generator().manual_seed(3))
    numbers = torch.arange(rows)

    def same_numbers(step: int) -> tuple[Tensor, Tensor]:
        return random.normal(5, numbers, step, 1, 2), random.uniform(5, numbers, step, 2)

    ours = model.chain(rows, 1, burn_in=0, thin=steps, seed=5, start=[start]).draws[:, 0]
    same = float(((ours - eager_chain(start, steps, same_numbers)).abs() < 1e-3).all(1).double().mean())
    say(f"after {steps} steps {same:.1%} of {rows} chains are in the same state")
    if same < 0.97:
        raise AssertionError("the two chains are not the same")


def main(arguments: list[str]) -> None:
    """Run the benchmark with command-line arguments."""
    parser = options(__doc__ or "")
    parser.add_argument("--chains", type=int, nargs="+", default=[100, 10_000], help="chains at once")
    parser.add_argument("--steps", type=int, default=200, help="steps of each measurement")
    chosen = parser.parse_args(arguments)
    model = gencompiler.compile(SPEC, eps=EPS)()
    say(machine())
    check_equal(model)
    for count in chosen.threads:
        with threads(count):
            say(f"-- {count} thread{'s' * (count > 1)}, {chosen.steps} steps")
            for chains in chosen.chains:
                measure(model, chains, chosen.steps, chosen.rounds)


def measure(model: Model, chains: int, steps: int, rounds: int) -> None:
    """`steps` steps of `chains` chains, without burn-in."""
    start = torch.randn(chains, 2)
    say(
        compare(
            f"MALA: {steps} steps of {chains} chains",
            lambda: model.chain(chains, 1, burn_in=0, thin=steps, start=[start]),
            lambda: eager_chain(start, steps),
            rounds,
        )
    )
