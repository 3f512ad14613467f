"""Rules for the mass of densities and mass functions.

The integral is taken one variable after the other, the last first, which is right for what is nowhere negative
(Tonelli); so each rule has that as a premise."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import cast

from gencompiler.catalog.supports import COUPLED, SUPPORTS, values_in
from gencompiler.model.nodes import Support
from gencompiler.proof import domain, enclosure
from gencompiler.proof import exponentials as ex
from gencompiler.proof.closed_forms import ClosedForms, Know
from gencompiler.proof.components import component, components
from gencompiler.proof.density_facts import HasMass, IsCdf, NotCdf, NotMass
from gencompiler.proof.divisions import cancelled
from gencompiler.proof.domain import NON_NEGATIVE, Interval
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.exponentials import Exponentials
from gencompiler.proof.facts import Bijection, Fact, InRange
from gencompiler.proof.gamma_identities import with_fewer_gammas
from gencompiler.proof.graph import Malformed, Term, apply, is_finite, literal, substitute, support_of, symbol
from gencompiler.proof.integrals import Integrals
from gencompiler.proof.integrands import ends
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.limits import limit
from gencompiler.proof.numbers import Number, Undecided, compare
from gencompiler.proof.products import Product, over_one
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.refute_rules import Assignment, admissible, continuous
from gencompiler.proof.series import SHORT, Series
from gencompiler.proof.terms import ONE, minus, over, plus

#: More variables, counting elements, are not integrated one by one.
MOST_VARIABLES = 32


def scalar(body: Term) -> Term:
    """A density's body in the elements of its tensors."""
    need(body.shape == (), "{} is not a number", body)
    try:
        (found,) = components(body)
    except Unproved:
        return body  # a subscript that is a variable: numbers are put in for it first
    return found


def elements(variables: tuple[Term, ...]) -> tuple[Term, ...]:
    """The scalar symbols of variables, in order."""
    found: list[Term] = []
    for variable in variables:
        need(variable.operation == "symbol" and len(variable.shape) <= 1, "{} is not a variable", variable)
        size = variable.shape[0] if variable.shape else 1
        need(support_of(variable).name not in ("Simplex", "Permutation"), "a variable on {}", support_of(variable))
        found.extend(component(variable, k) for k in range(size))
    need(len(found) <= MOST_VARIABLES, "{} variables", len(found))
    return tuple(found)


def mass(
    variables: tuple[Term, ...], body: Term, know: Know, primitives: bool = False
) -> tuple[ClosedForms, tuple[Product, ...]]:
    """The integral of `body`, which is nowhere negative, in closed form, by `primitives` as well where these are asked
    for: variables of few values first, then the others, the last one first; raises Unproved."""
    forms = ClosedForms(know)
    inside = body
    products = () if variables else forms.products(body)
    few = [v for v in reversed(variables) if not _has_many_values(v)]
    for variable in (*few, *(v for v in reversed(variables) if v not in few)):
        if SUPPORTS[support_of(variable).name].discrete:
            products = Series(forms).over(inside, variable)
        else:
            products = Integrals(forms, primitives).over(inside, variable)
        total = cancelled(forms.total(products))
        inside = ex.written(over_one(total) if primitives else total)
    return forms, products


def _has_many_values(variable: Term) -> bool:
    support = support_of(variable)
    size = 2 if support.name == "Sign" else values_in(support.name, support.arguments)
    return size is None or size >= SHORT


def from_premises(premises: tuple[Fact, ...]) -> Know:
    """Where terms lie, by what the premises say."""
    known: dict[Term, Interval] = {p.term: p.interval for p in premises if isinstance(p, InRange)}

    def know(term: Term) -> Interval:
        found = known.get(term)
        if found is None:
            raise Unproved(f"nothing is known about the range of {term}")
        return found

    return know


#: What the mass of a density may miss 1 by, where it is known by an enclosure only.
TOLERANCE = Fraction(1, 10**9)


def rounded_up(width: Fraction) -> Fraction:
    """An error as a power of ten, so that it reads well; raises Unproved beyond the tolerance."""
    for digits in range(30, 8, -1):
        if width <= Fraction(1, 10**digits):
            return Fraction(1, 10**digits)
    raise Unproved("the mass is not 1")


@rule
def mass_in_closed_form(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The integral comes to 1 by `proof.integrals` and `proof.series`; with decimals in it, to 1 up to a small error.

    Subject: the variables, the body, and whether primitives are sought.  Premises: that the body is nowhere negative,
    then ranges of terms."""
    variables, body, primitives = cast(tuple[tuple[Term, ...], Term, bool], subject)
    need(bool(premises) and range_of(premises[0], scalar(body)).within(NON_NEGATIVE), "the body may be negative")
    try:
        forms, products = mass(elements(variables), scalar(body), from_premises(premises), primitives)
    except Malformed as problem:
        raise Unproved(str(problem)) from None
    return HasMass(variables, body, error_of(forms, products))


def error_of(forms: ClosedForms, products: tuple[Product, ...]) -> Fraction:
    """What a sum of products misses 1 by at most: 0, or, with decimals in it, less than the tolerance."""
    if forms.is_one(products):
        return Fraction(0)
    total = ex.written(forms.total(products))
    for other in (last_shares(total), with_fewer_gammas(forms, total)):
        if ex.is_zero(forms.normal(minus(other, ONE))):
            return Fraction(0)
    need(not total.symbols, "the mass is {}, not 1", total)
    try:
        low, high = _ends(evaluate(total, {})[0])
    except (Undecided, Undefined) as problem:
        raise Unproved(str(problem)) from None
    return rounded_up(max(high - 1, 1 - low))


def base_of(element: Term) -> str:
    """The name of what an element is an element of."""
    name: str = element.data[1]
    return name[: name.rindex("[")]


def share(element: Term, place: int) -> Term:
    """The symbol of another element of the same vector."""
    return symbol("component", f"{base_of(element)}[{place}]", support_of(element))


def last_shares(term: Term) -> Term:
    """A term in which the last number of each point of a simplex is 1 minus the others."""
    for each in sorted(term.symbols, key=lambda s: str(s.data[:2])):
        support = support_of(each)
        last = int(support.arguments[0]) - 1 if support.name == "Simplex" and support.arguments else 0
        if each.data[0] == "component" and last > 0 and each is share(each, last):
            rest: Term = ONE
            for k in range(last):
                rest = minus(rest, share(each, k))
            term = substitute(term, {each: rest})
    return term


def _ends(value: Number) -> tuple[Fraction, Fraction]:
    low, high = (value, value) if isinstance(value, Fraction) else enclosure.bounds_of(value)
    need(is_finite(low) and is_finite(high), "a mass without bounds")
    return Fraction(low), Fraction(high)


@rule
def mass_by_bijection(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """∫ f(x) dx = ∫ g(y) dy where y = φ(x) is a bijection onto the support of y and f = g(φ) |φ'|.

    Subject: the variable, the body f, a symbol y, g in it.  Premises: the bijection φ, then that g has mass 1; then
    ranges of terms."""
    variable, body, y, g = cast(tuple[Term, Term, Term, Term], subject)
    need(len(premises) >= 2, "two premises")
    bijection, inner = premises[:2]
    if not isinstance(inner, HasMass) or inner.variables != (y,) or inner.body is not g:
        raise Unproved("the mass of the other density is not known")
    onto_support(bijection, variable, y)
    assert isinstance(bijection, Bijection)
    pushed(ClosedForms(from_premises(premises)), variable, body, bijection, g, y)
    return HasMass((variable,), body, inner.error)


def onto_support(bijection: Fact, variable: Term, y: Term) -> None:
    """Raises Unproved unless a fact is a bijection of the variable onto the whole support of y."""
    if not isinstance(bijection, Bijection) or bijection.input is not variable:
        raise Unproved("no bijection of the variable")
    need(not any(SUPPORTS[support_of(s).name].discrete for s in (variable, y)), "a sum is no integral")
    image = domain.of_support(support_of(y))
    need(image is not None and _fill(bijection.image, image) and bijection.onto, "{} is not reached", support_of(y))
    need(bijection.increasing is not None, "it is not known whether it rises or falls")


def pushed(forms: ClosedForms, variable: Term, body: Term, bijection: Bijection, g: Term, y: Term) -> None:
    """Raises Unproved unless the body is g(φ) |φ'|, as sums of exponentials or by their logarithms."""
    need(variable is y or variable not in g.symbols, "{} depends on {} too", g, variable)
    inside = substitute(g, {y: bijection.body})
    try:
        moved = ex.times(forms.normal(inside), jacobian(forms, bijection))
        if ex.is_zero(ex.plus(forms.normal(body), ex.scaled(moved, -1))):
            return
    except Unproved:
        pass
    reasons = [f"{body} is another density"]
    for size in sizes(bijection):
        try:
            if ex.is_zero(ex.plus(forms.log(body), ex.scaled(ex.plus(forms.log(inside), size(forms)), -1))):
                return
        except Unproved as reason:
            reasons.append(str(reason))
    raise Unproved(reasons[-1])


def sizes(bijection: Bijection) -> tuple[Callable[[ClosedForms], Exponentials], ...]:
    """log|φ'| as it was derived, and by the normal form of the slope."""
    return (
        lambda forms: forms.normal(bijection.log_derivative),
        lambda forms: forms.log(ex.written(jacobian(forms, bijection))),
    )


def jacobian(forms: ClosedForms, bijection: Bijection) -> Exponentials:
    """|φ'|: the derivative of a bijection, or its negative where it falls."""
    slope = ex.written(ex.derivative(forms.normal(bijection.body), bijection.input))
    return forms.collected(ex.scaled(forms.normal(slope), 1 if bijection.increasing else -1))


def _fill(image: Interval, support: Interval) -> bool:
    """Whether an image is a whole support, up to its ends, which have no mass."""
    return (image.lower, image.upper) == (support.lower, support.upper)


@rule
def distribution_function(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """F' = f on the inside of the support, f is nowhere negative, and F goes from 0 to 1.

    Subject: the variable, the density f, the function F.  Premises: that f is nowhere negative, that F is defined on
    the whole support (at a pole it could jump back), then ranges."""
    variable, body, cdf = cast(tuple[Term, Term, Term], subject)
    need(len(premises) >= 2 and range_of(premises[0], body).within(NON_NEGATIVE), "the density may be negative")
    range_of(premises[1], cdf)
    difference, ends = cdf_parts(variable, body, cdf, from_premises(premises))
    need(difference, "its derivative is not the density")
    need(ends, "it does not go from 0 to 1")
    return IsCdf(variable, body, cdf)


def _same_logs(forms: ClosedForms, left: Term, right: Term) -> bool:
    """Whether two positive terms have one logarithm."""
    if not (forms.positive(left) and forms.positive(right)):
        return False
    return ex.is_zero(ex.plus(forms.log(left), ex.scaled(forms.log(right), -1)))


def cdf_parts(variable: Term, body: Term, cdf: Term, know: Know) -> tuple[bool, bool]:
    """Whether a function has the derivative `body`, and whether it goes from 0 to 1."""
    forms = ClosedForms(know)
    need(continuous(cdf) and variable.shape == (), "{} is not known to be smooth", cdf)
    slope = ex.written(ex.derivative(forms.normal(cdf), variable))
    difference = ex.plus(forms.normal(slope), ex.scaled(forms.normal(body), -1))
    same = ex.is_zero(forms.collected(difference)) or _same_logs(forms, slope, body)
    lower, upper = ends(support_of(variable))
    t = symbol("limit", "t", Support("Positive"))
    turned = over(ONE, t) if lower is None or upper is None else over(literal(upper - lower), plus(ONE, t))
    places = (
        apply("negate", t) if lower is None else plus(literal(lower), turned),
        t if upper is None else minus(literal(upper), turned),
    )
    values = [limit(forms, substitute(cdf, {variable: place}), t) for place in places]
    reached = all(
        not isinstance(value, float) and ex.is_zero(ex.plus(forms.normal(value), ex.constant(-wanted)))
        for value, wanted in zip(values, (0, 1), strict=True)
    )
    return same, reached


@rule
def mass_by_cdf(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The derivative of a distribution function has mass 1.  Premise: that it is one."""
    found = premises[0] if premises else None
    if not isinstance(found, IsCdf):
        raise Unproved("no distribution function")
    return HasMass((found.variable,), found.body)


@rule
def near_enough(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A mass that is 1 up to less than the tolerance.  Premise: that it is."""
    found = premises[0] if premises else None
    if not isinstance(found, HasMass):
        raise Unproved("no mass")
    need(found.error <= TOLERANCE, "an error of {}", found.error)
    return HasMass(found.variables, found.body, TOLERANCE)


# -- refutations -----------------------------------------------------------------------------------------------------


def at_point(body: Term, assignment: Assignment) -> Term:
    """A body with numbers put in for some of its symbols, each a value of its support; for the elements of a point of a
    simplex, all of them at once."""
    shares: dict[str, list[Fraction]] = {}
    for name, value in assignment:
        need(name.operation == "symbol", "{} is no symbol", name)
        if name.data[0] == "component" and support_of(name).name == "Simplex":
            need(name is share(name, len(shares.setdefault(base_of(name), []))) and value >= 0, "{} out of order", name)
            shares[base_of(name)].append(value)
            continue
        need(admissible(support_of(name), value), "{} cannot be {}", name, value)
        need(support_of(name).name not in COUPLED, "the elements of {} are not free", name)
    for name, _ in assignment:
        values = shares.get(base_of(name)) if name.data[0] == "component" else None
        whole = values is None or (len(values) == support_of(name).arguments[0] and sum(values) == 1)
        need(whole, "shares that do not sum to 1")
    return substitute(body, {s: literal(v) for s, v in assignment})


@rule
def mass_is_other(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """With numbers for everything else, the integral misses 1 by more than the tolerance.

    Subject: the variables, the body, numbers for its scalar symbols.  Premises: that the body is nowhere negative
    there, then ranges of terms."""
    variables, body, assignment = cast(tuple[tuple[Term, ...], Term, Assignment], subject)
    own = elements(variables)
    here = at_point(scalar(body), assignment)
    need(here.symbols <= set(own), "something is left open")
    need(bool(premises) and range_of(premises[0], here).within(NON_NEGATIVE), "the body may be negative")
    try:
        forms, products = mass(own, here, from_premises(premises))
        low, high = _ends(evaluate(ex.written(forms.total(products)), {})[0])
        need(low > 1 + TOLERANCE or high < 1 - TOLERANCE, "the mass may be 1")
    except (Malformed, Undecided, Undefined) as problem:
        raise Unproved(str(problem)) from None
    return NotMass(variables, body)


@rule
def other_mass_by_bijection(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """With numbers for everything else, ∫ f(x) dx = ∫ g(y) dy, which is another than 1, by a change of variables.

    Subject: the variables, the body, the numbers, a symbol y, g in it.  Premises: the bijection φ of the variable onto
    the support of y with f = g(φ) |φ'|, then that g has another mass; then ranges of terms."""
    variables, body, assignment, y, g = cast(tuple[tuple[Term, ...], Term, Assignment, Term, Term], subject)
    need(len(premises) >= 2 and len(variables) == 1, "two premises")
    bijection, inner = premises[:2]
    need(inner == NotMass((y,), g), "the mass of the other density is not known")
    onto_support(bijection, variables[0], y)
    assert isinstance(bijection, Bijection)
    here = at_point(scalar(body), assignment)
    pushed(ClosedForms(from_premises(premises)), variables[0], here, bijection, g, y)
    return NotMass(variables, body)


@rule
def other_derivative(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """At a point, the derivative of a claimed distribution function is not the density, or its value no probability.

    Subject: the variable, the density, the function, numbers for all symbols."""
    variable, body, cdf, assignment = cast(tuple[Term, Term, Term, Assignment], subject)
    need(continuous(body) and continuous(cdf), "where one may jump, a difference at a point says nothing")
    slope = ex.written(ex.derivative(ex.normal(cdf), variable))
    try:
        values = [evaluate(at_point(t, assignment), {})[0] for t in (body, slope, cdf)]
        differ = compare(values[0], values[1]) != 0
        beyond = compare(values[2], Fraction(0)) < 0 or compare(values[2], Fraction(1)) > 0
    except (Undecided, Undefined) as problem:
        raise Unproved(str(problem)) from None
    need(differ or beyond, "they agree there")
    return NotCdf(variable, body, cdf)
