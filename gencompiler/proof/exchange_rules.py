"""The rule for maps that exchange one part of the input at a time for a part of the result.

With everything else held fixed, a part of the result is a bijection of one part of the input; then that part of the
result takes its place, and the rest is a map of what is left and of it.  This is elimination, with bijections for
pivots: `join(c, b + g(c))` with c = a + f(b) (Gomez et al., The reversible residual network, NeurIPS 2017, eq. 6), the
Hénon map `[1 - a x^2 + y, b x]`, a product beside one of its factors.  A value on the way may take the place of a part
of the input, too: of a leapfrog step, the momentum after half of it."""

from __future__ import annotations

from typing import cast

from gencompiler.proof.binders import releveled, replaced
from gencompiler.proof.facts import Fact, VectorBijection, result
from gencompiler.proof.graph import (
    Term,
    bound_index,
    build,
    each,
    element,
    literal,
    select,
    substitute,
    support_of,
    symbol,
)
from gencompiler.proof.kernel import Subject, need, rule
from gencompiler.proof.terms import ZERO, plus
from gencompiler.proof.vector_rules import Part, Places, assembled, interval_support, part_of, volume

#: The places of the input that are given away, and what takes their place: places of the result, or a value on the way
#: in terms of the symbols of `Exchange`.
Step = tuple[Places, Places | Term]
Steps = tuple[Step, ...]
Map = Part


class Exchange:
    """The parts of a map on the way: symbols for what is left of the input and for what is known of the result."""

    def __init__(self, input_: Term, body: Term, own: tuple[Places, ...], images: tuple[Places, ...]) -> None:
        """`own`: the parts of the input, `images`: those of the result."""
        need(bool(input_.shape) and body.shape == input_.shape, "not a map of a tensor to one of its shape")
        for side in (own, images):
            flat = [p for places in side for p in places]
            need(sorted(flat) == list(range(input_.shape[0])), "the parts do not cover the places once")
        self.input, self.own = input_, own
        self.first = {places: self._symbol(places) for places in own}
        self.symbols = dict(self.first)
        need(len(set(self.symbols.values())) == len(own), "two parts of {} go by one name", input_)
        self._used = set(body.symbols) | set(self.symbols.values())
        need(not set(self.symbols.values()) & body.symbols, "a name of a part is in use")
        wrapped = [as_vector(self.symbols[places]) for places in own]
        self._entries = {element(w, (ZERO,)): w.arguments[0] for w in wrapped if w.operation == "each"}
        whole = substitute(body, {input_: assembled(wrapped, own)})
        self.wide = {places: replaced(select(whole, places), self._entries) for places in images}
        self.parts = {places: self._part(term) for places, term in self.wide.items()}
        self.exchanged: list[tuple[Term, Term, Term]] = []  # what was given away, what for, and the value of that

    def _symbol(self, places: Places) -> Term:
        """A part of the input; one entry of a vector is a number."""
        part = part_at(self.input, places)
        return symbol("block", str(part), support_of(self.input), part.shape)

    def _part(self, term: Term) -> Term:
        """A part of the result, one of one place as a number."""
        scalar = len(self.input.shape) == 1 and term.shape == (1,)
        return replaced(_number(term) if scalar else term, self._entries)

    def value(self, step: Step) -> Term:
        """What takes the place of a part of the input."""
        _, goal = step
        if isinstance(goal, Term):
            return goal
        need(goal in self.parts, "{} is known already", goal)
        return self.parts[goal]

    def exchange(self, step: Step, found: Map) -> None:
        """A value, of which `found` is the bijection, takes the place of the part of the input that it is one of."""
        own, goal = step
        unknown, value = self.symbols[own], self.value(step)
        need(not any(s.data[0] == "bound" for s in value.symbols), "{} is under an index", value)
        need(found.onto, "{} does not take the same values whatever the rest is", value)
        name = f"{len(self.exchanged)} of the map of {self.input}"
        fresh = symbol("block", name, interval_support(found.image), value.shape)
        need(fresh not in self._used, "the name of {} is in use", value)
        self._used.add(fresh)
        undone = substitute(found.inverse, {result(value.shape): fresh})
        known = {value: fresh}
        if isinstance(goal, Term):
            self.symbols[own] = fresh
        else:
            del self.symbols[own]
            known.setdefault(self.wide[goal], as_vector(fresh))
            del self.parts[goal], self.wide[goal]
        for places in self.parts:
            self.parts[places] = _without(replaced(self.parts[places], known), unknown, undone)
            self.wide[places] = _without(replaced(self.wide[places], known), unknown, undone)
        self.exchanged.append((unknown, fresh, value))

    def inverse(self, steps: Steps, maps: list[Map]) -> Term:
        """The input in terms of the result, the last step undone first."""
        whole = result(self.input.shape)
        known: dict[Term, Term] = {}
        for (_, fresh, _), (_, goal) in zip(self.exchanged, steps, strict=True):
            if not isinstance(goal, Term):
                known[fresh] = part_at(whole, goal)
        unsolved = {unknown for unknown, _, _ in self.exchanged}
        for (unknown, fresh, _), found in reversed(list(zip(self.exchanged, maps, strict=True))):
            need(fresh in known, "{} is not known", fresh)
            need(
                not found.inverse.symbols & (unsolved - known.keys()), "{} depends on what is undone later", found.body
            )
            value = substitute(found.inverse, {**known, result(found.input.shape): known[fresh]})
            need(value.shape == unknown.shape, "{} is not undone place by place", found.body)
            known[unknown] = value
        return assembled([as_vector(known[self.first[places]]) for places in self.own], self.own)

    def log_det(self, maps: list[Map]) -> Term:
        """The sum of the steps' log|det|, in terms of the input."""
        here = {s: part_at(self.input, places) for places, s in self.first.items()}
        found: Term = ZERO
        for (_, fresh, value), step in zip(self.exchanged, maps, strict=True):
            found = plus(found, substitute(volume(step), here))
            here[fresh] = substitute(value, here)
        return found


def part_at(whole: Term, places: Places) -> Term:
    """A part of a tensor; one place of a vector is a number."""
    if len(places) == 1 and len(whole.shape) == 1:
        return element(whole, (literal(places[0]),))
    return select(whole, places)


def as_vector(term: Term) -> Term:
    """A number as a vector of one entry."""
    wide = _wide(term)
    return wide if wide.shape else each(0, 1, term)


def _wide(term: Term) -> Term:
    """A function of entries of vectors as one of parts of one place, so that nothing in it stands under an index."""
    if term.shape == () and term.operation == "element" and len(term.arguments[0].shape) == 1:
        base, place = term.arguments
        return select(base, (int(place.data),)) if place.operation == "literal" else term
    if term.shape == () and term.operation in ("apply", "choose"):
        return build(term.operation, term.data, tuple(map(_wide, term.arguments)))
    return term


def _without(term: Term, unknown: Term, undone: Term) -> Term:
    return substitute(term, {unknown: undone}) if unknown in term.symbols else term


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
    """A map in steps, each of which exchanges a part of the input for a part of the result, or for a value on the way.

    A step is a map of all that is known at that time which changes one part and keeps the others, so it is a bijection
    where that part is one, for all values of the others; so is one step after the other, and the determinants multiply.
    The parts of the result must have one and the same range.  Subject: the input, the body, the parts of the input and
    of the result, the steps.  Premises: the bijection of each step, in terms of the symbols of `Exchange`."""
    input_, body, own, images, steps = cast(tuple[Term, Term, tuple[Places, ...], tuple[Places, ...], Steps], subject)
    course = Exchange(input_, body, own, images)
    need(len(premises) == len(steps), "one premise for each step")
    maps: list[Map] = []
    ranges = set()
    for step, premise in zip(steps, premises, strict=True):
        need(step[0] in course.symbols, "{} is given away already", step[0])
        maps.append(part_of(premise, course.symbols[step[0]], course.value(step)))
        course.exchange(step, maps[-1])
        if not isinstance(step[1], Term):
            ranges.add(maps[-1].image)
    need(not course.parts and not course.symbols, "a part is left")
    need(len(ranges) == 1, "the parts have different ranges")
    inverse, log_det = course.inverse(steps, maps), course.log_det(maps)
    return VectorBijection(input_, body, ranges.pop(), True, releveled(inverse), releveled(log_det))
