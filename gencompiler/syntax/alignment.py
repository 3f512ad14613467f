"""Columns that the author aligned over neighbouring lines stay aligned."""

from __future__ import annotations

import dataclasses

from gencompiler.syntax.spacing import Piece, gap


@dataclasses.dataclass
class Line:
    """One line of output: its pieces, its indentation, and whether a blank line stands before it."""

    pieces: list[Piece]
    indent: int
    blank: bool

    def text(self) -> str:
        out = [" " * self.indent, self.pieces[0].text]
        for left, right in zip(self.pieces, self.pieces[1:], strict=False):
            out += [" " * (gap(left, right) + right.padding), right.text]
        return "".join(out).rstrip()

    def width(self) -> int:
        """The length of the line without a comment at its end: comments may run over."""
        last = self.pieces[-1]
        comment = last.kind == "COMMENT" and len(self.pieces) > 1
        return self.column(len(self.pieces) - 2) + len(self.pieces[-2].text) if comment else len(self.text())

    def column(self, index: int) -> int:
        """The column at which piece `index` begins."""
        column = self.indent
        for left, right in zip(self.pieces[:index], self.pieces[1 : index + 1], strict=True):
            column += len(left.text) + gap(left, right) + right.padding
        return column

    def kept(self) -> bool:
        """Whether this is a whole line of the source, so that the author's columns still mean something."""
        first = self.pieces[0]
        return first.newlines > 0 and all(p.line == first.line and "\n" not in p.text for p in self.pieces)


def align(lines: list[Line]) -> None:
    """Set the padding of pieces that stood in one column over neighbouring lines, on purpose: one had extra spaces."""
    for group in _columns(lines):
        if not any(_extra(lines[row], index) for row, index in group):
            continue
        target = max(lines[row].column(index) for row, index in group)
        for row, index in group:
            lines[row].pieces[index].padding += target - lines[row].column(index)


def _extra(line: Line, index: int) -> bool:
    left, right = line.pieces[index - 1], line.pieces[index]
    return right.column - (left.column + len(left.text)) > gap(left, right)


def _columns(lines: list[Line]) -> list[list[tuple[int, int]]]:
    """Pieces (line, index) that stood below each other in the source, from left to right."""
    finished: list[tuple[int, list[tuple[int, int]]]] = []
    open_groups: dict[tuple[int, str], list[tuple[int, int]]] = {}
    previous: Line | None = None
    for row, line in enumerate(lines):
        joins = (
            previous is not None
            and previous.kept()
            and line.kept()
            and not line.blank
            and line.indent == previous.indent
            and line.pieces[0].line == previous.pieces[0].line + 1
        )
        here: dict[tuple[int, str], list[tuple[int, int]]] = {}
        if line.kept():
            for index, piece in enumerate(line.pieces[1:], 1):
                key = (piece.column, "local" if piece.begins == "local" else piece.kind)
                group = open_groups.pop(key, []) if joins else []
                here[key] = [*group, (row, index)]
        finished += [(column, group) for (column, _), group in open_groups.items() if len(group) > 1]
        open_groups, previous = here, line
    finished += [(column, group) for (column, _), group in open_groups.items() if len(group) > 1]
    return [group for _, group in sorted(finished)]
