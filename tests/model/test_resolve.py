"""Resolution: shapes by use, parameters by path, templates fresh at every use, what a model declares shared."""

from __future__ import annotations

import pytest

from gencompiler import pipeline
from gencompiler.diagnostics.model import CompileError
from gencompiler.diagnostics.span import SourceText
from gencompiler.model import nodes
from gencompiler.model.hash import model_hash

FLOW = """
bijection Affine(u : Real[D] | H = 4) -> Real[D] = join(a, b * exp(tanh(s)) + t)
  where {{ a, b = split(u)   s, t = mlp(a, hidden = [H]) }}
bijection Shift(u : Real | c : Real) -> Real = u + c
model M(D = 5) {{
  observed x : Real[D]
  latent z : Real[D]
  p(z) = Normal(0, 1)
  x = z |> {stages}
}}
"""


def model(text: str, **defines: object) -> nodes.Model:
    return pipeline.run(SourceText("m.gen", text), defines=defines, until="resolve").model


def codes(text: str) -> list[str]:
    with pytest.raises(CompileError) as caught:
        model(text)
    return [d.code for d in caught.value.diagnostics]


def shapes(found: nodes.Model) -> dict[str, tuple[int, ...]]:
    return {p.path: p.storage_shape for p in found.parameters}


def test_a_network_takes_the_shape_of_what_it_meets() -> None:
    found = shapes(model(FLOW.format(stages="Affine")))
    assert found["Affine.mlp.s.weight"] == (3, 4)  # split gives ⌊5/2⌋ = 2, then the rest
    assert found["Affine.mlp.0.weight"] == (4, 2)


def test_repeat_stacks_parameters_and_a_use_is_fresh() -> None:
    found = shapes(model(FLOW.format(stages="Affine |> repeat(3) { Affine |> reverse } |> Shift |> Shift")))
    assert found["Affine.mlp.0.weight"] == (4, 2)
    assert found["Affine_2.mlp.0.weight"] == (3, 4, 2)
    assert found["Shift.c"] == found["Shift_2.c"] == (5,)


def test_a_condition_is_a_constant_of_the_use() -> None:
    assert shapes(model(FLOW.format(stages="Affine(H = 7)")))["Affine.mlp.0.weight"] == (7, 2)


def test_header_constants_are_overridden() -> None:
    assert shapes(model(FLOW.format(stages="Shift"), D=9))["Shift.c"] == (9,)


def test_what_a_model_declares_owns_one_set_of_parameters() -> None:
    text = """
model M(D = 3) {
  observed x : Real[D]
  latent z : Real[D]
  param s : Positive[D]
  bijection Scale(u : Real) -> Real = s * u
  p(z) = Normal(0, 1)
  x = z |> Scale |> Scale
}
"""
    assert shapes(model(text)) == {"s": (3,)}


def test_the_hash_ignores_comments_docstrings_and_training() -> None:
    plain = model(FLOW.format(stages="Affine"))
    dressed = model('"""A paper."""\n# a comment\n' + FLOW.format(stages="Affine\n  train maximum_likelihood"))
    other = model(FLOW.format(stages="Affine |> reverse"))
    assert model_hash(plain) == model_hash(dressed) != model_hash(other)


def test_independent_mistakes_are_all_reported() -> None:
    text = """
model M(D = 4) {
  observed x : Binary[D]
  param W : Reel[D, D], b : Real[D]
  p(x[i] | x[<i]) = Bernouli(logits = b[i])
  train maximum_likelyhood
}
"""
    assert codes(text) == ["G106", "G101", "G702"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("observed x : Real[3]\n param b : Real[4]\n p(x) = Normal(b, 1)", "G201"),
        ("observed x : Real[3]\n param b : Real[3]\n p(x) = Normal(b[3], 1)", "G204"),
        ("observed x : Real[3]\n param b : Real[3]\n p(x) = Normal(b[0, 1], 1)", "G205"),
        ("observed x : Real[3]\n p(x) = Normal(mean = 0, sigma = 1)", "G104"),
        ("observed x : Real[3]\n p(x) = exp(1)", "G103"),
        ("observed x : Real[0]\n p(x) = Normal(0, 1)", "G206"),
        ("observed x : Real\n observed x : Real\n p(x) = Normal(0, 1)", "G102"),
        ("observed x : Real\n p(y) = Normal(0, 1)", "G304"),
        ("observed x : Real\n param k : NonZero\n p(x) = Normal(k, 1)", "G203"),
        ("observed x : Real[2]\n def f(x : Real[2]) -> Real = f(x)\n p(x) ∝ exp(f(x))", "G108"),
        ("observed x : Real[2]\n p(x) = Normal(0, 1)\n train maximum_likelihood with { epoch = 3 }", "G107"),
        ("observed x : Real[2]\n p(x) = Normal(0, 1)\n sample chains(t)", "G703"),
        ("observed x : Real[2]\n p(x) ∝ exp(-sum(x^2))\n transition t(x | x) { x ~ Normal(x, 1) }", "G604"),
    ],
)
def test_a_mistake_has_its_code(body: str, code: str) -> None:
    assert code in codes(f"model M {{\n {body}\n}}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p(x) = Normal(sum(a + b), sum(b + c))", ["G201", "G201"]),
        ("p(x) = Normal(a @ b + c @ b + sigmoid(1, 2), a[7])", ["G201", "G201", "G104", "G204"]),
        ("p(x) = Normal(m + n, 1) where { m = a[7]  n = b[9] }", ["G204", "G204"]),
        ("p(x) = Normal(m + n, 1) where { m = a[7]  n = m * 2 }", ["G204"]),
        ("p(x) = Normal(maen = 0, scael = 1)", ["G104", "G104"]),
        ("p(x) = Normal(if a[3] > 0 then b[5] else c[2], 1)", ["G204", "G204", "G204"]),
        ("p(x) = Normal(0, 1)  train maximum_likelihood with { epoch = 3  batch_size = 2 }", ["G107", "G107"]),
    ],
)
def test_independent_mistakes_of_a_statement_are_all_reported(text: str, expected: list[str]) -> None:
    found = codes(f"model M {{ observed x : Real  param a : Real[3], b : Real[5], c : Real[2]  {text} }}")
    assert sorted(found) == sorted(expected)


def test_a_docstring_at_the_top_titles_a_model_without_one() -> None:
    definition = "def f(a : Real) -> Real = a"
    plain = "model M { observed x : Real  p(x) = Normal(f(0), 1) }"
    assert model(f'"""The file."""\n{definition}\n{plain}').doc == "The file."
    assert model(f'"""The file."""\n{definition}\n"""The model."""\n{plain}').doc == "The model."
    assert model(f'{definition}\n"""Of g."""\n{definition.replace("f(", "g(")}\n{plain}').doc == ""


ENDS = """
bijection Radial(u : Real[D] | c : Real[D], a : Positive, {b}) -> Real[D] = u + b * (u - c) / (a + norm(u - c))
model M(D = 3) {{ observed x : Real[D]  latent z : Real[D]  p(z) = Normal(0, 1)  x = z |> Radial{given}  train maximum_likelihood }}
"""


@pytest.mark.parametrize(
    ("b", "stored", "refused"),
    [
        ("b : Open(-a, inf)", "Positive", []),
        ("b : Interval(-a, inf)", "NonNegative", []),  # at the end itself the distance r goes to r² / (a + r)
        ("b : Open(-a, a)", "Unit", []),
        ("b : Open(a, -a)", "Unit", ["G408", "G410"]),
        ("b : Open(-inf, a)", "Positive", ["G402"]),
        ("b : Open(-a - 1, inf)", "Positive", ["G402"]),
    ],
)
def test_a_parameter_is_learned_between_ends_that_are_parameters(b: str, stored: str, refused: list[str]) -> None:
    text = ENDS.format(b=b, given="")
    assert [p.support.name for p in model(text).parameters if p.path == "Radial.b"] == [stored]
    try:
        pipeline.run(SourceText("m.gen", text), until="check")
        found = []
    except CompileError as error:
        found = sorted(d.code for d in error.diagnostics)
    assert found == refused


def test_an_end_mentions_what_is_declared_before_it() -> None:
    assert codes(ENDS.format(b="b : Open(-r, inf), r : Positive", given="")) == ["G206"]


def test_a_condition_without_a_name_is_the_next_parameter_without_a_default() -> None:
    by_place = model(FLOW.format(stages="Shift(2) |> Affine(H = 3)"))
    by_name = model(FLOW.format(stages="Shift(c = 2) |> Affine(H = 3)"))
    assert by_place.maps == by_name.maps and by_place.parameters == by_name.parameters
    assert codes(FLOW.format(stages="Shift(2, 3)")) == ["G104"]
    assert codes(FLOW.format(stages="Affine(3)")) == ["G104"]
