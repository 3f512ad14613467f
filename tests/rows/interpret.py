"""Runs kernels under Triton's interpreter, in a process of its own: `python -m tests.rows.interpret FILE`.

TRITON_INTERPRET must be set before triton is imported, and then holds for the whole process.  FILE is a pickle of a
list
of (name, program, rows, seed of the parameters, change of the printed text or None); a JSON object {name: …} goes to
the standard output, per output: the
greatest error against the torch printer beyond `rtol * |value|`, and whether discrete values are equal.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ["TRITON_INTERPRET"] = "1"

import torch
from torch import Tensor

from gencompiler.rows.nodes import Program
from gencompiler.rows.schedule import schedule
from tests.rows.harness import arguments, inputs, kernel_module, parameters, run_torch

RTOL = 2e-5


def compare(program: Program, launch: Any, rows: int, seed: int) -> dict[str, Any]:
    given, values = inputs(program, rows, seed), parameters(program, seed)
    scalars = dict.fromkeys(program.scalars, 6)
    wanted = run_torch(program, given, values, rows, torch.float32, **scalars)
    positional, keywords = arguments(program, given, values, rows, torch.float32, **scalars)
    found = launch(*positional, **keywords)
    found = (found,) if isinstance(found, Tensor) else found
    result: dict[str, Any] = {}
    for output, ours, theirs in zip(program.outputs, found, wanted, strict=True):
        if output.type.kind == "integer":
            result[output.name] = {"equal": torch.equal(ours, theirs)}
        else:
            both = torch.isfinite(ours) & torch.isfinite(theirs)
            same = bool((torch.isfinite(ours) == torch.isfinite(theirs)).all())
            error = (ours - theirs).abs() - RTOL * theirs.abs()
            result[output.name] = {"error": _greatest(error[both]), "equal": same}
    return result


def _greatest(error: Tensor) -> float:
    return float(error.max()) if error.numel() else 0.0


def main(path: str) -> None:
    cases = pickle.loads(Path(path).read_bytes())
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, program, rows, seed, change in cases:
            scheduled = schedule(program)
            if not scheduled.fused:
                results[name] = {"refused": scheduled.reason}
                continue
            results[name] = compare(program, kernel_module(scheduled, Path(folder), name, change).launch, rows, seed)
    print(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1])
