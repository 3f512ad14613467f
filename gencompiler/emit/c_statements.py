"""Row statements in C: loops over lanes, and what has to be made before such a loop.

Neighbouring statements about one number of each row share a loop over lanes; the compiler then keeps what passes from
one to the next in registers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import cast

from gencompiler.diagnostics.span import Span
from gencompiler.emit.c_code import C, Level, call, converted, laid_out, number, wrapped
from gencompiler.emit.c_expressions import SHORT, Expressions
from gencompiler.emit.c_values import Place, Scope, Slot, Unprintable, shifted
from gencompiler.node import Node, rebuild, walk
from gencompiler.rows.analysis import carried_type, constant, local_names
from gencompiler.rows.nodes import (
    Broadcast,
    Carry,
    Column,
    Concat,
    Dot,
    Draw,
    Elementwise,
    Expr,
    Let,
    Local,
    Loop,
    Mask,
    MatrixFunction,
    Permute,
    Reduce,
    Reshape,
    RowType,
    Select,
    Slice,
    Statement,
    StoreColumn,
    StoreSection,
    WithColumn,
    WithWindow,
)

_INDEX = RowType(False, (), "integer")
#: Statements that share a loop over lanes, at most: longer ones keep more than the registers hold.
_TOGETHER = 24
#: Terms that are summed before they are added to the total: what is lost grows with the length of a sum.
_BLOCK = 32

_STARTS = {"sum": 0.0, "prod": 1.0}


class Statements:
    """A fold over row statements that collects `lines`."""

    def __init__(self, scope: Scope, where: Callable[[Span], str]) -> None:
        self.scope, self.where = scope, where
        self.expressions = Expressions(scope)
        self.lines: list[str] = []
        self.indent = 4
        self.origin = ""
        self.pending: list[str] = []

    # -- lines -------------------------------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        """A line after everything that was said before it."""
        self.flush()
        self.lines += laid_out(text, self.indent)

    def declare(self, slot: Slot) -> Slot:
        """Declarations come before the loop over lanes that is being collected."""
        self.lines += laid_out(slot.declaration(), self.indent)
        return slot

    def each_lane(self, text: str) -> None:
        """A statement for each lane."""
        self.pending.append(text)
        if len(self.pending) == _TOGETHER:
            self.flush()

    def flush(self) -> None:
        pending, self.pending = self.pending, []
        if not pending:
            return
        head = "for (int lane = 0; lane < LANES; lane++)"
        if len(pending) == 1 and len(pending[0]) + len(head) + self.indent < 119:
            self.lines += laid_out(f"{head} {pending[0]}", self.indent)
            return
        self.lines += laid_out(head + " {", self.indent)
        for each in pending:
            self.lines += laid_out(each, self.indent + 4)
        self.lines += laid_out("}", self.indent)

    def opened(self, head: str) -> None:
        self.line(head + " {")
        self.indent += 4

    def closed(self) -> None:
        self.flush()
        self.indent -= 4
        self.line("}")

    def comment(self, span: Span) -> None:
        """The place in the spec where the text that the code comes from changes."""
        place = self.where(span)
        if place and place != self.origin:
            self.line(f"// {place}")
            self.origin = place

    # -- statements --------------------------------------------------------------------------------------------------

    def block(self, statements: tuple[Statement, ...]) -> None:
        for each in statements:
            if not isinstance(each, Let) or not self.pending:
                self.comment(each.span)
            match each:
                case Let(name, value):
                    self.let(name, value)
                case Loop():
                    self._loop(each)
                case StoreColumn(output, index, value):
                    self._store(output, index, self.named(value, "stored"), 1)
                case StoreSection(output, index, value, length):
                    self._store(output, index, self.named(value, "stored"), length)
                case _:
                    raise TypeError(f"no statement of a row program: {each!r}")

    def let(self, name: str, value: Expr) -> None:
        prepared = self.prepared(value, short=_is_short(value))
        if isinstance(prepared, Local) and prepared.name not in self.scope.values:
            raise TypeError(f"{prepared.name} is read before it is there")
        slot = self.scope.bind(name, value.type, self._kind(prepared))
        self.declare(slot)
        self.fill(slot, prepared)

    def _kind(self, expr: Expr) -> str:
        """The C type of the numbers of a prepared value."""
        if expr.type.kind == "boolean":
            return "bool"
        if expr.type.rows or isinstance(expr, Dot | Reduce | Concat | WithWindow):
            return "float"
        return self.expressions.element(expr, (0,) * len(expr.type.shape)).kind

    def named(self, value: Expr, wish: str) -> Slot:
        """Where the numbers of a value are, for each row; computed now unless they are somewhere."""
        if isinstance(value, Local) and value.type.rows and (slot := self.scope.values[value.name]).kind == "float":
            return slot
        return self._made(value, dataclasses.replace(value.type, rows=True), wish)

    def _made(self, value: Expr, kind: RowType, wish: str) -> Slot:
        prepared = self.prepared(value, short=_is_short(value))
        slot = self.scope.temporary(
            wish, kind, "float" if kind.rows and kind.kind != "boolean" else self._kind(prepared)
        )
        self.declare(slot)
        self.fill(slot, prepared)
        return slot

    def _store(self, output: str, index: Expr, slot: Slot, length: int) -> None:
        place = self.expressions.place(index)
        self.store(output, slot, length, str(place) if isinstance(place, int) else place.text)

    def store(self, output: str, slot: Slot, length: int, column: str = "0") -> None:
        function = "store_whole" if output in self.scope.integers else "store"
        sizes = f"first, count, {length}, {self.scope.lengths[output]}, {column}"
        self.line(f"{function}({self.scope.outputs[output]}, {slot.vector()}, {sizes});")

    # -- loops -------------------------------------------------------------------------------------------------------

    def _loop(self, loop: Loop) -> None:
        for carry in loop.carried:
            initial = self.prepared(carry.initial, short=_is_short(carry.initial))
            kind = carried_type(carry)
            spelled = "bool" if kind.kind == "boolean" else "float"
            slot = self.declare(self.scope.temporary(carry.name, kind, spelled))
            self.fill(slot, initial)
            self.scope.values[carry.name] = slot
        index = self.scope.bind(loop.index, _INDEX, "int")
        count = self.expressions.element(loop.count)
        if loop.reverse:
            self.opened(
                f"for (int64_t {index.name} = {wrapped(count, Level.SUM)} - 1; {index.name} >= 0; {index.name}--)"
            )
        else:
            bound = wrapped(count, Level.SUM)
            self.opened(f"for (int64_t {index.name} = 0; {index.name} < {bound}; {index.name}++)")
        if loop.done is not None:
            done = self.expressions.element(self.prepared(loop.done, short=True))
            going = self.scope.temporary("going", _INDEX, "bool")
            self.line(f"int {going.name} = 0;")
            self.each_lane(f"{going.name} |= !{wrapped(done, Level.ATOM)};")
            self.line(f"if (!{going.name}) break;")
        self.block(loop.body)
        self._advance(loop.carried)
        self.closed()

    def _advance(self, carried: tuple[Carry, ...]) -> None:
        """The next values, all of which see the values before: in an order in which none is needed after it changed."""
        nexts = {c.name: self.prepared(c.next, short=_is_short(c.next)) for c in carried}
        pending = [c for c in carried if not (isinstance(c.next, Local) and c.next.name == c.name)]
        while pending:
            free = next((c for c in pending if not _is_read(c.name, nexts, pending)), None)
            if free is None:
                aside = [(c, self._aside(nexts[c.name], carried_type(c))) for c in pending]
                for carry, slot in aside:
                    self._copied(self.scope.values[carry.name], slot)
                return
            self.comment(free.span)
            self._next(free, nexts[free.name])
            pending.remove(free)

    def _next(self, carry: Carry, value: Expr) -> None:
        slot = self.scope.values[carry.name]
        if isinstance(value, WithColumn) and isinstance(value.vector, Local) and value.vector.name == carry.name:
            code = converted(self.expressions.element(value.value), slot.kind)
            self._assign(slot.element((self.expressions.place(value.index),)), code, slot.type.rows)
        elif _stays(value, carry.name):
            self.fill(slot, value)
        else:
            self._copied(slot, self._aside(value, carried_type(carry)))

    def _aside(self, value: Expr, kind: RowType) -> Slot:
        slot = self.declare(self.scope.temporary("next", kind, "bool" if kind.kind == "boolean" else "float"))
        self.fill(slot, value)
        return slot

    def _copied(self, to: Slot, source: Slot) -> None:
        for at in self._places(to):
            self._assign(to.element(at), source.element(at), to.type.rows)

    # -- filling -----------------------------------------------------------------------------------------------------

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
            case Reduce():
                self._reduce(slot, value, start)
            case WithWindow(vector=vector, start=window, value=new):
                self.fill(slot, vector, start)
                length, at = new.type.shape[0], self.expressions.place(window)
                self._each_place(slot, new, length, lambda place: shifted(shifted(place, at), start))
            case _ if len(value.type.shape) == 2:
                for at in self._places(slot):
                    self._assign(slot.element(at), converted(self.expressions.element(value, at), slot.kind), False)
            case _ if not value.type.shape:
                target = slot.element((start,) if slot.type.shape else ())
                self._assign(target, converted(self.expressions.element(value), slot.kind), slot.type.rows)
            case _:
                self._each_place(slot, value, value.type.shape[0], lambda place: shifted(place, start))

    def _each_place(self, slot: Slot, value: Expr, length: int, target: Callable[[Place], Place]) -> None:
        own = Slot("", RowType(slot.type.rows, (length,)))
        for (at,) in self._places(own):
            code = converted(self.expressions.element(value, (at,)), slot.kind)
            self._assign(slot.element((target(at),)), code, slot.type.rows)

    def _dot(self, slot: Slot, dot: Dot, start: int) -> None:
        matrix = self.expressions.matrix(dot.matrix)
        if matrix is None:
            raise TypeError("a matrix was not made before it was read")
        by_column, by_row = matrix.strides if not dot.transposed else reversed(matrix.strides)
        length, count = dot.vector.type.shape[0], dot.type.shape[0]
        if dot.vector.type.rows:
            vector = self.scope.values[dot.vector.name] if isinstance(dot.vector, Local) else None
            source = vector or self.scope.inputs[dot.vector.name]  # type: ignore[attr-defined]
            sizes = f"{count}, {source.vector()}, {length}, {matrix.pointer}, {by_row}, {by_column}"
            self.line(f"dot({slot.vector(start)}, {sizes});")
            return
        self.opened(f"for (int at = 0; at < {count}; at++)")
        target = slot.element((shifted(C("at", "int"), start),))
        self.line("float total = 0.0f;")
        factor = converted(self.expressions.element(dot.vector, (C("by", "int"),)), "float")
        read = f"({matrix.pointer})[at * {by_row} + by * {by_column}]"
        self.line(f"for (int by = 0; by < {length}; by++) total += {wrapped(factor, Level.PRODUCT)} * {read};")
        self._assign(target, C("total"), slot.type.rows)
        self.closed()

    def _draw(self, slot: Slot, draw: Draw, start: int) -> None:
        step = self.expressions.element(draw.step)
        dim = "0" if draw.dim is None else self.expressions.element(draw.dim).text
        count = draw.type.shape[0] if draw.type.shape else 1
        target = slot.vector(start) if slot.type.shape else f"&{slot.name}"
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

    # -- what has to be made before it is read -----------------------------------------------------------------------

    def prepared(self, expr: Expr, *, short: bool) -> Expr:
        """`expr` with names for what cannot be pulled, except itself; `short`: its places are written out."""
        match expr:
            case Dot():
                return self._prepared_dot(expr)
            case Draw():
                return expr
            case Reduce(operand=operand):
                return dataclasses.replace(expr, operand=self.pulled(operand, short=_is_short(operand)))
            case Concat(parts=parts):
                ready = tuple(self.prepared(part, short=_is_short(part)) for part in parts)
                return dataclasses.replace(expr, parts=ready)
            case WithWindow(vector=vector, value=value):
                vector = self.pulled(vector, short=False)
                return dataclasses.replace(expr, vector=vector, value=self.pulled(value, short=False))
        return self.pulled(expr, short=short)

    def pulled(self, expr: Expr, *, short: bool) -> Expr:
        """`expr` as something whose number at any place can be asked for."""
        match expr:
            case Dot() | Draw() | WithWindow() | Mask():
                return self._temporary(expr)
            case Reduce(operand=operand):
                if not _is_short(operand):
                    return self._temporary(expr)
                return dataclasses.replace(expr, operand=self.pulled(operand, short=True))
            case Concat(parts=parts):
                if not short or not _is_short(expr):
                    return self._temporary(expr)
                return dataclasses.replace(expr, parts=tuple(self.pulled(part, short=True) for part in parts))
            case Column(vector=vector, index=index):
                at = constant(index) is not None
                return dataclasses.replace(expr, vector=self.pulled(vector, short=at))
            case MatrixFunction(function="matmul"):
                raise Unprintable("a product of matrices")
            case Slice(vector=vector) | Permute(vector=vector):
                return dataclasses.replace(expr, vector=self.pulled(vector, short=short))
            case WithColumn(vector=vector, value=value):
                ready = self.pulled(value, short=True)
                return dataclasses.replace(expr, vector=self.pulled(vector, short=short), value=ready)
        return cast(Expr, rebuild(expr, lambda part: self._inside(part, short)))

    def _inside(self, part: Node, short: bool) -> Node:
        if not isinstance(part, Expr):
            return part
        return self.pulled(part, short=short or not part.type.shape)

    def _prepared_dot(self, dot: Dot) -> Expr:
        vector = dot.vector
        if vector.type.rows:
            at_hand = isinstance(vector, Local) or type(vector).__name__ == "InputRead"
            if not at_hand or not self._is_float(vector):
                vector = self._temporary(vector)
        else:
            vector = self.pulled(vector, short=False)
        matrix = self._prepared_matrix(dot.matrix)
        return dataclasses.replace(dot, vector=vector, matrix=matrix)

    def _is_float(self, expr: Expr) -> bool:
        return not isinstance(expr, Local) or self.scope.values[expr.name].kind == "float"

    def _prepared_matrix(self, matrix: Expr) -> Expr:
        if any(isinstance(part, Mask | Reshape | Elementwise | Select | Broadcast) for part in walk(matrix)):
            return self._temporary(matrix)
        if self.expressions.matrix(matrix) is None:
            return self._temporary(matrix)
        return matrix

    def _temporary(self, expr: Expr) -> Local:
        """The value under a name of its own."""
        if isinstance(expr, Mask):
            return self._mask(expr)
        wish = {Dot: "product", Reduce: "total", Concat: "joined"}.get(type(expr), getattr(expr, "kind", "value"))
        slot = self._made(expr, expr.type, wish)
        name = f"{slot.name} made"
        self.scope.values[name] = slot
        return Local(expr.type, name, span=expr.span)

    def _mask(self, mask: Mask) -> Local:
        """Ones where the degree of the column is at most that of the row (`runtime.causal`)."""
        names = []
        for axis, parts in zip(("rows", "columns"), (mask.rows, mask.columns), strict=True):
            slot = self.declare(
                Slot(self.scope.names.fresh(f"{axis}_degrees"), RowType(False, (sum(p.count for p in parts),)), "int")
            )
            start = 0
            for p in parts:
                value = f"{p.first} + at * {p.rise} / {p.run}"
                self.line(f"for (int at = 0; at < {p.count}; at++) {slot.name}[{start} + at] = {value};")
                start += p.count
            names.append(slot.name)
        slot = self.declare(self.scope.temporary("mask", mask.type))
        for at, by in self._places(slot):  # type: ignore[misc]
            texts = [each.text if isinstance(each, C) else str(each) for each in (at, by)]
            self.line(f"{slot.element((at, by)).text} = {names[1]}[{texts[1]}] <= {names[0]}[{texts[0]}];")
        self.scope.values[f"{slot.name} made"] = slot
        return Local(mask.type, f"{slot.name} made", span=mask.span)


def _is_short(expr: Expr) -> bool:
    return all(length <= SHORT for length in expr.type.shape) and len(expr.type.shape) < 2


def _is_read(name: str, nexts: dict[str, Expr], pending: list[Carry]) -> bool:
    return any(name in local_names(nexts[other.name]) for other in pending if other.name != name)


def _stays(value: Expr, name: str) -> bool:
    """Whether each number of a value depends on the number at the same place of `name`, if on any."""
    if isinstance(value, Local):
        return True
    if isinstance(value, Elementwise | Select):
        parts = [part for part in (value.arguments if isinstance(value, Elementwise) else _branches(value))]
        same = [part for part in parts if part.type.shape == value.type.shape]
        return all(_stays(p, name) for p in same) and not any(name in local_names(p) for p in parts if p not in same)
    return name not in local_names(value)


def _branches(select: Select) -> tuple[Expr, ...]:
    return (select.condition, select.then, select.otherwise)
