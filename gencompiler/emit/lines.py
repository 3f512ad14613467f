"""Long lines broken as `ruff format` breaks them.

The layout is the usual one of pretty printers (Wadler, *A prettier printer*, 2003): brackets and chains of operators
are
groups, a group that does not fit on its line breaks at all of its own places, the outermost first.  On the top level an
operator is no place to break: the whole expression then gets parentheses, unless it has at most one operator of its
loosest level and begins or ends with brackets, which are opened instead.
"""

from __future__ import annotations

import dataclasses

from gencompiler.emit.code import (
    WIDTH,
    Attribute,
    Call,
    Code,
    Comprehension,
    Conditional,
    Infix,
    Keyword,
    Level,
    Prefix,
    Sequence,
    Subscript,
    flat,
    is_spaced,
    operands,
)


@dataclasses.dataclass(frozen=True)
class _Line:
    """A place to break: `text` as long as its group is on one line."""

    text: str


@dataclasses.dataclass(frozen=True)
class _Group:
    """Parts that are on one line, or broken at all of their lines; `indented` by four more columns when broken."""

    parts: tuple[_Part, ...]
    indented: bool = False


@dataclasses.dataclass(frozen=True)
class _OnBreak:
    """Text that only a broken group has: a trailing comma."""

    text: str


_Part = str | _Line | _Group | _OnBreak


def statement(prefix: str, code: Code, indent: int, suffix: str = "") -> list[str]:
    """The lines of `prefix code suffix`, e.g. `y = f(x)`, at `indent` spaces."""
    head = " " * indent + prefix
    whole = head + flat(code) + suffix
    if len(whole) <= WIDTH:
        return [whole]
    if not isinstance(code, Infix | Conditional) or _may_stay_open(code):
        lines = _printed([head, *_parts(code, inside=False), suffix], indent)
        if len(lines[0]) <= WIDTH or not isinstance(code, Infix):
            return lines
    return _printed([head, *_brackets("(", _parts(code, inside=True), ")"), suffix], indent)


def returned(code: Code, indent: int) -> list[str]:
    """`return code`, a tuple without its parentheses where it fits on the line."""
    if isinstance(code, Sequence) and len(code.items) > 1:
        bare = " " * indent + "return " + ", ".join(map(flat, code.items))
        if len(bare) <= WIDTH:
            return [bare]
    return statement("return ", code, indent)


def _may_stay_open(code: Code) -> bool:
    """Whether a chain of operators on the top level can do without parentheses of its own."""
    match code:
        case Infix(rest=(_,)):
            first = _first_leaf(code)
            return _opens(_last_leaf(code)) or (_opens(first) and not isinstance(first, Call)) or _begins(first)
    return False


def _begins(code: Code) -> bool:
    """Whether a call of methods begins with brackets, those round what the first of them is of."""
    match code:
        case Call(function=Attribute(base=base)) | Subscript(base=base) | Attribute(base=base):
            return base.level < Level.ATOM or _begins(base)
    return False


def _opens(leaf: Code) -> bool:
    """Whether a leaf of a chain has brackets to break in: its own, or those that precedence puts round it."""
    return isinstance(leaf, Infix | Conditional | Sequence) or (isinstance(leaf, Call) and bool(leaf.arguments))


def _last_leaf(code: Code) -> Code:
    """The rightmost operand of a chain, looking into operands that need no parentheses."""
    match code:
        case Infix():
            _, last, needed = operands(code)[-1]
            return last if needed else _last_leaf(last)
        case Prefix(operand=operand) if operand.level >= Level.UNARY:
            return _last_leaf(operand)
        case Prefix(operand=operand):
            return operand
    return code


def _first_leaf(code: Code) -> Code:
    match code:
        case Infix():
            _, first, needed = operands(code)[0]
            return first if needed else _first_leaf(first)
    return code


# -- parts -----------------------------------------------------------------------------------------------------------


def _parts(code: Code, *, inside: bool) -> list[_Part]:
    """The parts of `code`; `inside` brackets its operators are places to break."""
    match code:
        case Call(function, arguments):
            opened = _atom(function, inside)
            return [*opened, *_list("(", arguments, ")")] if arguments else [*opened, "()"]
        case Sequence(items, brackets):
            return _list(brackets[0], items, brackets[1], always_comma=len(items) == 1 and brackets == "()")
        case Comprehension(value):
            return _brackets("[", [*_parts(value, inside=True), _Line(" "), code.runs], "]")
        case Keyword(name, value):
            return [f"{name}=", *_parts(value, inside=True)]
        case Attribute(base, name):
            return [*_atom(base, inside), f".{name}"]
        case Subscript(base, items):
            return [*_atom(base, inside), f"[{', '.join(items)}]"]
        case Conditional(condition, then, otherwise):
            branches = (
                _operand(each, each.level <= Level.CONDITIONAL, inside) for each in (then, condition, otherwise)
            )
            taken, test, other = branches
            gap = _Line(" ") if inside else " "
            chosen: list[_Part] = [*taken, gap, "if ", *test, gap, "else ", *other]
            return [_Group(tuple(chosen))] if inside else chosen
        case Prefix(operator, operand):
            return [operator, *_operand(operand, operand.level < Level.UNARY or operand.level == Level.POWER, inside)]
        case Infix(binds) if binds is not Level.POWER:
            chain = _chain(code, inside)
            return [_Group(tuple(chain))] if inside else chain
        case Infix(first=base, rest=((_, exponent),)) if inside and is_spaced(code):
            raised = _operand(exponent, exponent.level < Level.UNARY, inside)
            return [_Group((*_atom(base, inside), _Line(" "), "** ", *raised))]
    return [flat(code)]


def _atom(code: Code, inside: bool) -> list[_Part]:
    return _operand(code, code.level < Level.ATOM, inside)


def _operand(code: Code, needs_parentheses: bool, inside: bool) -> list[_Part]:
    if needs_parentheses:
        return _brackets("(", _parts(code, inside=True), ")")
    return _parts(code, inside=inside)


def _chain(code: Infix, inside: bool) -> list[_Part]:
    parts: list[_Part] = []
    for operator, operand, needed in operands(code):
        if operator:
            parts += [_Line(" ") if inside else " ", f"{operator} "]
        parts += _operand(operand, needed, inside)
    return parts


def _brackets(opening: str, parts: list[_Part], closing: str) -> list[_Part]:
    return [_Group((opening, _Group((_Line(""), *parts), indented=True), _Line(""), closing))]


def _list(opening: str, items: tuple[Code, ...], closing: str, *, always_comma: bool = False) -> list[_Part]:
    """Items that share one line, or have one each and then a trailing comma."""
    parts: list[_Part] = []
    for number, item in enumerate(items):
        parts += [",", _Line(" ")] if number else []
        parts += _parts(item, inside=True)
    parts.append("," if always_comma else _OnBreak(","))
    return _brackets(opening, parts, closing)


# -- printing --------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class _Item:
    part: _Part
    indent: int
    broken: bool


def _printed(parts: list[_Part], indent: int) -> list[str]:
    lines = [""]
    stack = [_Item(part, indent, broken=True) for part in reversed(parts)]
    while stack:
        item = stack.pop()
        match item.part:
            case str(text):
                lines[-1] += text
            case _OnBreak(text):
                lines[-1] += text if item.broken else ""
            case _Line(text):
                if item.broken:
                    lines.append(" " * item.indent)
                else:
                    lines[-1] += text
            case _Group(inner, indented):
                # An indented group is the inside of brackets and breaks exactly when they do.
                broken = item.broken if indented else not _fits(item.part, stack, WIDTH - len(lines[-1]))
                depth = item.indent + 4 if indented else item.indent
                stack += [_Item(part, depth, broken) for part in reversed(inner)]
    return [line.rstrip() for line in lines]


def _fits(group: _Group, rest: list[_Item], room: int) -> bool:
    """Whether the group on one line, and what follows up to the next place where a line may end, fit in `room`."""
    pending = [_Item(group, 0, broken=False)]
    following = len(rest)
    while room >= 0:
        if not pending:
            if not following:
                return True
            following -= 1
            pending.append(rest[following])
        item = pending.pop()
        match item.part:
            case str(text):
                room -= len(text)
            case _OnBreak(text):
                room -= len(text) if item.broken else 0
            case _Line(text):
                if item.broken:
                    return True
                room -= len(text)
            case _Group(inner):
                # What follows may break at its own first place, so only what comes before that counts.
                pending += [_Item(part, 0, item.broken) for part in reversed(inner)]
    return False
