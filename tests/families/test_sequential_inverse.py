"""Masked autoregressive flows inverted place by place, each unit computed once, against the dense pass the other way."""

from __future__ import annotations

import pytest
import torch

import gencompiler
from gencompiler.rows.causal_units import Units
from gencompiler.rows.nodes import Expr
from gencompiler.runtime.modules import Model
from gencompiler.testing.strategies import Perturbation

TEXT = """
bijection MAF(u : Real[D] | H = 12) -> Real[D] =
  for i: (u[i] - m) * exp(-s)
  where { m, s = mlp(u[<i], hidden = [H, H + 3], activation = tanh) }
model Flow(D = 9, H = 12) {
  observed x : Real[D]
  latent   z : Real[D]
  p(z) = Normal(0, 1)
  z = x |> repeat(2) { MAF(H = H) |> reverse }
}
"""


def flow(**sizes: int) -> Model:
    model: Model = Perturbation(0.5, 0).apply(gencompiler.compile(TEXT, **sizes)().double())
    return model


def difference(model: Model) -> float:
    """Of z and what undoing it and doing it again gives."""
    z = torch.randn(30, model.observed[0].size, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    x, log_det = model.forward(z)
    again, back = model.inverse(x)
    return float(torch.maximum((again - z).abs().max(), (log_det + back).abs().max()))


@pytest.mark.parametrize("sizes", [{"D": 9, "H": 12}, {"D": 11, "H": 4}], ids=["many units", "fewer than places"])
def test_undoing_is_the_dense_pass_backwards(sizes: dict[str, int]) -> None:
    model = flow(**sizes)
    with torch.no_grad():
        assert difference(model) < 1e-10
    z = torch.randn(5, sizes["D"], dtype=torch.float64)
    with torch.no_grad():
        in_place = model.forward(z)[0]
    assert torch.equal(in_place, model.forward(z)[0])


def test_it_is_differentiable() -> None:
    model = flow(D=9, H=4)
    z = torch.randn(3, 9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda value: model.forward(value)[0], (z,))


def test_units_computed_a_place_too_late_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    below = Units._below

    def late(self: Units, degree: Expr, units: object) -> Expr:
        graph, span = self.expressions.graph, self.call.span
        earlier = graph.whole("subtract", degree, graph.integer(1, span), span)
        return below(self, earlier, units)  # type: ignore[arg-type]

    monkeypatch.setattr(Units, "_below", late)
    with torch.no_grad():
        assert difference(flow(D=9, H=24)) > 1e-3
