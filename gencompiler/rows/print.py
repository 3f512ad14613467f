"""A stable text of a row program, for people and goldens."""

from __future__ import annotations

from gencompiler.catalog.causal import Degrees
from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.rows.nodes import (
    Argsort,
    Broadcast,
    Collect,
    Column,
    Concat,
    Convolve,
    Distribute,
    Dot,
    Draw,
    Elementwise,
    Expr,
    ExternalCall,
    InputRead,
    Iota,
    Let,
    LinearSolution,
    Local,
    LogAbsDet,
    Loop,
    Mask,
    MatrixFunction,
    Number,
    Outer,
    ParameterRead,
    ParticleIndex,
    Permute,
    Pool,
    Program,
    Reduce,
    Reshape,
    RowType,
    Run,
    Section,
    Select,
    Slice,
    Spread,
    Statement,
    StoreColumn,
    StoreSection,
    Window,
    WithColumn,
    WithWindow,
)

_LEVELS = {
    "or": 0,
    "and": 1,
    "<": 2,
    "<=": 2,
    ">": 2,
    ">=": 2,
    "==": 2,
    "!=": 2,
    "+": 3,
    "-": 3,
    "*": 4,
    "/": 4,
    "//": 4,
    "%": 4,
    "@": 4,
}
_UNARY, _POWER, _ATOM = 5, 6, 7


def text(program: Program) -> str:
    """The whole program, ending with a newline."""
    lines = [f"program {program.name}: {program.title}"]
    lines += [f"  input {each.name} : {_type(each.type)}" for each in program.inputs]
    lines += [f"  scalar {name}" for name in program.scalars]
    for use in program.parameters:
        lines.append(f"  parameter {use.path} : {use.support}{list(use.shape) if use.shape else ''}")
    lines += _block(program.body, "  ")
    for output in program.outputs:
        value = "stored by columns" if output.value is None else expression(output.value)
        lines.append(f"  output {output.name} : {_type(output.type)} = {value}")
    return "\n".join(lines) + "\n"


def _type(kind: RowType) -> str:
    rows = "rows" if kind.particles == 1 else f"rows * {kind.particles}"
    axes = [*([rows] if kind.rows else []), *map(str, kind.shape)]
    return f"{kind.kind}[{', '.join(axes)}]" if axes else kind.kind


def _block(statements: tuple[Statement, ...], indent: str) -> list[str]:
    lines: list[str] = []
    for statement in statements:
        match statement:
            case Let(name, value):
                lines.append(f"{indent}{name} = {expression(value)}")
            case StoreColumn(output, index, value):
                lines.append(f"{indent}store {output}[{expression(index)}] = {expression(value)}")
            case StoreSection(output, index, value, length):
                place = expression(index)
                lines.append(f"{indent}store {output}[{place}..{place} + {length}] = {expression(value)}")
            case Run(number=number, names=names, arguments=arguments, scalars=scalars):
                given = ", ".join(map(expression, (*arguments, *scalars)))
                lines.append(f"{indent}{', '.join(names)} = stage {number} of {given or 'the rows'}")
            case Loop():
                lines += _loop(statement, indent)
    return lines


def _loop(loop: Loop, indent: str) -> list[str]:
    names = ", ".join(carry.name for carry in loop.carried)
    span = f"0..{expression(loop.count)}"
    head = f"{indent}loop {loop.kind} {loop.index} in {f'reversed {span}' if loop.reverse else span}"
    lines = [head + (f" carrying {names}:" if names else ":")]
    lines += [f"{indent}  {carry.name} <- {expression(carry.initial)}" for carry in loop.carried]
    lines += [f"{indent}  done {expression(loop.done)}"] if loop.done is not None else []
    lines += _block(loop.body, indent + "  ")
    lines += [f"{indent}  next {carry.name} = {expression(carry.next)}" for carry in loop.carried]
    return lines


def expression(expr: Expr) -> str:
    """One expression on one line, with the parentheses that precedence asks for."""
    return _print(expr)[0]


def _print(expr: Expr) -> tuple[str, int]:
    match expr:
        case Number(value=value):
            shown = str(int(value)) if abs(value) < 1e15 and value == int(value) else repr(value)
            return shown, _ATOM if value >= 0 else _UNARY
        case Local(name=name) | InputRead(name=name):
            return name, _ATOM
        case ParameterRead(path=path, index=index):
            places = [":" if place is None else expression(place) for place in index]
            while places and places[-1] == ":":
                places.pop()
            return f"{path}[{', '.join(places)}]" if places else path, _ATOM
        case Elementwise():
            return _print_function(expr)
        case Dot(vector=vector, matrix=matrix, transposed=transposed):
            right = f"transpose({expression(matrix)})" if transposed else _operand(matrix, _UNARY)
            return f"{_operand(vector, 4)} @ {right}", 4
        case Column(vector=vector, index=index):
            return f"{_operand(vector, _ATOM)}[{expression(index)}]", _ATOM
        case Slice(vector=vector, start=start, stop=stop):
            return f"{_operand(vector, _ATOM)}[{start}..{stop}]", _ATOM
        case Window(value=value, start=start, length=length, axis=axis):
            window = f"{'..., ' * axis}{expression(start)} +: {length}"
            return f"{_operand(value, _ATOM)}[{window}]", _ATOM
    return _call(expr), _ATOM


def _print_function(expr: Elementwise) -> tuple[str, int]:
    operator, arguments = FUNCTIONS[expr.function].operator, expr.arguments
    if operator is None:
        return f"{expr.function}({', '.join(map(expression, arguments))})", _ATOM
    if len(arguments) == 1:
        return f"{operator}{' ' if operator.isalpha() else ''}{_operand(arguments[0], _UNARY)}", _UNARY
    if operator == "^":
        return f"{_operand(arguments[0], _ATOM)}^{_operand(arguments[1], _UNARY)}", _POWER
    level = _LEVELS[operator]
    left = _operand(arguments[0], level + (level == 2))
    return f"{left} {operator} {_operand(arguments[1], level + 1)}", level


def _operand(expr: Expr, at_least: int) -> str:
    shown, level = _print(expr)
    return shown if level >= at_least else f"({shown})"


def _call(expr: Expr) -> str:
    match expr:
        case Select(condition=condition, then=then, otherwise=otherwise):
            return f"select({', '.join(map(expression, (condition, then, otherwise)))})"
        case Reduce(operation=operation, operand=operand):
            return f"{operation}({expression(operand)})"
        case Broadcast(operand=operand, length=length):
            return f"broadcast({expression(operand)}, {length})"
        case WithColumn(vector=vector, index=index, value=value):
            return f"with({expression(vector)}, {expression(index)}, {expression(value)})"
        case Concat(parts=parts):
            return f"join({', '.join(map(expression, parts))})"
        case Permute(vector=vector, order=order) if order == tuple(reversed(range(len(order)))):
            return f"reverse({expression(vector)})"
        case Permute(vector=vector, order=order):
            return f"permute({expression(vector)}, [{', '.join(map(str, order))}])"
        case Section(input=name, start=start, length=length):
            return f"section({name}, {expression(start)}, {length})"
        case Iota(length=length):
            return f"places({length})"
        case WithWindow(vector=vector, start=start, value=value):
            return f"with({expression(vector)}, {expression(start)} +:, {expression(value)})"
        case Reshape(value=value):
            return f"reshape({expression(value)}, {list(expr.type.shape)})"
        case Mask(rows=rows, columns=columns):
            return f"mask({_degrees(rows)}; {_degrees(columns)})"
        case Convolve(value=value, weight=weight, bias=bias):
            added = "" if bias is None else f", {expression(bias)}"
            return f"convolve({expression(value)}, {expression(weight)}{added}; {_box(expr)})"
        case Draw(kind=kind, stream=stream, step=step, dim=dim):
            size = f", size = {expr.type.shape[0]}" if expr.type.shape else ""
            place = "" if dim is None else f", dim = {expression(dim)}"
            place += f" of {expr.length}" if expr.length > 1 else ""
            count = f", particles = {expr.type.particles}" if expr.type.particles > 1 else ""
            return f"{kind}(stream = {stream}, step = {expression(step)}{place}{size}{count})"
    return _call_particles(expr)


def _box(expr: Convolve) -> str:
    """The grid, the box that goes over it, and the zeros around it."""
    apart = f" apart {expr.dilation}" if expr.dilation > 1 else ""
    grid, kernel = ("x".join(map(str, n)) for n in (expr.grid, expr.kernel))
    return f"{grid} by {kernel}{apart}, zeros {list(expr.pads)}"


def _degrees(parts: tuple[Degrees, ...]) -> str:
    """`count` units of degrees `first + k rise / run`, part by part."""
    return ", ".join(f"{d.count} of {d.first} + {d.rise}k/{d.run}" for d in parts)


def _call_particles(expr: Expr) -> str:
    match expr:
        case Outer(left=left, right=right):
            return f"outer({expression(left)}, {expression(right)})"
        case Spread(value=value):
            return f"spread({expression(value)}, {expr.type.particles})"
        case Collect(value=value):
            return f"collect({expression(value)})"
        case Pool(value=value):
            return f"pool({expression(value)})"
        case Distribute(vector=vector):
            return f"distribute({expression(vector)})"
        case ParticleIndex():
            return f"particle({expr.type.particles})"
        case Argsort(vector=vector):
            return f"argsort({expression(vector)})"
        case LogAbsDet(entries=entries, size=size):
            return f"log_abs_det({expression(entries)}, {size})"
        case LinearSolution(entries=entries, right=right):
            return f"linear_solution({expression(entries)}, {expression(right)})"
        case MatrixFunction(function="identity"):
            return f"identity({expr.type.shape[0]})"
        case MatrixFunction(function=name, arguments=arguments) | ExternalCall(module=name, arguments=arguments):
            return f"{name}({', '.join(map(expression, arguments))})"
    raise TypeError(f"no row expression: {expr!r}")
