"""Goldens of the Model IR, of what is derived, and of the row programs, for every shipped spec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gencompiler import pipeline
from gencompiler.diagnostics.span import SourceText

SPECS = sorted(Path("specs").rglob("*.gen"))
STAGES = ("model", "derived", "rows")


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_golden(path: Path, stage: str, golden: Any) -> None:
    source = SourceText(path.as_posix(), path.read_text(encoding="utf-8"))
    done = pipeline.run(source, until="lower")
    golden.check(Path("tests/goldens") / f"{path.stem}.{stage}.txt", pipeline.dump(done, stage, False))


def test_the_same_spec_gives_the_same_bytes() -> None:
    path = SPECS[0]
    source = SourceText(path.as_posix(), path.read_text(encoding="utf-8"))
    first, second = (pipeline.dump(pipeline.run(source, until="lower"), "rows", True) for _ in range(2))
    assert first == second
