"""Kernels of random row programs under Triton's interpreter: `python -m tests.rows.random_kernels EXAMPLES SEED`.

With a third argument, APART, products with more elements are taken out of kernels, as those are that do not fit on
chip, and every piece between them is a kernel.

Hypothesis makes the programs in a process of its own, for the interpreter is chosen when triton is imported, and
shrinks one whose kernel is not the torch function.  A row's result may be as far from float64's as torch's float32 is,
or as rounding moves it, of what the program is given or of what its functions return: programs jump (`floor`, `less`),
and cancel.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

os.environ["TRITON_INTERPRET"] = "1"

import torch
from hypothesis import HealthCheck, example, given, seed, settings
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from gencompiler.emit import stages
from gencompiler.emit.torch import Printed
from gencompiler.rows import cost, schedule
from gencompiler.rows.nodes import Program
from gencompiler.rows.schedule import on_gpu
from tests.rows import harness
from tests.rows.strategies import build, row_programs

#: Not a multiple of a tile.
ROWS = 5

#: What is allowed beside what rounding does, relative to 1 + size, and how many times that.
TOLERANCE, FACTOR = 1e-4, 16

#: What the program is given is moved by this, relatively, to see what rounding does: some units of float32's last place.
MOVED = 4 * 2.0**-24

#: Functions that back ends round each in their own way; arithmetic, order and choice are IEEE's everywhere.
ROUNDED = frozenset(
    [
        "asinh",
        "atan",
        "cos",
        "cosh",
        "digamma",
        "erf",
        "exp",
        "expm1",
        "lgamma",
        "linalg_vector_norm",
        "log",
        "log1p",
        "logit",
        "logsumexp",
        "pow",
        "sigmoid",
        "sin",
        "sinh",
        "softplus",
        "sqrt",
        "tan",
        "tanh",
    ]
)

#: `floor(tanh(8.83))`: a tanh within a unit of the last place is 1 there, or less; no change of its argument shows it.
JUMPS = 329014


class Rounding(TorchDispatchMode):
    """What functions return is moved, relatively: where one is flat (tanh at 9), moving its argument moves nothing."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        moved = func.overloadpacket.__name__ in ROUNDED and result.is_floating_point()
        return result * (1 + self.by) if moved else result


def allowed(program: Program) -> tuple[list[Tensor], list[Tensor]]:
    """The outputs in float64, and of each row how far a kernel may be from them."""
    values, parameters = harness.inputs(program, ROWS, 3), harness.parameters(program, 3)

    def run(dtype: torch.dtype, moved: float = 0.0) -> list[Tensor]:
        return harness.run_torch(
            program, _moved(values, moved), _moved(parameters, moved), ROWS, dtype, **_steps(program)
        )

    exact = run(torch.float64)
    others = [run(torch.float32)]
    for by in (MOVED, -MOVED):
        others.append(run(torch.float64, by))
        with Rounding(by):
            others.append(run(torch.float64))
    errors = [torch.stack([harness.row_errors(*pair) for pair in zip(each, exact, strict=True)]) for each in others]
    worst = torch.stack(errors).amax(0)
    return exact, list(TOLERANCE + FACTOR * worst)


def _moved(values: dict[str, Tensor], by: float) -> dict[str, Tensor]:
    return {name: each * (1 + by) if each.is_floating_point() else each for name, each in values.items()}


def _steps(program: Program) -> dict[str, int]:
    return dict.fromkeys(program.scalars, 6)


def differences(program: Program, folder: Path) -> list[str]:
    """The outputs of a program's kernel that are not those of its torch function; none where it has no kernel."""
    scheduled = on_gpu(program)
    if not scheduled.targets():
        return []
    values, parameters = harness.inputs(program, ROWS, 3), harness.parameters(program, 3)
    positional, keywords = harness.arguments(program, values, parameters, ROWS, torch.float32, **_steps(program))
    found = harness.kernel_module(scheduled, folder).launch(*positional, **keywords)
    found = (found,) if isinstance(found, Tensor) else found
    exact, most = allowed(program)
    errors = [harness.row_errors(*pair) for pair in zip(found, exact, strict=True)]
    return [
        f"{output.name} is {float((error / bound).max()):.1f} times too far"
        for output, error, bound in zip(program.outputs, errors, most, strict=True)
        if not bool((error <= bound).all())
    ]


def compared(examples: int, start: int) -> int:
    """Compare so many programs, and return how many had kernels; raises with the smallest one found that is wrong."""
    kernels = 0

    with tempfile.TemporaryDirectory() as folder:

        @seed(start)
        @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(row_programs())
        @example(build(JUMPS))
        def compare(program: Program) -> None:
            nonlocal kernels
            kernels += bool(on_gpu(program).targets())
            wrong = differences(program, Path(folder))
            assert not wrong, wrong

        compare()
    return kernels


#: What is planted in kernels, a text for another, to see that it is noticed in some of the programs `build(0)`, …
PLANTED = {"a function": (" tanh(", " 1.001 * tanh("), "a sum": ("tl.sum(", "0.999 * tl.sum(")}
WITNESSES = range(6)


def unnoticed() -> list[str]:
    """What is planted and not noticed."""
    own = stages.print_kernel
    found = set()
    with tempfile.TemporaryDirectory() as folder:
        for name, change in PLANTED.items():

            def planted(*given: Any, change: tuple[str, str] = change, **more: Any) -> Printed:
                printed = own(*given, **more)
                return dataclasses.replace(printed, text=printed.text.replace(*change))

            with mock.patch.object(stages, "print_kernel", planted):
                found |= {name} if any(differences(build(number), Path(folder)) for number in WITNESSES) else set()
    return [name for name in PLANTED if name not in found]


if __name__ == "__main__":
    examples, start, *apart = map(int, sys.argv[1:])
    if apart:
        (schedule.LARGEST_MATRIX,) = apart
        cost._LAUNCH = 0.0
    print(json.dumps({"kernels": compared(examples, start), "unnoticed": unnoticed()}))
