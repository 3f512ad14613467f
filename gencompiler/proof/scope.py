"""What the names of a model stand for, as terms: indices of heads, arguments of distributions, maps, names in
claims."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from gencompiler.model import nodes
from gencompiler.proof import domain
from gencompiler.proof.facts import InRange, Member
from gencompiler.proof.graph import Malformed, Term, is_finite, symbol
from gencompiler.proof.terms import minus
from gencompiler.proof.translate import Translation, Untranslated


@dataclasses.dataclass(frozen=True)
class MapTerms:
    """A map as terms: its input symbol, its body, where the body's parts come from, and what it requires."""

    input: Term
    body: Term
    translation: Translation
    requires: tuple[Member, ...] = ()


def terms_of(model: nodes.Model, map_: nodes.Map) -> MapTerms:
    """The terms of a map; raises Untranslated or Malformed."""
    input_ = symbol("input", map_.input.name, map_.input.type.support, map_.input.type.shape)
    layers = {name: index_symbol(nodes.Range(name, 0, count, span=map_.span)) for name, count in map_.indices}
    translation = Translation.of_model(model).binding({**layers, map_.input.name: input_})
    body = translation.term(map_.body)
    return MapTerms(input_, body, translation, tuple(_condition(translation.term(r)) for r in map_.requires))


def _condition(comparison: Term) -> Member:
    """A comparison as a value and where it has to lie: of a number, or else of a difference."""
    left, right = comparison.arguments
    if comparison.data == "not_equal":
        return Member(minus(left, right), nodes.Support("NonZero"))
    rising = comparison.data.startswith("greater")
    kind = "Interval" if comparison.data.endswith("equal") else "Open"
    for value, end, above in ((left, right, rising), (right, left, not rising)):
        if end.operation == "literal" and is_finite(end.data):
            ends = (end.data, nodes.INFINITY) if above else (-nodes.INFINITY, end.data)
            return Member(value, nodes.Support(kind, ends))
    larger, smaller = (left, right) if rising else (right, left)
    return Member(minus(larger, smaller), nodes.Support("NonNegative" if kind == "Interval" else "Positive"))


def index_symbol(range_: nodes.Range) -> Term:
    """The symbol of a head's index."""
    support = nodes.Support("Integer", (Fraction(range_.start), Fraction(range_.stop)))
    return symbol("index", range_.index, support)


def distribution_terms(translation: Translation, expr: nodes.Expr) -> tuple[nodes.Distribution, tuple[Term, ...]]:
    """The distribution under any `where`, and the terms of its arguments; of one piped through maps, its base."""
    inside = translation
    while isinstance(expr, nodes.Let | nodes.Pushed):
        if isinstance(expr, nodes.Pushed):
            expr = expr.base
            continue
        inside = inside.binding({})
        for binding in expr.bindings:
            value = inside.term(binding.value)
            inside.labels.setdefault(value, binding.name)
            inside.names[binding.name] = value
        expr = expr.body
    assert isinstance(expr, nodes.Distribution)
    return expr, tuple(inside.term(a) for a in expr.arguments)


def named_terms(model: nodes.Model) -> dict[str, Term]:
    """What a name in a claim stands for: a parameter by its path, or a `where` name of an equation or a map."""
    translation = Translation.of_model(model)
    for conditional in model.conditionals:
        inside = translation.binding({r.index: index_symbol(r) for r in conditional.indices})
        distribution_terms(inside, conditional.distribution)
    labels = dict(translation.labels)
    for map_ in model.maps:
        try:
            labels |= terms_of(model, map_).translation.labels
        except (Untranslated, Malformed):
            continue
    named = {label: term for term, label in reversed(labels.items())}
    for parameter in model.parameters:
        type_ = nodes.Type(parameter.support, parameter.shape)
        named[parameter.path] = translation.term(nodes.ParameterReference(type_, parameter.path, span=parameter.span))
    return named


def trusted_ranges(model: nodes.Model) -> list[tuple[InRange, str]]:
    """What the `assume positive(NAME)` lines of a model say, with their reasons."""
    assumed = [a for a in model.assumptions if a.fact.predicate == "positive"]
    named = named_terms(model) if assumed else {}
    return [
        (InRange(named[name], domain.POSITIVE), a.reason)
        for a in assumed
        for name in a.fact.arguments[:1]
        if name in named
    ]
