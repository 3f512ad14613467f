"""Which back end runs a row program: torch, the kernels of the package, or its C functions."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gencompiler.runtime import settings
from gencompiler.runtime.errors import RunError

if TYPE_CHECKING:
    from gencompiler.runtime.compiled import CFunction
    from gencompiler.runtime.gradients import Gradient
    from gencompiler.runtime.modules import Model


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


def kernel_launcher(model: Model, function: str) -> Callable[..., Any] | None:
    """The launcher of the kernel of a row function; None where there is none with a tile for the model's device, or
    where triton is missing."""
    launcher = _launcher(f"{model.package}.kernels", function)
    return launcher if launcher is not None and launcher.sizes.fit(model.device) else None


@functools.cache
def _launcher(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name, None) if _has_triton() and _exists(module) else None


@functools.cache
def _has_triton() -> bool:
    return _exists("triton")


def _exists(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def kernels_apply(model: Model) -> bool:
    """Whether kernels run what they can of this model."""
    return bool(model.package) and kernels_wanted(model.device, model.dtype)


def native_applies(model: Model) -> bool:
    """Whether C functions run what they can of this model: on a CPU, in float32, for plain tensors."""
    if not model.package or model.device.type != "cpu" or model.dtype != torch.float32:
        return False
    choice = settings.backend()
    if choice not in ("auto", "native") or (choice == "auto" and settings.native_wanted() != "1"):
        return False
    return not (torch.is_autocast_enabled("cpu") or torch.compiler.is_compiling() or _transformed())


def _transformed() -> bool:
    """Whether a transformation of `torch.func` or forward-mode differentiation is under way."""
    under_way = torch._C._functorch.peek_interpreter_stack() is not None
    return under_way or torch.autograd.forward_ad._current_level >= 0


def c_function(model: Model, function: str, inputs: Sequence[Tensor] = ()) -> CFunction | None:
    """The C function of this name, where C runs it: on a CPU with a compiler, in float32, and without gradients."""
    if not native_applies(model) or needs_gradient(model, inputs):
        return None
    found = c_function_of(f"{model.package}.native", function)
    return found if found is not None and _plain(inputs) and found.is_ready else None


def _plain(inputs: Sequence[Tensor]) -> bool:
    return all(type(each) is Tensor and each.device.type == "cpu" for each in inputs)


@functools.cache
def c_function_of(module: str, name: str) -> CFunction | None:
    """The C function `name` of a package's module `native`; None where it has none."""
    if not _exists(module):
        return None
    function: CFunction | None = getattr(importlib.import_module(module), name, None)
    return function


def needs_gradient(model: Model, inputs: Sequence[Tensor]) -> bool:
    return torch.is_grad_enabled() and any(t.requires_grad for t in itertools.chain(inputs, model.parameters()))


def differentiable(model: Model, function: str, inputs: Sequence[Tensor]) -> Callable[..., Tensor] | None:
    """`run(inputs, parameters, rows, seed, step)`, the value of a row function by kernels or C functions that have a
    backward pass; None where no gradient is wanted or torch takes it."""
    if not needs_gradient(model, inputs):
        return None
    if kernels_apply(model):
        return _by_kernels(model, function)
    return _by_c(model, function) if native_applies(model) and _plain(inputs) else None


def _by_kernels(model: Model, function: str) -> Callable[..., Tensor] | None:
    module = f"{model.package}.backward"
    found = _differentiated(module).get(function) if _has_triton() else None
    if found is None or not found.fits(model.device):
        return None
    from gencompiler.runtime import operators

    return functools.partial(operators.run, module, function)


def _by_c(model: Model, function: str) -> Callable[..., Tensor] | None:
    gradient = _differentiated(f"{model.package}.native").get(function)
    if gradient is None or not all(each.is_ready for each in gradient.functions()):
        return None
    from gencompiler.runtime import operators
    from gencompiler.runtime.gradients import Keys

    program = next(each for each in model.programs.values() if each.function.__name__ == function)

    def run(inputs: Sequence[Tensor], values: Sequence[Tensor], rows: Tensor, seed: int, step: int) -> Tensor:
        known = {"rows": rows, "seed": seed, "step": step, "dtype": model.dtype}
        plain = functools.partial(program.function, **{keyword: known[keyword] for keyword in program.keywords})
        return operators.computed(gradient, plain, inputs, values, Keys(rows, seed, step))

    return run


@functools.cache
def _differentiated(module: str) -> Mapping[str, Gradient]:
    """The row functions that a package's `backward` or `native` differentiates, and how."""
    if not _exists(module):
        return {}
    found: Mapping[str, Gradient] = getattr(importlib.import_module(module), "GRADIENTS", {})
    return found
