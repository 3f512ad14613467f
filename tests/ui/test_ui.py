"""Wrong specs and what is said about them: `<code>_<what>.gen` and its `.stderr`, reviewed by reading.

`pytest --bless` rewrites the `.stderr` files.  The code in the name must be among those reported.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from gencompiler.diagnostics import render
from gencompiler.diagnostics.codes import CODES
from gencompiler.diagnostics.model import CompileError, Diagnostic
from gencompiler.diagnostics.span import SourceText
from gencompiler.syntax.parse import parse
from tests.conftest import Golden

SPECS = sorted(Path(__file__).parent.glob("*.gen"))


def diagnostics(path: Path) -> tuple[Diagnostic, ...]:
    """What is reported about the spec, by the parser or, where it parses, by the whole front end."""
    source = SourceText(path.name, path.read_text(encoding="utf-8"))
    try:
        parse(source)
    except CompileError as error:
        return error.diagnostics
    try:
        from gencompiler import check
    except ImportError:
        pytest.skip("the checker is not there yet")
    return tuple(check(source).diagnostics)


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_ui(path: Path, golden: Golden) -> None:
    found = diagnostics(path)
    code = path.stem.partition("_")[0].upper()
    assert code in {d.code for d in found}, f"reported {sorted({d.code for d in found})}"
    source = SourceText(path.name, path.read_text(encoding="utf-8"))
    golden.check(path.with_suffix(".stderr"), render.full(found, {path.name: source}))


def test_every_golden_has_a_spec() -> None:
    assert {p.stem for p in Path(__file__).parent.glob("*.stderr")} <= {p.stem for p in SPECS}


def test_every_syntax_code_has_a_wrong_spec() -> None:
    shown = {p.stem.partition("_")[0].upper() for p in SPECS}
    assert {code for code in CODES if code.startswith("G0")} <= shown
