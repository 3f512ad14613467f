"""The benchmarks' own claims: both sides of each compute the same, and timing reports a ratio the right way round."""

import time

import pytest
import torch

import gencompiler
from gencompiler.runtime import named
from gencompiler.testing.strategies import Perturbation
from tests.benchmarks import chain, diffusion, made, nade, samplers, table, timing, wavenet


def test_the_ratio_is_above_one_when_ours_is_faster() -> None:
    found = timing.compare("spin", lambda: spin(0.001), lambda: spin(0.004), rounds=3)
    assert 2 < found.ratio < 6
    assert found.low <= found.ratio <= found.high
    assert found.ours < found.peer


def spin(seconds: float) -> None:
    """Compute for so long, on either clock."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_a_table_has_a_row_for_each_peer() -> None:
    found = [
        timing.Comparison("a", 1.0, 3.0, 3.0, 2.9, 3.1, "zuko", 2.0, 1),
        timing.Comparison("a", 1.0, 3.0, 1.0, 0.2, 3.1, "zuko", 2.0, 2),
        timing.Comparison("b < c", 1.0, 0.5, 0.5, 0.4, 0.6, "plain torch", 0.0, 1),
    ]
    assert table.table(found).splitlines() == [
        "| what | peer | 1 thread | 2 threads | goal |",
        "|---|---|---|---|---|",
        "| a | zuko | 3.00 (2.90 to 3.10) | 1.00 (0.20 to 3.10), unstable | 2 |",
        "| b < c | plain torch | 0.50 (0.40 to 0.60) |  |  |",
    ]
    drawn = table.picture(found)
    assert drawn.count("<rect") == 3
    assert "b &lt; c (plain torch)" in drawn


@pytest.mark.slow
def test_both_diffusions_are_one() -> None:
    model = Perturbation(0.05, 0).apply(gencompiler.compile(diffusion.SPEC)())
    diffusion.check_equal(model, 20)
    with pytest.raises(AssertionError, match="not the same"):
        diffusion.check_equal(Shifted(model), 20)


@pytest.mark.slow
def test_masked_flows_are_one() -> None:
    pytest.importorskip("zuko")
    pytest.importorskip("nflows")
    pytest.importorskip("normflows")
    from tests.benchmarks import flows

    model = Perturbation(0.1, 0).apply(gencompiler.compile(flows.MAF)())
    for peer in (flows.zuko_maf(model), flows.nflows_maf(model), flows.normflows_maf(model)):
        flows.check_equal(model, peer, 64)
    other = flows.zuko_maf(Perturbation(0.1, 1).apply(type(model)()))
    with pytest.raises(AssertionError, match="not the same"):
        flows.check_equal(model, other, 64)


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


def test_pyros_made_is_ours() -> None:
    pytest.importorskip("pyro")
    model = Perturbation(0.3, 0).apply(gencompiler.compile(made.SPEC, D=12, H=30)())
    made.check_peer(model, made.pyro_network(model), 12)
    with pytest.raises(AssertionError, match="not the same"):
        made.check_peer(Shifted(model), made.pyro_network(model), 12)  # type: ignore[arg-type]


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


def test_both_annealings_are_one() -> None:
    model = samplers.machine_of(12, 5)
    samplers.check_equal(model, 300, 20)
    with pytest.raises(AssertionError, match="not the same"):
        samplers.check_equal(OtherMass(model), 300, 20)


class OtherMass:
    """A model whose weights are half as large again in the loop."""

    def __init__(self, model: object) -> None:
        self.model = model

    def __getattr__(self, name: str) -> object:
        return getattr(self.model, name)

    def value(self, name: str) -> object:
        return 1.5 * self.model.value(name)


def test_both_flows_are_one() -> None:
    pytest.importorskip("zuko")
    from tests.benchmarks import realnvp

    model, peer = Perturbation(0.2, 0).apply(gencompiler.compile(realnvp.SPEC)()), realnvp.ZukoRealNVP()
    assert realnvp.largest_difference(model, peer) > 1e-3
    realnvp.copy_weights(model, peer)
    assert realnvp.largest_difference(model, peer) < 1e-8


def test_the_grey_levels_of_both_flows_are_dequantized_alike() -> None:
    """Ours begins as the identity, and zuko's is one with weights of zero: normal logits, up to the noise of draws."""
    pytest.importorskip("zuko")
    from tests.benchmarks import likelihood

    task = likelihood.TASKS["digits"]
    model = likelihood.ours("realnvp", task, 1)()
    rows = torch.from_numpy(named.digits()[:256]).long()
    ours = likelihood.score(lambda x, draw: model.log_prob(x, seed=draw), task, rows)
    peer = likelihood.Peer("zuko", "realnvp", task)
    with torch.no_grad():
        for weight in peer.parameters():
            weight.zero_()
    torch.manual_seed(0)  # zuko's noise comes from the global generator, and rarely rounds to the end of a level
    theirs = likelihood.score(lambda x, draw: peer.log_prob(x.float()), task, rows)
    assert ours == pytest.approx(theirs, abs=0.05)
