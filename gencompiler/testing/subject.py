"""The model under test: what it offers, read off its declarations."""

from __future__ import annotations

import copy
import math

from torch import Tensor

from gencompiler.runtime.fields import Field
from gencompiler.runtime.modules import Model
from gencompiler.testing import spaces

#: The largest space that is enumerated, and the most coordinates that are integrated over.
MOST_STATES = 1 << 14
MOST_AXES = 2


def observed(model: Model) -> Field:
    """The only observed variable of an unconditional model."""
    if len(model.fields) != 1 or model.fields[0].given:
        names = ", ".join(map(str, model.fields))
        raise ValueError(f"{type(model).__name__} must have one observed variable and nothing given; it has {names}")
    return model.fields[0]


def is_plain(model: Model) -> bool:
    """Whether the model has one observed variable and nothing given, which the properties are written for."""
    return len(model.fields) == 1 and not model.fields[0].given


def offers(model: Model, *programs: str) -> bool:
    """Whether the model has all these row programs."""
    return all(name in model.programs for name in programs)


def has_exact_log_prob(model: Model) -> bool:
    """Whether log_prob is the log-density itself, and not a random bound or estimate of it."""
    return model.capabilities.get("log_prob") == "exact"


def log_prob(model: Model, x: Tensor, *, seed: int = 0, row: Tensor | None = None) -> Tensor:
    """log_prob of rows, with the keys of its random draws where it makes any."""
    return model.log_prob(x) if has_exact_log_prob(model) else model.log_prob(x, seed=seed, row=row)


def is_enumerable(model: Model) -> bool:
    """Whether every row the model may produce can be listed."""
    return spaces.state_count(observed(model)) <= MOST_STATES


def is_integrable(model: Model) -> bool:
    """Whether a density over the observed variable can be integrated numerically."""
    field = observed(model)
    return field.size <= MOST_AXES and spaces.Chart.covers(field.support)


def is_small(model: Model) -> bool:
    """Whether the mass of a density of the model can be computed."""
    return is_enumerable(model) or is_integrable(model)


def in_float64(model: Model) -> Model:
    """A copy of the model that computes in float64."""
    return copy.deepcopy(model).double()


def unbounded_below(model: Model) -> bool:
    """Whether no finite value lies outside the observed variable's support."""
    lower, upper, _, _ = observed(model).support.ends
    return math.isinf(lower) and math.isinf(upper)
