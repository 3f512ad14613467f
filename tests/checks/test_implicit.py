"""Equations between variables: densities that are derived through them, and twins of them that are refuted."""

from __future__ import annotations

import dataclasses

import pytest

import gencompiler
from gencompiler import pipeline
from gencompiler.checks import Verdict, check
from gencompiler.checks.verdict import PROVED, REFUTED
from gencompiler.derive.derive import derive
from gencompiler.diagnostics.model import Reporter
from gencompiler.diagnostics.span import SourceText
from gencompiler.model import nodes
from gencompiler.node import Node, rebuild

SPEC = """
model M(D = 2) {
  observed x : Real[D]
  latent   z : Real[D], eps : Real[D]
  param    s : Positive[D]
  p(z)   = Normal(0, 1)
  p(eps) = Normal(0, 1)
  x = mlp(z, hidden = [3]) + s * eps
}
"""


def resolved(text: str) -> nodes.Model:
    return pipeline.run(SourceText("<test>", text), until="resolve").model


def verdicts(model: nodes.Model) -> dict[tuple[str, str], Verdict]:
    """The verdicts by obligation and subject."""
    return {(v.obligation.id, v.subject): v for v in check(derive(model), Reporter()).verdicts}


def with_body(model: nodes.Model, change: Node, into: nodes.Expr) -> nodes.Model:
    """The model whose one map has `into` in place of `change`."""

    def visit(current: Node) -> Node:
        return into if current is change else rebuild(current, visit)

    (map_,) = model.maps
    body = visit(map_.body)
    assert isinstance(body, nodes.Expr)
    return dataclasses.replace(model, maps=(dataclasses.replace(map_, body=body),))


def test_noise_with_a_positive_scale_is_eliminated() -> None:
    model = resolved(SPEC)
    assert [link.target for link in model.links] == ["x"]
    assert not model.deterministic
    found = verdicts(model)
    assert found["invertible", "x_of_eps"].status == found["domains", "x"].status == PROVED


def test_a_twin_that_squares_its_noise_is_refuted() -> None:
    model = resolved(SPEC)
    (map_,) = model.maps
    body = map_.body
    assert isinstance(body, nodes.Apply)
    noise = body.arguments[1]
    squared = nodes.Apply(noise.type, "multiply", (noise, noise), span=noise.span)
    assert verdicts(with_body(model, noise, squared))["invertible", "x_of_eps"].status == REFUTED


def test_a_twin_that_drops_its_noise_is_refuted() -> None:
    model = resolved(SPEC)
    (map_,) = model.maps
    assert isinstance(map_.body, nodes.Apply)
    mean = map_.body.arguments[0]
    assert verdicts(with_body(model, map_.body, mean))["invertible", "x_of_eps"].status == REFUTED


@pytest.mark.parametrize(
    ("equation", "pipeline_of"),
    [
        ("x = mlp(z) + eps", "eps"),
        ("x = mlp(z) - eps / s", "eps"),
        ("x = sinh(exp(mlp(z)) * eps) + mlp(z)", "eps"),
        ("x = m + softplus(r) * eps where { m, r = mlp(z) }", "eps"),
        ("x = 2 * eps + z", "eps"),
        ("x = mlp(z) + eps * mlp(z)", None),
        ("x = mlp(z) + 0 * eps", None),
        ("x = eps + eps", None),
        ("x = eps^2 + z * z", None),
        ("x = mlp(eps)", None),
        ("x = mlp(z) + s / eps", None),
    ],
)
def test_which_equations_are_pipelines(equation: str, pipeline_of: str | None) -> None:
    model = resolved(SPEC.replace("x = mlp(z, hidden = [3]) + s * eps", equation))
    sources = [link.source.name for link in model.links if isinstance(link.source, nodes.Reference)]
    assert sources == ([pipeline_of] if pipeline_of else [])
    assert bool(model.deterministic) == (pipeline_of is None)


@pytest.mark.parametrize("more", ["q(eps | x) = Normal(x, 1)", "latent w : Real  p(w | eps) = Normal(sum(eps), 1)"])
def test_noise_that_another_equation_mentions_stays_latent(more: str) -> None:
    text = SPEC.replace("x = mlp", f"{more}\n  x = mlp").replace("x = mlp(z, hidden = [3])", "x = mlp(z)")
    assert not resolved(text).links


def test_what_an_equation_computes_must_be_a_value_of_the_variable() -> None:
    text = SPEC.replace("observed x : Real", "observed x : Unit").replace(" + s * eps", " * eps^2")
    found = gencompiler.check(text)
    assert {d.code for d in found.diagnostics} == {"G502"}
    assert gencompiler.check(text.replace("x = mlp(z, hidden = [3]) * eps^2", "x = sigmoid(mlp(z) * eps^2)")).ok


def test_a_map_that_sees_what_it_maps_gives_no_density() -> None:
    """x = z + tanh(z), as a map of z that is conditioned on z: each of its slices is a bijection, the whole is not."""
    text = """
bijection Shift(u : Real[D] | c : Real[D]) -> Real[D] = u - 2 * c
model M {
  observed x : Real[2]
  latent   z : Real[2]
  p(z) = Normal(0, 1)
  x = z |> Shift(c = z)
  evaluate exact
}
"""
    found = gencompiler.check(text)
    assert {d.code for d in found.diagnostics} == {"G703"}
    assert gencompiler.check(text.replace("c = z", "c = y").replace("latent ", "given y : Real[2]\n  latent ")).ok


# -- games -----------------------------------------------------------------------------------------------------------

GAME = """
objective mine(C) {{
  critic:    update C {critic}
  generator: update p {generator}
}}
model M {{
  observed x : Real[2]
  latent   z : Real[2]
  p(z) = Normal(0, 1)
  x = mlp(z, hidden = [3])
  def C(x : Real[2]) -> Real = {body}
  train mine(C)
}}
"""
MEANS = "maximize E[x ~ data] 2 * C(x) + E[x ~ p] (1 - C(x))"
LOGS = "maximize E[x ~ data] log C(x) + E[x ~ p] log(1 - C(x))"


@pytest.mark.parametrize(
    ("critic", "generator", "body", "codes"),
    [
        (MEANS, "maximize E[x ~ p] C(x)", "mlp(x, hidden = [3])", set()),
        (MEANS, "maximize E[x ~ p] C(x)", "sigmoid(mlp(x, hidden = [3]))", {"G707"}),
        (MEANS, "maximize E[x ~ p] C(x)", "3 * tanh(mlp(x, hidden = [3]))", {"G707"}),
        (LOGS, "maximize E[x ~ p] log C(x)", "sigmoid(mlp(x, hidden = [3]))", set()),
        (LOGS, "minimize E[x ~ p] log(1 - C(x))", "sigmoid(mlp(x, hidden = [3]))", {"G708"}),
    ],
)
def test_games_by_the_shape_of_their_objective(critic: str, generator: str, body: str, codes: set[str]) -> None:
    found = gencompiler.check(GAME.format(critic=critic, generator=generator, body=body))
    assert {d.code for d in found.diagnostics} == codes


def test_a_generator_may_not_reach_its_critics_parameters() -> None:
    text = GAME.format(critic=LOGS, generator="maximize E[x ~ p] log C(x)", body="sigmoid(sum(w * x))")
    shared = text.replace("x = mlp(z, hidden = [3])", "param w : Real[2]\n  x = w * mlp(z, hidden = [3])")
    assert {d.code for d in gencompiler.check(shared).diagnostics} == {"G706"}
    own = text.replace("x = mlp(z, hidden = [3])", "param w : Real[2]\n  x = mlp(z, hidden = [3])")
    assert gencompiler.check(own).ok


def test_pipelines_that_share_their_sources_give_no_density() -> None:
    """x = a + b and y = b + a: each is a bijection given the other source, and (x, y) lies in a plane."""
    text = """
bijection Shift(u : Real[D] | c : Real[D]) -> Real[D] = u + c
model M {
  observed x : Real[2], y : Real[2]
  latent   a : Real[2], b : Real[2]
  p(a) = Normal(0, 1)
  p(b) = Normal(0, 1)
  x = a |> Shift(c = b)
  y = b |> Shift(c = a)
  evaluate exact
}
"""
    assert {d.code for d in gencompiler.check(text).diagnostics} == {"G703"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("observed x : Real, y : Real\n p(x) = Normal(0, 1)\n y = x |> F\n evaluate exact", "G703"),
        ("observed x : Real, y : Real\n latent e : Real\n p(e) = Normal(0, 1)\n y = e |> F\n x = y |> F\n evaluate exact", "G703"),
        ("observed x : Real\n latent e : Real, z : Real\n p(e) = Normal(0, 1)\n p(z) = Normal(0, 1)\n def f(v : Real) -> Real = v - e\n"
         " q(z | x) = Normal(mlp(x, hidden = [3]), 1)\n x = f(z) + a + e\n train elbo", "G701"),
    ],
    ids=["a copy of something observed", "two copies", "noise that cancels in a definition"],
)  # fmt: skip
def test_laws_on_a_curve_have_no_density(body: str, code: str) -> None:
    text = f"model M {{\n param a : Real\n bijection F(u : Real) -> Real = 2 * u\n {body}\n}}"
    result = gencompiler.check(text)
    assert [d.code for d in result.diagnostics] == [code]
