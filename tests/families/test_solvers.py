"""Solvers of the reverse SDE and of the probability flow: measured orders, adaptive steps, churn, correctors.

Data is Normal(1, 1/2) and the score exact, so that what is measured is the solver alone; the reference of the flow is
its own map between Gaussians, x -> M(t) + sqrt(V(t) / V(1)) (x - M(1))."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import gencompiler
from gencompiler.catalog.solvers import SOLVERS
from gencompiler.diagnostics.model import CompileError
from tests.families.test_diffusion import MEAN, SCALE, compiled, density, is_the_data, moments

FLOW = "sample probability_flow(score, moved, steps = K, solver = {})"
REVERSE = "sample reverse_sde(score, moved, steps = K, solver = {})"


def exact(name: str, first: Tensor, t: float) -> Tensor:
    """Where the flow takes draws of the terminal law."""

    def law(time: float) -> tuple[float, float]:
        signal, variance = moments(name, time)
        return signal * MEAN, math.sqrt(signal**2 * SCALE**2 + variance)

    (m, s), (n, r) = law(1.0), law(t)
    return n + r / s * (first - m)


def errors(name: str, requests: str, counts: tuple[int, ...], t: float) -> list[float]:
    found = []
    start = compiled(name, FLOW.format("heun"), K=2).double().run("start", (), torch.arange(100), seed=3)[0]
    for count in counts:
        model = compiled(name, requests, K=count).double()
        found.append(float((model.sample(100, seed=3) - exact(name, start, t)).abs().max()))
    return found


def orders(found: list[float]) -> list[float]:
    return [math.log2(a / b) for a, b in itertools.pairwise(found)]


FIXED = [name for name, s in SOLVERS.items() if s.solves == "ode" and not s.adaptive]


@pytest.mark.parametrize("name", FIXED)
def test_solvers_of_the_flow_have_the_order_of_their_row(name: str) -> None:
    """On a grid that is dense near the data; a final step with `rho` would be of order 1, so it is left out."""
    request = FLOW.format(f"{name}(rho = 3, lo = 0.001)" if SOLVERS[name].exponential else name)
    found = errors("vp", request, (80, 160, 320), 0.001)
    assert all(abs(order - SOLVERS[name].order) < 0.15 for order in orders(found)), (found, orders(found))


def test_the_orders_are_told_apart() -> None:
    """The same bound refuses each solver's neighbour: what is called dpm3 is not of order 2."""
    found = errors("vp", FLOW.format("dpm2(rho = 3, lo = 0.001)"), (80, 160, 320), 0.001)
    assert all(abs(order - 3) > 0.5 for order in orders(found))


@pytest.mark.parametrize("name", ["vp", "subvp", "ve"])
@pytest.mark.parametrize("solver", ["ddim", "dpm2", "dpm3", "dpm2m", "dpm3m", "heun"])
def test_a_few_steps_of_every_kind_give_the_data_back(name: str, solver: str) -> None:
    """120 steps on a dense grid; a score that is 20 % too small is caught."""
    request = FLOW.format(f"{solver}(rho = 7, lo = 0.002)")
    assert is_the_data(compiled(name, request, K=120).sample(20_000, seed=4), 0.02)
    assert not is_the_data(compiled(name, request, K=120, factor=0.8).sample(20_000, seed=4), 0.02)


def test_a_multistep_solver_is_better_for_as_many_evaluations() -> None:
    """One evaluation of the score a step: the error of each is a multiple of that of the next, with so many steps."""
    for steps, plain, remembering in ((12, "ddim", "dpm2m"), (160, "dpm2m", "dpm3m")):
        less, more = (
            errors("vp", FLOW.format(f"{each}(rho = 3, lo = 0.001)"), (steps,), 0.001)[0]
            for each in (plain, remembering)
        )
        assert less > 3 * more, (plain, less, more)


# -- adaptive steps --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bosh3", "dopri5"])
def test_an_adaptive_solver_keeps_to_its_tolerance(name: str) -> None:
    """The error falls with the tolerance, and stays within some of its multiples: it is allowed once for each step."""
    fixed = compiled("vp", FLOW.format("euler"), K=2).double()
    start = fixed.run("start", (), torch.arange(64), seed=3)[0]
    found = []
    for tolerance in (1e-3, 1e-5, 1e-7):
        model = compiled("vp", FLOW.format(f"{name}(tolerance = {tolerance})"), K=4000).double()
        found.append(float((model.sample(64, seed=3) - exact("vp", start, 0.001)).abs().max()))
        assert found[-1] < 30 * tolerance, (tolerance, found)
    assert found[0] > 10 * found[1] > 100 * found[2]


def test_rows_do_not_depend_on_each_other_although_their_steps_do_differ() -> None:
    model = compiled("vp", FLOW.format("dopri5"), K=1000)
    torch.testing.assert_close(model.sample(7, seed=1), model.sample(300, seed=1)[:7], rtol=0, atol=0)


def test_a_row_that_runs_out_of_attempts_still_arrives() -> None:
    """With 12 attempts and a tolerance out of reach, every row takes what is left in equal parts: a finite sample whose
    error is that of so few steps."""
    x = compiled("vp", FLOW.format("dopri5(tolerance = 1e-9)"), K=12).sample(2000, seed=1)
    assert bool(torch.isfinite(x).all()) and abs(float(x.mean()) - MEAN) < 0.2


def test_the_density_by_adaptive_steps() -> None:
    """log p at the cutoff, up to the terminal law, which is missed in the same way by 400 Runge-Kutta steps."""
    request = "evaluate probability_flow(score, moved, steps = {}, solver = {})"
    x = torch.linspace(-1, 3, 14, dtype=torch.float64).reshape(7, 2)
    reference = compiled("vp", request.format(800, "rk4")).double().probability_flow(x)
    own = compiled("vp", request.format(2000, "dopri5(tolerance = 1e-8)")).double().probability_flow(x)
    torch.testing.assert_close(own, reference, rtol=0, atol=1e-5)
    assert float((own - density("vp", x, 0.001)).abs().max()) < 0.05
    rough = compiled("vp", request.format(2000, "dopri5(tolerance = 0.1)")).double().probability_flow(x)
    assert float((rough - reference).abs().max()) > 1e-5


# -- stochastic schemes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("solver", "order"), [("euler_maruyama", 1), ("stochastic_heun", 2)])
def test_where_the_noise_is_nothing_a_scheme_has_the_order_of_its_drift(solver: str, order: int) -> None:
    """From 10^9 the noise is nothing, and the reverse drift is linear."""
    start = torch.full((2, 2), 1e9, dtype=torch.float64)

    def ended(steps: int) -> float:
        model = compiled("vp", REVERSE.format(solver), K=steps).double()
        return float(model.reverse(start, steps=steps // 2).mean()) / 1e9  # down to t = 1/2, where all is smooth

    reference = ended(12_800) if order == 1 else ended(3200)
    found = [abs(ended(n) - reference) for n in (50, 100, 200)]
    assert all(abs(each - order) < 0.15 for each in orders(found)), (found, orders(found))


@pytest.mark.parametrize(
    "solver", ["stochastic_heun", "stochastic_heun(rho = 7, lo = 0.002)", "euler_maruyama(rho = 7)"]
)
def test_stochastic_schemes_give_the_data_back(solver: str) -> None:
    assert is_the_data(compiled("vp", REVERSE.format(solver), K=200).sample(20_000, seed=4), 0.03)
    assert not is_the_data(compiled("vp", REVERSE.format(solver), K=200, factor=0.8).sample(20_000, seed=4), 0.03)


def refused(text: str) -> list[str]:
    with pytest.raises(CompileError) as caught:
        gencompiler.compile(text)
    return [d.code for d in caught.value.diagnostics]


BENT = """
model Bent {{
  observed x : Real
  sde moved(x | t : Interval(0, 1)) {{ dx = -x * dt + {noise} * dW }}
  def score(x : Real, t : Interval(0, 1)) -> Real = mlp(x, t, hidden = [8])
  p(x(1)) = Normal(0, 1)
  sample reverse_sde(score, moved, steps = 100, solver = {solver})
}}
"""


def test_a_stratonovich_scheme_does_not_read_ito_noise() -> None:
    assert "G609" in refused(BENT.format(noise="sqrt(1 + x^2)", solver="stochastic_heun"))
    assert "G609" not in refused(BENT.format(noise="sqrt(1 + x^2)", solver="euler_maruyama"))  # (its law is not known)


def test_an_exponential_integrator_needs_a_kernel() -> None:
    text = BENT.format(noise="sqrt(1 + x^2)", solver="euler_maruyama").replace("reverse_sde", "probability_flow")
    assert "G703" in refused(text.replace("euler_maruyama", "dpm2"))
    assert "G703" not in refused(text.replace("euler_maruyama", "heun"))


# -- churn and correctors --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["heun", "dpm2"])
@pytest.mark.parametrize("name", ["vp", "subvp"])
def test_churn_keeps_the_law_and_changes_the_samples(name: str, solver: str) -> None:
    """Noise goes in by the kernel and comes out by the flow.  With 1.5 times too much of it the law is another."""
    churned = f"{solver}(rho = 7, lo = 0.002, churn = 20, churn_min = 0.01, churn_noise = {{}})"
    x = compiled(name, FLOW.format(churned.format(1)), K=60).sample(20_000, seed=4)
    assert is_the_data(x, 0.02)
    assert not torch.equal(
        x, compiled(name, FLOW.format(f"{solver}(rho = 7, lo = 0.002)"), K=60).sample(20_000, seed=4)
    )
    assert not is_the_data(compiled(name, FLOW.format(churned.format(1.5)), K=60).sample(20_000, seed=4), 0.02)


def test_a_corrector_repairs_a_coarse_predictor() -> None:
    """20 steps leave samples 0.022 too wide, which correctors at each level take out."""
    plain = "sample reverse_sde(score, moved, steps = K)"
    corrected = "sample reverse_sde(score, moved, steps = K, corrector = langevin(snr = 0.3, steps = 10))"

    def bias(x: Tensor) -> float:
        return float((x.std(0) - SCALE).abs().max())

    alone, repaired = (bias(compiled("vp", r, K=20).sample(20_000, seed=4)) for r in (plain, corrected))
    assert alone > 0.018 and repaired < 0.008, (alone, repaired)


def test_a_corrector_keeps_the_law() -> None:
    request = "sample reverse_sde(score, moved, steps = K, corrector = langevin(snr = 0.16))"
    assert is_the_data(compiled("ve", request, K=500).sample(20_000, seed=4), 0.02)
    flow = request.replace("reverse_sde", "probability_flow")
    assert is_the_data(compiled("vp", flow, K=100).sample(20_000, seed=4), 0.02)


# -- trajectories ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["heun(rho = 7, lo = 0.002)", "dpm2(rho = 7, lo = 0.002)", "heun"])
def test_states_on_the_way_have_the_law_of_their_time(solver: str) -> None:
    """Mean and spread at each of the times that are given with them, within six standard errors."""
    way: Any = compiled("vp", FLOW.format(solver), K=40).trajectory(20_000, points=6, seed=2)
    assert float(way.times[0]) == 1.0 and bool((way.times.diff() < 0).all())

    def off(times: Callable[[float], float]) -> float:
        worst = 0.0
        for place, t in enumerate(way.times.tolist()):
            signal, variance = moments("vp", times(t))
            spread = math.sqrt(signal**2 * SCALE**2 + variance)
            gap = (way.states[:, place].mean(0) - signal * MEAN).abs().max() / spread
            worst = max(worst, float(gap), float((way.states[:, place].std(0) / spread - 1).abs().max()))
        return worst

    assert off(lambda t: t) < 6 / math.sqrt(20_000) + 0.03
    assert off(lambda t: t**0.8) > 6 / math.sqrt(20_000) + 0.03
