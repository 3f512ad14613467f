"""What programs store, in C: columns and sections of outputs, and sums over rows."""

from __future__ import annotations

from gencompiler.emit.c_code import C, Level, converted, offset
from gencompiler.emit.c_preparation import Preparation
from gencompiler.emit.c_values import Slot, shifted, written
from gencompiler.rows.guarded import kept
from gencompiler.rows.nodes import (
    Broadcast,
    Elementwise,
    Expr,
    Loop,
    Outer,
    RowType,
    Select,
    StoreColumn,
    StoreSection,
)

#: Numbers of a vector that are computed, stored and forgotten together.
_TOGETHER = 32


class Stores(Preparation):
    """Writes stores."""

    def stored(self, store: StoreColumn | StoreSection, loop: Loop | None) -> None:
        """A store in the body of `loop`, left out in iterations after which the next one overwrites it."""
        condition = None if loop is None or store.output in self.scope.sums else kept(store, loop)
        if condition is not None:
            self.opened(f"if ({self.expressions.element(condition).text})")
        length = store.length if isinstance(store, StoreSection) else 1
        if isinstance(store.value, Outer):
            self._add_products(store.output, store.index, store.value)
        elif length > _TOGETHER and isinstance(store.value, Elementwise | Select | Broadcast):
            self._in_pieces(store.output, store.index, store.value, length)
        else:
            slot = self.named(store.value, "stored")
            self.store(store.output, slot, length, written(self.expressions.place(store.index)))
        if condition is not None:
            self.closed()

    def store(self, output: str, slot: Slot, length: int | str, column: str = "0") -> None:
        to, whole = self.scope.outputs[output], self.scope.lengths[output]
        if output in self.scope.sums:
            self.line(f"add_sums({self._sum_of(output, column)}, {slot.vector()}, {length}, count - first);")
            return
        function = "store_whole" if output in self.scope.integers else "store"
        self.line(f"{function}({to}, {slot.vector()}, first, count, {length}, {whole}, {column});")

    def _in_pieces(self, output: str, index: Expr, value: Expr, length: int) -> None:
        """A value that is computed piece by piece, and never is as a whole."""
        ready = self.prepared(value, short=False)
        column = self.expressions.place(index)
        slot = self.scope.temporary("stored", RowType(True, (_TOGETHER,)))
        start, stop = (self.scope.names.fresh(each) for each in ("start", "stop"))
        self.opened(f"for (int {start} = 0; {start} < {length}; {start} += {_TOGETHER})")
        self.declare(slot)
        self.line(f"int {stop} = {start} + {_TOGETHER} < {length} ? {start} + {_TOGETHER} : {length};")
        self.opened(f"for (int at = {start}; at < {stop}; at++)")
        code = converted(self.expressions.element(ready, (C("at", "int"),)), "float")
        self._assign(slot.element((C(f"at - {start}", "int", Level.SUM),)), code, True)
        self.closed()
        self.store(output, slot, f"{stop} - {start}", written(shifted(column, C(start, "int"))))
        self.closed()

    def _add_products(self, output: str, index: Expr, outer: Outer) -> None:
        left, right = (self.named(each, "factor") for each in (outer.left, outer.right))
        to = self._sum_of(output, written(self.expressions.place(index)))
        sizes = f"{left.vector()}, {left.size}, {right.vector()}, {right.size}, count - first"
        self.line(f"add_products({to}, {sizes});")

    def _sum_of(self, output: str, column: str) -> str:
        """Where the sum over the group of the rows at hand is."""
        group, place = C("first / group", "int", Level.PRODUCT), C(column, "int", Level.SUM)
        moved = offset([(group, self.scope.lengths[output]), (place, 1)])
        return f"{self.scope.outputs[output]} + {moved.text}"
