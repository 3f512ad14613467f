"""When a number stops being finite: which tensor, and from which line of the spec."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from gencompiler.runtime import nonfinite
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.modules import Model

ROWS = np.random.default_rng(0).standard_normal((50, 2))


def failure(module: ModuleType, model: Model, rows: Any = ROWS, **options: Any) -> str:
    with pytest.raises(RunError) as caught:
        model.fit(rows, **{"epochs": 1, "validation": 0.0, **options})
    assert caught.value.code == "G805"
    assert module.__name__ in sys.modules
    return str(caught.value)


def test_a_bad_parameter_is_named_with_its_line(modules: dict[str, ModuleType]) -> None:
    model = modules["reals"].Reals()
    with torch.no_grad():
        model.get_parameter("AffineCoupling.mlp.0.weight")[1, 0, 0] = torch.inf
    text = failure(modules["reals"], model)
    assert "not a number at step 0: the parameter `AffineCoupling.mlp.0.weight` (reals.gen:4)" in text


def test_the_first_bad_operation_is_named_with_its_line(modules: dict[str, ModuleType]) -> None:
    model = modules["reals"].Reals()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("t.bias", "0.bias")):
                parameter.fill_(1e38)
    text = failure(modules["reals"], model, ROWS * 1e38)
    assert "the result of `" in text
    assert "(reals.gen:" in text


def test_a_bad_gradient_of_a_finite_loss_is_named(modules: dict[str, ModuleType]) -> None:
    """sqrt at 0 is finite and its slope is not."""

    class Cusp(modules["nade"].Tiny):  # type: ignore[misc, name-defined]
        def loss(self, batch: Any, **keys: Any) -> torch.Tensor:
            return torch.sqrt(self.b.sum()) + super().loss(batch, **keys)

    rows = np.zeros((20, 6), dtype=np.uint8)
    text = failure(modules["nade"], Cusp(), rows)
    assert "the gradient through `sqrt`" in text


def test_a_rate_that_is_too_high_is_caught(modules: dict[str, ModuleType]) -> None:
    text = failure(
        modules["reals"], modules["reals"].Reals(), optimizer="sgd", optimizer_options={"lr": 1e25}, epochs=9
    )
    assert "lower the learning rate" in text


def test_finite_runs_say_nothing(modules: dict[str, ModuleType]) -> None:
    modules["reals"].Reals().fit(ROWS, epochs=1)


def test_all_finite() -> None:
    assert nonfinite.all_finite([])
    assert nonfinite.all_finite([torch.tensor([1, 2]), torch.zeros(0), torch.full((3,), 3e38)])
    assert not nonfinite.all_finite([torch.zeros(2), torch.tensor([0.0, torch.nan])])
    assert not nonfinite.all_finite([torch.tensor([-torch.inf], dtype=torch.float64)])


def test_a_step_that_cannot_be_repeated_says_so() -> None:
    error = nonfinite.explain(torch.nn.Linear(1, 1), lambda: torch.zeros((), requires_grad=True) * 1, 3, {})
    assert "a second run of the step was finite" in str(error)
