"""Numbers: never NaN, gradients that are finite, and float32 close to float64."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import torch
from torch import Tensor

from gencompiler.testing.subject import Subject, in_float64, log_prob

#: float32 may differ from float64 by this many times what rounding the parameters and inputs to float32 changes.
_ROUNDINGS = 64.0

#: Disturbances tried; the largest effect counts.
_TRIALS = 4


def check_finite_gradients(model: Subject, x: Tensor, seed: int) -> None:
    """For rows of the support, however extreme, log_prob is a number or -inf, never NaN or +inf.

    Where it is a number, and its square too, the gradients of these rows in the parameters (and in continuous rows)
    are finite: one that is infinite, or so large that its slopes are, has none to speak of."""
    model = copy.deepcopy(model)
    x = x.clone().requires_grad_(x.is_floating_point())
    values = log_prob(model, x, seed=seed)
    bad = values.isnan() | (values == math.inf)
    if bool(bad.any()):
        row = int(bad.nonzero()[0])
        raise AssertionError(f"log_prob is {values[row].item()} at {x[row].tolist()}")
    finite = values.abs() < math.sqrt(torch.finfo(values.dtype).max)
    if not bool(finite.all()) and bool(finite.any()):
        x = x.detach()[finite].requires_grad_(x.is_floating_point())
        values = log_prob(model, x, seed=seed)
        finite = values.abs() < math.sqrt(torch.finfo(values.dtype).max)  # rows have other noise now
    leaves: dict[str, Tensor] = {name: p for name, p in model.named_parameters() if p.requires_grad}
    if x.requires_grad:
        leaves["the row"] = x
    if not leaves or not bool(finite.any()) or not values.requires_grad:
        return
    gradients = torch.autograd.grad(values[finite].sum(), list(leaves.values()), allow_unused=True)
    for name, gradient in zip(leaves, gradients, strict=True):
        if gradient is not None and not bool(gradient.isfinite().all()):
            raise AssertionError(f"the gradient of log_prob in {name} is not finite in a batch of rows of the support")


def check_precision(model: Subject, evaluate: Callable[[Subject], Tensor], label: str) -> None:
    """`evaluate(model)` in float32 is close to float64, normwise.

    The norm of the difference may be at most a fixed multiple of what rounding the parameters to float32 changes, as
    measured by disturbing them, plus as many roundings of the result: an ill-conditioned model is not blamed for being
    so, a badly computed one is.
    """
    with torch.no_grad():
        exact_model = in_float64(model)
        exact = evaluate(exact_model).double()
        found = evaluate(copy.deepcopy(model).float()).double()
        epsilon = torch.finfo(torch.float32).eps
        change = max(_norm(evaluate(_disturbed(exact_model, epsilon, trial)) - exact) for trial in range(_TRIALS))
    error = _norm(found - exact)
    allowed = _ROUNDINGS * (change + epsilon * (_norm(exact) + math.sqrt(max(exact.numel(), 1))))
    if not error <= allowed:
        raise AssertionError(f"{label} in float32 is off by {error:.3g} (norm), where rounding explains {allowed:.3g}")


def _disturbed(model: Subject, epsilon: float, trial: int) -> Subject:
    changed = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(trial)
    with torch.no_grad():
        for parameter in changed.parameters():
            signs = torch.randint(0, 2, parameter.shape, generator=generator).to(parameter) * 2 - 1
            parameter.add_(epsilon * signs * parameter.abs().clamp_min(0.1))
    return changed


def _norm(values: Tensor) -> float:
    return float(torch.linalg.vector_norm(values.double()))
