"""What has to be trusted stays small: replay needs the rules, and neither the search nor any oracle."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gencompiler.proof import facts, kernel
from gencompiler.proof.kernel import RULES, Unproved, prove
from gencompiler.proof.rules import MODULES

FORBIDDEN = (
    "gencompiler.proof.search",
    "gencompiler.proof.refute",
    "gencompiler.derive",
    "gencompiler.checks",
    "sympy",
    "z3",
    "torch",
)


def test_replay_imports_neither_search_nor_oracles() -> None:
    program = f"import sys, gencompiler.proof.replay; print([m for m in {FORBIDDEN!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_checking_imports_neither_torch_nor_sympy() -> None:
    program = (
        "import sys, gencompiler.checks; print([m for m in ('torch', 'sympy', 'z3', 'triton') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_rule_says_what_it_concludes() -> None:
    for name, rule in RULES.items():
        assert rule.__doc__, name
        assert rule.__module__ in {m.__name__ for m in MODULES}, name


@pytest.mark.parametrize("name", sorted(RULES))
def test_no_rule_concludes_from_nothing(name: str) -> None:
    """Without a subject and premises, a rule refuses; it may not invent a fact."""
    if name == "assumption":
        return
    with pytest.raises((Unproved, TypeError, ValueError, IndexError, AttributeError, KeyError)):
        RULES[name]((), ())


def test_a_rule_cannot_be_replaced_in_passing() -> None:
    with pytest.raises(ValueError, match="two rules"):
        kernel.rule(RULES["declared"])


def test_an_assumption_needs_a_reason() -> None:
    with pytest.raises(Unproved):
        prove("assumption", (facts.Fact(), ""))


def test_files_are_short() -> None:
    for package in ("proof", "checks"):
        for path in (Path(facts.__file__).parents[1] / package).glob("*.py"):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path
