"""Maps of numbers and of vectors by a fourth reader, written down before the prover was read: true ones, and each with
an error of about a hundredth, a range that is not reached, a parameter at whose end the map is constant."""

from __future__ import annotations

#: (statement, why it is true)
FOURTH: tuple[tuple[str, str], ...] = (
    (
        "(u : Real | a : NonNegative) -> Real = u^5 + a * u^3",
        "5 u^4 + 3 a u^2, zero at 0 only",
    ),
    (
        "(u : Real | a : NonNegative) -> Real = u - sin(u) + a * u",
        "slope 1 - cos(u) + a",
    ),
    (
        "(u : Real | k : Interval(0, 1)) -> Real = u - k * tanh(u)",
        "slope 1 - k / cosh(u)^2",
    ),
    (
        "(u : Positive | a : Positive) -> Real = log(u) + a * u - 1 / u",
        "all terms increase",
    ),
    (
        "(u : Positive) -> Positive = u * exp(-1 / u)",
        "slope exp(-1/u) (1 + 1/u)",
    ),
    (
        "(u : Real | a : Real) -> Real = if u < a then u else a + sinh(u - a)",
        "two pieces that meet",
    ),
    (
        "(u : Unit | a : Positive) -> Unit = u^a / (u^a + (1 - u)^a)",
        "logit scaled by a",
    ),
    (
        "(u : Positive) -> Positive = (1 + u) * log1p(u) - u",
        "slope log1p(u)",
    ),
    (
        "(u : Real) -> Real = u * sqrt(1 + u^2) + asinh(u)",
        "slope 2 sqrt(1 + u^2)",
    ),
    (
        "(u : Real | w : Unit) -> Unit = w * sigmoid(u) + (1 - w) * (1 + erf(u)) / 2",
        "a mixture of distribution functions",
    ),
    (
        "(u : Positive) -> Unit = 1 - (1 + u) * exp(-u)",
        "slope u exp(-u)",
    ),
    (
        "(u : Real) -> Real = softplus(u) - softplus(-2 * u)",
        "two increasing terms",
    ),
    (
        "(u : Real | p : Interval(0, 1)) -> Real = p * u + (1 - p) * u^3",
        "u^3 at p = 0, u at p = 1",
    ),
    (
        "(u : Real | a : Open(-1, 1), b : Positive) -> Real = b * u + a * b * sqrt(1 + u^2)",
        "slope at least b (1 - |a|)",
    ),
    (
        "(u : NonNegative) -> NonNegative = u^2 * exp(u)",
        "slope (2 u + u^2) exp(u), zero at the end only",
    ),
    (
        "(u : Real) -> Real = asinh(u) + 3.6 * u / (1 + u^2)",
        "the slope's least factor is 0 at 3.674",
    ),
    (
        "(u : Unit) -> Real = logit(u) - 3.96 * u",
        "1 / (u (1 - u)) is at least 4",
    ),
    (
        "(u : Real[4]) -> Real[4] = join(c, b * exp(tanh(c)) + sin(c)) where { a, b = split(u)  c = a + a^3 }",
        "a cubic, then a coupling",
    ),
    (
        "(u : Real[4]) -> Real[4] = for i: sinh(u[i] + m) where { m = mlp(u[<i], hidden = [8]) }",
        "entry by entry",
    ),
    (
        "(u : Real[4]) -> Real[4] = [u[3] + u[0]^2, u[1], u[2] * exp(u[1]), u[0]]",
        "triangular in another order",
    ),
    (
        "(u : Real[4] | W : Real[4, 4]) -> Real[4] = for i: u[i] + sum(for j in 0..i: W[i, j] * tanh(u[j]))",
        "strictly lower",
    ),
    (
        "(u : Real[4] | W : Real[4, 4]) -> Real[4] requires norm(W) < 1 = u + W @ sin(u)",
        "contraction",
    ),
    (
        "(u : Real[4] | W : Real[4, 4]) -> Real[4] = u - transpose(W) @ tanh(W @ u) / (1 + norm(W)^2)",
        "at most |W|^2 / (1 + |W|^2)",
    ),
    (
        "(u : Real[4] | L : Lower(4), U : Upper(4), b : Real[4]) -> Real[4] = U @ reverse(L @ u) + b",
        "matrices and an order",
    ),
    (
        "(u : Real[4] | v : Real[4]) -> Real[4] requires v @ v > 0 = u - 2 * (v @ u) / (v @ v) * v",
        "a reflection",
    ),
    (
        "(u : Real[4] | c : Real[4], a : Positive, b : Open(-a, inf)) -> Real[4] = c + (u - c) * (1 + b / (a "
        "+ norm(u - c)))",
        "radial, written as a multiple",
    ),
    (
        "(u : Real[4] | v : Real[4], w : Real[4], b : Real) -> Real[4] requires abs(w @ v) < 1 = u + v * "
        "sin(w @ u + b)",
        "planar, slope in (-1, 1)",
    ),
    (
        "(u : Angle[4]) -> Angle[4] = join(a, for i: b[i] + 0.9 * sin(b[i]) + cos(a[i])) where { a, b = split(u) }",
        "coupling of angles",
    ),
    (
        "(u : Real[3]) -> Real[3] = [u[0]^3 + u[0], u[1] * (1 + u[0]^2) + u[0]^4, u[2] + u[2]^3 * u[1]^2 - "
        "u[0] * u[1]]",
        "triangular polynomials",
    ),
    (
        "(u : Integer(-inf..inf)[4]) -> Integer(-inf..inf)[4] = join(a, b + floor(3 * tanh(a))) where { a, b "
        "= split(u) }",
        "a shift by integers",
    ),
    (
        "(u : Real[4]) -> Real[4] = u * exp(tanh(norm(u)))",
        "r exp(tanh(r))",
    ),
    (
        "(u : Real[4]) -> Real[4] = cumsum(sinh(u))",
        "running sums",
    ),
    (
        "(u : Real[3] | s : Real[3], p : Positive) -> Real[3] = u + p * (s @ u) * s",
        "1 + p |s|^2",
    ),
    (
        "(u : Real[4]) -> Real[4] = join(c, d) where { a, b = split(u)  c = a + mlp(b, hidden = [8])  d = b *"
        " exp(tanh(s))  s = mlp(c, hidden = [8]) }",
        "halves in turn",
    ),
    (
        "(u : Real[4]) -> Real[4] = cumsum(sinh(u)) - u[0]",
        "triangular, its first entry sinh(u[0]) - u[0]",
    ),
    (
        "(u : Integer(-inf..inf)[4]) -> Integer(-inf..inf)[4] = join(a, a^2 - b) where { a, b = split(u) }",
        "its own inverse",
    ),
    (
        "(u : Integer(-inf..inf)[4]) -> Integer(-inf..inf)[4] = join(c, b + floor(mlp(c, hidden = [8]))) "
        "where { a, b = split(u)  c = a + floor(mlp(b, hidden = [8])) }",
        "shifts in turns",
    ),
    (
        "(u : Real | c : Real, b : Real) -> Real requires c^2 < 1 = u + c * sin(u + b)",
        "slope at least 1 - |c|",
    ),
    (
        "(u : Real[2] | c : Real[2]) -> Real[2] requires norm(c) < 1 = u + c * tanh(u)",
        "each |c[i]| is below 1",
    ),
    (
        "(u : Real[2]) -> Real[2] = [u[0] + 0.5 * tanh(u[0] + u[1]), u[1] - 1.4 * tanh(u[0] + u[1])]",
        "linear far out, determinant 1 - 0.9 sech^2",
    ),
    (
        "(u : Real[2]) -> Real[2] = [u[0] + 2 * sin(u[1]), u[1] + 0.4 * cos(u[0])]",
        "linear far out, determinant at least 1/5",
    ),
)

#: (statement, why it is false)
FOURTH_FALSE: tuple[tuple[str, str], ...] = (
    (
        "(u : Real | a : Real) -> Real = u^5 + a * u^3",
        "a = -1 turns back",
    ),
    (
        "(u : Real | a : NonNegative) -> Real = u - 1.01 * sin(u) + a * u",
        "slope -0.01 at a = 0, u = 0",
    ),
    (
        "(u : Real | k : Interval(0, 1.01)) -> Real = u - k * tanh(u)",
        "slope -0.01 at k = 1.01",
    ),
    (
        "(u : Positive | a : NonNegative) -> Real = a * log(u) + a * u - a / u",
        "constant at a = 0",
    ),
    (
        "(u : Positive) -> Positive = exp(-1 / u) * (1 + 1 / u)",
        "increasing towards 1",
    ),
    (
        "(u : Real | a : Real) -> Real = if u < a then u else a + 0.01 + sinh(u - a)",
        "jumps over 0.005 at a = 0",
    ),
    (
        "(u : Unit | a : NonNegative) -> Unit = u^a / (u^a + (1 - u)^a)",
        "constant at a = 0",
    ),
    (
        "(u : Positive) -> Positive = (1 + u) * log1p(u) - 1.01 * u",
        "negative near 0",
    ),
    (
        "(u : Real) -> Real = u * sqrt(1 + u^2) - 1.02 * asinh(u)",
        "slope -0.02 at 0",
    ),
    (
        "(u : Real | w : Interval(-0.01, 1)) -> Unit = w * sigmoid(u) + (1 - w) * (1 + erf(u)) / 2",
        "negative far down",
    ),
    (
        "(u : Positive) -> Unit = 1 - (1 + 1.01 * u) * exp(-u)",
        "negative near 0",
    ),
    (
        "(u : Real) -> Real = softplus(u) - 0.5 * softplus(2 * u)",
        "bounded, and falling beyond 0",
    ),
    (
        "(u : Real | p : Interval(0, 1.01)) -> Real = p * u + (1 - p) * u^3",
        "p = 1.01 turns back",
    ),
    (
        "(u : Open(1.4, inf)) -> Real = lgamma(u)",
        "least at 1.46",
    ),
    (
        "(u : Real | a : Interval(-1, 1), b : Positive) -> Real = b * u + a * b * sqrt(1 + u^2)",
        "positive at a = 1",
    ),
    (
        "(u : NonNegative) -> NonNegative = u * (u - 0.01) * exp(u)",
        "negative below 0.01",
    ),
    (
        "(u : Interval(-1, 1)) -> Interval(-1, 1) = (3.03 * u - 1.03 * u^3) / 2",
        "slope -0.03 at 1, beyond 1 before",
    ),
    (
        "(u : Real) -> Real = asinh(u) + 3.71 * u / (1 + u^2)",
        "falls near u^2 = 5",
    ),
    (
        "(u : Unit) -> Real = logit(u) - 4.04 * u",
        "slope -0.04 at 1/2",
    ),
    (
        "(u : Real[4]) -> Real[4] = join(a, b * tanh(a) + a) where { a, b = split(u) }",
        "a = 0 loses b",
    ),
    (
        "(u : Real[4]) -> Real[4] = join(a + 2 * sin(b), b + 2 * sin(a)) where { a, b = split(u) }",
        "determinant 1 - 4 cos cos",
    ),
    (
        "(u : Real[4]) -> Real[4] = [u[3] + u[0]^2, u[1], u[2] * u[1], u[0]]",
        "u[1] = 0 loses u[2]",
    ),
    (
        "(u : Real[4] | W : Real[4, 4]) -> Real[4] = for i: u[i] + sum(for j in 0..i + 1: W[i, j] * tanh(u[j]))",
        "W[i, i] = -1",
    ),
    (
        "(u : Real[4] | W : Real[4, 4]) -> Real[4] requires norm(W) < 1.1 = u + W @ sin(u)",
        "one entry -1.05",
    ),
    (
        "(u : Real[4] | W : Real[4, 4]) -> Real[4] = u - transpose(W) @ tanh(W @ u) / (0.5 + norm(W))",
        "one entry 2: 1 - 4 / 2.5",
    ),
    (
        "(u : Real[4] | L : Lower(4), W : Real[4, 4], b : Real[4]) -> Real[4] = W @ reverse(L @ u) + b",
        "W = 0",
    ),
    (
        "(u : Real[4] | v : Real[4]) -> Real[4] = u - 2 * (v @ u) / (1 + v @ v) * v",
        "singular where |v| = 1",
    ),
    (
        "(u : Real[4] | c : Real[4], a : Positive, b : Open(-2 * a, inf)) -> Real[4] = c + (u - c) * (1 + b /"
        " (a + norm(u - c)))",
        "b = -1.5 a turns back",
    ),
    (
        "(u : Real[4] | v : Real[4], w : Real[4], b : Real) -> Real[4] requires w @ v > -1 = u + v * sin(w @ u + b)",
        "w @ v = 2 where the cosine is -1",
    ),
    (
        "(u : Angle[4]) -> Angle[4] = join(a, for i: b[i] + 1.01 * sin(b[i]) + cos(a[i])) where { a, b = split(u) }",
        "slope 1 - 1.01 at pi",
    ),
    (
        "(u : Real[3]) -> Real[3] = [u[0]^3 + u[0], u[1] * (1 + u[0]^2) + u[0]^4, u[2] + u[2]^3 * u[1] - u[0] * u[1]]",
        "u[1] = -1: u[2] - u[2]^3",
    ),
    (
        "(u : Real[4]) -> Real[4] = u * exp(-2.6 * tanh(norm(u)))",
        "1 - 2.6 r sech^2: turns back",
    ),
    (
        "(u : Real[3] | s : Real[3], p : Positive) -> Real[3] = u - p * (s @ u) * s",
        "p |s|^2 = 1",
    ),
    (
        "(u : Real[4]) -> Real[4] = join(c, d) where { a, b = split(u)  c = a + mlp(b, hidden = [8])  d = b *"
        " tanh(s)  s = mlp(c, hidden = [8]) }",
        "tanh(0) = 0",
    ),
    (
        "(u : Real[2]) -> Real[2] = [u[0] + 0.5 * tanh(u[0] + u[1]), u[1] - 1.52 * tanh(u[0] + u[1])]",
        "1 - 1.02 sech^2",
    ),
    (
        "(u : Integer(-inf..inf)[4]) -> Integer(-inf..inf)[4] = join(a, b + 3 * tanh(a)) where { a, b = split(u) }",
        "no whole numbers",
    ),
    (
        "(u : Integer(-inf..inf)[4]) -> Integer(-inf..inf)[4] = join(a, 2 * b) where { a, b = split(u) }",
        "even numbers alone",
    ),
    (
        "(u : Real | c : Real) -> Real requires abs(c) < 1.01 = u + c * sin(u)",
        "slope -0.005 at c = -1.005",
    ),
)

#: What stays open: neither a proof nor a counterexample is found.
FOURTH_OPEN: tuple[tuple[str, str], ...] = (
    (
        "(u : Open(2, inf)) -> Positive = lgamma(u)",
        "true: no limit of lgamma at infinity is known",
    ),
    (
        "(u : Integer(-inf..inf)[4]) -> Integer(-inf..inf)[4] = join(a, b + floor(b / 2)) where { a, b = split(u) }",
        "false: 2 is left out",
    ),
)
