"""Lines of a C function while it is printed, statements about the lanes together."""

from __future__ import annotations

from collections.abc import Callable

from gencompiler.diagnostics.span import Span
from gencompiler.emit.c_code import laid_out
from gencompiler.emit.c_expressions import Expressions
from gencompiler.emit.c_values import Scope, Slot

#: Statements that share a loop over lanes, at most: longer ones keep more than the registers hold.
_TOGETHER = 12


class Lines:
    """Collects `lines`, at `indent`; statements about one number of each row wait for their neighbours."""

    def __init__(self, scope: Scope, where: Callable[[Span], str]) -> None:
        self.scope, self.where = scope, where
        self.expressions = Expressions(scope)
        self.lines: list[str] = []
        self.indent = 4
        self.origin = ""
        self.pending: list[str] = []

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
        self.line(f"{head} {{".strip())
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
