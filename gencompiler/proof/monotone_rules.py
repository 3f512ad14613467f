"""Rules for scalar maps by their derivatives: signs on boxes, monotone functions, pieces that join, limits at the ends.

    f' > 0 on the inside of an interval, f continuous on it                       =>  f increases strictly
    f' >= 0 and analytic there, and for every value of the other symbols a point
    where f' > 0                                                                  =>  f increases strictly

Without that point the second is false: at one value of the others f' may vanish identically."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import cast

from gencompiler.proof import domain
from gencompiler.proof.asymptotics import Limits, bounds
from gencompiler.proof.box_sign_rules import BoxData, given_ranges, smooth_in
from gencompiler.proof.boxes import Evaluation, interior
from gencompiler.proof.calculus import at, derivative, fold, in_pieces, is_number, resolved
from gencompiler.proof.domain import NON_NEGATIVE, Interval
from gencompiler.proof.facts import Bijection, Fact, Monotone, OnBox, Tends, result
from gencompiler.proof.graph import Term, apply, choose, is_finite, literal, substitute
from gencompiler.proof.inverses import solve
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.log_sizes import log_size
from gencompiler.proof.numerators import cleared
from gencompiler.proof.ring import Ring
from gencompiler.proof.terms import negated, plus

# -- monotone --------------------------------------------------------------------------------------------------------


def moving(input_: Term, where: Interval) -> BoxData:
    """The box on which a slope must have its sign: the inside of the interval."""
    return ((input_, interior(where)),)


@rule
def strictly(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A map without pieces on an interval.  Subject: the input, the body, the interval, points on its inside.

    Premises: the sign of the slope (of its negative for a map that falls), then, where it may be 0, of the sum of the
    slopes at the points; then ranges of terms."""
    input_, body, where, points = cast(tuple[Term, Term, Interval, tuple[Fraction, ...]], subject)
    known = given_ranges(premises, input_, where)
    need(not where.is_point and body.shape == input_.shape, "no interval")
    Evaluation({input_: where}, known).range(body)
    need(smooth_in(body, input_), "{} is in pieces", body)
    Evaluation(dict(moving(input_, where)), known, smooth=input_).range(body)
    slope = derivative(body, input_)
    first = premises[0]
    need(isinstance(first, OnBox) and first.box == moving(input_, where), "a sign of the slope is missing")
    assert isinstance(first, OnBox)
    need(first.term in (slope, negated(slope)), "{} is not the slope", first.term)
    falling = first.term is not slope
    if first.interval.sign <= 0:
        need(first.interval.within(NON_NEGATIVE) and bool(points), "the slope has no sign")
        need(all(interior(where).contains(p) for p in points), "a point outside")
        total = total_at(first.term, input_, points)
        second = premises[1]
        need(isinstance(second, OnBox) and second.term is total and second.box == (), "a point is missing")
        assert isinstance(second, OnBox)
        need(second.interval.sign > 0, "the slope may vanish identically")
    return Monotone(input_, body, where, not falling)


def total_at(slope: Term, input_: Term, points: tuple[Fraction, ...]) -> Term:
    """The sum of a slope's values at points."""
    total = at(slope, input_, points[0])
    for point in points[1:]:
        total = apply("add", total, at(slope, input_, point))
    return fold(total)


def sections(where: Interval, cuts: tuple[Fraction, ...]) -> tuple[Interval, ...]:
    """The closed sections that cuts make of an interval, ends as they are."""
    need(list(cuts) == sorted(set(cuts)) and all(interior(where).contains(c) for c in cuts), "not cuts in order")
    ends = [(where.lower, where.lower_open), *((c, False) for c in cuts), (where.upper, where.upper_open)]
    return tuple(
        Interval(low, high, low_open, high_open) for (low, low_open), (high, high_open) in itertools.pairwise(ends)
    )


def piece(body: Term, input_: Term, where: Interval, known: dict[Term, Interval]) -> Term:
    """The formula that a map in pieces has on the inside of an interval."""
    inside = Evaluation({input_: interior(where)}, known)
    return resolved(in_pieces(body, input_), input_, inside.holds)


@rule
def joined(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A map in pieces, all monotone the same way, with one value where two meet.

    Subject: the input, the body, the interval, the cuts.  Premises: each piece on its closed section; then ranges."""
    input_, body, where, cuts = cast(tuple[Term, Term, Interval, tuple[Fraction, ...]], subject)
    known = given_ranges(premises, input_, where)
    parts = sections(where, cuts)
    formulas = [piece(body, input_, part, known) for part in parts]
    need(len(premises) >= len(parts), "one premise for each piece")
    found = []
    for premise, part, formula in zip(premises, parts, formulas, strict=False):
        held = isinstance(premise, Monotone) and (premise.input, premise.body, premise.domain) == (
            input_,
            formula,
            part,
        )
        need(held, "{} is not known to be monotone on {}", formula, part)
        assert isinstance(premise, Monotone)
        found.append(premise)
    need(len({m.increasing for m in found}) == 1, "the pieces run in different directions")
    ring = Ring()
    for cut, left, right in zip(cuts, formulas, formulas[1:], strict=False):
        Evaluation({input_: domain.point(cut)}, known).range(body)
        own = at(body, input_, cut)
        values = [at(f, input_, cut) for f in (left, right)]
        same = all(same_value(ring, own, v, known) for v in values)
        need(same, "the pieces do not have one known value at {}", cut)
    for end, formula in ((where.lower, formulas[0]), (where.upper, formulas[-1])):
        if is_finite(end) and where.contains(end):
            Evaluation({input_: domain.point(end)}, known).range(body)
            own = at(body, input_, Fraction(end))
            need(same_value(ring, own, at(formula, input_, Fraction(end)), known), "another value at {}", end)
    return Monotone(input_, body, where, found[0].increasing)


def same_value(ring: Ring, left: Term, right: Term, known: dict[Term, Interval]) -> bool:
    """Whether two terms are seen to have one value: as terms, as polynomials, or as one number."""
    if left is right or ring.same(left, right):
        return True
    evaluation = Evaluation({}, known)
    try:
        one, other = evaluation.range(left), evaluation.range(right)
    except Unproved:
        return False
    return one.is_point and one == other


# -- ends ------------------------------------------------------------------------------------------------------------


@rule
def tends(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The limit at an end.  Subject: the input, the body, the interval, whether at the upper end, and where the last
    section of a map in pieces begins (None without pieces).  Premises: ranges of terms."""
    input_, body, where, upper, last = cast(tuple[Term, Term, Interval, bool, Fraction | None], subject)
    known = given_ranges(premises, input_, where)
    part = where
    if last is not None:
        low, high = sections(where, (last,))
        part = high if upper else low
    formula = piece(body, input_, part, known)
    signs = Evaluation({}, given_ranges(premises))
    end = part.upper if upper else part.lower
    if is_finite(end) and part.contains(end):
        value = at(formula, input_, Fraction(end))
        Evaluation({input_: domain.point(end)}, known).range(formula)
        limit: Term | float = value
    else:
        limits = Limits(input_, part, bool(upper), signs)
        try:
            limit = limits.limit(formula)
        except Unproved:
            limit = limits.squeezed(formula, Evaluation({input_: part}, known))
    if not isinstance(limit, float) and not is_number(limit):
        limit = settled(limit)
    return Tends(input_, body, where, bool(upper), *bounds(limit, signs))


# -- the bijection ---------------------------------------------------------------------------------------------------


@rule
def by_slope(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A monotone function of a bijection, onto the interval between its limits.

    Subject: the input, the body, the symbol that stands for the inner bijection, the function of it, its cuts.
    Premises: the inner bijection, the monotone function, its limits at the lower and the upper end; then ranges."""
    input_, body, x, outer, cuts = cast(tuple[Term, Term, Term, Term, tuple[Fraction, ...]], subject)
    inner, monotone, low, high, *_ = premises
    known = given_ranges(premises, x, inner.image) if isinstance(inner, Bijection) else {}
    if not isinstance(inner, Bijection) or inner.input is not input_ or not isinstance(monotone, Monotone):
        raise Unproved("the inner map is not known to be a bijection")
    need(x is input_ or (x.operation == "symbol" and x.data[0] == "inner"), "not a symbol of its own")
    need(x is not input_ or inner.body is input_, "the input stands for another map")
    need(x is input_ or x not in inner.body.symbols, "the symbol is in use")
    need(x is input_ or input_ not in outer.symbols, "{} depends on {} too", outer, input_)
    need(x is input_ or composed(inner, x, outer, body), "{} is not the composition", body)
    need((monotone.input, monotone.body, monotone.domain) == (x, outer, inner.image), "another function")
    need(outer is body or x is not input_, "another function")
    ends: list[Tends] = []
    for premise, upper in ((low, False), (high, True)):
        if not isinstance(premise, Tends) or (premise.input, premise.body, premise.domain, premise.upper) != (
            x,
            outer,
            inner.image,
            upper,
        ):
            raise Unproved("a limit is missing")
        ends.append(premise)
    image = _between(inner.image, ends, monotone.increasing)
    exact = all(e.low == e.high for e in ends)
    rising = None if inner.increasing is None else inner.increasing == monotone.increasing
    y = result(input_.shape)
    undone = _undone(x, outer, inner.image, cuts, y, image, monotone.increasing, known)
    signs = Evaluation({x: interior(inner.image)}, known)
    slope = log_size(derivative(in_pieces(outer, x), x), signs)
    here = substitute(slope, {x: inner.body})
    back = substitute(inner.inverse, {y: undone})
    return Bijection(input_, body, image, inner.onto and exact, rising, back, plus(inner.log_derivative, here))


def composed(inner: Bijection, x: Term, outer: Term, body: Term) -> bool:
    """Whether `body` is `outer` of the inner map: as it is written, or with the inner map undone."""
    if substitute(outer, {x: inner.body}) is body:
        return True
    undone = substitute(inner.inverse, {result(inner.input.shape): x})
    return inner.onto and substitute(body, {inner.input: undone}) is outer


def _between(where: Interval, ends: list[Tends], increasing: bool) -> Interval:
    """The interval between two limits; an end is reached where that of the domain is."""
    low, high = ends if increasing else reversed(ends)
    low_open, high_open = where.lower_open, where.upper_open
    if not increasing:
        low_open, high_open = high_open, low_open
    return Interval(low.low, high.high, low_open, high_open)


def _undone(
    x: Term,
    outer: Term,
    where: Interval,
    cuts: tuple[Fraction, ...],
    y: Term,
    image: Interval,
    increasing: bool,
    known: dict[Term, Interval],
) -> Term:
    """The inverse, section by section."""
    parts = sections(where, cuts)
    found: Term | None = None
    for place, part in enumerate(parts):
        formula = piece(outer, x, part, known)
        own = solve(formula, x, y, part, increasing, Evaluation({x: part, y: image}, known))
        if found is None:
            found = own
            continue
        joint = at(outer, x, cuts[place - 1])
        beyond = apply("greater_equal" if increasing else "less_equal", y, joint)
        found = choose(beyond, own, found)
    assert found is not None
    return found


def settled(term: Term) -> Term:
    """A term that is one number for all values of its symbols, as that number."""
    numerator, divided = cleared(term)
    denominator: Term = literal(1)
    for factor, count in divided:
        denominator = apply("multiply", denominator, apply("power", factor, literal(-count)))
    ring = Ring()
    above, below = ring.normal(numerator), ring.normal(fold(denominator))
    if not above or not below:
        return literal(0) if below else term
    monomial = next(iter(below))
    ratio = above.get(monomial, Fraction(0)) / below[monomial]
    return literal(ratio) if above == {m: c * ratio for m, c in below.items()} else term
