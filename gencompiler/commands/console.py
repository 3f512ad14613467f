"""What the commands print: results on standard output, everything about them on standard error."""

from __future__ import annotations

import json
import platform
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gencompiler.commands import tables
from gencompiler.commands.arguments import Style
from gencompiler.commands.status import BUG, RUN_FAILED, USAGE
from gencompiler.diagnostics.model import CompileError, CompilerBug, Diagnostic
from gencompiler.diagnostics.span import SourceText

_ISSUE = "please report this, with the dump"


def out(text: str = "") -> None:
    """A line of the result."""
    print(text)


def say(text: str) -> None:
    """A line about what is going on; never part of the result."""
    print(text, file=sys.stderr)


def print_json(value: Any) -> None:
    """A result for a program: UTF-8, keys as they come, numbers that JSON has."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def show_diagnostics(
    diagnostics: Sequence[Diagnostic], sources: Mapping[str, SourceText], style: Style = Style.FULL
) -> None:
    """Diagnostics on standard error, with their lines of the spec or one to a line."""
    from gencompiler.diagnostics.render import render

    if diagnostics:
        say(render(diagnostics, sources, style=style.value, color=tables.coloured(sys.stderr)))


def diagnostics_json(diagnostics: Sequence[Diagnostic], sources: Mapping[str, SourceText]) -> Any:
    """Diagnostics as the values that become JSON."""
    from gencompiler.diagnostics.render import render

    return json.loads(render(diagnostics, sources, style="json"))


def show_compile_error(error: CompileError, *, as_json: bool = False, style: Style = Style.FULL) -> int:
    """Show why a spec was refused; the exit status that its diagnostics lead to."""
    status = error.exit_status
    if as_json:
        print_json(
            {"ok": False, "exit_status": status, "diagnostics": diagnostics_json(error.diagnostics, error.sources)}
        )
    else:
        show_diagnostics(error.diagnostics, error.sources, style)
    return status


def fail_usage(message: str) -> int:
    """A misuse that only shows after the arguments were read."""
    say(f"error: {message}")
    return USAGE


def is_run_error(error: BaseException) -> bool:
    """Whether `error` is a RunError, found out without importing torch where no run has."""
    errors = sys.modules.get("gencompiler.runtime.errors")
    return errors is not None and isinstance(error, errors.RunError)


def show_run_error(error: Exception) -> int:
    """A run that cannot go on: its message and what would mend it, never a traceback."""
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        say(f"error[G804]: {where}{error.strerror or error}")
    else:
        say(str(error))
    return RUN_FAILED


def compiler_bug(error: BaseException, arguments: Sequence[str]) -> int:
    """Say that it is the compiler's fault, and where the dump of what happened lies."""
    text = _dump(error, arguments)
    where = _write_dump(text)
    say(f"error: a bug in the compiler: {type(error).__name__}: {error}")
    if isinstance(error, CompilerBug) and error.span is not None:
        say(f"  = note: at characters {error.span.start} to {error.span.end} of {error.span.source}")
    for note in getattr(error, "__notes__", ()):
        say(f"  = note: {note}")
    if where is None:
        say(text)
    say(f"  = help: {_ISSUE}{f': {where}' if where else ' above'}")
    return BUG


def _dump(error: BaseException, arguments: Sequence[str]) -> str:
    parts = [
        f"genc {' '.join(arguments)}",
        f"gencompiler {_version()} · python {platform.python_version()} · {platform.platform()}",
        "".join(traceback.format_exception(error)),
    ]
    for path in (Path(a) for a in arguments if a.endswith(".gen")):
        if path.is_file():
            parts.append(f"--- {path}\n{path.read_text(encoding='utf-8', errors='replace')}")
    return "\n\n".join(parts) + "\n"


def _version() -> str:
    import importlib.metadata

    try:
        return importlib.metadata.version("gencompiler")
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def _write_dump(text: str) -> Path | None:
    """The dump in the cache folder, or in the system's temporary folder where that cannot be written."""
    from gencompiler.settings import Settings, SettingsError

    try:
        folder = Settings.from_environment().cache / "bugs"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, SettingsError):
        folder = Path(tempfile.gettempdir())
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=folder, prefix="genc-", suffix=".txt", delete=False
        ) as file:
            file.write(text)
        return Path(file.name)
    except OSError:
        return None
