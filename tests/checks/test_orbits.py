"""Walks along an orbit: what is proved of them, and that the smallest errors are not."""

from __future__ import annotations

import pytest

from tests.checks.checking import checked

SPEC = """model M {
  observed x : Real[2]
  latent   v : Real[2]
  def U(x : Real[2]) -> Real = x[0]^2 / 2 + 3 * (x[1] - x[0])^2
  p(x, v) ∝ exp(-U(x) - v @ v / 2)
  density hot(x, v | t : Interval(0, 1)) ∝ p(x, v)^t
  density cold(x, v) ∝ p(x, v)^2
  bijection leap(x : Real[2], v : Real[2] | e : Positive = 0.1) -> (Real[2], Real[2]) = (y, w - e / 2 * grad(U)(y))
    where { w = v - e / 2 * grad(U)(x)   y = x + e * w }
  bijection flip(x : Real[2], v : Real[2]) -> (Real[2], Real[2]) = (x, -v)
  def apart(x, v, y, w : Real[2]) -> Real = min((y - x) @ v, (y - x) @ w)
  transition walk(x', v' | x, v, e : Positive) { x', v' = orbit(leap(e = e), flip, while = apart, doublings = 4) }
  claim stationary(walk, p)
}
"""
TRUE = {
    "as it is": (),
    "reversible": (("claim stationary", "claim reversible"),),
    "with a condition by default": (("leap(e = e)", "leap"),),
    "a straight line": (("(y, w - e / 2 * grad(U)(y))", "(x + e * v, v)"),),
    "any way of telling states apart": (("min((y - x) @ v, (y - x) @ w)", "sin(x @ w) + exp(-y @ v)"),),
    "one that always goes on": (("min((y - x) @ v, (y - x) @ w)", "1"),),
    "another target, kept": (
        ("doublings = 4)", "doublings = 4, target = hot)"),
        ("walk(x', v' | x, v, e : Positive)", "walk(x', v' | x, v, t : Interval(0, 1))"),
        ("leap(e = e)", "leap"),
        ("stationary(walk, p)", "stationary(walk, hot)"),
    ),
}
#: In each the smallest thing is wrong.
FALSE = {
    "half a kick": (("(y, w - e / 2 * grad(U)(y))", "(y, w)"),),
    "a kick too long": (("(y, w - e / 2 * grad(U)(y))", "(y, w - e * grad(U)(y))"),),
    "nothing turns it round": (("(x, -v)\n", "(x, v)\n"),),
    "no involution": (("(x, -v)\n", "(x, -2 * v)\n"),),
    "it stretches": (("y = x + e * w }", "y = 2 * x + e * w }"),),
    "an Euler step": (("(y, w - e / 2 * grad(U)(y))", "(x + e * v, v - e * grad(U)(x))"),),
    "another target": (("doublings = 4)", "doublings = 4, target = cold)"),),
    "states that cannot be told apart": (("min((y - x) @ v, (y - x) @ w)", "1 / (x @ y)"),),
    "a volume that is not kept": (("(y, w - e / 2 * grad(U)(y))", "(x * exp(v), v)"),),
}


def spec(edits: tuple[tuple[str, str], ...]) -> str:
    text = SPEC
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return text


def statuses(text: str) -> list[str]:
    found, _ = checked(text)
    return [v.status for v in found.verdicts if v.obligation.id in ("stationary", "reversible")]


@pytest.mark.parametrize("name", TRUE)
def test_what_is_true_is_proved(name: str) -> None:
    assert statuses(spec(TRUE[name])) == ["proved"]


@pytest.mark.parametrize("name", FALSE)
def test_what_is_false_is_not(name: str) -> None:
    assert statuses(spec(FALSE[name])) in (["unknown"], ["refuted"])
