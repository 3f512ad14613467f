"""Rules for linear maps: matrices that are never singular, by their type or by what they are made of."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import cast

from gencompiler.model.nodes import REAL
from gencompiler.proof.binders import releveled
from gencompiler.proof.domain import REALS
from gencompiler.proof.facts import Fact, InRange, LogAbs, Nonsingular, VectorBijection, result
from gencompiler.proof.graph import WHOLE, Term, apply, bound_index, contract, is_finite, literal, reduce, support_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.matrices import determinant, evaluated, matrix
from gencompiler.proof.numbers import Undecided
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.tables import elements, table
from gencompiler.proof.terms import ZERO, negated, over, plus, times


def _known(premise: Fact, term: Term) -> Nonsingular:
    if not isinstance(premise, Nonsingular) or premise.term is not term:
        raise Unproved(f"{term} is not known to be invertible")
    return premise


@rule
def declared_nonsingular(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Triangular with a positive diagonal, orthogonal and square, or invertible: by declaration."""
    (term,) = cast(tuple[Term], subject)
    need(term.operation == "symbol" and len(term.shape) == 2, "{} is not declared", term)
    need(term.shape[0] == term.shape[1], "{} is not square", term)
    match support_of(term).name:
        case "Lower" | "Upper" as name:
            size = reduce("sum", apply("log", matrix("diagonal", term)))
            return Nonsingular(term, matrix(f"inverse_{name.lower()}", term), size)
        case "Orthogonal":
            return Nonsingular(term, matrix("transpose", term), ZERO)
        case "Invertible":
            return Nonsingular(term, matrix("inverse", term), matrix("log_abs_det", term))
    raise Unproved(f"{term} may be singular")


@rule
def nonsingular_table(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A square table of exact numbers that elimination does not find singular."""
    (term,) = cast(tuple[Term], subject)
    need(term.operation == "table" and len(term.shape) == 2, "{} is no table", term)
    need(term.shape[0] == term.shape[1] and all(map(is_finite, elements(term))), "{} is not square", term)
    try:
        inverse = evaluated("inverse", term.shape, elements(term))
    except Undecided:
        raise Unproved(f"{term} is singular") from None
    size = abs(determinant(term.shape[0], elements(term)))
    log = ZERO if size == 1 else apply("log", literal(size))
    return Nonsingular(term, table(term.shape, tuple(Fraction(v) for v in inverse)), log)


@rule
def nonsingular_product(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """(A B)^-1 = B^-1 A^-1, and |det| is a product.  Premises: both factors."""
    (term,) = cast(tuple[Term], subject)
    need(term.operation == "contract", "{} is not a product", term)
    left, right = (_known(p, a) for p, a in zip(premises, term.arguments, strict=True))
    return Nonsingular(term, contract(right.inverse, left.inverse), plus(left.log_abs_det, right.log_abs_det))


@rule
def nonsingular_function(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The transpose of a nonsingular matrix, or its inverse.  Premise: the matrix."""
    (term,) = cast(tuple[Term], subject)
    need(term.operation == "matrix", "{} is not a function of a matrix", term)
    own = _known(premises[0], term.arguments[0])
    if term.data == "transpose":
        return Nonsingular(term, matrix("transpose", own.inverse), own.log_abs_det)
    need(term.data == "inverse", "the {} of a matrix may be singular", term.data)
    return Nonsingular(term, own.term, negated(own.log_abs_det))


@rule
def nonsingular_exponential(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """exp(A) of any square matrix: its inverse is exp(-A), and its determinant exp(trace(A)) (Jacobi's formula; Higham,
    Functions of matrices, 2008, theorem 10.2 and section 1.2).  Premise: that A is defined."""
    (term,) = cast(tuple[Term], subject)
    need(term.operation == "matrix" and term.data == "expm", "{} is no exponential", term)
    (inner,) = term.arguments
    range_of(premises[0], inner)
    return Nonsingular(term, matrix("expm", negated(inner)), reduce("sum", matrix("diagonal", inner)))


@rule
def nonsingular_multiple(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """c A, A c and A / c for a number c other than 0.  Premises: the matrix, log|c|."""
    (term,) = cast(tuple[Term], subject)
    need(term.operation == "apply" and term.data in ("multiply", "divide"), "{} is not a multiple of a matrix", term)
    own, size = premises
    factor = next((a for a in term.arguments if a.shape == ()), None)
    need(isinstance(own, Nonsingular) and isinstance(size, LogAbs) and factor is not None, "what it is a multiple of")
    assert isinstance(own, Nonsingular)
    assert isinstance(size, LogAbs)
    assert factor is not None
    need(size.term is factor and {own.term, factor} == set(term.arguments), "premises about another product")
    count = literal(term.shape[0])
    if term.data == "multiply":
        return Nonsingular(term, over(own.inverse, factor), plus(own.log_abs_det, times(count, size.value)))
    need(term.arguments[1] is factor, "a number divided by a matrix")
    return Nonsingular(term, times(factor, own.inverse), plus(own.log_abs_det, negated(times(count, size.value))))


@rule
def matrix_value(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The elements of a transpose or a diagonal; of an exponential, an inverse and log|det|, real numbers.

    Premise: the range of the matrix, or that it is nonsingular."""
    (term,) = cast(tuple[Term], subject)
    need(term.operation == "matrix", "{} is not a function of a matrix", term)
    (found,) = premises
    if term.data == "expm":
        range_of(found, term.arguments[0])
        return InRange(term, REALS)
    if term.data in ("transpose", "diagonal"):
        need(isinstance(found, InRange) and found.term is term.arguments[0], "nothing is known about the matrix")
        assert isinstance(found, InRange)
        return InRange(term, found.interval)
    need(term.data in ("inverse", "log_abs_det"), "the {} of a matrix that is not known to be triangular", term.data)
    _known(found, term.arguments[0])
    return InRange(term, REALS)


def factor_of(input_: Term, body: Term) -> tuple[Term, bool]:
    """The matrix of a linear map, and whether the input stands before it: `W @ u`, `u @ W`, `for i: W[i] @ u`."""
    if body.operation == "each":
        return _by_rows(input_, body), False
    need(body.operation == "contract" and input_ in body.arguments, "{} is not linear in {}", body, input_)
    left, right = body.arguments
    factor = left if right is input_ else right
    need(len(factor.shape) == 2 and input_ not in factor.symbols, "{} is not linear in {}", body, input_)
    return factor, left is input_


def _by_rows(input_: Term, body: Term) -> Term:
    inner, index = body.arguments[0], bound_index(*body.data)
    need(inner.operation == "contract" and inner.arguments[1] is input_, "{} is not linear in {}", body, input_)
    row = inner.arguments[0]
    need(row.operation == "element" and row.arguments[1:] in ((index, WHOLE), (index,)), "{} is not a row", row)
    factor = row.arguments[0]
    need(index not in factor.symbols and input_ not in factor.symbols, "{} is not one matrix", factor)
    need(factor.shape == (body.data[1], *input_.shape), "{} has other rows", factor)
    return factor


@rule
def linear(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A linear map of the reals by a nonsingular matrix.  Subject: the input, the body.  Premise: the matrix.

    Of a tensor the map acts along one axis, on each of the vectors there are along it: |det| is to the power of their
    number (Kingma & Dhariwal, Glow, 2018, section 3.2)."""
    input_, body = cast(tuple[Term, Term], subject)
    factor, first = factor_of(input_, body)
    need(support_of(input_) == REAL and body.shape == input_.shape, "not a linear map of the reals")
    own = _known(premises[0], factor)
    y = result(input_.shape)
    inverse = contract(y, own.inverse) if first else contract(own.inverse, y)
    columns = math.prod(input_.shape) // factor.shape[0]  # a tensor is as many vectors, each mapped by the matrix
    log_det = own.log_abs_det if columns == 1 or own.log_abs_det is ZERO else times(literal(columns), own.log_abs_det)
    return VectorBijection(input_, body, REALS, True, releveled(inverse), releveled(log_det))
