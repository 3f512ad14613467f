"""A diagnostic is data: what is wrong, where, why, and what would mend it.  Renderers live in `render`."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

from gencompiler.diagnostics.span import SourceText, Span


class Severity(enum.Enum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclasses.dataclass(frozen=True)
class Label:
    """A span with a few words; the first label of a diagnostic is the primary one."""

    span: Span
    text: str = ""


@dataclasses.dataclass(frozen=True)
class Diagnostic:
    """One finding.  `code` is a key of `codes.CODES`, which also fixes the severity and the exit status."""

    code: str
    severity: Severity
    message: str
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: tuple[str, ...] = ()


class CompileError(Exception):
    """Raised when a pass cannot continue; carries every diagnostic found so far."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...], sources: dict[str, SourceText] | None = None) -> None:
        self.diagnostics = diagnostics
        self.sources = sources or {}
        self.verdicts: tuple[Any, ...] = ()
        super().__init__("; ".join(f"{self._place(d)}{d.code}: {d.message}" for d in diagnostics))

    def _place(self, diagnostic: Diagnostic) -> str:
        """`model.gen:7:27: `, or nothing where the text is not at hand."""
        span = diagnostic.labels[0].span if diagnostic.labels else None
        source = self.sources.get(span.source) if span is not None else None
        if span is None or source is None:
            return ""
        line, column = source.position(span.start)
        return f"{span.source}:{line}:{column}: "

    @property
    def exit_status(self) -> int:
        """The process's exit status: a user's error wins over what is not supported yet."""
        from gencompiler.diagnostics.codes import exit_status

        return exit_status(self.diagnostics)


class CompilerBug(Exception):
    """A broken promise between passes: never the user's fault.  The command line turns it into exit 70 with a dump."""

    def __init__(self, pass_name: str, message: str, span: Span | None = None) -> None:
        self.pass_name = pass_name
        self.span = span
        super().__init__(f"{pass_name}: {message}")


class Reporter:
    """Collects diagnostics during a pass; `raise_errors` ends the pass when any of them is an error."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._seen: set[Diagnostic] = set()

    def add(
        self,
        code: str,
        message: str,
        span: Span,
        label: str = "",
        *,
        also: tuple[Label, ...] = (),
        notes: tuple[str, ...] = (),
        help: tuple[str, ...] = (),
    ) -> None:
        """Report `code` at `span`; `also` labels related places, such as where the cause was declared."""
        from gencompiler.diagnostics.codes import CODES

        self.report(Diagnostic(code, CODES[code].severity, message, (Label(span, label), *also), notes, help))

    def report(self, found: Diagnostic) -> None:
        """Report what was put together elsewhere; no finding comes twice."""
        if found not in self._seen:
            self._seen.add(found)
            self.diagnostics.append(found)

    @property
    def has_errors(self) -> bool:
        return any(d.severity is Severity.ERROR for d in self.diagnostics)

    def raise_errors(self) -> None:
        if self.has_errors:
            raise CompileError(tuple(self.diagnostics))
