"""Rules for waves in half turns: sin, cos and tan of pi times a number."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

from gencompiler.proof.facts import Bijection, Fact, InRange, result
from gencompiler.proof.graph import Term, apply, constant, literal, substitute
from gencompiler.proof.half_turns import WAVES, half_turns, image, quarter
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.terms import ONE, ZERO, minus, negated, over, plus, times

_PI = constant("pi")


def turns_of(wave: Term) -> Term:
    """The r of sin(pi r), cos(pi r) or tan(pi r); raises Unproved for other terms."""
    need(wave.operation == "apply" and wave.data in WAVES, "{} is no wave", wave)
    found = half_turns(wave.arguments[0])
    if found is None:
        raise Unproved(f"{wave.arguments[0]} is no multiple of pi")
    return found


@rule
def wave_values(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Where a wave lies.  Subject: the wave.  Premises: the range of its half turns, and of its argument, which says that
    it is defined."""
    (wave,) = cast(tuple[Term], subject)
    turns, angle = premises
    range_of(angle, wave.arguments[0])
    found = image(wave.data, range_of(turns, turns_of(wave)))
    if found is None:
        raise Unproved(f"{wave} may be undefined")
    return InRange(wave, found[0])


@rule
def turned(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A wave between two turning points.

    With s = asin(y) / pi in [-1/2, 1/2]: sin(pi r) = y has r = k + (-1)^k s in [k - 1/2, k + 1/2], and cos(pi r) = y
    has r = k + 1/2 - (-1)^k s in [k, k + 1].  Subject: the input, the body.  Premise: the bijection of the half
    turns."""
    input_, body = cast(tuple[Term, Term], subject)
    turns = turns_of(body)
    (inner,) = premises
    need(isinstance(inner, Bijection) and body.shape == input_.shape, "the half turns are not known to be a bijection")
    assert isinstance(inner, Bijection)
    need(inner.input is input_ and inner.body is turns, "a premise about another map")
    k = quarter(body.data, inner.image)
    found = image(body.data, inner.image)
    if k is None or found is None:
        raise Unproved(f"{body} turns where {turns} is in {inner.image}")
    rising = (k % 2 == 0) == (body.data != "cos")
    y = result(input_.shape)
    odd = k % 2 == 1
    share = over(apply("atan", y), _PI) if body.data == "tan" else _arcsine(negated(y) if odd else y)
    start = literal(Fraction(k) + (Fraction(1, 2) if body.data == "cos" else 0))
    undone = minus(start, share) if body.data == "cos" else plus(start, share) if k else share
    angle = body.arguments[0]
    if body.data == "tan":
        slope = apply("log1p", apply("power", body, literal(2)))
    else:
        slope = apply("log", apply("abs", apply("cos" if body.data == "sin" else "sin", angle)))
    return Bijection(
        input_,
        body,
        found[0],
        inner.onto and found[1],
        None if inner.increasing is None else inner.increasing == rising,
        substitute(inner.inverse, {y: undone}),
        plus(inner.log_derivative, plus(apply("log", _PI), slope)),
    )


def _arcsine(y: Term) -> Term:
    """asin(y) / pi = 2 atan(y / (1 + sqrt(1 - y^2))) / pi, which is defined at -1 and 1 too."""
    inside = times(minus(ONE, y), plus(ONE, y))
    root = apply("sqrt", apply("max", inside, ZERO))
    return over(times(literal(2), apply("atan", over(y, plus(ONE, root)))), _PI)
