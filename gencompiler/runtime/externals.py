"""The user's own networks (`extern def`): given when the model is constructed, and checked where they are called."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from gencompiler.runtime.errors import RunError


def checked(name: str, module: object, shape: tuple[int, ...]) -> nn.Module:
    """`module` as the network `name`, whose every result must be one tensor `[rows, *shape]`; raises RunError G801."""
    if not isinstance(module, nn.Module):
        what = type(module).__name__
        raise RunError("G801", f"`{name}` is given as a {what}, and it is an `extern def`", "pass a torch.nn.Module")
    module.register_forward_hook(functools.partial(_check_result, name, shape))
    return module


def _check_result(name: str, shape: tuple[int, ...], module: nn.Module, inputs: tuple[Any, ...], result: Any) -> None:
    rows = len(inputs[0])
    found = list(result.shape) if isinstance(result, Tensor) else type(result).__name__
    if found != [rows, *shape]:
        wanted = ", ".join(["rows", *map(str, shape)])
        raise RunError("G801", f"`{name}` gives {found} for {rows} rows, and the spec says [{wanted}]")


def require(model: str, wanted: tuple[str, ...], given: Mapping[str, object]) -> None:
    """Raise RunError G801 unless exactly the networks that the model declares are given."""
    for name in wanted:
        if name not in given:
            call = f"{model}({', '.join(f'{each}=…' for each in wanted)})"
            raise RunError(
                "G801", f"{model} needs the network `{name}`, an `extern def` of its spec", f"pass it: {call}"
            )
    for name in given:
        if name not in wanted:
            raise RunError("G801", f"{model} has no `extern def {name}`")
