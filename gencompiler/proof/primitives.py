"""Integrals by a primitive that is found and then differentiated: f = F' with F = Q G, of an f that is a product

    f = c S exp(φ) Π b_i^{e_i},    G = exp(φ) Π b_i^{e_i + d_i},  d_i 0 or 1,    Q = q or q_0 y^k + q_1 y^{k + 1}.

With A = f / G and B = G' / G, the equation F' = f is Q' + Q B = A, in which no power with a symbol for its exponent is
left; at one or two places it gives the q.  How they were found does not matter: F' = f is then shown as an identity of
normal forms, F is continuous between the ends, as all that it divides by and takes powers of is positive there, and the
integral is F at the upper end minus F at the lower one, both limits."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from fractions import Fraction

from gencompiler.model.nodes import Support
from gencompiler.proof import exponentials as ex
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.graph import Term, apply, is_finite, literal, substitute, subterms, symbol
from gencompiler.proof.integrands import power_of, split
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.limits import limit
from gencompiler.proof.products import number
from gencompiler.proof.terms import ONE, ZERO, minus, over, plus, times

#: More bases are not tried, nor longer sums.
MOST_BASES, LONGEST = 3, 60
#: Whole powers of a base up to this one are left in A.
_WHOLE = 4
#: Powers that are smooth everywhere.
_WHOLES = (1, 2, 3, 4)
#: Where the coefficients are read off.
_PLACES = (literal(Fraction(1, 2)), literal(Fraction(1, 3)))


@dataclasses.dataclass
class _Factors:
    """c, S, φ and the b_i with their e_i."""

    whole: Term = ONE
    exponent: Term = ZERO
    bases: dict[Term, Term] = dataclasses.field(default_factory=dict)


def integral(forms: ClosedForms, body: Term, y: Term, bounded: bool) -> Term:
    """∫ body dy over the unit interval, or over the positive numbers; raises Unproved."""
    need(len(subterms(body)) <= LONGEST and y in body.symbols, "no product")
    found = _factors(forms, body, y)
    need(len(found.bases) + (found.exponent is not ZERO) > 0 and len(found.bases) <= MOST_BASES, "no powers")
    if y not in found.bases:
        found.bases[y] = ZERO
    shifts = sorted(itertools.product((0, 1), repeat=len(found.bases)), key=sum, reverse=True)
    for start, each in itertools.product((None, 0, 1), shifts):
        with contextlib.suppress(Unproved):
            primitive = _primitive(forms, found, dict(zip(found.bases, each, strict=True)), y, start)
            upper, lower = (_at_end(forms, primitive, y, bounded, end) for end in (True, False))
            return minus(upper, lower)
    raise Unproved("no primitive")


def _factors(forms: ClosedForms, body: Term, y: Term) -> _Factors:
    found = _Factors()

    def visit(term: Term, exponent: Term) -> None:
        if y not in term.symbols:
            found.whole = times(found.whole, term if exponent is ONE else apply("power", term, exponent))
            return
        name = term.data if term.operation == "apply" else ""
        count = number(forms.normal(exponent))
        apart = count is not None and count.denominator == 1
        if name in ("multiply", "divide") and (apart or all(map(forms.positive, term.arguments))):
            visit(term.arguments[0], exponent)
            visit(term.arguments[1], exponent if name == "multiply" else _negative(exponent))
        elif name == "negate" and apart:
            found.whole = times(found.whole, apply("power", literal(-1), exponent))
            visit(term.arguments[0], exponent)
        elif name == "exp":
            found.exponent = plus(found.exponent, times(exponent, term.arguments[0]))
        elif name in ("power", "sqrt") and (name == "sqrt" or forms.positive(term.arguments[0]) or apart):
            own = term.arguments[1] if name == "power" else literal(Fraction(1, 2))
            visit(term.arguments[0], own if exponent is ONE else times(exponent, own))
        elif apart and count is not None and 0 < count <= _WHOLE:
            found.whole = times(found.whole, term if count == 1 else apply("power", term, literal(count)))
        else:
            need(forms.positive(term), "a power of {}, which may not be positive", term)
            found.bases[term] = plus(found.bases[term], exponent) if term in found.bases else exponent

    visit(body, ONE)
    return found


def _negative(exponent: Term) -> Term:
    return literal(-exponent.data) if exponent.operation == "literal" else apply("negate", exponent)


def _primitive(forms: ClosedForms, found: _Factors, shifts: dict[Term, int], y: Term, start: int | None) -> Term:
    """A function whose derivative is the product, as an identity of normal forms shows; raises Unproved."""
    powers = {b: plus(e, ONE) if shifts[b] else e for b, e in found.bases.items()}
    top, rate = found.whole, _slope(forms, found.exponent, y)
    growth = apply("exp", found.exponent) if found.exponent is not ZERO else ONE
    for base, exponent in powers.items():
        top = over(top, base) if shifts[base] else top
        if exponent is not ZERO:
            rate = plus(rate, times(exponent, over(_slope(forms, base, y), base)))
            growth = times(growth, apply("power", base, exponent))
    factor = _factor(forms, top, rate, y, start)
    primitive = times(factor, growth)
    slope = plus(_slope(forms, factor, y), times(factor, rate))
    need(ex.is_zero(forms.normal(minus(slope, top))), "another derivative")
    need(_is_smooth(forms, primitive), "{} may have a pole", primitive)
    return primitive


def _factor(forms: ClosedForms, top: Term, rate: Term, y: Term, start: int | None) -> Term:
    """Q, by the equation at one place or at two."""

    def at(term: Term, place: Term) -> Term:
        return forms.plain(substitute(term, {y: place}))

    if start is None:
        return over(at(top, _PLACES[0]), at(rate, _PLACES[0]))
    powers = [ONE if start == 0 else y, y if start == 0 else times(y, y)]
    slopes = [ZERO if start == 0 else ONE, ONE if start == 0 else times(literal(2), y)]
    columns = [plus(s, times(p, rate)) for s, p in zip(slopes, powers, strict=True)]
    ((a, b), (c, d)), (u, v) = (
        [[at(column, place) for column in columns] for place in _PLACES],
        [at(top, place) for place in _PLACES],
    )
    determinant = forms.plain(minus(times(a, d), times(b, c)))
    first = forms.plain(minus(times(u, d), times(b, v)))
    second = forms.plain(minus(times(a, v), times(u, c)))
    return plus(times(over(first, determinant), powers[0]), times(over(second, determinant), powers[1]))


def _slope(forms: ClosedForms, term: Term, y: Term) -> Term:
    return ex.written(ex.derivative(forms.normal(term), y)) if y in term.symbols else ZERO


#: Functions that are smooth wherever these are: others have ends of their own.
_SMOOTH: tuple[str, ...] = ("add", "subtract", "multiply", "negate", "exp", "sin", "cos", "tanh", "sinh", "cosh")
_SMOOTH += ("atan", "asinh", "erf", "sigmoid", "softplus")


def _is_smooth(forms: ClosedForms, term: Term) -> bool:
    """Whether a term is smooth where its symbols are: no divisor is 0, and powers, roots and logarithms are of positive
    numbers."""
    for part in subterms(term):
        if part.operation in ("symbol", "constant", "component") or part in (ZERO, ONE):
            continue
        if part.operation == "literal":
            need(is_finite(part.data), "{} is not finite", part)
            continue
        if part.operation != "apply" or part.shape:
            return False
        whole = part.data == "power" and part.arguments[1].operation == "literal" and part.arguments[1].data in _WHOLES
        if part.data in _SMOOTH or whole:
            continue
        if part.data == "divide" and forms.sign(part.arguments[1]):
            continue
        if part.data in ("power", "sqrt", "log") and forms.positive(part.arguments[0]):
            continue
        if part.data != "lgamma" or not forms.positive(part.arguments[0]):
            return False
    return True


def _at_end(forms: ClosedForms, primitive: Term, y: Term, bounded: bool, upper: bool) -> Term:
    """The limit of a primitive at an end, which is finite; raises Unproved."""
    if bounded or not upper:
        plain = substitute(primitive, {y: ONE if upper else ZERO})
        if _is_smooth(forms, plain):
            return forms.plain(plain)
    elif dies_out(forms, primitive, y):
        return ZERO
    t = symbol("limit", "t", Support("Positive"))
    near = over(ONE, plus(ONE, t)) if bounded else over(ONE, t)
    place = (minus(ONE, near) if bounded else t) if upper else near
    found = limit(forms, substitute(primitive, {y: place}), t)
    if isinstance(found, float):
        raise Unproved("a primitive without a limit")
    return found


def dies_out(forms: ClosedForms, primitive: Term, y: Term) -> bool:
    """Whether a primitive is a polynomial in y and powers of affine functions of it, times exp(-k g^c), k and c > 0 and
    g = y or 1 + y: that tends to 0."""
    moving = (t for t in subterms(primitive) if t.operation == "apply" and t.data == "exp" and y in t.symbols)
    exponential = next(moving, None)
    if exponential is None:
        return False
    rest = _without(primitive, exponential)
    _, own = split(forms.normal(exponential.arguments[0]), y)
    falls = (_grows(forms, g, y) and forms.positive(ex.written(ex.scaled(k, -1))) for g, k in own.items())
    return bool(own) and all(falls) and rest is not None and _is_moderate(forms, rest, y)


def _grows(forms: ClosedForms, function: Term, y: Term) -> bool:
    """Whether a function is y^c or (1 + y)^c with c > 0."""
    for moved in (function, substitute(function, {y: minus(y, ONE)})):
        power = power_of(forms.plain(moved), y)
        if power is not None and forms.positive(ex.written(power)):
            return True
    return False


def _without(term: Term, factor: Term) -> Term | None:
    """A product, up to its sign, without one of its factors."""
    if term is factor:
        return ONE
    if factor not in subterms(term):
        return term
    if term.operation == "apply" and term.data == "negate":
        return _without(term.arguments[0], factor)
    if term.operation != "apply" or term.data != "multiply":
        return None
    left, right = (_without(a, factor) for a in term.arguments)
    return None if left is None or right is None else times(left, right)


def _is_moderate(forms: ClosedForms, term: Term, y: Term) -> bool:
    """Whether a term grows no faster than some power of y."""
    if y not in term.symbols or term is y:
        return True
    if term.operation != "apply":
        return False
    if term.data in ("add", "subtract", "multiply", "negate"):
        return all(_is_moderate(forms, a, y) for a in term.arguments)
    if term.data == "divide":
        return y not in term.arguments[1].symbols and _is_moderate(forms, term.arguments[0], y)
    if term.data == "power" and y not in term.arguments[1].symbols:
        base, exponent = term.arguments
        falling = forms.sign(exponent) > 0 or _is_bounded_below(forms, base, y)
        return falling and _is_moderate(forms, base, y)
    return False


def _is_bounded_below(forms: ClosedForms, base: Term, y: Term) -> bool:
    """Whether a base is y, or y plus something positive, or more: then its powers, falling ones too, are moderate."""
    free, own = split(forms.normal(base), y)
    above = not free or forms.positive(ex.written(free))
    return above and bool(own) and all(_grows(forms, g, y) and forms.positive(ex.written(k)) for g, k in own.items())
