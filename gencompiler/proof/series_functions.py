"""Functions of asymptotic series: those with a rule of their own, and what the others are at infinity.

Part of what a proof trusts.  `DIRECT` works for every series; `FAR` for one whose largest term grows, with its sign."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from gencompiler.proof.asymptotic_series import VANISHING, Arithmetic, Series
from gencompiler.proof.graph import constant, literal
from gencompiler.proof.terms import ONE, ZERO, over


def _log1p(own: Arithmetic, series: Series) -> Series:
    growing, middle, rest = own._parts(series) if series.terms else ([], ZERO, series)
    if not growing and middle is ZERO:
        return own._first_order(ZERO, ONE, rest)
    return own._log(own._add(series, own._constant(ONE)))


def _expm1(own: Arithmetic, series: Series) -> Series:
    return own._add(own._exp(series), own._constant(literal(-1)))


def _logit(own: Arithmetic, series: Series) -> Series:
    other = own._add(own._constant(ONE), own._scaled(series, literal(-1)))
    return own._add(own._log(series), own._scaled(own._log(other), literal(-1)))


def _wave(sign: int) -> Callable[[Arithmetic, Series], Series]:
    def series(own: Arithmetic, inner: Series) -> Series:
        half, other = literal(Fraction(1, 2)), literal(Fraction(sign, 2))
        up = own._scaled(own._exp(inner), half)
        down = own._scaled(own._exp(own._scaled(inner, literal(-1))), other)
        return own._add(up, down)

    return series


DIRECT: dict[str, Callable[[Arithmetic, Series], Series]] = {
    "negate": lambda own, s: own._scaled(s, literal(-1)),
    "exp": Arithmetic._exp,
    "log": Arithmetic._log,
    "log1p": _log1p,
    "expm1": _expm1,
    "logit": _logit,
    "sqrt": lambda own, s: own._power(s, literal(Fraction(1, 2))),
    "sinh": _wave(-1),
    "cosh": _wave(1),
}


def _sigmoid(own: Arithmetic, series: Series, sign: int) -> Series:
    small = own._decays(series, -sign)
    if sign < 0:
        return own._with(Series(()), small)
    return own._with(own._constant(ONE), own._scaled(small, literal(-1)))


def _softplus(own: Arithmetic, series: Series, sign: int) -> Series:
    return own._with(series if sign > 0 else Series(()), own._decays(series, -sign))


def _tanh(own: Arithmetic, series: Series, sign: int) -> Series:
    small = own._scaled(own._decays(series, -2 * sign), literal(-2 * sign))
    return own._with(own._constant(literal(sign)), small)


def _atan(own: Arithmetic, series: Series, sign: int) -> Series:
    quarter = over(constant("pi"), literal(2 * sign))
    return own._with(own._constant(quarter), own._scaled(own._power(series, literal(-1)), literal(-1)))


def _erf(own: Arithmetic, series: Series, sign: int) -> Series:
    return Series(own._constant(literal(sign)).terms, VANISHING)


def _asinh(own: Arithmetic, series: Series, sign: int) -> Series:
    size = own._scaled(series, literal(2 * sign))
    small = own._power(series, literal(-2))
    found = own._scaled(own._log(size), literal(sign))
    return own._series(list(found.terms), own._largest(found.error, small.terms[0][0]))


FAR: dict[str, Callable[[Arithmetic, Series, int], Series]] = {
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "tanh": _tanh,
    "atan": _atan,
    "erf": _erf,
    "asinh": _asinh,
}
