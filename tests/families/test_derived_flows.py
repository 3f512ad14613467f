"""The probability flow of an SDE as a stage of a pipeline, and what data say of variables behind one.

With data Normal(1, 1/2) and the exact score the flow is x -> M(lo) + sqrt(V(lo) / V(1)) (x - M(1)) in closed form; what is
left is the solver's error."""

from __future__ import annotations

import functools
import math
from typing import Any

import pytest
import torch
from torch import Tensor

import gencompiler
from tests.families.test_diffusion import MEAN, SCALE, SDES, moments
from tests.families.test_solvers import refused

STAGE = """
model Flowing(D = 2, factor = 1) {{
  observed x : Real[D]
  latent   z : Real[D]
  sde moved(x | t : Interval(0, 1)) {{ dx = {sde} }}
  def beta(t : Interval(0, 1)) -> Positive = 0.1 + 19.9 * t
  def score(x : Real[D], t : Interval(0, 1)) -> Real[D] =
    -factor * (x - signal(moved, t)) / (signal(moved, t)^2 / 4 + noise(moved, t)^2)
  p(z) = Normal(0, {prior})
  x = z |> flow(score, moved, {options})
}}
"""


@functools.cache
def flowing(name: str, options: str, **constants: float) -> Any:
    sde, prior = SDES[name]
    return gencompiler.compile(STAGE.format(sde=sde, prior=prior, options=options), **constants)().double()


def exact(name: str, z: Tensor, lowest: float) -> tuple[Tensor, float]:
    """Where the flow takes z, and the logarithm of what it multiplies lengths by."""
    ends = []
    for time in (lowest, 1.0):
        signal, variance = moments(name, time)
        ends.append((signal * MEAN, math.sqrt(signal**2 * SCALE**2 + variance)))
    (low, own), (high, wide) = ends
    return low + own / wide * (z - high), math.log(own / wide)


EVEN, OWN_STEPS = "rho = 2, solver = rk4(steps = 200)", "solver = dopri5(tolerance = 1e-8)"


@pytest.mark.parametrize(("name", "options"), [("vp", EVEN), ("subvp", EVEN), ("ve", OWN_STEPS)])
def test_the_flow_of_an_sde_is_the_map_between_gaussians(name: str, options: str) -> None:
    """Values and log-determinants, both ways; a score 5 % too small is another map."""
    z = torch.linspace(-2, 2, 10, dtype=torch.float64).reshape(5, 2)
    wanted, stretch = exact(name, z, 0.001)
    model = flowing(name, options)
    x, grown = model.forward(z)
    torch.testing.assert_close(x, wanted, rtol=0, atol=2e-4)
    torch.testing.assert_close(grown, torch.full_like(grown, 2 * stretch), rtol=0, atol=2e-4)
    back, shrunk = model.inverse(wanted)
    torch.testing.assert_close(back, z, rtol=0, atol=2e-3 if name != "ve" else 2e-2)
    torch.testing.assert_close(shrunk, -grown, rtol=0, atol=4e-4)
    weaker = flowing(name, options, factor=0.95).forward(z)[0]
    assert float((weaker - wanted).abs().max()) > 1e-2


def test_a_lower_cutoff_is_nearer_to_the_data() -> None:
    z = torch.zeros(1, 2, dtype=torch.float64)
    for cutoff in (0.1, 0.001):
        found = flowing("vp", f"rho = 3, cutoff = {cutoff}, solver = rk4(steps = 200)").forward(z)[0]
        torch.testing.assert_close(found, exact("vp", z, cutoff)[0], rtol=0, atol=1e-4)


def test_time_may_have_any_name() -> None:
    """Also the one that the stage gives to its own."""
    sde = "sde moved(x | passed : Interval(0, 1)) { dx = -0.5 * beta(passed) * x * dpassed + sqrt(beta(passed)) * dW }"
    text = STAGE.format(sde="-0.5 * beta(t) * x * dt + sqrt(beta(t)) * dW", prior=1, options="solver = rk4(steps = 40)")
    lines = [sde if line.strip().startswith("sde") else line for line in text.splitlines()]
    z = torch.linspace(-2, 2, 6, dtype=torch.float64).reshape(3, 2)
    own, renamed = (gencompiler.compile(each)().double() for each in (text, "\n".join(lines)))
    torch.testing.assert_close(own.forward(z), renamed.forward(z), rtol=0, atol=1e-12)


# -- data of variables behind a pipeline -----------------------------------------------------------------------------

QUANTIZED = """
bijection Spread(u : Real) -> Real = 2 * u - 1.5
model Quantized(D = 3) {{
  observed x : Integer(0..17)[D]
  latent   w, z : Real[D]
  sde vp(w | t : Interval(0, 1)) {{ dw = -0.5 * 10 * w * dt + sqrt(10) * dW }}
  def velocity(w : Real[D], t : Interval(0, 1)) -> Real[D] = mlp(w, t, hidden = [8])
  def score(w : Real[D], t : Interval(0, 1)) -> Real[D] = -w - signal(vp, t) / noise(vp, t) * velocity(w, t)
  p(z) = Normal(0, 1)
  w = z |> flow(score, vp, solver = rk4(steps = 4))
  x = w |> Spread |> sigmoid |> quantize({quantize})
  {train}
}}
"""
OWN = "objective fit {{ update velocity minimize E[{0} ~ data] norm({0})^2 + 0 * norm(velocity({0}, 1))^2 }} train fit"


@functools.cache
def quantized(train: str, quantize: str = "17") -> Any:
    return gencompiler.compile(QUANTIZED.format(train=train, quantize=quantize))().double()


def test_data_give_the_variable_behind_a_pipeline() -> None:
    """E |w|² over the noise of dequantization, against quadrature; within six standard errors, which 2 % are not."""
    row, draws = torch.tensor([[0, 8, 16]]), 40_000
    model = quantized(OWN.format("w"))
    values = model.run("objective_phase_1", (row.repeat(draws, 1),), torch.arange(draws), seed=5)[0].detach()
    u = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
    level = (row.double().T + u) / 17
    wanted = float((((torch.logit(level) + 1.5) / 2) ** 2).mean(1).sum())
    error = float(values.std()) / math.sqrt(draws)
    assert abs(float(values.mean()) - wanted) < 6 * error < 0.02 * wanted


def test_an_objective_of_the_prelude_means_what_the_sde_moves() -> None:
    """`x ~ data` of `velocity_prediction` is w: of the same noises, the loss is that of an objective that says so."""
    text = """objective own {
      update velocity minimize E[w ~ data, t ~ Uniform(time(vp)), e ~ Normal(zeros(w), 1)]
        norm(a * e - s * w - velocity(a * w + s * e, t))^2 where { a = signal(vp, t)   s = noise(vp, t) } }
      train own"""
    rows = torch.randint(0, 17, (50, 3), generator=torch.Generator().manual_seed(0))
    one, other = quantized("train velocity_prediction(velocity, vp)"), quantized(text)
    other.load_state_dict(one.state_dict())
    torch.testing.assert_close(one.loss(rows, seed=3), other.loss(rows, seed=3), rtol=0, atol=1e-12)


def test_the_likelihood_is_called_an_estimate() -> None:
    model = quantized("train velocity_prediction(velocity, vp)")
    assert model.capabilities["log_prob"] == "estimate"
    rows = torch.tensor([[0, 8, 16]])
    assert bool(torch.isfinite(model.log_prob(rows)).all())


def test_what_the_data_do_not_say() -> None:
    """What a level leaves is a variable of its own; of a latent variable with an equation, there are no data either."""
    text = QUANTIZED.format(train=OWN.format("w"), quantize="17, u").replace(
        "w, z : Real[D]", "w, z : Real[D], u : Unit[D]"
    )
    assert refused(text) == ["G704"]
    plain = "model M { observed x : Real latent z : Real p(z) = Normal(0, 1) p(x | z) = Normal(z, 1) param a : Real "
    fit = "objective fit { update p minimize E[z ~ data] (z - a)^2 } train fit }"
    assert refused(plain + fit) == ["G704"]


ODE = """
model Between(D = 2) {{
  observed x : Real[D]
  latent   w, z : Real[D]
  def v(x : Real[D], t : Interval(0, 1)) -> Real[D] = mlp(x, t, hidden = [8])
  bijection Scale(u : Real | s : Positive) -> Real = s * u
  p(z) = Normal(0, 1)
  {links}
  train flow_matching(v)
}}
"""


def test_flow_matching_trains_the_ends_of_its_equation() -> None:
    gencompiler.compile(ODE.format(links="w = z |> ode(v)  x = w |> Scale"))
    for links in ("w = z |> Scale  x = w |> ode(v) |> Scale", "w = z |> ode(v) |> Scale  x = w |> Scale"):
        assert refused(ODE.format(links=links)) == ["G701"]


# -- several flows ---------------------------------------------------------------------------------------------------

REPEATED = """
def v(x : Real[D], t : Interval(0, 1)) -> Real[D] = mlp(x, t, hidden = [16], activation = tanh)
model Repeated(D = 2) {
  observed x : Real[D]
  latent   z : Real[D]
  p(z) = Normal(0, 1)
  x = z |> repeat(3) { ode(v, solver = SOLVER) |> reverse }
  train maximum_likelihood
}
"""


@pytest.mark.parametrize("solver", ["rk4(steps = 20)", "dopri5(tolerance = 1e-8)"])
def test_each_iteration_flows_along_a_field_of_its_own(solver: str) -> None:
    model: Any = gencompiler.compile(REPEATED.replace("SOLVER", solver))().double()
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        assert parameter.shape[0] == 3
        parameter.data = 0.5 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    z = torch.randn(4, 2, generator=generator, dtype=torch.float64)
    x, grown = model.forward(z)
    back, shrunk = model.inverse(x)
    torch.testing.assert_close(back, z, rtol=0, atol=1e-6)
    torch.testing.assert_close(shrunk, -grown, rtol=0, atol=1e-5)
    jacobian = torch.autograd.functional.jacobian(lambda a: model.forward(a[None])[0][0], z[0])
    assert float(torch.linalg.slogdet(jacobian)[1] - grown[0].detach()) == pytest.approx(0, abs=1e-5)
    model.loss(x.detach()).backward()
    assert all(bool(p.grad.abs().reshape(3, -1).sum(1).min() > 0) for p in model.parameters())
