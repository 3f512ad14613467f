"""Where the text of a spec is that a line of a package comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gencompiler.diagnostics.span import BUILTIN, SourceText, Span
from gencompiler.emit.literals import visible
from gencompiler.model.frames import PRELUDE

#: A declaration at the top of a file: its name.
_DECLARATION = re.compile(r"^(?:extern def|objective|bijection|density|def|transition|sde) +(\w+)", re.MULTILINE)


class Places:
    """`file:line` of spans, for comments and messages; of the prelude, whose lines move, `file:declaration`."""

    def __init__(self, sources: Mapping[str, SourceText]) -> None:
        self._sources = sources

    def __call__(self, span: Span) -> str:
        source = self._sources.get(span.source)
        if source is None or span == BUILTIN:
            return ""
        file = visible(span.source).replace("\\", "/").rsplit("/", 1)[-1].replace(" ", "_")
        if span.source.startswith(PRELUDE):
            declared = [found[1] for found in _DECLARATION.finditer(source.text) if found.start() <= span.start]
            return f"{file}:{declared[-1]}" if declared else file
        line, _ = source.position(span.start)
        return f"{file}:{line}"
