"""Annealing against exact constants: both bounds, the identity between the two directions, resampling, decoders.

Weights w of runs forwards, from the start of a path, and backwards, from exact draws of its end, are tied by
E_F[s(log w - log Z)] = E_B[s(log Z - log w)], s the sigmoid, as w / Z is the ratio of the laws of the two directions.
Both sides are means of numbers in [0, 1], so by Hoeffding's inequality they differ by more than sqrt(log(2 / 1e-6) / n)
with probability at most 1e-6; seeds are fixed, and a planted error is seen.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor

import gencompiler
from gencompiler.runtime import annealing
from gencompiler.runtime.errors import RunError

RISK = 1e-6
#: Runs in each direction.
ROWS = 8_000

RBM = """model RBM(D = 6, H = 5) {
  observed x : Binary[D]
  latent   h : Binary[H]
  param W : Real[D, H], b : Real[D], c : Real[H]
  p(x, h) ∝ exp(b @ x + c @ h + x @ W @ h)
  density path(x, h | t : Interval(0, 1)) ∝ p(x, h)^t
  transition sweep(x', h' | x, h, t : Interval(0, 1)) { h' ~ path(h | x, t)   x' ~ path(x | h', t) }
  evaluate ais(path, sweep)
}
"""
GAUSSIAN = """model Gaussian(D = 3) {
  observed x : Real[D]
  p(x) ∝ exp(-2 * sum((x - 1)^2))
  density path(x | t : Interval(0, 1)) ∝ Normal(x | 0, 1)^(1 - t) * p(x)^t
  transition mala(x' | x, t : Interval(0, 1)) {
    y ~ Normal(x + 0.1 * grad(log path)(x | t), sqrt(0.2))
    x' = metropolis(y, target = path)
  }
  evaluate ais(path, mala)
}
"""
DECODER = """model Decoder(D = 3, Z = 2) {
  observed x : Real[D]
  latent   z : Real[Z]
  p(z)     = Normal(0, 1)
  p(x | z) = Normal(linear(z), 0.5)
  density path(z | x, t : Interval(0, 1)) ∝ p(z) * p(x | z)^t
  transition mala(z' | z, x, t : Interval(0, 1)) {
    y ~ Normal(z + 0.05 * grad(log path)(z | x, t), sqrt(0.1))
    z' = metropolis(y, target = path)
  }
  evaluate bdmc(path, mala)
  evaluate smc(path, mala)
}
"""


@functools.cache
def rbm() -> tuple[Any, float, tuple[Tensor, Tensor]]:
    """A machine with strong weights, its log Z by enumeration, and 20,000 exact draws."""
    model = gencompiler.compile(RBM)(seed=0)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(2 * torch.randn(parameter.shape, generator=generator))
        weights, b, c = (model.value(name).double() for name in ("W", "b", "c"))
    states = torch.tensor(list(itertools.product([0, 1], repeat=6)), dtype=torch.float64)
    free = states @ b + torch.nn.functional.softplus(states @ weights + c).sum(1)
    x = states[torch.multinomial(free.detach().softmax(0), ROWS, replacement=True, generator=generator)]
    h = torch.bernoulli(torch.sigmoid(x @ weights + c).detach(), generator=generator)
    return model, float(free.detach().logsumexp(0)), (x, h)


def difference(forward: Tensor, backward: Tensor, log_z: float) -> float:
    """Of the two sides of the identity; `backward` are log of weights with mean 1 / Z."""
    return float(torch.sigmoid(forward - log_z).mean() - torch.sigmoid(log_z + backward).mean())


def allowed(count: int) -> float:
    return math.sqrt(math.log(2 / RISK) / count)


def test_both_directions_of_a_machine_agree_on_its_constant() -> None:
    model, log_z, exact = rbm()
    forward = model.ais(particles=ROWS, steps=20)
    backward = model.reverse_ais(*exact, steps=20)
    assert abs(difference(forward.log_weights, backward.log_weights, log_z)) < allowed(ROWS)
    assert abs(difference(forward.log_weights, backward.log_weights, log_z + 0.3)) > allowed(ROWS)
    assert float(forward.at(RISK)[0]) <= log_z <= float(backward.at(RISK)[0])
    assert abs(float(forward.log_z[0]) - log_z) < 6 * float(forward.standard_error[0])
    assert abs(float(backward.log_z[0]) - log_z) < 6 * float(backward.standard_error[0])


def test_draws_that_are_not_exact_are_seen() -> None:
    """Uniform ones in place of the machine's: the bound is then none, as `reverse_ais` says."""
    model, log_z, exact = rbm()
    forward = model.ais(particles=ROWS, steps=2)
    right = model.reverse_ais(*exact, steps=2)
    wrong = model.reverse_ais(*((torch.rand_like(each) < 0.5).double() for each in exact), steps=2)
    assert abs(difference(forward.log_weights, right.log_weights, log_z)) < allowed(ROWS)
    assert abs(difference(forward.log_weights, wrong.log_weights, log_z)) > allowed(ROWS)


def test_a_gaussian_has_its_constant() -> None:
    model = gencompiler.compile(GAUSSIAN)()
    log_z = 1.5 * math.log(math.pi / 2)
    exact = 1 + 0.5 * torch.randn(5_000, 3, generator=torch.Generator().manual_seed(0))
    forward, backward = model.ais(particles=5_000, steps=40), model.reverse_ais(exact, steps=40)
    assert abs(difference(forward.log_weights, backward.log_weights, log_z)) < allowed(5_000)
    assert abs(difference(forward.log_weights, backward.log_weights, log_z + 0.3)) > allowed(5_000)
    assert 0.5 < forward.acceptance < 1
    assert float(forward.effective_size[0]) < 5_000


ISING = """model Ising(D = 4) {
  observed x : Binary[D]
  param W : Real[D, D]
  p(x) ∝ exp(sum(for i, j in 0..i: W[i, j] * x[i] * x[j]) - 2 * sum(for i: W[i, i] * x[i]))
  density path(x | t : Interval(0, 1)) ∝ p(x)^t
  transition site(x' | x, i : Integer(0..4), t : Interval(0, 1)) { x'[i] ~ path(x[i] | x[!=i], t) }
  transition sweep(x' | x, t : Interval(0, 1)) = repeat(i in D) { site(i = i, t = t) }
  evaluate ais(path, sweep)
}
"""


def test_a_sweep_over_sites_is_undone_from_its_end() -> None:
    """That the order is turned round is proved, and tested beside the proof; here, that the run counts down."""
    model = gencompiler.compile(ISING)()
    with torch.no_grad():
        model.W.copy_(4 * torch.randn(4, 4, generator=torch.Generator().manual_seed(3)).double())
    states = torch.tensor(list(itertools.product([0, 1], repeat=4)))
    log_mass = -model.energy(states).detach().double()
    generator = torch.Generator().manual_seed(1)
    exact = states[torch.multinomial(log_mass.softmax(0), ROWS, replacement=True, generator=generator)]
    log_z = float(log_mass.logsumexp(0))
    forward, backward = model.ais(particles=ROWS, steps=3), model.reverse_ais(exact, steps=3)
    assert abs(difference(forward.log_weights, backward.log_weights, log_z)) < allowed(ROWS)
    assert abs(difference(forward.log_weights, backward.log_weights, log_z + 0.5)) > allowed(ROWS)


SEVERAL = """model Several(D = 3) {
  observed x : Real[D]
  p(x) ∝ exp(-2 * sum((x - 1)^2))
  density narrow(x | t : Interval(0, 1)) ∝ Normal(x | 0, 1)^(1 - t) * p(x)^t
  density wide(x | t : Interval(0, 1)) ∝ (2 * Normal(x | 0, 3))^(1 - t) * p(x)^t
  transition walk(x' | x, t : Interval(0, 1)) { y ~ Normal(x, 0.5)  x' = metropolis(y, target = narrow) }
  transition leap(x' | x, t : Interval(0, 1)) { y ~ Normal(x, 1)  x' = metropolis(y, target = narrow) }
  transition far(x' | x, t : Interval(0, 1)) { y ~ Normal(x, 0.5)  x' = metropolis(y, target = wide) }
  evaluate ais(narrow, walk, particles = 2000, steps = 40)
  evaluate ais(narrow, leap, particles = 2000, steps = 20)
  evaluate smc(wide, far, particles = 500, steps = 60)
}
"""


def test_each_of_several_paths_has_its_own_estimate() -> None:
    """Every one is of the same constant, in both directions, although they start at different masses."""
    model = gencompiler.compile(SEVERAL)()
    log_z = 1.5 * math.log(math.pi / 2)
    exact = 1 + 0.5 * torch.randn(2_000, 3, generator=torch.Generator().manual_seed(0))
    asked = annealing.estimated(model, None)
    assert list(asked) == [("ais", "narrow_walk"), ("ais", "narrow_leap"), ("smc", "wide")]
    for each in asked.values():
        assert isinstance(each, annealing.Estimate)
        assert abs(float(each.log_z[0]) - log_z) < 6 * float(each.standard_error[0])
    assert torch.equal(model.ais_narrow_leap().log_weights, asked["ais", "narrow_leap"].log_weights)
    assert not torch.equal(model.ais(steps=20).log_weights, asked["ais", "narrow_leap"].log_weights)
    forward, backward = model.ais_wide(particles=2_000, steps=60), model.reverse_ais_wide(exact, steps=60)
    assert abs(difference(forward.log_weights, backward.log_weights, log_z)) < allowed(2_000)
    assert abs(difference(forward.log_weights, backward.log_weights, log_z + 1)) > allowed(2_000)
    assert "smc along wide: log Z >=" in annealing.words(model, None)


DEFAULTS = {
    "bits": (
        RBM.partition("  density path")[0]
        + "  transition sweep(x', h' | x, h) { h' ~ p(h | x)   x' ~ p(x | h') }\n  evaluate ais(sweep, particles = 2000, steps = 30)\n}"
    ),
    "quartic": (
        "model Quartic { observed x : Real  p(x) ∝ exp(-x^4)"
        "  transition walk(x' | x, s : Positive = 0.5) { y ~ Normal(x, s)  x' = metropolis(y) }"
        "  sample chain(walk, s = 0.7)  evaluate smc(particles = 2000, steps = 30) }"
    ),
    "positive": (
        "model Half { observed x : Positive  p(x) ∝ x * exp(-x^2)"
        "  transition walk(x' | x) { y ~ LogNormal(log(x), 1)  x' = metropolis(y) }"
        "  evaluate ais(walk, start = Gamma(1, 1), particles = 2000, steps = 30) }"
    ),
    "hamiltonian": (
        "model Bowl { observed x : Real  latent v : Real  p(x, v) ∝ exp(-x^4 - v^2 / 2)"
        "  bijection leap(x : Real, v : Real) -> (Real, Real) = (y, w - 0.4 * y^3)"
        "  where { w = v - 0.4 * x^3  y = x + 0.2 * w }"
        "  bijection flip(x : Real, v : Real) -> (Real, Real) = (x, -v)"
        "  transition refresh(x', v' | x, v) { v' ~ p(v) }"
        "  transition move(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap } |> flip  x', v' = metropolis(y, w) }"
        "  transition hmc = refresh |> move  sample chain(hmc)  evaluate ais(particles = 2000, steps = 30) }"
    ),
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_path_by_default_finds_the_constant(name: str) -> None:
    """From uniform bits, a normal law or what is named, by transitions that a spec states for `p`."""
    model = gencompiler.compile(DEFAULTS[name])(seed=0)
    quartic = math.log(2 * math.gamma(1.25))
    if name == "bits":
        generator = torch.Generator().manual_seed(5)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(2 * torch.randn(parameter.shape, generator=generator))
        exact = model.log_z()
    else:
        half = 0.5 * math.log(2 * math.pi)
        exact = {"quartic": quartic, "positive": -math.log(2), "hamiltonian": quartic + half}[name]
    ((_, found),) = annealing.estimated(model, None).items()
    assert isinstance(found, annealing.Estimate)
    assert float(found.standard_error[0]) < 0.05
    assert abs(float(found.log_z[0]) - exact) < 6 * float(found.standard_error[0])


def test_tempering_resamples_and_stays_unbiased() -> None:
    """Of an average over runs of Z / Z, and its standard error; a path of few steps, where particles degenerate."""
    model, log_z, _ = rbm()
    found = model.smc(particles=200, steps=10, runs=200, threshold=0.9)
    ratios = (found.log_weights[0] - log_z).exp()
    error = float(ratios.std()) / math.sqrt(len(ratios))
    assert error < 0.05
    assert abs(float(ratios.mean()) - 1) < 6 * error
    plain = model.smc(particles=200, steps=10, runs=200, threshold=0.0)
    assert not torch.equal(plain.log_weights, found.log_weights)


def test_systematic_resampling_rounds_the_expected_numbers() -> None:
    log_weights = torch.randn(7, 50, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    chosen = torch.tensor([True, False] * 3 + [True])
    ancestors = annealing.systematic(log_weights, chosen, seed=3, step=5).reshape(7, 50)
    for group in range(7):
        counts = torch.bincount(ancestors[group] - 50 * group, minlength=50).double()
        if not chosen[group]:
            assert torch.equal(counts, torch.ones(50, dtype=torch.float64))
            continue
        expected = 50 * log_weights[group].softmax(0)
        assert bool(((counts - expected).abs() < 1).all())


@pytest.fixture(scope="module")
def decoder() -> Any:
    return gencompiler.compile(DECODER)(seed=1)


def exact_log_prob(model: Any, x: Tensor) -> Tensor:
    """x ~ Normal(b, W W' + 0.25)."""
    with torch.no_grad():
        weight, bias = (p.double() for p in sorted(model.parameters(), key=lambda p: -p.dim()))
        covariance = weight @ weight.T + 0.25 * torch.eye(3, dtype=torch.float64)
    return torch.distributions.MultivariateNormal(bias, covariance).log_prob(x.double())


def test_a_decoder_is_bounded_on_both_sides(decoder: Any) -> None:
    x = decoder.sample(8, seed=4)
    exact = exact_log_prob(decoder, x)
    lower = decoder.ais(x, particles=200, steps=50)
    assert lower.log_z.shape == (8,)
    assert bool((lower.at(RISK / 8) <= exact).all())
    assert bool(((lower.log_z - exact).abs() < 6 * lower.standard_error).all())
    tempered = decoder.smc(x, particles=50, steps=50)
    assert bool(((tempered.log_z - exact).abs() < 6 * tempered.standard_error + 0.05).all())
    both = decoder.bdmc(64, particles=50, steps=50)
    assert abs(float(both.gap.mean())) < 0.1
    one = decoder.bdmc(64, particles=1, steps=1)
    assert float(one.gap.mean()) > 0.5


def test_the_number_of_rows_changes_no_row(decoder: Any) -> None:
    x = decoder.sample(6, seed=4)
    whole, part = (decoder.ais(x[:n], particles=16, steps=5).log_weights for n in (6, 2))
    assert torch.equal(whole[:2], part)


def test_what_is_not_there_is_said(decoder: Any) -> None:
    model, _, _ = rbm()
    with pytest.raises(RunError, match="exact draws"):
        annealing.bdmc(model, 4, particles=2, steps=2)
    with pytest.raises(RunError, match="conditioned on `x`"):
        annealing.ais(decoder, particles=2, steps=2)
    with pytest.raises(RunError, match="start at 1"):
        model.ais(particles=0)
