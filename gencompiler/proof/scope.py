"""What the names of a model stand for, as terms: indices of heads, arguments of distributions, maps, names in
claims."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from fractions import Fraction

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.model import nodes
from gencompiler.proof import domain
from gencompiler.proof import exponentials as ex
from gencompiler.proof.components import component
from gencompiler.proof.facts import InRange, Member
from gencompiler.proof.graph import Malformed, Term, build, is_finite, support_of, symbol
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.stick_rules import in_sticks, on_simplex, sticks
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


@dataclasses.dataclass(frozen=True)
class DensityTerms:
    """A user's density as terms: its variables, its conditions, its formula (`whole`: in the elements of tensors, of
    points of a simplex in the parts of sticks, `own` variables instead), and the distribution function that is claimed
    for it; `place` and `width` of one that is of a standard variable."""

    variables: tuple[Term, ...]
    conditions: tuple[Term, ...]
    own: tuple[Term, ...]
    body: Term
    whole: Term
    cdf: Term | None
    labels: Mapping[Term, str]
    place: Term | None = None
    width: Term | None = None

    @property
    def discrete(self) -> bool:
        return all(SUPPORTS[support_of(v).name].discrete for v in self.variables)


def inside(support: nodes.Support) -> nodes.Support:
    """An interval without its ends, which have no mass: what a density is there does not matter."""
    if support.name == "NonNegative":
        return nodes.Support("Positive")
    return nodes.Support("Open", support.arguments) if support.name == "Interval" else support


def density_terms(model: nodes.Model, density: nodes.Density) -> DensityTerms:
    """The terms of a density; raises Untranslated or Malformed."""
    inputs = [symbol("input", i.name, inside(i.type.support), i.type.shape) for i in density.variables]
    inputs += [symbol("input", i.name, i.type.support, i.type.shape) for i in density.conditions]
    names = {i.name: s for i, s in zip((*density.variables, *density.conditions), inputs, strict=True)}
    translation = dataclasses.replace(Translation.of_model(model), names=names)
    parts = (density.value, density.cdf, density.place, density.width)
    body, cdf, place, width = (None if part is None else translation.term(part) for part in parts)
    assert body is not None
    if place is not None:
        body, place = _tidy(body), _tidy(place)
        cdf, width = (None if part is None else _tidy(part) for part in (cdf, width))
    cut = len(density.variables)
    try:
        own, whole = in_sticks(tuple(inputs[:cut]), body)
    except Unproved as problem:
        raise Untranslated(density.value, str(problem)) from None
    labels = {s: name.rpartition(".")[2] for name, s in names.items()}
    for tensor, label in list(labels.items()):
        if tensor.shape:
            labels |= {component(tensor, k): f"{label}[{k}]" for k in range(min(tensor.shape[0], 64))}
        if tensor in inputs[:cut] and on_simplex(tensor):
            labels |= {part: _share(label, k) for k, part in enumerate(sticks(tensor))}
    return DensityTerms(tuple(inputs[:cut]), tuple(inputs[cut:]), own, body, whole, cdf, labels, place, width)


def _share(label: str, number: int) -> str:
    """What part of a stick is broken off for one share: x[2] / (1 - x[0] - x[1])"""
    before = "".join(f" - {label}[{k}]" for k in range(number))
    return f"{label}[{number}] / (1{before})" if number else f"{label}[0]"


def _tidy(term: Term) -> Term:
    """A term whose sums of products of symbols and numbers are written in normal form: m + y - m as y."""
    if term.operation == "apply" and term.data in ("add", "subtract", "negate") and _is_polynomial(term):
        return ex.written(ex.normal(term))
    if not term.arguments:
        return term
    return build(term.operation, term.data, tuple(map(_tidy, term.arguments)))


def _is_polynomial(term: Term) -> bool:
    if term.operation in ("literal", "symbol", "constant"):
        return not term.shape and (term.operation != "literal" or is_finite(term.data))
    rational = term.operation == "apply" and term.data in ("add", "subtract", "negate", "multiply")
    return rational and all(map(_is_polynomial, term.arguments))


def index_symbol(range_: nodes.Range) -> Term:
    """The symbol of a head's index."""
    support = nodes.Support("Integer", (Fraction(range_.start), Fraction(range_.stop)))
    return symbol("index", range_.index, support)


def distribution_terms(translation: Translation, expr: nodes.Expr) -> tuple[nodes.Distribution, tuple[Term, ...]]:
    """The distribution under any `where`, and the terms of its arguments; of one piped through maps, its base."""
    found, inside = under_lets(translation, expr)
    assert isinstance(found, nodes.Distribution)
    return found, tuple(inside.term(a) for a in found.arguments)


def under_lets(translation: Translation, expr: nodes.Expr) -> tuple[nodes.Expr, Translation]:
    """What is under any `where` and any maps, and the translation that knows the names of the former."""
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
    return expr, inside


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
