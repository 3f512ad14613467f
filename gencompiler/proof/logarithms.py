"""A function of a positive number as one of its logarithm, and the logarithm of a product as a sum.

Part of what a proof trusts: both are identities where x, and what a logarithm is taken of, are positive."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from gencompiler.proof.binders import replaced
from gencompiler.proof.calculus import fold, is_number
from gencompiler.proof.graph import Term, apply, literal, subterms
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.terms import minus, negated, plus, times


def in_logarithm(body: Term, x: Term, v: Term) -> Term:
    """`body` at x = exp(v): log(x) is v, x^k is exp(k v)."""
    values = {x: apply("exp", v)}
    for part in subterms(body):
        if part.operation != "apply" or part.arguments[0] is not x:
            continue
        match part.data:
            case "log":
                values[part] = v
            case "sqrt":
                values[part] = apply("exp", times(literal(Fraction(1, 2)), v))
            case "power" if is_number(part.arguments[1]):
                values[part] = apply("exp", times(part.arguments[1], v))
    return fold(replaced(body, values))


def of_product(body: Term, is_positive: Callable[[Term], bool]) -> Term:
    """log(body) as a sum, for a body of positive factors; raises Unproved for any other."""
    if body.operation == "apply":
        parts = body.arguments
        match body.data:
            case "multiply":
                return plus(*(of_product(part, is_positive) for part in parts))
            case "divide":
                return minus(*(of_product(part, is_positive) for part in parts))
            case "exp":
                return parts[0]
            case "power":
                return times(parts[1], of_product(parts[0], is_positive))
            case "sqrt":
                return times(literal(Fraction(1, 2)), of_product(parts[0], is_positive))
    if not is_positive(body):
        raise Unproved(f"{body} is not positive")
    if is_number(body) and 0 < body.data < 1:
        return negated(apply("log", literal(1 / Fraction(body.data))))
    return apply("log", body)
