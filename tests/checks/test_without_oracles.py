"""Nothing rests on a computer algebra system or an SMT solver: what is settled is settled where neither can be imported.

`tests/structure/test_layers.py` forbids the import everywhere; here specs and statements of each kind are checked, and
their certificates replayed, with both made impossible to import."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gencompiler.checks.certificate import certificate_text, recheck
from tests.checks.checking import checked
from tests.checks.coverage import ORACLES
from tests.checks.soundness import TRAPS, Trap
from tests.checks.soundness_defined import DEFINED
from tests.checks.test_shipped import SPECS, compiled


@pytest.fixture(autouse=True)
def _not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ORACLES:
        monkeypatch.setitem(sys.modules, name, None)


def test_they_cannot_be_imported() -> None:
    for name in ORACLES:
        with pytest.raises(ImportError):
            __import__(name)


@pytest.mark.parametrize("path", SPECS[::6], ids=lambda p: p.stem)
def test_a_spec_is_proved_without_them(path: Path) -> None:
    done = compiled(path)
    assert {v.status for v in done.checked.verdicts} <= {"proved", "assumed"}
    assert recheck(certificate_text(done.checked, "hash", "spec"), done.derived, "hash") == []


@pytest.mark.parametrize("trap", (*TRAPS, *DEFINED)[::4], ids=lambda t: t.name)
def test_a_statement_is_settled_without_them(trap: Trap) -> None:
    found, _ = checked(trap.spec)
    assert [v.status for v in found.verdicts if v.obligation.id == trap.obligation][-1] == trap.status
