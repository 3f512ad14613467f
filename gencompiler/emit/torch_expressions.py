"""Row expressions in torch.

A row scalar is `[rows]`, a row vector `[rows, n]`, a uniform value has no axis `rows`.  Inside a loop that runs in
chunks, a value that depends on the dimension has one more axis, `chunk`, in front of all others, and the loop's
index is a slice; so values that do not depend on it broadcast as they are.
"""

from __future__ import annotations

import dataclasses

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.emit import torch_windows
from gencompiler.emit.code import (
    OPERATORS,
    Attribute,
    Code,
    Conditional,
    Level,
    Prefix,
    Sequence,
    Subscript,
    Text,
    as_code,
    call,
    clamped,
    fill,
    flat,
    infix,
    method,
    number,
)
from gencompiler.emit.torch_particles import drawn_size, matrix_function, moved, particle_numbers
from gencompiler.emit.torch_values import Scope, Value, aligned, for_each_row, indexed, reals
from gencompiler.rows.analysis import constant
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
    LinearSolution,
    Local,
    LogAbsDet,
    Mask,
    MatrixFunction,
    Number,
    Outer,
    ParameterRead,
    ParticleIndex,
    Permute,
    Pool,
    Reduce,
    Reshape,
    RowType,
    Section,
    Select,
    Slice,
    Spread,
    Window,
    WithColumn,
    WithWindow,
)

#: How Python's `math` (or a builtin) spells a function of numbers that are known without a tensor.
_MATH = {name: f"math.{name}" for name in ("exp", "log", "expm1", "log1p", "sqrt", "tanh", "atan", "erf", "floor")}
_MATH |= {name: f"math.{name}" for name in ("sinh", "asinh", "cosh", "sin", "cos", "tan")}
_MATH |= {"abs": "abs", "min": "min", "max": "max", "indicator": "float"}

_REDUCTIONS = {"sum": "sum", "max": "amax", "min": "amin", "prod": "prod", "logsumexp": "logsumexp"}


class Expressions:
    """A fold over row expressions."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def code(self, expr: Expr) -> Code:
        return self.value(expr).code

    def value(self, expr: Expr) -> Value:
        match expr:
            case Number(type=kind, value=value):
                whole = kind.kind == "integer" and constant(expr) is not None
                return Value(Text(str(int(value))) if whole and value >= 0 else number(value), kind, host=True)
            case Local(name=name):
                return self._local(name, expr.type)
            case InputRead(name=name):
                return self.scope.inputs[name]
            case ParameterRead():
                return self._parameter(expr)
            case Elementwise():
                return self._elementwise(expr)
            case Select():
                return self._select(expr)
            case Dot():
                return self._dot(expr)
            case Outer(left=left, right=right):
                both = call("torch.einsum", '"...j,...k->...jk"', self.code(left), self.code(right))
                return Value(method(both, "flatten", "-2"), expr.type)
            case Reduce():
                return self._reduce(expr)
            case Broadcast():
                return self._broadcast(expr)
            case Column():
                return self._column(expr)
            case Slice(vector=vector, start=start, stop=stop):
                return self._take(expr, vector, f"{start or ''}:{'' if stop == vector.type.shape[0] else stop}")
            case Section():
                return self._section(expr)
            case Concat():
                return torch_windows.concat(self, expr)
            case Permute() | Argsort():
                return torch_windows.ordered(self, expr)
            case Iota(length=length):
                if length not in self.scope.iotas:
                    self.scope.iotas[length] = self.scope.names.fresh("places", f"places_{length}")
                self.scope.want("device")
                return Value(Text(self.scope.iotas[length]), expr.type)
            case Window() | WithWindow() | WithColumn() | Reshape() | Mask() | Convolve():
                return torch_windows.value(self, expr)
            case LogAbsDet() | LinearSolution():
                return torch_windows.value(self, expr)
            case Draw():
                return self._draw(expr)
            case Spread(value=operand) | Collect(value=operand) | Pool(value=operand) | Distribute(vector=operand):
                return moved(expr, self.value(operand), self.scope)
            case ParticleIndex():
                return particle_numbers(expr, self.scope)
            case MatrixFunction(arguments=arguments):
                return Value(matrix_function(expr, list(map(self.code, arguments)), self.scope), expr.type)
            case ExternalCall(module=module, arguments=arguments):
                codes = [self.spread(self.value(a), for_each_row(a.type, expr.type)) for a in arguments]
                return Value(call(self.scope.modules[module], *codes), expr.type)
        raise TypeError(f"no row expression: {expr!r}")

    # -- leaves ------------------------------------------------------------------------------------------------------

    def _local(self, name: str, kind: RowType) -> Value:
        if name == self.scope.chunk:  # the index as a number; where it selects, `place` takes the slice itself
            return Value(self.scope.want(f"{self.slice_of_chunk()}_values"), kind, chunked=True)
        return self.scope.values[name]

    def slice_of_chunk(self) -> str:
        return flat(self.scope.values[self.scope.chunk or ""].code)

    def place(self, index: Expr) -> tuple[str, bool]:
        """An index as a subscript, and whether it is the slice of a chunk."""
        if isinstance(index, Local) and index.name == self.scope.chunk:
            return self.slice_of_chunk(), True
        return flat(self.code(index)), False

    def _parameter(self, expr: ParameterRead) -> Value:
        base = Text(self.scope.parameters[expr.path])
        places = [(":", False) if place is None else self.place(place) for place in expr.index]
        kept = [chunked for place, (_, chunked) in zip(expr.index, places, strict=True) if place is None or chunked]
        items = [text for text, _ in places]
        while items and items[-1] == ":":
            items.pop()
        code: Code = Subscript(base, tuple(items)) if items else base
        chunked = any(kept)
        if chunked and not kept[0]:
            code = Attribute(code, "T") if len(kept) == 2 else method(code, "movedim", str(kept.index(True)), "0")
        return Value(code, expr.type, chunked=chunked)

    def _draw(self, expr: Draw) -> Value:
        if expr.stream in self.scope.draws:
            name, _ = self.scope.draws[expr.stream]
            return Value(self._of_particles(method(Text(name), "at", self.code(expr.step)), expr), expr.type)
        arguments: list[Code] = [Text("seed"), Text("rows"), self.code(expr.step), Text(str(expr.stream))]
        arguments += map(Text, drawn_size(expr))
        single = expr.type.particles == 1 and expr.dim is not None and constant(expr.dim) != 0
        keywords = {"dim": self.code(expr.dim)} if single and expr.dim is not None else {}
        made = call(f"random.{expr.kind}", *arguments, **keywords, dtype=self.scope.want("dtype"))
        return Value(self._of_particles(made, expr), expr.type)

    def _of_particles(self, numbers: Code, draw: Draw) -> Code:
        """The draws of a row side by side, `numbers`, as draws of its particles."""
        if draw.type.particles == 1:
            return numbers
        if draw.type.shape:
            return method(numbers, "view", "-1", str(draw.type.shape[0]))
        if draw.length == 1 or draw.dim is None:
            return method(numbers, "view", "-1")
        return Subscript(method(numbers, "view", "-1", str(draw.length)), (":", self.place(draw.dim)[0]))

    # -- elementwise -------------------------------------------------------------------------------------------------

    def _elementwise(self, expr: Elementwise) -> Value:
        fused = self._in_one_call(expr)
        if fused is not None:
            return fused
        values = [self.value(each) for each in _without_broadcasts(expr.arguments)]
        if all(value.host for value in values):
            return self._host(expr, values)
        codes = self._together(values, expr.type)
        if expr.function == "power" and constant(expr.arguments[1]) is not None:
            codes[1] = number(constant(expr.arguments[1]) or 0, whole=True)
        if expr.type.kind == "real" and {value.type.kind for value in values if not value.host} == {"integer"}:
            codes = reals(codes, values, self.scope.want("dtype"))
        chunked = any(value.chunked for value in values)
        return Value(self._apply(expr.function, codes, values), expr.type, chunked=chunked)

    def _apply(self, function: str, codes: list[Code], values: list[Value]) -> Code:
        if function in OPERATORS:
            return infix(*OPERATORS[function], *codes)
        if function in ("negate", "not"):
            return Prefix("-" if function == "negate" else "~", codes[0])
        if function in ("min", "max"):
            for bound, other in ((0, 1), (1, 0)):
                if values[bound].host:
                    return clamped(codes[other], "max" if function == "min" else "min", codes[bound])
        template = FUNCTIONS[function].torch
        if "dtype" in template:
            self.scope.want("dtype")
        return fill(template, codes)

    def _host(self, expr: Elementwise, values: list[Value]) -> Value:
        codes = [value.code for value in values]
        if expr.function in OPERATORS or expr.function == "negate":
            return Value(self._apply(expr.function, codes, values), expr.type, host=True)
        if expr.function == "not":
            return Value(Prefix("not ", codes[0]), expr.type, host=True)
        if expr.function in _MATH:
            function = _MATH[expr.function]
            if function.startswith("math."):
                self.scope.want("math")
            return Value(call(function, *codes), expr.type, host=True)
        tensors = [call("torch.tensor", code, dtype=self.scope.want("dtype")) for code in codes]
        return Value(fill(FUNCTIONS[expr.function].torch, list(tensors)), expr.type)

    def _select(self, expr: Select) -> Value:
        condition, *branches = (self.value(e) for e in _without_broadcasts((expr.condition, expr.then, expr.otherwise)))
        if condition.host:
            if len({branch.type.rows and not branch.host for branch in branches}) > 1:
                codes = [self.spread(branch, for_each_row(branch.type, expr.type)) for branch in branches]
                branches = [Value(c, for_each_row(b.type, expr.type)) for c, b in zip(codes, branches, strict=True)]
            host = all(branch.host for branch in branches)
            codes = self._together(branches, expr.type)
            if not host:  # Python chooses one branch, which does not take its length from the other
                codes = [self._as_long(*each, expr.type) for each in zip(branches, codes, strict=True)]
            return Value(Conditional(condition.code, *codes), expr.type, host, any(b.chunked for b in branches))
        if all(branch.host for branch in branches):  # torch.where of two numbers would have torch's default dtype
            branches[0] = Value(self.made("torch.tensor", branches[0].code), branches[0].type)
        values = [condition, *branches]
        codes = self._together(values, expr.type)
        return Value(call("torch.where", *codes), expr.type, chunked=any(value.chunked for value in values))

    def _as_long(self, value: Value, code: Code, whole: RowType) -> Code:
        """The `code` of a `value` that has been aligned with a value of type `whole`, with its last axis in full."""
        if value.type.shape == whole.shape:
            return code
        if value.host:
            return self.spread(value, dataclasses.replace(value.type, shape=whole.shape))
        return method(code, "expand", *["-1"] * (value.chunked + value.type.rows), *map(str, whole.shape))

    def _together(self, values: list[Value], result: RowType) -> list[Code]:
        """The codes of `values`, with the axes that broadcasting needs to meet in a value of type `result`."""
        chunked = any(value.chunked for value in values)
        rows = any(value.type.rows and not value.host for value in values)
        return [aligned(value, chunked, rows, len(result.shape)) for value in values]

    # -- vectors -----------------------------------------------------------------------------------------------------

    def _in_one_call(self, expr: Elementwise) -> Value | None:
        """`vector @ matrix.T + bias`, `a sigmoid(a)`"""
        match expr:
            case Elementwise(function="multiply", arguments=(a, Elementwise(function="sigmoid", arguments=(b,)))):
                if a == b and a.type == expr.type and not (value := self.value(a)).host:
                    return dataclasses.replace(value, code=call("F.silu", value.code))
            case Elementwise(function="add", arguments=(Dot(transposed=True) as dot, bias)) if _is_weights(bias):
                if (listed := self.scope.windows.get((dot.matrix, True))) is not None:
                    return Value(call("torch.addmm", self.code(bias), self.code(dot.vector), listed), expr.type)
                parts = [self.value(each) for each in (dot.vector, dot.matrix, bias)]
                if not any(part.chunked for part in parts):
                    return Value(call("F.linear", *(part.code for part in parts)), expr.type)
        return None

    def _dot(self, expr: Dot) -> Value:
        if (listed := self.scope.windows.get((expr.matrix, expr.transposed))) is not None:
            return Value(infix("@", Level.PRODUCT, self.code(expr.vector), listed), expr.type)
        if torch_windows.is_running_sum(expr):
            summed = self.value(expr.vector)
            return dataclasses.replace(summed, code=method(summed.code, "cumsum", "-1"))
        vector, matrix = self.value(expr.vector), self.value(expr.matrix)
        right = matrix.code
        if expr.transposed:
            right = Attribute(right, "mT" if matrix.chunked else "T")
        left = vector.code
        if matrix.chunked and vector.chunked and not vector.type.rows:
            left = indexed(left, [":", "None"])
            product = infix("@", Level.PRODUCT, left, right)
            return Value(Subscript(product, (":", "0")), expr.type, chunked=True)
        return Value(infix("@", Level.PRODUCT, left, right), expr.type, chunked=vector.chunked or matrix.chunked)

    def _reduce(self, expr: Reduce) -> Value:
        if factors := weighted(expr):
            vector, weights = map(self.value, factors)
            if not vector.chunked and not weights.chunked:
                return Value(infix("@", Level.PRODUCT, vector.code, weights.code), expr.type)
        value = self.value(expr.operand)
        if expr.operation == "norm":  # unlike the root of a sum of squares, it has a gradient at 0
            code = call("torch.linalg.vector_norm", value.code, dim="-1")
            return Value(code, expr.type, chunked=value.chunked)
        return Value(method(value.code, _REDUCTIONS[expr.operation], "-1"), expr.type, chunked=value.chunked)

    def _broadcast(self, expr: Broadcast) -> Value:
        value, length = self.value(expr.operand), str(expr.length)
        if value.host:
            return Value(self.made("torch.full", f"({length},)", value.code), expr.type)
        axes = value.chunked + value.type.rows
        spread = aligned(value, value.chunked, value.type.rows, 1)
        return Value(method(spread, "expand", *["-1"] * axes, length), expr.type, chunked=value.chunked)

    def _column(self, expr: Column) -> Value:
        place, chunked = self.place(expr.index)
        value = self.value(expr.vector)
        if not value.type.rows and not value.chunked:
            return Value(Subscript(value.code, (place,)), expr.type, chunked=chunked)
        if chunked:
            return Value(Attribute(Subscript(value.code, (":", place)), "T"), expr.type, chunked=True)
        return Value(self.last(value, place), expr.type, chunked=value.chunked)

    def _take(self, expr: Expr, vector: Expr, items: str) -> Value:
        value = self.value(vector)
        return Value(self.last(value, items), expr.type, chunked=value.chunked)

    def _section(self, expr: Section) -> Value:
        place = self.place(expr.start)[0]
        items = f"{place} : {place} + {expr.length}" if constant(expr.start) is None else _span(expr)
        return Value(Subscript(self.scope.inputs[expr.input].code, (":", items)), expr.type)

    def last(self, value: Value, item: str) -> Code:
        """`value` with its last axis indexed."""
        axes = value.chunked + value.type.rows
        return Subscript(value.code, (*([":"] * axes if axes < 2 else ["..."]), item))

    # -- rows --------------------------------------------------------------------------------------------------------

    def made(self, function: str, *arguments: Code | str) -> Code:
        """A new tensor of the dtype, on the device."""
        return call(function, *arguments, dtype=self.scope.want("dtype"), device=self.scope.want("device"))

    def spread(self, value: Value, kind: RowType) -> Code:
        """`value` as a tensor of type `kind`: a uniform value is repeated for each row where `kind` has rows."""
        if value.type.rows and not value.host:
            return value.code
        own = tuple(Text(str(n)) for n in kind.shape)
        size = (self.scope.count(kind.particles), *own) if kind.rows else tuple(map(as_code, map(str, kind.shape)))
        if value.host:
            if flat(value.code) in ("0", "0.0"):
                return self.made("torch.zeros", *(size or (Text("()"),)))
            return self.made("torch.full", Sequence(size), value.code)
        return method(value.code, "expand", size[0], *["-1"] * len(kind.shape)) if kind.rows else value.code


def _without_broadcasts(arguments: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """Scalars in place of Broadcasts where another argument gives the length anyway."""
    if any(each.type.shape and not _is_broadcast(each) for each in arguments):
        return tuple(each.operand if isinstance(each, Broadcast) else each for each in arguments)
    return arguments


def weighted(expr: Reduce) -> tuple[Expr, Expr] | None:
    """The vector and the weights of a sum over a row's vector times weights, which is a product in torch."""
    match expr.operation, expr.operand:
        case "sum", Elementwise(function="multiply", arguments=(a, b)):
            for row, weights in ((a, b), (b, a)):
                if row.type.shape and row.type.rows and _is_weights(weights) and not _is_broadcast(row):
                    return row, weights
    return None


def _span(expr: Section) -> str:
    start = constant(expr.start) or 0
    return f"{start or ''}:{start + expr.length}"


def _is_weights(expr: Expr) -> bool:
    """A real vector that is the same for all rows."""
    return not expr.type.rows and len(expr.type.shape) == 1 and expr.type.kind == "real"


def _is_broadcast(expr: Expr) -> bool:
    return isinstance(expr, Broadcast)
