"""The backward passes in `backward.py` and in `native.py`: their kernels or C functions, and the table that says how
they make gradients."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Generic

from gencompiler.diagnostics.span import Span
from gencompiler.emit.code import Code, Sequence, Text, call
from gencompiler.emit.lines import statement
from gencompiler.emit.literals import string
from gencompiler.emit.parameter_lists import ParameterLists, parameter_lists, strings
from gencompiler.emit.signature import signature
from gencompiler.emit.stages import Pieces, print_schedule
from gencompiler.emit.torch import Printed, print_function
from gencompiler.rows.contributions import Contribution, Place
from gencompiler.rows.differentiate import Made, Way
from gencompiler.rows.nodes import Program
from gencompiler.rows.prepared import Prepared
from gencompiler.rows.schedule import Schedule

#: What the table needs.
IMPORTS = ("from gencompiler.runtime import gradients", "from gencompiler.runtime.programs import RowFunction")


def way_names(function: str, number: int) -> tuple[str, str]:
    """The launchers of the `number`-th way to differentiate the row function `function`: saving and backward."""
    stem = function.removesuffix("_rows")
    kind = "" if number == 0 else "_saved"
    return f"{stem}_saving{kind}_rows", f"{stem}_backward{kind}_rows"


def prepared_name(function: str, number: int) -> str:
    """The function of the matrices that the `number`-th way to differentiate `function` computes of parameters."""
    return f"{function.removesuffix('_rows')}_prepared{'' if number == 0 else '_saved'}"


def print_prepared(functions: Mapping[str, str], found: Ways[Made], where: Callable[[Span], str]) -> list[Printed]:
    """The functions of such matrices."""
    return [
        print_function(way.adjoint.prepared.program, name=prepared_name(functions[program], number), where=where)
        for program, ways in found.items()
        for number, way in enumerate(ways)
        if way.adjoint.prepared is not None
    ]


#: The ways to differentiate programs, by the program's name.
Ways = Mapping[str, tuple[Way[Made], ...]]


@dataclasses.dataclass(frozen=True)
class Pass(Generic[Made]):
    """One of the two programs of a way: the name of its function, and what that is printed from."""

    name: str
    program: Program
    made: Made


def passes(functions: Mapping[str, str], found: Ways[Made], at_hand: Collection[str]) -> list[Pass[Made]]:
    """The programs of all ways; `functions` are the names of the functions that are differentiated, by program.

    Where nothing is saved, the function of the program itself serves if it is `at_hand`."""
    result: list[Pass[Made]] = []
    for program, ways in found.items():
        for number, way in enumerate(ways):
            saving, backward = way_names(functions[program], number)
            if not _serves(program, way, at_hand):
                result.append(Pass(saving, way.adjoint.saving, way.saving))
            result.append(Pass(backward, way.adjoint.backward, way.backward))
    return result


def _serves(program: str, way: Way[Made], at_hand: Collection[str]) -> bool:
    return not way.adjoint.saves and program in at_hand


def borrowed(functions: Mapping[str, str], found: Ways[Made]) -> list[str]:
    """The functions of programs that save nothing for their backward passes."""
    return sorted(functions[program] for program, ways in found.items() if any(not w.adjoint.saves for w in ways))


def print_gradient_kernels(
    functions: Mapping[str, str], found: Ways[Schedule], where: Callable[[Span], str]
) -> list[Printed]:
    """The kernels of all backward passes."""
    pieces: Pieces = {}
    printed = [
        print_schedule(each.made, name=each.name, where=where, known=pieces) for each in passes(functions, found, found)
    ]
    return [kernel for each in printed for kernel in each]


def gradient_table(
    functions: Mapping[str, str], programs: Mapping[str, Program], found: Ways[Made], at_hand: Collection[str]
) -> list[str]:
    """`GRADIENTS = {"log_prob_rows": gradients.Gradient(…)}`, with lists of parameters that repeat as constants."""
    differentiated: list[Pass[Made]] = passes(functions, found, at_hand)
    used = [*(programs[name] for name in found), *(each.program for each in differentiated)]
    taken = ("gradients", "RowFunction", "CFunction", "Port", *functions.values(), *(e.name for e in differentiated))
    shared = parameter_lists([signature(each).parameters for each in used], set(), taken)
    lines: list[str] = []
    for program, found_ways in found.items():
        called = signature(programs[program])
        ways = tuple(
            _way(functions[program], number, way, shared, serves=_serves(program, way, at_hand))
            for number, way in enumerate(found_ways)
        )
        listed = {"inputs": strings(called.inputs), "parameters": shared.code(called.parameters)}
        entry = call("gradients.Gradient", **listed, ways=Sequence(ways))
        lines += statement(f"{string(functions[program])}: ", entry, 4, ",")
    defined: list[str] = [line for text in shared.definitions() for line in text.split("\n")]
    return [*defined, "GRADIENTS = {", *lines, "}"]


def _way(function: str, number: int, way: Way[Made], shared: ParameterLists, *, serves: bool) -> Code:
    saving, backward = way_names(function, number)
    saving = function if serves else saving
    outputs = way.adjoint.backward.outputs
    shapes = tuple(_shape(output.type.shape) for output in way.adjoint.saving.outputs[1:])
    width = sum(output.type.shape[0] if output.type.shape else 1 for output in outputs if output.type.rows)
    return call(
        "gradients.Way",
        _row_function(saving, way.adjoint.saving, shared),
        _row_function(backward, way.adjoint.backward, shared),
        shapes=Sequence(shapes),
        results=strings(tuple(output.name for output in outputs)),
        parts=Sequence(tuple(map(_part, way.adjoint.contributions))),
        width=str(width),
        **({"valued": "True"} if way.adjoint.valued else {}),
        **({"prepared": _prepared(function, number, way.adjoint.prepared, shared)} if way.adjoint.prepared else {}),
    )


def _prepared(function: str, number: int, prepared: Prepared, shared: ParameterLists) -> Code:
    """`gradients.Prepared(RowFunction(log_prob_prepared, …), …)`"""
    return call(
        "gradients.Prepared",
        _row_function(prepared_name(function, number), prepared.program, shared),
        names=strings(prepared.names),
        shapes=Sequence(tuple(map(_shape, prepared.shapes))),
        counts=_shape(prepared.counts),
    )


def _row_function(name: str, program: Program, shared: ParameterLists) -> Code:
    called = signature(program)
    given = {"parameters": shared.code(called.parameters)}
    if called.keywords:
        given["keywords"] = strings(called.keywords)
    return call("RowFunction", name, **given)


def _shape(shape: tuple[int, ...]) -> Code:
    return Sequence(tuple(Text(str(length)) for length in shape))


def _place(place: Place) -> Code:
    if isinstance(place, tuple):
        return Sequence(tuple(Text(str(number)) for number in place))
    return Text(string(place) if isinstance(place, str) else repr(place))


def _part(each: Contribution) -> Code:
    """`gradients.Part("mlp.0.bias", ("loop", None), ("part_1",), 8)`"""
    index = tuple(map(_place, each.index))
    keywords: dict[str, Code | str] = {}
    if each.count:
        keywords["count"] = str(each.count)
    if each.summed:
        keywords["summed"] = "True"
    if each.particles > 1:
        keywords["particles"] = str(each.particles)
    return call("gradients.Part", string(each.path), Sequence(index), strings(each.outputs), **keywords)
