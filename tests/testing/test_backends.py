"""The comparison of back ends: it passes for a package as emitted, and fails when a kernel is changed."""

import importlib
import shutil
import sys
from pathlib import Path

import pytest
import torch

import gencompiler
from gencompiler.testing import interpreter
from gencompiler.testing.properties import PROPERTIES, backends
from gencompiler.testing.strategies import Perturbation

pytest.importorskip("triton")

NADE = """
model Small(D = 5, H = 4) {
  observed x : Binary[D]
  param W : Real[H, D], V : Real[D, H], b : Real[D], c : Real[H]
  p(x[i] | x[<i]) = Bernoulli(logits = b[i] + V[i] @ sigmoid(c + W[:, <i] @ x[<i]))
  train maximum_likelihood with { data = digits_binary }
}
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    spec = tmp_path / "small.gen"
    spec.write_text(NADE, encoding="utf-8")
    gencompiler.compile(spec, tmp_path / "built")
    return tmp_path / "built" / "small"


def model_in(package: Path, name: str) -> torch.nn.Module:
    interpreter.import_package(name, package)
    return Perturbation(0.5, 0).apply(importlib.import_module(f"{name}.model").Small())


def test_kernels_as_emitted_pass(package: Path) -> None:
    model = model_in(package, "small_as_emitted")
    assert backends.has_kernels(model)
    assert next(p for p in PROPERTIES if p.name == "backends").applies(model)
    backends.check_backends(model, rows=9, seed=1)


def test_a_changed_kernel_is_caught(package: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(package, broken, ignore=shutil.ignore_patterns("__pycache__"))
    kernels = broken / "kernels.py"
    text = kernels.read_text(encoding="utf-8")
    changed = text.replace("tl.sigmoid(", "0.99 * tl.sigmoid(")
    assert changed != text
    kernels.write_text(changed, encoding="utf-8")
    with pytest.raises(AssertionError, match="rows differ"):
        backends.check_backends(model_in(broken, "small_broken"), rows=9, seed=1)


def test_a_kernel_that_does_not_run_is_caught(package: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(package, broken, ignore=shutil.ignore_patterns("__pycache__"))
    with (broken / "kernels.py").open("a", encoding="utf-8") as file:
        file.write("\nraise RuntimeError('no such kernel')\n")
    with pytest.raises(AssertionError, match="no such kernel"):
        backends.check_backends(model_in(broken, "small_raising"), rows=9, seed=1)


def test_disagreement_counts_rows() -> None:
    expected = torch.zeros(10, 3)
    found = expected.clone()
    found[2, 1] = 1.0
    found[7, 0] = 1e-6
    assert interpreter.disagreement(found, expected) == (pytest.approx(0.1), pytest.approx(1.0))
    found[5] = torch.nan
    assert interpreter.disagreement(found, expected)[0] == pytest.approx(0.2)
    infinite = torch.full((2, 1), -torch.inf)
    assert interpreter.disagreement(infinite, infinite)[0] == 0


@pytest.fixture(autouse=True)
def forget_packages() -> object:
    """Packages imported by a test, and what was cached of their kernels, do not outlive it."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("small_"):
            del sys.modules[name]
