"""A rule for maps of a few numbers that are linear far out: a determinant that is nowhere 0 makes them bijections."""

from __future__ import annotations

import dataclasses
import functools
from fractions import Fraction
from typing import cast

from gencompiler.model.nodes import REAL
from gencompiler.proof.components import component, components
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Term, is_finite, support_of
from gencompiler.proof.kernel import Subject, need, rule
from gencompiler.proof.lemma_rules import summands
from gencompiler.proof.operator_rules import solved
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.terms import ONE, ZERO, minus, plus, times
from gencompiler.proof.vector_refutations import rank
from gencompiler.proof.written_rules import jacobian

#: Determinants of more rows are not written out.
LARGEST = 3


@dataclasses.dataclass(frozen=True)
class FarOut:
    """A map as A u + g(u): the matrix A of rationals, and the entries of g."""

    linear: tuple[tuple[Fraction, ...], ...]
    rest: tuple[Term, ...]


def far_out(input_: Term, body: Term) -> FarOut:
    """The linear summands of each entry, with numbers for coefficients, and the others; raises Unproved."""
    need(len(input_.shape) == 1 and input_.shape[0] <= LARGEST and body.shape == input_.shape, "{} is too large", body)
    own = [component(input_, k) for k in range(input_.shape[0])]
    linear, rest = [], []
    for entry in components(body):
        row, left = dict.fromkeys(own, Fraction(0)), ZERO
        for summand, sign in summands(entry):
            multiple = _multiple(summand)
            if multiple is not None and multiple[1] in row:
                row[multiple[1]] += sign * multiple[0]
            else:
                left = (plus if sign > 0 else minus)(left, summand)
        linear.append(tuple(row.values()))
        rest.append(left)
    return FarOut(tuple(linear), tuple(rest))


def _multiple(term: Term) -> tuple[Fraction, Term] | None:
    """c u, u c and u / c with a number c, and u itself; None of others."""
    if term.operation == "symbol":
        return Fraction(1), term
    if term.operation != "apply" or term.data not in ("multiply", "divide"):
        return None
    left, right = term.arguments
    if term.data == "multiply" and left.operation == "literal" and is_finite(left.data):
        return Fraction(left.data), right
    if right.operation == "literal" and is_finite(right.data) and (term.data == "multiply" or right.data != 0):
        return (Fraction(right.data) if term.data == "multiply" else 1 / Fraction(right.data)), left
    return None


def determinant(rows: tuple[tuple[Term, ...], ...]) -> Term:
    """By the first row."""
    if not rows:
        return ONE
    minors = [determinant(tuple((*r[:k], *r[k + 1 :]) for r in rows[1:])) for k in range(len(rows))]
    parts = [times(a, m) for a, m in zip(rows[0], minors, strict=True)]
    return functools.reduce(lambda total, k: (minus if k % 2 else plus)(total, parts[k]), range(len(parts)), ZERO)


@rule
def proper(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A u + g(u) with A not singular, g bounded, and a determinant of the Jacobian that is nowhere 0.

    |A u| - |g| goes to infinity with |u|, and a smooth map of R^D with this property that is locally one-to-one is so
    everywhere (Hadamard; Krantz & Parks, The implicit function theorem, 2002, theorem 6.2.8).  Subject: the input,
    the body.  Premises: that the body is defined, where the determinant lies, where each entry of g lies."""
    input_, body = cast(tuple[Term, Term], subject)
    defined, volume, *bounds = premises
    need(support_of(input_) == REAL, "not a map of the reals")
    range_of(defined, body)
    found = far_out(input_, body)
    need(rank(list(found.linear)) == input_.shape[0], "{} is not linear far out", body)
    need(range_of(volume, determinant(jacobian(input_, body))).sign != 0, "the determinant may be 0")
    need(len(bounds) == len(found.rest), "one premise for each entry")
    for premise, rest in zip(bounds, found.rest, strict=True):
        own = range_of(premise, rest)
        need(is_finite(own.lower) and is_finite(own.upper), "{} is not bounded", rest)
    return solved(input_, body)
