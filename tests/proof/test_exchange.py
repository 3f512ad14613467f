"""Maps that exchange one part at a time: their inverses undo them, and their log|det| is that of the Jacobian."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import pytest

from gencompiler import pipeline
from gencompiler.diagnostics.span import SourceText
from gencompiler.proof.calculus import derivative
from gencompiler.proof.components import component, components
from gencompiler.proof.evaluate import evaluate
from gencompiler.proof.facts import VectorBijection, result
from gencompiler.proof.graph import Term
from gencompiler.proof.kernel import Unproved, prove
from gencompiler.proof.scope import MapTerms, terms_of
from gencompiler.proof.search import Search
from tests.proof.strategies import number

MAPS = (
    "(u : Real[2] | a : Real, b : Positive) -> Real[2] = [1 - a * u[0]^2 + u[1], b * u[0]]",
    "(u : Positive[2]) -> Positive[2] = [u[0] * u[1], u[0] / u[1]]",
    "(u : Positive[3]) -> Positive[3] = [u[0] * u[1], u[1] * u[2], u[2]]",
    "(u : Real[4] | e : Real) -> Real[4] = join(q, h - e / 2 * q^3) where { x, p = split(u)  h = p - e / 2 * x^3  q = x + e * h }",
    "(u : Real[2] | e : Real) -> Real[2] = [u[0] + e * u[1], u[1] - e * (u[0] + e * u[1])^3]",
)


def terms(statement: str) -> MapTerms:
    model = pipeline.run(SourceText("statement.gen", f"bijection F{statement}\n"), until="resolve").model
    return terms_of(model, model.maps[0])


def determinant(matrix: list[list[float]]) -> float:
    """By its definition."""
    total = 0.0
    for order in itertools.permutations(range(len(matrix))):
        odd = sum(a > b for a, b in itertools.combinations(order, 2)) % 2
        total += (-1) ** odd * math.prod(matrix[k][p] for k, p in enumerate(order))
    return total


@pytest.mark.parametrize("statement", MAPS)
def test_an_exchange_is_undone(statement: str) -> None:
    map_ = terms(statement)
    found = Search().any_bijection(map_.input, map_.body).conclusion
    assert isinstance(found, VectorBijection)
    size = map_.input.shape[0]
    others = {s: Fraction(3, 4) for s in map_.body.symbols - {map_.input}}
    for shift in (Fraction(0), Fraction(1, 3)):
        place = tuple(Fraction(k + 1, 2) + shift for k in range(size))
        value = evaluate(map_.body, {**others, map_.input: place})
        back = evaluate(found.inverse, {**others, result((size,)): value})
        assert [number(b) for b in back] == pytest.approx([float(p) for p in place], abs=1e-12)
        elements: dict[Term, Fraction] = {component(map_.input, k): v for k, v in enumerate(place)}
        rows = [
            [number(evaluate(derivative(e, component(map_.input, k)), {**others, **elements})[0]) for k in range(size)]
            for e in components(map_.body)
        ]
        (log_det,) = evaluate(found.log_det, {**others, map_.input: place})
        assert number(log_det) == pytest.approx(math.log(abs(determinant(rows))), abs=1e-12)


def test_a_step_must_cover_what_is_left() -> None:
    """Neither a part twice, nor one left out, nor steps that are not onto: each is refused."""
    map_ = terms(MAPS[1])
    proof = Search().any_bijection(map_.input, map_.body)
    input_, body, own, images, steps = proof.subject
    prove("exchanged", proof.subject, *proof.premises)
    for other in ((steps[0],), (steps[0], steps[0]), tuple(reversed(steps))):
        with pytest.raises(Unproved):
            prove("exchanged", (input_, body, own, images, other), *proof.premises[: len(other)])
