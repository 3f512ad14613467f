"""The torch printer: a row program as one straight-line Python function.

It is the reference that kernels are compared with, the CPU path, and what training differentiates: nothing is
written in place except the preallocated outputs of `StoreColumn` and `StoreSection`.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping

from gencompiler.diagnostics.span import Span
from gencompiler.emit.code import Code, Sequence, Text, as_code, call, flat, method
from gencompiler.emit.lines import returned, statement
from gencompiler.emit.literals import documentation
from gencompiler.emit.names import Names, parameter_wishes
from gencompiler.emit.signature import Signature, signature
from gencompiler.emit.torch_expressions import weighted
from gencompiler.emit.torch_particles import drawn_size
from gencompiler.emit.torch_statements import Statements
from gencompiler.emit.torch_values import Scope, Value
from gencompiler.node import walk
from gencompiler.rows.absorb import absorb
from gencompiler.rows.analysis import bound_names, constant, loops, single_reads
from gencompiler.rows.cost import cost, elements, operations
from gencompiler.rows.hoist import hoist_draws, stepped_draws
from gencompiler.rows.in_place import filled_in_place
from gencompiler.rows.nodes import (
    Convolve,
    Dot,
    Expr,
    ExternalCall,
    Input,
    InputRead,
    Local,
    MatrixFunction,
    Output,
    Program,
    Reduce,
    RowType,
    Run,
)
from gencompiler.rows.prefix import prefix_loop

#: What the module that holds the function must import, by the name that the function uses.
IMPORTS = {
    "math": "import math",
    "torch": "import torch",
    "F": "from torch.nn import functional as F",
    "causal": "from gencompiler.runtime import causal",
    "convolutions": "from gencompiler.runtime import convolutions",
    "norms": "from gencompiler.runtime import norms",
    "random": "from gencompiler.runtime import random",
    "solving": "from gencompiler.runtime import solving",
    "special": "from gencompiler.runtime import special",
    "quantiles": "from gencompiler.runtime import quantiles",
    "tiles": "from gencompiler.runtime import tiles",
}

#: The tiles of `runtime.programs.RowFunction` where it says nothing else.
TILES = (64, 64, 256)

#: Nanoseconds of a number that is computed by itself, and of an operation of a product with a matrix, about.
_ELEMENT, _PRODUCT = 0.5, 0.02

#: Nanoseconds of an operation on a tile that is small, about what torch takes to begin one, and of one that is large.
_SMALL, _LARGE = 5e3, 2e5

#: What may round a row differently where there are other numbers of rows.
_PRODUCTS = (Dot, Convolve, MatrixFunction, ExternalCall)


@dataclasses.dataclass(frozen=True)
class Printed:
    """`text` of one function at column 0, ending with a newline; `imports` are the keys of `IMPORTS` that it needs."""

    text: str
    imports: frozenset[str]


def print_function(
    program: Program,
    *,
    name: str | None = None,
    where: Callable[[Span], str] | None = None,
    pieces: Mapping[int, tuple[str, Signature]] | None = None,
) -> Printed:
    """`def name(*inputs, *parameters, *scalars, *, **keywords)`, to be called as `emit.signature.signature` says.

    `name`: the program's by default.  `where` gives the "file:line" of a span for comments, or "" for none.  `pieces`:
    of a driver, the functions that it runs, by number, and how they are called.
    """
    function = _Function(hoist_draws(absorb(program)), name or program.name, where or (lambda span: ""))
    function.scope.pieces = pieces or {}
    return function.printed()


def row_width(program: Program) -> int:
    """The elements of a row's widest value in the program's torch function; 0 if it multiplies matrices.

    A matrix product rounds differently for other numbers of rows, and a loop in chunks makes its chunks by that number.
    Every other operation does the same to a row whatever others there are, as far as `runtime.sampling.tiles` says."""
    printed = hoist_draws(absorb(program))
    parts = list(walk(printed))
    if any(isinstance(part, _PRODUCTS) or (isinstance(part, Reduce) and weighted(part)) for part in parts):
        return 0
    if any(prefix_loop(loop) is not None for loop in loops(printed)):
        return 0
    typed = [part.type for part in parts if isinstance(part, Expr | Input | Output)]
    return max((math.prod(each.shape) * each.particles for each in typed if each.rows), default=1)


def row_tiles(program: Program) -> tuple[int, int, int]:
    """The first, the second and the longest tile of rows that a program is run for at once.

    A sampler with many small operations (place after place, step after step) takes as long for one row as for hundreds,
    because torch takes some microseconds to begin each; one with large ones takes no more rows than are asked for.  The
    longest tile has values that stay in a core's cache: RealNVP in 64 dimensions computes 8192 densities in 44 ms by
    1024, in 64 ms all at once and in 85 ms by 256."""
    printed = hoist_draws(absorb(program))
    if any(isinstance(part, ExternalCall) for part in walk(printed)):
        return TILES
    singly = elements(printed)
    time = (_ELEMENT * singly + _PRODUCT * max(0, cost(printed).flops - singly)) / operations(printed)
    first = next((rows for rows in (512, 256, 128) if rows * time <= _SMALL), TILES[0])
    second = 512 - first if first < 512 and 512 * time <= 12 * _SMALL else first
    return first, second, 1024 if 1024 * time <= _LARGE else TILES[2]


class _Function:
    """One function while it is printed."""

    def __init__(self, program: Program, name: str, where: Callable[[Span], str]) -> None:
        self.program, self.name = program, name
        self.signature = signature(program)
        self.names = Names((*IMPORTS, *self.signature.keywords, "dtype", "device"))
        self.scope = Scope(self.names)
        self.body = Statements(self.scope, where)
        for each in program.inputs:
            self.scope.inputs[each.name] = Value(Text(self.names.fresh(each.name)), each.type)
        self.scope.rows_of = self._spelled(program.inputs[0]) if program.inputs else "rows"
        bound = {*bound_names(program.body), *(output.name for output in program.outputs)}
        wishes = parameter_wishes([use.path for use in program.parameters], bound)
        for use in program.parameters:
            self.scope.parameters[use.path] = self.names.fresh(*wishes[use.path])
        for module in self.signature.modules:
            self.scope.modules[module] = self.names.fresh(module)
        for scalar in self.signature.scalars:
            self.scope.bind(scalar, RowType(False, (), "integer"), host=True)
        for word in ("seed", "step"):
            self.scope.values[word] = Value(Text(word), RowType(False, (), "integer"), host=True)
        for stream, draw in stepped_draws(program).items():
            self.scope.draws[stream] = (self.names.fresh(f"{draw.kind}s_{stream}"), draw)
        self.scope.single_reads = single_reads(program)
        self.scope.own = filled_in_place(program)

    def printed(self) -> Printed:
        for output in self.program.outputs:
            if output.value is None:
                self._preallocate(output)
        self.body.block(self.program.body)
        self._outputs()
        lines = [*self._signature(), *self._docstring(), *_joined(self._preamble(), self.body.lines)]
        text = "\n".join(lines) + "\n"
        used = self.scope.wants | {n for n in IMPORTS if n != "math" and re.search(rf"\b{n}\.", text)}
        return Printed(text, frozenset(used & IMPORTS.keys()))

    def _spelled(self, each: Input) -> str:
        return flat(self.scope.inputs[each.name].code)

    # -- before the body ---------------------------------------------------------------------------------------------

    def _signature(self) -> list[str]:
        keywords = ["dtype=torch.float32" if word == "dtype" else word for word in self.signature.keywords]
        scalars = [flat(self.scope.values[name].code) for name in self.signature.scalars]
        given = [*self.scope.parameters.values(), *self.scope.modules.values()]
        values = [*map(self._spelled, self.program.inputs), *given, *scalars]
        return statement("", call(f"def {self.name}", *values, *(["*", *keywords] if keywords else [])), 0, ":")

    def _docstring(self) -> list[str]:
        reads = ", ".join(f"{self._spelled(each)} {shape_in_words(each)}" for each in self.program.inputs)
        gives = ", ".join(f"{each.name} {shape_in_words(each)}" for each in self.program.outputs)
        title = documentation(f"{self.program.title.rstrip('.') or self.name}.", 4)
        told = documentation(f"Takes {reads}; returns {gives}." if reads else f"Returns {gives}.", 4)
        return [*f'    """{title}'.split("\n"), "", *f"    {told}".split("\n"), '    """']

    def _preamble(self) -> list[str]:
        """The dtype and device, casts of discrete inputs, constant vectors and streams of draws."""
        lines: list[str] = []

        def assign(target: str, code: Code) -> None:
            lines.extend(statement(f"{target} = ", code, 4))

        handed = {id(part) for run in walk(self.program) if isinstance(run, Run) for part in run.arguments}
        reads = (part for part in walk(self.program) if isinstance(part, InputRead) and id(part) not in handed)
        read = {part.name for part in reads}
        counted = [each for each in self.program.inputs if each.type.kind == "integer" and each.name in read]
        discrete = [self._spelled(each) for each in counted]
        real = [self._spelled(each) for each in self.program.inputs if each.type.kind == "real"]
        if ("dtype" in self.scope.wants or discrete or self.scope.draws) and "dtype" not in self.signature.keywords:
            assign("dtype", as_code(f"{[*real, *self.scope.parameters.values()][0]}.dtype"))
        if "device" in self.scope.wants:
            assign("device", as_code(f"{self.scope.rows_of}.device"))
        for name in discrete:
            assign(name, method(as_code(name), "to", "dtype"))
        for length, name in self.scope.iotas.items():
            assign(name, call("torch.arange", str(length), device="device"))
        for name, starts in self.scope.starts.values():
            assign(name, starts)
        for count, name in self.scope.particles.items():
            numbers = call("torch.arange", str(count), dtype="dtype", device="device")
            assign(name, method(numbers, "repeat", self.scope.count()))
        for stream, (name, draw) in self.scope.draws.items():
            size = drawn_size(draw)
            dim = {"dim": str(constant(draw.dim))} if draw.dim is not None and constant(draw.dim) else {}
            assign(
                name, call("random.Draws", f'"{draw.kind}"', "seed", "rows", str(stream), *size, **dim, dtype="dtype")
            )
        return lines

    # -- outputs -----------------------------------------------------------------------------------------------------

    def _preallocate(self, output: Output) -> None:
        target = self.names.fresh(output.name, f"{output.name}_out")
        self.scope.stored[output.name] = target
        options = {"dtype": self.scope.want("dtype"), "device": self.scope.want("device")}
        size: tuple[Code, ...] = tuple(Text(str(n)) for n in output.type.shape)
        if output.type.rows:
            size = (self.scope.count(output.type.particles), *size)
        else:
            self.scope.summed.add(output.name)
        self.body.assign(target, call("torch.empty", *size, **options))

    def _outputs(self) -> None:
        results: list[Code] = []
        for output in self.program.outputs:
            if output.value is None:
                code: Code = Text(self.scope.stored[output.name])
            else:
                if not isinstance(output.value, Local):
                    self.body.comment(output.span)
                value = self.body.expressions.value(output.value)
                code = self.body.expressions.spread(value, output.type)
            results.append(method(code, "to", "torch.int64") if output.type.kind == "integer" else code)
        self.body.lines += returned(results[0] if len(results) == 1 else Sequence(tuple(results)), 4)


def _joined(preamble: list[str], body: list[str]) -> list[str]:
    """Both, without a name for what is returned at once: `x = x.to(dtype)`, `return x`."""
    *before, last = preamble or [""]
    name, _, value = last.strip().partition(" = ")
    *comments, end = body
    if value and end == f"    return {name}" and all(line.lstrip().startswith("#") for line in comments):
        return [*before, *comments, f"    return {value}"]
    return [*preamble, *body]


def shape_in_words(each: Input | Output) -> str:
    """`[rows, 64] integer`, `[64] summed over rows`, or `[64]` of what rows share"""
    if not each.type.rows:
        shared = isinstance(each, Output) and each.value is not None
        return f"{list(each.type.shape)}{'' if shared else ' summed over rows'}"
    rows = "rows" if each.type.particles == 1 else f"rows * {each.type.particles}"
    axes = ", ".join([rows, *map(str, each.type.shape)])
    return f"[{axes}]" if each.type.kind == "real" else f"[{axes}] {each.type.kind}"
