"""What the explicit training loop of a generated package is made of: its settings, its batches, its state on disk.

Every random number of a run is keyed by (seed, evaluation, dataset row), and the order of the rows by (seed, epoch).
So a checkpoint needs no state of a generator, and a run that is killed and resumed ends with the same bits as one that
was not (for equal device, thread count and number of processes).

A step is one round through the phases.  With n optimizer steps in a round (each phase counted as often as it repeats),
the j-th of round s is evaluation n s + j: no two share draws.  A round has as many batches as the most repeated phase
has repeats; repeat k of a phase takes the k-th.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn

from gencompiler.runtime import checkpoint, distributed, logs, nonfinite, starts, storage
from gencompiler.runtime.data import Batch, Dataset, Rows, shuffled
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.metrics import Metrics
from gencompiler.runtime.modules import Model
from gencompiler.runtime.optimizers import Average
from gencompiler.runtime.options import Settings
from gencompiler.runtime.progress import Progress
from gencompiler.runtime.runs import CHECKPOINT, METRICS, WEIGHTS, keep_package

__all__ = ["Run", "Settings", "State", "autocast", "group", "mean_loss", "prepare", "project", "require_finite"]

#: The random stream of the order of rows in each epoch.
ORDER_STREAM = 0x7FFF_FFE2

#: Rows evaluated at once in validation.
VALIDATION_BATCH = 512

_SAME_SETTINGS = "resume with the same settings, or start a new run with another `--out`"
_SAME_THREADS = "set GENC_THREADS={0}; in a process of your own, call torch.set_num_threads({0})"


@dataclasses.dataclass
class State:
    """Where a run is: `step` rounds through the phases done, of which the epoch `epoch` has `position`.  `losses` are
    sums over the epoch's `rows` so far, both by phase; `best` is the best validation loss and `stale` counts the epochs
    since."""

    step: int = 0
    epoch: int = 0
    position: int = 0
    rows: dict[str, int] = dataclasses.field(default_factory=dict)
    losses: dict[str, float] = dataclasses.field(default_factory=dict)
    best: float = math.inf
    stale: int = 0
    stopped: bool = False


class Run:
    """One training run: where it is, its files, and its end.

    `repeats` is the largest number of times that a phase repeats in a round: the batches of a round."""

    def __init__(
        self,
        model: Model,
        dataset: Dataset,
        settings: Settings,
        optimizers: Mapping[str, torch.optim.Optimizer],
        average: Average,
        repeats: int = 1,
    ) -> None:
        self.model, self.dataset, self.settings = model, dataset, settings
        self._optimizers, self._average, self._repeats = optimizers, average, repeats
        self.state = State()
        self.total = settings.total_steps(len(dataset.train), repeats)
        self._best: dict[str, Tensor] = {}
        self._saved = time.monotonic()
        self._interrupted = False
        columns = ["epoch", *(f"loss_{label}" for label in optimizers), "validation"]
        out = settings.out if distributed.leading() else None
        self._metrics = None if out is None else Metrics(out / METRICS, columns)
        self._log = logs.opened(settings.log, out)

    @property
    def step(self) -> int:
        """Steps done: the number of the step being taken, from 0."""
        return self.state.step

    # -- the loop ----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def opened(self) -> Iterator[Progress]:
        """Joins the processes of the run, resumes from a checkpoint where asked to, keeps an interrupt from tearing a
        step, and writes the end result."""
        settings, device = self.settings, self.model.device
        with distributed.joined(device.type):
            self._resume()
            if not self.model.started:
                starts.settle(self.model, self.dataset.train, settings.seed)
                self._average.begin()
            distributed.require_agreement(self.step, "the step to go on from", device)
            distributed.share([*self.model.state_dict().values(), *self._average.state().values()])
            shown = settings.progress if distributed.leading() else False
            with self._uninterrupted(), Progress(self.total, self.step, shown) as self._progress, self._log:
                yield self._progress
            self._save()
            self.model.load_state_dict(self._best or self._average.result())
            if settings.out is not None and distributed.leading():
                checkpoint.save_weights(self.model, settings.out / WEIGHTS, {"step": self.step})
            distributed.wait(device)

    def epochs(self) -> Iterator[int]:
        """The numbers of the epochs that are left."""
        while (self.step < self.total or self.state.position) and not self.state.stopped:
            yield self.state.epoch

    def batches(self) -> Iterator[Batch]:
        """The rest of this epoch's batches, rows in an order keyed by (seed, epoch); this process's shard of each."""
        for batches in self.rounds():
            yield batches[0]

    def rounds(self) -> Iterator[tuple[Batch, ...]]:
        """The rest of this epoch's rounds, `repeats` batches in each; where the last round has fewer left, the epoch's
        first batches come again."""
        order = shuffled(len(self.dataset.train), self.settings.seed, self.state.epoch, ORDER_STREAM)
        places = torch.split(order, self.settings.batch)
        for number in range(self.state.position, math.ceil(len(places) / self._repeats)):
            if self.step >= self.total:
                return
            first = number * self._repeats
            chosen = [places[(first + k) % len(places)] for k in range(self._repeats)]
            yield tuple(self._shard(each) for each in chosen)
            self._after_step(sum(len(each) for each in chosen))

    def _shard(self, places: Tensor) -> Batch:
        batch = self.dataset.train.take(distributed.shard(places), self.model.device)
        return dataclasses.replace(batch, whole=len(places))

    def add_loss(self, phase: str, loss: Tensor, rows: int) -> None:
        """Count a phase's mean loss over the batch of `rows` rows towards the epoch's mean."""
        losses, counted = self.state.losses, self.state.rows
        losses[phase] = losses.get(phase, 0.0) + float(loss.detach()) * rows
        counted[phase] = counted.get(phase, 0) + rows

    def _after_step(self, rows: int) -> None:
        self.state.step += 1
        self.state.position += 1
        self._progress.advance(rows)
        if distributed.anywhere(self._interrupted, self.model.device):
            self._save()
            distributed.wait(self.model.device)
            raise KeyboardInterrupt
        if time.monotonic() - self._saved >= self.settings.save_seconds:
            self._save()

    def end_epoch(self, validation: float | None) -> None:
        """Record the epoch, remember the best parameters by `validation` (a mean loss), and stop early where asked to.

        Without a validation the last parameters, or their average, are the result."""
        state = self.state
        if validation is None and self.settings.patience is not None and len(self.dataset.valid):
            raise RunError(
                "G801",
                f"patience = {self.settings.patience}, but the objective has no value to stop by",
                "leave `patience` out: the phases of the objective do not share one value",
            )
        if validation is not None and not math.isfinite(validation):
            raise RunError(
                "G805",
                f"not a number at step {state.step}: the validation loss is {validation}",
                ("lower the learning rate", "look at the held-out rows: one of them may be impossible under the model"),
            )
        means = {f"loss_{phase}": total / max(1, state.rows[phase]) for phase, total in state.losses.items()}
        known = means if validation is None else {**means, "validation": validation}
        if self._metrics is not None:
            self._metrics.add(state.step, {"epoch": state.epoch, **known})
        self._log.add(state.step, known)
        words = ", ".join(f"{name} {value:.4f}" for name, value in known.items())
        self._progress.say(f"epoch {state.epoch}: {words}")
        if validation is not None and validation < state.best:
            state.best, state.stale = validation, 0
            self._best = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
        elif validation is not None:
            state.stale += 1
            state.stopped = self.settings.patience is not None and state.stale >= self.settings.patience
        state.epoch, state.position, state.rows, state.losses = state.epoch + 1, 0, {}, {}

    # -- files -------------------------------------------------------------------------------------------------------

    def _save(self) -> None:
        if self.settings.out is None or not distributed.leading():
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
        if file.exists():
            self._restore(file)
        if self._metrics is not None:
            storage.remove_remains(out)
            if not file.exists():
                keep_package(self.model, out)
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
                _SAME_THREADS.format(was.get(name)) if name == "threads" else _SAME_SETTINGS,
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
    """Put the model on its device (of this process), in the precision of its parameters."""
    model.to(distributed.device(settings.device), torch.float64 if settings.precision == "float64" else torch.float32)


def autocast(settings: Settings) -> contextlib.AbstractContextManager[Any]:
    """Matrix products in bfloat16 where `precision` says so; parameters and log-densities stay float32."""
    enabled = settings.precision == "bfloat16"
    return torch.autocast(torch.device(settings.device).type, torch.bfloat16, enabled=enabled)


def group(model: Model, phase: str) -> list[nn.Parameter]:
    """The parameters that a phase updates."""
    update = next(each.update for each in model.phases if each.label == phase)
    return [parameter for path in update for parameter in model.learned(path)] or list(model.parameters())


@torch.no_grad()
def project(model: Model, phase: str) -> None:
    """Put the parameters that a phase has moved at the nearest points between its ends: clamp(w, a, b), the projection
    onto a box."""
    within = next(each.within for each in model.phases if each.label == phase)
    assert within is not None, "a phase that has ends"
    torch._foreach_clamp_min_(group(model, phase), within[0])
    torch._foreach_clamp_max_(group(model, phase), within[1])


def require_finite(model: Model, loss: Tensor, batch: Batch, settings: Settings, step: int, phase: str) -> None:
    """Raise RunError G805 naming the first bad tensor and its spec line, unless the loss and every gradient are
    finite."""
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    if nonfinite.all_finite([loss.detach(), *gradients]):
        return

    def again() -> Tensor:
        with autocast(settings):
            return model.loss(batch, seed=settings.seed, step=step, phase=phase)

    if not len(batch) or (distributed.size() > 1 and _finite(model, again)):
        raise RunError("G805", f"not a number at step {step}, in the rows of another process", "see its message")
    raise nonfinite.explain(model, again, step, model.origins)


def _finite(model: Model, loss: Callable[[], Tensor]) -> bool:
    """Whether the loss of this process's rows and its gradients are finite."""
    model.zero_grad(set_to_none=True)
    with torch.enable_grad():
        value = loss()
        value.backward()  # type: ignore[no-untyped-call]
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    return nonfinite.all_finite([value.detach(), *gradients])


@torch.no_grad()
def mean_loss(model: Model, rows: Rows, phase: str, settings: Settings) -> float | None:
    """The phase's mean loss over held-out rows, with the same draws every time; None without rows."""
    if not len(rows):
        return None
    total = 0.0
    tiles = torch.split(torch.arange(len(rows)), VALIDATION_BATCH)
    for places in tiles[distributed.rank() :: distributed.size()]:
        loss = model.loss(rows.take(places, model.device), seed=settings.seed, step=0, phase=phase)
        total += float(loss) * len(places)
    return distributed.sums([total], model.device)[0] / len(rows)
