"""Parsing: `parse` for files, `parse_expression` for a formula.

The driver runs lark's LALR tables on its own, so that it can mend a text and go on: a keyword that is used as a name or
misspelt is replaced on the spot; after any other error the statement is given up and parsing resumes at the next one.
"""

from __future__ import annotations

import bisect
from typing import Any, cast

from lark import Token, Tree
from lark.parsers.lalr_analysis import Shift

from gencompiler.diagnostics.model import CompileError, Reporter
from gencompiler.diagnostics.span import SourceText, Span
from gencompiler.syntax import messages, tree
from gencompiler.syntax.brackets import STARTERS, Balanced, balance
from gencompiler.syntax.build import Builder
from gencompiler.syntax.lexing import tokenize
from gencompiler.syntax.limits import MAX_ERRORS, MAX_MENDED, MAX_STACK
from gencompiler.syntax.tables import END, START_EXPRESSION, START_FILE, Tables, end_token, tables

#: Where a list of declarations, statements or phases goes on, wherever on its line the token stands.
_STARTERS = STARTERS | {END}

_LEXICAL = frozenset({"G001", "G002", "G003", "G016"})


def parse(source: SourceText) -> tree.File:
    """The Surface of a `.gen` text; raises a `CompileError` with every independent syntax error."""
    return cast(tree.File, _parse(source, START_FILE, None))


def parse_expression(text: str, name: str = "<expression>", span: Span | None = None) -> tree.Expr:
    """The Surface of a lone right-hand side; with `span`, every node gets that one (catalogue formulas: `BUILTIN`)."""
    return cast(tree.Expr, _parse(SourceText(name, text), START_EXPRESSION, span))


def tokens_of(source: SourceText) -> list[Token]:
    """The tokens of a text that parses; used by the formatter, which keeps the text between them."""
    return tokenize(source, Reporter())


def _parse(source: SourceText, start: str, span: Span | None) -> Any:
    reporter = Reporter()
    balanced = balance(tokenize(source, reporter), source, reporter)
    limited = any(d.code == "G902" for d in reporter.diagnostics)
    parsed = None if limited else Driver(tables(), source, balanced, reporter, start).run()
    result = None if parsed is None else Builder(source, reporter, span).build(parsed)
    if reporter.has_errors:
        found = sorted(reporter.diagnostics, key=lambda d: d.labels[0].span.start)
        raise CompileError(tuple(found[:MAX_ERRORS]), {source.name: source})
    return result


class Driver:
    """An LALR parser with recovery.  Three stacks run in parallel: states, values, and the bracket depth at each."""

    def __init__(self, table: Tables, source: SourceText, balanced: Balanced, reporter: Reporter, start: str) -> None:
        self._tables = table
        self._source = source
        self._reporter = reporter
        self._start = start
        self._broken = balanced.broken
        self._tokens = [*balanced.tokens, end_token(len(source.text))]
        self._depths = [*balanced.depths, 0]
        self._states = [table.start_states[start]]
        self._values: list[Any] = []
        self._levels = [0]
        self._mended: dict[str, int] = {}
        self._errors = 0

    def run(self) -> Tree[Token] | None:
        """The parse tree; after an error, of what could be parsed, or None."""
        index = 0
        previous = current = self._snapshot()
        while True:
            previous, current = current, self._snapshot()
            if len(self._states) > MAX_STACK:
                where = messages.span_of(self._source, self._tokens[index])
                self._reporter.add("G902", "the text is nested too deeply", where, "too much is begun and not finished")
                return None
            if self._feed(index):
                if self._tokens[index].type == END:
                    return cast("Tree[Token]", self._values[-1])
                index += 1
                continue
            resumed = self._mend(index, previous, current)
            if sum(self._mended.values()) > MAX_MENDED:
                return None
            if resumed is None:
                self._report(index, current[0])
                self._errors += 1
                begin = messages.own_line(self._context(index, current[0])) or index
                resumed = self._resume(begin) if self._errors < MAX_ERRORS else None
            if resumed is None:
                return None
            index, current = resumed, self._snapshot()

    # -- the automaton -----------------------------------------------------------------------------------------------

    def _snapshot(self) -> tuple[list[int], list[Any], list[int]]:
        return list(self._states), list(self._values), list(self._levels)

    def _restore(self, snapshot: tuple[list[int], list[Any], list[int]]) -> None:
        states, values, levels = snapshot
        self._states, self._values, self._levels = list(states), list(values), list(levels)

    def _feed(self, index: int) -> bool:
        """Reduce and shift for token `index`; False where no rule takes it."""
        token = self._tokens[index]
        self._climb(token.type)
        while (entry := self._tables.states[self._states[-1]].get(token.type)) is not None:
            action, argument = entry
            if action is Shift:
                opens = token.type in ("LPAR", "LSQB", "LBRACE", "EXPECT")
                self._push(argument, token, self._depths[index] + opens)
                return True
            size = len(argument.expansion)
            popped = self._values[len(self._values) - size :]
            for stack in (self._states, self._values, self._levels):
                del stack[len(stack) - size :]
            value = self._tables.callbacks[argument](popped)
            goto = self._tables.states[self._states[-1]][argument.origin.name][1]
            self._push(goto, value, self._depths[index] + (token.type in ("RPAR", "RSQB", "RBRACE")))
            if token.type == END and goto == self._tables.end_states[self._start]:
                return True
            self._climb(token.type)
        return False

    def _climb(self, symbol: str) -> None:
        if len(self._states) > 1:
            self._states[-1] = self._tables.climbed(self._states[-2], self._states[-1], symbol)

    def _push(self, state: int, value: Any, level: int) -> None:
        self._states.append(state)
        self._values.append(value)
        self._levels.append(level)

    # -- errors ------------------------------------------------------------------------------------------------------

    def _first_on_line(self, index: int) -> bool:
        if index == 0:
            return True
        before, token = self._tokens[index - 1], self._tokens[index]
        return "\n" in self._source.text[cast(int, before.end_pos) : token.start_pos]

    def _mend(self, index: int, previous: Any, current: Any) -> int | None:
        """Replace a keyword used as a name, or a misspelt keyword; returns the index to go on at."""
        context = self._context(index, current[0])
        mended = messages.keyword_as_name(context, previous[0]) or messages.misspelt_keyword(context, previous[0])
        if mended is None:
            return None
        at, snapshot = (index, current) if mended.at_error else (index - 1, previous)
        old = self._tokens[at]
        self._mended[old] = self._mended.get(old, 0) + 1
        if self._mended[old] == 1:  # each word once
            self._reporter.report(mended.diagnostic)
        self._tokens[at] = Token(mended.type, mended.text, old.start_pos, end_pos=old.end_pos)
        self._restore(snapshot)
        return at

    def _context(self, index: int, states: list[int]) -> messages.Context:
        return messages.Context(
            self._tables,
            self._source,
            self._tokens,
            index,
            states,
            self._tables.settled(self._states),
            self._item_start(),
        )

    def _item_start(self) -> int:
        """The index of the token that the innermost unfinished declaration, statement or phase begins with."""
        for place in range(len(self._values) - 1, -1, -1):
            if self._tables.lists(self._states[place]):
                value = self._values[place]
                offset = value.start_pos if isinstance(value, Token) else getattr(value.meta, "start_pos", 0)
                return bisect.bisect_left(self._tokens, offset, key=lambda token: cast(int, token.start_pos))
        return 0

    def _report(self, index: int, states: list[int]) -> None:
        at = cast(int, self._tokens[index].start_pos)
        found = messages.describe(self._context(index, states))
        if not self._follows(index, at, found.labels[0].span):
            self._reporter.report(found)

    def _follows(self, index: int, at: int, span: Span) -> bool:
        """Whether an error at token `index` is only a consequence of a missing bracket or a stray character."""
        before = min(span.start, cast(int, self._tokens[index - 1].start_pos)) if index else 0
        strays = (d.labels[0].span.start for d in self._reporter.diagnostics if d.code in _LEXICAL)
        return any(start <= at <= end for start, end in self._broken) or any(before <= s <= at for s in strays)

    # -- recovery ----------------------------------------------------------------------------------------------------

    def _resume(self, index: int) -> int | None:
        """Give up the broken item: pop to the list it stands in, and skip to where the next item begins."""
        for place in range(len(self._states) - 1, -1, -1):
            kind = self._tables.lists(self._states[place])
            if kind is None:
                continue
            if kind == "declaration" and (body := self._reenter(index, place)) is not None:
                return body
            if (at := self._next_item(index, place)) is not None:
                self._pop_to(place)
                return at
        return None

    def _next_item(self, index: int, place: int) -> int | None:
        """The token at which the list at `place` goes on or ends; None where it has ended before token `index`."""
        states, level = self._states[: place + 1], self._levels[place]
        for at in range(index, len(self._tokens)):
            token = self._tokens[at]
            if self._depths[at] < level:
                return at if token.type == "RBRACE" and self._depths[at] == level - 1 else None
            begins = token.type in _STARTERS or self._first_on_line(at)
            if self._depths[at] == level and begins and self._tables.accepts(states, token.type):
                return at
        return None

    def _pop_to(self, place: int) -> None:
        del self._states[place + 1 :], self._values[place:], self._levels[place + 1 :]

    def _reenter(self, index: int, place: int) -> int | None:
        """After an error in the header of a model or objective, go on with its body."""
        begun = [v for v in self._values[place : place + 2] if isinstance(v, Token) and v.type != "DOCSTRING"]
        if not begun or begun[0].type not in ("MODEL", "OBJECTIVE"):
            return None
        word = begun[0]
        for at in range(index, len(self._tokens)):
            token = self._tokens[at]
            if self._depths[at] == self._levels[place] and token.type == "LBRACE":
                break
            if token.type in ("MODEL", "OBJECTIVE", END):
                return None
        self._pop_to(place)
        name = Token("NAME", "_", word.start_pos, end_pos=word.end_pos)
        for synthetic in (word, name):
            self._tokens.insert(at, synthetic)
            self._depths.insert(at, self._levels[place])
            at += 1
        return at - 2
