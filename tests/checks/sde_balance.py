"""Statements about the reversibility of SDEs: whether a current flows."""

from __future__ import annotations

from tests.checks.sde_statements import PAIR, TH, V2, F, Statement, T, reversible

X = "observed x : Real"
GAUSS = "exp(-x^2 / 2 - v^2 / 2)"
SPIN = "def spin(x : Real[2]) -> Real[2] = join(-x[1], x[0])"

STATEMENTS: tuple[Statement, ...] = (
    reversible("OU", X, "exp(-x^2 / 2)", "dx = -x * dt + sqrt(2) * dW", T, "f = S, and G = 2"),
    reversible("OU, another law", X, "exp(-x^2)", "dx = -x * dt + sqrt(2) * dW", F, "it does not even keep it"),
    reversible("well", X, "exp(x^2 / 2 - x^4 / 4)", "dx = (x - x^3) * dt + sqrt(2) * dW", T, "f = S in one dimension"),
    reversible("no noise", X, "exp(-x^2 / 2)", "dx = 0 * x * dt", T, "nothing moves"),
    reversible("flat", X, "exp(0 * x)", "dx = sqrt(2) * dW", F, "Lebesgue measure is no law"),
    reversible(
        "multiplicative", X, "exp(-x^2 / 2)", "dx = (x - x^3) * dt + sqrt(2 * (1 + x^2)) * dW", T, "2 f = G' + G S"
    ),
    reversible("clocked", X, "exp(-x^2 / 2)", "dx = -x * dt + sqrt(2) * dW", T, "no coefficient changes with time"),
    reversible("stiff", TH, "exp(-k * x^2 / 2)", "dx = -k * x * dt + sqrt(2) * dW", T, "f = S for every k"),
    reversible("stiff, without k", TH, "exp(-k * x^2 / 2)", "dx = -x * dt + sqrt(2) * dW", F, "only for k = 1"),
    reversible(
        "of a vector", V2, "exp(-sum(x^2) / 2)", "dx = -x * dt + sqrt(2) * dW", T, "each element is an OU process"
    ),
    reversible(
        "spinning",
        f"{V2} {SPIN}",
        "exp(-sum(x^2) / 2)",
        "dx = (-x + spin(x)) * dt + sqrt(2) * dW",
        F,
        "it keeps the law, and turns around the origin",
    ),
    reversible(
        "two noises", PAIR, GAUSS, "dx = -x * dt + sqrt(2) * dW1  dv = -v * dt + sqrt(2) * dW2", T, "no current flows"
    ),
    reversible(
        "underdamped", PAIR, GAUSS, "dx = v * dt  dv = (-x - v) * dt + sqrt(2) * dW", F, "only with v turned around"
    ),
    reversible("Hamilton", PAIR, GAUSS, "dx = v * dt  dv = -x * dt", F, "it turns one way"),
    reversible(
        "coupled",
        PAIR,
        "exp(-x^2 - v^2 + x * v)",
        "dx = (-2 * x + v) * dt + sqrt(2) * dW1  dv = (x - 2 * v) * dt + sqrt(2) * dW2",
        T,
        "f = S in both",
    ),
    reversible(
        "driven",
        PAIR,
        "exp(-x^2 - v^2 + x * v)",
        "dx = -1.5 * x * dt + sqrt(2) * dW1  dv = (2 * x - 2 * v) * dt + sqrt(2) * dW2",
        F,
        "v follows x, and x does not follow v",
    ),
)

#: Kept at every moment, and yet each of two symmetric motions follows the other.
IN_TIME = reversible("in time", X, "exp(-x^2 / 2)", "dx = -t * x * dt + sqrt(2 * t) * dW", True, "symmetric at each t")
