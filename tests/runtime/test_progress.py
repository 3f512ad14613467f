"""The progress bar: seen where wanted, silent elsewhere."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest

from gencompiler.runtime.progress import Progress, in_notebook

ROWS = np.random.default_rng(0).integers(0, 2, (60, 6))


@pytest.mark.parametrize(("wanted", "seen"), [("1", True), ("0", False), ("", False)])
def test_a_run_is_quiet_unless_someone_watches(
    modules: dict[str, ModuleType],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    wanted: str,
    seen: bool,
) -> None:
    monkeypatch.setenv("GENC_PROGRESS", wanted)
    modules["nade"].Tiny().fit(ROWS, epochs=2)
    printed = capfd.readouterr()
    assert printed.out == ""
    assert ("epoch 1: loss_phase_1" in printed.err) == seen
    assert seen or printed.err == ""


def test_rates_count_rows() -> None:
    with Progress(10, show=False) as progress:
        for _ in range(3):
            progress.advance(100)
        progress._began -= 1
        assert 100 < progress.rate <= 300
        progress.say("[not markup]")


class Kernel:
    """What IPython gives in a notebook."""

    kernel = object()


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("IPython")
    module.get_ipython = Kernel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", module)
    monkeypatch.delenv("GENC_PROGRESS", raising=False)


@pytest.mark.usefixtures("notebook")
def test_a_notebook_gets_one_line_that_is_written_over(
    modules: dict[str, ModuleType], capfd: pytest.CaptureFixture[str]
) -> None:
    modules["nade"].Tiny().fit(ROWS, epochs=3)
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert printed.err.endswith("\n")
    last = printed.err.rstrip("\n").split("\r")[-1]
    assert "(100 %)" in last
    assert "epoch 2: loss_phase_1" in last


@pytest.mark.usefixtures("notebook")
def test_a_notebook_is_quiet_when_told_so(
    modules: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GENC_PROGRESS", "0")
    modules["nade"].Tiny().fit(ROWS, epochs=1)
    assert capfd.readouterr().err == ""


def test_a_plain_shell_of_ipython_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("IPython")
    module.get_ipython = object  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", module)
    assert not in_notebook()
