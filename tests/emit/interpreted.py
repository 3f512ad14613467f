"""Every kernel of specs under Triton's interpreter, in a process of its own: `python -m tests.emit.interpreted SPECS`.

For each spec a line of JSON, `[spec, {program: what is wrong, or ""}]`.  The kernels are those of the files that a
package gets, `kernels.py` and `backward.py`; each is given what the torch function of its program is given, and the
gradients that backward kernels make are compared with what torch makes of the torch function.  With
GENC_TEST_DEVICE=cuda they are compiled and run there (`python -m tests.device`), and compared with the CPU's torch.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from types import ModuleType

os.environ["TRITON_INTERPRET"] = "1" if os.environ.get("GENC_TEST_DEVICE", "cpu") == "cpu" else "0"

import torch
from torch import Tensor

from gencompiler import pipeline
from gencompiler.diagnostics.model import CompileError
from gencompiler.diagnostics.span import SourceText
from gencompiler.emit.gradients import passes
from gencompiler.emit.module import Places, emit_backward, emit_kernels, plan_class
from gencompiler.rows.nodes import Program
from gencompiler.runtime import gradients
from gencompiler.testing.interpreter import import_package
from tests.emit.building import SCHEDULED, unproved
from tests.rows import differentiation, harness

#: Where kernels run; on the CPU they are interpreted.
DEVICE = os.environ.get("GENC_TEST_DEVICE", "cpu")

#: The most of a size that a spec declares: the interpreter costs by the operation.
LARGEST = 32

#: Rows, not a multiple of a tile; and the size of parameters, relative to what initialisation would give.
ROWS, SCALE = 21, 0.5

#: Steps of loops that are told at run time how long they are.
STEPS = {"steps": 2, "total": 50}

#: A kernel may be this far from float64, relative to 1 + size, or so many times as far as torch's float32 is.
TOLERANCE, FACTOR = 1e-4, 16

#: The share of rows in which a draw may be decided differently, where the two agree to rounding.
FLIPPED = 0.1


def small(path: Path) -> pipeline.Compilation:
    """A spec with its sizes cut to LARGEST, or as it is where that is no model."""
    source = SourceText(path.as_posix(), path.read_text(encoding="utf-8"))
    sizes = unproved(source, "parse", "resolve").model.constants
    whole = [(name, value) for name, value in sizes if isinstance(value, Fraction) and value.denominator == 1]
    defines = {name: LARGEST for name, value in whole if value > LARGEST}
    try:
        return unproved(source, *SCHEDULED, "differentiate", defines=defines)
    except CompileError:
        return unproved(source, *SCHEDULED, "differentiate")


def compared(path: Path, folder: Path) -> dict[str, str]:
    """What is wrong with each kernel of a spec, and with each gradient."""
    done = small(path)
    plan, places = plan_class(done.model, done.programs), Places(done.sources)
    fused = {name: each for name, each in done.schedules.items() if each.targets()}
    differentiated = {name: each.ways for name, each in done.gradients.items() if each.ways}
    (folder / "__init__.py").touch()
    (folder / "kernels.py").write_text(emit_kernels(plan, fused, '""""""', places))
    (folder / "backward.py").write_text(emit_backward(plan, differentiated, '""""""', places))
    import_package(path.stem, folder)
    forward, backward = (importlib.import_module(f"{path.stem}.{name}") for name in ("kernels", "backward"))
    cases = [(forward, each.program, plan.functions[name]) for name, each in fused.items()]
    cases += [(backward, each.program, each.name) for each in passes(plan.functions, differentiated, differentiated)]
    found = {name: difference(module, program, name) for module, program, name in cases}
    for name in differentiated:
        function = plan.functions[name]
        for number, worst in enumerate(gradient(backward.GRADIENTS[function], done.programs[name])):
            found[f"gradient of {name}, way {number}"] = worst
    return found


def difference(module: ModuleType, program: Program, launcher: str) -> str:
    """In words, how far a kernel is from the torch function of its program; nothing where it is near."""
    given, values = harness.inputs(program, ROWS, 3), harness.parameters(program, 3, SCALE)
    scalars = {name: STEPS.get(name, 1) for name in program.scalars}
    exact, theirs = (
        harness.run_torch(program, given, values, ROWS, dtype, **scalars) for dtype in (torch.float64, torch.float32)
    )
    positional, keywords = harness.arguments(program, given, values, ROWS, torch.float32, **scalars)
    positional = [each.to(DEVICE) if isinstance(each, Tensor) else each for each in positional]
    keywords = {word: each.to(DEVICE) if isinstance(each, Tensor) else each for word, each in keywords.items()}
    ours = getattr(module, launcher)(*positional, **keywords)
    ours = tuple(each.cpu() for each in ((ours,) if isinstance(ours, Tensor) else ours))
    flipped = FLIPPED if "seed" in keywords else 0.0
    far = [_far(*each, flipped) for each in zip(ours, theirs, exact, strict=True)]
    return _said({each.name: ratio for each, ratio in zip(program.outputs, far, strict=True)})


def _far(ours: Tensor, theirs: Tensor, exact: Tensor, flipped: float) -> float:
    """The error of `ours` over what is allowed, of the worst row, or of the worst but a share `flipped`."""
    error, known = harness.row_errors(ours, exact), harness.row_errors(theirs, exact)
    error = torch.where(known.isinf(), 0.0, error)  # where float32 has no value, a kernel need not have one
    allowed = TOLERANCE + FACTOR * known[known.isfinite()].quantile(1 - flipped) if known.isfinite().any() else 1.0
    worst = error.sort().values[math.ceil((1 - flipped) * (len(error) - 1))]
    return float(worst / allowed)


def gradient(known: gradients.Gradient, program: Program) -> Iterator[str]:
    """For each way to differentiate, how far its gradients are from float64's by torch, normwise."""
    theirs = differentiation.by_torch(program, ROWS, SCALE, torch.float32)
    for way in known.ways:
        alone = gradients.Gradient(known.inputs, known.parameters, (way, *known.ways[-1:]))
        pairs = differentiation.compared(program, alone, ROWS, SCALE, torch.float32, DEVICE)
        far = {}
        for path, (ours, exact), single in zip(known.parameters, pairs, theirs, strict=True):
            error, known_error = (float((each - exact).norm() / (1 + exact.norm())) for each in (ours, single))
            far[path] = error / (TOLERANCE + FACTOR * known_error)
        yield _said(far)


def _said(far: dict[str, float]) -> str:
    """What is too far, in words."""
    return ", ".join(f"{name} is {ratio:.1f} times too far" for name, ratio in far.items() if not ratio <= 1)


def main(specs: Sequence[str]) -> None:
    """Compare specs, and say of each what was found as soon as it is."""
    for name in specs:
        with tempfile.TemporaryDirectory() as folder:
            try:
                found = compared(Path(name), Path(folder))
            except Exception as failure:  # a kernel makes triton raise anything, and the other specs are compared too
                found = {"": "".join(traceback.format_exception(failure))[-3000:]}
        print(json.dumps([Path(name).stem, found]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
