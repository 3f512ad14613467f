"""What is true of a spec: `check`, `explain`."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gencompiler import summary
from gencompiler.commands import sources, tables
from gencompiler.commands.arguments import AllowUnknown, Defines, Json, Specs, Style, defines
from gencompiler.commands.console import diagnostics_json, out, print_json, show_compile_error, show_diagnostics
from gencompiler.commands.status import OK
from gencompiler.diagnostics.codes import CODES
from gencompiler.diagnostics.model import CompileError
from gencompiler.settings import Settings

if TYPE_CHECKING:
    from gencompiler.pipeline import Compilation

PANEL = "Check"

OutputStyle = Annotated[
    Style, typer.Option("--style", help="Errors with their lines of the spec, or one to a line for editors.")
]


def register(app: typer.Typer) -> None:
    app.command("check", rich_help_panel=PANEL)(check)
    app.command("explain", rich_help_panel=PANEL)(explain)


def check(
    specs: Specs,
    define: Defines = None,
    allow_unknown: AllowUnknown = False,
    style: OutputStyle = Style.FULL,
    as_json: Json = False,
) -> None:
    """Check specs: everything they claim, and everything that follows from what they say.

    Prints one verdict for each obligation and what the model can do. Writes nothing.

    **Examples**

    - `genc check nade.gen`
    - `genc check specs` checks every spec below a folder
    - `genc check nade.gen -D H=8` checks it with another size
    - `genc check specs --json | jq '.[].verdicts'`
    """
    from gencompiler import pipeline

    settings = Settings.from_environment(allow_unknown=allow_unknown or None)
    given = defines(define)
    results: list[dict[str, Any]] = []
    statuses: list[int] = []
    for path in sources.expand(specs):
        name = sources.display_name(path)
        try:
            compilation = pipeline.run(sources.read(path), defines=given, until="check", settings=settings)
        except CompileError as error:
            if as_json:
                listed = diagnostics_json(error.diagnostics, error.sources)
                results.append({"spec": name, "ok": False, "diagnostics": listed})
                statuses.append(error.exit_status)
            else:
                statuses.append(show_compile_error(error, style=style))
            continue
        statuses.append(OK)
        if as_json:
            results.append({"spec": name, "ok": True, **_as_json(compilation)})
        else:
            show_diagnostics(compilation.diagnostics, compilation.sources, style)
            show(compilation)
    if as_json:
        print_json(results)
    raise typer.Exit(worst(statuses))


def worst(statuses: Iterable[int]) -> int:
    """The exit status of several specs: a user's error counts before what is merely unsupported."""
    return min((status for status in statuses if status), default=OK)


def show(compilation: Compilation) -> None:
    """Print the verdicts, the capabilities, and a line that counts."""
    out(tables.paint(f"{compilation.source.name} · {compilation.model.name}", "strong"))
    out()
    verdicts = summary.verdict_rows(compilation)
    listed = [(tables.marked(row.status), row.obligation, row.subject, row.words) for row in verdicts]
    for line in tables.columns(listed, [row.status for row in verdicts]):
        out(line)
    out()
    able = summary.capability_rows(compilation)
    for line in tables.columns(able, ["strong"] * len(able)):
        out(line)
    out()
    seconds = sum(compilation.timings.values())
    out(tables.paint(f"  {summary.counts(verdicts)} in {seconds:.2f} s", "quiet"))
    out()


def _as_json(compilation: Compilation) -> dict[str, Any]:
    return {
        "model": compilation.model.name,
        "diagnostics": diagnostics_json(compilation.diagnostics, compilation.sources),
        "verdicts": [row._asdict() for row in summary.verdict_rows(compilation)],
        "capabilities": [row._asdict() for row in summary.capability_rows(compilation)],
    }


def explain(
    code: Annotated[
        str, typer.Argument(metavar="CODE", help="A code such as G402; `all` lists them.", show_default=False)
    ],
    as_json: Json = False,
) -> None:
    """Say what an error code means, with a spec that fails and one that passes."""
    wanted = code.strip().upper().strip("[]")
    if wanted == "ALL":
        if as_json:
            print_json([dataclasses.asdict(c) | {"severity": c.severity.value} for c in CODES.values()])
        else:
            for line in tables.columns([(c.code, c.severity.value, c.title) for c in CODES.values()], indent=0):
                out(line)
        return
    if wanted not in CODES:
        near = difflib.get_close_matches(wanted, CODES, n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else "; `genc explain all` lists the codes"
        raise typer.BadParameter(f"there is no code {code!r}{hint}")
    from gencompiler.diagnostics.explain import page

    text = page(wanted)
    if as_json:
        print_json({"code": wanted, "title": CODES[wanted].title, "page": text})
    elif tables.coloured():
        from rich.console import Console
        from rich.markdown import Markdown

        Console(width=tables.width()).print(Markdown(text))
    else:
        out(text.rstrip("\n"))
