"""The benchmarks' own claims: both sides of each compute the same, and timing reports a ratio the right way round."""

import time

import pytest

import gencompiler
from gencompiler.testing.strategies import Perturbation
from tests.benchmarks import chain, made, nade, timing, wavenet


def test_the_ratio_is_above_one_when_ours_is_faster() -> None:
    found = timing.compare("sleep", lambda: time.sleep(0.001), lambda: time.sleep(0.004), rounds=3)
    assert 2 < found.ratio < 6
    assert found.low <= found.ratio <= found.high
    assert found.ours < found.peer


def test_both_nades_are_one() -> None:
    model = Perturbation(0.3, 0).apply(gencompiler.compile(nade.SPEC, D=12, H=7)())
    nade.check_equal(model, 12)
    with pytest.raises(AssertionError, match="not the same"):
        nade.check_equal(Shifted(model), 12)


@pytest.mark.parametrize("hidden", [7, 30])
def test_both_mades_are_one(hidden: int) -> None:
    model = Perturbation(0.3, 0).apply(gencompiler.compile(made.SPEC, D=12, H=hidden)())
    made.check_equal(model, 12)
    with pytest.raises(AssertionError, match="not the same"):
        made.check_equal(Shifted(model), 12)


def test_both_wavenets_are_one() -> None:
    model = Perturbation(0.3, 0).apply(gencompiler.compile(wavenet.SPEC, T=11, K=5, C=4, L=3)())
    wavenet.check_equal(model, 11)
    with pytest.raises(AssertionError, match="not the same"):
        wavenet.check_equal(Shifted(model), 11)


class Shifted:
    """A model whose sampler has other seeds than it says."""

    def __init__(self, model: object) -> None:
        self.model = model

    def __getattr__(self, name: str) -> object:
        return getattr(self.model, name)

    def sample(self, count: int, seed: int) -> object:
        return self.model.sample(count, seed=seed + 1)


def test_both_chains_are_one() -> None:
    chain.check_equal(gencompiler.compile(chain.SPEC, eps=chain.EPS)())
    with pytest.raises(AssertionError, match="not the same"):
        chain.check_equal(gencompiler.compile(chain.SPEC, eps=2 * chain.EPS)())


def test_both_flows_are_one() -> None:
    pytest.importorskip("zuko")
    from tests.benchmarks import realnvp

    model, peer = Perturbation(0.2, 0).apply(gencompiler.compile(realnvp.SPEC)()), realnvp.ZukoRealNVP()
    assert realnvp.largest_difference(model, peer) > 1e-3
    realnvp.copy_weights(model, peer)
    assert realnvp.largest_difference(model, peer) < 1e-8
