"""Categorical and discrete uniform variables: exact masses, exact samplers, mixtures by sums and by EM."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, MixtureSameFamily, Normal

import gencompiler
from gencompiler.runtime.modules import Model
from gencompiler.testing.strategies import Perturbation

LOGITS = """
model Logits(K = 7) {
  observed x : Category(K)
  param a : Real[K]
  p(x) = Categorical(logits = a)
  train maximum_likelihood
}
"""
PROBABILITIES = LOGITS.replace("logits = a", "probabilities = softmax(a)")
INTEGER = LOGITS.replace("Category(K)", "Integer(0..K)")
PAST = """
model Past(D = 3, K = 4) {
  observed x : Category(K)[D]
  param W : Real[D, K], V : Real[K, D]
  p(x[i] | x[<i]) = Categorical(logits = W[i] + V[:, <i] @ x[<i])
  train maximum_likelihood
}
"""
MIXTURE = """
model Mixture(K = 3) {
  observed x : Real
  latent   k : Category(K)
  param a : Real[K], mu : Real[K], s : Positive
  p(k)     = Categorical(logits = a)
  p(x | k) = Normal(mu[k], s)
  train maximum_likelihood
}
"""
UNIFORM = """
model Levels {
  observed x : Integer(2..7)[2]
  latent   b : Binary
  p(b) = Uniform()
  p(x) = Uniform()
}
"""
#: Draws of a goodness-of-fit test; at 40,000 the chi-square test sees masses wrong by a factor 1.1 (see below).
COUNT = 40_000


def model_of(text: str, seed: int = 0, scale: float = 1.0) -> Model:
    found = Perturbation(scale, seed).apply(gencompiler.compile(text)()).double()
    assert found.capabilities["log_prob"] == "exact"
    return found


def misfit(cells: Tensor, masses: Tensor) -> float:
    """Pearson's statistic over its mean, in standard deviations: sqrt(2 (cells - 1)) each."""
    expected = masses * cells.sum()
    freedom = len(masses) - 1
    return float((((cells - expected) ** 2 / expected).sum() - freedom) / math.sqrt(2 * freedom))


@pytest.mark.parametrize("text", [LOGITS, PROBABILITIES, INTEGER])
@pytest.mark.parametrize("seed", range(3))
def test_the_masses_are_those_of_torch(text: str, seed: int) -> None:
    model = model_of(text, seed, scale=3.0)
    expected = Categorical(logits=model.value("a")).log_prob(torch.arange(7))
    torch.testing.assert_close(model.log_prob(torch.arange(7)), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("text", [LOGITS, PROBABILITIES])
def test_masses_do_not_underflow(text: str) -> None:
    model = gencompiler.compile(text)()
    with torch.no_grad():
        model.value("a").copy_(torch.tensor([0.0, -500.0, 0, 0, 0, 0, 300.0]))
    assert model.log_prob(torch.tensor([1, 6])).tolist() == [-800.0, 0.0]


@pytest.mark.parametrize("text", [LOGITS, PROBABILITIES, INTEGER])
def test_samples_have_the_masses(text: str) -> None:
    """Under the model the statistic is within 6 standard deviations; with one mass taken for 1.1 times its value, not:
    its noncentrality is COUNT * 0.01 p / (1 - p) or more, 57 at p = 1/8."""
    model = model_of(text, 2, scale=0.5)
    drawn = model.sample(COUNT, seed=5)
    assert isinstance(drawn, Tensor) and drawn.dtype == torch.int64
    cells = torch.bincount(drawn, minlength=7)
    masses = torch.softmax(model.value("a").detach(), 0)
    assert abs(misfit(cells, masses)) < 6
    wrong = masses.clone()
    wrong[masses.argmax()] *= 1.1
    assert misfit(cells, wrong / wrong.sum()) > 6


def test_a_draw_inverts_the_cumulative_masses_up_to_the_last_place() -> None:
    """A mass of 0 is never drawn, at either end."""
    model = gencompiler.compile(LOGITS)()
    with torch.no_grad():
        model.value("a").copy_(torch.tensor([-200.0, 0, -200, 0, 0, 0, -200]))
    cells = torch.bincount(model.sample(COUNT, seed=1), minlength=7)  # type: ignore[arg-type]
    assert cells[[0, 2, 6]].tolist() == [0, 0, 0] and misfit(cells[[1, 3, 4, 5]], torch.full((4,), 0.25)) < 6


def test_three_hundred_values() -> None:
    model = model_of(LOGITS.replace("K = 7", "K = 300"), 1, scale=0.3)
    cells = torch.bincount(model.sample(COUNT, seed=1), minlength=300)  # type: ignore[arg-type]
    masses = model.log_prob(torch.arange(300)).exp().detach()
    assert abs(float(masses.sum()) - 1) < 1e-12 and abs(misfit(cells, masses)) < 6


def test_an_autoregressive_categorical() -> None:
    model = model_of(PAST, 3, scale=0.6)
    rows = torch.tensor(list(itertools.product(range(4), repeat=3)))
    masses = model.log_prob(rows).exp().detach()
    assert abs(float(masses.sum()) - 1) < 1e-12
    drawn = model.sample(COUNT, seed=2)
    assert isinstance(drawn, Tensor)
    cells = torch.bincount(drawn @ torch.tensor([16, 4, 1]), minlength=64)
    assert abs(misfit(cells, masses)) < 6
    assert misfit(cells, masses.reshape(4, 4, 4).transpose(0, 2).flatten()) > 6


def test_a_mixture_is_the_sum_over_its_components() -> None:
    model = model_of(MIXTURE, 4)
    a, mu, s = (model.value(name).detach() for name in ("a", "mu", "s"))
    x = torch.linspace(-6, 6, 41, dtype=torch.float64)
    expected = MixtureSameFamily(Categorical(logits=a), Normal(mu, s.expand(3))).log_prob(x)
    torch.testing.assert_close(model.log_prob(x), expected, rtol=1e-12, atol=1e-12)
    shifted = MixtureSameFamily(Categorical(logits=a.roll(1)), Normal(mu, s.expand(3))).log_prob(x)
    assert float((model.log_prob(x).detach() - shifted).abs().max()) > 0.01


@pytest.mark.parametrize("objective", ["maximum_likelihood", "em"])
def test_a_mixture_finds_its_components(objective: str) -> None:
    generator = torch.Generator().manual_seed(0)
    weights, centres = torch.tensor([0.2, 0.5, 0.3]), torch.tensor([-3.0, 0.0, 2.5])
    x = centres[torch.multinomial(weights, 2000, True, generator=generator)]
    x = x + 0.6 * torch.randn(2000, generator=generator)
    truth = MixtureSameFamily(Categorical(weights), Normal(centres, torch.tensor(0.6).expand(3))).log_prob(x).mean()
    model = gencompiler.compile(MIXTURE.replace("maximum_likelihood", objective))()
    with torch.no_grad():
        model.value("mu").copy_(torch.tensor([-1.0, 0.0, 1.0]))
    before = model.log_prob(x).mean()
    model.fit(x, epochs=60, batch=200, optimizer_options={"lr": 0.05})
    assert before < truth - 0.2 and model.log_prob(x).mean() > truth - 0.01
    torch.testing.assert_close(model.value("mu").detach(), centres, rtol=0, atol=0.15)


def test_uniform_over_finite_sets() -> None:
    model = gencompiler.compile(UNIFORM)().double()
    rows = torch.tensor(list(itertools.product(range(2, 7), repeat=2)))
    torch.testing.assert_close(model.log_prob(rows), torch.full((25,), -math.log(25)).double())
    drawn = model.sample(COUNT, seed=4)
    assert isinstance(drawn, Tensor) and drawn.min() == 2 and drawn.max() == 6
    cells = torch.bincount((drawn - 2) @ torch.tensor([5, 1]), minlength=25)
    assert abs(misfit(cells, torch.full((25,), 0.04))) < 6
