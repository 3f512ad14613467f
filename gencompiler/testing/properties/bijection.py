"""Flows: `forward` and `inverse` undo each other, and the log|det| each returns is the one of its Jacobian."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from gencompiler.testing.spaces import flat
from gencompiler.testing.subject import Subject, in_float64, observed

#: How far from a perfect inverse rounding may lead, in units of the measured sensitivity to rounding.
_ROUNDINGS = 256.0

#: Relative size of the disturbance by which sensitivity is measured, well above float64 rounding.
_DISTURBANCE = 2.0**-36

#: Disturbances tried; the largest effect counts.
_TRIALS = 4

Map = Callable[[Tensor], Tensor]


def apart(left: Tensor, right: Tensor, angles: bool) -> Tensor:
    """left - right; of angles, the short way around."""
    return torch.remainder(left - right + math.pi, 2 * math.pi) - math.pi if angles else left - right


def rounding_error(function: Map, point: Tensor, angles: bool = False) -> Tensor:
    """What rounding may change in `function(point)`, for each row of `point` `[n, …]`: a bound `[n]`.

    Measured by disturbing the point, so that an ill-conditioned but correct map is not blamed for it."""
    base = function(point)
    generator = torch.Generator().manual_seed(0)
    change = torch.zeros(len(point), dtype=torch.float64)
    for _ in range(_TRIALS):
        signs = torch.randint(0, 2, point.shape, generator=generator).to(point) * 2 - 1
        moved = function(point + _DISTURBANCE * signs * point.abs().clamp_min(2.0**-20))
        change = torch.maximum(change, _largest(apart(moved, base, angles)))
    epsilon = torch.finfo(torch.float64).eps
    return _ROUNDINGS * epsilon * (change / _DISTURBANCE + _largest(base) + 1)


def check_round_trip(model: Subject, z: Tensor) -> None:
    """inverse(forward(z)) = z, and forward(inverse(x)) = x at x = forward(z), in float64, up to rounding.

    Rows where `forward` is saturated (a sigmoid that rounds to an end of its range) are left out: no inverse exists.
    """
    model, z = in_float64(model), z.double()
    angles = observed(model).support.name == "Angle"
    with torch.no_grad():
        z = z[~_saturated(lambda z: model.forward(z)[0], z)]
        x = model.forward(z)[0]
        recovered = model.inverse(x)[0]
        _refuse_nan(x, "forward(z)", z)
        _refuse_nan(recovered, "inverse(forward(z))", z)
        tolerance = rounding_error(lambda x: model.inverse(x)[0], x, angles)
        _compare(recovered, z, tolerance, "inverse(forward(z)) differs from z", angles)
        again = model.forward(recovered)[0]
        tolerance = rounding_error(lambda z: model.forward(z)[0], recovered, angles)
        _compare(again, x, tolerance, "forward(inverse(x)) differs from x", angles)


def _saturated(function: Map, point: Tensor) -> Tensor:
    """Rows `[n]` where some element of the result stays the same, to the bit, while every element of `point` moves."""
    moved = function(point + 2.0**-10 * point.abs().clamp_min(2.0**-10))
    return flat(moved == function(point)).any(1)


#: What the steps of an ODE solver may cost, of 1 + |z|.
_STEPS = 1e-2


def check_flow(model: Subject, z: Tensor) -> None:
    """inverse(forward(z)) = z up to what the steps of a solver cost, and the two log|det| are opposites so far."""
    model, z = in_float64(model), z.double()
    with torch.no_grad():
        x, grown = model.forward(z)
        recovered, shrunk = model.inverse(x)
    _refuse_nan(x, "forward(z)", z)
    allowed = _STEPS * (1 + flat(z).abs().amax(1))
    _compare(recovered, z, allowed, "inverse(forward(z)) differs from z")
    _compare(shrunk, -grown, allowed + _STEPS * grown.abs(), "the log|det|s of the two directions are no opposites")


def check_log_det(model: Subject, z: Tensor) -> None:
    """inverse's log|det| is that of its autograd Jacobian, and forward's is its negative, in float64, up to rounding.

    The Jacobian is taken of `inverse`, whose derivative stays accurate where `forward` saturates.  Cost: one backward
    pass per dimension.
    """
    model, z = in_float64(model), z.double()
    x, forward_log_det = (t.detach() for t in model.forward(z))
    x.requires_grad_()
    recovered, inverse_log_det = model.inverse(x)
    jacobian = _jacobian(flat(recovered), x)
    kept = flat(jacobian).isfinite().all(1) & inverse_log_det.isfinite()
    exact = torch.linalg.slogdet(jacobian[kept])[1]
    found = inverse_log_det.detach()[kept]
    size = jacobian.shape[1]
    _compare(found, exact, 1e-9 * (size + exact.abs()), "inverse's log|det| differs from the autograd Jacobian's")
    x = x.detach()[kept]
    with torch.no_grad():
        tolerance = rounding_error(lambda x: model.inverse(x)[1], x) + 1e-9 * size
    _compare(forward_log_det[kept], -found, tolerance, "forward's log|det| is not the negative of inverse's")


def _jacobian(outputs: Tensor, inputs: Tensor) -> Tensor:
    """d outputs / d inputs, `[n, size, size]`, rows being independent."""
    columns = [
        flat(torch.autograd.grad(outputs[:, i].sum(), inputs, retain_graph=True)[0]) for i in range(outputs.shape[1])
    ]
    return torch.stack(columns, 1)


def _largest(values: Tensor) -> Tensor:
    return flat(values).double().abs().amax(1)


def _refuse_nan(values: Tensor, name: str, z: Tensor) -> None:
    bad = flat(values).isnan().any(1)
    if bool(bad.any()):
        raise AssertionError(f"{name} is not a number at z = {z[bad][0].tolist()}")


def _compare(found: Tensor, expected: Tensor, tolerance: Tensor, claim: str, angles: bool = False) -> None:
    error = _largest(apart(found, expected, angles))
    # Where rounding alone may lead to infinity there is nothing to compare.
    bad = ~(error <= tolerance) & tolerance.isfinite()
    if bool(bad.any()):
        row = int((error / tolerance).nan_to_num(torch.inf).argmax())
        raise AssertionError(
            f"{claim}: by {error[row].item():.3g} in row {row}, where rounding explains {tolerance[row].item():.3g}"
        )
