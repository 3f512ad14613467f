"""Chains whose steps are drawn by a table: their law is what linear algebra says, and a planted other law is noticed."""

from __future__ import annotations

import math

import pytest
import torch

import gencompiler

MATRIX = [[0.1, 0.6, 0.3], [0.3, 0.1, 0.6], [0.4, 0.3, 0.3]]
TABLE = """model Table {
  observed x : Category(3)
  p(x) = Categorical([0.2, 0.3, 0.5])
  transition t(x' | x) { BODY }
  sample chain(t, burn_in = 40)
}
"""
BODIES = {
    "by a table": f"x' ~ Categorical({MATRIX}[x])",
    "proposed by a table": f"y ~ Categorical({MATRIX}[x])   x' = metropolis(y)",
    "proposed uniformly": "y ~ Uniform()   x' = metropolis(y)",
}
CHAINS = 20_000
#: Hoeffding: a frequency of that many independent chains is off by more than this with probability 2 exp(-16).
BOUND = math.sqrt(16 / (2 * CHAINS))


def law(name: str) -> torch.Tensor:
    """The law after many steps."""
    if name != "by a table":
        return torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64)
    return torch.linalg.matrix_power(torch.tensor(MATRIX, dtype=torch.float64), 64)[0]


@pytest.mark.parametrize("name", BODIES)
def test_a_chain_has_the_law_of_its_matrix(name: str) -> None:
    model = gencompiler.compile(TABLE.replace("BODY", BODIES[name]))()
    drawn = model.chain(CHAINS, 1, seed=3).draws.flatten()
    found = torch.bincount(drawn, minlength=3) / CHAINS
    assert torch.all((found - law(name)).abs() < BOUND)
    planted = torch.tensor([0.25, 0.3, 0.45], dtype=torch.float64)
    assert torch.any((found - planted).abs() > BOUND)
