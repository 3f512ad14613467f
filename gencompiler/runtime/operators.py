"""Kernels as operators of torch: differentiable, compiled by torch.compile without a break, exported by torch.export.

One operator serves all packages; it is told by names which package's functions to run.  Its derivative is another
operator, which runs the backward pass.  Its second derivatives are those of the torch functions only.

C functions, which only eager programs call, are called without an operator (`computed`), whose dispatch takes longer
than a small program; where a derivative is to be differentiated again, torch there differentiates its own function.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from gencompiler.runtime import gradients
from gencompiler.runtime.gradients import Gradient, Keys


def _known(module: str, program: str) -> Gradient:
    """How the functions in `module`, a package's `backward` or `native`, differentiate `program`."""
    found: dict[str, Gradient] = importlib.import_module(module).GRADIENTS
    return found[program]


def run(
    module: str,
    program: str,
    inputs: Sequence[Tensor],
    parameters: Sequence[Tensor],
    rows: Tensor,
    seed: int,
    step: int,
) -> Tensor:
    """The value of `program` for each row `[rows]`, differentiable in parameters and real inputs."""
    found: list[Tensor] = _rows(module, program, list(inputs), list(parameters), rows, _signed(seed), step)
    return found[0]


def _signed(seed: int) -> int:
    """A 64-bit seed as the integer that an operator takes, which has a sign."""
    return seed - (1 << 64) if seed >= 1 << 63 else seed


def _keys(rows: Tensor, seed: int, step: int) -> Keys:
    return Keys(rows, seed % (1 << 64), step)


@torch.library.custom_op("gencompiler::rows", mutates_args=())
def _rows(
    module: str, program: str, inputs: list[Tensor], parameters: list[Tensor], rows: Tensor, seed: int, step: int
) -> list[Tensor]:
    return gradients.forward(_known(module, program), inputs, parameters, _keys(rows, seed, step))


@_rows.register_fake
def _(
    module: str, program: str, inputs: list[Tensor], parameters: list[Tensor], rows: Tensor, seed: int, step: int
) -> list[Tensor]:
    shapes = _known(module, program).ways[0].shapes
    return [rows.new_empty(len(rows), *shape, dtype=torch.float32) for shape in ((), *shapes)]


@torch.library.custom_op("gencompiler::rows_backward", mutates_args=())
def _rows_backward(
    module: str,
    program: str,
    inputs: list[Tensor],
    parameters: list[Tensor],
    states: list[Tensor],
    cotangent: Tensor,
    rows: Tensor,
    seed: int,
    step: int,
) -> list[Tensor]:
    keys = _keys(rows, seed, step)
    return gradients.backward(_known(module, program), inputs, parameters, states, cotangent, keys)


@_rows_backward.register_fake
def _(
    module: str,
    program: str,
    inputs: list[Tensor],
    parameters: list[Tensor],
    states: list[Tensor],
    cotangent: Tensor,
    rows: Tensor,
    seed: int,
    step: int,
) -> list[Tensor]:
    return [torch.empty_like(each) for each in (*inputs, *parameters)]


def _save(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    ctx.module, ctx.program, given, parameters, rows, ctx.seed, ctx.step = inputs
    ctx.counts = len(given), len(parameters)
    ctx.save_for_backward(*given, *parameters, rows, *output[1:])


def _differentiate(ctx: Any, cotangents: list[Tensor | None]) -> tuple[Any, ...]:
    given, parameters = ctx.counts
    saved = ctx.saved_tensors
    inputs, values = list(saved[:given]), list(saved[given : given + parameters])
    rows, states = saved[given + parameters], list(saved[given + parameters + 1 :])
    cotangent = cotangents[0]
    if cotangent is None:
        return None, None, [None] * given, [None] * parameters, None, None, None
    found = _rows_backward(
        ctx.module,
        ctx.program,
        inputs,
        values,
        states,
        cotangent.contiguous(),
        rows,
        ctx.seed,
        ctx.step,
    )
    own = [g if each.is_floating_point() else None for g, each in zip(found[:given], inputs, strict=True)]
    return None, None, own, list(found[given:]), None, None, None


_rows.register_autograd(_differentiate, setup_context=_save)


# -- without an operator ---------------------------------------------------------------------------------------------

#: A row function of torch, of its inputs and parameters one after the other.
Plain = Callable[..., Tensor]


def computed(
    gradient: Gradient, plain: Plain, inputs: Sequence[Tensor], values: Sequence[Tensor], keys: Keys
) -> Tensor:
    """The value of a program for each row `[rows]`, differentiable any number of times: once by its backward pass, and
    where the derivative itself is differentiated, as `plain` is."""
    return cast(Tensor, _Computed.apply(gradient, plain, len(inputs), keys, *inputs, *values))  # type: ignore[no-untyped-call]


class _Computed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gradient: Gradient, plain: Plain, count: int, keys: Keys, *tensors: Tensor) -> Tensor:
        ctx.gradient, ctx.plain, ctx.count, ctx.keys = gradient, plain, count, keys
        value, *states = gradients.forward_at_once(gradient, tensors[:count], tensors[count:], keys)
        ctx.save_for_backward(*tensors, *states)
        ctx.tensors = len(tensors)
        return value

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> tuple[Any, ...]:
        tensors, states = ctx.saved_tensors[: ctx.tensors], ctx.saved_tensors[ctx.tensors :]
        wanted = ctx.needs_input_grad[4:]
        if torch.is_grad_enabled():
            # Views, since one tensor may be made of another, through which its own derivative would be counted again.
            views = [each.view_as(each) for each in tensors]
            own = [each for each, needed in zip(views, wanted, strict=True) if needed]
            value = ctx.plain(*views)
            made = iter(torch.autograd.grad(value, own, cotangents[0], create_graph=True, allow_unused=True))
            found: list[Tensor | None] = [next(made) if needed else None for needed in wanted]
        else:
            cotangent = cotangents[0].contiguous()
            inputs, values = tensors[: ctx.count], tensors[ctx.count :]
            all_ = gradients.backward(ctx.gradient, inputs, values, states, cotangent, ctx.keys)
            found = [each if needed else None for each, needed in zip(all_, wanted, strict=True)]
        return None, None, None, None, *found
