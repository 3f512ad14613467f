"""What was found out about a spec, as rows of words: the same for the terminal, for JSON, and for reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gencompiler.diagnostics.wording import counted

if TYPE_CHECKING:
    from gencompiler.checks import Verdict
    from gencompiler.pipeline import Compilation


class VerdictRow(NamedTuple):
    """One verdict; `line` is that of the spec, "" for what stands in the prelude."""

    status: str
    obligation: str
    subject: str
    words: str
    grade: str
    line: str


class CapabilityRow(NamedTuple):
    """One capability: its name, what the model can do, and why."""

    name: str
    what: str
    reason: str


def verdict_rows(compilation: Compilation) -> list[VerdictRow]:
    """Every verdict, in the order of the checks."""
    return [_verdict(compilation, verdict) for verdict in compilation.checked.verdicts]


def _verdict(compilation: Compilation, verdict: Verdict) -> VerdictRow:
    reasons = [f"assumed: {reason}" for reason in verdict.assumptions if reason not in verdict.words]
    words = "; ".join([verdict.words, *reasons])
    line = ""
    if verdict.span.source == compilation.source.name:
        line = str(compilation.source.position(verdict.span.start)[0])
    return VerdictRow(verdict.status, verdict.obligation.id, verdict.subject, words, verdict.grade, line)


def capability_rows(compilation: Compilation) -> list[CapabilityRow]:
    """Every capability, with its cost in sequential passes where it has one."""
    rows = []
    for name, ability in compilation.checked.capabilities.rows():
        passes = "" if ability.passes <= 0 else f", {counted(ability.passes, 'pass')}"
        rows.append(CapabilityRow(name, f"{ability.kind}{passes if ability.kind != 'none' else ''}", ability.reason))
    return rows


def counts(rows: list[VerdictRow]) -> str:
    """`10 proved, 1 assumed`"""
    statuses = [row.status for row in rows]
    found = [f"{statuses.count(s)} {s}" for s in ("proved", "assumed", "unknown", "refuted") if s in statuses]
    return ", ".join(found) or "nothing to prove"
