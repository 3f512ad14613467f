"""The C printer: a row program as a function that computes LANES rows at once, rows innermost.

    void sample_rows(const int64_t *numbers, void *const *pointers)

`numbers` are begin and end of the rows to compute, the count of all rows, the rows of a group, then seed, step and
runtime integers; `pointers` the inputs, the parameters, the shared arrays, the numbers of the rows, and the outputs: as
much of it as the program has.  Where there are shared arrays, `sample_rows_shared` fills them in first, once for all
rows.  What is summed over rows is summed for each group of rows by itself, so that it does not depend on who computes
which.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable

from gencompiler.diagnostics.span import Span
from gencompiler.emit.c_code import laid_out
from gencompiler.emit.c_names import TAKEN
from gencompiler.emit.c_statements import Statements
from gencompiler.emit.c_values import Array, Scope, Slot
from gencompiler.emit.literals import documentation
from gencompiler.emit.names import Names, parameter_wishes
from gencompiler.emit.signature import Signature, signature
from gencompiler.emit.torch import shape_in_words
from gencompiler.node import walk
from gencompiler.rows.analysis import bound_names, draws
from gencompiler.rows.apart import read_singly
from gencompiler.rows.native import Native
from gencompiler.rows.nodes import InputRead, Program, RowType
from gencompiler.rows.uniforms import Shared

_INDEX = RowType(False, (), "integer")


@dataclasses.dataclass(frozen=True)
class PrintedC:
    """`text` of the functions; `shared` the numbers of all shared arrays."""

    text: str
    shared: int


def print_c(
    program: Program, native: Native, *, name: str | None = None, where: Callable[[Span], str] | None = None
) -> PrintedC:
    """The function `name` (the program's by default) of a program that runs as C."""
    if native.settled is None:
        raise ValueError(f"{program.name} is no C function: {native.reason}")
    return _Function(program, native, name or program.name, where or (lambda span: "")).printed()


class _Function:
    """One function while it is printed."""

    def __init__(self, program: Program, native: Native, name: str, where: Callable[[Span], str]) -> None:
        assert native.settled is not None
        self.logical, self.program, self.name, self.where = program, native.settled.program, name, where
        self.shared = native.settled.shared
        self.signature: Signature = signature(program)
        self.random = any(True for _ in draws(program))

    def printed(self) -> PrintedC:
        parts = [self._rows()]
        if self.shared:
            parts.insert(0, self._prologue())
        sizes = sum(math.prod(each.shape) for each in self.shared)
        return PrintedC("\n\n".join("\n".join(part) for part in parts) + "\n", sizes)

    # -- names and arguments -----------------------------------------------------------------------------------------

    def _scope(self) -> tuple[Scope, list[str]]:
        """A scope with the arguments, and the lines that name them."""
        scope = Scope(Names(TAKEN))
        lines: list[str] = []
        place = 0

        def pointer(target: str, kind: str = "const float") -> None:
            nonlocal place
            lines.append(f"{kind} *restrict {target} = pointers[{place}];")
            place += 1

        for port in self.logical.inputs:
            whole = port.type.kind == "integer"
            scope.inputs[port.name] = Slot(scope.names.fresh(port.name), dataclasses.replace(port.type, kind="real"))
            pointer(f"{scope.inputs[port.name].name}_rows", "const int64_t" if whole else "const float")
            if whole:
                scope.integers.add(port.name)
        bound = {*bound_names(self.program.body), *(output.name for output in self.program.outputs)}
        wishes = parameter_wishes([use.path for use in self.logical.parameters], bound)
        for use in self.logical.parameters:
            scope.arrays[use.path] = Array(scope.names.fresh(*wishes[use.path]), use.shape)
            pointer(scope.arrays[use.path].name)
        offset = 0
        if self.shared:
            pointer("shared", "float")
        for each in self.shared:
            scope.arrays[each.name] = Array(scope.names.fresh(each.name), each.shape)
            lines.append(f"float *restrict {scope.arrays[each.name].name} = shared + {offset};")
            offset += math.prod(each.shape)
        if self.random:
            pointer("row_numbers", "const int64_t")
        for output in self.logical.outputs:
            scope.outputs[output.name] = scope.names.fresh(f"{output.name}_out")
            whole = output.type.kind == "integer"
            pointer(scope.outputs[output.name], "int64_t" if whole else "float")
            scope.lengths[output.name] = math.prod(output.type.shape) * output.type.particles
            if not output.type.rows:
                scope.sums.add(output.name)
            if whole:
                scope.integers.add(output.name)
        numbers = ["begin", "end", "count", "group"]
        for word in ("seed", "step") if self.random else ():
            scope.values[word] = Slot(word, _INDEX, "int")
            numbers.append(word)
        for scalar in self.signature.scalars:
            numbers.append(scope.bind(scalar, _INDEX, "int").name if scalar != "step" else "step")
            scope.values.setdefault(scalar, Slot("step", _INDEX, "int"))
        for number, target in enumerate(numbers):
            spelled = "uint64_t" if target == "seed" else "int64_t"
            lines.append(f"const {spelled} {target} = {'(uint64_t)' if target == 'seed' else ''}numbers[{number}];")
        return scope, lines

    # -- the functions -----------------------------------------------------------------------------------------------

    def _rows(self) -> list[str]:
        scope, arguments = self._scope()
        body = Statements(scope, self.where, self.program)
        body.opened("for (int64_t first = begin; first < end; first += LANES)")
        if self.random:
            body.line("ALIGNED uint32_t row[LANES];")
            last = "(first + lane < count ? first + lane : count - 1)"
            body.line(f"for (int lane = 0; lane < LANES; lane++) row[lane] = (uint32_t)row_numbers[{last}];")
        self._load(body)
        outputs = [each for each in self.program.outputs if each.value is not None and each.type.particles == 1]
        body.block(self.program.body, read_singly(*outputs))
        for output in outputs:
            assert output.value is not None
            body.comment(output.span)
            body.store(output.name, body.named(output.value, output.name), scope.lengths[output.name])
        body.closed()
        return [*self._documentation(), *_definition(self.name, arguments, body)]

    def _load(self, body: Statements) -> None:
        read = {part.name for part in walk(self.program) if isinstance(part, InputRead)}
        for port in self.logical.inputs:
            if port.name not in read:
                continue
            slot = body.declare(body.scope.inputs[port.name])
            function = "load_whole" if port.name in body.scope.integers else "load"
            body.line(f"{function}({slot.vector()}, {slot.name}_rows, first, count, {slot.size});")

    def _prologue(self) -> list[str]:
        scope, arguments = self._scope()
        body = Statements(scope, self.where)
        for each in self.shared:
            self._fill(body, each)
        return ["/* What all rows share. */", *_definition(f"{self.name}_shared", arguments, body)]

    def _fill(self, body: Statements, shared: Shared) -> None:
        body.comment(shared.value.span)
        array = body.scope.arrays[shared.name]
        size = math.prod(shared.value.type.shape)
        place = "0"
        for index, count in shared.leads:
            name = body.scope.bind(index, _INDEX, "int").name
            body.opened(f"for (int64_t {name} = 0; {name} < {count}; {name}++)")
            place = name if place == "0" else f"({place} * {count} + {name})"
        if not shared.leads:
            body.opened("")
        target = body.scope.names.fresh("values")
        moved = "" if place == "0" else f" + {place} * {size}"
        body.line(f"float *restrict {target} = {array.name}{moved};")
        flat = RowType(False, shared.value.type.shape or (1,))
        body.fill(Slot(target, flat), body.prepared(shared.value, short=False))
        for _ in shared.leads or (None,):
            body.closed()

    def _documentation(self) -> list[str]:
        title = documentation(f"{self.logical.title.rstrip('.') or self.name}.", 3).replace("*/", "* /")
        reads = ", ".join(f"{each.name} {shape_in_words(each)}" for each in self.logical.inputs)
        gives = ", ".join(f"{each.name} {shape_in_words(each)}" for each in self.logical.outputs)
        told = f"Takes {reads}; returns {gives}." if reads else f"Returns {gives}."
        lines = title.split("\n")
        return ["/* " + lines[0], *lines[1:], "", *laid_out(f"{told.replace('*/', '* /')} */", 3)]


def _definition(name: str, arguments: list[str], body: Statements) -> list[str]:
    """The function around what was printed, with those of the arguments that it mentions."""
    tables = [_table(name, order) for order, name in body.scope.tables.items()]
    head = f"void {name}(const int64_t *numbers, void *const *pointers) {{"
    mentioned = _mentioned(arguments, [*tables, *body.lines])
    return [head, *_indented(mentioned), *_indented(tables), *body.lines, "}"]


def _table(name: str, order: tuple[int, ...]) -> str:
    return f"static const short {name}[] = {{{', '.join(map(str, order))}}};"


def _indented(lines: list[str]) -> list[str]:
    return [piece for line in lines for piece in laid_out(line, 4)]


def _mentioned(arguments: list[str], lines: list[str]) -> list[str]:
    """The arguments that the lines mention, and what these are made of."""
    words = _words("\n".join(lines))
    kept: list[str] = []
    for line in reversed(arguments):
        target, _, made = line.partition(" = ")
        if target.split()[-1].lstrip("*") in words:
            kept.insert(0, line)
            words |= _words(made)
    return kept


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))
