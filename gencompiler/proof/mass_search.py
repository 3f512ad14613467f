"""The search for proofs that a density has mass 1, and for numbers with which it has another: nothing here is
trusted."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator
from fractions import Fraction

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.model.nodes import Real, Support
from gencompiler.proof import exponentials as ex
from gencompiler.proof import enclosure_rules, mass_estimates, mass_rules, reflection_rules, rules
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.budget import MASS_PRIMITIVES, MASS_WAY, Spent, limited
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.domain import Interval
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.facts import Bijection
from gencompiler.proof.graph import Malformed, Term, apply, build, literal, subterms, support_of, symbol
from gencompiler.proof.integrands import ends
from gencompiler.proof.kernel import Proof, Unproved, attempt, prove
from gencompiler.proof.mass_rules import at_point, elements, scalar
from gencompiler.proof.numbers import Undecided
from gencompiler.proof.pieces import linear
from gencompiler.proof.refute_rules import Assignment
from gencompiler.proof.search import Search
from gencompiler.proof.sign_search import Asking, AskingSigns, free_symbols, nowhere_negative, points
from gencompiler.proof.stick_rules import in_sticks, on_simplex
from gencompiler.proof.text import approximately, number

assert rules.RULES


# -- mass ------------------------------------------------------------------------------------------------------------


def mass(search: Search, variables: tuple[Term, ...], body: Term, cdf: Proof | None = None) -> Proof:
    """That a body has mass 1, up to the tolerance; raises NotFound."""
    if cdf is not None:
        return prove("near_enough", (), prove("mass_by_cdf", (), cdf))
    if any(map(on_simplex, variables)):
        return prove("mass_on_simplex", (variables, body), mass(search, *_in_sticks(variables, body)))
    reasons: list[str] = []
    for number, way in enumerate((closed_form, _reordered, _reflected, _pushed, _by_primitives, _with_signs, _enclosed)):
        if number == 1 and suspects(variables, body):
            break  # a counterexample is looked for first
        try:
            with limited(MASS_PRIMITIVES if way is _by_primitives else MASS_WAY):
                return prove("near_enough", (), way(search, variables, body))
        except Spent:
            reasons.append("the search takes too many steps")
        except NotFound as failure:
            reasons.append(failure.reason)
        except (Unproved, Malformed) as failure:
            reasons.append(str(failure))
    raise NotFound("mass", body, reasons[0])


def _by_primitives(search: Search, variables: tuple[Term, ...], body: Term) -> Proof:
    """In closed form once more, with primitives."""
    return closed_form(search, variables, body, AskingSigns(search, strict=True), primitives=True)


def _with_signs(search: Search, variables: tuple[Term, ...], body: Term) -> Proof:
    """In closed form once more, with signs that take longer to find."""
    return closed_form(search, variables, body, AskingSigns(search, strict=True))


def _in_sticks(variables: tuple[Term, ...], body: Term) -> tuple[tuple[Term, ...], Term]:
    try:
        return in_sticks(variables, body)
    except (Unproved, Malformed) as failure:
        raise NotFound("mass", body, str(failure)) from None


def _reordered(search: Search, variables: tuple[Term, ...], body: Term) -> Proof:
    """The same with the variables integrated in another order; raises NotFound."""
    for order in itertools.islice(itertools.permutations(variables), 1, MOST_ORDERS):
        with contextlib.suppress(NotFound):
            inner = closed_form(search, order, body)
            return prove("mass_in_another_order", (variables,), nowhere_negative(search, scalar(body)), inner)
    raise NotFound("mass", body, "no order of integration helps")


def _reflected(search: Search, variables: tuple[Term, ...], body: Term) -> Proof:
    """The same by a reflection, at 0 or where something affine in the body is 0; raises NotFound."""
    if len(variables) != 1 or variables[0].shape or SUPPORTS[support_of(variables[0]).name].discrete:
        raise NotFound("mass", body, "a reflection of several variables")
    (variable,) = variables
    first = nowhere_negative(search, body)
    for centre in itertools.islice(_centres(ClosedForms(Asking(search)), variable, body), MOST_CENTRES):
        asking = Asking(search)
        with contextlib.suppress(NotFound, Unproved, Malformed):
            mean = reflection_rules.reflected(ClosedForms(asking), variable, body, centre)
            inner = closed_form(search, variables, mean)
            subject = (variable, body, centre)
            return prove("mass_by_reflection", subject, first, inner, *asking.proofs.values())
    raise NotFound("mass", body, "no reflection helps")


def _centres(forms: ClosedForms, variable: Term, body: Term) -> Iterator[Term]:
    lower, upper = ends(support_of(variable)) if support_of(variable).name != "Angle" else (None, None)
    found: dict[Term, None] = {literal(0 if lower is None or upper is None else (lower + upper) / 2): None}
    for term in subterms(body):
        if variable in term.symbols and term is not variable and term.shape == ():
            with contextlib.suppress(Unproved):
                parts = linear(forms.normal(term), variable)
                if parts is not None and parts[0]:
                    found[ex.written(ex.scaled(ex.times(parts[1], ex.inverse(parts[0])), -1))] = None
    yield from found


def _pushed(search: Search, variables: tuple[Term, ...], body: Term) -> Proof:
    return _pushed_forward(search, variables, body, DEEPEST)


#: How many orders of integration are tried, and how many centres of reflections.
MOST_ORDERS, MOST_CENTRES = 6, 3
#: How many changes of variables may follow one another, and how many functions are tried for one.
DEEPEST, MOST_CHANGES = 2, 8


def _pushed_forward(search: Search, variables: tuple[Term, ...], body: Term, depth: int) -> Proof:
    """The same by a change of variables, to a function of the variable that stands in the body; raises NotFound."""
    if len(variables) != 1 or variables[0].shape or SUPPORTS[support_of(variables[0]).name].discrete:
        raise NotFound("mass", body, "a change of several variables")
    (variable,) = variables
    for inner in itertools.islice(_changes(body, variable), MOST_CHANGES):
        with contextlib.suppress(NotFound, Unproved, Malformed):
            return _through(search, variable, body, inner, depth)
    raise NotFound("mass", body, "no change of variables helps")


def _changes(body: Term, variable: Term) -> Iterator[Term]:
    """Functions of the variable inside a body that are not affine in it, the largest first."""
    for inner in reversed(subterms(body)):
        if variable in inner.symbols and inner is not body and inner.operation == "apply" and not inner.shape:
            spelled = inner.data in _CHANGED or (inner.data in ("add", "subtract") and _bends(inner, variable))
            if spelled:
                yield inner


def _bends(term: Term, variable: Term) -> bool:
    """Whether each side of a sum or a difference is more than a multiple of the variable."""
    return all(variable in a.symbols and any(t.data in _CHANGED for t in subterms(a)) for a in term.arguments)


#: Functions that densities are pushed through.
_CHANGED = ("asinh", "sinh", "log", "logit", "atan", "tan", "softplus", "sqrt", "expm1", "log1p", "exp", "power")


def _through(search: Search, variable: Term, body: Term, inner: Term, depth: int) -> Proof:
    bijection = search.bijection(variable, inner)
    found = bijection.conclusion
    assert isinstance(found, Bijection)
    y = symbol("input", f"pushed {depth}", _support(found.image))
    asking = Asking(search)
    forms = ClosedForms(asking)
    moved = _moved(forms, found, body, y)
    try:
        other = closed_form(search, (y,), moved)
    except NotFound:
        if depth <= 1:
            raise
        other = _pushed_forward(search, (y,), moved, depth - 1)
    mass_rules.pushed(forms, variable, body, found, moved, y)
    return prove("mass_by_bijection", (variable, body, y, moved), bijection, other, *asking.proofs.values())


def _moved(forms: ClosedForms, bijection: Bijection, body: Term, y: Term) -> Term:
    """The density of y = inner: the body over the slope, as it is written or in normal form."""
    variable, inner = bijection.input, bijection.body
    for size in mass_rules.sizes(bijection):
        with contextlib.suppress(Unproved, Malformed):
            log = ex.plus(forms.log(_replaced(body, inner, y)), ex.scaled(size(forms), -1))
            if variable not in ex.written(log).symbols:
                return apply("exp", ex.written(log))
    density = ex.times(forms.normal(body), ex.inverse(mass_rules.jacobian(forms, bijection)))
    moved = _replaced(ex.written(forms.collected(density)), forms.plain(inner), y)
    if variable in moved.symbols:
        raise NotFound("mass", body, "not a function of it")
    return moved


def _replaced(term: Term, old: Term, new: Term) -> Term:
    if term is old:
        return new
    if not term.arguments or old not in subterms(term):
        return term
    return build(term.operation, term.data, tuple(_replaced(a, old, new) for a in term.arguments))


def _support(image: Interval) -> Support:
    if image.lower == -math.inf and image.upper == math.inf:
        return Support("Real")
    return Support("Open", (image.lower, image.upper))


def _enclosed(search: Search, variables: tuple[Term, ...], body: Term) -> Proof:
    """The same by an enclosure, of what has no parameters."""
    whole = scalar(body)
    if whole.symbols != set(elements(variables)):
        raise NotFound("mass", body, "an enclosure is of numbers")
    first = nowhere_negative(search, whole)
    for last in _left_over(variables):
        asking = Asking(search)
        with contextlib.suppress(Unproved):
            enclosure_rules.bounds(variables, whole, last, asking)
            return prove("mass_enclosed", (variables, body, last), first, *asking.proofs.values())
    raise NotFound("mass", body, "no enclosure is near enough")


#: How many variables are tried as the one that is left for an enclosure.
_MOST_LEFT = 3


def _left_over(variables: tuple[Term, ...]) -> tuple[Term, ...]:
    """The variables that may be left for an enclosure, those of endless supports first."""
    return elements(variables)[:_MOST_LEFT]


def closed_form(
    search: Search, variables: tuple[Term, ...], body: Term, asking: Asking | None = None, primitives: bool = False
) -> Proof:
    """That a body has mass 1, in closed form; raises NotFound."""
    asking = asking or Asking(search)
    try:
        whole = scalar(body)
        first = nowhere_negative(search, whole)
        forms, products = mass_rules.mass(elements(variables), whole, asking, primitives)
        mass_rules.error_of(forms, products)
        return prove("mass_in_closed_form", (variables, body, primitives), first, *asking.proofs.values())
    except (Unproved, Malformed) as failure:
        raise NotFound("mass", body, str(failure)) from None


def distribution_function(search: Search, variable: Term, body: Term, cdf: Term | None) -> Proof:
    """That a claimed distribution function is that of the density; raises NotFound."""
    assert cdf is not None
    asking = Asking(search)
    try:
        first = nowhere_negative(search, body)
        defined = search.range(cdf)
        mass_rules.cdf_parts(variable, body, cdf, asking)
        return prove("distribution_function", (variable, body, cdf), first, defined, *asking.proofs.values())
    except (Unproved, Malformed) as failure:
        raise NotFound("cdf", cdf, str(failure)) from None


# -- counterexamples -------------------------------------------------------------------------------------------------

#: How many values of the parameters are tried, of how many the mass is estimated, and at how many of those that stand
#: out it is bounded.
_MOST_TRIED, _MOST_ESTIMATED, _MOST_SUSPECTS = 12, 24, 4


def other_mass(variables: tuple[Term, ...], body: Term) -> Proof | None:
    """Numbers for the parameters with which the mass is another than 1."""
    if any(map(on_simplex, variables)):
        return _other_mass_of_sticks(variables, body)
    try:
        elements(variables)
        found = _estimated(variables, body)
    except (Unproved, Malformed):
        return None
    if found and all(e.agrees for e in found):
        return None
    for find, assignments in _attempts(variables, body, mass_estimates.far(found, _MOST_SUSPECTS)):
        for assignment in assignments:
            with contextlib.suppress(Unproved, Malformed, NotFound, Undefined, Undecided, Spent), limited(MASS_WAY):
                return find(variables, body, assignment)
    return None


def suspects(variables: tuple[Term, ...], body: Term) -> bool:
    """Whether the mass seems to be another than 1 for some values of the parameters."""
    with contextlib.suppress(Unproved, Malformed):
        return bool(mass_estimates.far(_estimated(variables, body), 1))
    return False


def _estimated(variables: tuple[Term, ...], body: Term) -> list[mass_estimates.Estimate]:
    """The masses at simple values of the parameters."""
    own, whole = elements(variables), scalar(body)
    return mass_estimates.estimates(own, whole, list(_tried(variables, body, _MOST_ESTIMATED)))


def _tried(variables: tuple[Term, ...], body: Term, most: int) -> Iterator[Assignment]:
    """Simple values of the parameters."""
    own, whole = elements(variables), scalar(body)
    simple, shares = with_shares(tuple(s for s in free_symbols(whole) if s not in own and s not in variables))
    for assignment in points(simple, most):
        yield (*assignment, *shares)


def _attempts(
    variables: tuple[Term, ...], body: Term, suspected: list[Assignment]
) -> Iterator[tuple[Callable[[tuple[Term, ...], Term, Assignment], Proof], list[Assignment]]]:
    """Ways to another mass, and where to try them: where an estimate stands out, else everywhere."""
    for find in (_other_mass_at, _other_mass_through, _mass_elsewhere):
        everywhere = _MOST_TRIED if find is _other_mass_at else 3
        yield find, suspected or list(_tried(variables, body, everywhere))


def _other_mass_of_sticks(variables: tuple[Term, ...], body: Term) -> Proof | None:
    """The same of a density on the simplex."""
    with contextlib.suppress(Unproved, Malformed):
        found = other_mass(*in_sticks(variables, body))
        return found and prove("other_mass_on_simplex", (variables, body, found.subject[2]), found)
    return None


def with_shares(free: tuple[Term, ...]) -> tuple[tuple[Term, ...], Assignment]:
    """The symbols that are no elements of points of a simplex, and numbers for those that are: 1/2, 1/4, …"""
    simplex = [s for s in free if s.data[0] == "component" and support_of(s).name == "Simplex"]
    found: dict[Term, Fraction] = {}
    for element in simplex:
        size = int(support_of(element).arguments[0])
        for k in range(size):
            found[mass_rules.share(element, k)] = Fraction(1, 2 ** min(k + 1, size - 1))
    return tuple(s for s in free if s not in simplex), tuple(found.items())


def _other_mass_through(variables: tuple[Term, ...], body: Term, assignment: Assignment) -> Proof:
    """By a change of variables at a point."""
    here = at_point(scalar(body), assignment)
    variable = variables[0]
    if len(variables) > 1 or variable.shape or SUPPORTS[support_of(variable).name].discrete:
        raise Unproved("a change of several variables")
    search = Search()
    for inner in itertools.islice(_changes(here, variable), MOST_CHANGES):
        with contextlib.suppress(Unproved, Malformed, NotFound):
            bijection = search.bijection(variable, inner)
            found = bijection.conclusion
            assert isinstance(found, Bijection)
            y = symbol("input", "pushed", _support(found.image))
            asking = Asking(search)
            forms = ClosedForms(asking)
            moved = _moved(forms, found, here, y)
            other = _other_mass_at((y,), moved, ())
            mass_rules.pushed(forms, variable, here, found, moved, y)
            subject = (variables, body, assignment, y, moved)
            return prove("other_mass_by_bijection", subject, bijection, other, *asking.proofs.values())
    raise NotFound("mass", here, "no change of variables helps")


def _mass_elsewhere(variables: tuple[Term, ...], body: Term, assignment: Assignment) -> Proof:
    here = at_point(scalar(body), assignment)
    search = Search()
    first = nowhere_negative(search, here)
    for last in _left_over(variables):
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
