"""What objectives need of a model: densities, draws, gradients through them, parameters of their own."""

from __future__ import annotations

import pytest

from gencompiler import pipeline
from gencompiler.checks.certificate import certificate_text, recheck
from gencompiler.diagnostics.model import CompileError
from gencompiler.diagnostics.span import SourceText
from tests.model.objectives import GAME, REAL_LATENT, TWO_LATENTS, codes, own


def compiled(base: str, train: str) -> pipeline.Compilation:
    return pipeline.run(SourceText("m.gen", base.replace("TRAIN", train)), until="check")


WELL_FOUNDED = [
    (REAL_LATENT, "train elbo"),
    (REAL_LATENT, "train iwae_dreg(K = 3)"),
    (REAL_LATENT, "train beta_elbo\n  evaluate importance(K = 10)\n  evaluate bound"),
    (REAL_LATENT, "train wake_sleep"),
    (REAL_LATENT, "train prior_sampled_likelihood"),
    (TWO_LATENTS, "train wake_sleep"),
    (TWO_LATENTS, "train reweighted_wake_sleep"),
    (TWO_LATENTS, "train vimco"),
    (TWO_LATENTS, "train score_function"),
    (TWO_LATENTS, "train em"),
    (TWO_LATENTS, "train maximum_likelihood"),
    (GAME, "train least_squares(critic)"),
    (GAME, "train bidirectional(pairs)"),
]


@pytest.mark.parametrize(("base", "train"), WELL_FOUNDED, ids=lambda t: t.split("(")[0][:40] if "train" in t else "")
def test_a_well_founded_objective_is_proved(base: str, train: str) -> None:
    done = compiled(base, train)
    asked = [v for v in done.checked.verdicts if v.obligation.id == "objective"]
    assert asked and all(v.status == "proved" for v in asked)
    text = certificate_text(done.checked, "hash", "m.gen")
    assert recheck(text, done.derived, "hash") == []


def test_each_question_is_one_obligation() -> None:
    done = compiled(TWO_LATENTS, "train reweighted_wake_sleep")
    asked = sorted(v.subject for v in done.checked.verdicts if v.obligation.id == "objective")
    assert asked == [
        "reweighted_wake_sleep: a draw of p(x, h1, h2)",
        "reweighted_wake_sleep: a draw of q(h1, h2 | x)",
        "reweighted_wake_sleep: p(x, h1, h2)",
        "reweighted_wake_sleep: q(h1, h2 | x)",
    ]


# -- estimators ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "train", "found"),
    [
        (TWO_LATENTS, "train elbo", ["G705"]),
        (TWO_LATENTS, "train iwae", ["G705"]),
        (TWO_LATENTS, "train prior_sampled_likelihood", ["G705"]),  # the prior itself is learned
        (REAL_LATENT, "train prior_sampled_likelihood", []),
        # what is stopped needs no gradient, and what is updated elsewhere carries none
        (TWO_LATENTS, own("update p, q maximize E[x ~ data, z ~ stop(q)(z | x)] log p(x, z)"), []),
        (TWO_LATENTS, own("update p maximize E[x ~ data, z ~ q(z | x)] log p(x, z)"), []),
        (TWO_LATENTS, own("update q maximize E[x ~ data, z ~ q(z | x)] log p(x, z)"), ["G705"]),
        # a gradient that comes in through a value: u carries it, and a coin with the probability sigmoid(u) drops it
        (REAL_LATENT, own("update q maximize E[x ~ data, z ~ q(z | x), b ~ Bernoulli(logits = z[0])] b"), ["G705"]),
        (REAL_LATENT, own("update q maximize E[x ~ data, z ~ q(z | x), b ~ Bernoulli(logits = stop(z[0]))] b"), []),
        (REAL_LATENT, own("update q maximize E[x ~ data, z ~ q(z | x), y ~ p(x | z)] log q(z | x = y)"), ["G705"]),
        (REAL_LATENT, own("update p maximize E[x ~ data, z ~ q(z | x), y ~ p(x | z)] log q(z | x = y)"), ["G705"]),
        (REAL_LATENT, own("update q maximize E[x ~ data, z ~ p(z), y ~ p(x | z)] log q(z | x = y)"), []),
        (GAME, own("update p maximize E[x ~ data, z ~ q(z | x), y ~ p(x | z)] critic(y)"), []),
    ],
)
def test_a_gradient_passes_through_its_draws_or_is_refused(base: str, train: str, found: list[str]) -> None:
    assert codes(base, train, until="check") == found


def test_the_message_names_the_variables_and_what_to_do() -> None:
    with pytest.raises(CompileError) as error:
        compiled(TWO_LATENTS, "train elbo")
    (told,) = error.value.diagnostics
    assert "`h1` and `h2`" in told.message and "Bernoulli" in told.message
    assert any("stop(q)" in line and "reweighted_wake_sleep" in line for line in told.help)


# -- groups ----------------------------------------------------------------------------------------------------------

TIED = REAL_LATENT.replace("latent z", "param W : Real[D, Z]\n  latent z").replace("linear(z))", "W @ z)")


@pytest.mark.parametrize(
    ("base", "train", "found"),
    [
        (TIED, "train wake_sleep", []),
        (
            TIED.replace("linear(x) }", "x @ W }").replace("m, s = x @ W", "m = x @ W  s = x @ W"),
            "train wake_sleep",
            ["G706"],
        ),
        # one phase that updates both is no opposition
        (TIED.replace("linear(x) }", "x @ W }").replace("m, s = x @ W", "m = x @ W  s = x @ W"), "train elbo", []),
    ],
)
def test_opposed_phases_have_parameters_of_their_own(base: str, train: str, found: list[str]) -> None:
    assert codes(base, train, until="check") == found


def test_a_critic_must_not_share_with_the_generator() -> None:
    shared = GAME.replace("sigmoid(linear(x))\n", "sigmoid(sum(f(x)))\n  def f(x : Real[D]) -> Real[D] = linear(x)\n")
    assert codes(shared, "train hinge(critic)", until="check") == []
    through = shared.replace("Normal(linear(z), 1)", "Normal(f(join(z, z[0] * ones(1))), 1)")
    assert codes(through, "train hinge(critic)", until="check") == ["G706"]


# -- what is missing -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cut", "train", "code", "said"),
    [
        (
            "  q(h2 | h1) = Bernoulli(logits = linear(h1))\n",
            "train wake_sleep",
            "G701",
            "no equation of `q` gives `h2`",
        ),
        ("  p(h2) = Bernoulli(logits = bias())\n", "train wake_sleep", "G701", "gives `h2`"),
        ("  q(h2 | h1) = Bernoulli(logits = linear(h1))\n", "evaluate bound", "G703", "no equation of `q` gives `h2`"),
    ],
)
def test_what_is_missing_is_named_once(cut: str, train: str, code: str, said: str) -> None:
    assert cut in TWO_LATENTS
    with pytest.raises(CompileError) as error:
        compiled(TWO_LATENTS.replace(cut, ""), train)
    assert {d.code for d in error.value.diagnostics} == {code}
    assert said in error.value.diagnostics[0].message
    messages = [d.message for d in error.value.diagnostics]
    assert len(messages) == len(set(messages))


def test_a_recognition_model_makes_a_bound() -> None:
    row = compiled(REAL_LATENT, "").checked.capabilities
    assert (row.sample.kind, row.log_prob.kind, row.posterior.kind) == ("exact", "bound", "amortized")
    alone = REAL_LATENT.replace("  q(z | x) = Normal(m, softplus(s)) where { m, s = linear(x) }\n", "")
    assert compiled(alone, "").checked.capabilities.log_prob.kind == "none"


# -- gradients that would be lost silently ---------------------------------------------------------------------------

LOST = """
model M {{
  observed x : Real, b : Binary
  latent z : Real, e : Real, w : Real, k : Integer(0..4)
  param a : Real
  def scaled(s : Real) -> Real = s * z
  def cell(s : Real) -> Real = floor(s)
  bijection S(u : Real) -> Unit = sigmoid(u + z)
  p(z) = Normal(0, 1)
  p(e) = Normal(0, 1)
  w = z + e
  latent f : Real
  p(f) = Normal(0, 1)
  k = f |> S |> quantize(4)
  p(x | w, k) = Normal(a * w + k, 1)
  p(b | z) = Bernoulli(logits = scaled(2))
  latent y : Binary
  p(y | w) = Bernoulli(logits = w)
  q(z | x) = Normal(mlp(x, hidden = [3]), 1)
  objective o {{ one: update q maximize E[x ~ data, z ~ q(z | x){draw}] {value} }}
  train o
}}
"""


@pytest.mark.parametrize(
    ("draw", "value", "said"),
    [
        (", b ~ p(b | z)", "b", "the draw of `b`"),  # z enters through the body of a definition
        (", y ~ p(y | z)", "y", "the draw of `y`"),  # and through a pipeline
        (", k ~ p(k | z)", "k", "a draw from a quantization has none"),
        ("", "sign(z)", "passes through `sign`, a step function"),
        ("", "if z > 0 then 1 else 0", "passes through this choice"),
        ("", "cell(z)", "passes through `floor`"),
        ("", "s where { s = sign(z) }", "passes through `sign`"),
        ("", "if z > 0 then z else 0", ""),
        ("", "z * stop(sign(z))", ""),
        ("", "cell(x) + z", ""),
        (", w ~ p(w | z)", "w", ""),
    ],
)
def test_no_gradient_is_lost_silently(draw: str, value: str, said: str) -> None:
    try:
        found = list(pipeline.run(SourceText("m.gen", LOST.format(draw=draw, value=value)), until="check").diagnostics)
    except CompileError as error:
        found = list(error.diagnostics)
    assert [d.code for d in found] == (["G705"] if said else [])
    assert not said or said in found[0].message
