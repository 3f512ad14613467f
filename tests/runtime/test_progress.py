"""The progress bar: seen where wanted, silent elsewhere."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from gencompiler.runtime.progress import Progress

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
