"""Latent variables that are summed or integrated out exactly: finite ones, and those of linear-Gaussian models.

A sum over finitely many values always exists.  Where every variable is Normal with a mean affine in the latent ones and
a scale free of them, all of them are jointly Gaussian (an affine map of independent standard normals), and so is any of
them alone (Anderson, An Introduction to Multivariate Statistical Analysis, theorem 2.4.1).  How the sum over a sequence
is done, `slices` says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

from gencompiler.model.nodes import REAL, Type
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Shape, Term, name_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.slices import LARGEST_SUM, MOST_BESIDE, Slices, slices, values_of, windows
from gencompiler.proof.stages import MapStage, UndoneStage
from gencompiler.proof.structure import (
    Admissible,
    Chains,
    Factorizes,
    HasDensity,
    Production,
    PushesForward,
    has_density,
)


def is_affine(term: Term, latent: frozenset[Term]) -> bool:
    """Whether `term` is an affine function of the symbols in `latent`, read off its structure."""
    if not term.symbols & latent or term in latent:
        return True
    parts = term.arguments
    depend = [bool(p.symbols & latent) for p in parts]
    affine = all(is_affine(p, latent) for p in parts)
    if term.operation == "apply":
        if term.data in ("add", "subtract", "negate"):
            return affine
        if term.data == "multiply":
            return affine and sum(depend) == 1
        return term.data == "divide" and affine and not depend[1]
    if term.operation == "contract":
        return affine and sum(depend) == 1
    if term.operation in ("select", "join"):
        return affine
    if term.operation == "reduce":
        return affine and term.data in ("sum", "mean")
    if term.operation == "element":
        return is_affine(parts[0], latent) and all(_fixed(p) for p in parts[1:])
    return False


def _fixed(subscript: Term) -> bool:
    """Whether a subscript is a constant, or one for each value of the indices of a head: `t - 1`."""
    if subscript.operation in ("whole", "literal"):
        return True
    own = all(s.data[0] == "index" for s in subscript.symbols)
    return subscript.operation in ("symbol", "apply") and own


def finite(production: Production) -> int | None:
    """The number of values of what a production produces, where it is a whole finite variable."""
    if production.indices or not isinstance(production.law, Admissible) or production.produces[0].axes:
        return None
    return values_of(production.law.event, production.law.shape)


def is_gaussian(production: Production, latent: frozenset[Term]) -> bool:
    """A whole variable, Normal with a mean affine in the latent variables and a scale free of them; or a bijection of
    one latent variable, affine in it and the others."""
    law = production.law
    if production.indices or production.produces[0].axes:
        return False
    if isinstance(law, Chains):
        body = affine_map(law)
        whole = not production.inverted and production.sources == 1
        return body is not None and whole and is_affine(body[1], latent | {body[0]})
    if not isinstance(law, Admissible) or law.family != "Normal":
        return False
    return _is_linear(law, latent)


def affine_map(law: Chains) -> tuple[Term, Term] | None:
    """The input and the body of a pipeline that is one map of the whole variable."""
    if len(law.stages) != 1 or not isinstance(law.stages[0], MapStage) or law.stages[0].lift:
        return None
    if isinstance(law.stages[0], UndoneStage):
        return None
    input_, body, _ = law.maps[law.stages[0].map]
    return input_, body


@rule
def marginal(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The density of the observed variables of a factorization whose latent ones are all finite, or all Gaussian.

    Subject: observed variables, givens.  Premises: the factorization, then the law of each equation."""
    observed, given = cast(tuple[tuple[str, ...], tuple[str, ...]], subject)
    whole, *laws = premises
    if not isinstance(whole, Factorizes):
        raise Unproved("no factorization")
    need(list(laws) == [p.law for p in whole.productions], "an equation whose law is not known")
    need(set(whole.conditions) <= set(given), "it is conditioned on what is not given")
    need(all(has_density(law) or isinstance(law, Chains) for law in laws), "an equation without a density")
    names = {name for name, _ in whole.variables}
    need(set(observed) <= names, "an observed variable that nothing produces")
    latent = names - set(observed)
    reason = why_not(whole.productions, tuple(sorted(latent)), dict(whole.variables))
    need(reason is None, "{}", reason)
    return HasDensity(whole.joint, observed, given, whole.productions, "exact")


def sliced(productions: tuple[Production, ...], latent: tuple[str, ...], shapes: Mapping[str, Shape]) -> Slices:
    """The slices of finite latent variables that are produced place by place; raises Unproved."""
    types: dict[str, Type] = {}
    for production in productions:
        name = production.produces[0].variable
        if name in latent and isinstance(production.law, Admissible):
            types[name] = Type(production.law.event, shapes[name])
    need(set(types) == set(latent), "a latent variable whose values are not known")
    beside = {p.produces[0].variable for p in productions if not p.indices and not p.produces[0].axes}
    counts = [values_of(t.support, t.shape) for name, t in types.items() if name in beside]
    need(math.prod(c or 0 for c in counts) <= MOST_BESIDE, "more than {} values beside the sequence", MOST_BESIDE)
    types = {name: type_ for name, type_ in types.items() if name not in beside}
    return slices(types, [(p.indices, (*p.produces, *p.mentioned)) for p in productions])


def is_sequence(productions: tuple[Production, ...], latent: tuple[str, ...]) -> bool:
    """Whether the latent variables are finite, and some of them produced place by place."""
    own = [p for p in productions if p.produces[0].variable in latent]
    discrete = all(isinstance(p.law, Admissible) and values_of(p.law.event, ()) is not None for p in own)
    return discrete and any(p.indices for p in own)


def is_normal_sequence(productions: tuple[Production, ...], latent: tuple[str, ...]) -> bool:
    """Whether the latent variables are Normal, and some of them produced place by place."""
    own = [p for p in productions if p.produces[0].variable in latent]
    normal = all(isinstance(p.law, Admissible) and p.law.family == "Normal" for p in own)
    return normal and any(p.indices for p in own)


def why_not_sliced(
    productions: tuple[Production, ...], latent: tuple[str, ...], shapes: Mapping[str, Shape]
) -> str | None:
    """Why finite latent variables cannot be summed over place by place; None where they can."""
    try:
        sliced(productions, latent, shapes)
    except Unproved as failure:
        return str(failure)
    return None


def why_not_filtered(
    productions: tuple[Production, ...], latent: tuple[str, ...], shapes: Mapping[str, Shape]
) -> str | None:
    """Why a sequence of Normal latent variables cannot be integrated out place by place; None where it can.

    For fixed observed values the log density is quadratic in the latent variables where every mean is affine in them
    and no scale depends on them, so that the integral over a slice is again of this form (Kalman 1960)."""
    symbols = _symbols(productions, latent)
    for production in productions:
        if any(place.variable in latent for place in (*production.produces, *production.mentioned)):
            law = production.law
            if not (isinstance(law, Admissible) and law.family == "Normal" and _is_linear(law, symbols)):
                return f"`{production.produces[0].variable}` is not Normal with a mean linear in the latent variables"
    types = {name: Type(REAL, shapes[name]) for name in latent}
    try:
        windows(types, [(p.indices, (*p.produces, *p.mentioned)) for p in productions])
    except Unproved as failure:
        return str(failure)
    return None


def _is_linear(law: Admissible, latent: frozenset[Term]) -> bool:
    mean, scale = law.arguments
    return is_affine(mean, latent) and not scale.symbols & latent


def _symbols(productions: tuple[Production, ...], latent: tuple[str, ...]) -> frozenset[Term]:
    """The symbols that stand for latent variables in the laws of equations."""
    found = (s for p in productions for a in _terms(p) for s in a.symbols)
    return frozenset(s for s in found if s.data[0] == "variable" and name_of(s) in latent)


def why_not(productions: tuple[Production, ...], latent: tuple[str, ...], shapes: Mapping[str, Shape]) -> str | None:
    """Why these latent variables cannot be taken out exactly; None where they can."""
    if is_sequence(productions, latent) and all(has_density(p.law) for p in productions):
        return why_not_sliced(productions, latent, shapes)
    if is_normal_sequence(productions, latent):
        return why_not_filtered(productions, latent, shapes)
    own = [p for p in productions if p.produces[0].variable in latent]
    counts = [finite(p) for p in own]
    if all(c is not None for c in counts) and all(has_density(p.law) for p in productions):
        total = math.prod(c for c in counts if c is not None)
        return None if total <= LARGEST_SUM else f"they have {total:,} values together, more than {LARGEST_SUM:,}"
    links = [p for p in productions if isinstance(p.law, Chains)]
    sources = [name for p in links for name in p.starts]
    if len(set(sources)) < len(sources) or set(sources) & {name for p in links for name in p.conditions}:
        return "the source of one pipeline enters another, so that what they give may lie in a plane"
    known = sorted(set(sources) - set(latent))
    if known:
        return f"what a pipeline makes of `{known[0]}` is determined by it, and has no density beside it"
    symbols = _symbols(productions, latent)
    for production in productions:
        mentions = any(place.variable in latent for place in production.mentioned)
        if (production in own or mentions) and not is_gaussian(production, symbols):
            name = production.produces[0].variable
            return f"`{name}` is neither finite nor Normal with a mean linear in the latent variables"
    return None


def _terms(production: Production) -> tuple[Term, ...]:
    """What the law of an equation consists of."""
    law = production.law
    if isinstance(law, Admissible):
        return law.arguments
    if isinstance(law, PushesForward):
        return (*law.base.arguments, *(body for _, body, _ in law.chain.maps))
    return tuple(body for _, body, _ in law.maps) if isinstance(law, Chains) else ()


def words(productions: tuple[Production, ...], latent: tuple[str, ...], shapes: Mapping[str, Shape]) -> str:
    """How the latent variables are taken out."""
    names = ", ".join(f"`{name}`" for name in latent)
    counts = [finite(p) for p in productions if p.produces[0].variable in latent]
    if all(c is not None for c in counts):
        return f"summed over the {math.prod(c for c in counts if c is not None):,} values of {names}"
    if is_sequence(productions, latent):
        steps = _extent(productions, latent, shapes)
        states = sliced(productions, latent, shapes).states
        return f"summed forward over {names}, {states} values at each of {steps} places"
    along = f", one of {extent} places after the other" if (extent := _extent(productions, latent, shapes)) > 1 else ""
    return f"{names} integrated out: Normal, and linear{along}"


def _extent(productions: tuple[Production, ...], latent: tuple[str, ...], shapes: Mapping[str, Shape]) -> int:
    """The length of a sequence of latent variables; 1 where they are none."""
    own = (p for p in productions if p.produces[0].variable in latent)
    along = next((p.produces[0].variable for p in own if p.indices), None)
    return shapes[along][0] if along is not None else 1


def passes(productions: tuple[Production, ...], latent: tuple[str, ...], shapes: Mapping[str, Shape]) -> int:
    """How many steps the sum or the integral over latent variables takes, one after the other."""
    return _extent(productions, latent, shapes)
