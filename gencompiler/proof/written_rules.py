"""Rules for maps of a few numbers, entry by entry: written out, in another order, and with a Jacobian whose diagonal
outweighs the rest."""

from __future__ import annotations

import dataclasses
import itertools
from fractions import Fraction
from typing import cast

from gencompiler.model.nodes import REAL
from gencompiler.proof.binders import releveled, replaced
from gencompiler.proof.box_sign_rules import smooth_in
from gencompiler.proof.calculus import derivative
from gencompiler.proof.components import component, components
from gencompiler.proof.domain import Interval
from gencompiler.proof.exchange_rules import as_vector
from gencompiler.proof.facts import Fact, VectorBijection, result
from gencompiler.proof.graph import (
    Term,
    element,
    is_finite,
    join,
    literal,
    select,
    substitute,
    support_of,
)
from gencompiler.proof.kernel import Subject, need, rule
from gencompiler.proof.matrices import has_positive_minors
from gencompiler.proof.operator_rules import solved
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.vector_rules import whole_of

#: Maps of at most so many numbers are written out.
LARGEST = 8


def written(input_: Term, body: Term) -> Term:
    """The entries of a map of a vector, side by side, each a formula of elements."""
    need(len(input_.shape) == 1 and input_.shape[0] <= LARGEST and body.shape == input_.shape, "{} is too large", body)
    back = {}
    for tensor in body.symbols:
        if tensor.data[0] != "bound" and tensor.shape:
            for k, place in enumerate(itertools.product(*map(range, tensor.shape))):
                back[component(tensor, k)] = element(tensor, tuple(map(literal, place)))
    return join([as_vector(replaced(entry, back)) for entry in components(body)])


@rule
def written_out(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A map that is a bijection when its entries are written out.  Subject: the input, the body.  Premises: that, and
    the range of the body: writing it out leaves out what is multiplied by 0, which must be defined."""
    input_, body = cast(tuple[Term, Term], subject)
    other, defined = premises
    range_of(defined, body)
    found = whole_of(other, input_, written(input_, body))
    return dataclasses.replace(found, body=body)


@rule
def reordered_result(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A map whose result in another order is a bijection.  Subject: the input, the body, the order.  Premise: that of
    the reordered map, all of whose elements have one range."""
    input_, body, order = cast(tuple[Term, Term, tuple[int, ...]], subject)
    need(bool(body.shape) and sorted(order) == list(range(body.shape[0])), "not an order")
    found = whole_of(premises[0], input_, select(body, order))
    moved = select(result(body.shape), order)
    inverse = substitute(found.inverse, {result(body.shape): moved})
    return VectorBijection(input_, body, found.image, found.onto, releveled(inverse), found.log_det)


# -- the Jacobian ----------------------------------------------------------------------------------------------------


def jacobian(input_: Term, body: Term) -> tuple[tuple[Term, ...], ...]:
    """The derivatives of each entry of a smooth map in each element of its input; raises Unproved."""
    need(len(input_.shape) == 1 and input_.shape[0] <= LARGEST and body.shape == input_.shape, "{} is too large", body)
    places = [component(input_, k) for k in range(input_.shape[0])]
    rows = []
    for entry in components(body):
        need(all(smooth_in(entry, c) for c in places), "{} is in pieces", entry)
        rows.append(tuple(derivative(entry, c) for c in places))
    return tuple(rows)


def compared(ranges: list[list[Interval]]) -> list[list[Fraction]]:
    """The comparison matrix: how small the elements of the diagonal can be, less how large the others."""
    found = []
    for i, row in enumerate(ranges):
        need(row[i].sign != 0, "the diagonal may vanish")
        least = row[i].lower if row[i].sign > 0 else -row[i].upper
        need(is_finite(least), "the diagonal is not bounded from below")
        line = []
        for j, own in enumerate(row):
            if j != i:
                need(is_finite(own.lower) and is_finite(own.upper), "a derivative without bound")
            line.append(Fraction(least) if j == i else -max(abs(Fraction(own.lower)), abs(Fraction(own.upper))))
        found.append(line)
    return found


@rule
def dominated_diagonal(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A smooth map whose Jacobian has a diagonal that outweighs the rest, up to weights, everywhere.

    With c_ii = inf |J_ii| and c_ij = -sup |J_ij| a nonsingular M-matrix there are weights w > 0 with C w > 0 (Berman &
    Plemmons, Nonnegative matrices in the mathematical sciences, 1979, theorem 6.2.3).  So has the mean of J along any
    segment, and |f(u) - f(v)| >= c |u - v| in the norm max |u_i| / w_i, with c > 0: f is injective, its range closed,
    and open (invariance of domain).  Subject: the input, the body.  Premises: that the body is defined, the range of
    each derivative."""
    input_, body = cast(tuple[Term, Term], subject)
    defined, *slopes = premises
    need(support_of(input_) == REAL, "not a map of the reals")
    range_of(defined, body)
    rows = jacobian(input_, body)
    size = input_.shape[0]
    need(len(slopes) == size * size, "one premise for each derivative")
    ranges = [[range_of(slopes[i * size + j], rows[i][j]) for j in range(size)] for i in range(size)]
    need(has_positive_minors(compared(ranges)), "the diagonal does not outweigh the rest")
    return solved(input_, body)
