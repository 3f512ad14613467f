"""From specs to packages: `build`, `kernels`."""

from __future__ import annotations

import dataclasses
import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gencompiler.commands import sources, tables
from gencompiler.commands.arguments import AllowUnknown, Defines, Json, Spec, Specs, defines
from gencompiler.commands.checking import worst
from gencompiler.commands.console import out, print_json, say, show_compile_error, show_diagnostics
from gencompiler.commands.status import OK, RUN_FAILED, TEST_FAILED
from gencompiler.diagnostics.model import CompileError
from gencompiler.diagnostics.wording import counted
from gencompiler.settings import Settings

if TYPE_CHECKING:
    from gencompiler.rows.differentiate import Differentiated
    from gencompiler.rows.schedule import Schedule

PANEL = "Build"


def register(app: typer.Typer) -> None:
    app.command("build", rich_help_panel=PANEL)(build)
    app.command("kernels", rich_help_panel=PANEL)(kernels)


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


class Target(enum.StrEnum):
    """Processors that kernels are compiled for ahead of time."""

    SM_80 = "sm_80"
    SM_90 = "sm_90"
    GFX942 = "gfx942"


def kernels(
    spec: Spec,
    target: Annotated[
        Target | None,
        typer.Option("--target", help="Compile for this processor, too, and report what each kernel uses."),
    ] = None,
    define: Defines = None,
    allow_unknown: AllowUnknown = False,
    as_json: Json = False,
) -> None:
    """Say which parts of a model become fused kernels, with what tiles, and why the others do not.

    For each: the bytes that a row moves, its operations, and the time that neither memory nor arithmetic of the
    processor can go below (loops of run-time length counted once).  With `--target`, each kernel is compiled ahead of
    time for that processor, which needs triton and no GPU.

    **Examples**

    - `genc kernels nade.gen`
    - `genc kernels nade.gen --target sm_90 --json`
    """
    from gencompiler import pipeline

    settings = Settings.from_environment(allow_unknown=allow_unknown or None)
    done = pipeline.run(sources.read(spec), defines=defines(define), until="differentiate", settings=settings)
    schedules = done.schedules | _backward(done.gradients)
    goal = (target or Target.SM_90).value
    rows = [_kernel(name, schedule, goal) for name, schedule in schedules.items()]
    if target is not None:
        from gencompiler.emit.resources import kernel_use

        fused = [row for row in rows if row["fused"]]
        try:
            uses = kernel_use(schedules, target.value)
        except RuntimeError as error:
            say(f"error: {error}")
            raise typer.Exit(RUN_FAILED) from None
        for row, use in zip(fused, uses, strict=True):
            row["compiled"] = dataclasses.asdict(use)
    differentiated = {name: each.reason for name, each in done.gradients.items() if not each.ways}
    if as_json:
        print_json({"device": goal, "programs": rows, "gradients by torch": differentiated})
    else:
        _show_kernels(done.source.name, rows, differentiated, goal)
    broken = [row["program"] for row in rows if row.get("compiled", {}).get("error")]
    raise typer.Exit(TEST_FAILED if broken else OK)


def _backward(gradients: dict[str, Differentiated]) -> dict[str, Schedule]:
    """The kernels of the backward passes, by the names of their programs."""
    found: dict[str, Schedule] = {}
    for each in gradients.values():
        for number, way in enumerate(each.ways):
            for schedule in (way.saving, way.backward):
                found[schedule.program.name + ("" if number == 0 else "_saved")] = schedule
    return found


def _kernel(name: str, schedule: Schedule, target: str) -> dict[str, Any]:
    from gencompiler.rows.cost import floor

    config = None if schedule.config is None else dataclasses.asdict(schedule.config)
    spent = dataclasses.asdict(schedule.cost)
    least = {"floor_ns": floor(schedule.cost, target)}
    return {"program": name, "fused": schedule.fused, "why": schedule.reason, "config": config, "cost": spent | least}


def _show_kernels(spec: str, rows: list[dict[str, Any]], by_torch: dict[str, str], target: str) -> None:
    from gencompiler.catalog.devices import DEVICES

    out(tables.paint(spec, "strong"))
    listed = []
    for row in rows:
        config = row["config"]
        shape = ", ".join(counted(config[f"{noun}s"], noun) for noun in ("row", "warp", "stage")) if config else ""
        listed.append((row["program"], "one kernel" if row["fused"] else "torch", shape, row["why"]))
    for line in tables.columns(listed, ["strong"] * len(listed)):
        out(line)
    for name, reason in by_torch.items():
        out(f"  torch differentiates {name}: {reason}")
    out()
    device = DEVICES[target].name
    out(
        tables.paint(
            f"one row, and the floor on {target} ({device}): what its memory or its arithmetic takes", "strong"
        )
    )
    for line in tables.columns([_cost(row) for row in rows], ["strong"] * len(rows)):
        out(line)
    compiled = [row["compiled"] for row in rows if "compiled" in row]
    if compiled:
        out()
        out(tables.paint(f"compiled for {compiled[0]['target']}", "strong"))
        names = [row["program"] for row in rows if "compiled" in row]
        words = [(name, _use(use)) for name, use in zip(names, compiled, strict=True)]
        for line in tables.columns(words, ["strong"] * len(words)):
            out(line)


def _cost(row: dict[str, Any]) -> tuple[str, ...]:
    """Bytes, operations, weights and the floor, in words."""
    cost = row["cost"]
    weights = f"{cost['weight_bytes']:,} B of weights a tile"
    moved, done = f"{cost['bytes']:,} B", f"{cost['flops']:,} operations"
    return row["program"], moved, done, weights, f"at least {cost['floor_ns']:.3g} ns"


def _use(use: dict[str, Any]) -> str:
    if use["error"]:
        return f"does not compile: {use['error']}"
    spilled = f"{use['spills']} B spilled, " if use["spills"] else "no spills, "
    registers = counted(use["registers"], "register")
    return f"{registers}, {use['stack']} B of stack, {spilled}{use['shared']:,} B of shared memory"
