"""Random statements true by construction, and their smallest breakages: none broken is proved, none true is refuted.

How many are decided is counted, and must not fall: most true ones are proved, most broken ones refuted."""

from __future__ import annotations

import functools
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gencompiler.checks.certificate import certificate_text, recheck
from tests.checks import random_statements
from tests.checks.checking import checked
from tests.checks.random_statements import Statement

#: (strategy, how many, the least share of true ones proved, the least share of broken ones refuted)
KINDS = (
    ("scalar_maps", random_statements.scalar_maps(), 20, 0.9, 0.8),
    ("vector_maps", random_statements.vector_maps(), 16, 0.9, 0.5),
    ("densities", random_statements.densities(), 12, 0.7, 0.6),
    ("chains", random_statements.chains(), 12, 0.9, 0.2),
)


@functools.cache
def status(statement: Statement) -> str:
    found, derived = checked(statement.spec)
    assert recheck(certificate_text(found, "hash", "spec"), derived, "hash") == []
    return next(v.status for v in reversed(found.verdicts) if v.obligation.id == statement.obligation)


@pytest.mark.parametrize(("name", "kind", "count", "proved", "refuted"), KINDS, ids=[k[0] for k in KINDS])
def test_random_statements_are_judged_rightly(
    name: str, kind: st.SearchStrategy[Statement], count: int, proved: float, refuted: float
) -> None:
    seen: dict[Statement, str] = {}

    @settings(
        max_examples=count, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(kind)
    def judged(statement: Statement) -> None:
        found = seen[statement] = status(statement)
        assert found != ("refuted" if statement.holds else "proved"), statement.spec

    judged()
    decided = Counter((s.holds, f) for s, f in seen.items())
    true, false = (sum(n for (holds, _), n in decided.items() if holds is which) for which in (True, False))
    assert decided[True, "proved"] >= proved * true, decided
    assert decided[False, "refuted"] >= refuted * false, decided
