"""What printers of row statements share: assignments, places in the spec, and the next values of a loop."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping

from gencompiler.diagnostics.span import Span
from gencompiler.emit.code import Code, Sequence, flat
from gencompiler.emit.lines import statement
from gencompiler.rows.analysis import local_names
from gencompiler.rows.nodes import Carry, Expr, Local


class PythonStatements(abc.ABC):
    """Collects `lines` of Python, at `indent`."""

    def __init__(self, where: Callable[[Span], str]) -> None:
        self.where = where
        self.lines: list[str] = []
        self.indent = 4
        self.place = ""
        self._assigned: tuple[int, str, Code] | None = None
        self._assigned_by = 0

    def assign(self, target: str, code: Code) -> None:
        if flat(code) != target:
            outermost = self.indent == 4  # what a loop assigns last is not assigned last by the function
            self._assigned = (len(self.lines), target, code) if outermost else None
            self.lines += statement(f"{target} = ", code, self.indent)
            self._assigned_by = len(self.lines)

    def taken_back(self, target: str) -> Code | None:
        """What the last statement assigned to `target`, without that statement; None where it did something else."""
        last = self._assigned is not None and self._assigned_by == len(self.lines)
        if self._assigned is None or not last or self._assigned[1] != target:
            return None
        start, _, code = self._assigned
        del self.lines[start:]
        return code

    def comment(self, span: Span) -> None:
        """`# file:line` where the text that the code comes from changes."""
        place = self.where(span)
        if place and place != self.place:
            self.lines.append(f"{' ' * self.indent}# {place}")
            self.place = place

    def advance(self, carried: tuple[Carry, ...]) -> None:
        """Assign the next values, all of which see the values before: one by one where an order allows it."""
        alone, together = in_order(carried, {each.name: each.next for each in carried})
        for each in alone:
            self.comment(each.span)
            self.assign(self.carrier(each), self.next_value(each))
        if together:
            targets = ", ".join(map(self.carrier, together))
            values = Sequence(tuple(map(self.next_value, together)), bare=True)
            self.lines += statement(f"{targets} = ", values, self.indent)

    @abc.abstractmethod
    def carrier(self, carry: Carry) -> str:
        """The name that holds a carried value."""

    @abc.abstractmethod
    def next_value(self, carry: Carry) -> Code:
        """What it holds after an iteration."""


def in_order(carried: tuple[Carry, ...], nexts: Mapping[str, Expr]) -> tuple[list[Carry], list[Carry]]:
    """The values of a loop that change, in an order in which none is needed after it changed; and those left over,
    which need each other and change at once.  `nexts`: what each becomes, by its name."""
    left = [each for each in carried if not (isinstance(each.next, Local) and each.next.name == each.name)]
    ordered: list[Carry] = []
    while (free := next((each for each in left if not _is_read(each, nexts, left)), None)) is not None:
        ordered.append(free)
        left.remove(free)
    return ordered, left


def _is_read(carry: Carry, nexts: Mapping[str, Expr], left: list[Carry]) -> bool:
    return any(carry.name in local_names(nexts[other.name]) for other in left if other is not carry)
