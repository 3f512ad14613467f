"""No change of a certificate goes unnoticed: not of a verdict, a bound, a rule, a witness or an assumption."""

from __future__ import annotations

import copy
import functools
import json
from typing import Any

import pytest

from gencompiler.checks.certificate import certificate_data, digest, recheck
from gencompiler.derive.nodes import Derived
from gencompiler.proof.archive import Reader
from gencompiler.proof.evaluate import evaluate
from tests.checks.building import autoregressive, coupling_body, flow, langevin, network, run
from tests.proof.test_archive import changed, mutations

MODELS = {"flow": flow, "autoregressive": autoregressive, "chain": langevin}


@functools.cache
def certified(name: str) -> tuple[dict[str, Any], Derived]:
    checked, _, derived = run(MODELS[name]())
    return json.loads(json.dumps(certificate_data(checked, "hash", "spec"))), derived


def resealed(data: dict[str, Any]) -> dict[str, Any]:
    """With the digest of what it now says: whoever changes a certificate can compute that too."""
    return {**data, "digest": digest(data)}


@pytest.mark.parametrize("name", MODELS)
def test_an_unchanged_certificate_stands(name: str) -> None:
    data, derived = certified(name)
    assert recheck(data, derived, "hash") == []
    assert recheck(json.dumps(data), derived, "hash") == []


@pytest.mark.parametrize("name", MODELS)
def test_no_changed_verdict_stands(name: str) -> None:
    """Statuses, goals, words, assumptions, proofs; `notes` are told to the reader and carry no claim."""
    data, derived = certified(name)
    survivors = []
    for path, value in mutations(data["verdicts"], ("verdicts",)):
        if "notes" not in path and recheck(resealed(changed(data, path, value)), derived, "hash") == []:
            survivors.append((path, value))
    assert survivors == []


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("table", ["proofs", "terms"])
def test_no_changed_proof_stands(name: str, table: str) -> None:
    """Every ninth leaf of each table: bounds, rules, premises, witnesses, expressions."""
    data, derived = certified(name)
    survivors = []
    for path, value in mutations(data[table], (table,))[::9]:
        if recheck(resealed(changed(data, path, value)), derived, "hash") == []:
            survivors.append((path, value))
    assert survivors == []


@pytest.mark.parametrize("key", ["schema", "model_hash", "assumptions", "verdicts", "proofs", "terms", "digest"])
def test_no_part_can_be_left_out(key: str) -> None:
    data, derived = certified("chain")
    missing = {k: v for k, v in data.items() if k != key}
    assert recheck(missing, derived, "hash") != []


def test_a_verdict_cannot_be_left_out() -> None:
    data, derived = certified("flow")
    for place in range(len(data["verdicts"])):
        fewer = copy.deepcopy(data)
        del fewer["verdicts"][place]
        assert any("there is no verdict" in f for f in recheck(resealed(fewer), derived, "hash"))


def test_an_unknown_cannot_be_called_proved() -> None:
    damaged = flow(coupling_body(scale=network("C.mlp", 0, 2, coupling_body().parts[0])))  # type: ignore[attr-defined]
    checked, _, derived = run(damaged)
    data = json.loads(json.dumps(certificate_data(checked, "hash", "spec")))
    assert recheck(data, derived, "hash") == []
    assert {v["status"] for v in data["verdicts"]} >= {"refuted", "unknown"}
    for verdict in data["verdicts"]:
        if verdict["status"] == "proved":
            continue
        for status in ("proved", "assumed", "refuted", "unknown"):
            if status != verdict["status"]:
                lied = copy.deepcopy(data)
                lied["verdicts"][data["verdicts"].index(verdict)]["status"] = status
                assert recheck(resealed(lied), derived, "hash") != []


def test_a_counterexample_is_checked_again() -> None:
    damaged = flow(coupling_body(scale=network("C.mlp", 0, 2, coupling_body().parts[0])))  # type: ignore[attr-defined]
    checked, _, derived = run(damaged)
    data = json.loads(json.dumps(certificate_data(checked, "hash", "spec")))
    (verdict,) = [v for v in data["verdicts"] if v["status"] == "refuted"]
    step = data["proofs"][verdict["proof"]]
    assert step["rule"] == "two_points"
    reader = Reader(data["terms"])
    rejected = 0
    for path, value in mutations(step["subject"], ("proofs", verdict["proof"], "subject")):
        other = changed(data, path, value)
        if recheck(resealed(other), derived, "hash"):
            rejected += 1
            continue
        # what still stands must be a counterexample in its own right
        subject = other["proofs"][verdict["proof"]]["subject"]
        input_, body, assignment, first, second = reader.value(subject)
        values = [evaluate(body, {**dict(assignment), input_: place}) for place in (first, second)]
        assert first != second
        assert values[0] == values[1]
    assert rejected > 20


def test_an_assumption_cannot_be_slipped_in() -> None:
    """A proof that takes its goal on trust, with a reason that the model does give for something else."""
    data, derived = certified("chain")
    (own,) = [v for v in data["verdicts"] if v["obligation"] == "stationary"]
    reason = next(v["assumptions"][0] for v in data["verdicts"] if v["status"] == "assumed")
    forged = copy.deepcopy(data)
    forged["proofs"].append(
        {"rule": "assumption", "subject": [own["goal"], reason], "premises": [], "conclusion": own["goal"]}
    )
    place = data["verdicts"].index(own)
    forged["verdicts"][place] |= {"status": "assumed", "proof": len(data["proofs"]), "assumptions": [reason]}
    failures = recheck(resealed(forged), derived, "hash")
    assert any("does not assume this" in f for f in failures)
    assert recheck(resealed(forged)) == []  # without the model there is nothing to compare it with


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "1", '{"schema": 2}', '{"schema": 1}', '{"schema": 1, "terms": 3}']
)
def test_what_is_no_certificate_is_told(text: str) -> None:
    assert recheck(text) != []
