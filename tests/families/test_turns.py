"""Equations in turns: densities against formulas written out in torch, masses by enumeration, draws against their law.

Nothing in the formulas comes from the compiler but the values of the parameters."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal
from torch.nn import functional as F

import gencompiler
from tests.families.test_sequences import model_of
from tests.families.test_several_axes import agree

#: A recurrent cell of one's own, read by a categorical.
CELL = """
model Cell(T = 4, K = 3, H = 5) {
  observed x : Category(K)[T]
  param W : Real[H, H], U : Real[K, H], b : Real[H], V : Real[K, H], start : Real[H]
  h[0] = tanh(start)
  h[t] = tanh(W @ h[t - 1] + U[x[t - 1]] + b)
  p(x[t] | x[<t]) = Categorical(logits = V @ h[t])
  train maximum_likelihood
}
"""

#: Two quantities that need each other place by place, and a second step back.
LSTM = """
model Written(T = 5, H = 3) {
  observed x : Binary[T]
  param w : Real[H]
  h[0] = zeros(H)
  h[1] = ones(H)
  c[0] = zeros(H)
  c[t] = sigmoid(f) * c[t - 1] + sigmoid(i) * tanh(g) where { f, i, g = linear(h[t - 1], x[t - 1]) }
  h[t] = tanh(c[t]) + 0.5 * h[t - 2]
  p(x[t] | x[<t]) = Bernoulli(logits = w @ h[t])
  train maximum_likelihood
}
"""

#: Two variables in turns, each with a view of all of the other's past; the second looks at its own slice too.
PAIR = """
model Pair(T = 3) {
  observed x, y : Binary[T]
  param A, B : Real[T, T], a, b : Real[T]
  p(x[i] | y[<i])  = Bernoulli(logits = a[i] + A[i, <i] @ y[<i])
  p(y[i] | x[<=i]) = Bernoulli(logits = b[i] + B[i, <=i] @ x[<=i])
  train maximum_likelihood
}
"""

#: The same from the last slice down, a slice being a vector whose elements follow one another.
DOWN = """
model Down(T = 3, D = 2) {
  observed x : Binary[T, D], y : Binary[T]
  param w : Real[D], v : Real[D, D], u : Real
  p(y[T - 1])                                      = Bernoulli(0.3)
  p(y[t] | x[t + 1, :])                            = Bernoulli(logits = w @ x[t + 1, :])
  p(x[t, i] | x[t, <i], y[t])                      = Bernoulli(logits = u * y[t] + v[i, <i] @ x[t, <i])
  train maximum_likelihood
}
"""

#: Recurrent networks of two variables in turns.
NETWORKS = """
model Networks(T = 3) {
  observed x, y : Binary[T]
  p(x[t] | x[<t], y[<t]) = Bernoulli(logits = linear(gru(x[<t], y[<t], hidden = 4)))
  p(y[t] | x[<=t])       = Bernoulli(logits = linear(x[t], rnn(x[<t], hidden = 3)))
  train maximum_likelihood
}
"""

VRNN = """
model VRNN(T = 4, D = 3, H = 5, Z = 2) {
  observed x : Binary[T, D]
  latent   z : Real[T, Z]
  param    start : Real[H]
  h[0] = start
  h[t] = tanh(linear(h[t - 1], x[t - 1, :], z[t - 1, :]))
  p(z[t, :] | h[t])          = Normal(m, exp(s)) where { m, s = linear(h[t]) }
  p(x[t, :] | z[t, :], h[t]) = Bernoulli(logits = linear(z[t, :], h[t]))
  q(z[t, :] | x[t, :], h[t]) = Normal(m, exp(s)) where { m, s = linear(x[t, :], h[t]) }
  train elbo
}
"""


def named(model: Any) -> dict[str, Tensor]:
    return {name: value.detach() for name, value in model.named_parameters()}


# -- quantities ------------------------------------------------------------------------------------------------------


def test_a_recurrent_cell_is_what_its_equations_say() -> None:
    model = model_of(CELL)
    w = named(model)
    x = torch.randint(0, 3, (32, 4), generator=torch.Generator().manual_seed(1))
    h, total = torch.tanh(w["start"]).expand(32, -1), torch.zeros(32, dtype=torch.double)
    for t in range(4):
        if t:
            h = torch.tanh(h @ w["W"].T + w["U"][x[:, t - 1]] + w["b"])
        total += (h @ w["V"].T).log_softmax(-1).gather(1, x[:, t : t + 1])[:, 0]
    torch.testing.assert_close(model.log_prob(x).detach(), total, rtol=1e-12, atol=1e-12)
    agree(model, 3, (4,))


def test_quantities_that_need_each_other_are_what_their_equations_say() -> None:
    model = model_of(LSTM)
    w = named(model)
    x = torch.randint(0, 2, (32, 5), generator=torch.Generator().manual_seed(1)).double()
    h = [torch.zeros(32, 3, dtype=torch.double), torch.ones(32, 3, dtype=torch.double)]
    c = torch.zeros(32, 3, dtype=torch.double)
    for t in range(1, 5):
        given = torch.cat((h[t - 1], x[:, t - 1 : t]), 1)
        f, i, g = (given @ w[f"linear.{n}.weight"].T + w[f"linear.{n}.bias"] for n in "fig")
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        if t > 1:
            h.append(torch.tanh(c) + 0.5 * h[t - 2])
    logits = torch.stack(h, 1) @ w["w"]
    total = (x * logits - F.softplus(logits)).sum(1)
    torch.testing.assert_close(model.log_prob(x.long()).detach(), total, rtol=1e-12, atol=1e-12)
    agree(model, 2, (5,))


# -- variables in turns ----------------------------------------------------------------------------------------------


def pair(w: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
    first = w["a"] + y @ w["A"].tril(-1).T
    second = w["b"] + x @ w["B"].tril(0).T
    return (x * first - F.softplus(first) + y * second - F.softplus(second)).sum(-1)


def down(w: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
    first = torch.cat((x[:, 1:] @ w["w"], torch.full_like(y[:, :1], math.log(0.3 / 0.7))), 1)
    second = w["u"] * y[:, :, None] + x @ w["v"].tril(-1).T
    return (y * first - F.softplus(first)).sum(1) + (x * second - F.softplus(second)).sum((1, 2))


def networks(w: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
    both = torch.stack((x, y), -1)
    gru, rnn = torch.nn.GRU(2, 4, batch_first=True).double(), torch.nn.RNN(1, 3, batch_first=True).double()
    for peer, name in ((gru, "gru"), (rnn, "rnn")):
        for ours, theirs in (("input", "ih"), ("hidden", "hh")):
            getattr(peer, f"weight_{theirs}_l0").data = w[f"{name}.{ours}.weight"]
            getattr(peer, f"bias_{theirs}_l0").data = w[f"{name}.{ours}.bias"]

    def before(states: Tensor) -> Tensor:
        return torch.cat((torch.zeros_like(states[:, :1]), states[:, :-1]), 1).detach()

    first = before(gru(both)[0]) @ w["linear.output.weight"].T + w["linear.output.bias"]
    read = torch.cat((x[..., None], before(rnn(x[..., None])[0])), -1)
    second = read @ w["linear_2.output.weight"].T + w["linear_2.output.bias"]
    first, second = first[..., 0], second[..., 0]
    return (x * first - F.softplus(first) + y * second - F.softplus(second)).sum(-1)


@pytest.mark.parametrize(
    ("text", "formula", "shape"), [(PAIR, pair, (3,)), (DOWN, down, (3, 2)), (NETWORKS, networks, (3,))]
)
def test_variables_in_turns(text: str, formula: Any, shape: tuple[int, ...]) -> None:
    """The density is the product of the equations, its mass is 1, and 40,000 draws have its frequencies (as `agree`)."""
    model, count = model_of(text), math.prod(shape) + 3
    every = torch.tensor(list(itertools.product(range(2), repeat=count)))
    x, y = every[:, :-3].reshape(-1, *shape), every[:, -3:]
    found = model.log_prob(x, y).detach()
    torch.testing.assert_close(found, formula(named(model), x.double(), y.double()), rtol=1e-12, atol=1e-12)
    assert abs(float(found.exp().sum()) - 1) < 1e-12
    drawn = torch.cat([part.reshape(40000, -1) for part in model.sample(40000, seed=1)], 1)
    codes = (drawn * 2 ** torch.arange(count - 1, -1, -1)).sum(1)
    assert (torch.bincount(codes, minlength=2**count) / 40000 - found.exp()).abs().max() < 0.017


# -- with latent variables -------------------------------------------------------------------------------------------


def test_a_recognition_model_in_turns() -> None:
    """log p(x, z) - log q(z | x) at the draw that `encode` makes of the same seed and step."""
    model = model_of(VRNN)
    w = named(model)
    x = torch.randint(0, 2, (16, 4, 3), generator=torch.Generator().manual_seed(1))
    z = model.encode(x, seed=3, step=5).detach()
    h, total = w["start"].expand(16, -1), torch.zeros(16, dtype=torch.double)

    def linear(path: str, *parts: Tensor) -> Tensor:
        return torch.cat(parts, 1) @ w[f"{path}.weight"].T + w[f"{path}.bias"]

    for t in range(4):
        seen = x[:, t].double()
        if t:
            h = torch.tanh(linear("linear.output", h, x[:, t - 1].double(), z[:, t - 1]))
        prior = Normal(linear("linear_2.m", h), linear("linear_2.s", h).exp())
        logits = linear("linear_3.output", z[:, t], h)
        posterior = Normal(linear("q.linear.m", seen, h), linear("q.linear.s", seen, h).exp())
        total += (prior.log_prob(z[:, t]) - posterior.log_prob(z[:, t])).sum(1)
        total += (seen * logits - F.softplus(logits)).sum(1)
    found = model.log_weight(x, seed=3, step=5).detach()
    torch.testing.assert_close(found, total, rtol=1e-10, atol=1e-10)


SWITCHING = """
model Switching(T = 3, K = 2) {
  observed x : Binary[T]
  latent   s : Category(K)[T], z : Category(3)[T]
  given    u : Real[T]
  param    c : Real[K], A : Real[K, K], B : Real[K, 3, 3], a : Real[K, 3], r : Real, w : Real[3, K]
  p(s[0])                  = Categorical(logits = c)
  p(s[t] | s[t - 1])       = Categorical(logits = A[s[t - 1]])
  p(z[0] | s[0])           = Categorical(logits = a[s[0]])
  p(z[t] | z[t - 1], s[t]) = Categorical(logits = for k: B[s[t], z[t - 1], k] + r * u[t])
  p(x[t] | z[t], s[t])     = Bernoulli(logits = w[z[t], s[t]])
  train maximum_likelihood
}
"""


def test_a_switching_state_space_is_summed_over_exactly() -> None:
    model = model_of(SWITCHING)
    w = named(model)
    every = torch.tensor(list(itertools.product(range(2), repeat=3)))
    u = torch.linspace(-1, 1, 24, dtype=torch.double).reshape(8, 3)
    found = []
    for s in itertools.product(range(2), repeat=3):
        for z in itertools.product(range(3), repeat=3):
            total = w["c"].log_softmax(-1)[s[0]] + w["a"][s[0]].log_softmax(-1)[z[0]]
            total = total + sum(w["A"][i].log_softmax(-1)[j] for i, j in itertools.pairwise(s))
            for t in range(3):
                if t:
                    logits = w["B"][s[t], z[t - 1]] + w["r"] * u[:, t, None]
                    total = total + logits.log_softmax(-1)[:, z[t]]
                logit = w["w"][z[t], s[t]]
                total = total + every[:, t] * logit - F.softplus(logit)
            found.append(total)
    expected = torch.stack(found).logsumexp(0)
    torch.testing.assert_close(model.log_prob(every, context=u).detach(), expected, rtol=1e-10, atol=1e-10)


CHAIN = """
model Chain(T = 4) {
  observed x : Real
  latent   z : Real[T]
  param    w : Real[T], s : Positive[T]
  q(z[0] | x)        = Normal(0.9 * x, 0.4)
  q(z[t] | z[t - 1]) = Normal(0.8 * z[t - 1], 0.6)
  p(z[T - 1])        = Normal(0, 1)
  p(z[t - 1] | z[t]) = Normal(w[t] * z[t], s[t])
  p(x | z[0])        = Normal(w[0] * z[0], s[0])
  train elbo
}
"""


def test_the_elbo_of_a_diffusion_chain_on_gaussian_data() -> None:
    """Its expectation in closed form: all is Gaussian, and each term is a quadratic in two neighbours.

    Under x ~ Normal(0, 1.5) the states have the variances v[t] and covariances 0.8 v[t - 1]; of 200,000 draws the mean
    is within six standard errors of the expectation, but for a chance below 1e-8."""
    model = model_of(CHAIN, scale=0.3)
    w, s = named(model)["w"], model.value("s").detach()
    rows = torch.randn(200000, generator=torch.Generator().manual_seed(2), dtype=torch.double) * 1.5
    found = model.log_weight(rows, seed=1).detach()
    assert abs(float(found.mean()) - expected_bound(w, s)) < 6 * float(found.std()) / 200000**0.5
    assert float(found.mean()) < float(
        model.log_prob(rows).detach().mean()
    )  # which is exact, by a filter that runs backwards


def expected_bound(w: Tensor, s: Tensor) -> float:
    v = [1.5**2]
    for t in range(4):
        keep, noise = (0.9, 0.4) if t == 0 else (0.8, 0.6)
        v.append(keep**2 * v[-1] + noise**2)
    total = -0.5 * math.log(2 * math.pi) - 0.5 * v[4]
    for t in range(4):  # log p of state t given state t + 1, where state 0 is the row
        keep, noise = (0.9, 0.4) if t == 0 else (0.8, 0.6)
        square = v[t] - 2 * w[t] * keep * v[t] + w[t] ** 2 * v[t + 1]
        total += -0.5 * math.log(2 * math.pi) - math.log(s[t]) - 0.5 * float(square) / float(s[t]) ** 2
        total += 0.5 * math.log(2 * math.pi) + math.log(noise) + 0.5
    return total


def test_a_filter_that_runs_backwards_is_the_joint_gaussian() -> None:
    model = model_of(CHAIN, scale=0.3)
    w, s = named(model)["w"], model.value("s").detach()
    variance = torch.ones(())
    for t in (3, 2, 1, 0):
        variance = w[t] ** 2 * variance + s[t] ** 2
    rows = torch.linspace(-3, 3, 7, dtype=torch.double)
    expected = Normal(torch.zeros(()), variance.sqrt()).log_prob(rows)
    torch.testing.assert_close(model.log_prob(rows).detach(), expected, rtol=1e-10, atol=1e-10)


WEIGHTS = """
model Weights(T = 3, K = 3) {
  observed x : Binary[T]
  latent   z : Binary[T]
  param    a, b, c, d, e : Real, r : Real[3]
  h[0] = a
  h[t] = tanh(b * h[t - 1] + c * z[t - 1] - x[t - 1])
  p(z[t] | h[t])       = Bernoulli(logits = d * h[t])
  p(x[t] | z[t], h[t]) = Bernoulli(logits = e * z[t] + h[t])
  q(z[t] | x[t], h[t]) = Bernoulli(logits = r[0] + r[1] * x[t] + r[2] * h[t])
  objective weights {
    update p maximize E[x ~ data, z[k in K] ~ stop(q)(z | x)] mean(for k: exp(log p(x, z[k]) - log q(z[k] | x)))
  }
  train weights
}
"""


def test_weights_of_particles_in_turns_are_unbiased() -> None:
    """The mean of p(x, z) / q(z | x) over 3 particles of 20,000 rows is p(x), which is summed over all z.

    As many particles as places: a variable of three numbers is not an array of three particles.  By Hoeffding, a mean
    of 20,000 numbers in [0, m] is off by more than 0.021 m with probability below 1e-7."""
    model = model_of(WEIGHTS)
    a, b, c, d, e, *_ = (float(model.value(n).detach()) for n in "abcde")
    r = model.value("r").tolist()
    x, total, most = [1, 0, 1], 0.0, 0.0

    def probability(logits: float, event: int) -> float:
        return 1 / (1 + math.exp(-logits if event else logits))

    for z in itertools.product(range(2), repeat=3):
        h, p, q = a, 1.0, 1.0
        for t in range(3):
            if t:
                h = math.tanh(b * h + c * z[t - 1] - x[t - 1])
            p *= probability(d * h, z[t]) * probability(e * z[t] + h, x[t])
            q *= probability(r[0] + r[1] * x[t] + r[2] * h, z[t])
        total, most = total + p, max(most, p / q)
    rows = torch.tensor([x]).expand(20000, -1)
    found = -float(model.loss({"x": rows}, phase=model.phases[0].label).detach().mean())
    assert abs(found - total) < 0.021 * most
    single = float(model.log_weight(rows, seed=4).detach().exp().mean())
    assert abs(single - total) < 0.021 * most


def test_a_state_that_runs_backwards() -> None:
    text = """model M(T = 5) {
      observed x : Real[T]
      param b : Real
      h[T - 1] = 0
      h[t] = tanh(b * h[t + 1] + x[t + 1])
      p(x[T - 1] | h[T - 1]) = Normal(h[T - 1], 1)
      p(x[t] | x[t + 1], h[t]) = Normal(h[t] + x[t + 1], 1)
      train maximum_likelihood
    }"""
    model = model_of(text)
    b, x = model.value("b").detach(), torch.randn(8, 5, generator=torch.Generator().manual_seed(1), dtype=torch.double)
    h, total = torch.zeros(8, dtype=torch.double), Normal(0.0, 1.0).log_prob(x[:, 4])
    for t in (3, 2, 1, 0):
        h = torch.tanh(b * h + x[:, t + 1])
        total = total + Normal(h + x[:, t + 1], 1.0).log_prob(x[:, t])
    torch.testing.assert_close(model.log_prob(x).detach(), total, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("support", "law"), [("Real", "Normal(0, 1)"), ("Binary", "Bernoulli(0.5)")])
def test_a_state_of_latent_variables_is_not_taken_out(support: str, law: str) -> None:
    """No sum place by place, and no Gaussian integral: the state has read all of them."""
    text = f"""model M(T = 3) {{
      observed x : Real[T]  latent z : {support}[T]  param b : Real
      h[0] = 0
      h[t] = tanh(b * h[t - 1] + z[t - 1])
      p(z[t]) = {law}
      p(x[t] | z) = Normal(h[t], 1)
      train maximum_likelihood
    }}"""
    assert {d.code for d in gencompiler.check(text).diagnostics} == {"G701"}
