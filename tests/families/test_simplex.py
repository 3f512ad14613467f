"""Parameters on a simplex: a table of transition probabilities against sums written by hand."""

from __future__ import annotations

import torch

import gencompiler
from gencompiler.testing.strategies import Perturbation

TABLES = """
model Tables(K = 3, M = 4) {
  observed x : Category(M), y : Category(M)
  latent   z : Category(K), s : Category(K)
  param pi : Simplex(K), A : Simplex(K)[K], B : Simplex(M)[K]
  p(z)     = Categorical(pi)
  p(s | z) = Categorical(A[z])
  p(x | z) = Categorical(B[z])
  p(y | s) = Categorical(B[s])
  train maximum_likelihood
}
"""


def test_tables_of_probabilities_are_summed_exactly() -> None:
    model = Perturbation(1.0, 3).apply(gencompiler.compile(TABLES)()).double()
    pi, transition, emission = (model.value(name) for name in ("pi", "A", "B"))
    for table in (pi, transition, emission):
        torch.testing.assert_close(table.sum(-1), torch.ones_like(table.sum(-1)))
    places = torch.cartesian_prod(torch.arange(4), torch.arange(4))
    joint = torch.einsum("z,zs,zx,sy->xy", pi, transition, emission, emission)
    found = model.log_prob(x=places[:, 0], y=places[:, 1])
    torch.testing.assert_close(found.double(), joint.log().flatten(), atol=2e-6, rtol=0)


def test_the_rows_of_a_table_start_apart() -> None:
    model = gencompiler.compile(TABLES)()
    assert (model.value("A")[0] - model.value("A")[1]).abs().max() > 1e-3
    torch.testing.assert_close(model.value("pi"), torch.full((3,), 1 / 3))
