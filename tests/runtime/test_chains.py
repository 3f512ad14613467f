"""Effective sample size and R-hat against processes whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gencompiler.runtime import chains


def autoregressive(rho: float, chains_: int = 8, draws: int = 4000, seed: int = 0) -> np.ndarray:
    """x_t = rho x_{t-1} + sqrt(1 - rho^2) noise, started in its stationary law: ESS = n (1 - rho) / (1 + rho)."""
    noise = np.random.default_rng(seed).standard_normal((chains_, draws))
    x = np.empty_like(noise)
    x[:, 0] = noise[:, 0]
    for t in range(1, draws):
        x[:, t] = rho * x[:, t - 1] + math.sqrt(1 - rho**2) * noise[:, t]
    return x


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9, -0.4])
def test_effective_sample_size(rho: float) -> None:
    x = autoregressive(rho)
    expected = x.size * (1 - rho) / (1 + rho)
    assert chains.effective_sample_size(x) == pytest.approx(expected, rel=0.15)
    assert chains.bulk_ess(x) == pytest.approx(expected, rel=0.15)


def test_agreeing_chains_have_r_hat_near_one() -> None:
    assert chains.r_hat(autoregressive(0.5)) == pytest.approx(1, abs=0.01)


def test_chains_in_different_places_are_seen() -> None:
    x = autoregressive(0.0)
    x[0] += 3
    assert chains.r_hat(x) > 1.2


def test_chains_of_different_spread_are_seen_although_their_means_agree() -> None:
    x = autoregressive(0.0)
    x[:4] *= 5
    assert chains.r_hat(x) > 1.1


def test_a_drifting_chain_is_seen_although_chains_agree() -> None:
    x = autoregressive(0.0) + np.linspace(-2, 2, 4000)
    assert chains.r_hat(x) > 1.2


def test_rank_normalised_r_hat_of_cauchy_draws_is_near_one() -> None:
    x = np.random.default_rng(0).standard_cauchy((8, 2000))
    assert chains.r_hat(x) == pytest.approx(1, abs=0.01)


def test_constant_chains() -> None:
    assert chains.r_hat(np.ones((4, 10))) == 1
    assert chains.r_hat(np.arange(4.0)[:, None] * np.ones((4, 10))) == math.inf


def test_standard_error_covers_the_mean() -> None:
    found = chains.summary(autoregressive(0.9, seed=3))
    assert abs(found.mean) < 4 * found.standard_error
    assert found.standard_deviation == pytest.approx(1, rel=0.05)
    assert 0 < found.tail_ess < 8 * 4000
    assert "R-hat 1.00" in str(found)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (0, 10)])
def test_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="at least 4 draws"):
        chains.summary(np.zeros(shape))


def test_against_arviz() -> None:
    arviz = pytest.importorskip("arviz")
    x = autoregressive(0.7, draws=999)
    assert chains.r_hat(x) == pytest.approx(float(arviz.rhat(x)), rel=1e-6)
    assert chains.bulk_ess(x) == pytest.approx(float(arviz.ess(x, method="bulk")), rel=0.02)
