"""Densities of flows by the formulas of their papers, written out with loops: NICE, inverse autoregressive, radial, Sylvester,
Householder and linear flows, and 1x1 convolutions by LU.  `python -m tests.benchmarks peers` compares with other libraries.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import gencompiler
from tests.families.test_foundation import perturbed

MODEL = """
bijection Additive(u : Real[D] | H = 6) -> Real[D] = join(a, b + mlp(a, hidden = [H])) where {{ a, b = split(u) }}
bijection Scale(u : Real | s : Positive) -> Real = s * u
bijection IAF(u : Real[D] | H = 9) -> Real[D] = for i: g * u[i] + (1 - g) * m
  where {{ m, s = mlp(u[<i], hidden = [H], activation = tanh)   g = sigmoid(s + 2) }}
bijection Mix(u : Real[C, N] | L : Lower(C), U : Upper(C)) -> Real[C, N] = L @ (U @ u)
model M(D = 4) {{
  observed x : Real{shape}
  latent   z : Real{shape}
  p(z) = {base}(0, 1)
  {equation}
}}
"""


def flow(equation: str, base: str = "Normal", shape: str = "[D]") -> Any:
    return perturbed(gencompiler.compile(MODEL.format(equation=equation, base=base, shape=shape))(), 0.6)


def points(*shape: int) -> Tensor:
    return 1.5 * torch.randn(7, *shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def normal(z: Tensor) -> Tensor:
    return -0.5 * (z.flatten().square() + math.log(2 * math.pi)).sum()


def nice(model: Any, x: Tensor) -> Tensor:
    """Dinh et al., 2015, section 3: log p(x) = Σ log p_L(h_i) + Σ log |S_ii|, h from the additive couplings, undone."""
    scale = model.value("Scale.s")
    h = x / scale
    for path in ("Additive_2", "Additive"):
        h = h.flip(0)
        a, b = h[:2], h[2:]
        hidden = torch.relu(model.value(f"{path}.mlp.0.weight") @ a + model.value(f"{path}.mlp.0.bias"))
        h = torch.cat(
            (a, b - model.value(f"{path}.mlp.output.weight") @ hidden - model.value(f"{path}.mlp.output.bias"))
        )
    return (-h - 2 * torch.log1p(torch.exp(-h))).sum() - scale.log().sum()


def inverse_autoregressive(model: Any, x: Tensor) -> Tensor:
    """Kingma et al., 2016, eq. 10 to 13, undone place by place: u_i = (x_i - (1 - g) m) / g, where m and g at i see u[<i]."""
    hidden, degrees = 9, [1 + k * 3 // 9 for k in range(9)]
    value = {n: model.value(f"IAF.mlp.{n}") for n in ("0.weight", "0.bias", "m.weight", "m.bias", "s.weight", "s.bias")}
    u, log_det = torch.zeros(4, dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for i in range(4):
        units = []
        for k in range(hidden):
            seen = [value["0.weight"][k, j] * u[j] for j in range(4) if j < degrees[k]]
            units.append(torch.tanh(sum(seen) + value["0.bias"][k]))
        m, s = (
            sum(value[f"{n}.weight"][i, k] * units[k] for k in range(hidden) if degrees[k] <= i) + value[f"{n}.bias"][i]
            for n in "ms"
        )
        g = torch.sigmoid(s + 2)
        u = torch.cat((u[:i], ((x[i] - (1 - g) * m) / g)[None], u[i + 1 :]))
        log_det = log_det - g.log()
    return normal(u) + log_det


def radial(model: Any, x: Tensor) -> Tensor:
    """Rezende & Mohamed, 2015, eq. 14: z = x + β h (x - c), h = 1 / (α + r); log|det| = (d - 1) log(1 + β h) +
    log(1 + β h - β r h²)."""
    c, a = model.value("Radial.c"), model.value("Radial.a")
    beta, r = model.value("Radial.b") - a, (x - c).norm()
    h = 1 / (a + r)
    return normal(x + beta * h * (x - c)) + 3 * torch.log(1 + beta * h) + torch.log(1 + beta * h - beta * r * h**2)


def sylvester(model: Any, x: Tensor) -> Tensor:
    """van den Berg et al., 2018, eq. 13 and 14: u + Q R tanh(S Qᵀ u + b), |det| = Π (1 + tanh' R_jj S_jj)."""
    Q, S, b = (model.value(f"Sylvester.{n}") for n in "QSb")
    product = torch.tril(model.value("Sylvester.W"), -1) + torch.diag(model.value("Sylvester.d"))
    inner = torch.tanh(S @ Q.T @ x + b)
    z = x + Q @ torch.linalg.solve(S, product @ inner)
    return normal(z) + torch.log(1 + (1 - inner**2) * product.diagonal()).sum()


def householder(model: Any, x: Tensor) -> Tensor:
    """Tomczak & Welling, 2016, eq. 7: a reflection, of volume 1."""
    v = model.value("Householder.Q")[:, 0]
    return normal(x - 2 * v * (v @ x) / (v @ v))


def linear(model: Any, x: Tensor) -> Tensor:
    """Oliva et al., 2018, section 3.2: log|det| = Σ log L_ii U_ii."""
    L, U, b = (model.value(f"LU.{n}") for n in "LUb")
    return normal(L @ U @ x + b) + L.diagonal().log().sum() + U.diagonal().log().sum()


def convolution(model: Any, x: Tensor) -> Tensor:
    """Kingma & Dhariwal, 2018, table 1: a 1x1 convolution has h w log|det W|, here 3 places."""
    L, U = model.value("Mix.L"), model.value("Mix.U")
    return normal(L @ U @ x) + 3 * (L.diagonal().log().sum() + U.diagonal().log().sum())


CASES: dict[str, tuple[dict[str, str], Callable[[Any, Tensor], Tensor], tuple[int, ...]]] = {
    "nice": (
        {"equation": "x = z |> Additive |> reverse |> Additive |> reverse |> Scale", "base": "Logistic"},
        nice,
        (4,),
    ),
    "iaf": ({"equation": "x = z |> IAF"}, inverse_autoregressive, (4,)),
    "radial": ({"equation": "z = x |> Radial"}, radial, (4,)),
    "sylvester": ({"equation": "z = x |> Sylvester(M = 3)"}, sylvester, (4,)),
    "householder": ({"equation": "z = x |> Householder"}, householder, (4,)),
    "linear": ({"equation": "z = x |> LU"}, linear, (4,)),
    "convolution": ({"equation": "z = x |> Mix", "shape": "[4, 3]"}, convolution, (4, 3)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_density_is_that_of_the_paper(name: str) -> None:
    options, density, shape = CASES[name]
    model, x = flow(**options), points(*shape)
    with torch.no_grad():
        found, expected = model.log_prob(x), torch.stack([density(model, row) for row in x])
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
        moved = torch.stack([density(model, row + 1e-3) for row in x])
    assert (found - moved).abs().max() > 1e-5
