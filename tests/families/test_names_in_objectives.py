"""A model may call its variables what an objective of the prelude calls its own: the value is that of other names."""

from __future__ import annotations

import pytest
import torch

import gencompiler

MODEL = """
model M(D = 4, K = 3) {
  observed x : Binary[D]
  latent   FIRST : Category(K), SECOND : Real[2]
  param m : Real[K, 2]
  p(FIRST) = Uniform()
  p(SECOND | FIRST) = Normal(m[FIRST], 1)
  p(x | SECOND) = Bernoulli(logits = linear(SECOND))
  q(FIRST | x) = Categorical(logits = linear(x))
  q(SECOND | x, FIRST) = Normal(a, softplus(v)) where { a, v = linear(x, onehot(FIRST)) }
  train OBJECTIVE
}
"""


def losses(objective: str, first: str, second: str) -> list[float]:
    text = MODEL.replace("FIRST", first).replace("SECOND", second).replace("OBJECTIVE", objective)
    model = gencompiler.compile(text)(seed=1)
    x = torch.randint(0, 2, (20, 4), generator=torch.Generator().manual_seed(0))
    return [float(model.loss(x, phase=phase.label).detach()) for phase in model.phases]


@pytest.mark.parametrize(
    ("objective", "first", "second"),
    [
        (
            "reweighted_wake_sleep(K = 5)",
            "k",
            "w",
        ),  # as many draws as there are values, or more: a wrong one is no error
        ("reweighted_wake_sleep(K = 3)", "k", "z"),
        ("vimco(K = 3)", "f", "bound"),
        ("vimco(K = 3)", "without", "j"),
        ("score_function(K = 3)", "f", "k"),
        ("wake_sleep", "k", "f"),
    ],
)
def test_names_do_not_matter(objective: str, first: str, second: str) -> None:
    assert losses(objective, first, second) == losses(objective, "cluster", "code")
