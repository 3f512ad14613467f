"""`format_source`: a text in the house style.

The author's line breaks are kept; indentation, spacing, blank lines and the placement of braces are not.  Every
statement of a model gets its own line, lines over 120 columns are broken where the fewest brackets are open, and
columns that were aligned over several lines (`p(z)     = …` above `p(x | z) = …`) stay aligned.  Only white space
changes, so the tree does not.
"""

from __future__ import annotations

import dataclasses
import re
from typing import cast

from gencompiler.diagnostics.span import SourceText
from gencompiler.node import walk
from gencompiler.syntax import tree as t
from gencompiler.syntax.alignment import Line, align
from gencompiler.syntax.parse import parse, tokens_of
from gencompiler.syntax.spacing import CLOSERS, OPENERS, Piece, mark

WIDTH = 120
INDENT = 2
_RELATIONS = frozenset({"EQUALS", "PROPTO", "TILDE"})
#: What a long line is broken before, in order of preference; see `_rank` for what it is broken after.
_BEFORE = {"WHERE": 0, "WITH": 0, "THEN": 5, "ELSE": 5, "PIPE": 6, "OR": 7, "AND": 8, "PLUS": 9, "MINUS": 9}
_ITEMS, _RELATION, _EXPECTATION, _COMMA = 1, 2, 3, 4
#: Of these, every place at one depth is used, not only as many as the width asks for.
_ALL_OF = (0, _ITEMS)


def format_source(text: str | SourceText) -> str:
    """`text` in the house style; raises a `CompileError` where it does not parse."""
    source = SourceText("<text>", text) if isinstance(text, str) else text
    pieces = _pieces(source, parse(source))
    if not pieces:
        return ""
    mark(pieces)
    return _Layout(pieces).text()


# -- the pieces of a text --------------------------------------------------------------------------------------------


def _pieces(source: SourceText, file: t.File) -> list[Piece]:
    """The tokens and comments of `source`, in order."""
    begins = _beginnings(file)
    found: list[tuple[str, str, int]] = []
    end = 0
    for token in tokens_of(source):
        start = cast(int, token.start_pos)
        found += _comments(source.text, end, start)
        found.append((str(token.type), str(token), start))
        end = cast(int, token.end_pos)
    found += _comments(source.text, end, len(source.text))
    pieces: list[Piece] = []
    end = 0
    for kind, text, start in found:
        line, column = source.position(start)
        role = "declaration" if kind == "DOCSTRING" else begins.get(start, "")
        shown = re.sub(r"\s+", "", text) if kind == "EXPECT" else text.replace("\r\n", "\n").rstrip()
        pieces.append(Piece(kind, shown, source.text.count("\n", end, start), line, column, role))
        end = start + len(text)
    if pieces:
        pieces[0].newlines = 1
    return pieces


def _comments(text: str, start: int, end: int) -> list[tuple[str, str, int]]:
    return [("COMMENT", found[0], start + found.start()) for found in re.finditer(r"#[^\n]*", text[start:end])]


def _beginnings(file: t.File) -> dict[int, str]:
    """What begins at which offset."""
    begins: dict[int, str] = {}
    for tree in walk(file):
        if isinstance(tree, t.Declaration):
            begins[tree.span.start] = "declaration"
        elif isinstance(tree, t.Phase):
            begins[tree.span.start] = "phase"
        elif isinstance(tree, t.Block):
            begins.update((item.span.start, "local") for item in tree.items)
    return begins


# -- the layout ------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class _Bracket:
    """An open bracket: where it stands, the indentation of its line, and of what begins in it."""

    index: int
    kind: str
    line_indent: int
    lists: bool  # a brace that holds items, not one expression


class _Layout:
    def __init__(self, pieces: list[Piece]) -> None:
        self._pieces = pieces
        self._pairs, self._inside = self._match()
        self._breaks = {i for i, _ in enumerate(pieces) if self._keeps_break(i)}

    def text(self) -> str:
        lines = self._lines()
        while self._split_long(lines):
            lines = self._lines()
        align(lines)
        return "".join(("\n" if line.blank else "") + line.text() + "\n" for line in lines)

    # -- where lines begin -------------------------------------------------------------------------------------------

    def _match(self) -> tuple[dict[int, int], dict[int, list[int]]]:
        """The closer of each opener, and what begins directly inside it."""
        pairs: dict[int, int] = {}
        stack: list[int] = []
        inside: dict[int, list[int]] = {}
        for i, piece in enumerate(self._pieces):
            if piece.kind in CLOSERS:
                pairs[stack.pop()] = i
            elif piece.begins and stack:
                inside.setdefault(stack[-1], []).append(i)
            if piece.kind in OPENERS:
                stack.append(i)
        return pairs, inside

    def _keeps_break(self, i: int) -> bool:
        piece, before = self._pieces[i], self._pieces[i - 1] if i else None
        if before is None or before.kind in ("COMMENT", "DOCSTRING"):
            return True
        if piece.kind == "COMMENT":
            return piece.newlines > 0
        if piece.begins == "declaration":
            return True
        return piece.newlines > 0 and piece.kind not in ("RPAR", "RSQB", "COMMA", "LBRACE")

    def _complete_braces(self) -> None:
        """A brace with a line break in it, or with more than one phase, gets lines of its own."""
        for items in self._inside.values():
            if len(items) > 1 and self._pieces[items[0]].begins == "phase":
                self._breaks.update(items)
        for opener, closer in self._pairs.items():
            if self._pieces[opener].kind != "LBRACE" or closer == opener + 1:
                continue
            if any(i in self._breaks for i in range(opener + 1, closer + 1)):
                after = opener + 1
                if self._pieces[after].kind == "COMMENT" and after not in self._breaks:
                    after += 1
                self._breaks.update((after, closer))

    def _lines(self) -> list[Line]:
        self._complete_braces()
        lines: list[Line] = []
        stack: list[_Bracket] = []
        for i, piece in enumerate(self._pieces):
            closed = stack.pop() if piece.kind in CLOSERS else None
            if i in self._breaks or not lines:
                lines.append(Line([], self._indent(i, closed, stack), self._blank_before(i)))
            lines[-1].pieces.append(piece)
            if piece.kind in OPENERS:
                stack.append(_Bracket(i, piece.kind, lines[-1].indent, i in self._inside))
        return lines

    def _indent(self, i: int, closed: _Bracket | None, stack: list[_Bracket]) -> int:
        if closed is not None:
            return closed.line_indent
        inner = stack[-1] if stack else None
        if inner is not None and not inner.lists and not self._ends_list(i, inner):
            return inner.line_indent + INDENT
        items = inner.line_indent + INDENT if inner is not None else 0
        return items if self._at_item(i) else items + INDENT

    def _ends_list(self, i: int, inner: _Bracket) -> bool:
        return inner.kind == "LBRACE" and self._at_item(i)

    def _at_item(self, i: int) -> bool:
        """Whether piece `i` begins an item of a list, or is a comment between items."""
        while i < len(self._pieces) and self._pieces[i].kind == "COMMENT":
            i += 1
        return i == len(self._pieces) or bool(self._pieces[i].begins) or self._pieces[i].kind == "RBRACE"

    def _blank_before(self, i: int) -> bool:
        if i == 0 or self._pieces[i].newlines < 2 or not self._at_item(i):
            return False
        before = self._pieces[i - 1]
        opens = before.kind == "LBRACE" or (
            before.kind == "COMMENT" and before.newlines == 0 and i > 1 and self._pieces[i - 2].kind == "LBRACE"
        )
        return not opens and before.kind != "DOCSTRING" and self._pieces[i].kind != "RBRACE"

    # -- long lines --------------------------------------------------------------------------------------------------

    def _split_long(self, lines: list[Line]) -> bool:
        """Break every line that is too long where the fewest brackets are open; False when nothing could be done."""
        start, split = 0, False
        for line in lines:
            if line.width() > WIDTH:
                chosen = self._chosen(line, start)
                self._breaks.update(chosen)
                split = split or bool(chosen)
            start += len(line.pieces)
        return split

    def _chosen(self, line: Line, start: int) -> list[int]:
        depth, parentheses = 0, 0
        candidates: dict[tuple[int, int], list[int]] = {}
        for j, piece in enumerate(line.pieces):
            if piece.kind in CLOSERS:
                depth -= 1
                parentheses -= piece.kind != "RBRACE"
            rank = self._rank(line.pieces[j - 1], piece, parentheses > 0) if j else None
            if rank is not None:
                candidates.setdefault((depth, rank), []).append(j)
            if piece.kind in OPENERS:
                depth += 1
                parentheses += piece.kind != "LBRACE"
        if not candidates:
            return []
        best = min(candidates)
        places = candidates[best] if best[1] in _ALL_OF else self._filled(line, candidates[best])
        return [start + j for j in places]

    def _rank(self, left: Piece, right: Piece, in_parentheses: bool) -> int | None:
        """How good it is to break between two pieces (0 is best); None where no line may end."""
        if right.kind == "COMMENT" or (left.kind in OPENERS and not right.begins):
            return None
        if right.begins:
            return _ITEMS
        if left.closes_expectation:
            return _EXPECTATION
        if left.kind == "COMMA":
            return None if left.in_binding else _COMMA
        if left.kind in _RELATIONS and not in_parentheses:
            return _RELATION
        return None if right.prefix else _BEFORE.get(right.kind)

    def _filled(self, line: Line, places: list[int]) -> list[int]:
        """As few of `places` as make each part fit."""
        chosen: list[int] = []
        begin = 0  # the column where the present part begins, less its indentation
        last: int | None = None
        ends = [line.column(j) + len(piece.text) for j, piece in enumerate(line.pieces)]
        for j, following in zip(places, [*places[1:], len(line.pieces)], strict=True):
            last = j
            if ends[following - 1] - begin > WIDTH:
                chosen.append(last)
                begin = line.column(last) - line.indent - 2 * INDENT
        return chosen
