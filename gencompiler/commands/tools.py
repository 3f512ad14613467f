"""Looking inside and tidying up: `fmt`, `dump`."""

from __future__ import annotations

import difflib
import enum
import sys
from pathlib import Path
from typing import Annotated

import typer

from gencompiler.commands import sources
from gencompiler.commands.arguments import Defines, Json, Spec, defines
from gencompiler.commands.console import out, show_compile_error
from gencompiler.commands.status import OK, TEST_FAILED
from gencompiler.diagnostics.model import CompileError
from gencompiler.diagnostics.span import SourceText
from gencompiler.settings import Settings

PANEL = "Look inside"

FormatPaths = Annotated[
    list[Path],
    typer.Argument(metavar="SPEC…", help=".gen files, folders of them, or - for standard input.", show_default=False),
]


class Stage(enum.StrEnum):
    """What `genc dump` shows."""

    SURFACE = "surface"
    MODEL = "model"
    DERIVED = "derived"
    CHECKS = "checks"
    ROWS = "rows"
    SCHEDULE = "schedule"
    FILES = "files"


def register(app: typer.Typer) -> None:
    app.command("fmt", rich_help_panel=PANEL)(fmt)
    app.command("dump", rich_help_panel=PANEL)(dump)


def fmt(
    paths: FormatPaths,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit with 4 if something would change.")
    ] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Change nothing; print what would change.")] = False,
) -> None:
    """Print specs in the house style, in place.

    Only the layout changes: formatting twice is formatting once, and the meaning stays. `genc fmt -` reads standard
    input and writes standard output.
    """
    from gencompiler.syntax.format import format_source

    if paths == [Path("-")]:
        source = SourceText("<stdin>", sys.stdin.read())
        sys.stdout.write(format_source(source))
        return
    changed, status = 0, OK
    for path in sources.expand(existing(paths)):
        try:
            source = sources.read(path)
            new = format_source(source)
        except CompileError as error:
            status = max(status, show_compile_error(error, as_json=False))
            continue
        if new == source.text:
            continue
        changed += 1
        if diff:
            lines = difflib.unified_diff(
                source.text.splitlines(True), new.splitlines(True), source.name, f"{source.name} (formatted)"
            )
            sys.stdout.writelines(lines)
        elif check:
            out(f"would reformat {source.name}")
        else:
            path.write_text(new, encoding="utf-8", newline="\n")
            out(f"reformatted {source.name}")
    if status == OK and changed and (check or diff):
        status = TEST_FAILED
    raise typer.Exit(status)


def existing(paths: list[Path]) -> list[Path]:
    """`paths`, all of which exist.  Raises typer.BadParameter for one that does not."""
    for path in paths:
        if not path.exists():
            raise typer.BadParameter(f"{path} does not exist")
    return paths


def dump(
    spec: Spec,
    stage: Annotated[Stage, typer.Option("--stage", help="Which tree to print.")] = Stage.MODEL,
    define: Defines = None,
    as_json: Json = False,
) -> None:
    """Print what the compiler has made of a spec, after any of its passes.

    **Examples**

    - `genc dump nade.gen` prints the resolved model
    - `genc dump nade.gen --stage rows` prints the programs that both printers print
    - `genc dump nade.gen --stage model --json | jq .parameters`
    """
    from gencompiler import pipeline

    settings = Settings.from_environment()
    last = pipeline.pass_that_gives(stage.value)
    compilation = pipeline.run(sources.read(spec), defines=defines(define), until=last, settings=settings)
    out(pipeline.dump(compilation, stage.value, as_json).rstrip("\n"))
