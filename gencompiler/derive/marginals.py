"""Latent variables taken out exactly, and posteriors by Bayes' rule: further ways to answer `log p(targets | given)`.

Finite latent variables are summed over; in a linear-Gaussian model they are integrated out.  Where something given
depends on what is asked for, p(T | G) = p(T, A | B) / p(A | B), with A the given variables that do.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from gencompiler.derive.nodes import Factor
from gencompiler.model import nodes
from gencompiler.node import walk
from gencompiler.proof.graph import Malformed, Term
from gencompiler.proof.marginal_rules import is_affine
from gencompiler.proof.scope import distribution_terms, index_symbol, terms_of
from gencompiler.proof.slices import LARGEST_SUM, values_of
from gencompiler.proof.translate import Translation, Untranslated, variable

if TYPE_CHECKING:
    from gencompiler.derive.queries import DensityPlan, Question


@dataclasses.dataclass(frozen=True)
class FiniteSum:
    """log of the sum of the product of `factors` over the `count` values of the variables `summed`."""

    summed: tuple[str, ...]
    count: int
    factors: tuple[Factor, ...]


@dataclasses.dataclass(frozen=True)
class LinearGaussian:
    """`observed` with the variables of `latents` integrated out (each after those it depends on), and the log densities
    of `factors`, which depend on none of them.  `observed` is Normal, or what a map makes of a latent variable."""

    latents: tuple[Factor, ...]
    observed: Factor | nodes.Link
    factors: tuple[Factor, ...]


@dataclasses.dataclass(frozen=True)
class Ratio:
    """log p(targets, evidence | rest) - log p(evidence | rest)"""

    evidence: tuple[str, ...]
    joint: DensityPlan
    marginal: DensityPlan


def hidden_of(question: Question, *, made: bool = False) -> tuple[str, ...] | None:
    """The unknown variables that the targets depend on, in the order of the model; None where something computed is
    among what they depend on.  `made`: a target may be what a pipeline makes of one of them."""
    graph = question.graph
    found: set[str] = set()
    waiting = list(question.targets)
    while waiting:
        name = waiting.pop()
        linked = name in graph.links and made and name in question.targets
        if name not in graph.factors and not linked:
            return None
        for parent in graph.parents[name] - question.known - found:
            found.add(parent)
            waiting.append(parent)
    return tuple(name for name in graph.variables if name in found)


def finite_sum(question: Question) -> FiniteSum | None:
    """Everything unknown that the targets depend on is finite, and has few enough values."""
    graph = question.graph
    hidden = hidden_of(question)
    if not hidden or graph.energy is not None or question.given & graph.descendants({*question.targets, *hidden}):
        return None
    types = [graph.variables[name].type for name in hidden]
    counts = [values_of(t.support, t.shape) for t in types]
    if any(c is None for c in counts):
        return None
    count = math.prod(c for c in counts if c is not None)
    if count > LARGEST_SUM:
        return None
    known = {*hidden, *question.targets}
    if known & graph.points:
        return None
    return FiniteSum(hidden, count, tuple(f for name, own in graph.factors.items() if name in known for f in own))


def linear_gaussian(question: Question) -> LinearGaussian | None:
    """Everything unknown is Normal, and so is the one target that depends on it, or is made of it; all linearly."""
    graph = question.graph
    hidden = hidden_of(question, made=True)
    if not hidden or graph.energy is not None or question.given & graph.descendants({*question.targets, *hidden}):
        return None
    depend = [name for name in sorted(question.targets) if graph.parents[name] & set(hidden)]
    rest = sorted(question.targets - set(depend))
    own = [*hidden, *rest, *(name for name in depend if name not in graph.links)]
    if graph.points & {*hidden, *question.targets}:
        return None
    if len(depend) != 1 or any(len(graph.factors.get(name, ())) != 1 for name in own):
        return None
    translation = Translation.of_model(graph.derived.model)
    latent = frozenset(variable(graph.variables[name]) for name in hidden)
    observed = graph.links[depend[0]] if depend[0] in graph.links else graph.factors[depend[0]][0]
    linear = (
        _is_linear_map(question, observed, translation, latent)
        if isinstance(observed, nodes.Link)
        else _is_linear_normal(observed, translation, latent)
    )
    if not linear or not all(_is_linear_normal(graph.factors[name][0], translation, latent) for name in hidden):
        return None
    latents = tuple(graph.factors[name][0] for name in _sorted(question, hidden))
    return LinearGaussian(latents, observed, tuple(graph.factors[name][0] for name in rest))


def _is_linear_map(question: Question, link: nodes.Link, translation: Translation, latent: frozenset[Term]) -> bool:
    """One map of a latent variable onto the target, affine in it and in the other latent ones."""
    maps = {m.name: m for m in question.graph.derived.model.maps}
    stage = link.stages[0]
    if link.target not in question.targets or len(link.stages) != 1 or not isinstance(stage, nodes.UseMap):
        return False
    own = maps[stage.map]
    if own.lift or isinstance(stage, nodes.UseInverse):
        return False
    terms = terms_of(question.graph.derived.model, own)
    return is_affine(terms.body, latent | {terms.input})


def is_linear(model: nodes.Model, factor: Factor, latent: frozenset[Term]) -> bool:
    """Whether a conditional, of whatever places, is Normal with a mean affine in `latent` and a scale free of them."""
    conditional = factor.conditional
    if any(isinstance(n, nodes.Pushed) for n in walk(conditional.distribution)):
        return False
    indices = {r.index: index_symbol(r) for r in conditional.indices}
    try:
        distribution, arguments = distribution_terms(
            Translation.of_model(model).binding(indices), conditional.distribution
        )
    except (Untranslated, Malformed):
        return False
    if distribution.family != "Normal":
        return False
    mean, scale = arguments
    return is_affine(mean, latent) and not scale.symbols & latent


def _is_linear_normal(factor: Factor, translation: Translation, latent: frozenset[Term]) -> bool:
    """A whole variable with a mean affine in `latent` and a scale of parameters alone."""
    conditional = factor.conditional
    piped = any(isinstance(n, nodes.Pushed) for n in walk(conditional.distribution))
    if conditional.indices or piped or not isinstance(conditional.targets[0], nodes.Reference):
        return False
    try:
        distribution, arguments = distribution_terms(translation, conditional.distribution)
    except (Untranslated, Malformed):
        return False
    if distribution.family != "Normal":
        return False
    mean, scale = arguments
    uniform = all(s.data[0] == "parameter" for s in scale.symbols)
    return uniform and is_affine(mean, latent)


def _sorted(question: Question, names: tuple[str, ...]) -> list[str]:
    """Names after those that they depend on; there is no circle, or factorization has been refuted."""
    left, order = list(names), list[str]()
    while left:
        ready = next((n for n in left if not question.graph.parents[n] & (set(left) - {n})), left[0])
        order.append(ready)
        left.remove(ready)
    return order
