"""Parts that mix each other by whole numbers: proved exactly where the determinant is not 0, refuted elsewhere."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import gencompiler
from gencompiler.checks.verdict import PROVED, REFUTED
from tests.checks.test_vector_statements import verdict
from tests.checks.vector_statements import real

Matrix = list[list[int]]

ENTRIES = st.sampled_from([-2, -1, 0, 0, 1, 2, 3])


def determinant(matrix: Matrix) -> Fraction:
    """By elimination, exactly."""
    rows = [[Fraction(x) for x in row] for row in matrix]
    found = Fraction(1)
    for k in range(len(rows)):
        pivot = next((i for i in range(k, len(rows)) if rows[i][k]), None)
        if pivot is None:
            return Fraction(0)
        if pivot != k:
            rows[k], rows[pivot], found = rows[pivot], rows[k], -found
        found *= rows[k][k]
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / rows[k][k]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
    return found


def row(factors: list[int], names: list[str]) -> str:
    return " + ".join(f"{f} * {n}" for f, n in zip(factors, names, strict=True) if f) or f"0 * {names[0]}"


@settings(max_examples=25, deadline=None)
@given(matrix=st.lists(st.lists(ENTRIES, min_size=2, max_size=2), min_size=2, max_size=2))
def test_two_halves(matrix: Matrix) -> None:
    parts = ", ".join(row(r, ["a", "b"]) for r in matrix)
    found, _ = verdict(real("", f"join({parts}) where {{ a, b = split(u) }}"))
    assert found.status == (PROVED if determinant(matrix) else REFUTED)


@settings(max_examples=25, deadline=None)
@given(matrix=st.lists(st.lists(ENTRIES, min_size=3, max_size=3), min_size=3, max_size=3))
def test_three_entries(matrix: Matrix) -> None:
    parts = ", ".join(row(r, ["u[0]", "u[1]", "u[2]"]) for r in matrix)
    found, _ = verdict(real("", f"join({parts}, u[3])"))
    assert found.status == (PROVED if determinant(matrix) else REFUTED)


@pytest.mark.parametrize(
    ("parameters", "body"),
    [
        ("t : Real[2]", "join(cos(t) * a - sin(t) * b, sin(t) * a + cos(t) * b) where { a, b = split(u) }"),
        ("t : Positive", "join(a + b, a - t * b) where { a, b = split(u) }"),
        ("t : Real[4]", "join(u[0] + u[1], u[1] + u[2], u[2] + u[0], u[3] - u[0]) + t"),
    ],
)
def test_the_inverse_and_the_determinant_are_those_of_the_map(parameters: str, body: str) -> None:
    spec = f"""bijection F(u : Real[D] | {parameters}) -> Real[D] = {body}
model M(D = 4) {{ observed x : Real[D]  latent z : Real[D]  p(z) = Normal(0, 1)  x = z |> F |> sinh |> F  train maximum_likelihood }}
"""
    model = gencompiler.compile(spec)().double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, dtype=torch.float64, generator=generator))
    z = torch.randn(5, 4, dtype=torch.float64, generator=generator)
    x, log_det = model.forward(z)
    again, back = model.inverse(x)
    slopes = torch.stack([torch.autograd.functional.jacobian(lambda v: model.forward(v[None])[0][0], row) for row in z])
    assert torch.allclose(again, z, atol=1e-12)
    assert torch.allclose(log_det, torch.linalg.slogdet(slopes).logabsdet, atol=1e-12)
    assert torch.allclose(log_det, -back, atol=1e-12) or torch.allclose(log_det, back, atol=1e-12)
