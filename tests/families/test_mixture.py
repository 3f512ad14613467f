"""Mixtures against torch.distributions, and their samplers against their densities."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal, StudentT

import gencompiler
from gencompiler import api
from gencompiler.diagnostics.model import CompileError
from gencompiler.testing.strategies import Perturbation

SCALES = """
model Scales(D = 3, K = 4) {
  observed x : Real[D]
  param w : Simplex(K), m : Real[K, D], s : Positive[K]
  p(x) = Mixture(weights = w, for k: Normal(m[k], s[k]))
  train maximum_likelihood
}
"""
NETWORK = """
model Network(N = 2, K = 3) {
  given    c : Real[N]
  observed x : Real
  p(x) = Mixture(logits = a, for k: Laplace(m[k], softplus(s[k]))) where { a, m, s = mlp(c, hidden = [4]) }
  train maximum_likelihood
}
"""
RNADE = """
model RNADE(D = 3, H = 4, K = 2) {
  observed x : Real[D]
  param W : Real[H, D], c : Real[H], M : Real[D, K, H], a, s : Real[D, K]
  p(x[i] | x[<i]) = Mixture(logits = a[i], for k: Normal((M[i] @ h)[k], exp(s[i, k])))
    where { h = tanh(c + W[:, <i] @ x[<i]) }
  train maximum_likelihood
}
"""
USER = """
density Skew(x : Real | a : Real) = exp(-0.5 * x^2) / sqrt(2 * pi) * (1 + erf(a * x / sqrt(2)))
model Skewed(K = 2) {
  observed x : Real
  param w : Simplex(K), a : Real[K]
  p(x) = Mixture(weights = w, components = for k: Skew(a[k]))
  train maximum_likelihood
}
"""


def test_weights_of_a_simplex_need_no_name() -> None:
    """`Mixture(w, for k in K: …)` is `Mixture(weights = w, for k: …)`, bit for bit, and the density is torch's."""
    text = """
model Waiting(K = 3) {
  observed x : Positive
  param w : Simplex(K), a, r : Positive[K]
  p(x) = Mixture(w, for k in K: Gamma(a[k], r[k]))
  train maximum_likelihood
}
"""
    first, second = (
        Perturbation(0.7, 1).apply(gencompiler.compile(t)()).double()
        for t in (text, text.replace("Mixture(w, for k in K", "Mixture(weights = w, for k"))
    )
    x = torch.linspace(0.05, 6, 40, dtype=torch.float64)
    own, (w, a, r) = first.log_prob(x), (first.value(n) for n in "war")
    assert torch.equal(own, second.log_prob(x))
    expected = (w.log() + torch.distributions.Gamma(a, r).log_prob(x[:, None])).logsumexp(-1)
    torch.testing.assert_close(own, expected, rtol=1e-10, atol=1e-10)


def test_scales_are_those_of_torch() -> None:
    model = Perturbation(1.0, 1).apply(gencompiler.compile(SCALES)()).double()
    w, m, s = (model.value(name) for name in ("w", "m", "s"))
    peer = MixtureSameFamily(Categorical(w), Independent(Normal(m, s[:, None].expand_as(m)), 1))
    x = torch.randn(50, 3, dtype=torch.float64)
    torch.testing.assert_close(model.log_prob(x), peer.log_prob(x), rtol=1e-12, atol=1e-12)


def test_draws_follow_the_density() -> None:
    """Of each coordinate the distribution function of the peer; DKW at 1e-9 for each of three."""
    model = Perturbation(1.0, 1).apply(gencompiler.compile(SCALES)()).double()
    w, m, s = (model.value(name).detach() for name in ("w", "m", "s"))
    count = 100_000
    drawn = model.sample(count, seed=3)
    assert isinstance(drawn, torch.Tensor)
    ranks = torch.arange(1, count + 1, dtype=torch.float64) / count
    allowed = math.sqrt(math.log(2 / 1e-9) / (2 * count))
    for place in range(3):
        ordered = drawn[:, place].double().sort().values
        cdf = (w * Normal(m[:, place], s).cdf(ordered[:, None])).sum(-1)
        assert float((cdf - ranks).abs().max()) < allowed
        wrong = (w * Normal(m[:, place], 1.1 * s).cdf(ordered[:, None])).sum(-1)
        assert float((wrong - ranks).abs().max()) > allowed


def test_a_network_gives_the_parameters() -> None:
    model = Perturbation(1.0, 2).apply(gencompiler.compile(NETWORK)()).double()
    c = torch.randn(1, 2, dtype=torch.float64)
    x = torch.linspace(-60, 60, 200_001, dtype=torch.float64)
    log_p = model.log_prob(x, context=c.expand(len(x), 2))
    assert float(torch.trapezoid(log_p.detach().exp(), x)) == pytest.approx(1, abs=1e-6)


def test_conditionals_are_mixtures_of_the_past() -> None:
    model = Perturbation(1.0, 3).apply(gencompiler.compile(RNADE)()).double()
    W, c, M, a, s = (model.value(name) for name in ("W", "c", "M", "a", "s"))
    x = torch.randn(20, 3, dtype=torch.float64)
    total = torch.zeros(20, dtype=torch.float64)
    for i in range(3):
        h = torch.tanh(c + x[:, :i] @ W[:, :i].T)
        peer = MixtureSameFamily(Categorical(logits=a[i].expand(20, 2)), Normal(h @ M[i].T, s[i].exp().expand(20, 2)))
        total += peer.log_prob(x[:, i])
    torch.testing.assert_close(model.log_prob(x), total, rtol=1e-10, atol=1e-10)


LISTED = """
model Listed(D = 2) {
  given    c : Real[D]
  observed x : Real[D]
  param m : Real[D], s : Positive[D]
  p(x) = Mixture(logits = linear(c), [StudentT(3, 0, 1), StudentT(5, mlp(c, hidden = [4]), s), StudentT(9, m, 0.5)])
  train maximum_likelihood
}
"""


def test_components_of_a_list() -> None:
    """Each with numbers, parameters or a network of its own: the density is torch's, and the same written by an index."""
    model = Perturbation(0.5, 1).apply(gencompiler.compile(LISTED)()).double()
    generator = torch.Generator().manual_seed(0)
    c, x = torch.randn(2, 40, 2, dtype=torch.float64, generator=generator)

    def affine(layer: str, value: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.linear(value, model.value(f"{layer}.weight"), model.value(f"{layer}.bias"))

    ones = torch.ones_like(x)
    mean = torch.stack((0 * x, affine("mlp.output", affine("mlp.0", c).relu()), model.value("m") * ones), 1)
    scale = torch.stack((ones, model.value("s") * ones, 0.5 * ones), 1)
    freedom = torch.tensor((3.0, 5.0, 9.0), dtype=torch.float64)[:, None].expand(3, 2)
    parts = Independent(StudentT(freedom, mean, scale), 1)
    whole = MixtureSameFamily(Categorical(logits=affine("linear.output", c)), parts)
    torch.testing.assert_close(model.log_prob(x, context=c), whole.log_prob(x), rtol=1e-12, atol=1e-12)
    drawn = model.sample(20_000, seed=3, context=c[:1].expand(20_000, -1))
    error = drawn.std(0) / 20_000**0.5
    assert ((drawn.mean(0) - whole.mean[0]).abs() < 5 * error).all()
    several = LISTED.replace("StudentT(9, m, 0.5)", "Normal(m, 0.5)")
    with pytest.raises(CompileError, match="a list of components of several kinds"):
        gencompiler.compile(several)


def test_components_may_be_densities_of_the_user() -> None:
    model = Perturbation(1.0, 4).apply(gencompiler.compile(USER)()).double()
    assert model.capabilities == {"sample": "none", "log_prob": "exact"}
    x = torch.linspace(-12, 12, 20_001, dtype=torch.float64)
    assert float(torch.trapezoid(model.log_prob(x).detach().exp(), x)) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("w : Simplex(K)", "w : Positive[K]"),
        ("s : Positive[K]", "s : Real[K]"),
        ("Normal(m[k], s[k])", "LogNormal(m[k], s[k])"),
    ],
)
def test_the_smallest_errors_are_refused(old: str, new: str) -> None:
    result = api.check(SCALES.replace(old, new))
    assert result.exit_status == 1
    assert {d.code for d in result.diagnostics} <= {"G501", "G502"}
