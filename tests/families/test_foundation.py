"""The shipped systems at sizes where the truth can be computed: enumeration, quadrature, Jacobians, exact moments."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import pytest
import torch

import gencompiler


def perturbed(model: Any, scale: float) -> Any:
    """The model with every unconstrained parameter moved, so that nothing is true by initialisation."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(scale * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype))
    return model.double()


@pytest.mark.parametrize(("spec", "sizes"), [("nade", {"D": 10, "H": 6}), ("fvsbn", {"D": 10})])
def test_an_autoregressive_model_sums_to_one_and_samples_what_it_says(spec: str, sizes: dict[str, int]) -> None:
    """Total variation of 100,000 draws from the exact probabilities: E ≤ ½ Σ √(p/n); McDiarmid: + 0.011 has P = 1e-10.

    A sampler whose logits are all shifted by 0.15 is caught (the second assertion)."""
    model = perturbed(gencompiler.compile(Path(f"specs/autoregressive/{spec}.gen"), **sizes)(), 1.0)
    x = torch.tensor(list(itertools.product([0, 1], repeat=10)))
    exact = model.log_prob(x).exp().detach()
    assert float(exact.sum()) == pytest.approx(1.0, abs=1e-9)
    count = 100_000
    place = 2 ** torch.arange(9, -1, -1)

    def distance(drawn: torch.Tensor) -> float:
        found = torch.bincount((drawn * place).sum(1), minlength=1024).double() / count
        return float((found - exact).abs().sum()) / 2

    allowed = 0.5 * float((exact / count).sqrt().sum()) + math.sqrt(math.log(1e10) / (2 * count))
    assert distance(model.sample(count, seed=5)) < allowed
    with torch.no_grad():
        model.get_parameter("b").add_(0.15)
    assert distance(model.sample(count, seed=5)) > allowed


def test_a_flow_has_the_density_of_its_samples() -> None:
    """log|det| against autograd's Jacobian, the round trip, and the mass by quadrature on the plane."""
    model = perturbed(gencompiler.compile(Path("specs/bijections/moons.gen"))(), 0.1)
    z = torch.randn(6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    x, log_abs_det = model.forward(z)
    back, inverse_log_abs_det = model.inverse(x)
    torch.testing.assert_close(back, z, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(inverse_log_abs_det, -log_abs_det, rtol=1e-9, atol=1e-9)
    jacobian = torch.autograd.functional.jacobian(lambda one: model.forward(one[None])[0][0], z[0])
    assert float(torch.linalg.slogdet(jacobian).logabsdet) == pytest.approx(float(log_abs_det[0].detach()), abs=1e-9)
    edge = torch.linspace(-14, 14, 601, dtype=torch.float64)
    grid = torch.cartesian_prod(edge, edge)
    mass = model.log_prob(grid).detach().exp().sum() * (edge[1] - edge[0]) ** 2
    assert float(mass) == pytest.approx(1.0, abs=2e-3)


@pytest.mark.slow
def test_the_banana_has_its_moments() -> None:
    """x[0] is standard normal and x[1] - x[0]² is Normal(0, 1/2): E x[0]² = 1, E (x[1] - x[0]²)² = 1/4.

    Bounded statistics of independent chains, Hoeffding at 1e-9: P(|x[0]| < 1) = P(|x[1] - x[0]²| < 1/2) = 0.6827."""
    chains = 3_000
    model = gencompiler.compile(Path("specs/physics/banana.gen"))()
    x = model.chain(chains, 1, burn_in=1000, thin=1, seed=4).draws[:, 0]
    allowed = math.sqrt(math.log(2e9) / (2 * chains)) + 0.02  # what 1,000 steps leave of the start
    inside = math.erf(1 / math.sqrt(2))
    assert abs(float((x[:, 0].abs() < 1).double().mean()) - inside) < allowed
    assert abs(float(((x[:, 1] - x[:, 0] ** 2).abs() < 0.5).double().mean()) - inside) < allowed
