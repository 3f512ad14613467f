"""Conservative estimates of the law of a chain, against that law: by enumeration and in closed form.

The mean of the terms of a row is an unbiased estimate of the density after one more step, whatever the chain: its error
is that of a mean of independent numbers."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import gencompiler
from gencompiler.diagnostics.model import CompileError
from gencompiler.runtime import conservative
from gencompiler.runtime.data import Rows

GSN = """model GSN(D = 3) {
  observed x : Binary[D]
  latent   c : Binary[D]
  q(c | x) = SaltAndPepper(x, rate = 0.5)
  p(x | c) = Bernoulli(logits = mlp(c, hidden = [4], activation = tanh))
  transition step(x' | x) { c ~ q(c | x)   x' ~ p(x | c) }
  sample chain(step, burn_in = 3)
  evaluate csl(samples = 4000)
}
"""
STATES = torch.tensor(list(itertools.product([0, 1], repeat=3)))


def small() -> Any:
    """A network with strong weights, whose chain has not forgotten its start after three steps."""
    model = gencompiler.compile(GSN)(seed=0)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(2 * torch.randn(parameter.shape, generator=generator))
    return model


def law_after(model: Any, steps: int) -> Tensor:
    """Of the chain of `small`, by its matrix from the uniform law."""
    kept = 0.75  # half of the bits are drawn anew
    corrupted = torch.stack([torch.where(x == STATES, kept, 1 - kept).prod(1) for x in STATES]).double()
    means = model.decode_mean(STATES).double().detach()
    drawn = torch.stack([torch.where(STATES == 1, m, 1 - m).prod(1) for m in means])
    return torch.full((8,), 1 / 8, dtype=torch.float64) @ torch.linalg.matrix_power(corrupted @ drawn, steps)


def differs(model: Any, steps: int, samples: int = 4000) -> float:
    """The estimate's error under the law after so many steps, in standard errors: the largest over all states."""
    terms = conservative.terms_of(model, [STATES.float()], samples, 3, 0).exp()
    error = terms.std(1) / math.sqrt(samples)
    return float(((terms.mean(1) - law_after(model, steps)).abs() / error).max())


def test_it_is_the_law_after_one_more_step() -> None:
    """And of no other number of steps, where that still makes a difference."""
    model = small()
    assert differs(model, 4) < 5
    assert differs(model, 1) > 8
    found = model.csl(STATES, samples=4000)
    torch.testing.assert_close(found, law_after(model, 4).log(), rtol=0, atol=0.1)


def test_a_chain_on_the_reals_has_its_law_in_equilibrium() -> None:
    spec = """model Line(a = 0.8) {
      observed x : Real
      latent   c : Real
      q(c | x) = Normal(a * x, 0.3)
      p(x | c) = Normal(c, sqrt(1 - a^2 - 0.09))
      transition step(x' | x) { c ~ q(c | x)  x' ~ p(x | c) }
      sample chain(step, burn_in = 40)
      evaluate csl
    }"""
    model = gencompiler.compile(spec)()
    x = torch.linspace(-2, 2, 9)
    terms = conservative.terms_of(model, [x], 4000, 40, 1).exp()
    error = terms.std(1) / math.sqrt(4000)
    exact = torch.distributions.Normal(0.0, 1.0).log_prob(x).double().exp()
    assert float(((terms.mean(1) - exact).abs() / error).max()) < 5
    assert float(((terms.mean(1) - exact * 1.2).abs() / error).max()) > 8


def test_a_machine_has_the_law_of_its_energy() -> None:
    """Of a Gibbs sweep over h and then x, in a model whose constant is summed."""
    spec = """model Machine {
      observed x : Binary[3]
      latent   h : Binary[2]
      param W : Real[3, 2] = Normal(0, 1), b : Real[3] = 1, c : Real[2] = -1
      p(x, h) ∝ exp(b @ x + c @ h + x @ W @ h)
      transition gibbs(x', h' | x, h) { h' ~ p(h | x)   x' ~ p(x | h') }
      sample chain(gibbs, burn_in = 30)
      evaluate csl(samples = 8000)
    }"""
    model = gencompiler.compile(spec)(seed=4)
    exact = -model.energy(STATES).detach().double() - model.log_z()
    torch.testing.assert_close(model.csl(STATES), exact, rtol=0, atol=0.08)


def test_few_samples_are_conservative() -> None:
    """The logarithm of a mean of few terms is low on the average, and rises with their number."""
    model = small()
    exact = law_after(model, 4).log()
    gaps = [torch.stack([model.csl(STATES, samples=n, seed=s) - exact for s in range(60)]).mean() for n in (1, 4, 16)]
    assert gaps[0] < gaps[1] < gaps[2] < 0.01


def test_rows_of_a_data_set_are_evaluated_as_the_spec_asks() -> None:
    model = small()
    found = conservative.evaluate(model, Rows({"x": STATES.to(torch.uint8)}, torch.arange(8)))
    assert found.samples == 4000 and found.log_density.kind == "bound"
    assert found.log_density.nats == pytest.approx(float(model.csl(STATES).mean()))
    assert 1 < found.smallest_size <= found.effective_size < 4000


def test_a_chain_that_is_given_something_has_a_law_for_each_value() -> None:
    """x' = x / 2 + y + noise of variance 1 settles at Normal(2 y, sqrt(4 / 3))."""
    model = gencompiler.compile("""model M {
  given    y : Real
  observed x : Real
  latent   c : Real
  q(c | x) = Normal(x, 1)
  p(x | c, y) = Normal(c / 2 + y, sqrt(0.75))
  transition step(x' | x, y) { c ~ q(c | x)   x' ~ p(x | c, y) }
  sample chain(step, burn_in = 40)
  evaluate csl(samples = 8000)
}
""")()
    y = torch.tensor([0.0, 1.5, 0.0, 1.5, -1.0])
    x = torch.tensor([0.5, 2.0, -1.0, 4.0, -2.5])
    exact = torch.distributions.Normal(2 * y, math.sqrt(4 / 3)).log_prob(x).double()
    torch.testing.assert_close(model.csl(x, context=y), exact, rtol=0, atol=0.08)
    assert not torch.allclose(model.csl(x, context=y + 1), exact, atol=0.08)
    found = conservative.evaluate(model, Rows({"x": x, "y": y}, torch.arange(5)))
    assert found.log_density.nats == pytest.approx(float(exact.mean()), abs=0.08)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (
            "transition t(x' | x) { y ~ Normal(x, 1)  x' = metropolis(y) }  sample chain(t)",
            "draws no new `x` from a law",
        ),
        ("transition t(x' | x, s : Positive) { x' ~ Normal(x, s) }  sample chain(t, s = 1)", "has conditions"),
        ("transition t(x' | x) { x' ~ Normal(x, 1) }", "no chain samples"),
    ],
)
def test_what_has_no_law_to_average_is_said(body: str, why: str) -> None:
    with pytest.raises(CompileError) as caught:
        gencompiler.compile(f"model M {{ observed x : Real  p(x) ∝ exp(-x^4)  {body}  evaluate csl }}")
    assert [d.code for d in caught.value.diagnostics] == ["G703"]
    assert why in caught.value.diagnostics[0].message


def test_the_shipped_network_has_an_estimate() -> None:
    model = gencompiler.compile(Path("specs/chains/gsn.gen"))()
    rows = model.sample(5, seed=1, burn_in=2)
    assert bool(torch.isfinite(model.csl(rows, samples=20, burn_in=2)).all())
