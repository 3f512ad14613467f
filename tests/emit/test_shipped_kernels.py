"""Every kernel of every shipped spec compiles for a GPU that is not there: no spills, shared memory within limits.

`gencompiler/emit/recorded.toml` remembers what was found, by processor and by the hash of a kernel's source, its launch
options and the version of triton.  `python -m tests.emit.test_shipped_kernels` compiles what is missing and writes the
table again; the test looks at the table, and compiles a sample to see that it is true.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import fcntl
import functools
import hashlib
import itertools
import json
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from gencompiler import pipeline
from gencompiler.catalog.devices import DEVICES
from gencompiler.diagnostics.span import SourceText
from gencompiler.emit import recorded
from gencompiler.emit.recorded import device_functions, kernel_key
from gencompiler.emit.resources import KernelUse, kernel_use
from gencompiler.emit.triton import kernel_source
from gencompiler.rows import measured
from gencompiler.rows.measured import program_key
from gencompiler.rows.schedule import Config, Schedule

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").glob("*/*.gen"))

#: Kernels that one process compiles, before what it found is written down; and specs whose kernels go to it together.
AT_ONCE, TOGETHER = 24, 12

#: Compiled by the test itself for each processor: some kernels of this spec, chosen by their keys.
SAMPLED, SAMPLES = "nade", 1

RECORD = "python -m tests.emit.test_shipped_kernels"

pytestmark = pytest.mark.slow


def kernels(spec: Path) -> list[tuple[str, Schedule]]:
    """The names and schedules of the kernels of a spec, those of stages and of its backward passes included."""
    done = pipeline.run(SourceText(spec.name, spec.read_text()), until="differentiate")
    schedules = list(done.schedules.values())
    schedules += [s for found in done.gradients.values() for way in found.ways for s in way.own]
    own = [kernel for each in schedules for kernel in each.kernels()]
    return [(f"{spec.stem}_{each.program.name}_{number}", each) for number, each in enumerate(own)]


def _row(use: KernelUse) -> dict[str, int]:
    assert not use.error, f"{use.kernel} on {use.target}: {use.error}"
    return {name: getattr(use, name) for name in ("registers", "stack", "spills", "shared")}


@pytest.mark.parametrize("spec", SPECS, ids=[spec.stem for spec in SPECS])
def test_kernels_fit(spec: Path) -> None:
    table = recorded.read()
    for name, schedule in kernels(spec):
        for target in schedule.configs:
            row = recorded.known(table, target).get(kernel_key(schedule, target))
            assert row is not None, f"{name} was not compiled for {target}: {RECORD} {target} --specs {spec.stem}"
            assert not row["spills"], f"{name} spills {row['spills']} bytes on {target}"
            assert row["shared"] <= DEVICES[target].shared, f"{name} takes {row['shared']} bytes of {target}"


@pytest.mark.parametrize("target", DEVICES)
def test_the_table_says_what_compiling_finds(target: str) -> None:
    pytest.importorskip("triton")
    sample = sorted(kernels(_spec(SAMPLED)), key=lambda each: kernel_key(each[1], target))[:SAMPLES]
    for (_, schedule), use in zip(sample, kernel_use(dict(sample), target), strict=True):
        row = dict(recorded.known(recorded.read(), target)[kernel_key(schedule, target)])
        del row["kernel"]
        assert _row(use) == row


def test_a_changed_kernel_has_another_key() -> None:
    (_, first), *_ = kernels(_spec("nade"))
    keys = {target: kernel_key(first, target) for target in DEVICES}
    own = first.configs["sm_80"]
    changed = dataclasses.replace(
        first, configs=first.configs | {"sm_80": dataclasses.replace(own, warps=own.warps * 2)}
    )
    assert kernel_key(changed, "sm_80") != keys["sm_80"]
    assert kernel_key(changed, "sm_90") == keys["sm_90"]


def test_a_changed_device_function_gives_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = next(each for _, each in kernels(_spec("nade")) if "uniform(" in kernel_source(each))
    before = kernel_key(sample, "sm_90")
    changed = device_functions() | {"unit": "def unit(word): return word"}
    monkeypatch.setattr(recorded, "device_functions", lambda: changed)
    assert kernel_key(sample, "sm_90") != before


def _spec(stem: str) -> Path:
    return next(each for each in SPECS if each.stem == stem)


# -- the recorder ----------------------------------------------------------------------------------------------------


def main(arguments: list[str]) -> None:
    """Compile what the table lacks, some specs at a time, and write it down at once.

    At the end each kernel that does not fit is tried in other tiles, and what fits is written to
    `gencompiler/rows/measured.toml`, which the schedule reads.  It may be stopped at any time and started again, and
    several may run, each on specs of its own; `--prune` drops what no kernel of a shipped spec has any more."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(DEVICES)}; by default all")
    parser.add_argument("--specs", nargs="+", default=[], help="names of specs; by default all")
    parser.add_argument("--prune", action="store_true", help="only drop rows of kernels that are no more")
    parser.add_argument("--look", action="store_true", help="only say what this triton makes of kernels, write nothing")
    chosen = parser.parse_args(arguments)
    specs = [each for each in SPECS if not chosen.specs or each.stem in chosen.specs]
    if chosen.prune:
        prune()
    elif chosen.look:
        look(specs, chosen.targets or DEVICES)
    else:
        fill(specs, chosen.targets or DEVICES)


def look(specs: Sequence[Path], targets: Iterable[str]) -> None:
    """Compile the kernels of specs by whatever triton is installed, and say how many fit."""
    for spec, target in itertools.product(specs, targets):
        uses = kernel_use(dict(kernels(spec)), target)
        for use in uses:
            if use.error or not fits(dataclasses.asdict(use), target):
                print(f"  {use.kernel}: {use.error or f'{use.spills} bytes spilled, {use.shared} shared'}")
        good = sum(not use.error and fits(dataclasses.asdict(use), target) for use in uses)
        print(f"{spec.stem} on {target}: {good} of {len(uses)} kernels fit", flush=True)


def fill(specs: Sequence[Path], targets: Iterable[str]) -> None:
    """Compile what the table lacks, write it down, and find tiles for what does not fit."""
    unfit = []
    for some in batched(specs, TOGETHER):
        found = [each for spec in some for each in kernels(spec)]
        for target in targets:
            own = {
                kernel_key(each, target): Kernel(name, target, each) for name, each in found if target in each.configs
            }
            known = recorded.known(recorded.read(), target)
            missing = [kernel for key, kernel in own.items() if key not in known]
            for batch in batched(missing, AT_ONCE):
                record(batch)
            rows = recorded.known(recorded.read(), target)
            unfit += [kernel for key, kernel in own.items() if not fits(rows[key], target)]
            print(f"{target}: {len(own)} kernels of {some[0].stem} to {some[-1].stem}, {len(missing)} new", flush=True)
    for kernel in unfit:
        measure(kernel)


def batched(items: Sequence[Any], length: int) -> Iterator[Any]:
    return (items[start : start + length] for start in range(0, len(items), length))


@dataclasses.dataclass(frozen=True)
class Kernel:
    """One kernel on one processor."""

    name: str
    target: str
    schedule: Schedule

    @functools.cached_property
    def key(self) -> str:
        """Of its source, its launch options and the compiler of kernels."""
        return kernel_key(self.schedule, self.target)


def fits(row: dict[str, Any], target: str) -> bool:
    """Whether a kernel keeps its numbers in registers, and what it shares within what there is."""
    return not row["spills"] and row["shared"] <= DEVICES[target].shared


def record(missing: Sequence[Kernel]) -> None:
    """Compile kernels for their processor and add them to the table, whatever others have added meanwhile."""
    target = missing[0].target
    uses = kernel_use({kernel.name: kernel.schedule for kernel in missing}, target)
    with _table() as table:
        for kernel, use in zip(missing, uses, strict=True):
            table.setdefault(target, {})[kernel.key] = {**_row(use), "kernel": kernel.name}


def measure(kernel: Kernel) -> None:
    """Find the first tile in which a kernel fits on its processor, and write it down for the schedule."""
    assert kernel.schedule.tiled is not None
    found: tuple[int, ...] = ()
    for config in tiles(kernel.schedule, kernel.target):
        schedule = dataclasses.replace(kernel.schedule, configs={kernel.target: config})
        tried = Kernel(kernel.name, kernel.target, schedule)
        if tried.key not in recorded.known(recorded.read(), kernel.target):
            record([tried])
        if fits(recorded.known(recorded.read(), kernel.target)[tried.key], kernel.target):
            found = dataclasses.astuple(config)
            break
    before = kernel.schedule.configs[kernel.target]
    print(f"{kernel.name} on {kernel.target}, {before}: {found or 'fits in no tile'}", flush=True)
    with _locked():
        rows = tomllib.loads(measured.TABLE.read_text(encoding="utf-8"))
        row = rows.setdefault(program_key(kernel.schedule.tiled.program), {})
        row |= {kernel.target: list(found), "kernel": kernel.name}
        _write(measured.TABLE, [_MEASURED, "", *_lines(rows), ""])


def tiles(schedule: Schedule, target: str) -> Iterator[Config]:
    """What to try, the likeliest first: another number of stages, then of warps, then of rows."""
    own, most = schedule.configs[target], 512 // DEVICES[target].warp
    for rows in (own.rows, own.rows // 2, own.rows // 4):
        for warps in dict.fromkeys((own.warps, most // 4, most // 2, most)):
            for stages in dict.fromkeys((own.stages, 3, 1) if own.stages > 1 else (1,)):
                tried = Config(rows, warps, stages)
                if rows >= (16 if schedule.has_products else 1) and tried != own:
                    yield tried


def prune() -> None:
    """Drop the rows of kernels that no shipped spec has."""
    found = [each for spec in SPECS for each in kernels(spec)]
    alive = {(target, kernel_key(each, target)): name for name, each in found for target in each.configs}
    with _table() as table:
        for target, rows in table.items():
            for key in [key for key in rows if (target, key) not in alive]:
                del rows[key]
            for key, row in rows.items():
                row["kernel"] = alive[target, key]


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
        lines = []
        for target, rows in sorted(table.items()):
            lines += [f"[{target}]", *_lines(rows), ""]
        _write(recorded.TABLE, [_RECORDED, "", *lines])


_MEASURED = "# Tiles that compiling found, by the key of a tile program; see gencompiler/rows/measured.py."
_RECORDED = "# What each kernel of the shipped specs used; see tests/emit/test_shipped_kernels.py."


def _lines(rows: dict[str, dict[str, Any]]) -> list[str]:
    """Rows in the order of their kernels' names, so that two recordings of the same differ in nothing."""
    ordered = sorted(rows.items(), key=lambda item: (item[1].get("kernel", ""), item[0]))
    inside = [", ".join(f"{name} = {json.dumps(value)}" for name, value in row.items()) for _, row in ordered]
    return [f'"{key}" = {{ {each} }}' for (key, _), each in zip(ordered, inside, strict=True)]


def _write(path: Path, lines: list[str]) -> None:
    aside = path.with_suffix(".new")
    aside.write_text("\n".join(lines), encoding="utf-8")
    aside.replace(path)


if __name__ == "__main__":
    main(sys.argv[1:])
