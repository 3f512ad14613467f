"""Literals and documentation made of text that a spec brings."""

from __future__ import annotations

import ast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gencompiler.emit.literals import WIDTH, documentation, string, visible

TEXTS = st.text(st.characters(), max_size=400)
NASTY = [
    '"',
    "'",
    "\"'",
    "\\",
    '\\"',
    '"""',
    "a\n\\",
    "\u202e",
    "\ud800",
    "\x00",
    "\U0001f600\u2028",
    "\\N{DASH}",
    "{{ x }}",
]


def nasty(test):
    for text in NASTY:
        test = example(text)(test)
    return test


@nasty
@given(TEXTS)
def test_a_string_literal_is_its_text(text: str) -> None:
    literal = string(text)
    assert ast.literal_eval(literal) == text
    assert literal.isprintable() or all(c.isprintable() or c.isspace() for c in literal)
    assert "\n" not in literal
    assert "\u202e" not in literal


@nasty
@given(TEXTS)
def test_documentation_is_one_docstring(text: str) -> None:
    source = f'def f():\n    """{documentation(text, 4)}"""\n    return 1\n'
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    assert [type(statement) for statement in function.body] == [ast.Expr, ast.Return]
    assert all(len(line) <= WIDTH for line in source.split("\n"))
    assert all(line == line.rstrip() for line in source.split("\n"))
    assert all(c.isprintable() or c == "\n" for c in source)


@nasty
@given(TEXTS)
def test_a_comment_is_one_comment(text: str) -> None:
    assert visible(text).isprintable()
    assert ast.dump(ast.parse(f"# {visible(text)}\nx = 1\n")) == ast.dump(ast.parse("x = 1\n"))


def test_words_are_kept() -> None:
    assert documentation("One.\n\nTwo\nthree.", 4) == "One.\n\n    Two\n    three."
    assert documentation("  spaced  \n\n\n\nout  ", 0) == "spaced\n\nout"
    assert documentation("a" * 300, 0).replace("\n", "") == "a" * 300


@pytest.mark.parametrize(("text", "literal"), [("plain", '"plain"'), ('say "x"', "'say \"x\"'"), ("it's", '"it\'s"')])
def test_quotes_are_those_that_ruff_prefers(text: str, literal: str) -> None:
    assert string(text) == literal
