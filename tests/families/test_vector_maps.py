"""Maps of vectors: log|det| against the Jacobian that autograd computes, the inverse against what it undoes."""

from __future__ import annotations

import pytest
import torch

import gencompiler
from gencompiler.testing.strategies import Perturbation

MODEL = """
model Flow(D = 4) {{
  observed x : Real[D]
  latent   z : Real[D]
  param k : Real[D], r : Real[2], e : Real[2, D]
  p(z) = Normal(0, 1)
  z = x |> {stages}
  train maximum_likelihood
}}
"""

#: A definition, and how it is used.
MAPS = {
    "LU": (
        "bijection F(u : Real[D] | L : Lower(D), U : Upper(D), b : Real[D]) -> Real[D] = L @ (U @ u) + b",
        "F",
    ),
    "orthogonal": ("bijection F(u : Real[D] | Q : Orthogonal(D, D)) -> Real[D] = transpose(Q) @ u", "F"),
    "invertible, row by row": (
        "bijection F(u : Real[D] | W : Invertible(D), c : Positive) -> Real[D] = for i: (c * W)[i] @ u",
        "repeat(2) { F }",
    ),
    "inverse of a product": (
        "bijection F(u : Real[D] | W : Invertible(D), L : Lower(D)) -> Real[D] = u @ inverse(W @ transpose(L))",
        "F",
    ),
    "layers between elementwise maps": (
        "bijection F(u : Real[D] | W : Invertible(D), V : Lower(D), b : Real[D]) -> Real[D] ="
        " V @ asinh((W @ sinh(u / 4)) @ W + b)",
        "F",
    ),
    "a matrix in a coupling": (
        "bijection F(u : Real[D] | W : Invertible(2)) -> Real[D] ="
        " join(W @ b + mlp(a, hidden = [8]), reverse(a)) where { a, b = split(u) }",
        "repeat(2) { F }",
    ),
    "by index": (
        "bijection F(u : Real[D] | W : Real[D, D], s : Real[D], b : Real[D]) -> Real[D] ="
        " for i: (u[i] - b[i] - tanh(W[i, <i] @ u[<i])) * exp(-s[i])",
        "repeat(3) { F |> reverse }",
    ),
    "by index, the past in the scale": (
        "bijection F(u : Real[D] | W : Real[D, D], V : Real[D, D]) -> Real[D] ="
        " for i: sinh((asinh(u[i]) + W[i, <i] @ u[<i]) * exp(tanh(V[i, <i] @ u[<i])))",
        "repeat(2) { F |> reverse |> asinh }",
    ),
    "by index, a network on the past": (
        "bijection F(u : Real[D]) -> Real[D] ="
        " for i: (u[i] - m) * exp(-tanh(s)) where { m, s = mlp(u[<i], hidden = [8, 8]) }",
        "repeat(2) { F |> reverse }",
    ),
    "repetitions within each other, with their number": (
        "bijection G(u : Real[D] | s : Positive, b : Real[D]) -> Real[D] = s * u + b"
        " bijection F(u : Real[D]) -> Real[D] ="
        " for i: (u[i] - m) * exp(-tanh(s)) where { m, s = mlp(u[<i], hidden = [8]) }",
        "repeat(l in 2) { repeat(3) { F |> reverse } |> G(s = exp(r[l]), b = e[l]) }",
    ),
    "planar, its condition fulfilled": (
        "bijection F(u : Real[D] | v : Real[D], w : Real[D], b : Real) -> Real[D] requires w @ v > -1 ="
        " u + v * tanh(w @ u + b)",
        "F(v = exp(k), w = exp(k) / 2, b = 1)",
    ),
    "radial": (
        "bijection F(u : Real[D] | c : Real[D], a : Positive, b : Positive) -> Real[D] ="
        " u + (b - a) * (u - c) / (a + norm(u - c))",
        "F",
    ),
    "a residual map": (
        "bijection F(u : Real[D]) -> Real[D] = u + lipschitz(mlp(u, hidden = [8, 8], activation = tanh), 0.8)",
        "repeat(2) { F }",
    ),
    "a residual map of several parts": (
        "bijection F(u : Real[D] | Q : Orthogonal(D, D), b : Real[D]) -> Real[D] ="
        " u - 0.3 * tanh(Q @ u + b) + 0.5 * sin(lipschitz(linear(u), 1))",
        "F",
    ),
    "a reflection": (
        "bijection F(u : Real[D] | v : Real[D]) -> Real[D] requires v @ v > 0 = u - 2 * v * (v @ u) / (v @ v)",
        "F(v = exp(k)) |> asinh",
    ),
    "a matrix of rank one added": ("bijection F(u : Real[D] | v : Real[D]) -> Real[D] = u + v * (v @ u)", "F"),
    "an exponential of a matrix": ("bijection F(u : Real[D] | W : Real[D, D]) -> Real[D] = expm(W) @ u", "F |> asinh"),
    "a rotation, orthogonal": (
        "bijection F(u : Real[D] | W : Real[D, D]) -> Real[D] = asinh(expm(W - transpose(W)) @ u)",
        "F",
    ),
    "by index, inside a coupling": (
        "bijection F(u : Real[D] | W : Real[2, 2]) -> Real[D] ="
        " join(a, (for i: b[i] * exp(W[i, <i] @ b[<i])) * exp(tanh(s)) + t)"
        " where { a, b = split(u)  s, t = mlp(a, hidden = [8]) }",
        "repeat(2) { F |> reverse }",
    ),
}


@pytest.mark.parametrize("name", MAPS)
def test_jacobian_and_inverse(name: str) -> None:
    definition, stages = MAPS[name]
    check_map(f"{definition}\n{MODEL.format(stages=stages)}")


def check_map(spec: str, *, rows: int = 5) -> None:
    """`inverse` has the log|det| of autograd's Jacobian, and `forward` undoes it; in float64, at random parameters."""
    model = Perturbation(0.3, 7).apply(gencompiler.compile(spec)()).double()
    x = torch.randn(rows, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    z, log_det = model.inverse(x)
    back, log_det_back = model.forward(z)
    torch.testing.assert_close(back, x, atol=1e-8, rtol=1e-8)
    torch.testing.assert_close(log_det_back, -log_det, atol=1e-8, rtol=1e-8)
    jacobian = torch.stack(
        [torch.autograd.functional.jacobian(lambda v: model.inverse(v[None])[0][0], row) for row in x]
    )
    expected = torch.linalg.slogdet(jacobian).logabsdet
    torch.testing.assert_close(log_det, expected, atol=1e-8, rtol=1e-8)
    assert log_det.abs().max() > 1e-3 or "orthogonal" in spec.lower()
