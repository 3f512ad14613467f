"""Replaying: every step of an archived proof is computed again by its rule and compared with what was written.

Only the rules are used: neither the search that found the proof nor any oracle.
"""

from __future__ import annotations

from typing import Any

from gencompiler.proof import rules
from gencompiler.proof.archive import Damaged, Reader
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Malformed
from gencompiler.proof.kernel import Proof, Unproved

RULES = rules.RULES


def replay(reader: Reader, proofs: Any) -> tuple[list[Proof | None], list[str]]:
    """The proofs of a table, None for each that does not hold, and why it does not."""
    if not isinstance(proofs, list):
        return [], ["the table of proofs is not a list"]
    done: list[Proof | None] = []
    failures: list[str] = []
    for number, entry in enumerate(proofs):
        try:
            done.append(_step(reader, entry, done))
        except (Damaged, Unproved, Malformed) as problem:
            done.append(None)
            failures.append(f"proof {number}: {problem}")
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError, StopIteration) as problem:
            done.append(None)
            failures.append(f"proof {number}: the data does not fit the rule ({type(problem).__name__})")
    return done, failures


def _step(reader: Reader, entry: Any, done: list[Proof | None]) -> Proof:
    if not isinstance(entry, dict) or sorted(entry) != ["conclusion", "premises", "rule", "subject"]:
        raise Damaged("not an application of a rule")
    rule = RULES.get(entry["rule"]) if isinstance(entry["rule"], str) else None
    if rule is None:
        raise Damaged(f"there is no rule {entry['rule']!r}")
    places = entry["premises"]
    if not isinstance(places, list) or not all(type(p) is int and 0 <= p < len(done) for p in places):
        raise Damaged("a premise that does not come before")
    premises = [done[p] for p in places]
    if any(p is None for p in premises):
        raise Damaged("it rests on a step that does not hold")
    held = tuple(p for p in premises if p is not None)
    subject = reader.value(entry["subject"])
    written = reader.value(entry["conclusion"])
    if not isinstance(subject, tuple) or not isinstance(written, Fact):
        raise Damaged("the subject or the conclusion is not one")
    conclusion = rule(subject, tuple(p.conclusion for p in held))
    if conclusion != written:
        raise Unproved(f"{entry['rule']} concludes something else than what is written")
    return Proof(entry["rule"], subject, held, conclusion)
