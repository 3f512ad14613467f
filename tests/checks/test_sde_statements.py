"""Statements about SDEs with their verdicts: none wrong, and few left open; and every rule is needed for that."""

from __future__ import annotations

import statistics
import time
from typing import Any

import pytest

from gencompiler.checks import sde_claims
from gencompiler.checks.certificate import certificate_text, recheck
from gencompiler.diagnostics.model import CompileError
from gencompiler.diagnostics.span import SourceText
from gencompiler.model.hash import model_hash
from gencompiler.pipeline import Compilation, run
from gencompiler.proof import current_rules, endless_search, exponentials, growth, sde_rules
from gencompiler.proof.exponentials import Exponentials
from gencompiler.proof.sde_facts import Diffusion
from tests.checks import sde_balance, sde_kernels, sde_laws, sde_reversals
from tests.checks.sde_statements import PAIR, Statement, several, stationary

CLAIMS = ("kernel", "stationary_sde", "reversible_sde", "reverse", "marginals", "terminal_law")
STATEMENTS = (*sde_balance.STATEMENTS, *sde_kernels.STATEMENTS, *sde_laws.STATEMENTS, *sde_reversals.STATEMENTS)
BY_NAME = {s.name: s for s in STATEMENTS}


def checked(statement: Statement) -> Compilation:
    return run(SourceText("m.gen", f"{statement.model}\n"), until="check")


def verdict(statement: Statement) -> str:
    """ "proved", "refuted" or "unknown", of what the model claims."""
    try:
        found = [v.status for v in checked(statement).checked.verdicts if v.obligation.id in CLAIMS]
    except CompileError as error:
        about = [d for d in error.diagnostics if d.code.startswith("G6")]
        assert about, [d.message for d in error.diagnostics]
        return "unknown" if all("cannot prove" in d.message for d in about) else "refuted"
    assert found and set(found) == {"proved"}
    return "proved"


@pytest.mark.parametrize("statement", STATEMENTS, ids=[s.name for s in STATEMENTS])
def test_statements(statement: Statement) -> None:
    assert verdict(statement) == ("proved" if statement.holds else "refuted"), statement.reason


def test_there_are_many_of_both_kinds() -> None:
    holding = [s for s in STATEMENTS if s.holds]
    assert len(holding) >= 60 and len(STATEMENTS) - len(holding) >= 60
    assert len(BY_NAME) == len(STATEMENTS)


def test_a_statement_takes_milliseconds() -> None:
    """Of this process alone, so that other work on the machine does not count; half of them under 20 ms."""
    verdict(STATEMENTS[0])
    spent = []
    for statement in STATEMENTS[::3]:
        began = time.process_time()
        verdict(statement)
        spent.append(time.process_time() - began)
    assert statistics.median(spent) < 0.02 and max(spent) < 1


@pytest.mark.parametrize("statement", [s for s in STATEMENTS if s.holds][::4], ids=lambda s: s.name)
def test_what_is_proved_is_replayed(statement: Statement) -> None:
    compilation = checked(statement)
    text = certificate_text(compilation.checked, model_hash(compilation.model), "m.gen")
    assert recheck(text, compilation.derived, model_hash(compilation.model)) == []


def test_what_changes_with_time_is_not_said_to_balance() -> None:
    """It may: the rule does not speak of it."""
    assert verdict(sde_balance.IN_TIME) == "unknown"


# -- each part of a rule is needed -----------------------------------------------------------------------------------

#: Solutions of the stationary equation that are at infinity before long, so that nothing is kept.
LEAVES = stationary("leaves", "x * exp(2 * x^2) * dt + exp(x^2) * dW", "exp(-x^2)", False, "no current, and it leaves")
CAUCHY = stationary(
    "a Brownian motion of atan x",
    "2 * x * (1 + x^2) * dt + sqrt(2) * (1 + x^2) * dW",
    "1 / (1 + x^2)",
    False,
    "atan x is a Brownian motion, which leaves (-pi / 2, pi / 2)",
)
NO_LAW = several(
    "a free velocity",
    PAIR,
    "exp(-x^2 / 2)",
    "dx = -x * dt + sqrt(2) * dW1  dv = sqrt(2) * dW2",
    False,
    "it keeps a measure, whose mass is infinite along v",
)
EITHER = "observed x : Real  param k : Real"
SIGNED = stationary("either sign", "-k * x^3 * dt + sqrt(2) * dW", "exp(-k * x^4 / 4)", False, "not for k < 0", EITHER)


@pytest.mark.parametrize("statement", [LEAVES, CAUCHY, SIGNED], ids=lambda s: s.name)
def test_what_leaves_is_not_proved(statement: Statement) -> None:
    assert verdict(statement) != "proved"


def test_a_parameter_of_either_sign_is_refuted_at_a_value() -> None:
    with pytest.raises(CompileError) as caught:
        checked(SIGNED)
    assert "its mass is infinite for k = -1" in "".join(n for d in caught.value.diagnostics for n in d.notes)


#: A part of a rule that is broken, what it says instead, and a statement that then gets a wrong verdict.
BROKEN: dict[str, tuple[object, str, Any, Statement]] = {
    "the residual is never looked at": (sde_rules, "is_zero", lambda value: True, BY_NAME["stationary: OU, no root 2"]),
    "nothing leaves": (sde_rules, "stays_finite", lambda *parts: True, LEAVES),
    "a current is never looked at": (
        current_rules,
        "is_zero",
        lambda value: True,
        BY_NAME["reversible: underdamped"],
    ),
    "every polynomial is bounded": (growth, "bounded_above", lambda value, **limits: True, CAUCHY),
    "every noise is tame": (growth, "_grows", lambda row, state, limit: True, CAUCHY),
    "every mass is finite": (
        sde_rules,
        "direction_without_end",
        lambda value, state: None,
        NO_LAW,
    ),
    "no parameter has two signs": (sde_rules, "may_rise", lambda value, state: False, SIGNED),
    "the score is nothing": (
        sde_rules,
        "scores",
        lambda diffusion, score: tuple({} for _ in sde_rules.places(diffusion)),
        BY_NAME["reverse: VP, drift forgotten"],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, part, instead, statement = BROKEN[name]
    assert verdict(statement) != "proved"
    monkeypatch.setattr(endless_search, "endless", lambda *parts: None)  # energies without mass are refused before
    monkeypatch.setattr(module, part, instead)
    if name == "the score is nothing":  # then what is right is no longer proved
        assert verdict(BY_NAME["reverse: VP"]) != "proved"
    else:
        assert verdict(statement) == "proved"


def test_a_wrong_generator_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the ½ of the second-order term, what is true is refuted and what is false proved."""
    right = sde_rules.generator

    def wrong(diffusion: Diffusion, score: tuple[Exponentials, ...]) -> Exponentials:
        still = Diffusion(diffusion.state, diffusion.time, diffusion.drift, ())
        both, drift = right(diffusion, score), right(still, score)
        return exponentials.plus(exponentials.scaled(both, 2), exponentials.scaled(drift, -1))

    monkeypatch.setattr(sde_rules, "generator", wrong)
    monkeypatch.setattr(sde_claims, "generator", wrong)
    assert verdict(BY_NAME["stationary: OU"]) != "proved"
    assert verdict(BY_NAME["stationary: OU, no root 2"]) == "proved"


def test_no_claim_passes_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim that no check looks at is refused, not skipped."""
    monkeypatch.setattr(sde_claims, "claims", lambda model: [])
    with pytest.raises(CompileError) as caught:
        checked(BY_NAME["reversible: underdamped"])
    assert [d.code for d in caught.value.diagnostics] == ["G901"]
