"""g with f(k) = g(k + 1) - g(k), for an f that is a sum of shifts of a few functions h:

    Σ_j c_j h(k + j)  with  Σ_j c_j = 0  is  g(k + 1) - g(k)  for  g(k) = -Σ_j (c_0 + … + c_j) h(k + j).

What is found is tried against f in normal form, so nothing rests on how it was found."""

from __future__ import annotations

import math
from fractions import Fraction

from gencompiler.model.nodes import REAL
from gencompiler.proof import exponentials as ex
from gencompiler.proof.binders import replaced
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.exponentials import Exponentials
from gencompiler.proof.graph import Term, apply, literal, substitute, subterms, symbol
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.pieces import linear
from gencompiler.proof.products import number, parts_of
from gencompiler.proof.terms import ZERO, minus, plus, times

#: Functions further apart than this are not compared, nor sums of more parts looked at.
FURTHEST, MOST = 4, 12
#: Nor is the numerator of a rational function of a higher degree taken apart.
HIGHEST = 4


def antidifference(forms: ClosedForms, body: Term, k: Term) -> Term:
    """A g with body = g(k + 1) - g(k); raises Unproved."""
    whole = forms.normal(body)
    waiting = _units(whole)
    need(2 <= len(waiting) <= MOST, "no sum of shifts")
    found: list[Exponentials] = []
    while waiting:
        counts, start, waiting = _shifts(forms, waiting, k)
        partial = Fraction(0)
        for by in range(min(counts), max(counts) + 1):
            partial += counts.get(by, Fraction(0))
            found.append(ex.scaled(_moved(forms, start, k, by), -partial))
        need(partial == 0, "the terms do not telescope")
    g = ex.written(ex.plus(*found))
    ahead = substitute(g, {k: plus(k, literal(1))})
    same = ex.is_zero(ex.plus(forms.normal(minus(ahead, g)), ex.scaled(whole, -1)))
    need(same, "the terms do not telescope")
    return g


def sum_of_logarithms(forms: ClosedForms, body: Term, k: Term) -> Term:
    """The sum over k = 0, 1, … of Σ_r c_r log(k + r) with c free of k, logarithms of rational functions taken apart.

    With d_j = -(c_0 + … + c_j) the terms telescope to g(k) = Σ_j d_j log(k + j), if the last d is 0.  By parts
    this is Σ_j (d_0 + … + d_j) log((k + j) / (k + j + 1)), which tends to 0, if the last sum is 0."""
    logs = [t for t in subterms(body) if t.operation == "apply" and t.data in ("log", "log1p") and k in t.symbols]
    changed: dict[Term, Term] = {}
    names: dict[Fraction, Term] = {}
    for term in logs:
        (inside,) = term.arguments
        lead, places = _factored(forms, inside if term.data == "log" else plus(literal(1), inside), k)
        changed[term] = apply("log", literal(lead))
        for place, count in places.items():
            name = names.setdefault(place, symbol("telescope", f"log at {place}", REAL))
            changed[term] = plus(changed[term], times(literal(count), name))
    rest = forms.normal(replaced(body, changed))
    waiting: dict[Fraction, Exponentials] = {}
    for place, name in names.items():
        parts = linear(rest, name)
        if parts is None:
            raise Unproved("more than sums of logarithms")
        waiting[place], rest = parts
    free = not any({k, *names.values()} & ex.written(value).symbols for value in waiting.values())
    need(not rest and free, "more than sums of logarithms")
    total: Term = ZERO
    while waiting:
        first = min(waiting)
        places = [p for p in waiting if (p - first).denominator == 1]
        partial: Exponentials = {}
        taken: Exponentials = {}
        for by in range(int(max(places) - first) + 1):
            partial = ex.plus(partial, waiting.pop(first + by, {}))
            taken = ex.plus(taken, partial)
            ratio = literal((first + by) / (first + by + 1))
            total = plus(total, times(ex.written(taken), apply("log", ratio)))
        need(ex.is_zero(partial) and ex.is_zero(taken), "the terms do not telescope, or have no sum")
    return total


def _factored(forms: ClosedForms, inside: Term, k: Term) -> tuple[Fraction, dict[Fraction, int]]:
    """(c, counts by r) of a rational function c Π (k + r)^n of k whose factors are all positive; raises Unproved."""
    value = forms.normal(inside)
    sums = {t for p in value.values() for m in p for t, _ in m if k in t.symbols}
    need(len(sums) == 1 and set(value) == {ex.NONE}, "{} is not of one sum", inside)
    (s,) = sums
    parts = linear(forms.normal(s), k)
    start = None if parts is None or parts[0] != ex.constant(1) else number(parts[1])
    powers = {dict(m).get(s, 0): c for m, c in value[ex.NONE].items() if len(m) <= 1}
    lowest, highest = min(powers), max(powers)
    if start is None or len(powers) != len(value[ex.NONE]) or highest - lowest > HIGHEST:
        raise Unproved(f"{inside} is no rational function of {k}")
    roots = _roots([powers.get(n, Fraction(0)) for n in range(lowest, highest + 1)])
    counts = {start: lowest} if lowest else {}
    for root in roots:
        counts[start - root] = counts.get(start - root, 0) + 1
    need(len(roots) == highest - lowest and powers[highest] > 0, "{} is no product", inside)
    need(all(forms.positive(forms.plain(plus(k, literal(r)))) for r in counts), "a factor that may not be positive")
    return powers[highest], counts


def _roots(coefficients: list[Fraction]) -> list[Fraction]:
    """The rational roots of a polynomial (the constant first, which is not 0), as often as they count."""
    found: list[Fraction] = []
    while len(coefficients) > 1:
        scale = math.lcm(*(c.denominator for c in coefficients))
        first, last = (abs(int(coefficients[n] * scale)) for n in (0, -1))
        tried = [Fraction(s * p, q) for p in _divisors(first) for q in _divisors(last) for s in (1, -1)]
        root = next((r for r in tried if sum(c * r**n for n, c in enumerate(coefficients)) == 0), None)
        if root is None:
            return found
        found.append(root)
        quotient: list[Fraction] = []
        for c in reversed(coefficients[1:]):
            quotient.append(c + (quotient[-1] * root if quotient else 0))
        coefficients = quotient[::-1]
    return found


def _divisors(number: int) -> list[int]:
    return [n for n in range(1, min(number, 1000) + 1) if number % n == 0]


_Units = list[tuple[Exponentials, Fraction]]


def _units(value: Exponentials) -> _Units:
    """The products of a sum without their coefficients, and these."""
    return [(ex.scaled(part, 1 / count), count) for part, count in parts_of(value)]


def _shifts(forms: ClosedForms, parts: _Units, k: Term) -> tuple[dict[int, Fraction], Exponentials, _Units]:
    """The counts of the shifts of one function h, by how far; h; and the other parts.  h is the earliest of them."""
    (start, count), *others = parts
    counts = {0: count}
    for by in [step for far in range(1, FURTHEST + 1) for step in (far, -far)]:
        try:
            wanted = _units(_moved(forms, start, k, by))
        except Unproved:
            continue
        other = next((o for o in others if len(wanted) == 1 and o[0] == wanted[0][0]), None)
        if other is not None:
            counts[by] = other[1] / wanted[0][1]
            others.remove(other)
    return counts, start, others


def _moved(forms: ClosedForms, part: Exponentials, k: Term, by: int) -> Exponentials:
    return forms.normal(substitute(ex.written(part), {k: plus(k, literal(by))})) if by else part
