"""Objectives: those of the prelude on small models, and what the notation of one means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gencompiler.model import nodes
from gencompiler.model.prelude import load
from gencompiler.model.print import text
from gencompiler.node import walk
from tests.model.objectives import DIFFUSION, GAME, ORDERED, REAL_LATENT, TWO_LATENTS, codes, own, resolved

#: Every objective of the prelude with arguments, on the model that it is meant for.
MEANT = {
    "maximum_likelihood": (REAL_LATENT, "maximum_likelihood"),
    "prior_sampled_likelihood": (REAL_LATENT, "prior_sampled_likelihood(K = 3)"),
    "orderless": (ORDERED, "orderless"),
    "elbo": (REAL_LATENT, "elbo"),
    "beta_elbo": (REAL_LATENT, "beta_elbo(beta = 2)"),
    "iwae": (REAL_LATENT, "iwae(K = 3)"),
    "iwae_dreg": (REAL_LATENT, "iwae_dreg(K = 3)"),
    "score_function": (TWO_LATENTS, "score_function"),
    "vimco": (TWO_LATENTS, "vimco(K = 3)"),
    "wake_sleep": (TWO_LATENTS, "wake_sleep"),
    "sleep": (TWO_LATENTS, "sleep"),
    "reweighted_wake_sleep": (TWO_LATENTS, "reweighted_wake_sleep(K = 3, dream = 0.5)"),
    "em": (TWO_LATENTS, "em"),
    "adversarial": (GAME, "adversarial(critic)"),
    "non_saturating": (GAME, "non_saturating(C = critic)"),
    "wasserstein": (GAME, "wasserstein(critic, ratio = 2)"),
    "clipped_wasserstein": (GAME, "clipped_wasserstein(critic, c = 0.05)"),
    "hinge": (GAME, "hinge(critic)"),
    "least_squares": (GAME, "least_squares(critic)"),
    "bidirectional": (GAME, "bidirectional(pairs)"),
    "denoising_score_matching": (DIFFUSION, "denoising_score_matching(e, vp, weighting = likelihood)"),
    "noise_prediction": (DIFFUSION, "noise_prediction(e, vp, cutoff = 0.01)"),
    "velocity_prediction": (DIFFUSION, "velocity_prediction(e, vp)"),
    "data_prediction": (DIFFUSION, "data_prediction(e, vp)"),
    "edm_denoising": (DIFFUSION, "edm_denoising(e, d = 0.25)"),
    "flow_matching": (DIFFUSION, "flow_matching(e)"),
}

#: Objectives of models with energies and chains, which have goldens of their own.
NOT_YET = {"contrastive_divergence", "persistent_contrastive_divergence", "walkback"}


def _training(model: nodes.Model) -> str:
    lines = text(model).splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("  train "))
    phases = model.trainings[0].objective.phases
    reached = [f"    {p.label} updates {', '.join(p.parameters)}" for p in phases]
    return "\n".join([*lines[start : start + 1 + len(phases)], *reached])


def test_every_objective_of_the_prelude_is_here() -> None:
    assert set(load().objectives) - NOT_YET <= set(MEANT)


def test_objectives_of_the_prelude(golden: Any) -> None:
    shipped = [_training(resolved(base, f"train {call}")) for name, (base, call) in MEANT.items() if _known(name)]
    golden.check(Path("tests/goldens/objectives.txt"), "\n".join(shipped) + "\n")


def _known(name: str) -> bool:
    return name in load().objectives


# -- what the notation means -----------------------------------------------------------------------------------------


def test_a_sum_of_expectations_is_taken_apart() -> None:
    """E[x] (f - 2 E[z] g): the inner one is a term of its own, and keeps the outer draws that it mentions."""
    body = (
        "update critic maximize E[x ~ data] critic(x) - 2 * (E[y ~ p(x)] critic(y) + E[z ~ p(z)] norm(z) * critic(x))"
    )
    phase = resolved(GAME, f"train own\n  objective own {{ {body} }}").trainings[0].objective.phases[0]
    found = [e for e in walk(phase.value) if isinstance(e, nodes.Expectation)]
    assert [[d.names for d in e.draws] for e in found] == [[("x",)], [("y",)], [("x",), ("z",)]]
    factors = [
        a.value
        for e in walk(phase.value)
        if isinstance(e, nodes.Apply)
        for a in e.arguments[:1]
        if isinstance(a, nodes.Literal)
    ]
    assert factors == [2, 2]


def test_a_renamed_draw_of_a_group_has_a_name_for_each_variable() -> None:
    body = "update q maximize E[x ~ data, a ~ q(z | x)] log p(x, z = a)"
    model = resolved(f"{TWO_LATENTS}objective own {{ {body} }}\n", "train own")
    (draw,) = [d for d in walk(model.trainings[0]) if isinstance(d, nodes.Drawn) and d.variables == ("h1", "h2")]
    assert draw.names == ("a.h1", "a.h2")
    (density,) = [n for n in walk(model.trainings[0]) if isinstance(n, nodes.LogDensity)]
    assert [(b.name, getattr(b.value, "name", None)) for b in density.targets] == [
        ("x", "x"),
        ("h1", "a.h1"),
        ("h2", "a.h2"),
    ]


def test_a_draw_never_hides_a_variable_that_a_definition_mentions() -> None:
    base = GAME.replace("latent z", "given y : Real\n  latent z").replace(
        "linear(x))\n  def pairs", "linear(x, y))\n  def pairs"
    )
    model = resolved(base, "train wasserstein(critic)")
    names = {n for d in walk(model.trainings[0]) if isinstance(d, nodes.Drawn) for n in d.names}
    assert "y" not in names


def test_an_argument_hides_nothing_of_the_objective() -> None:
    """The network is called `e`, as is the noise that `noise_prediction` draws."""
    if _known("noise_prediction"):
        model = resolved(DIFFUSION, "train noise_prediction(e, vp)")
        assert [c.function for c in walk(model.trainings[0]) if isinstance(c, nodes.Call)] == ["e"]


def test_the_prelude_sees_no_definition_of_the_spec() -> None:
    base = GAME.replace("TRAIN", "def norm(x : Real[D]) -> Real = sum(x)\n  TRAIN")
    model = resolved(base, "train wasserstein(critic)")
    assert any(isinstance(n, nodes.Reduce) and n.operation == "norm" for n in walk(model.trainings[0]))


def test_groups_reach_their_own_parameters() -> None:
    critic, generator = resolved(GAME, "train hinge(critic)").trainings[0].objective.phases
    assert critic.parameters and all(p.startswith("critic.") for p in critic.parameters)
    assert generator.parameters and not set(generator.parameters) & set(critic.parameters)


def test_a_group_reaches_through_functions() -> None:
    base = GAME.replace("Normal(linear(z), 1)", "Normal(f(z), 1)").replace(
        "TRAIN", "def f(z : Real[Z]) -> Real[D] = linear(g(z))\n  def g(z : Real[Z]) -> Real[Z] = linear(z)\n  TRAIN"
    )
    phase = resolved(base, "train maximum_likelihood").trainings[0].objective.phases[0]
    assert {p.split(".")[0] for p in phase.parameters} == {"f", "g"}


@pytest.mark.parametrize(
    ("train", "found"),
    [
        ("train elbo", []),
        ("train iwae(K = 0)", ["G206"]),
        ("train iwae(K = D)", []),
        ("train iwae(0)", ["G206"]),
        ("train iwae(3, 4)", ["G104"]),
        ("train iwae(K = 2, K = 3)", ["G102"]),
        ("train ivae", ["G702"]),
        ("train elbo(cutoff = 0.1)", ["G104"]),
        ("train hinge(critic)", ["G101"]),
        (own("update p maximize E[x ~ data, z ~ q(z | x)] stop(log p(x, z)) + log p(x, z)"), []),
        (own("update p maximize E[x ~ data, z ~ stop(q)(z | x)] log p(x | z)"), []),
        (own("update p maximize E[x, z ~ stop(p)] log p(x | z)"), []),
        (own("update p maximize E[x ~ data, z ~ q(z)] log p(x, z)"), []),
        (own("update p maximize E[x ~ data, z ~ q(z | y)] log p(x, z)"), ["G101"]),
        (own("update p maximize E[x ~ data, u ~ Normal(0, 1)] log p(x, z = u)"), ["G201"]),
        (own("update p maximize E[x ~ data, z ~ q(z | x)] log p(x, x, z)"), ["G704"]),
        (own("update p maximize E[x ~ data, z[k in 2], w ~ q(z | x)] 1"), ["G901"]),
        (own("update p maximize E[x ~ data, z[k in 2] ~ q(z | x)] mean(for k: log p(x, z[k]) * z[k][0])"), []),
        (own("update p maximize 1 / 2 * E[x ~ data, z ~ q(z | x)] log p(x, z)"), []),
        (own("update p maximize Z * E[x ~ data, z ~ q(z | x)] log p(x, z)"), []),
        (own("update p maximize 0 * E[x ~ data, z ~ q(z | x)] log p(x, z)"), ["G206"]),
    ],
)
def test_what_is_said(train: str, found: list[str]) -> None:
    assert codes(REAL_LATENT, train) == found
