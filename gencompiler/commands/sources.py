"""From paths on the command line to specs."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable
from pathlib import Path

import typer

from gencompiler.diagnostics.model import CompileError, Diagnostic, Label, Severity
from gencompiler.diagnostics.span import SourceText, Span


def expand(paths: Iterable[Path]) -> list[Path]:
    """Files as they are, folders as the .gen files below them, in order and once each."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            below = sorted(path.rglob("*.gen"))
            if not below:
                raise typer.BadParameter(f"there is no .gen file below {path}")
            found.update(dict.fromkeys(below))
        else:
            found[path] = None
    return list(found)


def read(path: Path) -> SourceText:
    """The text of a spec, named by its path relative to the current folder where it lies below it.

    Raises CompileError G001 for what is not UTF-8."""
    name = display_name(path)
    content = path.read_bytes()
    try:
        return SourceText(name, content.decode("utf-8").replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", errors="replace")
        source = SourceText(name, before + "\N{REPLACEMENT CHARACTER}")
        label = Label(Span(name, len(before), len(before) + 1), f"byte {content[error.start]:#04x}")
        found = Diagnostic("G001", Severity.ERROR, "this file is not UTF-8 text", (label,), help=("save it as UTF-8",))
        raise CompileError((found,), {name: source}) from None


def package_name(path: Path) -> str:
    """The name of the package that a spec becomes: its file's.  Raises typer.BadParameter where it cannot be one."""
    name = path.stem
    if name.isidentifier() and not keyword.iskeyword(name):
        return name
    if keyword.iskeyword(name):
        reason, other = "a word of Python", f"{name}_model"
    elif name[:1].isdigit():
        reason, other = "a name that begins with a digit", "model_" + re.sub(r"\W", "_", name)
    else:
        reason, other = "a name with more than letters, digits and _", re.sub(r"\W", "_", name)
    raise typer.BadParameter(f"`{name}` cannot name a package, being {reason}; rename {path}, say to {other}.gen")


def display_name(path: Path) -> str:
    """`path` as messages and generated headers show it: relative to the current folder if it lies below, with `/`."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()
