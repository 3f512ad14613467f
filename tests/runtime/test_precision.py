"""Precision and gradient accumulation: the gradient of a step, against the plain step in float64."""

from __future__ import annotations

import importlib
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor

from gencompiler.runtime import data

Modules = dict[str, ModuleType]

ROWS = {
    "nade": np.random.default_rng(0).integers(0, 2, (60, 6)).astype(np.uint8),
    "flow": np.random.default_rng(0).integers(0, 8, (60, 4)).astype(np.uint8),
    "reals": np.random.default_rng(0).standard_normal((60, 2)),
}


def gradient(modules: Modules, name: str, **options: object) -> Tensor:
    """The gradient that one optimizer step sees, of all parameters in a row, in float64."""
    package = modules[name]
    train = importlib.import_module(f"{package.__name__}.train")
    model = getattr(package, package.__all__[0])(seed=1)
    settings = train.SETTINGS.override({"clip": None, **options})
    train.training.prepare(model, settings)
    with torch.no_grad():  # off the symmetric start, where gradients vanish
        for place, parameter in enumerate(model.parameters()):
            parameter.add_(0.2 * torch.sin(torch.arange(parameter.numel()) + place).reshape(parameter.shape))
    batch = data.load(ROWS[name], model.fields).train.take(torch.arange(37))
    train.phase_1_step(model, batch, torch.optim.SGD(model.parameters(), lr=0.0), settings, 5)
    return torch.cat([p.grad.double().reshape(-1) for p in model.parameters()])


def distance(a: Tensor, b: Tensor) -> float:
    return float((a - b).norm() / b.norm())


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("parts", [2, 5, 37, 100])
def test_accumulated_parts_give_the_gradient_of_the_batch(modules: Modules, name: str, parts: int) -> None:
    whole = gradient(modules, name, precision="float64")
    assert distance(gradient(modules, name, precision="float64", accumulate=parts), whole) < 1e-12
    assert distance(gradient(modules, name, accumulate=parts), whole) < 1e-5


@pytest.mark.parametrize("name", ROWS)
def test_parts_that_count_alike_would_be_found(modules: Modules, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted error: 37 rows in 5 parts are not five equal shares."""
    whole = gradient(modules, name, precision="float64")
    monkeypatch.setattr(data.Batch, "share", property(lambda part: 1 / 5))
    assert distance(gradient(modules, name, precision="float64", accumulate=5), whole) > 1e-4


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("parts", [1, 4])
def test_mixed_precision_is_the_plain_step_to_eight_bits(modules: Modules, name: str, parts: int) -> None:
    """bfloat16 keeps 8 bits: products are off by 2^-9, the gradient by a few times that."""
    whole = gradient(modules, name, precision="float64")
    mixed = gradient(modules, name, precision="bfloat16", accumulate=parts)
    assert distance(mixed, whole) < 16 * 2**-9
    assert distance(gradient(modules, name), whole) < 1e-5


def test_mixed_precision_is_in_use(modules: Modules) -> None:
    whole = gradient(modules, "nade", precision="float64")
    assert distance(gradient(modules, "nade", precision="bfloat16"), whole) > 1e-5
