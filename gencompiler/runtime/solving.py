"""Directions of flows that solve an equation in every row, and how well they did.

    residual = |f(u) - y|,   bound = 4 ulp(y) + what rounding makes of f,   converged = residual <= bound everywhere

The residual is measured with the map as it is written, not with what solved it; the bound is a running error analysis
of that map (`gencompiler.rows.residuals`).  A bound that is not finite certifies nothing: f is saturated there."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from gencompiler.runtime.errors import NotConverged

if TYPE_CHECKING:
    from gencompiler.runtime.modules import Model


class Solved(NamedTuple):
    """`value` `[rows, *shape]` and `log_abs_det` `[rows]` of one direction of a flow; elementwise the `residual` of the
    equation that was solved and the `bound` that rounding explains; and for each row whether it `converged`."""

    value: Tensor
    log_abs_det: Tensor
    residual: Tensor
    bound: Tensor
    converged: Tensor


def linear(entries: Tensor, right: Tensor) -> Tensor:
    """The vectors `[*, n]` that matrices send to `right`, the rows of each side by side in `entries` `[*, n * n]`; of a
    singular matrix they are no numbers."""
    size = right.shape[-1]
    matrices = entries.reshape(*entries.shape[:-1], size, size)
    found: Tensor = torch.linalg.solve_ex(matrices, right[..., None]).result[..., 0]
    return found


def inform(model: Model, program: str, inputs: Sequence[Tensor]) -> Solved:
    """The outputs of `program`, and how well each row was solved."""
    value, log_abs_det = model.call_program(program, inputs)
    with torch.no_grad():
        residual, roundings = model.call_program(f"{program}_residual", (value, *inputs))
        kind = torch.finfo(residual.dtype)
        bound = kind.eps * torch.clamp(roundings, min=kind.tiny)
        kept = (residual == 0) | (residual <= bound) & bound.isfinite()
        return Solved(value, log_abs_det, residual, bound, kept.reshape(len(kept), -1).all(1))


def solve(model: Model, program: str, inputs: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """The outputs of `program`; warns with NotConverged where some rows did not."""
    found = inform(model, program, inputs)
    if not bool(found.converged.all()):
        rows = (~found.converged).nonzero().flatten()
        beyond = (found.residual / found.bound).reshape(len(found.residual), -1).amax(1).nan_to_num(torch.inf)[rows]
        worst = int(rows[beyond.argmax()])
        message = (
            f"`{program}` did not converge in {len(rows)} of {len(found.converged)} rows: in row {worst} its residual "
            f"is {float(beyond.max()):.3g} times what rounding explains; `{program}_ex` says which rows"
        )
        warnings.warn(NotConverged(message), stacklevel=3)
    return found.value, found.log_abs_det
