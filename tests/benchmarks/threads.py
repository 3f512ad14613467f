"""A training step with several torch threads against one, for small and large models: what `runtime.threads` goes by.

    python -m tests.benchmarks threads              on the machine as it is
    python -m tests.benchmarks threads --busy       with another process that computes all the time

Each line has the parameters times the rows of a batch, and the median time of a step by number of threads.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

import gencompiler
from gencompiler.runtime.modules import Model
from tests.benchmarks.timing import machine, options, say, threads

SPECS = Path(__file__).parents[2] / "specs"
#: Spec, definitions, batches.
CASES: tuple[tuple[str, dict[str, int], tuple[int, ...]], ...] = (
    ("bijections/realnvp.gen", {}, (16, 128, 1024)),
    ("autoregressive/nade.gen", {}, (16, 128, 1024)),
    ("autoregressive/nade.gen", {"D": 784}, (16, 128)),
)


def training_step(model: Model, batch: int) -> Callable[[], None]:
    """One step of Adam on random data, as a function to time."""
    field = model.fields[0]
    _, upper, _, _ = field.support.ends
    x = torch.randint(0, int(upper) + 1, (batch, *field.shape), generator=torch.Generator().manual_seed(0))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-5)

    def step() -> None:
        optimizer.zero_grad()
        model.loss(x, seed=1, step=1).backward()
        optimizer.step()

    return step


def median_time(step: Callable[[], None], seconds: float) -> float:
    """Of at least three calls within `seconds`, after one that does not count."""
    step()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        began = time.perf_counter()
        step()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def spin() -> None:
    """Keep a core busy until stopped."""
    while True:
        pass


@contextlib.contextmanager
def busy(wanted: bool) -> Iterator[None]:
    """Another process computes within, where `wanted`."""
    process = multiprocessing.get_context("spawn").Process(target=spin, daemon=True)
    if wanted:
        process.start()
    try:
        yield
    finally:
        if wanted:
            process.terminate()
            process.join()


def main(arguments: list[str]) -> None:
    """Run the benchmark with command-line arguments."""
    parser = options(__doc__ or "")
    parser.add_argument("--busy", action="store_true", help="with another process that computes all the time")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    chosen = parser.parse_args(arguments)
    say(machine())
    with busy(chosen.busy):
        for spec, defines, batches in CASES:
            model = gencompiler.compile(SPECS / spec, **defines)()
            parameters = sum(each.numel() for each in model.parameters())
            for batch in batches:
                step, times = training_step(model, batch), {}
                for count in chosen.threads:
                    with threads(count):
                        times[count] = median_time(step, chosen.seconds)
                words = ", ".join(f"{count}: {seconds * 1e3:.1f} ms" for count, seconds in times.items())
                say(f"{type(model).__name__:<8} {parameters:>7} x {batch:>4} = {parameters * batch:.1e}   {words}")
