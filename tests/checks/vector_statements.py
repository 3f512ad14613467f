"""Statements about maps of vectors, true and false, each with its reason: `(parameters, result, body)`.

The input is `u : Real[D]` with D = 4.  A false statement is a true one with a small error."""

from __future__ import annotations

Statement = tuple[str, str, str]

SPLIT = " where { a, b = split(u) }"
NETS = " where { a, b = split(u)  s, t = mlp(a, hidden = [8], size = 2) }"


def real(parameters: str, body: str) -> Statement:
    """A map onto all vectors."""
    return parameters, "Real[D]", body


def planar(least: str, otherwise: str, condition: str = "w @ w > 0", sign: str = "+") -> Statement:
    """A planar map whose direction h is v with its part along w replaced, so that w @ h > -least."""
    made = f"v + (softplus(a + log(exp(1) - 1)) - {least} - a) * w / (w @ w)"
    where = f" where {{ a = w @ v  h = if {condition} then {made} else {otherwise} }}"
    return real("v : Real[D], w : Real[D], b : Real", f"u {sign} h * tanh(w @ u + b){where}")


TRUE: dict[str, Statement] = {
    # parts that mix each other: a matrix at every place
    "a rotation of the halves, written out": real(
        "t : Real", "join(cos(t) * a - sin(t) * b, sin(t) * a + cos(t) * b)" + SPLIT
    ),
    "a rotation by an angle for each place": real(
        "t : Real[2]", "join(cos(t) * a - sin(t) * b, sin(t) * a + cos(t) * b)" + SPLIT
    ),
    "sum and difference": real("", "join(a + b, a - b)" + SPLIT),
    "a matrix of determinant 1": real("", "join(2 * a + b, a + b)" + SPLIT),
    "the determinant is -(1 + t), t positive": real("t : Positive", "join(a + b, a - t * b)" + SPLIT),
    "a hyperbolic rotation with an offset": real(
        "t : Real, c : Real[2]", "join(sqrt(1 + t^2) * a + t * b + c, t * a + sqrt(1 + t^2) * b - 1)" + SPLIT
    ),
    "a cycle of sums, of odd length": real("", "join(u[0] + u[1], u[1] + u[2], u[2] + u[0], u[3] - u[0])"),
    # couplings: block-triangular, the diagonal elementwise
    "affine coupling: the scale is an exponential": real("", "join(a, b * exp(tanh(s)) + t)" + NETS),
    "additive coupling: a shift by what passes": real("", "join(a, b + mlp(a, hidden = [8]))" + SPLIT),
    "the transformed half first": real("", "join(b * exp(s) + t, a)" + NETS),
    "a scale of softplus is positive": real("", "join(a, b * softplus(s) + t)" + NETS),
    "a scale of a sigmoid is positive": real("", "join(a, b * sigmoid(s + 2) + t)" + NETS),
    "divided by what is above 1": real("", "join(a, b / (1 + exp(s)) - t)" + NETS),
    "a negative scale": real("", "join(a, t - b * exp(s))" + NETS),
    "a nonlinear coupling: sinh undoes asinh": real("", "join(a, sinh(asinh(b) + t))" + NETS),
    "what passes may be reversed": real("", "join(reverse(a), b * exp(s))" + NETS),
    "the result may be reversed": real("", "reverse(join(a, b + mlp(a, hidden = [8])))" + SPLIT),
    "the conditioner sees a function of what passes": real("", "join(a, b + mlp(sin(a), hidden = [8]))" + SPLIT),
    "both halves change, one after the other": real("s : Positive", "join(s * a, b + mlp(a, hidden = [8]))" + SPLIT),
    "three blocks, each sees those before": real(
        "", "join(a, c + sum(a), d * exp(sum(a) + sum(c))) where { a, r = split(u)  c, d = split(r) }"
    ),
    "a conditioner without a network": real("", "join(a, b * exp(tanh(a)))" + SPLIT),
    "a scale of either sign, never 0": real("", "join(a, b * (if sum(a) > 0 then exp(s) else 1))" + NETS),
    # elementwise
    "each place has its own positive scale": real("s : Positive[D], b : Real[D]", "s * u + b"),
    "a shift": real("b : Real[D]", "u + b"),
    "the negative": real("", "-u"),
    "an increasing function of each place": real("", "sinh(u)"),
    "the exponential is onto the positive numbers": ("", "Positive[D]", "exp(u)"),
    "the sigmoid is onto (0, 1)": ("", "Unit[D]", "sigmoid(u)"),
    "tanh is onto (-1, 1)": ("", "Open(-1, 1)[D]", "tanh(u)"),
    "a permutation": real("", "reverse(u)"),
    "a rotation of the halves": real("", "join(b, a)" + SPLIT),
    # by index: triangular
    "masked autoregressive flow": real("", "for i: (u[i] - m) * exp(-s) where { m, s = mlp(u[<i], hidden = [8]) }"),
    "inverse autoregressive flow: a gate in (0, 1)": real(
        "", "for i: g * u[i] + (1 - g) * m where { m, s = mlp(u[<i], hidden = [8])  g = sigmoid(s + 1) }"
    ),
    "a linear conditioner on the past": real("W : Real[D, D]", "for i: u[i] + W[i, <i] @ u[<i]"),
    "the past in the scale": real("W : Real[D, D]", "for i: u[i] * exp(W[i, <i] @ u[<i])"),
    "a nonlinear map of the entry": real("W : Real[D, D]", "for i: sinh(asinh(u[i]) + W[i, <i] @ u[<i])"),
    "a diagonal map": real("s : Positive[D]", "for i: s[i] * u[i]"),
    "a diagonal map with a shift": real("s : Positive[D], b : Real[D]", "for i: (u[i] - b[i]) / s[i]"),
    "running sums": real("", "for i: u[i] + sum(u[<i])"),
    "a scale that depends on the place, and is positive": real("", "for i: (i + 1) * u[i]"),
    "divided by a number that depends on the place": real("", "for i: u[i] / (1 + i)"),
    "a bounded function of the past": real("", "for i: u[i] * (2 + sin(sum(u[<i])))"),
    "by index in a coupling": real("W : Real[2, 2]", "join(a, for i: b[i] * exp(W[i, <i] @ b[<i]))" + SPLIT),
    "by index, onto the positive numbers": ("W : Real[D, D]", "Positive[D]", "for i: exp(u[i] + W[i, <i] @ u[<i])"),
    # a part by index
    "a strictly triangular part": real("W : Real[D, D]", "u + (for i: W[i, <i] @ tanh(u[<i]))"),
    "a triangular part": real("d : Positive[D], W : Real[D, D]", "sinh(u) + (for i: d[i] * u[i] + W[i, <i] @ u[<i])"),
    "twice the entry, less the past": real("W : Real[D, D]", "2 * u - (for i: W[i, <i] @ u[<i])"),
    "a triangular part within a plane": real(
        "Q : Orthogonal(D, 2), d : Positive[2], W : Real[2, 2]",
        "u + Q @ (for i: d[i] * tanh(s[i]) + W[i, <i] @ tanh(s[<i])) where { s = u @ Q }",
    ),
    # linear
    "a lower triangular matrix with a positive diagonal": real("L : Lower(D)", "L @ u"),
    "an upper triangular one": real("U : Upper(D)", "U @ u"),
    "LU with a shift": real("L : Lower(D), U : Upper(D), b : Real[D]", "L @ (U @ u) + b"),
    "a rotation": real("Q : Orthogonal(D, D)", "Q @ u"),
    "a rotation back": real("Q : Orthogonal(D, D)", "transpose(Q) @ u"),
    "an invertible matrix": real("W : Invertible(D)", "W @ u"),
    "from the right": real("W : Invertible(D)", "u @ W"),
    "an inverse": real("W : Invertible(D)", "inverse(W) @ u"),
    "row by row": real("W : Invertible(D)", "for i: W[i] @ u"),
    "a positive multiple": real("W : Invertible(D), c : Positive", "(c * W) @ u"),
    "a multiple by an exponential": real("W : Invertible(D), c : Real", "exp(c) * (W @ u)"),
    "a product of matrices": real("W : Invertible(D), L : Lower(D)", "(W @ L) @ u"),
    "after a shift": real("W : Invertible(D), b : Real[D]", "W @ (u - b)"),
    "a negative": real("W : Invertible(D)", "-(W @ u)"),
    "one layer and its nonlinearity": real("W : Invertible(D), b : Real[D]", "sinh(W @ u + b)"),
    "two layers": real("W : Invertible(D), V : Lower(D)", "V @ asinh(W @ sinh(u))"),
    "a layer onto the positive numbers": ("W : Invertible(D)", "Positive[D]", "exp(W @ u)"),
    "a positive scale between rotations": real("Q : Orthogonal(D, D), s : Positive[D]", "Q @ (s * (transpose(Q) @ u))"),
    "a matrix in a coupling": real("W : Invertible(2)", "join(a, W @ b + mlp(a, hidden = [8]))" + SPLIT),
    "a triangular matrix, reversed": real("L : Lower(D)", "reverse(L @ u)"),
    # along one direction
    "I + v v^T has determinant 1 + v @ v": real("v : Real[D]", "u + v * (v @ u)"),
    "I + c v v^T with c > 0": real("v : Real[D], c : Positive", "u + c * v * (v @ u)"),
    "the same, the product written the other way": real("v : Real[D]", "u + (u @ v) * v"),
    # residual
    "a network with a bound below 1": real("", "u + lipschitz(mlp(u, hidden = [8], activation = tanh), 0.9)"),
    "the same, subtracted": real("", "u - lipschitz(mlp(u, hidden = [8]), 0.9)"),
    "a rotation, tanh, one half": real("Q : Orthogonal(D, D), b : Real[D]", "u + 0.5 * tanh(Q @ u + b)"),
    "bounds that sum to 0.9": real(
        "", "u + lipschitz(mlp(u, hidden = [8]), 0.5) + lipschitz(mlp(u, hidden = [8]), 0.4)"
    ),
    "1.8 times a quarter: the slope of a sigmoid": real("Q : Orthogonal(D, D)", "u + 1.8 * sigmoid(2 * (Q @ u))"),
    "elements below 1 in size: the norm is below 4": real("W : Open(-1, 1)[D, D]", "u + 0.2 * sin(W @ u)"),
    "a bound of a composition": real("", "u + lipschitz(linear(lipschitz(mlp(u, hidden = [8], size = 3), 3)), 0.3)"),
    # along one direction, from one centre, within a subspace
    "planar, the direction made admissible (Rezende & Mohamed, A.1)": planar("1", "v"),
    "the same, the other branch 0 with w": planar("0.5", "w"),
    "planar along a unit direction": real(
        "v : Real[D], Q : Orthogonal(D, 1), k : Positive, b : Real",
        "u + h * tanh(w @ u + b) where { w = k * Q[:, 0]  a = w @ v  h = v + (softplus(a) - 1 - a) * w / (w @ w) }",
    ),
    "a shear along a unit direction": real(
        "Q : Orthogonal(D, 2), b : Real",
        "u + Q[:, 0] * (2 + sin(b)) * (Q[:, 0] @ u)",
    ),
    "radial, beta above -alpha": real(
        "c : Real[D], a : Positive, b : Positive",
        "u + (b - a) * (u - c) / (a + norm(u - c))",
    ),
    "radial towards the origin": real("a : Positive", "u - 0.5 * a * u / (a + norm(u))"),
    "a reflection in a hyperplane": real("Q : Orthogonal(D, 1)", "u - 2 * (Q @ (u @ Q))"),
    "a reflection in a plane": real("Q : Orthogonal(D, 2)", "u - 2 * (Q @ (transpose(Q) @ u))"),
    "stretched within a plane": real("Q : Orthogonal(D, 2), s : Positive[2]", "u + Q @ (s * (u @ Q))"),
    "bent within a plane": real("Q : Orthogonal(D, 2), d : Positive[2], b : Real[2]", "u + Q @ (d * tanh(u @ Q + b))"),
    "a coupling within a plane": real(
        "Q : Orthogonal(D, 2)",
        "u + Q @ (join(a, b + mlp(a, hidden = [4])) - s) where { s = u @ Q  a, b = split(s) }",
    ),
    "a contraction within a plane": real("Q : Orthogonal(D, 3)", "u + Q @ lipschitz(mlp(u @ Q, hidden = [4]), 0.9)"),
    "Sylvester: triangular within a plane": real(
        "Q : Orthogonal(D, 2), d : Positive[2], W : Real[2, 2], b : Real[2]",
        "u + Q @ ((for i: s[i] + d[i] * tanh(s[i] + b[i]) + W[i, <i] @ tanh(s[<i])) - s) where { s = u @ Q }",
    ),
    "Sylvester with two triangular matrices": real(
        "Q : Orthogonal(D, 2), S : Lower(2), d : Positive[2], W : Real[2, 2]",
        "u + Q @ (inverse(S) @ (for i: t[i] + d[i] * tanh(t[i]) + W[i, <i] @ tanh(t[<i])) - s) where { s = u @ Q  t = S @ s }",
    ),
    "a choice of two scales": real("c : Real", "(if c > 0 then c + 1 else 2 - c) * u"),
    "a choice by the norm of a parameter": real("v : Real[D]", "(if v @ v > 0 then 1 + 1 / (v @ v) else 1) * u"),
}

FALSE: dict[str, Statement] = {
    # parts that mix each other
    "a rotation with a sign lost: singular at pi / 4": real(
        "t : Real", "join(cos(t) * a + sin(t) * b, sin(t) * a + cos(t) * b)" + SPLIT
    ),
    "the same sum twice": real("", "join(a + b, a + b)" + SPLIT),
    "a matrix of determinant 0": real("", "join(2 * a + 4 * b, a + 2 * b)" + SPLIT),
    "the determinant is -(1 + t), 0 at -1": real("t : Real", "join(a + b, a - t * b)" + SPLIT),
    "a hyperbolic rotation without its 1": real(
        "t : Real", "join(sqrt(t^2) * a + t * b, t * a + sqrt(t^2) * b)" + SPLIT
    ),
    "a cycle of sums, of even length": real("", "join(u[0] + u[1], u[1] + u[2], u[2] + u[3], u[3] + u[0])"),
    "a cycle with one minus too many": real("", "join(u[0] + u[1], u[1] + u[2], u[2] - u[0], u[3])"),
    # couplings
    "the scale may be 0": real("", "join(a, b * s + t)" + NETS),
    "a scale of relu may be 0": real("", "join(a, b * relu(s) + t)" + NETS),
    "a scale of tanh may be 0": real("", "join(a, b * tanh(s) + t)" + NETS),
    "the divisor may be 0": real("", "join(a, b / s)" + NETS),
    "the transformed half feeds its own conditioner": real("", "join(a, b + mlp(b, hidden = [8]))" + SPLIT),
    "the conditioner sees all": real("", "join(a, b * exp(mlp(u, hidden = [8])))" + SPLIT),
    "each half conditions on the other": real("", "join(a + mlp(b, hidden = [8]), b + mlp(a, hidden = [8]))" + SPLIT),
    "one half twice": real("", "join(a, a + t)" + NETS),
    "one half twice, the other lost in the shift": real("", "join(a, a * exp(s))" + NETS),
    "the square of a half": real("", "join(a, b^2 + t)" + NETS),
    "the absolute value of a half": real("", "join(a, abs(b) * exp(s))" + NETS),
    "relu of a half": real("", "join(a, relu(b) + t)" + NETS),
    "a half is multiplied by its own sum": real("", "join(a, b * sum(b))" + SPLIT),
    "three blocks in a cycle": real(
        "", "join(a + sum(d), c - sum(a) / 2, d + sum(c)) where { a, r = split(u)  c, d = split(r) }"
    ),
    "onto the positive numbers, declared real": real("", "join(a, exp(b))" + SPLIT),
    "a half is lost": real("", "join(a, t)" + NETS),
    "a constant half": real("c : Real", "join(a, b - b + c)" + SPLIT),
    # elementwise
    "a scale that may be 0": real("s : Real[D]", "s * u"),
    "a scale that is 0 at an admissible value": real("s : Open(-1, 1)[D]", "s * u"),
    "a square": real("", "u * u"),
    "a wave": real("", "u + 2 * sin(u)"),
    "an even function": real("", "cosh(u)"),
    "not onto: the exponential is positive": real("", "exp(u)"),
    "not onto: tanh is bounded": real("", "tanh(u)"),
    "not onto (0, 1): the sigmoid of what is positive": ("", "Unit[D]", "sigmoid(exp(u))"),
    "steps": real("", "floor(u)"),
    "the mean is lost": real("", "u - mean(u)"),
    "all places become one": real("", "for i in D: sum(u)"),
    "the norm is lost": real("", "u / (1 + norm(u))"),
    # by index
    "the view holds the entry itself": real("W : Real[D, D]", "for i: u[i] + W[i, <=i] @ u[<=i]"),
    "the entry itself in a network": real("", "for i: u[i] + m where { m = mlp(u[<=i], hidden = [8]) }"),
    "the scale by index may be 0": real("", "for i: u[i] * s where { s = mlp(u[<i], hidden = [8]) }"),
    "the first place has the scale 0": real("", "for i: i * u[i]"),
    "the entry is left out": real("W : Real[D, D]", "for i: W[i, <i] @ u[<i]"),
    "the entry is squared": real("W : Real[D, D]", "for i: u[i]^2 + W[i, <i] @ u[<i]"),
    "always the first entry": real("", "for i: u[0] + sum(u[<i])"),
    "all of the input in the shift: the mean is lost": real("", "for i: u[i] - sum(u) / 4"),
    "all of the input in the scale": real("", "for i: u[i] * exp(-norm(u))"),
    "a product with the past, which may be 0": real("", "for i: u[i] * sum(u[<i])"),
    "a wave of the entry": real("W : Real[D, D]", "for i: u[i] + 2 * sin(u[i]) + W[i, <i] @ u[<i]"),
    "by index onto less than is declared": real("W : Real[D, D]", "for i: exp(u[i] + W[i, <i] @ u[<i])"),
    "a scale of u[<i] in a coupling, 0 at the first": real("", "join(a, for i: b[i] * sum(b[<i]))" + SPLIT),
    "a difference of places that may be equal": real("s : Real[D]", "for i: (s[i] - s[0]) * u[i]"),
    # a part by index
    "the entry minus itself": real("", "u - (for i: u[i])"),
    "nothing of the entry, all of the past": real("W : Real[D, D]", "0 * u + (for i: W[i, <i] @ u[<i])"),
    "a part by index of either sign": real("d : Real[D]", "u + (for i: d[i] * tanh(u[i]))"),
    # linear
    "any matrix may be singular": real("W : Real[D, D]", "W @ u"),
    "positive elements: a matrix of ones": real("W : Positive[D, D]", "W @ u"),
    "a product with a matrix that may be singular": real("L : Lower(D), W : Real[D, D]", "L @ (W @ u)"),
    "a multiple that may be 0": real("W : Invertible(D), c : Real", "(c * W) @ u"),
    "a sum of invertible matrices": real("W : Invertible(D), V : Invertible(D)", "(W + V) @ u"),
    "a sum of triangular matrices": real("L : Lower(D), U : Upper(D)", "(L + U) @ u"),
    "a difference of a matrix and itself": real("W : Invertible(D)", "(W - W) @ u"),
    "relu of a layer": real("W : Invertible(D)", "relu(W @ u)"),
    "the square of a layer": real("W : Invertible(D)", "(W @ u)^2"),
    "a layer onto less than is declared": real("W : Invertible(D)", "exp(W @ u)"),
    "a matrix of rank one": real("v : Real[D], w : Real[D]", "v * (w @ u)"),
    "row by row, of any matrix": real("W : Real[D, D]", "for i: W[i] @ u"),
    "always the same row": real("W : Invertible(D)", "for i in D: W[0] @ u"),
    "a coupling with any matrix": real("W : Real[2, 2]", "join(a, W @ b + mlp(a, hidden = [8]))" + SPLIT),
    # along one direction
    "I - v v^T is singular at |v| = 1": real("v : Real[D]", "u - v * (v @ u)"),
    "I + v w^T is singular at w @ v = -1": real("v : Real[D], w : Real[D]", "u + v * (w @ u)"),
    "I + c v v^T with any c": real("v : Real[D], c : Real", "u + c * v * (v @ u)"),
    "a reflection without its norm": real("v : Real[D]", "u - 2 * v * (v @ u)"),
    "I - A^T A is singular where a row of A is a unit vector": real("A : Real[3, D]", "u - transpose(A) @ (A @ u)"),
    # residual
    "a bound of 1 is not below 1": real("", "u + lipschitz(mlp(u, hidden = [8]), 1)"),
    "bounds that sum to 1.1": real(
        "", "u + lipschitz(mlp(u, hidden = [8]), 0.6) + lipschitz(mlp(u, hidden = [8]), 0.5)"
    ),
    "a network without a bound": real("", "u + mlp(u, hidden = [8])"),
    "a rotation by half a turn undoes the input": real("Q : Orthogonal(D, D)", "u + Q @ u"),
    "elements in (-1, 1): the norm may be 4": real("W : Open(-1, 1)[D, D]", "u + 0.5 * sin(W @ u)"),
    "a bounded network, multiplied by 2": real("", "u + 2 * lipschitz(mlp(u, hidden = [8]), 0.9)"),
    # along one direction, from one centre, within a subspace
    "planar, w @ h down to -1.01": planar("1.01", "v"),
    "planar, made admissible only where |w| > 1": planar("1", "v", "w @ w > 1"),
    "planar, the other direction": planar("1", "v", sign="-"),
    "planar along a direction that is no unit": real(
        "v : Real[D], q : Real[D], b : Real",
        "u + h * tanh(w @ u + b) where { w = q  a = w @ v  h = v + (softplus(a) - 1 - a) * w }",
    ),
    "radial, beta below -alpha": real("c : Real[D], a : Positive", "u - 1.1 * a * (u - c) / (a + norm(u - c))"),
    "a projection on a hyperplane": real("Q : Orthogonal(D, 1)", "u - Q @ (u @ Q)"),
    "a stretch that may be 0": real("Q : Orthogonal(D, 2), s : Real[2]", "u + Q @ (s * (u @ Q))"),
    "columns that are not orthonormal": real("Q : Real[D, 2]", "u - 2 * (Q @ (u @ Q))"),
    "bent back within a plane": real("Q : Orthogonal(D, 2)", "u - Q @ tanh(2 * (u @ Q))"),
    "Sylvester, a diagonal of either sign": real(
        "Q : Orthogonal(D, 2), d : Real[2], W : Real[2, 2], b : Real[2]",
        "u + Q @ ((for i: s[i] + d[i] * tanh(s[i] + b[i]) + W[i, <i] @ tanh(s[<i])) - s) where { s = u @ Q }",
    ),
    "Sylvester, below and on the diagonal": real(
        "Q : Orthogonal(D, 2), d : Positive[2], W : Real[2, 2]",
        "u + Q @ ((for i: s[i] + d[i] * tanh(s[i]) + W[i, <=i] @ tanh(s[<=i])) - s) where { s = u @ Q }",
    ),
    "the same part twice": real("Q : Orthogonal(D, 2)", "u + Q @ (u @ Q) - 2 * (Q @ (u @ Q))"),
    "a choice that is 0 at its joint": real("c : Real", "(if c > 0 then c else 2 - c) * (if c >= 0 then c else 1) * u"),
    "a reflection by a vector that may be 0": real("v : Real[D]", "(if v @ v > 0 then v @ v else 0) * u"),
}
