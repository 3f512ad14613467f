"""Which maps have an inverse in closed form: in elementary functions and Lambert's W, as a formula or where a root starts."""

from __future__ import annotations

import pytest

from gencompiler import pipeline
from gencompiler.diagnostics.span import SourceText
from gencompiler.model import nodes
from gencompiler.node import walk

CLOSED = """
(u : Positive) -> Positive = u * exp(u)
(u : Real) -> Real = u + exp(u)
(u : Positive) -> Real = u + log(u)
(u : Real) -> Real = exp(u) - exp(-u)
(u : Real) -> Open(-1, 1) = u / (1 + abs(u))
(u : Real) -> Real = u^3 + 3 * u + 1
(u : Positive) -> Open(1, inf) = exp(u^2 + u)
(u : Real) -> Positive = exp(2 * u) + exp(u)
(u : Real) -> Real = exp(3 * u) - exp(-3 * u)
(u : Real) -> Open(-1, 1) = (exp(u) - 1) / (exp(u) + 1)
(u : Positive) -> Real = log(exp(u) - 1)
(u : Positive) -> Real = log(u) + u^2
(u : Positive) -> Positive = u * exp(u^2)
(u : Positive) -> Positive = u^2 * exp(u)
(u : Positive) -> Real = u - 1 / u
(u : Positive) -> Real = u^2 - 1 / u^2
(u : Positive) -> Real = log(u) - 1 / u
(u : Positive) -> Real = sqrt(u) + log(u)
(u : Open(1, inf)) -> Positive = u * log(u)
(u : Unit) -> Positive = u / (1 - u)^2
(u : Real) -> Real = 2 * u + abs(u)
(u : Real) -> Real = u + u * abs(u)
(u : Real) -> Real = sign(u) * (exp(abs(u)) - 1)
(u : Real | a : Positive, b : Positive) -> Real = a * u - b * exp(-u)
(u : Positive | a : Positive, b : Positive) -> Real = a * u + b * log(u)
(u : Positive | a : Positive, b : Positive) -> Real = a * u^3 + b * log(u)
(u : Positive | k : Positive) -> Positive = u^3 * exp(k * u)
(u : Real) -> Real = softplus(u) - softplus(-u)
(u : Open(-1, 1)) -> Real = u / (1 - u^2)
(u : Positive) -> Positive = sqrt(u^2 + u)
(u : Positive) -> Positive = u^2 / (1 + u)
(u : Real) -> Open(-1, 1) = u / sqrt(1 + u^2)
(u : Open(-1, 1)) -> Real = u / sqrt(1 - u^2)
(u : Real) -> Positive = u + sqrt(u^2 + 1)
(u : Real) -> Positive = (u + sqrt(u^2 + 4)) / 2
(u : Positive) -> Positive = log(cosh(u))
"""
#: Kepler's equation, a sum of tanh, a quintic: no such formula.
SOLVED = """
(u : Real | a : Open(-1, 1)) -> Real = u + a * sin(u)
(u : Real) -> Real = u + tanh(u)
(u : Real) -> Real = u^5 + u
(u : Positive) -> Real = u + exp(u) + log(u)
"""


def is_closed(statement: str) -> bool:
    done = pipeline.run(SourceText("map.gen", f"bijection F{statement}\n"), until="derive")
    (inverse,) = done.derived.inverses.values()
    return not any(isinstance(part, nodes.Root) and part.near is None for part in walk(inverse.body))


@pytest.mark.parametrize("statement", CLOSED.strip().splitlines())
def test_there_is_a_formula(statement: str) -> None:
    assert is_closed(statement)


@pytest.mark.parametrize("statement", SOLVED.strip().splitlines())
def test_there_is_none(statement: str) -> None:
    assert not is_closed(statement)
