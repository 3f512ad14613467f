"""Rules for maps of the circle: rotations, Möbius maps, splines, whatever rises and goes around once.

Each inverse takes its result modulo 2 pi: it is right for every number that stands for the angle."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

from gencompiler.proof import quotients
from gencompiler.proof.box_sign_rules import given_ranges
from gencompiler.proof.boxes import Evaluation
from gencompiler.proof.calculus import at, derivative, fold, in_pieces
from gencompiler.proof.circles import HALF_TURNS, PI, free_of, half_turns, in_half_turns, is_circle, turns_of, wound
from gencompiler.proof.domain import CIRCLE
from gencompiler.proof.facts import CircleMap, Fact, Invertible, Monotone, VectorBijection, result
from gencompiler.proof.graph import Term, apply, literal, reduce, substitute, subterms, support_of, symbol
from gencompiler.proof.inverses import solve
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.knot_rules import piece_between_knots
from gencompiler.proof.knots import simplexes, total
from gencompiler.proof.log_sizes import log_size
from gencompiler.proof.numerators import horner
from gencompiler.proof.range_rules import has_value, range_of
from gencompiler.proof.ring import Ring
from gencompiler.proof.terms import ZERO, minus, negated, over, plus, times
from gencompiler.proof.vector_rules import undone


def _map(premise: Fact, input_: Term, body: Term) -> CircleMap:
    """The premise that `body` is a bijection of the circle in `input_`."""
    if not isinstance(premise, CircleMap) or premise.input is not input_ or premise.body is not body:
        raise Unproved(f"{body} is not known to be a bijection of the circle in {input_}")
    return premise


@rule
def angle_itself(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """u is a bijection of the circle in u."""
    (input_,) = cast(tuple[Term], subject)
    need(input_.operation == "symbol" and is_circle(support_of(input_)), "{} is no angle", input_)
    return CircleMap(input_, input_, True, result(input_.shape), ZERO)


@rule
def rotation(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """f + c, c + f, f - c, c - f and -f, with c free of the angle.  Premises: the map f, then the range of c."""
    input_, body = cast(tuple[Term, Term], subject)
    need(body.operation == "apply" and body.data in ("add", "subtract", "negate"), "{} is no rotation", body)
    need(body.shape == input_.shape, "{} has another shape than {}", body, input_)
    y = result(input_.shape)
    moved = [a for a in body.arguments if input_ in a.symbols]
    need(len(moved) == 1, "{} is not in one part of {}", input_, body)
    inner = _map(premises[0], input_, moved[0])
    if body.data == "negate":
        back, turned = negated(y), True
    else:
        first = body.arguments[0] is moved[0]
        other = body.arguments[1 if first else 0]
        range_of(premises[1], other)
        turned = body.data == "subtract" and not first
        back = minus(other, y) if turned else minus(y, other) if body.data == "add" else plus(y, other)
    inverse = substitute(inner.inverse, {y: back})
    return CircleMap(input_, body, inner.increasing != turned, inverse, inner.log_derivative, inner.principal)


def moebius_parts(input_: Term, body: Term) -> tuple[Term, Term, int]:
    """Of u + 2 atan(N / D), or u - 2 atan(N / D): N, D and the sign; raises Unproved for others."""
    need(body.operation == "apply" and body.data in ("add", "subtract"), "{} is no Möbius map", body)
    first, second = body.arguments if body.arguments[0] is input_ else body.arguments[::-1]
    need(first is input_ and (body.data == "add" or second is body.arguments[1]), "{} is no Möbius map", body)
    need(second.operation == "apply" and second.data == "multiply", "{} is no Möbius map", body)
    two, bent = sorted(second.arguments, key=lambda a: a.operation != "literal")
    need(two is literal(2) and bent.operation == "apply" and bent.data == "atan", "{} is no Möbius map", body)
    ratio = bent.arguments[0]
    need(ratio.operation == "apply" and ratio.data == "divide", "{} is no ratio", ratio)
    return ratio.arguments[0], ratio.arguments[1], 1 if body.data == "add" else -1


@rule
def moebius(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """u + 2 atan(D'(u) / D(u)) with a positive D = d + a cos(u) + b sin(u): z -> (z - w) / (1 - conj(w) z) on |z| = 1,
    |w| < 1, Rezende et al., Normalizing flows on tori and spheres, ICML 2020, eq. 8.

    D + i D' = d - q exp(-iu) with |q|^2 = a^2 + b^2, so the map is z -> (d z - q) / (d - conj(q) z), and undone by
    z -> (d z + q) / (d + conj(q) z): by y - 2 atan(D'(y) / (2 d - D(y))), where 2 d - D is D half a turn away.  The
    slope is (d^2 - a^2 - b^2) / (D^2 + D'^2), positive since D is, which takes the value d - sqrt(a^2 + b^2).
    Subject: the angle, the body.  Premises: the range of D, and that of what the body divides by it, which is defined.
    D = d + a cos + b sin is where D + D'' is free of u."""
    input_, body = cast(tuple[Term, Term], subject)
    need(is_circle(support_of(input_)) and body.shape == input_.shape, "{} is no angle", input_)
    above, below, sign = moebius_parts(input_, body)
    need(range_of(premises[0], below).sign > 0, "{} may not be positive", below)
    range_of(premises[1], above)
    slope = derivative(below, input_)
    need(Ring().same(above, slope if sign > 0 else negated(slope)), "{} is not the slope of {}", above, below)
    need(_is_wave(below, input_), "{} is no wave of one period", below)
    middle = fold(plus(below, derivative(slope, input_)))
    need(free_of(middle, input_), "{} is no wave of one period", below)
    middle = horner(Ring().normal(middle))
    size = fold(minus(times(times(literal(2), middle), below), _squares(above, below)))
    need(free_of(size, input_), "the slope of {} is not seen", body)
    y = result(input_.shape)
    there = {input_: y}
    opposite = horner(Ring().normal(fold(minus(times(literal(2), middle), substitute(below, there)))))
    bent = times(literal(2), apply("atan", over(substitute(above, there), opposite)))
    inverse = minus(y, bent) if sign > 0 else plus(y, bent)
    log_slope = minus(apply("log", horner(Ring().normal(size))), apply("log", _squares(above, below)))
    return CircleMap(input_, body, True, inverse, log_slope)


def _squares(above: Term, below: Term) -> Term:
    return plus(times(below, below), times(above, above))


def _is_wave(term: Term, input_: Term) -> bool:
    """Whether a term depends on the angle through sin and cos of it, shifted or turned round, alone, and is a
    polynomial in them: then it is the same function of every number that stands for the angle."""
    for monomial in Ring().normal(term):
        for atom, count in monomial:
            if input_ not in atom.symbols:
                continue
            wave = atom.operation == "apply" and atom.data in ("sin", "cos") and count > 0
            if not wave:
                return False
            slope = derivative(atom.arguments[0], input_)
            if not (slope is literal(1) or slope is literal(-1)):
                return False
    return True


@rule
def around(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """f rises on [-pi, pi] and goes around once.  Subject: the angle, the body.

    Premises: that f, in half turns, is monotone on [-1, 1]; then vectors that are on a simplex, and ranges."""
    input_, body = cast(tuple[Term, Term], subject)
    need(is_circle(support_of(input_)) and body.shape == input_.shape, "{} is no angle", input_)
    t, y = half_turns(input_.shape), result(input_.shape)
    need(t not in body.symbols, "the name of half turns is in use")
    outer = in_half_turns(input_, body)
    (monotone, *_) = premises
    if not isinstance(monotone, Monotone) or (monotone.input, monotone.body, monotone.domain) != (t, outer, HALF_TURNS):
        raise Unproved(f"{body} is not known to be monotone")
    need(monotone.increasing, "{} falls", body)
    turns = turns_of(outer, t, simplexes(premises))
    need(turns == 1, "{} goes around {} times", body, turns)
    known = given_ranges(premises, t, HALF_TURNS)
    slope = log_size(derivative(in_pieces(body, input_), input_), Evaluation({}, known))
    return CircleMap(input_, body, True, _solved(outer, t, y, Evaluation({t: HALF_TURNS}, known)), slope, True)


def _solved(outer: Term, t: Term, y: Term, signs: Evaluation) -> Term:
    """The angle at which a lift, in half turns, is y."""
    target = wound(y, at(outer, t, Fraction(-1)))
    return times(PI, solve(outer, t, target, HALF_TURNS, True, signs))


def weighted_parts(input_: Term, body: Term) -> tuple[Term, Term, Term, Term]:
    """Of a mean `w @ v` of functions of one angle: w, v, a symbol for an angle of each function, v of these angles."""
    need(body.operation == "contract" and input_.shape == () and len(body.arguments[0].shape) == 1, "no mean")
    weights, values = sorted(body.arguments, key=lambda a: input_ in a.symbols)
    need(input_ not in weights.symbols and len(values.shape) == 1, "{} is no mean", body)
    own = symbol("block", f"an angle of each of {values}", support_of(input_), values.shape)
    need(own not in body.symbols, "the name of an angle is in use")
    return weights, values, own, substitute(values, {input_: own})


@rule
def weighted_around(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A mean of lifts that rise and go around once does so too: Rezende et al., 2020, section 2.1.

    Subject: the angle, the body `w @ v`.  Premises: that each element of v is a bijection of the circle, of an angle of
    its own; that w is on a simplex."""
    input_, body = cast(tuple[Term, Term], subject)
    need(is_circle(support_of(input_)) and body.shape == (), "{} is no angle", input_)
    weights, values, own, apart = weighted_parts(input_, body)
    need(_elementwise(apart, own), "the elements of {} are functions of more than one angle", values)
    inner = _map(premises[0], own, apart)
    need(inner.increasing and weights in simplexes(premises), "{} is no mean of maps that rise", body)
    t, y = half_turns(()), result(())
    outer = in_half_turns(input_, body)
    slopes = substitute(inner.log_derivative, {own: input_})
    log_slope = reduce("logsumexp", plus(apply("log", weights), slopes))
    return CircleMap(input_, body, True, _solved(outer, t, y, Evaluation({t: HALF_TURNS}, {})), log_slope, True)


def _elementwise(term: Term, symbol_: Term) -> bool:
    """Whether each element of a term depends on that element of a symbol alone."""
    return all(p is symbol_ or p.operation in ("apply", "choose") for p in subterms(term) if symbol_ in p.symbols)


@rule
def circular_knots(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A spline on [-pi, pi]: rising pieces between increasing knots, whose values go around once.

    Subject and premises are those of `knots`."""
    input_, body, place = cast(tuple[Term, Term, Term], subject)
    need(is_circle(support_of(input_)) and body.shape == input_.shape == (), "{} is no angle", input_)
    heights, inverse, log_slope = piece_between_knots(input_, body, place, premises)
    gained = total(heights.widths, simplexes(premises))
    turn = quotients.multiplied(quotients.number(2), quotients.atom(PI))
    need(gained == turn, "the values at the first knot and the last are not one turn apart")
    y = result(())
    start = quotients.written(heights.start, {PI: 0})
    back = substitute(inverse, {y: wound(y, start)})
    return CircleMap(input_, body, True, back, log_slope, True)


@rule
def onto_circle(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A bijection of the circle, or of tensors of angles, place by place.  Premises: the map, that it is defined."""
    (declared,) = subject
    found, defined = premises
    need(is_circle(declared), "{} is no circle", declared)
    need(isinstance(found, CircleMap | VectorBijection), "not a bijection of the circle")
    assert isinstance(found, CircleMap | VectorBijection)
    has_value(defined, found.body)
    if isinstance(found, CircleMap):
        return Invertible(found.input, found.body, declared, undone(found), found.log_derivative)
    if isinstance(found, VectorBijection) and found.image == CIRCLE:
        return Invertible(found.input, found.body, declared, found.inverse, found.log_det)
    raise Unproved("not a bijection of the circle")
