"""Variables of several axes: factorizations along any of them, against enumeration; shapes at the boundary."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch

import gencompiler
from gencompiler import pipeline
from gencompiler.diagnostics.model import CompileError
from gencompiler.diagnostics.span import SourceText
from tests.families.test_foundation import perturbed

SQUARE = """
model M(N = 3) {{
  observed x : Binary[N, N]
  param W : Real[5, N, N], V : Real[N, N, 5], b : Real[N, N], c : Real[5], r : Real[N]
  {head} = Bernoulli(logits = {logits})
}}
"""

#: Heads and logits whose conditionals enumerate to a mass of one, and are drawn as their density says.
TRUE = [
    ("p(x)", "b"),
    ("p(x[i, j])", "b[i, j]"),
    ("p(x[i, :])", "r + b[i]"),
    ("p(x[i, j] | x[<(i, j)])", "b[i, j] + V[i, j] @ sigmoid(c + W[:, <(i, j)] @ x[<(i, j)])"),
    ("p(x[i, j] | x[<(i, j)])", "b[i, j] + sum(b[<(i, j)] * x[<(i, j)])"),
    ("p(x[i, j] | x[<(i, j)])", "r[<j] @ x[i, <j] - sum(x[<i, :])"),
    ("p(x[i, j] | x[<(i, j)])", "mlp(x[<(i, j)], hidden = [12, 10])"),
    ("p(x[i, j] | x[<(i, j)])", "mlp(2 * x[<(i, j)] - 1, r, hidden = [11]) + sum(x[<i, :])"),
    ("p(x[i, j] | x[<i, :], x[i, <j])", "b[i, j] + r[<j] @ x[i, <j] + 3 * sum(tanh(x[<i, :]) - 0.3)"),
    ("p(x[i, j] | x[i, <j])", "b[i, j] + r[<j] @ x[i, <j]"),
    ("p(x[i, j] | x[<i, j])", "b[i, j] + r[<i] @ x[<i, j]"),
    ("p(x[i, :] | x[<i, :])", "b[i] + sum(x[<i, :]) * r"),
    ("p(x[i, :] | x[<i, :])", "mlp(x[<i, :], hidden = [8, 9], activation = tanh)"),
    ("p(x[:, j] | x[:, <j])", "r + sum(x[:, <j]) * b[:, j]"),
    ("p(x[:, j] | x[:, <j])", "mlp(r, x[:, <j], hidden = [8, 9], activation = tanh)"),
]


def agree(model: Any, values: int, shape: tuple[int, ...]) -> None:
    """The mass is one, and 40,000 draws have the frequencies of the density: by Hoeffding, one of at most 512 is off by
    more than 0.017 with probability below 1e-7."""
    size = int(torch.tensor(shape).prod())
    every = torch.tensor(list(itertools.product(range(values), repeat=size))).reshape(-1, *shape)
    probability = model.log_prob(every).exp().detach()
    torch.testing.assert_close(probability.sum(), torch.ones((), dtype=probability.dtype), rtol=0, atol=1e-12)
    drawn = model.sample(40000, seed=1)
    assert drawn.shape == (40000, *shape)
    codes = (drawn.reshape(40000, -1) * values ** torch.arange(size - 1, -1, -1)).sum(1)
    frequency = torch.bincount(codes, minlength=values**size) / 40000
    assert (frequency - probability).abs().max() < 0.017


@pytest.mark.parametrize(("head", "logits"), TRUE)
def test_a_factorization_over_two_axes(head: str, logits: str) -> None:
    agree(perturbed(gencompiler.compile(SQUARE.format(head=head, logits=logits))(), 1.0), 2, (3, 3))


CHANNELS = """
model M(N = 2, C = 2) {{
  observed x : Binary[C, N, N]
  param b : Real[C, N, N], W : Real[6, C, N, N]
  {0}
}}
"""


@pytest.mark.parametrize(
    "equation",
    [
        "p(x[:, i, j] | x[:, <(i, j)]) = Bernoulli(logits = mlp(x[:, <(i, j)], hidden = [8, 9], activation = tanh))",
        "p(x[c, i, j] | x[<(c, i, j)]) ="
        " Bernoulli(logits = b[c, i, j] + sum(sigmoid(W[:, <(c, i, j)] @ x[<(c, i, j)])))",
        "p(x[c, :, :] | x[<c, :, :]) = Bernoulli(logits = b[c] * sum(x[<c, :, :]))",
    ],
)
def test_a_factorization_over_three_axes(equation: str) -> None:
    agree(perturbed(gencompiler.compile(CHANNELS.format(equation))(), 1.0), 2, (2, 2, 2))


def test_categories_enter_a_causal_network_one_hot() -> None:
    text = """
    model M(N = 2) {
      observed x : Category(3)[N, N]
      p(x[i, j] | x[<(i, j)]) = Categorical(logits = mlp(onehot(x[<(i, j)]), hidden = [8, 9], activation = tanh))
    }
    """
    agree(perturbed(gencompiler.compile(text)(), 1.0), 3, (2, 2))


#: Heads and logits that are refused: code, and what is wrong.
FALSE = [
    ("p(x[i, j] | x[<=(i, j)])", "sum(x[<=(i, j)])", "G305"),
    ("p(x[i, j] | x[<(j, i)])", "sum(x[<(j, i)])", "G305"),
    ("p(x[i, j] | x[<(i, j)])", "x[i, j]", "G305"),
    ("p(x[i, j] | x[<(i, j)])", "sum(x[<=i, :])", "G305"),
    ("p(x[i, j] | x[<(i, j)])", "sum(x[i, <=j])", "G305"),
    ("p(x[i, j] | x[<(i, j)])", "sum(x[:, <j])", "G305"),
    ("p(x[i, j] | x[i, <j])", "sum(x[<(i, j)])", "G105"),
    ("p(x[i, j] | x[<i, :])", "sum(x[i, <j])", "G105"),
    ("p(x[i, j] | x[<i, :], x[i, <j])", "sum(x[<(i, j)])", "G105"),
    ("p(x[i, j] | x[i, :])", "sum(x[i, :])", "G305"),
    ("p(x[i, :] | x[<=i, :])", "r * sum(x[<=i, :])", "G305"),
    ("p(x[:, j] | x[:, <=j])", "r * sum(x[:, <=j])", "G305"),
    ("p(x[:, j] | x[<(i, j)])", "r", "G305"),
    ("p(x[i, i] | x[<i, :])", "sum(x[<i, :])", "G302"),
    ("p(x[i, 0])", "r[i]", "G303"),
    ("p(x[i, j] | x[<(i, j)])", "W[:, <(i, j)] @ x", "G201"),
    ("p(x[i, j] | x[<(i, j)])", "sum(b * x[<(i, j)])", "G201"),
    ("p(x[i, j] | x[<(i, j)])", "sum(b[<=(i, j)] * x[<(i, j)])", "G201"),
]


@pytest.mark.parametrize(("head", "logits", "code"), FALSE)
def test_what_is_not_a_factorization_is_refused(head: str, logits: str, code: str) -> None:
    with pytest.raises(CompileError) as caught:
        pipeline.run(SourceText("m.gen", SQUARE.format(head=head, logits=logits)), until="check")
    assert code in {d.code for d in caught.value.diagnostics}, caught.value.diagnostics


PICKED = """
model Picked(D = 3, K = 2, N = 4) {
  observed x : Real[D]
  given    k : Category(K), u : Real[N], v : Real[D]
  param    A : Real[K, D, N], B : Real[K, D, D]
  p(x) = Normal(A[k] @ u + v @ B[k], 1)
  train maximum_likelihood
}
"""


def test_a_row_picks_a_matrix() -> None:
    """Each row multiplies by the matrix that is its own, from the left and from the right."""
    model: Any = perturbed(gencompiler.compile(PICKED)(), 1.0)
    generator = torch.Generator().manual_seed(0)
    k = torch.randint(0, 2, (10,), generator=generator)
    u, v, x = (torch.randn(10, n, dtype=torch.float64, generator=generator) for n in (4, 3, 3))
    mean = torch.einsum("bij,bj->bi", model.A[k], u) + torch.einsum("bi,bij->bj", v, model.B[k])
    expected = torch.distributions.Normal(mean, 1).log_prob(x).sum(-1)
    torch.testing.assert_close(model.log_prob(x, context={"k": k, "u": u, "v": v}), expected, rtol=1e-12, atol=1e-12)
    other = model.log_prob(x, context={"k": 1 - k, "u": u, "v": v})
    assert (other - expected).abs().min() > 1e-6
