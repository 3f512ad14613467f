"""From specs to packages: `build`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gencompiler.commands import sources
from gencompiler.commands.arguments import AllowUnknown, Defines, Specs, defines
from gencompiler.commands.checking import worst
from gencompiler.commands.console import out, say, show_compile_error, show_diagnostics
from gencompiler.commands.status import OK, TEST_FAILED
from gencompiler.diagnostics.model import CompileError
from gencompiler.diagnostics.wording import counted
from gencompiler.settings import Settings

PANEL = "Build"


def register(app: typer.Typer) -> None:
    app.command("build", rich_help_panel=PANEL)(build)


def build(
    specs: Specs,
    out_folder: Annotated[
        Path,
        typer.Option("-o", "--out", metavar="DIR", help="Where packages go, each in a folder named after its spec."),
    ] = Path("generated"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 4 unless DIR holds exactly what would be written.")
    ] = False,
    define: Defines = None,
    allow_unknown: AllowUnknown = False,
) -> None:
    """Compile specs to packages: torch, kernels, training loop, tests, certificate.

    A package is written whole or not at all. The same spec and compiler give the same bytes.

    **Examples**

    - `genc build nade.gen` writes generated/nade/
    - `genc build specs -o generated` builds every spec below a folder
    - `genc build --check specs -o generated` compares instead, for continuous integration
    """
    from gencompiler import pipeline
    from gencompiler.commands import packages
    from gencompiler.emit.write import write_package

    settings = Settings.from_environment(allow_unknown=allow_unknown or None)
    given = defines(define)
    paths = sources.expand(specs)
    names = _names(paths)
    statuses, stale = [], []
    for path, name in zip(paths, names, strict=True):
        try:
            done = pipeline.run(sources.read(path), defines=given, settings=settings)
            show_diagnostics(done.diagnostics, done.sources)
            if check:
                stale += packages.differences(out_folder / name, done.files)
            else:
                write_package(done.files, out_folder, name)
                out(f"wrote {out_folder / name} ({counted(len(done.files), 'file')})")
        except CompileError as error:
            statuses.append(show_compile_error(error))
    if check:
        if any(path.is_dir() for path in specs):
            stale += packages.strangers(out_folder, set(names))
        for line in stale:
            say(line)
        if stale:
            say(f"help: run `genc build {' '.join(map(str, specs))} -o {out_folder}`")
        elif not statuses:
            out(f"{out_folder} is up to date: {counted(len(names), 'package')}")
    raise typer.Exit(worst(statuses) or (TEST_FAILED if stale else OK))


def _names(paths: list[Path]) -> list[str]:
    """The packages' names, which must be identifiers and differ.  Raises typer.BadParameter."""
    owners: dict[str, Path] = {}
    for path in paths:
        name = sources.package_name(path)
        if name in owners:
            raise typer.BadParameter(f"{owners[name]} and {path} would both become `{name}`")
        owners[name] = path
    return list(owners)
