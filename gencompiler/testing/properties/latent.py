"""Latent variables: what `encode`, `decode` and `decode_mean` return, row by row."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from gencompiler.runtime.fields import Field
from gencompiler.testing.spaces import flat
from gencompiler.testing.strategies import make_rows
from gencompiler.testing.subject import Subject, decoded, in_float64, keys, observed

#: A function of a batch and its row numbers.
Rowwise = Callable[[Tensor, Tensor], Tensor]


def check_encode(model: Subject, x: Tensor, seed: int) -> None:
    """`encode` of rows `[n, *shape]` draws each latent variable in its support; log_weight at such draws is finite.

    A row's draws depend on that row, its number and the seed alone, up to the rounding of matrix products."""
    model = in_float64(model)
    x = x.double() if x.is_floating_point() else x
    numbers = torch.arange(len(x))

    def encode(x: Tensor, rows: Tensor) -> tuple[Tensor, ...]:
        drawn = model.encode(x, row=rows, seed=seed)
        return drawn if isinstance(drawn, tuple) else (drawn,)

    with torch.no_grad():
        drawn = encode(x, numbers)
        if len(drawn) == len(model.latents):
            for values, field in zip(drawn, model.latents, strict=True):
                _require(values, field, len(x), "encode")
        for place in range(len(drawn)):
            check_rowwise(lambda x, rows, place=place: encode(x, rows)[place], x, "encode")  # type: ignore[misc]
        if "log_weight" in model.programs:
            weights = model.log_weight(x, row=numbers, seed=seed)
            if weights.shape != (len(x),) or not bool(weights.isfinite().all()):
                raise AssertionError(f"log_weight of {len(x)} rows is {weights.tolist()}")


def check_decode(model: Subject, count: int, seed: int) -> None:
    """`decode` of latent variables draws rows of the support, `decode_mean` has their shape; both row by row."""
    model, field = in_float64(model), observed(model)
    latents = [
        make_rows(each, count, "interior", seed + place, torch.float64) for place, each in enumerate(decoded(model))
    ]
    sizes = [flat(each).shape[1] for each in latents]
    packed = torch.cat([flat(each).double() for each in latents], 1)

    def unpacked(rows: Tensor) -> list[Tensor]:
        parts = torch.split(rows, sizes, 1)
        return [part.reshape(len(rows), *each.shape[1:]).to(each) for part, each in zip(parts, latents, strict=True)]

    def decode(rows: Tensor, numbers: Tensor) -> Tensor:
        return model.decode(*unpacked(rows), **keys(model, "decode", numbers, seed))

    with torch.no_grad():
        _require(decode(packed, torch.arange(count)), field, count, "decode")
        check_rowwise(decode, packed, "decode")
        if "decode_mean" not in model.programs:
            return
        mean = model.decode_mean(*latents)
        if mean.shape != (count, *field.shape) or not bool(mean.isfinite().all()):
            raise AssertionError(f"decode_mean of {count} rows has shape {list(mean.shape)}, or is not finite")
        lower, upper, _, _ = field.support.ends
        if bool(((mean < lower) | (mean > upper)).any()):
            raise AssertionError(f"decode_mean leaves the convex hull of {field.support}")


def check_rowwise(function: Rowwise, rows: Tensor, name: str) -> None:
    """`function(rows, numbers)` of a batch equals that of its rows alone, up to rounding."""
    numbers = torch.arange(len(rows))
    together = function(rows, numbers)
    for row in range(min(len(rows), 4)):
        place = row if row % 2 == 0 else len(rows) - row
        alone = function(rows[place : place + 1], numbers[place : place + 1])
        if not torch.allclose(alone[0].double(), together[place].double(), rtol=1e-9, atol=1e-9):
            raise AssertionError(f"{name} of row {place} in a batch of {len(rows)} is not that of the row alone")


def _require(values: Tensor, field: Field, count: int, name: str) -> None:
    if values.shape != (count, *field.shape):
        raise AssertionError(f"{name} of {count} rows gives `{field.name}` the shape {list(values.shape)}")
    if not bool(values.isfinite().all()) or not bool(field.support.contains(values).all()):
        raise AssertionError(f"{name} draws `{field.name}` outside {field.support}")
