"""Which back end runs a row program: torch, or the kernels of the package."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

import torch

from gencompiler.runtime import settings
from gencompiler.runtime.errors import RunError


def kernels_wanted(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether kernels run, where there are any: on CUDA, or anywhere under GENC_BACKEND=triton; in float32."""
    choice = settings.backend()
    wanted = choice == "triton" or (choice == "auto" and device.type == "cuda")
    if not wanted or dtype != torch.float32:
        return False
    if device.type == "cpu" and not settings.interpreting():
        raise RunError(
            "G801",
            "GENC_BACKEND is triton, and the model is on the CPU",
            "move the model to CUDA, or set TRITON_INTERPRET=1 to interpret the kernels",
        )
    return True


@functools.cache
def kernel_launcher(module: str, name: str) -> Callable[..., Any] | None:
    """The launcher `name` of a package's kernels; None where it has none, or where triton is missing."""
    if importlib.util.find_spec("triton") is None or importlib.util.find_spec(module) is None:
        return None
    launcher: Callable[..., Any] | None = getattr(importlib.import_module(module), name, None)
    return launcher


@functools.cache
def kernel_gradient(module: str, name: str) -> object | None:
    """How the backward kernels in `module` differentiate the row function `name`; None where they do not."""
    if importlib.util.find_spec("triton") is None or importlib.util.find_spec(module) is None:
        return None
    gradients: dict[str, object] = importlib.import_module(module).GRADIENTS
    return gradients.get(name)
