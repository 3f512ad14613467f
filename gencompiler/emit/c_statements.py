"""Row statements in C: lets and loops."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator

from gencompiler.diagnostics.span import Span
from gencompiler.emit.c_code import Level, converted, number, wrapped
from gencompiler.emit.c_expressions import PARTICLE
from gencompiler.emit.c_filling import is_short
from gencompiler.emit.c_stores import Stores
from gencompiler.emit.c_values import Scope, Slot
from gencompiler.emit.statements import in_order
from gencompiler.node import walk
from gencompiler.rows.analysis import carried_type, local_names
from gencompiler.rows.apart import in_groups, read_singly
from gencompiler.rows.guarded import guards
from gencompiler.rows.nodes import (
    Carry,
    Collect,
    Elementwise,
    Expr,
    Let,
    Local,
    Loop,
    Pool,
    Program,
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
    """A fold over row statements that collects `lines`.

    Of names of what particles have, `summed` are read as the sum over a row's (`Pool`), and `leaving` says which
    outputs take them."""

    def __init__(self, scope: Scope, where: Callable[[Span], str], program: Program | None = None) -> None:
        super().__init__(scope, where)
        parts = walk(program) if program is not None else ()
        self.summed = {p.value.name for p in parts if isinstance(p, Pool) and isinstance(p.value, Local)}
        self.leaving: dict[str, list[str]] = {}
        for output in program.outputs if program is not None else ():
            if isinstance(output.value, Local) and output.type.particles > 1:
                self.leaving.setdefault(output.value.name, []).append(output.name)

    def block(self, statements: tuple[Statement, ...], after: frozenset[str], loop: Loop | None = None) -> None:
        """`after`: the names that are read behind them; `loop`: whose body they are."""
        conditions = guards(statements, [carry.next for carry in loop.carried]) if loop is not None else {}
        for each, later in in_groups(statements):
            if isinstance(each, tuple):
                self._particles(each, after | read_singly(*later))
                continue
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

    # -- particles ---------------------------------------------------------------------------------------------------

    def _particles(self, lets: tuple[Let, ...], after: frozenset[str]) -> None:
        """Values of each particle, in one loop over those of a row; what is read `after` it is kept for all of them,
        what is summed is summed as it goes, and what leaves is stored."""
        self.comment(lets[0].span)
        kept = {each.name: self._of_all(each.name, each.value.type) for each in lets if each.name in after}
        for each in lets:
            if each.name in self.summed:
                self._begin_sum(each)
        with self._each_particle(lets[0].value.type.particles):
            for each in lets:
                if each.name not in kept:
                    self.let(each.name, each.value)
                else:
                    self.fill(kept[each.name], self.prepared(each.value, short=is_short(each.value)))
                    self.scope.values[each.name] = kept[each.name]
                self._after_particle(each)

    def _begin_sum(self, let: Let) -> None:
        kind = dataclasses.replace(let.value.type, particles=1)
        slot = self.declare(self.scope.temporary(f"sum_of_{let.name}", kind))
        for at in self._places(slot):
            self._assign(slot.element(at), number(0.0, "float"), True)
        self.scope.pooled[let.name] = slot

    def _after_particle(self, let: Let) -> None:
        """What becomes of the value of one particle beside what the loop itself does with it."""
        value = Local(let.value.type, let.name, span=let.span)
        if let.name in self.summed:
            slot, own = self.scope.pooled[let.name], self.named(value, let.name)
            for at in self._places(slot):
                self._assign(slot.element(at), own.element(at), True, "+=")
        for output in self.leaving.get(let.name, ()):
            size = math.prod(let.value.type.shape)
            column = PARTICLE.text if size == 1 else f"{PARTICLE.text} * {size}"
            self.store(output, self.named(value, let.name), size, column)

    def _of_all(self, wish: str, kind: RowType) -> Slot:
        """Room for the values of all particles of a row."""
        slot = self.scope.temporary(wish, kind, "bool" if kind.kind == "boolean" else "float")
        return self.declare(dataclasses.replace(slot, particle=PARTICLE) if kind.particles > 1 else slot)

    @contextlib.contextmanager
    def _each_particle(self, count: int) -> Iterator[None]:
        """A loop over the particles of a row, where there are several."""
        if count > 1:
            self.opened(f"for (int particle = 0; particle < {count}; particle++)")
        yield
        if count > 1:
            self.closed()

    # -- loops -------------------------------------------------------------------------------------------------------

    def _loop(self, loop: Loop) -> None:
        for carry in loop.carried:
            kind = carried_type(carry)
            slot = self._of_all(carry.name, kind)
            with self._each_particle(kind.particles):
                self.fill(slot, self.prepared(carry.initial, short=is_short(carry.initial)))
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
        if loop.done is not None and not any(isinstance(each, Collect) for each in walk(loop.done)):
            done = self.expressions.element(self.prepared(loop.done, short=True))
            going = self.scope.temporary("going", _INDEX, "bool")
            self.line(f"int {going.name} = 0;")
            self.each_lane(f"{going.name} |= !{wrapped(done, Level.ATOM)};")
            self.line(f"if (!{going.name}) break;")
        self.block(loop.body, local_names(*(carry.next for carry in loop.carried)), loop)
        self._advance(loop.carried)
        self.closed()

    def _advance(self, carried: tuple[Carry, ...]) -> None:
        """The next values, all of which see the values before: in an order in which none is needed after it changed."""
        nexts = {c.name: self.prepared(c.next, short=is_short(c.next)) for c in carried}
        alone, together = in_order(carried, nexts)
        for carry in alone:
            self.comment(carry.span)
            with self._each_particle(carried_type(carry).particles):
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
