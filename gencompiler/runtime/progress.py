"""The progress bar of a run: epoch, loss, rows per second, time left.  Quiet when nobody watches."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gencompiler.runtime import settings

if TYPE_CHECKING:
    from rich.progress import Progress as Bar


class Progress:
    """A bar over `total` steps, as a context manager, shown on a terminal unless told otherwise."""

    def __init__(self, total: int, done: int = 0, show: bool | None = None) -> None:
        wanted = settings.progress_wanted() if show is None else show
        self._wanted = sys.stderr.isatty() if wanted is None else wanted
        self._total, self._done = total, done
        self._rows = 0
        self._began = time.monotonic()
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        if self._wanted:
            self._bar = _bar()
            self._task = self._bar.add_task("", total=self._total, completed=self._done, words="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, rows: int) -> None:
        """One step over `rows` rows is done."""
        self._rows += rows
        if self._bar is not None:
            self._bar.update(self._task, advance=1, words=f"{self.rate:,.0f} rows/s")

    @property
    def rate(self) -> float:
        """Rows per second since the run began."""
        return self._rows / max(1e-9, time.monotonic() - self._began)

    def say(self, text: str) -> None:
        """A line above the bar; nothing where there is no bar."""
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)


def _bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[words]}"), TimeRemainingColumn())
    return Bar(*columns, console=Console(stderr=True), transient=True)
