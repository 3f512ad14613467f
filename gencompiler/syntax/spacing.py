"""How many spaces stand between two tokens on a line, in the house style."""

from __future__ import annotations

import dataclasses

from gencompiler.syntax.vocabulary import KEYWORDS

#: What an operand can end with: a `(` or `[` after it is a call or a subscript, a `-` after it is binary.
ENDS_OPERAND = frozenset({"NAME", "NUMBER", "RPAR", "RSQB", "RBRACE", "STRING"})
OPENERS = frozenset({"LPAR", "LSQB", "EXPECT", "LBRACE"})
CLOSERS = frozenset({"RPAR", "RSQB", "RBRACE"})
_RELATIVE = frozenset({"LT", "LE", "GT", "GE", "NE"})
_TIGHT = frozenset({"CARET", "DOTS"})
_TIGHT_AFTER = frozenset({"LPAR", "LSQB", "EXPECT"})
_TIGHT_BEFORE = frozenset({"RPAR", "RSQB", "COMMA"})


@dataclasses.dataclass
class Piece:
    """A token or a comment, with what the layout needs to know of it.

    `begins` says what it is the first token of (declaration, phase, local, or ""), `newlines` how many line breaks
    stood before it, `line` and `column` where it stood, `prefix` whether it is an operator without a left operand,
    `tight_colon` whether it is the colon of a label, a `for` or a subscript."""

    kind: str
    text: str
    newlines: int
    line: int
    column: int
    begins: str = ""
    prefix: bool = False
    tight_colon: bool = False
    closes_expectation: bool = False
    in_binding: bool = False  # a comma between the bindings of a `for`
    options: bool = False  # the brace of a `with` block, whose items stand closer together
    padding: int = 0  # spaces added to align it


def mark(pieces: list[Piece]) -> None:
    """Fill in `prefix`, `tight_colon` and `options`."""
    pending = [0]  # `for`s without their colon, per open bracket
    openers = [""]
    before: Piece | None = None
    tokens = [p for p in pieces if p.kind != "COMMENT"]
    for piece, after in zip(tokens, [*tokens, None][1:], strict=True):
        after_operand = before is not None and _ends_operand(before) and not piece.begins
        piece.prefix = (piece.kind == "MINUS" and not after_operand) or (
            piece.kind in _RELATIVE and before is not None and before.kind in ("LSQB", "COMMA")
        )
        if piece.kind == "COLON":
            label = after is not None and after.kind in ("UPDATE", "REPEAT")
            piece.tight_colon = bool(pending[-1]) or label or openers[-1] == "LSQB"
            pending[-1] -= bool(pending[-1])
        elif piece.kind == "FOR":
            pending[-1] += 1
        elif piece.kind in OPENERS:
            piece.options = piece.kind == "LBRACE" and before is not None and before.kind == "WITH"
            pending.append(0)
            openers.append("WITH" if piece.options else piece.kind)
        elif piece.kind == "COMMA":
            piece.in_binding = bool(pending[-1])
        elif piece.kind in CLOSERS:
            pending.pop()
            piece.closes_expectation = openers.pop() == "EXPECT"
        if piece.begins == "local":
            piece.options = openers[-1] == "WITH"
        before = piece


def _ends_operand(piece: Piece) -> bool:
    return piece.kind in ENDS_OPERAND and not piece.closes_expectation


def gap(left: Piece, right: Piece) -> int:
    """The number of spaces between neighbours on one line."""
    if right.kind == "COMMENT":
        return 2
    if right.begins == "local" and left.kind not in ("LBRACE", "COMMA"):
        return 2 if right.options else 3
    if left.kind == "LBRACE" and right.kind == "RBRACE":
        return 0
    if left.kind in _TIGHT_AFTER or right.kind in _TIGHT_BEFORE:
        return 0
    if left.kind in _TIGHT or (right.kind in _TIGHT and left.kind != "COMMA"):
        # keywords and names would run together: `0.. if` never parses, but a word needs its space
        return 1 if right.kind in KEYWORDS or left.kind in KEYWORDS else 0
    if left.prefix:
        return 0
    if right.kind == "COLON" and right.tight_colon:
        return 0 if left.kind != "COMMA" else 1
    if right.kind in ("LPAR", "LSQB"):
        called = _ends_operand(left) or left.kind == "REPEAT" or (left.kind == "LOG" and right.kind == "LPAR")
        return 0 if called and not right.begins else 1
    return 1
