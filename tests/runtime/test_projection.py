"""Steps that end within an interval: the projection of a plain step, of what the phase updates and of nothing else."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import gencompiler

GAME = """
objective plain(C) {
  critic: update C maximize E[x ~ data] C(x) - E[x ~ p] C(x)
  generator: update p maximize E[x ~ p] C(x)
}
model Game(D = 2, c = 0.2) {
  observed x : Real[D]
  latent   z : Real[D]
  p(z) = Normal(0, 1)
  x = mlp(z, hidden = [8])
  def C(x : Real[D]) -> Real = mlp(x, hidden = [8])
  train OBJECTIVE with { optimizer = sgd(lr = 0.3)  batch = 16 }
}
"""


def trained(objective: str, steps: int) -> Any:
    rows = torch.randn(16, 2, generator=torch.Generator().manual_seed(0))
    return gencompiler.compile(GAME.replace("OBJECTIVE", objective))(seed=1).fit(rows, steps=steps, validation=0.0)


def test_a_step_within_an_interval_is_a_plain_step_and_its_projection() -> None:
    plain, kept = trained("plain(C)", 1), trained("clipped_wasserstein(C, c = 0.2, ratio = 1)", 1)
    critic = [name for name, _ in plain.named_parameters() if name.startswith("C")]
    assert critic
    moved = dict(kept.named_parameters())
    outside = 0
    for name, parameter in plain.named_parameters():
        if name in critic:
            torch.testing.assert_close(moved[name], parameter.clamp(-0.2, 0.2))
            outside += int((parameter.abs() > 0.2).sum())
    assert outside > 3


def test_only_what_the_phase_updates_is_kept() -> None:
    model = trained("clipped_wasserstein(C, c = 0.2, ratio = 2)", 20)
    largest = {"C": 0.0, "p": 0.0}
    for name, parameter in model.named_parameters():
        owner = "C" if name.startswith("C") else "p"
        largest[owner] = max(largest[owner], parameter.abs().max().item())
    assert largest["C"] == pytest.approx(0.2)
    assert largest["p"] > 0.3
