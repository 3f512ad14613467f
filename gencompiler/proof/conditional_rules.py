"""Conditionals of a joint: that log p(targets | given) is known, and that the targets can be drawn given the rest.

p(T | G) is the product of the distributions of T exactly if every parent of T is in T or G, and nothing in G descends
from T (the local Markov property; Koller & Friedman, Probabilistic Graphical Models, theorem 3.1).  A variable that a
bijection makes of another with a density has the density of the pushforward.
"""

from __future__ import annotations

import dataclasses
from typing import cast

from gencompiler.proof.facts import Fact, Member
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.marginal_rules import why_not
from gencompiler.proof.stages import quantizes, rests
from gencompiler.proof.structure import Chains, Factorizes, Law, Production, has_density

Names = tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class HasConditional(Fact):
    """log joint(targets | given) follows from the joint's equations in closed form: "exact", or as the "bound" that
    dequantization gives.  The model's `given` variables are among `given`."""

    joint: str
    targets: Names
    given: Names
    productions: tuple[Production, ...]
    kind: str


@dataclasses.dataclass(frozen=True)
class Draws(Fact):
    """The equations of the joint draw `targets` given `given`, exactly."""

    joint: str
    targets: Names
    given: Names
    productions: tuple[Production, ...]


@dataclasses.dataclass(frozen=True)
class NotProduced(Fact):
    """No equation of the joint is about some variable in `targets`, or its equation is known up to a constant."""

    joint: str
    targets: Names
    productions: tuple[Production, ...]


def listed(production: Production) -> frozenset[str]:
    """The variables that a production depends on, itself excepted."""
    return frozenset(p.variable for p in production.listed) - {p.variable for p in production.produces}


def makers(productions: tuple[Production, ...], name: str) -> tuple[int, ...]:
    """The productions of a variable, by number."""
    return tuple(k for k, p in enumerate(productions) if any(q.variable == name for q in p.produces))


def descendants(productions: tuple[Production, ...], names: frozenset[str]) -> frozenset[str]:
    """All variables that depend on one of `names`, itself included only where it depends on another of them."""
    found: set[str] = set()
    reached = set(names)
    while True:
        more = {q.variable for p in productions if listed(p) & reached for q in p.produces} - found
        if not more:
            return frozenset(found)
        found |= more
        reached |= more


def ancestors(productions: tuple[Production, ...], names: Names, known: Names) -> frozenset[str]:
    """What `names` depend on, directly or through others of its kind, and that is not among them or `known`."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        for k in makers(productions, name):
            more = listed(productions[k]) - set(names) - set(known) - found
            found |= more
            waiting.extend(more)
    return frozenset(found)


# -- densities -------------------------------------------------------------------------------------------------------


def conditional_equations(
    productions: tuple[Production, ...], targets: Names, given: Names
) -> tuple[tuple[int, ...], str]:
    """The productions whose densities make up log p(targets | given), and its kind; raises Unproved."""
    known = frozenset(given)
    need(bool(targets) and len(set(targets)) == len(targets), "no targets, or one of them twice")
    need(not known & set(targets), "a target that is given")
    left, determined = set(targets), set[str]()
    used: set[int] = set()
    kind = "exact"
    waiting = list(targets)
    while waiting:
        name = waiting.pop(0)
        bases, own, quantized = _pushed(productions, name)
        if not bases or own in used:
            continue
        fixed = next(iter(sorted(bases & (left | known | set(targets)))), "")
        need(not fixed, "given {}, {} is determined", fixed, name)
        used.add(own)
        made = {place.variable for place in productions[own].produces}
        need(made <= left, "{} and what else its pipeline makes are not both asked for", name)
        left, determined = left - made | bases, determined | made
        waiting += sorted(bases)
        kind = "bound" if quantized and len(made) == 1 else kind
        need(
            listed(productions[own]) - bases <= set(targets) | known,
            "the pipeline to {} needs what is not known",
            name,
        )
    for name in sorted(left):
        numbers = makers(productions, name)
        need(bool(numbers), "no equation gives `{}`", name)
        for k in numbers:
            need(has_density(productions[k].law), "the equation of `{}` has no density", name)
            hidden, computed = _unknown(productions, listed(productions[k]), frozenset(left | determined) | known)
            need(not hidden, "`{}` is latent, and no equation eliminates it", next(iter(sorted(hidden)), ""))
            used |= computed
        used |= set(numbers)
    after = known & descendants(productions, frozenset(left | determined))
    need(not after, "`{}` depends on the targets", next(iter(sorted(after)), ""))
    return tuple(sorted(used)), kind


def _pushed(productions: tuple[Production, ...], name: str) -> tuple[frozenset[str], int, bool]:
    """For a variable that a pipeline makes: its bases, the production, and whether it quantizes."""
    numbers = makers(productions, name)
    if len(numbers) != 1:
        return frozenset(), -1, False
    production = productions[numbers[0]]
    if not isinstance(production.law, Chains):
        return frozenset(), -1, False
    quantized, bases = quantizes(production.law.stages), frozenset(production.starts)
    need(not (production.inverted and quantized), "not a bijection")
    need(len(production.produces) == 1 + rests(production.law.stages), "a variable that the pipeline does not make")
    need(not bases & set(production.conditions), "the pipeline to {} mentions its own source", name)
    return bases, numbers[0], quantized


def _unknown(
    productions: tuple[Production, ...], names: frozenset[str], known: frozenset[str]
) -> tuple[frozenset[str], frozenset[int]]:
    """What of `names` is neither known nor computed from what is known, and the productions that compute the rest."""
    waiting, seen, found, computed = list(names), set(known), set[str](), set[int]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        numbers = makers(productions, name)
        if numbers and all(isinstance(productions[k].law, Member) for k in numbers):
            waiting.extend(frozenset().union(*(listed(productions[k]) for k in numbers)))
            computed |= set(numbers)
        else:
            found.add(name)
    return frozenset(found), frozenset(computed)


@rule
def conditional_density(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The distributions of the targets, each of whose parents is known.

    Subject: targets, and what is given.  Premises: the factorization, then the laws of the equations used, in order."""
    targets, given = cast(tuple[Names, Names], subject)
    whole, *laws = premises
    if not isinstance(whole, Factorizes):
        raise Unproved("no factorization")
    used, kind = conditional_equations(whole.productions, targets, given)
    need(laws == [whole.productions[k].law for k in used], "an equation whose law is not known")
    return HasConditional(whole.joint, targets, given, whole.productions, kind)


def marginal_equations(
    productions: tuple[Production, ...], targets: Names, given: Names
) -> tuple[tuple[int, ...], Names]:
    """The productions of the targets and of what they depend on that is not known, and the latter; raises Unproved."""
    known = frozenset(given)
    need(bool(targets) and not known & set(targets), "no targets, or one that is given")
    waiting, hidden, used = list(targets), set[str](), set[int]()
    while waiting:
        name = waiting.pop()
        numbers = makers(productions, name)
        need(bool(numbers), "no equation gives `{}`", name)
        need(all(has_density(productions[k].law) for k in numbers), "`{}` has no density", name)
        used |= set(numbers)
        for parent in frozenset().union(*(listed(productions[k]) for k in numbers)) - known - set(targets) - hidden:
            hidden.add(parent)
            waiting.append(parent)
    after = known & descendants(productions, frozenset(hidden | set(targets)))
    need(not after, "`{}` depends on the targets", next(iter(sorted(after)), ""))
    need(bool(hidden), "nothing is hidden")
    return tuple(sorted(used)), tuple(sorted(hidden))


@rule
def conditional_marginal(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """p(T | G) = ∫ p(T, H | G) dH, where H is all that the targets depend on and that is not known: a finite sum, or
    an integral over jointly Gaussian variables.

    Subject: targets, and what is given.  Premises: the factorization, then the laws of the equations used, in order."""
    targets, given = cast(tuple[Names, Names], subject)
    whole, *laws = premises
    if not isinstance(whole, Factorizes):
        raise Unproved("no factorization")
    used, hidden = marginal_equations(whole.productions, targets, given)
    need(laws == [whole.productions[k].law for k in used], "an equation whose law is not known")
    reason = why_not(tuple(whole.productions[k] for k in used), hidden, dict(whole.variables))
    need(reason is None, "{}", reason)
    return HasConditional(whole.joint, targets, given, whole.productions, "exact")


@rule
def bayes(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """p(T | A, B) = p(T, A | B) / p(A | B).  Subject: T, and A with B.  Premises: the numerator, then the
    denominator."""
    targets, given = cast(tuple[Names, Names], subject)
    above, below = premises
    if not isinstance(above, HasConditional) or not isinstance(below, HasConditional):
        raise Unproved("not two conditionals")
    need((above.joint, above.productions) == (below.joint, below.productions), "two joints")
    need(above.kind == below.kind == "exact", "a bound has no ratio")
    need(above.given == below.given, "two conditions")
    need(set(above.targets) == {*targets, *below.targets} and not set(targets) & set(below.targets), "other targets")
    need(set(given) == {*below.targets, *below.given}, "other conditions")
    return HasConditional(above.joint, targets, given, above.productions, "exact")


# -- draws -----------------------------------------------------------------------------------------------------------


def drawing_equations(productions: tuple[Production, ...], targets: Names, given: Names) -> tuple[int, ...]:
    """The productions that draw the targets and what they need on the way; raises Unproved."""
    known = frozenset(given)
    need(not known & set(targets), "a target that is given")
    waiting, drawn, used = list(targets), set[str](), set[int]()
    while waiting:
        name = waiting.pop()
        if name in drawn or name in known:
            continue
        drawn.add(name)
        numbers = makers(productions, name)
        need(bool(numbers), "no equation gives `{}`", name)
        for k in numbers:
            law = productions[k].law
            need(isinstance(law, Law | Chains | Member), "the equation of `{}` cannot be drawn from", name)
            rest = isinstance(law, Chains) and productions[k].produces[0].variable != name
            need(not rest, "`{}` is where in its level a number lies, which no draw keeps", name)
            waiting.extend(listed(productions[k]))
        used |= set(numbers)
    after = known & descendants(productions, frozenset(drawn))
    need(not after, "`{}` depends on what is drawn", next(iter(sorted(after)), ""))
    return tuple(sorted(used))


@rule
def ancestral(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Each variable drawn after those that it depends on, nothing that is given depending on one that is drawn.

    Subject: targets, and what is given.  Premises: the factorization, then the laws of the equations used, in order."""
    targets, given = cast(tuple[Names, Names], subject)
    whole, *laws = premises
    if not isinstance(whole, Factorizes):
        raise Unproved("no factorization")
    used = drawing_equations(whole.productions, targets, given)
    need(laws == [whole.productions[k].law for k in used], "an equation whose law is not known")
    return Draws(whole.joint, targets, given, whole.productions)


@rule
def not_produced(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A target without an equation, or with one that is stated by `∝`."""
    joint, targets, productions = cast(tuple[str, Names, tuple[Production, ...]], subject)
    laws = [[productions[k].law for k in makers(productions, name)] for name in targets]
    need(any(not own or None in own for own in laws), "every target has an equation")
    return NotProduced(joint, targets, productions)
