"""Draws from a model, tile by tile, and chains.

A tile is a fixed number of rows with row i at place i mod `Model.tile`; the last one is filled up and its surplus
dropped. So the same operations run on the same shapes whatever number of rows is asked for, and a row's bits depend on
its number and the seed alone (for one machine, back end, dtype and thread count).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from gencompiler.runtime import random
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.fields import Field
from gencompiler.runtime.modules import Context, Model, Values

#: Stream of a chain's default first state; a model's own draws count their streams from 0.
START_STREAM = 0x7FFF_FFD0

#: Rows of one launch of a kernel, a multiple of every kernel's tile.
LAUNCH = 1 << 16


@dataclasses.dataclass(frozen=True)
class Chain:
    """Draws of independent chains: `draws` `[chains, draws, *shape]` (a tuple for several variables); `acceptance`
    `[chains]`, the fraction of proposals accepted after burn-in."""

    draws: Values
    acceptance: Tensor


@torch.no_grad()
def sample(model: Model, count: int, context: Context = None, *, seed: int = 0) -> Values:
    """`count` exact draws of the observed variables, each `[count, *shape]`; discrete ones are int64."""
    given = _context(model, context, _checked(count))
    parts = [
        model.run("sample", _tile(model, model.given, given, rows), rows, seed=seed)
        for rows in tiles(model, "sample", count)
    ]
    return _joined(model, parts, model.observed, count)


def rsample(model: Model, count: int, context: Context = None, *, seed: int = 0) -> tuple[Values, Tensor]:
    """`count` differentiable draws and their log-density `[count]`, computed in one piece rather than in tiles."""
    given = _context(model, context, _checked(count))
    *values, log_prob = model.run("rsample", given, torch.arange(count, device=model.device), seed=seed)
    return values[0] if len(values) == 1 else tuple(values), log_prob


@torch.no_grad()
def chain(
    model: Model,
    count: int,
    draws: int = 1,
    *,
    burn_in: int,
    thin: int,
    seed: int = 0,
    start: Sequence[Tensor] | None = None,
    transition: str = "chain",
) -> Chain:
    """`count` independent chains: `burn_in` steps, then `draws` states that are `thin` steps apart.

    `start` holds the first states `[count, *shape]` of the observed variables; the default is the spec's, else
    Normal(0, 1) on reals and uniform on finite supports."""
    if min(draws, thin) < 1 or burn_in < 0:
        raise RunError("G801", f"draws = {draws}, thin = {thin}, burn_in = {burn_in}", "draws and thin start at 1")
    first = None if start is None else model.enter(start, None)[0]
    parts, accepted = [], [torch.empty(0, device=model.device)]
    for rows in tiles(model, transition, _checked(count)):
        state = _start(model, transition, rows, seed) if first is None else _tile(model, model.observed, first, rows)
        if burn_in:
            *state, _ = model.run(transition, state, rows, seed=seed, step=0, steps=burn_in)
        kept, taken = [], torch.zeros(len(rows), device=model.device)
        for draw in range(draws):
            *state, steps_accepted = model.run(
                transition, state, rows, seed=seed, step=burn_in + draw * thin, steps=thin
            )
            kept.append(state)
            taken = taken + steps_accepted
        parts.append(tuple(torch.stack(states, 1) for states in zip(*kept, strict=True)))
        accepted.append(taken / (draws * thin))
    fields = [dataclasses.replace(f, shape=(draws, *f.shape)) for f in model.observed]
    return Chain(_joined(model, parts, fields, count), torch.cat(accepted)[:count])


def last_state(model: Model, count: int, *, burn_in: int, seed: int = 0) -> Values:
    """The last states of `count` independent chains after `burn_in` steps, each `[count, *shape]`."""
    draws = chain(model, count, burn_in=max(0, burn_in - 1), thin=1, seed=seed).draws
    return tuple(each[:, 0] for each in draws) if isinstance(draws, tuple) else draws[:, 0]


def tiles(model: Model, program: str, count: int) -> Iterator[Tensor]:
    """Row numbers of each tile.  A kernel has tiles of its own, aligned in the same way, so it takes many at once."""
    if model.kernel(program) is not None:
        yield from torch.split(torch.arange(count, device=model.device), LAUNCH)
        return
    for start in range(0, count, model.tile):
        yield torch.arange(start, start + model.tile, device=model.device)


def _start(model: Model, transition: str, rows: Tensor, seed: int) -> Sequence[Tensor]:
    start = "start" if transition == "chain" else f"{transition}_start"
    if start in model.programs:
        return model.run(start, [], rows, seed=seed)
    return [_default_start(model, field, rows, seed, START_STREAM + i) for i, field in enumerate(model.observed)]


def _default_start(model: Model, field: Field, rows: Tensor, seed: int, stream: int) -> Tensor:
    lower, upper, _, _ = field.support.ends
    if field.support.name == "Real":
        state = random.normal(seed, rows, 0, stream, field.size)
    elif field.support.name != "Permutation" and math.isfinite(lower) and math.isfinite(upper):
        uniform = random.uniform(seed, rows, 0, stream, field.size)
        if field.support.discrete:
            state = (lower + (upper - lower + 1) * uniform).floor()
        else:
            state = lower + (upper - lower) * uniform
    else:
        raise RunError("G801", f"no default first state on {field.support}", "pass `start=`")
    return model.computed(field, state.reshape(len(rows), *field.shape))


def _context(model: Model, context: Context, count: int) -> list[Tensor]:
    given = []
    for field, value in zip(model.given, model.given_values(context), strict=True):
        tensor = model.shaped(field, value)
        if len(tensor) != count:
            raise RunError("G801", f"`{field.name}` has {len(tensor)} rows for {count} samples")
        given.append(model.computed(field, tensor))
    return given


def _tile(model: Model, fields: Sequence[Field], values: Sequence[Tensor], rows: Tensor) -> list[Tensor]:
    """The rows of one tile, filled up with a member of each support."""
    parts = []
    for field, value in zip(fields, values, strict=True):
        part = value[int(rows[0]) : int(rows[0]) + len(rows)]
        filler = field.support.member(field.shape).to(part).expand(len(rows) - len(part), *field.shape)
        parts.append(torch.cat([part, filler]))
    return parts


def _joined(model: Model, parts: Sequence[tuple[Tensor, ...]], fields: Sequence[Field], count: int) -> Values:
    """Tiles put together and cut to `count` rows, in the dtypes of the API."""
    joined = []
    for place, field in enumerate(fields):
        dtype = torch.int64 if field.support.discrete else model.dtype
        empty = torch.empty(0, *field.shape, dtype=dtype, device=model.device)
        joined.append(torch.cat([empty, *(part[place].to(dtype) for part in parts)])[:count])
    return joined[0] if len(joined) == 1 else tuple(joined)


def _checked(count: int) -> int:
    if count < 0:
        raise RunError("G801", f"{count} rows asked for", "ask for 0 or more")
    return count
