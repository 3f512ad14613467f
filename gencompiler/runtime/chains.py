"""What chains are worth: effective sample size and R-hat.

Vehtari, Gelman, Simpson, Carpenter & Bürkner, *Rank-normalization, folding, and localization: an improved R-hat for
assessing convergence of MCMC*, Bayesian Analysis 2021; equation numbers are theirs.  Arrays are `[chains, draws]` of
one quantity.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Summary:
    """One quantity over all chains.  `bulk_ess` and `tail_ess` count independent draws of equal worth for the centre
    and for the 5% and 95% quantiles; `standard_error` is of the mean; `r_hat` near 1 (below 1.01) says the chains
    agree."""

    mean: float
    standard_deviation: float
    standard_error: float
    bulk_ess: float
    tail_ess: float
    r_hat: float

    def __str__(self) -> str:
        return (
            f"mean {self.mean:.4g} +- {self.standard_error:.2g}, sd {self.standard_deviation:.4g}, "
            f"ESS {self.bulk_ess:.0f} (bulk) {self.tail_ess:.0f} (tail), R-hat {self.r_hat:.3f}"
        )


def summary(draws: Array) -> Summary:
    """All of the above for `[chains, draws]`, at least 4 draws."""
    x = _checked(draws)
    deviation = float(x.std(ddof=1))
    size = effective_sample_size(x)
    return Summary(
        mean=float(x.mean()),
        standard_deviation=deviation,
        standard_error=deviation / float(np.sqrt(size)) if size > 0 else float("nan"),
        bulk_ess=bulk_ess(x),
        tail_ess=tail_ess(x),
        r_hat=r_hat(x),
    )


def r_hat(draws: Array) -> float:
    """The rank-normalised split R-hat: the larger of the bulk's and of the folded draws' (sections 4.1 and 4.2)."""
    x = _split(_checked(draws))
    folded = np.abs(x - np.median(x))
    return max(_plain_r_hat(_rank_normalized(x)), _plain_r_hat(_rank_normalized(folded)))


def bulk_ess(draws: Array) -> float:
    """ESS of the rank-normalised split chains (section 4.1)."""
    return _ess(_rank_normalized(_split(_checked(draws))))


def tail_ess(draws: Array) -> float:
    """The smaller ESS of the indicators of the 5% and the 95% quantile (section 4.3)."""
    x = _split(_checked(draws))
    low, high = np.quantile(x, [0.05, 0.95])
    return min(_ess((x <= low).astype(np.float64)), _ess((x <= high).astype(np.float64)))


def effective_sample_size(draws: Array) -> float:
    """ESS of the split chains, for the mean (eq. 10)."""
    return _ess(_split(_checked(draws)))


# -- pieces ----------------------------------------------------------------------------------------------------------


def _checked(draws: Array) -> Array:
    x = np.asarray(draws, dtype=np.float64)
    if x.ndim != 2 or x.shape[0] < 1 or x.shape[1] < 4:
        raise ValueError(f"draws are [chains, draws] with at least 4 draws, not {list(x.shape)}")
    return x


def _split(x: Array) -> Array:
    """Each chain's two halves as chains of their own; the middle draw of an odd number is left out."""
    half = x.shape[1] // 2
    return np.concatenate([x[:, :half], x[:, -half:]])


def _rank_normalized(x: Array) -> Array:
    """z = Phi^-1((r - 3/8) / (S + 1/4)), r the average rank among all S draws (eq. 14)."""
    _, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    rank = (last - (counts - 1) / 2)[inverse].reshape(x.shape)
    return _normal_quantile((rank - 0.375) / (x.size + 0.25))


def _normal_quantile(p: Array) -> Array:
    import torch

    return np.asarray(torch.special.ndtri(torch.from_numpy(p)).numpy(), dtype=np.float64)


def _plain_r_hat(x: Array) -> float:
    """sqrt(var+ / W) (eq. 1 to 4); 1 for constant draws that agree, inf for constant chains that differ."""
    chains, count = x.shape
    within = float(x.var(axis=1, ddof=1).mean())
    between = count * float(x.mean(axis=1).var(ddof=1)) if chains > 1 else 0.0
    if within == 0:
        return 1.0 if between == 0 else float("inf")
    return float(np.sqrt(((count - 1) / count * within + between / count) / within))


def _ess(x: Array) -> float:
    """S / tau with Geyer's initial monotone sequence over the combined autocorrelations (eq. 10 and 11)."""
    chains, count = x.shape
    total = chains * count
    covariance = _autocovariance(x)
    within = float((covariance[:, 0] * count / (count - 1)).mean())
    pooled = within * (count - 1) / count
    if chains > 1:
        pooled += float(x.mean(axis=1).var(ddof=1))
    if pooled == 0 or within == 0:
        return float(total) if pooled == 0 else float(chains)
    rho = 1 - (within - covariance.mean(axis=0)) / pooled
    rho[0] = 1.0
    pairs = rho[: count // 2 * 2].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs < 0)
    kept = pairs[: negative[0]] if len(negative) else pairs
    tau = -1 + 2 * float(np.minimum.accumulate(kept).sum())
    return float(total / max(tau, 1 / math.log10(total)))


def _autocovariance(x: Array) -> Array:
    """(1/n) sum_t (x_t - mean)(x_{t+k} - mean) of each chain, by the fast Fourier transform."""
    count = x.shape[1]
    centred = x - x.mean(axis=1, keepdims=True)
    size = 1 << (2 * count - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    return np.asarray(np.fft.irfft(spectrum * np.conj(spectrum), size)[:, :count] / count)
