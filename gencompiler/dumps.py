"""What `genc dump` prints: every stage of a compilation as stable text, or as JSON data."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gencompiler.catalog.devices import DEVICES
from gencompiler.model.print import expression
from gencompiler.model.print import text as model_text
from gencompiler.node import Node, data

if TYPE_CHECKING:
    from gencompiler.pipeline import Compilation
    from gencompiler.rows.differentiate import Differentiated
    from gencompiler.rows.schedule import Config, Schedule


def as_text(compilation: Compilation, stage: str) -> str:
    """One stage, readable; the same compilation gives the same text."""
    if stage == "surface":
        return "\n".join(_outline(compilation.surface, 0)) + "\n"
    if stage == "model":
        return model_text(compilation.model)
    if stage == "derived":
        return _derived(compilation)
    if stage == "checks":
        from gencompiler.checks.certificate import verdicts_text

        return verdicts_text(compilation.checked)
    if stage == "rows":
        from gencompiler.rows.print import text

        return "\n".join(text(program) for program in compilation.programs.values())
    if stage == "schedule":
        lines = [_schedule(name, schedule) for name, schedule in compilation.schedules.items()]
        return "".join([*lines, *(_gradient(*each) for each in compilation.gradients.items())])
    return "".join(f"--- {name}\n{content}" for name, content in compilation.files.items())


def as_data(compilation: Compilation, stage: str) -> object:
    """One stage as JSON data, with spans as character offsets."""
    if stage == "derived":
        found = {
            f.name: getattr(compilation.derived, f.name)
            for f in dataclasses.fields(compilation.derived)
            if f.name != "model"
        }
        return data(found, spans=True)
    if stage == "checks":
        from gencompiler.checks.certificate import certificate_data

        return certificate_data(compilation.checked)
    if stage == "schedule":
        return {
            "programs": {
                name: {
                    "fused": s.fused,
                    "reason": s.reason,
                    "cost": data(s.cost),
                    "tiles": data(s.configs),
                    "stages": [] if s.stages is None else [data(piece.configs) for piece in s.stages.pieces],
                }
                for name, s in compilation.schedules.items()
            },
            "gradients": {
                name: {"ways": len(each.ways), "reason": each.reason} for name, each in compilation.gradients.items()
            },
        }
    if stage == "files":
        return compilation.files
    return data(
        {"surface": compilation, "model": compilation, "rows": compilation}[stage].__dict__[_FIELDS[stage]], spans=True
    )


_FIELDS = {"surface": "surface", "model": "model", "rows": "programs"}


def _schedule(name: str, schedule: Schedule) -> str:
    """Fused or not, and why; the tile on each processor, rows x warps x stages, and the driver of several kernels; then
    what runs it on a CPU."""
    from gencompiler.rows.print import text as rows_text

    kernels = schedule.kernels()
    what = "one kernel" if schedule.fused else f"kernels between products: {len(kernels)}" if kernels else "torch"
    lines = [f"{name}: {what}: {schedule.reason}"]
    for number, each in enumerate(kernels, start=1):
        tiles = [f"{target} {_tile(each.configs.get(target))}" for target in DEVICES]
        lines.append(f"  tiles{'' if schedule.fused else f' of stage {number}'}: {', '.join(tiles)}")
    if schedule.stages is not None:
        lines += [f"  {line}" for line in rows_text(schedule.stages.driver).splitlines()]
    if (native := schedule.native) is not None:
        lines.append(f"  on a CPU {f'C, {native.lanes} rows at once' if native.runs else 'torch'}: {native.reason}")
    return "\n".join(lines) + "\n"


def _tile(config: Config | None) -> str:
    return "torch" if config is None else f"{config.rows}x{config.warps}x{config.stages}"


def _gradient(name: str, found: Differentiated) -> str:
    """One line: by kernels or by torch, and why."""
    return f"gradient of {name}: {'kernels' if found.ways else 'torch'}: {found.reason}\n"


def _outline(node: Node, depth: int) -> list[str]:
    """A tree as indented lines: the class of each node and its plain fields."""
    plain, below = [], []
    for field in dataclasses.fields(node):
        value = getattr(node, field.name)
        if field.name == "span" or value is None or value == ():
            continue
        if isinstance(value, Node) or (isinstance(value, tuple) and any(isinstance(v, Node) for v in value)):
            below.append((field.name, value))
        else:
            plain.append(f"{field.name}={value!r}" if isinstance(value, str) else f"{field.name}={value}")
    lines = [f"{'  ' * depth}{type(node).__name__}{' ' if plain else ''}{' '.join(plain)}"]
    for name, value in below:
        lines.append(f"{'  ' * (depth + 1)}{name}:")
        for child in value if isinstance(value, tuple) else (value,):
            lines.extend(_outline(child, depth + 2))
    return lines


def _derived(compilation: Compilation) -> str:
    derived = compilation.derived
    lines = []
    for name, inverse in derived.inverses.items():
        lines.append(f"inverse of {name}: {inverse.output.name} -> {expression(inverse.body)}")
        lines.append(f"log|det| of {name}: {expression(derived.log_dets[name].body)}")
    lines += [f"gradient of {name}: {expression(body)}" for name, body in derived.gradients.items()]
    lines += [f"log ratio of {name}: {expression(a.log_ratio)}" for name, a in derived.acceptances.items()]
    for kernel in derived.kernels.values():
        mean = f"({expression(kernel.signal)}) * {kernel.state.name} + {expression(kernel.shift)}"
        lines.append(f"kernel of {kernel.sde}: Normal({mean}, {expression(kernel.noise)})")
    for factor in derived.factors:
        for recurrence in factor.recurrences:
            lines.append(
                f"recurrence {recurrence.name} : {recurrence.type} starts at 0, adds {expression(recurrence.term)}"
            )
        lines.append(f"factor {expression(factor.conditional.targets[0])} ~ {expression(factor.distribution)}")
    lines += [f"law {expression(found.asked)}: {expression(found.distribution)}" for found in derived.laws]
    for path in derived.annealings:
        laws = ", ".join(f"{i.name} ~ {expression(law)}" for i, law in zip(path.variables, path.laws, strict=True))
        lines.append(f"path {path.path} from {laws} by {path.transition}, backwards {path.backward or 'unknown'}")
    lines += [f"not derived for {f.subject}: {f.reason}" for f in derived.failures]
    return "\n".join(lines) + "\n"
