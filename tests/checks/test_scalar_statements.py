"""Every statement of the table ends as it must, its certificate replays, and no counterexample is a rounding error."""

from __future__ import annotations

import json

import pytest

from gencompiler.checks import Checked
from gencompiler.checks.certificate import certificate_data, certificate_text, recheck
from gencompiler.derive.nodes import Derived
from tests.checks.checking import checked as checked_file
from tests.checks.map_statements_fourth import FOURTH, FOURTH_FALSE, FOURTH_OPEN
from tests.checks.scalar_falsehoods import FALSE as KNOWN_FALSE
from tests.checks.scalar_statements import TRUE as FIRST
from tests.checks.scalar_statements_fresh import FRESH, FRESH_FALSE
from tests.checks.scalar_statements_more import MORE
from tests.checks.scalar_statements_third import THIRD, THIRD_FALSE
from tests.checks.vector_statements_fresh import FRESH as VECTORS
from tests.checks.vector_statements_fresh import FRESH_FALSE as VECTORS_FALSE
from tests.checks.vector_statements_second import OPEN, SECOND, SECOND_FALSE

TRUE = (*FIRST, *MORE, *FRESH, *THIRD, *VECTORS, *SECOND, *FOURTH)
FALSE = (*KNOWN_FALSE, *FRESH_FALSE, *THIRD_FALSE, *VECTORS_FALSE, *SECOND_FALSE, *FOURTH_FALSE)


def checked(statement: str) -> tuple[Checked, Derived]:
    """The checks of a file of one bijection."""
    return checked_file(f"bijection F{statement}\n")


@pytest.mark.parametrize("statement", [s for s, _ in TRUE])
def test_a_true_statement_is_proved(statement: str) -> None:
    found, derived = checked(statement)
    assert [v.status for v in found.verdicts] == ["proved"]
    assert recheck(certificate_text(found, "hash", "spec"), derived, "hash") == []


@pytest.mark.parametrize("statement", [s for s, _ in FALSE])
def test_a_false_statement_is_refuted(statement: str) -> None:
    found, derived = checked(statement)
    assert [v.status for v in found.verdicts] == ["refuted"]
    assert recheck(certificate_text(found, "hash", "spec"), derived, "hash") == []


@pytest.mark.parametrize("statement", [s for s, _ in (*OPEN, *FOURTH_OPEN)])
def test_an_open_statement_is_not_settled(statement: str) -> None:
    """One that is settled now belongs to the others."""
    found, _ = checked(statement)
    assert [v.status for v in found.verdicts] == ["unknown"]


def test_there_are_enough() -> None:
    assert len(TRUE) >= 100
    assert len(FALSE) >= 100
    assert len({s for s, _ in (*TRUE, *FALSE)}) == len(TRUE) + len(FALSE)


#: Statements whose proofs use every rule for slopes, limits and counterexamples.
MUTATED = (
    "(u : Real | a : Interval(-1, 1)) -> Real = u + a * sin(u)",
    "(u : Real) -> Real = u^3 + u^2 + u",
    "(u : Real) -> Real = u + max(u, 0)",
    "(u : Positive) -> Positive = u + exp(u) - 1",
    "(u : Real) -> Real = u + 1.01 * sin(u)",
    "(u : Real) -> Real = u / (1 + abs(u))",
    "(u : Real) -> Real = if u > 1 then 2 * u - 0.99 else u",
)


@pytest.mark.parametrize("statement", MUTATED)
def test_a_certificate_that_is_changed_is_rejected(statement: str) -> None:
    """Every number and every word of a proof's subject, changed one at a time."""
    found, derived = checked(statement)
    text = json.dumps(certificate_data(found, "hash", "spec"))
    assert recheck(json.loads(text), derived, "hash") == []
    noticed = 0
    for number, entry in enumerate(json.loads(text)["proofs"]):
        for key in ("rule", "conclusion"):
            data = json.loads(text)
            other = "number" if entry["rule"] != "number" else "shift"
            data["proofs"][number][key] = other if key == "rule" else {"is": "NonZero", "term": {"term": 0}}
            assert recheck(data, derived, "hash") != []
            noticed += 1
    assert noticed
