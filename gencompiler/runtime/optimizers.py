"""Optimizers and learning-rate schedules by name, gradient clipping, and the moving average of parameters."""

from __future__ import annotations

import contextlib
import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from gencompiler.runtime.errors import RunError

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "adamax": torch.optim.Adamax,
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
    "lbfgs": torch.optim.LBFGS,
}


def optimizer(name: str, parameters: Iterable[nn.Parameter], **options: Any) -> torch.optim.Optimizer:
    """`torch.optim` by name: adam, adamw, adamax, sgd, rmsprop, lbfgs (full batches), with its own options."""
    kind = OPTIMIZERS.get(name)
    if kind is None:
        raise RunError("G801", f"unknown optimizer `{name}`", f"known: {', '.join(OPTIMIZERS)}")
    known = set(inspect.signature(kind).parameters)
    unknown = [option for option in options if option not in known]
    if unknown:
        raise RunError(
            "G801", f"`{name}` has no option `{unknown[0]}`", f"it has: {', '.join(sorted(known - {'params'}))}"
        )
    return kind(list(parameters), **options)


# -- schedules -------------------------------------------------------------------------------------------------------

#: The factor of the learning rate at a step, by the step's number and the number of steps in all.
Schedule = Callable[[int, int], float]


def _constant() -> Schedule:
    return lambda step, total: 1.0


def _cosine(warmup: float = 0, final: float = 0.0) -> Schedule:
    """Half a cosine from 1 to `final` (Loshchilov & Hutter, 2017), after a linear rise over `warmup` steps."""

    def factor(step: int, total: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        done = (step - warmup) / max(1, total - warmup)
        return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))

    return factor


def _linear(warmup: float = 0, final: float = 0.0) -> Schedule:
    """A straight line from 1 to `final`, after a linear rise over `warmup` steps."""

    def factor(step: int, total: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        return 1 + (final - 1) * min(1.0, (step - warmup) / max(1, total - warmup))

    return factor


def _step(every: float, factor: float = 0.1) -> Schedule:
    """Multiplied by `factor` after each `every` steps."""
    return lambda step, total: factor ** (step // every)


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "constant": _constant,
    "cosine": _cosine,
    "linear": _linear,
    "step": _step,
}


def schedule(name: str, **options: float) -> Schedule:
    """A schedule by name: constant, cosine(warmup, final), linear(warmup, final), step(every, factor)."""
    make = SCHEDULES.get(name)
    if make is None:
        raise RunError("G801", f"unknown schedule `{name}`", f"known: {', '.join(SCHEDULES)}")
    try:
        return make(**options)
    except TypeError as error:
        known = ", ".join(inspect.signature(make).parameters) or "no options"
        raise RunError("G801", f"schedule `{name}`: {error}", f"it takes: {known}") from error


def set_rate(optimizer: torch.optim.Optimizer, factor: float) -> float:
    """Put the learning rate of every group at `factor` times the rate it was made with; returns the first."""
    for group in optimizer.param_groups:
        group["lr"] = group.setdefault("initial_lr", group["lr"]) * factor
    return float(optimizer.param_groups[0]["lr"])


# -- gradients and averages ------------------------------------------------------------------------------------------


def clip(optimizer: torch.optim.Optimizer, limit: float | None) -> None:
    """Scale the gradients of the optimizer's parameters to a joint norm of at most `limit`; None leaves them."""
    if limit is not None:
        torch.nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], limit)


class Average:
    """An exponential moving average of the parameters: a <- decay a + (1 - decay) w after each step.

    With `decay` None nothing is kept and the parameters stand for themselves."""

    def __init__(self, model: nn.Module, decay: float | None) -> None:
        self._model = model
        self._decay = decay
        self.begin()

    def begin(self) -> None:
        """The averages are the parameters as they are now."""
        kept = () if self._decay is None else self._model.named_parameters()
        self._values = {name: parameter.detach().clone() for name, parameter in kept}

    @torch.no_grad()
    def update(self) -> None:
        if self._decay is not None:
            current = dict(self._model.named_parameters())
            torch._foreach_lerp_(list(self._values.values()), [current[n] for n in self._values], 1 - self._decay)

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Within, the model has the averaged parameters."""
        if self._decay is None:
            yield
            return
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    @torch.no_grad()
    def _exchange(self) -> None:
        for name, parameter in self._model.named_parameters():
            kept = parameter.detach().clone()
            parameter.copy_(self._values[name])
            self._values[name].copy_(kept)

    def result(self) -> dict[str, Tensor]:
        """The model's state with the averages in place of its parameters."""
        return {**self._model.state_dict(), **self._values}

    def state(self) -> dict[str, Tensor]:
        return self._values

    @torch.no_grad()
    def restore(self, state: Mapping[str, Tensor]) -> None:
        for name, value in state.items():
            self._values[name].copy_(value)
