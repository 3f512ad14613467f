"""The comparison of C with torch: it passes for a package as emitted, and fails when its C is changed."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import torch

import gencompiler
from gencompiler.runtime import backends as runtime_backends
from gencompiler.testing import interpreter
from gencompiler.testing.properties import PROPERTIES, backends
from gencompiler.testing.strategies import Perturbation
from tests import c_library
from tests.testing.test_backends import NADE

OWN = next(p for p in PROPERTIES if p.name == "native")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GENC_NATIVE", "1")
    c_library.compiler()
    spec = tmp_path / "small.gen"
    spec.write_text(NADE, encoding="utf-8")
    gencompiler.compile(spec, tmp_path / "built")
    return tmp_path / "built" / "small"


def model_in(package: Path, name: str) -> torch.nn.Module:
    interpreter.import_package(name, package)
    return Perturbation(0.5, 0).apply(importlib.import_module(f"{name}.model").Small())


def test_c_functions_as_emitted_pass(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_in(package, "small_in_c")
    assert runtime_backends.c_function(model, "sample_rows") is None  # with gradients, torch
    with torch.no_grad():
        assert runtime_backends.c_function(model, "sample_rows") is not None
        monkeypatch.setenv("GENC_BACKEND", "torch")
        assert runtime_backends.c_function(model, "sample_rows") is None
        monkeypatch.setenv("GENC_BACKEND", "auto")
        assert torch.equal(model.sample(70, seed=2)[:3], model.sample(3, seed=2))
    assert OWN.applies(model)
    backends.check_c_functions(model, rows=9, seed=1)
    monkeypatch.setenv("GENC_NATIVE", "0")
    assert not OWN.applies(model)


def test_changed_c_is_caught(package: Path) -> None:
    source = package / "native.c"
    text = source.read_text(encoding="utf-8")
    changed = text.replace("sigmoid(", "0.9f * sigmoid(")
    assert changed != text
    source.write_text(changed, encoding="utf-8")
    with pytest.raises(AssertionError, match="rows differ"):
        backends.check_c_functions(model_in(package, "small_changed_c"), rows=40, seed=1)


def test_c_that_does_not_compile_is_torch(package: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With one line in the log, however often it is asked for."""
    (package / "native.c").write_text("#error no such function\n", encoding="utf-8")
    model = model_in(package, "small_not_c")
    with torch.no_grad():
        for _ in range(3):
            assert model.sample(5, seed=0).shape == (5, 5)
    told = [record.getMessage() for record in caplog.records if "torch runs sample_rows" in record.getMessage()]
    assert len(told) == 1
    assert "no such function" in told[0]
