"""Laws of the kinds a stranger would try, written down before the prover was read: order statistics, folded and wrapped
laws, spliced and truncated ones, copulas, hierarchies of two or three stages, counts, spins and shares, each next to a
minimal error: a mass that misses 1 by a millionth, a constant right at one value of a parameter only, a lost Jacobian.

The sources are David & Nagaraja's "Order Statistics", Mardia & Jupp's "Directional Statistics", Nelsen's "An Introduction
to Copulas", Johnson, Kotz & Balakrishnan's volumes, Freund (JASA 56, 1961) and Sibuya (AISM 31, 1979)."""

from __future__ import annotations

from tests.checks.density_corpus import Pair

N = "exp(-x^2 / 2) / sqrt(2 * pi)"
F = "((1 + erf(x / sqrt(2))) / 2)"
B = "exp(lgamma(a + b) - lgamma(a) - lgamma(b))"
REAL = (
    ("MedianOfFiveNormals", "x : Real", f"30 * {F}^2 * (1 - {F})^2 * {N}", f"20 * {F}^2 * (1 - {F})^2 * {N}", "5! / (2! 2!) is 30"),
    ("LesserOfTwoNormals", "x : Real | m : Real, s : Positive", "(1 - erf((x - m) / (s * sqrt(2)))) * exp(-(x - m)^2 / (2 * s^2)) / (s * sqrt(2 * pi))", "(1 - erf((x - m) / s)) * exp(-(x - m)^2 / (2 * s^2)) / sqrt(2 * pi)", "no scale"),
    ("MedianOfThreeLogistics", "x : Real | m : Real, s : Positive", "6 / s * sigmoid((x - m) / s)^2 * sigmoid(-(x - m) / s)^2", "6 / s * sigmoid((x - m) / s)^2 * sigmoid(-(x - m) / s)", "a factor short: 3 for 1"),
    ("GreatestOfGumbels", "x : Real | n : Positive", "n * exp(-x - n * exp(-x))", "n * exp(-x - exp(-x))", "right for n = 1 only"),
    ("UniformPlusNormal", "x : Real | w : Positive", "(erf((x + w) / sqrt(2)) - erf((x - w) / sqrt(2))) / (4 * w)", "(erf((x + w) / sqrt(2)) - erf((x - w) / sqrt(2))) / (2 * w)", "twice"),
    ("UniformPlusLogistic", "x : Real | w : Positive, s : Positive", "(sigmoid((x + w) / s) - sigmoid((x - w) / s)) / (2 * w)", "(sigmoid((x + w) / s) - sigmoid((x - w) / s)) / (2 * w * s)", "right for s = 1 only"),
    ("NormalWithWave", "x : Real | m : Real, c : Interval(-1, 1), w : Real", "exp(-(x - m)^2 / 2) / sqrt(2 * pi) * (1 + c * sin(w * (x - m)))", "exp(-(x - m)^2 / 2) / sqrt(2 * pi) * (1 + c * cos(w * (x - m)))", "a cosine does not cancel"),
    ("TwoPieceStudent", "x : Real | a : Positive, b : Positive", "4 / ((a + b) * pi) * (if x < 0 then (1 + (x / a)^2)^(-2) else (1 + (x / b)^2)^(-2))", "2 / ((a + b) * pi) * (if x < 0 then (1 + (x / a)^2)^(-2) else (1 + (x / b)^2)^(-2))", "half"),
    ("NormalOrLaplace", "x : Real | w : Unit, s : Positive", "w * exp(-x^2 / 2) / sqrt(2 * pi) + (1 - w) * exp(-abs(x) / s) / (2 * s)", "w * exp(-x^2 / 2) / sqrt(2 * pi) + (1 - w) * exp(-abs(x) / s) / 2", "right for s = 1 only"),
    ("ExponentialOfCubes", "x : Real | s : Positive", "exp(-(abs(x) / s)^3) / (2 * s * exp(lgamma(4 / 3)))", "exp(-(abs(x) / s)^3) / (s * 1.7859)", "4e-5 off"),
)  # fmt: skip
HALF = (
    ("FoldedLaplace", "x : NonNegative | m : NonNegative", "(exp(-abs(x - m)) + exp(-(x + m))) / 2", "(exp(-abs(x - m)) + exp(-x)) / 2", "right for m = 0 only"),
    ("FoldedCauchy", "x : NonNegative | m : Real", "(1 / (1 + (x - m)^2) + 1 / (1 + (x + m)^2)) / pi", "(1 / (1 + (x - m)^2) + 1 / (1 + (x + m)^2)) / 3.14159", "8e-7 too much"),
    ("SecondOfThreeExponentials", "x : NonNegative | l : Positive", "6 * l * exp(-2 * l * x) * (1 - exp(-l * x))", "6 * l * exp(-2 * l * x) * (1 - exp(-2 * l * x))", "another law"),
    ("ExponentialOfRootRate", "x : NonNegative | m : Positive", "m / sqrt(1 + 2 * x) * exp(m * (1 - sqrt(1 + 2 * x)))", "m * exp(m * (1 - sqrt(1 + 2 * x)))", "a missing Jacobian"),
    ("TwoHazards", "x : NonNegative | a : Positive, b : Positive", "if x < 1 then a * exp(-a * x) else b * exp(-a - b * (x - 1))", "if x < 1 then a * exp(-a * x) else b * exp(-b * x)", "right for a = b only"),
    ("SplicedPareto", "x : Positive | w : Unit, a : Positive", "if x < 1 then w * exp(-x) / (1 - exp(-1)) else (1 - w) * a * x^(-a - 1)", "if x < 1 then w * exp(-x) / (1 - exp(-1)) else (1 - w) * a * x^(-a)", "another power"),
    ("RayleighAbove", "x : Interval(a, inf) | a : Positive, s : Positive", "x / s^2 * exp(-(x^2 - a^2) / (2 * s^2))", "x / s^2 * exp(-(x - a)^2 / (2 * s^2))", "the square of a difference"),
    ("MixtureOfGammas", "x : Positive | w : Unit, a : Positive, r : Positive", "w * r^2 * x * exp(-r * x) + (1 - w) * x^(a - 1) * exp(-x - lgamma(a))", "w * r * x * exp(-r * x) + (1 - w) * x^(a - 1) * exp(-x - lgamma(a))", "right for r = 1 only"),
    ("RatioOfUniforms", "x : NonNegative", "if x < 1 then 0.5 else 0.5 / x^2", "if x < 1 then 0.5 else 0.500001 / x^2", "1e-6 too much"),
    ("GammaUpTo", "x : Interval(0, 1) | r : Positive", "r^2 * x * exp(-r * x) / (1 - (1 + r) * exp(-r))", "r^2 * x * exp(-r * x) / (1 - exp(-r))", "the cut of another law"),
)  # fmt: skip
BOUNDED = (
    ("BetaOfFour", "x : Open(l, l + w) | l : Real, w : Positive, a : Positive, b : Positive", B + " * (x - l)^(a - 1) * (l + w - x)^(b - 1) / w^(a + b - 1)", B + " * (x - l)^(a - 1) * (l + w - x)^(b - 1) / w^(a + b)", "right for w = 1 only"),
    ("SecondOfFourUniforms", "x : Unit", "12 * x * (1 - x)^2", "6 * x * (1 - x)^2", "4! / (1! 2!) is 12"),
    ("ProductOfTwoUniforms", "x : Open(0, 1)", "-log(x)", "-log(x) * 0.999999", "1e-6 missing"),
    ("HistogramOfTwo", "x : Unit | a : Unit, w : Unit", "if x < a then w / a else (1 - w) / (1 - a)", "if x < a then w else 1 - w", "no widths"),
    ("BernsteinOfThree", "x : Unit | w : Simplex(3)", "3 * (w[0] * (1 - x)^2 + 2 * w[1] * x * (1 - x) + w[2] * x^2)", "3 * (w[0] * (1 - x)^2 + w[1] * x * (1 - x) + w[2] * x^2)", "the binomial factor is missing"),
    ("RisesAndFalls", "x : Unit | w : Unit, a : Positive, b : Positive", "w * a * x^(a - 1) + (1 - w) * b * (1 - x)^(b - 1)", "w * a * x^(a - 1) + (1 - w) * a * (1 - x)^(b - 1)", "right for a = b only"),
    ("LogitCauchy", "x : Unit", "1 / (pi * x * (1 - x) * (1 + logit(x)^2))", "1 / (pi * x * (1 + logit(x)^2))", "half of the Jacobian"),
    ("TanhOfNormal", "x : Open(-1, 1) | m : Real, s : Positive", "exp(-(log((1 + x) / (1 - x)) / 2 - m)^2 / (2 * s^2)) / (s * sqrt(2 * pi) * (1 - x^2))", "exp(-(log((1 + x) / (1 - x)) / 2 - m)^2 / (2 * s^2)) / (s * sqrt(2 * pi))", "a missing Jacobian"),
    ("ThreeWaves", "x : Unit", "2 * sin(3 * pi * x)^2", "2 * sin(3 * x)^2", "not a whole period"),
    ("WeibullUpTo", "x : Unit | k : Positive", "k * x^(k - 1) * exp(-x^k) / (1 - exp(-1))", "k * x^(k - 1) * exp(-x^k)", "not cut"),
)  # fmt: skip
CIRCLE = (
    ("TwiceSkewedCardioid", "x : Angle | m : Angle, r : Interval(-1, 1), l : Interval(-1, 1)", "(1 + r * cos(x - m)) * (1 + l * sin(x - m)) / (2 * pi)", "(1 + r * cos(x - m)) * (1 + l * cos(x - m)) / (2 * pi)", "cosines have a mean square"),
    ("VonMisesOrUniform", "x : Angle | w : Unit, m : Angle, k : Positive", "(w * exp(k * cos(x - m)) / bessel_i0(k) + 1 - w) / (2 * pi)", "(w * exp(k * cos(x - m)) / bessel_i0(k) + 1) / (2 * pi)", "1 - w became 1"),
    ("JonesPewseyOne", "x : Angle | m : Angle, k : Positive", "(cosh(k) + sinh(k) * cos(x - m)) / (2 * pi * cosh(k))", "(cosh(k) + sinh(k) * cos(x - m)) / (2 * pi * sinh(k))", "sinh for cosh"),
    ("JonesPewseyInverse", "x : Angle | k : Positive", "1 / (2 * pi * (cosh(k) - sinh(k) * cos(x)))", "1 / (2 * pi * (cosh(k) - 0.5 * sinh(k) * cos(x)))", "not of mass 1"),
    ("CartwrightOfFour", "x : Angle | m : Angle", "4 * (1 + cos(x - m))^4 / (35 * pi)", "8 * (1 + cos(x - m))^4 / (35 * pi)", "twice"),
    ("TwoHalves", "x : Angle | a : Unit", "(if x < 0 then a else 1 - a) / pi", "(if x < 0 then a else 1 - a) / (2 * pi)", "half"),
    ("SinesOnTorus", "x : Angle, y : Angle | r : Interval(-1, 1)", "(1 + r * sin(x) * sin(y)) / (4 * pi^2)", "(1 + r * sin(x) * sin(y)) / (2 * pi)", "two circles"),
)  # fmt: skip
MASS = (
    ("WaitingForBoth", "x : Integer(2..inf) | p : Unit", "p^(x - 1) * (1 - p) + (1 - p)^(x - 1) * p", "p^x * (1 - p) + (1 - p)^x * p", "a power too many"),
    ("Sibuya", "x : Integer(1..inf) | a : Unit", "a * exp(lgamma(x - a) - lgamma(1 - a) - lgamma(x + 1))", "a * exp(lgamma(x - a) - lgamma(1 - a) - lgamma(x))", "no end of it"),
    ("GreaterOfTwoDice", "x : Integer(1..7)", "(2 * x - 1) / 36", "(2 * x + 1) / 36", "shifted"),
    ("TwoSuccesses", "x : Integer(2..inf) | p : Unit", "(x - 1) * p^2 * (1 - p)^(x - 2)", "x * p^2 * (1 - p)^(x - 2)", "the ways are x - 1"),
    ("HurdleZeta", "x : Count | w : Unit", "if x == 0 then w else (1 - w) * 6 / (pi * x)^2", "if x == 0 then w else (1 - w) * 0.6079266 / x^2", "2e-6 missing"),
    ("ExponentialCells", "x : Count | a : Positive", "exp(-a * x) - exp(-a * (x + 1))", "exp(-a * x) - exp(-a * (x + 2))", "two cells for one"),
    ("ZeroByProduct", "x : Count | p : Unit, q : Unit", "if x == 0 then p * q else (1 - p * q) * (1 - p) * p^(x - 1)", "(if x == 0 then p * q else (1 - p * q) * (1 - p) * p^x)", "a power too many"),
    ("FiniteZipf", "x : Integer(1..5)", "12 / (25 * x)", "0.48 / (x + 1)", "shifted"),
    ("ChainOfThreeSpins", "x : Sign, y : Sign, z : Sign | j : Real, k : Real", "exp(j * x * y + k * y * z) / (8 * cosh(j) * cosh(k))", "exp(j * x * y + k * x * z + j * y * z) / (8 * cosh(j) * cosh(k))", "a triangle is no chain"),
    ("AutologisticPair", "x : Binary, y : Binary | a : Real, b : Real, c : Real", "exp(a * x + b * y + c * x * y) / (1 + exp(a) + exp(b) + exp(a + b + c))", "exp(a * x + b * y + c * x * y) / ((1 + exp(a)) * (1 + exp(b)))", "right for c = 0 only"),
    ("StoppingLogits", "x : Category(4) | a : Real, b : Real, c : Real", "if x == 0 then sigmoid(a) else sigmoid(-a) * (if x == 1 then sigmoid(b) else sigmoid(-b) * (if x == 2 then sigmoid(c) else sigmoid(-c)))", "if x == 0 then sigmoid(a) else sigmoid(-a) * (if x == 1 then sigmoid(b) else sigmoid(-b) * (if x == 2 then sigmoid(c) else 1 - sigmoid(-c)))", "a sign is lost"),
    ("BinomialMixture", "x : Integer(0..5) | w : Unit, p : Unit, q : Unit", "exp(lgamma(5) - lgamma(x + 1) - lgamma(5 - x)) * (w * p^x * (1 - p)^(4 - x) + (1 - w) * q^x * (1 - q)^(4 - x))", "w * p^x * (1 - p)^(4 - x) + (1 - w) * q^x * (1 - q)^(4 - x)", "the binomial factor is missing"),
    ("ShiftedPoisson", "x : Integer(3..inf) | l : Positive", "exp(-l + (x - 3) * log(l) - lgamma(x - 2))", "exp(-l + (x - 3) * log(l) - lgamma(x - 1))", "another factorial"),
)  # fmt: skip
SEVERAL = (
    ("ThinnedPoisson", "x : Count, y : Count | l : Positive, p : Unit", "exp(-l + (x + y) * log(l) - lgamma(x + 1) - lgamma(y + 1)) * p^x * (1 - p)^y", "exp(-l + (x + y) * log(l) - lgamma(x + y + 1)) * p^x * (1 - p)^y", "the binomial factor is missing"),
    ("Frank", "x : Unit, y : Unit | t : Positive", "t * (1 - exp(-t)) * exp(-t * (x + y)) / (1 - exp(-t) - (1 - exp(-t * x)) * (1 - exp(-t * y)))^2", "t * exp(-t * (x + y)) / (1 - exp(-t) - (1 - exp(-t * x)) * (1 - exp(-t * y)))^2", "a factor of the constant is missing"),
    ("GumbelBarnett", "x : Unit, y : Unit | t : Interval(0, 1)", "((1 - t * log(x)) * (1 - t * log(y)) - t) * exp(-t * log(x) * log(y))", "(1 - t * log(x)) * (1 - t * log(y)) * exp(-t * log(x) * log(y))", "- t is missing"),
    ("Sarmanov", "x : Unit, y : Unit | a : Interval(-0.5, 0.5)", "1 + a * (2 * x - 1) * (3 * y^2 - 1)", "1 + a * (2 * x - 1) * (3 * y^2 - 1) * 2.1", "negative in a corner"),
    ("Freund", "x : Positive, y : Positive | a : Positive, b : Positive, c : Positive, d : Positive", "if x < y then a * d * exp(-d * (y - x) - (a + b) * x) else b * c * exp(-c * (x - y) - (a + b) * y)", "if x < y then a * d * exp(-d * y - (a + b) * x) else b * c * exp(-c * x - (a + b) * y)", "the time that is left, not the time"),
    ("LomaxOfTwo", "x : Positive, y : Positive | a : Positive", "a * (a + 1) / (1 + x + y)^(a + 2)", "a^2 / (1 + x + y)^(a + 2)", "a for a + 1"),
    ("UniformOnDisc", "x : Unit, y : Angle", "x / pi", "1 / (2 * pi) * x", "half"),
    ("UniformOnTriangle", "x : Unit, y : Unit", "if x + y < 1 then 2 else 0", "if x + y < 1 then 1 else 0", "half"),
    ("NormalThenPoisson", "x : Real, y : Count", "exp(-x^2 / 2) / sqrt(2 * pi) * exp(-exp(x) + x * y - lgamma(y + 1))", "exp(-x^2 / 2) / sqrt(2 * pi) * exp(-exp(x) + x * y - lgamma(y + 2))", "another factorial"),
    ("NormalThenLaplace", "x : Real, y : Real | s : Positive", "exp(-x^2 / 2) / sqrt(2 * pi) * exp(-abs(y - x) / s) / (2 * s)", "exp(-x^2 / 2) / sqrt(pi) * exp(-abs(y - x) / s) / (2 * s)", "sqrt(2)"),
    ("LogNormalThenExponential", "x : Positive, y : NonNegative | m : Real", "exp(-(log(x) - m)^2 / 2) / (x * sqrt(2 * pi)) * x * exp(-x * y)", "exp(-(log(x) - m)^2 / 2) / (x * sqrt(2 * pi)) * exp(-x * y)", "no rate"),
    ("BetaThenBinomial", "x : Unit, y : Integer(0..6) | a : Positive, b : Positive", B + " * x^(a - 1) * (1 - x)^(b - 1) * exp(lgamma(6) - lgamma(y + 1) - lgamma(6 - y)) * x^y * (1 - x)^(5 - y)", B + " * x^(a - 1) * (1 - x)^(b - 1) * x^y * (1 - x)^(5 - y)", "the binomial factor is missing"),
    ("DirichletThenCategory", "x : Simplex(3), y : Category(3)", "2 * x[y]", "6 * x[y]", "another volume"),
    ("UniformOnShares", "x : Simplex(4)", "6", "24", "another volume"),
    ("LogisticNormalShares", "x : Simplex(2) | m : Real, s : Positive", "exp(-((log(x[0]) - log(x[1]) - m) / s)^2 / 2) / (sqrt(2 * pi) * s * x[0] * x[1])", "exp(-((log(x[0]) - log(x[1]) - m) / s)^2 / 2) / (sqrt(2 * pi) * x[0] * x[1])", "no scale"),
    ("RandomWalkOfThree", "x : Real[3] | s : Positive", "exp(-(x[0]^2 + (x[1] - x[0])^2 + (x[2] - x[1])^2) / (2 * s^2)) / (s * sqrt(2 * pi))^3", "exp(-(x[0]^2 + (x[1] - x[0])^2 + (x[2] - x[1])^2) / (2 * s^2)) / (s * sqrt(2 * pi))^2", "three steps"),
    ("RateThenTime", "x : Positive, y : NonNegative | a : Positive", "x^(a - 1) * exp(-x - lgamma(a)) * x * exp(-x * y)", "x^(a - 1) * exp(-x - lgamma(a)) * exp(-x * y)", "no rate"),
    ("LabelThenNormal", "x : Binary, y : Real | p : Unit, m : Real, s : Positive", "if x == 0 then (1 - p) * exp(-y^2 / 2) / sqrt(2 * pi) else p * exp(-(y - m)^2 / (2 * s^2)) / (s * sqrt(2 * pi))", "if x == 0 then (1 - p) * exp(-y^2 / 2) / sqrt(2 * pi) else p * exp(-(y - m)^2 / (2 * s^2)) / sqrt(2 * pi)", "right for s = 1 only"),
    ("MovedByUniform", "x : Unit, y : Real | a : Real", "exp(-(y - a * x)^2 / 2) / sqrt(2 * pi)", "exp(-(y - a * x)^2 / 2) / 2.50663", "7e-7 missing"),
    ("LeastAndGreatest", "x : Unit, y : Unit | n : Interval(2, 9)", "if x < y then n * (n - 1) * (y - x)^(n - 2) else 0", "if x < y then n^2 * (y - x)^(n - 2) else 0", "n for n - 1"),
)  # fmt: skip
UNSEEN = tuple(Pair(*entry) for entry in (*REAL, *HALF, *BOUNDED, *CIRCLE, *MASS, *SEVERAL))
