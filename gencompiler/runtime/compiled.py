"""C functions of packages: compiled when they are first called for, and called like the torch functions.

A package has them in `native.c`, printed from the same row programs; `runtime/lanes.h` has what they share.  Rows are
computed independently of each other, so they are split among as many threads as torch has.
"""

from __future__ import annotations

import ctypes
import dataclasses
import functools
import itertools
import logging
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gencompiler.runtime import native

HEADER = Path(__file__).with_name("lanes.h")

#: Vectors without what takes a compiler long; then what keeps loops over lanes free of branches and calls, so that they
#: become vector instructions.  No value depends on any of them.
FLAGS = (
    *("-O2", "-ftree-vectorize", "-fvect-cost-model=dynamic"),
    *("-fno-math-errno", "-fno-trapping-math", "-fno-thread-jumps", "-fno-tree-pre", "-fno-code-hoisting"),
)

#: Nanoseconds of work from which on another thread is worth starting.
WORTH_A_THREAD = 2e5

#: Groups of rows, each of which is summed by itself: rows of one at least, and how many there are at most.
LEAST_GROUP, MOST_GROUPS = 64, 16

_LOG = logging.getLogger("gencompiler")


@dataclasses.dataclass(frozen=True)
class Port:
    """An input or an output: its numbers in a row, and whether they are whole; `summed`: an output that is summed over
    rows; `particles`: how many of a row have such numbers."""

    shape: tuple[int, ...] = ()
    whole: bool = False
    summed: bool = False
    particles: int = 1

    def made(self, rows: int, groups: int) -> Tensor:
        """Where the numbers of an output go."""
        if self.summed:
            return torch.zeros(groups, *self.shape, dtype=torch.float32, device="cpu")
        return torch.empty(
            rows * self.particles, *self.shape, dtype=(torch.float32, torch.int64)[self.whole], device="cpu"
        )


@dataclasses.dataclass(frozen=True)
class CFunction:
    """A row function in C: `function(*inputs, *parameters, *scalars, **keywords)`, as the torch function of its name.

    `file` is that of the package's module `native`, beside which `native.c` is; `parameters` how many it takes;
    `random`: whether it draws; `lanes`: the rows that it computes together; `shared`: how many numbers all rows share;
    `work`: nanoseconds of a row, about, where a loop of run-time length runs once."""

    file: str
    name: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    lanes: int
    parameters: int = 0
    scalars: tuple[str, ...] = ()
    random: bool = False
    shared: int = 0
    work: float = 0.0

    @property
    def is_ready(self) -> bool:
        """Whether it can be called: it is compiled now unless it was before."""
        return _loaded(self.file, self.name) is not None

    def __call__(self, *arguments: Any, **keywords: Any) -> Tensor | tuple[Tensor, ...]:
        given, rest = arguments[: len(self.inputs)], arguments[len(self.inputs) :]
        inputs = [_contiguous(each, port.whole) for each, port in zip(given, self.inputs, strict=True)]
        parameters = [_contiguous(each, False) for each in rest[: self.parameters]]
        scalars = [int(each) for each in rest[self.parameters :]]
        rows = _contiguous(keywords["rows"], True) if "rows" in keywords else None
        count = len(inputs[0]) if inputs else len(keywords["rows"])
        group = self._group(count)
        outputs = [port.made(count, -(-count // group)) for port in self.outputs]
        shared = [torch.empty(self.shared, dtype=torch.float32, device="cpu")] if self.shared else []
        drawn = [rows] if self.random and rows is not None else []
        tensors = (*inputs, *parameters, *shared, *drawn, *outputs)
        numbers = [count, group, *([keywords["seed"], keywords["step"]] if self.random else []), *scalars]
        if count:
            self._run(tensors, numbers, self._repeated(scalars))
        results = [each.sum(0) if port.summed else each for each, port in zip(outputs, self.outputs, strict=True)]
        return results[0] if len(results) == 1 else tuple(results)

    def _group(self, count: int) -> int:
        """The rows that are summed together: a number that depends on how many there are, and not on the threads."""
        if not any(port.summed for port in self.outputs):
            return self.lanes
        least = max(LEAST_GROUP, -(-count // MOST_GROUPS))
        return -(-least // self.lanes) * self.lanes

    def _repeated(self, scalars: Sequence[int]) -> int:
        """How often the body of a loop of run-time length runs."""
        return max(1, dict(zip(self.scalars, scalars, strict=True)).get("steps", 1))

    def _run(self, tensors: Sequence[Tensor], numbers: list[int], repeated: int) -> None:
        found = _loaded(self.file, self.name)
        assert found is not None
        function, prologue = found
        pointers = (ctypes.c_void_p * len(tensors))(*(each.data_ptr() for each in tensors))
        words = ctypes.c_int64 * (len(numbers) + 2)  # which take a seed as it is: ctypes does not mind its sign
        count, group = numbers[:2]
        if prologue is not None:
            prologue(words(0, count, *numbers), pointers)
        groups = -(-count // group)
        parts = min(torch.get_num_threads(), groups, max(1, int(self.work * repeated * count / WORTH_A_THREAD)))
        ends = [min(count, groups * part // parts * group) for part in range(parts + 1)]
        calls = [words(begin, end, *numbers) for begin, end in itertools.pairwise(ends)]
        others = [threading.Thread(target=function, args=(each, pointers)) for each in calls[1:]]
        for each in others:
            each.start()
        function(calls[0], pointers)
        for each in others:
            each.join()


@functools.cache
def _loaded(file: str, name: str) -> tuple[Any, Any] | None:
    """The compiled function and what fills in its shared arrays; None where it cannot be compiled."""
    command = native.compiler()
    if command is None:
        return None
    source = Path(file).with_name("native.c")
    try:
        library = native.loaded(command, source, define=name.upper(), headers=(HEADER,), more=FLAGS)
        function = getattr(library, name)
    except (OSError, AttributeError, subprocess.SubprocessError) as problem:
        _LOG.warning("torch runs %s, which %s did not compile: %s", name, command, _said(problem))
        return None
    return function, getattr(library, f"{name}_shared", None)


def _said(problem: Exception) -> str:
    """The compiler's first error, or what else went wrong, on one line."""
    told = getattr(problem, "stderr", None)
    lines = told.decode(errors="replace").splitlines() if isinstance(told, bytes) else str(problem).splitlines()
    return next((line for line in lines if "error" in line), lines[0] if lines else type(problem).__name__)


def _contiguous(value: Tensor, whole: bool) -> Tensor:
    kind = torch.int64 if whole else torch.float32
    value = value if value.dtype is kind else value.to(kind)
    return value if value.is_contiguous() else value.contiguous()
