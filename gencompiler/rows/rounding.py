"""Running error analysis: how far a computed value may be from the exact one, to first order in the unit roundoff.

Beside each value v goes a bound e of its error, in units of the machine's eps (the distance from 1 to the next number),
so that the same formulas serve float32 and float64:

    v = f(a, b)    e_v = |df/da| e_a + |df/db| e_b + c |v|

with the catalogue's derivatives, and c = 1/2 for what IEEE arithmetic rounds correctly, a few units for other functions
(Higham, Accuracy and Stability of Numerical Algorithms, 2002, sections 3.3 and 3.1 for sums of products).  None is 0.

A matrix that all rows share, and what a loop has found and is constant afterwards (`stop`), are given numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gencompiler.catalog.functions import FUNCTIONS, STEPS
from gencompiler.rows import nodes
from gencompiler.rows.convolve import convolved
from gencompiler.rows.formulas import applied
from gencompiler.rows.graph import Graph, parts_of
from gencompiler.rows.nodes import Expr
from gencompiler.rows.rewrite import operands_first, rebuilt
from gencompiler.rows.unsupported import NotLowered

#: What each function rounds, in eps of its value: nothing, half a unit (IEEE), or a few (what mathematical libraries,
#: torch's and ours, promise or were measured to keep).
EXACT = frozenset({"negate", "abs", "min", "max", "relu", "stop", *STEPS})
CORRECTLY_ROUNDED = frozenset({"add", "subtract", "multiply", "divide", "sqrt"})
OTHERS = 2.0
OWN = 4.0


class Rounding:
    """Bounds of errors by value.  `known`: those of values that a computation starts from; others are exact."""

    def __init__(self, graph: Graph, known: Mapping[int, Expr | None]) -> None:
        self.graph = graph
        self.errors: dict[int, Expr | None] = dict(known)

    def of(self, value: Expr) -> Expr | None:
        """The bound of the error of `value`, in its shape or as one number for all elements; None where it is exact.

        Raises NotLowered where there is no rule."""
        for each in operands_first(value, lambda e: [] if id(e) in self.errors else self._operands(e)):
            if id(each) not in self.errors:
                self.errors[id(each)] = self._of(each)
        return self.errors[id(value)]

    def full(self, value: Expr) -> Expr:
        """The same as a value of the shape of `value`."""
        return self._wide(self.of(value), value)

    def _operands(self, value: Expr) -> list[Expr]:
        given = isinstance(value, nodes.MatrixFunction | nodes.ParameterRead) or _found(self.graph, value)
        return [] if given else [part for part in parts_of(value) if part.type.kind == "real"]

    def _of(self, value: Expr) -> Expr | None:
        if value.type.kind != "real" or _found(self.graph, value):
            return None
        match value:
            case nodes.Number(value=number):
                short = not number or abs(number) * 2.0**24 % 1 == 0  # a float32, if not a large one
                return None if short else self.graph.number(abs(number) / 2, value.span)
            case nodes.Elementwise():
                return self._elementwise(value)
            case nodes.Select(condition=condition, then=then, otherwise=otherwise):
                sides = self.errors[id(then)], self.errors[id(otherwise)]
                zero = self.graph.number(0, value.span)
                if sides == (None, None):
                    return None
                return self.graph.select(condition, sides[0] or zero, sides[1] or zero, value.span)
            case nodes.Dot(vector=vector, matrix=matrix, transposed=transposed):
                size = matrix.type.shape[1 if transposed else 0]
                return self._product(
                    value, vector, matrix, size, lambda a, b: self.graph.dot(a, b, transposed, value.span)
                )
            case nodes.Convolve():
                return self._convolved(value)
            case nodes.Reduce(operation=operation, operand=operand):
                return self._reduced(value, operation, operand)
            case nodes.Column() | nodes.Slice() | nodes.Concat() | nodes.Permute() | nodes.Broadcast():
                return self._moved(value)
            case nodes.WithColumn() | nodes.Window() | nodes.WithWindow():
                return self._moved(value)
            case nodes.Spread() | nodes.Collect() | nodes.Distribute():
                return self._moved(value)
            case nodes.InputRead() | nodes.ParameterRead() | nodes.MatrixFunction() | nodes.Iota() | nodes.Mask():
                return None
            case nodes.Local() if id(value) not in self.graph.produced_by:
                return None
        raise NotLowered(value, f"the rounding of {type(value).__name__.lower()}")

    # -- functions ---------------------------------------------------------------------------------------------------

    def _elementwise(self, value: nodes.Elementwise) -> Expr | None:
        """By the catalogue's derivatives; a function without one is constant between its jumps."""
        function = FUNCTIONS[value.function]
        total: Expr | None = None
        errors = [self.errors.get(id(a)) for a in value.arguments]
        if any(e is not None for e in errors) and not (function.derivatives or value.function in EXACT):
            raise NotLowered(value, f"the rounding of {value.function}")
        for rule, error in zip(function.derivatives, errors, strict=False):
            if error is not None:
                slope = applied(self.graph, rule, value.arguments, value.span)
                total = self._sum(total, self._times(self._abs(slope), error))
        return self._sum(total, self._share(value.function, value))

    def _share(self, name: str, value: Expr) -> Expr | None:
        """What computing a function adds."""
        if name in EXACT:
            return None
        own = FUNCTIONS[name].torch.startswith(("special.", "quantiles."))
        return self._scaled(0.5 if name in CORRECTLY_ROUNDED else OWN if own else OTHERS, value)

    # -- sums --------------------------------------------------------------------------------------------------------

    def _product(
        self, value: Expr, left: Expr, right: Expr, size: int, times: Callable[[Expr, Expr], Expr]
    ) -> Expr | None:
        """Of a sum of `size` products: |a| e_b + e_a |b| + (size + 1) / 2 |a| |b|."""
        left_size, right_size = self._abs(left), self._abs(right)
        total: Expr | None = self._scaled((size + 1) / 2, times(left_size, right_size))
        if (error := self.errors[id(left)]) is not None:
            total = self._sum(total, times(self._wide(error, left), right_size))
        if (error := self.errors.get(id(right))) is not None:
            total = self._sum(total, times(left_size, self._wide(error, right)))
        return total

    def _convolved(self, value: nodes.Convolve) -> Expr | None:
        sizes = (value.grid, value.kernel, value.dilation, value.pads)
        size = value.weight.type.shape[1]

        def times(a: Expr, b: Expr) -> Expr:
            return convolved(self.graph, a, b, None, *sizes, value.span)

        total = self._product(value, value.value, value.weight, size, times)
        if value.bias is None:
            return total
        if self.errors[id(value.bias)] is not None:
            raise NotLowered(value, "the rounding of a convolution's bias")
        return self._sum(total, self._scaled(0.5, value))

    def _reduced(self, value: Expr, operation: str, operand: Expr) -> Expr | None:
        graph, span, error = self.graph, value.span, self.errors[id(operand)]
        wide = None if error is None else self._wide(error, operand)
        size = operand.type.shape[0]
        match operation:
            case "sum":
                passed = None if wide is None else graph.reduce("sum", wide, span)
                return self._sum(passed, self._scaled((size - 1) / 2, graph.reduce("sum", self._abs(operand), span)))
            case "norm":
                passed = None if wide is None else graph.reduce("norm", wide, span)
                return self._sum(passed, self._scaled(size / 2 + 1, value))
            case "max" | "min":
                return None if wide is None else graph.reduce("max", wide, span)
            case "logsumexp":
                passed = None if wide is None else graph.reduce("max", wide, span)
                sums = graph.number(size / 2 + 2 * OTHERS, span)
                return self._sum(self._sum(passed, sums), self._scaled(0.5, value))
        raise NotLowered(value, f"the rounding of a {operation}")

    def _moved(self, value: Expr) -> Expr | None:
        """Of elements in other places: errors in the same places."""
        found = {id(p): self.errors[id(p)] for p in parts_of(value) if p.type.kind == "real"}
        if all(error is None for error in found.values()):
            return None
        return rebuilt(self.graph, value, lambda p: self._wide(found[id(p)], p) if id(p) in found else p)

    # -- arithmetic --------------------------------------------------------------------------------------------------

    def _sum(self, a: Expr | None, b: Expr | None) -> Expr | None:
        if a is None or b is None:
            return b if a is None else a
        return self.graph.elementwise("add", a, b, span=a.span)

    def _times(self, a: Expr, b: Expr) -> Expr:
        return self.graph.elementwise("multiply", a, b, span=b.span)

    def _scaled(self, by: float, value: Expr) -> Expr:
        return self._times(self.graph.number(by, value.span), self._abs(value))

    def _abs(self, value: Expr) -> Expr:
        """|v|, and v itself where it cannot be negative."""
        match value:
            case nodes.Number(value=number):
                return self.graph.number(abs(number), value.span)
            case nodes.Elementwise(function=function) if FUNCTIONS[function].range.startswith(("(0,", "[0,")):
                return value
            case nodes.Elementwise(function="negate", arguments=(inner,)):
                return self._abs(inner)
            case nodes.Mask():
                return value
        return self.graph.elementwise("abs", value, span=value.span)

    def _wide(self, error: Expr | None, like: Expr) -> Expr:
        """An error in the shape of its value: one number stands for every element."""
        found = self.graph.number(0, like.span) if error is None else error
        if found.type.shape == like.type.shape:
            return found
        if len(like.type.shape) != 1:
            raise NotLowered(like, "the rounding of a matrix")
        return self.graph.broadcast(found, like.type.shape[0], like.span)


def _found(graph: Graph, value: Expr) -> bool:
    """Whether `value` is what a loop has found, as a constant."""
    match value:
        case nodes.Elementwise(function="stop", arguments=(inner,)):
            return any(id(part) in graph.produced_by for part in operands_first(inner, parts_of))
    return False
