"""What statements about transitions are made of: beginnings of models, and energies by name."""

from __future__ import annotations

Statement = tuple[str, str, str]

REAL = "observed x : Real\n"
PLANE = "observed x : Real[2]\n"
POSITIVE = "observed x : Positive\n"
PAIR = "observed x : Binary\nlatent h : Binary\nparam a, b : Real\np(x, h) ∝ exp(a * x + b * h + x * h)\n"
RBM = """observed x : Binary[3]
latent h : Binary[2]
param W : Real[3, 2], b : Real[3], c : Real[2]
p(x, h) ∝ exp(b @ x + c @ h + x @ W @ h)
"""
ISING = """observed x : Binary[4]
param W : Real[4, 4], b : Real[4]
p(x) ∝ exp(b @ x + sum(for i, j in 0..i: W[i, j] * x[i] * x[j]))
"""
HMC = """observed x : Real
latent v : Real
def U(x : Real) -> Real = x^4 / 4 - x
p(x, v) ∝ exp(-U(x) - v^2 / 2)
bijection leap(x : Real, v : Real) -> (Real, Real) = (y, w - 0.05 * grad(U)(y))
  where { w = v - 0.05 * grad(U)(x)   y = x + 0.1 * w }
bijection flip(x : Real, v : Real) -> (Real, Real) = (x, -v)
transition refresh(x', v' | x, v) { v' ~ p(v) }
"""
ENERGIES = {
    "gaussian": "exp(-x^2 / 2)",
    "quartic": "exp(-x^4 / 4)",
    "skewed": "exp(-x^4 / 4 + x)",
    "logistic": "exp(-softplus(x) - softplus(-x))",
    "student": "1 / (1 + x^2)^3",
}
VECTORS = {
    "gaussian": "exp(-x @ x / 2)",
    "banana": "exp(-0.5 * x[0]^2 - 2 * (x[1] - x[0]^2)^2)",
    "wells": "exp(-sum(x^4) / 4 + sum(x^2))",
}


def potential(energy: str) -> str:
    return "-(" + energy.removeprefix("exp(").removesuffix(")") + ")"
