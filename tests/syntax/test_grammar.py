"""The grammar itself: LALR(1) without conflicts, unambiguous terminals, no terminal without a name or a word for it."""

from __future__ import annotations

import re
from pathlib import Path

import lark
import pytest
from lark import Lark

from gencompiler.settings import Settings
from gencompiler.syntax import tables
from gencompiler.syntax.tables import START_EXPRESSION, START_FILE, grammar_text
from gencompiler.syntax.vocabulary import KEYWORDS, WORDS


def strict(grammar: str) -> Lark:
    return Lark(grammar, parser="lalr", lexer="basic", strict=True, start=[START_FILE, START_EXPRESSION])


def test_strict_mode_accepts_the_grammar() -> None:
    strict(grammar_text())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[requires] defines rhs\n", "[requires] rhs\n"),  # a body without `=`: a shift/reduce conflict
        ("?atom: NAME |", "?atom: NAME | OTHER |"),  # two terminals that match the same text
    ],
)
def test_strict_mode_notices_a_planted_conflict(old: str, new: str) -> None:
    grammar = grammar_text() + ("\nOTHER: /[a-z]+x?/\n" if "OTHER" in new else "")
    assert old in grammar
    with pytest.raises(lark.exceptions.LarkError):
        strict(grammar.replace(old, new))


def test_every_terminal_is_named_and_has_a_word() -> None:
    names = {terminal.name for terminal in tables.tables().lark.terminals}
    assert not [name for name in names if name.startswith("__")], "anonymous terminals"
    assert names - {"SPACE", "COMMENT"} == set(WORDS) - {"$END"}


def test_keywords_are_those_of_the_grammar() -> None:
    keywords = {
        t.name: t.pattern.value
        for t in tables.tables().lark.terminals
        if t.pattern.type == "str" and re.fullmatch("[a-z]+", t.pattern.value)
    }
    assert keywords == KEYWORDS


def test_the_tables_are_cached_and_a_broken_cache_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENC_CACHE", str(tmp_path / "cache"))
    assert Settings.from_environment().cache == tmp_path / "cache"
    tables.tables.cache_clear()
    first = tables.tables()
    (cached,) = (tmp_path / "cache").iterdir()
    tables.tables.cache_clear()
    assert len(tables.tables().states) == len(first.states)
    cached.write_bytes(b"not a cache")
    tables.tables.cache_clear()
    assert len(tables.tables().states) == len(first.states)
    tables.tables.cache_clear()


def test_a_cache_folder_that_cannot_be_made_is_not_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GENC_CACHE", str(tmp_path / "file" / "cache"))
    tables.tables.cache_clear()
    assert tables.tables().states
    tables.tables.cache_clear()
