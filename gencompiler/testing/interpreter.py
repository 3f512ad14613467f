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

from gencompiler.runtime import backends
from gencompiler.runtime.modules import Context, Model, Values
from gencompiler.testing import subject
from gencompiler.testing.spaces import flat
from gencompiler.testing.strategies import make_rows
from gencompiler.testing.subject import Subject, chain_draws, decoded, has_kernel, itself, observed
from gencompiler.testing.view import View, view

#: Elements may differ by this much relative to 1 + their size.
TOLERANCE = 1e-4

#: The share of drawn rows that may differ: a draw is decided by comparing a uniform with a computed probability, and
#: where the two agree to rounding the back ends may decide differently.
FLIPPED = 0.02

#: A row program, the share of rows that may differ, and what calls it.
Case = tuple[str, float, Callable[[], Tensor]]


def differences(
    model: Model, rows: int, seed: int, backend: str = "triton", has: Callable[[Subject, str], bool] = has_kernel
) -> list[str]:
    """What differs between torch and `backend` in the programs that it `has`, in words; empty when nothing does."""
    seen = view(model, seed)
    found = []
    for name, allowed, evaluate in _cases(seen, rows, seed):
        if has(seen, name):
            with torch.no_grad():
                os.environ["GENC_BACKEND"] = "torch"
                expected = evaluate()
                os.environ["GENC_BACKEND"] = backend
                share, worst = disagreement(evaluate(), expected)
            if share > allowed:
                found.append(f"{name}: {share:.1%} of {rows} rows differ, by up to {worst:.3g} relative to 1 + size")
    return [*found, *_gradient_differences(seen, rows, seed)] if backend == "triton" else found


def _gradient_differences(model: Subject, rows: int, seed: int) -> list[str]:
    """Gradients of the phases whose backward pass is a kernel, parameter by parameter, relative to their norm."""
    own = itself(model)
    x = make_rows(observed(model), rows, "interior", seed)
    parts, context = (model.parts(x), model.context(rows)) if isinstance(model, View) else ([x], None)
    found = []
    for phase in own.phases:
        function = own.programs[phase.program].function.__name__
        os.environ["GENC_BACKEND"] = "triton"
        if backends.differentiable(own, function, parts) is None:
            continue
        wanted = _gradient(own, phase.program, "torch", parts, context, seed)
        for path, gradient in _gradient(own, phase.program, "triton", parts, context, seed).items():
            known = wanted.get(path, torch.zeros_like(gradient))  # torch has none where nothing reaches a parameter
            error = (gradient - known).norm() / (1 + known.norm())
            if not error <= TOLERANCE:
                found.append(f"the gradient of {phase.program} in {path}: {error:.3g} relative to 1 + its norm")
    return found


def _gradient(
    model: Model, program: str, backend: str, values: list[Tensor], context: Context, seed: int
) -> dict[str, Tensor]:
    """The gradient of the sum of a program's values over rows, by parameter."""
    os.environ["GENC_BACKEND"] = backend
    model.zero_grad()
    model.row_values(program, values, context, seed=seed).sum().backward()  # type: ignore[no-untyped-call]
    return {name: each.grad.clone() for name, each in model.named_parameters() if each.grad is not None}


def _cases(model: Subject, rows: int, seed: int) -> list[Case]:
    """Row programs, the share of rows that may differ, and what calls them."""
    field = observed(model)
    x = make_rows(field, rows, "interior", seed)
    drawn = 0.0 if subject.has_exact_log_prob(model) else FLIPPED
    cases: list[Case] = [
        ("log_prob", drawn, lambda: subject.log_prob(model, x, seed=seed)),
        ("log_weight", FLIPPED, lambda: model.log_weight(x, seed=seed)),
        ("energy", 0.0, lambda: model.energy(x)),
        ("sample", FLIPPED, lambda: model.sample(rows, seed=seed)),
        ("chain", FLIPPED, lambda: chain_draws(model, rows, seed)),
        ("encode", FLIPPED, lambda: _side_by_side(model.encode(x, seed=seed))),
    ]
    if subject.offers(model, "forward", "inverse"):
        z = torch.randn(rows, *field.shape, generator=torch.Generator().manual_seed(seed))
        y = model.forward(z)[0].detach()
        cases.append(("forward", 0.0, lambda: _side_by_side(model.forward(z))))
        cases.append(("inverse", 0.0, lambda: _side_by_side(model.inverse(y))))
    if "decode" in model.programs:
        latents = [make_rows(each, rows, "interior", seed) for each in decoded(model)]
        cases.append(("decode", FLIPPED, lambda: model.decode(*latents, **subject.keys(model, "decode", rows, seed))))
    return [*cases, *_objectives(model, x, seed)]


def _objectives(model: Subject, x: Tensor, seed: int) -> list[Case]:
    """The values of the phases of training, row by row."""
    own, context = (model.parts(x), model.context(len(x))) if isinstance(model, View) else ([x], None)

    def value(program: str) -> Callable[[], Tensor]:
        return lambda: itself(model).row_values(program, own, context, seed=seed)

    names = {phase.program for phase in model.phases} - {"log_prob"}
    return [(name, FLIPPED, value(name)) for name in sorted(names)]


def _side_by_side(values: Values) -> Tensor:
    parts = values if isinstance(values, tuple) else (values,)
    return torch.cat([part.reshape(len(part), -1) for part in parts], 1)


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
    kind: type[Model] = getattr(importlib.import_module(f"{package}.model"), name)
    model = kind()
    model.load_state_dict(safetensors.torch.load_file(weights))
    found = differences(model, int(rows), int(seed))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
