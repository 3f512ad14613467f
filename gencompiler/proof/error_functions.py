"""Integrals over the reals with an error function or a wave of u = c y + d:

    ∫ exp(-a y^2 + b y) erf(u) dy = sqrt(pi / a) exp(b^2 / 4a) erf((d + b c / 2a) / sqrt(1 + c^2 / a))        a > 0
    ∫ exp(b y) (1 ± erf(u)) dy = 2 / |b| exp(b^2 / 4c^2 - b d / c)                  b and ± c of different signs
    ∫ exp(-u^2) erf(u)^n dy = sqrt(pi) / (|c| (n + 1))                              n even, and 0 where it is odd
    ∫ exp(-a y^2 + b y) cos(u) dy = sqrt(pi / a) exp((b^2 - c^2) / 4a) cos(d + b c / 2a), and so for sin

(Ng & Geller, A table of integrals of the error functions, 1969, 4.3.13; the second by parts; the third with erf(u) as
the variable; the last is the Gaussian integral at b ± i c)."""

from __future__ import annotations

from fractions import Fraction

from gencompiler.proof import exponentials as ex
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.exponentials import Exponentials
from gencompiler.proof.graph import Term, apply, constant, literal
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.pieces import linear
from gencompiler.proof.products import Product, number, parts_of


def over_reals(
    forms: ClosedForms, own: dict[Term, Exponentials], rest: list[tuple[Term, int]], y: Term
) -> Product | None:
    """The integral of exp(sum of coefficients times functions) times the factors of `rest`, where it is one of them."""
    square = apply("power", y, literal(2))
    if len(rest) == 1 and rest[0][1] > 0 and set(own) <= {y, square} and square in own:
        ((factor, count),) = rest
        a, b = ex.scaled(own[square], -1), own.get(y, {})
        if _is_erf(factor):
            return (_gaussian if count == 1 else _power)(forms, a, b, factor, count, y)
        if factor.operation == "apply" and factor.data in ("sin", "cos") and count == 1:
            return _wave(forms, a, b, factor, y)
    sides = [t for t in own if t is not y]
    if rest or len(sides) != 1 or y not in own or own[sides[0]] != ex.constant(1):
        return None
    return _one_sided(forms, own[y], sides[0], y)


def _is_erf(term: Term) -> bool:
    return term.operation == "apply" and term.data == "erf"


def _power(forms: ClosedForms, a: Exponentials, b: Exponentials, erf: Term, count: int, y: Term) -> Product:
    """exp(-a y^2 + b y) = exp(d^2) exp(-(c y + d)^2), where these are one Gaussian."""
    c, d = _affine(forms, erf, y)
    same = ex.is_zero(forms.collected(ex.plus(a, ex.scaled(ex.times(c, c), -1))))
    same = same and ex.is_zero(forms.collected(ex.plus(b, ex.scaled(ex.times(c, d), 2))))
    sign = forms.sign(ex.written(c))
    need(same and sign != 0, "{} is about another place than the Gaussian", erf)
    if count % 2:
        return Product(1, {}, frozenset(((literal(0), 1),)))
    size = ex.plus(forms.log(ex.written(ex.scaled(c, sign))), forms.log(literal(count + 1)))
    return Product(
        1, ex.plus(ex.times(d, d), ex.scaled(forms.log(constant("pi")), Fraction(1, 2)), ex.scaled(size, -1))
    )


def _wave(forms: ClosedForms, a: Exponentials, b: Exponentials, wave: Term, y: Term) -> Product:
    c, d = _affine(forms, wave, y)
    need(forms.positive(ex.written(a)), "{} may not be positive", ex.written(a))
    over_a = ex.inverse(a)
    middle = ex.plus(d, ex.scaled(ex.times(ex.times(b, c), over_a), Fraction(1, 2)))
    spread = ex.plus(ex.times(b, b), ex.scaled(ex.times(c, c), -1))
    log = ex.plus(
        ex.scaled(forms.log(constant("pi")), Fraction(1, 2)),
        ex.scaled(forms.log(ex.written(a)), -Fraction(1, 2)),
        ex.scaled(ex.times(spread, over_a), Fraction(1, 4)),
    )
    found = forms.normal(apply(wave.data, ex.written(middle)))
    return Product(1, log, frozenset(((ex.written(found), 1),)))


def _gaussian(forms: ClosedForms, a: Exponentials, b: Exponentials, erf: Term, count: int, y: Term) -> Product:
    need(count == 1, "a power of {}", erf)
    c, d = _affine(forms, erf, y)
    need(forms.positive(ex.written(a)), "{} may not be positive", ex.written(a))
    half = Fraction(1, 2)
    over_a = ex.inverse(a)
    steep = ex.plus(ex.constant(1), ex.times(ex.times(c, c), over_a))
    root = forms.raised(ex.scaled(forms.log(ex.written(steep)), -half))
    middle = ex.plus(d, ex.scaled(ex.times(ex.times(b, c), over_a), half))
    found = forms.normal(apply("erf", ex.written(ex.times(middle, root))))
    log = ex.plus(
        ex.scaled(forms.log(constant("pi")), half),
        ex.scaled(forms.log(ex.written(a)), -half),
        ex.scaled(ex.times(ex.times(b, b), over_a), Fraction(1, 4)),
    )
    if not found:
        return Product(1, {}, frozenset(((literal(0), 1),)))
    term = ex.written(found)
    sign = forms.sign(term)
    if sign:
        return Product(sign, ex.plus(log, forms.log(ex.written(ex.scaled(found, sign)))))
    return Product(1, log, frozenset(((term, 1),)))


def _one_sided(forms: ClosedForms, b: Exponentials, side: Term, y: Term) -> Product | None:
    """Of log(1 ± erf(c y + d))."""
    if side.operation != "apply" or side.data != "log":
        return None
    parts = parts_of(ex.plus(forms.normal(side.arguments[0]), ex.constant(-1)))
    if len(parts) != 1 or number(ex.plus(forms.normal(side.arguments[0]), ex.constant(-1))) is not None:
        return None
    product, weight = parts[0]
    erf = ex.written(ex.scaled(product, 1 / weight))
    if abs(weight) != 1 or not _is_erf(erf):
        return None
    c, d = _affine(forms, erf, y)
    steep, rate = forms.sign(ex.written(c)), forms.sign(ex.written(b))
    need(steep != 0 and rate != 0 and steep * weight * rate < 0, "the integral of {} may not converge", side)
    over_c = ex.inverse(c)
    share = ex.times(b, over_c)
    log = ex.plus(ex.scaled(ex.times(share, share), Fraction(1, 4)), ex.scaled(ex.times(share, d), -1))
    size = forms.log(ex.written(ex.scaled(b, rate)))
    return Product(1, ex.plus(log, forms.log(literal(2)), ex.scaled(size, -1)))


def _affine(forms: ClosedForms, erf: Term, y: Term) -> tuple[Exponentials, Exponentials]:
    found = linear(forms.normal(erf.arguments[0]), y)
    if found is None or not found[0]:
        raise Unproved(f"{erf} is no function of a multiple")
    return found
