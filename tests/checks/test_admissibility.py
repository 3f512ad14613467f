"""What is said of distributions whose parameters may not be admissible."""

from __future__ import annotations

import pytest

import gencompiler
from gencompiler import check

MODEL = "model M {{ observed x : {support}  param a : Real, b : Real, w : Positive[3]  p(x) = {law} }}"


@pytest.mark.parametrize(
    ("law", "expected"),
    [
        ("Normal(sqrt(a), b)", ["the mean", "the scale"]),
        ("Normal(sqrt(a), sqrt(a))", ["the mean"]),
        ("Normal(a, w @ w)", []),
        ("Normal(a, sum(w))", []),
        ("Normal(log(a), 1)", ["the mean"]),
    ],
)
def test_each_wrong_parameter_is_reported_once(law: str, expected: list[str]) -> None:
    found = check(MODEL.format(support="Real", law=law)).diagnostics
    assert [d.code for d in found] == ["G501"] * len(expected)
    for diagnostic, words in zip(found, expected, strict=True):
        assert words in diagnostic.message


def test_a_counterexample_is_of_the_parameter_that_is_named() -> None:
    """The mean is unknown (the search finds nothing), the scale is refuted: each says its own."""
    found = check(MODEL.format(support="Real", law="Normal(log(100 + a), b)")).diagnostics
    notes = {d.message.split(" of ")[0].removeprefix("cannot prove that "): d.notes[0] for d in found}
    assert notes["the scale"] == "counterexample: b = 0"
    assert "counterexample" not in notes["the mean"]


def test_the_ends_of_an_interval_are_blamed_once() -> None:
    found = check(MODEL.format(support="Interval(0, 1)", law="Uniform(sqrt(a), 1)")).diagnostics
    assert len(found) == 1


def test_elements_that_constrain_each_other_are_not_read_in_a_scan_order() -> None:
    """Across the rows of a table of probabilities, what sums to 1 would be other elements."""
    found = gencompiler.check(
        "model M(N = 3, K = 4) {\n"
        "  observed x : Binary[N, K]\n"
        "  param w : Simplex(K)[N]\n"
        "  p(x[i, j] | x[<(i, j)]) = Bernoulli(probability = sum(w[<(i, j)]) / 2 + 0.1)\n"
        "}\n"
    )
    assert [d.code for d in found.diagnostics] == ["G901"]
    assert "a scan order over Simplex" in found.diagnostics[0].message
