"""Compiling C functions: once, by several processes, without a place to keep them, without a compiler."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gencompiler.runtime import compiled, native
from tests import c_library

SOURCE = """
#ifdef TWICE
#define LANES 16
#include "lanes.h"
void twice(const int64_t *numbers, void *const *pointers) {
    const float *x = pointers[0];
    float *out = pointers[1];
    for (int64_t i = numbers[0]; i < numbers[1]; i++) out[i] = 2.0f * x[i];
}
#endif
"""

OTHER = """
import sys, torch
from gencompiler.runtime.compiled import CFunction, Port
f = CFunction(sys.argv[1], "twice", inputs=(Port(),), outputs=(Port(),), lanes=16)
assert f.is_ready and torch.equal(f(torch.arange(5)), 2.0 * torch.arange(5))
"""


@pytest.fixture
def function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> compiled.CFunction:
    c_library.compiler()
    monkeypatch.setenv("GENC_CACHE", str(tmp_path / "cache"))
    (tmp_path / "native.c").write_text(SOURCE)
    file = str(tmp_path / "native.py")
    return compiled.CFunction(file, "twice", inputs=(compiled.Port(),), outputs=(compiled.Port(),), lanes=16, work=1.0)


def kept(tmp_path: Path) -> list[str]:
    return sorted(each.name for each in (tmp_path / "cache" / "native").iterdir())


def test_it_is_compiled_once_and_kept(function: compiled.CFunction, tmp_path: Path) -> None:
    assert torch.equal(function(torch.arange(40)), 2.0 * torch.arange(40))
    assert torch.equal(function(torch.empty(0)), torch.empty(0))
    before = kept(tmp_path)
    assert len(before) == 1
    compiled._loaded.cache_clear()
    assert function.is_ready
    assert kept(tmp_path) == before


def test_processes_compile_at_once(function: compiled.CFunction, tmp_path: Path) -> None:
    command = [sys.executable, "-c", OTHER, function.file]
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [each.wait(timeout=120) for each in processes] == [0, 0]
    assert len(kept(tmp_path)) == 1


@pytest.mark.parametrize("compiler", ["no such compiler", "false"])
def test_without_a_compiler_there_is_none(
    function: compiled.CFunction, compiler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", compiler)
    compiled._loaded.cache_clear()
    assert not function.is_ready
    compiled._loaded.cache_clear()


def test_a_cache_that_cannot_be_written_to(
    function: compiled.CFunction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is compiled for the process alone."""

    def refused() -> Path:
        raise PermissionError("read-only")

    monkeypatch.setattr(native, "_folder", refused)
    compiled._loaded.cache_clear()
    assert torch.equal(function(torch.arange(3)), 2.0 * torch.arange(3))
    assert not (tmp_path / "cache").exists()


def test_a_changed_source_is_compiled_again(function: compiled.CFunction, tmp_path: Path) -> None:
    assert float(function(torch.ones(1))) == 2.0
    (tmp_path / "native.c").write_text(SOURCE.replace("2.0f", "3.0f"))
    compiled._loaded.cache_clear()
    assert float(function(torch.ones(1))) == 3.0
    assert len(kept(tmp_path)) == 2
