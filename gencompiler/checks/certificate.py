"""Certificates: the verdicts with their proofs as JSON, and their replay.

A certificate is a function of the model alone: no time, no machine, no path.  `recheck` computes every step of every
proof again and compares; given the derived model it also compares every obligation with the one the model has."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gencompiler.checks.energies import ID as ENERGY
from gencompiler.checks.energies import REASON as ENERGY_REASON
from gencompiler.checks.verdict import (
    ASSUMED,
    PROVED,
    REFUTED,
    STATUSES,
    TRUST,
    UNKNOWN,
    Obligation,
    Verdict,
    assumptions_in,
    grade_of,
    refutes,
    rests_on_conditions,
)
from gencompiler.diagnostics.wording import counted
from gencompiler.proof.archive import Damaged, Reader, Writer
from gencompiler.proof.facts import Fact
from gencompiler.proof.kernel import Proof
from gencompiler.proof.replay import replay
from gencompiler.proof.scope import trusted_ranges

if TYPE_CHECKING:
    from gencompiler.checks import Checked
    from gencompiler.derive.nodes import Derived

#: The version of the format; a reader accepts only its own.
SCHEMA = 1
_FIELDS = ("assumptions", "goal", "grade", "notes", "obligation", "proof", "status", "subject", "words")


def certificate_data(checked: Checked, model_hash: str = "", spec: str = "") -> dict[str, Any]:
    """The certificate as JSON data; `model_hash` ties it to a Model IR, `spec` names the file."""
    writer = Writer()
    verdicts = [_verdict(v, writer) for v in checked.verdicts]
    assumptions = sorted({reason for v in checked.verdicts for reason in v.assumptions})
    data = {
        "schema": SCHEMA,
        "spec": spec,
        "model": checked.derived.model.name,
        "model_hash": model_hash,
        "assumptions": assumptions,
        "verdicts": verdicts,
        "proofs": writer.proofs,
        "terms": writer.terms,
    }
    return {**data, "digest": digest(data)}


def digest(data: Mapping[str, Any]) -> str:
    """SHA-256 of a certificate without its digest: what was damaged by accident is noticed before it is read."""
    content = {key: value for key, value in data.items() if key != "digest"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _verdict(verdict: Verdict, writer: Writer) -> dict[str, Any]:
    return {
        "status": verdict.status,
        "obligation": verdict.obligation.id,
        "subject": verdict.subject,
        "words": verdict.words,
        "grade": verdict.grade,
        "goal": writer.value(verdict.obligation.goal),
        "proof": None if verdict.proof is None else writer.proof(verdict.proof),
        "assumptions": list(verdict.assumptions),
        "notes": list(verdict.notes),
    }


def certificate_text(checked: Checked, model_hash: str, spec: str) -> str:
    """The certificate as text: one verdict, one proof step and one term to a line, so that a diff can be read."""
    data = certificate_data(checked, model_hash, spec)
    lines = []
    for key, value in data.items():
        if isinstance(value, list) and value:
            items = ",\n".join(f"  {json.dumps(item, ensure_ascii=False)}" for item in value)
            lines.append(f" {json.dumps(key)}: [\n{items}\n ]")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def verdicts_text(checked: Checked) -> str:
    """The verdicts and the capabilities as stable text."""
    lines = []
    for verdict in checked.verdicts:
        lines.append(f"{verdict.status:<8} {verdict.obligation.id} {verdict.subject}: {verdict.words}")
        lines.extend(f"         rests on: {reason}" for reason in verdict.assumptions)
        lines.extend(f"         {note}" for note in verdict.notes)
    for name, ability in checked.capabilities.rows():
        passes = f", {counted(ability.passes, 'pass')}" if ability.passes else ""
        lines.append(f"{name}: {ability.kind}{passes} ({ability.reason})")
    return "\n".join(lines) + "\n"


# -- recheck ---------------------------------------------------------------------------------------------------------


def recheck(
    certificate: str | Mapping[str, Any], derived: Derived | None = None, model_hash: str | None = None
) -> list[str]:
    """What does not hold of a certificate, in words; nothing when every verdict stands.

    With `derived`, every obligation must be the one that this model has, none may be missing, and every assumption must
    be the model's own; with `model_hash`, the certificate must be about that model."""
    try:
        data = json.loads(certificate) if isinstance(certificate, str) else certificate
    except json.JSONDecodeError as problem:
        return [f"not JSON: {problem}"]
    if not isinstance(data, Mapping) or data.get("schema") != SCHEMA:
        return [f"not a certificate of version {SCHEMA}"]
    failures = [] if model_hash in (None, data.get("model_hash")) else ["the certificate is about another model"]
    failures += [] if data.get("digest") == digest(data) else ["the digest is not that of the content"]
    try:
        reader = Reader(data.get("terms", []))
    except Damaged as problem:
        return [*failures, str(problem)]
    proofs, broken = replay(reader, data.get("proofs"))
    failures += broken
    verdicts = data.get("verdicts")
    if not isinstance(verdicts, list):
        return [*failures, "the verdicts are not a list"]
    goals = []
    reasons: set[str] = set()
    for number, entry in enumerate(verdicts):
        problem_, goal = _recheck_verdict(entry, reader, proofs)
        if problem_ is not None:
            failures.append(f"verdict {number}: {problem_}")
        if isinstance(entry, dict) and isinstance(entry.get("assumptions"), list):
            reasons.update(map(str, entry["assumptions"]))
        goals.append(goal)
    if data.get("assumptions") != sorted(reasons):
        failures.append("the list of assumptions is not that of the verdicts")
    return failures + (_compare(verdicts, goals, proofs, derived) if derived is not None else [])


def _recheck_verdict(entry: Any, reader: Reader, proofs: list[Proof | None]) -> tuple[str | None, Fact | None]:
    if not isinstance(entry, dict) or tuple(sorted(entry)) != _FIELDS or entry["status"] not in STATUSES:
        return "not a verdict", None
    try:
        goal = reader.value(entry["goal"])
    except Damaged as problem:
        return str(problem), None
    if not isinstance(goal, Fact):
        return "its goal is not a fact", None
    place, status = entry["proof"], entry["status"]
    if place is None:
        unfounded = status != UNKNOWN or entry["assumptions"] or entry["grade"]
        return ("there is no proof" if unfounded else None), goal
    if type(place) is not int or not 0 <= place < len(proofs):
        return "its proof is not in the table", goal
    proof = proofs[place]
    if proof is None:
        return "its proof does not hold", goal
    if entry["grade"] != grade_of(proof):
        return "its grade is not that of its proof", goal
    return _status_problem(status, goal, proof, entry["assumptions"]), goal


def _status_problem(status: str, goal: Fact, proof: Proof, assumptions: Any) -> str | None:
    rests_on = list(assumptions_in(proof))
    if list(assumptions) != rests_on:
        return "its assumptions are not those of its proof"
    if status == REFUTED:
        return None if refutes(proof.conclusion, goal) and not rests_on else "its proof does not refute its goal"
    if proof.conclusion != goal:
        return "its proof concludes something else"
    if rests_on_conditions(proof, goal):
        return "its proof takes conditions for granted"
    right = ASSUMED if rests_on else PROVED
    return None if status == right else f"its proof makes it {right}, not {status}"


def _compare(verdicts: list[Any], goals: list[Fact | None], proofs: list[Proof | None], derived: Derived) -> list[str]:
    """Differences between the obligations of a certificate and those of a model."""
    from gencompiler.checks import obligations

    wanted: list[Obligation] = obligations(derived)
    own = {(o.id, o.subject): o for o in wanted}
    failures = []
    seen = set()
    for entry, goal in zip(verdicts, goals, strict=True):
        if not isinstance(entry, dict) or goal is None:
            continue
        key = (entry.get("obligation"), entry.get("subject"))
        seen.add(key)
        if key not in own:
            failures.append(f"{key[0]} of {key[1]}: the model has no such obligation")
        elif own[key].goal != goal or own[key].words != entry["words"]:
            failures.append(f"{key[0]} of {key[1]}: the model's obligation is another")
    failures += [f"{o.id} of {o.subject}: there is no verdict" for o in wanted if (o.id, o.subject) not in seen]
    allowed = _trusted(derived, wanted)
    for proof in (p for p in proofs if p is not None and p.rule == TRUST):
        if proof.subject not in allowed:
            failures.append(f"the model does not assume this because: {proof.subject[1]}")
    return failures


def _trusted(derived: Derived, wanted: list[Obligation]) -> set[tuple[Fact, str]]:
    """Every fact that a model takes on trust, with its reason."""
    allowed: set[tuple[Fact, str]] = set(trusted_ranges(derived.model))
    allowed |= {(o.goal, ENERGY_REASON) for o in wanted if o.id == ENERGY}
    for assumption in derived.model.assumptions:
        predicate, arguments = assumption.fact.predicate, assumption.fact.arguments
        subjects = {m.name for m in derived.model.maps if m.definition == arguments[0]} | {arguments[0]}
        allowed |= {(o.goal, assumption.reason) for o in wanted if o.id == predicate and o.subject in subjects}
    return allowed
