"""Maps of vectors written down as a researcher would, without looking at what is proved: elimination, leapfrog steps,
maps of the plane, monomials, stretches from a centre; and each with a small error."""

from __future__ import annotations

#: (statement, why it is true)
FRESH: tuple[tuple[str, str], ...] = (
    (
        "(u : Real[4]) -> Real[4] = join(c, b * exp(mlp(c, hidden = [16]))) where { a, b = split(u)  c = a + mlp(b, hidden = [8]) }",
        "each half in turn",
    ),
    (
        "(u : Real[6]) -> Real[6] = join(a, e, d * exp(t)) where { a, r = split(u)  c, d = split(r)  s = mlp(a, d, hidden = [8])  e = c * exp(s)  t = mlp(a, e, hidden = [8]) }",
        "three parts, one after the other",
    ),
    (
        "(u : Real[4] | e : Real) -> Real[4] = join(q, p - e * sin(q)) where { x, p = split(u)  q = x + e * p }",
        "symplectic Euler: a shear in x, then one in p",
    ),
    (
        "(u : Real[4] | e : Real) -> Real[4] = join(q, h - e / 2 * q^3) where { x, p = split(u)  h = p - e / 2 * x^3  q = x + e * h }",
        "a leapfrog step: three shears",
    ),
    (
        "(u : Real[2] | e : Real) -> Real[2] = [u[0] + e * u[1], u[1] - e * sin(u[0] + e * u[1])]",
        "the standard map, lifted to the plane",
    ),
    ("(u : Real[2] | e : Real) -> Real[2] = [u[0] + e * u[1], u[1] - e * u[0]]", "the determinant is 1 + e^2"),
    ("(u : Real[2]) -> Real[2] = [u[0] + u[1]^3, u[1]]", "a shear"),
    (
        "(u : Real[2] | a : Real, b : Positive) -> Real[2] = [1 - a * u[0]^2 + u[1], b * u[0]]",
        "the Hénon map: b gives u0, then u1 follows",
    ),
    ("(u : Real[3]) -> Real[3] = [u[0] + u[1] * u[2], u[1] + u[2]^2, u[2]]", "from the last entry to the first"),
    ("(u : Real[3]) -> Real[3] = [u[2]^3, sinh(u[0]) + u[2], u[1]]", "each entry once, given those before"),
    ("(u : Real[2]) -> Positive[2] = [exp(u[0]), exp(u[0] + u[1])]", "logarithms"),
    ("(u : Unit[2]) -> Unit[2] = [u[0]^2, u[1]^(1 + u[0])]", "a power that depends on the other"),
    ("(u : Positive[2]) -> Positive[2] = [u[0] * u[1], u[0] / u[1]]", "the exponents have the determinant -2"),
    ("(u : Positive[2]) -> Positive[2] = [u[0]^2 * u[1], u[0] * u[1]]", "the exponents have the determinant 1"),
    ("(u : Positive[3]) -> Positive[3] = [u[0] * u[1], u[1] * u[2], u[2]]", "from the last to the first"),
    ("(u : Positive[2]) -> Real[2] = [log(u[0]) + u[1], log(u[1])]", "u1, then u0"),
    ("(u : Real[4]) -> Real[4] = cumsum(u)", "each entry is added last"),
    ("(u : Real[4]) -> Real[4] = reverse(cumsum(reverse(u)))", "the same from behind"),
    ("(u : Real[5]) -> Real[5] = for i: (i - 2.5) * u[i] + sum(u[<i])", "no whole number is 2.5"),
    ("(u : Real[4] | v : Real[4]) -> Real[4] = u - v * (v @ u) / (1 + v @ v)", "along v by 1 / (1 + v @ v)"),
    ("(u : Real[4]) -> Real[4] = u + mean(u)", "twice the mean, the differences as they are"),
    ("(u : Real[4]) -> Real[4] = u - 0.99 * mean(u)", "a hundredth of the mean stays"),
    ("(u : Real[4]) -> Real[4] = u * norm(u)", "the distance is squared"),
    ("(u : Real[4] | a : Positive) -> Real[4] = u * (1 + a * (u @ u))", "r + a r^3"),
    ("(u : Real[4] | c : Real[4]) -> Real[4] = c + (u - c) * sqrt(1 + norm(u - c))", "r sqrt(1 + r)"),
    ("(u : Real[4]) -> Real[4] = u * log(1 + norm(u))", "r log(1 + r)"),
    (
        "(u : Real[4]) -> Real[4] = m * u + (1 - m) * (u * exp(tanh(s)) + t) where { m = [1, 0, 1, 0]  s, t = mlp(m * u, hidden = [8]) }",
        "RealNVP, eq. 9: a checkerboard mask",
    ),
    ("(u : Real[3]) -> Real[3] = [[1, 1, 1], [1, 2, 4], [1, 3, 9]] @ u", "a Vandermonde matrix of 1, 2, 3"),
    ("(u : Real[4] | W : Real[4, 4]) -> Real[4] = u + (W - transpose(W)) @ u", "1 plus a skew matrix"),
    ("(u : Real[4] | W : Real[4, 4]) -> Real[4] = u + W @ (transpose(W) @ u)", "1 plus a positive semidefinite matrix"),
    ("(u : Real[4] | v : Real[4], d : Positive[4]) -> Real[4] = d * u + v * (v @ u)", "Woodbury"),
    (
        "(u : Real[4] | W : Real[4, 4], b : Real[4]) -> Real[4] requires norm(W) < 1 = u + tanh(W @ u + b)",
        "a Frobenius norm below 1",
    ),
    (
        "(u : Real[4] | W : Real[4, 4]) -> Real[4] requires sum(abs(W)) < 1 = u + W @ atan(u)",
        "the sum of all entries bounds the norm",
    ),
    (
        "(u : Real[4] | A : Real[3, 4], b : Real[3]) -> Real[4] = u + transpose(A) @ softplus(A @ u + b)",
        "the gradient of a strongly convex function",
    ),
    ("(u : Real[4]) -> Real[4] = u + softmax(u)", "the gradient of |u|^2 / 2 + log sum exp(u)"),
    ("(u : Real[4] | W : Real[4, 4]) -> Real[4] = u^3 + (W - transpose(W)) @ u", "strictly monotone and coercive"),
    (
        "(u : Real[4] | c : Real[4], a : Positive, b : Real) -> Real[4] requires b >= -a = u + b * (u - c) / (a + norm(u - c))",
        "the radial flow; at b = -a the distance is r^2 / (a + r)",
    ),
    ("(u : Real[4] | b : Real) -> Real[4] = u * exp(tanh(b * (u @ u)))", "1 + 2 t sech(t)^2 is at least 0.1"),
    ("(u : Real[4]) -> Real[4] = u * exp(-1.1 * tanh(u @ u))", "1 - 2.2 t sech(t)^2 is at least 0.01"),
    ("(u : Real[4] | Q : Orthogonal(4, 2)) -> Real[4] = u - 0.5 * Q @ (u @ Q)", "half of a projection is taken away"),
)

#: (statement, why it is false)
FRESH_FALSE: tuple[tuple[str, str], ...] = (
    (
        "(u : Real[4]) -> Real[4] = join(c, b + mlp(a, hidden = [16])) where { a, b = split(u)  c = a + mlp(b, hidden = [8]) }",
        "both see the old halves",
    ),
    (
        "(u : Real[4]) -> Real[4] = join(a * exp(t), b * exp(s)) where { a, b = split(u)  s = mlp(a, hidden = [16])  t = mlp(b, hidden = [16]) }",
        "a cycle: scales make up for each other",
    ),
    (
        "(u : Real[6]) -> Real[6] = join(a * exp(s) + t, b) where { a, b = split(u)  s, t = mlp(a, hidden = [32]) }",
        "the conditioner sees what it transforms",
    ),
    (
        "(u : Real[4]) -> Real[4] = join(a, b + 1.01 * tanh(s) * sin(b) + t) where { a, b = split(u)  s, t = mlp(a, hidden = [16]) }",
        "the slope 1 + 1.01 tanh(s) cos(b) at a large s",
    ),
    (
        "(u : Real[4] | e : Real) -> Real[4] = join(q, p - e * sin(x)) where { x, p = split(u)  q = x + e * p }",
        "explicit Euler: 1 + e^2 cos(x) changes its sign",
    ),
    ("(u : Real[2] | e : Real) -> Real[2] = [u[0] + e * u[1], u[1] + e * u[0]]", "singular at e = 1"),
    ("(u : Real[2] | a : Real, b : Real) -> Real[2] = [1 - a * u[0]^2 + u[1], b * u[0]]", "b = 0 loses u0"),
    (
        "(u : Real[2]) -> Real[2] = [exp(u[0]) * cos(u[1]), exp(u[0]) * sin(u[1])]",
        "polar coordinates: the angle comes round again",
    ),
    ("(u : Real[2]) -> Real[2] = [u[0] * cos(u[1]) - u[1] * sin(u[0]), u[1]]", "at u1 = 1 it turns in u0"),
    ("(u : Real[2]) -> Real[2] = [u[0] + 2 * sin(u[1]), u[1] + 2 * sin(u[0])]", "x - 2 sin(x) on the antidiagonal"),
    ("(u : Real[2]) -> Positive[2] = [exp(u[0]), exp(2 * u[0])]", "u1 is lost"),
    ("(u : Unit[2]) -> Unit[2] = [u[0] * u[1], u[1]]", "the first is always below the second"),
    ("(u : Positive[2]) -> Positive[2] = [u[0] * u[1], u[1] * u[0]]", "twice the same"),
    (
        "(u : Positive[3]) -> Positive[3] = [u[0] * u[1], u[1] * u[2], u[0] / u[2]]",
        "the third is the quotient of the others",
    ),
    ("(u : Real[4]) -> Positive[4] = cumsum(exp(u))", "in increasing order only"),
    ("(u : Real[5]) -> Real[5] = for i: (i - 2) * u[i] + sum(u[<i])", "the entry at 2 is lost"),
    ("(u : Real[4]) -> Real[4] = u - mean(u)", "the mean is lost"),
    ("(u : Real[4]) -> Real[4] = u - logmeanexp(u)", "the same for u and u + 1"),
    ("(u : Real[4]) -> Unit[4] = softmax(u)", "the same for u and u + 1"),
    ("(u : Real[4] | a : Real) -> Real[4] = u * (1 + a * (u @ u))", "0 on a sphere for a < 0"),
    ("(u : Real[4]) -> Real[4] = u / (1 + norm(u))", "within the ball of radius 1"),
    ("(u : Real[4] | c : Real[4]) -> Real[4] = c + (u - c) / sqrt(1 + norm(u - c)^2)", "within a ball around c"),
    ("(u : Real[4]) -> Real[4] = u * exp(-norm(u))", "out and back again"),
    (
        "(u : Real[4] | w : Real[4], v : Real[4], b : Real) -> Real[4] requires v @ w > -2 = u + v * tanh(w @ u + b)",
        "-1 is what it takes",
    ),
    ("(u : Real[3]) -> Open(-1, 1)[3] = u / sqrt(1 + u @ u)", "the ball is not the cube"),
    ("(u : Real[4] | W : Real[4, 4]) -> Real[4] = u + (W + transpose(W)) @ u", "symmetric, not skew: W = -1/2"),
    ("(u : Real[3]) -> Real[3] = [[1, 1, 1], [1, 2, 4], [1, 2, 4]] @ u", "a node twice"),
    ("(u : Real[3]) -> Real[3] = u - 4 * softmax(u)", "differences turn"),
)
