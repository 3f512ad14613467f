"""Diagnostics as text: labels under the right columns, several files, odd characters, machine formats."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gencompiler
from gencompiler.diagnostics.model import CompileError, Diagnostic, Label, Severity
from gencompiler.diagnostics.render import concise, full, render, summary
from gencompiler.diagnostics.snippet import width
from gencompiler.diagnostics.span import BUILTIN, SourceText, Span

FLOW = SourceText(
    "flow.gen",
    "model Flow(D = 2) {\n  observed x : Real[D]\n  latent   z : Real[D]\n\n  param scale : Real[D]\n  x = z |> Scale\n"
    "bijection Scale(u : Real) -> Real = scale * u\n}\n",
)


def at(source: SourceText, words: str, text: str = "", nth: int = 0) -> Label:
    start = -1
    for _ in range(nth + 1):
        start = source.text.index(words, start + 1)
    return Label(Span(source.name, start, start + len(words)), text)


def error(*labels: Label, **more: tuple[str, ...]) -> Diagnostic:
    return Diagnostic("G402", Severity.ERROR, "a message", labels, **more)


def shown(diagnostic: Diagnostic, *sources: SourceText) -> str:
    """The full text without the count at its end."""
    text = full([diagnostic], {s.name: s for s in sources})
    assert text.endswith("\n\n1 error\n")
    return text.removesuffix("\n1 error\n")


def test_the_example_of_the_architecture() -> None:
    diagnostic = Diagnostic(
        "G402",
        Severity.ERROR,
        "cannot prove that `scale` is never zero, so `Scale` may not be invertible",
        (
            at(FLOW, "scale", "zero here makes every u map to 0", nth=1),
            at(FLOW, "Real", "declared without a sign", nth=2),
        ),
        notes=("counterexample: scale = 0, u = 0 and u = 1 both map to 0",),
        help=("declare `param scale : Positive[D]`",),
    )
    assert shown(diagnostic, FLOW) == (
        "error[G402]: cannot prove that `scale` is never zero, so `Scale` may not be invertible\n"
        "  --> flow.gen:7:37\n"
        "   5 |   param scale : Real[D]\n"
        "     |                 ---- declared without a sign\n"
        "   7 | bijection Scale(u : Real) -> Real = scale * u\n"
        "     |                                     ^^^^^ zero here makes every u map to 0\n"
        "   = counterexample: scale = 0, u = 0 and u = 1 both map to 0\n"
        "   = help: declare `param scale : Positive[D]`\n"
    )


def test_several_labels_on_a_line() -> None:
    source = SourceText("a", "x = f(bar, baz) + 1")
    labels = (at(source, "f(bar, baz)", "the call"), at(source, "bar", "shape [3]"), at(source, "baz", "shape [4]"))
    assert shown(error(*labels), source) == (
        "error[G402]: a message\n"
        "  --> a:1:5\n"
        "   1 | x = f(bar, baz) + 1\n"
        "     |     ^^^^^^^^^^^\n"
        "     |     | |    |\n"
        "     |     | |    shape [4]\n"
        "     |     | shape [3]\n"
        "     |     the call\n"
    )


def test_labels_of_several_files() -> None:
    other = SourceText("prelude.gen", "objective elbo { }")
    text = shown(error(at(FLOW, "Scale", "used here"), at(other, "elbo", "declared here")), FLOW, other)
    assert text == (
        "error[G402]: a message\n"
        "  --> flow.gen:6:12\n"
        "   6 |   x = z |> Scale\n"
        "     |            ^^^^^ used here\n"
        "  ::: prelude.gen:1:11\n"
        "   1 | objective elbo { }\n"
        "     |           ---- declared here\n"
    )


def test_a_label_over_several_lines() -> None:
    start = FLOW.text.index("observed")
    label = Label(Span("flow.gen", start, FLOW.text.index("param") - 3), "declared here")
    assert shown(error(label), FLOW) == (
        "error[G402]: a message\n"
        "  --> flow.gen:2:3\n"
        "   2 |   observed x : Real[D]\n"
        "     |   ^^^^^^^^^^^^^^^^^^^^\n"
        "   3 |   latent   z : Real[D]\n"
        "     |   ^^^^^^^^^^^^^^^^^^^^ declared here\n"
    )


@pytest.mark.parametrize(
    ("line", "words", "marked"),
    [
        ("\tx = yy", "yy", "        ^^"),  # a tab is shown as spaces
        ("漢字 = yy", "yy", "       ^^"),  # wide characters take two columns
        ("漢字 = yy", "漢字", "^^^^"),
        ("e\u0301 = yy", "yy", "    ^^"),  # a combining accent takes none
        ("α = yy", "yy", "    ^^"),
    ],
)
def test_columns_of_odd_characters(line: str, words: str, marked: str) -> None:
    source = SourceText("a", line)
    assert shown(error(at(source, words)), source).splitlines()[3] == "     | " + marked


def test_an_empty_span_is_a_caret_after_what_stands_before_it() -> None:
    source = SourceText("a", "x =\ny = 1")
    assert "   1 | x =\n     |    ^ here\n" in shown(error(Label(Span("a", 3, 3), "here")), source)


def test_the_end_of_the_text() -> None:
    source = SourceText("a", "x =\n")
    assert "  --> a:2:1\n   2 |\n     | ^ here\n" in shown(error(Label(Span("a", 4, 4), "here")), source)


def test_line_numbers_of_any_length_are_aligned() -> None:
    source = SourceText("a", "\n" * 12344 + "x\n")
    assert "    --> a:12345:1\n 12345 | x\n       | ^\n" in shown(error(at(source, "x")), source)


def test_a_long_line_is_shown_in_part() -> None:
    source = SourceText("a", "x + " * 500 + "yy" + " + x" * 500)
    line, marks = shown(error(at(source, "yy", "here")), source).splitlines()[2:4]
    assert len(line) < 200 and line.count("…") == 2
    assert line.index("yy") == marks.index("^^") and marks.endswith("^^ here")


def test_what_no_user_wrote_has_no_lines() -> None:
    assert shown(error(Label(BUILTIN, "from the catalogue"))) == (
        "error[G402]: a message\n  --> <builtin>\n   = from the catalogue\n"
    )


def test_nothing_in_a_text_reaches_the_terminal() -> None:
    source = SourceText("a\x1b[2J.gen", "x = \x1b]0;title\x07 \u202eyy")
    diagnostic = Diagnostic(
        "G001", Severity.ERROR, "a \x1b[31mmessage", (at(source, "yy", "la\x07bel"),), ("n\x1bote",), ("h\x08",)
    )
    for style in ("full", "concise", "json"):
        text = render([diagnostic], {source.name: source}, style=style)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", text)


def test_concise() -> None:
    warning = Diagnostic("G405", Severity.WARNING, "shifted\nonly", (at(FLOW, "Scale"),))
    assert concise([error(at(FLOW, "scale")), warning, error()], {"flow.gen": FLOW}) == (
        "flow.gen:5:9: error[G402]: a message\nflow.gen:6:12: warning[G405]: shifted only\nerror[G402]: a message\n"
    )


def test_json() -> None:
    diagnostic = error(at(FLOW, "scale", "here"), Label(BUILTIN, "there"), notes=("why",), help=("how",))
    (found,) = json.loads(render([diagnostic], {"flow.gen": FLOW}, style="json"))
    assert found["code"] == "G402" and found["severity"] == "error" and found["title"]
    assert found["notes"] == ["why"] and found["help"] == ["how"]
    here, there = found["labels"]
    assert here == {
        "primary": True,
        "text": "here",
        "source": "flow.gen",
        "start": {"offset": 75, "line": 5, "column": 9},
        "end": {"offset": 80, "line": 5, "column": 14},
    }
    assert there["primary"] is False and there["start"] == {"offset": 0}


def test_colour_only_adds_escape_sequences() -> None:
    diagnostics = [error(at(FLOW, "scale", "here [bold]not markup[/]"), at(FLOW, "Real", nth=2), help=("how",))]
    sources = {"flow.gen": FLOW}
    plain, coloured = render(diagnostics, sources), render(diagnostics, sources, color=True)
    assert "\x1b[" in coloured and "\x1b[" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_summary() -> None:
    warning = Diagnostic("G405", Severity.WARNING, "")
    assert summary([]) == ""
    assert summary([error(), error(), warning]) == "2 errors, 1 warning"
    assert full([], {}) == ""


@given(st.text(max_size=200), st.data())
def test_any_labels_of_any_text_can_be_shown(text: str, data: st.DataObject) -> None:
    source = SourceText("a", text)
    offsets = st.integers(0, len(text))
    labels = tuple(
        Label(Span("a", *sorted((data.draw(offsets), data.draw(offsets)))), data.draw(st.sampled_from(["", "label"])))
        for _ in range(data.draw(st.integers(1, 4)))
    )
    out = shown(error(*labels), source)
    assert out.count("label") == sum(label.text == "label" for label in labels) + text.count("label")
    assert all(line == line.rstrip() for line in out.split("\n"))


@given(st.text(alphabet="ab漢\u0301é", max_size=30))
def test_width_adds_up(text: str) -> None:
    assert width(text) == sum(width(c) for c in text)


def test_an_error_as_text_says_where() -> None:
    with pytest.raises(CompileError, match=r"^<string>:2:39: G501: ") as caught:
        gencompiler.compile("model M {\n  observed x : Real  p(x) = Normal(0, -1)\n}")
    assert caught.value.exit_status == 1
