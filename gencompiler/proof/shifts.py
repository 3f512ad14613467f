"""Integrals over the reals of what a bounded function changes by when it is moved:

    ∫ (G(k y + p) - G(k y + q)) dy = (p - q) / k (G(inf) - G(-inf))             k > 0

of a G with limits at both ends, the integral being that of G from R k + q to R k + p less that at the other end.  It is
what a uniform variable and one with the distribution function G sum to."""

from __future__ import annotations

import itertools

from gencompiler.model.nodes import REAL
from gencompiler.proof import exponentials as ex
from gencompiler.proof.binders import replaced
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.exponentials import Exponentials
from gencompiler.proof.graph import Term, constant, literal, subterms, symbol
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.pieces import linear

#: What a function rises by from one end of the reals to the other; each falls off to its limits fast enough for the
#: difference to have an absolutely convergent integral.
RISES = {"erf": literal(2), "tanh": literal(2), "sigmoid": literal(1), "atan": constant("pi")}


def difference(forms: ClosedForms, body: Term, y: Term) -> Exponentials:
    """The integral of a multiple of such a difference; raises Unproved for other terms."""
    rising = [t for t in subterms(body) if t.operation == "apply" and t.data in RISES and y in t.symbols]
    for first, second in itertools.combinations(rising, 2):
        if first.data == second.data and (factor := _multiple(forms, body, first, second, y)) is not None:
            (slope, start), (other, end) = (_affine(forms, t, y) for t in (first, second))
            sign = forms.sign(ex.written(slope))
            need(sign != 0 and ex.is_zero(ex.plus(slope, ex.scaled(other, -1))), "no difference at two places")
            gap = ex.times(ex.plus(start, ex.scaled(end, -1)), ex.inverse(ex.scaled(slope, sign)))
            return forms.collected(ex.times(ex.times(factor, gap), forms.normal(RISES[first.data])))
    raise Unproved("no difference of one function at two places")


def _multiple(forms: ClosedForms, body: Term, first: Term, second: Term, y: Term) -> Exponentials | None:
    """The c of a body c (first - second), free of the variable."""
    names = tuple(symbol("integral", f"G at {place}", REAL) for place in ("p", "q"))
    whole = linear(forms.normal(replaced(body, dict(zip((first, second), names, strict=True)))), names[0])
    rest = linear(whole[1], names[1]) if whole is not None else None
    if whole is None or rest is None or rest[1] or not ex.is_zero(ex.plus(whole[0], rest[0])):
        return None
    return None if {y, *names} & ex.written(whole[0]).symbols else whole[0]


def _affine(forms: ClosedForms, term: Term, y: Term) -> tuple[Exponentials, Exponentials]:
    found = linear(forms.normal(term.arguments[0]), y)
    if found is None or not found[0]:
        raise Unproved(f"{term} is no function of a multiple")
    return found
