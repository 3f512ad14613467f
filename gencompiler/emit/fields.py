"""How generated code spells variables, supports and shapes."""

from __future__ import annotations

from gencompiler.catalog.supports import SUPPORTS, Number, bounds
from gencompiler.emit.code import Code, Sequence, Text, call
from gencompiler.emit.literals import string
from gencompiler.model.nodes import Model, Support, Variable
from gencompiler.model.starts import in_order


def field_code(variable: Variable, *, given: bool = False, length: str = "") -> Code:
    """`Field("x", (64,), Support("Binary"), storage="uint8")`; `length`: the variable of its run-time length."""
    keywords: dict[str, str] = {"storage": string(storage(variable.type.support))}
    if given or variable.role == "given":
        keywords["given"] = "True"
    if length:
        keywords["length"] = string(length)
    return call(
        "Field", string(variable.name), shape_code(variable.type.shape), support_code(variable.type.support), **keywords
    )


def support_code(support: Support) -> Code:
    arguments = tuple(Text(number_code(a)) for a in support.arguments)
    return call("Support", string(support.name), *([Sequence(arguments)] if arguments else []))


def number_code(value: Number) -> str:
    number = float(value)
    if number in (float("inf"), float("-inf")):
        return f'float("{number}")'
    return repr(int(number)) if number == int(number) else repr(number)


def shape_code(shape: tuple[int, ...]) -> Code:
    return Sequence(tuple(Text(str(n)) for n in shape))


def storage(support: Support) -> str:
    """The smallest dtype that holds the support."""
    if not SUPPORTS[support.name].discrete:
        return "float32"
    lower, upper, _, _ = bounds(support.name, support.arguments)
    for name, low, high in (("uint8", 0, 255), ("int16", -(2**15), 2**15 - 1), ("int32", -(2**31), 2**31 - 1)):
        if low <= float(lower) and float(upper) <= high:
            return name
    return "int64"


def starts_code(model: Model) -> list[Code]:
    """`Start("ActNorm.s", 1, (3,))`, in the order in which parameters begin."""
    outputs = {start.path: number for number, start in enumerate(model.starts)}
    return [
        call("Start", string(start.path), str(outputs[start.path]), *([repr(layers)] if layers else []))
        for start, layers in in_order(model)
    ]
