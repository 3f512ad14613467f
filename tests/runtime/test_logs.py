"""The record for TensorBoard: written where it is installed and asked for, and nowhere else."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest

from gencompiler.runtime import logs
from gencompiler.runtime.errors import RunError

ROWS = np.random.default_rng(0).integers(0, 2, (60, 6)).astype(np.uint8)


class Writer:
    """Stands for TensorBoard's writer."""

    made: ClassVar[list[Writer]] = []

    def __init__(self, folder: str, purge_step: int) -> None:
        self.folder, self.purge_step = folder, purge_step
        self.values: list[tuple[str, float, int]] = []
        self.closed = False
        Writer.made.append(self)

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.values.append((name, value, step))

    def flush(self) -> None: ...

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[Writer]:
    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer  # type: ignore[attr-defined]
    found, original = importlib.machinery.ModuleSpec("tensorboard", None), importlib.util.find_spec
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: found if n == "tensorboard" else original(n))
    Writer.made.clear()
    return Writer.made


def fit(modules: dict[str, ModuleType], **options: Any) -> None:
    modules["nade"].Tiny(seed=1).fit(ROWS, epochs=2, **options)


def test_metrics_reach_tensorboard(modules: dict[str, ModuleType], installed: list[Writer], tmp_path: Path) -> None:
    fit(modules, out=tmp_path, log="tensorboard")
    (writer,) = installed
    assert writer.folder == str(tmp_path / logs.EVENTS)
    assert [(name, step) for name, _, step in writer.values] == [
        *(("loss_phase_1", 3), ("validation", 3)),
        *(("loss_phase_1", 6), ("validation", 6)),
    ]
    assert writer.closed
    written = (tmp_path / "metrics.csv").read_text()
    assert all(repr(value) in written for _, value, _ in writer.values)


def test_a_resumed_run_replaces_what_comes_after_its_checkpoint(
    modules: dict[str, ModuleType], installed: list[Writer], tmp_path: Path
) -> None:
    fit(modules, out=tmp_path, log="tensorboard")
    modules["nade"].Tiny(seed=1).fit(ROWS, epochs=3, out=tmp_path, log="tensorboard", resume=True)
    assert [writer.purge_step for writer in installed] == [3, 9]


def test_nothing_is_written_unasked(modules: dict[str, ModuleType], installed: list[Writer], tmp_path: Path) -> None:
    fit(modules, out=tmp_path / "plain")
    fit(modules, log="tensorboard")  # no folder to write into
    assert installed == []


def test_without_tensorboard_a_run_is_as_good(
    modules: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: None if n == "tensorboard" else original(n))
    fit(modules, out=tmp_path, log="tensorboard")
    assert not (tmp_path / logs.EVENTS).exists()
    assert (tmp_path / "metrics.csv").exists()


def test_another_kind_is_refused(modules: dict[str, ModuleType]) -> None:
    with pytest.raises(RunError, match="log = wandb"):
        fit(modules, log="wandb")
