"""Planar flows whose parameters a network gives, made admissible by a function: Rezende & Mohamed, 2015, appendix A.1."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import gencompiler
from gencompiler.diagnostics.model import CompileError

SPEC = """
bijection Flat(u : Real[D] | v : Real[D], w : Real[D], b : Real) -> Real[D] requires w @ v > -1 =
  u + v * tanh(w @ u + b)

def constrain(v : Real[D], w : Real[D]) -> Real[D] =
  if w @ w > 0 then v + (softplus(a + log(exp(1) - 1)) - 1 - a) * w / (w @ w) else v
  where { a = w @ v }

model PlanarVAE(D = 6, Z = 2) {
  observed x : Binary[D]
  latent   z : Real[Z]
  p(z)     = Normal(0, 1)
  p(x | z) = Bernoulli(logits = mlp(z, hidden = [10]))
  q(z | x) = Normal(m, exp(s)) |> repeat(l in 3) { Flat(v = constrain(v[l], w[l]), w = w[l], b = b[l]) }
    where { m, s, v, w, b = mlp(x, hidden = [10]) }
  train elbo
}
"""


def test_the_sizes_of_a_functions_arguments_follow_from_where_its_value_goes() -> None:
    """`v` and `w` are network outputs of two axes that nothing but `Flat` says the length of."""
    model: Any = gencompiler.compile(SPEC)()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.5 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    x = torch.randint(0, 2, (5, 6))
    loss = model.loss(x)
    loss.sum().backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in model.parameters())


def test_a_function_that_admits_too_much_is_refused() -> None:
    with pytest.raises(CompileError) as caught:
        gencompiler.compile(SPEC.replace("- 1 - a", "- 1.01 - a"))
    assert {d.code for d in caught.value.diagnostics} == {"G410"}
