"""Distributions piped through bijections, against the same flow written as an equation, and against closed forms."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

import gencompiler
from tests.families.test_foundation import perturbed

COUPLING = """
bijection Coupling(u : Real[D] | c : Real[C], H = 6) -> Real[D] = join(a, b * exp(tanh(s)) + t)
  where { a, b = split(u)   s, t = mlp(a, c, hidden = [H]) }
bijection Prior(u : Real[D] | H = 6) -> Real[D] = join(a, b * exp(tanh(s)) + t)
  where { a, b = split(u)   s, t = mlp(a, hidden = [H]) }
bijection Skew(u : Real | e : Real, d : Positive) -> Real = sinh((asinh(u) + e) / d)
"""

VAE = (
    COUPLING
    + """
model FlowVAE(D = 3, Z = 2) {
  observed x : Real[D]
  latent   z : Real[Z]
  p(z)     = Normal(0, 1) |> repeat(2) { Prior |> reverse }
  p(x | z) = Normal(linear(z), 0.7)
  q(z | x) = Normal(m, exp(s)) |> repeat(2) { Coupling(c = h) |> reverse }
    where { m, s = linear(x)   h = mlp(x, hidden = [4], size = 3) }
  train elbo
}
"""
)


def built(text: str, scale: float = 0.5) -> Any:
    return perturbed(gencompiler.compile(text)(), scale)


def test_a_piped_distribution_is_the_equation_that_says_the_same() -> None:
    """The same numbers: density, draws (z is the first variable of one, x of the other) and gradients."""
    piped = built(
        COUPLING
        + """
model Piped(D = 3) { observed x : Positive[D]
  p(x) = Normal(0, 1) |> repeat(2) { Prior |> reverse } |> Skew |> exp
  train maximum_likelihood }
"""
    )
    equation = built(
        COUPLING
        + """
model Equation(D = 3) { latent z : Real[D]   observed x : Positive[D]
  p(z) = Normal(0, 1)
  x = z |> repeat(2) { Prior |> reverse } |> Skew |> exp
  train maximum_likelihood }
"""
    )
    equation.load_state_dict(piped.state_dict())
    x = equation.sample(50, seed=4).double()
    torch.testing.assert_close(piped.log_prob(x), equation.log_prob(x), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(piped.sample(7, seed=1), equation.sample(7, seed=1))
    for model in (piped, equation):
        model.loss(x).backward()
    for mine, theirs in zip(piped.parameters(), equation.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-9, atol=1e-12)


@pytest.fixture(scope="module")
def vae() -> Any:
    return built(VAE, 0.3)


def parts(vae: Any, x: torch.Tensor, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """log p(z) and log q(z | x) of their own, each the density of a model of its own with the same weights."""
    prior = gencompiler.compile(
        COUPLING + "model P(Z = 2) { observed z : Real[Z]  p(z) = Normal(0, 1) |> repeat(2) { Prior |> reverse } }"
    )().double()
    posterior = gencompiler.compile(
        COUPLING
        + """
model Q(D = 3, Z = 2) {
  given x : Real[D]   observed z : Real[Z]
  p(z) = Normal(m, exp(s)) |> repeat(2) { Coupling(c = h) |> reverse }
    where { m, s = linear(x)   h = mlp(x, hidden = [4], size = 3) }
}
"""
    )().double()
    own = {name.removeprefix("q."): value for name, value in vae.state_dict().items()}
    names = {"linear.output.weight", "linear.output.bias"}  # the decoder's, whose name q's layer takes there
    prior.load_state_dict({k: own[k] for k in prior.state_dict()})
    posterior.load_state_dict({k: own[k] for k in posterior.state_dict() if k not in names})
    return prior.log_prob(z), posterior.log_prob(z, context=x)


def test_a_weight_is_made_of_the_densities_of_its_parts(vae: Any) -> None:
    """The prior's flow is run backwards and the posterior's density comes from its draw: neither is the other's."""
    x = torch.randn(9, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    z = vae.encode(x, seed=3)
    log_p, log_q = parts(vae, x, z)
    likelihood = torch.distributions.Normal(vae.decode_mean(z), 0.7).log_prob(x).sum(1)
    torch.testing.assert_close(vae.log_weight(x, seed=3), log_p + likelihood - log_q, rtol=1e-9, atol=1e-9)


def test_weights_average_to_the_marginal(vae: Any) -> None:
    """E_q[p(x, z) / q(z | x)] = p(x), by quadrature over z; the tolerance is 6 standard errors of 40,000 draws."""
    x = torch.tensor([[0.4, -0.2, 0.3]], dtype=torch.float64)
    edge = torch.linspace(-12, 12, 401, dtype=torch.float64)
    grid = torch.cartesian_prod(edge, edge)
    log_p, _ = parts(vae, x.expand(len(grid), 3), grid)
    likelihood = torch.distributions.Normal(vae.decode_mean(grid), 0.7).log_prob(x).sum(1)
    exact = float((log_p + likelihood).detach().exp().sum()) * float(edge[1] - edge[0]) ** 2
    weights = vae.log_weight(x.expand(40_000, 3), seed=1).exp().detach()
    error = float(weights.std()) / math.sqrt(len(weights))
    assert abs(float(weights.mean()) - exact) < 6 * error
    assert error < 0.05 * exact


def test_the_gradient_of_the_bound_is_pathwise(vae: Any) -> None:
    """The derivative along a direction is that of the loss with the same draws."""
    x = torch.randn(16, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    vae.zero_grad()
    vae.loss(x, seed=8, step=0).backward()
    generator = torch.Generator().manual_seed(6)
    direction = [torch.randn(p.shape, generator=generator, dtype=p.dtype) for p in vae.parameters()]
    slope = sum(float((p.grad * d).sum().detach()) for p, d in zip(vae.parameters(), direction, strict=True))
    values = []
    for step in (1e-5, -1e-5):
        with torch.no_grad():
            for p, d in zip(vae.parameters(), direction, strict=True):
                p.add_(step * d)
            values.append(float(vae.loss(x, seed=8, step=0).detach()))
            for p, d in zip(vae.parameters(), direction, strict=True):
                p.sub_(step * d)
    assert (values[0] - values[1]) / 2e-5 == pytest.approx(slope, rel=1e-5)
