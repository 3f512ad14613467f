"""What becomes a kernel, and what each costs: `kernels`."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gencompiler.commands import sources, tables
from gencompiler.commands.arguments import AllowUnknown, Defines, Json, Spec, defines
from gencompiler.commands.console import out, print_json, say
from gencompiler.commands.status import OK, RUN_FAILED, TEST_FAILED
from gencompiler.settings import Settings

if TYPE_CHECKING:
    from gencompiler.rows.cost import Cost
    from gencompiler.rows.differentiate import Differentiated
    from gencompiler.rows.schedule import Schedule

PANEL = "Build"


def register(app: typer.Typer) -> None:
    app.command("kernels", rich_help_panel=PANEL)(kernels)


class Target(enum.StrEnum):
    """Processors that kernels are compiled for ahead of time."""

    SM_80 = "sm_80"
    SM_86 = "sm_86"
    SM_90 = "sm_90"
    GFX942 = "gfx942"


def kernels(
    spec: Spec,
    target: Annotated[
        Target | None,
        typer.Option("--target", help="Compile for this processor, too, where it is not recorded what a kernel uses."),
    ] = None,
    define: Defines = None,
    allow_unknown: AllowUnknown = False,
    as_json: Json = False,
) -> None:
    """Say which operations of a model become fused kernels, with what tiles, what each takes, and why the others stay
    in torch.

    For each: registers and shared memory, recorded or estimated; the bytes that a row moves, its operations, and the
    time that neither memory nor arithmetic of the processor can go below (loops of run-time length counted once).  With
    `--target`, kernels are compiled ahead of time for that processor, which needs triton and no GPU.

    **Examples**

    - `genc kernels nade.gen`
    - `genc kernels nade.gen --target sm_90 --json`
    """
    from gencompiler import pipeline
    from gencompiler.catalog.devices import MAIN

    settings = Settings.from_environment(allow_unknown=allow_unknown or None)
    done = pipeline.run(sources.read(spec), defines=defines(define), until="differentiate", settings=settings)
    schedules = done.schedules | _backward(done.gradients)
    goal = target.value if target else MAIN
    rows = [_operation(name, schedule, goal) for name, schedule in schedules.items()]
    if target is not None:
        whole = {row["program"]: row for row in rows}
        _compile(whole | _stages_of(rows), schedules | _pieces(schedules), goal)
    differentiated = {name: each.reason for name, each in done.gradients.items() if not each.ways}
    if as_json:
        on_cpu = {name: {"runs": _runs(each), "why": each.native_reason} for name, each in done.gradients.items()}
        told = {"gradients by torch": differentiated, "gradients on a CPU": on_cpu}
        print_json({"device": goal, "programs": rows, **told})
    else:
        _show(done.source.name, rows, done.gradients, goal)
    raise typer.Exit(TEST_FAILED if any(map(_fault, [*rows, *_stages_of(rows).values()])) else OK)


def _pieces(schedules: dict[str, Schedule]) -> dict[str, Schedule]:
    """The kernels of programs that are several, as they are listed."""
    staged = {name: each.stages.pieces for name, each in schedules.items() if each.stages is not None}
    return {f"{name}: stage {n}": piece for name, own in staged.items() for n, piece in enumerate(own, start=1)}


def _stages_of(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {f"{row['program']}: {each['step']}": each for row in rows for each in row["stages"]}


def _runs(gradient: Differentiated) -> str:
    return "C" if gradient.native else "torch"


def _show_gradients(gradients: dict[str, Differentiated]) -> None:
    """What differentiates each trained program on a CPU."""
    told = [(name, _runs(each), each.native_reason) for name, each in gradients.items()]
    if told:
        out()
        out(tables.paint("gradients on a CPU", "strong"))
        for line in tables.columns(told, ["strong"] * len(told)):
            out(line)


def _backward(gradients: dict[str, Differentiated]) -> dict[str, Schedule]:
    """The kernels of the backward passes, by the names of their programs."""
    found: dict[str, Schedule] = {}
    for each in gradients.values():
        for number, way in enumerate(each.ways):
            for schedule in way.own:
                found[schedule.program.name + ("" if number == 0 else "_saved")] = schedule
    return found


# -- what there is to say --------------------------------------------------------------------------------------------


def _operation(name: str, schedule: Schedule, target: str) -> dict[str, Any]:
    on_gpu = _kernel(schedule, target) | {"cost": _cost(schedule.cost, target)}
    return {"program": name, **on_gpu, "stages": _stages(schedule, target), "cpu": _on_cpu(schedule)}


def _kernel(schedule: Schedule, target: str) -> dict[str, Any]:
    """Whether a program, or a piece of one, is one kernel, its tiles, and what it takes."""
    tiles = {name: dataclasses.asdict(config) for name, config in schedule.configs.items()}
    return {
        "fused": target in tiles,
        "why": schedule.why(target),
        "config": tiles.get(target),
        "tiles": tiles,
        "uses": _uses(schedule, target) if target in tiles else None,
    }


def _cost(spent: Cost, target: str) -> dict[str, Any]:
    from gencompiler.rows.cost import floor

    return dataclasses.asdict(spent) | {"floor_ns": floor(spent, target)}


def _stages(schedule: Schedule, target: str) -> list[dict[str, Any]]:
    """What runs one after the other where a program is several kernels on a processor."""
    from gencompiler.rows.steps import steps

    if schedule.stages is None or target not in schedule.targets():
        return []
    torch = {"fused": False, "config": None, "tiles": {}, "uses": None}
    return [
        {"step": step.name, "runs": step.kind, "times": step.times}
        | (torch if step.piece is None else _kernel(step.piece, target))
        | {"why": step.why, "cost": _cost(step.cost, target)}
        for step in steps(schedule.program, schedule.stages)
    ]


def _on_cpu(schedule: Schedule) -> dict[str, Any] | None:
    """What runs the program on a CPU that has a C compiler, and why; None of a backward pass."""
    native = schedule.native
    if native is None:
        return None
    return {"runs": "C" if native.runs else "torch", "lanes": native.lanes, "why": native.reason}


def _uses(schedule: Schedule, target: str) -> dict[str, Any]:
    """Registers of a thread and shared memory of a program, as recorded, or else estimated."""
    from gencompiler.emit.recorded import recorded
    from gencompiler.rows.footprint import live_registers, shared_bytes

    known = recorded(schedule, target)
    if known is not None:
        return {"known": "recorded", **known, "error": ""}
    assert schedule.tiled is not None
    config = schedule.configs[target]
    registers = live_registers(schedule.cost.live_elements, config.rows, config.warps, target)
    shared = shared_bytes(schedule.tiled.program, config.rows, config.stages)
    return {"known": "estimated", "registers": registers, "shared": shared, "error": ""}


def _compile(rows: dict[str, dict[str, Any]], schedules: dict[str, Schedule], target: str) -> None:
    """Put what compiling finds in the place of estimates."""
    from gencompiler.emit.resources import kernel_use

    unknown = {
        name: schedules[name] for name, row in rows.items() if row["uses"] and row["uses"]["known"] != "recorded"
    }
    try:
        uses = kernel_use(unknown, target)
    except RuntimeError as error:
        say(f"error: {error}")
        raise typer.Exit(RUN_FAILED) from None
    for name, use in zip(unknown, uses, strict=True):
        found = dataclasses.asdict(use)
        rows[name]["uses"] = {"known": "compiled"} | {
            key: found[key] for key in ("registers", "stack", "spills", "shared", "error")
        }


def _fault(row: dict[str, Any]) -> str:
    return row["uses"]["error"] if row["uses"] else ""


# -- for a person ----------------------------------------------------------------------------------------------------


def _show(spec: str, rows: list[dict[str, Any]], gradients: dict[str, Differentiated], target: str) -> None:
    from gencompiler.catalog.devices import DEVICES

    device = DEVICES[target]
    out(tables.paint(spec, "strong"))
    listed = [line for row in rows for line in ((row["program"], _kind(row), _why(row, target)), *_listed(row))]
    for line in tables.columns(listed, ["quiet" if name.startswith(" ") else "strong" for name, *_ in listed]):
        out(line)
    for name, each in gradients.items():
        if not each.ways:
            out(f"  torch differentiates {name}: {each.reason}")
    out()
    rates = f"{device.flops / 1e12:.3g} Tflop/s in float32, {device.bandwidth / 1e12:.3g} TB/s"
    out(tables.paint(f"on {target} ({device.name}: {rates})", "strong"))
    head = ("", "tile", "regs", "shared", "moves", "computes", "weights", "floor")
    cells = [cells for row in rows for cells in map(_numbers, (row, *row["stages"]))]
    for number, line in enumerate(_aligned([head, *cells])):
        out(tables.paint(line, "quiet") if number == 0 else line)
    _show_cpu(rows)
    _show_gradients(gradients)
    out()
    for line in _legend(rows):
        out(tables.paint(line, "quiet"))
    for name, row in ({row["program"]: row for row in rows} | _stages_of(rows)).items():
        if _fault(row):
            out(f"  {name} does not compile: {_fault(row)}")


def _kind(row: dict[str, Any]) -> str:
    """What runs a program: one kernel, several between what torch computes, or torch."""
    count = sum(each["fused"] for each in row["stages"])
    return "one kernel" if row["fused"] else f"{count} kernel{'s' if count > 1 else ''}" if count else "torch"


def _listed(row: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The steps of a program that is several kernels."""
    kinds = {"product": "torch GEMM"}
    return [(_name(each), kinds.get(each["runs"], each["runs"]), each["why"]) for each in row["stages"]]


def _name(row: dict[str, Any]) -> str:
    if "program" in row:
        return str(row["program"])
    return f"  {row['step']}" + (f" ×{row['times']}" if row["times"] > 1 else "")


def _why(row: dict[str, Any], target: str) -> str:
    """Why a program is a kernel on a processor, or torch; and on which others it is the other."""
    from gencompiler.catalog.devices import DEVICES

    others = [name for name in DEVICES if name != target and (name in row["tiles"]) != row["fused"]]
    return f"{row['why']}; {'torch' if row['fused'] else 'a kernel'} on {', '.join(others)}" if others else row["why"]


def _show_cpu(rows: list[dict[str, Any]]) -> None:
    """What runs each program on a CPU."""
    found = [(row["program"], row["cpu"]) for row in rows if row["cpu"] is not None]
    out()
    out(tables.paint("on a CPU (C where there is a compiler, else torch)", "strong"))
    told = [(name, f"C, {cpu['lanes']} rows" if cpu["lanes"] else "torch", cpu["why"]) for name, cpu in found]
    for line in tables.columns(told, ["strong"] * len(told)):
        out(line)


def _numbers(row: dict[str, Any]) -> tuple[str, ...]:
    """The cells of one operation, or of one step of it."""
    from gencompiler.rows.cost import BATCH

    cost, uses, config = row["cost"], row["uses"], row["config"]
    tile = "×".join(str(config[key]) for key in ("rows", "warps", "stages")) if config else "-"
    about = "~" if uses and uses["known"] == "estimated" else ""
    registers = f"{about}{uses['registers']}{' spills' if uses.get('spills') else ''}" if uses else "-"
    shared = f"{about}{_bytes(uses['shared'])}" if uses else "-"
    least = _time(cost["floor_ns"] * BATCH)
    return (
        _name(row),
        tile,
        registers,
        shared,
        _bytes(cost["bytes"]),
        f"{cost['flops']:,}",
        _bytes(cost["weight_bytes"]),
        least,
    )


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Names on the left, numbers on the right of their columns; without the weights where the terminal is narrow."""
    if sum(max(map(len, column)) + 2 for column in zip(*rows, strict=True)) > tables.width():
        rows = [(*row[:-2], row[-1]) for row in rows]
    sizes = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(sizes[0]), *(cell.rjust(size) for cell, size in zip(row[1:], sizes[1:], strict=True))]
        lines.append("  " + "  ".join(cells).rstrip())
    return lines


def _legend(rows: list[dict[str, Any]]) -> list[str]:
    from gencompiler.rows.cost import BATCH

    known = {row["uses"]["known"] for row in rows if row["uses"]}
    words = ["tile: rows×warps×stages of pipelining; regs: of a thread; shared: memory of a tile"]
    if "recorded" in known:
        words.append("regs and shared as recorded when the kernel was compiled ahead of time")
    if "estimated" in known:
        words.append("~ estimated: what the kept numbers fill; --target compiles, and says exactly")
    words.append("moves, computes: bytes and operations of a row; weights: what each tile reads")
    words.append(f"floor: the longer of moving {BATCH} rows and computing them, at these rates")
    return [f"  {line}" for line in words]


def _bytes(count: int) -> str:
    return f"{count:,} B" if count < 10_000 else f"{count / 1024:,.0f} KB"


def _time(nanoseconds: float) -> str:
    for unit, size in (("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds:.3g} ns"
