"""Log densities and samplers of distributions, and log of what a `∝` states."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from gencompiler.catalog.distributions import DISTRIBUTIONS, Form
from gencompiler.derive import algebra
from gencompiler.model import nodes
from gencompiler.model.formula import formula, placed


def form_of(distribution: nodes.Distribution) -> Form:
    """The catalogue row that a distribution uses."""
    return next(f for f in DISTRIBUTIONS[distribution.family].forms if f.name == distribution.form)


def log_density(distribution: nodes.Distribution, event: nodes.Expr) -> nodes.Expr:
    """log p(event): the catalogue's formula, summed over the event's elements."""
    span, form = distribution.span, form_of(distribution)
    if form.vectors:
        return _log_mass(distribution, event)
    value = placed(formula(form.log_density, x=event, **_parameters(distribution)), span)
    if value.type.shape == () and event.type.shape != ():
        size = 1
        for extent in event.type.shape:
            size *= extent
        return algebra.multiply(algebra.literal(Fraction(size), span), value, span)
    return algebra.total(value, span)


def _log_mass(distribution: nodes.Distribution, event: nodes.Expr) -> nodes.Expr:
    """log of the probability of `event`, a whole number that picks from the distribution's vector."""
    form, span = form_of(distribution), distribution.span
    parameters = _parameters(distribution)
    values = nodes.Support("Category", (Fraction(parameters[form.vectors[0]].type.shape[0]),))
    name = event.name if isinstance(event, nodes.Reference) else _EVENT
    place = nodes.Reference(nodes.Type(values), name, span=event.span)
    value = _picked(placed(formula(form.log_density, x=place, **parameters), span))
    if isinstance(event, nodes.Reference):
        return value
    return nodes.Let(value.type, (nodes.Binding(_EVENT, event, span=span),), value, span=span)


def _picked(expr: nodes.Expr) -> nodes.Expr:
    """`expr` with each element of a formula as the formula of elements: one number is computed, not one per value."""
    if isinstance(expr, nodes.Apply):
        return dataclasses.replace(expr, arguments=tuple(map(_picked, expr.arguments)))
    if not isinstance(expr, nodes.Element) or not isinstance(expr.base, nodes.Let | nodes.Apply):
        return expr
    base, type_ = expr.base, expr.type
    if isinstance(base, nodes.Let):
        body = _picked(dataclasses.replace(expr, base=base.body))
        return nodes.Let(type_, base.bindings, body, span=expr.span)
    parts = (dataclasses.replace(expr, base=a) if a.type.shape else a for a in base.arguments)
    return nodes.Apply(type_, base.function, tuple(map(_picked, parts)), span=expr.span)


#: What an event is called that is not a name itself.
_EVENT = "_event"


def masses(distribution: nodes.Distribution) -> nodes.Expr | None:
    """The probabilities of the events 0, 1, …, of a distribution that has them as a vector."""
    form = form_of(distribution)
    if form.masses is None:
        return None
    return placed(formula(form.masses, **_parameters(distribution)), distribution.span)


def sampler(distribution: nodes.Distribution, uniform: nodes.Expr, normal: nodes.Expr) -> nodes.Expr:
    """A draw as a function of standard draws `uniform` on (0, 1) and `normal`, each of the event's shape."""
    found = formula(form_of(distribution).sample, uniform=uniform, normal=normal, **_parameters(distribution))
    return placed(found, distribution.span)


def draws_of(distribution: nodes.Distribution) -> tuple[str, ...]:
    """Which standard draws the sampler reads: "uniform", "normal" or both."""
    text = form_of(distribution).sample
    return tuple(kind for kind in ("uniform", "normal") if kind in text)


def _parameters(distribution: nodes.Distribution) -> dict[str, nodes.Expr]:
    """The arguments by name, and the logarithms of those on a simplex."""
    parameters = form_of(distribution).parameters
    found = {name: value for (name, _), value in zip(parameters, distribution.arguments, strict=True)}
    simplex = (name for name, support in parameters if support == "Simplex")
    return found | {f"log_{name}": log_of(found[name]) for name in simplex}


def log_of(expr: nodes.Expr) -> nodes.Expr:
    """log of a positive expression, by the rules for exp, products, quotients and powers."""
    span = expr.span
    if isinstance(expr, nodes.Let):
        body = log_of(expr.body)
        return nodes.Let(body.type, expr.bindings, body, span=span)
    if isinstance(expr, nodes.Apply):
        if expr.function == "exp":
            return expr.arguments[0]
        if expr.function == "multiply":
            return algebra.add(log_of(expr.arguments[0]), log_of(expr.arguments[1]), span)
        if expr.function == "divide":
            return algebra.subtract(log_of(expr.arguments[0]), log_of(expr.arguments[1]), span)
        if expr.function == "power":
            return algebra.multiply(expr.arguments[1], log_of(expr.arguments[0]), span)
    if isinstance(expr, nodes.Reduce) and expr.operation == "prod":
        return nodes.Reduce(expr.type, "sum", log_of(expr.operand), span=span)
    return algebra.apply("log", expr, span=span)
