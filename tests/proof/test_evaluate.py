"""Evaluation at points: exact where it can be, gradients, undefined places, and nothing decided by rounding."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import arb, ctx
from hypothesis import given, settings

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import enclosure, graph
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.formulas import instance
from gencompiler.proof.graph import Term, apply, choose, literal, reduce, symbol
from gencompiler.proof.matrices import matrix
from gencompiler.proof.numbers import Undecided, ball, compare
from tests.proof.strategies import REALS, at, distance, number, patient

X = symbol("variable", "x", REAL)
V = symbol("variable", "v", REAL, (3,))
W = symbol("parameter", "W", REAL, (2, 3))
I = symbol("index", "i", Support("Integer", (Fraction(0), Fraction(3))))  # noqa: E741


def test_the_exponential_of_a_nilpotent_matrix_is_exact() -> None:
    """1 + A + A^2 / 2 where A^3 is 0; other exponentials are no rationals."""
    a = symbol("parameter", "A", REAL, (3, 3))
    above = tuple(map(Fraction, (0, 1, 3, 0, 0, 2, 0, 0, 0)))
    assert evaluate(matrix("expm", a), {a: above}) == tuple(map(Fraction, (1, 1, 4, 0, 1, 2, 0, 0, 1)))
    with pytest.raises(Undecided):
        evaluate(matrix("expm", a), {a: tuple(Fraction(int(k % 4 == 0)) for k in range(9))})


def test_arithmetic_is_exact() -> None:
    assert at(instance("(a + 1 / 3)^2 / a - a", a=X), x=Fraction(2, 7)) == Fraction(89, 63) - Fraction(2, 7) + Fraction(
        (2 * 3 + 7) ** 2, 441
    ) / Fraction(2, 7) - Fraction(89, 63)
    assert at(apply("exp", X), x=Fraction(0)) == 1
    assert at(apply("sqrt", X), x=Fraction(4)) == 2


@pytest.mark.parametrize(
    ("term", "x"),
    [
        (apply("log", X), 0),
        (apply("log", X), -1),
        (apply("sqrt", X), -1),
        (apply("divide", literal(1), X), 0),
        (apply("logit", X), 1),
        (apply("power", X, literal(-2)), 0),
        (apply("power", X, literal(Fraction(1, 2))), -1),
    ],
    ids=str,
)
def test_outside_a_domain_there_is_no_value(term: Term, x: int) -> None:
    with pytest.raises(Undefined):
        evaluate(term, {X: Fraction(x)})


def test_rounding_decides_nothing() -> None:
    """exp(log(2)) is 2, and balls cannot say so: the comparison stays open."""
    two = apply("exp", apply("log", literal(2)))
    with pytest.raises(Undecided):
        evaluate(choose(apply("less", two, literal(2)), literal(0), literal(1)), {})
    near = apply("subtract", two, literal(2))
    with pytest.raises(Undecided):
        evaluate(apply("divide", literal(1), near), {})
    with pytest.raises(Undecided):
        evaluate(apply("log", near), {})


def test_a_value_that_floats_round_away_is_kept() -> None:
    """sigmoid(40) is below 1."""
    value = at(apply("sigmoid", X), x=Fraction(40))
    assert compare(value, Fraction(1)) < 0


def test_tensors() -> None:
    point = {V: (Fraction(1), Fraction(2), Fraction(3)), W: tuple(map(Fraction, range(6)))}
    assert evaluate(graph.contract(W, V), point) == (8, 26)
    assert evaluate(reduce("sum", apply("multiply", V, V)), point) == (14,)
    assert evaluate(reduce("max", V), point) == (3,)
    assert evaluate(graph.element(W, (literal(1), graph.WHOLE)), point) == (3, 4, 5)
    assert number(evaluate(reduce("norm", V), point)[0]) == pytest.approx(14**0.5)
    assert number(evaluate(reduce("logsumexp", V), point)[0]) == pytest.approx(3.4076059644443806)


def test_for_and_causal_views() -> None:
    point = {V: (Fraction(1), Fraction(2), Fraction(3)), W: tuple(map(Fraction, range(6)))}
    index = graph.bound_index(0, 3)
    squares = graph.each(0, 3, apply("power", graph.element(V, (index,)), literal(2)))
    assert evaluate(squares, point) == (1, 4, 9)
    earlier = graph.contract(graph.element(W, (graph.WHOLE, graph.before(I))), graph.element(V, (graph.before(I),)))
    assert evaluate(earlier, {**point, I: Fraction(0)}) == (0, 0)
    assert evaluate(earlier, {**point, I: Fraction(2)}) == (2, 11)
    # What is not before the index does not count, and exp(0) would.
    shown = reduce("sum", apply("exp", apply("subtract", graph.element(V, (graph.before(I),)), literal(1))))
    assert evaluate(shown, {**point, I: Fraction(1)}) == (1,)
    with pytest.raises(Undecided):  # a view by itself is no tensor of its shape
        evaluate(graph.element(V, (graph.before(I),)), {**point, I: Fraction(1)})


@settings(patient, max_examples=60)
@given(x=REALS, y=REALS)
def test_a_gradient_is_the_limit_of_differences(x: Fraction, y: Fraction) -> None:
    formal = symbol("formal", "f.v", REAL, (2,))
    first, second = (graph.element(formal, (literal(k),)) for k in (0, 1))
    body = instance("exp(-0.5 * a^2) + sinh(a * b) / cosh(b) + abs(b) * sigmoid(a)", a=first, b=second)
    body = apply("add", body, reduce("sum", apply("tanh", formal)))
    body = apply("add", body, graph.contract(formal, formal))
    body = apply("add", body, reduce("sum", apply("exp", graph.select(formal, (1, 0, 1)))))
    here = symbol("variable", "p", REAL, (2,))
    gradient = graph.gradient(body, (formal,), (here,))
    step = Fraction(1, 2**40)
    if abs(y) <= step:
        return
    for k, found in enumerate(evaluate(gradient, {here: (x, y)})):
        ahead, behind = ([x, y], [x, y])
        ahead[k] += step
        behind[k] -= step
        rise = [evaluate(body, {formal: tuple(place)})[0] for place in (ahead, behind)]
        with ctx.workprec(enclosure.PRECISION):
            slope = (ball(rise[0]) - ball(rise[1])) / ball(2 * step)
        assert distance(found, slope) < 1e-18


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 7])
def test_whole_powers_of_a_ball_around_0(exponent: int) -> None:
    """flint's own power says that they are not numbers."""
    with ctx.workprec(enclosure.PRECISION):
        small = (arb(0, 1e-12),)
        found = ball(evaluate(apply("power", X, literal(exponent)), {X: small})[0])
        assert found.is_finite()
        assert found.contains(0) == (exponent > 0)
