"""Constants that are summed: against enumeration of every state of everything, and that annealing agrees."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch

import gencompiler
from gencompiler.runtime import partition
from gencompiler.runtime.fields import Field, Support

RBM = """model RBM(D = {D}, H = {H}) {{
  observed x : Binary[D]
  latent   h : Binary[H]
  param W : Real[D, H] = Normal(0, 1), b : Real[D] = Normal(0, 1), c : Real[H] = Normal(0, 1)
  p(x, h) ∝ exp(b @ x + c @ h + x @ W @ h)
}}
"""


@pytest.mark.parametrize(("visible", "hidden"), [(5, 3), (3, 5), (30, 4)])
def test_a_machine_is_summed_over_its_smaller_side(visible: int, hidden: int) -> None:
    model: Any = gencompiler.compile(RBM.format(D=visible, H=hidden))(seed=1)
    assert [f.name for f in model.summed] == ["x" if visible < hidden else "h"]
    W, b, c = (model.get_parameter(n).detach().double() for n in ("W", "b", "c"))
    terms = []
    for h in itertools.product((0.0, 1.0), repeat=hidden):
        state = torch.tensor(h, dtype=torch.float64)
        terms.append(c @ state + torch.nn.functional.softplus(b + W @ state).sum())
    exact = float(torch.stack(terms).logsumexp(0))
    assert model.log_z() == pytest.approx(exact, abs=1e-10)


def test_a_chain_of_spins_has_the_constant_of_its_transfer_matrix() -> None:
    """2^10 states of an open Ising chain: Z = 2 (2 cosh J)^9."""
    spec = """model Ising(D = 10, J = 0.7) {
  observed x : Sign[D]
  p(x) ∝ exp(J * sum(for i in 0..9: x[i] * x[i + 1]))
}
"""
    model: Any = gencompiler.compile(spec)()
    assert model.log_z() == pytest.approx(math.log(2) + 9 * math.log(2 * math.cosh(0.7)), abs=1e-10)


def test_every_state_comes_once() -> None:
    fields = (Field("a", (2,), Support("Sign")), Field("b", (), Support("Category", (3,))))
    (found,) = list(partition.states(fields))
    states = {(*a.tolist(), int(b)) for a, b in zip(*found, strict=True)}
    assert states == set(itertools.product((-1, 1), (-1, 1), (0, 1, 2)))


@pytest.mark.parametrize("sizes", [(24, 24), (21, 30)])
def test_what_is_too_large_is_not_summed(sizes: tuple[int, int]) -> None:
    model: Any = gencompiler.compile(RBM.format(D=sizes[0], H=sizes[1]))
    assert "log_mass" not in model.programs
    assert not hasattr(model, "log_z")


def test_how_many_states_there_are_may_be_more_than_a_float_holds() -> None:
    spec = "model Grey(D = 784) { observed x : Integer(0..256)[D]  latent h : Binary  p(x, h) ∝ exp(-x @ x - h) }"
    model: Any = gencompiler.compile(spec)
    assert "energy" in model.programs
