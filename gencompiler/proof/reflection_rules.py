"""Rules that bring a mass to that of another function: by a reflection of the variable, and by another order of
integration."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

from gencompiler.model.nodes import REAL
from gencompiler.proof import exponentials as ex
from gencompiler.proof.binders import replaced
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.density_facts import HasMass
from gencompiler.proof.domain import NON_NEGATIVE
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Term, apply, constant, literal, substitute, subterms, support_of, symbol
from gencompiler.proof.integrands import ends
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.mass_rules import from_premises, scalar
from gencompiler.proof.products import ODD
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.terms import minus, plus, times

#: Odd functions, whose value at -u stands for minus the value at u; 2 sigmoid(u) - 1 is one more.
_ODD = (*ODD, "tanh", "sinh")
_HALF = literal(Fraction(1, 2))


@rule
def mass_by_reflection(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """∫ f(x) dx = ∫ (f(x) + f(2 c - x)) / 2 dx of an f that is nowhere negative, over what the reflection at c maps
    onto itself: the reals, an interval about c, the circle for an f of period 2 pi.

    Subject: the variable, the body f, the centre c.  Premises: that f is nowhere negative, that the mean of both has
    mass 1, as `reflected` writes it; then ranges of terms."""
    variable, body, centre = cast(tuple[Term, Term, Term], subject)
    need(len(premises) >= 2 and range_of(premises[0], scalar(body)).within(NON_NEGATIVE), "the body may be negative")
    mean = reflected(ClosedForms(from_premises(premises)), variable, body, centre)
    inner = premises[1]
    if not isinstance(inner, HasMass) or inner.variables != (variable,) or inner.body is not mean:
        raise Unproved("the mass of the mean is not known")
    return HasMass((variable,), body, inner.error)


def reflected(forms: ClosedForms, variable: Term, body: Term, centre: Term) -> Term:
    """(f(x) + f(2 c - x)) / 2 in normal form, what is odd about c having cancelled; raises Unproved."""
    need(variable.shape == () and variable not in centre.symbols, "{} is no centre", centre)
    _onto_itself(forms, variable, body, centre)
    mirror = {variable: minus(times(literal(2), centre), variable)}
    here, there = body, substitute(body, mirror)
    odd = [t for t in subterms(body) if _is_odd(forms, t, variable, mirror)]
    for number, term in enumerate(odd):
        own = symbol("odd", f"{number} of {len(odd)}", REAL)
        need(own not in body.symbols, "the name of {} is in use", term)
        sides = (own, apply("negate", own))
        if term.data == "sigmoid":
            sides = (plus(_HALF, own), minus(_HALF, own))
        here = replaced(here, {term: sides[0]})
        there = replaced(there, {substitute(term, mirror): sides[1]})
    mean = ex.written(ex.scaled(forms.normal(plus(here, there)), Fraction(1, 2)))
    need(not any(s.data[0] == "odd" for s in mean.symbols), "{} is not even beside what is odd", body)
    return mean


def _is_odd(forms: ClosedForms, term: Term, variable: Term, mirror: dict[Term, Term]) -> bool:
    """Whether a term is an odd function of what changes its sign under the reflection."""
    if term.operation != "apply" or term.data not in (*_ODD, "sigmoid") or variable not in term.symbols:
        return False
    (inside,) = term.arguments
    try:
        return ex.is_zero(forms.normal(plus(inside, substitute(inside, mirror))))
    except Unproved:
        return False


def _onto_itself(forms: ClosedForms, variable: Term, body: Term, centre: Term) -> None:
    """Raises Unproved unless the reflection at the centre keeps the integral over the support."""
    support = support_of(variable)
    if support.name == "Angle":
        later = substitute(body, {variable: plus(variable, times(literal(2), constant("pi")))})
        need(ex.is_zero(forms.normal(minus(later, body))), "{} may have no period", body)
        return
    lower, upper = ends(support)
    if lower is None and upper is None:
        return
    need(lower is not None and upper is not None, "{} has no centre", support)
    assert lower is not None and upper is not None
    twice = forms.normal(times(literal(2), centre))
    need(twice == ex.constant(lower + upper), "{} is not the middle of {}", centre, support)


@rule
def mass_in_another_order(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Variables are integrated in any order, where nothing is negative (Tonelli).

    Subject: the variables in their own order.  Premises: that the body is nowhere negative, then its mass with the
    variables in another order."""
    (variables,) = cast(tuple[tuple[Term, ...]], subject)
    inner = premises[1] if len(premises) > 1 else None
    if not isinstance(inner, HasMass):
        raise Unproved("no mass")
    need(range_of(premises[0], scalar(inner.body)).within(NON_NEGATIVE), "the body may be negative")
    need(len(set(variables)) == len(variables) == len(inner.variables), "other variables")
    need(set(variables) == set(inner.variables), "other variables")
    return HasMass(variables, inner.body, inner.error)
