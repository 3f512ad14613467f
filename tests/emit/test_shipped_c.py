"""C functions of the shipped specs against the torch printer, with random parameters and inputs.

    python -m tests.emit.test_shipped_c [NAMES]      all of them, which takes a compiler some minutes

The suite compares a few, whose programs between them have every statement; a package's own tests compare it whole.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from gencompiler import pipeline
from gencompiler.diagnostics.span import SourceText
from gencompiler.emit.c import print_c
from gencompiler.rows.differentiate import Differentiated
from gencompiler.rows.nodes import Program
from gencompiler.rows.schedule import Schedule
from gencompiler.runtime import gradients
from gencompiler.runtime.compiled import CFunction
from tests import c_library
from tests.emit import building
from tests.rows import differentiation, harness

SPECS = Path(__file__).parents[2] / "specs"
FEW = ("hmc", "maf", "hmm", "wells", "ddpm_chain", "gaussian_nade")
ROWS = 21

#: The largest difference of a value relative to 1 + its size, and the largest error of a gradient relative to its norm.
TOLERANCE, MOST_OF_GRADIENT = 5e-4, 1e-5

#: Without what takes a compiler long: the arithmetic is the same.
FLAGS = ("-O1", "-fno-math-errno", "-fno-trapping-math")


def functions(found: dict[str, Schedule], folder: Path) -> dict[str, CFunction]:
    """The C functions of a spec."""
    printed = {
        f"{name}_rows": (each.program, each.native, print_c(each.program, each.native, name=f"{name}_rows"))
        for name, each in found.items()
        if each.native is not None and each.native.runs
    }
    made = c_library.functions(folder / "values.c", printed, FLAGS)
    return {name.removesuffix("_rows"): each for name, each in made.items()}


def worst(program: Program, function: CFunction) -> float:
    """The largest difference, relative to 1 + size; of what is drawn, of the nine rows in ten that differ least.

    Infinite where one is a number and the other is not."""
    given, values = harness.inputs(program, ROWS, 3), harness.parameters(program, 3)
    scalars = {name: {"steps": 5, "total": 50}.get(name, 2) for name in program.scalars}
    positional, keywords = harness.arguments(program, given, values, ROWS, torch.float32, **scalars)
    with torch.no_grad():
        both = [each(*positional, **keywords) for each in (harness.compiled(program), function)]
    theirs, ours = ([each] if isinstance(each, Tensor) else list(each) for each in both)
    found = torch.zeros(ROWS, dtype=torch.float64)
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        found = torch.maximum(found, harness.row_errors(a, b))
    return float(found.quantile(0.9) if function.random else found.max())


def gradients_of(
    found: Mapping[str, Differentiated], programs: Mapping[str, Program], folder: Path
) -> dict[str, gradients.Gradient]:
    """How C functions differentiate each program."""
    printed: dict[str, c_library.Printed] = {}
    names: dict[int, str] = {}
    for each in found.values():
        for number, way in enumerate(each.native):
            for program, native in ((way.adjoint.saving, way.saving), (way.adjoint.backward, way.backward)):
                names[id(program)] = name = f"{program.name}_{number}"
                printed[name] = program, native, print_c(program, native, name=name)
    made = c_library.functions(folder / "gradients.c", printed, FLAGS)

    def function(program: Program) -> CFunction:
        return made[names[id(program)]]

    return {
        name: differentiation.gradient_of(programs[name], tuple(way.adjoint for way in each.native), function)
        for name, each in found.items()
        if each.native
    }


def gradient_error(program: Program, gradient: gradients.Gradient) -> float:
    """The largest error of a parameter's gradient relative to the norm of float64's.

    What torch's own derivative in float32 has is subtracted, thrice: some models are ill-conditioned.  A mean over rows
    has a pass of its own where the value comes with the gradient."""
    return max(_gradient_error(program, gradient, even=even) for even in (False, True))


def _gradient_error(program: Program, gradient: gradients.Gradient, *, even: bool) -> float:
    rows, scale = 3 * ROWS + 2, 0.5
    pairs = differentiation.compared(program, gradient, rows, scale, torch.float32, even=even)
    single = differentiation.by_torch(program, rows, scale, torch.float32, even=even)
    theirs = differentiation.worst([(a.double(), exact) for a, (_, exact) in zip(single, pairs, strict=True)])
    return differentiation.worst(pairs) - 3 * theirs


def compared(path: Path, folder: Path) -> dict[str, float]:
    """Errors by program; those of gradients in units of the others' tolerance."""
    source = SourceText(str(path), path.read_text(encoding="utf-8"))
    done = building.unproved(source, *building.SCHEDULED)
    pipeline.differentiate(done)
    found = done.schedules
    errors = {name: worst(found[name].program, each) for name, each in functions(found, folder).items()}
    for name, gradient in gradients_of(done.gradients, done.programs, folder).items():
        errors[f"{name}, gradient"] = gradient_error(found[name].program, gradient) * TOLERANCE / MOST_OF_GRADIENT
    return errors


@pytest.mark.parametrize("name", FEW)
def test_c_functions_of_a_spec(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    c_library.compiler()
    c_library.used(monkeypatch)
    (path,) = SPECS.rglob(f"{name}.gen")
    found = compared(path, tmp_path)
    assert found
    assert {program: error for program, error in found.items() if not error <= TOLERANCE} == {}


def main(names: list[str]) -> int:
    """Compare the specs of these names, all by default; 1 when any differs."""
    import tempfile

    bad = 0
    for path in sorted(SPECS.rglob("*.gen")):
        if names and path.stem not in names:
            continue
        with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
            c_library.used(patch)
            found = compared(path, Path(folder))
        for program, error in found.items():
            bad += not error <= TOLERANCE
            print(f"{path.stem:28} {program:28} {error:.1e}{'' if error <= TOLERANCE else '   DIFFERS'}", flush=True)
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
