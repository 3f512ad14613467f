"""Latent-variable models where the truth is known: importance weights, bounds, samples, encoders and decoders."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch

import gencompiler
from gencompiler.runtime.fields import Support
from gencompiler.runtime.parameters import unconstrain
from tests.families.enumeration import Array, states
from tests.families.test_foundation import perturbed
from tests.families.test_wake_sleep import FALSE_ALARM, model_of, network_of

LINEAR = """
model LinearVAE(D = 5, Z = 2) {
  observed x : Real[D]
  latent   z : Real[Z]
  param    sigma : Positive, tau : Positive[Z]
  p(z)     = Normal(0, 1)
  p(x | z) = Normal(linear(z), sigma)
  q(z | x) = Normal(linear(x), tau)
  train elbo
}
"""

AUTOREGRESSIVE = """
model DARN(D = 4, H = 3) {
  observed x : Binary[D]
  latent   h : Binary[H]
  param W : Real[D, D], V : Real[D, H], b : Real[D], U : Real[H, H], R : Real[H, D], c : Real[H], a : Real[H]
  p(h)               = Bernoulli(logits = a)
  p(x[i] | x[<i], h) = Bernoulli(logits = b[i] + V[i] @ h + W[i, <i] @ x[<i])
  q(h[j] | h[<j], x) = Bernoulli(logits = c[j] + R[j] @ x + U[j, <j] @ h[<j])
  train reweighted_wake_sleep(K = 3)
}
"""


def code(bits: torch.Tensor) -> torch.Tensor:
    """The number of each binary row, the last bit fastest."""
    return (bits * 2 ** torch.arange(bits.shape[1] - 1, -1, -1)).sum(1)


def distance(drawn: torch.Tensor, exact: torch.Tensor) -> float:
    """Total variation between counts of numbers and their probabilities."""
    return float((torch.bincount(drawn, minlength=len(exact)).double() / len(drawn) - exact).abs().sum()) / 2


def sampling_error(exact: torch.Tensor, count: int) -> float:
    """What `distance` exceeds with probability FALSE_ALARM at most: its mean, and McDiarmid's deviation."""
    return 0.5 * float((exact / count).sqrt().sum()) + math.sqrt(math.log(1 / FALSE_ALARM) / (2 * count))


# -- a discrete model, enumerated ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def net() -> Any:
    return model_of("wake_sleep")


@pytest.fixture(scope="module")
def tables(net: Any) -> tuple[Array, Array]:
    """log p(x, h) and log q(h | x), `[64, 1024]`."""
    log_p, log_q = network_of(net).tables()
    return log_p.reshape(64, -1), log_q.reshape(64, -1)


def test_samples_follow_the_enumerated_marginal(net: Any, tables: tuple[Array, Array]) -> None:
    exact = torch.tensor(np.exp(tables[0]).sum(1))
    count = 200_000
    assert distance(code(net.sample(count, seed=3)), exact) < sampling_error(exact, count)
    shifted = perturbed(model_of("wake_sleep"), 0.3)
    assert distance(code(shifted.sample(count, seed=3)), exact) > 2 * sampling_error(exact, count)


def test_the_exact_marginal_is_derived(net: Any, tables: tuple[Array, Array]) -> None:
    found = net.log_prob(torch.tensor(states(6)).long()).detach().numpy()
    np.testing.assert_allclose(found, np.log(np.exp(tables[0]).sum(1)), atol=1e-10)


def test_the_encoder_draws_from_q(net: Any, tables: tuple[Array, Array]) -> None:
    """1,000 draws for each x, against q(h1 | x) of all x together."""
    x = torch.tensor(states(6)).long().repeat_interleave(3_000, 0)
    h1, h2 = net.encode(x, seed=8)
    together = code(x) * 1024 + code(torch.cat((h1, h2), 1))
    exact = torch.tensor(np.exp(tables[1]) / 64).reshape(-1)
    assert distance(together, exact) < sampling_error(exact, len(x))
    moved = torch.roll(exact.reshape(64, -1), 1, 0).reshape(-1)  # planted: q of another x
    assert distance(together, moved) > 1.5 * sampling_error(moved, len(x))


def test_a_weight_is_that_of_the_draw_that_encode_returns(net: Any, tables: tuple[Array, Array]) -> None:
    x = torch.tensor(states(6)).long()
    keys = {"seed": 5, "step": 2, "row": torch.arange(64) + 100}
    h1, h2 = net.encode(x, **keys)
    place = code(torch.cat((h1, h2), 1))
    expected = [table[code(x), place] for table in tables]
    np.testing.assert_allclose(net.log_weight(x, **keys).detach(), expected[0] - expected[1], atol=1e-10)


def log_weights(model: Any, x: torch.Tensor, count: int) -> torch.Tensor:
    """`[rows, count]`: steps are draws."""
    with torch.no_grad():
        return torch.stack([model.log_weight(x, seed=21, step=step) for step in range(count)], 1)


def test_importance_weights_are_unbiased_and_bounds_rise_to_log_p() -> None:
    """The mean weight of 64,000 draws errs from p(x) by more than t with probability at most 2 exp(-N t² / (2 (v + b t / 3)))
    (Bernstein), v and b being the weights' variance and range, which enumeration gives; in the same way log weights and
    their mean, the ELBO.  The bounds of K = 1, 4, 16 draws are compared on the same draws, with 6 standard errors."""
    copies = 400
    net = model_of("wake_sleep", scale=0.4)  # q is near enough to the posterior for weights of moderate variance
    log_p, log_q = (table.reshape(64, -1) for table in network_of(net).tables())
    x = torch.tensor(states(6)).long()
    found = log_weights(net, x.repeat_interleave(copies, 0), 160).reshape(64, -1).numpy()
    count = found.shape[1]
    marginal = np.exp(log_p).sum(1)
    for draws, values, mean in (
        (np.exp(found), np.exp(log_p - log_q), marginal),
        (found, log_p - log_q, (np.exp(log_q) * (log_p - log_q)).sum(1)),
    ):
        variance = (np.exp(log_q) * (values - mean[:, None]) ** 2).sum(1)
        spread = np.abs(values - mean[:, None]).max(1)
        allowed = bernstein(variance, spread, count)
        assert (np.abs(draws.mean(1) - mean) < allowed).all()
        assert not (np.abs(draws.mean(1) * 1.1 - mean) < allowed).all()  # planted: a tenth too large
    elbo, four, sixteen = (bound(found, size) for size in (1, 4, 16))
    log_marginal = np.log(marginal)[:, None]
    for lower, upper in ((elbo, four), (four, sixteen), (sixteen, np.broadcast_to(log_marginal, sixteen.shape))):
        rise = (upper - lower).mean(0)  # over x; one number for each block of 16 draws
        assert rise.mean() > 6 * rise.std() / math.sqrt(len(rise))


def bernstein(variance: Array, spread: Array, count: int) -> Array:
    """t with 2 exp(-N t² / (2 (v + b t / 3))) = FALSE_ALARM / 64."""
    level = math.log(2 * 64 / FALSE_ALARM) / count
    return spread * level / 3 + np.sqrt((spread * level / 3) ** 2 + 2 * variance * level)


def bound(log_weight: Array, size: int) -> Array:
    """log of the mean weight of `size` draws, averaged within each block of 16, `[rows, blocks]`."""
    blocks = log_weight.reshape(len(log_weight), -1, 16 // size, size)
    return (np.logaddexp.reduce(blocks, 3) - math.log(size)).mean(2)


def test_the_decoder_has_its_mean(net: Any) -> None:
    """Hoeffding for 64 x 6 means of 4,000 draws."""
    h1 = torch.tensor(states(6)).long()
    mean, other = net.decode_mean(h1).detach(), net.decode_mean(1 - h1).detach()
    drawn = net.decode(h1.repeat_interleave(4_000, 0), seed=2).reshape(64, 4_000, 6).double().mean(1)
    allowed = math.sqrt(math.log(2 * 64 * 6 / FALSE_ALARM) / (2 * 4_000))
    assert float((drawn - mean).abs().max()) < allowed
    assert float((drawn - other).abs().max()) > 2 * allowed


def test_rows_do_not_depend_on_the_batch(net: Any) -> None:
    many = net.sample(1_000, seed=7)
    for count in (1, 7, 130):
        assert torch.equal(net.sample(count, seed=7), many[:count])
    x = many[:200]
    one = net.encode(x[150:160], seed=3, row=torch.arange(150, 160))
    for whole, part in zip(net.encode(x, seed=3), one, strict=True):
        assert torch.equal(whole[150:160], part)


def test_what_is_no_row_of_the_data_is_not_encoded(net: Any) -> None:
    with pytest.raises(Exception, match="row 1 lies outside the support of `x`"):
        net.encode(torch.tensor([[0] * 6, [2] * 6]))


# -- loops over dimensions in both models ----------------------------------------------------------------------------


def test_autoregressive_conditionals_of_latent_and_observed_variables() -> None:
    """The derived marginal sums to one, samples follow it, and weights estimate it (7 standard errors, 16 means)."""
    model = perturbed(gencompiler.compile(AUTOREGRESSIVE)(), 0.7)
    x = torch.tensor(states(4)).long()
    exact = model.log_prob(x).detach().exp()
    assert float(exact.sum()) == pytest.approx(1, abs=1e-10)
    drawn = code(model.sample(200_000, seed=1))
    assert distance(drawn, exact) < sampling_error(exact, 200_000)
    assert distance(drawn, exact.flip(0)) > 2 * sampling_error(exact, 200_000)
    weights = log_weights(model, x.repeat_interleave(200, 0), 50).exp().reshape(16, -1)
    error = (weights.mean(1) - exact).abs() / (weights.std(1) / math.sqrt(weights.shape[1]))
    assert float(error.max()) < 7
    shifted = (weights.mean(1) - exact.flip(0)).abs() / (weights.std(1) / math.sqrt(weights.shape[1]))
    assert float(shifted.max()) > 14
    for phase in ("wake", "sleep"):
        assert math.isfinite(float(model.loss(x, phase=phase).detach()))


# -- a linear-Gaussian model, in closed form -------------------------------------------------------------------------


def linear_model() -> tuple[Any, Array, Array]:
    """A model whose posterior is diagonal, q set to it; its marginal mean and covariance."""
    model = perturbed(gencompiler.compile(LINEAR)(), 0.3)
    raw = {name: value.detach() for name, value in model.named_parameters()}
    weight, sigma = raw["linear.output.weight"], float(model.value("sigma").detach())
    with torch.no_grad():  # orthogonal columns: the posterior of the latent variables is diagonal
        weight.copy_(torch.linalg.qr(torch.randn(5, 2, dtype=torch.float64, generator=generator()))[0])
        weight.mul_(torch.tensor([1.5, 0.7], dtype=torch.float64))
        precision = 1 + (weight**2).sum(0) / sigma**2
        raw["q.linear.output.weight"].copy_((weight / sigma**2 / precision).T)
        raw["q.linear.output.bias"].copy_(-raw["q.linear.output.weight"] @ raw["linear.output.bias"])
        set_positive(model, "tau", precision**-0.5)
    w = weight.numpy()
    return model, raw["linear.output.bias"].numpy(), w @ w.T + sigma**2 * np.eye(5)


def set_positive(model: Any, path: str, value: torch.Tensor) -> None:
    model.raw(path).copy_(unconstrain(value, Support("Positive")))


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(4)


def log_normal(x: Array, mean: Array, covariance: Array) -> Array:
    white = np.linalg.solve(np.linalg.cholesky(covariance), (x - mean).T)
    return -0.5 * (white**2).sum(0) - 0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1]


def test_under_the_exact_posterior_every_weight_is_the_marginal() -> None:
    model, mean, covariance = linear_model()
    x = 2 * torch.randn(40, 5, dtype=torch.float64, generator=generator())
    exact = log_normal(x.numpy(), mean, covariance)
    np.testing.assert_allclose(model.log_weight(x, seed=1).detach(), exact, atol=1e-9)
    np.testing.assert_allclose(model.log_prob(x).detach(), exact, atol=1e-9)
    assert float(model.loss(x, seed=1).detach()) == pytest.approx(-exact.mean(), abs=1e-9)


def test_the_bound_falls_short_by_the_divergence_of_q() -> None:
    """q moved by d and widened by a: ELBO = log p - KL(q || p(z | x)), a sum over the two dimensions."""
    model, mean, covariance = linear_model()
    sigmas = model.value("tau").detach().numpy()
    with torch.no_grad():
        model.get_parameter("q.linear.output.bias").add_(torch.tensor([0.2, -0.1], dtype=torch.float64))
        set_positive(model, "tau", torch.tensor(1.3 * sigmas))
    moved = np.array([0.2, -0.1]) / sigmas
    divergence = 0.5 * (1.3**2 + moved**2 - 1 - 2 * math.log(1.3)).sum()
    x = torch.randn(20, 5, dtype=torch.float64, generator=generator())
    exact = log_normal(x.numpy(), mean, covariance)
    shortfall = exact[:, None] - log_weights(model, x, 4_000).numpy()
    standard_error = shortfall.mean(0).std() / math.sqrt(shortfall.shape[1])
    assert abs(shortfall.mean() - divergence) < 6.5 * standard_error < 0.1 * divergence
    ordered = [float(bound(-shortfall, size).mean()) for size in (1, 4, 16)]
    assert all(lower < upper < 0 for lower, upper in itertools.pairwise(ordered))


def test_real_samples_have_the_marginals_moments() -> None:
    """Chi-square of whitened draws: a mean of 30,000 squares of 5 numbers, 6.5 standard errors."""
    model, mean, covariance = linear_model()
    x = model.sample(30_000, seed=2).numpy()
    white = np.linalg.solve(np.linalg.cholesky(covariance), (x - mean).T)
    assert np.abs(white.mean(1)).max() < 6.5 / math.sqrt(30_000)
    second = white @ white.T / 30_000 - np.eye(5)
    assert np.abs(second).max() < 6.5 * math.sqrt(2 / 30_000)
    wrong = np.linalg.solve(np.linalg.cholesky(covariance + 0.1 * np.eye(5)), (x - mean).T)
    assert np.abs(wrong @ wrong.T / 30_000 - np.eye(5)).max() > 6.5 * math.sqrt(2 / 30_000)
