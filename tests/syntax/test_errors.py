"""Syntax errors: where they are reported, that all independent ones are, and that one does not cause others."""

from __future__ import annotations

import pytest

from gencompiler.diagnostics.model import CompileError, Diagnostic
from gencompiler.diagnostics.span import SourceText
from gencompiler.syntax.limits import MAX_CHARACTERS, MAX_DEPTH, MAX_ERRORS
from gencompiler.syntax.parse import parse, parse_expression


def errors(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(CompileError) as raised:
        parse(SourceText("test.gen", text))
    assert raised.value.sources["test.gen"].text == text
    return raised.value.diagnostics


def codes(text: str) -> list[str]:
    return [d.code for d in errors(text)]


def primary(text: str) -> str:
    (found,) = errors(text)
    span = found.labels[0].span
    return text[span.start : span.end]


@pytest.mark.parametrize(
    ("text", "code", "at"),
    [
        ("model M { x = $y }", "G016", "$"),
        ("model M { x = \u0e3f }", "G001", "\u0e3f"),
        ("model M { x = a\u200bb }", "G001", "\u200b"),
        ("# comment \u202e\nmodel M { }", "G001", "\u202e"),
        ('model M { assume f because "never }\n}', "G002", '"never }'),
        ('"""never\nmodel M { }', "G002", '"""'),
        ("model M { x = .5 }", "G003", ".5"),
        ("model M { x = 1. }", "G003", "1."),
        ("model M { x = 1.5.2 }", "G003", "1.5.2"),
        ("model M { x = 1_000 }", "G003", "1_000"),
        ("model M { x = 0x1F }", "G003", "0x1F"),
        ("model M { x = f(a }", "G004", "("),
        ("model M { x = f(a] }", "G004", "("),
        ("model M { x = f(a)) }", "G004", ")"),
        ("model M { x = y", "G004", "{"),
        ("model M { x = 2 y }", "G006", "2 y"),
        ("model M { x = 2y }", "G006", "2y"),
        ("model M { x = a 2 }", "G006", "a 2"),
        ("model M { x = 2(y + 1) }", "G006", "2(y + 1)"),
        ("model M { x = (a + b)(c) }", "G006", "(c)"),
        ("model M { x = f\n latnet z : Real }", "G007", "latnet"),
        ("modle M { }", "G007", "modle"),
        ("Model M { }", "G007", "Model"),
        ("fn f(x : Real) = x", "G007", "fn"),
        ("objective o { update p maximise f }", "G007", "maximise"),
        ("model M { x = a wher { a = 1 } }", "G007", "wher"),
        ("model M { observed sample : Real }", "G008", "sample"),
        ("model M { x = f(train) }", "G008", "train"),
        ("model 3D { }", "G009", "3D"),
        ("model M { x = f\n (a, b) = g(x) }", "G009", "("),
        ("model M { x = f\n -b = g(x) }", "G009", "-"),
        ("model M { x = a because b }", "G009", "because"),
        ("model M { x = a - E[z ~ q] b + c }", "G011", "b + c"),
        ("model M { x = 2 * for i: a[i] + b }", "G011", "a[i] + b"),
        ("model M { x = a / if b then c else d - e }", "G011", "d - e"),
        ("model M { x = 2 * E[z ~ q] for i: a + b }", "G011", "a + b"),
        ("model M { x = -E[z ~ q] a + b }", "G011", "a + b"),
        ("model M { x = log E[z ~ q] a + b }", "G011", "a + b"),
        ("model M { claim 0 < x < 1 }", "G012", "0 < x < 1"),
        ("model M { x = log y^2 }", "G012", "log y^2"),
        ("model M { x = E[i, j] }", "G014", "E[i, j]"),
        ("model M { x = E[0] }", "G014", "E[0"),
        ("model M { x² = 1 }", "G015", "x²"),
        ("model M { \ufb01t = 1 }", "G015", "\ufb01t"),  # a ligature
        ("model M { x = a ** b }", "G016", "**"),
        ("model M { x = a || b }", "G016", "||"),
        ("model M { x := b }", "G016", ":="),
        ("model M { x = W.T @ y }", "G016", ".T"),
        ("model M { x = a × b }", "G016", "×"),
        ("model M { x = 1e9999 }", "G902", "1e9999"),
    ],
)
def test_one_error(text: str, code: str, at: str) -> None:
    assert codes(text) == [code]
    assert primary(text) == at


@pytest.mark.parametrize(
    "text",
    [
        "model M { x = a - (E[z ~ q] b + c) }",
        "model M { x = a - E[z ~ q] (b + c) }",
        "model M { x = a - E[z ~ q] b * c }",
        "model M { x = a + E[z ~ q] b + c }",
        "model M { x = 2 * (for i: a[i] + b) }",
        "model M { x = log (y^2)  z = (log y)^2  w = log(y)^2 }",
        "model M { x = (T^k)(y)  z = (f |> g)(y)  w = grad(U)(y) }",
        "model M { claim 0 < x and x < 1 }",
        "model M { claim (0 < x) == (x < 1) }",
        "model M { p(x) = E(x)  def E(x : Real) -> Real = x }",
        "model M { α = β'  naïve = 漢字 }",
        "model M { x = a < -1 }",
        "model M { lambda = 3  class = lambda }",
    ],
)
def test_no_error(text: str) -> None:
    parse(SourceText("test.gen", text))


def test_a_missing_token_is_reported_after_the_previous_one() -> None:
    text = "model M {\n  x =\n\n  # a comment\n  train elbo\n}"
    (found,) = errors(text)
    assert found.labels[0].span.start == found.labels[0].span.end == text.index("=") + 1
    assert found.message == "expected an expression after `=`, found `train`"


def test_a_dangling_operator_is_reported_where_it_dangles() -> None:
    text = "model M {\n  x = 2 *\n  y = 3\n}"
    (found,) = errors(text)
    assert found.labels[0].span.start == text.index("*") + 1
    assert "after `*`" in found.message


def test_all_independent_errors_are_reported() -> None:
    text = """
model A {
  observed x Real
  p(x) = Normal(0, 1
  train elbo
  q(x) = = 3
  y = (a + b]
  z = 2 y
  train elbo with { a = 1  b = = 2
    c = 3 4 }
}
objective foo {
  update p maximise x
  critic: update q maximize 2 * E[x ~ p] a + b
  update r
}
def f(x : Real) -> Real
def g(x : Real) -> Real = x +
model B(D = ) { x = 1 1 }
"""
    lines = [(SourceText("", text).position(d.labels[0].span.start)[0], d.code) for d in errors(text)]
    assert lines == [
        (3, "G005"),
        (4, "G004"),
        (6, "G005"),
        (7, "G004"),
        (8, "G006"),
        (9, "G005"),
        (10, "G006"),
        (13, "G007"),
        (14, "G011"),
        (15, "G005"),
        (17, "G005"),
        (18, "G005"),
        (19, "G005"),
        (19, "G006"),
    ]


def test_errors_come_in_the_order_of_the_text() -> None:
    starts = [d.labels[0].span.start for d in errors("model M { x = 2 y\n  z = $ }\nmodel N { x = (1 }")]
    assert starts == sorted(starts) and len(starts) >= 3


def test_a_missing_bracket_causes_no_other_errors() -> None:
    head = "model M {\n  p(x | z = Normal(0, 1)\n  q(z | x) = Normal(0, 1)\n  y = 3\n}\nmodel N { x = 2 y }"
    assert codes(head) == ["G004", "G006"]
    assert codes("model M {\n  x = f(a\n  observed y : Real\n}\ndef f(x) = 3 4") == ["G004", "G006"]
    assert codes("model M {\n  x = a where {\n    b = 1\n  observed y : Real\n}\n") == ["G004"]


def test_an_error_in_a_header_does_not_hide_the_body() -> None:
    assert codes("model M(D = ) { x = 2 y }") == ["G005", "G006"]
    assert codes("objective o(K : ) { update p maximize 2 y }") == ["G005", "G006"]


def test_a_keyword_as_a_name_is_reported_once() -> None:
    assert codes("model M {\n  observed sample : Real\n  p(sample) = Normal(0, sample)\n}") == ["G008"]


def test_the_number_of_errors_is_limited() -> None:
    assert len(errors("model M {\n" + "x = 2 y\n" * 500 + "}")) <= MAX_ERRORS
    assert len(errors("$ " * 5000)) <= MAX_ERRORS


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "x" + ")" * 5000,
        "[" * 101 + "]" * 101,
        "-" * 5000 + "x",
        "log " * 5000 + "x",
        "x^" * 5000 + "x",
        "x + " * 5000 + "x",
        "not " * 5000 + "x",
        "if a then b else " * 3000 + "c",
        "for i: " * 3000 + "c",
        "E[x ~ p] " * 3000 + "c",
        "f(" * 3000 + ")" * 3000,
        "x" + "[0]" * 3000,
        "f" + "(x)" * 3000,
        "x where { a = " * 300 + "x" + "}" * 300,
    ],
    ids=lambda t: t[:12],
)
def test_deep_nesting_is_refused(text: str) -> None:
    with pytest.raises(CompileError) as raised:
        parse_expression(text)
    assert "G902" in {d.code for d in raised.value.diagnostics}


def test_nesting_up_to_the_limit_is_fine() -> None:
    parse_expression("(" * MAX_DEPTH + "x" + ")" * MAX_DEPTH)
    parse_expression("-" * MAX_DEPTH + "x")
    with pytest.raises(CompileError):
        parse_expression("-" * (MAX_DEPTH + 1) + "x")


def test_deep_types_are_refused() -> None:
    assert "G902" in codes("def f(x : " + "Real -> " * 5000 + "Real) = x")


@pytest.mark.parametrize(
    "number", ["1e999999999", "1e-999999999", "9" * 5000, "0." + "0" * 5000 + "1", "1e" + "9" * 5000]
)
def test_huge_numbers_are_refused_at_once(number: str) -> None:
    assert codes(f"model M {{ x = {number} }}") == ["G902"]


def test_a_long_text_is_refused() -> None:
    assert codes("# " + "x" * MAX_CHARACTERS) == ["G902"]
