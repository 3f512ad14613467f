"""The statistical tests themselves: exact where they say so, silent under the null, and as powerful as they state."""

import itertools
import math

import pytest
import torch

from gencompiler.testing import statistics as st

ALPHA = 1e-6


def normal(count: int, seed: int) -> torch.Tensor:
    return torch.randn(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def uniform(count: int, seed: int) -> torch.Tensor:
    return torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_run_stays_below_one_false_alarm_in_a_million() -> None:
    assert st.TESTS_PER_RUN * st.TEST_FALSE_ALARM <= 1e-6 * (1 + 1e-12)


def test_binomial_tails_equal_enumeration() -> None:
    trials, probability = 7, 0.3
    for count in range(trials + 1):
        outcomes = [o for o in itertools.product((0, 1), repeat=trials) if sum(o) <= count]
        exact = sum(probability ** sum(o) * (1 - probability) ** (trials - sum(o)) for o in outcomes)
        lower, upper = st.binomial_tails(count, trials, probability)
        assert lower == pytest.approx(exact, rel=1e-10)
        below = st.binomial_tails(count - 1, trials, probability)[0] if count else 0.0
        assert upper == pytest.approx(1 - below, rel=1e-9)


@pytest.mark.parametrize(("count", "probability", "rejected"), [(0, 0.0, False), (1, 0.0, True), (9, 1.0, True)])
def test_an_impossible_count_rejects(count: int, probability: float, rejected: bool) -> None:
    assert st.binomial_test(count, 10, probability, ALPHA).rejected is rejected


def test_clopper_pearson_is_the_set_of_probabilities_not_rejected() -> None:
    lower, upper = st.clopper_pearson(30, 100, 0.01)
    assert lower < 0.3 < upper
    for probability, inside in (
        (lower - 1e-4, False),
        (lower + 1e-4, True),
        (upper - 1e-4, True),
        (upper + 1e-4, False),
    ):
        assert (min(st.binomial_tails(30, 100, probability)) > 0.005) is inside
    assert st.clopper_pearson(0, 50, 0.05)[0] == 0.0
    assert st.clopper_pearson(50, 50, 0.05)[1] == 1.0


def test_hoeffding_rejects_at_the_stated_size_and_not_under_the_null() -> None:
    effect, power = 0.03, 0.999
    count = st.required_samples(effect, ALPHA, power)
    for seed in range(20):
        values = uniform(count, seed)
        assert not st.hoeffding_test(values, 0.5, 0, 1, ALPHA).rejected
        assert st.hoeffding_test((values < 0.5 + effect).double(), 0.5, 0, 1, ALPHA).rejected


def test_hoeffding_radius_covers_at_its_rate() -> None:
    """At alpha = 0.05 the bound is seen to be conservative: at most 5% of 2,000 means leave the radius."""
    means = (uniform(2000 * 50, 3) < 0.5).double().reshape(2000, 50).mean(1)
    assert ((means - 0.5).abs() >= st.hoeffding_radius(50, 0.05)).double().mean() <= 0.05


def test_required_samples_grows_as_it_should() -> None:
    base = st.required_samples(0.1, ALPHA, 0.99)
    assert st.required_samples(0.05, ALPHA, 0.99) == pytest.approx(4 * base, rel=0.01)
    assert st.required_samples(0.1, ALPHA, 0.99, width=2) == pytest.approx(4 * base, rel=0.01)
    assert st.required_samples(0.1, ALPHA / 1000, 0.99) > base
    assert st.required_samples(0.1, ALPHA, 0.999) > base


def test_the_wealth_of_a_bet_is_at_most_one_in_expectation() -> None:
    """Over 4,000 tests of a true hypothesis, wealth reaches 20 in at most 1/20 of them (Markov at alpha = 0.05)."""
    values = (2 * uniform(4000 * 80, 5) - 1).reshape(4000, 80, 1)
    rejections = sum(st.betting_test(v, 0.05).rejected for v in values)
    assert rejections <= 200


def test_a_bet_sees_a_small_shift_where_hoeffding_needs_far_more() -> None:
    mean, spread = 0.004, 0.05
    count = st.required_bets(mean, spread**2, ALPHA, 0.999)
    assert count < st.required_samples(mean, ALPHA, 0.999, width=2) / 50
    for seed in range(30):
        values = (spread * normal(count, seed) + mean).clamp(-1, 1)[:, None]
        assert st.betting_test(values, ALPHA).rejected
        assert st.betting_test(-values, ALPHA).rejected
        assert not st.betting_test(values - mean, ALPHA).rejected


def test_a_bettor_names_the_column_that_is_wrong() -> None:
    values = torch.stack([0.3 * normal(8000, i).clamp(-3, 3) for i in range(5)], 1)
    assert not st.betting_test(values, ALPHA).rejected
    values[:, 3] += 0.05
    outcome = st.betting_test(values, ALPHA, "abcde")
    assert outcome.rejected
    assert "from d, whose mean" in outcome.detail
    assert st.most_promising(values, 1) == [3]


@pytest.mark.parametrize("bad", [1.5, -1.01, math.nan])
def test_a_statistic_that_leaves_its_bounds_is_an_error(bad: float) -> None:
    values = torch.zeros(4, 1)
    values[2, 0] = bad
    with pytest.raises(AssertionError, match="bounded statistic"):
        st.betting_test(values, ALPHA)


def test_no_samples_is_a_misuse() -> None:
    with pytest.raises(ValueError, match="needs samples"):
        st.hoeffding_test(torch.zeros(0), 0, 0, 1, ALPHA)


def counts(values: torch.Tensor, probabilities: torch.Tensor) -> torch.Tensor:
    cells = torch.searchsorted(probabilities.cumsum(0), values).clamp_max(len(probabilities) - 1)
    return torch.bincount(cells, minlength=len(probabilities))


def test_multinomial_sees_five_percent_and_nothing_else() -> None:
    exact = torch.tensor([0.4, 0.3, 0.2, 0.1], dtype=torch.float64)
    wrong = torch.tensor([0.4, 0.25, 0.2, 0.15], dtype=torch.float64)
    for seed in range(20):
        pilot, fresh = uniform(4000, seed), uniform(4000, 50 + seed)
        assert not st.multinomial_test(counts(pilot, exact), counts(fresh, exact), exact, ALPHA).rejected
        assert st.multinomial_test(counts(pilot, wrong), counts(fresh, wrong), exact, ALPHA).rejected


def test_multinomial_rejects_a_draw_of_mass_zero() -> None:
    exact = torch.tensor([0.5, 0.5, 0.0])
    assert st.multinomial_test(torch.tensor([5, 5, 0]), torch.tensor([5, 4, 1]), exact, ALPHA).rejected


def test_multinomial_false_alarms_at_a_visible_rate() -> None:
    exact = torch.full((6,), 1 / 6, dtype=torch.float64)
    rejections = 0
    for seed in range(1000):
        pilot, fresh = uniform(60, 2 * seed), uniform(60, 2 * seed + 1)
        rejections += st.multinomial_test(counts(pilot, exact), counts(fresh, exact), exact, 0.05).rejected
    assert rejections <= 50


def test_cdf_distance_equals_its_definition_and_sees_a_scale() -> None:
    few = torch.tensor([0.1, 0.4, 0.45], dtype=torch.float64)
    assert st.cdf_test(few, ALPHA).statistic == pytest.approx(max(1 - 0.45, 0.4 - 1 / 3, 0.1))
    for seed in range(10):
        sample = normal(60_000, seed)
        assert not st.cdf_test(torch.special.ndtr(sample), ALPHA).rejected
        assert st.cdf_test(torch.special.ndtr(1.06 * sample), ALPHA).rejected


def test_an_outcome_names_what_it_rejects() -> None:
    outcome = st.Outcome("a test", math.nan, 1.0, 10, 1e-9, "the place")
    with pytest.raises(AssertionError, match=r"the claim: a test gives nan .* 10 samples .* the place"):
        outcome.require("the claim")
    st.Outcome("a test", 0.5, 1.0, 10, 1e-9).require("the claim")
