"""Statements that an adversarial reading of the rules came up with, each with the mathematics that decides it.

All of them look like a statement of the other kind: false ones that a careless rule proves, true ones that a careless
search refutes.  `FALSE` must never be proved, `TRUE` never refuted; what a rule says of them beyond that is in the
third column."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Trap:
    """`spec`: a file; `obligation`: which of its verdicts; `holds`; `status`: what the verdict is; `reason`."""

    name: str
    spec: str
    obligation: str
    holds: bool
    status: str
    reason: str


def bijection(name: str, statement: str, holds: bool, status: str, reason: str) -> Trap:
    """A file of one bijection."""
    return Trap(f"bijection: {name}", f"bijection F{statement}\n", "invertible", holds, status, reason)


_MODEL = "model M {\n  observed y : Real\n  p(y) = Normal(0, 1)\n"


def density(name: str, signature: str, formula: str, holds: bool, status: str, reason: str) -> Trap:
    """The mass of a density of the user's."""
    spec = f"density F({signature}) = {formula}\n{_MODEL}}}\n"
    return Trap(f"density: {name}", spec, "mass", holds, status, reason)


def cdf(name: str, signature: str, formula: str, claim: str, holds: bool, status: str, reason: str) -> Trap:
    """A claimed distribution function."""
    spec = f"density F({signature}) = {formula}\n{_MODEL}  claim cdf(F) == {claim}\n}}\n"
    return Trap(f"cdf: {name}", spec, "cdf", holds, status, reason)


_SCORE = "def s(x : Real, t : Interval(0, 1)) -> Real = mlp(x, t, hidden = [8])"
_TIME = "(x | t : Interval(0, 1))"
_DECAY = "-x * dt + dW"


def sde(name: str, claim: str, backward: str, holds: bool, status: str, reason: str) -> Trap:
    """A claim about `r`, its forward equation being dx = -x dt + dW."""
    own = "reverse" if claim.startswith("reverse") else "marginals"
    body = f"{_SCORE}\nsde f{_TIME} {{ dx = {_DECAY} }}\nsde r{_TIME} {{ dx = {backward} }}\nclaim {claim}"
    return Trap(f"sde: {name}", f"model M {{ observed x : Real\n{body}\n}}\n", own, holds, status, reason)


def flow(name: str, field: str, holds: bool, status: str, reason: str) -> Trap:
    """x' = v(x, t) from t = 0 to 1 has one solution through every point."""
    spec = f"""extern def net(x : Real[2], t : Interval(0, 1)) -> Real[2]
model M {{
  observed x : Real[2]
  latent   z : Real[2]
  p(z) = Normal(0, 1)
  def v(x : Real[2], t : Interval(0, 1)) -> Real[2] = {field}
  x = z |> ode(v)
}}
"""
    return Trap(f"flow: {name}", spec, "ode_flow", holds, status, reason)


def chain(name: str, body: str, claim: str, holds: bool, status: str, reason: str) -> Trap:
    """A claim about the transition t."""
    return Trap(f"chain: {name}", f"model M {{\n{body}\nclaim {claim}(t, p)\n}}\n", claim, holds, status, reason)


def stationary(name: str, drift: str, holds: bool, status: str, reason: str) -> Trap:
    """dx = drift dt + sqrt(2) dW keeps the standard normal law."""
    body = f"observed x : Real\np(x) ∝ exp(-x^2 / 2)\nsde m(x | t : Positive) {{ dx = {drift} * dt + sqrt(2) * dW }}"
    spec = f"model M {{\n{body}\nclaim stationary(m, p)\n}}\n"
    return Trap(f"sde: {name}", spec, "stationary_sde", holds, status, reason)


T, F = True, False
PROVED, REFUTED, UNKNOWN = "proved", "refuted", "unknown"

TRAPS: tuple[Trap, ...] = (
    # -- a box restricts all elements of a tensor alike, so that halves of a tensor are not all of its values
    bijection(
        "two elements apart",
        "(u : Real | w : Interval(0, 1)[2]) -> Real = u - 2 * (w[0] - w[1])^2 * tanh(u)",
        F,
        REFUTED,
        "turns at w = (0, 1), though it rises where both are on one side of 1/2",
    ),
    bijection(
        "the distance of two elements",
        "(u : Real | w : Interval(0, 1)[2]) -> Real = u - 3 * abs(w[0] - w[1]) * tanh(u)",
        F,
        REFUTED,
        "turns at w = (0, 1)",
    ),
    bijection(
        "two elements near each other",
        "(u : Real | w : Interval(0, 1)[2]) -> Real = u - 0.9 * (w[0] - w[1])^2 * tanh(u)",
        T,
        PROVED,
        "1 - 0.9 d^2 (1 - tanh^2) > 0 for |d| <= 1",
    ),
    bijection(
        "each element on its own",
        "(u : Real[2] | w : Interval(-1, 1)[2]) -> Real[2] = u + w * sin(u) / 2",
        T,
        PROVED,
        "1 + w cos(u) / 2 > 0, element by element",
    ),
    # -- values between which there are gaps
    bijection("the reciprocal", "(u : NonZero) -> NonZero = 1 / u", T, PROVED, "its own inverse; 0 lies between"),
    bijection("an odd power", "(u : NonZero) -> NonZero = 1 / u^3", T, PROVED, "monotone on each side of 0"),
    bijection("an even power", "(u : NonZero) -> NonZero = 1 / u^2", F, REFUTED, "1 and -1"),
    bijection("the reciprocal, moved", "(u : NonZero) -> NonZero = 1 / u + 1", F, REFUTED, "-1 goes to 0"),
    bijection(
        "both sides onto one",
        "(u : NonZero) -> NonZero = if u > 0 then exp(u) else -exp(u)",
        F,
        REFUTED,
        "the positive numbers go to those beyond 1",
    ),
    bijection(
        "a cycle of three numbers",
        "(u : Integer(0..3)) -> Integer(0..3) = u * (7 - 3 * u) / 2",
        T,
        PROVED,
        "0, 1, 2 go to 0, 2, 1: out of order, and one-to-one",
    ),
    bijection("a reflection", "(u : Integer(0..3)) -> Integer(0..3) = 2 - u", T, PROVED, "0, 1, 2 go to 2, 1, 0"),
    bijection("a reflection, off by one", "(u : Integer(0..3)) -> Integer(0..3) = 3 - u", F, REFUTED, "0 goes to 3"),
    bijection("a bit flipped", "(u : Binary) -> Binary = 1 - u * u", T, PROVED, "0 and 1 change places"),
    bijection("a bit lost", "(u : Binary) -> Binary = u - u * u", F, REFUTED, "0 and 1 go to 0"),
    bijection("shifted integers", "(u : Integer(-inf..inf)) -> Integer(-inf..inf) = 3 - u", T, PROVED, "its inverse"),
    bijection("even integers", "(u : Integer(-inf..inf)) -> Integer(-inf..inf) = 2 * u", F, REFUTED, "1 is skipped"),
    # -- waves of multiples of pi turn at exact places, and those of numbers near them do not
    bijection("a quarter wave", "(u : Interval(0, 1)) -> Interval(0, 1) = sin(pi * u / 2)", T, PROVED, "up to its top"),
    bijection(
        "a quarter wave, pi rounded",
        "(u : Interval(0, 1)) -> Interval(0, 1) = sin(3.14159 * u / 2)",
        F,
        REFUTED,
        "it stops below 1",
    ),
    bijection("beyond a quarter", "(u : Interval(0, 1)) -> Interval(0, 1) = sin(pi * u / 1.999)", F, REFUTED, "turns"),
    bijection("the tangent", "(u : Unit) -> Real = tan(pi * (u - 0.5))", T, PROVED, "from pole to pole"),
    bijection("the tangent, moved", "(u : Unit) -> Real = tan(pi * (u - 0.499))", F, REFUTED, "a pole at 0.999"),
    bijection(
        "half a wave", "(u : Unit) -> Unit = sin(pi * u)", F, REFUTED, "up and down again, the same at 1/4 and 3/4"
    ),
    # -- parts of a vector, one at a time: each must take the same values whatever the others are
    bijection(
        "a product within the unit square", "(u : Unit[2]) -> Unit[2] = [u[0] * u[1], u[1]]", F, REFUTED, "u0 u1 < u1"
    ),
    bijection(
        "a product of positive numbers", "(u : Positive[2]) -> Positive[2] = [u[0] * u[1], u[1]]", T, PROVED, "y / u1"
    ),
    bijection(
        "couplings at once",
        "(u : Real[4]) -> Real[4] = join(c, b + mlp(a, hidden = [8])) where { a, b = split(u)  c = a + mlp(b, hidden = [8]) }",
        F,
        REFUTED,
        "the second sees the old part, so that both can undo a difference",
    ),
    bijection(
        "couplings in turn",
        "(u : Real[4]) -> Real[4] = join(c, b + mlp(c, hidden = [8])) where { a, b = split(u)  c = a + mlp(b, hidden = [8]) }",
        T,
        PROVED,
        "the second sees the new part: b, then a",
    ),
    bijection("stretched by its size", "(u : Real[3]) -> Real[3] = u * norm(u)", T, PROVED, "r^2 on [0, inf)"),
    bijection(
        "stretched from a sphere", "(u : Real[3]) -> Real[3] = u * (norm(u) - 1)", F, REFUTED, "0 where |u| is 1"
    ),
    bijection("into the ball", "(u : Real[3]) -> Real[3] = u / sqrt(1 + u @ u)", F, REFUTED, "nothing at distance 1"),
    # -- one network, asked twice, answers alike
    Trap(
        "bijection: one network of one input",
        "model M {\n  observed x : Real[4]\n  latent z : Real[4]\n  p(z) = Normal(0, 1)\n"
        "  def f(x : Real[2]) -> Real[2] = mlp(x, hidden = [4], size = 2)\n"
        "  bijection F(u : Real[4]) -> Real[4] = join(a, b * (1 + f(a) - f(2 * a - a))) where { a, b = split(u) }\n"
        "  x = z |> F\n}\n",
        "invertible",
        T,
        UNKNOWN,
        "the two are one number, so the scale is 1",
    ),
    # -- at one value of a parameter a condition is about nothing
    density(
        "an edge that vanishes",
        "x : Positive | a : NonNegative",
        "if a * x > 0 then exp(-x) else 2 * exp(-x)",
        F,
        REFUTED,
        "mass 2 at a = 0, where a x is 0 everywhere and not at one point",
    ),
    density(
        "an edge that is on the right side",
        "x : Positive | a : NonNegative",
        "if a * x >= 0 then exp(-x) else 2 * exp(-x)",
        T,
        PROVED,
        "a x is nowhere below 0",
    ),
    density(
        "an indicator that vanishes",
        "x : Unit | a : NonNegative",
        "1 + indicator(a * x <= 0)",
        F,
        REFUTED,
        "mass 2 at a = 0",
    ),
    density(
        "a half-line that is the line",
        "x : Real | a : NonNegative",
        "2 * indicator(a * x >= 0) * exp(-x^2) / sqrt(pi)",
        F,
        REFUTED,
        "half of the line for a > 0, all of it at a = 0: mass 2",
    ),
    density("one point more", "x : Unit", "if x == 0.5 then 2 else 1", T, PROVED, "a point has no length"),
    # -- what happens at a point is no counterexample where points do not count
    cdf("another density at a point", "x : Unit", "if x == 0.5 then 2 else 1", "x", T, UNKNOWN, "a point has no mass"),
    cdf("a density everywhere else", "x : Unit", "2 * x", "x", F, REFUTED, "F' is 1"),
    sde(
        "another score at one moment",
        "reverse(r, f)",
        "(-x - (if t == 0.5 then 2 else 1) * s(x, t)) * dt + dW",
        T,
        UNKNOWN,
        "a drift at a single moment moves nothing",
    ),
    sde(
        "another noise at one moment",
        "reverse(r, f)",
        "(-x - s(x, t)) * dt + (if t == 0.5 then 2 else 1) * dW",
        T,
        UNKNOWN,
        "noise at a single moment has no variance",
    ),
    sde(
        "another score at the first moment",
        "marginals(r) == marginals(f)",
        "(-x - (if t == 0 then 2 else 1) * s(x, t) / 2) * dt",
        T,
        UNKNOWN,
        "a drift at a single moment moves nothing",
    ),
    sde("another score", "reverse(r, f)", "(-x - 2 * s(x, t)) * dt + dW", F, REFUTED, "g^2 is 1"),
    stationary("twice the drift at one moment", "-x * (if t == 1 then 2 else 1)", T, UNKNOWN, "a single moment"),
    stationary("twice the drift", "-2 * x", F, REFUTED, "the variance is 1/2"),
    # -- a network that the user supplies may be any function
    flow("a network from outside", "net(x, t)", F, UNKNOWN, "net(x, t) = x^2 leaves in finite time"),
    flow("a network of the catalogue", "mlp(x, t, hidden = [8])", T, PROVED, "affine layers and Lipschitz activations"),
    flow("a product of networks", "mlp(x, t, hidden = [8]) * mlp(x, t, hidden = [8])", F, UNKNOWN, "grows as x^2"),
    flow("a network of a square", "mlp(x^2, t, hidden = [8])", F, UNKNOWN, "grows as x^2"),
    flow("a bounded slope, unbounded in time", "x / t", F, UNKNOWN, "undefined at t = 0"),
    # -- a place that is drawn is another one on the way back
    chain(
        "a site that is drawn",
        "observed i : Binary, x : Binary[2]\np(i, x) ∝ exp(0 * i + 0 * x[0])\n"
        "transition t(i', x' | i, x) { i' ~ Bernoulli(probability = 0.5)  x'[i'] ~ Bernoulli(logits = 0 * i) }",
        "reversible",
        F,
        REFUTED,
        "back from (1, x) to (0, x) it is site 0 that is drawn anew, and site 1 stays",
    ),
)
