"""Integrals over the unit interval of polynomials over whole powers of a positive affine function d = a (1 - y) + c y:

    ∫ y^m (1 - y)^n / d^(m + n + 2) dy = m! n! / (m + n + 1)! / (a^(n + 1) c^(m + 1))               a, c > 0

(Feynman's parameters: Gradshteyn & Ryzhik 3.198), and y^m = Σ C(k, j) y^(m + j) (1 - y)^(k - j) for any k.  Unlike a
primitive, nothing here is divided by the slope c - a, which may be 0."""

from __future__ import annotations

import math
from fractions import Fraction

from gencompiler.proof import exponentials as ex
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.exponentials import Exponentials
from gencompiler.proof.graph import Term
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.pieces import linear

#: Higher powers are not written out.
HIGHEST = 8


def integral(forms: ClosedForms, body: Term, y: Term) -> Exponentials:
    """∫ body dy over the unit interval; raises Unproved for other terms."""
    value = forms.normal(body)
    divisors = {t for p in value.values() for m in p for t, n in m if n < 0 and y in t.symbols}
    need(len(divisors) == 1, "no polynomial over powers of one sum")
    divisor = divisors.pop()
    parts = linear(ex.normal(divisor), y)
    if parts is None or not parts[0]:
        raise Unproved(f"{divisor} is not affine")
    ends = parts[1], ex.plus(*parts)
    need(all(forms.positive(ex.written(end)) for end in ends), "{} may be 0 at an end", divisor)
    found: list[Exponentials] = []
    for exponent, polynomial in value.items():
        need(not any(y in t.symbols for m, _ in exponent for t, _ in m), "an exponential beside a quotient")
        for monomial, coefficient in polynomial.items():
            counts = dict(monomial)
            degree, power = counts.pop(y, 0), -counts.pop(divisor, 0)
            need(not any(y in t.symbols for t in counts), "more than a polynomial above the line")
            need(0 <= degree <= power - 2 <= HIGHEST, "too high a degree above the line")
            outside: Exponentials = {exponent: {frozenset(counts.items()): coefficient}}
            found.append(ex.times(outside, _quotient(*ends, degree, power)))
    return forms.collected(ex.plus(*found))


def _quotient(a: Exponentials, c: Exponentials, degree: int, power: int) -> Exponentials:
    """∫ y^degree / (a (1 - y) + c y)^power dy"""
    spare = power - 2 - degree
    found: list[Exponentials] = []
    for j in range(spare + 1):
        m, n = degree + j, spare - j
        weight = Fraction(math.comb(spare, j) * math.factorial(m) * math.factorial(n), math.factorial(m + n + 1))
        found.append(ex.scaled(ex.times(ex.power(a, -n - 1), ex.power(c, -m - 1)), weight))
    return ex.plus(*found)
