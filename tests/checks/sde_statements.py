"""Statements about SDEs, true and false, each with its reason in a line.

A false one is a true one with a minimal error planted: a factor, a sign, a missing term, the other calculus."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Statement:
    """A spec's model, whether what it claims holds, and why."""

    name: str
    model: str
    holds: bool
    reason: str


def _model(body: str, head: str = "observed x : Real") -> str:
    return f"model M {{ {head}\n{body}\n}}"


def kernel(name: str, sde: str, law: str, holds: bool, reason: str, head: str = "observed x : Real") -> Statement:
    """dx = sde from t = 0 has this law at t."""
    body = f"sde moved(x | t : Positive) {{ dx = {sde} }}\nclaim moved(x' | x, t) == {law}"
    return Statement(f"kernel: {name}", _model(body, head), holds, reason)


def stationary(
    name: str, sde: str, density: str, holds: bool, reason: str, head: str = "observed x : Real"
) -> Statement:
    """dx = sde keeps this law: a density up to a constant, or a distribution."""
    law = f"p(x) = {density}" if density.startswith("Normal(") else f"p(x) ∝ {density}"
    body = f"{law}\nsde moved(x | t : Positive) {{ dx = {sde} }}\nclaim stationary(moved, p)"
    return Statement(f"stationary: {name}", _model(body, head), holds, reason)


_SCORE = "def s(x : Real, t : Interval(0, 1)) -> Real = mlp(x, t, hidden = [8])"
_TIME = "(x | t : Interval(0, 1))"
BETA = "def b(t : Interval(0, 1)) -> Positive = 0.1 + 19.9 * t"
VP = "-0.5 * b(t) * x * dt + sqrt(b(t)) * dW"
SUBVP = "-0.5 * b(t) * x * dt + sqrt(b(t) * (1 - exp(-0.2 * t - 19.9 * t^2))) * dW"
VE = "0.01 * 5000^t * sqrt(2 * log(5000)) * dW"
WELL = "(x - x^3) * dt + sqrt(2) * dW"
GBM = "x * dt + x * dW"


def reverse(name: str, forward: str, backward: str, holds: bool, reason: str) -> Statement:
    """Run with dt < 0, `backward` has the path law of `forward`, s(x, t) being the score."""
    body = (
        f"{BETA}\n{_SCORE}\nsde f{_TIME} {{ dx = {forward} }}\nsde r{_TIME} {{ dx = {backward} }}\nclaim reverse(r, f)"
    )
    return Statement(f"reverse: {name}", _model(body), holds, reason)


def marginals(name: str, first: str, second: str, holds: bool, reason: str) -> Statement:
    """Both have the same law at every time, s(x, t) being the score of the first."""
    body = f"{BETA}\n{_SCORE}\nsde f{_TIME} {{ dx = {first} }}\nsde g{_TIME} {{ dx = {second} }}\nclaim marginals(g) == marginals(f)"
    return Statement(f"marginals: {name}", _model(body), holds, reason)


def terminal(name: str, sde: str, law: str, holds: bool, reason: str) -> Statement:
    """At t = 1 the law is within 0.01 nats per dimension of the stated one, for data with E x^2 <= 1."""
    body = f"{BETA}\n{_SCORE}\nsde f{_TIME} {{ dx = {sde} }}\np(x(1)) = {law}"
    return Statement(f"terminal: {name}", _model(body), holds, reason)


def several(name: str, head: str, law: str, sde: str, holds: bool, reason: str) -> Statement:
    """An equation of several variables keeps a law."""
    body = f"p(x, v) ∝ {law}\nsde moved(x, v | t : Positive) {{ {sde} }}\nclaim stationary(moved, p)"
    return Statement(f"several: {name}", _model(body, head), holds, reason)


def reversible(name: str, head: str, law: str, sde: str, holds: bool, reason: str) -> Statement:
    """An equation, of x or of x and v, is reversible with respect to a law."""
    state = "x, v" if "v :" in head else "x"
    body = f"p({state}) ∝ {law}\nsde moved({state} | t : Positive) {{ {sde} }}\nclaim reversible(moved, p)"
    return Statement(f"reversible: {name}", _model(body, head), holds, reason)


T, F = True, False  # holds, does not
V2 = "observed x : Real[2]"
V3 = "observed x : Real[3]"
PAIR = "observed x : Real, v : Real"
TH = "observed x : Real  param k : Positive"
