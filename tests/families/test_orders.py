"""Autoregression along an order that is drawn: densities and draws against sums over all orders, written out in torch."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

import gencompiler
from gencompiler.runtime.modules import Model
from gencompiler.testing.strategies import Perturbation

D = 3
ORDERS = list(itertools.permutations(range(D)))
ROWS = torch.tensor(list(itertools.product((0, 1), repeat=D)))

MODEL = """
model Ensemble(D = 3, H = 5) {
  observed x : Binary[D]
  latent   o : Permutation(D)
  def logits(known : Real[D], seen : Real[D]) -> Real[D] = mlp(known, seen, hidden = [H], activation = tanh)
  p(o)                     = Uniform()
  p(x[o[i]] | x[o[<i]], o) = Bernoulli(logits = logits(scatter(x[o[<i]], o[<i], D), indicator(o[<i]))[o[i]])
  q(o | x)                 = Uniform()
  objective orderless {
    update p maximize E[x ~ data, o ~ p(o), d ~ Uniform(0..D)] D / (D - d) * sum((1 - seen) * (x * a - softplus(a)))
      where { seen = indicator(o[<d])   a = logits(seen * x, seen) }
  }
  train orderless
  evaluate importance(K = 4)
}
"""


#: The same with the prelude's objective, and `q` the law that `p` states.
SHIPPED = MODEL[: MODEL.index("  objective")] + MODEL[MODEL.index("  train orderless") :]
SHIPPED = SHIPPED.replace("q(o | x)                 = Uniform()", "q(o | x)                 = p(o)")


def model_of(text: str) -> Model:
    return Perturbation(1.0, 2).apply(gencompiler.compile(text)()).double()


def along(model: Model, x: Tensor, order: tuple[int, ...]) -> Tensor:
    """log p(x | o)"""

    def value(name: str) -> Tensor:
        return model.value(f"logits.mlp.{name}")

    total = torch.zeros(len(x), dtype=torch.float64)
    for turn, place in enumerate(order):
        seen = torch.zeros(D, dtype=torch.float64)
        seen[list(order[:turn])] = 1
        given = torch.cat((x * seen, seen.expand(len(x), -1)), -1)
        hidden = torch.tanh(given @ value("0.weight").T + value("0.bias"))
        logit = (hidden @ value("output.weight").T + value("output.bias"))[:, place]
        total = total + x[:, place] * logit - torch.nn.functional.softplus(logit)
    return total


def test_a_weight_is_the_density_along_the_order_drawn() -> None:
    """log p(x, o) - log q(o | x) is log p(x | o); the mean of the probabilities, not of their logarithms, is p(x)."""
    model = model_of(MODEL)
    exact = torch.stack([along(model, ROWS.double(), order) for order in ORDERS], -1)
    seen = set()
    for seed in range(60):
        weight, order = model.log_weight(ROWS, seed=seed), model.encode(ROWS, seed=seed)
        assert isinstance(order, Tensor)
        for row, found in enumerate(order.tolist()):
            seen.add(tuple(found))
            torch.testing.assert_close(weight[row], exact[row, ORDERS.index(tuple(found))], rtol=1e-10, atol=1e-10)
    assert seen == set(ORDERS)
    whole = exact.logsumexp(-1) - math.log(len(ORDERS))
    assert abs(float(whole.exp().sum().detach()) - 1) < 1e-12


def test_rows_are_drawn_from_the_ensemble() -> None:
    """Each of the 8 rows among 40,000 draws, and each of the 6 orders: within 5 standard errors."""
    model, count = model_of(MODEL), 40_000
    exact = torch.stack([along(model, ROWS.double(), order) for order in ORDERS], -1).detach()
    expected = exact.exp().mean(-1)
    drawn = model.sample(count, seed=4)
    assert isinstance(drawn, Tensor)
    found = torch.bincount((drawn * torch.tensor([4, 2, 1])).sum(-1), minlength=8) / count
    assert ((found - expected).abs() <= 5 * (expected * (1 - expected) / count).sqrt()).all()
    order = model.encode(ROWS[:1].expand(count, -1), seed=9)
    assert isinstance(order, Tensor)
    share = torch.tensor([float((order == torch.tensor(o)).all(-1).double().mean()) for o in ORDERS])
    assert ((share - 1 / 6).abs() <= 5 * (5 / 36 / count) ** 0.5).all()


@pytest.mark.parametrize("text", (MODEL, SHIPPED), ids=("written out", "of the prelude"))
def test_orderless_training_estimates_the_mean_over_orders(text: str) -> None:
    """Uria et al., equation 12: its expectation is the mean of log p(x | o) over orders; within 5 standard errors."""
    model, x = model_of(text), ROWS[5:6].expand(60_000, -1)
    expected = torch.stack([along(model, ROWS[5:6].double(), order) for order in ORDERS]).mean().detach()
    values = model.row_values("objective_phase_1", (x,), seed=3).detach()
    assert abs(float(values.mean() - expected)) < 5 * float(values.std()) / len(values) ** 0.5
    assert float(values.std()) > 0.1


def test_both_ways_of_writing_it_are_one_function_of_the_draws() -> None:
    """The prelude's objective, of the law of single elements, against the formula of a Bernoulli law; the draws are of
    the same streams, so that row by row they agree to rounding."""
    written, shipped = (model_of(t).row_values("objective_phase_1", (ROWS,), seed=5) for t in (MODEL, SHIPPED))
    torch.testing.assert_close(written, shipped, rtol=1e-12, atol=1e-12)


NUMBERS = """
model Numbers(D = 4, H = 5) {
  observed x : Real[D]
  latent   o : Permutation(D)
  param    b : Real[D]
  p(o)                     = Uniform()
  p(x[o[i]] | x[o[<i]], o) = Normal(m[o[i]] + b[i], softplus(s[o[i]]))
    where { d = indicator(o[<i])   m, s = mlp(scatter(x[o[<i]], o[<i], D), d, hidden = [H], activation = tanh) }
  q(o | x)                 = p(o)
  train orderless
}
"""


def test_a_law_with_local_names_and_the_number_of_its_turn() -> None:
    """A local name that the objective has too, two outputs of one network, a parameter of the turn: the mean over all
    orders, within 5 standard errors, against densities along each order by the model's own importance weights."""
    model = model_of(NUMBERS)
    x = torch.tensor([[0.3, -1.2, 0.8, 2.0]], dtype=torch.float64)
    weights = torch.cat([model.log_weight(x.expand(500, -1), seed=k).detach() for k in range(8)])
    values = model.row_values("objective_phase_1", (x.expand(60_000, -1),), seed=3).detach()
    error = (values.var() / len(values) + weights.var() / len(weights)) ** 0.5
    assert abs(float(values.mean() - weights.mean())) < 5 * float(error)
    assert float(error) < 0.02 * abs(float(weights.mean()))


GIVEN = MODEL.replace("latent   o", "given    o").replace("  p(o)                     = Uniform()\n", "")
GIVEN = GIVEN[: GIVEN.index("  q(o | x)")] + "  train maximum_likelihood\n}\n"


def test_an_order_that_is_given_has_an_exact_density() -> None:
    model = model_of(GIVEN)
    assert model.capabilities["log_prob"] == "exact"
    for order in ORDERS:
        found = model.log_prob(ROWS, context=torch.tensor(order).expand(8, -1))
        torch.testing.assert_close(found, along(model, ROWS.double(), order), rtol=1e-10, atol=1e-10)


HEADS = {
    "what comes along itself": ("x[o[<i]], o) =", "x[o[<=i]], o) =", "scatter(x[o[<=i]], o[<=i], D)", "G305"),
    "the order is not listed": ("x[o[<i]], o) =", "x[o[<i]]) =", "scatter(x[o[<i]], o[<i], D)", "G105"),
    "the past along the axis": ("x[o[<i]], o) =", "x[<i], o) =", "scatter(x[o[<i]], o[<i], D)", "G105"),
    "more than is listed": ("x[o[<i]], o) =", "x[o[<i]], o) =", "scatter(x[o[<=i]], o[<=i], D)", "G305"),
}


@pytest.mark.parametrize("name", HEADS)
def test_what_an_order_does_not_allow_is_refused(name: str) -> None:
    old, new, body, code = HEADS[name]
    text = MODEL.replace(old, new).replace("scatter(x[o[<i]], o[<i], D)", body)
    assert text != MODEL
    found = gencompiler.check(text)
    assert code in {d.code for d in found.diagnostics}, [d.message for d in found.diagnostics]


LAWS = {
    "another order that begins so": ("indicator(o[<i])", "indicator(o[<=i])", "G704"),
    "the whole order": ("indicator(o[<i]))[o[i]]", "indicator(o[<i]))[o[0]]", "G704"),
    "no law along the order": ("p(x[o[i]] | x[o[<i]], o) =", "p(x[i] | o) = Bernoulli(logits = 0 * o[i])  # ", "G701"),
    "a law of another variable": ("= p(o)", "= p(x)", "G701"),
}


@pytest.mark.parametrize("name", LAWS)
def test_laws_that_are_not_there_are_refused(name: str) -> None:
    old, new, code = LAWS[name]
    text = SHIPPED.replace(old, new)
    assert text != SHIPPED
    found = gencompiler.check(text)
    assert code in {d.code for d in found.diagnostics}, [d.message for d in found.diagnostics]


def test_a_part_of_an_order_may_miss_elements() -> None:
    """Heads for all but the last turn: which element is never produced depends on the order."""
    text = MODEL.replace("latent   o", "latent   y : Binary[2], o")
    text = text.replace("p(x[o[i]] | x[o[<i]], o)", "p(x[o[i]] | x[o[<i]], o, y[i])").replace(
        "  p(o)  ", "  p(y) = Uniform()\n  p(o)  "
    )
    found = gencompiler.check(text)
    assert any(d.severity.name.lower() == "error" for d in found.diagnostics)
    assert "G302" in {d.code for d in found.diagnostics}
