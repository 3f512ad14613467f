"""Every example of the language resolves: what compiles today compiles, and the rest is called by name as not
supported.

No example may be answered with a user's error: they are all valid specs.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from gencompiler import pipeline
from gencompiler.diagnostics.model import CompileError, Severity
from gencompiler.diagnostics.span import SourceText

EXAMPLES = sorted(p for p in Path("tests/syntax/examples").rglob("*.gen") if p.parent.name != "prelude")

#: Examples that do not resolve yet, though they are valid; a test fails when one is added or lost.
NOT_YET = {"ddpm"}


#: The codes of examples that are answered otherwise: hmm asks for a filter as `smc` without a path.
OTHERWISE = {"hmm": {"G703"}}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_an_example_resolves_or_is_not_supported_yet(path: Path) -> None:
    source = SourceText(path.as_posix(), path.read_text(encoding="utf-8"))
    codes: set[str] = set()
    try:
        pipeline.run(source, until="derive")
    except CompileError as error:
        errors = [d for d in error.diagnostics if d.severity is Severity.ERROR]
        codes = {d.code for d in errors}
        if path.stem in NOT_YET:
            assert error.exit_status == 3
            assert all("not supported yet" in d.message for d in errors)
    assert codes == OTHERWISE.get(path.stem, {"G901"} if path.stem in NOT_YET else set())
