"""Python expressions as trees, with parentheses by precedence.

Both printers build `Code`; `emit.lines` lays it out, so that neither ever writes a parenthesis or a line break.
"""

from __future__ import annotations

import dataclasses
import enum
import re

WIDTH = 120


class Level(enum.IntEnum):
    """How tightly Python's operators bind, loosest first."""

    CONDITIONAL = 0
    COMPARISON = 1
    BIT_OR = 2
    BIT_AND = 3
    SUM = 4
    PRODUCT = 5
    UNARY = 6
    POWER = 7
    ATOM = 8


@dataclasses.dataclass(frozen=True)
class Code:
    """An expression of Python."""

    @property
    def level(self) -> Level:
        return Level.ATOM


@dataclasses.dataclass(frozen=True)
class Text(Code):
    """A name, a literal, or any text that never needs parentheses."""

    text: str


@dataclasses.dataclass(frozen=True)
class Infix(Code):
    """`first op operand op operand …`, all operators of one level."""

    binds: Level
    first: Code
    rest: tuple[tuple[str, Code], ...]

    @property
    def level(self) -> Level:
        return self.binds


@dataclasses.dataclass(frozen=True)
class Prefix(Code):
    """`-operand`, `~operand` or `not operand`."""

    operator: str
    operand: Code

    @property
    def level(self) -> Level:
        return Level.UNARY


@dataclasses.dataclass(frozen=True)
class Conditional(Code):
    """`then if condition else otherwise`"""

    condition: Code
    then: Code
    otherwise: Code

    @property
    def level(self) -> Level:
        return Level.CONDITIONAL


@dataclasses.dataclass(frozen=True)
class Call(Code):
    function: Code
    arguments: tuple[Code, ...]


@dataclasses.dataclass(frozen=True)
class Keyword(Code):
    """`name=value` among the arguments of a call."""

    name: str
    value: Code


@dataclasses.dataclass(frozen=True)
class Attribute(Code):
    base: Code
    name: str


@dataclasses.dataclass(frozen=True)
class Subscript(Code):
    """`base[items]`; every item is short and printed as it is."""

    base: Code
    items: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Sequence(Code):
    """A tuple, or a list when `brackets` is "[]"; a `bare` tuple has no parentheses as long as it fits on a line."""

    items: tuple[Code, ...]
    brackets: str = "()"
    bare: bool = False


@dataclasses.dataclass(frozen=True)
class Comprehension(Code):
    """`[value for name in range(count)]`"""

    value: Code
    name: str
    count: int

    @property
    def runs(self) -> str:
        return f"for {self.name} in range({self.count})"


#: Catalogue functions that are operators of Python.
OPERATORS: dict[str, tuple[str, Level]] = {
    "add": ("+", Level.SUM),
    "subtract": ("-", Level.SUM),
    "multiply": ("*", Level.PRODUCT),
    "divide": ("/", Level.PRODUCT),
    "quotient": ("//", Level.PRODUCT),
    "remainder": ("%", Level.PRODUCT),
    "power": ("**", Level.POWER),
    "less": ("<", Level.COMPARISON),
    "less_equal": ("<=", Level.COMPARISON),
    "greater": (">", Level.COMPARISON),
    "greater_equal": (">=", Level.COMPARISON),
    "equal": ("==", Level.COMPARISON),
    "not_equal": ("!=", Level.COMPARISON),
    "and": ("&", Level.BIT_AND),
    "or": ("|", Level.BIT_OR),
}

#: a + (b + c) is a + b + c up to rounding, and rounding must not depend on the printer: only these chains are joined
#: on the left, where Python would group them anyway.
_LEFT_ASSOCIATIVE = (Level.SUM, Level.PRODUCT, Level.BIT_AND, Level.BIT_OR)


# -- building --------------------------------------------------------------------------------------------------------


def infix(operator: str, level: Level, left: Code, right: Code) -> Code:
    """`left operator right`, sharing one chain with a left operand of the same level."""
    if level in _LEFT_ASSOCIATIVE and isinstance(left, Infix) and left.binds is level:
        return Infix(level, left.first, (*left.rest, (operator, right)))
    return Infix(level, left, ((operator, right),))


def call(function: str | Code, *arguments: Code | str, **keywords: Code | str) -> Call:
    """`function(arguments, name=value)`; texts are taken as they are."""
    named = tuple(Keyword(name, as_code(value)) for name, value in keywords.items())
    return Call(as_code(function), (*map(as_code, arguments), *named))


def method(base: Code, name: str, *arguments: Code | str, **keywords: Code | str) -> Call:
    """`base.name(arguments)`"""
    return call(Attribute(base, name), *arguments, **keywords)


def clamped(base: Code, end: str, bound: Code) -> Code:
    """`base.clamp(min=…)`, or with both ends where `base` is clamped at the lower one."""
    if end == "max" and isinstance(base, Call) and isinstance(base.function, Attribute):
        own = base.arguments[0] if base.function.name == "clamp" and len(base.arguments) == 1 else None
        if isinstance(own, Keyword) and own.name == "min":
            return Call(base.function, (own, Keyword("max", bound)))
    return method(base, "clamp", **{end: bound})


def as_code(value: str | Code) -> Code:
    return Text(value) if isinstance(value, str) else value


def number(value: float, *, whole: bool = False) -> Code:
    """A literal, with a decimal point unless `whole`."""
    text = str(int(value)) if whole else repr(float(value)).replace("e+", "e")
    if text in ("inf", "-inf", "nan"):
        return Text(f'float("{text}")')
    return Prefix("-", Text(text[1:])) if text.startswith("-") else Text(text)


_CALL = re.compile(r"([\w.]+)\((.*)\)")
_METHOD = re.compile(r"\(\{0\}\)\.(\w+)\((.*)\)")


def fill(template: str, arguments: list[Code]) -> Code:
    """A format of the catalogue, `f({0}, k=v)` or `({0}).f(k)`, over printed arguments."""
    if found := _METHOD.fullmatch(template):
        rest = [piece.strip() for piece in found[2].split(",") if piece.strip()]
        return method(arguments[0], found[1], *rest)
    found = _CALL.fullmatch(template)
    if found is None:
        raise ValueError(f"a format of the catalogue that is neither an operator nor a call: {template!r}")
    pieces = (piece.strip() for piece in found[2].split(","))
    filled = (arguments[int(piece[1:-1])] if piece.startswith("{") else Text(piece) for piece in pieces)
    return Call(Text(found[1]), tuple(filled))


# -- one line --------------------------------------------------------------------------------------------------------


def flat(code: Code) -> str:
    """`code` on one line."""
    match code:
        case Text(text):
            return text
        case Infix():
            return _flat_infix(code)
        case Prefix(operator, operand):
            power = operand.level == Level.POWER  # a formatter writes -(a**b)
            return operator + wrapped(operand, Level.ATOM if power else Level.UNARY)
        case Conditional(condition, then, otherwise):
            parts = (wrapped(part, Level.COMPARISON) for part in (then, condition))
            return "{} if {} else {}".format(*parts, wrapped(otherwise, Level.CONDITIONAL))
        case Call(function, arguments):
            return f"{wrapped(function, Level.ATOM)}({', '.join(map(flat, arguments))})"
        case Keyword(name, value):
            return f"{name}={flat(value)}"
        case Attribute(base, name):
            return f"{wrapped(base, Level.ATOM)}.{name}"
        case Subscript(base, items):
            return f"{wrapped(base, Level.ATOM)}[{', '.join(items)}]"
        case Comprehension(value):
            return f"[{flat(value)} {code.runs}]"
        case Sequence(items, bare=True):
            return ", ".join(map(flat, items))
        case Sequence(items, brackets):
            comma = "," if brackets == "()" and len(items) == 1 else ""
            return brackets[0] + ", ".join(map(flat, items)) + comma + brackets[1]
    raise TypeError(f"not code: {code!r}")


def _flat_infix(code: Infix) -> str:
    if code.binds is Level.POWER:  # binds tighter than a minus on its left, looser than one on its right
        base, exponent = wrapped(code.first, Level.ATOM), wrapped(code.rest[0][1], Level.UNARY)
        return f"{base} ** {exponent}" if is_spaced(code) else f"{base}**{exponent}"
    parts = [f"({flat(operand)})" if needed else flat(operand) for _, operand, needed in operands(code)]
    return parts[0] + "".join(f" {operator} {part}" for (operator, _), part in zip(code.rest, parts[1:], strict=True))


def is_spaced(power: Infix) -> bool:
    """Whether ruff writes spaces around the operator of a power, where it may then break a line."""
    (_, exponent), base = power.rest[0], power.first
    return not (_is_simple(base) and _is_simple(exponent)) or wrapped(base, Level.ATOM).startswith("(")


def _is_simple(code: Code) -> bool:
    """Whether ruff writes `a**b` without spaces around such an operand: a name, a number, an attribute, a minus of
    one."""
    match code:
        case Text(text):
            return re.fullmatch(r"[\w.]+", text) is not None
        case Attribute(base, _):
            return isinstance(base, Text | Attribute) and _is_simple(base)
        case Prefix("-", Text(text)):
            return re.fullmatch(r"[\w.]+", text) is not None
    return False


def operands(code: Infix) -> list[tuple[str, Code, bool]]:
    """The operators (none before the first) and operands of a chain, and which operands need parentheses."""
    # A comparison does not associate in Python, and the operand on the right of any chain is a chain of its own.
    tighter = Level(code.binds + 1)
    at_least = tighter if code.binds is Level.COMPARISON else code.binds
    rest = [(operator, operand, operand.level < tighter) for operator, operand in code.rest]
    return [("", code.first, code.first.level < at_least), *rest]


def wrapped(code: Code, at_least: Level) -> str:
    """The text of `code`, in parentheses where it binds less than `at_least`."""
    text = flat(code)
    if isinstance(code, Text) and at_least is Level.ATOM and re.fullmatch(r"\d+", text):
        return f"({text})"  # an attribute of an integer literal
    return text if code.level >= at_least else f"({text})"
