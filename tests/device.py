"""What a GPU says, in one command: every kernel against torch, then times against eager torch, torch.compile and the
floor.

    python -m tests.device --out FOLDER                on a machine with a GPU, about ten minutes
    python -m tests.device --out FOLDER --dry          without one: kernels interpreted, small sizes, one spec

`kernels.jsonl` gets a line for each spec (what is wrong with each kernel, nothing where it agrees), `times.jsonl` one for
each workload as soon as it is measured, and `table.md` the table of both; what was measured stays when time runs out.
Times are medians of interleaved rounds in milliseconds; a ratio is the other's time over that of kernels.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import torch

import gencompiler
from gencompiler import pipeline
from gencompiler.diagnostics.span import SourceText
from gencompiler.rows.cost import floor
from gencompiler.runtime.modules import Model
from gencompiler.runtime.tiles import processor
from gencompiler.testing.strategies import Perturbation
from tests.benchmarks.timing import machine, training_step

ROOT = Path(__file__).parents[1]
SPECS = ROOT / "specs"


@dataclasses.dataclass(frozen=True)
class Workload:
    """`call`: what is timed of a model, given rows; `program`: the row program that it runs, for the floor; `loops`:
    how often a loop of run-time length runs; `training`: whether the call differentiates."""

    label: str
    spec: str
    program: str
    rows: int
    call: Callable[[Model, int], Callable[[], object]]
    defines: tuple[tuple[str, int], ...] = ()
    loops: int = 1
    training: bool = False


def _sampled(model: Model, rows: int) -> Callable[[], object]:
    return lambda: model.sample(rows, seed=1)


def _log_prob(model: Model, rows: int) -> Callable[[], object]:
    x = model.sample(rows, seed=2)
    return lambda: model.log_prob(x)


def _trained(model: Model, rows: int) -> Callable[[], object]:
    x = model.sample(rows, seed=2)
    return training_step(model, lambda: model.loss(x, seed=3))


#: Rounds that do not count: kernels are compiled in the first.
WARM = 3

#: What is timed, the most telling first.
WORKLOADS = (
    Workload("banana: 200 steps of MALA, 4096 chains", "physics/banana", "chain", 4096, _sampled, loops=200),
    Workload("NADE, D = 64, H = 32: sample, 4096 rows", "autoregressive/nade", "sample", 4096, _sampled, (("H", 32),)),
    Workload("MAF: sample, 4096 rows", "bijections/maf", "sample", 4096, _sampled),
    Workload("moons: log_prob, 4096 rows", "bijections/moons", "log_prob", 4096, _log_prob),
    Workload("moons: training step, 4096 rows", "bijections/moons", "log_prob", 4096, _trained, training=True),
    Workload("RealNVP: log_prob, 4096 rows", "bijections/realnvp", "log_prob", 4096, _log_prob),
    Workload("RealNVP: training step, 4096 rows", "bijections/realnvp", "log_prob", 4096, _trained, training=True),
)

#: Those that the interpreter has done in seconds.
DRY = tuple(each for each in WORKLOADS if each.spec == "bijections/moons")


# -- kernels against torch -------------------------------------------------------------------------------------------


def kernels(out: Path, device: str, names: list[str], seconds: float) -> None:
    """Compare the kernels of specs in a process of its own, which may end by itself."""
    specs = [str(each) for each in sorted(SPECS.glob("*/*.gen")) if not names or each.stem in names]
    command = [sys.executable, "-W", "ignore", "-m", "tests.emit.interpreted", *specs]
    environment = {**os.environ, "GENC_TEST_DEVICE": device}
    with (out / "kernels.jsonl").open("w") as found, (out / "kernels.log").open("w") as log:
        try:
            subprocess.run(command, stdout=found, stderr=log, cwd=ROOT, env=environment, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            print("time ran out while kernels were compared", flush=True)


# -- times -----------------------------------------------------------------------------------------------------------


def timed(work: Workload, device: torch.device, dry: bool, rounds: int) -> dict[str, Any]:
    """Medians of a workload by back end, in milliseconds."""
    rows = 8 if dry else work.rows
    source = SPECS / f"{work.spec}.gen"
    model = Perturbation(0.1, 0).apply(gencompiler.compile(source, **dict(work.defines))()).to(device)
    calls = {name: _by(name, work.call(model, rows)) for name in (("triton",) if dry else ("triton", "torch"))}
    if not dry:
        calls["compiled"] = _by("torch", torch.compile(work.call(model, rows)))
    with torch.set_grad_enabled(work.training):
        measured = [
            {name: _milliseconds(call) for name, call in calls.items()} for _ in range((0 if dry else WARM) + rounds)
        ]
    found: dict[str, Any] = {name: statistics.median(each[name] for each in measured[-rounds:]) for name in calls}
    return {"label": work.label, "rows": rows, **found, "floor": _floor(work, source, rows, device)}


def _by(backend: str, call: Callable[[], object]) -> Callable[[], object]:
    def run() -> object:
        with mock.patch.dict(os.environ, {"GENC_BACKEND": backend}):
            return call()

    return run


def _milliseconds(call: Callable[[], object]) -> float:
    """Of one call, the device idle before and after it."""
    _wait()
    began = time.perf_counter()
    call()
    _wait()
    return 1e3 * (time.perf_counter() - began)


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _floor(work: Workload, source: Path, rows: int, device: torch.device) -> float:
    """Milliseconds below which neither memory nor arithmetic of the processor can go; of a training step its backward
    kernels, too."""
    text = SourceText(source.name, source.read_text())
    done = pipeline.run(text, defines=dict(work.defines), until="differentiate")
    target = processor(device) if device.type == "cuda" else "sm_90"
    costs = [done.schedules[work.program].cost]
    if work.training and done.gradients[work.program].ways:
        way = done.gradients[work.program].ways[0]
        costs = [way.saving.cost, way.backward.cost]
    return 1e-6 * rows * work.loops * sum(floor(each, target) for each in costs)


def times(out: Path, device: torch.device, dry: bool, rounds: int, until: float) -> None:
    """Measure workloads while there is time."""
    with (out / "times.jsonl").open("w") as file:
        for work in DRY if dry else WORKLOADS:
            if time.monotonic() > until:
                print(f"no time for {work.label}", flush=True)
                continue
            try:
                found = timed(work, device, dry, rounds)
            except Exception as problem:  # the others are measured too
                found = {"label": work.label, "error": f"{type(problem).__name__}: {problem}"[:400]}
            file.write(json.dumps(found) + "\n")
            file.flush()
            print(found, flush=True)


# -- the table -------------------------------------------------------------------------------------------------------


def table(out: Path) -> str:
    """What was found, in Markdown."""
    compared = dict(map(json.loads, (out / "kernels.jsonl").read_text().splitlines()))
    wrong = {f"{spec} {name}": said for spec, all_ in compared.items() for name, said in all_.items() if said}
    lines = [f"{sum(map(len, compared.values())) - len(wrong)} kernels and gradients of {len(compared)} specs agree."]
    lines += [f"- {name}: {said.strip().splitlines()[-1]}" for name, said in wrong.items()]
    lines += ["", "| what | kernels, ms | eager torch | torch.compile | of the floor |", "|---|---|---|---|---|"]
    return "\n".join([*lines, *_rows(map(json.loads, (out / "times.jsonl").read_text().splitlines())), ""])


def _rows(found: Iterator[dict[str, Any]]) -> Iterator[str]:
    for each in found:
        if "error" in each:
            yield f"| {each['label']} | {each['error']} | | | |"
            continue
        ours = each["triton"]
        ratios = (f"{each[name] / ours:.2f}" if name in each else "" for name in ("torch", "compiled"))
        yield f"| {each['label']} | {ours:.3f} | {' | '.join(ratios)} | {each['floor'] / ours:.1%} |"


def main(arguments: list[str]) -> None:
    """Run all, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="a folder for what is found")
    parser.add_argument("--minutes", type=float, default=9.0, help="for everything")
    parser.add_argument("--rounds", type=int, default=15, help="interleaved rounds per workload")
    parser.add_argument("--specs", nargs="+", default=[], help="whose kernels are compared; by default all")
    parser.add_argument("--dry", action="store_true", help="without a GPU")
    chosen = parser.parse_args(arguments)
    if chosen.dry:
        os.environ["TRITON_INTERPRET"] = "1"
    device = torch.device("cpu" if chosen.dry else "cuda")
    chosen.out.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + 60 * chosen.minutes
    print(machine(), "" if chosen.dry else processor(device), flush=True)
    specs = chosen.specs or (["moons"] if chosen.dry else [])
    kernels(chosen.out, device.type, specs, 60 * chosen.minutes / 2)
    times(chosen.out, device, chosen.dry, 1 if chosen.dry else chosen.rounds, until)
    text = table(chosen.out)
    (chosen.out / "table.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main(sys.argv[1:])
