"""What has to be made in C before a number of a value can be asked for: products, draws, long sums, joined vectors."""

from __future__ import annotations

import dataclasses

from gencompiler.emit.c_filling import Filling, is_short
from gencompiler.emit.c_values import Slot, Unprintable, written
from gencompiler.node import Node, rebuild, walk
from gencompiler.rows.analysis import constant
from gencompiler.rows.guarded import is_guarded
from gencompiler.rows.nodes import (
    Broadcast,
    Column,
    Concat,
    Distribute,
    Dot,
    Draw,
    Elementwise,
    Expr,
    InputRead,
    Local,
    Mask,
    MatrixFunction,
    Permute,
    Reduce,
    Reshape,
    RowType,
    Section,
    Select,
    Slice,
    WithColumn,
    WithWindow,
)


class Preparation(Filling):
    """Gives names to what cannot be pulled."""

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
        prepared = self.prepared(value, short=is_short(value))
        slot = self.scope.temporary(
            wish, kind, "float" if kind.rows and kind.kind != "boolean" else self._kind(prepared)
        )
        self.declare(slot)
        self.fill(slot, prepared)
        return slot

    def prepared(self, expr: Expr, *, short: bool) -> Expr:
        """`expr` with names for what cannot be pulled, except itself; `short`: its places are written out."""
        match expr:
            case Dot():
                return self._prepared_dot(expr)
            case Draw() | Section():
                return expr
            case Select() if _is_branch(expr):
                return expr
            case Reduce(operand=operand) if not is_short(operand):
                return dataclasses.replace(expr, operand=self.pulled(operand, short=False))
            case Concat(parts=parts):
                ready = tuple(self.prepared(part, short=is_short(part)) for part in parts)
                return dataclasses.replace(expr, parts=ready)
            case WithWindow(vector=vector, value=value):
                vector = self.pulled(vector, short=False)
                return dataclasses.replace(expr, vector=vector, value=self.pulled(value, short=False))
        return self.pulled(expr, short=short)

    def fill(self, slot: Slot, value: Expr, start: int = 0) -> None:
        """Write a prepared value to a slot, from the place `start` on; what only one case needs, in that case alone."""
        if not isinstance(value, Select) or not _is_branch(value):
            super().fill(slot, value, start)
            return
        condition = self.expressions.element(self.pulled(value.condition, short=True))
        self.opened(f"if ({condition.text})")
        self.fill(slot, self.prepared(value.then, short=is_short(value.then)), start)
        self.closed()
        self.opened("else")
        self.fill(slot, self.prepared(value.otherwise, short=is_short(value.otherwise)), start)
        self.closed()

    def pulled(self, expr: Expr, *, short: bool) -> Expr:
        """`expr` as something whose number at any place can be asked for."""
        match expr:
            case Dot() | Draw() | Section() | WithWindow() | Mask():
                return self._temporary(expr)
            case Select() if _is_branch(expr):
                return self._temporary(expr)
            case Reduce(operand=operand):
                if not is_short(operand):
                    return self._temporary(expr)
                return dataclasses.replace(expr, operand=self.pulled(operand, short=True))
            case Concat(parts=parts):
                if not short or not is_short(expr):
                    return self._temporary(expr)
                return dataclasses.replace(expr, parts=tuple(self.pulled(part, short=True) for part in parts))
            case Column(vector=vector, index=index):
                at = constant(index) is not None
                return dataclasses.replace(expr, vector=self.pulled(vector, short=at))
            case MatrixFunction(function="matmul"):
                raise Unprintable("a product of matrices")
            case Distribute(vector=vector):
                return dataclasses.replace(expr, vector=self.pulled(vector, short=False))
            case Slice(vector=vector) | Permute(vector=vector):
                return dataclasses.replace(expr, vector=self.pulled(vector, short=short))
            case WithColumn(vector=vector, value=value):
                ready = self.pulled(value, short=True)
                return dataclasses.replace(expr, vector=self.pulled(vector, short=short), value=ready)
        return rebuild(expr, lambda part: self._inside(part, short))

    def _inside(self, part: Node, short: bool) -> Node:
        if not isinstance(part, Expr):
            return part
        return self.pulled(part, short=short or not part.type.shape)

    def _prepared_dot(self, dot: Dot) -> Expr:
        vector = dot.vector
        if vector.type.rows:
            at_hand = isinstance(vector, Local | InputRead)
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
        wish = {Dot: "product", Reduce: "sum", Concat: "joined"}.get(type(expr), getattr(expr, "kind", "value"))
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
        for at, by in self._places(slot):
            below = f"{names[1]}[{written(by)}] <= {names[0]}[{written(at)}]"
            self.line(f"{slot.element((at, by)).text} = {below};")
        self.scope.values[f"{slot.name} made"] = slot
        return Local(mask.type, f"{slot.name} made", span=mask.span)


def _is_branch(select: Select) -> bool:
    """Whether one of two values is computed, and not both: the condition is the same for all rows, and there are sums,
    products or states of an earlier pass to save."""
    if not select.type.rows or select.type.kind == "boolean" or not is_guarded(select):
        return False
    parts = (part for side in (select.then, select.otherwise) for part in walk(side))
    return any(isinstance(p, Dot | Section) or (isinstance(p, Reduce) and not is_short(p.operand)) for p in parts)
