"""Device functions keep float32 accuracy over their whole range, and draw the numbers that torch draws."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gencompiler.catalog.functions import FUNCTIONS

ROOT = Path(__file__).parents[2]

#: Units in the last place.  Beyond 20, sinh and cosh are exp(|x| - log 2), which feels the rounding of its argument.
ACCURACY = {"sinh": 60.0, "cosh": 60.0}


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", "-m", "tests.runtime.device_functions"]
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=600)
    assert run.returncode == 0, run.stderr[-3000:]
    return dict(json.loads(run.stdout))


@pytest.mark.parametrize(
    "name", ["log1p", "expm1", "softplus", "logit", "square", "tanh", "sinh", "cosh", "asinh", "tan", "atan", "sign"]
)
def test_accuracy(name: str, results: dict[str, Any]) -> None:
    found = results["functions"][name]
    assert found["same"], "finite where torch is"
    assert found["error"] <= ACCURACY.get(name, 4.0)


def test_uniforms_are_equal_and_normals_close(results: dict[str, Any]) -> None:
    for key, found in results["draws"].items():
        if key.startswith("uniform"):
            assert found["equal"], key
        assert found["error"] <= 1e-6, key


def test_every_function_of_the_catalogue_is_there() -> None:
    """A name without a prefix in the catalogue's Triton column is defined in `runtime.kernels`."""
    source = (ROOT / "gencompiler" / "runtime" / "kernels.py").read_text()
    for function in FUNCTIONS.values():
        name = function.triton.partition("(")[0]
        if name and "." not in name:
            assert f"def {name}(" in source, function.name
