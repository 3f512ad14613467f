"""Rules for monotone operators: (f(u) - f(v)) · (u - v) >= 0 for all u and v.

What is continuous, strictly monotone and coercive, f(u) · u / |u| -> inf, is a bijection of R^D (Browder, Nonlinear
elliptic boundary value problems, Bull. AMS 69, 1963; Minty, Monotone (nonlinear) operators in Hilbert space, Duke 29,
1962).  So are gradients of strictly convex functions that grow fast enough, as of
|u|^2 / 2 + log sum exp(A u + b), and with them what is no gradient, such as u^3 plus a skew matrix times u."""

from __future__ import annotations

from typing import cast

from gencompiler.model.nodes import REAL
from gencompiler.proof.binders import releveled, replaced
from gencompiler.proof.contractions import jacobian_log_det, moving, solution
from gencompiler.proof.domain import NON_NEGATIVE, REALS
from gencompiler.proof.facts import Bijection, Fact, MonotoneOperator, VectorBijection, result
from gencompiler.proof.graph import Term, bound_array, contract, is_finite, reduce, substitute, support_of, symbol
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.lemma_rules import DISTANCE, directed, radial_of, summands
from gencompiler.proof.linear_forms import affine_form, multiple_of
from gencompiler.proof.matrices import matrix
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.simplex_rules import scores_of
from gencompiler.proof.terms import ZERO, minus, plus


def _operator(premise: Fact, term: Term, input_: Term) -> MonotoneOperator:
    if not isinstance(premise, MonotoneOperator) or premise.term is not term or premise.input is not input_:
        raise Unproved(f"{term} is not known to be monotone in {input_}")
    return premise


def _increasing(premise: Fact, input_: Term, body: Term) -> Bijection:
    if not isinstance(premise, Bijection) or premise.input is not input_ or premise.body is not body:
        raise Unproved(f"{body} is not known to be a bijection in {input_}")
    need(premise.increasing is True, "{} does not increase", body)
    return premise


def _real_vector(input_: Term) -> None:
    need(support_of(input_) == REAL and len(input_.shape) == 1, "{} is no vector of the reals", input_)


# -- what operators are made of --------------------------------------------------------------------------------------


@rule
def operator_constant(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """What does not depend on the input.  Premise: that it is defined."""
    term, input_ = cast(tuple[Term, Term], subject)
    _real_vector(input_)
    range_of(premises[0], term)
    need(input_ not in term.symbols and term.shape in ((), input_.shape), "{} depends on {}", term, input_)
    return MonotoneOperator(term, input_, strict=False)


@rule
def operator_elementwise(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """An increasing function of each element.  Premise: that it is one; coercive where it is onto the reals: then
    f(u_i) u_i / |u| of the largest |u_i| goes to infinity, and no other one goes to minus infinity."""
    term, input_ = cast(tuple[Term, Term], subject)
    (found,) = premises
    _real_vector(input_)
    rising = _increasing(found, input_, term)
    return MonotoneOperator(term, input_, strict=rising.onto and rising.image == REALS)


@rule
def operator_cut(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """relu of an increasing function of each element.  Premise: the function."""
    term, input_ = cast(tuple[Term, Term], subject)
    (found,) = premises
    _real_vector(input_)
    need(term.operation == "apply" and term.data == "relu", "{} is no relu", term)
    _increasing(found, input_, term.arguments[0])
    return MonotoneOperator(term, input_, strict=False)


def parts_of(term: Term, groups: tuple[tuple[int, ...], ...]) -> tuple[Term, ...]:
    """The summands of a term in groups, each group as a sum."""
    listed = summands(term)
    need(sorted(k for g in groups for k in g) == list(range(len(listed))), "the groups are not all summands")
    found = []
    for group in groups:
        together: Term = ZERO
        for k in group:
            part, sign = listed[k]
            together = (plus if sign > 0 else minus)(together, part)
        found.append(together)
    return tuple(found)


@rule
def operator_sum(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A sum of operators; one that is strict makes it so: a monotone g takes from coercivity |g(0)| at most.

    Subject: the term, the input, its summands in groups.  Premises: each group."""
    term, input_, groups = cast(tuple[Term, Term, tuple[tuple[int, ...], ...]], subject)
    parts = parts_of(term, groups)
    need(len(premises) == len(parts), "one premise for each group")
    found = [_operator(p, t, input_) for p, t in zip(premises, parts, strict=True)]
    return MonotoneOperator(term, input_, strict=any(f.strict for f in found))


@rule
def operator_multiple(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """c f(u), f(u) c and f(u) / c with a number c >= 0 free of the input.  Premises: the operator, the range of c."""
    term, input_ = cast(tuple[Term, Term], subject)
    moved, factor = multiple_of(input_, term)
    inner = _operator(premises[0], moved, input_)
    size = range_of(premises[1], factor)
    need(size.within(NON_NEGATIVE), "{} may be negative", factor)
    return MonotoneOperator(term, input_, strict=inner.strict and size.sign > 0)


# -- operators of products -------------------------------------------------------------------------------------------


def conjugate_of(input_: Term, term: Term) -> tuple[Term, Term]:
    """`transpose(A) @ g(A @ u)`, however it is written, as a symbol for A @ u and g in terms of it."""
    need(term.operation == "contract" and len(term.shape) == 1, "{} is no product", term)
    left, right = term.arguments
    outer = left if len(left.shape) == 2 else right
    inner = right if outer is left else left
    need(len(outer.shape) == 2 and len(inner.shape) == 1 and input_ not in outer.symbols, "{} is no product", term)
    turned = matrix("transpose", outer)
    before, after = (turned, outer) if outer is left else (outer, turned)  # A, and its transpose
    place = symbol("along", f"{before} @ {input_}", REAL, inner.shape)
    need(place not in inner.symbols, "the name of {} is in use", place)
    moved = replaced(inner, {contract(before, input_): place, contract(input_, after): place})
    need(input_ not in moved.symbols, "{} depends on {} otherwise than through one product", inner, input_)
    return place, moved


@rule
def operator_conjugate(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A^T g(A u) of a monotone g: (g(A u) - g(A v)) · (A u - A v) >= 0.  Premise: that g is."""
    term, input_ = cast(tuple[Term, Term], subject)
    _real_vector(input_)
    place, moved = conjugate_of(input_, term)
    _operator(premises[0], moved, place)
    need(term.shape == input_.shape, "{} has another shape", term)
    return MonotoneOperator(term, input_, strict=False)


def along_of(input_: Term, term: Term) -> tuple[Term, Term]:
    """`v * g(v @ u)`, or `g(sum(u))` for all elements, as a symbol for the product and g in terms of it."""
    direction, factor = directed(term, input_.shape)
    place = symbol("along", f"{direction} @ {input_}", REAL)
    need(place not in factor.symbols and input_ not in direction.symbols, "{} depends on {}", direction, input_)
    pairs = [reduce("sum", input_)]
    if direction.shape:
        pairs = [contract(direction, input_), contract(input_, direction)]
    moved = replaced(factor, dict.fromkeys(pairs, place))
    need(input_ not in moved.symbols, "{} depends on {} otherwise than through one product", factor, input_)
    return place, moved


@rule
def operator_along(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """v g(v @ u) of an increasing g, as above with one row.  Premise: that g is a bijection that increases."""
    term, input_ = cast(tuple[Term, Term], subject)
    _real_vector(input_)
    place, moved = along_of(input_, term)
    (found,) = premises
    _increasing(found, place, moved)
    return MonotoneOperator(term, input_, strict=False)


@rule
def operator_linear(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """M u of a matrix whose symmetric part has no negative eigenvalue, as it is written, and -M u of a skew one.
    Premise: that M is defined."""
    term, input_ = cast(tuple[Term, Term], subject)
    _real_vector(input_)
    negative = term.operation == "apply" and term.data == "negate"
    product = term.arguments[0] if negative else term
    need(product.operation == "contract" and input_ in product.arguments, "{} is not linear", term)
    factor = product.arguments[0] if product.arguments[1] is input_ else product.arguments[1]
    need(len(factor.shape) == 2 and input_ not in factor.symbols, "{} is not linear", term)
    need(term.shape == input_.shape, "{} is no vector", term)
    range_of(premises[0], factor)
    semidefinite = _is_skew(factor) if negative else _is_semidefinite(factor)
    need(semidefinite, "the symmetric part of {} may have a negative eigenvalue", factor)
    return MonotoneOperator(term, input_, strict=False)


def _is_semidefinite(term: Term) -> bool:
    """Whether a matrix is a sum of skew ones, of squares A^T A, and of multiples of squares that are not negative."""
    if _is_skew(term):
        return True
    if term.operation == "contract":
        left, right = term.arguments
        return len(left.shape) == len(right.shape) == 2 and right is matrix("transpose", left)
    if term.operation == "apply" and term.data == "add":
        return all(map(_is_semidefinite, term.arguments))
    if term.operation == "apply" and term.data == "subtract":
        return _is_semidefinite(term.arguments[0]) and _is_skew(term.arguments[1])
    if term.operation == "apply" and term.data in ("multiply", "divide"):
        numbers = [a for a in term.arguments if a.operation == "literal" and is_finite(a.data) and a.data > 0]
        others = [a for a in term.arguments if a not in numbers]
        above = term.data == "multiply" or term.arguments[0] in others  # 1 / (A A^T), element by element, is none
        return above and len(others) == 1 and others[0].shape == term.shape and _is_semidefinite(others[0])
    return False


def _is_skew(term: Term) -> bool:
    """Whether a matrix is its own transpose's negative: W - transpose(W), its multiples, their sums."""
    if term.operation != "apply":
        return False
    if term.data == "subtract" and len(term.arguments[0].shape) == len(term.arguments[1].shape) == 2:
        left, right = term.arguments
        return right is matrix("transpose", left) or (_is_skew(left) and _is_skew(right))
    if term.data in ("add", "negate"):
        return all(map(_is_skew, term.arguments))
    if term.data in ("multiply", "divide"):
        tables = [a for a in term.arguments if a.shape]
        return len(tables) == 1 and (term.data == "multiply" or term.arguments[0] is tables[0]) and _is_skew(tables[0])
    return False


# -- other gradients -------------------------------------------------------------------------------------------------


@rule
def operator_shares(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """softmax(c u + b), c >= 0: for c > 0 the gradient of the convex log sum exp(c u + b) / c.

    Premises: where each score lies as a function of the input (its slope, a number), and that the rest is defined."""
    term, input_ = cast(tuple[Term, Term], subject)
    _real_vector(input_)
    slope, offset = scores_in(input_, term)
    need(range_of(premises[0], slope).within(NON_NEGATIVE), "{} may be negative", slope)
    range_of(premises[1], offset)
    return MonotoneOperator(term, input_, strict=False)


def scores_in(input_: Term, term: Term) -> tuple[Term, Term]:
    """c and b of softmax(c u + b)."""
    slope, offset = affine_form(input_, scores_of(term))
    need(slope.shape == (), "the scores {} are not a multiple of {}", scores_of(term), input_)
    return slope, offset


@rule
def operator_radial(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """(u - c) k(r) with r = norm(u - c) where r k(r) is an increasing bijection of [0, inf): the gradient of K(r) for
    the integral K of r k(r), strictly convex and increasing, and coercive.  Premises: r k(r), the range of k(r)."""
    term, input_ = cast(tuple[Term, Term], subject)
    _real_vector(input_)
    found = radial_of(input_, term)
    scalar, size = premises
    inner = _increasing(scalar, DISTANCE, found.scalar)
    range_of(size, found.scale)
    need(inner.onto and inner.image == NON_NEGATIVE, "the scalar map is not one of [0, inf)")
    return MonotoneOperator(term, input_, strict=True)


# -- bijections ------------------------------------------------------------------------------------------------------


@rule
def minty_browder(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A strictly monotone, coercive, continuous operator is a bijection of R^D.

    Affine ones have the inverse M^-1 (y - b), with M not singular as u · M u > 0.  Subject: the input, the body.
    Premises: the operator, and the range of the body, so that the matrices and directions in it are defined."""
    input_, body = cast(tuple[Term, Term], subject)
    operator, defined = premises
    _real_vector(input_)
    range_of(defined, body)
    need(body.shape == input_.shape, "{} is no vector", body)
    need(_operator(operator, body, input_).strict, "{} is not known to be strictly monotone and coercive", body)
    return solved(input_, body)


def solved(input_: Term, body: Term) -> VectorBijection:
    """A map that is known to be a bijection of R^D, with an inverse in closed form where it is affine."""
    y = result(input_.shape)
    try:
        factor, offset = affine_form(input_, body)
    except Unproved:
        return VectorBijection(input_, body, REALS, True, *_unsolved(input_, body, y))
    if factor.shape == ():
        return VectorBijection(input_, body, REALS, True, *_unsolved(input_, body, y))
    left = y if offset is ZERO else minus(y, offset)
    inverse = contract(matrix("inverse", factor), left)
    return VectorBijection(input_, body, REALS, True, releveled(inverse), releveled(matrix("log_abs_det", factor)))


def _unsolved(input_: Term, body: Term, y: Term) -> tuple[Term, Term]:
    """The solution of an equation, and log|det| of a Jacobian."""
    (extent,) = input_.shape
    own = bound_array(0, extent, REAL)
    inverse = solution(0, extent, substitute(body, {input_: own}), y)
    log_det = jacobian_log_det(None, substitute(body, {input_: moving(input_.shape)}), input_)
    return releveled(inverse), releveled(log_det)
