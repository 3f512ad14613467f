"""Densities that are one, and next to each the smallest error that makes it none.

Each entry: a name, the signature, a formula of mass 1, the formula with the error planted, and what is wrong with it."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Pair:
    name: str
    signature: str
    true: str
    false: str
    reason: str

    def spec(self, formula: str) -> str:
        return f"density F({self.signature}) = {formula}\nmodel M {{\n  observed y : Real\n  p(y) = Normal(0, 1)\n}}\n"


LS = "x : Real | m : Real, s : Positive"
DENSITIES = tuple(
    Pair(*entry)
    for entry in (
        # -- the real line -------------------------------------------------------------------------------------------
        (
            "Normal",
            LS,
            "exp(-0.5 * ((x - m) / s)^2) / (s * sqrt(2 * pi))",
            "exp(-0.5 * ((x - m) / s)^2) / (s * sqrt(pi))",
            "the Gaussian integral is sqrt(2 pi), not sqrt(pi)",
        ),
        (
            "NormalScale",
            LS,
            "exp(-0.5 * ((x - m) / s)^2) / sqrt(2 * pi * s^2)",
            "exp(-0.5 * ((x - m) / s)^2) / sqrt(2 * pi * s)",
            "the scale divides once, so its square stands under the root",
        ),
        ("Laplace", LS, "exp(-abs(x - m) / s) / (2 * s)", "exp(-abs(x - m) / s) / s", "two halves of mass s each"),
        (
            "Logistic",
            LS,
            "exp(-(x - m) / s) / (s * (1 + exp(-(x - m) / s))^2)",
            "exp(-(x - m) / s) / (1 + exp(-(x - m) / s))^2",
            "without 1 / s the mass is s",
        ),
        (
            "LogisticBySigmoids",
            LS,
            "sigmoid((x - m) / s) * sigmoid(-(x - m) / s) / s",
            "sigmoid((x - m) / s) * sigmoid(-(x - m) / s) * 4",
            "the derivative of sigmoid has integral 1, so this has 4 s",
        ),
        ("Cauchy", LS, "1 / (pi * s * (1 + ((x - m) / s)^2))", "1 / (pi * (1 + ((x - m) / s)^2))", "the mass is s"),
        ("Gumbel", LS, "exp(-(x - m) / s - exp(-(x - m) / s)) / s", "exp(-(x - m) / s - exp(-(x - m) / s))", "mass s"),
        (
            "StudentT",
            "x : Real | m : Real, s : Positive, n : Positive",
            "exp(lgamma((n + 1) / 2) - lgamma(n / 2)) / (s * sqrt(n * pi)) * (1 + ((x - m) / s)^2 / n)^(-(n + 1) / 2)",
            "exp(lgamma((n + 1) / 2) - lgamma(n / 2)) / (s * sqrt(pi)) * (1 + ((x - m) / s)^2 / n)^(-(n + 1) / 2)",
            "sqrt(n) left out of the constant",
        ),
        (
            "GeneralizedNormal",
            "x : Real | m : Real, a : Positive, b : Positive",
            "b / (2 * a * exp(lgamma(1 / b))) * exp(-(abs(x - m) / a)^b)",
            "b / (a * exp(lgamma(1 / b))) * exp(-(abs(x - m) / a)^b)",
            "both halves count",
        ),
        (
            "SkewNormal",
            "x : Real | a : Real",
            "exp(-0.5 * x^2) / sqrt(2 * pi) * (1 + erf(a * x / sqrt(2)))",
            "exp(-0.5 * x^2) / sqrt(2 * pi) * (1.1 + erf(a * x / sqrt(2)))",
            "the even part carries the mass: 1.1",
        ),
        (
            "SkewLogistic",
            "x : Real | a : Real",
            "2 * sigmoid(x) * sigmoid(-x) * sigmoid(a * x)",
            "sigmoid(x) * sigmoid(-x) * sigmoid(a * x)",
            "sigmoid of an odd function halves the mass",
        ),
        (
            "Sech",
            "x : Real | s : Positive",
            "1 / (2 * s * cosh(pi * x / (2 * s)))",
            "1 / (s * cosh(pi * x / (2 * s)))",
            "the integral of 1 / cosh is pi",
        ),
        (
            "TwoPiece",
            "x : Real | m : Real, s : Positive, t : Positive",
            "(if x < m then exp(-0.5 * ((x - m) / s)^2) else exp(-0.5 * ((x - m) / t)^2)) * 2 / ((s + t) * sqrt(2 * pi))",
            "(if x < m then exp(-0.5 * ((x - m) / s)^2) else exp(-0.5 * ((x - m) / t)^2)) / (sqrt(s * t) * sqrt(2 * pi))",
            "the mean of the two scales, not their geometric mean",
        ),
        (
            "AsymmetricLaplace",
            "x : Real | k : Positive",
            "exp(-(if x < 0 then -x / k else x * k)) / (k + 1 / k)",
            "exp(-(if x < 0 then -x / k else x * k)) / 2",
            "k + 1 / k is 2 only at k = 1",
        ),
        (
            "Mixture",
            "x : Real | w : Unit, m : Real, n : Real, s : Positive",
            "w * exp(-0.5 * ((x - m) / s)^2) / (s * sqrt(2 * pi)) + (1 - w) * exp(-abs(x - n) / s) / (2 * s)",
            "w * exp(-0.5 * ((x - m) / s)^2) / (s * sqrt(2 * pi)) + (1.1 - w) * exp(-abs(x - n) / s) / (2 * s)",
            "the weights sum to 1.1",
        ),
        ("Triangular", "x : Real", "max(0, 1 - abs(x))", "max(0, 1 - abs(x) / 2)", "twice as wide and as high"),
        (
            "Huber",
            "x : Real",
            "(if abs(x) < 1 then exp(-abs(x)) else exp(-abs(x))) / 2",
            "(if abs(x) < 1 then exp(-abs(x)) else exp(-1)) / 2",
            "a tail that stays at exp(-1) has no integral",
        ),
        (
            "GumbelMin",
            LS,
            "exp((x - m) / s - exp((x - m) / s)) / s",
            "exp((x - m) / s - exp((x - m) / s)) * s",
            "s for 1 / s",
        ),
        (
            "NormalSquare",
            "x : Real",
            "x^2 * exp(-0.5 * x^2) / sqrt(2 * pi)",
            "x^2 * exp(-0.5 * x^2) / 2.5066",
            "sqrt(2 pi) is 2.50662827…: the mass misses 1 by 1e-5",
        ),
        (
            "GaussianPrecision",
            "x : Real | m : Real, t : Positive",
            "sqrt(t / (2 * pi)) * exp(-0.5 * t * (x - m)^2)",
            "sqrt(t / (2 * pi)) * exp(-t * (x - m)^2)",
            "exp(-t d^2) has the variance 1 / (2 t)",
        ),
        (
            "NormalNearly",
            "x : Real",
            "0.5 * sqrt(2 / pi) * exp(-0.5 * x^2)",
            "0.398942 * exp(-0.5 * x^2)",
            "1 / sqrt(2 pi) is 0.39894228…: the mass misses 1 by 7e-7",
        ),
        # -- the positive numbers ------------------------------------------------------------------------------------
        ("Exponential", "x : NonNegative | l : Positive", "l * exp(-l * x)", "exp(-l * x)", "the mass is 1 / l"),
        (
            "Weibull",
            "x : Positive | k : Positive, l : Positive",
            "k / l * (x / l)^(k - 1) * exp(-(x / l)^k)",
            "k * (x / l)^(k - 1) * exp(-(x / l)^k)",
            "the mass is l",
        ),
        (
            "Gamma",
            "x : Positive | a : Positive, b : Positive",
            "exp(a * log(b) - lgamma(a) + (a - 1) * log(x) - b * x)",
            "exp(a * log(b) - lgamma(a) + a * log(x) - b * x)",
            "x^a for x^(a - 1): the mass is a / b",
        ),
        (
            "GammaByPowers",
            "x : Positive | a : Positive, b : Positive",
            "b^a * x^(a - 1) * exp(-b * x) / exp(lgamma(a))",
            "b * x^(a - 1) * exp(-b * x) / exp(lgamma(a))",
            "b for b^a",
        ),
        (
            "InverseGamma",
            "x : Positive | a : Positive, b : Positive",
            "exp(a * log(b) - lgamma(a) - (a + 1) * log(x) - b / x)",
            "exp(a * log(b) - lgamma(a) - a * log(x) - b / x)",
            "x^-a for x^(-a - 1)",
        ),
        (
            "LogNormal",
            "x : Positive | m : Real, s : Positive",
            "exp(-0.5 * ((log(x) - m) / s)^2) / (x * s * sqrt(2 * pi))",
            "exp(-0.5 * ((log(x) - m) / s)^2) / (s * sqrt(2 * pi))",
            "the Jacobian 1 / x is left out",
        ),
        (
            "Pareto",
            "x : Interval(2, inf) | a : Positive",
            "a * 2^a / x^(a + 1)",
            "a * 2^a / x^(a + 2)",
            "one power too many",
        ),
        (
            "Rayleigh",
            "x : Positive | s : Positive",
            "x / s^2 * exp(-x^2 / (2 * s^2))",
            "x / s * exp(-x^2 / (2 * s^2))",
            "the mass is s",
        ),
        (
            "HalfNormal",
            "x : Positive | s : Positive",
            "sqrt(2 / pi) / s * exp(-x^2 / (2 * s^2))",
            "exp(-x^2 / (2 * s^2)) / (s * sqrt(2 * pi))",
            "half of the normal has half of its mass",
        ),
        (
            "Maxwell",
            "x : Positive | s : Positive",
            "sqrt(2 / pi) * x^2 / s^3 * exp(-x^2 / (2 * s^2))",
            "sqrt(2 / pi) * x^2 / s^2 * exp(-x^2 / (2 * s^2))",
            "the mass is s",
        ),
        (
            "InverseGaussian",
            "x : Positive | m : Positive, l : Positive",
            "sqrt(l / (2 * pi * x^3)) * exp(-l * (x - m)^2 / (2 * m^2 * x))",
            "sqrt(l / (2 * pi * x^3)) * exp(-l * (x - m)^2 / (2 * m * x))",
            "m for m^2",
        ),
        (
            "Levy",
            "x : Positive | c : Positive",
            "sqrt(c / (2 * pi)) * exp(-c / (2 * x)) / x^1.5",
            "sqrt(c / pi) * exp(-c / (2 * x)) / x^1.5",
            "2 left out",
        ),
        (
            "Frechet",
            "x : Positive | a : Positive",
            "a * x^(-a - 1) * exp(-x^(-a))",
            "x^(-a - 1) * exp(-x^(-a))",
            "mass 1 / a",
        ),
        (
            "LogLogistic",
            "x : Positive | a : Positive, b : Positive",
            "(b / a) * (x / a)^(b - 1) / (1 + (x / a)^b)^2",
            "(b / a) * (x / a)^(b - 1) / (1 + (x / a)^b)^3",
            "the mass is 1 / 2",
        ),
        (
            "Lomax",
            "x : Positive | a : Positive, l : Positive",
            "a / l * (1 + x / l)^(-a - 1)",
            "a * (1 + x / l)^(-a - 1)",
            "the mass is l",
        ),
        (
            "Burr",
            "x : Positive | c : Positive, k : Positive",
            "c * k * x^(c - 1) / (1 + x^c)^(k + 1)",
            "c * k * x^(c - 1) / (1 + x^c)^(k + 2)",
            "the mass is k / (k + 1)",
        ),
        (
            "BetaPrime",
            "x : Positive | a : Positive, b : Positive",
            "x^(a - 1) * (1 + x)^(-a - b) * exp(lgamma(a + b) - lgamma(a) - lgamma(b))",
            "x^(a - 1) * (1 + x)^(-b) * exp(lgamma(a + b) - lgamma(a) - lgamma(b))",
            "a left out of the exponent",
        ),
        (
            "HalfLogistic",
            "x : Positive",
            "2 * exp(-x) / (1 + exp(-x))^2",
            "exp(-x) / (1 + exp(-x))^2",
            "half of the mass",
        ),
        (
            "Gompertz",
            "x : Positive | e : Positive, b : Positive",
            "b * e * exp(e + b * x - e * exp(b * x))",
            "b * e * exp(b * x - e * exp(b * x))",
            "exp(e) left out",
        ),
        (
            "HalfCauchy",
            "x : Positive | s : Positive",
            "2 / (pi * s * (1 + (x / s)^2))",
            "1 / (pi * s * (1 + (x / s)^2))",
            "half of the mass",
        ),
        (
            "ExponentiatedExponential",
            "x : Positive | a : Positive, l : Positive",
            "a * l * exp(-l * x) * (1 - exp(-l * x))^(a - 1)",
            "a * exp(-l * x) * (1 - exp(-l * x))^(a - 1)",
            "mass 1 / l",
        ),
        (
            "TruncatedNormal",
            "x : Positive | m : Real, s : Positive",
            "exp(-0.5 * ((x - m) / s)^2) / (s * sqrt(pi / 2) * (1 + erf(m / (s * sqrt(2)))))",
            "exp(-0.5 * ((x - m) / s)^2) / (s * sqrt(pi / 2) * (1 + erf(m / s)))",
            "sqrt(2) left out of the error function",
        ),
        (
            "Chi",
            "x : Positive | k : Positive",
            "exp((1 - k / 2) * log(2) + (k - 1) * log(x) - x^2 / 2 - lgamma(k / 2))",
            "exp((k / 2) * log(2) + (k - 1) * log(x) - x^2 / 2 - lgamma(k / 2))",
            "2^(k/2) for 2^(1 - k/2)",
        ),
        # -- intervals -----------------------------------------------------------------------------------------------
        (
            "Beta",
            "x : Unit | a : Positive, b : Positive",
            "x^(a - 1) * (1 - x)^(b - 1) * exp(lgamma(a + b) - lgamma(a) - lgamma(b))",
            "x^(a - 1) * (1 - x)^(b - 1) * exp(lgamma(a + b + 1) - lgamma(a) - lgamma(b))",
            "the mass is a + b",
        ),
        (
            "Kumaraswamy",
            "x : Unit | a : Positive, b : Positive",
            "a * b * x^(a - 1) * (1 - x^a)^(b - 1)",
            "a * b * x^(a - 1) * (1 - x)^(b - 1)",
            "x for x^a",
        ),
        (
            "LogitNormal",
            "x : Unit | m : Real, s : Positive",
            "exp(-0.5 * ((logit(x) - m) / s)^2) / (s * sqrt(2 * pi) * x * (1 - x))",
            "exp(-0.5 * ((logit(x) - m) / s)^2) / (s * sqrt(2 * pi) * x)",
            "half of the Jacobian",
        ),
        ("Tent", "x : Interval(-1, 1)", "1 - abs(x)", "1 - x^2 / 2", "the mass is 5 / 3"),
        (
            "Epanechnikov",
            "x : Interval(-1, 1)",
            "0.75 * (1 - x^2)",
            "0.750001 * (1 - x^2)",
            "the mass misses 1 by 1.3e-6",
        ),
        ("RaisedCosine", "x : Interval(-1, 1)", "(1 + cos(pi * x)) / 2", "(1 + cos(x)) / 2", "pi left out"),
        ("Arcsine", "x : Unit", "1 / (pi * sqrt(x * (1 - x)))", "1 / (3 * sqrt(x * (1 - x)))", "3 for pi"),
        ("Wigner", "x : Interval(-1, 1)", "2 / pi * sqrt(1 - x^2)", "1 / pi * sqrt(1 - x^2)", "half of the mass"),
        ("Uniform", "x : Interval(2, 5)", "1 / 3", "0.3333333", "the mass misses 1 by 1e-7"),
        (
            "TruncatedExponential",
            "x : Unit | l : Positive",
            "l * exp(-l * x) / (1 - exp(-l))",
            "l * exp(-l * x)",
            "what lies beyond 1 is missing",
        ),
        ("Power", "x : Unit | a : Positive", "a * x^(a - 1)", "a * x^a", "the mass is a / (a + 1)"),
        ("Logarithm", "x : Unit", "-log(x)", "-log(x) / 2", "the mass is 1 / 2"),
        ("Parabola", "x : Interval(0, 1)", "6 * x * (1 - x)", "6 * x * (1 - x^2)", "the mass is 3 / 2"),
        ("NegativePart", "x : Interval(0, 1)", "2 * x", "4 * x - 1", "of mass 1, and negative below 1 / 4"),
        (
            "NegativeTail",
            "x : Real",
            "exp(-x^2 / 2) / sqrt(2 * pi)",
            "exp(-x^2 / 2) / sqrt(2 * pi) * (2 - x^2)",
            "of mass 1, and negative beyond sqrt(2)",
        ),
    )
)
