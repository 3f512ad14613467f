"""Densities: their mass is one, and outside the support they are zero."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gencompiler.testing import spaces
from gencompiler.testing.spaces import Chart
from gencompiler.testing.subject import Subject, has_exact_log_prob, in_float64, log_prob, observed

#: Draws of a random bound, shared by the states of an enumerated space.
DRAWS = 1_000_000

#: Quadrature with a larger error says nothing.
_ROUGHEST = 0.05

#: An estimate with a larger error has missed the rare draws that carry the mass: that it is too low says nothing.
_ROUGH = 0.1

#: A mass estimated from random draws may be off by this many of its standard errors.
_STANDARD_ERRORS = 8.0


def check_mass_by_enumeration(model: Subject, seed: int = 0, draws: int = DRAWS) -> None:
    """The probabilities exp(log_prob) of all states sum to 1, to rounding.

    Where log_prob is one draw of a lower bound, its exponential is an unbiased estimate of the probability, and the sum
    of the averages must be 1 within eight of its standard errors, and where these are large must not be above it.
    """
    table = spaces.states(observed(model))
    mean, error = state_probabilities(model, table, seed, draws)
    mass = mean.sum().item()
    tolerance = 1e-9 + _STANDARD_ERRORS * error.square().sum().sqrt().item()
    missed = tolerance > _ROUGH and mass < 1
    if not (missed or abs(mass - 1) <= tolerance):
        raise AssertionError(
            f"the probabilities of all {len(table)} states sum to {mass:.9g}, not 1 (± {tolerance:.2g})"
        )


def state_probabilities(model: Subject, table: Tensor, seed: int, draws: int) -> tuple[Tensor, Tensor]:
    """exp(log_prob) of each state of `table` `[states, *shape]`, and its standard error (0 where log_prob is exact).

    Where it is random, `draws` draws are shared by the states, in float32: its rounding is far below their spread."""
    if has_exact_log_prob(model):
        probabilities = spaces.in_chunks(in_float64(model).log_prob, table).exp()
        return probabilities, torch.zeros_like(probabilities)
    draws = max(2, draws // len(table))
    means, errors = [], []
    for number, state in enumerate(table):
        copies = state.expand(draws, *state.shape)
        with torch.no_grad():
            # A seed for each state: its draws are keyed by the seed and the place in the batch.
            weights = log_prob(model, copies, seed=seed + number).double().exp()
        means.append(weights.mean())
        errors.append(weights.std() / math.sqrt(draws))
    return torch.stack(means), torch.stack(errors)


def check_mass_by_quadrature(model: Subject, seed: int = 0) -> None:
    """The density exp(log_prob) on one or two dimensions integrates to 1, to the error of the quadrature.

    A grid centred on samples where the model can draw them, else on the origin."""
    model, field = in_float64(model), observed(model)
    chart = Chart(field.support)
    density = chart.pull_back(model.log_prob)
    center = torch.zeros(field.size, dtype=torch.float64)
    scale = torch.ones(field.size, dtype=torch.float64)
    if "sample" in model.programs:
        t = chart.coordinate(model.sample(2_000, seed=seed)).reshape(-1, field.size)
        center, scale = spaces.location_and_scale(t)
    mass, error = spaces.integrate(lambda t: density(t.reshape(-1, *field.shape)), center, scale)
    if error > _ROUGHEST:
        raise AssertionError(f"the density is too rough to integrate: mass {mass:.4g} ± {error:.2g}")
    if not abs(mass - 1) <= error:
        raise AssertionError(f"the density integrates to {mass:.6g}, not 1 (± {error:.2g})")


def check_off_support(model: Subject, off: Tensor, on: Tensor) -> None:
    """log_prob is -inf for each row of `off`, outside the support, and the rows of `on` beside them are not touched."""
    together = torch.cat([off, on]).requires_grad_(on.is_floating_point())
    values = log_prob(model, together)
    outside = values[: len(off)]
    if not bool((outside == -math.inf).all()):
        row = int((outside != -math.inf).nonzero()[0])
        raise AssertionError(f"log_prob is {outside[row].item()} outside the support, at {off[row].tolist()}")
    if bool(values.isnan().any()):
        raise AssertionError("a row outside the support makes another row's log_prob NaN")
    parameters = [p for p in model.parameters() if p.requires_grad]
    inside = values[len(off) :]
    if parameters and inside.requires_grad and bool(inside.isfinite().any()):
        gradients = torch.autograd.grad(inside[inside.isfinite()].sum(), parameters, allow_unused=True)
        if any(g is not None and bool(g.isnan().any()) for g in gradients):
            raise AssertionError("a row outside the support makes gradients NaN")
