"""Linear cases of latent variable models have likelihoods that others state in closed form, and are to have those:
factor analysis and probabilistic PCA as scikit-learn scores them, a linear density network, a latent grid by EM."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

import gencompiler
from gencompiler.runtime import data
from gencompiler.testing.strategies import Perturbation
from tests.families.test_latent_grids import model_of as grid_model

decomposition = pytest.importorskip("sklearn.decomposition")

EARLY = Path(__file__).parents[2] / "specs" / "early"


def rows_of(kind: type, name: str) -> NDArray[np.float64]:
    found = data.of(kind, name).train.tensors["x"].double().numpy()
    return np.asarray(found)


def set_to(model: Any, **values: Any) -> None:
    """Parameters of these values; a positive one through its storage."""
    with torch.no_grad():
        for path, value in values.items():
            wanted = torch.as_tensor(value, dtype=torch.float64)
            raw = model.raw(path)
            raw.copy_(wanted)
            if path in ("sigma", "s"):
                low, high = torch.full_like(raw, -60.0), torch.full_like(raw, 60.0)
                for _ in range(200):  # bisection of an increasing map
                    raw.copy_((low + high) / 2)
                    above = model.value(path) > wanted
                    low, high = torch.where(above, low, raw), torch.where(above, raw, high)


def slope(model: Any, x: NDArray[np.float64]) -> float:
    """The largest derivative of the mean log-likelihood in a parameter."""
    model.zero_grad(set_to_none=True)
    model.loss(torch.tensor(x)).backward()
    return max(p.grad.abs().max().item() for p in model.parameters())


def test_factor_analysis_is_that_of_scikit_learn_and_its_maximum_is_ours() -> None:
    kind = gencompiler.compile(EARLY / "factor_analysis.gen")
    x = rows_of(kind, "tumours")
    peer = decomposition.FactorAnalysis(3, tol=1e-10, max_iter=5000, svd_method="lapack").fit(x)
    model: Any = kind().double()
    set_to(model, W=peer.components_.T, b=peer.mean_, sigma=np.sqrt(peer.noise_variance_))
    assert abs(model.log_prob(torch.tensor(x)).mean().item() - peer.score(x)) < 1e-9
    assert slope(model, x) < 1e-3  # EM stops a little before the maximum
    assert slope(Perturbation(0.05, 1).apply(model), x) > 0.1
    set_to(model, sigma=peer.noise_variance_)  # planted: a variance for a deviation
    assert abs(model.log_prob(torch.tensor(x)).mean().item() - peer.score(x)) > 1


def test_the_principal_components_are_the_maximum_that_tipping_and_bishop_state() -> None:
    """sigma² is the mean of the eigenvalues that are left out, W = U (Λ - sigma²)^(1/2): equations 12 and 13."""
    kind = gencompiler.compile(EARLY / "ppca.gen", D=30, Z=4)
    x = rows_of(gencompiler.compile(EARLY / "factor_analysis.gen"), "tumours")
    peer = decomposition.PCA(4).fit(x)
    covariance = np.cov(x.T)
    values, vectors = np.linalg.eigh(covariance)
    variance = values[:-4].mean()
    model: Any = kind().double()
    W = vectors[:, -4:] * np.sqrt(values[-4:] - variance)
    set_to(model, W=W, b=x.mean(0), sigma=math.sqrt(variance))
    assert abs(model.log_prob(torch.tensor(x)).mean().item() - peer.score(x)) < 1e-9
    # scikit-learn divides by n - 1: the maximum of the likelihood has covariances divided by n
    shrunk = (len(x) - 1) / len(x)
    set_to(model, W=W * math.sqrt(shrunk), sigma=math.sqrt(variance * shrunk))
    assert slope(model, x) < 1e-8
    assert slope(Perturbation(0.05, 1).apply(model), x) > 0.1


NETWORK = """
model Network(D = 3, Z = 2, K = 4000) {
  observed x : Real[D]
  latent   z : Real[Z], eps : Real[D]
  param    W : Real[D, Z], b : Real[D], sigma : Positive[D]
  p(z)   = Normal(0, 1)
  p(eps) = Normal(0, sigma)
  x = W @ z + b + eps
  train OBJECTIVE
}
"""


def test_a_linear_density_network_has_the_likelihood_of_factor_analysis() -> None:
    """The prior-sampled estimate of log p(x), 4,000 draws, against the exact one: within five standard errors, and the
    bias of a logarithm, half the variance."""
    exact: Any = Perturbation(0.5, 3).apply(gencompiler.compile(NETWORK.replace("OBJECTIVE", "maximum_likelihood"))())
    sampled: Any = gencompiler.compile(NETWORK.replace("OBJECTIVE", "prior_sampled_likelihood(K = K)"))()
    sampled.load_state_dict(exact.state_dict())
    x = exact.double().sample(20, seed=2).double()
    with torch.no_grad():
        found = torch.stack([-sampled.double().loss(x, seed=4, step=step) for step in range(40)])
    error, truth = found.std() / math.sqrt(40), exact.log_prob(x).mean()
    assert abs(found.mean() - truth) < 5 * error + found.var() * 20
    assert error < 0.02
    sampled.raw("b").data += 0.3  # planted: another mean
    with torch.no_grad():
        assert abs(-sampled.loss(x, seed=4, step=0) - truth) > 10 * error


def em_of_a_grid(model: Any, x: Tensor, rounds: int) -> float:
    """GTM by the closed steps of Bishop, Svensén & Williams, 1998, section 2.2, in place; its mean log-likelihood."""
    axes = [torch.linspace(-1, 2, n, dtype=torch.float64) for n in (5, 3)]
    points, centres = (torch.cartesian_prod(a, a) for a in axes)
    features = torch.exp(-((points[:, None] - centres[None]) ** 2).sum(-1) / 0.5)
    design = torch.cat([features, torch.ones(len(points), 1, dtype=torch.float64)], 1)
    weights = torch.cat([model.value("W").T, model.value("b")[None]]).detach()
    scale = model.value("s").detach()
    for _ in range(rounds):
        squares = ((x[:, None] - (design @ weights)[None]) ** 2).sum(-1)
        logits = -0.5 * squares / scale**2
        share = torch.softmax(logits, 1)
        found = logits.logsumexp(1).mean() - math.log(25) - 3 * (scale.log() + 0.5 * math.log(2 * math.pi))
        left = design.T @ (share.sum(0)[:, None] * design)
        weights = torch.linalg.solve(left, design.T @ (share.T @ x))
        scale = ((share * ((x[:, None] - (design @ weights)[None]) ** 2).sum(-1)).sum() / x.numel()).sqrt()
    set_to(model, W=weights[:-1].T, b=weights[-1], s=scale)
    return found.item()


def test_where_em_of_a_latent_grid_comes_to_rest_so_does_ours() -> None:
    model: Any = grid_model("em")
    t = torch.rand(200, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 3
    noise = torch.randn(200, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    x = torch.cat([t, torch.sin(2 * t), 0.5 * t], 1) + 0.15 * noise
    before = slope(model, x.numpy())
    reached = em_of_a_grid(model, x, 3000)
    assert abs(model.log_prob(x).mean().item() - reached) < 1e-6
    assert slope(model, x.numpy()) < 1e-4
    assert before > 0.1


def test_training_a_latent_grid_by_em_reaches_what_its_closed_steps_reach() -> None:
    """Steps of Adam and of the paper's M-step, from one start, on one set of rows: as likely, or more."""
    start: Any = grid_model("em").float()
    t = torch.rand(200, 1, generator=torch.Generator().manual_seed(0)) * 3
    x = torch.cat([t, torch.sin(2 * t), 0.5 * t], 1) + 0.15 * torch.randn(
        200, 3, generator=torch.Generator().manual_seed(1)
    )
    closed = em_of_a_grid(Perturbation(0.0, 0).apply(start).double(), x.double(), 400)
    began = start.log_prob(x).mean().item()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start.fit(x, epochs=600, batch=200, validation=0.0, optimizer_options={"lr": 0.03})
    reached = start.log_prob(x).mean().item()
    assert reached > closed - 0.1 > began + 1, (began, reached, closed)
