"""Units that see the first places of an order, written out as local arrays of which a conditional reads a view.

`h[m]` sees m places, and place i of the order reads `h[<=i]`: the masked autoencoder of Germain et al. (ICML 2015), whose
masks follow the order, so that one set of weights serves all of them.  Densities against its masks and sums
over all orders, written out in torch; what an entry or a view sees too much is refused."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor

import gencompiler
from gencompiler.diagnostics.model import CompileError
from gencompiler.testing.strategies import Perturbation

D = 3
ORDERS = list(itertools.permutations(range(D)))
ROWS = torch.tensor(list(itertools.product((0, 1), repeat=D)))

ORDERLESS = """
model MADE(D = 3) {
  observed x : Binary[D]
  latent   o : Permutation(D)
  param W, U, V, A : Real[D, D], b, c, d : Real[D]
  p(o) = Uniform()
  p(x[o[i]] | x[o[<i]], o) =
    Bernoulli(logits = b[o[i]] + V[o[i], <=i] @ g[<=i] + A[o[i]] @ scatter(x[o[<i]], o[<i], D))
    where {
      h = for m in D: tanh(c[m] + W[m] @ scatter(x[o[<m]], o[<m], D))
      g = for m in D: tanh(d[m] + U[m, <=m] @ h[<=m])
    }
  q(o | x) = p(o)
  train elbo
  evaluate importance(K = 4)
}
"""


def masked(model: Any, x: Tensor, order: tuple[int, ...]) -> Tensor:
    """log p(x | o) by masks: unit m sees place j where its turn comes before m, place j reads units up to its turn."""
    turn = torch.tensor([order.index(j) for j in range(D)])
    unit = torch.arange(D)
    before = (turn < unit[:, None]).double()
    hidden = torch.tanh(x @ (model.W * before).T + model.c)
    second = torch.tanh(hidden @ (model.U * (unit <= unit[:, None])).T + model.d)
    logits = second @ (model.V * (unit <= turn[:, None])).T + x @ (model.A * (turn < turn[:, None])).T + model.b
    return (x * logits - torch.nn.functional.softplus(logits)).sum(-1)


def test_masks_follow_the_order() -> None:
    """Every weight is the density along the order drawn, and their mean over all orders has the mass one."""
    model: Any = Perturbation(1.0, 2).apply(gencompiler.compile(ORDERLESS)()).double()
    exact = torch.stack([masked(model, ROWS.double(), order) for order in ORDERS], -1)
    assert abs(float((exact.logsumexp(-1) - math.log(len(ORDERS))).exp().sum().detach()) - 1) < 1e-12
    seen = set()
    for seed in range(20):
        weight, order = model.log_weight(ROWS, seed=seed), model.encode(ROWS, seed=seed)
        own = [ORDERS.index(tuple(found)) for found in order.tolist()]
        seen.update(own)
        torch.testing.assert_close(weight, exact[torch.arange(len(ROWS)), own], rtol=1e-10, atol=1e-10)
    assert len(seen) == len(ORDERS)


def test_draws_follow_the_ensemble() -> None:
    """Each of the 8 rows among 20,000 draws: within 5 standard errors."""
    model: Any = Perturbation(1.0, 2).apply(gencompiler.compile(ORDERLESS)()).double()
    exact = torch.stack([masked(model, ROWS.double(), order) for order in ORDERS], -1).detach().exp().mean(-1)
    found = torch.bincount((model.sample(20_000, seed=4) * torch.tensor([4, 2, 1])).sum(-1), minlength=8) / 20_000
    assert ((found - exact).abs() <= 5 * (exact * (1 - exact) / 20_000).sqrt()).all()


WIDE = """
model MADE(D = 3, N = 2) {
  observed x : Binary[D]
  latent   o : Permutation(D)
  param W : Real[D, N, D], V : Real[D, D, N], c : Real[D, N], b : Real[D]
  p(o) = Uniform()
  p(x[o[i]] | x[o[<i]], o) = Bernoulli(logits = b[o[i]] + sum(V[o[i], <=i] * h[<=i]))
    where { h = for m in D: relu(c[m] + W[m] @ scatter(x[o[<m]], o[<m], D)) }
  q(o | x) = p(o)
  train elbo
}
"""


def test_several_units_of_each_degree() -> None:
    model: Any = Perturbation(1.0, 5).apply(gencompiler.compile(WIDE)()).double()
    weight, orders = model.log_weight(ROWS, seed=3), model.encode(ROWS, seed=3)
    unit, x = torch.arange(D), ROWS.double()
    turn = orders.argsort(-1)
    seen = x[:, None] * (turn[:, None] < unit[:, None])
    hidden = torch.relu(torch.einsum("mnj,bmj->bmn", model.W, seen) + model.c)
    logits = torch.einsum("jmn,bmn,bjm->bj", model.V, hidden, (unit <= turn[..., None]).double()) + model.b
    torch.testing.assert_close(weight, (x * logits - torch.nn.functional.softplus(logits)).sum(-1), rtol=1e-10, atol=0)


FORWARD = """
model Forward(D = 3) {
  observed x : Binary[D]
  param W, U, V : Real[D, D]
  p(x[i] | x[<i]) = Bernoulli(logits = READ)
    where { h = for m in D: tanh(ENTRY)   g = for m in D: tanh(SECOND) }
  train maximum_likelihood
}
"""
ENTRY, SECOND, READ = "W[m, <m] @ x[<m]", "U[m, <=m] @ h[<=m]", "V[i, <=i] @ g[<=i]"


def forward(entry: str = ENTRY, second: str = SECOND, read: str = READ) -> str:
    return FORWARD.replace("ENTRY", entry).replace("SECOND", second).replace("READ", read)


@pytest.mark.parametrize(
    "text",
    (
        forward(),
        forward(read="g[i]"),
        forward(read="V[i, <i] @ g[<i] + g[i]"),
        forward(entry="W[m, <=m] @ x[<=m]", read="V[i, <i] @ g[<i]"),
        forward(entry="x[m]", second="U[m, <m] @ h[<m]"),
    ),
)
def test_a_view_of_units_has_the_mass_one(text: str) -> None:
    model: Any = Perturbation(1.0, 3).apply(gencompiler.compile(text)()).double()
    assert abs(float(model.log_prob(ROWS).exp().sum().detach()) - 1) < 1e-12


@pytest.mark.parametrize(
    "text",
    (
        forward(entry="W[m, <=m] @ x[<=m]"),
        forward(entry="x[m]"),
        forward(entry="W[m] @ x"),
        forward(second="U[m] @ h"),
        forward(entry="W[m, <=m] @ x[<=m]", second="h[m]", read="g[i]"),
        forward(read="V[i] @ g"),
        forward(read="sum(g)"),
        forward(read="g[2]"),
        forward(read="V[i, <=i] @ g[<=i] + sum(for m in D: V[m, <=m] @ g[<=m])"),
        ORDERLESS.replace("o[<m]", "o[<=m]"),
        ORDERLESS.replace("V[o[i], <=i] @ g[<=i]", "V[o[i]] @ g"),
        ORDERLESS.replace("U[m, <=m] @ h[<=m]", "U[m] @ h"),
    ),
)
def test_what_sees_too_much_is_refused(text: str) -> None:
    with pytest.raises(CompileError, match="G305"):
        gencompiler.compile(text)
