"""Back ends: the Triton kernels of a package, under Triton's interpreter, compute what its torch functions compute.

The interpreter is chosen when a kernel is decorated, so the comparison runs in a process of its own:
`python -m gencompiler.testing.properties.backends MODULE CLASS WEIGHTS ROWS SEED`.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from gencompiler.runtime.modules import Model, kernel_launcher
from gencompiler.testing.subject import log_prob, offers

#: Elements may differ by this much relative to 1 + their size.
TOLERANCE = 1e-4

#: The share of drawn rows that may differ: a draw is decided by comparing a uniform with a computed probability, and
#: where the two agree to rounding the back ends may decide differently.
FLIPPED = 0.02

#: The most elements of a row that are compared under the interpreter, which costs by the operation.
LARGEST_SIZE = 32

#: What the interpreter may take, in seconds.
TIME_LIMIT = 240


def has_kernels(model: Model) -> bool:
    """Whether any row program of the model has a kernel here (and triton is installed)."""
    return bool(model.package) and any(_launcher(model, name) for name in model.programs)


def _launcher(model: Model, program: str) -> Callable[..., object] | None:
    return kernel_launcher(f"{model.package}.kernels", f"{program}_rows")


def check_backends(model: Model, rows: int, seed: int) -> None:
    """In a subprocess under `TRITON_INTERPRET=1`, every program with a kernel gives what its torch function gives.

    Values agree to 1e-4 relative; of drawn rows 2% may differ.  Raises AssertionError with the subprocess's report.
    """
    kind = type(model)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.safetensors"
        safetensors.torch.save_file({k: v.contiguous() for k, v in model.state_dict().items()}, weights)
        command = [
            sys.executable,
            "-m",
            __name__,
            kind.__module__,
            kind.__qualname__,
            str(weights),
            str(rows),
            str(seed),
        ]
        environment = os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=TIME_LIMIT, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"the kernels took over {TIME_LIMIT} s under the interpreter") from error
    if done.returncode != 0:
        report = done.stdout + done.stderr[-4000:]
        raise AssertionError(f"the Triton kernels do not compute what torch computes:\n{report}")


# -- in the subprocess -----------------------------------------------------------------------------------------------


def differences(model: Model, rows: int, seed: int) -> list[str]:
    """What differs between the back ends, in words; empty when nothing does."""
    from gencompiler.testing.strategies import make_rows
    from gencompiler.testing.subject import observed

    field = observed(model)
    x = make_rows(field, rows, "interior", seed)
    cases: list[tuple[str, float, Callable[[], Tensor]]] = [
        ("log_prob", 0.0, lambda: log_prob(model, x, seed=seed)),
        ("energy", 0.0, lambda: model.energy(x)),
        ("sample", FLIPPED, lambda: model.sample(rows, seed=seed)),
        ("chain", FLIPPED, lambda: model.chain(rows, 2, burn_in=2, thin=2, seed=seed).draws),
    ]
    if offers(model, "forward", "inverse"):
        z = torch.randn(rows, *field.shape, generator=torch.Generator().manual_seed(seed))
        y = model.forward(z)[0].detach()
        cases.append(("forward", 0.0, lambda: torch.cat([t.reshape(rows, -1) for t in model.forward(z)], 1)))
        cases.append(("inverse", 0.0, lambda: torch.cat([t.reshape(rows, -1) for t in model.inverse(y)], 1)))
    found = []
    for name, allowed, evaluate in cases:
        if name in model.programs and _launcher(model, name):
            with torch.no_grad():
                os.environ["GENC_BACKEND"] = "torch"
                expected = evaluate()
                os.environ["GENC_BACKEND"] = "triton"
                share, worst = disagreement(evaluate(), expected)
            if share > allowed:
                found.append(f"{name}: {share:.1%} of {rows} rows differ, by up to {worst:.3g} relative to 1 + size")
    return found


def disagreement(found: Tensor, expected: Tensor) -> tuple[float, float]:
    """(the share of rows that differ by more than `TOLERANCE`, the largest relative difference)."""
    found, expected = (t.double().reshape(len(t), -1) for t in (found, expected))
    relative = (found - expected).abs() / (1 + expected.abs())
    relative = torch.where(found == expected, 0.0, relative).nan_to_num(torch.inf)
    differs = (relative > TOLERANCE).any(1)
    return differs.double().mean().item(), relative.max().item()


def main(module: str, name: str, weights: str, rows: str, seed: str) -> int:
    """Compare the back ends of one model; 1 when they differ."""
    kind: type[Model] = getattr(importlib.import_module(module), name)
    model = kind()
    model.load_state_dict(safetensors.torch.load_file(weights))
    found = differences(model, int(rows), int(seed))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
