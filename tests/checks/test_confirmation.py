"""A counterexample that does not hold in balls of 60 digits is not told: the verdict is unknown."""

from __future__ import annotations

import pytest
from flint import ctx

from gencompiler.proof import enclosure
from gencompiler.proof.confirmation import BITS, confirmed, sharper
from tests.checks.checking import checked

#: Refuted by values of balls.
TURNS = "bijection F(u : Real) -> Real = u + 1.01 * sin(u)\n"


def test_balls_have_sixty_digits() -> None:
    usual = enclosure.PRECISION
    with sharper():
        assert enclosure.PRECISION == BITS
        assert 2**-BITS < 10**-60
    assert usual == enclosure.PRECISION < BITS


def test_a_counterexample_is_computed_again() -> None:
    found, _ = checked(TURNS)
    (verdict,) = found.verdicts
    assert verdict.status == "refuted" and verdict.proof is not None
    assert confirmed(verdict.proof)


def test_one_that_does_not_hold_again_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library whose sine is right at the usual precision only."""
    monkeypatch.setitem(enclosure._BALLS, "sin", lambda a: a.sin() if ctx.prec < BITS else a * 0)
    found, _ = checked(TURNS)
    (verdict,) = found.verdicts
    assert verdict.status == "unknown"
    assert "counterexample" not in " ".join(verdict.notes)
