"""What emitted code computes is what the formula says: sums over the past, and arrays by `for`.

Each formula is compiled within a small model and compared with the same formula written in torch by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

import gencompiler
from gencompiler.diagnostics.model import CompileError

D = 4
Formula = Callable[[Tensor, Tensor, Tensor], Tensor]
Conditional = Callable[[Tensor, Tensor, Tensor, int], Tensor]

DEFINITIONS = """
  def local(u : Real[D]) -> Real[D] = for i: a * a + a where { a = 2 * u[i] }
  def tensors(u : Real[D]) -> Real[D] = for i: a @ a where { a = u[i] * w }
"""

#: Energies, as functions of x [rows, D], W [D, D] and w [D].
ENERGIES: dict[str, Formula] = {
    "sum(for i: (W[:, i] @ x)^2)": lambda x, W, w: ((x @ W) ** 2).sum(1),
    "sum(for i: i * (W[i] @ x)^2)": lambda x, W, w: (torch.arange(D) * (x @ W.T) ** 2).sum(1),
    "sum(for i: x[i] * sum(x[<i]))": lambda x, W, w: sum((x[:, i] * x[:, :i].sum(1) for i in range(D)), 0 * x[:, 0]),
    "sum(for i: x[i] * prod(x[<=i]))": lambda x, W, w: (x * x.cumprod(1)).sum(1),
    "sum(for i: sum(for j: i * x[j] * x[i]))": lambda x, W, w: (torch.arange(D) * x).sum(1) * x.sum(1),
    "sum(for i in 0..3: x[i])": lambda x, W, w: x[:, :3].sum(1),
    "sum(for i in 0..3: w[i] * W[i] @ x)": lambda x, W, w: (x @ W.T)[:, :3] @ w[:3],
    "sum(for i: x[i] * W[i, i])": lambda x, W, w: x @ W.diagonal(),
    "sum(for i: x[i] * W[1, i])": lambda x, W, w: x @ W[1],
    "sum(for i: x[i] * norm(W[i]))": lambda x, W, w: x @ W.norm(dim=1),
    "sum(local(x))": lambda x, W, w: ((2 * x) ** 2 + 2 * x).sum(1),
    "sum(tensors(x))": lambda x, W, w: (x**2).sum(1) * (w @ w),
}

#: Means of p(x[i] | x[<i]), with the place as the last argument.
CONDITIONALS: dict[str, Conditional] = {
    "sum(x[<i])": lambda x, W, w, i: x[:, :i].sum(1),
    "sum(tanh(x[<i]))": lambda x, W, w, i: x[:, :i].tanh().sum(1),
    "sum(cos(x[<i]))": lambda x, W, w, i: x[:, :i].cos().sum(1),
    "prod(x[<i])": lambda x, W, w, i: x[:, :i].prod(1),
    "norm(x[<i] + 1)": lambda x, W, w, i: (x[:, :i] + 1).norm(dim=1),
    "w[<i] @ cos(x[<i])": lambda x, W, w, i: x[:, :i].cos() @ w[:i],
    "W[i, <i] @ cos(x[<i])": lambda x, W, w, i: x[:, :i].cos() @ W[i, :i],
    "W[<i, i] @ x[<i]": lambda x, W, w, i: x[:, :i] @ W[:i, i],
    "max(w[<=i])": lambda x, W, w, i: w[: i + 1].max() + 0 * x[:, 0],
    "mean(w[<=i])": lambda x, W, w, i: w[: i + 1].mean() + 0 * x[:, 0],
    "sum(h + w[<i]) where { h = cos(x[<i]) }": lambda x, W, w, i: (x[:, :i].cos() + w[:i]).sum(1),
}


def compiled(tmp_path: Path, equation: str) -> tuple[torch.nn.Module, Tensor, Tensor]:
    path = tmp_path / "meaning.gen"
    parameters = "param W : Real[D, D], w : Real[D]"
    text = f"model M(D = {D}) {{ observed x : Real[D]  {parameters}\n{DEFINITIONS}\n{equation} }}\n"
    path.write_text(text, encoding="utf-8")
    model = gencompiler.compile(path)().double()
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        parameter.data = torch.randn(parameter.shape, dtype=torch.float64, generator=generator)
    known = dict(model.named_parameters())
    zeros = torch.zeros(D, D, dtype=torch.float64)
    return model, known.get("W", zeros).detach(), known.get("w", zeros[0]).detach()


def rows() -> Tensor:
    return torch.randn(6, D, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("body", ENERGIES)
def test_an_energy(body: str, tmp_path: Path) -> None:
    # The square is there to make a law of each of them.
    model, W, w = compiled(tmp_path, f"p(x) ∝ exp(-({body}) - x @ x)")
    x = rows()
    torch.testing.assert_close(model.energy(x), ENERGIES[body](x, W, w) + (x**2).sum(1))


@pytest.mark.parametrize("body", CONDITIONALS)
def test_a_conditional(body: str, tmp_path: Path) -> None:
    mean, _, local = body.partition(" where ")
    model, W, w = compiled(tmp_path, f"p(x[i] | x[<i]) = Normal({mean}, 1) {'where ' + local if local else ''}")
    x = rows()
    residuals = torch.stack([x[:, i] - CONDITIONALS[body](x, W, w, i) for i in range(D)], 1)
    expected = (-0.5 * residuals**2 - 0.5 * math.log(2 * math.pi)).sum(1)
    torch.testing.assert_close(model.log_prob(x), expected)
    sampled = model.sample(4000, seed=3)
    noise = torch.stack([sampled[:, i] - CONDITIONALS[body](sampled, W, w, i) for i in range(D)], 1)
    assert (noise.mean(0).abs() < 0.08).all()
    assert ((noise.std(0) - 1).abs() < 0.08).all()


def _large(tmp_path: Path, size: int) -> Path:
    path = tmp_path / f"large_{size}.gen"
    energy = "exp(-sum(for i: max(x[i] * x)))"
    path.write_text(f"model M(D = {size}) {{ observed x : Real[D]  p(x) ∝ {energy} }}\n", encoding="utf-8")
    return path


def test_what_is_too_large_to_write_out_is_computed_for_particles(tmp_path: Path) -> None:
    x = torch.randn(3, 300, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    model = gencompiler.compile(_large(tmp_path, 300))().double()
    torch.testing.assert_close(model.energy(x), (x[:, :, None] * x[:, None]).amax(2).sum(1))


def test_what_is_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match="4096 is the limit"):
        gencompiler.compile(_large(tmp_path, 5000))
