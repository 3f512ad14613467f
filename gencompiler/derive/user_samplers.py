"""How draws of a user's density are made: by the inverse of its distribution function, or as a distribution of the
catalogue that it is, moved and scaled.

Neither is believed on the word of this pass: a claimed distribution function is an obligation of the spec, and two
formulas are one where they have one normal form (`proof.closed_forms`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from gencompiler.catalog.distributions import DISTRIBUTIONS, Form
from gencompiler.derive.density import log_density, stated
from gencompiler.derive.express import Naming, express
from gencompiler.model import nodes
from gencompiler.node import Node, rebuild, walk
from gencompiler.proof import exponentials as ex
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.facts import Bijection, result
from gencompiler.proof.formulas import instance
from gencompiler.proof.graph import Malformed, Term, apply, substitute, subterms, symbol
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.pieces import linear
from gencompiler.proof.scope import DensityTerms, density_terms
from gencompiler.proof.search import Search
from gencompiler.proof.sign_search import Asking

#: What a sampler calls its standard draw.
DRAWN = {"uniform": "uniform draw", "normal": "normal draw"}


def with_samplers(model: nodes.Model) -> nodes.Model:
    """The model with a sampler at every use of a user's density that has one."""
    if not model.user_densities and not any(isinstance(n, nodes.UserDistribution) for n in walk(model)):
        return model
    model = _spelled_out(model)
    known: dict[nodes.Density, tuple[str, nodes.Expr] | None] = {}

    def visit(current: Node) -> Node:
        found = rebuild(current, visit)
        if not isinstance(found, nodes.UserDistribution):
            return found
        if found.density not in known:
            known[found.density] = sampler(model, found.density)
        own = known[found.density]
        return found if own is None else dataclasses.replace(found, draw=own[0], sampler=own[1])

    changed = visit(model)
    assert isinstance(changed, nodes.Model)
    return changed


def _spelled_out(model: nodes.Model) -> nodes.Model:
    """The model with the formulas of the densities that users' densities mention, in place of their names."""

    def visit(current: Node, inside: bool = False) -> Node:
        outside = isinstance(current, nodes.Density) and not current.function
        inside = inside or outside or isinstance(current, nodes.UserDistribution)
        if inside and isinstance(current, nodes.Apply) and current.function == "exp":
            (law,) = current.arguments
            if isinstance(law, nodes.LogLaw) and isinstance(law.distribution, nodes.UserDistribution):
                return visit(stated(law.distribution, law.event), inside)
        found = rebuild(current, lambda child: visit(child, inside))
        if inside and isinstance(found, nodes.LogLaw):
            return log_density(found.distribution, found.event)
        return found

    changed = visit(model)
    assert isinstance(changed, nodes.Model)
    return changed


def sampler(model: nodes.Model, density: nodes.Density) -> tuple[str, nodes.Expr] | None:
    """Which standard draw, and the event as a function of it and of the conditions; None where none is found."""
    terms = density_terms(model, density)
    if len(terms.variables) != 1 or terms.variables[0].shape or terms.discrete:
        return None
    names = {s: i.name for s, i in zip(terms.conditions, density.conditions, strict=True)}
    for draw, term in _candidates(terms):
        own = {symbol("draw", draw, s.data[2]): DRAWN[draw] for s in term.symbols if s.data[:2] == ("draw", draw)}
        if terms.variables[0] not in term.symbols:
            event = term if terms.place is None else substitute(terms.place, {terms.variables[0]: term})
            return draw, _by_formulas(express(event, Naming({**names, **own}, {}, {}, density.span)))
    return None


def _by_formulas(expr: nodes.Expr) -> nodes.Expr:
    """An expression with the formula of each root that has one: that it rounds more than the map does is no matter to a
    draw, which is random to begin with."""

    def visit(current: Node) -> Node:
        near = current.near if isinstance(current, nodes.Root) else None
        return visit(near) if near is not None else rebuild(current, visit)

    found = visit(expr)
    assert isinstance(found, nodes.Expr)
    return found


def _candidates(terms: DensityTerms) -> Iterator[tuple[str, Term]]:
    (variable,) = terms.variables
    if terms.cdf is not None:
        try:
            found = Search().bijection(variable, terms.cdf).conclusion
        except NotFound:
            return
        assert isinstance(found, Bijection)
        yield "uniform", substitute(found.inverse, {result(()): _standard("uniform")})
        return
    forms = ClosedForms(Asking(Search()))
    try:
        own = forms.log(terms.body)
    except (Unproved, Malformed):
        return
    for place, scale in _places(forms, terms.body, variable):
        for form in _shifted_forms():
            names = dict(zip((name for name, _ in form.parameters), (place, scale), strict=True))
            try:
                other = forms.normal(instance(form.log_density, x=variable, **names))
            except (Unproved, Malformed):
                continue
            if ex.is_zero(ex.plus(own, ex.scaled(other, -1))):
                draw = "normal" if "normal" in form.sample else "uniform"
                yield draw, instance(form.sample, **{draw: _standard(draw)}, **names)


def _standard(draw: str) -> Term:
    support = nodes.Support("Unit") if draw == "uniform" else nodes.REAL
    return symbol("draw", draw, support)


def _shifted_forms() -> Iterator[Form]:
    """The forms of the catalogue on the reals with a place and a scale."""
    for family in DISTRIBUTIONS.values():
        for form in family.forms:
            supports = [support for _, support in form.parameters]
            if family.support == "Real" and supports == ["Real", "Positive"]:
                yield form


def _places(forms: ClosedForms, body: Term, variable: Term) -> Iterator[tuple[Term, Term]]:
    """(m, s) of the functions (x - m) / s in a formula, s positive; last those with a scale of its own beside it."""
    slopes: dict[Term, None] = {}
    places: dict[Term, None] = {}
    for term in reversed(subterms(body)):
        if variable not in term.symbols or term.operation != "apply" or term.shape:
            continue
        try:
            parts = linear(forms.normal(term), variable)
        except Unproved:
            continue
        if parts is None or not parts[0]:
            continue
        places[ex.written(ex.scaled(ex.times(parts[1], ex.inverse(parts[0])), -1))] = None
        for sign in (1, -1):
            size = ex.written(ex.scaled(ex.inverse(parts[0]), sign))
            if forms.positive(size):
                slopes[size] = None
    places.setdefault(ex.written({}), None)
    factors = {t: None for t in subterms(body) if t.operation == "symbol" and t is not variable and forms.positive(t)}
    root = apply("sqrt", ex.written(ex.constant(2)))
    for place in places:
        for scale in (*slopes, *factors):
            yield place, scale
            yield place, apply("divide", scale, root)
