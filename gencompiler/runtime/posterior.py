"""Chains of latent variables given observed ones: draws from a posterior, by a transition that leaves it invariant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gencompiler.runtime.sampling import Chain, check_steps

if TYPE_CHECKING:
    from gencompiler.runtime.modules import Context, Model


@torch.no_grad()
def chain(
    model: Model,
    values: Sequence[Tensor],
    context: Context = None,
    *,
    draws: int = 1,
    burn_in: int = 1000,
    thin: int = 1,
    seed: int = 0,
) -> Chain:
    """One chain for each row of `values`: `burn_in` steps, then `draws` states that are `thin` steps apart.

    Rows have their own random numbers, keyed by their place.  Raises RunError G801 for rows outside the support."""
    check_steps(draws, burn_in, thin)
    entered = dict(zip((f.name for f in model.fields), model.entered(values, context), strict=True))
    rows = torch.arange(len(next(iter(entered.values()))), device=model.device)
    moved = [f for f in model.explored if not f.given]
    given = [entered[f.name] for f in model.given]
    state = dict(zip((f.name for f in moved), model.run("posterior_start", given, rows, seed=seed), strict=True))

    def moves(step: int, steps: int) -> Tensor:
        known = {**entered, **state}
        inputs = [model.computed(f, known[f.name]) for f in model.explored]
        *after, accepted = model.run("posterior_steps", inputs, rows, seed=seed, step=step, steps=steps)
        state.update(zip((f.name for f in moved), after, strict=True))
        return accepted / steps

    if burn_in:
        moves(0, burn_in)
    kept, rates = [], []
    for draw in range(draws):
        rates.append(moves(burn_in + draw * thin, thin))
        kept.append([state[f.name] for f in moved])
    stacked = [torch.stack(each, 1) for each in zip(*kept, strict=True)]
    found = [s.to(torch.int64) if f.support.discrete else s for f, s in zip(moved, stacked, strict=True)]
    accepted = torch.stack(rates, 1)
    names = tuple(f.name for f in moved)
    return Chain(found[0] if len(found) == 1 else tuple(found), accepted.mean(1), names, accepted)
