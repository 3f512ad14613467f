"""Learned dequantization against log P(x) in closed form: a quantized logit-normal, P(x = k) a difference of Normal
probabilities."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

import gencompiler
from gencompiler.runtime.modules import Model

LEARNED = """
model Skew(K = 4) {
  observed x : Integer(0..K)
  latent   z : Real, u : Unit
  param a : Real, s : Positive, m : Real[K], c : Real[K]
  p(z) = Normal(a, s)
  x = z |> sigmoid |> quantize(K, u)
  q(u | x) = LogitNormal(m[x], exp(c[x]))
  train elbo
  evaluate importance(K = 100)
}
"""
UNIFORM = """
model Skew(K = 4) {
  observed x : Integer(0..K)
  latent   z : Real
  param a : Real, s : Positive
  p(z) = Normal(a, s)
  x = z |> sigmoid |> quantize(K)
  train maximum_likelihood
}
"""
VALUES = torch.arange(4)


def model_of(text: str, a: float = -1.2) -> Model:
    model = gencompiler.compile(text)()
    with torch.no_grad():
        model.value("a").fill_(a)
    assert model.capabilities["log_prob"] == "bound"
    return model.double()


def exact(model: Model) -> Tensor:
    """log P(x) of the four values: the Normal probability of the cell's image under logit."""
    law = Normal(model.value("a").detach(), model.value("s").detach())
    ends = torch.logit(torch.linspace(0, 1, 5, dtype=torch.float64))
    return law.cdf(ends).diff().log()


def weights(model: Model, draws: int) -> Tensor:
    """log p(x, u) - log q(u | x) for the four values, `[draws, 4]`."""
    return torch.stack([model.log_weight(VALUES, seed=seed) for seed in range(draws)]).detach()


def uniform_bound(model: Model, draws: int) -> Tensor:
    """What uniform noise gives for the same p, `[draws, 4]`."""
    other = model_of(UNIFORM)
    with torch.no_grad():
        for name in ("a", "s"):
            other.get_parameter(name).copy_(model.get_parameter(name))
    return torch.stack([other.log_prob(VALUES, seed=seed) for seed in range(draws)]).detach()


def test_the_weights_have_the_mean_p_of_x() -> None:
    """E p(x, u) / q(u | x) = P(x): 4,000 draws of a wide q, within 5 standard errors, which are below 4% of P(x)."""
    model = model_of(LEARNED)
    with torch.no_grad():
        model.value("c").fill_(math.log(2.5))
    ratio = weights(model, 4000).exp() / exact(model).exp()
    error = ratio.std(0) / math.sqrt(len(ratio))
    assert bool((error < 0.04).all())
    assert bool(((ratio.mean(0) - 1).abs() < 5 * error).all())


def test_the_learned_bound_lies_between_the_uniform_one_and_log_p() -> None:
    """Bounds of 1,000 draws, 4 standard errors apart: on a density that falls steeply over the first and last cells,
    and weighted by P(x)."""
    z = torch.randn(4000, generator=torch.Generator().manual_seed(0)) - 3
    x = (4 * torch.sigmoid(z)).long().clamp(max=3)
    model = model_of(LEARNED, a=-2.5).float()
    model.fit(x, epochs=25, batch=100, optimizer_options={"lr": 0.03})
    model = model.double()
    learned, uniform, log_p = weights(model, 1000), uniform_bound(model, 1000), exact(model)
    p = log_p.exp()
    errors = [(each @ p).std() / math.sqrt(len(each)) for each in (learned, uniform)]
    between = (learned.mean(0) - uniform.mean(0)) @ p
    assert between > 4 * float(errors[0] + errors[1]), (between, errors)
    assert learned.mean(0) @ p < log_p @ p + 4 * float(errors[0])
    assert (log_p - learned.mean(0)) @ p < 0.5 * ((log_p - uniform.mean(0)) @ p)
    tighter = (learned.reshape(100, 10, 4).logsumexp(1) - math.log(10)).mean(0)
    assert learned.mean(0) @ p < tighter @ p < log_p @ p + 4 * float(errors[0])


def test_samples_are_those_of_the_closed_form() -> None:
    """Counts of 40,000 within 5 standard deviations of their means."""
    model = model_of(LEARNED)
    drawn = model.sample(40_000, seed=3)
    assert isinstance(drawn, Tensor)
    p = exact(model).exp()
    cells = torch.bincount(drawn, minlength=4) / 40_000
    assert bool(((cells - p).abs() < 5 * (p * (1 - p) / 40_000).sqrt()).all())


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ("LogitNormal(", "Normal(", "G502", "`Normal` has events in Real, and the variable is Unit"),
        ("u : Unit", "u : Open(0, 2)", "G502", "`LogitNormal` has events in Unit"),
        ("LogitNormal(m[x], exp(c[x]))", "Uniform(0, 2)", "G502", "Interval(0, 2)"),
        ("exp(c[x])", "c[x]", "G501", "scale"),
        ("train elbo", "train maximum_likelihood", "G701", "train elbo"),
        ("train elbo", "train sleep", "G701", "no draw keeps"),
        ("quantize(K, u)", "quantize(K, x)", "G104", "latent variable"),
        ("p(z) = Normal(a, s)", "p(z) = Normal(a, s)  p(u) = LogitNormal(0, 1)", "G302", "produced"),
    ],
)
def test_a_dequantization_that_is_none_is_refused(old: str, new: str, code: str, words: str) -> None:
    assert old in LEARNED
    found = gencompiler.check(LEARNED.replace(old, new))
    assert found.exit_status == 1
    assert code in found.render() and words in found.render()


def test_noise_of_another_support_leaves_the_cell() -> None:
    """A `u` on the line, with a density there: the pipeline cannot make it."""
    text = LEARNED.replace("u : Unit", "u : Real").replace("LogitNormal(", "Normal(")
    found = gencompiler.check(text)
    assert found.exit_status == 1 and "G403" in found.render()
