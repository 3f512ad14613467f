"""Row statements in torch: lets, loops, stored columns.

A loop becomes a Python loop.  A loop over dimensions that `rows.prefix` shows to be prefix sums runs in chunks of
dimensions instead: its index is a slice, and each value that depends on it has the axis `chunk`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from gencompiler.diagnostics.span import Span
from gencompiler.emit import torch_windows
from gencompiler.emit.code import Attribute, Code, Level, Subscript, Text, call, flat, infix, method
from gencompiler.emit.lines import statement
from gencompiler.emit.statements import PythonStatements
from gencompiler.emit.torch_expressions import Expressions
from gencompiler.emit.torch_values import Scope, Value, transposed
from gencompiler.rows.analysis import carried_type, constant, local_names
from gencompiler.rows.nodes import (
    Broadcast,
    Carry,
    Expr,
    InputRead,
    Let,
    Loop,
    Number,
    RowType,
    Run,
    Statement,
    StoreColumn,
    StoreSection,
)
from gencompiler.rows.prefix import PrefixLoop, PrefixSum, added_term, prefix_loop, widest

_INDEX = RowType(False, (), "integer")


class Statements(PythonStatements):
    """A fold over row statements that collects `lines`."""

    def __init__(self, scope: Scope, where: Callable[[Span], str]) -> None:
        super().__init__(where)
        self.scope = scope
        self.expressions = Expressions(scope)

    def block(self, statements: tuple[Statement, ...]) -> None:
        for each in statements:
            self.comment(each.span)
            match each:
                case Let(name, value):
                    self._let(name, value)
                case Loop():
                    prefix = prefix_loop(each) if self.scope.chunk is None else None
                    if prefix is None:
                        self._loop(each)
                    else:
                        self._chunked_loop(prefix)
                case Run():
                    self._run(each)
                case StoreColumn():
                    self._store(each)
                case StoreSection():
                    self._store_section(each)
                case _:
                    raise TypeError(f"no statement of a row program: {each!r}")

    def _let(self, name: str, value: Expr) -> None:
        printed = self.expressions.value(value)
        self.assign(self.scope.bind(name, value.type, host=printed.host, chunked=printed.chunked), printed.code)

    def _run(self, run: Run) -> None:
        function, called = self.scope.pieces[run.number]
        given = [self.expressions.code(each) for each in run.arguments]
        given += [Text(self.scope.parameters[path]) for path in called.parameters]
        given += [self.expressions.code(each) for each in run.scalars]
        keywords: dict[str, Code | str] = {word: word for word in called.keywords if word != "dtype"}
        targets = [self.scope.bind(name, kind) for name, kind in zip(run.names, run.types, strict=True)]
        self.lines += statement(f"{', '.join(targets)} = ", call(function, *given, **keywords), self.indent)

    def _store(self, store: StoreColumn) -> None:
        value = self.expressions.value(store.value)
        place, _ = self.expressions.place(store.index)
        target = self.scope.stored[store.output]
        if store.output in self.scope.summed:
            self.assign(f"{target}[{place}]", self._over_rows(store.value))
            return
        code = transposed(value.code) if value.chunked else value.code
        self.assign(f"{target}[:, {place}]", code)

    def _store_section(self, store: StoreSection) -> None:
        target, summed = self.scope.stored[store.output], store.output in self.scope.summed
        start = constant(store.index)
        if start is not None:
            section = f"{start or ''}:{start + store.length}"
        else:
            place, _ = self.expressions.place(store.index)
            section = f"{place} : {place} + {store.length}"
        if summed:
            self.assign(f"{target}[{section}]", self._over_rows(store.value))
        else:
            self.assign(f"{target}[:, {section}]", self.expressions.code(store.value))

    def _over_rows(self, value: Expr) -> Code:
        """The sum of a value over all rows."""
        kind = dataclasses.replace(value.type, rows=True)
        return method(self.expressions.spread(self.expressions.value(value), kind), "sum", "0")

    # -- one iteration at a time -------------------------------------------------------------------------------------

    def _loop(self, loop: Loop) -> None:
        for carry in loop.carried:
            initial = self._initial(carry, loop)
            chunked = bool(local_names(carry.initial, carry.next) & self._dependent())
            self.assign(self._bind_carry(carry, chunked), initial)
        steps = call("range", self.expressions.code(loop.count))
        used = loop.index in local_names(*loop.body, *(carry.next for carry in loop.carried))
        index = self.scope.bind(loop.index, _INDEX, host=True) if used else "_"
        for name, windows in torch_windows.listed(self.expressions, loop):
            self.assign(name, windows)
        self._header(index, call("reversed", steps) if loop.reverse and used else steps)
        before = len(self.lines)
        if loop.done is not None:
            done = call("bool", method(self.expressions.value(loop.done).code, "all"))
            self.lines += [*statement("if ", done, self.indent, ":"), f"{' ' * (self.indent + 4)}break"]
        self.block(loop.body)
        self.advance(loop.carried)
        if len(self.lines) == before:
            self.lines.append(f"{' ' * self.indent}pass")
        self.indent -= 4

    def _bind_carry(self, carry: Carry, chunked: bool) -> str:
        """A local name for a carried value; one that starts as an input that is not read again takes its place."""
        start = carry.initial
        if isinstance(start, InputRead) and self.scope.single_reads.get(start.name) == carry.name:
            place = self.scope.inputs[start.name].code
            self.scope.values[carry.name] = Value(place, carried_type(carry), chunked=chunked)
            return flat(place)
        return self.scope.bind(carry.name, carried_type(carry), chunked=chunked)

    def _header(self, index: str, iterable: Code) -> None:
        self.lines += statement(f"for {index} in ", iterable, self.indent, ":")
        self.indent += 4

    def _dependent(self) -> set[str]:
        names = {name for name, value in self.scope.values.items() if value.chunked}
        return names if self.scope.chunk is None else names | {self.scope.chunk}

    def _initial(self, carry: Carry, loop: Loop) -> Code:
        """The value before the loop; a number that the loop only adds to becomes a tensor by itself."""
        value = self.expressions.value(carry.initial)
        others = (*loop.body, *(each.next for each in loop.carried if each is not carry))
        term = added_term(carry.name, carry.next)
        read = term is None or not term.type.rows or carry.name in local_names(term, *others)
        if value.host and not read and (constant(loop.count) or 0) > 0:
            return value.code
        if isinstance(carry.initial, Broadcast) and isinstance(carry.initial.operand, Number):
            value = self.expressions.value(carry.initial.operand)
        return value.code if value.chunked else self.expressions.spread(value, carried_type(carry))

    def carrier(self, carry: Carry) -> str:
        return flat(self.scope.values[carry.name].code)

    def next_value(self, carry: Carry) -> Code:
        value = self.expressions.value(carry.next)
        return value.code if value.chunked else self.expressions.spread(value, carried_type(carry))

    # -- many dimensions at a time -----------------------------------------------------------------------------------

    def _chunked_loop(self, prefix: PrefixLoop) -> None:
        loop = prefix.loop
        totals = {carry.name: self.scope.names.fresh(carry.name) for carry in loop.carried}
        for carry in loop.carried:
            self.assign(totals[carry.name], self.expressions.code(carry.initial))
        index = self.scope.bind(loop.index, _INDEX, chunked=True)
        self.scope.chunk = loop.index
        width = infix("*", Level.PRODUCT, Text(str(widest(loop, prefix.dependent))), self.scope.count())
        count = str(constant(loop.count))
        reverse = {"reverse": "True"} if loop.reverse else {}
        self._header(index, call("tiles.chunks", count, width, **reverse))
        start = len(self.lines)
        updates: list[tuple[str, Code]] = []
        for step in prefix.steps:
            if isinstance(step, PrefixSum):
                updates.append((totals[step.carry.name], self._prefix_sum(step, totals[step.carry.name], reverse)))
            else:
                self.block((step,))
        for total, update in updates:
            self.assign(total, update)
        self._index_values(index, start)
        self.indent -= 4
        self.scope.chunk = None
        for carry in loop.carried:
            self.scope.values[carry.name] = Value(Text(totals[carry.name]), carried_type(carry))

    def _prefix_sum(self, each: PrefixSum, total: str, reverse: dict[str, str]) -> Code:
        """Assign the running sums, if the loop reads them, and return the total after the chunk."""
        carry = each.carry
        self.comment(carry.span)
        factors = [self._short(factor, carry.name) for factor in each.factors or ()] if each.running else []
        product = len(factors) == 2 and all(factor.chunked for factor in factors)
        if not each.running:
            term = self.expressions.value(each.term)
            return infix("+", Level.SUM, Text(total), method(term.code, "sum", "0"))
        if product:
            left, right = (factor.code for factor in factors)
            sums = call("tiles.exclusive_products", left, right, **reverse)
            added: Code = infix("@", Level.PRODUCT, transposed(left), right)
        else:
            term = self._short(each.term, carry.name)
            sums = call("tiles.exclusive_sums", term.code, **reverse)
            added = method(term.code, "sum", "0")
        index = flat(self.scope.values[self.scope.chunk or ""].code)
        running = self.scope.names.fresh(f"{carry.name}_{index}")
        self.scope.values[carry.name] = Value(Text(running), carried_type(carry), chunked=True)
        self.assign(running, infix("+", Level.SUM, Text(total), sums))
        return infix("+", Level.SUM, Text(total), added)

    def _short(self, expr: Expr, name: str) -> Value:
        """An expression that is used twice: under a name of its own unless it merely selects."""
        value = self.expressions.value(expr)
        base = value.code.base if isinstance(value.code, Attribute) else value.code
        if isinstance(base, Text | Subscript):
            return value
        target = self.scope.names.fresh(f"{name}_term")
        self.assign(target, value.code)
        return dataclasses.replace(value, code=Text(target))

    def _index_values(self, index: str, start: int) -> None:
        """The dimensions of the chunk as numbers, defined at its start if anything in it computes with them."""
        name = f"{index}_values"
        if name in self.scope.wants:
            made = call("torch.arange", f"{index}.start", f"{index}.stop", device=self.scope.want("device"))
            self.lines[start:start] = statement(f"{name} = ", made, self.indent)
