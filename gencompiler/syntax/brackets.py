"""Brackets: every imbalance is reported at its opener, and the tokens are balanced so that parsing can go on."""

from __future__ import annotations

import dataclasses
from typing import cast

from lark import Token

from gencompiler.diagnostics.model import Label, Reporter
from gencompiler.diagnostics.span import SourceText, Span
from gencompiler.syntax.limits import MAX_DEPTH

CLOSER = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE", "EXPECT": "RSQB"}
CLOSED_BY = {"RPAR": ")", "RSQB": "]", "RBRACE": "}"}
#: Keywords that begin a statement; one that is first on its line never stands inside parentheses.
DEFINITIONS = frozenset({"DEF", "BIJECTION", "DENSITY", "TRANSITION", "SDE", "EXTERN", "OBJECTIVE"})
MODEL_STATEMENTS = frozenset({"OBSERVED", "LATENT", "GIVEN", "PARAM", "TRAIN", "SAMPLE", "EVALUATE", "CLAIM", "ASSUME"})
STARTERS = DEFINITIONS | MODEL_STATEMENTS | {"MODEL", "UPDATE"}


@dataclasses.dataclass(frozen=True)
class Balanced:
    """`tokens` with brackets that match; `depths[i]` is how many brackets are open around token i; `broken` are the
    character ranges in which a bracket was missing, where other errors are only consequences."""

    tokens: list[Token]
    depths: list[int]
    broken: list[tuple[int, int]]


@dataclasses.dataclass
class _Open:
    token: Token
    holds: str  # what a brace holds: "model", "objective" or "block"; "" for other brackets


def _next_brackets(tokens: list[Token]) -> list[str]:
    """For each token, the kind of the first bracket after it, or ""."""
    following, found = "", []
    for token in reversed(tokens):
        found.append(following)
        if token.type in CLOSER or token.type in CLOSED_BY:
            following = token.type
    return found[::-1]


class _Balancer:
    def __init__(self, source: SourceText, reporter: Reporter) -> None:
        self._source = source
        self._reporter = reporter
        self._open: list[_Open] = []
        self._holds_next = "block"
        self._out = Balanced([], [], [])
        self._too_deep = False

    def run(self, tokens: list[Token]) -> Balanced:
        line = 0
        for token, next_bracket in zip(tokens, _next_brackets(tokens), strict=True):
            if self._too_deep:
                return self._out
            first = self._source.position(cast(int, token.start_pos))[0] != line
            line = self._source.position(cast(int, token.end_pos))[0]
            if token.type in STARTERS and (first or token.type in ("MODEL", "OBJECTIVE")):
                self._statement(token, first)
            if token.type in CLOSED_BY:
                self._close(token, next_bracket)
                continue
            self._put(token)
            if token.type in CLOSER:
                self._push(token)
            elif token.type in STARTERS:
                self._holds_next = {"MODEL": "model", "OBJECTIVE": "objective"}.get(token.type, "block")
            elif token.type == "REPEAT" and self._open and self._open[-1].holds == "objective":
                self._holds_next = "objective"  # a repeated phase
        while self._open:
            self._unclosed(self._open[-1], len(self._source.text), None)
        return self._out

    def _put(self, token: Token) -> None:
        self._out.tokens.append(token)
        self._out.depths.append(len(self._open))

    def _push(self, token: Token) -> None:
        self._open.append(_Open(token, self._holds_next if token.type == "LBRACE" else ""))
        if token.type == "LBRACE":
            self._holds_next = "block"
        if len(self._open) > MAX_DEPTH:
            self._too_deep = True
            self._reporter.add(
                "G902", "brackets are nested too deeply", self._span(token), f"more than {MAX_DEPTH} open"
            )

    def _span(self, token: Token) -> Span:
        return Span(self._source.name, cast(int, token.start_pos), cast(int, token.end_pos))

    def _statement(self, token: Token, first: bool) -> None:
        """Close what cannot be open where `token` begins a statement."""
        while self._open:
            inner = self._open[-1]
            allowed = {
                "model": token.type != "MODEL",
                "objective": token.type not in DEFINITIONS | {"MODEL"},
            }.get(inner.holds, False)
            if allowed or not first:
                return
            self._unclosed(inner, cast(int, token.start_pos), token)

    def _close(self, token: Token, next_bracket: str) -> None:
        closers = [CLOSER[o.token.type] for o in self._open]
        matching = [closer == token.type for closer in closers]
        if closers[-2:-1] == [token.type] == [next_bracket] and not matching[-1]:  # `f(g[x))`: a wrong closer
            self._mismatch(self._open.pop(), token)
            return
        if not any(matching):
            if self._open and self._open[-1].holds in ("", "block"):
                self._mismatch(self._open.pop(), token)
            else:
                self._extra(token)
            return
        while not matching[len(self._open) - 1]:
            inner = self._open[-1]
            if inner.holds in ("model", "objective"):
                self._extra(token)
                return
            self._unclosed(inner, cast(int, token.start_pos), token)
        self._open.pop()
        self._put(token)

    def _extra(self, token: Token) -> None:
        self._reporter.add("G004", f"this `{token}` closes nothing", self._span(token), help=("delete it",))

    def _mismatch(self, opened: _Open, token: Token) -> None:
        closer = CLOSER[opened.token.type]
        self._put(Token(closer, CLOSED_BY[closer], token.start_pos, end_pos=token.end_pos))
        self._reporter.add(
            "G004",
            f"`{opened.token}` is closed by `{token}`",
            self._span(opened.token),
            "opened here",
            also=(Label(self._span(token), f"expected `{CLOSED_BY[closer]}`"),),
        )

    def _unclosed(self, opened: _Open, at: int, found: Token | None) -> None:
        """Report that `opened` is not closed before offset `at`, and close it there."""
        self._open.pop()
        closer = CLOSER[opened.token.type]
        self._put(Token(closer, CLOSED_BY[closer], at, end_pos=at))
        self._out.broken.append((cast(int, opened.token.start_pos), at))
        also = (Label(self._span(found), "still open here"),) if found is not None else ()
        self._reporter.add(
            "G004",
            f"this `{opened.token}` is never closed",
            self._span(opened.token),
            also=also,
            help=(f"add `{CLOSED_BY[closer]}`",),
        )


def balance(tokens: list[Token], source: SourceText, reporter: Reporter) -> Balanced:
    """`tokens` with missing closers added, wrong ones replaced and superfluous ones dropped."""
    return _Balancer(source, reporter).run(tokens)
