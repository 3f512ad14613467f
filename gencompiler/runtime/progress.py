"""The progress of a run: epoch, loss, rows per second, time left.  A bar on a terminal, one line in a notebook, quiet
elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from gencompiler.runtime import settings

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

#: Seconds between two states of the line.
LINE_SECONDS = 0.25


class Progress:
    """A bar over `total` steps, as a context manager, shown on a terminal or in a notebook unless told otherwise."""

    def __init__(self, total: int, done: int = 0, show: bool | None = None) -> None:
        wanted = settings.progress_wanted() if show is None else show
        self._in_notebook = in_notebook()
        self._wanted = (sys.stderr.isatty() or self._in_notebook) if wanted is None else wanted
        self._total, self._done = total, done
        self._rows = 0
        self._began = time.monotonic()
        self._bar: Bar | None = None
        self._line: Line | None = None

    def __enter__(self) -> Self:
        if self._wanted and self._in_notebook:
            self._line = Line()
        elif self._wanted:
            self._bar = _bar()
            self._task = self._bar.add_task("", total=self._total, completed=self._done, words="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        if self._line is not None:
            self._line.end(self._state())

    def advance(self, rows: int) -> None:
        """One step over `rows` rows is done."""
        self._rows += rows
        self._done += 1
        if self._bar is not None:
            self._bar.update(self._task, advance=1, words=f"{self.rate:,.0f} rows/s")
        if self._line is not None:
            self._line.show(self._state())

    @property
    def rate(self) -> float:
        """Rows per second since the run began."""
        return self._rows / max(1e-9, time.monotonic() - self._began)

    def say(self, text: str) -> None:
        """A line above the bar, or what the line of a notebook begins with from now on."""
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)
        if self._line is not None:
            self._line.words = text

    def _state(self) -> str:
        share = self._done / max(1, self._total)
        return f"step {self._done:,} of {self._total:,} ({100 * share:.0f} %), {self.rate:,.0f} rows/s"


class Line:
    """One line of a notebook's output that is written over again and again: a long run leaves one line behind."""

    def __init__(self) -> None:
        self.words = ""
        self._shown = 0.0
        self._length = 0

    def show(self, state: str) -> None:
        """Write the line, unless it was written a moment ago."""
        now = time.monotonic()
        if now - self._shown >= LINE_SECONDS:
            self._shown = now
            self._write(state)

    def end(self, state: str) -> None:
        """Write the line for good."""
        self._write(state)
        sys.stderr.write("\n")

    def _write(self, state: str) -> None:
        text = f"{state}; {self.words}" if self.words else state
        sys.stderr.write("\r" + text.ljust(self._length))
        sys.stderr.flush()
        self._length = len(text)


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook, whose output is no terminal and yet is watched."""
    shell: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and hasattr(shell, "kernel")


def _bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[words]}"), TimeRemainingColumn())
    return Bar(*columns, console=Console(stderr=True), transient=True)
