"""Mass functions and densities of several variables, each next to the smallest error that makes it none."""

from __future__ import annotations

from tests.checks.density_corpus import Pair

MASSES = tuple(
    Pair(*entry)
    for entry in (
        # -- mass functions ------------------------------------------------------------------------------------------
        ("Bernoulli", "x : Binary | p : Unit", "p^x * (1 - p)^(1 - x)", "p^x * (1 - p)^x", "the mass is 1 + p (1 - p)"),
        (
            "BernoulliByCases",
            "x : Binary | p : Unit",
            "if x == 1 then p else 1 - p",
            "if x == 1 then p else p",
            "mass 2 p",
        ),
        ("Geometric", "x : Count | p : Unit", "p * (1 - p)^x", "p * (1 - p)^(x + 1)", "the mass is 1 - p"),
        (
            "GeometricFromOne",
            "x : Integer(1..inf) | p : Unit",
            "p * (1 - p)^(x - 1)",
            "p * (1 - p)^x",
            "counted from 1",
        ),
        (
            "Poisson",
            "x : Count | l : Positive",
            "exp(x * log(l) - l - lgamma(x + 1))",
            "exp(x * log(l) - l - lgamma(x + 2))",
            "a factorial too far",
        ),
        (
            "PoissonByPowers",
            "x : Count | l : Positive",
            "l^x * exp(-l) / exp(lgamma(x + 1))",
            "l^x / exp(lgamma(x + 1))",
            "the mass is exp(l)",
        ),
        (
            "NegativeBinomial",
            "x : Count | r : Positive, p : Unit",
            "exp(lgamma(x + r) - lgamma(r) - lgamma(x + 1)) * (1 - p)^r * p^x",
            "exp(lgamma(x + r) - lgamma(r) - lgamma(x + 1)) * (1 - p) * p^x",
            "1 - p for (1 - p)^r",
        ),
        (
            "Binomial",
            "x : Integer(0..6) | p : Unit",
            "exp(lgamma(6) - lgamma(x + 1) - lgamma(6 - x)) * p^x * (1 - p)^(5 - x)",
            "exp(lgamma(6) - lgamma(x + 1) - lgamma(6 - x)) * p^x * (1 - p)^(6 - x)",
            "six factors for five",
        ),
        (
            "DiscretizedLogistic",
            "x : Integer(0..256) | m : Real, s : Positive",
            "(if x == 255 then 1 else sigmoid((x + 0.5 - m) / s)) - (if x == 0 then 0 else sigmoid((x - 0.5 - m) / s))",
            "sigmoid((x + 0.5 - m) / s) - sigmoid((x - 0.5 - m) / s)",
            "the edge bins have lost their tails",
        ),
        (
            "DiscretizedLogisticOnIntegers",
            "x : Integer(-inf..inf) | m : Real, s : Positive",
            "sigmoid((x + 0.5 - m) / s) - sigmoid((x - 0.5 - m) / s)",
            "sigmoid((x + 1 - m) / s) - sigmoid((x - 1 - m) / s)",
            "each bin counted twice",
        ),
        (
            "Logarithmic",
            "x : Integer(1..inf) | p : Unit",
            "-p^x / (x * log(1 - p))",
            "-p^x / (x * log(p))",
            "log p for log(1 - p)",
        ),
        (
            "DiscreteLaplace",
            "x : Integer(-inf..inf) | p : Unit",
            "(1 - p) / (1 + p) * p^abs(x)",
            "(1 - p) / 2 * p^abs(x)",
            "the two sides share their middle",
        ),
        ("DiscreteWeibull", "x : Count | q : Unit", "q^x - q^(x + 1)", "q^x - q^(x + 2)", "the mass is 1 + q"),
        ("Telescope", "x : Count", "1 / ((x + 1) * (x + 2))", "1 / ((x + 1) * (x + 3))", "the mass is 3 / 4"),
        (
            "Yule",
            "x : Integer(1..inf) | r : Positive",
            "r * exp(lgamma(x) + lgamma(r + 1) - lgamma(x + r + 1))",
            "exp(lgamma(x) + lgamma(r + 1) - lgamma(x + r + 1))",
            "the mass is 1 / r",
        ),
        ("SizeBiased", "x : Count | p : Unit", "(1 - p)^2 / p * x * p^x", "(1 - p)^2 * x * p^x", "the mass is p"),
        (
            "ZeroInflated",
            "x : Count | w : Unit, l : Positive",
            "(if x == 0 then w else 0) + (1 - w) * exp(x * log(l) - l - lgamma(x + 1))",
            "(if x == 0 then w else 0) + exp(x * log(l) - l - lgamma(x + 1))",
            "the mass is 1 + w",
        ),
        ("UniformIntegers", "x : Integer(3..8)", "1 / 5", "1 / 6", "five values, not six"),
        ("Softmax", "x : Category(3) | a : Real[3]", "exp(a[x] - logsumexp(a))", "exp(a[x]) / sum(a)", "no softmax"),
        # -- vectors -------------------------------------------------------------------------------------------------
        (
            "Bivariate",
            "x : Real, y : Real | r : Open(-1, 1)",
            "exp(-0.5 * (x^2 - 2 * r * x * y + y^2) / (1 - r^2)) / (2 * pi * sqrt(1 - r^2))",
            "exp(-0.5 * (x^2 - 2 * r * x * y + y^2) / (1 - r^2)) / (2 * pi)",
            "the root of the determinant is left out",
        ),
        (
            "Banana",
            "x : Real[2] | s : Positive",
            "exp(-0.5 * x[0]^2) / sqrt(2 * pi) * exp(-0.5 * ((x[1] - x[0]^2) / s)^2) / (s * sqrt(2 * pi))",
            "exp(-0.5 * x[0]^2) / sqrt(2 * pi) * exp(-0.5 * ((x[1] - x[0]^2) / s)^2) / sqrt(2 * pi)",
            "mass s",
        ),
        (
            "Independent",
            "x : Real[3] | s : Positive[3]",
            "prod(for i: exp(-abs(x[i]) / s[i]) / (2 * s[i]))",
            "prod(for i: exp(-abs(x[i]) / s[i]) / 2)",
            "the mass is the product of the scales",
        ),
        (
            "Isotropic",
            "x : Real[4]",
            "exp(-0.5 * sum(x * x)) / (2 * pi)^2",
            "exp(-0.5 * sum(x * x)) / (2 * pi)",
            "mass 2 pi",
        ),
        (
            "Bits",
            "x : Binary[3] | p : Unit[3]",
            "prod(for i: p[i]^x[i] * (1 - p[i])^(1 - x[i]))",
            "prod(for i: p[i]^x[i])",
            "the mass is the product of 1 + p",
        ),
    )
)
