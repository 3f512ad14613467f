"""Points of a simplex: the Dirichlet law against scipy and against its own conditionals, and users' densities."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

import gencompiler
from gencompiler.runtime.errors import RunError

COUNT = 20_000
CONCENTRATIONS = ((0.3, 1.0, 4.0), (2.0, 2.0, 2.0), (1.0, 1.0), (0.5, 7.0, 0.5, 3.0))


@functools.cache
def model(*concentration: float) -> Any:
    shape, numbers = len(concentration), ", ".join(map(str, concentration))
    return gencompiler.compile(
        f"model M {{ observed x : Simplex({shape})  param b : Real  p(x) = Dirichlet([{numbers}]) }}"
    )().double()


@pytest.mark.parametrize("concentration", CONCENTRATIONS)
def test_the_log_density_is_that_of_scipy(concentration: tuple[float, ...]) -> None:
    rows = stats.dirichlet(np.ones(len(concentration))).rvs(200, random_state=1)
    found = model(*concentration).log_prob(torch.tensor(rows)).numpy()
    np.testing.assert_allclose(found, [stats.dirichlet(concentration).logpdf(r) for r in rows], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("concentration", CONCENTRATIONS)
def test_each_share_of_a_draw_is_a_beta_variable(concentration: tuple[float, ...]) -> None:
    """Kolmogorov-Smirnov of every share, at 1e-9; a concentration that is a tenth too large is seen."""
    drawn = model(*concentration).sample(COUNT, seed=3).numpy()
    np.testing.assert_allclose(drawn.sum(-1), 1, atol=1e-12)
    assert drawn.min() > 0
    total, allowed = sum(concentration), stats.kstwo(COUNT).isf(1e-9)
    for share, own in zip(drawn.T, concentration, strict=True):
        assert stats.ks_1samp(share, stats.beta(own, total - own).cdf).statistic < allowed
    own = concentration[-1]
    assert stats.ks_1samp(drawn[:, -1], stats.beta(1.3 * own, total - own).cdf).statistic > allowed


def test_two_shares_of_a_draw_depend_on_each_other_as_they_should() -> None:
    """cov(x_i, x_j) = -a_i a_j / (a^2 (a + 1))"""
    concentration = np.array(CONCENTRATIONS[3])
    total = concentration.sum()
    expected = -np.outer(concentration, concentration) / (total**2 * (total + 1))
    np.fill_diagonal(expected, concentration * (total - concentration) / (total**2 * (total + 1)))
    found = np.cov(model(*CONCENTRATIONS[3]).sample(COUNT, seed=5).numpy().T)
    np.testing.assert_allclose(found, expected, atol=3e-3)


def test_a_draw_has_a_gradient_in_the_concentrations() -> None:
    """E x_0 = a_0 / (a_0 + a_1 + a_2), by the mean of the pathwise gradients."""
    spec = """model M { observed x : Simplex(3)  latent w : Simplex(3)  param a : Positive[3]
      p(w) = Dirichlet(2)  p(x | w) = Dirichlet(1 + 5 * w)  q(w | x) = Dirichlet(0.1 + a * x)
      objective mean { up: update q maximize E[x ~ data, w ~ q(w | x)] w[0] }
      train mean }"""
    built = gencompiler.compile(spec)().double()
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.copy_(torch.tensor([1.5, 0.2, 2.0], dtype=torch.float64))
    rows = torch.tensor([[0.5, 0.25, 0.25]], dtype=torch.float64).repeat(COUNT, 1)
    (loss,) = [built.loss(rows, seed=1)]
    (raw,) = built.parameters()
    (found,) = torch.autograd.grad(loss, raw)
    scale = torch.special.expit(raw.detach() + torch.log(torch.expm1(torch.ones(1, dtype=torch.float64))))
    a = torch.nn.functional.softplus(raw.detach() + torch.log(torch.expm1(torch.ones(1, dtype=torch.float64))))
    a.requires_grad_()
    own = 0.1 + a * rows[0]
    (expected,) = torch.autograd.grad(-(own[0] / own.sum()), a)
    torch.testing.assert_close(found, expected * scale, rtol=0, atol=5e-3)


def test_two_shares_are_a_beta_variable_and_its_rest() -> None:
    beta = gencompiler.compile("model M { observed x : Unit  param b : Real  p(x) = Beta(0.7, 2.5) }")().double()
    share = torch.linspace(0.01, 0.99, 50, dtype=torch.float64)
    rows = torch.stack([share, 1 - share], -1)
    torch.testing.assert_close(model(0.7, 2.5).log_prob(rows), beta.log_prob(share), rtol=1e-12, atol=1e-12)


def test_a_point_off_the_inside_of_the_simplex_has_no_density() -> None:
    rows = torch.tensor([[1.0, 0.0], [0.4, 0.4], [0.6, 0.4]], dtype=torch.float64)
    assert model(1.0, 1.0).log_prob(rows).tolist() == [-np.inf, -np.inf, 0]
    spec = "model M { observed x : Simplex(2)  param a : Positive[2]  p(x) = Dirichlet(a)  train maximum_likelihood }"
    with pytest.raises(RunError, match="not Simplex"):
        gencompiler.compile(spec)().fit(rows.numpy(), epochs=1)


def test_rows_of_a_table_are_points() -> None:
    spec = "model M { observed w : Simplex(3)[2]  param b : Real  p(w[n]) = Dirichlet([[2, 3, 4], [1, 1, 5]][n]) }"
    built = gencompiler.compile(spec)().double()
    drawn = built.sample(50, seed=1)
    expected = [
        stats.dirichlet([2, 3, 4]).logpdf(r[0] / r[0].sum()) + stats.dirichlet([1, 1, 5]).logpdf(r[1] / r[1].sum())
        for r in drawn.numpy()
    ]
    np.testing.assert_allclose(built.log_prob(drawn).numpy(), expected, rtol=1e-9)


def test_a_mixture_of_laws_of_a_point() -> None:
    spec = """model M { observed w : Simplex(2)  param b : Real
      p(w) = Mixture(weights = [0.25, 0.75], for k: Dirichlet([[2, 3], [4, 1]][k])) }"""
    share = np.linspace(0.05, 0.95, 20)
    rows = torch.tensor(np.stack([share, 1 - share], -1))
    expected = 0.25 * stats.beta(2, 3).pdf(share) + 0.75 * stats.beta(4, 1).pdf(share)
    found = gencompiler.compile(spec)().double().log_prob(rows)
    np.testing.assert_allclose(found.exp().numpy(), expected, rtol=1e-9)


def test_a_category_by_a_latent_point_has_the_probabilities_of_its_means() -> None:
    """P(x = k) = E w_k = a_k / sum(a), the Dirichlet-multinomial law of one draw."""
    spec = """model M { observed x : Category(3)  latent w : Simplex(3)
      p(w) = Dirichlet([1, 2, 5])  p(x | w) = Categorical(probabilities = w) }"""
    drawn = gencompiler.compile(spec)().sample(COUNT, seed=2)
    shares = np.bincount(drawn.numpy().ravel(), minlength=3) / COUNT
    np.testing.assert_allclose(shares, [1 / 8, 2 / 8, 5 / 8], atol=0.02)


def test_a_density_of_the_users_own_is_that_of_the_catalogue() -> None:
    spec = """density D(x : Simplex(3) | a : Positive[3]) = exp(lgamma(sum(a))) * prod(for k: x[k]^(a[k] - 1) / exp(lgamma(a[k])))
      model M { observed x : Simplex(3)  param b : Real  p(x) = D([0.3, 1, 4]) }"""
    rows = model(*CONCENTRATIONS[0]).sample(100, seed=1)
    found = gencompiler.compile(spec)().double().log_prob(rows)
    torch.testing.assert_close(found, model(*CONCENTRATIONS[0]).log_prob(rows), rtol=1e-9, atol=1e-9)


def test_as_many_populations_as_features_leave_each_others_shares_alone() -> None:
    """w @ f reads every share for every feature, also of those whose x is 0: all of 2^3 rows, by the draws of q."""
    spec = """model M { observed x : Binary[3]  latent w : Simplex(3)  param f : Open(0, 1)[3, 3] = Uniform(0.2, 0.8)
      p(w) = Dirichlet(0.7)  p(x | w) = Bernoulli(probability = w @ f)  q(w | x) = Dirichlet(0.4)  train elbo }"""
    built = gencompiler.compile(spec)().double()
    rows = torch.tensor(np.array(np.meshgrid(*[[0, 1]] * 3)).reshape(3, 8).T)
    w = built.encode(rows).numpy()
    f = next(iter(built.parameters())).detach()
    probability = w @ torch.special.expit(f).numpy()
    expected = stats.bernoulli(probability).logpmf(rows.numpy()).sum(-1)
    expected += [stats.dirichlet([0.7] * 3).logpdf(r) - stats.dirichlet([0.4] * 3).logpdf(r) for r in w]
    np.testing.assert_allclose(built.log_weight(rows).detach().numpy(), expected, rtol=1e-9)
