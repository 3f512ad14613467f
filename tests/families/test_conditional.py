"""Conditional models (`given`), what networks read, equations between variables, and networks of the user's own."""

from __future__ import annotations

import itertools
import math
import os
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import nn
from torch.distributions import Normal

import gencompiler
from gencompiler.runtime.errors import RunError
from tests.families.test_foundation import perturbed

NADE = """
model ConditionalNADE(D = 6, H = 4) {
  observed x : Binary[D]
  given    y : Category(3)
  param W : Real[H, D], V : Real[D, H], b : Real[D], c : Real[H]
  p(x[i] | x[<i]) = Bernoulli(logits = b[i] + V[i] @ sigmoid(c + embedding(y) + W[:, <i] @ x[<i]))
}
"""

FLOW = """
bijection Coupling(u : Real[D] | c : Real[C], H = 8) -> Real[D] = join(a, b * exp(tanh(s)) + t)
  where { a, b = split(u)   s, t = mlp(a, c, hidden = [H]) }

model ConditionalFlow(D = 4) {
  observed x : Real[D]
  latent   z : Real[D]
  given    y : Category(5), w : Real[2]
  p(z) = Normal(0, 1)
  x = z |> repeat(3) { Coupling(c = mlp(embedding(y, size = 3), w, size = 6, activation = silu)) |> reverse }
}
"""

NOISE = """
model Additive(D = 3, Z = 2) {
  observed x : Real[D]
  latent   z : Real[Z], eps : Real[D]
  param    s : Positive[D]
  h = mlp(z, hidden = [4])
  p(z)   = Normal(0, 1)
  p(eps) = Laplace(0, 1)
  q(z | x) = Normal(m, exp(r)) where { m, r = linear(x) }
  x = h - s * eps
  train elbo
}
"""


def built(text: str) -> Any:
    """The model of a spec with parameters away from their first values, in float64."""
    return perturbed(gencompiler.compile(text)(), 0.4)


@pytest.fixture(scope="module")
def flow() -> Any:
    return built(FLOW)


def conditions(count: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return {
        "y": torch.randint(0, 5, (count,), generator=generator),
        "w": torch.randn(count, 2, generator=generator, dtype=torch.float64),
    }


# -- given -----------------------------------------------------------------------------------------------------------


def test_every_class_has_a_distribution_of_its_own() -> None:
    model = built(NADE)
    states = torch.tensor(list(itertools.product([0, 1], repeat=6)))
    tables = torch.stack([model.log_prob(states, context=torch.full((64,), k)).exp() for k in range(3)])
    torch.testing.assert_close(tables.sum(1), torch.ones(3, dtype=torch.float64))
    assert (tables[0] - tables[1]).abs().max() > 1e-3


def test_samples_follow_the_class_of_their_row() -> None:
    model = built(NADE)
    states = torch.tensor(list(itertools.product([0, 1], repeat=6)))
    count = 6000
    y = torch.arange(count) % 3
    drawn = (model.sample(count, context=y, seed=5) * 2 ** torch.arange(5, -1, -1)).sum(1)
    for k in range(3):
        exact = model.log_prob(states, context=torch.full((64,), k)).exp().detach()
        found = torch.bincount(drawn[y == k], minlength=64) / (count // 3)
        own = float((found - exact).abs().sum()) / 2
        other = model.log_prob(states, context=torch.full((64,), (k + 1) % 3)).exp().detach()
        assert own < 0.5 * float((exact / (count // 3)).sqrt().sum()) + 0.06
        assert own < float((found - other).abs().sum()) / 2


@pytest.mark.parametrize("place", range(6))
def test_a_conditional_factorization_is_causal(place: int) -> None:
    """p(x_i | x_<i, y) does not see x_i and later; it does see y, the first dimension included."""
    model = built(NADE)
    x = torch.tensor([[1, 0, 1, 1, 0, 1]])
    prefixes = [
        torch.cat([x[:, :place], torch.tensor([rest])], 1) for rest in itertools.product([0, 1], repeat=6 - place)
    ]
    rows = torch.cat(prefixes)

    def marginal(y: int) -> torch.Tensor:
        """p(x_<place | y), summing everything from `place` on."""
        return model.log_prob(rows, context=torch.full((len(rows),), y)).exp().sum().detach()

    flipped = rows.clone()
    flipped[:, place:] = 1 - flipped[:, place:]
    same = model.log_prob(flipped, context=torch.zeros(len(rows), dtype=torch.int64)).exp().sum().detach()
    torch.testing.assert_close(marginal(0), same)
    if place:
        assert float((marginal(0) - marginal(1)).abs()) > 1e-6


def test_a_value_that_is_no_class_has_no_density() -> None:
    model = built(NADE)
    assert model.log_prob(torch.zeros(2, 6, dtype=torch.int64), context=torch.tensor([0, 3]))[1] == -math.inf


def test_a_conditional_model_needs_its_context() -> None:
    model = built(NADE)
    x = torch.zeros(2, 6, dtype=torch.int64)
    with pytest.raises(RunError, match="needs the given `y`"):
        model.log_prob(x, context=None)
    with pytest.raises(RunError, match="differ in their number of rows"):
        model.log_prob(x, context=torch.zeros(3, dtype=torch.int64))
    with pytest.raises(RunError, match="3 rows for 2 samples"):
        model.sample(2, context=torch.zeros(3, dtype=torch.int64))


def test_a_conditional_flow_has_the_jacobian_of_its_map(flow: Any) -> None:
    context = conditions(4)
    z = torch.randn(4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    x, log_det = flow.forward(z, context["y"], context["w"])
    for row in range(4):
        y, w = context["y"][row : row + 1], context["w"][row : row + 1]
        jacobian = torch.autograd.functional.jacobian(lambda v, y=y, w=w: flow.forward(v[None], y, w)[0][0], z[row])
        torch.testing.assert_close(torch.linalg.slogdet(jacobian)[1], log_det[row])
    expected = Normal(0, 1).log_prob(z).sum(1) - log_det
    torch.testing.assert_close(flow.log_prob(x, context=context), expected)
    other = {**context, "y": (context["y"] + 1) % 5}
    assert (flow.log_prob(x, context=other) - expected).abs().max() > 1e-6


#: Triton's interpreter is chosen when triton is imported, so a process of its own compares the two back ends.
KERNELS = """
import os, sys, torch
from tests.families.test_conditional import FLOW, NADE, built, conditions

for text, context in ((NADE, {"y": torch.arange(70) % 3}), (FLOW, conditions(70))):
    with torch.no_grad():
        model = built(text).float()
        os.environ["GENC_BACKEND"] = "torch"
        x = model.sample(70, context=context)
        expected = model.log_prob(x, context=context)
        os.environ["GENC_BACKEND"] = "triton"
        assert model.kernel("log_prob") is not None
        torch.testing.assert_close(model.log_prob(x, context=context), expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(model.sample(70, context=context), x, rtol=1e-4, atol=1e-4)
"""


def test_kernels_of_conditional_models() -> None:
    pytest.importorskip("triton")
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    command = [sys.executable, "-W", "ignore", "-c", KERNELS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# -- what networks read ----------------------------------------------------------------------------------------------


def test_an_embedding_is_a_column_of_its_table() -> None:
    text = "model M { observed x : Real[3]  given y : Integer(2..7)  p(x) = Normal(embedding(y), 1) }"
    model = built(text)
    (weight,) = (p for n, p in model.named_parameters() if n.endswith("weight"))
    y = torch.tensor([2, 6, 4])
    x = torch.zeros(3, 3, dtype=torch.float64)
    expected = Normal(weight[:, y - 2].T, 1).log_prob(x).sum(1)
    torch.testing.assert_close(model.log_prob(x, context=y), expected)


def test_fourier_features_are_sines_and_cosines_of_geometric_frequencies() -> None:
    text = "model M { observed x : Real[6]  given t : Interval(0, 1)  p(x) = Normal(fourier(t, size = 6), 1) }"
    model = gencompiler.compile(text)().double()
    t = torch.tensor([0.0, 0.3, 1.0], dtype=torch.float64)
    angles = t[:, None] * torch.tensor([1.0, 10.0, 100.0], dtype=torch.float64)
    features = torch.cat([angles.sin(), angles.cos()], 1)
    expected = torch.full((3,), 6 * -0.5 * math.log(2 * math.pi), dtype=torch.float64)
    torch.testing.assert_close(model.log_prob(features, context=t), expected)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("silu", torch.nn.functional.silu),
        ("gelu", torch.nn.functional.gelu),
        ("leaky_relu", torch.nn.functional.leaky_relu),
        ("elu", torch.nn.functional.elu),
        ("softplus", torch.nn.functional.softplus),
    ],
)
def test_activations_are_torchs(name: str, function: Any) -> None:
    text = (
        f"model M {{ observed x : Real  given y : Real  p(x) = Normal(mlp(y, hidden = [7], activation = {name}), 1) }}"
    )
    model = built(text)
    first, second = model.mlp.get_submodule("0"), model.mlp.output
    y = torch.linspace(-3, 3, 9, dtype=torch.float64)
    mean = function(y[:, None] @ first.weight.T + first.bias) @ second.weight.T + second.bias
    torch.testing.assert_close(model.log_prob(mean[:, 0], context=y), Normal(0, 1).log_prob(torch.zeros(9).double()))


# -- equations between variables -------------------------------------------------------------------------------------


def test_additive_noise_gives_the_density_of_x_given_z() -> None:
    """log_weight = log p(z) + log p(x | z) - log q(z | x), where p(x | z) is Laplace around h(z) with scale s."""
    model = built(NOISE)
    x = torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    rows = torch.arange(5)
    z = model.encode(x, row=rows, seed=4)
    weight = model.log_weight(x, row=rows, seed=4)
    hidden, output = model.mlp.get_submodule("0"), model.mlp.output
    mean = torch.relu(z @ hidden.weight.T + hidden.bias) @ output.weight.T + output.bias
    s = model.value("s")
    m, r = (x @ model.value(f"q.linear.{n}.weight").T + model.value(f"q.linear.{n}.bias") for n in ("m", "r"))
    expected = Normal(0, 1).log_prob(z).sum(1) + torch.distributions.Laplace(mean, s).log_prob(x).sum(1)
    torch.testing.assert_close(weight, expected - Normal(m, r.exp()).log_prob(z).sum(1))


def test_an_implicit_model_samples_and_says_why_it_has_no_density() -> None:
    text = "model M { observed x : Real[2]  latent z : Real[3]  p(z) = Normal(0, 1)  x = mlp(z, hidden = [4]) }"
    found = gencompiler.check(text)
    assert found.ok and found.capabilities is not None
    assert found.capabilities.sample.kind == "exact"
    assert (
        found.capabilities.log_prob.kind == "none" and "`mlp` is not invertible" in found.capabilities.log_prob.reason
    )
    model = built(text)
    assert not hasattr(model, "log_prob")
    assert model.sample(7, seed=1).shape == (7, 2)
    assert torch.equal(model.sample(7, seed=1)[:3], model.sample(3, seed=1))


# -- networks of the user's own --------------------------------------------------------------------------------------

EXTERN = """
extern def net(x : Real[D], t : Interval(0, 1)) -> Real[D]
model External(D = 3) {
  observed x : Real[D]
  given t : Interval(0, 1), c : Real[D]
  extern def scale(x : Real[D]) -> Positive
  p(x) = Normal(net(c, t), scale(c))
  train maximum_likelihood
}
"""


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.layer(torch.cat([x, t[:, None]], 1))
        return result


class Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.layer(x)[:, 0].exp()
        return result


def test_a_network_from_outside_is_called_trained_and_saved(tmp_path: Any) -> None:
    kind = gencompiler.compile(EXTERN)
    model = kind(net=Net(), scale=Scale())
    context = {"t": torch.rand(6), "c": torch.randn(6, 3)}
    x = torch.randn(6, 3)
    expected = Normal(model.net(context["c"], context["t"]), model.scale(context["c"])[:, None]).log_prob(x).sum(1)
    torch.testing.assert_close(model.log_prob(x, context=context), expected)
    model.loss({"x": x, **context}).backward()
    assert all(p.grad is not None and bool(p.grad.abs().sum()) for p in model.parameters())
    model.save(tmp_path / "weights.safetensors")
    again = kind.load(tmp_path / "weights.safetensors", net=Net(), scale=Scale())
    torch.testing.assert_close(again.log_prob(x, context=context), expected)
    with pytest.raises(RunError, match="needs the network `net`"):
        kind.load(tmp_path / "weights.safetensors", scale=Scale())
    with pytest.raises(RunError, match=r"gives \[6, 4\] for 6 rows, and the spec says \[rows, 3\]"):
        kind(net=_Wide(), scale=Scale()).log_prob(x, context=context)


class _Wide(nn.Module):
    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, t[:, None]], 1)


def test_what_is_declared_of_a_network_from_outside_is_an_assumption() -> None:
    found = gencompiler.check(EXTERN)
    assumed = [v for v in found.verdicts if v.status == "assumed"]
    assert [v.obligation.subject for v in assumed] == ["scale"]
    assert not gencompiler.check(EXTERN.replace("-> Positive", "-> Real")).ok


# -- chains ----------------------------------------------------------------------------------------------------------

CHAIN = """
model ConditionalChain(D = 2) {
  given    y : Real[D]
  observed x : Real[D]
  p(x) ∝ exp(-0.5 * sum((x - y)^2))
  transition walk(x' | x) { w ~ Normal(x, 1)  x' = metropolis(w) }
  claim stationary(walk, p)
  sample chain(walk, burn_in = 50, thin = 4)
}
"""


def test_a_chain_is_conditioned_on_its_own_row() -> None:
    model = gencompiler.compile(CHAIN)().double()
    y = torch.tensor([[5.0, -3.0], [0.0, 1.0]], dtype=torch.float64).repeat(40, 1)
    draws = model.chain(80, 40, context=y, seed=3).draws.mean(1)
    for row in range(2):
        torch.testing.assert_close(draws[row::2].mean(0), y[row], atol=0.25, rtol=0)
    assert torch.equal(
        model.chain(80, 40, context=y, seed=3, start=[y]).draws[:4],
        model.chain(4, 40, context=y[:4], seed=3, start=[y[:4]]).draws,
    )
    assert model.sample(3, context=y[:3]).shape == (3, 2)


def test_the_loss_takes_the_context_apart_or_with_the_rows() -> None:
    model = gencompiler.compile("specs/approximate/cvae.gen")(seed=0)
    x, y = torch.randint(0, 2, (5, 64), generator=torch.Generator().manual_seed(0)), torch.arange(5)
    together = model.loss({"x": x, "y": y}).detach()
    assert torch.equal(model.loss(x, context=y).detach(), together)
    assert torch.equal(model.loss({"x": x}, context={"y": y}).detach(), together)
    assert not torch.equal(model.loss(x, context=y.flip(0)).detach(), together)
