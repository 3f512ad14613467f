"""Stored chains: Markov chains that go on from one training step to the next (Tieleman, ICML 2008).

Their states are buffers of the model, so that a checkpoint holds them and a resumed run ends with the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from gencompiler.runtime.fields import Field
    from gencompiler.runtime.modules import Model
    from gencompiler.runtime.programs import Phase


def register(model: Model) -> None:
    """The buffers of every phase that keeps chains, and whether they have begun."""
    for phase in model.phases:
        for field in phase.stored:
            model.register_buffer(_name(phase, field), torch.zeros(phase.chains, *field.shape))
        if phase.chains:
            model.register_buffer(_begun(phase), torch.zeros(()))


def value(model: Model, phase: Phase, seed: int, step: int) -> Tensor:
    """What the states of a phase's chains are worth, `[chains]`."""
    rows = torch.arange(phase.chains, device=model.device)
    program = f"{phase.program}_chains"
    (found,) = model.run(program, _states(model, phase), rows, seed=seed, step=step, update=phase.update)
    return found


@torch.no_grad()
def advance(model: Model, label: str, seed: int, step: int) -> None:
    """Move the chains of the phase `label` on; the first time, from where they start."""
    phase = next(p for p in model.phases if p.label == label)
    rows = torch.arange(phase.chains, device=model.device)
    begun = model.get_buffer(_begun(phase))
    state: Sequence[Tensor] = _states(model, phase)
    if not bool(begun):
        state = model.run(f"{phase.program}_start", (), rows, seed=seed, step=step)
        begun.fill_(1)
    state = model.run(f"{phase.program}_advance", state, rows, seed=seed, step=step)
    for field, new in zip(phase.stored, state, strict=True):
        model.get_buffer(_name(phase, field)).copy_(new)


def _states(model: Model, phase: Phase) -> list[Tensor]:
    return [model.computed(field, model.get_buffer(_name(phase, field))) for field in phase.stored]


def _name(phase: Phase, field: Field) -> str:
    """The buffer that holds a variable of a phase's chains."""
    return f"{phase.label}_chains_{field.name}"


def _begun(phase: Phase) -> str:
    return f"{phase.label}_chains_begun"
