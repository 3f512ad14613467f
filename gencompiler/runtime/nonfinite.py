"""Where a number first stopped being finite: the offending operation and its line in the spec.

Looked for only after a step has failed: the step is run again, the same bits, under a mode that looks at the result of
every torch operation and, through hooks, at every gradient.
"""

from __future__ import annotations

import linecache
import math
import re
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from gencompiler.runtime.errors import RunError

#: A comment of generated code that says which line of a spec it comes from.
_PLACE = re.compile(r"\s*# (\S+:\d+)\s*$")

#: Functions whose result is not computed: uninitialised memory, and constants.
_SKIPPED = frozenset({"empty", "empty_like", "new_empty", "full", "full_like", "new_full"})


def all_finite(tensors: list[Tensor]) -> bool:
    """Whether every element of every tensor is finite, in one transfer from the device."""
    floating = [t for t in tensors if t.is_floating_point() and t.numel()]
    if not floating:
        return True
    # The largest |t| is not finite exactly if some element is not, and unlike a sum it never overflows.
    largest = torch._foreach_norm(floating, math.inf)
    return bool(torch.stack([m.float() for m in largest]).isfinite().all())


def explain(model: nn.Module, loss: Callable[[], Tensor], step: int, origins: Mapping[str, str]) -> RunError:
    """Run `loss` and its backward pass again and say where the first non-finite number arises.

    `origins` gives the spec line of each parameter by name."""
    for name, parameter in model.named_parameters():
        if not all_finite([parameter.detach()]):
            return _error(step, f"the parameter `{name}`", origins.get(name, ""), "it was so before this step")
    with _Watch() as watch, torch.enable_grad():
        value = loss()
        if not watch.found:
            watch.quiet = True
            model.zero_grad(set_to_none=True)
            value.backward()  # type: ignore[no-untyped-call]
    if watch.found:
        what, place = watch.found[0]
        return _error(step, what, place, "")
    for name, parameter in model.named_parameters():
        if parameter.grad is not None and not all_finite([parameter.grad]):
            return _error(
                step, f"the gradient of `{name}`", origins.get(name, ""), "every operation before it was finite"
            )
    return _error(step, "the loss", "", "a second run of the step was finite: the device does not compute reproducibly")


def _error(step: int, what: str, place: str, note: str) -> RunError:
    where = f" ({place})" if place else ""
    return RunError(
        "G805",
        f"not a number at step {step}: {what}{where} is the first that is not finite",
        ("lower the learning rate, clip gradients (`clip = 1`), or look at the line named above",),
        (note,) if note else (),
    )


class _Watch(TorchFunctionMode):
    """Notes the first operation with a non-finite result, and the first with a non-finite gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.quiet = False

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if self.found or self.quiet or getattr(func, "__name__", "") in _SKIPPED:
            return result
        for tensor in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(tensor, Tensor) and tensor.is_floating_point():
                self._look(tensor, getattr(func, "__name__", str(func)))
        return result

    def _look(self, tensor: Tensor, name: str) -> None:
        place = _place(sys._getframe(2))
        if not all_finite([tensor.detach()]):
            self.found.append((f"the result of `{name}`", place))
        elif tensor.requires_grad and tensor.grad_fn is not None:
            tensor.grad_fn.register_hook(self._hook(name, place))

    def _hook(self, name: str, place: str) -> Callable[[Any, Any], None]:
        def look(inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor | None, ...]) -> None:
            arrived = all_finite([t for t in outputs if t is not None])
            if arrived and not all_finite([t for t in inputs if t is not None]):
                self.found.append((f"the gradient through `{name}`", place))

        return look


def _place(frame: FrameType | None) -> str:
    """The spec line that the nearest comment above the innermost generated line names."""
    while frame is not None:
        file, line = frame.f_code.co_filename, frame.f_lineno
        for number in range(line, frame.f_code.co_firstlineno - 1, -1):
            if found := _PLACE.match(linecache.getline(file, number)):
                return found[1]
        frame = frame.f_back
    return ""
