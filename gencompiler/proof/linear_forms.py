"""Affine functions of a vector as a matrix times it and an offset.  Part of what a proof trusts."""

from __future__ import annotations

from fractions import Fraction

from gencompiler.proof.graph import Term, apply, contract, literal
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.matrices import matrix
from gencompiler.proof.tables import table
from gencompiler.proof.terms import ONE, ZERO, minus, negated, over, plus, times


def affine_form(input_: Term, term: Term) -> tuple[Term, Term]:
    """M and b of a term that is M @ u + b, read off its structure; a number c for the multiple c of the identity.

    Raises Unproved."""
    if term is input_:
        return ONE, ZERO
    if input_ not in term.symbols:
        return ZERO, term
    if term.operation == "contract":
        return _product(input_, term)
    need(term.operation == "apply", "{} is not affine in {}", term, input_)
    match term.data:
        case "add" | "subtract":
            (left, at), (right, to) = (affine_form(input_, a) for a in term.arguments)
            size = next((f.shape[0] for f in (left, right) if f.shape), 0)
            left, right = (_wide(f, size) if size else f for f in (left, right))
            combine = plus if term.data == "add" else minus
            return _simple(combine(left, right)), combine(at, to)
        case "negate":
            factor, offset = affine_form(input_, term.arguments[0])
            return negated(factor), offset if offset is ZERO else negated(offset)
        case "multiply" | "divide":
            moved, other = multiple_of(input_, term)
            change = times if term.data == "multiply" else over
            factor, offset = affine_form(input_, moved)
            return change(factor, other), offset if offset is ZERO else change(offset, other)
    raise Unproved(f"{term} is not affine in {input_}")


def multiple_of(input_: Term, term: Term) -> tuple[Term, Term]:
    """A product or quotient as what depends on the input and a number that does not; raises Unproved."""
    need(term.operation == "apply" and term.data in ("multiply", "divide"), "{} is not a multiple", term)
    moved = [a for a in term.arguments if input_ in a.symbols]
    need(len(moved) == 1, "{} is not a multiple of what depends on {}", term, input_)
    factor = term.arguments[0] if term.arguments[1] is moved[0] else term.arguments[1]
    need(factor.shape == () and (term.data == "multiply" or term.arguments[1] is factor), "{} is no number", factor)
    return moved[0], factor


def _product(input_: Term, term: Term) -> tuple[Term, Term]:
    left, right = term.arguments
    first = input_ in left.symbols
    moved, factor = (left, right) if first else (right, left)
    need(input_ not in factor.symbols and len(factor.shape) == 2 and len(moved.shape) == 1, "{} is not affine", term)
    own = matrix("transpose", factor) if first else factor
    inner, offset = affine_form(input_, moved)
    whole = contract(own, inner) if inner.shape else (own if inner is ONE else apply("multiply", inner, own))
    return whole, offset if offset is ZERO else contract(own, offset)


def _wide(factor: Term, size: int) -> Term:
    """A multiple of the identity as a matrix."""
    if factor.shape or factor is ZERO:
        return factor
    identity = table((size, size), tuple(Fraction(int(i == j)) for i in range(size) for j in range(size)))
    return times(identity, factor)


def _simple(term: Term) -> Term:
    """A sum of numbers as a number."""
    if term.operation == "apply" and all(a.operation == "literal" for a in term.arguments):
        left, right = (Fraction(a.data) for a in term.arguments)
        return literal(left + right if term.data == "add" else left - right)
    return term
