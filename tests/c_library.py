"""C functions of tests: the compiler, and many functions in one library, which takes it a fraction of the time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from gencompiler.emit.c import PrintedC
from gencompiler.emit.code import flat
from gencompiler.emit.native import INCLUDE, c_function
from gencompiler.rows.native import Native
from gencompiler.rows.nodes import Program
from gencompiler.runtime import compiled, native

#: A program that runs as C, and its functions.
Printed = tuple[Program, Native, PrintedC]

_LOADED: dict[tuple[str, str], tuple[Any, Any]] = {}


def compiler() -> str:
    """The C compiler; a test that needs one is skipped where there is none, and torch computes everything."""
    command = native.compiler()
    if command is None:
        pytest.skip("no C compiler")
    return command


def functions(source: Path, printed: Mapping[str, Printed], flags: Sequence[str]) -> dict[str, compiled.CFunction]:
    """Functions by their names in C; those with as many lanes are compiled together, from a file named after `source`."""
    by_lanes: dict[int, dict[str, Printed]] = {}
    for name, each in printed.items():
        by_lanes.setdefault(each[1].lanes, {})[name] = each
    made = {}
    for lanes, together in by_lanes.items():
        made |= _together(source.with_stem(f"{source.stem}_{lanes}"), lanes, together, flags)
    return made


def _together(
    source: Path, lanes: int, printed: Mapping[str, Printed], flags: Sequence[str]
) -> dict[str, compiled.CFunction]:
    whole = "\n".join(text.text for _, _, text in printed.values())
    source.write_text(f"#define LANES {lanes}\n{INCLUDE}\n{whole}")
    library = native.loaded(compiler(), source, headers=(compiled.HEADER,), more=flags)
    names = {"CFunction": compiled.CFunction, "Port": compiled.Port, "__file__": str(source)}
    made = {}
    for name, (program, given, text) in printed.items():
        made[name] = eval(flat(c_function(program, name, given, text)), names)
        _LOADED[str(source), name] = getattr(library, name), getattr(library, f"{name}_shared", None)
    return made


def used(patch: pytest.MonkeyPatch) -> None:
    """What is called comes from these libraries; nothing is compiled function by function."""
    patch.setattr(compiled, "_loaded", lambda file, name: _LOADED[file, name])
