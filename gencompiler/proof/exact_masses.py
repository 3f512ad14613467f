"""Exponentials that are rational numbers: sums of logarithms of rational numbers, as tables of probabilities give."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.graph import Term
from gencompiler.proof.numbers import Number, Undecided, Values, ball

LARGEST_POWER = 64


def exponential(term: Term, point: Mapping[Term, Fraction | Values]) -> Number:
    """exp(term) at a point: exact where it is a product of numbers whose logarithms are added up, else a ball."""
    try:
        return _exact(term, point)
    except Undecided:
        return ball(evaluate(term, point)[0]).exp()


def _exact(term: Term, point: Mapping[Term, Fraction | Values]) -> Fraction:
    """exp(term) as a rational; raises Undecided where it is not seen to be one."""
    if term.operation == "apply":
        match term.data:
            case "add":
                return _exact(term.arguments[0], point) * _exact(term.arguments[1], point)
            case "subtract" | "negate":
                *first, last = (_exact(a, point) for a in term.arguments)
                if last == 0:
                    raise Undefined(term)
                return (first[0] if first else Fraction(1)) / last
            case "log":
                (own,) = evaluate(term.arguments[0], point)
                if isinstance(own, Fraction) and own >= 0:
                    return own
            case "multiply":
                (factor,) = evaluate(term.arguments[0], point)
                if isinstance(factor, Fraction) and factor == 0:
                    evaluate(term.arguments[1], point)  # which has to be defined
                    return Fraction(1)
                if isinstance(factor, Fraction) and factor.denominator == 1 and abs(factor) <= LARGEST_POWER:
                    base = _exact(term.arguments[1], point)
                    if base == 0 and factor <= 0:
                        raise Undefined(term)
                    return base ** int(factor)
    if term.operation == "choose":
        (condition,) = evaluate(term.arguments[0], point)
        return _exact(term.arguments[1 if condition else 2], point)
    if not term.symbols or term.operation in ("symbol", "apply"):
        (own,) = evaluate(term, point)
        if isinstance(own, Fraction) and own == 0:
            return Fraction(1)
    raise Undecided(f"exp({term}) is not seen to be a number")
