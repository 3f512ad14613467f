"""State: what a model computes is a function of its state_dict."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from gencompiler.testing.subject import Subject


def check_state_dict(make: Callable[[], Subject], model: Subject, evaluate: Callable[[Subject], Tensor]) -> None:
    """A newly made model that loads `model.state_dict()` computes bit for bit what `model` does.

    `make` constructs the model as a user would; `model` should have been moved away from its initial parameters.
    """
    other = make().to(model.dtype)
    other.load_state_dict(model.state_dict())
    with torch.no_grad():
        expected, found = evaluate(model), evaluate(other)
    if not torch.equal(expected, found):
        raise AssertionError("a model that loads the state_dict of another computes something else")
