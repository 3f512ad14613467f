"""What tests and benchmarks of backward passes share: both sides of a comparison, and a deep flow."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gencompiler import pipeline
from gencompiler.diagnostics.span import SourceText
from gencompiler.emit.signature import signature
from gencompiler.rows.backward import Adjoint, adjoints
from gencompiler.rows.lower import trained
from gencompiler.rows.nodes import Program
from gencompiler.runtime import gradients
from gencompiler.runtime.programs import RowFunction
from tests.rows import harness


def row_function(program: Program, function: Callable[..., Any]) -> RowFunction:
    called = signature(program)
    return RowFunction(function, keywords=called.keywords, parameters=called.parameters)


def gradient_of(
    program: Program, found: tuple[Adjoint, ...], made: Callable[[Program], Callable[..., Any]] = harness.compiled
) -> gradients.Gradient:
    """What `runtime.gradients` runs, with the functions that `made` makes in the place of kernels: torch's."""
    called = signature(program)
    ways = []
    for way in found:
        outputs = way.backward.outputs
        parts = tuple(gradients.Part(**dataclasses.asdict(each)) for each in way.contributions)
        shapes = tuple(output.type.shape for output in way.saving.outputs[1:])
        names = tuple(output.name for output in outputs)
        functions = [row_function(each, made(each)) for each in (way.saving, way.backward)]
        ways.append(gradients.Way(*functions, shapes, names, parts, 1, _prepared(way), way.valued))
    return gradients.Gradient(called.inputs, called.parameters, tuple(ways))


def _prepared(way: Adjoint) -> gradients.Prepared | None:
    found = way.prepared
    if found is None:
        return None
    function = row_function(found.program, harness.compiled(found.program))
    return gradients.Prepared(function, found.names, found.shapes, found.counts)


def both(
    program: Program,
    found: tuple[Adjoint, ...],
    rows: int = 9,
    scale: float = 1.0,
    dtype: torch.dtype = torch.float64,
    *,
    even: bool = False,
) -> list[tuple[Tensor, Tensor]]:
    """(ours in `dtype`, torch's in float64) for each parameter."""
    return compared(program, gradient_of(program, found), rows, scale, dtype, even=even)


def compared(
    program: Program,
    gradient: gradients.Gradient,
    rows: int,
    scale: float,
    dtype: torch.dtype,
    device: str = "cpu",
    *,
    even: bool = False,
) -> list[tuple[Tensor, Tensor]]:
    """(what `gradient` gives in `dtype` on `device`, torch's in float64) for each parameter; `even`: of a mean."""
    values = harness.parameters(program, scale=scale)
    given = harness.inputs(program, rows)
    theirs = by_torch(program, rows, scale, torch.float64, even=even)
    cotangent = _cotangent(rows, torch.float64, even)
    keys = gradients.Keys(torch.arange(rows, device=device), harness.SEED, harness.STEP)
    inputs = [
        given[n].to(device) if given[n].dtype == torch.int64 else given[n].to(device, dtype) for n in gradient.inputs
    ]
    parameters = [values[path].to(device, dtype) for path in gradient.parameters]
    _, *states = gradients.forward_at_once(gradient, inputs, parameters, keys)
    ours = gradients.backward(gradient, inputs, parameters, states, cotangent.to(device, dtype), keys)[len(inputs) :]
    return [(a.double().cpu(), b) for a, b in zip(ours, theirs, strict=True)]


def _cotangent(rows: int, dtype: torch.dtype, even: bool) -> Tensor:
    return torch.full((rows,), 1 / rows, dtype=dtype) if even else torch.linspace(0.5, 1.5, rows, dtype=dtype)


def by_torch(program: Program, rows: int, scale: float, dtype: torch.dtype, *, even: bool = False) -> list[Tensor]:
    """The gradient that torch's automatic differentiation takes in `dtype`, for each parameter."""
    values = harness.parameters(program, scale=scale)
    leaves = {path: value.clone().to(dtype).requires_grad_() for path, value in values.items()}
    (out, *_) = harness.run_torch(program, harness.inputs(program, rows), leaves, rows, dtype)
    total = (out * _cotangent(rows, dtype, even)).sum()
    found = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    return [torch.zeros_like(v) if g is None else g for v, g in zip(leaves.values(), found, strict=True)]


def worst(pairs: list[tuple[Tensor, Tensor]]) -> float:
    """The largest error relative to the norm of its gradient."""
    return max(float((a - b).norm() / b.norm().clamp_min(1e-12)) for a, b in pairs)


DEEP = """
bijection AffineCoupling(u : Real[D] | H = 16) -> Real[D] = join(a, b * exp(2 * tanh(s)) + t)
  where { a, b = split(u)   s, t = mlp(a, hidden = [H]) }
model Deep(D = 8, L = 32) {
  observed x : Real[D]
  latent   z : Real[D]
  p(z) = Normal(0, 1)
  x = z |> repeat(L) { AffineCoupling |> reverse }
  train maximum_likelihood
}
"""


@functools.cache
def deep(layers: int) -> tuple[Program, tuple[Adjoint, ...]]:
    done = pipeline.run(SourceText("deep.gen", DEEP), defines={"L": str(layers)}, until="check")
    build = trained(done.derived)["log_prob"]
    draft, outputs = build()
    return draft.program(outputs), adjoints(build)


def saved_by_torch(program: Program, rows: int) -> int:
    """Bytes of the distinct tensors that torch's automatic differentiation keeps from forward to backward, parameters
    apart."""
    values = {path: each.requires_grad_() for path, each in harness.parameters(program).items()}
    own = {each.untyped_storage().data_ptr() for each in values.values()}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        outputs = harness.run_torch(program, harness.inputs(program, rows), values, rows)
    assert outputs
    return sum(kept.values())
