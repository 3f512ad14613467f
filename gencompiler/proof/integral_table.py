"""The table of integrals over the reals and over the positive numbers that converge absolutely.

    ∫ y^(a-1) exp(-b y^c) dy = Γ(a/c) / (|c| b^(a/c))                              y > 0, b, a/c > 0
    ∫ y^(a-1) (1 + k y^c)^(-p) dy = k^(-a/c) B(a/c, p - a/c) / |c|                 y > 0, k, a/c, p - a/c > 0
    ∫ y^(p-1) exp(-a y - b / y) dy = 2 (b/a)^(p/2) K_p(2 sqrt(a b))                y > 0, a, b > 0, p = ±1/2, ±3/2
    ∫ y exp(-a y^2) I_0(c y) dy = exp(c^2 / (4 a)) / (2 a)                         y > 0, a > 0
    ∫ exp(-a y^2 + b y) dy = sqrt(pi / a) exp(b^2 / (4 a))                         y real, a > 0

(Gradshteyn & Ryzhik 3.326.2, 3.241.4, 3.471.9 with 8.468, 6.631.4, 3.323.2).  Each takes the logarithm of a product as
functions of y with coefficients that are free of it, and gives the logarithm of the integral."""

from __future__ import annotations

from fractions import Fraction

from gencompiler.proof import exponentials as ex
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.exponentials import Exponentials
from gencompiler.proof.graph import Term, apply, constant, literal
from gencompiler.proof.integrands import Divergent, one_plus_power, power_of
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.pieces import linear
from gencompiler.proof.products import number
from gencompiler.proof.terms import ZERO

_HALF = Fraction(1, 2)


def on_reals(forms: ClosedForms, own: dict[Term, Exponentials], y: Term) -> Exponentials:
    """The Gaussian integral."""
    square = apply("power", y, literal(2))
    need(set(own) <= {y, square} and square in own, "no Gaussian")
    a, b = ex.scaled(own[square], -1), own.get(y, {})
    shift = ex.scaled(ex.times(ex.times(b, b), ex.inverse(a)), Fraction(1, 4))
    return ex.plus(ex.scaled(forms.log(constant("pi")), _HALF), ex.scaled(_log(forms, a), -_HALF), shift)


def on_positive(forms: ClosedForms, own: dict[Term, Exponentials], y: Term) -> Exponentials:
    """The others, by what stands beside the power of y."""
    own = dict(own)
    a = ex.plus(own.pop(apply("log", y), {}), ex.constant(1))
    turned, square = apply("power", y, literal(-1)), apply("power", y, literal(2))
    if set(own) == {y, turned}:
        return _half_bessel(forms, a, ex.scaled(own[y], -1), ex.scaled(own[turned], -1))
    if len(own) == 2 and square in own:
        (other,) = [term for term in own if term is not square]
        return _rice(forms, a, ex.scaled(own[square], -1), other, own[other], y)
    need(len(own) == 1, "a product of several functions")
    ((term, coefficient),) = own.items()
    exponent = power_of(term, y)
    if exponent is not None:
        return _gamma(forms, a, ex.scaled(coefficient, -1), exponent)
    factor, exponent = one_plus_power(forms, term, y)
    size, sign = _size(forms, exponent)
    shape = ex.times(ex.scaled(a, sign), ex.inverse(size))
    other_shape = ex.plus(ex.scaled(coefficient, -1), ex.scaled(shape, -1))
    _converges(forms, shape)
    _converges(forms, other_shape)
    scale = ex.scaled(ex.times(shape, _log(forms, factor)), -1)
    return ex.plus(scale, _log_beta(forms, shape, other_shape), ex.scaled(_log(forms, size), -1))


def _gamma(forms: ClosedForms, a: Exponentials, rate: Exponentials, exponent: Exponentials) -> Exponentials:
    size, sign = _size(forms, exponent)
    shape = ex.times(ex.scaled(a, sign), ex.inverse(size))
    _converges(forms, shape)
    return ex.plus(
        _log_gamma(forms, shape),
        ex.scaled(_log(forms, size), -1),
        ex.scaled(ex.times(shape, _log(forms, rate)), -1),
    )


def _half_bessel(forms: ClosedForms, p: Exponentials, a: Exponentials, b: Exponentials) -> Exponentials:
    """K of half a whole number is elementary; with -p for p, a and b change places."""
    order = number(p)
    need(order is not None and abs(order) in (_HALF, 3 * _HALF), "a Bessel function of another order")
    assert order is not None
    logs = ex.plus(_log(forms, a), _log(forms, b))
    root = forms.raised(ex.scaled(logs, _HALF))
    over, under = (a, b) if order > 0 else (b, a)
    found = ex.plus(ex.scaled(forms.log(constant("pi")), _HALF), ex.scaled(root, -2))
    if abs(order) == _HALF:
        return ex.plus(found, ex.scaled(_log(forms, over), -_HALF))
    more = ex.plus(ex.constant(1), ex.scaled(ex.inverse(root), _HALF))
    return ex.plus(found, ex.scaled(_log(forms, under), _HALF), ex.scaled(_log(forms, over), -1), _log(forms, more))


def _rice(
    forms: ClosedForms, shape: Exponentials, a: Exponentials, other: Term, count: Exponentials, y: Term
) -> Exponentials:
    inside = other.arguments[0] if other.operation == "apply" and other.data == "log" else other
    bessel = inside.operation == "apply" and inside.data == "bessel_i0" and count == ex.constant(1)
    need(bessel and shape == ex.constant(2), "a product of several functions")
    parts = linear(forms.normal(inside.arguments[0]), y)
    if parts is None or parts[1]:
        raise Unproved("a Bessel function of another argument")
    square = ex.times(parts[0], parts[0])
    shift = ex.scaled(ex.times(square, ex.inverse(a)), Fraction(1, 4))
    return ex.plus(shift, ex.scaled(_log(forms, ex.scaled(a, 2)), -1))


def _size(forms: ClosedForms, exponent: Exponentials) -> tuple[Exponentials, int]:
    """|c| and the sign of an exponent c that is not 0."""
    sign = forms.sign(ex.written(exponent))
    need(sign != 0, "an exponent {} that may be 0", ex.written(exponent))
    return ex.scaled(exponent, sign), sign


def _converges(forms: ClosedForms, value: Exponentials) -> None:
    term = ex.written(value)
    if not forms.positive(term):
        raise (
            Divergent(term)
            if forms.sign(term) < 0 or term is ZERO
            else Unproved(f"the integral converges only where {term} is positive")
        )


def _log(forms: ClosedForms, value: Exponentials) -> Exponentials:
    return forms.log(ex.written(value))


def _log_gamma(forms: ClosedForms, value: Exponentials) -> Exponentials:
    return forms.normal(apply("lgamma", ex.written(value)))


def _log_beta(forms: ClosedForms, left: Exponentials, right: Exponentials) -> Exponentials:
    both = _log_gamma(forms, ex.plus(left, right))
    return ex.plus(_log_gamma(forms, left), _log_gamma(forms, right), ex.scaled(both, -1))
