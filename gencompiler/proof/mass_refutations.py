"""The search for numbers with which a density has another mass than 1, or a distribution function another derivative:
nothing here is trusted."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable
from fractions import Fraction

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.model.nodes import Real
from gencompiler.proof import enclosure_rules, mass_estimates, mass_rules
from gencompiler.proof import exponentials as ex
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.budget import MASS_WAY, Spent, limited
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.facts import Bijection
from gencompiler.proof.graph import Malformed, Term, apply, support_of, symbol
from gencompiler.proof.kernel import Proof, Unproved, attempt, prove
from gencompiler.proof.mass_rules import at_point, elements, scalar
from gencompiler.proof.mass_search import MOST_CHANGES, changes, density_of, image_support, left_over
from gencompiler.proof.numbers import Undecided
from gencompiler.proof.refute_rules import Assignment
from gencompiler.proof.search import Search
from gencompiler.proof.sign_search import Asking, free_symbols, nowhere_negative, points
from gencompiler.proof.stick_rules import in_sticks, on_simplex
from gencompiler.proof.text import approximately, number

#: How many values of the parameters are tried, in closed form and by what takes longer, and how many of those at which
#: an estimate stands out.
_MOST_TRIED, _MOST_ENCLOSED, _MOST_SUSPECTS = 12, 3, 3


def suspected(variables: tuple[Term, ...], body: Term) -> Proof | None:
    """Numbers for the parameters with which the mass is another than 1, where an estimate says that it is."""
    if any(map(on_simplex, variables)):
        return _of_sticks(variables, body, suspected)
    with contextlib.suppress(Unproved, Malformed):
        for assignment in mass_estimates.suspects(mass_estimates.estimated(variables, body))[:_MOST_SUSPECTS]:
            for find in (_other_mass_at, _mass_elsewhere, _other_mass_through):
                if (found := _tried(find, variables, body, assignment)) is not None:
                    return found
    return None


def other_mass(variables: tuple[Term, ...], body: Term) -> Proof | None:
    """Numbers for the parameters with which the mass is another than 1, unless estimates say that it is 1."""
    if any(map(on_simplex, variables)):
        return _of_sticks(variables, body, other_mass)
    with contextlib.suppress(Unproved, Malformed):
        estimated = mass_estimates.estimated(variables, body)
        if estimated and all(e.agrees for e in estimated):
            return None
        for find in (_other_mass_at, _other_mass_through, _mass_elsewhere):
            most = _MOST_TRIED if find is _other_mass_at else _MOST_ENCLOSED
            for assignment in mass_estimates.tried(variables, body, most):
                if (found := _tried(find, variables, body, assignment)) is not None:
                    return found
    return None


_Find = Callable[[tuple[Term, ...], Term, Assignment], Proof]


def _tried(find: _Find, variables: tuple[Term, ...], body: Term, assignment: Assignment) -> Proof | None:
    with contextlib.suppress(Unproved, Malformed, NotFound, Undefined, Undecided, Spent), limited(MASS_WAY):
        return find(variables, body, assignment)
    return None


def _of_sticks(
    variables: tuple[Term, ...], body: Term, find: Callable[[tuple[Term, ...], Term], Proof | None]
) -> Proof | None:
    """The same of a density on the simplex."""
    with contextlib.suppress(Unproved, Malformed):
        found = find(*in_sticks(variables, body))
        return found and prove("other_mass_on_simplex", (variables, body, found.subject[2]), found)
    return None


def _other_mass_through(variables: tuple[Term, ...], body: Term, assignment: Assignment) -> Proof:
    """By a change of variables at a point."""
    here = at_point(scalar(body), assignment)
    variable = variables[0]
    if len(variables) > 1 or variable.shape or SUPPORTS[support_of(variable).name].discrete:
        raise Unproved("a change of several variables")
    search = Search()
    for inner in itertools.islice(changes(here, variable), MOST_CHANGES):
        with contextlib.suppress(Unproved, Malformed, NotFound):
            bijection = search.bijection(variable, inner)
            found = bijection.conclusion
            assert isinstance(found, Bijection)
            y = symbol("input", "pushed", image_support(found.image))
            asking = Asking(search)
            forms = ClosedForms(asking)
            moved = density_of(forms, found, here, y)
            other = _other_mass_at((y,), moved, ())
            mass_rules.pushed(forms, variable, here, found, moved, y)
            subject = (variables, body, assignment, y, moved)
            return prove("other_mass_by_bijection", subject, bijection, other, *asking.proofs.values())
    raise NotFound("mass", here, "no change of variables helps")


def _mass_elsewhere(variables: tuple[Term, ...], body: Term, assignment: Assignment) -> Proof:
    here = at_point(scalar(body), assignment)
    search = Search()
    first = nowhere_negative(search, here)
    for last in left_over(variables):
        asking = Asking(search)
        with contextlib.suppress(Unproved):
            enclosure_rules.bounds(variables, here, last, asking)
            return prove("mass_elsewhere", (variables, body, assignment, last), first, *asking.proofs.values())
    raise Unproved("no enclosure is far enough from 1")


def _other_mass_at(variables: tuple[Term, ...], body: Term, assignment: Assignment) -> Proof:
    here = at_point(scalar(body), assignment)
    search = Search()
    first = nowhere_negative(search, here)
    asking = Asking(search)
    mass_rules.mass(elements(variables), here, asking)
    return prove("mass_is_other", (variables, body, assignment), first, *asking.proofs.values())


def value_of(found: Proof) -> str:
    """The mass at a counterexample, in digits."""
    variables, body, assignment, *_ = found.subject
    if found.rule in ("other_mass_by_bijection", "other_mass_on_simplex"):
        return value_of(found.premises[-1 if found.rule.endswith("simplex") else 1])
    try:
        if found.rule == "mass_elsewhere":
            here = at_point(scalar(body), assignment)
            low, high = enclosure_rules.bounds(variables, here, found.subject[3], Asking(Search()))
            return f"at least {_digits(low, 6)}" if high == math.inf else _digits((low + high) / 2, 10)
        forms, products = mass_rules.mass(elements(variables), at_point(scalar(body), assignment), Asking(Search()))
        value = evaluate(ex.written(forms.total(products)), {})[0]
        return approximately(value) if isinstance(value, Fraction) else f"about {float(value.mid()):.12g}"
    except (Unproved, Malformed, Undefined, Undecided):
        return ""


def _digits(value: Real, count: int) -> str:
    """So many digits of a number; of one that no float holds, the power of 2 near it."""
    try:
        return f"{float(value):.{count}g}"
    except OverflowError:
        return number(value)


def not_cdf(variable: Term, body: Term, cdf: Term | None) -> Proof | None:
    """A point at which a claimed distribution function has another derivative than the density."""
    if cdf is None:
        return None
    for assignment in points(free_symbols(apply("add", body, cdf)), 40):
        found = attempt("other_derivative", (variable, body, cdf, assignment))
        if found is not None:
            return found
    return None
