"""Flows on images: squeezes, parts with pipelines of their own, maps along the first axis, convolutions; Glow whole."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import gencompiler
from gencompiler.diagnostics.model import CompileError
from gencompiler.emit.torch_windows import strides
from gencompiler.model.images import squeezed, unsqueezed
from gencompiler.model.nodes import REAL, Support
from gencompiler.proof.facts import VectorBijection
from gencompiler.proof.graph import contract, literal, symbol
from gencompiler.proof.kernel import prove
from gencompiler.proof.matrices import matrix
from gencompiler.proof.passing import Breaks, pass_through
from gencompiler.proof.stages import MapStage, PartsStage, RearrangeStage
from gencompiler.proof.terms import times
from tests.families.test_foundation import perturbed

#: Two levels in one pipeline, and the same from variables with names: what the coarse level gives is h.
MAPS = """
bijection ActNorm(u : Real[C, N, M] | s : Positive[C], b : Real[C]) -> Real[C, N, M] =
  for c, i, j: s[c] * u[c, i, j] + b[c]
bijection Mix(u : Real[C, N, M] | W : Invertible(C)) -> Real[C, N, M] = for c, i, j: W[c] @ u[:, i, j]
bijection Coupling(u : Real[C, N, M] | H = 3) -> Real[C, N, M] = join(a, b * exp(tanh(s)) + t)
  where { a, b = split(u)   s, t = a |> conv(H, kernel = 3) |> relu |> conv(kernel = 1) }
bijection Step(u : Real[C, N, M]) -> Real[C, N, M] = u |> Coupling |> Mix |> ActNorm
"""
PIPELINE = """
bijection Prior(u : Real[C, N, M]) -> Real[C, N, M] = join(a, m + exp(tanh(s)) * b)
  where { a, b = split(u)   m, s = conv(a) }
bijection Level(u : Real[C, N, M]) -> Real[C, N, M] = join(a |> squeeze |> repeat(2) { Step } |> unsqueeze, b)
  where { a, b = split(u) }
model Glow {
  observed x : Real[1, 8, 8]
  latent   z : Real[1, 8, 8]
  p(z) = Normal(0, 1)
  x = z |> squeeze |> Level |> Prior |> repeat(2) { Step } |> unsqueeze
  train maximum_likelihood
}
"""
LEVELS = """
model Glow {
  observed x : Real[1, 8, 8]
  latent   z1 : Real[2, 4, 4], z2 : Real[8, 2, 2]
  p(z2)     = Normal(0, 1)
  h         = z2 |> repeat(2) { Step } |> unsqueeze
  p(z1 | h) = Normal(m, exp(tanh(s))) where { m, s = conv(h) }
  x         = join(h, z1) |> repeat(2) { Step } |> unsqueeze
  train maximum_likelihood
}
"""

PIECES = {
    "channels": "z |> ActNorm",
    "mixed": "z |> Mix",
    "mixed from the right": "z |> Right",
    "reversed": "z |> reverse |> ActNorm",
    "squeezed": "z |> squeeze |> ActNorm |> unsqueeze",
    "lifted": "z |> Affine |> sinh",
    "a part": "z |> Deep |> Coupling",
}
TEXT = """
bijection ActNorm(u : Real[C, N, M] | s : Positive[C], b : Real[C]) -> Real[C, N, M] = for c: s[c] * u[c] + b[c]
bijection Mix(u : Real[C, N, M] | W : Invertible(C)) -> Real[C, N, M] = W @ u
bijection Right(u : Real[C, N, M] | W : Lower(M)) -> Real[C, N, M] = u @ W
bijection Coupling(u : Real[C, N, M] | H = 3) -> Real[C, N, M] = join(a, b * exp(tanh(s)) + t)
  where {{ a, b = split(u)   s, t = conv(a, hidden = [H], kernel = [3, 1]) }}
bijection Deep(u : Real[C, N, M]) -> Real[C, N, M] = join(a |> squeeze |> repeat(2) {{ Mix |> ActNorm }} |> unsqueeze, b)
  where {{ a, b = split(u) }}
model Pieces {{
  observed x : Real[2, 2, 2]
  latent   z : Real[2, 2, 2]
  p(z) = Normal(0, 1)
  x = {pipeline}
  train maximum_likelihood
}}
"""


def compiled(text: str, tmp_path: Path) -> Any:
    path = tmp_path / "images.gen"
    path.write_text(text, encoding="utf-8")
    return perturbed(gencompiler.compile(path)(), 0.3)


def agrees_with_its_jacobian(model: Any, shape: tuple[int, ...]) -> None:
    """The inverse undoes the map, and log|det| is that of the Jacobian by automatic differentiation."""
    z = torch.randn(3, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x, log_det = model.forward(z)
    back, undone = model.inverse(x)
    torch.testing.assert_close(back, z, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(undone, -log_det, rtol=1e-9, atol=1e-9)
    jacobian = torch.func.vmap(torch.func.jacrev(lambda one: model.forward(one[None])[0].reshape(-1)))(z)
    expected = torch.linalg.slogdet(jacobian.reshape(3, z[0].numel(), -1)).logabsdet
    assert expected.abs().min() > 1e-3
    torch.testing.assert_close(log_det, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("pipeline", PIECES.values(), ids=PIECES)
def test_every_piece_has_the_determinant_of_its_jacobian(pipeline: str, tmp_path: Path) -> None:
    agrees_with_its_jacobian(compiled(TEXT.format(pipeline=pipeline), tmp_path), (2, 2, 2))


def test_glow_has_the_determinant_of_its_jacobian_also_in_levels(tmp_path: Path) -> None:
    """A pipeline is checked against its Jacobian; the same in levels has the same density."""
    whole, levels = compiled(MAPS + PIPELINE, tmp_path), gencompiler.compile(MAPS + LEVELS)().double()
    agrees_with_its_jacobian(whole, (1, 8, 8))
    values = {name.removeprefix("Prior."): value for name, value in whole.state_dict().items()}
    levels.load_state_dict(values)
    x = torch.randn(5, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(levels.log_prob(x), whole.log_prob(x), rtol=1e-10, atol=1e-9)
    drawn = levels.sample(64, seed=3)
    likely = levels.log_prob(drawn).mean() - levels.log_prob(x).mean()
    assert drawn.shape == (64, 1, 8, 8) and likely.detach() > 0


REFUSED = {
    "a source that is mentioned by the maps of another": (
        "latent z : Real[2], w : Real[2]   p(z) = Normal(0, 1)   p(w) = Normal(0, 1)   h = z |> asinh"
        "   x = join(h, w) |> Shift(c = z)"
    ),
    "a source of two pipelines": (
        "latent z : Real[4]   observed y : Real[4]   p(z) = Normal(0, 1)   x = z |> asinh   y = z |> sinh"
    ),
}


@pytest.mark.parametrize("equations", REFUSED.values(), ids=REFUSED)
def test_what_is_joined_has_no_density_where_it_is_determined(equations: str) -> None:
    shift = "bijection Shift(u : Real[4] | c : Real[2]) -> Real[4] = u + c[0]\n"
    with pytest.raises(CompileError) as refused:
        gencompiler.compile(shift + f"model M {{ observed x : Real[4]   {equations}   train maximum_likelihood }}")
    assert "G701" in {d.code for d in refused.value.diagnostics}


def test_a_squeeze_is_that_of_torch() -> None:
    image = torch.arange(2 * 4 * 6.0)
    shape, order = squeezed((2, 4, 6), 2)
    torch.testing.assert_close(image[list(order)].reshape(shape), F.pixel_unshuffle(image.reshape(2, 4, 6), 2))
    assert unsqueezed(shape, 2) == ((2, 4, 6), tuple(sorted(range(48), key=order.__getitem__)))


@pytest.mark.parametrize("axes", [(0, 2, 1), (2, 1, 0), (1, 3, 0, 2), (0, 2, 4, 1, 3)])
def test_an_order_that_axes_make_is_printed_as_one(axes: tuple[int, ...]) -> None:
    shape = (2, 3, 2, 4, 2)[: len(axes)]
    order = tuple(torch.arange(math.prod(shape)).reshape(shape).permute(axes).flatten().tolist())
    found = strides(order)
    assert found is not None
    assert tuple(torch.arange(len(order)).reshape(found[0]).permute(found[1]).flatten().tolist()) == order
    swapped = (order[1], order[0], *order[2:])
    assert strides(swapped) is None


def test_a_convolution_is_that_of_torch(tmp_path: Path) -> None:
    model = compiled(TEXT.format(pipeline="z |> Coupling |> Mix"), tmp_path)
    z = torch.randn(4, 2, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def layer(name: str, value: Tensor, side: int) -> Tensor:
        weight = model.get_parameter(f"Coupling.conv.{name}.weight")
        filters = weight.unflatten(1, (side, side, -1)).movedim(-1, 1)
        return F.conv2d(value, filters, model.get_parameter(f"Coupling.conv.{name}.bias"), padding=side // 2)

    hidden = torch.relu(layer("0", z[:, :1], 3))
    expected = z[:, 1:] * torch.exp(torch.tanh(layer("s", hidden, 1))) + layer("t", hidden, 1)
    mixed = torch.einsum("ab,rbij->raij", model.value("Mix.W"), torch.cat((z[:, :1], expected), 1))
    torch.testing.assert_close(model.forward(z)[0], mixed)


def test_a_matrix_along_one_axis_has_its_determinant_for_every_vector() -> None:
    """The fact says three times log|det W|; that it is one log|det W| is no fact."""
    weight, value = symbol("parameter", "W", Support("Invertible"), (4, 4)), symbol("input", "u", REAL, (4, 3))
    own = prove("declared_nonsingular", (weight,))
    fact = prove("linear", (value, contract(weight, value)), own).conclusion
    assert isinstance(fact, VectorBijection)
    assert fact.log_det is times(literal(3), matrix("log_abs_det", weight))


SQUEEZE = RearrangeStage((1, 2, 2), (4, 1, 1), (0, 1, 2, 3))
BACK = RearrangeStage((4, 1, 1), (1, 2, 2), (0, 1, 2, 3))
WRONG = {
    "an element twice": (dataclasses.replace(SQUEEZE, order=(0, 1, 2, 2)), BACK),
    "an element too few": (dataclasses.replace(SQUEEZE, after=(3, 1, 1), order=(0, 1, 2)), BACK),
    "another shape": (dataclasses.replace(SQUEEZE, after=(2, 1, 1)), BACK),
    "the shape changes": (SQUEEZE,),
    "parts too few": (SQUEEZE, PartsStage((1, 2), ((), ())), BACK),
    "a part of another shape": (SQUEEZE, PartsStage((2, 2), ((MapStage(0, ()),), ())), BACK),
    "a part that changes its shape": (
        SQUEEZE,
        PartsStage((1, 3), ((RearrangeStage((1, 1, 1), (1, 1), (0,)),), ())),
        BACK,
    ),
}


@pytest.mark.parametrize("stages", WRONG.values(), ids=WRONG)
def test_what_is_no_rearrangement_of_a_tensor_breaks_the_chain(stages: tuple[Any, ...]) -> None:
    u = symbol("input", "u", REAL, (1, 1, 1))
    assert pass_through(REAL, (1, 2, 2), (), (SQUEEZE, PartsStage((1, 3), ((), ())), BACK)) == REAL
    with pytest.raises(Breaks):
        pass_through(REAL, (1, 2, 2), ((u, u, REAL),), stages)


REFUSED = {
    "squeeze |> ActNorm |> unsqueeze": ("Real[2, 3, 4]", "G407"),
    "unsqueeze |> ActNorm |> squeeze": ("Real[2, 4, 4]", "G407"),
    "squeeze |> ActNorm": ("Real[2, 4, 4]", "G407"),
    "Deep": ("Real[1, 4, 4]", "G407"),
    "repeat(2) { squeeze }": ("Real[2, 4, 4]", "G407"),
}


@pytest.mark.parametrize(("stages", "said"), REFUSED.items(), ids=REFUSED)
def test_images_that_do_not_fit_are_refused(stages: str, said: tuple[str, str], tmp_path: Path) -> None:
    type_, code = said
    text = TEXT.format(pipeline=f"z |> {stages}").replace("Real[2, 2, 2]", type_)
    with pytest.raises(CompileError) as refused:
        compiled(text, tmp_path)
    assert {d.code for d in refused.value.diagnostics} == {code}


#: Maps by slices whose entries see more of the slice, or of the others, than they may.
WRONG_MAPS = {
    "u[c] + 0.01 * sum(u[c])": "G408",
    "u[c] + 0.1 * tanh(u[0])": "G406",
    "u[c] + 0.1 * (u[c] @ W)": "G408",
    "u[c] * s[c] + mean(u)": "G406",
    "relu(u[c]) + s[c]": "G401",
}


@pytest.mark.parametrize(("body", "code"), WRONG_MAPS.items())
def test_a_map_by_slices_is_elementwise_in_the_slice(body: str, code: str, tmp_path: Path) -> None:
    own = f"bijection F(u : Real[C, N, N] | s : Positive[C], W : Real[N, N]) -> Real[C, N, N] = for c: {body}"
    with pytest.raises(CompileError) as refused:
        compiled(own + TEXT.format(pipeline="z |> F"), tmp_path)
    assert code in {d.code for d in refused.value.diagnostics}
