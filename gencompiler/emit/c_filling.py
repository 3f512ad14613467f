"""Numbers into their places in C: elementwise values, joined ones, products, draws and sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gencompiler.emit.c_code import C, Level, call, converted, number, offset, wrapped
from gencompiler.emit.c_expressions import PARTICLE, SHORT
from gencompiler.emit.c_lines import Elements, Lines
from gencompiler.emit.c_values import Place, Slot, shifted, written
from gencompiler.node import children
from gencompiler.rows.nodes import (
    Concat,
    Dot,
    Draw,
    Elementwise,
    Expr,
    InputRead,
    Local,
    Reduce,
    RowType,
    Section,
    Select,
    WithWindow,
)

#: Terms that are summed before they are added to the total: what is lost grows with the length of a sum.
_BLOCK = 32

_STARTS = {"sum": 0.0, "prod": 1.0}


class Filling(Lines):
    """Writes prepared values (`c_preparation`) to slots."""

    def _assign(self, target: C, code: C, rows: bool, operator: str = "=") -> None:
        text = f"{target.text} {operator} {code.text};"
        if rows:
            self.each_lane(text)
        else:
            self.line(text)

    def _places(self, slot: Slot) -> Iterator[tuple[Place, ...]]:
        """Every place of a value: of a short one by number, else in a loop that is open while it is used."""
        shape = slot.type.shape
        if not shape:
            yield ()
        elif len(shape) == 1 and shape[0] <= SHORT:
            yield from ((k,) for k in range(shape[0]))
        else:
            names = ("at", "by")[: len(shape)]
            for name, length in zip(names, shape, strict=True):
                self.opened(f"for (int {name} = 0; {name} < {length}; {name}++)")
            yield tuple(C(name, "int") for name in names)
            for _ in names:
                self.closed()

    def fill(self, slot: Slot, value: Expr, start: int = 0) -> None:
        """Write a prepared value to a slot, from the place `start` on."""
        match value:
            case Concat(parts=parts):
                for part in parts:
                    self.fill(slot, part, start)
                    start += part.type.shape[0] if part.type.shape else 1
            case Dot():
                self._dot(slot, value, start)
            case Draw():
                self._draw(slot, value, start)
            case Section(input=name, start=place, length=length):
                source, column = self.scope.inputs[name], written(self.expressions.place(place))
                sizes = f"first, count, {length}, {source.size}, {column}"
                self.line(f"load_section({slot.vector(start)}, {source.name}_rows, {sizes});")
            case Reduce(operand=operand) if not is_short(operand):
                self._reduce(slot, value, start)
            case WithWindow(vector=vector):
                self.fill(slot, vector, start)
                self._window(slot, value, start)
            case _ if len(value.type.shape) == 2:
                for places in self._places(slot):
                    code = converted(self.expressions.element(value, places), slot.kind)
                    self._assign(slot.element(places), code, False)
            case _ if not value.type.shape:
                target = slot.element((start,) if slot.type.shape else ())
                self._assign(target, converted(self.expressions.element(value), slot.kind), slot.type.rows)
            case _ if slot.type.rows and start == 0 and value.type.shape[0] > SHORT:
                self._each_element(slot, value, value.type.shape[0])
            case _:
                self._each_place(slot, value, value.type.shape[0], lambda place: shifted(place, start))

    def _window(self, slot: Slot, value: WithWindow, start: int = 0) -> None:
        """The numbers that are new, where they belong."""
        length, at = value.value.type.shape[0], self.expressions.place(value.start)
        self._each_place(slot, value.value, length, lambda place: shifted(shifted(place, at), start))

    def _each_element(self, slot: Slot, value: Expr, length: int) -> None:
        """A whole vector, in the loop of its neighbours."""
        at = C("at", "int")
        code = converted(self.expressions.element(value, (at,)), slot.kind)
        text = f"{slot.element((at,)).text} = {code.text};"
        self.each_element(Elements(length, text, slot.name, frozenset(self._elsewhere(value, aligned=True))))

    def _elsewhere(self, expr: Expr, *, aligned: bool) -> Iterator[str]:
        """The names of the vectors of which an element of a value needs elements at other places; `aligned`: whether
        `expr` is read at the element's own place."""
        if isinstance(expr, Local) and not aligned and expr.type.rows and expr.type.shape:
            yield self.scope.values[expr.name].name
        same = aligned and isinstance(expr, Elementwise | Select)
        for part in children(expr):
            if isinstance(part, Expr):
                yield from self._elsewhere(part, aligned=same)

    def _each_place(self, slot: Slot, value: Expr, length: int, target: Callable[[Place], Place]) -> None:
        own = Slot("", RowType(slot.type.rows, (length,)))
        for (at,) in self._places(own):
            code = converted(self.expressions.element(value, (at,)), slot.kind)
            self._assign(slot.element((target(at),)), code, slot.type.rows)

    def _dot(self, slot: Slot, dot: Dot, start: int) -> None:
        matrix = self.expressions.matrix(dot.matrix)
        if matrix is None:
            raise TypeError("a matrix was not made before it was read")
        by_column, by_row = matrix.strides if not dot.transposed else (matrix.strides[1], matrix.strides[0])
        length, count = dot.vector.type.shape[0], dot.type.shape[0]
        if dot.vector.type.rows:
            assert isinstance(dot.vector, Local | InputRead)
            known = self.scope.values if isinstance(dot.vector, Local) else self.scope.inputs
            source = known[dot.vector.name]
            sizes = f"{count}, {source.vector()}, {length}, {matrix.pointer}, {by_row}, {by_column}"
            self.line(f"dot({slot.vector(start)}, {sizes});")
            return
        self.opened(f"for (int at = 0; at < {count}; at++)")
        target = slot.element((shifted(C("at", "int"), start),))
        summed = self.scope.names.fresh("summed")
        self.line(f"float {summed} = 0.0f;")
        factor = converted(self.expressions.element(dot.vector, (C("by", "int"),)), "float")
        read = f"({matrix.pointer})[at * {by_row} + by * {by_column}]"
        self.line(f"for (int by = 0; by < {length}; by++) {summed} += {wrapped(factor, Level.PRODUCT)} * {read};")
        self._assign(target, C(summed), slot.type.rows)
        self.closed()

    def _draw(self, slot: Slot, draw: Draw, start: int) -> None:
        step = self.expressions.element(draw.step)
        count = draw.type.shape[0] if draw.type.shape else 1
        terms: list[tuple[Place, int]] = [] if draw.dim is None else [(self.expressions.element(draw.dim), 1)]
        if draw.type.particles > 1:
            terms.append((PARTICLE, count if draw.type.shape else draw.length))
        dim = offset(terms).text
        target = slot.vector(start)
        self.line(f"{draw.kind}({target}, {count}, row, seed, {step.text}, {dim}, {draw.stream});")

    def _reduce(self, slot: Slot, reduce: Reduce, start: int) -> None:
        target, length = slot.element((start,) if slot.type.shape else ()), reduce.operand.type.shape[0]
        rows, operation = slot.type.rows, reduce.operation

        def code(at: Place) -> C:
            return converted(self.expressions.element(reduce.operand, (at,)), "float")

        at = C("at", "int")
        first = code(0) if operation in ("max", "min") else number(_STARTS[operation], "float")
        self._assign(target, first, rows)
        if operation in ("max", "min"):
            self.opened(f"for (int at = 1; at < {length}; at++)")
            self._assign(target, call(f"{operation}imum", target, code(at)), rows)
            self.closed()
        elif operation == "sum" and length > 2 * _BLOCK:
            self.opened(f"for (int block = 0; block < {length}; block += {_BLOCK})")
            part = self.declare(self.scope.temporary("part", RowType(rows, ())))
            self._assign(part.element(()), number(0.0, "float"), rows)
            self.opened(f"for (int at = block; at < {length} && at < block + {_BLOCK}; at++)")
            self._assign(part.element(()), code(at), rows, "+=")
            self.closed()
            self._assign(target, part.element(()), rows, "+=")
            self.closed()
        else:
            self.opened(f"for (int at = 0; at < {length}; at++)")
            self._assign(target, code(at), rows, "+=" if operation == "sum" else "*=")
            self.closed()


def is_short(expr: Expr) -> bool:
    """Whether a value is written out place by place."""
    return all(length <= SHORT for length in expr.type.shape) and len(expr.type.shape) < 2
