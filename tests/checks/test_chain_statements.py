"""The corpus of statements about transitions: true ones are proved, false ones are refuted.

None of a wrong kind is ever reported; a few false ones are too subtle for the searches and stay unknown, named here."""

from __future__ import annotations

import pytest

from gencompiler import pipeline
from gencompiler.checks import check
from gencompiler.diagnostics.model import Reporter
from gencompiler.diagnostics.span import SourceText
from tests.checks import (
    chain_errors,
    chain_errors_finite,
    chain_errors_fresh,
    chain_statements,
    chain_statements_finite,
    chain_statements_fresh,
)
from tests.checks.chain_models import Statement

TRUE = [*chain_statements.TRUE, *chain_statements_fresh.TRUE, *chain_statements_finite.TRUE]
FALSE = [*chain_errors.FALSE, *chain_errors_fresh.FALSE, *chain_errors_finite.FALSE]
KINDS = ("stationary", "reversible", "ergodic", "conditional")

#: What the rules and searches leave open, with the reason.
OPEN = {
    "walk_by_hand_student": "the logarithm of a quotient of sums is not taken apart in a ratio written by hand",
    "barker_student": "as before",
}


def verdicts(statement: Statement) -> list[str]:
    name, body, _ = statement
    done = pipeline.run(SourceText(f"{name}.gen", f"model M {{\n{body}\n}}\n"), until="derive")
    return [v.status for v in check(done.derived, Reporter()).verdicts if v.obligation.id in KINDS]


def test_there_are_enough() -> None:
    assert len(TRUE) >= 150
    assert len(FALSE) >= 150
    assert len({name for name, _, _ in TRUE + FALSE}) == len(TRUE) + len(FALSE)


@pytest.mark.parametrize("statement", TRUE, ids=lambda s: s[0])
def test_a_true_statement_is_proved(statement: Statement) -> None:
    found = verdicts(statement)
    assert found and "refuted" not in found
    assert set(found) == {"proved"} or statement[0] in OPEN


@pytest.mark.parametrize("statement", FALSE, ids=lambda s: s[0])
def test_a_false_statement_is_refuted(statement: Statement) -> None:
    found = verdicts(statement)
    assert found[-1] != "proved"
    assert found[-1] == "refuted" or statement[0] in OPEN
