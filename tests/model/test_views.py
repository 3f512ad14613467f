"""Causal views: what may be done with a part of an axis, and what is refused."""

from __future__ import annotations

import pytest

from gencompiler import pipeline
from gencompiler.diagnostics.model import CompileError, Diagnostic
from gencompiler.diagnostics.span import SourceText

MODEL = """
def f(a : Real[K]) -> Real = sum(a)
model M(D = 4) {{
  observed x : Real[D]
  param w : Real[D], W : Real[D, D]
  p(x[i] | x[<i]) = Normal({mean}, 1) {local}
}}
"""


def found(mean: str, local: str = "") -> tuple[Diagnostic, ...]:
    try:
        pipeline.run(SourceText("m.gen", MODEL.format(mean=mean, local=local)), until="check")
    except CompileError as error:
        return error.diagnostics
    return ()


@pytest.mark.parametrize(
    "mean",
    [
        "sum(x[<i])",
        "sum(tanh(x[<i]))",
        "prod(x[<i])",
        "w[<i] @ exp(x[<i])",
        "W[:, <i] @ x[<i] @ w",
        "W[i, <i] @ (x[<i] + 2 * w[<i])",
        "mlp(W[:, <i] @ x[<i], hidden = [4])",
        "mean(w[<=i])",
        "mlp(x[<i], hidden = [4])",
        "mlp(2 * x[<i] - w[<i], w, hidden = [4])",
        "mlp(if x[<i] > 0 then x[<i] else 0, hidden = [4])",
        "linear(x[<i])",
    ],
)
def test_sums_over_the_past_are_real_numbers(mean: str) -> None:
    assert found(mean) == ()


@pytest.mark.parametrize(
    "mean",
    ["w @ x[<i]", "W[i, <=i] @ x[<i]", "sum(x[<i] + w)", "sum(if x[<i] > 0 then w else 0)", "W[i, <i] @ (w * x[<i])"],
)
def test_tensors_of_different_lengths_do_not_meet(mean: str) -> None:
    (problem,) = found(mean)
    assert problem.code == "G201"
    assert {label.text for label in problem.labels} >= {"the places `<i`"}


def test_a_local_name_may_stand_for_a_view() -> None:
    assert found("sum(h)", "where { h = exp(x[<i]) }") == ()
    (problem,) = found("h @ w", "where { h = exp(x[<i]) }")
    assert problem.code == "G201"


@pytest.mark.parametrize(
    ("mean", "what"),
    [
        ("f(x[<i])", "a definition"),
        ("sum(reverse(x[<i]))", "`reverse`"),
        ("sum(join(x[<i], w))", "`join`"),
        ("mlp(x[<i], sum(x[<i]), hidden = [4])", "a network input that depends on the index"),
        ("mlp(x[<i] - mean(x[<=i]), hidden = [4])", "a network on what is computed from all of a causal view"),
        ("sum(h[<i])", "a subscript"),
    ],
)
def test_what_has_no_causal_form_yet_is_said_so(mean: str, what: str) -> None:
    (problem,) = found(mean, "where { h = 2 * x[<i] }" if "h[" in mean else "")
    assert problem.code == "G901"
    assert what in problem.message


@pytest.mark.parametrize("mean", ["max(x[<i])", "min(x[<i])", "mean(x[<i])"])
def test_what_is_not_defined_of_nothing_is_refuted(mean: str) -> None:
    (problem,) = found(mean)
    assert problem.code == "G501"
    assert "i = 0" in problem.notes[0]
    assert "is not defined" in problem.notes[0]
