"""What to say about a token that no rule takes: keywords out of place, designed messages, and what was expected."""

from __future__ import annotations

import dataclasses
from typing import cast

from lark import Token

from gencompiler.diagnostics.model import Diagnostic, Label, Severity
from gencompiler.diagnostics.span import SourceText, Span
from gencompiler.syntax.brackets import CLOSED_BY, CLOSER
from gencompiler.syntax.tables import END, Tables
from gencompiler.syntax.vocabulary import FOREIGN, KEYWORDS, SYNONYMS, WORDS, expectation, nearest

_ENDS_OPERAND = frozenset({"NAME", "NUMBER", "RPAR", "RSQB", "RBRACE", "STRING"})
_BEGINS_OPERAND = frozenset({"NAME", "NUMBER", "LPAR", "LSQB", "EXPECT", "LOG", "STRING"})
_RELATIONS = frozenset({"EQUALS", "TILDE", "PROPTO"})


def span_of(source: SourceText, token: Token) -> Span:
    """Where `token` stands."""
    return Span(source.name, cast(int, token.start_pos), cast(int, token.end_pos))


@dataclasses.dataclass(frozen=True)
class Context:
    """Where parsing stopped: before token `index`, with `states` on the stack; `stuck` is the state that refused it,
    after the reductions it called for; the broken item begins with token `item`."""

    tables: Tables
    source: SourceText
    tokens: list[Token]
    index: int
    states: list[int]
    stuck: int
    item: int

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    @property
    def previous(self) -> Token | None:
        return self.tokens[self.index - 1] if self.index else None

    def starts_line(self, index: int) -> bool:
        """Whether token `index` is the first on its line."""
        if index == 0:
            return True
        return "\n" in self.source.text[cast(int, self.tokens[index - 1].end_pos) : self.tokens[index].start_pos]

    def following(self, index: int) -> str:
        return self.tokens[index + 1].type if index + 1 < len(self.tokens) else END

    def span(self, token: Token) -> Span:
        return span_of(self.source, token)

    def after_previous(self) -> Span:
        """The empty place right after the previous token: where a missing one belongs."""
        end = cast(int, self.previous.end_pos) if self.previous is not None else 0
        return Span(self.source.name, end, end)

    def found(self) -> str:
        """The refused token as messages show it."""
        return WORDS[self.token.type] if self.token.type in (END, "STRING", "DOCSTRING") else f"`{self.token}`"


def _error(
    code: str, message: str, label: Label, also: tuple[Label, ...] = (), help: tuple[str, ...] = ()
) -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, message, (label, *also), help=help)


# -- keywords --------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Mended:
    """A token that was replaced by one of `type`; `at_error`: the refused token itself, else the one before it."""

    diagnostic: Diagnostic
    type: str
    text: str
    at_error: bool


def keyword_as_name(context: Context, states_before: list[int]) -> Mended | None:
    """`observed sample : Real`: a keyword where a name would fit, and what follows would fit too.

    `repeat` may begin an expression, so that it is only noticed at the token after it."""
    repeat = context.previous is not None and context.previous.type == "REPEAT"
    if repeat and context.token.type in ("NAME", "NUMBER") and not context.starts_line(context.index):
        return None  # `repeat 3 { … }`: what is missing is a bracket
    at, states = (context.index - 1, states_before) if repeat else (context.index, context.states)
    token = context.tokens[at]
    if token.type not in KEYWORDS or context.starts_line(at):
        return None
    if not context.tables.accepts(states, "NAME", context.following(at)):
        return None
    found = _error(
        "G008",
        f"`{token}` is a keyword and cannot be a name",
        Label(context.span(token), "a name belongs here"),
        help=(f"choose another name, such as `{token}_`",),
    )
    return Mended(found, "NAME", f"{token}_", at_error=not repeat)


def misspelt_keyword(context: Context, states_before: list[int]) -> Mended | None:
    """A name, refused or just taken, in whose place a similar keyword would let parsing go on."""
    for at, states in ((context.index - 1, states_before), (context.index, context.states)):
        if at < 0 or context.tokens[at].type != "NAME":
            continue
        fitting = [k for k in KEYWORDS if context.tables.accepts(states, k, context.following(at))]
        keyword = SYNONYMS.get(context.tokens[at].lower())
        if keyword not in fitting:
            keyword = nearest(context.tokens[at], fitting)
        if keyword is not None:
            word = KEYWORDS[keyword]
            found = _error(
                "G007",
                f"unknown keyword `{context.tokens[at]}`",
                Label(context.span(context.tokens[at]), f"did you mean `{word}`?"),
                help=(f"write `{word}`",),
            )
            return Mended(found, keyword, word, at_error=at == context.index)
    return None


# -- everything else -------------------------------------------------------------------------------------------------


def describe(context: Context) -> Diagnostic:
    """The diagnostic for a token that could not be mended."""
    from gencompiler.syntax.bad_examples import designed

    found = _line_trap(context) or _tensor_named_e(context) or _side_by_side(context)
    return found or designed(context) or _expected(context)


def own_line(context: Context) -> int | None:
    """Where an `=` is refused because its line was read as going on with the line before: the line's first token."""
    if context.token.type not in _RELATIONS:
        return None
    first = context.index
    while first > context.item and not context.starts_line(first):
        first -= 1
    return first if first > context.item and context.starts_line(first) else None


def _line_trap(context: Context) -> Diagnostic | None:
    """An equation that was read as a part of the line before."""
    first = own_line(context)
    if first is None:
        return None
    before, start = context.tokens[first - 1], context.tokens[first]
    if start.type in ("LPAR", "LSQB", "MINUS") and before.type in _ENDS_OPERAND:
        return _error(
            "G009",
            f"this line goes on with the line before, because it begins with `{start}`",
            Label(context.span(start), f"no equation begins with `{start}`"),
            help=("write its targets without brackets: `a, b = …`",),
        )
    if start.type == "NAME" and before.type not in _ENDS_OPERAND:
        end = cast(int, before.end_pos)
        return _error(
            "G005",
            f"expected an expression after `{before}`, found a new equation",
            Label(Span(context.source.name, end, end), "expected an expression"),
            also=(Label(context.span(context.token), "this is an equation of its own"),),
        )
    return None


def _tensor_named_e(context: Context) -> Diagnostic | None:
    """`E[i, j]`: stuck in the draws of an expectation, before any `~`."""
    depth = 0
    for at in range(context.index - 1, context.item, -1):
        kind = context.tokens[at].type
        if kind in _RELATIONS and depth == 0:
            return None
        if kind == "EXPECT" and depth == 0:
            return _error(
                "G014",
                "`E[` begins an expectation, whose draws are written `E[x ~ p] f(x)`",
                Label(context.span(context.tokens[at]).to(context.span(context.token)), "there is no `~` in here"),
                help=("to subscript a tensor, give it another name than `E`",),
            )
        depth += (kind in CLOSED_BY) - (kind in CLOSER)
        if depth < 0:
            return None
    return None


def _side_by_side(context: Context) -> Diagnostic | None:
    """`x = 2 y`: an operand where an operator could stand; also when the second one was taken for a new equation."""
    token, previous = context.token, context.previous
    if previous is None or previous.type not in _ENDS_OPERAND:
        return None
    expected = context.tables.expected(context.states)
    if token.type in _BEGINS_OPERAND and not context.starts_line(context.index) and {"STAR", "PLUS"} <= expected:
        return None if expected & {"COLON", "THEN", "ELSE"} else _missing_operator(context, previous, token)
    start = context.tokens[context.item]
    before = context.tokens[context.item - 1] if context.item else None
    if (
        before is not None
        and (expected >= _RELATIONS or (expected == {"COLON"} and token.type not in _RELATIONS | {"LPAR", "LSQB"}))
        and token.type != "COLON"
        and start.type == "NAME"
        and before.type in _ENDS_OPERAND - {"RBRACE"}
        and not context.starts_line(context.item)
    ):
        return _missing_operator(context, before, start)
    return None


def _missing_operator(context: Context, left: Token, right: Token) -> Diagnostic:
    simple = left.type in ("NAME", "NUMBER") and right.type in ("NAME", "NUMBER")
    return _error(
        "G006",
        "two expressions side by side; missing operator",
        Label(context.span(left).to(context.span(right)), "an operator belongs between these"),
        help=(f"write `{left} * {right}` for a product" if simple else "write `*` between them for a product",),
    )


def _expected(context: Context) -> Diagnostic:
    """What would have been taken; a missing token is reported after the previous one."""
    token, previous = context.token, context.previous
    expected = context.tables.expected(context.states)
    what = expectation(expected, previous.type if previous else None)
    if what is None or previous is None:
        shown = f"unexpected {context.found()}"
        label = Label(context.span(token), f"expected {what}" if what else "")
        return _error("G009", shown, label, help=_foreign(context))
    name = "this" if previous.type in ("STRING", "DOCSTRING") else f"`{previous}`"
    return _error(
        "G005",
        f"expected {what} after {name}, found {context.found()}",
        Label(context.after_previous(), f"expected {what}"),
        help=_foreign(context),
    )


def _foreign(context: Context) -> tuple[str, ...]:
    """How to say here what the refused token, or the word before it, says elsewhere."""
    words = (context.previous, context.token)
    return tuple(FOREIGN[word.lower()] for word in words if word is not None and word.lower() in FOREIGN)[:1]
