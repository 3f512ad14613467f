"""Rules for points of a simplex: vectors of numbers that are not negative and sum to 1.

Each concludes `Member(term, SIMPLEX)` of a vector; the subject of each is that vector."""

from __future__ import annotations

from fractions import Fraction

from gencompiler.model.nodes import Support
from gencompiler.proof import domain, views
from gencompiler.proof.facts import Fact, InRange, Member
from gencompiler.proof.graph import WHOLE, Term, is_finite, reduce, support_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.range_rules import range_of, subject_term

#: The points of a simplex, as many numbers as the vector has.
SIMPLEX = Support("Simplex")


def _whole_vector(term: Term) -> bool:
    return len(term.shape) == 1 and not any(views.axes(term))


@rule
def normalized(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """exp(a - log sum exp a) is positive and sums to 1: exp(a_k) / (exp(a_1) + … + exp(a_K)).  Premise: that `a` is
    defined."""
    term = subject_term(subject, "apply", "exp")
    range_of(premises[0], scores_of(term))
    return Member(term, SIMPLEX)


def scores_of(term: Term) -> Term:
    """a of softmax(a), written exp(a - log sum exp a) or exp(a) / sum(exp(a)); raises Unproved."""
    need(term.operation == "apply" and term.data in ("exp", "divide"), "{} is no softmax", term)
    if term.data == "exp":
        (inner,) = term.arguments
        need(inner.operation == "apply" and inner.data == "subtract", "{} is no softmax", term)
        scores, total = inner.arguments
        need(_whole_vector(scores) and total is reduce("logsumexp", scores), "{} is no softmax", term)
        return scores
    parts, total = term.arguments
    exponential = parts.operation == "apply" and parts.data == "exp" and total is reduce("sum", parts)
    need(exponential and _whole_vector(parts), "{} is no softmax", term)
    return parts.arguments[0]


@rule
def shares(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """a / sum(a) of positive numbers.  Premise: the range of `a`."""
    term = subject_term(subject, "apply", "divide")
    parts, total = term.arguments
    need(_whole_vector(parts) and total is reduce("sum", parts), "{} does not divide numbers by their sum", term)
    need(range_of(premises[0], parts).sign > 0, "{} may not be positive", parts)
    return Member(term, SIMPLEX)


@rule
def simplex_declared(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A symbol whose values are points of a simplex, or a row of a table of them."""
    term: Term = subject[0]
    base = term
    if term.operation == "element":
        base, *places = term.arguments
        need(all(p.operation not in ("whole", "before") for p in places[: len(base.shape) - 1]), "several rows")
        need(all(p.operation == "whole" for p in places[len(base.shape) - 1 :]), "a part of a row")
    need(base.operation == "symbol" and support_of(base).name == "Simplex", "{} is not declared so", base)
    need(term.shape == base.shape[-1:], "{} is not one row", term)
    return Member(term, SIMPLEX)


@rule
def equal_shares(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The same number 1/K, K times."""
    term = subject_term(subject, "each")
    (body,) = term.arguments
    need(term.shape == (term.data[1],) and body.operation == "literal", "{} is not one number again and again", term)
    need(body.data == Fraction(1, term.data[1]), "{} does not sum to 1", term)
    return Member(term, SIMPLEX)


@rule
def mixed_rows(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """w @ A of a point of a simplex and a table whose rows are points of one: sum_j sum_i w_i A_ij = sum_i w_i = 1.

    Premise: that w is on a simplex; the table is declared so."""
    term = subject_term(subject, "contract")
    weights, table = term.arguments
    need(premises[:1] == (Member(weights, SIMPLEX),), "{} is not known to be on a simplex", weights)
    need(table.operation == "symbol" and support_of(table).name == "Simplex", "{} is no table of rows", table)
    need(len(table.shape) == 2, "a table has two axes")
    return Member(term, SIMPLEX)


@rule
def chosen_point(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """One of two points of a simplex, chosen as a whole.  Premises: that each is one, and the range of the condition,
    one number for all elements."""
    term = subject_term(subject, "choose")
    condition, *points = term.arguments
    need(len(premises) == 3 and condition.shape == (), "not one choice for the whole vector")
    for point, known in zip(points, premises, strict=False):
        need(known == Member(point, SIMPLEX) and point.shape == term.shape, "{} is not known to be a point", point)
    range_of(premises[2], condition)
    return Member(term, SIMPLEX)


@rule
def mean_by_shares(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """sum_k w_k v_k of a point w of a simplex lies in every interval that holds all v_k: intervals are convex.

    Premises: that w is on a simplex, then the range of v, of a vector, or of a table along that axis."""
    term: Term = subject[0]
    need(len(premises) == 2, "two premises")
    for weights, values in weighted(term):
        if premises[0] == Member(weights, SIMPLEX):
            return InRange(term, range_of(premises[1], values))
    raise Unproved(f"{term} is not known to be a mean")


def weighted(term: Term) -> tuple[tuple[Term, Term], ...]:
    """(w, v) of a term that is w @ v or v @ w, where w, a whole vector, may be the weights."""
    if term.operation != "contract" or any(any(views.axes(a)) for a in term.arguments):
        return ()
    left, right = term.arguments
    pairs = ((left, right), (right, left))
    return tuple(pair for pair in pairs if _whole_vector(pair[0]))


@rule
def sum_of_shares(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The numbers of a point of a simplex sum to 1.  Premise: that it is one."""
    term = subject_term(subject, "reduce", "sum")
    need(premises == (Member(term.arguments[0], SIMPLEX),), "{} is not known to be on a simplex", term.arguments[0])
    return InRange(term, domain.point(1))


@rule
def rows_of_table(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A row of a table each of whose rows is not negative and sums to 1: the whole of a vector, or an element of a
    tensor that keeps the last axis and no other.  Premises: the ranges of the subscripts."""
    term: Term = subject[0]
    base, *subscripts = term.arguments if term.operation == "element" else (term,)
    need(base.operation == "table", "{} is no table", base)
    shape, values = base.data
    *places, last = (*subscripts, *(WHOLE,) * (len(shape) - len(subscripts)))
    need(last is WHOLE and all(a.operation not in ("whole", "before") for a in places), "{} is not a row of it", term)
    for premise, place in zip(premises, places, strict=True):
        range_of(premise, place)
    for start in range(0, len(values), shape[-1]):
        row = values[start : start + shape[-1]]
        need(all(is_finite(v) and v >= 0 for v in row) and sum(row) == 1, "a row of {} does not sum to 1", term)
    return Member(term, SIMPLEX)
