"""Whatever the text, the front end answers: a tree or a `CompileError`, soon, in little memory, never a traceback.

Texts come from the grammar, from the examples with tokens deleted, doubled, swapped and bytes inserted, and from
nowhere.
"""

from __future__ import annotations

import datetime
import itertools
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from lark import Lark

import gencompiler
from gencompiler.diagnostics import render
from gencompiler.diagnostics.codes import CODES
from gencompiler.diagnostics.model import CompileError
from gencompiler.diagnostics.span import SourceText
from gencompiler.syntax import tree
from gencompiler.syntax.format import format_source
from gencompiler.syntax.lexing import tokenize
from gencompiler.syntax.parse import parse
from gencompiler.syntax.tables import START_EXPRESSION, START_FILE, grammar_text, tables

SECONDS = 2
TEXTS = [
    p.read_text(encoding="utf-8") for p in sorted((Path(__file__).parents[1] / "syntax/examples").glob("**/*.gen"))
]

relaxed = settings(
    max_examples=150,
    deadline=datetime.timedelta(seconds=SECONDS),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def front_end(text: str) -> tree.File | None:
    """Parse `text`; check that what is said about it can be shown, and that a tree survives formatting."""
    source = SourceText("fuzz.gen", text)
    try:
        file = parse(source)
    except CompileError as error:
        assert error.diagnostics
        for diagnostic in error.diagnostics:
            assert diagnostic.code in CODES and diagnostic.labels and diagnostic.message
            for label in diagnostic.labels:
                assert 0 <= label.span.start <= label.span.end <= len(text)
        for style in ("full", "concise", "json"):
            shown = render.render(error.diagnostics, error.sources, style=style)
            shown.encode("utf-8")
            assert not any(c < " " and c != "\n" for c in shown)
        return None
    formatted = format_source(text)
    assert parse(SourceText("fuzz.gen", formatted)) == file
    assert format_source(formatted) == formatted
    return file


# -- from the grammar --------------------------------------------------------------------------------------------------

_TERMINALS = {
    "NAME": st.sampled_from([" x ", " y' ", " E1 ", " Real ", " o ", " α "]),
    "NUMBER": st.sampled_from([" 0 ", " 1.5 ", " 2e-3 "]),
    "STRING": st.just(' "why" '),
    "DOCSTRING": st.just(' """what""" '),
    "EXPECT": st.sampled_from([" E[", " E  ["]),
    "STRATONOVICH": st.sampled_from([" o dW + ", " ∘ "]),
    "_IN": st.sampled_from([" in ", " ∈ "]),
    "PROPTO": st.sampled_from([" ∝ ", " propto "]),
    "SPACE": st.sampled_from([" ", "\n", "\n\n\n"]),
    "COMMENT": st.just(" # comment\n"),
}


_GRAMMAR = Lark(grammar_text(), parser="lalr", lexer="basic", start=[START_FILE, START_EXPRESSION])


@settings(relaxed, max_examples=40)
@given(from_lark(_GRAMMAR, start=START_FILE, explicit=_TERMINALS))
def test_texts_of_the_grammar(text: str) -> None:
    front_end(text)


# -- mutated examples --------------------------------------------------------------------------------------------------


def pieces(text: str) -> list[str]:
    """`text` cut before every token."""
    from gencompiler.diagnostics.model import Reporter

    starts = [0, *(int(t.start_pos or 0) for t in tokenize(SourceText("", text), Reporter())), len(text)]
    return [text[a:b] for a, b in itertools.pairwise(starts)]


@st.composite
def mutants(draw: st.DrawFn) -> str:
    tokens = pieces(draw(st.sampled_from(TEXTS)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(tokens) - 1))
        other = draw(st.integers(0, len(tokens) - 1))
        match draw(st.sampled_from(["delete", "double", "swap", "move", "insert", "cut"])):
            case "delete":
                del tokens[at]
            case "double":
                tokens.insert(at, tokens[at])
            case "swap":
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case "move":
                tokens.insert(other, tokens.pop(at))
            case "insert":
                tokens.insert(at, draw(st.one_of(st.text(max_size=4), st.sampled_from(list("(){}[],:|\"#=~.^'\n")))))
            case "cut":
                tokens = tokens[: at + 1]
        if not tokens:
            break
    return "".join(tokens)


@relaxed
@given(mutants())
def test_mutated_examples(text: str) -> None:
    front_end(text)


ROOT = Path(__file__).parents[2]
SPECS = [
    p.read_text(encoding="utf-8") for p in sorted([*ROOT.glob("specs/**/*.gen"), *ROOT.glob("tests/ui/g[1-8]*.gen")])
]


@st.composite
def crossed(draw: st.DrawFn) -> str:
    """A spec in which tokens are replaced by tokens of another one: most of these parse, and mean nothing."""
    tokens, others = (pieces(draw(st.sampled_from(SPECS))) for _ in range(2))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(tokens) - 1))
        tokens[at] = draw(st.sampled_from([*others, " 0 ", " -1 ", " 1e300 ", " inf ", " x "]))
    return "".join(tokens) + "\n"


@settings(relaxed, deadline=None)
@given(crossed())
def test_crossed_specs_are_checked_or_refused(text: str) -> None:
    """Resolution, derivation and proof answer, too; `check` raises for nothing that a spec says."""
    found = gencompiler.check(text)
    assert found.ok or found.diagnostics
    found.render()


@settings(relaxed, max_examples=60)
@given(st.sampled_from(TEXTS), st.randoms(use_true_random=False))
def test_examples_with_other_white_space_keep_their_tree(text: str, random: object) -> None:
    """Newlines are white space: a text with its gaps redrawn parses to the same tree, and formats stably."""
    import random as random_module

    assert isinstance(random, random_module.Random)
    spaced = "".join(
        piece.rstrip() + random.choice([" ", "\n", "\n\n", " # note\n", "  "]) if "#" not in piece else piece
        for piece in pieces(text)
    )
    file = front_end(spaced)
    assert file is not None
    if '"""' not in text or text.count("\n", text.index('"""'), text.rindex('"""')) == 0:
        assert file == parse(SourceText("fuzz.gen", text))


@pytest.mark.parametrize("crash", [ValueError, RecursionError, KeyError, AssertionError])
def test_a_planted_crash_is_seen(crash: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise crash

    monkeypatch.setattr("gencompiler.syntax.parse.balance", broken)
    with pytest.raises(crash):
        front_end(TEXTS[0])


def test_planted_errors_of_the_formatter_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "model M {\n  x = 1\n  y = 2\n}\n"
    front_end(text)
    monkeypatch.setitem(globals(), "format_source", lambda t: t.replace("y = 2", "y = 3"))
    with pytest.raises(AssertionError):
        front_end(text)
    monkeypatch.setitem(globals(), "format_source", lambda t: t + "\n")
    with pytest.raises(AssertionError):
        front_end(text)


# -- from nowhere ------------------------------------------------------------------------------------------------------


@relaxed
@given(st.text(max_size=300))
@example("\ud800")
@example("\x00\x1b[31m")
@example('"""\x1b]0;title\x07"""')
def test_random_text(text: str) -> None:
    front_end(text)


@relaxed
@given(st.text(alphabet="model{}()[]=~∝|:,.<>!+-*/@%^\"'# \n\t\r01e9EInxyp", max_size=400))
def test_random_text_in_the_alphabet_of_the_language(text: str) -> None:
    front_end(text)


@relaxed
@given(st.binary(max_size=300))
def test_random_bytes(content: bytes) -> None:
    front_end(content.decode("utf-8", errors="replace"))
    front_end(content.decode("latin-1"))


# -- bombs -------------------------------------------------------------------------------------------------------------

BOMBS = {
    "parentheses": "(" * 50_000,
    "balanced parentheses": "model M { x = " + "(" * 20_000 + "y" + ")" * 20_000 + "}",
    "braces": "{" * 50_000,
    "models": "model M {\n" * 5_000,
    "expectations": "model M { x = " + "E[" * 20_000,
    "closers": "}" * 50_000,
    "minus": "model M { x = " + "-" * 50_000 + "y }",
    "sum": "model M { x = " + "y + " * 20_000 + "y }",
    "power": "model M { x = " + "y ^ " * 20_000 + "y }",
    "log": "model M { x = " + "log " * 20_000 + "y }",
    "if": "model M { x = " + "if a then b else " * 5_000 + "c }",
    "for": "model M { x = " + "for i: " * 10_000 + "c }",
    "types": "def f(x : " + "Real -> " * 12_000 + "Real) = x",
    "where": "model M { x = y" + " where { z = y" * 5_000,
    "number": "model M { x = 1e999999999 }",
    "small number": "model M { x = 1e-999999999 }",
    "digits": "model M { x = " + "9" * 90_000 + " }",
    "names": "model M { x = " + "y" * 90_000 + " }",
    "unknown characters": "\u0e3f " * 40_000,
    "stray dots": ". " * 40_000,
    "side by side": "model M { " + "x = 2 y\n" * 10_000 + "}",
    "misspelt": "model M { " + "latnet x : Real\n" * 6_000 + "}",
    "keywords as names": "model M { " + "".join(f"observed sample : Real[{i}]\n" for i in range(3_000)) + "}",
    "docstrings": '"""a"""' * 12_000,
    "strings": 'model M { assume a because "' * 3_500,
    "long line": "model M { x = " + "f(y), " * 15_000 + "}",
    "list": "model M { x = [" + "1, " * 30_000 + "1] }",
    "too long": "x" * 2_000_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name: str) -> None:
    text = BOMBS[name]
    started = time.perf_counter()
    try:
        parse(SourceText("bomb.gen", text))
    except CompileError as error:
        render.full(error.diagnostics, error.sources)
    elapsed = time.perf_counter() - started
    # linear work: a budget for every token beside the two seconds for everything else
    assert elapsed < SECONDS + 60e-6 * len(text), f"{elapsed:.1f} s for {len(text)} characters"


@pytest.mark.parametrize("name", ["number", "small number", "digits", "parentheses", "sum", "types"])
def test_memory(name: str) -> None:
    tables()
    tracemalloc.start()
    try:
        with pytest.raises(CompileError):
            parse(SourceText("bomb.gen", BOMBS[name][:50_000]))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200e6
