"""Rules for the total mass of an energy exp(L): that it is finite, or that L falls too slowly for an integral.

With y L'(y) >= -1 for y > N, L(y) >= L(N) - log(y / N): the integral of exp(L) beyond N, and its sum over whole
numbers, is at least that of a multiple of 1 / y, which has none.  With y L'(y) <= -1 for 0 < y < N it is the same
towards 0.  Where this holds for all values of the other variables, there is none over all of them either (Tonelli); nor
where it holds once they are sheared, x_j = u_j + a_j y, which keeps volumes: along slanted lines."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import domain
from gencompiler.proof import exponentials as ex
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.domain import REALS, Interval
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Term, apply, is_finite, literal, substitute, support_of, symbol
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.mass_rules import at_point, elements, from_premises, mass, scalar
from gencompiler.proof.pieces import Cut, Pieces
from gencompiler.proof.quadrature import elasticity, grouped
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.refute_rules import Assignment, continuous
from gencompiler.proof.slices import values_of
from gencompiler.proof.structure import Integrable, NotIntegrable
from gencompiler.proof.terms import minus, plus, times

#: An end of the support of an element: the element, where from (1: upwards, -1: downwards), how far, and whether the
#: way leads towards the end that is a number.
End = tuple[Term, int, Fraction, bool]
#: How much of the element is added to other elements: the direction of a line.
Shear = tuple[tuple[Term, Fraction], ...]
#: Bounds of other elements, where a part of the space has an infinite mass.
Box = tuple[tuple[Term, tuple[Fraction, Fraction]], ...]


@rule
def finite_sum(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """exp(L) summed over finitely many values, L being a number at each.

    Subject: the joint, its variables, L.  Premise: where L lies."""
    joint, variables, log_density = cast(tuple[str, tuple[Term, ...], Term], subject)
    (finite,) = premises
    need(bool(variables), "no variables")
    need(all(values_of(support_of(v), v.shape) is not None for v in variables), "infinitely many values")
    need(range_of(finite, log_density).within(REALS), "it is not known to be a number")
    return Integrable(joint, variables, log_density)


@rule
def finite_integral(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """exp(L) has an integral in closed form, whatever the other symbols are.

    Subject: the joint, its variables, L, the elements in the order of integration.  Premises: where L lies, which is
    in the real numbers, so that the integral is not 0; then ranges of terms."""
    joint, variables, log_density, order = cast(tuple[str, tuple[Term, ...], Term, tuple[Term, ...]], subject)
    finite, *known = premises
    need(set(order) == set(elements(variables)) and len(order) == len(set(order)), "an integral over something else")
    need(range_of(finite, log_density).within(REALS), "it is not known to be a number")
    mass(order, scalar(apply("exp", log_density)), from_premises(tuple(known)))
    return Integrable(joint, variables, log_density)


@rule
def endless_mass(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """exp(L) has no finite mass, with numbers for the parameters.

    Subject: the joint, its variables, L, the numbers, an end, a shear, a box.  Premises: where L lies near that end (it
    is a number there), where y L'(y) lies there; then ranges of terms."""
    joint, variables, log_density, assignment, end, shear, box = cast(
        tuple[str, tuple[Term, ...], Term, Assignment, End, Shear, Box], subject
    )
    own = elements(variables)
    need(end[0] in own and not {s for s, _ in assignment} & set(own), "{} is no variable", end[0])
    body = confined(sheared(at_point(scalar(log_density), assignment), own, end, shear), own, end, box)
    inside, slopes, lifted = near_end(ClosedForms(from_premises(premises)), body, end)
    need(len(premises) >= 2, "two premises")
    if is_finite(range_of(premises[0], inside).lower) and not end[3]:
        return NotIntegrable(joint, variables, log_density)
    if premises[1].values()[0] is lifted:
        need(is_finite(range_of(premises[1], lifted).lower), "the mass may be finite")
        return NotIntegrable(joint, variables, log_density)
    found = next((s for s in slopes if premises[1].values()[0] is s), None)
    need(found is not None, "nothing is known of the slope")
    assert found is not None
    interval = range_of(premises[1], found)
    need(falls_slowly(interval, end), "the mass may be finite")
    return NotIntegrable(joint, variables, log_density)


def sheared(body: Term, own: tuple[Term, ...], end: End, shear: Shear) -> Term:
    """L at x_j + a_j x for some other elements x_j, which stay in their supports on the way; raises Unproved.

    What may be any number from 0 on does where it grows: a part of the space is enough for an infinite mass."""
    element, direction, _, towards = end
    moved = [other for other, _ in shear]
    need(len(set(moved)) == len(moved) and element not in moved, "an element that is sheared twice, or by itself")
    need(not shear or not towards, "a slanted line towards a number")
    for other, by in shear:
        support = support_of(other)
        grows = support.name in ("Positive", "NonNegative") and by * direction > 0
        need(other in own and (support == REAL or grows), "{} leaves {}", other, support)
    return substitute(body, {other: plus(other, times(literal(by), element)) for other, by in shear})


def confined(body: Term, own: tuple[Term, ...], end: End, box: Box) -> Term:
    """L with other elements in a box, a part of the space that is no null set; raises Unproved."""
    inside: dict[Term, Term] = {}
    for other, (low, high) in box:
        support = support_of(other)
        need(other in own and other is not end[0] and other not in inside, "no other element")
        need(not SUPPORTS[support.name].discrete and low < high, "a box without a volume")
        whole = domain.of_support(support)
        need(whole is not None and whole.contains(low) and whole.contains(high), "a box that leaves {}", support)
        inside[other] = symbol("integral", f"{other} in a box", Support("Interval", (low, high)))
    return substitute(body, inside)


def falls_slowly(slope: Interval, end: End) -> bool:
    """Whether exp(L) has no integral towards an end, by where y L'(y) lies."""
    return slope.upper <= -1 if end[3] else slope.lower >= -1


def near_end(forms: ClosedForms, log_density: Term, end: End) -> tuple[Term, tuple[Term, ...], Term]:
    """L at a distance y from where an end is measured, y L'(y) as it is written in two ways, and L + log(y); raises
    Unproved."""
    element, direction, far, towards = end
    own, discrete = domain.of_support(support_of(element)), SUPPORTS[support_of(element).name].discrete
    need(own is not None and direction in (1, -1) and far > 0, "{} has no end", element)
    assert own is not None
    edge = own.lower if (direction > 0) == towards else own.upper
    need(is_finite(edge) == towards and not (towards and discrete), "no such end of {}", support_of(element))
    start = Fraction(edge) if towards else Fraction(0)
    size = own.upper - own.lower
    need(not towards or size > far, "further than the support reaches")
    reach = (Fraction(0), far) if towards else (far, REALS.upper)
    y = symbol("integral", f"towards an end of {element}", Support("Open", reach))
    need(towards or own.contains(far * direction), "{} is outside", far)
    place = plus(literal(start), y) if direction > 0 else minus(literal(start), y)
    try:
        inside = Pieces(forms, y, False).resolved(substitute(log_density, {element: place}))
    except Cut as cut:
        raise Unproved(f"it changes its form at {cut}") from None
    need(continuous(inside, y), "{} may jump", inside)
    slope = elasticity(forms, forms.normal(inside), y)
    lifted = ex.written(forms.normal(plus(inside, apply("log", y))))
    return inside, (ex.written(slope), grouped(slope)), lifted
