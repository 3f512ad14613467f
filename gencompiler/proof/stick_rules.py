"""Rules for densities on the simplex: Lebesgue measure on the first K - 1 shares, which determine the last.

Breaking a stick is a chart of it: of what the shares before it left, share k takes the part t_k,

    x_k = t_k (1 - t_0) ... (1 - t_{k-1}),    x_{K-1} = (1 - t_0) ... (1 - t_{K-2}),

a bijection of the open unit cube onto the inside of the simplex, whose boundary has no mass.  x_k depends on t_0, …,
t_k only, so the determinant is the product of the slopes dx_k / dt_k, (1 - t_0)^{K-2} (1 - t_1)^{K-3} ... (1 - t_{K-3})
(Connor & Mosimann, JASA 64, 1969, section 2)."""

from __future__ import annotations

from typing import cast

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.model.nodes import Support
from gencompiler.proof import domain
from gencompiler.proof.binders import replaced
from gencompiler.proof.components import component
from gencompiler.proof.density_facts import HasMass, NotMass
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import (
    Term,
    apply,
    choose,
    element,
    literal,
    name_of,
    substitute,
    subterms,
    support_of,
    symbol,
)
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.mass_rules import MOST_VARIABLES, at_point, scalar
from gencompiler.proof.refute_rules import Assignment
from gencompiler.proof.terms import ONE, minus, times

_PART = Support("Unit")


def on_simplex(variable: Term) -> bool:
    """Whether a variable is one point of a simplex."""
    return support_of(variable).name == "Simplex" and len(variable.shape) == 1


def sticks(variable: Term) -> tuple[Term, ...]:
    """The symbols of the parts t_0, …, t_{K-2} of a point of a simplex: none of the only point of one share."""
    (extent,) = variable.shape
    need(1 <= extent <= MOST_VARIABLES, "a simplex of {} shares", extent)
    return tuple(symbol("stick", f"{name_of(variable)}[{k}]", _PART) for k in range(extent - 1))


def shares(parts: tuple[Term, ...]) -> tuple[tuple[Term, ...], Term]:
    """The point of the simplex with these parts, and the determinant of the chart there."""
    found: list[Term] = []
    rest, slope = ONE, ONE
    for number, part in enumerate(parts):
        found.append(part if rest is ONE else times(part, rest))
        others = len(parts) - 1 - number
        if others:
            left = minus(ONE, part)
            slope = times(slope, left if others == 1 else apply("power", left, literal(others)))
        rest = minus(ONE, part) if rest is ONE else times(rest, minus(ONE, part))
    return (*found, rest), slope


def picked(body: Term, points: frozenset[Term]) -> Term:
    """A body in which a share that a whole number picks is a choice between the shares: if y == 0 then x[0] else …"""
    found: dict[Term, Term] = {}
    for term in subterms(body):
        if term.operation == "element" and term.arguments[0] in points and len(term.arguments) == 2:
            base, place = term.arguments
            if place.operation == "symbol" and _picks(place, base.shape[0]):
                shares = [element(base, (literal(k),)) for k in range(base.shape[0])]
                choice = shares[-1]
                for k in range(base.shape[0] - 2, -1, -1):
                    choice = choose(apply("equal", place, literal(k)), shares[k], choice)
                found[term] = choice
    return replaced(body, found) if found else body


def _picks(place: Term, extent: int) -> bool:
    """Whether a symbol is one of the places 0, …, extent - 1."""
    support = support_of(place)
    own = domain.of_support(support)
    whole = own is not None and SUPPORTS[support.name].discrete and place.shape == ()
    return whole and own is not None and own.lower >= 0 and own.upper <= extent - 1


def in_sticks(variables: tuple[Term, ...], body: Term) -> tuple[tuple[Term, ...], Term]:
    """Variables and a body with the points of simplexes in it in parts of sticks, times the determinant: what has the
    same integral.  Without any, the body in the elements of its tensors."""
    whole = scalar(picked(body, frozenset(filter(on_simplex, variables))))
    own: list[Term] = []
    for variable in variables:
        if not on_simplex(variable):
            own.append(variable)
            continue
        parts = sticks(variable)
        points, slope = shares(parts)
        whole = substitute(whole, {component(variable, k): point for k, point in enumerate(points)})
        need(variable not in whole.symbols, "{} is not written out", variable)
        whole = times(whole, slope)
        own.extend(parts)
    return tuple(own), whole


@rule
def mass_on_simplex(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The mass of a density on the simplex is that of its sticks.  Subject: the variables, the body.

    Premise: the mass of what `in_sticks` makes of it."""
    variables, body = cast(tuple[tuple[Term, ...], Term], subject)
    own, whole = in_sticks(variables, body)
    found = premises[0] if premises else None
    if not isinstance(found, HasMass) or found.variables != own or found.body is not whole:
        raise Unproved("the mass of the sticks is not known")
    return HasMass(variables, body, found.error)


@rule
def other_mass_on_simplex(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The same of a mass that is another than 1 with numbers for everything else.

    Subject: the variables, the body, the numbers.  Premise: that the sticks have another mass with these."""
    variables, body, assignment = cast(tuple[tuple[Term, ...], Term, Assignment], subject)
    own, whole = in_sticks(variables, body)
    need(any(map(on_simplex, variables)), "no variable is on a simplex")
    need(bool(premises) and premises[0] == NotMass(own, whole), "the mass of the sticks is not known")
    at_point(whole, assignment)
    return NotMass(variables, body)
