"""The record of a run for TensorBoard, beside the CSV that every run has."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

#: The directory of event files in a run's folder.
EVENTS = "tensorboard"


class Log:
    """Takes the metrics of each epoch, as a context manager; event files are written from the first on.

    With `folder` None nothing is written."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._writer: SummaryWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """The values after `step` steps; those of a step that an interrupted run had written already are replaced."""
        if self._folder is None:
            return
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self._folder), purge_step=step)
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()


def opened(kind: str, folder: Path | None) -> Log:
    """The log that `kind` names ("tensorboard", or "" for none), in a run's folder; none where it is not installed."""
    wanted = kind == "tensorboard" and folder is not None and importlib.util.find_spec("tensorboard") is not None
    return Log(folder / EVENTS if wanted and folder is not None else None)
