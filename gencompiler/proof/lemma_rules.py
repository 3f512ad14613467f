"""Rules for maps that change a vector along one direction: `u + v g(w @ u)`, and `u + (u - c) k(norm(u - c))`.

Each comes down to a map of one number, which any scalar rule may prove, by the matrix determinant lemma."""

from __future__ import annotations

import dataclasses
from typing import cast

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import domain
from gencompiler.proof.binders import releveled, replaced
from gencompiler.proof.domain import NON_NEGATIVE, REALS
from gencompiler.proof.facts import Bijection, Fact, InRange, LogAbs, VectorBijection, result
from gencompiler.proof.graph import (
    Term,
    apply,
    choose,
    contract,
    literal,
    reduce,
    substitute,
    subterms,
    support_of,
    symbol,
)
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.map_rules import is_interval
from gencompiler.proof.ring import Ring
from gencompiler.proof.terms import ONE, ZERO, minus, negated, over, plus, times

#: The number that a map of a vector comes down to: w @ u, or the distance from the centre.
ALONG = symbol("along", "s", REAL)
DISTANCE = symbol("along", "r", Support("NonNegative"))


def change(input_: Term, body: Term) -> Term:
    """What a map adds to its input, `body - input`; raises Unproved where the input is not one of its summands."""
    rest: Term = ZERO
    own = 0
    for summand, sign in summands(body):
        if summand is input_ and sign > 0:
            own += 1
        else:
            rest = (plus if sign > 0 else minus)(rest, summand)
    need(own == 1 and rest is not ZERO, "{} does not add to {}", body, input_)
    return rest


def summands(term: Term) -> list[tuple[Term, int]]:
    """What a sum is made of, with signs."""
    if term.operation == "apply" and term.data in ("add", "subtract"):
        left, right = term.arguments
        sign = 1 if term.data == "add" else -1
        return [*summands(left), *((t, sign * s) for t, s in summands(right))]
    if term.operation == "apply" and term.data == "negate":
        return [(t, -s) for t, s in summands(term.arguments[0])]
    return [(term, 1)]


def directed(term: Term, shape: tuple[int, ...]) -> tuple[Term, Term]:
    """A product as its one factor of this shape and the product of the others, which are numbers."""
    if term.shape == ():
        return ONE, term
    if term.operation == "contract" and (drawn := drawn_out(term)) is not None:
        vector, factor = directed(drawn[1], shape)
        return vector, times(factor, drawn[0])
    if term.operation == "apply" and term.data == "negate":
        vector, factor = directed(term.arguments[0], shape)
        return vector, negated(factor)
    if (multiple := multiple_by_number(term)) is not None:
        vector, factor = directed(multiple[0], shape)
        return vector, (times if term.data == "multiply" else over)(factor, multiple[1])
    need(term.shape == shape, "{} has another shape", term)
    return term, ONE


def multiple_by_number(term: Term) -> tuple[Term, Term] | None:
    """c A, A c and A / c as the tensor A and the number c; None of others."""
    if term.operation != "apply" or term.data not in ("multiply", "divide"):
        return None
    left, right = term.arguments
    if left.shape and not right.shape:
        return left, right
    return (right, left) if right.shape and not left.shape and term.data == "multiply" else None


def drawn_out(term: Term) -> tuple[Term, Term] | None:
    """(c A) @ v and A @ (c v) as c and A @ v; None where no number is in the way."""
    left, right = term.arguments
    for part in (left, right):
        if (multiple := multiple_by_number(part)) is not None:
            rest, number = multiple
            factor = number if part.data == "multiply" else over(ONE, number)
            return factor, contract(rest, right) if part is left else contract(left, rest)
    return None


# -- along one vector ------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Ridge:
    """`u + v g(s)` with s = w @ u, or the sum or mean of u: the product s, w (None of a sum or mean), v (a number for
    the vector all of whose elements it is), and g in terms of ALONG."""

    product: Term
    normal: Term | None
    direction: Term
    profile: Term

    def scalar(self, flipped: bool) -> Term:
        """s + (w @ v) g(s), which w @ u goes to; `flipped` writes v @ w."""
        return plus(ALONG, times(self._paired(flipped), self.profile))

    def _paired(self, flipped: bool) -> Term:
        """w @ v"""
        if self.normal is not None and self.direction.shape:
            pair = (self.direction, self.normal) if flipped else (self.normal, self.direction)
            return contract(*pair)
        if self.normal is not None:
            return times(self.direction, reduce("sum", self.normal))
        if self.direction.shape:
            return reduce(self.product.data, self.direction)
        count = 1 if self.product.data == "mean" else self.product.arguments[0].shape[0]
        return times(self.direction, literal(count))


def ridge_of(input_: Term, body: Term) -> Ridge:
    """A map as a ridge; raises Unproved."""
    need(len(input_.shape) == 1 and body.shape == input_.shape, "{} is not a map of a vector", body)
    direction, factor = directed(change(input_, body), input_.shape)
    products = [t for t in subterms(factor) if _is_linear(t, input_)]
    need(len(products) == 1, "{} does not change {} along one vector", body, input_)
    (product,) = products
    normal = next((a for a in product.arguments if a is not input_), None)
    profile = replaced(factor, {product: ALONG})
    need(
        not any(t is not None and input_ in t.symbols for t in (normal, direction, profile)),
        "{} depends on {} in another way",
        body,
        input_,
    )
    return Ridge(product, normal, direction, profile)


def _is_linear(term: Term, input_: Term) -> bool:
    """Whether a term is w @ u, u @ w, sum(u) or mean(u)."""
    if term.operation == "reduce":
        return term.data in ("sum", "mean") and term.arguments[0] is input_
    product = term.operation == "contract" and input_ in term.arguments and term.shape == ()
    return product and term.arguments[0] is not term.arguments[1]


@rule
def ridge(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """u + v g(w @ u) is a bijection where s + (w @ v) g(s) is one of the reals; sum(u) and mean(u) are such products.

    y = u + v g(w @ u) gives w @ y = s + (w @ v) g(s) for s = w @ u, and u = y - v g(s); |det| is that of the scalar map
    (matrix determinant lemma).  Planar maps: Rezende & Mohamed 2015, appendix A; a reflection is one too.  Subject: the
    input, the body, whether w @ v is written v @ w.  Premise: the scalar map."""
    input_, body, flipped = cast(tuple[Term, Term, bool], subject)
    found = ridge_of(input_, body)
    (inner,) = premises
    need(support_of(input_) == REAL, "not a map of the reals")
    need(isinstance(inner, Bijection), "the scalar map is not known to be a bijection")
    assert isinstance(inner, Bijection)
    same = inner.input is ALONG and inner.body is found.scalar(flipped)
    need(same and inner.image == REALS and inner.onto, "the scalar map is another, or not one of all reals")
    y = result(input_.shape)
    along = substitute(found.product, {input_: y})
    back = substitute(inner.inverse, {result(()): along})
    shifted = substitute(change(input_, replaced(body, {found.product: ALONG})), {ALONG: back})
    log_det = substitute(inner.log_derivative, {ALONG: found.product})
    return VectorBijection(input_, body, REALS, True, releveled(minus(y, shifted)), releveled(log_det))


# -- from one centre -------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Radial:
    """`c' + (u - c) k(r)` with r = norm(u - c): the difference u - c, c' (0 for none) and k in terms of DISTANCE.

    `added`: of `u + (u - c) h(r)`, where k = 1 + h, this h."""

    difference: Term
    centre: Term
    scale: Term
    added: Term | None

    @property
    def scalar(self) -> Term:
        """r k(r), the distance of the result from c'."""
        if self.added is not None:
            return plus(DISTANCE, times(DISTANCE, self.added))
        return times(DISTANCE, self.scale)

    @property
    def centres(self) -> tuple[Term, ...]:
        """c and c', where there are any: the scalar map does not mention them."""
        own = () if self.difference.operation != "apply" else (self.difference.arguments[1],)
        return tuple(dict.fromkeys(c for c in (*own, self.centre) if c is not ZERO))

    @property
    def distance(self) -> Term:
        """r"""
        return reduce("norm", self.difference)


def radial_of(input_: Term, body: Term) -> Radial:
    """A map as a radial one; raises Unproved."""
    need(len(input_.shape) == 1 and body.shape == input_.shape, "{} is not a map of a vector", body)
    try:
        moved, free, added = change(input_, body), ZERO, True
    except Unproved:
        moved, free, added = *_apart(input_, body), False
    difference, factor = directed(moved, input_.shape)
    centred = difference is input_ or (
        difference.operation == "apply"
        and difference.data == "subtract"
        and difference.arguments[0] is input_
        and input_ not in difference.arguments[1].symbols
    )
    need(centred, "{} does not move {} to or from one centre", body, input_)
    own = ZERO if difference is input_ else difference.arguments[1]
    inner = replaced(factor, _distances(difference))
    need(input_ not in inner.symbols, "{} depends on {} in another way", body, input_)
    return Radial(difference, own, plus(ONE, inner), inner) if added else Radial(difference, free, inner, None)


def _apart(input_: Term, body: Term) -> tuple[Term, Term]:
    """The one summand of a map that depends on its input, and the sum of the others; raises Unproved."""
    moved: list[Term] = []
    free: Term = ZERO
    for summand, sign in summands(body):
        if input_ in summand.symbols:
            moved.append(summand if sign > 0 else negated(summand))
        else:
            free = (plus if sign > 0 else minus)(free, summand)
    need(len(moved) == 1, "{} depends on {} in several parts", body, input_)
    return moved[0], free


def _distances(difference: Term) -> dict[Term, Term]:
    """The norm of a vector, and its square, however they are written, in terms of DISTANCE."""
    square = apply("power", DISTANCE, literal(2))
    squares = (
        contract(difference, difference),
        reduce("sum", apply("power", difference, literal(2))),
        reduce("sum", apply("multiply", difference, difference)),
        apply("power", reduce("norm", difference), literal(2)),
    )
    roots = {apply("sqrt", s): DISTANCE for s in squares}
    return {reduce("norm", difference): DISTANCE, **dict.fromkeys(squares, square), **roots}


@rule
def radial(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """c' + (u - c) k(r), r = norm(u - c), is a bijection where r k(r) is an increasing one of [0, inf).

    So k(r) > 0 for r > 0, and c goes to c'.  The Jacobian has the eigenvalue k(r) across, D - 1 times, and the slope of
    r k(r) along u - c.  Rezende & Mohamed 2015, appendix A.2.  Subject: the input, the body.  Premises: the scalar map,
    the range of k(r), which must be defined, and those of the centres."""
    input_, body = cast(tuple[Term, Term], subject)
    found = radial_of(input_, body)
    inner, size, *centres = premises
    need(support_of(input_) == REAL, "not a map of the reals")
    need(isinstance(inner, Bijection) and isinstance(size, InRange), "the scalar map is not known to be a bijection")
    need(len(centres) == len(found.centres), "a centre that is not known to be defined")
    for centre, known in zip(found.centres, centres, strict=True):
        need(isinstance(known, InRange) and known.term is centre, "{} is not known to be defined", centre)
    assert isinstance(inner, Bijection)
    assert isinstance(size, InRange)
    same = inner.input is DISTANCE and inner.body is found.scalar and size.term is found.scale
    full = inner.image == NON_NEGATIVE and inner.onto and inner.increasing is True
    need(same and full, "the scalar map is another, or not an increasing one of [0, inf)")
    y = result(input_.shape)
    across = y if found.centre is ZERO else minus(y, found.centre)
    distance = substitute(inner.inverse, {result(()): reduce("norm", across)})
    scaled = over(across, substitute(found.scale, {DISTANCE: distance}))
    start = ZERO if found.difference is input_ else found.difference.arguments[1]
    moved = scaled if start is ZERO else plus(start, scaled)
    at_centre = y if start is found.centre else plus(across, start)
    inverse = choose(apply("equal", reduce("norm", across), ZERO), at_centre, moved)
    here = {DISTANCE: found.distance}
    count = literal(input_.shape[0] - 1)
    size_here = apply("log", substitute(found.scale, here))
    log_det = plus(times(count, size_here), substitute(inner.log_derivative, here))
    return VectorBijection(input_, body, REALS, True, releveled(inverse), releveled(log_det))


# -- one number for a formula ----------------------------------------------------------------------------------------


@rule
def instance_of_map(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A bijection for every value of a symbol is one for a formula with values in its support, free of the input.

    Subject: the symbol, the formula.  Premises: the bijection with the symbol, the range of the formula."""
    name, value = cast(tuple[Term, Term], subject)
    found, by = premises
    allowed = domain.of_support(support_of(name))
    need(isinstance(found, Bijection) and isinstance(by, InRange) and allowed is not None, "nothing to put in")
    assert isinstance(found, Bijection)
    assert isinstance(by, InRange)
    assert allowed is not None
    need(is_interval(support_of(name)), "{} is not an interval", support_of(name))
    need(by.term is value and by.interval.within(allowed) and value.shape == name.shape, "{} may be another", value)
    need(found.input not in value.symbols and found.input is not name, "{} depends on the input", value)
    put = {name: value}
    return dataclasses.replace(
        found,
        body=substitute(found.body, put),
        inverse=substitute(found.inverse, put),
        log_derivative=substitute(found.log_derivative, put),
    )


# -- affine in one number --------------------------------------------------------------------------------------------


def affine_parts(input_: Term, body: Term) -> tuple[Term, Term]:
    """The slope and the offset of a number's affine function, numbers as numbers; raises Unproved."""
    ring = Ring()
    offset = _plain(ring, substitute(body, {input_: ZERO}))
    slope = _slope(ring, input_, body)
    need(ring.same(body, plus(times(slope, input_), offset)), "{} is not affine in {}", body, input_)
    return slope, offset


def _slope(ring: Ring, input_: Term, body: Term) -> Term:
    """d body / d input of what is made of sums and products of numbers."""
    if input_ not in body.symbols:
        return ZERO
    if body is input_:
        return ONE
    need(body.operation == "apply", "{} is not affine", body)
    parts = body.arguments
    slopes = [_slope(ring, input_, a) for a in parts]
    match body.data:
        case "add" | "subtract":
            return _plain(ring, (plus if body.data == "add" else minus)(*slopes))
        case "negate":
            return _plain(ring, negated(slopes[0]))
        case "multiply" if ZERO in slopes:
            moved = 0 if slopes[1] is ZERO else 1
            return _plain(ring, times(slopes[moved], parts[1 - moved]))
        case "divide" if slopes[1] is ZERO:
            return _plain(ring, over(slopes[0], parts[1]))
    raise Unproved(f"{body} is not affine in {input_}")


def _plain(ring: Ring, term: Term) -> Term:
    """A term whose normal form is a number, as that number."""
    found = ring.normal(term)
    if not found:
        return ZERO
    return literal(found[()]) if list(found) == [()] else term


@rule
def affine(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """An affine function of a real number with a slope that is never 0.

    Subject: the input, the body.  Premises: the range of the body, so that it is defined; log|slope|; the range of the
    slope and of the offset."""
    input_, body = cast(tuple[Term, Term], subject)
    slope, offset = affine_parts(input_, body)
    defined, size, by, at = premises
    need(isinstance(defined, InRange) and defined.term is body, "not known to be defined")
    need(isinstance(size, LogAbs) and size.term is slope, "the slope may be 0")
    need(isinstance(by, InRange) and by.term is slope and isinstance(at, InRange) and at.term is offset, "undefined")
    need(support_of(input_) == REAL and input_.shape == (), "not a map of all reals")
    assert isinstance(size, LogAbs)
    assert isinstance(by, InRange)
    rising = None if by.interval.sign == 0 else by.interval.sign > 0
    undone = over(minus(result(()), offset) if offset is not ZERO else result(()), slope)
    return Bijection(input_, body, REALS, True, rising, undone, size.value)
