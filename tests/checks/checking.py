"""The checks of a text: what tests of verdicts share."""

from __future__ import annotations

from gencompiler import pipeline
from gencompiler.checks import Checked, check
from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.model import Reporter
from gencompiler.diagnostics.span import SourceText


def checked(spec: str) -> tuple[Checked, Derived]:
    """The verdicts on a file, which may be one bijection, and what they are about; refuted ones are returned as well."""
    derived = pipeline.run(SourceText("statement.gen", spec), until="derive").derived
    return check(derived, Reporter()), derived
