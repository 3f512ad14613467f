"""Lines of a C function while it is printed, statements about the lanes together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from gencompiler.diagnostics.span import Span
from gencompiler.emit.c_code import laid_out
from gencompiler.emit.c_expressions import Expressions
from gencompiler.emit.c_values import Scope, Slot

#: Statements that share a loop over lanes, at most: longer ones keep more than the registers hold.
_TOGETHER = 12


@dataclasses.dataclass(frozen=True)
class Elements:
    """A statement about the elements `at` of vectors of `length`: the name of what it writes, and the names of what it
    reads at other places."""

    length: int
    text: str
    written: str
    elsewhere: frozenset[str]


class Lines:
    """Collects `lines`, at `indent`; statements about one number of each row, and those about the same elements of
    vectors, wait for their neighbours."""

    def __init__(self, scope: Scope, where: Callable[[Span], str]) -> None:
        self.scope, self.where = scope, where
        self.expressions = Expressions(scope)
        self.lines: list[str] = []
        self.indent = 4
        self.origin = ""
        self.pending: list[str] = []
        self.elements: list[Elements] = []

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
        self._flush_elements()
        self.pending.append(text)
        if len(self.pending) == _TOGETHER:
            self.flush()

    def each_element(self, statement: Elements) -> None:
        """A statement for each element and lane, in the loop of those before it if none needs what another changes at
        a different place."""
        if self.pending or not _meets(statement, self.elements):
            self.flush()
        self.elements.append(statement)

    def _flush_elements(self) -> None:
        elements, self.elements = self.elements, []
        if not elements:
            return
        self.lines += laid_out(f"for (int at = 0; at < {elements[0].length}; at++) {{", self.indent)
        self.indent += 4
        self._lanes([each.text for each in elements])
        self.indent -= 4
        self.lines += laid_out("}", self.indent)

    def flush(self) -> None:
        self._flush_elements()
        pending, self.pending = self.pending, []
        self._lanes(pending)

    def _lanes(self, pending: list[str]) -> None:
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
        self.line(f"{head} {{".strip())
        self.indent += 4

    def closed(self) -> None:
        self.flush()
        self.indent -= 4
        self.line("}")

    def comment(self, span: Span) -> None:
        """The place in the spec where the text that the code comes from changes."""
        if self.elements:
            return
        place = self.where(span)
        if place and place != self.origin:
            self.line(f"// {place}")
            self.origin = place


def _meets(statement: Elements, before: Sequence[Elements]) -> bool:
    """Whether a statement can follow others element by element."""
    if not before:
        return True
    if statement.length != before[0].length or len(before) == _TOGETHER:
        return False
    changed = {each.written for each in before}
    needed = {name for each in before for name in each.elsewhere}
    return not statement.elsewhere & (changed | {statement.written}) and statement.written not in needed
