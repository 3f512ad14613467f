"""Rules for Lipschitz bounds, and the bijection `u + g(u)` of a contraction g.

A bound is in the Euclidean norm and holds for all values of everything but the input; norms of matrices are bounded
from above: an estimate from below, as power iteration gives one, would prove nothing."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import cast

from gencompiler.catalog.slopes import SLOPES
from gencompiler.model.nodes import REAL
from gencompiler.proof.binders import releveled
from gencompiler.proof.contractions import fixed_point, jacobian_log_det, moving
from gencompiler.proof.domain import REALS, Interval
from gencompiler.proof.facts import Fact, Lipschitz, VectorBijection, result
from gencompiler.proof.graph import Term, bound_array, is_finite, substitute, support_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.lemma_rules import change
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.terms import minus

#: How near an iteration comes to its fixed point, in units of the distance from the start: 2^-PRECISION.
PRECISION = 40

#: Steps of an iteration at most.
MOST_STEPS = 10_000


def _slope(premise: Fact, term: Term, input_: Term) -> Fraction:
    if not isinstance(premise, Lipschitz) or premise.term is not term or premise.input is not input_:
        raise Unproved(f"nothing is known about how much {term} changes with {input_}")
    return premise.slope


@rule
def lipschitz_plain(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The input itself, a part of it, each place once; and what does not depend on it."""
    term, input_ = cast(tuple[Term, Term], subject)
    if input_ not in term.symbols:
        return Lipschitz(term, input_, Fraction(0))
    part = term.operation == "select" and term.arguments[0] is input_ and len(set(term.data)) == len(term.data)
    need(term is input_ or part, "{} is not the input", term)
    return Lipschitz(term, input_, Fraction(1))


@rule
def lipschitz_network(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A network whose weights are scaled.  Premises: the slope of each of its inputs.

    |(a, b) - (a', b')|^2 is a sum of squares, so slopes of several inputs add up in squares."""
    term, input_ = cast(tuple[Term, Term], subject)
    need(term.operation == "bounded", "{} has no bound", term)
    inputs = term.arguments[0].arguments
    need(len(premises) == len(inputs), "one premise for each input")
    slopes = [_slope(p, a, input_) for p, a in zip(premises, inputs, strict=True)]
    moved = [s for s in slopes if s]
    together = moved[0] if len(moved) == 1 else sum(moved, Fraction(0))  # no less than the root of the sum of squares
    return Lipschitz(term, input_, term.data * together)


@rule
def lipschitz_applied(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A function of the catalogue with bounded slope, place by place; sums and differences.

    Premises: the slope of each argument."""
    term, input_ = cast(tuple[Term, Term], subject)
    need(term.operation == "apply" and len(premises) == len(term.arguments), "{} is not a function", term)
    slopes = [_slope(p, a, input_) for p, a in zip(premises, term.arguments, strict=True)]
    need(all(a.shape == term.shape or not s for a, s in zip(term.arguments, slopes, strict=True)), "a number is spread")
    if term.data in ("add", "subtract"):
        return Lipschitz(term, input_, slopes[0] + slopes[1])
    need(term.data in SLOPES, "the slope of {} is not bounded", term.data)
    return Lipschitz(term, input_, SLOPES[term.data] * slopes[0])


@rule
def lipschitz_multiple(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """c g(u), g(u) c with c free of the input.  Premises: the slope of g, the range of c."""
    term, input_ = cast(tuple[Term, Term], subject)
    need(term.operation == "apply" and term.data == "multiply", "{} is not a multiple", term)
    moved = [a for a in term.arguments if input_ in a.symbols]
    need(len(moved) == 1 and moved[0].shape == term.shape, "{} is not a multiple of one map", term)
    other = term.arguments[0] if term.arguments[1] is moved[0] else term.arguments[1]
    return Lipschitz(term, input_, _size(range_of(premises[1], other)) * _slope(premises[0], moved[0], input_))


def _size(interval: Interval) -> Fraction:
    need(is_finite(interval.lower) and is_finite(interval.upper), "a factor without bound")
    return max(abs(Fraction(interval.lower)), abs(Fraction(interval.upper)))


@rule
def lipschitz_product(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """W g(u): an orthogonal W keeps lengths; else the norm of W is no more than its Frobenius norm.

    Premises: the slope of g, and of another matrix the range of its elements."""
    term, input_ = cast(tuple[Term, Term], subject)
    need(term.operation == "contract", "{} is not a product", term)
    matrix, moved = sorted(term.arguments, key=lambda a: len(a.shape), reverse=True)
    need(len(matrix.shape) == 2 and len(moved.shape) == 1 and input_ not in matrix.symbols, "{} is no linear map", term)
    slope = _slope(premises[0], moved, input_)
    if matrix.operation == "symbol" and support_of(matrix).name == "Orthogonal":
        return Lipschitz(term, input_, slope)
    count = math.prod(matrix.shape)
    root = math.isqrt(count)
    norm = _size(range_of(premises[1], matrix)) * (root if root * root == count else root + 1)
    return Lipschitz(term, input_, norm * slope)


def steps_of(slope: Fraction) -> int:
    """The least n, or a little more, with slope^n <= 2^-PRECISION."""
    left, steps, unit = Fraction(1), 0, 2 ** (2 * PRECISION)
    while left > Fraction(1, 2**PRECISION):
        left = Fraction(math.ceil(left * slope * unit), unit)
        steps += 1
        need(steps <= MOST_STEPS, "{} is too near 1 for the iteration to come to an end", slope)
    return steps


@rule
def residual(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """u + g(u) of a contraction g, |g(u) - g(u')| <= c |u - u'| with c < 1.

    u -> y - g(u) is a contraction too, so it has exactly one fixed point (Banach), and u is it; the Jacobian I + dg has
    no singular value below 1 - c.  Behrmann et al. 2019, theorem 1.  Subject: the input, the body.  Premises: the
    bound, and the range of g, so that it is defined: a bound says nothing of what does not change."""
    input_, body = cast(tuple[Term, Term], subject)
    found, defined = premises
    moved = change(input_, body)
    range_of(defined, moved)
    slope = _slope(found, moved, input_)
    need(slope < 1, "the change {} may be as large as {} times that of the input", moved, slope)
    need(support_of(input_) == REAL and len(input_.shape) == 1, "not a map of the reals")
    (extent,) = input_.shape
    own = bound_array(0, extent, REAL)
    inverse = fixed_point(0, extent, steps_of(slope), substitute(minus(result(input_.shape), moved), {input_: own}))
    log_det = jacobian_log_det(slope, substitute(body, {input_: moving(input_.shape)}), input_)
    return VectorBijection(input_, body, REALS, True, releveled(inverse), releveled(log_det))
