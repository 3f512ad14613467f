"""Whether a C function gains from torch's products: the bound of a VAE as one C function, as C functions between products
of torch, and in torch alone, at growing widths.

`python -m tests.benchmarks staged`
"""

from __future__ import annotations

import functools
import importlib
import math
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from gencompiler import pipeline
from gencompiler.diagnostics.span import SourceText
from gencompiler.emit.module import ClassPlan
from gencompiler.emit.native import emit_native
from gencompiler.emit.signature import signature
from gencompiler.emit.torch import IMPORTS, print_function
from gencompiler.rows.absorb import absorb
from gencompiler.rows.native import Native, native
from gencompiler.rows.nodes import Dot, Expr, Program
from gencompiler.rows.stages import Split, split
from tests.benchmarks.timing import compare, machine, options, say, threads
from tests.rows import harness

VAE = Path(__file__).parents[2] / "specs" / "approximate" / "vae.gen"
ROWS = 512
WIDTHS = ((64, 100), (784, 64), (784, 100))

#: Elements of a matrix above which torch multiplies with it.
LARGEST = 2000


def taken_apart(program: Program) -> tuple[Split, list[Native]]:
    """The program between its larger products, where a piece pays as a C function."""
    made: list[Native] = []

    def outside(value: Expr) -> str | None:
        wide = isinstance(value, Dot) and value.type.rows and math.prod(value.matrix.type.shape) > LARGEST
        return "a large product" if wide else None

    def worth(piece: Program) -> bool:
        found = native(piece)
        made.extend([found] if found.runs else [])
        return found.runs

    return split(absorb(program), outside, worth), made


def functions(program: Program, folder: Path) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The program as one C function, and as several between products of torch."""
    whole = native(program)
    parts, made = taken_apart(program)
    programs = {"whole": program, **{f"stage_{n}": piece for n, piece in enumerate(parts.pieces, start=1)}}
    plan = ClassPlan("Staged", programs, {name: f"{name}_rows" for name in programs})
    files = emit_native(plan, dict(zip(programs, [whole, *made], strict=True)), {}, "", lambda span: "")
    (folder / "__init__.py").touch()
    for name, text in files.items():
        (folder / name).write_text(text)
    module = importlib.import_module(f"{folder.name}.native")
    called = {n: (f"stage_{n}_rows", signature(piece)) for n, piece in enumerate(parts.pieces, start=1)}
    printed = print_function(parts.driver, name="driver", pieces=called)
    names = {name: getattr(module, name) for name, _ in called.values()}
    exec("\n".join([IMPORTS[name] for name in sorted(printed.imports)] + [printed.text]), names)
    return module.whole_rows, names["driver"]


def measure(size: int, width: int, folder: Path, rounds: int) -> None:
    """The three ways to compute the bound of a VAE with so many pixels and hidden units."""
    source = SourceText(VAE.name, VAE.read_text(encoding="utf-8"))
    done = pipeline.run(source, defines={"D": str(size), "H": str(width)}, until="lower")
    program = done.programs["objective_phase_1"]
    values, weights = harness.inputs(program, ROWS), harness.parameters(program)
    positional, keywords = harness.arguments(program, values, weights, ROWS, torch.float32)
    folder.mkdir()
    whole, staged = (functools.partial(each, *positional, **keywords) for each in functions(program, folder))
    alone = functools.partial(harness.compiled(program), *positional, **keywords)
    for name, other in (("pieces in C", staged), ("torch", alone)):
        torch.testing.assert_close(whole(), other())
        say(compare(f"bound of a VAE, {size} pixels, {width} units", whole, other, rounds, against=name))


def main(arguments: list[str]) -> None:
    """Print how many times as long C functions between torch's products take as one C function, and torch as it."""
    given = options(main.__doc__ or "").parse_args(arguments)
    say(machine())
    with threads(1), tempfile.TemporaryDirectory() as root, torch.no_grad():
        sys.path.insert(0, root)
        for size, width in WIDTHS:
            measure(size, width, Path(root) / f"staged_{size}_{width}", given.rounds)
