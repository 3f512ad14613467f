"""Small term constructors that drop neutral numbers, so that derived formulas read as one would write them."""

from __future__ import annotations

import math

from gencompiler.proof.graph import Term, apply, literal, reduce

ZERO = literal(0)
ONE = literal(1)


def negated(term: Term) -> Term:
    """-t"""
    if term.operation == "apply" and term.data == "negate":
        return term.arguments[0]
    return apply("negate", term)


def plus(left: Term, right: Term) -> Term:
    """a + b"""
    if left is ZERO or right is ZERO:
        return right if left is ZERO else left
    if right.operation == "apply" and right.data == "negate":
        return apply("subtract", left, right.arguments[0])
    return apply("add", left, right)


def minus(left: Term, right: Term) -> Term:
    """a - b"""
    return plus(left, negated(right))


def times(left: Term, right: Term) -> Term:
    """a b"""
    if left is ONE or right is ONE:
        return right if left is ONE else left
    return apply("multiply", left, right)


def over(left: Term, right: Term) -> Term:
    """a / b"""
    return left if right is ONE else apply("divide", left, right)


def total(term: Term, shape: tuple[int, ...]) -> Term:
    """The sum of `term` over a tensor of `shape`; a scalar counts for every element."""
    if term is ZERO or shape == ():
        return term
    return reduce("sum", term) if term.shape else times(literal(math.prod(shape)), term)
