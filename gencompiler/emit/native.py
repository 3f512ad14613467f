"""`native.c` and `native.py` of a generated package: the C functions, and how Python calls each of them.

Every function stands in a part of the file of its own, which is compiled by itself when the function is first called
for: `cc -DSAMPLE_ROWS native.c`.  Two programs that compute the same, as a program without loops and what saves its
states, have one function.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from gencompiler.diagnostics.span import Span
from gencompiler.emit.c import PrintedC, print_c
from gencompiler.emit.code import Code, Sequence, Text, call, flat
from gencompiler.emit.fields import shape_code
from gencompiler.emit.gradients import IMPORTS, Pass, Ways, gradient_table, passes, print_prepared
from gencompiler.emit.lines import statement
from gencompiler.emit.literals import string
from gencompiler.emit.module import ClassPlan
from gencompiler.emit.signature import signature
from gencompiler.emit.templating import render
from gencompiler.emit.torch import IMPORTS as TORCH
from gencompiler.emit.torch import Printed
from gencompiler.emit.triton import merged
from gencompiler.rows.analysis import draws
from gencompiler.rows.native import Native
from gencompiler.rows.nodes import Input, Output, Program

INCLUDE = '#include "lanes.h"'


def emit_native(
    plan: ClassPlan,
    natives: Mapping[str, Native],
    gradients: Ways[Native],
    header: str,
    places: Callable[[Span], str],
) -> dict[str, str]:
    """The two files, by name; `header` is an escaped docstring."""
    sections, lines = [], []
    known: dict[tuple[str, str], str] = {}
    functions = [Pass(plan.functions[name], plan.programs[name], native) for name, native in natives.items()]
    for each in [*functions, *passes(plan.functions, gradients, natives)]:
        printed = print_c(each.program, each.made, name=each.name, where=places)
        called = c_function(each.program, each.name, each.made, printed)
        same = known.setdefault(_but_for_its_name(each.name, printed.text, called), each.name)
        if same != each.name:
            lines.append(f"{each.name} = {same}")
            continue
        guarded = f"#ifdef {each.name.upper()}\n#define LANES {each.made.lanes}\n{INCLUDE}\n\n{printed.text}#endif\n"
        sections.append(guarded)
        lines += statement(f"{each.name} = ", called, 0)
    prepared = print_prepared(plan.functions, gradients, places)
    if gradients:
        for matrices in prepared:
            lines += ["", "", *matrices.text.rstrip("\n").split("\n"), ""]
        lines += ["", *gradient_table(plan.functions, plan.programs, gradients, natives)]
    comment = header.replace("*/", "* /")
    texts = {"imports": _imports(prepared, bool(gradients)), "functions": "\n".join(lines)}
    return {
        "native.c": f"/* {comment} */\n\n" + "\n".join(sections),
        "native.py": render("native.py.jinja", header=header, **texts),
    }


def _imports(prepared: list[Printed], differentiated: bool) -> str:
    """The import block, sorted as ruff sorts it."""
    known = {TORCH[name] for each in prepared for name in each.imports}
    own = ["from gencompiler.runtime.compiled import CFunction, Port", *(IMPORTS if differentiated else ())]
    own += [line for line in known if "gencompiler" in line]
    third = sorted((line for line in known if "torch" in line.split()[1]), key=lambda line: line.split()[1])
    standard = sorted(known - {*own, *third})
    blocks = ("\n".join(standard), "\n".join(third), "\n".join(merged(own)))
    return "\n\n".join(block for block in blocks if block)


def _but_for_its_name(name: str, text: str, called: Code) -> tuple[str, str]:
    """What a function does and how it is called, without its name and without what comments say."""
    without = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return without.replace(name, ""), flat(called).replace(name, "")


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
    more = {"whole": "True"} if port.type.kind == "integer" else {}
    if isinstance(port, Output) and not port.type.rows:
        more["summed"] = "True"
    if port.type.particles > 1:
        more["particles"] = str(port.type.particles)
    return call("Port", *([shape_code(port.type.shape)] if port.type.shape else []), **more)
