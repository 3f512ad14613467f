"""Programs without the names that a spec gave: two that differ in nothing else are equal then.

A solver's stages evaluate one network again and again, and what lies between its products is the same program each
time, about values of other names; one kernel serves all of them.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from gencompiler.node import Node, rebuild
from gencompiler.rows.nodes import (
    Carry,
    Input,
    InputRead,
    Let,
    Local,
    Loop,
    Output,
    ParameterRead,
    ParameterUse,
    Program,
    Section,
    StoreColumn,
    StoreSection,
)

#: The field of a node that names a value of a row, and the one that names a parameter.
_NAMES = {
    **dict.fromkeys((Local, InputRead, Let, Carry, Input, Output), "name"),
    **dict.fromkeys((StoreColumn, StoreSection), "output"),
    Loop: "index",
    Section: "input",
}
_PATHS = dict.fromkeys((ParameterRead, ParameterUse), "path")

#: What a kernel of its own is told by these names.
_KEPT = ("seed", "step")


def anonymous(program: Program) -> Program:
    """`program` with numbers for names, in the order of their first appearance; arguments keep their order."""
    names = {word: word for word in _KEPT}
    paths: dict[str, str] = {}

    def visit(part: Node) -> Node:
        part = rebuild(part, visit)
        for fields, known, letter in ((_NAMES, names, "v"), (_PATHS, paths, "p")):
            field = fields.get(type(part))
            if field is not None:
                name: Any = known.setdefault(getattr(part, field), f"{letter}{len(known)}")
                return dataclasses.replace(part, **{field: name})
        return part

    renamed = rebuild(program, visit)
    scalars = tuple(names.setdefault(name, f"v{len(names)}") for name in program.scalars)
    return dataclasses.replace(renamed, name="", title="", scalars=scalars)
