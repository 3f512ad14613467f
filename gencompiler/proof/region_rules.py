"""Rules for masses that are put together of parts: of regions, each integrated in an order of its own, and of the two
halves of the reals that a law is folded from."""

from __future__ import annotations

from typing import cast

from gencompiler.model.nodes import REAL
from gencompiler.proof import exponentials as ex
from gencompiler.proof.closed_forms import ClosedForms, Know
from gencompiler.proof.density_facts import HasMass
from gencompiler.proof.domain import NON_NEGATIVE
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Malformed, Term, apply, build, choose, substitute, support_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.mass_rules import elements, error_of, from_premises, mass, scalar
from gencompiler.proof.products import Product
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.terms import ZERO, minus, plus

#: A body of more regions is not taken apart.
MOST_REGIONS = 4
#: The orders of integration of the regions.
Orders = tuple[tuple[Term, ...], ...]


def regions(body: Term) -> tuple[Term, ...]:
    """A body as a sum of parts, each 0 where a condition of it does not hold."""
    if body.operation == "choose":
        condition, then, otherwise = body.arguments
        first = tuple(choose(condition, part, ZERO) for part in regions(then))
        return (*first, *(choose(condition, ZERO, part) for part in regions(otherwise)))
    if body.operation == "apply" and body.data in ("multiply", "divide"):
        left, right = body.arguments
        if len(parts := regions(left)) > 1:
            return tuple(build("apply", body.data, (part, right)) for part in parts)
        if body.data == "multiply" and len(parts := regions(right)) > 1:
            return tuple(build("apply", body.data, (left, part)) for part in parts)
    return (body,)


def mass_of_regions(
    variables: tuple[Term, ...], body: Term, orders: Orders, know: Know
) -> tuple[ClosedForms, tuple[Product, ...]]:
    """The integral of a body that is nowhere negative, region by region; raises Unproved."""
    parts = regions(body)
    need(1 < len(parts) <= MOST_REGIONS and len(parts) == len(orders), "{} regions", len(parts))
    found: list[Product] = []
    for part, order in zip(parts, orders, strict=True):
        need(len(order) == len(variables) and set(order) == set(variables), "other variables")
        forms, products = mass(order, part, know)
        found.extend(products)
    return forms, tuple(found)


@rule
def mass_in_regions(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The integral of a body that is nowhere negative is the sum of those over its regions, in each of which it is
    nowhere negative, so that the order of integration is free there (Tonelli).

    Subject: the variables, the body, the elements of the variables in an order for each region.  Premises: that the
    body is nowhere negative, then ranges of terms."""
    variables, body, orders = cast(tuple[tuple[Term, ...], Term, Orders], subject)
    whole = scalar(body)
    need(bool(premises) and range_of(premises[0], whole).within(NON_NEGATIVE), "the body may be negative")
    try:
        forms, products = mass_of_regions(elements(variables), whole, orders, from_premises(premises))
    except Malformed as problem:
        raise Unproved(str(problem)) from None
    return HasMass(variables, body, error_of(forms, products))


@rule
def mass_unfolded(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """∫ (g(x) + g(-x)) dx over x > 0 is the integral of g over the reals.

    Subject: the variable, the body, a real number y, g in it.  Premises: that g has mass 1, then ranges of terms."""
    variable, body, y, g = cast(tuple[Term, Term, Term, Term], subject)
    inner = premises[0] if premises else None
    if not isinstance(inner, HasMass) or inner.variables != (y,) or inner.body is not g:
        raise Unproved("the mass of what is folded is not known")
    need(support_of(variable).name == "Positive" and variable.shape == () and support_of(y) == REAL, "nothing folded")
    need(folds(ClosedForms(from_premises(premises)), variable, body, y, g), "{} is not folded from {}", body, g)
    return HasMass((variable,), body, inner.error)


def folds(forms: ClosedForms, variable: Term, body: Term, y: Term, g: Term) -> bool:
    """Whether a body is g(x) + g(-x), which does not mention x otherwise."""
    if variable in g.symbols or y in body.symbols:
        return False
    both = plus(substitute(g, {y: variable}), substitute(g, {y: apply("negate", variable)}))
    return ex.is_zero(forms.normal(minus(body, both)))
