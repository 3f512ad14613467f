"""More scalar maps that are bijections: conditions, arrays, compositions in other forms."""

from __future__ import annotations

#: (statement, why it is true)
MORE: tuple[tuple[str, str], ...] = (
    # -- conditions, arrays and more compositions
    (
        "(u : Positive | a : Positive, b : Real, c : NonNegative, d : Positive) -> Real requires a * d - b * c > 0 = log(u)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : NonNegative | a : Positive, b : Positive, d : Positive) -> NonNegative requires a * d > b = a * u / (b * u / (u + d) + d)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | a : Real, b : Real) -> Real requires a > 0 = a * u + b",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | a : Real, b : Real) -> Real requires a > b = (a - b) * u + tanh(u)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | a : Real, b : Real) -> Real requires a > 0 and b > 0 = a * u + b * u^3",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | a : Real, b : Real, c : Real) -> Real requires a > 0 and 3 * a * c - b^2 > 0 = a * u^3 + b * u^2 + c * u",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | w : Simplex(3), m : Real[3], s : Positive[3]) -> Unit = sum(for k: w[k] * sigmoid((u - m[k]) / s[k]))",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | w : Positive[4], m : Real[4]) -> Real = u + sum(for k: w[k] * tanh(u - m[k]))",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Positive | l : Positive) -> Open(-1, inf) = if u >= 1 then u - 1 else u - 1",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | l : Positive) -> Real = sign(u) * abs(u)^l",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | b : Positive) -> Real = u + log(1 + exp(b * u)) / b",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | b : Positive) -> Positive = log(1 + exp(b * u)) / b",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | e : Real, d : Positive) -> Real = sinh(d * asinh(u) - e)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | a : Positive, b : Positive) -> Real = (exp(a * u) - exp(-b * u)) / (a + b)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | g : Real, d : Positive) -> Real = asinh(u * d) + g",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real) -> Open(0, 2) = 1 + tanh(u)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real) -> Unit = (1 + tanh(u)) / 2",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real) -> Unit = 1 / (1 + exp(-u))",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real) -> Unit = exp(u) / (1 + exp(u))",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real) -> Positive = exp(u) * (1 + exp(u))",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Positive) -> Positive = exp(u) - 1",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Positive) -> Real = log(u) + u^2",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Unit) -> Real = log(u / (1 - u))",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Unit) -> Positive = u / (1 - u)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Unit) -> Positive = -log(1 - u)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Unit) -> Positive = -log(u)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Open(-1, 1)) -> Real = u / (1 - u^2)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Open(-1, 1)) -> Real = u / sqrt(1 - u^2)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Interval(0, 1)) -> Interval(0, 1) = u^2 / (u^2 + (1 - u)^2)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Interval(0, 1) | k : Positive) -> Interval(0, 1) = u / (u + k * (1 - u))",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | a : Interval(-0.5, 2)) -> Real = u + a * u / (1 + abs(u))",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | a : Unit) -> Real = u - a * atan(u)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real) -> Real = u + exp(-u^2)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real) -> Real = u + u * exp(-u^2)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real) -> Real = u + sin(u) / 2 + cos(u) / 3",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | a : Interval(-0.5, 0.5), b : Open(-0.5, 0.5)) -> Real = u + a * sin(u) + b * cos(u)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | a : Interval(-1, 1)) -> Real = u + a * sin(u + 1)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | k : Positive, a : Open(-1, 1)) -> Real = k * u + a * sin(k * u)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real) -> Real = log(exp(u) + exp(2 * u))",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real) -> Real = log(exp(u) - exp(-u) + sqrt((exp(u) - exp(-u))^2 + 1))",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real) -> Real = (u + 1) * abs(u + 1)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real) -> Real = u^3 + 2 * u^2 + 2 * u + 5",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real) -> Real = u^7 + u^3",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real) -> Real = u^5 + u^3 - 0.1 * u^4",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real) -> Real = u^3 - sin(u) + u",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real) -> Real = 2 * u - tanh(u) * exp(-u^2)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | s : Positive) -> Real = if u > s then 2 * u - s else u",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | s : Positive) -> Open(-1, 1) = tanh(s * u)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Positive | a : Positive, b : Positive) -> Positive = (u / a)^b",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Positive | a : Positive, p : Positive, q : Positive) -> Unit = (1 + (u / a)^(-p))^(-q)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Positive) -> Unit = erf(u)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Positive) -> Unit = tanh(u)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Positive) -> Unit = u / sqrt(1 + u^2)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Positive) -> Unit = 2 / pi * atan(u)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Positive | k : Positive) -> Unit = 1 - exp(-u) * (1 + k * u) / (1 + k * u)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Positive) -> Unit = 1 - exp(-u) * (1 + u)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Positive) -> Unit = 1 - exp(-u) * (1 + u + u^2 / 2)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real) -> Real = u - log(1 + exp(u)) / 2",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Interval(-1, 1)) -> Interval(-1, 1) = (3 * u - u^3) / 2",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Interval(-1, 1) | a : Unit) -> Interval(-1, 1) = a * u + (1 - a) * u^3",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | a : Positive) -> Real = if u >= 0 then u else (1 - sqrt(1 - 2*a*u))/a",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | a : Real) -> Real = u + exp(u - a)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | c : Real) -> Real = u + exp(c) * tanh(u)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | c : Real) -> Real = u + (softplus(c) - 1) * tanh(u)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | c : Real, d : Real) -> Real = u * exp(c) + (tanh(d) + 1) * u^3",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | c : Real) -> Real = u + tanh(c) * sin(u)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real) -> Real = 0.01 * u + 0.99 * log(1 + exp(u))",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Positive | a : Positive) -> Real = log(exp(a * u) - 1)",
        "increasing by the same lemmas, in another form",
    ),
    (
        "(u : Real | a : Positive, b : Positive, c : Positive) -> Real = a * u + b * log(1 + exp(u)) + c * u^3",
        "increasing by the same lemmas, in another form",
    ),
)
