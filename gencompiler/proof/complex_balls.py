"""Enclosures of integrals between two numbers, in complex balls."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from flint import acb, arb, ctx, fmpq

from gencompiler.model.nodes import Real
from gencompiler.proof import enclosure
from gencompiler.proof.graph import Term, subterms
from gencompiler.proof.kernel import need

_EVALUATIONS = 6000
Bounds = tuple[Real, Real]


def integral(
    body: Term, y: Term, start: Fraction, stop: Fraction, *, digits: int = 60, evaluations: int = _EVALUATIONS
) -> Bounds:
    """Bounds of the integral between two numbers, to about so many binary digits; raises Unproved."""
    if start >= stop:
        return Fraction(0), Fraction(0)
    order = subterms(body)
    for term in order:
        known = term is y or term.operation in ("literal", "constant")
        need(known or (term.operation == "apply" and term.data in (*_COMPLEX, "power")), "{} is not enclosed", term)

    def value(z: acb, analytic: bool) -> acb:
        return _value(order, y, z, analytic)

    with ctx.workprec(enclosure.PRECISION):
        ends = [acb(arb(fmpq(e.numerator, e.denominator))) for e in (start, stop)]
        found = acb.integral(value, *ends, rel_tol=arb(2) ** -digits, abs_tol=arb(2) ** -digits, eval_limit=evaluations)
    need(found.is_finite(), "the integral is not enclosed")
    return enclosure.bounds_of(found.real)


def _value(order: list[Term], y: Term, z: acb, analytic: bool) -> acb:
    known: dict[Term, acb] = {y: z}
    for term in order:
        if term not in known:
            known[term] = _of(term, [known[a] for a in term.arguments], analytic)
    return known[order[-1]]


def _of(term: Term, arguments: list[acb], analytic: bool) -> acb:
    if term.operation == "literal":
        return acb(arb(fmpq(term.data.numerator, term.data.denominator)))
    if term.operation == "constant":
        return acb(arb.pi()) if term.data == "pi" else acb(arb.const_e())
    if term.data == "power":
        exponent = term.arguments[1]
        if exponent.operation == "literal" and exponent.data.denominator == 1 and abs(exponent.data) <= 64:
            return _whole(arguments[0], int(exponent.data))
        return (arguments[1] * arguments[0].log(analytic)).exp()
    return _COMPLEX[term.data](arguments, analytic)


def _whole(base: acb, exponent: int) -> acb:
    found = acb(1)
    for _ in range(abs(exponent)):
        found = found * base
    return found if exponent >= 0 else 1 / found


def _asinh(z: acb, analytic: bool) -> acb:
    return (z + (z * z + 1).sqrt(analytic)).log(analytic)


def _atan(z: acb, analytic: bool) -> acb:
    i = acb(0, 1)
    return ((1 + i * z).log(analytic) - (1 - i * z).log(analytic)) / (2 * i)


def _lgamma(z: acb, analytic: bool) -> acb:
    inside = bool(z.real > 0)
    return z.lgamma() if inside or not analytic else acb("nan")


_COMPLEX: dict[str, Callable[[list[acb], bool], acb]] = {
    "add": lambda a, _: a[0] + a[1],
    "subtract": lambda a, _: a[0] - a[1],
    "multiply": lambda a, _: a[0] * a[1],
    "divide": lambda a, _: a[0] / a[1],
    "negate": lambda a, _: -a[0],
    "exp": lambda a, _: a[0].exp(),
    "log": lambda a, n: a[0].log(n),
    "log1p": lambda a, n: (1 + a[0]).log(n),
    "expm1": lambda a, _: a[0].expm1(),
    "sqrt": lambda a, n: a[0].sqrt(n),
    "sigmoid": lambda a, _: 1 / (1 + (-a[0]).exp()),
    "softplus": lambda a, n: (1 + a[0].exp()).log(n),
    "logit": lambda a, n: a[0].log(n) - (1 - a[0]).log(n),
    "tanh": lambda a, _: 1 - 2 / (1 + (2 * a[0]).exp()),
    "sinh": lambda a, _: a[0].sinh(),
    "cosh": lambda a, _: a[0].cosh(),
    "erf": lambda a, _: a[0].erf(),
    "sin": lambda a, _: a[0].sin(),
    "cos": lambda a, _: a[0].cos(),
    "asinh": lambda a, n: _asinh(a[0], n),
    "atan": lambda a, n: _atan(a[0], n),
    "lgamma": lambda a, n: _lgamma(a[0], n),
    "min": lambda a, n: a[0].real_min(a[1], n),
    "max": lambda a, n: a[0].real_max(a[1], n),
    "abs": lambda a, n: a[0].real_abs(n),
    "bessel_i0": lambda a, _: a[0].bessel_i(acb(0)),
}
