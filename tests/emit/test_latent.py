"""The class of a model with latent variables: its methods, their words, and the names of its parameters."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import torch

from gencompiler.emit.names import parameter_wishes
from gencompiler.emit.parameter_lists import parameter_lists
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.modules import Model
from gencompiler.runtime.runs import import_package
from tests.emit import building

CONDITIONAL = """
model Conditional(D = 6, H = 5, Z = 2) {
  observed x : Binary[D]
  given    y : Real[3]
  latent   z : Real[Z]
  p(z)        = Normal(0, 1)
  p(x | z, y) = Bernoulli(logits = mlp(z, y, hidden = [H]))
  q(z | x, y) = Normal(m, softplus(s)) where { m, s = mlp(x, y, hidden = [H]) }
  train elbo
}
"""


@pytest.fixture(scope="module")
def text() -> str:
    return building.build(CONDITIONAL, "conditional")["model.py"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("latent")
    building.built(CONDITIONAL, folder, "conditional")
    module = import_package(folder / "conditional")
    found: Model = getattr(module, module.__all__[0])()
    return found


def functions(text: str) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)}


def test_signatures(text: str) -> None:
    found = {name: ast.unparse(each.args) for name, each in functions(text).items()}
    drawing = "row: Tensor | None=None, seed: int=0, step: int=0"
    assert found["encode"] == f"self, x: Tensor, *, context: Context, {drawing}"
    assert found["log_weight"] == f"self, x: Tensor, *, context: Context, {drawing}"
    assert found["decode"] == f"self, z: Tensor, *, context: Context, {drawing}"
    assert found["decode_mean"] == "self, z: Tensor, *, context: Context"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("encode", "Takes x [rows, 6]; returns z [rows, 2]."),
        ("decode", "Takes z [rows, 2]; returns x [rows, 6]."),
        ("decode_mean", "Takes z [rows, 2]; returns x [rows, 6]."),
        ("log_weight", "an unbiased estimate of p(row)"),
    ],
)
def test_documentation(text: str, name: str, words: str) -> None:
    documentation = re.sub(r"\s+", " ", ast.get_docstring(functions(text)[name]) or "")
    assert words in documentation


def test_methods_take_the_context(model: Model) -> None:
    x, y = torch.randint(0, 2, (7, 6)), torch.randn(7, 3)
    z = model.encode(x, context=y)  # type: ignore[operator]
    assert z.shape == (7, 2)
    assert model.decode(z, context=y).dtype == torch.int64  # type: ignore[operator]
    mean = model.decode_mean(z, context={"y": y})  # type: ignore[operator]
    assert mean.shape == (7, 6) and bool((mean > 0).all()) and bool((mean < 1).all())
    other = model.decode_mean(z, context=y + 1)  # type: ignore[operator]
    assert not torch.equal(mean, other)
    weight = model.log_weight(x, context=y)  # type: ignore[operator]
    assert weight.shape == (7,)
    assert torch.equal(weight, model.log_weight(x, context=y))  # type: ignore[operator]
    assert not torch.equal(weight, model.log_weight(x, context=y, step=1))  # type: ignore[operator]


def test_wrong_inputs_are_refused(model: Model) -> None:
    x, y = torch.randint(0, 2, (7, 6)), torch.randn(7, 3)
    for bad, context in ((x[:, :5], y), (x + 1, y), (x, y[:3])):
        with pytest.raises(RunError):
            model.encode(bad, context=context)  # type: ignore[operator]


def test_a_network_goes_by_one_name() -> None:
    paths = ["mlp.0.weight", "mlp.s.weight", "q.mlp.0.weight", "q.mlp.m.weight", "V", "q.V", "flow.scale"]
    found = {path: wishes[0] for path, wishes in parameter_wishes(paths, {"V", "hidden"}).items()}
    assert found == {
        "mlp.0.weight": "mlp_0_weight",
        "mlp.s.weight": "mlp_s_weight",
        "q.mlp.0.weight": "q_mlp_0_weight",
        "q.mlp.m.weight": "q_mlp_m_weight",
        "V": "V",
        "q.V": "q_V",
        "flow.scale": "scale",
    }


def test_lists_of_a_joint_are_its_own() -> None:
    own, theirs = ("a" * 40, "b" * 40), ("q." + "c" * 40, "q." + "d" * 40)
    lists = parameter_lists([own, theirs, (*own, *theirs), ("x",)], ["p", "q"], ["PARAMETERS"])
    assert set(lists.names.values()) == {"PARAMETERS_2", "Q_PARAMETERS"}
    from gencompiler.emit.code import flat

    assert flat(lists.code((*own, *theirs))) == "(*PARAMETERS_2, *Q_PARAMETERS)"
    assert flat(lists.code(own)) == "PARAMETERS_2"
    assert flat(lists.code(("x",))) == '("x",)'


def test_an_input_that_only_counts_rows_is_not_cast(tmp_path: Path) -> None:
    net = building.build(
        CONDITIONAL.replace("train elbo", "train own") + "objective own { update q maximize E[x, z ~ p] log q(z | x) }",
        "dream",
    )["model.py"]
    body = ast.unparse(functions(net)["objective_phase_1_rows"])
    assert "x = x.to(" not in body
    assert "x = x.to(" in ast.unparse(functions(net)["encode_rows"])
