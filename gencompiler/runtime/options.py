"""How to train: what the `train … with { … }` line of a spec fills in, and the command line overrides."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from gencompiler.runtime.errors import RunError

_PRECISIONS = ("float32", "float64", "bfloat16")
_LOGS = ("", "tensorboard")


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to train; the `train … with { … }` line of a spec fills it in, the command line overrides it.

    `steps` (when given) ends the run instead of `epochs`.  `accumulate` splits a batch into so many parts whose
    gradients are added.  `validation` is the fraction of rows held out where the data has no split of its own; after
    `patience` epochs without a better validation the run ends, and the best parameters are kept.  `out` is the
    directory of the run's files, None for none; a checkpoint is written every `save_seconds` at most, and at the
    end.  `log = tensorboard` also writes the metrics for TensorBoard into `out`, where it is installed."""

    data: str = ""
    epochs: int = 50
    steps: int | None = None
    batch: int = 128
    accumulate: int = 1
    optimizer: str = "adam"
    optimizer_options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    schedule: str = "constant"
    schedule_options: Mapping[str, float] = dataclasses.field(default_factory=dict)
    clip: float | None = None
    ema: float | None = None
    precision: str = "float32"
    validation: float = 0.1
    patience: int | None = None
    seed: int = 0
    device: str = "cpu"
    log: str = ""
    out: Path | None = None
    resume: bool = False
    save_seconds: float = 30.0
    progress: bool | None = None

    def __post_init__(self) -> None:
        positive = {
            "epochs": self.epochs,
            "batch": self.batch,
            "accumulate": self.accumulate,
            "patience": self.patience,
        }
        for name, value in positive.items():
            if value is not None and value < 1:
                raise RunError("G801", f"{name} = {value}", f"{name} starts at 1")
        if self.precision not in _PRECISIONS:
            raise RunError("G801", f"precision = {self.precision}", f"one of {', '.join(_PRECISIONS)}")
        if self.log not in _LOGS:
            raise RunError("G801", f"log = {self.log}", f"one of {', '.join(filter(None, _LOGS))}, or nothing")
        if not 0 <= self.validation < 1:
            raise RunError("G801", f"validation = {self.validation}", "a fraction of the rows, 0 <= validation < 1")

    def override(self, options: Mapping[str, Any]) -> Settings:
        """These settings with others put in by name."""
        known = {field.name for field in dataclasses.fields(self)}
        unknown = [name for name in options if name not in known]
        if unknown:
            raise RunError("G801", f"unknown option `{unknown[0]}`", f"known: {', '.join(sorted(known))}")
        return dataclasses.replace(self, **options)

    def spelled(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Options of a command line as overrides of fields: `lr` among those of the optimizer, a schedule without the
        options of another."""
        found = dict(options)
        if (rate := found.pop("lr", None)) is not None:
            found["optimizer_options"] = {**self.optimizer_options, "lr": rate}
        if found.get("schedule", self.schedule) != self.schedule:
            found["schedule_options"] = {}
        return found

    def total_steps(self, rows: int, repeats: int = 1) -> int:
        """Rounds through the phases of a whole run over `rows` training rows, `repeats` batches in each; the last batch
        of an epoch may be smaller."""
        rounds = math.ceil(math.ceil(rows / self.batch) / repeats)
        return self.steps if self.steps is not None else self.epochs * rounds

    def identity(self, total: int) -> dict[str, Any]:
        """What must not change between a run and its resumption.  The length may, unless the schedule depends on it.

        The number of threads belongs to it on the CPU, where sums are split among them."""
        fixed = ("batch", "accumulate", "optimizer", "schedule", "clip", "ema", "precision", "validation", "seed")
        values = {name: getattr(self, name) for name in fixed}
        values["optimizer_options"] = dict(self.optimizer_options)
        values["schedule_options"] = dict(self.schedule_options)
        if self.schedule in ("cosine", "linear"):
            values["total_steps"] = total
        if torch.device(self.device).type == "cpu":
            values["threads"] = torch.get_num_threads()
        plain: dict[str, Any] = json.loads(json.dumps(values))  # as a checkpoint gives it back: tuples are lists
        return plain
