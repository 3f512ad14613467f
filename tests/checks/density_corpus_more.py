"""More densities and mass functions, each next to the smallest error that makes it none: changes of variables, circles,
error functions, signs that need more than intervals, zeta sums, enclosures."""

from __future__ import annotations

from tests.checks.density_corpus import Pair

LS = "x : Real | m : Real, s : Positive"
BETA = "exp(lgamma(a + b) - lgamma(a) - lgamma(b))"
MORE = tuple(
    Pair(*entry)
    for entry in (
        # -- changes of variables ------------------------------------------------------------------------------------
        (
            "JohnsonSUMoved",
            "x : Real | l : Real, s : Positive, g : Real, d : Positive",
            "d / (s * sqrt(2 * pi * (1 + ((x - l) / s)^2))) * exp(-0.5 * (g + d * asinh((x - l) / s))^2)",
            "d / (sqrt(2 * pi * (1 + ((x - l) / s)^2))) * exp(-0.5 * (g + d * asinh((x - l) / s))^2)",
            "the scale is left out of the slope",
        ),
        (
            "BirnbaumSaunders",
            "x : Positive | a : Positive",
            "(sqrt(x) + sqrt(1 / x)) / (2 * a * x) * exp(-(sqrt(x) - sqrt(1 / x))^2 / (2 * a^2)) / sqrt(2 * pi)",
            "(sqrt(x) + sqrt(1 / x)) / (a * x) * exp(-(sqrt(x) - sqrt(1 / x))^2 / (2 * a^2)) / sqrt(2 * pi)",
            "half of the slope of sqrt",
        ),
        (
            "LogCauchy",
            "x : Positive | m : Real, s : Positive",
            "s / (pi * x * (s^2 + (log(x) - m)^2))",
            "1 / (pi * x * (s^2 + (log(x) - m)^2))",
            "the mass is 1 / s",
        ),
        (
            "LogitLogistic",
            "x : Unit | m : Real, s : Positive",
            "exp(-(logit(x) - m) / s) / (s * x * (1 - x) * (1 + exp(-(logit(x) - m) / s))^2)",
            "exp(-(logit(x) - m) / s) / (x * (1 - x) * (1 + exp(-(logit(x) - m) / s))^2)",
            "the mass is s",
        ),
        (
            "ExponentialPower",
            "x : Positive | b : Positive",
            "b * x^(b - 1) * exp(1 + x^b - exp(x^b))",
            "b * x^(b - 1) * exp(x^b - exp(x^b))",
            "mass exp(-1)",
        ),
        # -- circles -------------------------------------------------------------------------------------------------
        (
            "VonMises",
            "x : Angle | m : Real, k : Positive",
            "exp(k * cos(x - m)) / (2 * pi * bessel_i0(k))",
            "exp(k * cos(x - m)) / (2 * pi * bessel_i0(2 * k))",
            "the Bessel function is at k",
        ),
        (
            "VonMisesNumbers",
            "x : Angle",
            "exp(cos(x)) / (2 * pi * 1.2660658777520084)",
            "exp(cos(x)) / (2 * pi * 1.26606)",
            "I0(1) is 1.2660658…: the mass misses 1 by 5e-6",
        ),
        (
            "WrappedCauchy",
            "x : Angle | r : Unit, m : Real",
            "(1 - r^2) / (2 * pi * (1 + r^2 - 2 * r * cos(x - m)))",
            "(1 - r) / (2 * pi * (1 + r^2 - 2 * r * cos(x - m)))",
            "1 - r^2, not 1 - r",
        ),
        (
            "Cardioid",
            "x : Angle | r : Open(-0.5, 0.5), m : Real",
            "(1 + 2 * r * cos(x - m)) / (2 * pi)",
            "(1 + 2.1 * r * cos(x - m)) / (2 * pi)",
            "negative where 2.1 r cos < -1",
        ),
        # -- error functions -----------------------------------------------------------------------------------------
        (
            "ExponentiallyModifiedNormal",
            "x : Real | m : Real, s : Positive, l : Positive",
            "l / 2 * exp(l / 2 * (2 * m + l * s^2 - 2 * x)) * (1 - erf((m + l * s^2 - x) / (sqrt(2) * s)))",
            "l / 2 * exp(l / 2 * (2 * m + l * s^2 - 2 * x)) * (1 - erf((m - x) / (sqrt(2) * s)))",
            "the shift by l s^2 is left out",
        ),
        (
            "ExtendedSkewNormal",
            "x : Real | a : Real, b : Real",
            "exp(-0.5 * x^2) / sqrt(2 * pi) * (1 + erf((b + a * x) / sqrt(2))) / (1 + erf(b / sqrt(2 * (1 + a^2))))",
            "exp(-0.5 * x^2) / sqrt(2 * pi) * (1 + erf((b + a * x) / sqrt(2))) / (1 + erf(b / sqrt(2)))",
            "the mean of a normal's distribution function has the variance 1 + a^2",
        ),
        (
            "TruncatedNormalBetween",
            "x : Interval(0, 2) | m : Real, s : Positive",
            "2 * exp(-(x - m)^2 / (2 * s^2)) / (s * sqrt(2 * pi) * (erf((2 - m) / (s * sqrt(2))) - erf(-m / (s * sqrt(2)))))",
            "2 * exp(-(x - m)^2 / (2 * s^2)) / (s * sqrt(2 * pi) * (erf((3 - m) / (s * sqrt(2))) - erf(-m / (s * sqrt(2)))))",
            "cut at 2, normalized as if at 3",
        ),
        # -- signs ---------------------------------------------------------------------------------------------------
        (
            "SumOfThreeUniforms",
            "x : Interval(0, 3)",
            "if x < 1 then x^2 / 2 else if x < 2 then (-2 * x^2 + 6 * x - 3) / 2 else (3 - x)^2 / 2",
            "if x < 1 then x^2 / 2 else if x < 2 then (-2 * x^2 + 6 * x - 3.1) / 2 else (3 - x)^2 / 2",
            "the middle piece is lower by 0.05",
        ),
        (
            "CosineKernel",
            "x : Interval(-1, 1)",
            "pi / 4 * cos(pi * x / 2)",
            "pi / 4 * cos(pi * x / 1.9)",
            "negative at the ends",
        ),
        (
            "ContinuousBernoulli",
            "x : Unit | l : Open(0.5, 1)",
            "l^x * (1 - l)^(1 - x) * log(l / (1 - l)) / (2 * l - 1)",
            "l^x * (1 - l)^(1 - x) * log(l / (1 - l)) / (2 * l)",
            "2 l - 1 under the line",
        ),
        (
            "Ripple",
            "x : Interval(0, 1)",
            "1 - 0.999 * sin(2 * pi * x)",
            "1 - 1.001 * sin(2 * pi * x)",
            "dips below 0 by 0.001",
        ),
        (
            "ThirdOrderWave",
            "x : Real",
            "exp(-0.5 * x^2) / sqrt(2 * pi) * (1 + 0.9 * x * exp(0.5 - 0.5 * x^2))",
            "exp(-0.5 * x^2) / sqrt(2 * pi) * (1 + 1.01 * x * exp(0.5 - 0.5 * x^2))",
            "x exp(1/2 - x^2 / 2) reaches -1 at -1",
        ),
        # -- several variables ---------------------------------------------------------------------------------------
        (
            "ClaytonCopula",
            "x : Unit, y : Unit | t : Positive",
            "(1 + t) * (x * y)^(-1 - t) * (x^(-t) + y^(-t) - 1)^(-2 - 1 / t)",
            "(x * y)^(-1 - t) * (x^(-t) + y^(-t) - 1)^(-2 - 1 / t)",
            "the factor 1 + t of the second derivative",
        ),
        (
            "BivariateStudent",
            "x : Real, y : Real | n : Positive",
            "(1 + (x^2 + y^2) / n)^(-(n + 2) / 2) / (2 * pi)",
            "(1 + (x^2 + y^2) / n)^(-(n + 1) / 2) / (2 * pi)",
            "n + 2 in two dimensions",
        ),
        (
            "MixtureOnASimplex",
            "x : Positive | p : Simplex(3), l : Positive[3]",
            "p[0] * l[0] * exp(-l[0] * x) + p[1] * l[1] * exp(-l[1] * x) + p[2] * l[2] * exp(-l[2] * x)",
            "p[0] * l[0] * exp(-l[0] * x) + p[1] * l[1] * exp(-l[1] * x) + 0.5 * l[2] * exp(-l[2] * x)",
            "the last weight is p[2]",
        ),
        # -- enclosures ----------------------------------------------------------------------------------------------
        (
            "Planck",
            "x : Positive",
            "15 / pi^4 * x^3 / (exp(x) - 1)",
            "15.0001 / pi^4 * x^3 / (exp(x) - 1)",
            "15 / pi^4: the mass misses 1 by 7e-6",
        ),
        ("Fermi", "x : Positive", "12 / pi^2 * x / (exp(x) + 1)", "6 / pi^2 * x / (exp(x) + 1)", "half that of Bose"),
        # -- sums ----------------------------------------------------------------------------------------------------
        ("InverseSquares", "k : Integer(1..inf)", "6 / (pi^2 * k^2)", "0.607928 / k^2", "6 / pi^2 is 0.6079271…"),
        (
            "OddSquares",
            "k : Count",
            "8 / (pi^2 * (2 * k + 1)^2)",
            "6 / (pi^2 * (2 * k + 1)^2)",
            "the odd ones have pi^2 / 8",
        ),
        (
            "EvenPoisson",
            "k : Count | l : Positive",
            "l^(2 * k) / (exp(lgamma(2 * k + 1)) * cosh(l))",
            "l^(2 * k) / (exp(lgamma(2 * k + 1)) * exp(l))",
            "the even terms sum to cosh",
        ),
        (
            "NegativeBinomialByMean",
            "k : Count | r : Positive, m : Positive",
            "exp(lgamma(k + r) - lgamma(k + 1) - lgamma(r)) * (r / (r + m))^r * (m / (r + m))^k",
            "exp(lgamma(k + r) - lgamma(k + 1) - lgamma(r)) * (r / (r + m)) * (m / (r + m))^k",
            "a power r for the first",
        ),
        (
            "NormalCells",
            "k : Integer(-inf..inf) | m : Real, s : Positive",
            "0.5 * (erf((k + 0.5 - m) / (s * sqrt(2))) - erf((k - 0.5 - m) / (s * sqrt(2))))",
            "erf((k + 0.5 - m) / (s * sqrt(2))) - erf((k - 0.5 - m) / (s * sqrt(2)))",
            "erf goes from -1 to 1",
        ),
        (
            "CategoryOfASimplex",
            "k : Category(3) | w : Simplex(3)",
            "w[k]",
            "w[0]",
            "the mass is 3 w[0]",
        ),
    )
)
