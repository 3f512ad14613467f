"""Diffusions: the steps of a reverse process compose, and `trajectory` ends where `sample` does."""

from __future__ import annotations

import inspect

import torch

from gencompiler.testing.subject import Subject, observed

#: Steps of the whole that is divided.
STEPS = 6


def check_composition(model: Subject, count: int, seed: int, first: int, cut: int) -> None:
    """`STEPS` reverse steps from number `first`, taken at once and in two parts of which the first has `cut`, give
    the same bits: a step is keyed by its number, not by its place in a call.  An ODE's steps draw nothing."""
    x = torch.randn(count, *observed(model).shape, generator=torch.Generator().manual_seed(seed % 2**31))
    keys = {"seed": seed} if "seed" in inspect.signature(model.reverse).parameters else {}
    with torch.no_grad():
        whole = model.reverse(x, steps=STEPS, step=first, **keys)
        middle = model.reverse(x, steps=cut, step=first, **keys)
        parts = model.reverse(middle, steps=STEPS - cut, step=first + cut, **keys)
    if not torch.equal(whole, parts):
        error = (whole - parts).abs().max().item()
        raise AssertionError(
            f"{STEPS} reverse steps from step {first} differ by {error:.3g} from {cut} and then {STEPS - cut} of them"
        )


def check_trajectory(model: Subject, count: int, points: int, seed: int) -> None:
    """The last state of `trajectory` is `sample` of the same seed, to rounding (it is computed in other pieces)."""
    states = model.trajectory(count, points, seed=seed).states
    if states.shape != (count, points, *observed(model).shape):
        raise AssertionError(f"{points} states of {count} trajectories have shape {list(states.shape)}")
    if not torch.allclose(states[:, -1], model.sample(count, seed=seed), rtol=1e-3, atol=1e-3):
        raise AssertionError("a trajectory does not end in the sample of its seed")
