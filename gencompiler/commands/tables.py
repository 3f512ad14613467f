"""Columns of text for a terminal."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import IO

#: SGR parameters by what a word says.
COLOURS = {
    "proved": "32",
    "assumed": "33",
    "unknown": "35",
    "refuted": "31;1",
    "ok": "32",
    "missing": "33",
    "failed": "31;1",
    "quiet": "2",
    "strong": "1",
}
MARKS = {"proved": "✓", "assumed": "∗", "unknown": "?", "refuted": "✗", "ok": "✓", "missing": "–", "failed": "✗"}


def coloured(stream: IO[str] | None = None) -> bool:
    """Whether to colour a stream (default: standard output): on a terminal, unless NO_COLOR (https://no-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout if stream is None else stream).isatty()


def paint(text: str, style: str) -> str:
    """`text` in the colour of `style`, where there are colours."""
    return f"\x1b[{COLOURS[style]}m{text}\x1b[0m" if style in COLOURS and coloured() else text


def marked(status: str) -> str:
    """`✓ proved`"""
    return f"{MARKS.get(status, ' ')} {status}"


def width() -> int:
    """Characters of a line: the terminal's, at most 120; 100 where there is none."""
    return min(120, max(60, shutil.get_terminal_size((100, 24)).columns))


def columns(rows: Sequence[Sequence[str]], styles: Sequence[str] = (), indent: int = 2) -> list[str]:
    """`rows` with aligned columns, the last one wrapped; `styles` colours the first cell of each row."""
    if not rows:
        return []
    sizes = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    left = indent + sum(sizes) + 2 * len(sizes)
    room = max(24, width() - left)
    lines = []
    for number, row in enumerate(rows):
        wrapped = textwrap.wrap(row[-1], room) or [""]
        cells = [cell.ljust(size) for cell, size in zip(row[:-1], sizes, strict=True)]
        if cells and number < len(styles):
            cells[0] = paint(cells[0], styles[number])
        lines.append((" " * indent + "  ".join([*cells, wrapped[0]])).rstrip())
        lines.extend(" " * left + more for more in wrapped[1:])
    return lines
