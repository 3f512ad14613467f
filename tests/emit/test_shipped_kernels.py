"""Every kernel of every shipped spec compiles for a GPU that is not there: no spills, shared memory within limits.

`tests/rows/shipped.toml` remembers what was found, by the hash of a kernel's source, its launch options and the version
of triton, so that only kernels that have changed are compiled.  `python -m tests.emit.test_shipped_kernels` compiles
what is missing and writes the table again; without it everything still is tested, and takes longer.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import fcntl
import hashlib
import json
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gencompiler import pipeline
from gencompiler.catalog.devices import DEVICES
from gencompiler.diagnostics.span import SourceText
from gencompiler.emit.resources import TARGETS, KernelUse, kernel_use
from gencompiler.emit.triton import print_kernel
from gencompiler.rows.schedule import Schedule

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "tests" / "rows" / "shipped.toml"
SPECS = sorted((ROOT / "specs").glob("*/*.gen"))

#: ptxas sets a few bytes aside in some pipelined loops though half of the registers are free; that is not pressure,
#: and another number of stages removes it at the cost of shared memory.
FEW_BYTES, FREE_REGISTERS = 64, 192

#: What the gate compiles for; `python -m tests.emit.test_shipped_kernels sm_80 gfx942` looks at others.
TARGET = "sm_90"

#: Kernels that run out of registers: the schedule's estimate of live numbers is too low for them.  To be mended there.
SPILLING = {
    "hmm_log_weight_1",
    "hmm_objective_phase_1_5",
    "lsgan_objective_critic_backward_6",
    "spline_log_prob_backward_5",
    "spline_log_prob_backward_7",
    "wgan_gp_objective_critic_3",
    "wgan_gp_objective_critic_backward_6",
    "wgan_gp_objective_critic_saving_5",
    "wgan_gp_objective_generator_backward_8",
}

pytestmark = pytest.mark.slow


@dataclasses.dataclass(frozen=True)
class Kernel:
    """One kernel; `key` changes with its source, its launch options and the compiler of kernels."""

    name: str
    key: str
    schedule: Schedule


def kernels(spec: Path) -> Iterator[Kernel]:
    """The kernels of a spec, those of its backward passes included."""
    triton = pytest.importorskip("triton")
    done = pipeline.run(SourceText(spec.name, spec.read_text()), until="differentiate")
    schedules = [each for each in done.schedules.values() if each.fused]
    schedules += [s for found in done.gradients.values() for way in found.ways for s in (way.saving, way.backward)]
    for number, schedule in enumerate(schedules):
        text = print_kernel(schedule, name="launch").text
        options = f"{triton.__version__} {schedule.config}\n"
        key = hashlib.sha256((options + text).encode()).hexdigest()[:16]
        yield Kernel(f"{spec.stem}_{schedule.program.name}_{number}", key, schedule)


def remembered() -> dict[str, dict[str, dict[str, Any]]]:
    return tomllib.loads(TABLE.read_text()) if TABLE.exists() else {}


def found(spec: Path, target: str) -> list[tuple[Kernel, dict[str, int]]]:
    """What each kernel of a spec uses, remembered or compiled."""
    known, own = remembered().get(target, {}), list(kernels(spec))
    missing = {kernel.name: kernel.schedule for kernel in own if kernel.key not in known}
    uses = dict(zip(missing, kernel_use(missing, target), strict=True))
    return [(kernel, known.get(kernel.key) or _row(uses[kernel.name])) for kernel in own]


def spills(use: dict[str, int]) -> bool:
    """Whether registers are too few."""
    return use["spills"] > (FEW_BYTES if use["registers"] <= FREE_REGISTERS else 0)


def _row(use: KernelUse) -> dict[str, int]:
    assert not use.error, f"{use.kernel} on {use.target}: {use.error}"
    return {name: getattr(use, name) for name in ("registers", "stack", "spills", "shared")}


@pytest.mark.parametrize("spec", SPECS, ids=[spec.stem for spec in SPECS])
def test_kernels_fit(spec: Path) -> None:
    for kernel, use in found(spec, TARGET):
        expected = kernel.name in SPILLING
        assert spills(use) == expected, f"{kernel.name} spills {use['spills']} bytes on {TARGET}"
        assert use["shared"] <= DEVICES[TARGET].shared, f"{kernel.name} takes {use['shared']} bytes of shared memory"


def test_pressure_is_told_from_a_few_bytes() -> None:
    assert not spills({"registers": 71, "spills": 8})
    assert spills({"registers": 255, "spills": 8})
    assert spills({"registers": 71, "spills": 968})


def test_a_changed_kernel_has_another_key() -> None:
    spec = next(each for each in SPECS if each.stem == "nade")
    first = next(iter(kernels(spec)))
    assert first.schedule.config is not None
    options = dataclasses.replace(first.schedule.config, stages=first.schedule.config.stages + 1)
    changed = dataclasses.replace(first.schedule, config=options)
    assert print_kernel(changed, name="launch").text != print_kernel(first.schedule, name="launch").text


def main(arguments: list[str]) -> None:
    """Compile what the table lacks, kernel by kernel, and write it down at once.

    It may be stopped at any time and started again, and several may run, each on specs of its own; `--prune` drops
    what no kernel of a shipped spec has any more."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("targets", nargs="*", default=[], help=f"of {', '.join(TARGETS)}; by default all")
    parser.add_argument("--specs", nargs="+", default=[], help="names of specs; by default all")
    parser.add_argument("--prune", action="store_true", help="only drop rows of kernels that are no more")
    chosen = parser.parse_args(arguments)
    if chosen.prune:
        prune()
        return
    for spec in (each for each in SPECS if not chosen.specs or each.stem in chosen.specs):
        own = list(kernels(spec))
        for target in chosen.targets or TARGETS:
            for kernel in own:
                if kernel.key not in remembered().get(target, {}):
                    record(target, kernel)
        print(f"{spec.stem}: {len(own)} kernels", flush=True)


def record(target: str, kernel: Kernel) -> None:
    """Compile one kernel and add it to the table, whatever others have added meanwhile."""
    (use,) = kernel_use({kernel.name: kernel.schedule}, target)
    row = _row(use)
    if spills(row) or row["shared"] > DEVICES[target].shared:
        print(f"{target} {kernel.name}: {row}", flush=True)
    with _table() as table:
        table.setdefault(target, {})[kernel.key] = {**row, "kernel": kernel.name}


def prune() -> None:
    """Drop the rows of kernels that no shipped spec has."""
    alive = {kernel.key: kernel.name for spec in SPECS for kernel in kernels(spec)}
    with _table() as table:
        for rows in table.values():
            for key in [key for key in rows if key not in alive]:
                del rows[key]
            for key, row in rows.items():
                row["kernel"] = alive[key]


@contextlib.contextmanager
def _table() -> Iterator[dict[str, dict[str, dict[str, Any]]]]:
    """The table, to be changed by one process at a time and written in one piece."""
    with (Path(tempfile.gettempdir()) / f"{hashlib.sha256(str(TABLE).encode()).hexdigest()[:16]}.lock").open(
        "w"
    ) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        table = remembered()
        yield table
        aside = TABLE.with_suffix(".new")
        aside.write_text(_written(table), encoding="utf-8")
        aside.replace(TABLE)


def _written(table: dict[str, dict[str, dict[str, Any]]]) -> str:
    """All rows in the order of their kernels' names, so that two recordings of the same differ in nothing."""
    lines = ["# What each kernel of the shipped specs used; see tests/emit/test_shipped_kernels.py.", ""]
    for target, rows in sorted(table.items()):
        lines.append(f"[{target}]")
        for key, row in sorted(rows.items(), key=lambda item: (item[1].get("kernel", ""), item[0])):
            listed = ", ".join(f"{name} = {json.dumps(value)}" for name, value in row.items())
            lines.append(f'"{key}" = {{ {listed} }}')
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    main(sys.argv[1:])
