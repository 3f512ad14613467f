"""Run a row program through the torch printer, or its tiles through the literal interpreter, with random values."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gencompiler.emit.signature import signature
from gencompiler.emit.stages import print_schedule
from gencompiler.emit.torch import IMPORTS, print_function
from gencompiler.emit.triton import import_lines
from gencompiler.rows.nodes import Program
from gencompiler.rows.schedule import Schedule
from tests.rows import interpreter

SEED, STEP = 2**40 + 12345, 3


def compiled(program: Program, pieces: Sequence[Program] = ()) -> Any:
    """The torch function of `program`; of a driver, that of the `pieces` that it runs, each by torch."""
    called = {number: (f"stage_{number}", signature(each)) for number, each in enumerate(pieces, start=1)}
    printed = print_function(program, name="function", pieces=called)
    names: dict[str, Any] = {f"stage_{number}": compiled(each) for number, each in enumerate(pieces, start=1)}
    text = "\n".join(IMPORTS[name] for name in sorted(printed.imports)) + "\n" + printed.text
    exec(compile(text, "<printed>", "exec"), names)
    return names["function"]


def parameters(program: Program, seed: int = 0, scale: float = 1.0) -> dict[str, Tensor]:
    """Random float64 parameters in their supports, of the size that initialisation would give."""
    generator = torch.Generator().manual_seed(seed)
    values = {}
    for use in program.parameters:
        value = torch.randn(use.shape, generator=generator, dtype=torch.float64)
        value = value * scale / math.sqrt(use.shape[-1] if len(use.shape) > 1 else 4)
        inside = {"Positive": Tensor.exp, "Simplex": lambda each: each.softmax(-1)}.get(use.support)
        values[use.path] = value if inside is None else inside(value)
    return values


def inputs(program: Program, rows: int, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed + 1)
    values = {}
    for each in program.inputs:
        if each.type.kind == "integer":
            values[each.name] = torch.randint(0, 2, (rows, *each.type.shape), generator=generator)
        else:
            values[each.name] = torch.randn(rows, *each.type.shape, generator=generator, dtype=torch.float64)
    return values


def arguments(
    program: Program, given: dict[str, Tensor], values: dict[str, Tensor], rows: int, dtype: torch.dtype, **scalars: int
) -> tuple[list[Any], dict[str, Any]]:
    """What `emit.signature` says a function of `program` takes."""
    taken = signature(program)
    tensors = [given[name] if given[name].dtype == torch.int64 else given[name].to(dtype) for name in taken.inputs]
    positional = [
        *tensors,
        *(values[path].to(dtype) for path in taken.parameters),
        *(scalars[s] for s in taken.scalars),
    ]
    words = {"rows": torch.arange(rows), "seed": SEED, "step": STEP, "dtype": dtype}
    return positional, {word: words[word] for word in taken.keywords}


def run_torch(
    program: Program,
    given: dict[str, Tensor],
    values: dict[str, Tensor],
    rows: int,
    dtype: torch.dtype = torch.float64,
    pieces: Sequence[Program] = (),
    **scalars: int,
) -> list[Tensor]:
    positional, keywords = arguments(program, given, values, rows, dtype, **scalars)
    outputs = compiled(program, pieces)(*positional, **keywords)
    return [outputs] if isinstance(outputs, Tensor) else list(outputs)


def row_errors(found: Tensor, exact: Tensor) -> Tensor:
    """Of each row the largest error, relative to 1 + size; infinite where only one of the two is a number."""
    x, y = (each.double().reshape(len(exact), -1) for each in (found, exact))
    error = (x - y).abs() / (1 + y.abs())
    return torch.where((x == y) | (x.isnan() & y.isnan()), 0.0, error).nan_to_num(torch.inf).amax(1)


def kernel_module(
    scheduled: Schedule, folder: Path, name: str = "launch", change: tuple[str, str] | None = None
) -> ModuleType:
    """The module of a schedule's kernels, imported from a file as triton needs it; what runs them is `launch`.

    `change` replaces a text in it by another, to see that a wrong kernel is noticed."""
    printed = print_schedule(scheduled, name="launch")
    text = "\n\n\n".join(["\n".join(import_lines(printed)), *(each.text for each in printed)])
    if change is not None:
        assert change[0] in text
        text = text.replace(*change)
    path = folder / f"kernel_{name.replace(' ', '_')}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def packed_arrays(scheduled: Schedule, values: dict[str, Tensor], folder: Path) -> dict[str, Tensor]:
    """The arrays of a kernel, by their names in the tile program, packed by the emitted function."""
    assert scheduled.tiled is not None
    if not scheduled.tiled.packs:
        return {}
    module = kernel_module(scheduled, folder)
    ordered = [values[use.path].double() for use in scheduled.program.parameters]
    return dict(zip(scheduled.tiled.packs, module.pack_launch(*ordered, torch.device("cpu")), strict=True))


def run_tiles(
    scheduled: Schedule, given: dict[str, Tensor], values: dict[str, Tensor], rows: int, folder: Path, **scalars: int
) -> list[Any]:
    """What the tile program computes, by the literal interpreter: layouts and packing without Triton."""
    assert scheduled.tiled is not None
    arrays = packed_arrays(scheduled, values, folder)
    known = {"seed": SEED, "step": STEP, "rows": rows, **scalars}
    found = interpreter.run(scheduled.tiled.program, given, arrays, **known)
    results = []
    for output, result in zip(scheduled.program.outputs, found, strict=True):
        value = result
        if output.type.shape and output.value is not None and result.ndim == 2:
            table = scheduled.tiled.tables.get(output.name)
            if table is None:
                value = result[:, : output.type.shape[0]]
            else:
                places = arrays[table.path].numpy()
                columns = [int(np.flatnonzero(places == element)[0]) for element in range(output.type.shape[0])]
                value = result[:, columns]
        results.append(value)
    return results
