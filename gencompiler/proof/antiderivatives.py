"""Integrals over the unit interval: Beta integrals, and elementary functions by their antiderivatives.

∫ y^(a-1) (1 - y^c)^(b-1) dy = B(a/c, b) / c                     a, b, c > 0
∫ y^(a-1) dy = 1/a        ∫ y^(a-1) log(y) dy = -1/a^2           a > 0
∫ exp(k y) dy = (exp(k) - 1) / k                                 k not 0
∫ y^n exp(k y) dy by parts                                       n = 1, …, 8
∫ exp(-a y^2 + b y) dy by the error function                     a > 0
∫ (1 + k y)^(-p) dy = (1 - (1 + k)^(1-p)) / (k (p - 1))          k > -1, not 0; p not 1
∫ (1 + k y^2)^(-1) dy = atan(sqrt(k)) / sqrt(k)                  k > 0
∫ y^(c-1) (1 + k y^c)^p dy = ((1 + k)^(p+1) - 1) / (c k (p+1))   k, c > 0; without the -1 for c < 0, p + 1 < 0
∫ cos(k y + d) dy = (sin(k + d) - sin(d)) / k, and so for sin
"""

from __future__ import annotations

from fractions import Fraction

from gencompiler.proof import exponentials as ex
from gencompiler.proof import waves
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.exponentials import Exponentials
from gencompiler.proof.graph import Term, apply, constant, literal
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.pieces import linear
from gencompiler.proof.products import Product, number
from gencompiler.proof.terms import ONE, minus

_HALF = Fraction(1, 2)


def over_unit(forms: ClosedForms, own: dict[Term, Exponentials], rest: list[tuple[Term, int]], y: Term) -> Product:
    """The integral of exp(sum of coefficients times functions) times the factors of `rest`, over 0 < y < 1."""
    log_y = apply("log", y)
    if rest:
        need(len(rest) == 1, "several factors of unknown sign")
        return _wave(forms, own, *rest[0], y)
    if (whole := waves.over_periods(forms, own, y)) is not None:
        return whole
    own = dict(own)
    a = ex.plus(own.pop(log_y, {}), ex.constant(1))
    if not own:
        _positive(forms, a)
        return Product(1, ex.scaled(_log(forms, a), -1))
    square = apply("power", y, literal(2))
    if set(own) == {y}:
        return _exponential(forms, own[y], number(a))
    if set(own) <= {y, square} and a == ex.constant(1):
        return _gaussian(forms, ex.scaled(own[square], -1), own.get(y, {}))
    need(len(own) == 1, "a product of several functions")
    ((term, coefficient),) = own.items()
    if a == ex.constant(1) and (found := _rational(forms, term, coefficient, y)) is not None:
        return found
    from gencompiler.proof.integrands import one_plus_power

    if (found := _chained(forms, term, coefficient, a, y)) is not None:
        return found
    factor, exponent = one_plus_power(forms, term, y, -1)
    need(factor == ex.constant(1), "{} does not vanish at 1", term)
    b = ex.plus(coefficient, ex.constant(1))
    _positive(forms, exponent)
    shape = ex.times(a, ex.inverse(exponent))
    _positive(forms, shape)
    _positive(forms, b)
    gammas = (forms.normal(apply("lgamma", ex.written(v))) for v in (shape, b, ex.plus(shape, b)))
    first, second, both = gammas
    return Product(1, ex.plus(first, second, ex.scaled(both, -1), ex.scaled(_log(forms, exponent), -1)))


def _positive(forms: ClosedForms, value: Exponentials) -> None:
    from gencompiler.proof.integrands import Divergent

    term = ex.written(value)
    if not forms.positive(term):
        plain = number(value)
        if plain is not None and plain <= 0:
            raise Divergent(term)
        raise Unproved(f"the integral converges only where {term} is positive")


def _log(forms: ClosedForms, value: Exponentials) -> Exponentials:
    return forms.log(ex.written(value))


def _as_product(forms: ClosedForms, value: Exponentials) -> Product:
    """A number as one product: its sign where that is known."""
    term = ex.written(value)
    sign = forms.sign(term)
    if sign:
        return Product(sign, _log(forms, ex.scaled(value, sign)))
    return Product(1, {}, frozenset(((term, 1),)))


def _exponential(forms: ClosedForms, rate: Exponentials, shape: Fraction | None) -> Product:
    """∫ y^(shape - 1) exp(rate y)"""
    need(shape is not None and shape.denominator == 1 and 1 <= shape <= 9, "no whole power")
    need(forms.sign(ex.written(rate)) != 0, "a rate {} that may be 0", ex.written(rate))
    inverse, whole = ex.inverse(rate), ex.exponential(rate)
    value = ex.times(ex.plus(whole, ex.constant(-1)), inverse)
    assert shape is not None
    for n in range(1, int(shape)):
        value = ex.times(ex.plus(whole, ex.scaled(value, -n)), inverse)
    return _as_product(forms, value)


def _gaussian(forms: ClosedForms, a: Exponentials, b: Exponentials) -> Product:
    """∫ exp(-a y^2 + b y) = sqrt(pi / a) / 2 exp(b^2 / 4a) (erf(sqrt(a) - b / 2 sqrt(a)) + erf(b / 2 sqrt(a)))"""
    _positive(forms, a)
    root = forms.raised(ex.scaled(_log(forms, a), _HALF))
    middle = ex.scaled(ex.times(b, ex.inverse(root)), _HALF)
    ends = (ex.plus(root, ex.scaled(middle, -1)), middle)
    erfs = ex.plus(*(forms.normal(apply("erf", ex.written(e))) for e in ends))
    outer = ex.plus(
        ex.scaled(forms.log(constant("pi")), _HALF),
        ex.scaled(_log(forms, a), -_HALF),
        ex.scaled(ex.times(ex.times(b, b), ex.inverse(a)), Fraction(1, 4)),
        ex.scaled(forms.log(literal(2)), -1),
    )
    own = _as_product(forms, erfs)
    return Product(own.sign, ex.plus(outer, own.log), own.rest)


def gaussian_from_zero(forms: ClosedForms, square: Exponentials, b: Exponentials) -> Product:
    """∫ exp(-a y^2 + b y) over y > 0 = sqrt(pi / a) / 2 exp(b^2 / 4a) (1 + erf(b / 2 sqrt(a)))"""
    a = ex.scaled(square, -1)
    _positive(forms, a)
    root = forms.raised(ex.scaled(_log(forms, a), _HALF))
    middle = ex.scaled(ex.times(b, ex.inverse(root)), _HALF)
    side = ex.plus(ex.constant(1), forms.normal(apply("erf", ex.written(middle))))
    outer = ex.plus(
        ex.scaled(forms.log(constant("pi")), _HALF),
        ex.scaled(_log(forms, a), -_HALF),
        ex.scaled(ex.times(ex.times(b, b), ex.inverse(a)), Fraction(1, 4)),
        ex.scaled(forms.log(literal(2)), -1),
    )
    own = _as_product(forms, side)
    return Product(own.sign, ex.plus(outer, own.log), own.rest)


def _rational(forms: ClosedForms, term: Term, coefficient: Exponentials, y: Term) -> Product | None:
    """∫ (1 + k y)^(-p) and ∫ (1 + k y^2)^(-1)"""
    from gencompiler.proof.integrands import one_plus_power

    factor, exponent = one_plus_power(forms, term, y)
    k = ex.written(factor)
    if exponent == ex.constant(2) and coefficient == ex.constant(-1) and forms.positive(k):
        root = forms.raised(ex.scaled(_log(forms, factor), _HALF))
        return _as_product(forms, ex.times(forms.normal(apply("atan", ex.written(root))), ex.inverse(root)))
    if exponent != ex.constant(1) or forms.sign(k) == 0:
        return None
    end = forms.plain(apply("add", ONE, k))
    if not forms.positive(end):
        return None
    if coefficient == ex.constant(-1):
        return _as_product(forms, ex.times(forms.log(end), ex.inverse(factor)))
    power = ex.plus(coefficient, ex.constant(1))
    if forms.sign(ex.written(power)) == 0:
        return None
    grown = forms.raised(ex.times(power, forms.log(end)))
    slope = ex.inverse(ex.times(power, factor))
    return _as_product(forms, ex.times(ex.plus(grown, ex.constant(-1)), slope))


def _chained(forms: ClosedForms, term: Term, power: Exponentials, a: Exponentials, y: Term) -> Product | None:
    """∫ y^(c-1) (1 + k y^c)^p, the power of y being the slope of what is raised."""
    from gencompiler.proof.integrands import one_plus_power

    k, c = one_plus_power(forms, term, y)
    sign = forms.sign(ex.written(c))
    if ex.plus(a, ex.scaled(c, -1)) or not forms.positive(ex.written(k)) or sign == 0:
        return None
    raised = ex.plus(power, ex.constant(1))
    direction = forms.sign(ex.written(raised))
    if direction == 0 or (sign < 0 < direction):
        return None
    end = ex.times(raised, forms.log(ex.written(ex.plus(ex.constant(1), k))))
    scale = ex.times(ex.times(c, k), raised)
    if sign < 0:
        return Product(1, ex.plus(end, ex.scaled(_log(forms, scale), -1)))
    return _as_product(forms, ex.times(ex.plus(forms.raised(end), ex.constant(-1)), ex.inverse(scale)))


def _wave(forms: ClosedForms, own: dict[Term, Exponentials], term: Term, count: int, y: Term) -> Product:
    """∫ cos(k y + d), ∫ sin(k y + d), ∫ y^(a-1) log(y)"""
    need(count == 1 and term.operation == "apply", "a power of {}", term)
    log_y = apply("log", y)
    if term is log_y:
        need(set(own) <= {log_y}, "a product of several functions")
        a = ex.plus(own.get(log_y, {}), ex.constant(1))
        _positive(forms, a)
        return Product(-1, ex.scaled(_log(forms, a), -2))
    need(not own and term.data in ("sin", "cos"), "no integral of {}", term)
    parts = linear(forms.normal(term.arguments[0]), y)
    if parts is None or not forms.sign(ex.written(parts[0])):
        raise Unproved(f"no integral of {term}")
    ends = (ex.plus(*parts), parts[1])
    other, signs = ("sin", (1, -1)) if term.data == "cos" else ("cos", (-1, 1))
    values = [ex.scaled(forms.normal(apply(other, ex.written(e))), s) for e, s in zip(ends, signs, strict=True)]
    return _as_product(forms, ex.times(ex.plus(*values), ex.inverse(parts[0])))


__all__ = ["minus", "over_unit"]
