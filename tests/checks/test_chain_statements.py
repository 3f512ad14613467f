"""The corpus of statements about transitions: true ones are proved, false ones are refuted.

None of a wrong kind is ever reported; a few false ones are too subtle for the searches and stay unknown, named here."""

from __future__ import annotations

import pytest

from tests.checks import (
    chain_errors,
    chain_errors_finite,
    chain_errors_fresh,
    chain_errors_unseen,
    chain_statements,
    chain_statements_finite,
    chain_statements_fresh,
    chain_statements_unseen,
)
from tests.checks.chain_models import Statement
from tests.checks.checking import checked

TRUE = [
    *chain_statements.TRUE,
    *chain_statements_fresh.TRUE,
    *chain_statements_finite.TRUE,
    *chain_statements_unseen.TRUE,
]
FALSE = [*chain_errors.FALSE, *chain_errors_fresh.FALSE, *chain_errors_finite.FALSE, *chain_errors_unseen.FALSE]
KINDS = ("stationary", "reversible", "ergodic", "conditional")

#: What the rules and searches leave open, with the reason.
OPEN = {
    "ar2": "a sign of 1 - a^2 on the way to the integral",
    "shrink_no": "three numbers at once, each of which may be refused",
    "aided_finite": "the two laws are tables whose product is not seen to be symmetric",
    "rbm_sdm_comp2": "as before",
    "mix_state_power": "a part that breaks the law twice might mend it",
    "ula_then_mala": "Langevin moves are not known to tell measures apart",
    "not_palindrome": "two moves of one variable: the flow is an integral over where the first one leads",
    "mix_of_orders_uneven": "as before",
    "logit_walk_no": "what arrives is not enclosed near the ends of (0, 1)",
    "hmc_positive": "outside, the ratio is what the formula gives, and may be meant as 0: then nothing leaves",
    "swap_supports": "the mass is infinite, which is refuted where it is stated",
    "inv_unit": "as before",
    "minus_positive_acc": "as before",
    "draw_leaves": "as before",
    "noise_leaves": "as before",
}


def verdicts(statement: Statement) -> list[str]:
    _, body, _ = statement
    found, _ = checked(f"model M {{\n{body}\n}}\n")
    return [v.status for v in found.verdicts if v.obligation.id in KINDS]


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
