"""Traps of a second reading: what is not defined everywhere, what is counted wrong, and ratios of another target.

In real arithmetic 0 times what has no value has no value, and 1 / u - 1 / u is not 0 at 0: a rule that cancels, drops a
factor of 0, or never looks at a constant must know that it is defined.  Each false statement stands beside a true one."""

from __future__ import annotations

from tests.checks.soundness import PROVED, REFUTED, UNKNOWN, F, T, Trap, bijection, chain, sde

_SHEAR = """observed x : Real
latent v : Real
bijection shear(x : Real, v : Real) -> (Real, Real) = (x + {0} - {0}, v)
bijection flip(x : Real, v : Real) -> (Real, Real) = (-x, v)
p(x, v) ∝ exp(-x^2 / 2 - v^2 / 2)
transition t(x', v' | x, v) {{ y, w = (x, v) |> shear |> flip   x', v' = metropolis(y, w) }}"""

_TABLE = """observed x : Category(3)
p(x) ∝ exp(-x)
density other(x) ∝ exp(2 * x)
transition t(x' | x) {{
  y ~ Categorical([[0.2, 0.4, 0.4], [0.4, 0.2, 0.4], [0.4, 0.4, 0.2]][x])
  x' = metropolis(y{0})
}}"""


def _noisy(name: str, value: str, holds: bool, status: str, reason: str) -> Trap:
    """A variable that is a bit with noise."""
    body = f"observed k : Binary\ngiven z : Binary\np(k) = SaltAndPepper({value}, 0.1)"
    return Trap(f"law: {name}", f"model M {{\n{body}\n}}\n", "admissible", holds, status, reason)


DEFINED: tuple[Trap, ...] = (
    # -- what cancels, or is multiplied by 0, must have a value
    bijection(
        "a pole that cancels",
        "(u : Integer(-inf..inf)) -> Integer(-inf..inf) = u + 1 / u - 1 / u",
        F,
        REFUTED,
        "undefined at 0",
    ),
    bijection(
        "a multiple that cancels", "(u : Integer(-inf..inf)) -> Integer(-inf..inf) = u + 2 * u - 2 * u", T, PROVED, "u"
    ),
    bijection(
        "0 times no number",
        "(u : Real[4]) -> Real[4] = join(a + b + (0 * b) * log(-1), a - b) where { a, b = split(u) }",
        F,
        REFUTED,
        "log(-1) has no value",
    ),
    bijection(
        "0 times a number",
        "(u : Real[4]) -> Real[4] = join(a + b + (0 * b) * log(2), a - b) where { a, b = split(u) }",
        T,
        PROVED,
        "a + b and a - b",
    ),
    bijection(
        "a product with what vanishes",
        "(u : Real | w : Real[3]) -> Real = u + (if w @ w > 0 then 1 else w @ log(w))",
        F,
        REFUTED,
        "0 log 0 has no value",
    ),
    bijection(
        "a product with what vanishes, defined",
        "(u : Real | w : Real[3]) -> Real = u + (if w @ w > 0 then 1 else w @ exp(w))",
        T,
        PROVED,
        "0 times a number",
    ),
    # -- a lemma brings a map of vectors to one of numbers, in which a constant does not occur
    bijection(
        "a centre that may be nowhere",
        "(u : Real[3] | c : Real[3]) -> Real[3] = u + (u - log(c)) / (1 + norm(u - log(c)))",
        F,
        REFUTED,
        "log(c) has no value at c = 0",
    ),
    bijection(
        "a centre that is somewhere",
        "(u : Real[3] | c : Real[3]) -> Real[3] = u + (u - exp(c)) / (1 + norm(u - exp(c)))",
        T,
        PROVED,
        "r + r / (1 + r) rises from 0",
    ),
    bijection(
        "a shift of a contraction that may have no value",
        "(u : Real[3] | W : Interval(-0.1, 0.1)[3, 3], p : Real[3]) -> Real[3] = u + W @ tanh(u) + sqrt(p)",
        F,
        REFUTED,
        "sqrt(-1) has no value, though it does not change with u",
    ),
    bijection(
        "a shift of a contraction",
        "(u : Real[3] | W : Interval(-0.1, 0.1)[3, 3], p : Real[3]) -> Real[3] = u + W @ tanh(u) + sqrt(exp(p))",
        T,
        PROVED,
        "a map of slope 0.3",
    ),
    # -- monotone operators, and maps whose entries are written out
    bijection(
        "a matrix that may have no value",
        "(u : Real[3] | W : Real[2, 3]) -> Real[3] = u + transpose(log(W)) @ tanh(log(W) @ u)",
        F,
        REFUTED,
        "log(0) has no value",
    ),
    bijection(
        "a matrix and its transpose",
        "(u : Real[3] | W : Real[2, 3]) -> Real[3] = u + transpose(exp(W)) @ tanh(exp(W) @ u)",
        T,
        PROVED,
        "strictly monotone and coercive",
    ),
    bijection(
        "a direction that may have no value",
        "(u : Real[3] | c : Real[3]) -> Real[3] = u^3 + u + log(c) * tanh(log(c) @ u)",
        F,
        REFUTED,
        "log(0) has no value",
    ),
    bijection(
        "a square, each element divided by",
        "(u : Real[2] | A : Positive[2, 3]) -> Real[2] = u / 100 + (1 / (A @ transpose(A))) @ u",
        F,
        UNKNOWN,
        "[[1, 1/2], [1/2, 1/5]] has a negative eigenvalue, and others with u / 100 have 0",
    ),
    bijection(
        "0 times no number in a branch",
        "(u : Real[2]) -> Real[2] = (if u > 0 then u + 0 * log(-1) else u) + 0.1 * sum(sin(u))",
        F,
        REFUTED,
        "log(-1) has no value",
    ),
    # -- of a map of the circle, what stands above a positive wave is compared with its slope
    bijection(
        "a Möbius map, plus what cancels",
        "(u : Angle | a : Real) -> Angle = u + 2 * atan((1 / a - 1 / a - sin(u) / 2) / (1 + cos(u) / 2))",
        F,
        REFUTED,
        "undefined at a = 0",
    ),
    bijection(
        "a Möbius map, plus a multiple that cancels",
        "(u : Angle | a : Real) -> Angle = u + 2 * atan((2 * a - a - a - sin(u) / 2) / (1 + cos(u) / 2))",
        T,
        PROVED,
        "|w| = 1 / 2",
    ),
    bijection(
        "a Möbius map, plus what cancels where the cosine is not 0",
        "(u : Angle) -> Angle = u + 2 * atan((1 / cos(u) - 1 / cos(u) - sin(u) / 2) / (1 + cos(u) / 2))",
        F,
        UNKNOWN,
        "undefined at a quarter turn, which is no exact number",
    ),
    # -- a sum over a causal view has as many terms as the view has places, at the first place none
    bijection(
        "a number for every place before",
        "(u : Interval(0, 1)[4]) -> Interval(0, 1)[4] = "
        "for i: u[i] - 3 * u[i] * (1 - u[i]) + sum(u[i] * (1 - u[i]) + 0 * u[<i])",
        F,
        REFUTED,
        "four terms would make it rise, and entry 0 has none: it falls at 0",
    ),
    bijection(
        "a weight for every place before",
        "(u : Real[4] | w : Positive[4]) -> Real[4] = for i: u[i] * (1 + sum(w[<i]))",
        T,
        PROVED,
        "1 and more",
    ),
    # -- a map that is undefined at some places goes back from none of those that it takes there
    chain(
        "a shear that cancels",
        _SHEAR.format("exp(v)"),
        "stationary",
        T,
        PROVED,
        "(x, v) goes to (-x, v)",
    ),
    chain(
        "a shear that cancels, on half of the plane",
        _SHEAR.format("log(v)"),
        "stationary",
        F,
        UNKNOWN,
        "where v < 0 the proposal has no value",
    ),
    # -- drifts are compared by what is left when they are subtracted
    sde("a reverse drift that is defined", "reverse(r, f)", "(-x - s(x, t) + x - x) * dt + dW", T, PROVED, "f - S"),
    sde(
        "a reverse drift that is defined where x > 0",
        "reverse(r, f)",
        "(-x - s(x, t) + sqrt(x)^2 - x) * dt + dW",
        F,
        UNKNOWN,
        "sqrt(-1) has no value",
    ),
    sde(
        "a flow that is defined where x is not 0",
        "marginals(r) == marginals(f)",
        "(-x - 0.5 * s(x, t) + 1 / x - 1 / x) * dt",
        F,
        UNKNOWN,
        "1 / 0 has no value",
    ),
    # -- a ratio is that of the target of the claim
    chain("a table and its own ratio", _TABLE.format(""), "reversible", T, PROVED, "Metropolis et al. 1953"),
    chain(
        "a table and the ratio of another target",
        _TABLE.format(", target = other"),
        "reversible",
        F,
        REFUTED,
        "it is in balance with exp(2 x), not with exp(-x)",
    ),
    # -- a parameter that is counted is no number in between
    _noisy("a bit with noise", "z", T, PROVED, "z is 0 or 1"),
    _noisy("half a bit with noise", "z / 2", F, REFUTED, "of 1/2 both values have probability 0.05"),
)
