"""MADE of specs/autoregressive/made.gen, drawn unit by unit, against one evaluation of the masked network for each pixel:
written in torch, and with Pyro's masked network where it has one (as many units as pixels, at least).

    python -m tests.benchmarks made

It needs `pip install pyro-ppl` for the latter.  Given the same uniform numbers, all draw the same samples: that is
checked first.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
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
    below, above = masks(*weight.shape)
    return F.linear(F.relu(F.linear(x, weight * below, bias)), out * above, out_bias)


def masks(units: int, size: int) -> tuple[Tensor, Tensor]:
    """Of both layers: degrees are sorted and evenly spread."""
    levels, k = size - 1, torch.arange(units)
    degrees = 1 + (k * levels // units if units >= levels else k * (levels - 1) // (units - 1))
    return torch.arange(size) < degrees[:, None], degrees <= torch.arange(size)[:, None]


@torch.no_grad()
def naive_sample(model: Model, uniforms: Tensor) -> Tensor:
    """Draws `[rows, D]` decided by `uniforms` `[rows, D]`, with one evaluation of the network for each pixel."""
    x = torch.zeros_like(uniforms)
    for i in range(x.shape[1]):
        x[:, i] = (uniforms[:, i] < torch.sigmoid(masked(model, x)[:, i])).float()
    return x


@torch.no_grad()
def pyro_network(model: Model) -> nn.Module:
    """Pyro's masked network with our weights and masks."""
    from pyro.nn import AutoRegressiveNN

    names = ("mlp.0", "mlp.output")
    units, size = model.get_parameter("mlp.0.weight").shape
    network: nn.Module = AutoRegressiveNN(size, [units], param_dims=[1], permutation=torch.arange(size))
    for layer, name, mask in zip(network.layers, names, masks(units, size), strict=True):  # type: ignore[arg-type]
        layer.weight.copy_(model.get_parameter(f"{name}.weight"))
        layer.bias.copy_(model.get_parameter(f"{name}.bias"))
        layer.mask.copy_(mask)
    return network


@torch.no_grad()
def pyro_sample(network: nn.Module, uniforms: Tensor) -> Tensor:
    """Draws `[rows, D]` decided by `uniforms` `[rows, D]`, with one evaluation of Pyro's network for each pixel."""
    x = torch.zeros_like(uniforms)
    for i in range(x.shape[1]):
        x[:, i] = (uniforms[:, i] < torch.sigmoid(network(x)[:, i])).float()
    return x


def check_peer(model: Model, network: nn.Module, size: int) -> None:
    """Raise AssertionError unless Pyro's network decides as ours does."""
    uniforms = random.uniform(7, torch.arange(256), 0, 0, size)
    same = float((model.sample(256, seed=7) == pyro_sample(network, uniforms)).all(1).double().mean())
    say(f"D = {size}: {same:.1%} of 256 rows are the same draw by Pyro's network")
    if same < 0.97:
        raise AssertionError("the two samplers are not the same")


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
        network = pyro_network(model) if size <= len(model.get_parameter("mlp.0.weight")) else None
        if network is not None:
            check_peer(model, network, size)
        for count in chosen.threads:
            with threads(count):
                say(f"-- D = {size}, H = 500, {count} thread{'s' * (count > 1)}")
                for rows in chosen.rows:
                    measure(model, network, size, rows, chosen.rounds)


@torch.no_grad()
def measure(model: Model, network: nn.Module | None, size: int, rows: int, rounds: int) -> None:
    """Sampling of `rows` rows."""
    ours, peer = lambda: model.sample(rows, seed=1), lambda: naive_sample(model, torch.rand(rows, size))
    label = f"MADE, D = {size}: sample, {rows} rows"
    say(compare(label, ours, peer, rounds))
    if network is not None:
        say(compare(label, ours, lambda: pyro_sample(network, torch.rand(rows, size)), rounds, against="Pyro"))
