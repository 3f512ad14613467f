"""Sequences whose elements depend on the one before: densities against sums over all paths, draws against their law.

The sums are written out in torch from the values of the parameters; nothing in them comes from the compiler.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

import gencompiler
from gencompiler.runtime.modules import Model
from gencompiler.testing.strategies import Perturbation

Value = Callable[[str], Tensor]

HMM = """
model HMM(T = 5, K = 3, M = 4) {
  observed x : Category(M)[T]
  latent   z : Category(K)[T]
  param pi : Simplex(K), A : Simplex(K)[K], B : Simplex(M)[K]
  p(z[0])            = Categorical(pi)
  p(z[t] | z[t - 1]) = Categorical(A[z[t - 1]])
  p(x[t] | z[t])     = Categorical(B[z[t]])
  train maximum_likelihood
}
"""

#: The emission begins one place later and looks back by one; the chain depends on the place, too.
SWITCHING = """
model Switching(T = 4, K = 2) {
  observed x : Real[T]
  latent   z : Category(K)[T]
  param A : Real[T, K, K], m : Real[K], r : Real, s : Positive[K], c : Real[K]
  p(z[0])                      = Categorical(logits = c)
  p(z[t] | z[t - 1])           = Categorical(logits = A[t, z[t - 1]])
  p(x[0] | z[0])               = Normal(m[z[0]], s[z[0]])
  p(x[t] | x[t - 1], z[t], z[t - 1]) = Normal(m[z[t]] + r * x[t - 1] - m[z[t - 1]], s[z[t]])
  train maximum_likelihood
}
"""

#: Two chains, of which the second depends on the first, and several numbers at each place.
FACTORIAL = """
model Factorial(T = 3, D = 2) {
  observed x : Binary[T, D]
  latent   u : Binary[T], v : Category(3)[T]
  param a : Real[2], b : Real[2, 3], c : Real, d : Real[3], W : Real[3, D], y : Real[2, D]
  p(u[0])                  = Bernoulli(logits = c)
  p(u[t] | u[t - 1])       = Bernoulli(logits = a[u[t - 1]])
  p(v[0])                  = Categorical(logits = d)
  p(v[t] | v[t - 1], u[t]) = Categorical(logits = for k: b[u[t], k] + indicator(v[t - 1] == k))
  p(x[t, i] | u[t], v[t])  = Bernoulli(logits = W[v[t], i] + y[u[t], i])
  train maximum_likelihood
}
"""

#: Every slice is a vector.
VECTORS = """
model Vectors(T = 4, H = 2, D = 3) {
  observed x : Real[T, D]
  latent   h : Binary[T, H]
  param c : Real[H], s : Positive
  p(h[0, :])               = Bernoulli(logits = c)
  p(h[t, :] | h[t - 1, :]) = Bernoulli(logits = mlp(h[t - 1, :], hidden = [3]))
  p(x[t, :] | h[t, :])     = Normal(linear(h[t, :]), s)
  train maximum_likelihood
}
"""


def model_of(text: str, seed: int = 0, scale: float = 0.8) -> Model:
    return Perturbation(scale, seed).apply(gencompiler.compile(text)()).double()


def paths(values: int, length: int) -> Iterator[tuple[int, ...]]:
    return itertools.product(range(values), repeat=length)


def hmm(value: Value, x: Tensor) -> Tensor:
    pi, A, B = (value(n).log() for n in ("pi", "A", "B"))
    return torch.stack(
        [
            pi[z[0]] + sum(A[a, b] for a, b in itertools.pairwise(z)) + sum(B[k][x[:, t]] for t, k in enumerate(z))
            for z in paths(3, x.shape[1])
        ],
        -1,
    )


def switching(value: Value, x: Tensor) -> Tensor:
    A, m, r, s, c = (value(n) for n in ("A", "m", "r", "s", "c"))
    found = []
    for z in paths(2, 4):
        total = c.log_softmax(-1)[z[0]] + Normal(m[z[0]], s[z[0]]).log_prob(x[:, 0])
        for t in range(1, 4):
            total = total + A[t, z[t - 1]].log_softmax(-1)[z[t]]
            mean = m[z[t]] + r * x[:, t - 1] - m[z[t - 1]]
            total = total + Normal(mean, s[z[t]]).log_prob(x[:, t])
        found.append(total)
    return torch.stack(found, -1)


def factorial(value: Value, x: Tensor) -> Tensor:
    a, b, c, d, W, y = (value(n) for n in ("a", "b", "c", "d", "W", "y"))

    def bernoulli(logits: Tensor, event: Tensor | int) -> Tensor:
        return -torch.nn.functional.softplus(logits) + logits * event

    found = []
    for u in paths(2, 3):
        for v in paths(3, 3):
            total = bernoulli(c, u[0]) + d.log_softmax(-1)[v[0]]
            for t in range(3):
                if t:
                    same = torch.nn.functional.one_hot(torch.tensor(v[t - 1]), 3)
                    total = total + bernoulli(a[u[t - 1]], u[t]) + (b[u[t]] + same).log_softmax(-1)[v[t]]
                total = total + bernoulli(W[v[t]] + y[u[t]], x[:, t]).sum(-1)
            found.append(total)
    return torch.stack(found, -1)


def vectors(value: Value, x: Tensor) -> Tensor:
    def linear(name: str, inner: Tensor) -> Tensor:
        return value(f"{name}.weight") @ inner + value(f"{name}.bias")

    def bernoulli(logits: Tensor, event: Tensor) -> Tensor:
        return (logits * event - torch.nn.functional.softplus(logits)).sum()

    states = [torch.tensor(h, dtype=torch.float64) for h in paths(2, 2)]
    found = []
    for h in itertools.product(states, repeat=4):
        total = bernoulli(value("c"), h[0])
        for before, now in itertools.pairwise(h):
            total = total + bernoulli(linear("mlp.output", linear("mlp.0", before).relu()), now)
        for t, now in enumerate(h):
            total = total + Normal(linear("linear.output", now), value("s")).log_prob(x[:, t]).sum(-1)
        found.append(total)
    return torch.stack(found, -1)


def data(shape: tuple[int, ...], levels: int) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    if not levels:
        return torch.randn(shape, dtype=torch.float64, generator=generator)
    return torch.randint(levels, shape, generator=generator)


#: One of two chains, and which one is not known.
MIXED = """
model Mixed(T = 4) {
  observed x : Real[T]
  latent   z : Binary[T], c : Category(3)
  param w : Simplex(3), a : Real[3, 2], m : Real[2], v : Real[3]
  p(c)                  = Categorical(w)
  p(z[0])               = Bernoulli(0.3)
  p(z[t] | z[t - 1], c) = Bernoulli(logits = a[c, z[t - 1]])
  p(x[t] | z[t], c)     = Normal(m[z[t]] + v[c], 1)
  train maximum_likelihood
}
"""


def mixed(value: Value, x: Tensor) -> Tensor:
    w, a, m, v = (value(n) for n in ("w", "a", "m", "v"))
    found = []
    for c in range(3):
        for z in paths(2, 4):
            total = w[c].log() + math.log(0.3 if z[0] else 0.7)
            for before, now in itertools.pairwise(z):
                total = total + torch.nn.functional.logsigmoid(a[c, before] * (2 * now - 1))
            for t, now in enumerate(z):
                total = total + Normal(m[now] + v[c], 1.0).log_prob(x[:, t])
            found.append(total)
    return torch.stack(found, -1)


CASES = {
    "mixed": (MIXED, mixed, (6, 4), 0),
    "hmm": (HMM, hmm, (6, 5), 4),
    "switching": (SWITCHING, switching, (6, 4), 0),
    "factorial": (FACTORIAL, factorial, (6, 3, 2), 2),
    "vectors": (VECTORS, vectors, (6, 4, 3), 0),
}


@pytest.mark.parametrize("name", CASES)
def test_the_forward_sum_is_the_sum_over_all_paths(name: str) -> None:
    text, joint, shape, levels = CASES[name]
    model, x = model_of(text), data(shape, levels)
    expected = joint(model.value, x).logsumexp(-1)
    found = model.log_prob(x)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    parameters = list(model.parameters())
    for ours, theirs in zip(
        torch.autograd.grad(found.sum(), parameters), torch.autograd.grad(expected.sum(), parameters), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-10)


#: The same law as that of `hmm`, stated from the last place to the first.
BACKWARD = """
model Backward(T = 5, K = 3, M = 4) {
  observed x : Category(M)[T]
  latent   z : Category(K)[T]
  param pi : Simplex(K), A : Simplex(K)[K], B : Simplex(M)[K]
  p(z[T - 1])        = Categorical(pi)
  p(z[t - 1] | z[t]) = Categorical(A[z[t]])
  p(x[t] | z[t])     = Categorical(B[z[t]])
  train maximum_likelihood
}
"""


def test_a_chain_from_the_last_place_to_the_first() -> None:
    forward, backward = model_of(HMM), model_of(BACKWARD)
    backward.load_state_dict(forward.state_dict())
    x = data((6, 5), 4)
    torch.testing.assert_close(backward.log_prob(x.flip(1)), forward.log_prob(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("text", [HMM, BACKWARD], ids=["forward", "backward"])
def test_neighbours_are_drawn_by_their_law(text: str) -> None:
    """Every pair of neighbouring symbols, and each latent variable, of 40,000 draws: within 5 standard errors."""
    model, count = model_of(text), 40_000
    pi, A, B = (model.value(n).detach() for n in ("pi", "A", "B"))
    x = model.sample(count, seed=1)
    assert isinstance(x, Tensor)
    x = x.flip(1) if text == BACKWARD else x
    law = pi
    for t in range(4):
        expected = torch.einsum("i,ij,ia,jb->ab", law, A, B, B).reshape(-1)
        found = torch.bincount(4 * x[:, t] + x[:, t + 1], minlength=16) / count
        assert ((found - expected).abs() <= 5 * (expected * (1 - expected) / count).sqrt()).all()
        law = law @ A


ORDER_TWO = """
model OrderTwo(T = 6) {
  observed x : Real[T]
  param a, b : Real, s : Positive
  p(x[0])                       = Normal(0, 1)
  p(x[1] | x[0])                = Normal(a * x[0], s)
  p(x[t] | x[t - 1], x[t - 2])  = Normal(a * x[t - 1] + b * x[t - 2], s)
  train maximum_likelihood
}
"""


def test_an_autoregression_of_order_two() -> None:
    model, x = model_of(ORDER_TWO), data((7, 6), 0)
    a, b, s = (model.value(n) for n in ("a", "b", "s"))
    expected = Normal(0, 1).log_prob(x[:, 0]) + Normal(a * x[:, 0], s).log_prob(x[:, 1])
    for t in range(2, 6):
        expected = expected + Normal(a * x[:, t - 1] + b * x[:, t - 2], s).log_prob(x[:, t])
    torch.testing.assert_close(model.log_prob(x), expected, rtol=1e-10, atol=1e-10)
    drawn = model.sample(20_000, seed=0)
    assert isinstance(drawn, Tensor)
    left = (drawn[:, 2:] - a * drawn[:, 1:-1] - b * drawn[:, :-2]).detach() / s.detach()
    assert float((left.mean(0) * 20_000**0.5).abs().max()) < 5
    assert float((left.var(0) - 1).abs().max()) < 5 * (2 / 20_000) ** 0.5


def test_the_posterior_of_a_path_is_the_joint_over_the_marginal() -> None:
    """log p(z | x) by Bayes' rule, in an objective, at the draws that the objective makes."""
    text = HMM.replace(
        "train maximum_likelihood",
        "objective told { update p maximize E[x, z ~ stop(p)] log p(z | x) + log p(x) - log p(x, z) }\n  train told",
    )
    model = model_of(text)
    loss = model.loss({"x": data((6, 5), 4)})
    assert isinstance(loss, Tensor)
    assert abs(float(loss.detach())) < 1e-10


def test_a_sequence_has_the_posterior_of_its_inverse() -> None:
    """Ice cream and weather, after a short training on dreams: a bound near log p(x), by enumeration."""
    model = gencompiler.compile("specs/inverses/hmm.gen")(seed=0).fit(epochs=8)
    eaten = torch.tensor([[0, 0, 2, 2, 2, 0], [2, 2, 2, 2, 2, 2], [1, 0, 1, 2, 1, 0]])
    move, eat = [[0.8, 0.2], [0.2, 0.8]], [[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]]
    exact = []
    for row in eaten.tolist():
        whole = 0.0
        for hot in paths(2, 6):
            one = 0.5
            for before, now in itertools.pairwise(hot):
                one *= move[before][now]
            for now, number in zip(hot, row, strict=True):
                one *= eat[now][number]
            whole += one
        exact.append(whole)
    expected = torch.tensor(exact).log()
    torch.testing.assert_close(model.log_prob(eaten), expected, rtol=1e-5, atol=1e-5)
    weights = torch.stack([model.log_weight(eaten, seed=seed) for seed in range(400)]).detach()
    bound, error = weights.mean(0), weights.std(0) / 400**0.5
    assert ((bound - expected) < 5 * error).all()
    assert ((expected - bound) < 0.2 + 5 * error).all()


#: Controls act on the next state, what was observed on the next observation; the noise depends on the place.
STATE_SPACE = """
model StateSpace(T = 4, K = 2, D = 3) {
  observed x : Real[T, D]
  latent   z : Real[T, K]
  given    c : Real[T, D]
  param A : Real[K, K], B : Real[K, D], C : Real[D, K], E : Real[D, D], m, q : Real[K], s : Positive[T, K], r : Positive[D]
  p(z[0, :])                                    = Normal(m, s[0])
  p(z[t, :] | z[t - 1, :])                      = Normal(A @ z[t - 1, :] + B @ c[t - 1, :] + q, s[t])
  p(x[0, :] | z[0, :])                          = Normal(C @ z[0, :], r)
  p(x[t, :] | z[t, :], x[t - 1, :])             = Normal(C @ z[t, :] + E @ x[t - 1, :], r)
  train maximum_likelihood
}
"""

LEVEL = """
model Level(T = 5) {
  observed x : Real[T]
  latent   z : Real[T]
  param a, s, r : Positive, u : Real
  p(z[0])            = Normal(u, 2)
  p(z[t] | z[t - 1]) = Normal(a * z[t - 1] + 1, s)
  p(x[t] | z[t])     = Normal(z[t] / 2 - u, r)
  train maximum_likelihood
}
"""


def gaussian(mean: list[Tensor], covariance: dict[tuple[int, int], Tensor]) -> torch.distributions.MultivariateNormal:
    """The law of blocks side by side, from their means and the covariance of each two."""
    length = len(mean)
    rows = [torch.cat([covariance[i, j] for j in range(length)], -1) for i in range(length)]
    return torch.distributions.MultivariateNormal(torch.cat(mean, -1), torch.cat(rows, 0))


def test_a_level_that_moves_is_the_normal_that_its_covariance_says() -> None:
    model, x = model_of(LEVEL), data((6, 5), 0)
    a, s, r, u = (model.value(n) for n in ("a", "s", "r", "u"))
    means, variances = [u], [torch.tensor(4.0, dtype=torch.float64)]
    for _ in range(4):
        means.append(a * means[-1] + 1)
        variances.append(a**2 * variances[-1] + s**2)
    blocks = {}
    for i, j in itertools.product(range(5), repeat=2):
        shared = a ** abs(i - j) * variances[min(i, j)] / 4
        blocks[i, j] = (shared + (r**2 if i == j else 0)).reshape(1, 1)
    law = gaussian([(m / 2 - u).reshape(1) for m in means], blocks)
    expected, found = law.log_prob(x), model.log_prob(x)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    names = list(model.parameters())
    for ours, theirs in zip(
        torch.autograd.grad(found.sum(), names), torch.autograd.grad(expected.sum(), names), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-9)


def test_a_state_space_model_with_controls_that_reads_what_was_observed() -> None:
    """Given c, all means are affine: x[t] - E x[t - 1] is Normal, with inputs B c[t - 1] to the state."""
    model, x, c = model_of(STATE_SPACE), data((6, 4, 3), 0), data((6, 4, 3), 0).flip(0)
    A, B, C, E, m, q, s, r = (model.value(n) for n in ("A", "B", "C", "E", "m", "q", "s", "r"))
    state, variance = [m.expand(6, -1)], [torch.diag(s[0] ** 2)]
    for t in range(1, 4):
        state.append(state[-1] @ A.T + c[:, t - 1] @ B.T + q)
        variance.append(A @ variance[-1] @ A.T + torch.diag(s[t] ** 2))
    blocks = {}
    for i, j in itertools.product(range(4), repeat=2):
        first = min(i, j)
        shared = torch.linalg.matrix_power(A, abs(i - j)) @ variance[first]
        shared = shared if i >= j else shared.T
        blocks[i, j] = C @ shared @ C.T + (torch.diag(r**2) if i == j else 0)
    centred = [x[:, t] - (x[:, t - 1] @ E.T if t else 0) - state[t] @ C.T for t in range(4)]
    law = gaussian([torch.zeros(3, dtype=torch.float64)] * 4, blocks)
    found = model.log_prob(x, context=c)
    torch.testing.assert_close(found, law.log_prob(torch.cat(centred, -1)), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    "body",
    ["Normal(tanh(z[t - 1]), s)", "Normal(z[t - 1], exp(z[t - 1]))", "Normal(z[t - 1] * z[t - 1], s)"],
    ids=["bent", "its own noise", "squared"],
)
def test_what_is_not_linear_has_no_exact_density(body: str) -> None:
    found = gencompiler.check(LEVEL.replace("Normal(a * z[t - 1] + 1, s)", body))
    (told,) = [d for d in found.diagnostics if d.code == "G701"]
    assert "no closed form" in told.message and "linear" in told.message
