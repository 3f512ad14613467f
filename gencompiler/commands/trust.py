"""Whom to trust: `recheck` replays proofs, `doctor` looks at the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gencompiler.commands import sources, tables
from gencompiler.commands.arguments import Defines, Json, defines
from gencompiler.commands.console import out, print_json, say
from gencompiler.commands.status import OK, TEST_FAILED
from gencompiler.settings import Settings

PANEL = "Trust"


def register(app: typer.Typer) -> None:
    app.command("recheck", rich_help_panel=PANEL)(recheck)
    app.command("doctor", rich_help_panel=PANEL)(doctor)


def recheck(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="CERTIFICATE",
            exists=True,
            show_default=False,
            help="A certificate.json, or a folder that holds one.",
        ),
    ],
    spec: Annotated[
        Path | None,
        typer.Option(
            "--spec",
            exists=True,
            dir_okay=False,
            show_default=False,
            help="Compare with what this spec has to prove, too.",
        ),
    ] = None,
    define: Defines = None,
    as_json: Json = False,
) -> None:
    """Replay the proofs of a certificate, step by step, and exit with 4 if one does not hold.

    Nothing that found the proofs is used: the rules are applied again, and every conclusion is computed anew. With
    `--spec`, the obligations themselves are derived from the spec and compared.

    **Examples**

    - `genc recheck generated/nade`
    - `genc recheck generated/nade --spec specs/autoregressive/nade.gen`
    """
    from gencompiler.checks.certificate import recheck as replayed

    certificate = _certificate(path)
    derived, hashed = None, None
    if spec is not None:
        from gencompiler import pipeline
        from gencompiler.model.hash import model_hash

        settings = Settings.from_environment()
        compilation = pipeline.run(sources.read(spec), defines=defines(define), until="derive", settings=settings)
        derived, hashed = compilation.derived, model_hash(compilation.model)
    failures = replayed(certificate.read_text(encoding="utf-8"), derived, hashed)
    if as_json:
        print_json({"certificate": certificate.as_posix(), "ok": not failures, "failures": failures})
    else:
        for failure in failures:
            say(f"error: {failure}")
        if not failures:
            out(f"{certificate} holds")
    raise typer.Exit(TEST_FAILED if failures else OK)


def _certificate(path: Path) -> Path:
    """The certificate that `path` is, or that lies in it: a package, or the package of a run."""
    if path.is_file():
        return path
    found = [path / "certificate.json", *sorted(path.glob("package/*/certificate.json"))]
    certificates = [f for f in found if f.is_file()]
    if len(certificates) != 1:
        raise typer.BadParameter(f"{path} holds {len(certificates) or 'no'} certificate.json")
    return certificates[0]


def doctor(
    as_json: Json = False,
    quick: Annotated[bool, typer.Option("--quick", help="Do not compile and run a small model.")] = False,
) -> None:
    """Say whether this machine has what the compiler needs.

    Versions, devices, folders; and a small model is compiled, run and compared with its closed form. Exits with 4 if
    something is wrong.
    """
    from gencompiler.doctor import diagnose

    diagnosis = diagnose(Settings.from_environment(), self_check=not quick)
    if as_json:
        print_json(diagnosis.as_json())
    else:
        rows = [(tables.marked(f.status), f.subject, f.detail) for f in diagnosis.findings]
        for line in tables.columns(rows, [f.status for f in diagnosis.findings], indent=0):
            out(line)
        out()
        out("Environment variables:")
        for line in tables.columns(diagnosis.variables):
            out(line)
    raise typer.Exit(OK if diagnosis.well else TEST_FAILED)
