"""Expressions of C, with parentheses by precedence, and lines of C."""

from __future__ import annotations

import dataclasses
import enum
import math

WIDTH = 120

#: C types of what is the same for all rows, from the narrowest.
KINDS = ("bool", "int", "double", "float")


class Level(enum.IntEnum):
    """How tightly operators bind, loosest first."""

    CHOICE = 0
    BIT_OR = 1
    BIT_AND = 2
    COMPARISON = 3
    SUM = 4
    PRODUCT = 5
    UNARY = 6
    ATOM = 7


@dataclasses.dataclass(frozen=True)
class C:
    """An expression; `kind` is bool, int (of 64 bits), double (a number that needs no parameter) or float."""

    text: str
    kind: str = "float"
    level: Level = Level.ATOM


#: Operators of C by the functions of the catalogue.
OPERATORS = {
    "add": ("+", Level.SUM),
    "subtract": ("-", Level.SUM),
    "multiply": ("*", Level.PRODUCT),
    "divide": ("/", Level.PRODUCT),
    "less": ("<", Level.COMPARISON),
    "less_equal": ("<=", Level.COMPARISON),
    "greater": (">", Level.COMPARISON),
    "greater_equal": (">=", Level.COMPARISON),
    "equal": ("==", Level.COMPARISON),
    "not_equal": ("!=", Level.COMPARISON),
    "and": ("&", Level.BIT_AND),
    "or": ("|", Level.BIT_OR),
}


def infix(operator: str, level: Level, left: C, right: C, kind: str) -> C:
    """`left operator right`; only sums and products go on without parentheses, on the left."""
    chains = level in (Level.SUM, Level.PRODUCT)
    first = wrapped(left, level if chains else Level.SUM)
    return C(f"{first} {operator} {wrapped(right, Level(level + 1) if chains else Level.SUM)}", kind, level)


def prefix(operator: str, operand: C) -> C:
    return C(f"{operator}{wrapped(operand, Level.ATOM)}", operand.kind, Level.UNARY)


def call(function: str, *arguments: C, kind: str = "float") -> C:
    return C(f"{function}({', '.join(each.text for each in arguments)})", kind)


def wrapped(code: C, at_least: Level) -> str:
    return code.text if code.level >= at_least else f"({code.text})"


def number(value: float, kind: str) -> C:
    """A literal."""
    if kind == "int":
        text = str(int(value))
    elif math.isnan(value):
        text = "NAN"
    elif math.isinf(value) or (kind == "float" and abs(value) > 3.4028235e38):
        text = "INFINITY" if value > 0 else "-INFINITY"
    else:
        text = repr(float(value)) + ("f" if kind == "float" else "")
    return C(text, kind, Level.UNARY if text.startswith("-") else Level.ATOM)


def converted(code: C, kind: str) -> C:
    """`code` as another kind."""
    if code.kind == kind:
        return code
    if code.kind in ("int", "double") and kind == "float" and (literal := _literal(code.text)) is not None:
        return number(literal, kind)
    return C(f"({spelled(kind)}){wrapped(code, Level.UNARY)}", kind, Level.UNARY)


def spelled(kind: str) -> str:
    """The type of C."""
    return {"int": "int64_t", "bool": "int"}.get(kind, kind)


def _literal(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def offset(terms: list[tuple[C | int, int]]) -> C:
    """The sum of places times strides, constants gathered at the end."""
    fixed, moving = 0, []
    for place, stride in terms:
        literal = place if isinstance(place, int) else _literal(place.text)
        if literal is not None:
            fixed += int(literal) * stride
        elif isinstance(place, C):
            moving.append(
                place if stride == 1 else C(f"{wrapped(place, Level.PRODUCT)} * {stride}", "int", Level.PRODUCT)
            )
    texts = [wrapped(each, Level.SUM) for each in moving] + ([str(fixed)] if fixed or not moving else [])
    return C(" + ".join(texts), "int", Level.ATOM if len(texts) == 1 and not moving else Level.SUM)


def laid_out(line: str, indent: int) -> list[str]:
    """A statement in lines of WIDTH; C does not mind where they are broken."""
    lines, room = [], " " * indent
    text = room + line
    while len(text) > WIDTH:
        at = text.rfind(" ", indent + 8, WIDTH + 1)
        if at < 0:
            break
        lines.append(text[:at])
        text = f"{room}    {text[at + 1 :]}"
    return [*lines, text]
