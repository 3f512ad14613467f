"""Source lines with labels under them: display columns, wide characters, tabs, and several labels on one line."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterable, Iterator

from gencompiler.diagnostics.span import SourceText, Span

#: A piece of output and the style it has on a terminal.
Segment = tuple[str, str]

_TAB = 4
#: Longer lines are shown in part, around their labels.
_WIDEST = 160
_LEAD = 40


@dataclasses.dataclass(frozen=True)
class Mark:
    """A label on one line: half-open character columns from 0, its text, and whether it is the primary one."""

    start: int
    end: int
    text: str
    primary: bool

    @property
    def style(self) -> str:
        return "primary" if self.primary else "secondary"


def clean(text: str) -> str:
    """`text` without characters that could steer a terminal or reorder what is shown."""
    return "".join("\ufffd" if c != "\n" and _steers(c) else c for c in text)


def _steers(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character != "\t"


def width(text: str, column: int = 0) -> int:
    """The number of terminal columns that `text` takes when it begins at `column`."""
    at = column
    for c in text:
        if c == "\t":
            at += _TAB - at % _TAB
        elif not unicodedata.combining(c):
            at += 2 if unicodedata.east_asian_width(c) in "WF" else 1
    return at - column


def marks_by_line(source: SourceText, labels: Iterable[tuple[Span, str, bool]]) -> dict[int, list[Mark]]:
    """The marks on each line; a label over several lines marks its first line and, with its text, its last one."""
    lines: dict[int, list[Mark]] = {}
    for span, text, primary in labels:
        first, start = source.position(span.start)
        last, end = source.position(max(span.start, span.end))
        if last > first and end == 1:  # up to and with a newline
            last -= 1
            end = len(source.line(last)) + 1
        if first == last:
            lines.setdefault(first, []).append(Mark(start - 1, end - 1, text, primary))
            continue
        opening, closing = source.line(first), source.line(last)
        lines.setdefault(first, []).append(Mark(start - 1, len(opening.rstrip()), "", primary))
        indent = len(closing) - len(closing.lstrip())
        lines.setdefault(last, []).append(Mark(min(indent, end - 1), end - 1, text, primary))
    return dict(sorted(lines.items()))


def draw(line: str, marks: list[Mark]) -> Iterator[list[Segment]]:
    """The rows of output for one source line: the line, underlines, and the texts that find no room beside them."""
    line, marks = _window(line.rstrip("\r"), marks)
    yield [(_expanded(line), "source")]
    placed = sorted(((_display(line, m), m) for m in marks), key=lambda item: (item[0][0], item[1].primary))
    row = _underlines(placed)
    beside = _beside(placed)
    if beside is not None and beside.text:
        row.append((" " + clean(beside.text), beside.style))
    yield row
    hanging = [(start, m) for (start, _), m in placed if m.text and m is not beside]
    if hanging:
        yield _stems(hanging)
    while hanging:
        start, mark = hanging.pop()
        row = _stems([(s, m) for s, m in hanging if s < start])
        row.append((" " * (start - sum(len(text) for text, _ in row)), ""))
        row.append((clean(mark.text), mark.style))
        yield row


def _expanded(line: str) -> str:
    """`line` with tabs as spaces, and nothing that steers the terminal."""
    out: list[str] = []
    at = 0
    for c in line:
        step = width(c, at)
        out.append(" " * step if c == "\t" else clean(c))
        at += step
    return "".join(out)


def _window(line: str, marks: list[Mark]) -> tuple[str, list[Mark]]:
    """A long line cut down to the surroundings of its first mark."""
    if len(line) <= _WIDEST:
        return line, marks
    begin = max(0, min(m.start for m in marks) - _LEAD)
    end = begin + _WIDEST
    shift = begin - (begin > 0)
    shown = ("…" if begin else "") + line[begin:end] + ("…" if end < len(line) else "")
    moved = [
        dataclasses.replace(m, start=min(m.start - shift, len(shown)), end=min(max(m.end, m.start) - shift, len(shown)))
        for m in marks
    ]
    return shown, moved


def _display(line: str, mark: Mark) -> tuple[int, int]:
    """The display columns of a mark; an empty one is a caret after what stands before it."""
    start = width(line[: mark.start])
    return start, max(start + 1, width(line[: mark.end]))


def _underlines(placed: list[tuple[tuple[int, int], Mark]]) -> list[Segment]:
    """`^^^^ ----`: primary marks cover secondary ones."""
    cells: dict[int, str] = {}
    for (start, end), mark in sorted(placed, key=lambda item: item[1].primary):
        cells.update(dict.fromkeys(range(start, end), mark.style))
    row: list[Segment] = []
    for at in range(max(cells) + 1):
        style = cells.get(at, "")
        row.append(({"primary": "^", "secondary": "-"}.get(style, " "), style))
    return row


def _beside(placed: list[tuple[tuple[int, int], Mark]]) -> Mark | None:
    """The mark whose text fits to the right of all underlines."""
    (_, end), mark = max(placed, key=lambda item: (item[0][0], item[1].primary))
    others = [e for (_, e), m in placed if m is not mark]
    return mark if all(e <= end for e in others) or not others else None


def _stems(hanging: list[tuple[int, Mark]]) -> list[Segment]:
    """`|    |`: stems from the underlines to the texts below them."""
    row: list[Segment] = []
    at = 0
    for start, mark in hanging:
        if start >= at:
            row += [(" " * (start - at), ""), ("|", mark.style)]
            at = start + 1
    return row
