"""The model under test: what it offers, read off its declarations."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from torch import Tensor

from gencompiler.runtime.backends import kernel_launcher
from gencompiler.runtime.fields import Field
from gencompiler.runtime.modules import Model
from gencompiler.testing import spaces

if TYPE_CHECKING:
    from gencompiler.runtime.sampling import Chain

    class Subject(Model):
        """A generated model of one observed variable, with every method that its row programs may give it."""

        log_prob: Callable[..., Tensor]
        energy: Callable[[Tensor], Tensor]
        sample: Callable[..., Tensor]
        rsample_and_log_prob: Callable[..., tuple[Tensor, Tensor]]
        forward: Callable[[Tensor], tuple[Tensor, Tensor]]
        inverse: Callable[[Tensor], tuple[Tensor, Tensor]]
        chain: Callable[..., Chain]
        log_ratio: Callable[[Tensor, Tensor], Tensor]
        log_proposal: Callable[[Tensor, Tensor], Tensor]
        conditionals: Callable[[Tensor], Tensor]
else:
    Subject = Model


def observed(model: Subject) -> Field:
    """The only observed variable of an unconditional model."""
    if len(model.fields) != 1 or model.fields[0].given:
        names = ", ".join(map(str, model.fields))
        raise ValueError(f"{type(model).__name__} must have one observed variable and nothing given; it has {names}")
    return model.fields[0]


def is_plain(model: Subject) -> bool:
    """Whether the model has one observed variable and nothing given, which the properties are written for."""
    return len(model.fields) == 1 and not model.fields[0].given


def offers(model: Subject, *programs: str) -> bool:
    """Whether the model has all these row programs."""
    return all(name in model.programs for name in programs)


def has_kernel(model: Subject, program: str) -> bool:
    """Whether the model has this row program, and its package a kernel for it that can be imported here."""
    if program not in model.programs or not model.package:
        return False
    return kernel_launcher(f"{model.package}.kernels", f"{program}_rows") is not None


def has_exact_log_prob(model: Subject) -> bool:
    """Whether log_prob is the log-density itself, and not a random bound or estimate of it."""
    return model.capabilities.get("log_prob") == "exact"


def log_prob(model: Subject, x: Tensor, *, seed: int = 0, row: Tensor | None = None) -> Tensor:
    """log_prob of rows, with the keys of its random draws where it makes any."""
    return model.log_prob(x) if has_exact_log_prob(model) else model.log_prob(x, seed=seed, row=row)


def chain_draws(
    model: Subject, count: int, seed: int, *, start: Tensor | None = None, draws: int = 2, thin: int = 2
) -> Tensor:
    """Draws `[count, draws, *shape]` of chains from `start` `[count, *shape]`, or two steps after their own start."""
    first, burn_in = (None, 2) if start is None else ([start], 0)
    found = model.chain(count, draws, burn_in=burn_in, thin=thin, seed=seed, start=first).draws
    assert isinstance(found, Tensor), "a plain model has one variable"
    return found


def is_enumerable(model: Subject) -> bool:
    """Whether every row the model may produce can be listed."""
    return spaces.is_enumerable(observed(model))


def is_integrable(model: Subject) -> bool:
    """Whether a density over the observed variable can be integrated numerically."""
    return spaces.is_integrable(observed(model))


def in_float64(model: Subject) -> Subject:
    """A copy of the model that computes in float64."""
    return copy.deepcopy(model).double()


def for_sampling(model: Subject) -> Subject:
    """A copy of the model for statistical tests: in float32, unless samples could round to an end of the support."""
    plain = has_no_ends(model) or observed(model).support.discrete
    return copy.deepcopy(model).float() if plain else in_float64(model)


def has_no_ends(model: Subject) -> bool:
    """Whether the observed variable's support is all of the line."""
    lower, upper, _, _ = observed(model).support.ends
    return math.isinf(lower) and math.isinf(upper)
