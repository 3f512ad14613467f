"""The LALR tables of `grammar.lark`, made by lark once and kept in the user's cache folder."""

from __future__ import annotations

import dataclasses
import functools
import os
import sys
from collections.abc import Iterator
from importlib import resources
from typing import Any, cast

from lark import Lark, Token
from lark.parsers.lalr_analysis import Shift

from gencompiler.settings import Settings, SettingsError

END = "$END"
START_FILE = "start"
START_EXPRESSION = "lone_expression"

#: The nonterminals at which the parser picks up again after an error: what is listed one after the other.
LISTED = ("declaration", "statement", "local", "phase")

#: What is not reduced on the way to the key of a designed message: a whole item says nothing about how it ended.
_WHOLE = frozenset({"equation", "variables", "request", "assume", "definition", "model", "objective", "phase"})


def grammar_text() -> str:
    """The text of `grammar.lark`."""
    return resources.files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")


@dataclasses.dataclass(frozen=True)
class Tables:
    """`states[state][symbol]` is (Shift, state) or (Reduce, rule); a nonterminal's entry is its goto."""

    lark: Lark
    states: dict[int, dict[str, tuple[Any, Any]]]
    start_states: dict[str, int]
    end_states: dict[str, int]
    callbacks: Any
    _climbs: dict[tuple[int, int, str], int] = dataclasses.field(default_factory=dict)

    def lex(self, text: str) -> Iterator[Token]:
        """The tokens of `text`, by the one lexer that the parser has: `Lark.lex` would build another for each text."""
        return cast("Iterator[Token]", self.lark.parse_interactive(text, start=START_FILE).lexer_thread.lex(None))

    def lists(self, state: int) -> str | None:
        """Which of `LISTED` stand one after the other in `state`, if any."""
        entries = self.states[state]
        return next((symbol for symbol in LISTED if symbol in entries), None)

    def step(self, stack: list[int], symbol: str) -> bool:
        """Do all reductions that `symbol` calls for and shift it, on state numbers only; False where it is refused."""
        while symbol in self.states[stack[-1]]:
            action, argument = self.states[stack[-1]][symbol]
            if action is Shift:
                stack.append(argument)
                return True
            if argument.expansion:
                del stack[-len(argument.expansion) :]
            stack.append(self.states[stack[-1]][argument.origin.name][1])
            if symbol == END and stack[-1] in self.end_states.values():
                return True
        return False

    def climbed(self, below: int, top: int, symbol: str) -> int:
        """The state in place of `top`, above `below`, after the reductions before `symbol` that only rename one value.

        A name in an expression climbs through a dozen levels of precedence; remembering where it arrives makes parsing
        several times faster."""
        key = (below, top, symbol)
        arrived = self._climbs.get(key)
        while arrived is None:
            action, rule = self.states[top].get(symbol, (Shift, None))
            if action is Shift or len(rule.expansion) != 1 or not rule.options.expand1 or rule.alias:
                arrived = self._climbs[key] = top
            else:
                top = self.states[below][rule.origin.name][1]
        return arrived

    def settled(self, stack: list[int]) -> int:
        """The state on top after the reductions that do not depend on the next token: what has just been read."""
        trial = list(stack)
        while True:
            entries = [entry for symbol, entry in self.states[trial[-1]].items() if symbol == END or symbol.isupper()]
            rules = {argument for action, argument in entries if action is not Shift}
            if len(rules) != 1 or any(action is Shift for action, _ in entries):
                return trial[-1]
            rule = rules.pop()
            if rule.origin.name in _WHOLE or rule.origin.name.startswith("_"):
                return trial[-1]
            if rule.expansion:
                del trial[-len(rule.expansion) :]
            trial.append(self.states[trial[-1]][rule.origin.name][1])

    def accepts(self, stack: list[int], *symbols: str) -> bool:
        """Whether a parser with these states on its stack takes `symbols` one after the other."""
        trial = list(stack)
        return all(self.step(trial, symbol) for symbol in symbols)

    def expected(self, stack: list[int]) -> set[str]:
        """Every terminal that a parser with these states on its stack takes next."""
        candidates = [s for s in self.states[stack[-1]] if s == END or s.isupper()]
        return {symbol for symbol in candidates if self.accepts(stack, symbol)}


@functools.cache
def tables() -> Tables:
    """The tables, built on first use (about 0.3 s, or 0.02 s from the cache)."""
    lark = Lark(
        grammar_text(),
        parser="lalr",
        lexer="basic",
        propagate_positions=True,
        start=[START_FILE, START_EXPRESSION],
        cache=_cache_file() or False,
    )
    table = lark.parse_interactive(start=START_FILE).parser_state.parse_conf
    other = lark.parse_interactive(start=START_EXPRESSION).parser_state.parse_conf
    return Tables(
        lark,
        table.states,
        {START_FILE: table.start_state, START_EXPRESSION: other.start_state},
        {START_FILE: table.end_state, START_EXPRESSION: other.end_state},
        table.callbacks,
    )


def _cache_file() -> str | None:
    """Where lark keeps the tables, keyed by grammar and versions; None where the user has no folder of their own."""
    try:
        folder = Settings.from_environment().cache
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        foreign = hasattr(os, "getuid") and folder.stat().st_uid != os.getuid()
    except (OSError, SettingsError):
        return None
    if foreign or not os.access(folder, os.W_OK):
        return None  # tables are unpickled: only what this user wrote is read
    return str(folder / f"grammar-{sys.implementation.cache_tag}.tables")


def end_token(position: int) -> Token:
    """The token after the last one of a text that is `position` characters long."""
    return Token(END, "", position, end_pos=position)
