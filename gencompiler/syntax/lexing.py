"""From text to tokens: every lexical error is reported, and the tokens are mended so that parsing can go on."""

from __future__ import annotations

import re
import unicodedata
from typing import cast

from lark import Token
from lark.exceptions import UnexpectedCharacters

from gencompiler.diagnostics.model import Reporter
from gencompiler.diagnostics.span import SourceText, Span
from gencompiler.syntax.limits import MAX_CHARACTERS, MAX_ERRORS
from gencompiler.syntax.tables import tables

#: What a reader sees in another order or not at all: control characters, direction marks, halves of characters.
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1b\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ud800-\udfff]")

#: Two tokens that touch, as they never do here: what they are in other languages, and the token meant.
_PAIRS = {
    ("STAR", "STAR"): ("**", "CARET", "^"), ("BAR", "BAR"): ("||", "OR", "or"),
    ("COLON", "EQUALS"): (":=", "EQUALS", "="), ("PLUS", "EQUALS"): ("+=", "EQUALS", "="),
    ("STAR", "EQUALS"): ("*=", "EQUALS", "="),
    ("EQUALS", "GT"): ("=>", "_ARROW", "->"), ("EQUALS", "LT"): ("=<", "LE", "<="), ("LT", "GT"): ("<>", "NE", "!="),
    ("EQ", "EQUALS"): ("===", "EQ", "=="), ("COLON", "COLON"): ("::", "COLON", ":"),
    ("TILDE", "EQUALS"): ("~=", "NE", "!="),
}  # fmt: skip

#: Characters of other notations: how they are written here, and the token meant where there is one.
_FOREIGN: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("&", "&&", "∧"), ("`and`", "AND")), "∨": ("`or`", "OR"), **dict.fromkeys("!¬", ("`not`", "NOT")),
    **dict.fromkeys("×⋅⊙∗", ("`*`", "STAR")), "÷": ("`/`", "SLASH"), **dict.fromkeys("–—", ("`-`", "MINUS")),
    "…": ("`..`", "DOTS"), "≔": ("`=`", "EQUALS"), "←": ("`=`, or `~` for a draw", "EQUALS"), "≡": ("`==`", "EQ"),
    "≈": ("`==` in a claim", "EQ"), "∣": ("`|`", "BAR"), "∞": ("`inf`", "NAME"), "√": ("`sqrt(…)`", ""),
    "∑": ("`sum(for i: …)`", ""), "∏": ("`prod(for i: …)`", ""), "∂": ("`grad(…)`", ""), "‖": ("`norm(…)`", ""),
    "∫": ("an `E[…]` over a distribution", ""), ";": ("a new line: statements need no separator", ""),
    "'": ("a prime after a name, or a string in double quotes", ""), "′": ("`'` after a name", ""),
    **dict.fromkeys("“”", ('`"`', "")), "`": ("names without quotes", ""), "$": ("names without `$`", ""),
    "?": ("`if … then … else …`", ""), "\\": ("a line break without `\\`: newlines are white space", ""),
}  # fmt: skip

#: Keywords that a name follows.
_NAMING = frozenset(
    {"MODEL", "OBJECTIVE", "DEF", "BIJECTION", "DENSITY", "TRANSITION", "SDE", "OBSERVED", "LATENT", "GIVEN", "PARAM"}
)


def tokenize(source: SourceText, reporter: Reporter) -> list[Token]:
    """The tokens of `source`, without white space and comments; `start_pos` and `end_pos` are character offsets."""
    text = source.text
    if len(text) > MAX_CHARACTERS:
        where = Span(source.name, MAX_CHARACTERS, len(text))
        reporter.add("G902", "the text is too long", where, f"at most {MAX_CHARACTERS:,} characters can be compiled")
        return []
    for count, found in enumerate(_INVISIBLE.finditer(text)):
        if count < MAX_ERRORS:
            name = f"U+{ord(found[0]):04X} {unicodedata.name(found[0], 'control character').lower()}"
            where = Span(source.name, found.start(), found.end())
            reporter.add("G001", "an invisible character", where, name, help=("delete it",))
    return _Lexer(source, reporter).run()


class _Lexer:
    def __init__(self, source: SourceText, reporter: Reporter) -> None:
        self._source = source
        self._text = source.text
        self._reporter = reporter
        self._tokens: list[Token] = []

    def run(self) -> list[Token]:
        start, errors = 0, 0
        while start < len(self._text) and errors <= MAX_ERRORS:
            try:
                for token in tables().lex(self._text[start:]):
                    self._append(token, start)
            except UnexpectedCharacters as error:
                start, errors = self._stray(start + cast(int, error.pos_in_stream)), errors + 1
            else:
                break
        return self._tokens

    def _append(self, token: Token, offset: int) -> None:
        token.start_pos = cast(int, token.start_pos) + offset
        token.end_pos = cast(int, token.end_pos) + offset
        last = self._tokens[-1] if self._tokens else None
        if last is not None and last.type == "NUMBER" and last.end_pos == token.start_pos and token.type == "NAME":
            token = self._run_in(last, token)
        if last is not None and last.end_pos == token.start_pos and (last.type, token.type) in _PAIRS:
            token = self._pair(self._tokens.pop(), token)
        self._tokens.append(token)

    def _pair(self, first: Token, second: Token) -> Token:
        """Report two tokens that are one operator elsewhere; returns the one that is meant."""
        shown, kind, text = _PAIRS[first.type, second.type]
        start, end = cast(int, first.start_pos), cast(int, second.end_pos)
        self._reporter.add(
            "G016", f"`{shown}` is not used in this language", self._span(start, end), help=(f"write `{text}`",)
        )
        return Token(kind, text, start, end_pos=end)

    def _run_in(self, number: Token, name: Token) -> Token:
        """`2y`, `1_000` or `model 3D`: a number that runs into a name.  Returns the token to go on with."""
        where = self._span(cast(int, number.start_pos), cast(int, name.end_pos))
        before = self._tokens[-2].type if len(self._tokens) > 1 else ""
        if before in _NAMING:
            self._reporter.add("G009", "a name does not begin with a digit", where)
            self._tokens.pop()
            return Token("NAME", f"_{number}{name}", number.start_pos, end_pos=name.end_pos)
        if re.match(r"_[0-9]|[xXbBoO][0-9a-fA-F]|[eE]$|[jJ]$|[fF]$", name):
            whole = f"`{number}{name}` is not a number"
            self._reporter.add("G003", whole, where, help=("numbers are decimal: `1000`, `0.5`, `1e-3`",))
        else:
            self._reporter.add(
                "G006",
                "two expressions side by side; missing operator",
                where,
                help=(f"write `{number} * {name}` for a product",),
            )
        self._tokens.append(Token("STAR", "*", name.start_pos, end_pos=name.start_pos))
        return name

    def _span(self, start: int, end: int) -> Span:
        return Span(self._source.name, start, end)

    def _stray(self, at: int) -> int:
        """Report what stands at offset `at`, which begins no token; returns where lexing goes on."""
        text = self._text
        if text[at] == '"':
            return self._unterminated(at)
        if text[at] == ".":
            return self._dot(at)
        if _INVISIBLE.match(text, at):
            return at + 1  # reported before
        shown = "&&" if text.startswith("&&", at) else text[at]
        name = "" if shown.isascii() else f" ({unicodedata.name(shown, 'unnamed').lower()})"
        instead, meant = _FOREIGN.get(shown, ("", ""))
        where = self._span(at, at + len(shown))
        if instead:
            self._reporter.add("G016", f"`{shown}` is not used in this language", where, help=(f"write {instead}",))
        else:
            self._reporter.add("G001", f"unexpected character `{shown}`{name}", where)
        if meant:
            self._tokens.append(Token(meant, shown, at, end_pos=where.end))
            return where.end
        end = where.end
        while end < len(text) and text[end] == text[at]:
            end += 1
        return end

    def _unterminated(self, at: int) -> int:
        if self._text.startswith('"""', at):
            where = self._span(at, at + 3)
            self._reporter.add("G002", "this docstring never ends", where, "opened here", help=('close it with `"""`',))
            return len(self._text)
        end = self._text.find("\n", at)
        end = len(self._text) if end < 0 else end
        where = self._span(at, end)
        self._reporter.add("G002", "this string never ends", where, help=('close it with `"` on the same line',))
        self._tokens.append(Token("STRING", '""', at, end_pos=end))
        return end

    def _dot(self, at: int) -> int:
        """A lone dot: `.5`, `1.`, `a.b` or `...`."""
        before = self._tokens[-1] if self._tokens and self._tokens[-1].end_pos == at else None
        after = re.compile(r"[0-9]+([eE][+-]?[0-9]+)?|[^\W\d]\w*'*").match(self._text, at + 1)
        if before is not None and before.type == "DOTS":
            self._reporter.add(
                "G009", "a range has two dots", self._span(cast(int, before.start_pos), at + 1), help=("write `..`",)
            )
            return at + 1
        if before is not None and before.type == "NUMBER":
            written = f"{before}.{after[0] if after else ''}"
            where = self._span(cast(int, before.start_pos), at + len(written) - len(before))
            fixed = () if "." in before else (f"write `{before}` or `{before}.0`, and `{before}..n` for a range",)
            self._reporter.add("G003", f"`{written}` is not a number", where, help=fixed)
            return where.end
        if after is not None and after[0][0].isdigit():
            where = self._span(at, at + 1 + after.end() - after.start())
            self._reporter.add("G003", f"`.{after[0]}` is not a number", where, help=(f"write `0.{after[0]}`",))
            return at + 1
        if before is not None and after is not None:
            where = self._span(at, after.end())
            hint = f"write `transpose({before})`" if after[0] == "T" else f"write `{after[0]}({before})`"
            self._reporter.add("G016", "values have no attributes; dots are for ranges", where, help=(hint,))
            return after.end()
        self._reporter.add(
            "G001", "unexpected character `.`", self._span(at, at + 1), help=("a range is written `a..b`",)
        )
        return at + 1
