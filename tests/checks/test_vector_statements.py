"""A corpus of true and false statements about maps of vectors: none false is proved, none true refuted."""

from __future__ import annotations

import pytest

from gencompiler.checks import check
from gencompiler.checks.certificate import certificate_data, recheck
from gencompiler.checks.verdict import PROVED, REFUTED, Verdict
from gencompiler.derive.derive import derive
from gencompiler.diagnostics.model import Reporter
from gencompiler.diagnostics.span import SourceText
from gencompiler.model import prelude
from gencompiler.model.resolve import resolve
from gencompiler.syntax.parse import parse
from tests.checks.vector_statements import FALSE, TRUE, Statement

SPEC = """bijection F(u : Real[D]{parameters}) -> {result} = {body}
model M(D = 4) {{
  observed x : {result}
  latent   z : Real[D]
  p(z) = Normal(0, 1)
  x = z |> F
}}
"""

#: False statements for which no counterexample is found, only no proof: an exact one needs an irrational number, a
#: matrix whose elements differ, or a network of which more is known than its value at two points.
UNKNOWN = {
    "the entry itself in a network",
    "a bound of 1 is not below 1",
    "bounds that sum to 1.1",
    "elements in (-1, 1): the norm may be 4",
    "a bounded network, multiplied by 2",
    "planar, w @ h down to -1.01",
    "columns that are not orthonormal",
    "Sylvester, a diagonal of either sign",
    "Sylvester, below and on the diagonal",
}


def verdict(statement: Statement) -> tuple[Verdict, list[str]]:
    """The verdict on the map, and what `recheck` finds wrong with its certificate."""
    parameters, result, body = statement
    text = SPEC.format(parameters=f" | {parameters}" if parameters else "", result=result, body=body)
    reporter = Reporter()
    derived = derive(resolve(parse(SourceText("statement.gen", text)), {}, prelude.load(), reporter))
    checked = check(derived, reporter)
    found = next(v for v in checked.verdicts if v.obligation.id == "invertible" and v.subject == "F")
    return found, recheck(certificate_data(checked), derived)


@pytest.mark.parametrize("reason", TRUE)
def test_true(reason: str) -> None:
    found, failures = verdict(TRUE[reason])
    assert found.status == PROVED, found.notes
    assert failures == []


@pytest.mark.parametrize("reason", FALSE)
def test_false(reason: str) -> None:
    found, failures = verdict(FALSE[reason])
    assert found.status != PROVED
    assert (found.status == REFUTED) != (reason in UNKNOWN)
    assert failures == []


def test_there_are_enough() -> None:
    assert len(TRUE) >= 60
    assert len(FALSE) >= 60
    assert len(UNKNOWN) <= len(FALSE) / 4
