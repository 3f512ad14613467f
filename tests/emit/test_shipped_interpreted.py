"""Every kernel of every shipped spec under Triton's interpreter against the torch function of its program.

`tests.emit.interpreted` compares; one process does, for the interpreter is chosen when triton is imported.  A package's
own tests compare through the methods of its class; here are the kernels that no method of a small model reaches, too:
annealing, saved states, ratios, every way to differentiate.

    python -m tests.emit.interpreted specs/bijections/moons.gen
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").glob("*/*.gen"))

#: Of these, what is between products is a kernel where a size is at most 32, too.
WIDE = ("gan", "nice", "vae")

#: What all specs together may take, in seconds, on a machine that does other things.
TIME_LIMIT = 1800

pytestmark = pytest.mark.slow


def interpreted(specs: list[Path], *, before: str = "", apart: int | None = None) -> dict[str, dict[str, str]]:
    """What is wrong with the kernels of specs, by spec and kernel; `before`: Python to be run first; `apart`: the
    elements of a matrix above which its products are taken out of kernels."""
    pytest.importorskip("triton")
    program = f"import sys; {before}\nfrom tests.emit.interpreted import main; main(sys.argv[1:])"
    chosen = ["--apart", str(apart)] if apart is not None else []
    command = [sys.executable, "-W", "ignore", "-c", program, *chosen, *map(str, specs)]
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=TIME_LIMIT)
    assert run.returncode == 0, run.stderr[-3000:]
    return dict(json.loads(line) for line in run.stdout.splitlines())


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, str]]:
    return interpreted(SPECS)


@pytest.mark.parametrize("spec", [spec.stem for spec in SPECS])
def test_kernels_are_the_torch_functions(spec: str, found: dict[str, dict[str, str]]) -> None:
    assert {kernel: wrong for kernel, wrong in found[spec].items() if wrong} == {}


def test_most_specs_have_kernels(found: dict[str, dict[str, str]]) -> None:
    assert sum(map(bool, found.values())) >= len(SPECS) // 2


def test_stages_are_the_torch_functions() -> None:
    """Models that are wide as shipped, with what is between their products in kernels: values and gradients."""
    wrong = interpreted([spec for spec in SPECS if spec.stem in WIDE], apart=300)
    assert {spec: {kernel: said for kernel, said in found.items() if said} for spec, found in wrong.items()} == {
        spec: {} for spec in WIDE
    }
    assert all(any("gradient" in kernel for kernel in found) for found in wrong.values())


def test_wrong_stages_are_noticed() -> None:
    """A tanh that is a thousandth too large, in the first of the pieces that has one."""
    (spec,) = (each for each in SPECS if each.stem == "moons")
    wrong = interpreted([spec], before=_PLANTED, apart=1)[spec.stem]
    assert any("too far" in said for kernel, said in wrong.items() if kernel.startswith("log_prob"))


def test_wrong_kernels_are_noticed() -> None:
    """Of a thousandth, in values and in gradients."""
    (spec,) = (each for each in SPECS if each.stem == "moons")
    wrong = interpreted([spec], before=_PLANTED)[spec.stem]
    assert {"log_prob_rows", "sample_rows", "log_prob_backward_rows", "gradient of log_prob, way 0"} <= {
        kernel for kernel, said in wrong.items() if "too far" in said
    }


#: `tanh` of kernels a thousandth too large.
_PLANTED = """
import dataclasses, gencompiler.emit.stages
own = gencompiler.emit.stages.print_kernel
def planted(*arguments, **keywords):
    printed = own(*arguments, **keywords)
    return dataclasses.replace(printed, text=printed.text.replace(" tanh(", " 1.001 * tanh("))
gencompiler.emit.stages.print_kernel = planted
"""
