"""Scalar maps of a third kind of reader: distribution functions and quantiles, activations, tapers, waves of multiples of
pi, powers whose exponents are parameters, and numbers with gaps between them."""

from __future__ import annotations

#: (statement, why it is true)
THIRD: tuple[tuple[str, str], ...] = (
    (
        "(u : Real | m : Real, s : Positive, n : Positive) -> Unit = (1 + n * exp(-(u - m) / s))^(-1 / n)",
        "Richards' curve",
    ),
    ("(u : Positive | c : Positive, k : Positive) -> Unit = (1 + u^(-c))^(-k)", "Dagum's distribution function"),
    ("(u : Unit | l : Positive) -> Real = ((1 - u)^(-l) - u^(-l)) / l", "Tukey's lambda quantile, its lambda negative"),
    ("(u : Unit | d : Open(-1, 1)) -> Real = (1 - d) * log(u) - (1 + d) * log(1 - u)", "a skewed logistic quantile"),
    ("(u : Unit | m : Real, s : Positive) -> Real = m + s * tan(pi * (u - 0.5))", "Cauchy's quantile"),
    ("(u : Unit) -> Unit = sin(pi * u / 2)^2", "the quantile of the arcsine law"),
    ("(u : Interval(0, 1)) -> Interval(0, 1) = (1 - cos(pi * u)) / 2", "a cosine easing"),
    (
        "(u : Interval(0, 1)) -> Interval(0, 1) = u - sin(2 * pi * u) / (2 * pi)",
        "slope 1 - cos(2 pi u), 0 at the ends only",
    ),
    (
        "(u : Interval(0, 1) | a : Interval(-1, 1)) -> Interval(0, 1) = u + a * sin(2 * pi * u) / (2 * pi)",
        "slope 1 + a cos(2 pi u)",
    ),
    ("(u : Real) -> Real = tan(pi / 2 * tanh(u))", "the angle stays between the poles"),
    ("(u : Open(-1, 1)) -> Real = tan(pi * u / 2)", "from pole to pole"),
    ("(u : Unit) -> Open(-1, 1) = cos(pi * u)", "half a wave down"),
    ("(u : Real | q : NonNegative) -> Real = u - q * u / (1 + q)", "the slope 1 / (1 + q)"),
    ("(u : Real | s : Real) -> Real = u + tanh(s^2 * u)", "a slope of at least 1, also at s = 0"),
    (
        "(u : Real | w : NonNegative[3], m : Real[3], s : Real[3]) -> Real = u + sum(w * tanh(s^2 * (u - m)))",
        "steps upwards on a line",
    ),
    ("(u : Positive | v : Real) -> Positive = u^(1 + v^2)", "a positive exponent"),
    ("(u : Open(0, 2)) -> Open(0, 4) = u^2", "the ends are squared"),
    ("(u : Interval(1, 2)) -> Interval(0.25, 1) = u^(-2)", "falls from 1 to 1/4"),
    ("(u : NonZero | a : Positive) -> NonZero = -a / u", "either side of 0 onto the other"),
    ("(u : NonZero) -> NonZero = u * abs(u)", "either side onto itself"),
    ("(u : Integer(-inf..inf)) -> Integer(-inf..inf) = u + 3", "undone by a shift"),
    ("(u : Integer(0..10)) -> Integer(1..11) = 10 - u", "backwards"),
    ("(u : Integer(0..4)) -> Integer(0..4) = if u == 3 then 0 else u + 1", "a cycle"),
    ("(u : Binary) -> Sign = 2 * u - 1", "0 to -1, 1 to 1"),
    ("(u : Sign) -> Binary = (u + 1) / 2", "and back"),
)

#: (statement, why it is false)
THIRD_FALSE: tuple[tuple[str, str], ...] = (
    ("(u : Unit | d : Interval(-1, 1)) -> Real = (1 - d) * log(u) - (1 + d) * log(1 - u)", "at d = 1 it is positive"),
    ("(u : Unit | l : Positive) -> Real = (u^l - (1 - u)^l) / l", "within 1 / l of 0"),
    ("(u : Unit) -> Real = tan(pi * (u - 0.4))", "a pole at 0.9"),
    ("(u : Unit) -> Real = -1 / tan(pi * u)", "the tangent is not defined at 1/2"),
    ("(u : Unit) -> Unit = sin(pi * u)", "up and down"),
    ("(u : Interval(0, 1)) -> Interval(0, 1) = sin(0.49 * pi * u)", "stops below 1"),
    ("(u : Interval(0, 1)) -> Interval(0, 1) = u - 1.01 * sin(2 * pi * u) / (2 * pi)", "slope 1 - 1.01 cos(2 pi u)"),
    ("(u : Unit) -> Open(-1, 1) = cos(2 * pi * u)", "down and up"),
    ("(u : Real | s : Real) -> Real = u + tanh(s * u)", "slope 1 + s at 0"),
    ("(u : Real | s : Real) -> Open(-1, 1) = tanh(s^2 * u)", "constant at s = 0"),
    (
        "(u : Real | a : Real, b : Real, c : Real, d : Real) -> Real requires a * d - b * c > 0 = (a * u + b) / (c * u + d)",
        "a pole",
    ),
    ("(u : Positive | v : Real) -> Positive = u^(1 - v^2)", "constant at v = 1"),
    ("(u : Interval(1, inf)) -> Unit = u^(-0.5)", "1 goes to 1"),
    ("(u : NonZero) -> NonZero = u^2", "1 and -1"),
    ("(u : NonZero) -> NonZero = 1 / u + 1", "-1 goes to 0"),
    ("(u : Integer(-inf..inf)) -> Integer(-inf..inf) = 2 * u", "odd numbers are skipped"),
    ("(u : Integer(0..10)) -> Integer(0..11) = 10 - u", "0 is not reached"),
    ("(u : Sign) -> Sign = u^2", "-1 is not reached"),
)
