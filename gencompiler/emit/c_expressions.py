"""Row expressions in C: the number at one place of a value, for the lane `lane`.

Expressions are pulled: the number at place j of a slice is the number at place j + start of its vector, so whatever
only rearranges or computes elementwise becomes part of the loop that asks for it.  What cannot be pulled (products,
draws, long sums, joined vectors) is made first (`c_preparation`).
"""

from __future__ import annotations

import dataclasses

from gencompiler.emit.c_code import KINDS, OPERATORS, C, Level, call, converted, infix, number, offset, prefix, wrapped
from gencompiler.emit.c_values import (
    Matrix,
    Place,
    Scope,
    Unprintable,
    as_place,
    literal,
    mirrored,
    shifted,
    strides,
    written,
)
from gencompiler.rows.analysis import constant
from gencompiler.rows.nodes import (
    Broadcast,
    Collect,
    Column,
    Concat,
    Distribute,
    Elementwise,
    Expr,
    InputRead,
    Iota,
    Local,
    Mask,
    MatrixFunction,
    Number,
    ParameterRead,
    ParticleIndex,
    Permute,
    Pool,
    Reduce,
    Reshape,
    Select,
    Slice,
    Spread,
    Window,
    WithColumn,
)

#: The particle whose numbers are computed, in the loop over those of a row.
PARTICLE = C("particle", "int")

#: Vectors up to this length are written out, place by place.
SHORT = 4

#: Functions of `runtime/lanes.h`.
FUNCTIONS = {
    "exp": "exponential",
    "log": "logarithm",
    "expm1": "exponential_minus_1",
    "log1p": "log_1_plus",
    "sqrt": "root",
    "sigmoid": "sigmoid",
    "logit": "logit",
    "softplus": "softplus",
    "tanh": "hyperbolic_tangent",
    "atan": "inverse_tangent",
    "erf": "error_function",
    "lgamma": "log_gamma",
    "digamma": "digamma",
    "lambert_w": "lambert_w",
    "wright_omega": "wright_omega",
    "sinh": "hyperbolic_sine",
    "asinh": "inverse_sinh",
    "cosh": "hyperbolic_cosine",
    "sin": "sine",
    "cos": "cosine",
    "tan": "tangent",
    "abs": "absolute",
    "sign": "sign",
    "relu": "relu",
    "floor": "whole",
    "min": "minimum",
    "max": "maximum",
    "quotient": "floor_quotient",
    "remainder": "floor_remainder",
}

#: Functions of numbers that need no row and no parameter, in float64, as Python computes them.
_OF_NUMBERS = {name: name for name in ("exp", "log", "expm1", "log1p", "sqrt", "tanh", "atan", "erf", "floor", "sinh")}
_OF_NUMBERS |= {name: name for name in ("asinh", "cosh", "sin", "cos", "tan")}
_OF_NUMBERS |= {"abs": "fabs", "min": "fmin", "max": "fmax"}

_OF_WHOLE = {"quotient": "whole_quotient", "remainder": "whole_remainder"}

#: The largest exponent that multiplies; beyond, and for others, `power`.
_LONGEST_PRODUCT = 31

#: Catalogue functions that C computes.
COMPUTED = frozenset((*FUNCTIONS, *OPERATORS, "power", "negate", "not", "indicator", "stop"))


class Expressions:
    """A fold over row expressions."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def element(self, expr: Expr, at: tuple[Place, ...] = ()) -> C:
        """The number at a place."""
        match expr:
            case Number(value=value):
                return number(value, "int" if expr.type.kind == "integer" and constant(expr) is not None else "double")
            case Local(name=name):
                return self.scope.values[name].element(at)
            case InputRead(name=name):
                return self.scope.inputs[name].element(at)
            case ParameterRead(path=path):
                return self.scope.arrays[path].element(self._places(expr, at))
            case Elementwise():
                return self._elementwise(expr, at)
            case Select():
                return self._select(expr, at)
            case Broadcast(operand=operand):
                return self.element(operand)
            case Column(vector=vector, index=index):
                return self.element(vector, (self.place(index),))
            case Iota():
                return number(at[0], "int") if isinstance(at[0], int) else converted(at[0], "int")
            case Slice() | Permute() | Window() | Reshape() | Concat() | WithColumn():
                return self._rearranged(expr, at)
            case Reduce(operation=operation, operand=operand):
                return self._short_reduction(
                    operation, [self.element(operand, (k,)) for k in range(operand.type.shape[0])]
                )
            case Mask() | MatrixFunction():
                return self._of_matrix(expr, at)
            case Spread(value=value):
                return self.element(value, at)
            case Collect(value=Local(name=name)):
                return dataclasses.replace(self.scope.values[name], particle=at[0]).element(())
            case Pool(value=Local(name=name)):
                return self.scope.pooled[name].element(at)
            case Distribute(vector=vector):
                return self.element(vector, (PARTICLE, *at))
            case ParticleIndex():
                return PARTICLE
        raise Unprintable(f"a {type(expr).__name__.lower()}")

    def place(self, index: Expr) -> Place:
        """An index."""
        known = constant(index)
        return known if known is not None else as_place(self.element(index))

    # -- reads -------------------------------------------------------------------------------------------------------

    def _places(self, expr: ParameterRead, at: tuple[Place, ...]) -> list[Place]:
        free = iter(at)
        return [next(free) if index is None else self.place(index) for index in expr.index]

    def _rearranged(self, expr: Expr, at: tuple[Place, ...]) -> C:
        match expr:
            case Slice(vector=vector, start=start):
                return self.element(vector, (shifted(at[0], start),))
            case Permute(vector=vector, order=order):
                return self.element(vector, (self._ordered(order, at[0]),))
            case Window(value=value, start=start, axis=axis):
                moved = shifted(self.place(start), at[axis])
                return self.element(value, (*at[:axis], moved, *at[axis + 1 :]))
            case Reshape(value=value):
                flat = offset(list(zip(at, strides(expr.type.shape), strict=True)))
                steps = zip(value.type.shape, strides(value.type.shape), strict=True)
                whole = wrapped(flat, Level.UNARY)
                return self.element(value, tuple(C(f"({whole} / {s} % {n})", "int") for n, s in steps))
            case WithColumn(vector=vector, index=index, value=value):
                return self._with_column(vector, self.place(index), value, at[0])
            case Concat(parts=parts):
                known = literal(at[0])
                if known is None:
                    raise TypeError("a joined vector was not made before it was read")
                for part in parts:
                    length = part.type.shape[0] if part.type.shape else 1
                    if known < length:
                        return self.element(part, (known,) if part.type.shape else ())
                    known -= length
        raise TypeError(f"not rearranged: {expr!r}")

    def _ordered(self, order: tuple[int, ...], at: Place) -> Place:
        known = literal(at)
        if known is not None:
            return order[known]
        if order == tuple(reversed(range(len(order)))):
            return mirrored(at, len(order) - 1)
        return C(f"{self.scope.table(order)}[{at.text}]", "int") if isinstance(at, C) else order[at]

    def _with_column(self, vector: Expr, index: Place, value: Expr, at: Place) -> C:
        known, place = literal(index), literal(at)
        if known is not None and place is not None:
            return self.element(value) if known == place else self.element(vector, (at,))
        codes = [converted(each, "float") for each in (self.element(value), self.element(vector, (at,)))]
        return call("choose", _same(at, index), *codes)

    def _of_matrix(self, expr: Expr, at: tuple[Place, ...]) -> C:
        match expr:
            case MatrixFunction(function="transpose", arguments=(value,)):
                return self.element(value, (at[1], at[0]))
            case MatrixFunction(function="diagonal", arguments=(value,)):
                return self.element(value, (at[0], at[0]))
            case MatrixFunction(function="columns", arguments=(value,)):
                return self.element(value, (at[0],))
            case MatrixFunction(function="diagonal_matrix" | "identity", arguments=arguments):
                own = converted(self.element(arguments[0], (at[0],)), "float") if arguments else number(1.0, "float")
                return call("choose", _same(*at), own, number(0.0, "float"))
        raise Unprintable(f"`{expr.function}` of a matrix" if isinstance(expr, MatrixFunction) else "a mask")

    # -- elementwise -------------------------------------------------------------------------------------------------

    def _elementwise(self, expr: Elementwise, at: tuple[Place, ...]) -> C:
        codes = [self.element(each, at if each.type.shape else ()) for each in expr.arguments]
        function = expr.function
        if function == "stop":
            return codes[0]
        if function == "power":
            return self._power(codes, constant(expr.arguments[1]), expr.arguments[1])
        if function in OPERATORS:
            return self._operator(function, codes)
        if function == "negate":
            return prefix("-", codes[0])
        if function == "not":
            return prefix("!", codes[0])
        if function == "indicator":
            return converted(codes[0], "float" if expr.type.rows else "double")
        kinds = {each.kind for each in codes}
        if kinds == {"int"} and function in _OF_WHOLE:
            return call(_OF_WHOLE[function], *codes, kind="int")
        if kinds <= {"int", "double"} and function in _OF_NUMBERS:
            made = call(_OF_NUMBERS[function], *(converted(each, "double") for each in codes), kind="double")
            whole = kinds == {"int"} and function in ("abs", "min", "max")
            return converted(made, "int") if whole else made
        if function not in FUNCTIONS:
            raise Unprintable(f"`{function}`, which is not computed in C")
        return call(FUNCTIONS[function], *(converted(each, "float") for each in codes))

    def _operator(self, function: str, codes: list[C]) -> C:
        operator, level = OPERATORS[function]
        kind = max((each.kind for each in codes), key=KINDS.index)
        if function in ("and", "or"):
            return infix(operator, level, codes[0], codes[1], "bool")
        if kind == "bool":
            kind = "int"
        if function == "divide" and kind == "int":
            kind = "double"
        left, right = (converted(each, kind) for each in codes)
        return infix(operator, level, left, right, "bool" if level is Level.COMPARISON else kind)

    def _power(self, codes: list[C], whole: int | None, exponent: Expr) -> C:
        """Whole powers and roots by multiplication and sqrt; `power` for the rest."""
        base, given = codes
        if base.kind in ("int", "double") and given.kind in ("int", "double"):
            return call("pow", converted(base, "double"), converted(given, "double"), kind="double")
        base = converted(base, "float")
        if whole is not None and 0 <= abs(whole) <= _LONGEST_PRODUCT:
            size = abs(whole)
            made = call("square", base) if size == 2 else call("whole_power", base, number(size, "int"))
            made = base if size == 1 else made
            return made if whole >= 0 else infix("/", Level.PRODUCT, number(1.0, "float"), made, "float")
        if isinstance(exponent, Number) and exponent.value == 0.5:
            return call("root", base)
        return call("power", base, converted(given, "float"))

    def _select(self, expr: Select, at: tuple[Place, ...]) -> C:
        parts = (expr.condition, expr.then, expr.otherwise)
        condition, *branches = (self.element(each, at if each.type.shape else ()) for each in parts)
        kinds = {each.kind for each in branches}
        if kinds <= {"bool"}:
            return call("choose_bool", condition, *branches, kind="bool")
        if not expr.type.rows and kinds <= {"bool", "int", "double"}:
            kind = "int" if kinds == {"int"} else "double"
            made = call("choose_number", condition, *(converted(each, "double") for each in branches), kind="double")
            return converted(made, kind)
        return call("choose", condition, *(converted(each, "float") for each in branches))

    def _short_reduction(self, operation: str, codes: list[C]) -> C:
        codes = [converted(each, "float") for each in codes]
        result = codes[0]
        for each in codes[1:]:
            match operation:
                case "sum":
                    result = infix("+", Level.SUM, result, each, "float")
                case "prod":
                    result = infix("*", Level.PRODUCT, result, each, "float")
                case _:
                    result = call("maximum" if operation == "max" else "minimum", result, each)
        return result

    # -- matrices ----------------------------------------------------------------------------------------------------

    def matrix(self, expr: Expr) -> Matrix | None:
        """Where the numbers of a uniform matrix are, if they are in memory."""
        match expr:
            case ParameterRead(path=path, index=index):
                array = self.scope.arrays[path]
                steps = list(zip(strides(array.shape), index, strict=True))
                free = [s for s, i in steps if i is None]
                terms = [(self.place(i), s) for s, i in steps if i is not None]
                return Matrix(_moved(array.name, offset(terms)), (free[0], free[1]))
            case Local(name=name):
                slot = self.scope.values[name]
                return Matrix(slot.name, (expr.type.shape[1], 1)) if slot.kind == "float" else None
            case MatrixFunction(function="transpose", arguments=(value,)) if (found := self.matrix(value)) is not None:
                return Matrix(found.pointer, (found.strides[1], found.strides[0]))
            case Window(value=value, start=start, axis=axis) if (found := self.matrix(value)) is not None:
                moved = offset([(self.place(start), found.strides[axis])])
                return Matrix(_moved(found.pointer, moved), found.strides)
        return None


def _same(place: Place, other: Place) -> C:
    return C(f"{written(place)} == {written(other)}", "bool")


def _moved(pointer: str, by: C) -> str:
    return pointer if by.text == "0" else f"{pointer} + {by.text}"
