"""Row statements in Triton: lets, loops, stored columns."""

from __future__ import annotations

from collections.abc import Callable

from gencompiler.diagnostics.span import Span
from gencompiler.emit.code import Code, Level, Text, call, flat, infix, method
from gencompiler.emit.lines import statement
from gencompiler.emit.statements import PythonStatements
from gencompiler.emit.triton_expressions import Expressions
from gencompiler.emit.triton_values import Scope
from gencompiler.rows.analysis import carried_type, constant, local_names
from gencompiler.rows.nodes import Carry, Let, Loop, RowType, Statement, StoreColumn, StoreSection

_INDEX = RowType(False, (), "integer")


class Statements(PythonStatements):
    """A fold over the statements of tile programs that collects `lines`."""

    def __init__(self, scope: Scope, where: Callable[[Span], str]) -> None:
        super().__init__(where)
        self.scope = scope
        self.expressions = Expressions(scope)

    def evaluate(self, code: Code) -> None:
        self.lines += statement("", code, self.indent)

    def block(self, statements: tuple[Statement, ...]) -> None:
        for each in statements:
            self.comment(each.span)
            match each:
                case Let(name, value):
                    code = self.expressions.code(value)
                    self.assign(self.scope.bind(name, value.type), code)
                case Loop():
                    self._loop(each)
                case StoreColumn():
                    self._store(each)
                case StoreSection():
                    self._store_section(each)
                case _:
                    raise TypeError(f"no statement of a row program: {each!r}")

    def _store(self, store: StoreColumn) -> None:
        name = store.output
        summed = name in self.scope.summed
        pointer, length = self.scope.output_pointers[name], self.scope.lengths[name]
        address = self.expressions.element(pointer, length, store.index, of="tile" if summed else "place")
        kind = RowType(True, (), store.value.type.kind)
        value = self.expressions.spread(self.expressions.value(store.value), kind)
        if summed:
            total = call("tl.sum", call("tl.where", "live", value, "0.0"), "0")
            self.evaluate(call("tl.store", address, total))
        else:
            self.evaluate(call("tl.store", address, self.as_stored(name, value), mask="live"))

    def _store_section(self, store: StoreSection) -> None:
        name, width = store.output, store.value.type.shape[0]
        summed = name in self.scope.summed
        value = self.expressions.spread(self.expressions.value(store.value), RowType(True, (width,)))
        start = self.expressions.element(
            self.scope.output_pointers[name],
            self.scope.lengths[name],
            store.index,
            of="tile" if summed else "place",
            block=not summed,
        )
        columns, inside = self.expressions.columns(store.places, width, store.length)
        if summed:
            total = call("tl.sum", call("tl.where", "live[:, None]", value, "0.0"), "0", keep_dims="True")
            address = infix("+", Level.SUM, start, columns)
            self.evaluate(call("tl.store", address, total, **({} if inside is None else {"mask": inside})))
            return
        address = infix("+", Level.SUM, start, columns)
        self.evaluate(call("tl.store", address, value, mask=self.expressions.live(inside)))

    def as_stored(self, output: str, value: Code) -> Code:
        return method(value, "to", "tl.int64") if output in self.scope.integers else value

    # -- loops -------------------------------------------------------------------------------------------------------

    def _loop(self, loop: Loop) -> None:
        for carry in loop.carried:
            initial = self.expressions.spread(self.expressions.value(carry.initial), carried_type(carry))
            self.assign(self.scope.bind(carry.name, carried_type(carry)), initial)
        used = loop.index in local_names(*loop.body, *(carry.next for carry in loop.carried))
        index = self.scope.bind(loop.index, _INDEX) if used else "_"
        counter = self.scope.names.fresh(f"{index}_down") if loop.reverse and used else index
        count = self.expressions.code(loop.count)
        steps = call("tl.range", "0", count, num_stages="STAGES" if is_staged(loop) else "1")
        self.lines += statement(f"for {counter} in ", steps, self.indent, ":")
        self.indent += 4
        self.scope.loops += 1
        before = len(self.lines)
        if counter != index:
            self.assign(index, infix("-", Level.SUM, self._last(loop), Text(counter)))
        self.block(loop.body)
        self.advance(loop.carried)
        if len(self.lines) == before:
            self.lines.append(f"{' ' * self.indent}pass")
        self.indent -= 4
        self.scope.loops -= 1

    def _last(self, loop: Loop) -> Code:
        count = constant(loop.count)
        if count is not None:
            return Text(str(count - 1))
        return infix("-", Level.SUM, self.expressions.code(loop.count), Text("1"))

    def carrier(self, carry: Carry) -> str:
        return flat(self.scope.values[carry.name].code)

    def next_value(self, carry: Carry) -> Code:
        return self.expressions.spread(self.expressions.value(carry.next), carried_type(carry))


def is_staged(loop: Loop) -> bool:
    """Whether a tile may ask that the weights of the next iteration are read while this one runs."""
    return loop.kind == "layers"
