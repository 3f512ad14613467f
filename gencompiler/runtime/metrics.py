"""The record of a run as CSV: one line per epoch, flushed to the disk, and cut back when a run is resumed."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from gencompiler.runtime import storage


class Metrics:
    """A CSV file whose first column is the step.

    Numbers are written so that they read back to the same bits; seconds never enter, so that an interrupted and resumed
    run leaves the same file as an uninterrupted one."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._path = path
        self._columns = ["step", *columns]

    def begin(self, lines: int) -> None:
        """Start the file; of a run that is resumed keep its first `lines` lines."""
        kept = []
        if lines and self._path.is_file():
            with self._path.open(newline="", encoding="utf-8") as file:
                kept = list(csv.DictReader(file))[:lines]
        text = io.StringIO()
        writer = csv.DictWriter(text, self._columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
        storage.write(self._path, text.getvalue().encode())

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Append one line."""
        with storage.refusing(self._path), self._path.open("a", newline="", encoding="utf-8") as file:
            row = {"step": step, **{name: repr(value) for name, value in values.items()}}
            csv.DictWriter(file, self._columns, lineterminator="\n").writerow(row)
            file.flush()
            os.fsync(file.fileno())
