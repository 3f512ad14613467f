"""What kernels of the shipped specs were found to use, by what the compiler of kernels was given.

`recorded.toml` is written by `python -m tests.emit.test_shipped_kernels`; the key of a kernel changes with its source,
with the device functions that it calls, with its tile on the processor and with the version of triton, and with nothing
else.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import re
import tomllib
from pathlib import Path
from typing import Any

from gencompiler.catalog.devices import DEVICES
from gencompiler.emit.triton import kernel_source
from gencompiler.rows.schedule import Schedule

TABLE = Path(__file__).with_name("recorded.toml")
_DEVICE_FUNCTIONS = Path(__file__).parents[1] / "runtime" / "kernels.py"


def read() -> dict[str, dict[str, dict[str, Any]]]:
    """The whole table: registers, stack, spills and shared memory by target and key."""
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


def recorded(schedule: Schedule, target: str) -> dict[str, int] | None:
    """What the kernel of a schedule uses on `target`, where it is one; None where that is not known."""
    row = known(_table(), target).get(kernel_key(schedule, target))
    return None if row is None else {name: row[name] for name in ("registers", "stack", "spills", "shared")}


def known(table: dict[str, dict[str, dict[str, Any]]], target: str) -> dict[str, dict[str, Any]]:
    """The rows of a processor by key, and those of the one that it is like."""
    return {**table.get(DEVICES[target].like, {}), **table.get(target, {})}


@functools.cache
def _table() -> dict[str, dict[str, dict[str, Any]]]:
    return read()


def kernel_key(schedule: Schedule, target: str) -> str:
    """Of what the compiler of kernels is given: the kernel, the device functions it calls, its tile there, triton."""
    source = kernel_source(schedule)
    options = f"{_triton()} {schedule.configs[target]}"
    return hashlib.sha256("\n".join([options, source, *called(source)]).encode()).hexdigest()[:16]


def called(source: str) -> list[str]:
    """The device functions that a kernel calls, those that they call or hand on included, in the order of
    `runtime.kernels`."""
    functions = device_functions()
    found: set[str] = set()
    pending = {word for word in re.findall(r"\b\w+(?=\()", source) if word in functions}
    while pending:
        found |= pending
        named = {
            part.id for name in pending for part in ast.walk(ast.parse(functions[name])) if isinstance(part, ast.Name)
        }
        pending = (named & functions.keys()) - found
    return [text for name, text in functions.items() if name in found]


@functools.cache
def device_functions() -> dict[str, str]:
    """The functions of `runtime.kernels`, without their comments."""
    parsed = ast.parse(_DEVICE_FUNCTIONS.read_text(encoding="utf-8"))
    return {part.name: ast.unparse(part) for part in parsed.body if isinstance(part, ast.FunctionDef)}


def _triton() -> str:
    try:
        return importlib.metadata.version("triton")
    except importlib.metadata.PackageNotFoundError:
        return "no triton"
