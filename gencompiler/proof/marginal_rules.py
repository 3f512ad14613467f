"""Latent variables that are summed or integrated out exactly: finite ones, and those of linear-Gaussian models.

A sum over finitely many values always exists.  Where every variable is Normal with a mean affine in the latent ones and
a scale free of them, all of them are jointly Gaussian (an affine map of independent standard normals), and so is any of
them alone (Anderson, An Introduction to Multivariate Statistical Analysis, theorem 2.4.1)."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import cast

from gencompiler.catalog.supports import SUPPORTS, bounds
from gencompiler.model.nodes import Support
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Shape, Term, name_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.structure import (
    Admissible,
    Chains,
    Factorizes,
    HasDensity,
    MapStage,
    Production,
    PushesForward,
    UndoneStage,
    has_density,
)

#: The most values that are summed over.
LARGEST_SUM = 1 << 16


def values_of(support: Support, shape: Shape) -> int | None:
    """How many values a variable has; None where that is not a finite set of numbers, element by element."""
    facts = SUPPORTS[support.name]
    if not facts.discrete or support.name in ("Permutation", "Sign"):
        return None
    lower, upper, _, _ = bounds(support.name, support.arguments)
    if not isinstance(lower, int | Fraction) or not isinstance(upper, int | Fraction):
        return None
    values: int = int(upper - lower + 1) ** math.prod(shape)
    return values


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
        return is_affine(parts[0], latent) and not any(depend[1:]) and all(_fixed(p) for p in parts[1:])
    return False


def _fixed(subscript: Term) -> bool:
    return subscript.operation in ("whole", "literal")


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
        return body is not None and not production.inverted and is_affine(body[1], latent | {body[0]})
    if not isinstance(law, Admissible) or law.family != "Normal":
        return False
    mean, scale = law.arguments
    return is_affine(mean, latent) and not scale.symbols & latent


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
    reason = why_not(whole.productions, tuple(sorted(latent)))
    need(reason is None, "{}", reason)
    return HasDensity(whole.joint, observed, given, whole.productions, "exact")


def why_not(productions: tuple[Production, ...], latent: tuple[str, ...]) -> str | None:
    """Why these latent variables cannot be taken out exactly; None where they can."""
    own = [p for p in productions if p.produces[0].variable in latent]
    counts = [finite(p) for p in own]
    if all(c is not None for c in counts) and all(has_density(p.law) for p in productions):
        total = math.prod(c for c in counts if c is not None)
        return None if total <= LARGEST_SUM else f"they have {total:,} values together, more than {LARGEST_SUM:,}"
    links = [p for p in productions if isinstance(p.law, Chains)]
    sources = [p.listed[0].variable for p in links]
    if len(set(sources)) < len(sources) or set(sources) & {u.variable for p in links for u in p.listed[1:]}:
        return "the source of one pipeline enters another, so that what they give may lie in a plane"
    known = sorted(set(sources) - set(latent))
    if known:
        return f"what a pipeline makes of `{known[0]}` is determined by it, and has no density beside it"
    symbols = frozenset(
        s for p in productions for a in _terms(p) for s in a.symbols if s.data[0] == "variable" and name_of(s) in latent
    )
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


def words(productions: tuple[Production, ...], latent: tuple[str, ...]) -> str:
    """How the latent variables are taken out."""
    names = ", ".join(f"`{name}`" for name in latent)
    counts = [finite(p) for p in productions if p.produces[0].variable in latent]
    if all(c is not None for c in counts):
        return f"summed over the {math.prod(c for c in counts if c is not None):,} values of {names}"
    return f"{names} integrated out: Normal, and linear"
