"""Log densities and samplers of distributions, and log of what a `∝` states."""

from __future__ import annotations

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
    span = distribution.span
    value = placed(formula(form_of(distribution).log_density, x=event, **_parameters(distribution)), span)
    if value.type.shape == () and event.type.shape != ():
        size = 1
        for extent in event.type.shape:
            size *= extent
        return algebra.multiply(algebra.literal(Fraction(size), span), value, span)
    return algebra.total(value, span)


def sampler(distribution: nodes.Distribution, uniform: nodes.Expr, normal: nodes.Expr) -> nodes.Expr:
    """A draw as a function of standard draws `uniform` on (0, 1) and `normal`, each of the event's shape."""
    found = formula(form_of(distribution).sample, uniform=uniform, normal=normal, **_parameters(distribution))
    return placed(found, distribution.span)


def draws_of(distribution: nodes.Distribution) -> tuple[str, ...]:
    """Which standard draws the sampler reads: "uniform", "normal" or both."""
    text = form_of(distribution).sample
    return tuple(kind for kind in ("uniform", "normal") if kind in text)


def _parameters(distribution: nodes.Distribution) -> dict[str, nodes.Expr]:
    names = [name for name, _ in form_of(distribution).parameters]
    return dict(zip(names, distribution.arguments, strict=True))


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
