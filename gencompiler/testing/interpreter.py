"""Torch against the Triton interpreter, in the process that `properties.backends` starts for it.

`python -m gencompiler.testing.interpreter PACKAGE FOLDER CLASS WEIGHTS ROWS SEED` prints what differs, and exits with 1
when something does.  TRITON_INTERPRET=1 must be set before Python starts, for kernels read it as they are decorated.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import safetensors.torch
import torch
from torch import Tensor

from gencompiler.testing.spaces import flat
from gencompiler.testing.strategies import make_rows
from gencompiler.testing.subject import Subject, chain_draws, has_kernel, log_prob, observed, offers

#: Elements may differ by this much relative to 1 + their size.
TOLERANCE = 1e-4

#: The share of drawn rows that may differ: a draw is decided by comparing a uniform with a computed probability, and
#: where the two agree to rounding the back ends may decide differently.
FLIPPED = 0.02


def differences(model: Subject, rows: int, seed: int) -> list[str]:
    """What differs between the back ends, in words; empty when nothing does."""
    field = observed(model)
    x = make_rows(field, rows, "interior", seed)
    cases: list[tuple[str, float, Callable[[], Tensor]]] = [
        ("log_prob", 0.0, lambda: log_prob(model, x, seed=seed)),
        ("energy", 0.0, lambda: model.energy(x)),
        ("sample", FLIPPED, lambda: model.sample(rows, seed=seed)),
        ("chain", FLIPPED, lambda: chain_draws(model, rows, seed)),
    ]
    if offers(model, "forward", "inverse"):
        z = torch.randn(rows, *field.shape, generator=torch.Generator().manual_seed(seed))
        y = model.forward(z)[0].detach()
        cases.append(("forward", 0.0, lambda: torch.cat([t.reshape(rows, -1) for t in model.forward(z)], 1)))
        cases.append(("inverse", 0.0, lambda: torch.cat([t.reshape(rows, -1) for t in model.inverse(y)], 1)))
    found = []
    for name, allowed, evaluate in cases:
        if has_kernel(model, name):
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
    found, expected = (flat(t).double() for t in (found, expected))
    relative = (found - expected).abs() / (1 + expected.abs())
    relative = torch.where(found == expected, 0.0, relative).nan_to_num(torch.inf)
    differs = (relative > TOLERANCE).any(1)
    return differs.double().mean().item(), relative.max().item()


def import_package(name: str, folder: Path) -> ModuleType:
    """The generated package in `folder`, under the name it has in the process that started this one."""
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def main(package: str, folder: str, name: str, weights: str, rows: str, seed: str) -> int:
    """Compare the back ends of one model; 1 when they differ."""
    import_package(package, Path(folder))
    kind: type[Subject] = getattr(importlib.import_module(f"{package}.model"), name)
    model = kind()
    model.load_state_dict(safetensors.torch.load_file(weights))
    found = differences(model, int(rows), int(seed))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
