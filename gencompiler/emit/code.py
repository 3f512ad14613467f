"""Python expressions as trees: parentheses by precedence, long lines broken where `ruff format` breaks them.

Both printers build `Code` and let `statement` lay it out, so that neither ever writes a parenthesis or a line break.
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


#: Catalogue functions that are operators of Python.
OPERATORS: dict[str, tuple[str, Level]] = {
    "add": ("+", Level.SUM),
    "subtract": ("-", Level.SUM),
    "multiply": ("*", Level.PRODUCT),
    "divide": ("/", Level.PRODUCT),
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


def as_code(value: str | Code) -> Code:
    return Text(value) if isinstance(value, str) else value


def number(value: float, *, whole: bool = False) -> Code:
    """A literal, with a decimal point unless `whole`."""
    text = str(int(value)) if whole else repr(float(value))
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
            return operator + _wrapped(operand, Level.UNARY)
        case Conditional(condition, then, otherwise):
            parts = (_wrapped(part, Level.COMPARISON) for part in (then, condition))
            return "{} if {} else {}".format(*parts, _wrapped(otherwise, Level.CONDITIONAL))
        case Call(function, arguments):
            return f"{_wrapped(function, Level.ATOM)}({', '.join(map(flat, arguments))})"
        case Keyword(name, value):
            return f"{name}={flat(value)}"
        case Attribute(base, name):
            return f"{_wrapped(base, Level.ATOM)}.{name}"
        case Subscript(base, items):
            return f"{_wrapped(base, Level.ATOM)}[{', '.join(items)}]"
        case Sequence(items, bare=True):
            return ", ".join(map(flat, items))
        case Sequence(items, brackets):
            comma = "," if brackets == "()" and len(items) == 1 else ""
            return brackets[0] + ", ".join(map(flat, items)) + comma + brackets[1]
    raise TypeError(f"not code: {code!r}")


def _flat_infix(code: Infix) -> str:
    if code.binds is Level.POWER:  # binds tighter than a minus on its left, looser than one on its right
        (_, right), left = code.rest[0], code.first
        space = "" if _is_simple(left) and _is_simple(right) else " "
        return f"{_wrapped(left, Level.ATOM)}{space}**{space}{_wrapped(right, Level.UNARY)}"
    # A comparison does not associate in Python, and the operand on the right of any chain is a chain of its own.
    tighter = Level(code.binds + 1)
    text = _wrapped(code.first, tighter if code.binds is Level.COMPARISON else code.binds)
    for operator, operand in code.rest:
        text += f" {operator} {_wrapped(operand, tighter)}"
    return text


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


def _wrapped(code: Code, at_least: Level) -> str:
    text = flat(code)
    if isinstance(code, Text) and at_least is Level.ATOM and re.fullmatch(r"\d+", text):
        return f"({text})"  # an attribute of an integer literal
    return text if code.level >= at_least else f"({text})"


# -- several lines ---------------------------------------------------------------------------------------------------


def statement(prefix: str, code: Code, indent: int, suffix: str = "") -> list[str]:
    """The lines of `prefix code`, e.g. `y = f(x)`, at `indent` spaces, broken as `ruff format` breaks them."""
    head = " " * indent + prefix
    whole = head + flat(code) + suffix
    if len(whole) <= WIDTH:
        return [whole]
    if _splits_in_brackets(code):
        lines = _expand(head, code, indent, suffix)
        if len(lines[0]) <= WIDTH:
            return lines
    if isinstance(code, Infix) or indent + 4 + len(flat(code)) <= WIDTH:
        return [head + "(", *_inner(code, indent + 4), " " * indent + ")" + suffix]
    return _expand(head, code, indent, suffix)


def returned(code: Code, indent: int) -> list[str]:
    """`return code`, a tuple without its parentheses where it fits on the line."""
    if isinstance(code, Sequence) and len(code.items) > 1:
        bare = ", ".join(map(flat, code.items))
        if indent + len("return ") + len(bare) <= WIDTH:
            return [f"{' ' * indent}return {bare}"]
    return statement("return ", code, indent)


def _inner(code: Code, indent: int) -> list[str]:
    """The lines of an expression that stands in brackets of its own."""
    whole = " " * indent + flat(code)
    if len(whole) <= WIDTH:
        return [whole]
    return _operands("", code, indent) if isinstance(code, Infix) else _expand(" " * indent, code, indent, "")


def _splits_in_brackets(code: Code) -> bool:
    """ruff's rule for leaving the optional parentheses out: no operator at all, or a single one at the loosest level
    with brackets at one end."""
    match code:
        case Call() | Sequence():
            return True
        case Infix(rest=(_,)):
            return _opens(_last_leaf(code)) or _opens(_first_leaf(code))
        case Prefix(operand=operand):
            return _splits_in_brackets(operand)
    return False


def _opens(leaf: Code) -> bool:
    """Whether a leaf of an operator chain has brackets to break in: its own, or those that precedence puts round it."""
    return isinstance(leaf, Infix | Conditional | Sequence) or (isinstance(leaf, Call) and bool(leaf.arguments))


def _last_leaf(code: Code) -> Code:
    """The rightmost operand of a chain, looking into operands that need no parentheses."""
    match code:
        case Infix(binds, _, rest):
            last = rest[-1][1]
            return _last_leaf(last) if last.level > binds else last
        case Prefix(_, operand) if operand.level >= Level.UNARY:
            return _last_leaf(operand)
    return code


def _first_leaf(code: Code) -> Code:
    match code:
        case Infix(binds, first, _):
            return _first_leaf(first) if first.level >= binds else first
    return code


def _expand(head: str, code: Code, indent: int, suffix: str) -> list[str]:
    """`code` after `head`, with one pair of its brackets opened over several lines."""
    match code:
        case Call(Attribute(base, name), arguments) if base.level < Level.ATOM:
            tail = flat(Call(Attribute(Text(""), name), arguments))
            return [head + "(", *_inner(base, indent + 4), " " * indent + ")" + tail + suffix]
        case Call(Attribute(Call() as base, name), arguments) if not _has_long(arguments):
            return _expand(head, base, indent, flat(Call(Attribute(Text(""), name), arguments)) + suffix)
        case Call(function, arguments) if arguments:
            return _bracketed(head + _wrapped(function, Level.ATOM) + "(", arguments, ")" + suffix, indent)
        case Sequence(items, brackets):
            comma = len(items) == 1 and brackets == "()"
            return _bracketed(head + brackets[0], items, brackets[1] + suffix, indent, force_comma=comma)
        case Prefix(operator, operand) if operand.level >= Level.UNARY:
            return _expand(head + operator, operand, indent, suffix)
        case Infix() if _opens(_last_leaf(code)) or _opens(_first_leaf(code)):
            return _expand_infix(head, code, indent, suffix)
    return [head + flat(code) + suffix]


def _has_long(arguments: tuple[Code, ...]) -> bool:
    return any(not isinstance(each, Text | Prefix | Keyword) for each in arguments)


def _expand_infix(head: str, code: Infix, indent: int, suffix: str) -> list[str]:
    """The last operand's brackets if it has any, else the first's."""
    binds, (operator, last) = code.binds, code.rest[-1]
    before = Infix(binds, code.first, code.rest[:-1]) if len(code.rest) > 1 else code.first
    if _opens(_last_leaf(code)):
        start = f"{head}{_wrapped(before, binds)} {operator} "
        if last.level <= binds:
            return [start + "(", *_inner(last, indent + 4), " " * indent + ")" + suffix]
        return _expand(start, last, indent, suffix)
    tail = f" {operator} {_wrapped(last, Level(binds + 1))}{suffix}"
    if before.level < binds:
        return [head + "(", *_inner(before, indent + 4), " " * indent + ")" + tail]
    return _expand(head, before, indent, tail)


def _bracketed(
    opening: str, items: tuple[Code, ...], closing: str, indent: int, force_comma: bool = False
) -> list[str]:
    """Items on one line of their own if they fit, else one a line with a trailing comma."""
    one_line = " " * (indent + 4) + ", ".join(map(flat, items)) + ("," if force_comma else "")
    if len(one_line) <= WIDTH:
        return [opening, one_line, " " * indent + closing]
    lines = [opening]
    for item in items:
        lines += _item(item, indent + 4)
        lines[-1] += ","
    return [*lines, " " * indent + closing]


def _item(code: Code, indent: int) -> list[str]:
    """One of several arguments; inside brackets an operator chain breaks without parentheses of its own."""
    if isinstance(code, Keyword):
        return statement(f"{code.name}=", code.value, indent)
    whole = " " * indent + flat(code)
    if len(whole) + 1 <= WIDTH:
        return [whole]
    if _splits_in_brackets(code):
        lines = _expand(" " * indent, code, indent, "")
        if len(lines[0]) <= WIDTH:
            return lines
    return _inner(code, indent)


def _operands(prefix: str, code: Infix, indent: int) -> list[str]:
    """One operand a line, operators first."""
    tighter = Level(code.binds + 1)
    lines = _operand(prefix, code.first, indent, tighter if code.binds is Level.COMPARISON else code.binds)
    for operator, operand in code.rest:
        lines += _operand(f"{operator} ", operand, indent, tighter)
    return lines


def _operand(prefix: str, code: Code, indent: int, at_least: Level) -> list[str]:
    head = " " * indent + prefix
    if len(head) + len(_wrapped(code, at_least)) <= WIDTH:
        return [head + _wrapped(code, at_least)]
    if code.level < at_least:
        return [head + "(", *_inner(code, indent + 4), " " * indent + ")"]
    if isinstance(code, Infix):
        return _operands(prefix, code, indent)
    return _expand(head, code, indent, "")
