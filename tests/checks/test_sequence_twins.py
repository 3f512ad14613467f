"""Sequences and orders that hold, and next to each the smallest change to its text that must not."""

from __future__ import annotations

import pytest

from tests.checks.test_twins import Twin, report_of

SEQUENCE = """model Sequence(T = 5, K = 3) {
  observed x : Real[T]
  latent   z : Category(K)[T]
  param pi : Simplex(K), A : Simplex(K)[K], m : Real[K]
  p(z[0])            = Categorical(pi)
  p(z[t] | z[t - 1]) = Categorical(A[z[t - 1]])
  p(x[t] | z[t])     = Normal(m[z[t]], 1)
  train maximum_likelihood
}
"""
ORDERED = """model Ordered(D = 4) {
  observed x : Real[D]
  latent   o : Permutation(D)
  p(o) = Uniform()
  p(x[o[i]] | x[o[<i]], o) = Normal(linear(scatter(x[o[<i]], o[<i], D), size = D)[o[i]], 1)
  q(o | x) = Uniform()
  evaluate importance(K = 2)
}
"""
STATES = """model States(T = 4) {
  observed x : Real[T]
  latent   z : Real[T]
  param a : Real, s, r : Positive
  p(z[0])            = Normal(0, 1)
  p(z[t] | z[t - 1]) = Normal(a * z[t - 1], s)
  p(x[t] | z[t])     = Normal(z[t], r)
  train maximum_likelihood
}
"""


TWINS = (
    Twin("no first element", SEQUENCE, "  p(z[0])            = Categorical(pi)\n", "", "G303", "`p(z[0]) = …`"),
    Twin("another first element", SEQUENCE, "p(z[0]) ", "p(z[1]) ", "G302", "produced twice"),
    Twin(
        "the same place",
        SEQUENCE,
        "p(z[t] | z[t - 1]) = Categorical(A[z[t - 1]])",
        "p(z[t] | z[t]) = Uniform()",
        "G302",
    ),
    Twin("reads its own place", SEQUENCE, "Categorical(A[z[t - 1]])", "Categorical(A[z[t]])", "G305"),
    Twin("reads the next place", SEQUENCE, "Normal(m[z[t]], 1)", "Normal(m[z[t + 1]], 1)", "G204", "runs from 1 to 5"),
    Twin("a table too short", SEQUENCE, "A : Simplex(K)[K]", "A : Simplex(K)[2]", "G204", "outside an axis"),
    Twin("a row of no simplex", SEQUENCE, "A : Simplex(K)[K]", "A : Real[K, K]", "G501"),
    Twin("all of the past", SEQUENCE, "p(x[t] | z[t])     = Normal(m[z[t]], 1)", "p(x | z) = Normal(z, 1)", "G701"),
    Twin("its own turn", ORDERED, "scatter(x[o[<i]], o[<i], D)", "scatter(x[o[<=i]], o[<=i], D)", "G305"),
    Twin("an order that is not listed", ORDERED, "x[o[<i]], o)", "x[o[<i]])", "G105"),
    Twin("another order", ORDERED, "x[o[<i]], o)", "x[<i], o)", "G105"),
    Twin("a state that bends", STATES, "a * z[t - 1]", "tanh(z[t - 1])", "G701", "linear"),
    Twin("a noise of the state", STATES, "Normal(z[t], r)", "Normal(z[t], exp(z[t]))", "G701", "linear"),
)


@pytest.mark.parametrize("base", [SEQUENCE, ORDERED, STATES], ids=["sequence", "ordered", "states"])
def test_the_spec_holds(base: str) -> None:
    assert report_of(base)[0] == []


@pytest.mark.parametrize("twin", TWINS, ids=lambda t: t.name)
def test_the_broken_twin_does_not(twin: Twin) -> None:
    assert twin.old in twin.base
    found, text = report_of(twin.base.replace(twin.old, twin.new))
    assert found[:1] == [twin.code], text
    assert twin.words in text
