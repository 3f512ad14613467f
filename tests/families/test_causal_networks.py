"""Networks on causal views: causal by perturbation, normalised by enumeration, sampled as their density says, and the
place-by-place computation equal to that of all places at once."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch

import gencompiler
from gencompiler.catalog import causal
from gencompiler.proof.causal_rules import SeesThePast
from gencompiler.proof.kernel import Unproved, prove
from gencompiler.runtime import random
from tests.families.test_foundation import perturbed

SPEC = """
model M(D = {places}) {{
  observed x : Binary[D]
  {given}
  p(x[i] | x[<i]) = Bernoulli(logits = {logits}) {local}
}}
"""

NETWORKS = [
    ("mlp(x[<i], hidden = [12])", ""),
    ("mlp(x[<i], hidden = [12, 9], activation = tanh)", ""),
    ("mlp(2 * x[<i] - 1, hidden = [3, 20, 7], activation = silu)", ""),
    ("mlp(x[<i], hidden = [1])", ""),
    ("linear(x[<i])", ""),
    ("a + b * sin(a)", "where { a, b = mlp(x[<i], hidden = [10, 6]) }"),
    ("V[i] @ h", "where { h = tanh(mlp(x[<i], hidden = [7, 11], size = 4)) }"),
    ("mlp(x[<i], hidden = [9]) + W[i, <i] @ x[<i]", ""),
    ("mlp(x[<i], w[<i] * x[<i], hidden = [9, 9])", ""),
]
PARAMETERS = "param V : Real[D, 4], W : Real[D, D], w : Real[D]"


def built(logits: str, local: str = "", places: int = 6) -> Any:
    text = SPEC.format(places=places, given=PARAMETERS, logits=logits, local=local)
    return perturbed(gencompiler.compile(text)(), 1.0)


def every(places: int) -> torch.Tensor:
    return torch.tensor(list(itertools.product([0, 1], repeat=places)))


@pytest.mark.parametrize(("logits", "local"), NETWORKS)
def test_the_mass_is_one_and_draws_have_it(logits: str, local: str) -> None:
    """A conditional that looked ahead would spoil the mass.  40,000 draws over 64 values: by Hoeffding, a frequency is off by more than 0.017 with probability 2e-10."""
    model = built(logits, local)
    probability = model.log_prob(every(6)).exp()
    torch.testing.assert_close(probability.sum(), torch.ones((), dtype=probability.dtype), rtol=0, atol=1e-12)
    drawn = model.sample(40000, seed=1)
    codes = (drawn * 2 ** torch.arange(5, -1, -1)).sum(1)
    frequency = torch.bincount(codes, minlength=64) / 40000
    assert (frequency - probability).abs().max() < 0.017


@pytest.mark.parametrize("hidden", ["[70]", "[70, 40]", "[20, 33, 65]", "[9]"])
def test_drawing_place_by_place_follows_the_density(hidden: str) -> None:
    """With means and scales by hand, x_i = m_i + s_i z_i holds for the very noise z that the draws are made of."""
    model = perturbed(gencompiler.compile(REAL.format(hidden=hidden))(), 0.3)
    x = model.sample(32, seed=4)
    names = {name: value.detach().numpy() for name, value in model.named_parameters()}
    mean, log_scale = by_hand(names, x.detach().numpy(), hidden)
    z = (x - torch.as_tensor(mean)) / torch.as_tensor(log_scale).exp()
    density = (-0.5 * z**2 - torch.as_tensor(log_scale) - 0.5 * math.log(2 * math.pi)).sum(1)
    torch.testing.assert_close(model.log_prob(x), density, rtol=1e-9, atol=1e-9)
    noise = random.normal(4, torch.arange(32), 0, 0, 40, dtype=torch.float64)
    torch.testing.assert_close(z, noise, rtol=1e-8, atol=1e-8)


REAL = """
model M(D = 40) {{
  observed x : Real[D]
  p(x[i] | x[<i]) = Normal(m, exp(0.3 * tanh(s))) where {{ m, s = mlp(x[<i], hidden = {hidden}, activation = tanh) }}
}}
"""


def by_hand(names: dict[str, Any], x: Any, hidden: str) -> tuple[Any, Any]:
    """Means and log scales by the definition: for each place, a network with the masks of its degrees spelled out."""
    widths = eval(hidden)
    degrees = [np.arange(1, 41), *(np.array(causal.hidden(40, n, ("before",)).all()) for n in widths)]
    value = x
    for layer in range(len(widths)):
        mask = degrees[layer + 1][:, None] >= degrees[layer][None]
        value = np.tanh(value @ (names[f"mlp.{layer}.weight"] * mask).T + names[f"mlp.{layer}.bias"])
    mask = np.arange(40)[:, None] >= degrees[-1][None]
    m, s = (value @ (names[f"mlp.{n}.weight"] * mask).T + names[f"mlp.{n}.bias"] for n in ("m", "s"))
    return m, 0.3 * np.tanh(s)


def test_a_condition_reaches_the_first_place() -> None:
    """With a given variable there are units of degree 0, so that x_0 depends on it."""
    text = SPEC.format(places=4, given="given y : Real[3]", logits="mlp(x[<i], y, hidden = [12])", local="")
    model = perturbed(gencompiler.compile(text)(), 1.0)
    values = every(4)
    first = [
        model.log_prob(values, context=torch.full((16, 3), c, dtype=torch.float64)).detach().exp()[8:].sum()
        for c in (-1.0, 1.0)
    ]
    assert abs(float(first[0] - first[1])) > 1e-3


# -- degrees ---------------------------------------------------------------------------------------------------------

VIEWS = [("before",), ("", "before"), ("until",), ("before", "until")]


@pytest.mark.parametrize("views", VIEWS)
@pytest.mark.parametrize("places", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("units", [1, 2, 5, 7, 13, 64, 200])
def test_degrees_are_sorted_and_reach_both_ends(views: tuple[str, ...], places: int, units: int) -> None:
    degrees = causal.hidden(places, units, views)
    found = degrees.all()
    assert list(found) == sorted(found) and max(found) <= places - 1
    if degrees.rise:
        assert [degrees.start(d) for d in range(places)] == [sum(f < d for f in found) for d in range(places)]
        assert max(found.count(d) for d in found) <= degrees.most
    if units >= places:
        assert found[-1] == places - 1 and len(set(found)) == places - found[0]


@pytest.mark.parametrize("views", VIEWS)
@pytest.mark.parametrize("hidden", [(), (3,), (9,), (9, 2), (4, 9, 30)])
def test_the_rule_agrees_with_the_product_of_the_masks(views: tuple[str, ...], hidden: tuple[int, ...]) -> None:
    places, sizes = 5, (2,) * len(views)
    fact = prove("masked_network", ("net", places, sizes, views, hidden, (1,))).conclusion
    assert isinstance(fact, SeesThePast)
    layers = [[d for s, v in zip(sizes, views, strict=True) for d in causal.inputs(places, s, v).all()]]
    layers += [list(causal.hidden(places, n, views).all()) for n in hidden]
    layers += [list(causal.outputs(places, 1).all())]
    path = torch.eye(len(layers[0]), dtype=torch.int64)
    for below, above in itertools.pairwise(layers):
        path = (torch.tensor(above)[:, None] >= torch.tensor(below)).long() @ path
    owner = [-1 if v == "" else k // s for s, v in zip(sizes, views, strict=True) for k in _units(s, v, places)]
    kind = [v for s, v in zip(sizes, views, strict=True) for _ in _units(s, v, places)]
    blind = 0
    for i in range(places):
        allowed = [w == "" or o < i or (o == i and w == "until") for o, w in zip(owner, kind, strict=True)]
        assert not path[i][~torch.tensor(allowed)].any()
        blind += bool((path[i][torch.tensor(allowed)] == 0).any())
    assert fact.blind == blind


def _units(size: int, view: str, places: int) -> range:
    return range(size * places if view else size)


@pytest.mark.parametrize("shift", [1, -1])
def test_wrong_degrees_are_noticed(monkeypatch: pytest.MonkeyPatch, shift: int) -> None:
    """Outputs of a degree too high see the present; of one too low, they are blind to the nearest place."""
    right = causal.outputs

    def wrong(places: int, features: int) -> causal.Degrees:
        degrees = right(places, features)
        return causal.Degrees(degrees.count, degrees.first + shift, degrees.rise, degrees.run)

    monkeypatch.setattr(causal, "outputs", wrong)
    subject = ("net", 6, (1,), ("before",), (8,), (1,))
    try:
        fact = prove("masked_network", subject).conclusion
    except Unproved:
        assert shift == 1
    else:
        assert isinstance(fact, SeesThePast) and shift == -1 and fact.blind
