"""Abel's series, of which the laws of Borel and of Consul & Jain are the terms:

    Σ_{k >= 0} (t + l k)^(k-1) (w exp(-l w))^k / k! = exp(t w) / t          t, l, w > 0, l w <= 1

(Riordan, Combinatorial identities, 1968, section 1.5; Lagrange's inversion of w exp(-l w), which converges to the
smaller solution, for which l w <= 1)."""

from __future__ import annotations

from gencompiler.proof import exponentials as ex
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.exponentials import NONE, Exponentials
from gencompiler.proof.graph import Term, apply, subterms
from gencompiler.proof.integrands import split
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.pieces import linear
from gencompiler.proof.products import logarithm_in
from gencompiler.proof.terms import ONE, minus, plus


def log_of_sum(forms: ClosedForms, log: Exponentials, k: Term) -> Exponentials | None:
    """log of the sum over k = 0, 1, … of exp(log); None where it is no such series, or may not converge."""
    try:
        return _log_of_sum(forms, log, k)
    except Unproved:
        return None


def _log_of_sum(forms: ClosedForms, log: Exponentials, k: Term) -> Exponentials | None:
    inside = _base(log, k)
    parts = None if inside is None else linear(forms.normal(inside), k)
    if inside is None or parts is None or not parts[0]:
        return None
    slope, start = parts
    if not (forms.positive(ex.written(slope)) and forms.positive(ex.written(start))):
        return None
    power = ex.times(forms.normal(minus(k, ONE)), forms.log(inside))
    kernel = ex.plus(power, ex.scaled(forms.normal(apply("lgamma", plus(k, ONE))), -1))
    free, own = split(ex.plus(log, ex.scaled(kernel, -1)), k)
    if not set(own) <= {k}:
        return None
    rate = own.get(k, {})
    size = forms.raised(_logarithms(rate))  # w, if the rest of the rate is -l w
    wanted = ex.plus(_logarithms(rate), ex.scaled(ex.times(slope, size), -1))
    room = forms.plain(ex.written(ex.plus(ex.constant(1), ex.scaled(ex.times(slope, size), -1))))
    if not ex.is_zero(ex.plus(rate, ex.scaled(wanted, -1))) or forms.know(room).lower < 0:
        return None
    return ex.plus(free, ex.times(start, size), ex.scaled(forms.log(ex.written(start)), -1))


def _base(log: Exponentials, k: Term) -> Term | None:
    """The u of k log(u) in a sum, u more than k and a number."""
    for monomial in log.get(NONE, {}):
        counts = dict(monomial)
        if counts.pop(k, 0) == 1 and len(counts) == 1:
            base = logarithm_in(frozenset(counts.items()))
            if base is not None and k in subterms(base):
                return base
    return None


def _logarithms(value: Exponentials) -> Exponentials:
    """The products of a sum that are logarithms, with their numbers."""
    own = {m: c for m, c in value.get(NONE, {}).items() if logarithm_in(m) is not None}
    return {NONE: own} if own else {}
