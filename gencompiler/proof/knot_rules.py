"""Rules for splines: pieces between knots, and a piece around 0 with tails.

Gregory & Delbourgo, Piecewise rational quadratic interpolation to monotonic data, 1982; Durkan, Bekasov, Murray &
Papamakarios, Neural spline flows, 2019.  Nothing here is about a family of splines: within an interval the body is a
quotient of polynomials, rising because the Bernstein coefficients of its derivative's numerator are not negative."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import cast

from gencompiler.model.nodes import REAL, Real, Support
from gencompiler.proof import domain, quotients
from gencompiler.proof.domain import Interval
from gencompiler.proof.facts import Bijection, Fact, result
from gencompiler.proof.graph import (
    Term,
    apply,
    choose,
    element,
    is_finite,
    literal,
    substitute,
    support_of,
    symbol,
)
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.knots import Knots, Piece, ends, exact, knots_of, replaced, signs, simplexes, total
from gencompiler.proof.quotients import Coefficient, Known, Polynomial, Quotient, in_bernstein, positive, written
from gencompiler.proof.running import bin_of
from gencompiler.proof.terms import ONE, ZERO, minus, over, plus, times


@rule
def knots(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A spline on a closed interval: rising pieces between increasing knots, each ending where the next begins.

    Subject: input, body, the interval between knots (`bin`).  Premises, in any order: the range of every atom of the
    piece, that the widths are positive, and that what the widths and heights are made of sums to 1.

    The inverse solves the piece for r: linear, Möbius or quadratic, with the root that does not cancel."""
    input_, body, place = cast(tuple[Term, Term, Term], subject)
    need(support_of(input_).name == "Interval", "{} is not a closed interval", support_of(input_))
    heights, inverse, log_slope = piece_between_knots(input_, body, place, premises)
    first = exact(heights.start)
    last = first + exact(total(heights.widths, simplexes(premises)))
    return Bijection(input_, body, Interval(first, last), True, True, inverse, log_slope)


def piece_between_knots(input_: Term, body: Term, place: Term, premises: tuple[Fact, ...]) -> tuple[Knots, Term, Term]:
    """Of a spline: its values at the knots, the inverse of the piece that `result` lies in, and log of the slope;
    raises Unproved unless its pieces rise and meet."""
    piece, found = defined_piece(input_, body, place, premises)
    known = signs(premises)
    at, heights = _value_knots(piece, found)
    slope = quotients.sum_of(
        quotients.product_of(quotients.derivative(found.top), found.bottom),
        quotients.product_of(found.top, quotients.derivative(found.bottom)),
        -1,
    )
    rising = quotients.positive_inside(slope, known)
    if rising is None:
        raise Unproved("a piece is not seen to rise between its knots")
    inverse = _inverse(piece, found, _above(found, at), at)
    return heights, inverse, _log_slope(piece, found, known, rising)


def defined_piece(input_: Term, body: Term, place: Term, premises: tuple[Fact, ...]) -> tuple[Piece, Quotient]:
    """What a body says between knots that run from one end of the domain to the other; raises Unproved unless every
    part of it has a value there."""
    need(place.operation == "bin" and place.arguments[0] is input_, "{} does not ask for {}", place, input_)
    piece = Piece(input_, place)
    found = piece.of(body)
    known = signs(premises)
    for atom in piece.atoms:
        need(atom in known, "nothing is known of {}", atom)
    widths = piece.knots.widths
    need(widths in known and known[widths].sign > 0, "the distances {} may not be positive", widths)
    for divisor in piece.divisors:
        need(quotients.positive(divisor.top, known) is not None, "a divisor may vanish between knots")
    need(quotients.positive(found.bottom, known) is not None, "a divisor may vanish between knots")
    _reaches(input_, piece.knots, premises)
    return piece, found


def _reaches(input_: Term, own: Knots, premises: tuple[Fact, ...]) -> None:
    """The knots run from one end of the domain to the other."""
    lower, upper = ends(input_)
    need(own.start == lower, "the first knot is not the lower end of {}", support_of(input_))
    end = quotients.added(own.start, total(own.widths, simplexes(premises)))
    need(end == upper, "the last knot is not the upper end of {}", support_of(input_))


def _value_knots(piece: Piece, found: Quotient) -> tuple[Term, Knots]:
    """What the piece is worth at its left end, an element y[k] of knots, as it must be worth y[k + 1] at its right."""
    at_left = {p for p in piece.atoms if found.top and found.top[0] == _times(p, found.bottom[0])}
    knots_ = [p for p in at_left if p.operation == "element" and p.arguments[1:] == (piece.place,)]
    need(len(knots_) == 1, "the value at a knot is not an element of knots")
    value = knots_[0]
    own = knots_of(value.arguments[0])
    need(own.widths.shape == piece.knots.widths.shape, "as many heights as widths")
    height = quotients.atom(element(own.widths, (piece.place,)))
    wanted = quotients.added(quotients.atom(value), height)
    reached = quotients.sum_of(
        (quotients.at_one(found.top),), (quotients.multiplied(wanted, quotients.at_one(found.bottom)),), -1
    )
    need(not reached, "a piece does not end where the next begins")
    return value, own


def _times(atom: Term, value: Coefficient) -> Coefficient:
    return quotients.multiplied(quotients.atom(atom), value)


def _above(found: Quotient, at: Term) -> Polynomial:
    """P with piece = y[k] + P / bottom, so that P(0) = 0."""
    shifted = quotients.product_of((quotients.atom(at),), found.bottom)
    return quotients.sum_of(found.top, shifted, -1)


def _inverse(piece: Piece, found: Quotient, rise: Polynomial, at: Term) -> Term:
    """x[k] + W[k] r, where P(r) = (y - y[k]) bottom(r) and k is the interval between the values at knots.

    a r^2 + b r = n rises through n at the root, n being not negative, so that r = 2 n / (b + sqrt(b^2 + 4 a n))."""
    y = result(())
    place = bin_of(y, at.arguments[0])

    def moved(term: Term) -> Term:
        return replaced(term, piece.place, place)

    gap = minus(y, moved(at))

    def part(power: int) -> Term:
        own = written(rise[power], piece.atoms) if power < len(rise) else ZERO
        below = written(found.bottom[power], piece.atoms) if power < len(found.bottom) else ZERO
        return moved(own) if below is ZERO else minus(moved(own), times(gap, moved(below)))

    need(max(len(rise), len(found.bottom)) <= 3, "a piece of a higher degree than 2 is not solved in closed form")
    height = times(gap, moved(written(found.bottom[0], piece.atoms)))
    linear, square = part(1), part(2)
    if square is ZERO:
        root = over(height, linear)
    else:
        under = plus(times(linear, linear), times(literal(4), times(square, height)))
        root = over(times(literal(2), height), plus(linear, apply("sqrt", apply("max", under, ZERO))))
    return plus(moved(piece.left), times(moved(piece.width), _unit(root)))


def _log_slope(piece: Piece, found: Quotient, known: Known, rising: tuple[Coefficient, ...]) -> Term:
    """log of the derivative, its polynomials in the Bernstein basis, where nothing cancels."""
    r = _unit(over(minus(piece.input, piece.left), piece.width))
    rest = minus(ONE, r)
    value = minus(apply("log", in_bernstein(rising, r, rest, piece.atoms)), apply("log", piece.width))
    below = positive(found.bottom, known)
    if below is None or found.bottom == (quotients.number(1),):
        return value
    return minus(value, times(literal(2), apply("log", in_bernstein(below, r, rest, piece.atoms))))


def _unit(value: Term) -> Term:
    """A place within the interval, kept there where another branch holds."""
    return apply("min", apply("max", value, ZERO), ONE)


# -- a piece around 0 ------------------------------------------------------------------------------------------------


def band(input_: Term, body: Term) -> tuple[tuple[Term, Term, Term], Fraction, Term, Term]:
    """Of `if abs(u) >= B then outer else inner` (or the other way round): the input's symbols below, within and above,
    B, and the two branches."""
    need(body.operation == "choose" and body.shape == input_.shape, "not a map in pieces")
    test, then, otherwise = body.arguments
    compares = test.operation == "apply" and test.data in ("less", "less_equal", "greater", "greater_equal")
    need(compares and test.arguments[0] is apply("abs", input_), "the condition does not compare the input's size")
    bound = test.arguments[1]
    known = bound.operation == "literal" and is_finite(bound.data) and bound.data > 0
    need(known, "the condition does not compare with a positive number")
    need(support_of(input_) == REAL, "a map in pieces on part of the line")
    outer, inner = (then, otherwise) if test.data.startswith("greater") else (otherwise, then)
    kind, name, _, shape = input_.data
    limits = ((-math.inf, -bound.data), (-bound.data, bound.data), (bound.data, math.inf))
    below, within, above = (symbol(kind, name, Support("Interval", own), shape) for own in limits)
    need(not {below, within, above} & body.symbols, "the name of a part of {} is in use", input_)
    return (below, within, above), Fraction(bound.data), outer, inner


@rule
def banded(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A piece around 0 with a tail on either side: three rising pieces, each closed interval of values beginning where
    the one before ends.  Premises: a bijection on each closed part of the line, from below."""
    input_, body = cast(tuple[Term, Term], subject)
    symbols, _, outer, inner = band(input_, body)
    parts = [substitute(p, {input_: own}) for p, own in zip((outer, inner, outer), symbols, strict=True)]
    need(len(premises) == 3, "three premises")
    pieces = [p for p in premises if isinstance(p, Bijection)]
    for found, own, part in zip(pieces, symbols, parts, strict=True):
        need(found.input is own and found.body is part, "a premise about another piece")
        need(found.increasing is True and found.onto, "a piece that does not rise from end to end")
    low, mid, high = (p.image for p in pieces)
    joined = (low.upper, high.lower) == (mid.lower, mid.upper) and is_finite(mid.lower) and is_finite(mid.upper)
    closed = not (low.upper_open or mid.lower_open or mid.upper_open or high.lower_open)
    need(joined and closed, "the pieces do not meet: {}, {} and {}", low, mid, high)
    y = result(input_.shape)
    back = dict.fromkeys(symbols, input_)
    clamped = {y: _clamped(y, mid.lower, mid.upper)}
    slopes = [substitute(p.log_derivative, back) for p in pieces]
    slopes[1] = substitute(slopes[1], {input_: _clamped(input_, *symbols[1].data[2].arguments)})
    test, outer_first = body.arguments[0], body.arguments[1] is outer
    tails = slopes[0] if slopes[0] is slopes[2] else choose(apply("less", input_, ZERO), slopes[0], slopes[2])
    slope = choose(test, *((tails, slopes[1]) if outer_first else (slopes[1], tails)))
    inverses = [pieces[0].inverse, substitute(pieces[1].inverse, clamped), pieces[2].inverse]
    if mid.lower == -mid.upper and inverses[0] is inverses[2]:
        outside = apply("greater_equal", apply("abs", y), literal(mid.upper))
        inverse = choose(outside, inverses[0], inverses[1])
    else:
        inner_or_low = choose(apply("less_equal", y, literal(mid.lower)), inverses[0], inverses[1])
        inverse = choose(apply("greater_equal", y, literal(mid.upper)), inverses[2], inner_or_low)
    return Bijection(input_, body, domain.hull(low, high), True, True, inverse, slope)


def _clamped(value: Term, lower: Real, upper: Real) -> Term:
    return apply("min", apply("max", value, literal(lower)), literal(upper))
