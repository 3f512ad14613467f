"""Row statements in C: lets and loops."""

from __future__ import annotations

from gencompiler.emit.c_code import Level, converted, wrapped
from gencompiler.emit.c_filling import is_short
from gencompiler.emit.c_stores import Stores
from gencompiler.emit.c_values import Slot
from gencompiler.emit.statements import in_order
from gencompiler.rows.analysis import carried_type, local_names
from gencompiler.rows.guarded import guards
from gencompiler.rows.nodes import (
    Carry,
    Elementwise,
    Expr,
    Let,
    Local,
    Loop,
    RowType,
    Select,
    Statement,
    StoreColumn,
    StoreSection,
    WithColumn,
    WithWindow,
)

_INDEX = RowType(False, (), "integer")


class Statements(Stores):
    """A fold over row statements that collects `lines`."""

    def block(self, statements: tuple[Statement, ...], loop: Loop | None = None) -> None:
        """`loop`: whose body they are."""
        conditions = guards(statements, [carry.next for carry in loop.carried]) if loop is not None else {}
        for each in statements:
            if not isinstance(each, Let) or not self.pending:
                self.comment(each.span)
            match each:
                case Let(name, value) if name in conditions and value.type.rows and value.type.kind == "real":
                    self._guarded_let(name, value, conditions[name])
                case Let(name, value):
                    self.let(name, value)
                case Loop():
                    self._loop(each)
                case StoreColumn() | StoreSection():
                    self.stored(each, loop)
                case _:
                    raise TypeError(f"no statement of a row program: {each!r}")

    def let(self, name: str, value: Expr) -> None:
        prepared = self.prepared(value, short=is_short(value))
        if isinstance(prepared, Local) and prepared.name not in self.scope.values:
            raise TypeError(f"{prepared.name} is read before it is there")
        slot = self.scope.bind(name, value.type, self._kind(prepared))
        self.declare(slot)
        self.fill(slot, prepared)

    def _guarded_let(self, name: str, value: Expr, condition: Expr) -> None:
        """A value that nothing reads where the condition does not hold."""
        slot = self.declare(self.scope.bind(name, value.type))
        self.opened(f"if ({self.expressions.element(condition).text})")
        self.fill(slot, self.prepared(value, short=is_short(value)))
        self.closed()

    # -- loops -------------------------------------------------------------------------------------------------------

    def _loop(self, loop: Loop) -> None:
        for carry in loop.carried:
            initial = self.prepared(carry.initial, short=is_short(carry.initial))
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
        self.block(loop.body, loop)
        self._advance(loop.carried)
        self.closed()

    def _advance(self, carried: tuple[Carry, ...]) -> None:
        """The next values, all of which see the values before: in an order in which none is needed after it changed."""
        nexts = {c.name: self.prepared(c.next, short=is_short(c.next)) for c in carried}
        alone, together = in_order(carried, nexts)
        for carry in alone:
            self.comment(carry.span)
            self._next(carry, nexts[carry.name])
        aside = [(carry, self._aside(nexts[carry.name], carried_type(carry))) for carry in together]
        for carry, slot in aside:
            self._copied(self.scope.values[carry.name], slot)

    def _next(self, carry: Carry, value: Expr) -> None:
        slot = self.scope.values[carry.name]
        if isinstance(value, WithColumn) and isinstance(value.vector, Local) and value.vector.name == carry.name:
            code = converted(self.expressions.element(value.value), slot.kind)
            self._assign(slot.element((self.expressions.place(value.index),)), code, slot.type.rows)
        elif isinstance(value, WithWindow) and _replaces(value, carry.name):
            self._window(slot, value)
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


def _stays(value: Expr, name: str) -> bool:
    """Whether each number of a value depends on the number at the same place of `name`, if on any."""
    if isinstance(value, Local):
        return True
    if isinstance(value, Elementwise | Select):
        parts = value.arguments if isinstance(value, Elementwise) else _branches(value)
        same = [part for part in parts if part.type.shape == value.type.shape]
        return all(_stays(p, name) for p in same) and not any(name in local_names(p) for p in parts if p not in same)
    return name not in local_names(value)


def _replaces(value: WithWindow, name: str) -> bool:
    """Whether some numbers of `name` are replaced by what does not depend on it."""
    own = isinstance(value.vector, Local) and value.vector.name == name
    return own and name not in local_names(value.value, value.start)


def _branches(select: Select) -> tuple[Expr, ...]:
    return (select.condition, select.then, select.otherwise)
