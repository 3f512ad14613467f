"""Latent grids (GTM) and deterministic encoders: sums over a grid by hand, EM against the gradient of the likelihood."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import gencompiler
from gencompiler.runtime.modules import Model
from gencompiler.testing.strategies import Perturbation

GTM = """
model GTM(D = 3, G = 5, B = 3) {
  observed x : Real[D]
  latent   k : Category(G * G)
  param    W : Real[D, B * B], b : Real[D], s : Positive
  def z(k : Category(G * G)) -> Real[2] = grid(-1, 2, G, G)[k]
  def phi(z : Real[2]) -> Real[B * B] = for c in B * B: exp(-norm(z - grid(-1, 2, B, B)[c])^2 / 0.5)
  p(k)     = Uniform()
  p(x | k) = Normal(W @ phi(z(k)) + b, s)
  train {objective}
}
"""


def model_of(objective: str) -> Model:
    text = GTM.replace("{objective}", objective)
    return Perturbation(1.0, 3).apply(gencompiler.compile(text)()).double()


def points(count: int) -> Tensor:
    axis = torch.linspace(-1, 2, count, dtype=torch.float64)
    return torch.cartesian_prod(axis, axis)


def by_hand(model: Model, x: Tensor) -> Tensor:
    """log of the mean over the grid of Normal(x; W phi(z) + b, s)."""
    features = torch.exp(-((points(5)[:, None] - points(3)[None]) ** 2).sum(-1) / 0.5)
    means = features @ model.value("W").T + model.value("b")
    scale = model.value("s")
    each = -0.5 * (((x[:, None] - means[None]) / scale) ** 2).sum(-1)
    return each.logsumexp(1) - math.log(25) - 3 * (scale.log() + 0.5 * math.log(2 * math.pi))


def test_the_density_is_the_mean_over_the_grid() -> None:
    model = model_of("maximum_likelihood")
    x = torch.randn(7, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(model.log_prob(x), by_hand(model, x), rtol=1e-10, atol=1e-10)


def test_a_step_of_em_has_the_gradient_of_the_likelihood() -> None:
    """Fisher's identity: at the current parameters, grad of the expected joint is grad log p."""
    x = torch.randn(7, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    gradients = []
    for objective in ("em", "maximum_likelihood"):
        model = model_of(objective)
        model.loss(x).backward()
        gradients.append({name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys() and gradients[0]
    for name in gradients[0]:
        torch.testing.assert_close(gradients[0][name], gradients[1][name], rtol=1e-9, atol=1e-9)


def test_a_grid_in_one_dimension_and_one_of_one_point() -> None:
    text = """model M {
  observed x : Real
  latent   k : Category(4), j : Category(1)
  param    s : Positive
  p(k) = Uniform()
  p(j) = Uniform()
  p(x | k, j) = Normal(grid(0, 6, 4)[k, 0] + grid(3, 5, 1)[j, 0], s)
  train maximum_likelihood
}
"""
    model = gencompiler.compile(text)().double()
    x = torch.tensor([0.3, 5.0], dtype=torch.float64)
    means = torch.tensor([0.0, 2.0, 4.0, 6.0], dtype=torch.float64) + 4
    expected = torch.distributions.Normal(means, model.value("s")).log_prob(x[:, None]).logsumexp(1) - math.log(4)
    torch.testing.assert_close(model.log_prob(x), expected, rtol=1e-10, atol=1e-10)


ENCODER = """
model M {
  observed x : Real[2]
  latent   z : Real
  p(z) = Normal(0, 1)
  p(x | z) = Normal(linear(z), 1)
  q(z | x) = Delta(mlp(x, hidden = [4]))
  def C(x : Real[2], z : Real) -> Unit = sigmoid(mlp(x, z, hidden = [4]))
  train bidirectional(C)
}
"""


def test_a_deterministic_encoder_draws_one_value_and_passes_gradients() -> None:
    model = gencompiler.compile(ENCODER)(seed=1)
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    one, two = model.encode(x, seed=0), model.encode(x, seed=9)
    assert torch.equal(one, two)
    generators = next(phase.label for phase in model.phases if "generators" in phase.label)
    model.loss(x, phase=generators).backward()
    own = [p.grad for name, p in model.named_parameters() if name.startswith("q.")]
    assert own
    assert all(g is not None and float(g.abs().max()) > 0 for g in own)


@pytest.mark.parametrize("objective", ["elbo", "reweighted_wake_sleep", "sleep"])
def test_a_deterministic_encoder_has_no_density(objective: str) -> None:
    found = gencompiler.check(ENCODER.replace("bidirectional(C)", objective))
    assert found.exit_status == 1
    assert any("`z`" in d.message and d.code == "G701" for d in found.diagnostics), found.render()
