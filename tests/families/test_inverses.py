"""Stochastic inverses against exact enumeration: the sprinkler, Asia, and networks with made-up conditionals.

The enumeration is written out in numpy from the numbers of the papers; nothing in it comes from the compiler.
"""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import gencompiler
from gencompiler.runtime.modules import Model
from tests.families.test_foundation import perturbed

Case = dict[str, int]


def sprinkler(at: Case) -> float:
    one = {
        "rain": 0.2,
        "sprinkler": [0.4, 0.01][at["rain"]],
        "wet": [[0.001, 0.9], [0.8, 0.99]][at["rain"]][at["sprinkler"]],
    }
    return math.prod(p if at[name] else 1 - p for name, p in one.items())


def asia(at: Case) -> float:
    if at["either"] != max(at["tub"], at["lung"]):
        return 0.0
    one = {
        "asia": 0.01,
        "smoke": 0.5,
        "tub": [0.01, 0.05][at["asia"]],
        "lung": [0.01, 0.1][at["smoke"]],
        "bronc": [0.3, 0.6][at["smoke"]],
        "xray": [0.05, 0.98][at["either"]],
        "dysp": [[0.1, 0.8], [0.7, 0.9]][at["either"]][at["bronc"]],
    }
    return math.prod(p if at[name] else 1 - p for name, p in one.items())


NETWORKS = {
    "sprinkler": (sprinkler, ("rain", "sprinkler"), ("wet",)),
    "asia": (asia, ("asia", "smoke", "tub", "lung", "bronc", "either"), ("xray", "dysp")),
}


def cases(names: tuple[str, ...]) -> list[Case]:
    return [dict(zip(names, values, strict=True)) for values in itertools.product((0, 1), repeat=len(names))]


def probability(name: str, known: Case) -> float:
    joint, latent, observed = NETWORKS[name]
    return sum(joint(c) for c in cases((*latent, *observed)) if known.items() <= c.items())


def compiled(name: str) -> Model:
    return gencompiler.compile(f"specs/inverses/{name}.gen")(seed=1).double()


def rows(name: str) -> tuple[list[Case], list[torch.Tensor]]:
    """Every value of the observed variables, and the tensors of it."""
    seen = cases(NETWORKS[name][2])
    return seen, [torch.tensor([c[v] for c in seen]) for v in NETWORKS[name][2]]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_marginal_is_the_sum_over_all_causes(name: str) -> None:
    seen, values = rows(name)
    expected = torch.tensor([math.log(probability(name, c)) for c in seen], dtype=torch.float64)
    torch.testing.assert_close(compiled(name).log_prob(*values), expected, rtol=1e-12, atol=1e-12)


def heads(name: str) -> dict[str, tuple[str, ...]]:
    """The conditionals of the derived inverse, as the compiler shows them."""
    from gencompiler import pipeline
    from gencompiler.diagnostics.span import SourceText

    path = Path(f"specs/inverses/{name}.gen")
    done = pipeline.run(SourceText(path.as_posix(), path.read_text(encoding="utf-8")), until="resolve")
    shown = pipeline.dump(done, "model", False)
    found = re.findall(r"^  q\((\w+)(?: \| ([\w, ]+))?\) = .*logits\[([\w, ]*)\]", shown, flags=re.MULTILINE)
    return {head: tuple(places.split(", ")) for head, _, places in found}


@pytest.mark.parametrize("name", NETWORKS)
def test_an_inverse_with_the_exact_conditionals_is_the_posterior(name: str) -> None:
    """With the right numbers in its tables, every importance weight is p(x): no dependence is lost.

    A table put wrong by a tenth in one entry is noticed."""
    model = compiled(name)
    with torch.no_grad():
        for head, parents in heads(name).items():
            table = model.get_parameter(f"q.{head}.logits")
            for case in cases(parents):
                all_, one = probability(name, case), probability(name, {**case, head: 1})
                share = one / all_ if all_ else 0.5
                table[tuple(case[p] for p in parents)] = (
                    60.0 * (2 * share - 1) if share in (0, 1) else math.log(share / (1 - share))
                )
    _, values = rows(name)
    exact = model.log_prob(*values)
    spread = [model.log_weight(*values, seed=seed) for seed in range(20)]
    for weights in spread:
        torch.testing.assert_close(weights, exact, rtol=1e-9, atol=1e-9)
    with torch.no_grad():
        table += 0.1
    wrong = torch.stack([model.log_weight(*values, seed=seed) for seed in range(20)]).detach()
    assert float((wrong - exact.detach()).abs().max()) > 1e-3


def test_dreams_teach_the_posterior() -> None:
    """After a short training, P(rain | wet grass) by the inverse is near 0.3577, and explaining away is learned."""
    model = gencompiler.compile("specs/inverses/sprinkler.gen")(seed=0).fit(epochs=15)
    wet = torch.ones(20_000, dtype=torch.int64)
    drawn = model.encode(wet, seed=3)
    rain, spr = (np.asarray(v) for v in (drawn if isinstance(drawn, tuple) else (drawn,)))
    exact = probability("sprinkler", {"wet": 1, "rain": 1}) / probability("sprinkler", {"wet": 1})
    assert abs(rain.mean() - exact) < 0.03
    both = probability("sprinkler", {"wet": 1, "rain": 1, "sprinkler": 1}) / probability("sprinkler", {"wet": 1})
    assert abs((rain * spr).mean() - both) < 0.01
    assert abs(both - exact * spr.mean()) > 0.1, "the causes are far from independent"


CHAIN = """
model Chain {
  observed a, c : Category(3)
  latent   b : Category(4), e : Category(2)
  p(a) = Categorical([0.2, 0.3, 0.5])
  p(b | a) = Categorical([[0.1, 0.2, 0.3, 0.4], [0.25, 0.25, 0.25, 0.25], [0.7, 0.1, 0.1, 0.1]][a])
  p(e | b) = Categorical([[0.5, 0.5], [0.9, 0.1], [0.2, 0.8], [0.6, 0.4]][b])
  p(c | b, e) = Categorical(logits = T[b, e])
  param T : Real[4, 2, 3]
  q = inverse(p)
  train reweighted_wake_sleep
}
"""


def test_categories_and_learned_tables() -> None:
    model = gencompiler.compile(CHAIN)(seed=2).double()
    table = model.get_parameter("T").detach().numpy()
    a = np.array([0.2, 0.3, 0.5])
    b = np.array([[0.1, 0.2, 0.3, 0.4], [0.25] * 4, [0.7, 0.1, 0.1, 0.1]])
    e = np.array([[0.5, 0.5], [0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    c = np.exp(table) / np.exp(table).sum(-1, keepdims=True)
    joint = np.einsum("a,ab,be,bec->ac", a, b, e, c)
    seen = torch.tensor(list(itertools.product(range(3), range(3))))
    found = model.log_prob(seen[:, 0], seen[:, 1]).exp().detach().numpy().reshape(3, 3)
    np.testing.assert_allclose(found, joint, rtol=1e-12)


@pytest.mark.parametrize("given", [0, 1])
def test_an_inverse_as_a_proposal(given: int) -> None:
    """A chain that the learned inverse proposes for has the exact posterior, whatever the inverse is: 4,000 chains, every
    cell within 5 standard deviations (1 run of 100,000 fails), and far from q itself."""
    model = perturbed(compiled("sprinkler"), 1.0)
    cells = list(itertools.product(range(2), repeat=2))
    mass = torch.tensor([sprinkler({"rain": r, "sprinkler": s, "wet": given}) for r, s in cells], dtype=torch.float64)
    exact = mass / mass.sum()
    wet = torch.full((4000,), given)
    for draws, close in (
        (model.posterior_chain(wet, burn_in=60, seed=1).draws, True),
        (model.encode(wet, seed=1), False),
    ):
        rain, on = (d.reshape(-1) for d in draws)
        shares = torch.stack([((rain == r) & (on == s)).double().mean() for r, s in cells])
        worst = float(((shares - exact).abs() / (exact * (1 - exact) / 4000).sqrt().clamp(min=1e-3)).max())
        assert (worst < 5) == close
