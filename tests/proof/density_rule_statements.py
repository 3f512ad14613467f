"""Densities of their own for the rules that no statement of the corpora reaches quickly."""

from __future__ import annotations

_NORMAL = "model M { observed y : Real  p(y) = Normal(0, 1) }\n"
OWN = {
    "a density that is odd beside what is even": """density F(x : Real | a : Real) = exp(-abs(x)) / 2 * (1 + tanh(a * x))
"""
    + _NORMAL,
    "a density of two variables, the first one first": """density F(x : Real, v : Positive | m : Real) =
  exp(-v - v * (x - m)^2 / 2) * sqrt(v / (2 * pi))
"""
    + _NORMAL,
    "two regions, each in an order of its own": """density F(x : Positive, y : Positive | a : Positive, b : Positive) =
  if x < y then a * exp(-(y - x) - (a + b) * x) else b * exp(-(x - y) - (a + b) * y)
"""
    + _NORMAL,
    "a law folded at 0": "density F(x : NonNegative | m : Real) = (1 / (1 + (x - m)^2) + 1 / (1 + (x + m)^2)) / pi\n"
    + _NORMAL,
    "a mass by a primitive": """density F(x : Interval(1, inf) | a : Positive, b : Unit) =
  exp(a / b * (1 - x^b)) * x^(b - 2) * (a * x^b - b + 1)
"""
    + _NORMAL,
    "a share that a number picks": "density F(x : Simplex(3), k : Category(3)) = 2 * x[k]\n" + _NORMAL,
    "supports that move": """density F(x : Interval(a, a + w) | a : Positive, w : Positive) = 1 / w
density G(x : Interval(a, inf) | a : Positive) = exp(a - x)
model M { observed x, y : Positive  p(x) = F(1, 2)  p(y | x) = G(x) }
""",
    "a distribution function": """density F(x : Positive | k : Positive) = k * x^(k - 1) * exp(-x^k)
model M { observed y : Real  param a : Positive  claim cdf(F) == 1 - exp(-x^k)  p(y) = Normal(0, a) }
""",
    "a density in use": """density F(x : Real | s : Positive) = exp(-abs(x) / s) / (2 * s)
model M { observed y : Real[3]  param w : Positive[3]  p(y) = F(s = w) }
""",
    "a density that is seen to be positive by cuts": f"density F(x : Unit) = 7.5 * (x^2 - x + 0.3)\n{_NORMAL}",
    "an enclosed mass": f"density F(x : Real) = exp(-cosh(x)) / 0.84204887648141668\n{_NORMAL}",
    "an enclosed mass that misses 1": f"density F(x : Real) = exp(-cosh(x)) / 0.842049\n{_NORMAL}",
    "densities on a simplex": f"""density F(x : Simplex(3) | a : Positive) = exp(lgamma(3 * a) - 3 * lgamma(a)) * prod(x)^(a - 1)
density G(x : Simplex(3) | a : Positive) = exp(lgamma(2 * a) - 2 * lgamma(a)) * prod(x)^(a - 1)
{_NORMAL}""",
    "a mass through asinh": "density F(x : Real) = exp(-asinh(x)^2 / 2) / sqrt(2 * pi) / sqrt(1 + x^2)\n" + _NORMAL,
}
