"""Evaluates the device functions of `runtime.kernels` under Triton's interpreter: `python -m
tests.runtime.device_functions`.

Prints JSON: for each function its greatest error in units of the last place against torch in float64, and whether
both are finite at the same places; for each kind of draw whether it equals `runtime.random`.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

os.environ["TRITON_INTERPRET"] = "1"

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.nn import functional as F

from gencompiler.runtime import kernels, random

SIZE = 8192
REFERENCES = {
    "log1p": torch.log1p,
    "expm1": torch.expm1,
    "softplus": lambda a: F.softplus(a, threshold=700),
    "logit": torch.logit,
    "square": torch.square,
    "tanh": torch.tanh,
    "sinh": torch.sinh,
    "cosh": torch.cosh,
    "asinh": torch.asinh,
    "tan": torch.tan,
    "atan": torch.atan,
    "sign": torch.sign,
}


def arguments(name: str) -> Tensor:
    """Every magnitude, both signs, the ends of ranges; inside the domain."""
    if name == "logit":
        middle = torch.linspace(1e-6, 1 - 1e-6, SIZE // 2)
        return torch.cat((middle, torch.logspace(-30, -1, SIZE // 2)))
    far = 8 if name in ("sinh", "asinh", "atan", "log1p", "sign", "square") else 2
    sizes = torch.cat((torch.logspace(-30, far, SIZE // 4), torch.linspace(0, 90, SIZE // 4)))
    values = torch.cat((sizes, -sizes))
    if name == "log1p":
        return values.clamp_min(-0.999999)
    return values.clamp(-1.5, 1.5) if name == "tan" else values


@triton.jit
def _draw_kernel(rows, out, seed, step, stream, KIND: tl.constexpr, ROWS: tl.constexpr, DIMS: tl.constexpr):
    row = tl.load(rows + tl.arange(0, ROWS))[:, None]
    dim = tl.arange(0, DIMS)[None, :]
    place = tl.arange(0, ROWS)[:, None] * DIMS + dim
    if KIND == "uniform":
        tl.store(out + place, kernels.uniform(seed, row, step, dim, stream))
    else:
        tl.store(out + place, kernels.normal(seed, row, step, dim, stream))


def evaluated(name: str, folder: Path, values: Tensor) -> Tensor:
    """A device function over `values`; triton reads the source of kernels from files."""
    import importlib.util

    path = folder / f"apply_{name}.py"
    path.write_text(
        "import triton\nimport triton.language as tl\n"
        f"from gencompiler.runtime.kernels import {name}\n\n\n"
        "@triton.jit\ndef kernel(a, out, SIZE: tl.constexpr):\n"
        f"    i = tl.arange(0, SIZE)\n    tl.store(out + i, {name}(tl.load(a + i)))\n"
    )
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    out = torch.zeros(SIZE)
    module.kernel[(1,)](values, out, SIZE)
    return out


def functions() -> dict[str, Any]:
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, reference in REFERENCES.items():
            values = arguments(name)
            values[0] = torch.nan
            exact = reference(values.double())
            found = evaluated(name, Path(folder), values).double()
            rounded = exact.float().double()
            both = torch.isfinite(rounded) & torch.isfinite(found)
            spacing = torch.maximum(rounded.abs() * 2.0**-23, torch.tensor(2.0**-126, dtype=torch.float64))
            error = ((found - exact).abs() / spacing)[both]
            same = bool((torch.isfinite(rounded) == torch.isfinite(found)).all())
            results[name] = {"error": float(error.max()), "same": same}
    return results


def draws() -> dict[str, Any]:
    rows, dims = torch.arange(64) + 2**31 - 5, 16
    results: dict[str, Any] = {}
    for seed in (0, 7, 2**40 + 5, 2**64 - 1):
        for kind in ("uniform", "normal"):
            found = torch.zeros(64, dims)
            _draw_kernel[(1,)](rows, found, seed, 9, 3, kind, 64, dims)
            wanted = getattr(random, kind)(seed, rows, 9, 3, dims)
            error = ((found - wanted).abs() / (1 + wanted.abs())).max()
            results[f"{kind} {seed}"] = {"equal": torch.equal(found, wanted), "error": float(error)}
    return results


if __name__ == "__main__":
    print(json.dumps({"functions": functions(), "draws": draws()}))
