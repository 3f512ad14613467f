"""The Triton printer: a scheduled row program as a kernel, the function that packs its parameters, and its launcher.

The launcher is called exactly as the torch printer's function of the same program is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from gencompiler.diagnostics.span import Span
from gencompiler.emit.code import Code, Level, Sequence, Subscript, Text, call, flat, infix, method
from gencompiler.emit.lines import returned, statement
from gencompiler.emit.literals import documentation
from gencompiler.emit.names import Names, suffixes
from gencompiler.emit.packing import Layouts, print_pack
from gencompiler.emit.signature import Signature, signature
from gencompiler.emit.torch import Printed, shape_in_words
from gencompiler.emit.triton_expressions import DEVICE_FUNCTIONS
from gencompiler.emit.triton_statements import Statements, is_staged
from gencompiler.emit.triton_values import Scope, Value
from gencompiler.node import Node, walk
from gencompiler.rows.analysis import draws, loops
from gencompiler.rows.nodes import Column, Input, InputRead, Loop, Mask, Output, ParameterRead, Program, RowType
from gencompiler.rows.schedule import Schedule

#: What the module that holds kernels must import; device functions of `runtime.kernels` are imported by name beside it.
IMPORTS = {
    "math": "import math",
    "torch": "import torch",
    "triton": "import triton",
    "tl": "import triton.language as tl",
    "F": "from torch.nn import functional as F",
    "causal": "from gencompiler.runtime import causal",
    "convolutions": "from gencompiler.runtime import convolutions",
    "norms": "from gencompiler.runtime import norms",
    "quantiles": "from gencompiler.runtime import quantiles",
    "random": "from gencompiler.runtime import random",
    "solving": "from gencompiler.runtime import solving",
    "special": "from gencompiler.runtime import special",
    "tiles": "from gencompiler.runtime import tiles",
}

_INTEGER = RowType(False, (), "integer")


def import_lines(printed: list[Printed], more: tuple[str, ...] = ()) -> list[str]:
    """The import lines for `printed` functions, and those of the runtime in `more`, in the order that ruff keeps."""
    wanted = {name for each in printed for name in each.imports}
    device = sorted(wanted - IMPORTS.keys())
    lines = [line for name, line in IMPORTS.items() if name in wanted and "gencompiler" not in line]
    own = [line for name, line in IMPORTS.items() if name in wanted and "gencompiler" in line]
    if device:
        own.append(f"from gencompiler.runtime.kernels import {', '.join(device)}")
    own = merged([*own, *more])
    plain = [line for line in lines if line.startswith("import ")]
    standard = [line for line in plain if line == IMPORTS["math"]]
    third = [line for line in plain if line not in standard] + [line for line in lines if line not in plain]
    groups = [group for group in (standard, third, own) if group]
    return [line for number, group in enumerate(groups) for line in ([""] if number else []) + group]


def merged(lines: list[str]) -> list[str]:
    """`from … import …` lines, one for each module, sorted."""
    names: dict[str, set[str]] = {}
    for line in lines:
        module, _, listed = line.partition(" import ")
        names.setdefault(module, set()).update(listed.split(", "))
    return [f"{module} import {', '.join(sorted(found))}" for module, found in sorted(names.items())]


def print_kernel(schedule: Schedule, *, name: str | None = None, where: Callable[[Span], str] | None = None) -> Printed:
    """The kernel of a fused schedule, ending with its launcher `name` (the program's by default).

    Raises `ValueError` for a schedule that is not fused."""
    return _Kernel(schedule, name, where).printed()


def kernel_source(schedule: Schedule) -> str:
    """The kernel of a fused schedule alone, without what packs its parameters and launches it."""
    return "\n".join(_Kernel(schedule, "launch").kernel())


def kernel_request(schedule: Schedule, target: str, *, name: str | None = None) -> dict[str, Any]:
    """What compiling the kernel of a schedule ahead of time for `target`, where it is one, needs: its name, argument
    types and launch options."""
    printer, config = _Kernel(schedule, name), schedule.configs[target]
    constants: dict[str, Any] = {"ROWS": config.rows, "PRECISION": "ieee"}
    if printer.staged:
        constants["STAGES"] = config.stages
    return {
        "name": kernel_name(schedule.program, name),
        "signature": printer.argument_types(),
        "constants": constants,
        "warps": config.warps,
        "stages": config.stages,
    }


def kernel_name(program: Program, name: str | None = None) -> str:
    """The name of the kernel that `print_kernel` prints."""
    return f"{(name or program.name).removesuffix('_rows')}_kernel"


class _Kernel:
    """One kernel while it is printed."""

    def __init__(self, schedule: Schedule, name: str | None = None, where: Callable[[Span], str] | None = None) -> None:
        if schedule.tiled is None:
            raise ValueError(f"{schedule.program.name} is no kernel: {schedule.reason}")
        program, tiled, name = schedule.program, schedule.tiled, name or schedule.program.name
        self.program, self.tiled, self.configs, self.name = program, tiled, schedule.configs, name
        self.signature: Signature = signature(program)
        self.random = any(True for _ in draws(program))
        words = (*IMPORTS, *DEVICE_FUNCTIONS, "place", "live", "row", "tile", "count", "seed", "step", "rows")
        self.names = Names((*words, "ROWS", "STAGES", "PRECISION"))
        self.scope = Scope(self.names)
        self.body = Statements(self.scope, where or (lambda span: ""))
        self.staged = any(map(is_staged, loops(tiled.program)))
        self.layouts = Layouts(kernel_name(program, name).removesuffix("_kernel").upper())
        self.parameters: dict[str, str] = {}
        self._bind()

    def printed(self) -> Printed:
        kernel = self.kernel()
        stem = kernel_name(self.program, self.name).removesuffix("_kernel")
        wants: set[str] = set()
        pack = print_pack(f"pack_{stem}", self.parameters, self.tiled.packs, self.layouts, wants)
        launcher = self._launcher(f"pack_{stem}", f"{stem}_kernel")
        parts = [self.layouts.definitions()] if self.layouts.names else []
        parts += [["@tiles.remembered", *pack]] if self.tiled.packs else []
        text = "\n\n\n".join("\n".join(part) for part in (*parts, kernel, launcher)) + "\n"
        used = {name for name in IMPORTS if f"{name}." in text} | (wants & {"math"})
        return Printed(text, frozenset(used | self.scope.wants))

    # -- names -------------------------------------------------------------------------------------------------------

    def _bind(self) -> None:
        for use in self.program.parameters:
            ends = suffixes(use.path)
            others = {e for other in self.program.parameters if other.path != use.path for e in suffixes(other.path)}
            self.parameters[use.path] = self.names.fresh(*(e for e in ends if e not in others), ends[-1])
        for each in self.program.inputs:
            self.scope.input_pointers[each.name] = self.names.fresh(f"{each.name}_ptr")
        for output in self.program.outputs:
            self.scope.output_pointers[output.name] = self.names.fresh(f"{output.name}_out", f"{output.name}_out_ptr")
        for name, packed in self.tiled.packs.items():
            source = packed.source
            stem = self.parameters[source.path] if isinstance(source, ParameterRead) else name
            self.scope.arrays[name] = self.names.fresh(f"{stem}_array")
            self.scope.shapes[name] = packed.shape
            if packed.kind == "permutation" or isinstance(packed.source, Mask):
                self.scope.exact.add(name)
        ports: tuple[Input | Output, ...] = (*self.program.inputs, *self.program.outputs)
        for part in ports:
            self.scope.lengths[part.name] = part.type.shape[0] if part.type.shape else 1
            if isinstance(part, Output) and not part.type.rows:
                self.scope.summed.add(part.name)
            if part.type.kind == "integer":
                self.scope.integers.add(part.name)
        for scalar in self.signature.scalars:
            self.scope.bind(scalar, _INTEGER)
        for word in ("seed", "step"):
            self.scope.values[word] = Value(Text(word), _INTEGER)

    def argument_types(self) -> dict[str, str]:
        """Triton's type of each runtime argument of the kernel, in order."""
        scope = self.scope
        types: dict[str, str] = {}
        for pointers in (scope.input_pointers, scope.output_pointers):
            types |= {p: "*i64" if name in scope.integers else "*fp32" for name, p in pointers.items()}
        for name, packed in self.tiled.packs.items():
            types[scope.arrays[name]] = "*i32" if packed.kind == "places" else "*fp32"
        types |= {"rows_ptr": "*i64", "count": "i32", "seed": "i64", "step": "i32"}
        types |= {flat(scope.values[name].code): "i32" for name in self.signature.scalars}
        return {name: types[name] for name in (*self._pointers(), *self._numbers())}

    # -- the kernel --------------------------------------------------------------------------------------------------

    def _pointers(self) -> list[str]:
        scope = self.scope
        arrays = (*scope.input_pointers.values(), *scope.arrays.values(), *scope.output_pointers.values())
        return [*arrays, *(["rows_ptr"] if self.random else [])]

    def _numbers(self) -> list[str]:
        scalars = [flat(self.scope.values[name].code) for name in self.signature.scalars]
        return ["count", *scalars, *(("seed", "step") if self.random else ())]

    def kernel(self) -> list[str]:
        """The lines of the kernel."""
        constants = ["ROWS", *(["STAGES"] if self.staged else []), "PRECISION"]
        arguments = [*self._pointers(), *self._numbers(), *(f"{name}: tl.constexpr" for name in constants)]
        fixed = ", ".join(f'"{name}"' for name in self._numbers())
        lines = statement("@", call("triton.jit", do_not_specialize=f"[{fixed}]"), 0)
        lines += statement("", call(f"def {kernel_name(self.program, self.name)}", *arguments), 0, ":")
        lines += self._docstring()
        self.body.assign("place", Text("tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)"))
        self.body.assign("live", Text("place < count"))
        if self.scope.summed:
            self.body.assign("tile", Text("tl.program_id(0).to(tl.int64)"))
        if self.random:
            self.body.assign("row", call("tl.load", "rows_ptr + place", mask="live", other="0"))
        for each in self.tiled.program.body:  # an input is loaded where it is first read, and kept no longer than that
            self._load_inputs(each)
            self.body.block((each,))
        for output in self.tiled.program.outputs:
            if output.value is not None:
                self._load_inputs(output)
                self._store(output)
        return [*lines, *self.body.lines]

    def _docstring(self) -> list[str]:
        """What one program keeps and what it loops over, in the words of the spec."""
        title = documentation(f"{self.program.title.rstrip('.') or self.name}.", 4)
        lines = [
            *f'    """{title}'.split("\n"),
            "",
            "    One program owns ROWS rows and keeps all of their state on chip:",
        ]
        for loop in (part for part in walk(self.tiled.program) if isinstance(part, Loop)):
            carried = ", ".join(f"{c.name}{_block(c.next.type)}" for c in loop.carried) or "nothing"
            lines.append(escaped_line(f"    loop over {loop.kind}, carrying {carried}"))
        for name, packed in self.tiled.packs.items():
            lines.append(f"    {self.scope.arrays[name]} {list(packed.shape)}")
        return [*lines, '    """']

    def _load_inputs(self, part: Node) -> None:
        """Inputs that `part` reads as a whole and nothing before it did, zero in the padding."""
        by_column = {id(read.vector) for read in walk(part) if isinstance(read, Column)}
        reads = [e for e in walk(part) if isinstance(e, InputRead) and id(e) not in by_column]
        for each in self.program.inputs:
            whole = [read.type for read in reads if read.name == each.name]
            if not whole or each.name in self.scope.inputs:
                continue
            kind = RowType(True, whole[0].shape, whole[0].kind)
            pointer, length = self.scope.input_pointers[each.name], self.scope.lengths[each.name]
            if kind.shape:
                address, mask = self._tile(pointer, length, kind.shape[0])
                loaded = call("tl.load", address, mask=mask, other="0")
            else:
                loaded = call("tl.load", f"{pointer} + place", mask="live", other="0")
            if each.name in self.scope.integers:
                loaded = method(loaded, "to", "tl.float32")
            target = self.names.fresh(each.name)
            self.scope.inputs[each.name] = Value(Text(target), kind)
            self.body.assign(target, loaded)

    def _tile(self, pointer: str, length: int, width: int) -> tuple[Code, Code]:
        """Addresses and mask of `[ROWS, width]` over an array `[rows, length]`."""
        columns = Subscript(call("tl.arange", "0", str(width)), ("None", ":"))
        start = infix("+", Level.SUM, Text(pointer), Text(f"place[:, None] * {length}"))
        inside = infix("<", Level.COMPARISON, columns, Text(str(length)))
        live: Code = Text("live[:, None]")
        mask = live if length == width else infix("&", Level.BIT_AND, live, inside)
        return infix("+", Level.SUM, start, columns), mask

    def _store(self, output: Output) -> None:
        if output.value is None:
            return
        self.body.comment(output.span)
        value = self.body.expressions.spread(
            self.body.expressions.value(output.value), RowType(True, output.value.type.shape, output.value.type.kind)
        )
        pointer, length = self.scope.output_pointers[output.name], self.scope.lengths[output.name]
        table = self.tiled.tables.get(output.name)
        if not output.value.type.shape:
            address: Code = infix("+", Level.SUM, Text(pointer), Text("place"))
            mask: Code = Text("live")
        elif table is None:
            address, mask = self._tile(pointer, length, output.value.type.shape[0])
        else:
            columns = self.names.fresh("columns")
            self.body.assign(columns, self.body.expressions.code(table))
            address = Text(f"{pointer} + place[:, None] * {length} + {columns}")
            mask = Text(f"live[:, None] & ({columns} >= 0)")
        self.body.evaluate(call("tl.store", address, self.body.as_stored(output.name, value), mask=mask))

    # -- the launcher ------------------------------------------------------------------------------------------------

    def _sizes(self) -> list[str]:
        """`@tiles.sizes(sm_80=(16, 8, 2), …)`: rows, warps and stages on the processors that run the kernel."""
        listed = {target: str(dataclasses.astuple(config)) for target, config in self.configs.items()}
        return statement("@", call("tiles.sizes", **listed), 0)

    def _launcher(self, pack: str, kernel: str) -> list[str]:
        keywords = ["dtype=torch.float32" if word == "dtype" else word for word in self.signature.keywords]
        names = Names(
            (*self.parameters.values(), *self.signature.keywords, "arrays", "count", "device", pack, kernel, self.name)
        )
        inputs = {each.name: names.fresh(each.name) for each in self.program.inputs}
        scalars = [flat(self.scope.values[name].code) for name in self.signature.scalars]
        values = [*inputs.values(), *self.parameters.values(), *scalars, *(["*", *keywords] if keywords else [])]
        lines = [*self._sizes(), "@torch.no_grad()", *statement("", call(f"def {self.name}", *values), 0, ":")]
        lines += _launcher_docstring(self.program, self.name, inputs)
        source = next(iter(inputs.values()), "rows")
        lines += [f"    count, device = len({source}), {source}.device"]
        if self.tiled.packs:
            lines += statement("arrays = ", call(pack, *self.parameters.values(), "device"), 4)
        outputs = {each.name: names.fresh(each.name, f"{each.name}_out") for each in self.program.outputs}
        size, programs = names.fresh("size"), names.fresh("programs")
        lines += [f"    {size} = {self.name}.sizes.on(device)", f"    {programs} = triton.cdiv(count, {size}.rows)"]
        for each in self.program.outputs:
            first = "count" if each.type.rows else programs
            shape = ", ".join([first, *map(str, each.type.shape)])
            kind = "torch.int64" if each.type.kind == "integer" else "torch.float32"
            lines += statement(f"{outputs[each.name]} = ", call("torch.empty", shape, dtype=kind, device="device"), 4)
        given = [_as_given(each, inputs[each.name]) for each in self.program.inputs]
        arguments: list[Code | str] = [
            *given,
            *(["*arrays"] if self.tiled.packs else []),
            *outputs.values(),
            *(["rows"] if self.random else []),
            "count",
            *scalars,
            *(["seed", "step"] if self.random else []),
        ]
        config = {"ROWS": f"{size}.rows", **({"STAGES": f"{size}.stages"} if self.staged else {})}
        config |= {"PRECISION": "tiles.precision()", "num_warps": f"{size}.warps", "num_stages": f"{size}.stages"}
        lines += statement("", call(Subscript(Text(kernel), (f"({programs},)",)), *arguments, **config), 4)
        results = tuple(
            Text(name) if each.type.rows else method(Text(name), "sum", "0")
            for each, name in zip(self.program.outputs, outputs.values(), strict=True)
        )
        return [*lines, *returned(results[0] if len(results) == 1 else Sequence(results), 4)]


def _as_given(each: Input, name: str) -> Code:
    """An input as the kernel reads it: contiguous, float32 or int64."""
    kind = "torch.int64" if each.type.kind == "integer" else "torch.float32"
    return method(method(Text(name), "to", kind), "contiguous")


def _launcher_docstring(program: Program, name: str, inputs: dict[str, str]) -> list[str]:
    reads = ", ".join(f"{inputs[each.name]} {shape_in_words(each)}" for each in program.inputs)
    gives = ", ".join(f"{each.name} {shape_in_words(each)}" for each in program.outputs)
    title = documentation(f"{program.title.rstrip('.') or name}.", 4)
    told = documentation(f"Takes {reads}; returns {gives}." if reads else f"Returns {gives}.", 4)
    return [*f'    """{title}'.split("\n"), "", *f"    {told}".split("\n"), '    """']


def escaped_line(line: str) -> str:
    """A line of a docstring: neither longer than the file's lines nor able to end the docstring."""
    text = line.replace("\\", "").replace('"', "'")
    return text if len(text) <= 120 else text[:117] + "..."


def _block(kind: RowType) -> str:
    return f" [ROWS, {kind.shape[0]}]" if kind.shape else " [ROWS]"
