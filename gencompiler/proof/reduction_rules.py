"""Rules for the ranges of sums, products and other reductions, over causal views too."""

from __future__ import annotations

import math
from fractions import Fraction

from gencompiler.proof import domain, views
from gencompiler.proof.domain import NON_NEGATIVE, POSITIVE, REALS, Interval
from gencompiler.proof.facts import Fact, InRange
from gencompiler.proof.graph import Term, bound_index, is_finite, literal, substitute
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.range_rules import ranges, subject_term

#: Products of more factors than this are bounded by what their range is closed under.
LONGEST_PRODUCT = 64
#: Ranges that products do not leave.
_CLOSED = (Interval(0, 1, True, False), Interval(0, 1), POSITIVE, NON_NEGATIVE, Interval(-1, 1))


@rule
def contraction(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """`a @ b` is a sum of products, as many as the axis has places; over a causal view, any number up to that.

    `v @ v` is a sum of squares."""
    term = subject_term(subject, "contract")
    left, right = ranges(term, premises)
    views.axes(term)
    outer, inner = term.arguments
    counts = views.count(inner.shape[:1], views.axes(inner)[:1])
    squares = outer is inner and len(inner.shape) == 1
    return InRange(term, _sums(domain.power(left, 2) if squares else domain.multiply(left, right), counts))


def _sums(interval: Interval, counts: tuple[int, int]) -> Interval:
    """The sums of any number of values of an interval, between the two counts: linear in the number, so their hull."""
    return domain.hull(*(domain.scale(interval, n) for n in counts))


@rule
def reduction(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A reduction of a tensor all of whose elements are in one range.

    Of nothing, the sum is 0, the product 1 and the norm 0; a mean, a min, a max or a logarithm of a sum is not
    defined."""
    term = subject_term(subject, "reduce")
    (operand,) = ranges(term, premises)
    counts = views.count(term.arguments[0].shape, views.axes(term.arguments[0]))
    if term.data == "sum":
        return InRange(term, _sums(operand, counts))
    if term.data == "prod":
        return InRange(term, _products(operand, counts))
    if term.data == "norm":
        return InRange(term, _norms(operand, counts))
    need(counts[0] > 0, "{} of nothing is not defined, and a causal view may be empty", term.data)
    if term.data in ("mean", "min", "max", "logmeanexp"):
        return InRange(term, operand)
    need(term.data == "logsumexp", "{} is not a reduction", term.data)
    return InRange(term, REALS)


def first_entry(term: Term) -> Term:
    """The first factor of a product of an array that is written with an index."""
    array = term.arguments[0]
    need(term.data == "prod" and array.operation == "each" and len(array.shape) == 1, "no product over an index")
    depth, extent = array.data
    need(extent > 0, "a product of nothing")
    return substitute(array.arguments[0], {bound_index(depth, extent): literal(0)})


@rule
def shrinking_product(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Of numbers between 0 and 1 the product is at most the first, and not 0 where none is.

    Premises: the range of the factors, and that of the first."""
    term = subject_term(subject, "reduce")
    every, first = premises
    if not isinstance(every, InRange) or not isinstance(first, InRange):
        raise Unproved("two ranges are needed")
    need(every.term is term.arguments[0] and first.term is first_entry(term), "ranges of something else")
    need(every.interval.within(Interval(0, 1)), "a factor may be above 1, or below 0")
    return InRange(term, Interval(0, first.interval.upper, every.interval.sign > 0, first.interval.upper_open))


@rule
def running_sums(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The running sums of a vector: of 1, 2, … of its elements."""
    term = subject_term(subject, "scan")
    (operand,) = ranges(term, premises)
    views.axes(term)
    return InRange(term, _sums(operand, (1, term.shape[0])))


@rule
def between_knots(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The number of an interval between knots."""
    term = subject_term(subject, "bin")
    ranges(term, premises)
    return InRange(term, Interval(Fraction(0), Fraction(term.arguments[1].shape[0] - 2)))


def _products(factor: Interval, counts: tuple[int, int]) -> Interval:
    """The products of any number of values of an interval, between the two counts."""
    least, most = counts
    if most > LONGEST_PRODUCT:
        one = (domain.point(1),) * (least == 0)
        closed = next((r for r in _CLOSED if factor.within(r)), REALS)
        return domain.hull(closed, *one)
    found, product = [], domain.point(1)
    for number in range(most + 1):
        if number >= least:
            found.append(product)
        product = domain.multiply(product, factor)
    return domain.hull(*found)


def _norms(element: Interval, counts: tuple[int, int]) -> Interval:
    """sqrt(x_1^2 + … + x_n^2) <= ceil(sqrt(n)) max|x|, and at least min|x| where there is an element."""
    least, most = counts
    size = element if element.sign > 0 else domain.negate(element) if element.sign < 0 else None
    reach = max(-element.lower, element.upper)
    upper = reach * (math.isqrt(most - 1) + 1) if is_finite(reach) else math.inf
    if size is None or least == 0:
        return Interval(0, upper)
    return Interval(size.lower, upper, size.lower_open)
