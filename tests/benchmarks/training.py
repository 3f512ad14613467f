"""Training steps of shipped specs: what C functions gain over torch's automatic differentiation of the same package.

    python -m tests.benchmarks training --specs iwae sbn_vimco

Both sides are one model with equal parameters, first compared in their gradients; torch's is that with
GENC_BACKEND=torch.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor

import gencompiler
from gencompiler.runtime.modules import Model
from gencompiler.testing.strategies import Perturbation
from tests.benchmarks.timing import compare, machine, options, say, threads

SPECS = Path(__file__).parents[2] / "specs"
BY_TORCH = {"GENC_BACKEND": "torch"}


def random_batch(model: Model, rows: int) -> dict[str, Tensor]:
    """Numbers of each field: two values, or normal ones."""
    generator = torch.Generator().manual_seed(0)
    return {
        field.name: torch.randint(0, 2, (rows, *field.shape), generator=generator)
        if field.support.discrete
        else torch.randn(rows, *field.shape, generator=generator)
        for field in model.fields
    }


def step(model: Model, batch: dict[str, Tensor]) -> Callable[[], None]:
    """The sum of the gradients of all phases."""

    def run() -> None:
        model.zero_grad(set_to_none=True)
        for phase in model.phases:
            model.loss(batch, seed=1, phase=phase.label).backward()

    return run


def by_torch(run: Callable[[], None]) -> Callable[[], None]:
    """The same with torch's functions."""

    def by_its_own() -> None:
        with mock.patch.dict(os.environ, BY_TORCH):
            run()

    return by_its_own


def gradients(model: Model, run: Callable[[], None]) -> dict[str, Tensor]:
    run()
    return {name: each.grad.clone() for name, each in model.named_parameters() if each.grad is not None}


def check(name: str, ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> None:
    """Raise AssertionError unless both take one gradient."""
    worst = max(float((ours[n] - g).norm() / g.norm().clamp_min(1e-6)) for n, g in theirs.items())
    say(f"{name}: gradients differ by {worst:.1e} of their norms")
    if not worst < 1e-2:
        raise AssertionError(f"the gradients of {name} differ")


def main(arguments: list[str]) -> None:
    """Run the benchmark with command-line arguments."""
    parser = options(__doc__ or "")
    parser.add_argument("--specs", nargs="+", default=["iwae", "sbn_vimco", "gtm", "made", "maf", "vrnn"])
    parser.add_argument("--rows", type=int, default=100, help="rows of a batch")
    chosen = parser.parse_args(arguments)
    say(machine())
    for name in chosen.specs:
        (path,) = SPECS.rglob(f"{name}.gen")
        model: Any = Perturbation(0.1, 0).apply(gencompiler.compile(path)())
        batch = random_batch(model, chosen.rows)
        ours = step(model, batch)
        check(name, gradients(model, ours), gradients(model, by_torch(ours)))
        for count in chosen.threads:
            with threads(count):
                label = f"{name}: gradient, {chosen.rows} rows"
                say(compare(label, ours, by_torch(ours), chosen.rounds, against="torch's own"))
