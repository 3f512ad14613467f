"""Laws written down before the prover was read, each next to a minimal error: a constant of the next line, a mass that
misses 1 by a millionth, a support that is a little too long, a formula that is negative somewhere.

The sources are Johnson, Kotz & Balakrishnan's volumes, Mardia & Jupp's "Directional Statistics", Nelsen's "An Introduction
to Copulas", and papers on lifetimes (Lindley's family, Nadarajah & Haghighi, Chen, Benktander, Bemmaor & Glady)."""

from __future__ import annotations

from tests.checks.density_corpus import Pair

B = "exp(lgamma(a + b) - lgamma(a) - lgamma(b))"
REAL = (
    ("Champernowne", "x : Real | t : Open(0, 3)", "sin(t) / (2 * t * (cosh(x) + cos(t)))", "sin(t) / (t * (cosh(x) + cos(t)))", "twice"),
    ("FisherZ", "x : Real | c : Positive, d : Positive", "2 * exp(lgamma((c + d) / 2) - lgamma(c / 2) - lgamma(d / 2)) * c^(c / 2) * d^(d / 2) * exp(c * x) / (c * exp(2 * x) + d)^((c + d) / 2)", "exp(lgamma((c + d) / 2) - lgamma(c / 2) - lgamma(d / 2)) * c^(c / 2) * d^(d / 2) * exp(c * x) / (c * exp(2 * x) + d)^((c + d) / 2)", "half"),
    ("AlphaSkewNormal", "x : Real | a : Real", "((1 - a * x)^2 + 1) / (2 + a^2) * exp(-x^2 / 2) / sqrt(2 * pi)", "((1 - a * x)^2 + 1) / (2 + a) * exp(-x^2 / 2) / sqrt(2 * pi)", "a for its square"),
    ("SkewLaplaceByErf", "x : Real | a : Real", "exp(-abs(x)) / 2 * (1 + erf(a * x))", "exp(-abs(x)) / 2 * (1 + 2 * erf(a * x))", "of mass 1, and negative"),
    ("FernandezSteelLogistic", "x : Real | g : Positive", "2 / (g + 1 / g) * (if x < 0 then sigmoid(x * g) * sigmoid(-x * g) else sigmoid(x / g) * sigmoid(-x / g))", "2 / (g + 1) * (if x < 0 then sigmoid(x * g) * sigmoid(-x * g) else sigmoid(x / g) * sigmoid(-x / g))", "right for g = 1 only"),
    ("BimodalLogistic", "x : Real", "3 / pi^2 * x^2 * sigmoid(x) * sigmoid(-x)", "0.303963 * x^2 * sigmoid(x) * sigmoid(-x)", "2e-6 missing"),
    ("GramCharlier", "x : Real | c : Interval(0, 4)", "exp(-x^2 / 2) / sqrt(2 * pi) * (1 + c / 24 * (x^4 - 6 * x^2 + 3))", "exp(-x^2 / 2) / sqrt(2 * pi) * (1 + c / 23.9 * (x^4 - 6 * x^2 + 3))", "negative at c = 4"),
    ("DoubleLomax", "x : Real | a : Positive", "a / 2 * (1 + abs(x))^(-a - 1)", "a / 2 * (1 + abs(x))^(-a)", "another power"),
    ("DoubleWeibull", "x : Real | k : Interval(1, inf)", "k / 2 * abs(x)^(k - 1) * exp(-abs(x)^k)", "k * abs(x)^(k - 1) * exp(-abs(x)^k)", "twice"),
    ("DoubleGamma", "x : Real | k : Interval(1, inf)", "abs(x)^(k - 1) * exp(-abs(x) - lgamma(k)) / 2", "abs(x)^(k - 1) * exp(-abs(x) - lgamma(k + 1)) / 2", "the mass is 1 / k"),
    ("Quartic", "x : Real", "exp(-x^4) / (2 * exp(lgamma(1.25)))", "exp(-x^4) / 1.8128", "3e-6 too much"),
    ("RiderFour", "x : Real", "sqrt(2) / (pi * (1 + x^4))", "sqrt(2) / (3.1416 * (1 + x^4))", "pi to five digits"),
    ("LorentzOfSquares", "x : Real", "2 / pi * x^2 / (1 + x^2)^2", "2 / pi * x^2 / (1 + x^2)", "no end of it"),
    ("SecantPower", "x : Real | a : Positive", "exp(lgamma((a + 1) / 2) - lgamma(a / 2)) / (sqrt(pi) * cosh(x)^a)", "exp(lgamma(a + 1) - lgamma(a / 2)) / (sqrt(pi) * cosh(x)^a)", "another Gamma"),
    ("TwoNormalsByLogit", "x : Real | a : Real, m : Real", "(sigmoid(a) * exp(-(x - m)^2 / 2) + sigmoid(-a) * exp(-x^2 / 8) / 2) / sqrt(2 * pi)", "(sigmoid(a) * exp(-(x - m)^2 / 2) + sigmoid(a) * exp(-x^2 / 8) / 2) / sqrt(2 * pi)", "right for a = 0 only"),
    ("QuantileLaplace", "x : Real | m : Real, s : Positive, t : Unit", "t * (1 - t) / s * exp(-(if x < m then t - 1 else t) * (x - m) / s)", "t * (1 - t) * exp(-(if x < m then t - 1 else t) * (x - m) / s)", "no scale"),
    ("ExpectileNormal", "x : Real | m : Real, t : Unit", "2 / sqrt(pi) * sqrt(t * (1 - t)) / (sqrt(t) + sqrt(1 - t)) * exp(-(if x < m then 1 - t else t) * (x - m)^2)", "2 / sqrt(pi) * sqrt(t * (1 - t)) * exp(-(if x < m then 1 - t else t) * (x - m)^2)", "the roots' sum is missing"),
    ("Moyal", "x : Real", "exp(-(x + exp(-x)) / 2) / sqrt(2 * pi)", "exp(-(x + exp(-x)) / 2) / sqrt(6.28318)", "4e-7 too much"),
)  # fmt: skip
HALF = (
    ("GammaGompertz", "x : NonNegative | b : Positive, s : Positive, k : Positive", "b * s * exp(b * x) * k^s / (k - 1 + exp(b * x))^(s + 1)", "b * s * exp(b * x) * k / (k - 1 + exp(b * x))^(s + 1)", "k for its power"),
    ("ShiftedGompertz", "x : NonNegative | b : Positive, n : Positive", "b * exp(-b * x) * exp(-n * exp(-b * x)) * (1 + n * (1 - exp(-b * x)))", "b * exp(-b * x) * exp(-n * exp(-b * x)) * (1 + n)", "another factor"),
    ("InverseWeibull", "x : Positive | a : Positive, s : Positive", "a / s * (x / s)^(-1 - a) * exp(-(x / s)^(-a))", "a * (x / s)^(-1 - a) * exp(-(x / s)^(-a))", "no scale"),
    ("Benini", "x : Open(1, inf) | a : Positive, b : Positive", "exp(-a * log(x) - b * log(x)^2) * (a / x + 2 * b * log(x) / x)", "exp(-a * log(x) - b * log(x)^2) * (a / x + b * log(x) / x)", "half a derivative"),
    ("BenktanderTwo", "x : Interval(1, inf) | a : Positive, b : Unit", "exp(a / b * (1 - x^b)) * x^(b - 2) * (a * x^b - b + 1)", "exp(a / b * (1 - x^b)) * x^(b - 2) * (a * x^b + 1)", "a term is missing"),
    ("Mielke", "x : Positive | k : Positive, s : Positive", "k * x^(k - 1) / (1 + x^s)^(1 + k / s)", "k * x^(k - 1) / (1 + x^s)^(k / s)", "another power"),
    ("PowerLindley", "x : Positive | a : Positive, t : Positive", "a * t^2 / (1 + t) * (1 + x^a) * x^(a - 1) * exp(-t * x^a)", "t^2 / (1 + t) * (1 + x^a) * x^(a - 1) * exp(-t * x^a)", "the mass is 1 / a"),
    ("WeibullGeometric", "x : Positive | k : Positive, p : Unit", "k * (1 - p) * x^(k - 1) * exp(-x^k) / (1 - p * exp(-x^k))^2", "k * x^(k - 1) * exp(-x^k) / (1 - p * exp(-x^k))^2", "1 - p is missing"),
    ("XLindley", "x : NonNegative | t : Positive", "t^2 / (1 + t)^2 * (2 + t + x) * exp(-t * x)", "t^2 / (1 + t)^2 * (1 + t + x) * exp(-t * x)", "1 for 2"),
    ("Akash", "x : NonNegative | t : Positive", "t^3 / (t^2 + 2) * (1 + x^2) * exp(-t * x)", "t^3 / (t^2 + 1) * (1 + x^2) * exp(-t * x)", "1 for 2"),
    ("Shanker", "x : NonNegative | t : Positive", "t^2 / (t^2 + 1) * (t + x) * exp(-t * x)", "t / (t^2 + 1) * (t + x) * exp(-t * x)", "t for its square"),
    ("Sujatha", "x : NonNegative | t : Positive", "t^3 / (t^2 + t + 2) * (1 + x + x^2) * exp(-t * x)", "t^3 / (t^2 + t + 2) * (1 + x + x^2) * exp(-t * x) * 1.000001", "1e-6 too much"),
    ("BetaExponential", "x : Positive | a : Positive, b : Positive, l : Positive", B + " * l * exp(-b * l * x) * (1 - exp(-l * x))^(a - 1)", B + " * exp(-b * l * x) * (1 - exp(-l * x))^(a - 1)", "no rate"),
    ("KumaraswamyWeibull", "x : Positive | a : Positive, b : Positive, k : Positive", "a * b * k * x^(k - 1) * exp(-x^k) * (1 - exp(-x^k))^(a - 1) * (1 - (1 - exp(-x^k))^a)^(b - 1)", "a * k * x^(k - 1) * exp(-x^k) * (1 - exp(-x^k))^(a - 1) * (1 - (1 - exp(-x^k))^a)^(b - 1)", "the mass is 1 / b"),
    ("NadarajahHaghighi", "x : NonNegative | a : Positive, l : Positive", "a * l * (1 + l * x)^(a - 1) * exp(1 - (1 + l * x)^a)", "a * l * (1 + l * x)^(a - 1) * exp(-(1 + l * x)^a)", "e is missing"),
    ("Chen", "x : Positive | l : Positive, b : Positive", "l * b * x^(b - 1) * exp(x^b + l * (1 - exp(x^b)))", "l * x^(b - 1) * exp(x^b + l * (1 - exp(x^b)))", "the mass is 1 / b"),
    ("LinearFailureRate", "x : NonNegative | a : Positive, b : Positive", "(a + b * x) * exp(-a * x - b * x^2 / 2)", "(a + b * x) * exp(-a * x - b * x^2)", "the half is missing"),
    ("Stacy", "x : Positive | a : Positive, d : Positive, p : Positive", "p / a^d * x^(d - 1) * exp(-(x / a)^p) / exp(lgamma(d / p))", "p / a^d * x^(d - 1) * exp(-(x / a)^p) / exp(lgamma(d))", "right for p = 1 only"),
    ("BoseOfFive", "x : Positive", "63 / (8 * pi^6) * x^5 / (exp(x) - 1)", "63 / (8 * 961.389) * x^5 / (exp(x) - 1)", "2e-7 too much"),
    ("RootExponential", "x : NonNegative", "exp(-sqrt(x)) / 2", "exp(-sqrt(x))", "twice"),
    ("ErlangMixture", "x : NonNegative | l : Positive", "0.3 * l * exp(-l * x) + 0.7 * l^2 * x * exp(-l * x)", "0.3 * l * exp(-l * x) + 0.7 * l * x * exp(-l * x)", "l for its square"),
)  # fmt: skip
BOUNDED = (
    ("UnitWeibull", "x : Unit | a : Positive, b : Positive", "a * b / x * (-log(x))^(b - 1) * exp(-a * (-log(x))^b)", "a * b * (-log(x))^(b - 1) * exp(-a * (-log(x))^b)", "a missing Jacobian"),
    ("LogLindley", "x : Unit | l : NonNegative, s : Positive", "s^2 / (1 + l * s) * (l - log(x)) * x^(s - 1)", "s^2 / (1 + l) * (l - log(x)) * x^(s - 1)", "right for s = 1 only"),
    ("QuadraticBowl", "x : Interval(1, 4)", "4 / 9 * (x - 2.5)^2", "0.444444 * (x - 2.5)^2", "1e-6 missing"),
    ("CosineOfAnyWidth", "x : Interval(m - pi * s, m + pi * s) | m : Real, s : Positive", "(1 + cos((x - m) / s)) / (2 * pi * s)", "(1 + cos((x - m) / s)) / (2 * s)", "pi is missing"),
    ("RampDown", "x : Interval(0, b) | b : Positive", "2 * (b - x) / b^2", "2 * (b - x) / b", "b for its square"),
    ("RectangularBeta", "x : Unit | t : Unit", "1 - t + t * 6 * x * (1 - x)", "1 - t + t * 7 * x * (1 - x)", "7 for 6"),
    ("TransmutedUniform", "x : Unit | l : Interval(-1, 1)", "1 + l - 2 * l * x", "1 + 1.001 * l - 2.002 * l * x", "negative at an end"),
    ("MarshallOlkinUniform", "x : Unit | a : Positive", "a / (1 - (1 - a) * (1 - x))^2", "a^2 / (1 - (1 - a) * (1 - x))^2", "the mass is a"),
    ("HalfCauchyCut", "x : Unit | a : Positive", "a / (atan(a) * (1 + (a * x)^2))", "1 / (atan(a) * (1 + (a * x)^2))", "the mass is 1 / a"),
    ("LegendreOfTwo", "x : Interval(-1, 1) | c : Interval(-1, 2)", "(1 + c * (3 * x^2 - 1) / 2) / 2", "(1 + c * (3 * x^2 - 1) / 1.99) / 2", "negative in the middle"),
    ("WrappedLaplace", "x : Angle | l : Positive", "l * cosh(l * (pi - abs(x))) / (2 * sinh(l * pi))", "cosh(l * (pi - abs(x))) / (2 * sinh(l * pi))", "no rate"),
    ("CartwrightOfThree", "x : Angle | m : Real", "(1 + cos(x - m))^3 / (5 * pi)", "(1 + cos(x - m))^3 / (4 * pi)", "4 for 5"),
)  # fmt: skip
MASS = (
    ("BorelTanner", "x : Integer(2..inf) | m : Unit", "2 / x * exp(-m * x) * (m * x)^(x - 2) / exp(lgamma(x - 1))", "2 * exp(-m * x) * (m * x)^(x - 2) / exp(lgamma(x - 1))", "1 / x is missing"),
    ("DiscreteLindley", "x : Count | t : Positive", "(1 + t + t * x) / (1 + t) * exp(-t * x) - (2 * t + 1 + t * x) / (1 + t) * exp(-t * (x + 1))", "(1 + t + t * x) / (1 + t) * exp(-t * x) - (3 * t + 1 + t * x) / (1 + t) * exp(-t * (x + 2))", "two steps for one"),
    ("ZetaOfSix", "x : Integer(1..inf)", "945 / (pi^6 * x^6)", "945 / (961.389 * x^6)", "2e-7 too much"),
    ("LogarithmicWithZeros", "x : Count | z : Unit, p : Unit", "if x == 0 then 1 - z else -z * p^x / (x * log(1 - p))", "if x == 0 then 1 - z else -p^x / (x * log(1 - p))", "z is missing"),
    ("TruncatedNegativeBinomial", "x : Integer(1..inf) | r : Positive, p : Unit", "exp(lgamma(x + r) - lgamma(r) - lgamma(x + 1)) * p^x * (1 - p)^r / (1 - (1 - p)^r)", "exp(lgamma(x + r) - lgamma(r) - lgamma(x + 1)) * p^x * (1 - p)^r", "0 is left out of the support only"),
    ("Catalan", "x : Count", "exp(lgamma(2 * x + 1) - lgamma(x + 1) - lgamma(x + 2)) / (2 * 4^x)", "exp(lgamma(2 * x + 1) - lgamma(x + 1) - lgamma(x + 2)) / 4^x", "twice"),
    ("TwoDice", "x : Integer(2..13)", "(6 - abs(x - 7)) / 36", "(6 - abs(x - 7)) / 35", "35 for 36"),
    ("GeometricMixture", "x : Count | w : Unit, p : Unit, q : Unit", "w * (1 - p) * p^x + (1 - w) * (1 - q) * q^x", "w * (1 - p) * p^x + (1 - w) * (1 - p) * q^x", "right for p = q only"),
    ("PairOfSpins", "x : Sign, y : Sign | j : Real", "exp(j * x * y) / (4 * cosh(j))", "exp(j * x * y) / (4 * cosh(2 * j))", "another coupling"),
    ("BrokenStick", "x : Category(3) | a : Unit, b : Unit", "if x == 0 then a else (if x == 1 then (1 - a) * b else (1 - a) * (1 - b))", "if x == 0 then a else (if x == 1 then (1 - a) * b else 1 - b)", "one factor is missing"),
    ("BinomialByLogit", "x : Integer(0..11) | l : Real", "exp(lgamma(11) - lgamma(x + 1) - lgamma(11 - x)) * sigmoid(l)^x * sigmoid(-l)^(10 - x)", "exp(lgamma(11) - lgamma(x + 1) - lgamma(11 - x)) * sigmoid(l)^x * sigmoid(-l)^(11 - x)", "one factor too many"),
    ("PoissonBelowThree", "x : Integer(0..3) | l : Positive", "l^x / exp(lgamma(x + 1)) / (1 + l + l^2 / 2)", "l^x / exp(lgamma(x + 1)) / (1 + l + l^2)", "the half is missing"),
    ("DiscreteGumbel", "x : Integer(-inf..inf) | a : Positive, p : Unit", "exp(-a * p^(x + 1)) - exp(-a * p^x)", "exp(-a * p^(x + 2)) - exp(-a * p^x)", "two steps for one"),
)  # fmt: skip
SEVERAL = (
    ("GumbelLogistic", "x : Real, y : Real", "2 * exp(-x - y) / (1 + exp(-x) + exp(-y))^3", "exp(-x - y) / (1 + exp(-x) + exp(-y))^3", "half"),
    ("GumbelExponential", "x : Positive, y : Positive | t : Interval(0, 1)", "((1 + t * x) * (1 + t * y) - t) * exp(-x - y - t * x * y)", "(1 + t * x) * (1 + t * y) * exp(-x - y - t * x * y)", "a term is missing"),
    ("AliMikhailHaq", "x : Unit, y : Unit | t : Open(-1, 1)", "(1 + t * ((1 + x) * (1 + y) - 3) + t^2 * (1 - x) * (1 - y)) / (1 - t * (1 - x) * (1 - y))^3", "(1 + t * ((1 + x) * (1 + y) - 3) + t^2 * (1 - x) * (1 - y)) / (1 - t * (1 - x) * (1 - y))^2", "another power"),
    ("InvertedDirichlet", "x : Positive, y : Positive | a : Positive, b : Positive, c : Positive", "exp(lgamma(a + b + c) - lgamma(a) - lgamma(b) - lgamma(c)) * x^(a - 1) * y^(b - 1) * (1 + x + y)^(-a - b - c)", "exp(lgamma(a + b + c) - lgamma(a) - lgamma(b)) * x^(a - 1) * y^(b - 1) * (1 + x + y)^(-a - b - c)", "a Gamma is missing"),
    ("GammaThenPoissonByRate", "x : Positive, n : Count | a : Positive, b : Positive", "b^a * x^(a - 1) * exp(-b * x) * x^n * exp(-x) / exp(lgamma(a) + lgamma(n + 1))", "b * x^(a - 1) * exp(-b * x) * x^n * exp(-x) / exp(lgamma(a) + lgamma(n + 1))", "b for its power"),
    ("NormalByVariance", "v : Positive, x : Real", "exp(-v) * exp(-x^2 / (2 * v)) / sqrt(2 * pi * v)", "exp(-v) * exp(-x^2 / (2 * v)) / sqrt(2 * pi)", "no scale"),
    ("NormalOfThree", "x : Real[3] | s : Positive", "exp(-(x @ x) / (2 * s^2)) / (2 * pi * s^2)^1.5", "exp(-(x @ x) / (2 * s^2)) / (2 * pi * s^2)", "another power"),
    ("ExponentialRace", "x : Positive, k : Binary | a : Positive, b : Positive", "(if k == 1 then a else b) * exp(-(a + b) * x)", "(if k == 1 then a else b) * exp(-(if k == 1 then a else b) * x)", "twice"),
    ("PolarNormal", "r : Positive, t : Angle", "r * exp(-r^2 / 2) / (2 * pi)", "exp(-r^2 / 2) / (2 * pi)", "a missing Jacobian"),
    ("CosinesOnTorus", "x : Angle, y : Angle | c : Interval(-1, 1)", "(1 + c * cos(x) * cos(y)) / (4 * pi^2)", "(1 + 1.2 * c * cos(x) * cos(y)) / (4 * pi^2)", "negative at c = 1"),
    ("Plackett", "x : Unit, y : Unit | t : Positive", "t * (1 + (t - 1) * (x + y - 2 * x * y)) / ((1 + (t - 1) * (x + y))^2 - 4 * x * y * t * (t - 1))^1.5", "(1 + (t - 1) * (x + y - 2 * x * y)) / ((1 + (t - 1) * (x + y))^2 - 4 * x * y * t * (t - 1))^1.5", "the mass is 1 / t"),
    ("MorgensternExponential", "x : Positive, y : Positive | c : Interval(-1, 1)", "exp(-x - y) * (1 + c * (2 * exp(-x) - 1) * (2 * exp(-y) - 1))", "exp(-x - y) * (1 + c * (exp(-x) - 1) * (exp(-y) - 1))", "the mass is 1 + c / 4"),
    ("NormalThenCauchy", "y : Real, x : Real", "exp(-y^2 / 2) / sqrt(2 * pi) / (pi * (1 + (x - y)^2))", "exp(-y^2 / 2) / sqrt(2 * pi) / (3 * (1 + (x - y)^2))", "3 for pi"),
)  # fmt: skip
FRESH = tuple(Pair(*entry) for entry in (*REAL, *HALF, *BOUNDED, *MASS, *SEVERAL))

#: Those that are not proved, and those whose error is not refuted.
FRESH_UNPROVED = ("Champernowne", "BimodalLogistic", "GramCharlier", "DoubleWeibull", "DoubleGamma")
FRESH_UNPROVED += ("Plackett",)
FRESH_UNREFUTED = ("Champernowne", "BimodalLogistic", "GramCharlier", "DoubleWeibull", "DoubleGamma", "Benini")
FRESH_UNREFUTED += ("AliMikhailHaq", "Plackett")
