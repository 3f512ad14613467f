"""Every spec that comes with the project has pictures, untrained as well."""

from __future__ import annotations

from pathlib import Path

import pytest

import gencompiler
from gencompiler import api
from gencompiler.report import collect, style

ROOT = Path(gencompiler.__file__).parents[1]
SPECS = sorted((ROOT / "specs").glob("*/*.gen"))

#: What has neither samples nor chains nor data: a mass is a number.
UNDRAWN = ("ais",)


@pytest.mark.slow
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_a_shipped_spec_can_be_pictured(spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "DRAWS", 20)
    model = api.compile(spec, out=tmp_path)()
    drawings = collect.figures_of(model, None, 0)
    assert bool(drawings) == (spec.stem not in UNDRAWN)
    assert len({drawing.name for drawing in drawings}) == len(drawings)
    assert all(style.svg(drawing).startswith("<svg") for drawing in drawings)
