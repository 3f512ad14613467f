"""Wrong specs and what is said about them: `<code>_<what>.gen` and its `.stderr`, reviewed by reading.

`pytest --bless` rewrites the `.stderr` files.  The code in the name must be among those reported.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from gencompiler import CheckResult, check
from gencompiler.diagnostics import render
from gencompiler.diagnostics.codes import CODES
from tests.conftest import Golden

SPECS = sorted(Path(__file__).parent.glob("*.gen"))


def checked(path: Path, monkeypatch: pytest.MonkeyPatch) -> CheckResult:
    """What is reported about the spec, which is named as if `genc` were called in its folder."""
    monkeypatch.chdir(path.parent)
    return check(Path(path.name))


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_ui(path: Path, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    found = checked(path, monkeypatch)
    code = path.stem.partition("_")[0].upper()
    assert code in {d.code for d in found.diagnostics}, f"reported {sorted({d.code for d in found.diagnostics})}"
    golden.check(path.with_suffix(".stderr"), render.full(found.diagnostics, found.sources))


def test_every_golden_has_a_spec() -> None:
    assert {p.stem for p in Path(__file__).parent.glob("*.stderr")} <= {p.stem for p in SPECS}


def test_every_code_of_a_spec_has_a_wrong_spec() -> None:
    """All but those of runs (G8xx)."""
    shown = {p.stem.partition("_")[0].upper() for p in SPECS}
    assert {code for code in CODES if not code.startswith("G8")} - shown == set()
