"""The model under test: what it offers, read off its declarations."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gencompiler.runtime.backends import c_function_of, kernel_launcher
from gencompiler.runtime.fields import Field
from gencompiler.runtime.modules import Model
from gencompiler.testing import spaces
from gencompiler.testing.strategies import make_rows
from gencompiler.testing.view import View, joined

if TYPE_CHECKING:
    from gencompiler.runtime.modules import Values
    from gencompiler.runtime.sampling import Chain, Trajectory

    class Subject(Model):
        """A generated model seen as a density of one variable, with every method that its row programs may give it."""

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
        log_weight: Callable[..., Tensor]
        encode: Callable[..., Values]
        decode: Callable[..., Tensor]
        decode_mean: Callable[..., Tensor]
        probability_flow: Callable[..., Tensor]
        reverse: Callable[..., Tensor]
        trajectory: Callable[..., Trajectory]
else:
    Subject = Model


def observed(model: Subject) -> Field:
    """The observed variable, or several side by side."""
    together = joined(model.fields)
    if together is None:
        names = ", ".join(map(str, model.fields))
        raise ValueError(f"{type(model).__name__} must have observed variables that are one vector; it has {names}")
    return together


def itself(model: Subject) -> Model:
    """The model that `model` is a view of, or that it is."""
    return model.model if isinstance(model, View) else model


def has_methods(model: Subject, *names: str) -> bool:
    """Whether the model's class has all these methods."""
    return all(hasattr(itself(model), name) for name in names)


def offers(model: Subject, *programs: str) -> bool:
    """Whether the model has all these row programs."""
    return all(name in model.programs for name in programs)


def has_kernel(model: Subject, program: str) -> bool:
    """Whether the model has this row program, and its package a kernel for it that can be imported here."""
    if program not in model.programs or not model.package:
        return False
    return kernel_launcher(itself(model), f"{program}_rows") is not None


def has_c_function(model: Subject, program: str) -> bool:
    """Whether the model has this row program, and its package a C function for it that a compiler here takes."""
    if program not in model.programs or not model.package:
        return False
    found = c_function_of(f"{model.package}.native", model.programs[program].function.__name__)
    return found is not None and found.is_ready


def has_exact_log_prob(model: Subject) -> bool:
    """Whether log_prob is the log-density itself, and not a random bound or estimate of it."""
    return model.capabilities.get("log_prob") == "exact"


def is_estimated(model: Subject) -> bool:
    """Whether log_prob is what a solver makes of it: its steps, and so its error, differ between precisions."""
    return model.capabilities.get("log_prob") == "estimate"


def has_density(model: Subject) -> bool:
    """Whether log-densities of rows, or logs of unbiased estimates of densities, can be had."""
    return "log_prob" in model.programs or "log_weight" in model.programs


def log_prob(model: Subject, x: Tensor, *, seed: int = 0, row: Tensor | None = None) -> Tensor:
    """log_prob of rows, or the log of an unbiased estimate of their density; with the keys of the random draws."""
    if "log_prob" not in model.programs:
        return model.log_weight(x, seed=seed, row=row)
    if not isinstance(model, View) and "seed" not in model.programs["log_prob"].keywords:
        return model.log_prob(x)
    return model.log_prob(x, seed=seed, row=row)


def on_support(model: Subject, x: Tensor, seed: int = 0) -> Tensor:
    """Rows, with draws of the model in the place of those to which it gives no density: a law may have a support of its
    own inside that of its variable, such as the numbers beyond a parameter."""
    if not has_exact_log_prob(model) or "sample" not in model.programs or not observed(model).size:
        return x
    outside = _without_density(model, x, seed)
    if not bool(outside.any()):
        return x
    drawn = model.sample(len(x), seed=seed)
    return torch.where(outside.reshape(-1, *[1] * (x.dim() - 1)), drawn.reshape(x.shape).to(x), x)


def has_inner_ends(model: Subject) -> bool:
    """Whether the density is 0 on part of the variable's support: a grid of points does not resolve where it ends.

    In float64, where a small density does not round to 0, and nothing is compiled."""
    double = in_float64(model)
    return bool(_without_density(double, make_rows(observed(model), 65, "interior", 0, torch.float64), 0).any())


@torch.no_grad()
def _without_density(model: Subject, x: Tensor, seed: int) -> Tensor:
    """Which rows have the density 0."""
    return torch.isneginf(log_prob(model, x.to(model.dtype) if x.is_floating_point() else x, seed=seed))


def decoded(model: Subject) -> tuple[Field, ...]:
    """The latent variables that `decode` takes, in its order."""
    latents = {field.name: field for field in model.latents}
    arguments = inspect.signature(type(itself(model)).decode).parameters  # type: ignore[attr-defined]
    return tuple(latents[name] for name in arguments if name in latents)


def keys(model: Subject, program: str, rows: Tensor | int, seed: int) -> dict[str, Any]:
    """What the method of `program` takes besides its inputs: row numbers and the seed, where it draws."""
    if "seed" not in model.programs[program].keywords and not isinstance(model, View):
        return {}
    return {"row": torch.arange(rows) if isinstance(rows, int) else rows, "seed": seed}


def chain_draws(
    model: Subject, count: int, seed: int, *, start: Tensor | None = None, draws: int = 2, thin: int = 2
) -> Tensor:
    """Draws `[count, draws, *shape]` of chains from `start` `[count, *shape]`, or two steps after their own start,
    and after the warm-up where they have one."""
    first, burn_in = (None, 2) if start is None else ([start], 0)
    burn_in += itself(model).warm_up
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
