"""Integrals of functions of one wave over whole periods, 0 < y < 1 (Abramowitz & Stegun 9.6.16; Gradshteyn & Ryzhik
3.613.1), with w = cos(2 pi n y + d) or sin(2 pi n y + d), n a whole number but 0:

    ∫ exp(k w) dy = I0(k)                                 k real
    ∫ 1 / (a + b w) dy = 1 / sqrt(a^2 - b^2)              a > |b|
    ∫ Π cos(2 pi n_i y + d_i) dy = 2^-m Σ cos(Σ ±d_i)     over the choices of m signs with Σ ±n_i = 0

the last by writing each cosine as half the sum of two exponentials; sin(z) = cos(z - pi / 2)."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

from gencompiler.proof import exponentials as ex
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.exponentials import Exponentials
from gencompiler.proof.graph import Term, apply, constant, subterms
from gencompiler.proof.kernel import need
from gencompiler.proof.pieces import linear
from gencompiler.proof.products import Product, number, parts_of


def over_periods(forms: ClosedForms, own: dict[Term, Exponentials], y: Term) -> Product | None:
    """The integral of exp(sum of coefficients times functions) over the unit interval, where it is one of these."""
    if len(own) != 1:
        return None
    ((term, coefficient),) = own.items()
    if is_wave(forms, term, y):
        return Product(1, forms.normal(apply("log_bessel_i0", ex.written(coefficient))))
    if coefficient != ex.constant(-1) or term.operation != "apply" or term.data != "log":
        return None
    return _reciprocal(forms, forms.normal(term.arguments[0]), y)


def is_wave(forms: ClosedForms, term: Term, y: Term) -> bool:
    """Whether a term is a sine or a cosine with a whole number of periods over 0 < y < 1."""
    if term.operation != "apply" or term.data not in ("sin", "cos"):
        return False
    parts = linear(forms.normal(term.arguments[0]), y)
    turn = ex.scaled(ex.atom(constant("pi")), 2)
    turns = number(ex.times(parts[0], ex.inverse(turn))) if parts is not None else None
    return turns is not None and turns != 0 and turns.denominator == 1


#: Products of more waves are not written out.
MOST_WAVES = 8


def polynomial(forms: ClosedForms, body: Term, y: Term) -> Exponentials:
    """The integral of a polynomial in waves over whole periods; raises Unproved for other terms."""
    found: list[Exponentials] = []
    for exponent, part in forms.normal(body).items():
        need(not any(y in t.symbols for m, _ in exponent for t, _ in m), "{} is more than waves", body)
        for monomial, coefficient in part.items():
            kept = frozenset((t, n) for t, n in monomial if y not in t.symbols)
            waves = [(t, n) for t, n in monomial if y in t.symbols]
            outside: Exponentials = {exponent: {kept: coefficient}}
            found.append(ex.times(outside, _mean(forms, waves, y)))
    return forms.collected(ex.plus(*found))


def _mean(forms: ClosedForms, waves: list[tuple[Term, int]], y: Term) -> Exponentials:
    """The mean of a product of powers of waves over whole periods."""
    count = sum(n for _, n in waves)
    need(all(n > 0 for _, n in waves) and count <= MOST_WAVES, "more than products of waves")
    turn, quarter = ex.scaled(ex.atom(constant("pi")), 2), ex.scaled(ex.atom(constant("pi")), Fraction(-1, 2))
    each: list[tuple[Fraction, Exponentials]] = []
    for wave, n in waves:
        need(is_wave(forms, wave, y), "{} has no whole number of periods", wave)
        parts = linear(forms.normal(wave.arguments[0]), y)
        turns = number(ex.times(parts[0], ex.inverse(turn))) if parts is not None else None
        assert parts is not None
        assert turns is not None
        each += [(turns, ex.plus(parts[1], quarter) if wave.data == "sin" else parts[1])] * n
    found: list[Exponentials] = []
    for signs in itertools.product((1, -1), repeat=count):
        if sum(s * turns for s, (turns, _) in zip(signs, each, strict=True)) == 0:
            angle = ex.plus(*(ex.scaled(d, s) for s, (_, d) in zip(signs, each, strict=True)))
            found.append(forms.normal(apply("cos", ex.written(angle))))
    return ex.scaled(ex.plus(*found), Fraction(1, 2**count))


def _reciprocal(forms: ClosedForms, value: Exponentials, y: Term) -> Product | None:
    """∫ 1 / (a + b w): a is free of y and positive, and so is a^2 - b^2."""
    waves = {t for p in value.values() for m in p for t, _ in m if y in t.symbols}
    if len(waves) != 1 or not is_wave(forms, wave := waves.pop(), y):
        return None
    (a, first), (b, second) = (_coefficient(value, wave, n) for n in (0, 1))
    if first + second != len(parts_of(value)):
        return None
    if not forms.positive(ex.written(a)):
        return None
    gap = forms.collected(ex.plus(ex.times(a, a), ex.scaled(ex.times(b, b), -1)))
    root = root_of_square(gap)
    if root is not None and (sign := forms.sign(ex.written(root))):
        return Product(1, ex.scaled(forms.log(ex.written(ex.scaled(root, sign))), -1))
    if not forms.positive(ex.written(gap)):
        return None
    return Product(1, ex.scaled(forms.log(ex.written(gap)), Fraction(-1, 2)))


def _coefficient(value: Exponentials, wave: Term, count: int) -> tuple[Exponentials, int]:
    """What a power of the wave is multiplied by, and how many products that are."""
    found: list[Exponentials] = []
    for exponent, polynomial in value.items():
        for monomial, coefficient in polynomial.items():
            inside = any(wave in subterms(t) for m, _ in exponent for t, _ in m)
            if dict(monomial).get(wave, 0) == count and not inside:
                kept = frozenset((t, n) for t, n in monomial if t is not wave)
                found.append({exponent: {kept: coefficient}})
    return ex.plus(*found), len(found)


def root_of_square(value: Exponentials) -> Exponentials | None:
    """p + q of a value p^2 + 2 p q + q^2, p and q single products; None of any other."""
    roots = [root for part, _ in parts_of(value) if (root := _root(part)) is not None]
    for place, p in enumerate(roots):
        for q in roots[place + 1 :]:
            for sign in (1, -1):
                whole = ex.plus(p, ex.scaled(q, sign))
                if not ex.plus(value, ex.scaled(ex.times(whole, whole), -1)):
                    return whole
    return None


def _root(part: Exponentials) -> Exponentials | None:
    """The square root of one product with a square coefficient and even exponents."""
    ((exponent, polynomial),) = part.items()
    ((monomial, coefficient),) = polynomial.items()
    if coefficient <= 0 or any(n % 2 for _, n in monomial):
        return None
    size = Fraction(math.isqrt(coefficient.numerator), math.isqrt(coefficient.denominator))
    if size * size != coefficient:
        return None
    half = frozenset((m, c / 2) for m, c in exponent)
    return {half: {frozenset((t, n // 2) for t, n in monomial): size}}


__all__ = ["over_periods", "polynomial", "root_of_square"]
