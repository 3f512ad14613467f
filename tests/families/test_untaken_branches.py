"""Branches that are not taken: no number of theirs reaches a gradient."""

from __future__ import annotations

import pytest
import torch

import gencompiler

#: Maps whose other branch overflows or is undefined, and the support of their values.
MAPS = {
    "a root": ("(u : Real | a : Positive) -> Real = if u >= 0 then u else (1 - sqrt(1 - 2 * a * u)) / a", "Real"),
    "ELU": ("(u : Real | a : Positive) -> Open(-1, inf) = if u > 0 then a * u else exp(u) - 1", "Open(-1, inf)"),
    "a symmetric logarithm": (
        "(u : Real | a : Positive) -> Real = if u >= 0 then a * log(1 + u) else -a * log(1 - u)",
        "Real",
    ),
    "Yeo-Johnson": (
        "(u : Real | l : Open(0, 2)) -> Real = "
        "if u >= 0 then ((u + 1)^l - 1) / l else -((1 - u)^(2 - l) - 1) / (2 - l)",
        "Real",
    ),
    "logarithmic tails": (
        "(u : Real | a : Positive) -> Real = if abs(u) <= 1 then u else sign(u) * (1 + a * log(abs(u)))",
        "Real",
    ),
}


@pytest.mark.parametrize("name", MAPS)
def test_gradients_are_finite_in_both_directions(name: str) -> None:
    statement, support = MAPS[name]
    spec = (
        f"bijection F{statement}\nmodel M(D = 2) {{ observed x : {support}[D] latent z : Real[D] p(z) = Normal(0, 1) "
    )
    model = gencompiler.compile(spec + "x = z |> F train maximum_likelihood }")()
    z = torch.tensor([[0.5, -0.5], [200.0, -200.0], [3.0, -3.0]], requires_grad=True)
    x, log_det = model.forward(z)
    slopes = torch.autograd.grad(x.sum() + log_det.sum(), [z, *model.parameters()])
    assert all(bool(slope.isfinite().all()) for slope in slopes)
    rows = x.detach()[::2].requires_grad_()  # of the farthest, -1 + exp(-200) is -1
    slopes = torch.autograd.grad(model.log_prob(rows).sum(), [rows, *model.parameters()])
    assert all(bool(slope.isfinite().all()) for slope in slopes)
