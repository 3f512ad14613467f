"""The rule for energies without a finite mass: exp(L) that falls too slowly, or rises too fast, to have an integral.

With y L'(y) >= -1 for y > N, L(y) >= L(N) - log(y / N): the integral of exp(L) beyond N, and its sum over whole
numbers, is at least that of a multiple of 1 / y, which has none.  With y L'(y) <= -1 for 0 < y < N it is the same
towards 0.  Where this holds for all values of the other variables, there is none over all of them either (Tonelli)."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.model.nodes import Support
from gencompiler.proof import domain
from gencompiler.proof import exponentials as ex
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.domain import Interval
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Term, apply, is_finite, literal, substitute, support_of, symbol
from gencompiler.proof.kernel import Subject, need, rule
from gencompiler.proof.mass_rules import at_point, elements, from_premises, scalar
from gencompiler.proof.pieces import Pieces
from gencompiler.proof.quadrature import elasticity, grouped
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.refute_rules import Assignment, continuous
from gencompiler.proof.structure import NotIntegrable
from gencompiler.proof.terms import minus, plus

#: An end of the support of an element: the element, where from (1: upwards, -1: downwards), how far, and whether the
#: way leads towards the end that is a number.
End = tuple[Term, int, Fraction, bool]


@rule
def endless_mass(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """exp(L) has no finite mass, with numbers for the parameters.

    Subject: the joint, its variables, L, the numbers, an end.  Premises: where L lies near that end (it is a number
    there), where y L'(y) lies there; then ranges of terms."""
    joint, variables, log_density, assignment, end = cast(tuple[str, tuple[Term, ...], Term, Assignment, End], subject)
    own = elements(variables)
    need(end[0] in own and not {s for s, _ in assignment} & set(own), "{} is no variable", end[0])
    inside, slopes, lifted = near_end(
        ClosedForms(from_premises(premises)), at_point(scalar(log_density), assignment), end
    )
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
    reach = (Fraction(0), far) if towards else (far, domain.REALS.upper)
    y = symbol("integral", f"towards an end of {element}", Support("Open", reach))
    need(towards or own.contains(far * direction), "{} is outside", far)
    place = plus(literal(start), y) if direction > 0 else minus(literal(start), y)
    inside = Pieces(forms, y, False).resolved(substitute(log_density, {element: place}))
    need(continuous(inside, y), "{} may jump", inside)
    slope = elasticity(forms, forms.normal(inside), y)
    lifted = ex.written(forms.normal(plus(inside, apply("log", y))))
    return inside, (ex.written(slope), grouped(slope)), lifted
