"""Backward passes that recompute states by inverses: what is kept for them, and how exact their gradients are.

`python -m tests.benchmarks gradient`
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from gencompiler import pipeline
from gencompiler.diagnostics.span import SourceText
from gencompiler.rows.backward import Adjoint, adjoints
from gencompiler.rows.lower import trained
from gencompiler.rows.nodes import Program
from gencompiler.runtime import gradients
from tests.benchmarks.timing import Comparison, compare, machine, options, say, threads
from tests.rows import harness
from tests.rows.differentiation import both, deep, gradient_of, saved_by_torch, worst

ROWS = 64

#: Sizes of the weights, relative to those at initialization.
SCALES = (0.1, 0.3, 0.6, 1.0)


def drift(program: Program, way: Adjoint, scale: float) -> float:
    """The largest drift over rows, in float32."""
    values, given = harness.parameters(program, scale=scale), harness.inputs(program, ROWS)
    _, *states = harness.run_torch(way.saving, given, values, ROWS, torch.float32)
    stored = {output.name: value for output, value in zip(way.saving.outputs[1:], states, strict=True)}
    everything = {**given, **stored, "log_prob_cotangent": torch.ones(ROWS)}
    results = harness.run_torch(way.backward, everything, values, ROWS, torch.float32)
    names = [output.name for output in way.backward.outputs]
    return float(dict(zip(names, results, strict=True))["drift"].max())


def timed(rows: int, rounds: int) -> list[Comparison]:
    """Value and gradient of the shipped RealNVP with torch's functions: both ways against automatic differentiation."""
    path = Path(__file__).parents[2] / "specs" / "bijections" / "realnvp.gen"
    done = pipeline.run(SourceText(path.name, path.read_text()), until="check")
    build = trained(done.derived)["log_prob"]
    draft, outputs = build()
    program = draft.program(outputs)
    values, given = harness.parameters(program, scale=0.3), harness.inputs(program, rows)
    leaves = {name: value.float().requires_grad_() for name, value in values.items()}
    positional, keywords = harness.arguments(program, given, leaves, rows, torch.float32)
    function = harness.compiled(program)

    def by_torch() -> object:
        return torch.autograd.grad(function(*positional, **keywords).sum(), list(leaves.values()))

    def by(gradient: gradients.Gradient) -> Callable[[], object]:
        inputs = [given[name] for name in gradient.inputs]
        parameters = [values[path].float() for path in gradient.parameters]
        keys = gradients.Keys(torch.arange(rows), 1, 2)

        def run() -> object:
            _, *states = gradients.forward(gradient, inputs, parameters, keys)
            return gradients.backward(gradient, inputs, parameters, states, torch.ones(rows), keys)

        return run

    ways = adjoints(build)
    labels = {"by inverses": ways, "all states saved": ways[1:]}
    return [
        compare(f"{rows} rows, {label}", by(gradient_of(program, found)), by_torch, rounds)
        for label, found in labels.items()
    ]


def main(arguments: list[str]) -> None:
    """Print what is kept and how exact gradients are, for couplings of 8 dimensions and growing weights."""
    given = options(main.__doc__ or "").parse_args(arguments)
    say(machine())
    say("\nvalue and gradient of RealNVP in torch functions, one thread; the peer is torch's automatic differentiation")
    with threads(1):
        for rows in (128, 1024):
            for each in timed(rows, given.rounds):
                say(f"  {each}")
    say(f"\nbytes kept from forward to backward, {ROWS} rows, float64")
    for layers in (8, 64):
        program, (way, last) = deep(layers)
        torch_keeps = saved_by_torch(program, ROWS)
        ours = [8 * ROWS * sum(o.type.shape[0] for o in each.saving.outputs[1:]) for each in (way, last)]
        say(f"  {layers:>3} layers   torch {torch_keeps:>9,}   all states {ours[1]:>8,}   by inverses {ours[0]:>7,}")
    say("\nfloat32: drift, and the error of gradients relative to float64, normwise, the worst parameter's")
    allowed = gradients.MOST_DRIFT
    for layers in (8, 32):
        for scale in SCALES:
            program, found = deep(layers)
            seen = drift(program, found[0], scale)
            guarded = worst(both(program, found, ROWS, scale, torch.float32))
            gradients.MOST_DRIFT = float("inf")
            inverted = worst(both(program, found[:1], ROWS, scale, torch.float32))
            gradients.MOST_DRIFT = allowed
            saved = worst(both(program, found[1:], ROWS, scale, torch.float32))
            say(
                f"  {layers:>3} layers, weights x {scale:<4}  drift {seen:8.1e}   by inverses {inverted:8.1e}   "
                f"all states saved {saved:8.1e}   guarded {guarded:8.1e}"
            )
