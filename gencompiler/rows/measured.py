"""What compiling has shown where the schedule's estimate of live numbers is too low: which tile does not spill.

`python -m tests.emit.test_shipped_kernels` compiles the kernels of the shipped specs for every processor of the
catalogue, and where one runs out of registers or of shared memory tries other tiles and writes down in `measured.toml`
which one fits there, or that none does.  The key is the program of the kernel, whatever its name: the same mathematics
in another spec is the same kernel.
"""

from __future__ import annotations

import dataclasses
import hashlib
import tomllib
from pathlib import Path

from gencompiler.rows.nodes import Program
from gencompiler.rows.print import text

TABLE = Path(__file__).with_name("measured.toml")


def read() -> dict[str, dict[str, tuple[int, int, int] | None]]:
    """The table: rows, warps and stages by the key of a tile program and by processor, in the processor's own warps;
    None, there an empty list, where every tile spills."""
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {
        key: {target: tuple(tile) or None for target, tile in row.items() if target != "kernel"}
        for key, row in rows.items()
    }


MEASURED = read()


def program_key(program: Program) -> str:
    """The hash of a tile program without its name and title."""
    anonymous = dataclasses.replace(program, name="kernel", title="")
    return hashlib.sha256(text(anonymous).encode()).hexdigest()[:16]
