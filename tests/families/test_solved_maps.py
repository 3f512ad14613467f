"""Maps of vectors that are proved to be bijections and have no inverse in closed form: what is computed instead."""

from __future__ import annotations

import functools
from typing import Any

import mpmath
import pytest
import torch

import gencompiler
from gencompiler.diagnostics.model import CompileError
from gencompiler.rows import solutions
from tests.families.test_foundation import perturbed
from tests.families.test_vector_maps import check_map

SPEC = """bijection F(u : Real[D] | {parameters}) -> Real[D] = {body}
bijection S(u : Real | s : Positive) -> Real = s * u
model M(D = {size}) {{
  observed x : Real[D]
  latent   z : Real[D]
  p(z) = Normal(0, 1)
  x = z |> {stages}
  train maximum_likelihood
}}
"""
#: Parameters and body: gradients of convex functions, monotone maps that are none, contractions, dominated diagonals.
MAPS = {
    "the gradient of a convex function": (
        "A : Real[3, D], b : Real[3], c : Positive",
        "c * u + transpose(A) @ tanh(A @ u + b)",
    ),
    "one with kinks": ("A : Real[3, D]", "u + transpose(A) @ relu(A @ u)"),
    "a sum with shares": ("b : Real[D]", "u + 3 * softmax(2 * u + b)"),
    "a singular point at 0": ("W : Real[D, D]", "u^3 + (W - transpose(W)) @ u"),
    "a fast one": ("A : Real[2, D]", "transpose(A) @ (A @ u) + sinh(u)"),
    "rays and entries": ("k : Real[D]", "u * norm(u) + (u - k)^3"),
    "a contraction by its parameters": ("a : Open(0, 1), Q : Orthogonal(D, D)", "u + a * cos(Q @ u)"),
}


@functools.cache
def module(name: str, size: int, stages: str = "repeat(2) { F |> S }") -> Any:
    parameters, body = MAPS[name]
    spec = SPEC.format(parameters=parameters, body=body, size=size, stages=stages)
    return perturbed(gencompiler.compile(spec)(), 0.7)


@pytest.mark.parametrize("name", MAPS)
def test_jacobian_and_inverse(name: str) -> None:
    parameters, body = MAPS[name]
    check_map(SPEC.format(parameters=parameters, body=body, size=4, stages="repeat(2) { F |> S }"))


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_row_converges(name: str, dtype: torch.dtype) -> None:
    model = module(name, 3, "F |> S").to(dtype)
    drawn = torch.randn(200, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    sizes = torch.tensor([0.0, 1e-6, 1e-2, 1.0, 10.0, 1e3, 1e6], dtype=torch.float64)[torch.arange(200) % 7]
    found = model.inverse_ex((sizes[:, None] * drawn).to(dtype))
    assert bool(found.converged.all())
    usual = sizes == 1.0
    assert bool((found.bound[usual] < 1e4 * torch.finfo(dtype).eps * (1 + drawn[usual].abs())).all())


def test_what_was_found_solves_the_equations_in_60_digits() -> None:
    model = module("the gradient of a convex function", 3, "F |> S").double()
    y = 5 * torch.randn(20, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    found = model.inverse_ex(y)
    named = {path: model.value(path).detach() for path in ("F.A", "F.b", "F.c", "S.s")}
    table = mpmath.matrix(named["F.A"].tolist())
    shift, slope = named["F.b"].tolist(), named["F.c"].item()
    with mpmath.workdps(60):
        for row, value in enumerate(found.value.tolist()):
            inner = table * mpmath.matrix(value)
            outer = table.T * mpmath.matrix([mpmath.tanh(a + b) for a, b in zip(inner, shift, strict=True)])
            for place, scale in enumerate(named["S.s"].tolist()):
                exact = scale * (slope * mpmath.mpf(value[place]) + outer[place])
                assert abs(exact - y[row, place].item()) <= 2 * found.bound[row, place].item()


def test_gradients_of_both_orders() -> None:
    model = module("the gradient of a convex function", 2, "F |> S").double()
    y = torch.randn(2, 2, generator=torch.Generator().manual_seed(4), dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(model.inverse, y)
    assert torch.autograd.gradgradcheck(lambda v: model.inverse(v)[0], y)
    program = model.programs["inverse"]
    values = tuple(model.value(path).detach().requires_grad_() for path in program.parameters)
    assert torch.autograd.gradcheck(lambda *given: program.function(y.detach(), *given), values)


def test_a_row_does_not_depend_on_the_others() -> None:
    model = module("the gradient of a convex function", 2).double()
    together = model.sample(70, seed=5)
    assert torch.equal(together[:3], model.sample(3, seed=5))


def test_a_sloppy_solver_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solutions, "ITERATIONS", 2)
    monkeypatch.setattr(solutions, "SHORT", 0.0)
    spec = SPEC.format(parameters="A : Real[2, D]", body="transpose(A) @ (A @ u) + sinh(u)", size=2, stages="F |> S")
    model = perturbed(gencompiler.compile(spec)(), 0.7).double()
    assert not bool(model.inverse_ex(torch.full((4, 2), 100.0, dtype=torch.float64)).converged.any())


def test_a_map_of_many_dimensions_is_refused() -> None:
    """Its Jacobian would be written out."""
    spec = SPEC.format(parameters="A : Real[2, D]", body="transpose(A) @ (A @ u) + sinh(u)", size=17, stages="F |> S")
    with pytest.raises(CompileError) as caught:
        gencompiler.compile(spec)
    (found,) = caught.value.diagnostics
    assert found.code == "G406"
    assert "up to 16 dimensions, and these are 17" in str(found.labels)
