"""Back ends: the Triton kernels of a package, under Triton's interpreter, and its C functions compute what its torch
functions compute.

The interpreter is chosen when a kernel is decorated, so the comparison runs in a process of its own, which
`testing.interpreter` is the program of.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import safetensors.torch

from gencompiler.runtime import native, settings
from gencompiler.testing.subject import Subject, has_c_function, has_kernel, itself

#: The most elements of a row that are compared under the interpreter, which costs by the operation.
LARGEST_SIZE = 32

#: What the interpreter may take, in seconds.
TIME_LIMIT = 300


def has_kernels(model: Subject) -> bool:
    """Whether any row program of the model has a kernel here (and triton is installed)."""
    return any(has_kernel(model, name) for name in model.programs)


def check_backends(model: Subject, rows: int, seed: int) -> None:
    """In a subprocess under `TRITON_INTERPRET=1`, every program with a kernel gives what its torch function gives.

    Values agree to 1e-4 relative; of drawn rows 2% may differ.  Raises AssertionError with the subprocess's report.
    """
    model_itself = itself(model)
    kind = type(model_itself)
    package = kind.__module__.rpartition(".")[0]
    source = str(Path(str(sys.modules[kind.__module__].__file__)).parent)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.safetensors"
        safetensors.torch.save_file({k: v.contiguous() for k, v in model_itself.state_dict().items()}, weights)
        arguments = [package, source, kind.__qualname__, str(weights), str(rows), str(seed)]
        command = [sys.executable, "-m", "gencompiler.testing.interpreter", *arguments]
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


def has_c_functions(model: Subject) -> bool:
    """Whether C runs any row program of the model here."""
    if settings.native_wanted() != "1" or native.compiler() is None:
        return False
    return any(has_c_function(model, name) for name in model.programs)


def check_c_functions(model: Subject, rows: int, seed: int) -> None:
    """Every program with a C function gives what its torch function gives: to 1e-4 relative; of drawn rows 2% may
    differ.  Raises AssertionError."""
    from gencompiler.testing import interpreter

    before = os.environ.get("GENC_BACKEND")
    try:
        found = interpreter.differences(itself(model), rows, seed, "native", has_c_function)
    finally:
        os.environ.pop("GENC_BACKEND", None)
        if before is not None:
            os.environ["GENC_BACKEND"] = before
    if found:
        report = "\n".join(found)
        raise AssertionError(f"the C functions do not compute what torch computes:\n{report}")
