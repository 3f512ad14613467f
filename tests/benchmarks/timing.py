"""Timing two programs against each other: interleaved in one process, so that both meet the same machine.

Absolute times move with the load of a machine; a ratio of neighbours moves far less.  So every round times both, in
alternating order, and what is reported is the median of the rounds' ratios with its quartiles.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import statistics
import sys
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn


@dataclasses.dataclass(frozen=True)
class Comparison:
    """`ratio` is the peer's time over ours: above 1, ours is faster; `low` and `high` are its quartiles.  Times are
    medians in seconds.  `against` names the peer; `goal` is the ratio that the project set itself, 0 for none."""

    label: str
    ours: float
    peer: float
    ratio: float
    low: float
    high: float
    against: str = "plain torch"
    goal: float = 0.0
    threads: int = 1

    @property
    def is_stable(self) -> bool:
        """Whether half of the rounds lie within a quarter of the median."""
        return self.high - self.low <= 0.5 * self.ratio

    def __str__(self) -> str:
        return (
            f"{self.label:<40} ours {self.ours * 1e3:9.3f} ms   {self.against:<12} {self.peer * 1e3:9.3f} ms   "
            f"ratio {self.ratio:6.2f}  ({self.low:.2f} to {self.high:.2f})"
        )


#: What has been measured by this process, in order; `tests.benchmarks all` makes a table of it.
MEASURED: list[Comparison] = []


def compare(
    label: str,
    ours: Callable[[], object],
    peer: Callable[[], object],
    rounds: int = 15,
    *,
    against: str = "plain torch",
    goal: float = 0.0,
) -> Comparison:
    """Time `ours` and `peer` in `rounds` rounds, each repeated so that a measurement takes 20 ms at least."""
    repeats = max(_repeats(ours), _repeats(peer))
    times: list[tuple[float, float]] = []
    for number in range(rounds):
        if number % 2:
            theirs = _time(peer, repeats)
            times.append((_time(ours, repeats), theirs))
        else:
            times.append((_time(ours, repeats), _time(peer, repeats)))
    ratios = [theirs / our for our, theirs in times]
    low, middle, high = statistics.quantiles(ratios, n=4)
    own, theirs = (statistics.median(each) for each in zip(*times, strict=True))
    MEASURED.append(Comparison(label, own, theirs, middle, low, high, against, goal, torch.get_num_threads()))
    return MEASURED[-1]


def _time(function: Callable[[], object], repeats: int) -> float:
    """Seconds of a call: with one thread on a CPU those that the process computed, which others on the machine change
    least (of all its threads: XLA has its own); else those on the wall."""
    alone = torch.get_num_threads() == 1 and not torch.cuda.is_available()
    clock = time.process_time if alone else time.perf_counter
    began = clock()
    for _ in range(repeats):
        function()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return (clock() - began) / repeats


def _repeats(function: Callable[[], object]) -> int:
    function()
    return max(1, int(0.02 / max(_time(function, 1), 1e-9)))


def training_step(module: nn.Module, loss: Callable[[], Tensor]) -> Callable[[], None]:
    """A step of Adam that changes next to nothing."""
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-7)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()

    return step


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Torch computes with `count` threads within."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def options(description: str) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="torch threads to measure with")
    parser.add_argument("--rounds", type=int, default=15, help="interleaved rounds per measurement")
    return parser


def say(line: object = "") -> None:
    """One line of the log, seen at once also when the output is a file."""
    print(line, flush=True)


def machine() -> str:
    """What the numbers were measured on, in a line."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    return f"torch {torch.__version__}, Python {sys.version.split()[0]}, {device}"
