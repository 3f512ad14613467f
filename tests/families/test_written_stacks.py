"""Stacks of convolutions that a spec writes out, against torch's convolutions and against enumeration."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch.nn.functional import conv1d, conv2d, one_hot, pad

import gencompiler
from gencompiler import pipeline
from gencompiler.diagnostics.model import CompileError
from gencompiler.diagnostics.span import SourceText

GATED = """
def gated(h : Real[C, N, M] | y : Category(3), width = 3) -> Real[C, N, M] = h + conv(tanh(a) * sigmoid(b), kernel = 1)
  where { a, b = conv(h, context = embedding(y, C), kernel = width) }
model Pixels(N = 3, C = 4, L = 2, K = 3) {
  observed x : Category(K)[N, N]
  given    y : Category(3)
  p(x[i, j] | x[<(i, j)]) =
    Categorical(logits = x[<(i, j)] |> onehot |> conv(C, kernel = 5) |> repeat(L) { gated(y = y) } |> conv(K, kernel = 1))
  train maximum_likelihood
}
"""
DILATED = """
def dilated(h : Real[C, T], skip : Real[C, T] | dilation : Count) -> (Real[C, T], Real[C, T]) = (h + r, skip + s)
  where { a, b = conv(h, kernel = 2, dilation = dilation)   r, s = conv(tanh(a) * sigmoid(b), kernel = 1) }
model Wave(T = 7, C = 3, L = 2, K = 3) {
  observed x : Category(K)[T]
  p(x[t] | x[<t]) = Categorical(logits = skip |> relu |> conv(C, kernel = 1) |> conv(K, kernel = 1))
    where { e = embedding(x[<t], C)   h, skip = (e, zeros(e)) |> repeat(l in L) { dilated(dilation = 2^l) } }
  train maximum_likelihood
}
"""
SEVERAL = """
model Several(N = 2) {
  observed x : Real[N, N]
  p(x[i, j] | x[<(i, j)]) = Normal(m, exp(s) + softplus(n))
    where { h = conv(x[<(i, j)], 4, kernel = 3)   m, s = conv(tanh(h), kernel = 1)   n = conv(h, kernel = 3) }
  train maximum_likelihood
}
"""


def compiled(text: str) -> Any:
    torch.manual_seed(0)
    model = gencompiler.compile(text)().double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.4)
    return model


def picked(logits: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return torch.log_softmax(logits, 1).gather(1, x[:, None]).flatten(1).sum(1)


def square(weights: dict[str, torch.Tensor], name: str, side: int, inputs: int, own: int) -> torch.Tensor:
    """The kernel of a masked convolution: the rows above, then the row up to the middle."""
    reach, flat = side // 2, weights[f"stack.{name}.weight"]
    kernel = torch.zeros(flat.shape[0], inputs, side, side, dtype=flat.dtype)
    places = [*itertools.product(range(reach), range(side)), *((reach, k) for k in range(reach + own))]
    for number, (row, column) in enumerate(places):
        kernel[:, :, row, column] = flat[:, number * inputs : (number + 1) * inputs]
    return kernel


def test_a_gated_pixelcnn_is_masked_convolutions() -> None:
    model = compiled(GATED)
    w = dict(model.named_parameters())
    x, y = torch.randint(3, (8, 3, 3)), torch.randint(3, (8,))
    first = square(w, "conv", 5, 3, 0)
    h = conv2d(one_hot(x, 3).movedim(-1, 1).double(), first, w["stack.conv.bias"], padding=2)
    for number, layer in enumerate(("", "_2")):
        context = w[f"gated{layer}.embedding.output.weight"][:, y].T
        halves = []
        for name in ("a", "b"):
            kernel = square(w, f"{name}{layer}", 3, 4, 1)
            own = context @ w[f"stack.{name}{layer}.weight"][:, 5 * 4 :].T
            halves.append(conv2d(h, kernel, w[f"stack.{name}{layer}.bias"], padding=1) + own[:, :, None, None])
        mixed = w[f"stack.conv_{number + 2}.weight"][:, :, None, None]
        h = h + conv2d(torch.tanh(halves[0]) * torch.sigmoid(halves[1]), mixed, w[f"stack.conv_{number + 2}.bias"])
    logits = conv2d(h, w["stack.conv_4.weight"][:, :, None, None], w["stack.conv_4.bias"])
    torch.testing.assert_close(model.log_prob(x, context=y), picked(logits, x))


def test_a_wavenet_is_dilated_convolutions_of_the_shifted_sequence() -> None:
    model = compiled(DILATED)
    w = dict(model.named_parameters())
    x = torch.randint(3, (8, 7))
    h = pad((one_hot(x, 3).double() @ w["embedding.weight"].T).movedim(-1, 1), (1, -1))
    skip = torch.zeros_like(h)
    for layer, dilation in (("", 1), ("_2", 2)):
        halves = []
        for name in (f"a{layer}", f"b{layer}"):
            kernel = w[f"stack.{name}.weight"].reshape(3, 2, 3).movedim(1, 2)
            halves.append(conv1d(pad(h, (dilation, 0)), kernel, w[f"stack.{name}.bias"], dilation=dilation))
        mixed = torch.tanh(halves[0]) * torch.sigmoid(halves[1])
        h = h + conv1d(mixed, w[f"stack.r{layer}.weight"][:, :, None], w[f"stack.r{layer}.bias"])
        skip = skip + conv1d(mixed, w[f"stack.s{layer}.weight"][:, :, None], w[f"stack.s{layer}.bias"])
    logits = conv1d(torch.relu(skip), w["stack.conv.weight"][:, :, None], w["stack.conv.bias"])
    logits = conv1d(logits, w["stack.conv_2.weight"][:, :, None], w["stack.conv_2.bias"])
    torch.testing.assert_close(model.log_prob(x), picked(logits, x))


def test_several_results_of_a_stack_are_parts_of_one_output() -> None:
    model = compiled(SEVERAL)
    w = dict(model.named_parameters())
    x = torch.randn(8, 2, 2, dtype=torch.float64)
    h = conv2d(x[:, None], square(w, "h", 3, 1, 0), w["stack.h.bias"], padding=1)
    m, s = (conv2d(torch.tanh(h), w[f"stack.{n}.weight"][:, :, None, None], w[f"stack.{n}.bias"]) for n in "ms")
    n = conv2d(h, square(w, "n", 3, 4, 1), w["stack.n.bias"], padding=1)
    law = torch.distributions.Normal(m[:, 0], s[:, 0].exp() + torch.nn.functional.softplus(n[:, 0]))
    torch.testing.assert_close(model.log_prob(x), law.log_prob(x).flatten(1).sum(1))


@pytest.mark.parametrize(("text", "sizes"), [(GATED, {"N": 2, "K": 2}), (DILATED, {"T": 4, "K": 2})], ids=["2d", "1d"])
def test_draws_place_by_place_have_the_probabilities_of_all_places_at_once(text: str, sizes: dict[str, int]) -> None:
    torch.manual_seed(0)
    model = gencompiler.compile(text, **sizes)()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter))
    shape = (2, 2) if "N" in sizes else (4,)
    every = torch.tensor(list(itertools.product(range(2), repeat=4))).reshape(-1, *shape)
    context = {"context": torch.ones(16, dtype=torch.int64)} if "N" in sizes else {}
    mass = model.log_prob(every, **context).exp()
    torch.testing.assert_close(mass.sum(), torch.tensor(1.0))
    count = 4000
    many = {"context": torch.ones(count, dtype=torch.int64)} if context else {}
    drawn = model.sample(count, seed=0, **many).reshape(count, 4) @ torch.tensor([8, 4, 2, 1])
    found = torch.bincount(drawn, minlength=16)
    chi = ((found - count * mass) ** 2 / (count * mass)).sum()
    assert chi < 45  # the 1 - 1e-4 quantile of chi-square with 15 degrees is 43.8


@pytest.mark.parametrize(
    ("equation", "code", "words"),
    [
        ("conv(x[<(i, j)], 4, kernel = 1) |> conv(kernel = 1)", "G206", "sees nothing"),
        ("conv(x[<(i, j)], 4, kernel = 2) |> conv(kernel = 1)", "G206", "odd"),
        ("conv(x[<(i, j)], 4, context = x[i, j]) |> conv(kernel = 1)", "G901", "depends on the place"),
        ("conv(x[<(i, j)], 4) * b |> conv(kernel = 1)", "G901", "elementwise functions between the layers"),
        ("conv(x[<(i, j)], hidden = [4])", "G901", "hidden layers"),
    ],
)
def test_what_is_wrong_with_a_stack_is_said(equation: str, code: str, words: str) -> None:
    text = (
        f"model M(N = 3) {{ observed x : Real[N, N]  param b : Real  p(x[i, j] | x[<(i, j)]) = Normal({equation}, 1) }}"
    )
    with pytest.raises(CompileError) as caught:
        pipeline.run(SourceText("m.gen", text), until="resolve")
    (found,) = caught.value.diagnostics
    assert found.code == code and words in found.message
