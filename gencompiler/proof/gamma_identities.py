"""Two identities of the gamma function, used where what should be 1 is not in normal form:

Γ(2 z) = 2^(2 z - 1) Γ(z) Γ(z + 1/2) / sqrt(pi)          z > 0        (Abramowitz & Stegun 6.1.18)
Γ(1 - z) = pi / (sin(pi z) Γ(z))                         0 < z < 1    (6.1.17)"""

from __future__ import annotations

from fractions import Fraction

from gencompiler.proof import exponentials as ex
from gencompiler.proof.binders import replaced
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.graph import Term, apply, constant, literal, subterms
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.products import number
from gencompiler.proof.terms import ONE, minus, over, plus, times


def with_fewer_gammas(forms: ClosedForms, term: Term) -> Term:
    """A term with an identity put in for each value of lgamma that another one determines."""
    found = {t: t.arguments[0] for t in subterms(term) if t.operation == "apply" and t.data == "lgamma"}
    for gamma, argument in found.items():
        for other in found.values():
            written = _doubled(forms, argument, other) or _reflected(forms, argument, other)
            if written is not None:
                return replaced(term, {gamma: written})
    return term


def _doubled(forms: ClosedForms, argument: Term, other: Term) -> Term | None:
    """lgamma(2 z) with z = other, up to halves of whole numbers."""
    half = over(argument, literal(2))
    try:
        gap = number(forms.normal(minus(half, other)))
    except Unproved:
        return None
    if gap is None or (2 * gap).denominator != 1 or not forms.positive(half):
        return None
    log_two, log_pi = apply("log", literal(2)), apply("log", constant("pi"))
    powers = minus(times(minus(argument, ONE), log_two), times(literal(Fraction(1, 2)), log_pi))
    gammas = plus(apply("lgamma", half), apply("lgamma", plus(half, literal(Fraction(1, 2)))))
    return plus(powers, gammas)


def _reflected(forms: ClosedForms, argument: Term, other: Term) -> Term | None:
    """lgamma(1 - z) with z = other."""
    if not (forms.positive(argument) and forms.positive(other)):
        return None
    try:
        whole = forms.normal(plus(argument, other))
    except Unproved:
        return None
    if argument is other or whole != ex.constant(1):
        return None
    wave = apply("sin", times(constant("pi"), other))
    return minus(minus(apply("log", constant("pi")), apply("log", wave)), apply("lgamma", other))
