"""Training: each phase of the objective moves its own parameters, and nothing else."""

from __future__ import annotations

import torch
from torch import Tensor

from gencompiler.testing.subject import Subject


def check_phases(model: Subject, x: Tensor, seed: int) -> None:
    """Each phase's loss is a finite number; its gradient is finite, reaches some parameter of the phase's group, and no
    parameter outside it.  x: rows `[n, *shape]`."""
    for phase in model.phases:
        model.zero_grad(set_to_none=True)
        loss = model.loss(x, seed=seed, phase=phase.label)
        if not bool(torch.isfinite(loss)):
            raise AssertionError(f"phase {phase.label}: the loss is {loss.item()}")
        if not loss.requires_grad:
            raise AssertionError(f"phase {phase.label}: its gradient reaches nothing")
        torch.autograd.backward(loss)
        own = {id(p) for path in phase.update for p in model.learned(path)} or set(map(id, model.parameters()))
        moved = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
        infinite = [name for name, grad in moved.items() if not bool(torch.isfinite(grad).all())]
        if infinite:
            raise AssertionError(f"phase {phase.label}: the gradient of {infinite[0]} is not finite")
        parameters = dict(model.named_parameters())
        strangers = [
            name for name, grad in moved.items() if bool((grad != 0).any()) and id(parameters[name]) not in own
        ]
        if strangers:
            raise AssertionError(f"phase {phase.label}: its gradient reaches {strangers[0]}, which it does not update")
