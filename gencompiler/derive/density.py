"""Log densities and samplers of distributions, and log of what a `∝` states."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

from gencompiler.catalog.distributions import DISTRIBUTIONS, Form
from gencompiler.derive import algebra
from gencompiler.derive.signs import sign_of
from gencompiler.derive.substitute import substitute
from gencompiler.model import nodes
from gencompiler.model.formula import formula, placed


def form_of(distribution: nodes.Distribution) -> Form:
    """The catalogue row that a distribution uses."""
    return next(f for f in DISTRIBUTIONS[distribution.family].forms if f.name == distribution.form)


def log_density(distribution: nodes.Distribution, event: nodes.Expr) -> nodes.Expr:
    """log p(event): the catalogue's formula, summed over the event's elements."""
    span = distribution.span
    if isinstance(distribution, nodes.UserDistribution):
        return _stated(distribution, event)
    if isinstance(distribution, nodes.MixtureDistribution):
        return _log_mixture(distribution, event)
    form = form_of(distribution)
    if form.vectors:
        return _log_mass(distribution, event)
    value = placed(formula(form.log_density, x=event, **_parameters(distribution)), span)
    if form.joint:
        return value
    if value.type.shape == () and event.type.shape != ():
        size = 1
        for extent in event.type.shape:
            size *= extent
        return algebra.multiply(algebra.literal(Fraction(size), span), value, span)
    return algebra.total(value, span)


def _stated(distribution: nodes.UserDistribution, event: nodes.Expr) -> nodes.Expr:
    """log of a user's density, its formula with the event and the arguments put in."""
    density, span = distribution.density, distribution.span
    (variable,) = density.variables
    names = (variable.name, *(c.name for c in density.conditions))
    values = dict(zip(names, (event, *distribution.arguments), strict=True))
    value = substitute(log_of(distribution.value), values)
    if value.type.shape == () and event.type.shape != () and variable.type.shape == ():
        return algebra.multiply(algebra.literal(Fraction(math.prod(event.type.shape)), span), value, span)
    return algebra.total(value, span)


#: What the logarithms of a mixture's weights are called.
_WEIGHTS = "log_weights"


def log_weights(distribution: nodes.MixtureDistribution) -> nodes.Expr:
    """The logarithms of a mixture's weights: a - log sum exp a, or log w."""
    (weights,) = distribution.arguments
    if distribution.form == "weights":
        return log_of(weights)
    return placed(formula("a - logsumexp(a)", a=weights), distribution.span)


def _log_mixture(distribution: nodes.MixtureDistribution, event: nodes.Expr) -> nodes.Expr:
    """log sum_k exp(log w_k + log p_k(event))"""
    span, index, extent = distribution.span, distribution.index, distribution.extent
    number = nodes.Type(nodes.REAL)
    shares = log_weights(distribution)
    name = f"{_WEIGHTS} of {index}"  # no name of a spec
    support = nodes.Support("Integer", (Fraction(0), Fraction(extent)))
    place = nodes.Reference(nodes.Type(support), index, span=span)
    share = nodes.Element(number, nodes.Reference(shares.type, name, span=span), (place,), span=span)
    own = algebra.add(share, _of_component(distribution.component, event), span)
    each = nodes.Each(nodes.Type(nodes.REAL, (extent,)), index, extent, own, span=span)
    total = nodes.Reduce(number, "logsumexp", each, span=span)
    return nodes.Let(number, (nodes.Binding(name, shares, span=span),), total, span=span)


def _of_component(component: nodes.Expr, event: nodes.Expr) -> nodes.Expr:
    """log of a component's density, under its local equations."""
    if isinstance(component, nodes.Let):
        body = _of_component(component.body, event)
        return nodes.Let(body.type, component.bindings, body, span=component.span)
    assert isinstance(component, nodes.Distribution)
    return log_density(component, event)


def parameter_names(distribution: nodes.Distribution) -> tuple[str, ...]:
    """What the arguments of a distribution are called, in order."""
    if isinstance(distribution, nodes.MixtureDistribution):
        return (distribution.form,)
    if isinstance(distribution, nodes.UserDistribution):
        return tuple(c.name.rpartition(".")[2] for c in distribution.density.conditions)
    return tuple(name for name, _ in form_of(distribution).parameters)


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
    if isinstance(distribution, nodes.UserDistribution):
        return None
    form = form_of(distribution)
    if form.masses is None:
        return None
    return placed(formula(form.masses, **_parameters(distribution)), distribution.span)


def sampler(
    distribution: nodes.Distribution, uniform: nodes.Expr, normal: nodes.Expr, another: nodes.Expr
) -> nodes.Expr:
    """A draw as a function of standard draws `uniform` on (0, 1), `normal`, and `another`, uniform too, each of the
    event's shape."""
    if isinstance(distribution, nodes.UserDistribution):
        return _made(distribution, uniform, normal)
    draws = {"uniform": uniform, "normal": normal, "another": another}
    found = formula(form_of(distribution).sample, **draws, **_parameters(distribution))
    return placed(found, distribution.span)


def _made(distribution: nodes.UserDistribution, uniform: nodes.Expr, normal: nodes.Expr) -> nodes.Expr:
    """An event of a user's density, element by element."""
    assert distribution.sampler is not None, "a density without a sampler is drawn from"
    values = {c.name: a for c, a in zip(distribution.density.conditions, distribution.arguments, strict=True)}
    values |= {"uniform draw": uniform, "normal draw": normal}
    return lifted(distribution.sampler, values)


def lifted(expr: nodes.Expr, values: dict[str, nodes.Expr]) -> nodes.Expr:
    """A formula of numbers with tensors put in for its names, elementwise."""
    if isinstance(expr, nodes.Reference):
        return values.get(expr.name, expr)
    if isinstance(expr, nodes.Let):
        bindings = []
        for binding in expr.bindings:
            value = lifted(binding.value, values)
            bindings.append(dataclasses.replace(binding, value=value))
            values = {**values, binding.name: nodes.Reference(value.type, binding.name, span=binding.span)}
        body = lifted(expr.body, values)
        return nodes.Let(body.type, tuple(bindings), body, span=expr.span)
    parts: tuple[nodes.Expr, ...] = ()
    if isinstance(expr, nodes.Apply):
        parts = tuple(lifted(a, values) for a in expr.arguments)
        shape = next((a.type.shape for a in parts if a.type.shape), ())
        return dataclasses.replace(expr, arguments=parts, type=nodes.Type(expr.type.support, shape))
    if isinstance(expr, nodes.Choose):
        condition, then, otherwise = (lifted(a, values) for a in (expr.condition, expr.then, expr.otherwise))
        shape = next((a.type.shape for a in (condition, then, otherwise) if a.type.shape), ())
        return nodes.Choose(nodes.Type(expr.type.support, shape), condition, then, otherwise, span=expr.span)
    return expr


def draws_of(distribution: nodes.Distribution) -> tuple[str, ...]:
    """Which standard draw the sampler reads, "uniform" or "normal", and whether "another" one."""
    if isinstance(distribution, nodes.UserDistribution):
        return (distribution.draw,) if distribution.draw else ()
    text = form_of(distribution).sample
    return tuple(kind for kind in ("uniform", "normal", "another") if kind in text)


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
        if expr.function in ("multiply", "divide"):
            combine = algebra.add if expr.function == "multiply" else algebra.subtract
            first, second = map(_log_of_factor, expr.arguments)
            return combine(first, second, span)
        if expr.function == "power" and sign_of(expr.arguments[0]) > 0:
            return algebra.multiply(expr.arguments[1], log_of(expr.arguments[0]), span)
    if isinstance(expr, nodes.Choose) and algebra.is_number(expr.then, 0):
        outside = nodes.Literal(nodes.Type(nodes.REAL), -math.inf, span=span)
        return dataclasses.replace(expr, then=outside, otherwise=log_of(expr.otherwise))
    if isinstance(expr, nodes.Reduce) and expr.operation == "prod":
        return nodes.Reduce(expr.type, "sum", log_of(expr.operand), span=span)
    return algebra.apply("log", expr, span=span)


def _log_of_factor(factor: nodes.Expr) -> nodes.Expr:
    """log of the size of a factor of a positive product, whose own sign may be any: log a b = log |a| + log |b|."""
    if isinstance(factor, nodes.Apply) and factor.function in ("multiply", "divide", "negate"):
        if factor.function == "negate":
            return _log_of_factor(factor.arguments[0])
        return log_of(factor)
    sign = sign_of(factor)
    if sign > 0:
        return log_of(factor)
    span = factor.span
    if (
        isinstance(factor, nodes.Apply)
        and factor.function == "power"
        and isinstance(factor.arguments[1], nodes.Literal)
    ):
        return algebra.multiply(factor.arguments[1], _log_of_factor(factor.arguments[0]), span)
    return algebra.apply("log", algebra.apply("negate" if sign < 0 else "abs", factor, span=span), span=span)
