"""The rule for maps with masks: `m * u + (1 - m) * (u * exp(s) + t)` with a constant m of zeros and ones.

Where a mask has one number, a formula with this number says the same: so a map with masks is a coupling of the places
where they agree, in another order.  Dinh, Sohl-Dickstein & Bengio, Density estimation using Real NVP, 2017, eq. 9."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import cast

from gencompiler.proof.binders import releveled
from gencompiler.proof.calculus import fold
from gencompiler.proof.facts import Fact, VectorBijection, result
from gencompiler.proof.graph import Malformed, Term, build, join, literal, select, substitute, subterms
from gencompiler.proof.kernel import Subject, need, rule
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.tables import elements, table
from gencompiler.proof.terms import ZERO
from gencompiler.proof.vector_rules import Places, whole_of


@dataclasses.dataclass(frozen=True)
class Masked:
    """The places where all masks of a map agree, class by class, and the map with its result in that order."""

    places: tuple[Places, ...]
    body: Term

    @property
    def order(self) -> tuple[int, ...]:
        return tuple(p for own in self.places for p in own)


def masked(input_: Term, body: Term) -> Masked:
    """A map by the classes of its masks; raises Unproved where it has none."""
    need(len(input_.shape) == 1 and body.shape == input_.shape, "{} is no map of a vector", body)
    masks = [t for t in subterms(body) if t.operation == "table" and t.shape == input_.shape]
    columns = list(zip(*(elements(m) for m in masks), strict=True))
    need(bool(masks) and len(set(columns)) > 1, "{} has no masks", body)
    classes = tuple(tuple(k for k, other in enumerate(columns) if other == column) for column in dict.fromkeys(columns))
    cutting = _Cutting(input_, classes)
    return Masked(classes, join([_wide(cutting.at(body, own), len(own)) for own in classes]))


class _Cutting:
    def __init__(self, input_: Term, classes: tuple[Places, ...]) -> None:
        self.shape = input_.shape
        self.classes = classes
        order = [p for own in classes for p in own]
        self.back = tuple(order.index(k) for k in range(len(order)))
        self._whole: dict[Term, Term] = {}

    def at(self, term: Term, own: Places) -> Term:
        """The elements of a term at the places of one class; one number where they are that."""
        if term.shape != self.shape:
            return self.whole(term)
        if term.operation == "table":
            return literal(elements(term)[own[0]])
        if term.operation in ("apply", "choose"):
            arguments = tuple(self.at(a, own) for a in term.arguments)
            if term.operation == "apply" and term.data == "multiply" and ZERO in arguments:
                return ZERO  # that the other factor is defined is a premise of the rule
            return fold(build(term.operation, term.data, arguments))
        return select(self.whole(term), own)

    def whole(self, term: Term) -> Term:
        """A term in whose parts masks are numbers, each class by itself."""
        if not any(t.operation == "table" and t.shape == self.shape for t in subterms(term)):
            return term
        found = self._whole.get(term)
        if found is None:
            found = self._whole[term] = self._put_together(term)
        return found

    def _put_together(self, term: Term) -> Term:
        if term.shape == self.shape and term.operation in ("apply", "choose"):
            parts = join([_wide(self.at(term, own), len(own)) for own in self.classes])
            return select(parts, self.back)
        if term.operation == "table":
            return term
        return build(term.operation, term.data, tuple(map(self.whole, term.arguments)))


def _wide(term: Term, count: int) -> Term:
    """A number as a vector of it."""
    if term.shape:
        return term
    if term.operation != "literal":
        raise Malformed("a part without elements of its own")
    return table((count,), (Fraction(term.data),) * count)


@rule
def by_masks(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A map with masks is a bijection where it is one class by class.

    The formulas agree wherever the map as written is defined, and the order of the result is another.  Subject: the
    input, the body.  Premises: that the body is defined, the bijection of the other formula."""
    input_, body = cast(tuple[Term, Term], subject)
    defined, found = premises
    range_of(defined, body)
    own = masked(input_, body)
    known = whole_of(found, input_, own.body)
    inverse = substitute(known.inverse, {result(body.shape): select(result(body.shape), own.order)})
    return VectorBijection(input_, body, known.image, known.onto, releveled(inverse), known.log_det)
