"""Every kernel of every shipped spec compiles for a GPU that is not there: no spills, shared memory within limits.

`gencompiler/emit/recorded.toml` remembers what was found, by the hash of a kernel's source, its launch options and the version
of triton.  `python -m tests.emit.test_shipped_kernels` compiles what is missing and writes the table again; the test
looks at the table, and compiles a sample to see that it is true.
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
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from gencompiler import pipeline
from gencompiler.catalog.devices import DEVICES
from gencompiler.diagnostics.span import SourceText
from gencompiler.emit import recorded
from gencompiler.emit.recorded import device_functions, kernel_key
from gencompiler.emit.resources import TARGETS, KernelUse, kernel_use
from gencompiler.emit.triton import kernel_source
from gencompiler.rows.measured import program_key
from gencompiler.rows.schedule import Config, Schedule

ROOT = Path(__file__).parents[2]
MEASUREMENTS = ROOT / "gencompiler" / "rows" / "measured.py"
SPECS = sorted((ROOT / "specs").glob("*/*.gen"))

#: What the table must be complete for.  The recorder fills it for the others too (`… sm_80 gfx942`), which takes an hour.
GATED = ("sm_90",)

#: Kernels that one process compiles, before what it found is written down.
AT_ONCE = 3

#: Compiled by the test itself: some kernels of this spec, chosen by their keys.
SAMPLED, SAMPLES = "nade", 2

RECORD = "python -m tests.emit.test_shipped_kernels"

pytestmark = pytest.mark.slow


@dataclasses.dataclass(frozen=True)
class Kernel:
    """One kernel; `key` changes with its source, its launch options and the compiler of kernels."""

    name: str
    key: str
    schedule: Schedule


def kernels(spec: Path) -> Iterator[Kernel]:
    """The kernels of a spec, those of its backward passes included."""
    done = pipeline.run(SourceText(spec.name, spec.read_text()), until="differentiate")
    schedules = [each for each in done.schedules.values() if each.fused]
    schedules += [s for found in done.gradients.values() for way in found.ways for s in (way.saving, way.backward)]
    for number, schedule in enumerate(schedules):
        yield Kernel(f"{spec.stem}_{schedule.program.name}_{number}", kernel_key(schedule), schedule)


def _row(use: KernelUse) -> dict[str, int]:
    assert not use.error, f"{use.kernel} on {use.target}: {use.error}"
    return {name: getattr(use, name) for name in ("registers", "stack", "spills", "shared")}


@pytest.mark.parametrize("spec", SPECS, ids=[spec.stem for spec in SPECS])
def test_kernels_fit(spec: Path) -> None:
    for kernel in kernels(spec):
        for target in GATED:
            row = recorded.read()[target].get(kernel.key)
            assert row is not None, f"{kernel.name} was not compiled for {target}: {RECORD} --specs {spec.stem}"
            assert not row["spills"], f"{kernel.name} spills {row['spills']} bytes on {target}"
            assert row["shared"] <= DEVICES[target].shared, f"{kernel.name} takes {row['shared']} bytes of {target}"


def test_the_table_says_what_compiling_finds() -> None:
    pytest.importorskip("triton")
    spec = next(each for each in SPECS if each.stem == SAMPLED)
    sample = sorted(kernels(spec), key=lambda kernel: kernel.key)[:SAMPLES]
    for target in GATED:
        uses = kernel_use({kernel.name: kernel.schedule for kernel in sample}, target)
        for kernel, use in zip(sample, uses, strict=True):
            row = dict(recorded.read()[target][kernel.key])
            del row["kernel"]
            assert _row(use) == row


def test_a_changed_kernel_has_another_key() -> None:
    spec = next(each for each in SPECS if each.stem == "nade")
    first = next(iter(kernels(spec)))
    assert first.schedule.config is not None
    options = dataclasses.replace(first.schedule.config, warps=first.schedule.config.warps * 2)
    assert kernel_key(dataclasses.replace(first.schedule, config=options)) != first.key


def test_a_changed_device_function_gives_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = next(each for each in SPECS if each.stem == "nade")
    sample = next(kernel for kernel in kernels(spec) if "uniform(" in kernel_source(kernel.schedule))
    changed = device_functions() | {"unit": "def unit(word): return word"}
    monkeypatch.setattr(recorded, "device_functions", lambda: changed)
    assert kernel_key(sample.schedule) != sample.key


def main(arguments: list[str]) -> None:
    """Compile what the table lacks, spec by spec, and write it down at once.

    A kernel that spills is tried in other tiles, and what fits is written to `gencompiler/rows/measured.py`, which the
    schedule reads.  It may be stopped at any time and started again, and several may run, each on specs of its own;
    `--prune` drops what no kernel of a shipped spec has any more."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("targets", nargs="*", default=[], help=f"of {', '.join(TARGETS)}; by default {GATED[0]}")
    parser.add_argument("--specs", nargs="+", default=[], help="names of specs; by default all")
    parser.add_argument("--prune", action="store_true", help="only drop rows of kernels that are no more")
    chosen = parser.parse_args(arguments)
    if chosen.prune:
        prune()
        return
    for spec in (each for each in SPECS if not chosen.specs or each.stem in chosen.specs):
        own, targets = {kernel.key: kernel for kernel in kernels(spec)}, chosen.targets or GATED
        for target in targets:
            missing = [kernel for key, kernel in own.items() if key not in recorded.read().get(target, {})]
            for start in range(0, len(missing), AT_ONCE):
                record(target, missing[start : start + AT_ONCE])
        for kernel in own.values():
            if not fits(kernel.key, targets):
                measure(kernel, targets)
        print(f"{spec.stem}: {len(own)} kernels", flush=True)


def record(target: str, missing: list[Kernel]) -> None:
    """Compile kernels and add them to the table, whatever others have added meanwhile."""
    uses = kernel_use({kernel.name: kernel.schedule for kernel in missing}, target)
    with _table() as table:
        for kernel, use in zip(missing, uses, strict=True):
            table.setdefault(target, {})[kernel.key] = {**_row(use), "kernel": kernel.name}


def fits(key: str, targets: Iterable[str]) -> bool:
    rows = {target: recorded.read()[target][key] for target in targets}
    return not any(row["spills"] or row["shared"] > DEVICES[target].shared for target, row in rows.items())


def measure(kernel: Kernel, targets: Sequence[str]) -> None:
    """Find the first tile in which a kernel fits on these processors, and write it down for the schedule."""
    assert kernel.schedule.tiled is not None
    found = None
    for config in tiles(kernel.schedule):
        schedule = dataclasses.replace(kernel.schedule, config=config)
        tried = Kernel(kernel.name, kernel_key(schedule), schedule)
        for target in targets:
            if tried.key not in recorded.read()[target]:
                record(target, [tried])
            if not fits(tried.key, [target]):
                break
        else:
            found = dataclasses.astuple(config)
            break
    print(f"{kernel.name} {kernel.schedule.config}: {found or 'spills in every tile'}", flush=True)
    with _locked():
        text = MEASUREMENTS.read_text()
        key, end = program_key(kernel.schedule.tiled.program), text.index("}\n")
        if key not in text:
            first = "\n" if text[end - 1] == "{" else ""
            MEASUREMENTS.write_text(f'{text[:end]}{first}    "{key}": {found},  # {kernel.name}\n{text[end:]}')


def tiles(schedule: Schedule) -> Iterator[Config]:
    """What to try, the likeliest first: another number of stages, then of warps, then of rows."""
    own = schedule.config
    assert own is not None
    for rows in (own.rows, own.rows // 2, own.rows // 4):
        for warps in (own.warps, 4, 8, 16):
            for stages in (own.stages, 3, 1) if own.stages > 1 else (1,):
                if rows >= (16 if schedule.has_products else 1) and (rows, warps, stages) != dataclasses.astuple(own):
                    yield Config(rows, warps, stages)


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
def _locked() -> Iterator[None]:
    """One process at a time."""
    name = hashlib.sha256(str(recorded.TABLE).encode()).hexdigest()[:16]
    with (Path(tempfile.gettempdir()) / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _table() -> Iterator[dict[str, dict[str, dict[str, Any]]]]:
    """The table, to be changed by one process at a time and written in one piece."""
    with _locked():
        table = recorded.read()
        yield table
        aside = recorded.TABLE.with_suffix(".new")
        aside.write_text(_written(table), encoding="utf-8")
        aside.replace(recorded.TABLE)


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
