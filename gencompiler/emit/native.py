"""`native.c` and `native.py` of a generated package: the C functions, and how Python calls each of them.

Every function stands in a part of the file of its own, which is compiled by itself when the function is first called
for: `cc -DSAMPLE_ROWS native.c`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gencompiler.diagnostics.span import Span
from gencompiler.emit.c import PrintedC, print_c
from gencompiler.emit.code import Code, Sequence, Text, call
from gencompiler.emit.fields import shape_code
from gencompiler.emit.lines import statement
from gencompiler.emit.literals import string
from gencompiler.emit.module import ClassPlan
from gencompiler.emit.signature import signature
from gencompiler.emit.templating import render
from gencompiler.rows.analysis import draws
from gencompiler.rows.native import Native
from gencompiler.rows.nodes import Input, Output, Program

INCLUDE = '#include "lanes.h"'


def emit_native(
    plan: ClassPlan, natives: Mapping[str, Native], header: str, places: Callable[[Span], str]
) -> dict[str, str]:
    """The two files, by name; `header` is an escaped docstring."""
    sections, lines = [], []
    for name, native in natives.items():
        program, function = plan.programs[name], plan.functions[name]
        printed = print_c(program, native, name=function, where=places)
        sections.append(f"#ifdef {function.upper()}\n#define LANES {native.lanes}\n{INCLUDE}\n\n{printed.text}#endif\n")
        lines += statement(f"{function} = ", c_function(program, function, native, printed), 0)
    comment = header.replace("*/", "* /")
    return {
        "native.c": f"/* {comment} */\n\n" + "\n".join(sections),
        "native.py": render("native.py.jinja", header=header, functions="\n".join(lines)),
    }


def c_function(program: Program, name: str, native: Native, printed: PrintedC) -> Code:
    """`CFunction(__file__, "sample_rows", …)`"""
    called = signature(program)
    ports = [Sequence(tuple(map(_port, each))) for each in (program.inputs, program.outputs)]
    more: dict[str, Code | str] = {}
    if program.parameters:
        more["parameters"] = str(len(program.parameters))
    if called.scalars:
        more["scalars"] = Sequence(tuple(Text(string(each)) for each in called.scalars))
    if any(True for _ in draws(program)):
        more["random"] = "True"
    if printed.shared:
        more["shared"] = str(printed.shared)
    more["work"] = repr(float(f"{native.work:.3g}"))
    return call(
        "CFunction", "__file__", string(name), inputs=ports[0], outputs=ports[1], lanes=str(native.lanes), **more
    )


def _port(port: Input | Output) -> Code:
    whole = {"whole": "True"} if port.type.kind == "integer" else {}
    return call("Port", *([shape_code(port.type.shape)] if port.type.shape else []), **whole)
