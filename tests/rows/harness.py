"""Run a row program through the torch printer, with random parameters and inputs."""

from __future__ import annotations

import math
from typing import Any

import torch
from gencompiler.emit.signature import signature
from gencompiler.emit.torch import IMPORTS, print_function
from gencompiler.rows.nodes import Program
from torch import Tensor

SEED, STEP = 2**40 + 12345, 3


def compiled(program: Program) -> Any:
    """The torch function of `program`."""
    printed = print_function(program, name="function")
    names: dict[str, Any] = {}
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
        values[use.path] = value.exp() if use.support == "Positive" else value
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
    positional = [*tensors, *(values[path].to(dtype) for path in taken.parameters), *(scalars[s] for s in taken.scalars)]
    words = {"rows": torch.arange(rows), "seed": SEED, "step": STEP, "dtype": dtype}
    return positional, {word: words[word] for word in taken.keywords}


def run_torch(
    program: Program,
    given: dict[str, Tensor],
    values: dict[str, Tensor],
    rows: int,
    dtype: torch.dtype = torch.float64,
    **scalars: int,
) -> list[Tensor]:
    positional, keywords = arguments(program, given, values, rows, dtype, **scalars)
    outputs = compiled(program)(*positional, **keywords)
    return [outputs] if isinstance(outputs, Tensor) else list(outputs)
