"""What the explicit training loop of a generated package is made of: its settings, its batches, its state on disk.

Every random number of a run is keyed by (seed, step, dataset row), and the order of the rows by (seed, epoch).  So a
checkpoint needs no state of a generator, and a run that is killed and resumed ends with the same bits as one that was
not (for equal device and thread count).
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn

from gencompiler.runtime import checkpoint, nonfinite, storage
from gencompiler.runtime.data import Batch, Dataset, Rows, shuffled
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.metrics import Metrics
from gencompiler.runtime.modules import Model
from gencompiler.runtime.optimizers import Average
from gencompiler.runtime.progress import Progress
from gencompiler.runtime.runs import CHECKPOINT, METRICS, WEIGHTS, keep_package

#: The random stream of the order of rows in each epoch.
ORDER_STREAM = 0x7FFF_FFE2

#: Rows evaluated at once in validation.
VALIDATION_BATCH = 512

_PRECISIONS = ("float32", "float64", "bfloat16")


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to train; the `train … with { … }` line of a spec fills it in, the command line overrides it.

    `steps` (when given) ends the run instead of `epochs`.  `accumulate` splits a batch into so many parts whose
    gradients are added.  `validation` is the fraction of rows held out where the data has no split of its own; after
    `patience` epochs without a better validation the run ends, and the best parameters are kept.  `out` is the
    directory of the run's files, None for none; a checkpoint is written every `save_seconds` at most, and at the
    end."""

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
        if not 0 <= self.validation < 1:
            raise RunError("G801", f"validation = {self.validation}", "a fraction of the rows, 0 <= validation < 1")

    def override(self, options: Mapping[str, Any]) -> Settings:
        """These settings with others put in by name."""
        known = {field.name for field in dataclasses.fields(self)}
        unknown = [name for name in options if name not in known]
        if unknown:
            raise RunError("G801", f"unknown option `{unknown[0]}`", f"known: {', '.join(sorted(known))}")
        return dataclasses.replace(self, **options)

    def total_steps(self, rows: int) -> int:
        """Optimizer steps of a whole run over `rows` training rows; the last batch of an epoch may be smaller."""
        return self.steps if self.steps is not None else self.epochs * math.ceil(rows / self.batch)

    def identity(self, total: int) -> dict[str, Any]:
        """What must not change between a run and its resumption.  The length may, unless the schedule depends on it."""
        fixed = ("batch", "accumulate", "optimizer", "schedule", "clip", "ema", "precision", "validation", "seed")
        values = {name: getattr(self, name) for name in fixed}
        values["optimizer_options"] = dict(self.optimizer_options)
        values["schedule_options"] = dict(self.schedule_options)
        if self.schedule in ("cosine", "linear"):
            values["total_steps"] = total
        plain: dict[str, Any] = json.loads(json.dumps(values))  # as a checkpoint gives it back: tuples are lists
        return plain


@dataclasses.dataclass
class State:
    """Where a run is: `step` optimizer steps done, of which the epoch `epoch` has `position`.  `losses` are sums over
    the epoch's rows so far, by phase; `best` is the best validation loss and `stale` counts the epochs since."""

    step: int = 0
    epoch: int = 0
    position: int = 0
    rows: int = 0
    losses: dict[str, float] = dataclasses.field(default_factory=dict)
    best: float = math.inf
    stale: int = 0
    stopped: bool = False


class Run:
    """One training run: where it is, its files, and its end."""

    def __init__(
        self,
        model: Model,
        dataset: Dataset,
        settings: Settings,
        optimizers: Mapping[str, torch.optim.Optimizer],
        average: Average,
    ) -> None:
        self.model, self.dataset, self.settings = model, dataset, settings
        self._optimizers, self._average = optimizers, average
        self.state = State()
        self.total = settings.total_steps(len(dataset.train))
        self._best: dict[str, Tensor] = {}
        self._saved = time.monotonic()
        self._interrupted = False
        columns = ["epoch", *(f"loss_{label}" for label in optimizers), "validation"]
        self._metrics = None if settings.out is None else Metrics(settings.out / METRICS, columns)

    @property
    def step(self) -> int:
        """Optimizer steps done: the number of the step being taken, from 0."""
        return self.state.step

    # -- the loop ----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def opened(self) -> Iterator[Progress]:
        """Resumes from a checkpoint where asked to, keeps an interrupt from tearing a step, and writes the end
        result."""
        self._resume()
        with self._uninterrupted(), Progress(self.total, self.step, self.settings.progress) as self._progress:
            yield self._progress
        self._save()
        self.model.load_state_dict(self._best or self._average.result())
        if self.settings.out is not None:
            checkpoint.save_weights(self.model, self.settings.out / WEIGHTS, {"step": self.step})

    def epochs(self) -> Iterator[int]:
        """The numbers of the epochs that are left."""
        while (self.step < self.total or self.state.position) and not self.state.stopped:
            yield self.state.epoch

    def batches(self) -> Iterator[Batch]:
        """The rest of this epoch's batches, rows in an order keyed by (seed, epoch)."""
        rows, size = self.dataset.train, self.settings.batch
        order = shuffled(len(rows), self.settings.seed, self.state.epoch, ORDER_STREAM)
        for places in torch.split(order, size)[self.state.position :]:
            if self.step >= self.total:
                return
            yield rows.take(places, self.model.device)
            self._after_step(len(places))

    def add_loss(self, phase: str, loss: Tensor, rows: int) -> None:
        """Count a phase's mean loss over the batch of `rows` rows towards the epoch's mean."""
        self.state.losses[phase] = self.state.losses.get(phase, 0.0) + float(loss.detach()) * rows

    def _after_step(self, rows: int) -> None:
        self.state.step += 1
        self.state.position += 1
        self.state.rows += rows
        self._progress.advance(rows)
        if self._interrupted:
            self._save()
            raise KeyboardInterrupt
        if time.monotonic() - self._saved >= self.settings.save_seconds:
            self._save()

    def end_epoch(self, validation: float | None) -> None:
        """Record the epoch, remember the best parameters by `validation` (a mean loss), and stop early where asked
        to."""
        state = self.state
        if validation is not None and not math.isfinite(validation):
            raise RunError(
                "G805",
                f"not a number at step {state.step}: the validation loss is {validation}",
                ("lower the learning rate", "look at the held-out rows: one of them may be impossible under the model"),
            )
        means = {f"loss_{phase}": total / max(1, state.rows) for phase, total in state.losses.items()}
        if self._metrics is not None:
            known = {} if validation is None else {"validation": validation}
            self._metrics.add(state.step, {"epoch": state.epoch, **means, **known})
        words = [f"{name} {value:.4f}" for name, value in means.items()]
        words += [] if validation is None else [f"validation {validation:.4f}"]
        self._progress.say(f"epoch {state.epoch}: " + ", ".join(words))
        if validation is not None and validation < state.best:
            state.best, state.stale = validation, 0
            self._best = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
        elif validation is not None:
            state.stale += 1
            state.stopped = self.settings.patience is not None and state.stale >= self.settings.patience
        state.epoch, state.position, state.rows, state.losses = state.epoch + 1, 0, 0, {}

    # -- files -------------------------------------------------------------------------------------------------------

    def _save(self) -> None:
        if self.settings.out is None:
            return
        trees = {
            "optimizers": {label: each.state_dict() for label, each in self._optimizers.items()},
            "average": self._average.state(),
            "best": self._best,
        }
        record = {
            "state": dataclasses.asdict(self.state),
            "settings": self.settings.identity(self.total),
            "data": self.dataset.fingerprint,
        }
        checkpoint.save(self.settings.out / CHECKPOINT, self.model, trees, record)
        self._saved = time.monotonic()

    def _resume(self) -> None:
        out = self.settings.out
        if out is None:
            return
        file = out / CHECKPOINT
        if file.exists() and not self.settings.resume:
            raise RunError(
                "G804", f"{out} holds a run already", "add `--resume` to go on with it, or choose another `--out`"
            )
        storage.remove_remains(out)
        if file.exists():
            self._restore(file)
        else:
            keep_package(self.model, out)
        assert self._metrics is not None
        self._metrics.begin(self.state.epoch)

    def _restore(self, file: Path) -> None:
        trees, record = checkpoint.load(file, self.model)
        was, now = record["settings"], self.settings.identity(self.total)
        changed = [name for name in sorted(was.keys() | now.keys()) if was.get(name) != now.get(name)]
        if changed:
            name = changed[0]
            raise RunError(
                "G803",
                f"{file} was written with {name} = {was.get(name)}, this run has {now.get(name)}",
                "resume with the same settings, or start a new run with another `--out`",
            )
        if record["data"] != self.dataset.fingerprint:
            raise RunError("G803", f"{file} was trained on other data", "resume with the same data")
        self.state = State(**record["state"])
        for label, optimizer in self._optimizers.items():
            optimizer.load_state_dict(trees["optimizers"][label])
        self._average.restore(trees["average"])
        self._best = trees["best"]

    @contextlib.contextmanager
    def _uninterrupted(self) -> Iterator[None]:
        """Ctrl-C and a polite kill wait for the end of the step, then save; a second one does not wait."""

        def interrupt(number: int, frame: FrameType | None) -> None:
            if self._interrupted:
                raise KeyboardInterrupt
            self._interrupted = True

        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


# -- pieces of a step ------------------------------------------------------------------------------------------------


def prepare(model: Model, settings: Settings) -> None:
    """Put the model on its device, in the precision of its parameters."""
    model.to(settings.device, torch.float64 if settings.precision == "float64" else torch.float32)


def autocast(settings: Settings) -> contextlib.AbstractContextManager[Any]:
    """Matrix products in bfloat16 where `precision` says so; parameters and log-densities stay float32."""
    enabled = settings.precision == "bfloat16"
    return torch.autocast(torch.device(settings.device).type, torch.bfloat16, enabled=enabled)


def group(model: Model, paths: tuple[str, ...] = ()) -> list[nn.Parameter]:
    """The parameters of the given paths; all of them for none."""
    return [model.raw(path) for path in paths] if paths else list(model.parameters())


def require_finite(model: Model, loss: Tensor, batch: Batch, settings: Settings, step: int, phase: str) -> None:
    """Raise RunError G805 naming the first bad tensor and its spec line, unless the loss and every gradient are
    finite."""
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    if nonfinite.all_finite([loss.detach(), *gradients]):
        return

    def again() -> Tensor:
        with autocast(settings):
            return model.loss(batch, seed=settings.seed, step=step, phase=phase)

    raise nonfinite.explain(model, again, step, model.origins)


@torch.no_grad()
def mean_loss(model: Model, rows: Rows, phase: str, settings: Settings) -> float | None:
    """The phase's mean loss over held-out rows, with the same draws every time; None without rows."""
    if not len(rows):
        return None
    total = 0.0
    for places in torch.split(torch.arange(len(rows)), VALIDATION_BATCH):
        loss = model.loss(rows.take(places, model.device), seed=settings.seed, step=0, phase=phase)
        total += float(loss) * len(places)
    return total / len(rows)
