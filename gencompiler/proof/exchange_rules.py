"""The rule for maps that exchange one part of the input at a time for a part of the result.

With everything else held fixed, a part of the result is a bijection of one part of the input; then that part of the
result takes its place, and the rest is a map of what is left and of it.  This is elimination, with bijections for
pivots: `join(c, b + g(c))` with c = a + f(b) (Gomez et al., The reversible residual network, NeurIPS 2017, eq. 6), the
Hénon map `[1 - a x^2 + y, b x]`, a product beside one of its factors."""

from __future__ import annotations

from typing import cast

from gencompiler.proof.binders import releveled, replaced
from gencompiler.proof.facts import Bijection, Fact, VectorBijection, result
from gencompiler.proof.graph import (
    Term,
    bound_index,
    build,
    each,
    element,
    join,
    select,
    substitute,
    support_of,
    symbol,
)
from gencompiler.proof.kernel import Subject, need, rule
from gencompiler.proof.terms import ZERO, plus
from gencompiler.proof.vector_rules import Places, interval_support, part_of, volume

#: The places of the input that are given away, and those of the result that take their place, step by step.
Steps = tuple[tuple[Places, Places], ...]
Map = Bijection | VectorBijection


class Exchange:
    """The parts of a map on the way: symbols for what is left of the input and for what is known of the result."""

    def __init__(self, input_: Term, body: Term, steps: Steps) -> None:
        need(bool(input_.shape) and body.shape == input_.shape, "not a map of a tensor to one of its shape")
        for side in zip(*steps, strict=True):
            flat = [p for places in side for p in places]
            need(sorted(flat) == list(range(input_.shape[0])), "the steps do not cover the places once")
        need(all(len(own) == len(image) > 0 for own, image in steps), "a step between parts of different sizes")
        self.input, self.steps = input_, steps
        self.unknowns = tuple(self._symbol(own) for own, _ in steps)
        need(len(set(self.unknowns)) == len(steps), "two parts of {} go by one name", input_)
        need(not set(self.unknowns) & body.symbols, "a name of a part is in use")
        self._used = body.symbols | set(self.unknowns)
        wrapped = [self._whole(s) for s in self.unknowns]
        self._entries = {element(w, (ZERO,)): s for w, s in zip(wrapped, self.unknowns, strict=True) if s.shape == ()}
        whole = substitute(body, {input_: self._ordered(wrapped, 0)})
        self.first = tuple(self._part(select(whole, image)) for _, image in steps)
        self.parts = list(self.first)
        self.values: list[Term] = []

    def _symbol(self, places: Places) -> Term:
        """A part of the input; one entry of a vector is a number."""
        own = self._own(self.input, places)
        return symbol("block", str(own), support_of(self.input), own.shape)

    @staticmethod
    def _own(whole: Term, places: Places) -> Term:
        if len(places) == 1 and len(whole.shape) == 1:
            return element(whole, (build("literal", places[0], ()),))
        return select(whole, places)

    @staticmethod
    def _whole(term: Term) -> Term:
        """A number as a vector of one entry."""
        return term if term.shape else each(0, 1, term)

    def _ordered(self, parts: list[Term], side: int) -> Term:
        """Parts of the input (side 0) or of the result (1) side by side, in the order of the places."""
        flat = [p for step in self.steps for p in step[side]]
        position = {place: j for j, place in enumerate(flat)}
        return select(join(parts), (position[p] for p in range(len(flat))))

    def _part(self, term: Term) -> Term:
        """A part of the result, one of one place as a number."""
        scalar = len(self.input.shape) == 1 and term.shape == (1,)
        return replaced(_number(term) if scalar else term, self._entries)

    def exchange(self, k: int, found: Map) -> None:
        """Part k of the result takes the place of what it is a bijection of."""
        unknown, part = self.unknowns[k], self.parts[k]
        need(not any(s.data[0] == "bound" for s in part.symbols), "{} is under an index", part)
        need(found.onto, "{} does not take the same values whatever the rest is", part)
        name = f"{self.steps[k][1]} of the map of {self.input}"
        value = symbol("block", name, interval_support(found.image), part.shape)
        need(value not in self._used, "the name of {} is in use", part)
        self.values.append(value)
        undone = substitute(found.inverse, {result(part.shape): value})
        for j in range(k + 1, len(self.parts)):
            self.parts[j] = replaced(self.parts[j], {part: value})
            if unknown in self.parts[j].symbols:
                self.parts[j] = substitute(self.parts[j], {unknown: undone})

    def inverse(self, maps: list[Map]) -> Term:
        """The input in terms of the result, the last step undone first."""
        whole = result(self.input.shape)
        known = {v: self._own(whole, image) for v, (_, image) in zip(self.values, self.steps, strict=True)}
        left = set(self.unknowns)
        for k in reversed(range(len(maps))):
            found, unknown = maps[k], self.unknowns[k]
            need(not found.inverse.symbols & (left - known.keys()), "{} depends on what is undone later", found.body)
            value = substitute(found.inverse, {**known, result(found.input.shape): known[self.values[k]]})
            need(value.shape == unknown.shape, "{} is not undone place by place", found.body)
            known[unknown] = value
        return self._ordered([self._whole(known[s]) for s in self.unknowns], 0)

    def log_det(self, maps: list[Map]) -> Term:
        """The sum of the steps' log|det|, in terms of the input."""
        here = {s: self._own(self.input, own) for s, (own, _) in zip(self.unknowns, self.steps, strict=True)}
        reached = {v: substitute(first, here) for v, first in zip(self.values, self.first, strict=True)}
        found: Term = ZERO
        for step in maps:
            found = plus(found, substitute(volume(step), {**here, **reached}))
        return found


def _number(term: Term) -> Term:
    """The one entry of a vector of one entry."""
    if term.shape == ():
        return term
    if term.operation == "each":
        return replaced(term.arguments[0], {bound_index(*term.data): ZERO})
    if term.operation in ("apply", "choose"):
        return build(term.operation, term.data, tuple(map(_number, term.arguments)))
    return element(term, (ZERO,))


@rule
def exchanged(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A map in steps, each of which exchanges a part of the input for a part of the result by a bijection.

    Step k is a map of (results before k, inputs from k on) that changes one of these and keeps the others, so it is a
    bijection where that one is, for all values of the others; so is one step after the other, and the determinants
    multiply.  Each step must be onto one and the same range.  Subject: the input, the body, the steps.  Premises: the
    bijection of each step, in terms of the symbols of `Exchange`."""
    input_, body, steps = cast(tuple[Term, Term, Steps], subject)
    course = Exchange(input_, body, steps)
    need(len(premises) == len(steps), "one premise for each step")
    maps: list[Map] = []
    for k, premise in enumerate(premises):
        maps.append(part_of(premise, course.unknowns[k], course.parts[k]))
        course.exchange(k, maps[-1])
    images = {m.image for m in maps}
    need(len(images) == 1, "the steps have different ranges")
    inverse, log_det = course.inverse(maps), course.log_det(maps)
    return VectorBijection(input_, body, images.pop(), True, releveled(inverse), releveled(log_det))
