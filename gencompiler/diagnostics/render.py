"""Diagnostics as text: `full` for people, `concise` for editors, `json` for programs.  Pure functions, no output."""

from __future__ import annotations

import io
import json as json_module
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gencompiler.diagnostics.codes import CODES
from gencompiler.diagnostics.model import Diagnostic, Label, Severity
from gencompiler.diagnostics.snippet import Segment, clean, draw, marks_by_line
from gencompiler.diagnostics.span import SourceText, Span
from gencompiler.diagnostics.wording import counted

Sources = Mapping[str, SourceText]

_STYLES = {
    "error": "bold red",
    "warning": "bold yellow",
    "note": "bold cyan",
    "message": "bold",
    "primary": "bold red",
    "secondary": "bold blue",
    "frame": "bold blue",
    "source": "",
    "": "",
}


def full(diagnostics: Sequence[Diagnostic], sources: Sources) -> str:
    """Every diagnostic with the lines it points at, and a count at the end."""
    return "".join(text for text, _ in _segments(diagnostics, sources))


def concise(diagnostics: Sequence[Diagnostic], sources: Sources) -> str:
    """One line for each diagnostic: `flow.gen:7:27: error[G402]: message`."""
    return "".join(
        f"{_place(d, sources)}{d.severity.value}[{d.code}]: {clean(' '.join(d.message.split()))}\n" for d in diagnostics
    )


def json(diagnostics: Sequence[Diagnostic], sources: Sources) -> str:
    """A JSON array with one object for each diagnostic; lines and columns count from 1, offsets from 0."""
    return json_module.dumps([_object(d, sources) for d in diagnostics], indent=2, ensure_ascii=False) + "\n"


def coloured(diagnostics: Sequence[Diagnostic], sources: Sources) -> str:
    """`full` with the escape sequences of a colour terminal."""
    from rich.console import Console
    from rich.text import Text

    text = Text.assemble(*((text, _STYLES[style]) for text, style in _segments(diagnostics, sources)))
    out = io.StringIO()
    Console(file=out, force_terminal=True, color_system="standard", highlight=False, soft_wrap=True).print(text, end="")
    return out.getvalue()


def render(diagnostics: Sequence[Diagnostic], sources: Sources, *, style: str = "full", color: bool = False) -> str:
    """`diagnostics` in the style "full", "concise" or "json", without a newline at the end; colour only in "full"."""
    if style == "json":
        text = json(diagnostics, sources)
    elif style == "concise":
        text = concise(diagnostics, sources)
    else:
        text = (coloured if color else full)(diagnostics, sources)
    return text.rstrip("\n")


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """`2 errors, 1 warning`, or "" where there is neither."""
    counts = [(sum(d.severity is s for d in diagnostics), s.value) for s in (Severity.ERROR, Severity.WARNING)]
    return ", ".join(counted(count, word) for count, word in counts if count)


# -- full ------------------------------------------------------------------------------------------------------------


def _segments(diagnostics: Sequence[Diagnostic], sources: Sources) -> Iterator[Segment]:
    for diagnostic in diagnostics:
        yield from _one(diagnostic, sources)
        yield "\n", ""
    count = summary(diagnostics)
    if count:
        yield f"{count}\n", "message"


def _one(diagnostic: Diagnostic, sources: Sources) -> Iterator[Segment]:
    severity = diagnostic.severity.value
    yield f"{severity}[{diagnostic.code}]", severity
    yield f": {clean(diagnostic.message)}\n", "message"
    margin = _margin(diagnostic, sources)
    for position, name in enumerate(dict.fromkeys(label.span.source for label in diagnostic.labels)):
        labels = [(label, i == 0) for i, label in enumerate(diagnostic.labels) if label.span.source == name]
        yield from _file(name, labels, sources.get(name), margin, "-->" if position == 0 else ":::")
    for note in diagnostic.notes:
        yield from _note(note if _named(note) else f"note: {note}", margin)
    for advice in diagnostic.help:
        yield from _note(f"help: {advice}", margin)


def _margin(diagnostic: Diagnostic, sources: Sources) -> int:
    """The width of the column of line numbers."""
    last = 0
    for label in diagnostic.labels:
        source = sources.get(label.span.source)
        if source is not None:
            last = max(last, source.position(max(label.span.start, label.span.end))[0])
    return max(4, len(str(last)) + 1)


def _file(
    name: str, labels: list[tuple[Label, bool]], source: SourceText | None, margin: int, arrow: str
) -> Iterator[Segment]:
    first = labels[0][0]
    yield f"{' ' * (margin - 2)}{arrow} ", "frame"
    if source is None:
        yield f"{clean(name)}\n", ""
        for label, _ in labels:
            if label.text:
                yield from _note(label.text, margin)
        return
    line, column = source.position(first.span.start)
    yield f"{clean(name)}:{line}:{column}\n", ""
    marks = marks_by_line(source, [(label.span, label.text, primary) for label, primary in labels])
    for number, on_line in marks.items():
        for row, segments in enumerate(draw(source.line(number), on_line)):
            yield f"{number if row == 0 else '':>{margin}} |", "frame"
            yield from _stripped([(" ", ""), *segments])
            yield "\n", ""


def _stripped(segments: list[Segment]) -> list[Segment]:
    """Segments without white space at the end of the line."""
    while segments and not segments[-1][0].rstrip():
        segments.pop()
    if segments:
        segments[-1] = (segments[-1][0].rstrip(), segments[-1][1])
    return segments


def _note(text: str, margin: int) -> Iterator[Segment]:
    first, *rest = clean(text).split("\n")
    yield f"{' ' * (margin - 1)}= ", "frame"
    yield first + "\n", ""
    for line in rest:
        yield f"{' ' * (margin + 1)}{line}\n", ""


def _named(note: str) -> bool:
    """Whether a note says what it is by itself: `counterexample: …`."""
    word = note.partition(":")[0]
    return ":" in note and word.replace(" ", "").isalpha() and word.islower() and len(word) <= 20


# -- concise and json ------------------------------------------------------------------------------------------------


def _place(diagnostic: Diagnostic, sources: Sources) -> str:
    if not diagnostic.labels:
        return ""
    span = diagnostic.labels[0].span
    source = sources.get(span.source)
    name = clean(span.source)
    if source is None:
        return f"{name}: "
    line, column = source.position(span.start)
    return f"{name}:{line}:{column}: "


def _object(diagnostic: Diagnostic, sources: Sources) -> dict[str, Any]:
    return {
        "code": diagnostic.code,
        "title": CODES[diagnostic.code].title,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "labels": [
            {"primary": i == 0, "text": label.text, **_location(label.span, sources.get(label.span.source))}
            for i, label in enumerate(diagnostic.labels)
        ],
        "notes": list(diagnostic.notes),
        "help": list(diagnostic.help),
    }


def _location(span: Span, source: SourceText | None) -> dict[str, Any]:
    location: dict[str, Any] = {"source": span.source, "start": {"offset": span.start}, "end": {"offset": span.end}}
    if source is not None:
        for key, offset in (("start", span.start), ("end", span.end)):
            line, column = source.position(offset)
            location[key] |= {"line": line, "column": column}
    return location
