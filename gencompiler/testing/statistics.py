"""Statistical tests that are exact or bounded, so that a stated false-alarm rate is a theorem and not a hope.

Every test here holds at any sample size, for independent samples: none rests on a normal approximation.

| test | statistic | source |
|---|---|---|
| `hoeffding_test` | mean of bounded values | Hoeffding, JASA 1963, theorem 2 |
| `betting_test` | wealth of a bet on bounded values of mean zero | Waudby-Smith & Ramdas, JRSS B 2024 |
| `binomial_test`, `clopper_pearson` | count of an event | Clopper & Pearson, Biometrika 1934 |
| `multinomial_test` | likelihood ratio, split | Wasserman, Ramdas & Balakrishnan, PNAS 2020 |
| `cdf_test` | largest distance of the empirical from the exact CDF | Massart, Annals of Probability 1990 |

A run of the property suite makes at most `TESTS_PER_RUN` statistical tests at `TEST_FALSE_ALARM` each, so by the union
bound a correct compiler sees a false alarm in at most one of 1 / `RUN_FALSE_ALARM` runs; and since seeds are fixed, a
run that passes passes again.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

import torch
from torch import Tensor

#: Probability that a whole run reports an error where there is none.
RUN_FALSE_ALARM = 1e-6

#: The number of statistical tests that share `RUN_FALSE_ALARM`.
TESTS_PER_RUN = 500

#: The false-alarm rate of one test (Bonferroni).
TEST_FALSE_ALARM = RUN_FALSE_ALARM / TESTS_PER_RUN

#: Fractions of its wealth that a bettor stakes, on either side; below 1 in size, so that wealth stays positive.
_STAKES = tuple(sign * 0.5**power for power in range(1, 8) for sign in (1, -1))


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a test found: it rejects when `statistic` reaches `threshold`; `alpha` bounds its false-alarm rate."""

    test: str
    statistic: float
    threshold: float
    samples: int
    alpha: float
    detail: str = ""

    @property
    def rejected(self) -> bool:
        """Whether the hypothesis that all is well is rejected; a NaN statistic rejects."""
        return not self.statistic < self.threshold

    def require(self, claim: str) -> None:
        """Raise AssertionError, naming `claim`, when the test rejects."""
        if self.rejected:
            detail = f"; {self.detail}" if self.detail else ""
            raise AssertionError(
                f"{claim}: {self.test} gives {self.statistic:.4g} where less than {self.threshold:.4g} is expected, "
                f"from {self.samples} samples at false-alarm rate {self.alpha:.1e}{detail}"
            )


#: Two statistics whose correlation exceeds this are taken for one.
_ALIKE = 0.8

# -- means of bounded values -----------------------------------------------------------------------------------------


def hoeffding_radius(samples: int, alpha: float, width: float = 1.0) -> float:
    """The t with P(|mean - expectation| >= t) <= alpha for `samples` independent values in a range of `width`."""
    return width * math.sqrt(math.log(2 / alpha) / (2 * samples))


def required_samples(effect: float, alpha: float, power: float, width: float = 1.0) -> int:
    """How many samples `hoeffding_test` needs to see a mean off by `effect` with probability at least `power`.

    Rejection fails only when the empirical mean falls short of its expectation by effect - radius, which Hoeffding's
    one-sided bound makes rarer than 1 - power.
    """
    deviation = math.sqrt(math.log(2 / alpha) / 2) + math.sqrt(math.log(1 / (1 - power)) / 2)
    return math.ceil((width * deviation / effect) ** 2)


def hoeffding_test(values: Tensor, expected: float, lower: float, upper: float, alpha: float) -> Outcome:
    """Whether the mean of `values` `[n]`, each in [lower, upper], is `expected`."""
    _require_range(values, lower, upper)
    count = values.numel()
    distance = abs(values.double().mean().item() - expected)
    return Outcome("Hoeffding's test", distance, hoeffding_radius(count, alpha, upper - lower), count, alpha)


def betting_test(values: Tensor, alpha: float, names: Sequence[str] = ()) -> Outcome:
    """Whether every column of `values` `[n, k]`, independent rows in [-1, 1], has mean zero.

    The wealth prod(1 + b d_i) of staking the fraction b on a column has expectation 1 where its mean is zero, and so
    has the average over `_STAKES` and all columns: by Markov's inequality that average reaches 1/alpha with probability
    at most alpha.  The statistic is its log; a column more costs log(k + 1) - log(k).
    """
    _require_range(values, -1, 1)
    values = values.double()
    wealth = torch.stack([torch.log1p(stake * values).sum(0) for stake in _STAKES])
    statistic = (torch.logsumexp(wealth.flatten(), 0) - math.log(wealth.numel())).item()
    column = int(wealth.amax(0).argmax())
    name = names[column] if names else f"column {column}"
    detail = f"most of it from {name}, whose mean is {values[:, column].mean().item():.3g}"
    return Outcome("the log wealth of a bettor", statistic, math.log(1 / alpha), len(values), alpha, detail)


def most_promising(pilot: Tensor, count: int) -> list[int]:
    """At most `count` columns of `pilot` `[m, k]` with means many standard errors from zero, no two of them much alike.

    However they were chosen, a test of them on values independent of the pilot keeps its false-alarm rate: so any
    number of statistics may compete here at no cost."""
    unit = pilot.double() / pilot.double().norm(dim=0).clamp_min(1e-30)
    signal = unit.sum(0).abs()
    chosen: list[int] = []
    for column in signal.argsort(descending=True).tolist():
        likeness = (unit[:, chosen].T @ unit[:, column]).abs()
        if len(chosen) < count and not bool((likeness > _ALIKE).any()):
            chosen.append(column)
    return chosen


def required_bets(mean: float, variance: float, alpha: float, power: float, columns: int = 1) -> int:
    """About how many samples `betting_test` needs for a column of this mean and variance, among `columns`.

    For a small mean the log wealth of the best stake is about Normal(s^2 / 2, s) with s^2 = n mean^2 / variance, of
    which a stake within sqrt(2) of it keeps 0.83; this solves 0.83 s^2 / 2 - z s = log(stakes columns / alpha) for n, z
    the quantile of `power`.  A guide to sizes: the false-alarm rate of the test does not rest on it.
    """
    quantile = NormalDist().inv_cdf(power)
    needed = math.log(len(_STAKES) * columns / alpha)
    signal = (quantile + math.sqrt(quantile**2 + 2 * 0.83 * needed)) / 0.83
    return math.ceil(signal**2 * variance / mean**2)


def _require_range(values: Tensor, lower: float, upper: float) -> None:
    if values.numel() == 0:
        raise ValueError("a statistical test needs samples")
    if not bool(((values >= lower) & (values <= upper)).all()):
        raise AssertionError(f"a bounded statistic left [{lower}, {upper}] (or is NaN)")


# -- counts ----------------------------------------------------------------------------------------------------------


def binomial_tails(count: int, trials: int, probability: float) -> tuple[float, float]:
    """(P(X <= count), P(X >= count)) for X ~ Binomial(trials, probability), summed exactly in float64."""
    if probability <= 0 or probability >= 1:
        certain = 0 if probability <= 0 else trials
        return float(count >= certain), float(count <= certain)
    k = torch.arange(trials + 1, dtype=torch.float64)
    n = torch.tensor(float(trials), dtype=torch.float64)
    log_mass = torch.lgamma(n + 1) - torch.lgamma(k + 1) - torch.lgamma(n - k + 1)
    log_mass = log_mass + k * math.log(probability) + (n - k) * math.log1p(-probability)
    lower = torch.logsumexp(log_mass[: count + 1], 0).exp().item()
    upper = torch.logsumexp(log_mass[count:], 0).exp().item()
    return min(lower, 1.0), min(upper, 1.0)


def binomial_test(count: int, trials: int, probability: float, alpha: float) -> Outcome:
    """Whether an event seen `count` times in `trials` has this probability; the statistic is -log of its p-value."""
    p_value = min(1.0, 2 * min(binomial_tails(count, trials, probability)))
    surprise = -math.log(p_value) if p_value > 0 else math.inf
    detail = f"{count} of {trials} where the probability is {probability:.6g}"
    return Outcome("the exact binomial test", surprise, math.log(1 / alpha), trials, alpha, detail)


def clopper_pearson(count: int, trials: int, alpha: float) -> tuple[float, float]:
    """An interval that covers the probability of an event seen `count` times in `trials`, with confidence 1 - alpha."""
    lower, upper = 0.0, 1.0
    if count > 0:
        lower = _bisect(lambda p: binomial_tails(count, trials, p)[1] < alpha / 2)
    if count < trials:
        upper = _bisect(lambda p: binomial_tails(count, trials, p)[0] >= alpha / 2)
    return lower, upper


def _bisect(below: Callable[[float], bool]) -> float:
    """The place in (0, 1) where the predicate `below` turns from true to false."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return (low + high) / 2


def multinomial_test(pilot: Tensor, fresh: Tensor, probabilities: Tensor, alpha: float, slack: float = 0.0) -> Outcome:
    """Whether independent draws from a finite set follow `probabilities` `[k]`; `pilot` and `fresh` `[k]` are counts.

    The split likelihood ratio prod q(x_i) / p(x_i) over the fresh draws, q being any distribution that does not depend
    on them, has expectation 1 under p: by Markov's inequality it reaches 1/alpha with probability at most alpha.
    Here q is the pilot's frequencies shrunk towards p, which costs little where the pilot is small and nothing in
    validity.  `slack` is added to the threshold: what errors of `probabilities` themselves may contribute.
    """
    probabilities = probabilities.double()
    total = int(fresh.sum())
    threshold = math.log(1 / alpha) + slack
    weight = float(pilot.sum()) / (float(pilot.sum()) + len(probabilities))
    estimate = weight * pilot.double() / max(float(pilot.sum()), 1.0) + (1 - weight) * probabilities
    seen = fresh > 0
    if bool((probabilities[seen] <= 0).any()):
        return Outcome("the split likelihood ratio", math.inf, threshold, total, alpha, "a draw of mass 0")
    evidence = (fresh[seen] * (estimate[seen] / probabilities[seen]).log()).sum().item()
    return Outcome("the split likelihood ratio", evidence, threshold, total, alpha)


# -- distribution functions ------------------------------------------------------------------------------------------


def dkw_radius(samples: int, alpha: float) -> float:
    """The t with P(sup |F_n - F| >= t) <= alpha (Dvoretzky-Kiefer-Wolfowitz inequality, Massart's constant)."""
    return math.sqrt(math.log(2 / alpha) / (2 * samples))


def cdf_test(cdf_at_samples: Tensor, alpha: float, slack: float = 0.0) -> Outcome:
    """Whether samples follow the CDF whose values at them are `cdf_at_samples` `[n]`.

    `slack` bounds the error of those values (quadrature), and is added to the threshold.
    """
    values = cdf_at_samples.double().sort().values
    count = len(values)
    steps = torch.arange(count + 1, dtype=torch.float64) / count
    distance = torch.maximum((steps[1:] - values).max(), (values - steps[:-1]).max()).item()
    return Outcome("the largest CDF distance", distance, dkw_radius(count, alpha) + slack, count, alpha)
