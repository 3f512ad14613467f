"""The search for proofs that a density has mass 1: nothing here is trusted."""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
from collections.abc import Callable, Iterator

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import enclosure_rules, mass_rules, reflection_rules, region_rules, rules
from gencompiler.proof import exponentials as ex
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.budget import MASS_PRIMITIVES, MASS_WAY, Spent, limited
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.domain import Interval
from gencompiler.proof.facts import Bijection
from gencompiler.proof.graph import Malformed, Term, apply, build, literal, substitute, subterms, support_of, symbol
from gencompiler.proof.integrands import ends, summands
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.mass_rules import elements, scalar
from gencompiler.proof.pieces import linear
from gencompiler.proof.search import Search
from gencompiler.proof.sign_search import Asking, AskingSigns, nowhere_negative
from gencompiler.proof.stick_rules import in_sticks, on_simplex
from gencompiler.proof.terms import plus

assert rules.RULES


# -- mass ------------------------------------------------------------------------------------------------------------


def mass(
    search: Search,
    variables: tuple[Term, ...],
    body: Term,
    cdf: Proof | None = None,
    look: Callable[[], None] | None = None,
) -> Proof:
    """That a body has mass 1, up to the tolerance; raises NotFound.

    `look`: what is done before the ways that take long; it may raise NotFound, having seen that the mass is another."""
    if cdf is not None:
        return prove("near_enough", (), prove("mass_by_cdf", (), cdf))
    if any(map(on_simplex, variables)):
        return prove("mass_on_simplex", (variables, body), mass(search, *_in_sticks(variables, body), look=look))
    reasons: list[str] = []
    for number, way in enumerate(WAYS):
        if number == 1 and look is not None:
            look()
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


def _in_regions(search: Search, variables: tuple[Term, ...], body: Term) -> Proof:
    """Region by region, each in an order of its own; raises NotFound."""
    whole, own = scalar(body), elements(variables)
    parts = region_rules.regions(whole)
    if not 1 < len(parts) <= region_rules.MOST_REGIONS or len(own) < 2:
        raise NotFound("mass", body, "one region")
    first = nowhere_negative(search, whole)
    asking = Asking(search)
    orders = tuple(_order(asking, own, part) for part in parts)
    region_rules.mass_of_regions(own, whole, orders, asking)
    return prove("mass_in_regions", (variables, body, orders), first, *asking.proofs.values())


def _order(asking: Asking, variables: tuple[Term, ...], part: Term) -> tuple[Term, ...]:
    """An order in which a part can be integrated; raises NotFound."""
    for order in itertools.islice(itertools.permutations(variables), MOST_ORDERS):
        with contextlib.suppress(Unproved, Malformed):
            mass_rules.mass(order, part, asking)
            return order
    raise NotFound("mass", part, "no order of integration helps")


def _unfolded(search: Search, variables: tuple[Term, ...], body: Term) -> Proof:
    """As what is folded from the reals: half of the terms of a sum are the others at -x; raises NotFound."""
    (variable,) = variables if len(variables) == 1 else (None,)
    if variable is None or variable.shape or support_of(variable).name != "Positive":
        raise NotFound("mass", body, "nothing is folded")
    parts = summands(body)
    y = symbol("input", "unfolded", REAL)
    asking = Asking(search)
    forms = ClosedForms(asking)
    halves = itertools.combinations(parts[1:], len(parts) // 2 - 1) if len(parts) in FOLDED else ()
    for half in halves:
        g = substitute(functools.reduce(plus, half, parts[0]), {variable: y})
        if region_rules.folds(forms, variable, body, y, g):
            inner = closed_form(search, (y,), g)
            return prove("mass_unfolded", (variable, body, y, g), inner, *asking.proofs.values())
    raise NotFound("mass", body, "nothing is folded")


#: Of how many terms a sum may be folded.
FOLDED = (2, 4, 6)


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
    for inner in itertools.islice(changes(body, variable), MOST_CHANGES):
        with contextlib.suppress(NotFound, Unproved, Malformed):
            return _through(search, variable, body, inner, depth)
    raise NotFound("mass", body, "no change of variables helps")


def changes(body: Term, variable: Term) -> Iterator[Term]:
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
    y = symbol("input", f"pushed {depth}", image_support(found.image))
    asking = Asking(search)
    forms = ClosedForms(asking)
    moved = density_of(forms, found, body, y)
    try:
        other = closed_form(search, (y,), moved)
    except NotFound:
        if depth <= 1:
            raise
        other = _pushed_forward(search, (y,), moved, depth - 1)
    mass_rules.pushed(forms, variable, body, found, moved, y)
    return prove("mass_by_bijection", (variable, body, y, moved), bijection, other, *asking.proofs.values())


def density_of(forms: ClosedForms, bijection: Bijection, body: Term, y: Term) -> Term:
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


def image_support(image: Interval) -> Support:
    if image.lower == -math.inf and image.upper == math.inf:
        return Support("Real")
    return Support("Open", (image.lower, image.upper))


def _enclosed(search: Search, variables: tuple[Term, ...], body: Term) -> Proof:
    """The same by an enclosure, of what has no parameters."""
    whole = scalar(body)
    if whole.symbols != set(elements(variables)):
        raise NotFound("mass", body, "an enclosure is of numbers")
    first = nowhere_negative(search, whole)
    for last in left_over(variables):
        asking = Asking(search)
        with contextlib.suppress(Unproved):
            enclosure_rules.bounds(variables, whole, last, asking)
            return prove("mass_enclosed", (variables, body, last), first, *asking.proofs.values())
    raise NotFound("mass", body, "no enclosure is near enough")


#: How many variables are tried as the one that is left for an enclosure.
_MOST_LEFT = 3


def left_over(variables: tuple[Term, ...]) -> tuple[Term, ...]:
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


#: Ways to a mass, the quickest first.
WAYS = (closed_form, _reordered, _in_regions, _unfolded, _reflected, _pushed, _with_signs, _by_primitives, _enclosed)
