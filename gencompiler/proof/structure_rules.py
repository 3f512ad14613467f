"""Rules for whole models: factorizations, admissible distributions, pipelines whose domains chain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from gencompiler.catalog.distributions import DISTRIBUTIONS, Form
from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.catalog.supports import SUPPORTS
from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import domain, views
from gencompiler.proof.circles import PI
from gencompiler.proof.facts import Fact, InRange, Invertible, Member
from gencompiler.proof.formulas import instance
from gencompiler.proof.graph import Shape, Term, is_finite, literal, support_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.ode_rules import Flows
from gencompiler.proof.passing import CONTINUOUS, COUNTING, Breaks, Maps, pass_through, same_set
from gencompiler.proof.stages import (
    MapStage,
    OdeStage,
    PartsStage,
    RepeatStage,
    StageData,
    flows_in,
    quantizes,
)
from gencompiler.proof.structure import (
    Admissible,
    Chains,
    Factorizes,
    HasDensity,
    Keeps,
    NotAdmissible,
    NotChains,
    Production,
    PushesForward,
    Transforms,
    Unnormalized,
    has_density,
    is_atom,
)
from gencompiler.proof.terms import negated
from gencompiler.proof.transformed import untransformed

# -- distributions ---------------------------------------------------------------------------------------------------


def requirements(family: str, form: str, arguments: tuple[Term, ...]) -> tuple[tuple[str, Term, Support], ...]:
    """What the catalogue requires of a distribution's arguments: a name, a term, and the support it must be proven
    in."""
    row = form_of(family, form)
    need(len(arguments) == len(row.parameters), "{} has {} parameters", family, len(row.parameters))
    names = {name: value for (name, _), value in zip(row.parameters, arguments, strict=True)}
    own = [(name, names[name], Support(support)) for name, support in row.parameters]
    more = [(text, instance(text, **names), Support(support)) for text, support in row.requires]
    return (*own, *more)


def form_of(family: str, form: str) -> Form:
    """The catalogue's row of a form."""
    found = [f for f in DISTRIBUTIONS[family].forms if f.name == form] if family in DISTRIBUTIONS else []
    need(len(found) == 1, "the catalogue has no {} by {}", family, form or "position")
    return found[0]


def event_support(family: str, form: str, arguments: tuple[Term, ...]) -> Support:
    """The support of a distribution's events."""
    row = form_of(family, form)
    names = [name for name, _ in row.parameters]
    own = row.support or DISTRIBUTIONS[family].support
    if row.vectors:
        sizes = {arguments[names.index(name)].shape for name in row.vectors}
        need(len(sizes) == 1 and all(len(shape) == 1 for shape in sizes), "a parameter that is no vector")
        return Support(own, (literal(0).data, literal(sizes.pop()[0]).data))
    if row.joint:
        sizes = {a.shape for a in arguments}
        need(len(sizes) == 1 and len(arguments[0].shape) == 1, "{} is over one vector", family)
        need(not any(any(views.axes(a)) for a in arguments), "a vector whose length is not known")
        return Support(own, (literal(arguments[0].shape[0]).data,))
    ends = [arguments[names.index(name)] for name in row.support_arguments]
    if own == "Interval" and ends == [negated(PI), PI]:
        return Support("Angle")
    need(all(e is not None and e.operation == "literal" for e in ends), "a support whose ends are not numbers")
    return Support(own, tuple(e.data for e in ends))


@rule
def distribution(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A distribution whose parameters are where the catalogue wants them, and whose events are the variable's values.

    Premises: the range of each requirement, in order; of one on a simplex, that it is there."""
    family, form, arguments, event, shape = cast(tuple[str, str, tuple[Term, ...], Support, Shape], subject)
    need(not is_atom(family), "{} has its events anywhere", family)
    wanted = requirements(family, form, arguments)
    need(len(premises) == len(wanted), "one premise for each requirement")
    for premise, (name, term, support) in zip(premises, wanted, strict=True):
        allowed = domain.of_support(support)
        if support.name == "Simplex":
            need(premise == Member(term, support), "{} is not known to be {}", term, support)
            continue
        if not isinstance(premise, InRange) or premise.term is not term or allowed is None:
            raise Unproved(f"nothing is known about {name}")
        need(premise.interval.within(allowed), "{} may not be {}", term, support)
        need(not SUPPORTS[support.name].discrete or is_whole(term), "{} may be between the values of {}", term, support)
    vectors, joint = form_of(family, form).vectors, form_of(family, form).joint
    need(not joint or all(a.shape == shape for a in arguments), "a vector of another length than the event")
    need(all(a.shape in ((), shape) for a in arguments) or bool(vectors), "a parameter of another shape than the event")
    need(
        not vectors or (shape == () and not any(any(views.axes(a)) for a in arguments)), "an event of several elements"
    )
    need(same_events(event_support(family, form, arguments), event), "{} does not have events in {}", family, event)
    return Admissible(family, form, arguments, event, shape)


def same_events(own: Support, declared: Support) -> bool:
    """Whether two supports are one set, up to the ends of a continuous interval (which have no mass)."""
    if own == declared:
        return True
    if own.name in CONTINUOUS and declared.name in CONTINUOUS:
        a, b = domain.of_support(own), domain.of_support(declared)
        return a is not None and b is not None and (a.lower, a.upper) == (b.lower, b.upper)
    if own.name in COUNTING and declared.name in COUNTING:
        return domain.of_support(own) == domain.of_support(declared)
    return False


# -- pipelines -------------------------------------------------------------------------------------------------------


#: The subject of what is said of a pipeline: the fields of Chains.
Pipe = tuple[Support, Support, Shape, Maps, tuple[StageData, ...], Shape | None]


@rule
def chain(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Each stage starts where the one before ends.  Premises: that each map is invertible, in order, or the ODE of a
    field one that flows; they hold for all parameters, so that they do for those of every iteration."""
    source, target, shape, maps, stages, ends = cast(Pipe, subject)
    need(len(premises) == len(maps), "one premise for each map")
    flowing = set(_fields_of(stages))
    need(not flowing & set(_maps_of(stages)), "one number for a map and a field")
    for number, (premise, (input_, body, result)) in enumerate(zip(premises, maps, strict=True)):
        if number in flowing:
            need(isinstance(premise, Flows), "an ODE that is not known to have one solution")
            assert isinstance(premise, Flows)
            need((premise.state, premise.field, REAL) == (input_, body, result), "a premise about another field")
            continue
        if not isinstance(premise, Invertible):
            raise Unproved("a map that is not known to be invertible")
        need((premise.input, premise.body, premise.result) == (input_, body, result), "a premise about another map")
        need(premise.requires == (), "a map whose conditions are not known to hold")
    end = pass_through(source, shape, maps, stages, ends=ends)
    need(same_set(end, target), "the pipeline ends in {}, not {}", end, target)
    return Chains(source, target, shape, maps, stages, ends)


@rule
def pushes_forward(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A distribution piped through a bijection.  Premises: the distribution, and that the pipeline chains."""
    base, piped = premises
    if not isinstance(base, Admissible) or not isinstance(piped, Chains):
        raise Unproved("not a distribution and a pipeline")
    need(base.event == piped.source and base.shape == piped.shape, "the pipeline starts somewhere else")
    need(piped.end is None, "the pipeline ends in another shape")
    need(not quantizes(piped.stages), "not a bijection")
    return PushesForward(base, piped)


def _maps_of(stages: tuple[StageData, ...]) -> Iterator[int]:
    """The numbers of the maps that are applied as maps."""
    for stage in stages:
        if isinstance(stage, MapStage):
            yield stage.map
        elif isinstance(stage, PartsStage):
            need(not quantizes(stage.stages) and not flows_in(stage.stages), "a part goes through bijections alone")
            yield from _maps_of(stage.stages)
        elif isinstance(stage, RepeatStage):
            yield from _maps_of(stage.stages)


def _fields_of(stages: tuple[StageData, ...]) -> Iterator[int]:
    """The numbers of the fields whose ODEs are solved."""
    for stage in stages:
        if isinstance(stage, OdeStage):
            yield stage.map
        elif isinstance(stage, RepeatStage):
            yield from _fields_of(stage.stages)


# -- densities -------------------------------------------------------------------------------------------------------


def density_kind(productions: tuple[Production, ...]) -> str:
    """ "bound" where a pipeline quantizes, else "exact"."""
    return "bound" if any(isinstance(p.law, Chains) and quantizes(p.law.stages) for p in productions) else "exact"


@rule
def density(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A directed factorization of admissible distributions and bijections has a density over its observed variables.

    What is not observed must be the source of a pipeline onto something produced, so that it is eliminated, or
    computed, so that its formula takes its place; a pipeline written the other way must be a bijection.  The variables
    with distributions of their own have the density of their product, each given what it lists, whose values they
    determine.  Pipeline by pipeline, in the order of the factorization, what it makes takes the place of its sources
    among the coordinates, where they still stand, being sources once; what its maps read is not eliminated, so that it
    is another coordinate, and the Jacobian is triangular.  Subject: observed variables, givens.  Premises: the
    factorization, then the law of each equation."""
    observed, given = cast(tuple[tuple[str, ...], tuple[str, ...]], subject)
    whole, *laws = premises
    if not isinstance(whole, Factorizes):
        raise Unproved("no factorization")
    need(list(laws) == [p.law for p in whole.productions], "an equation whose law is not known")
    need(set(whole.conditions) <= set(given), "it is conditioned on what is not given")
    names = {name for name, _ in whole.variables}
    links = [p for p in whole.productions if isinstance(p.law, Chains)]
    stochastic = {q.variable for p in whole.productions if not isinstance(p.law, Member) for q in p.produces}
    computed = names - stochastic - set(observed)
    parts = [p for p in whole.productions if not {q.variable for q in p.produces} <= computed]
    proper = all(has_density(p.law) or isinstance(p.law, Chains) for p in parts)
    need(proper, "an equation computes a variable, and it has no density")
    need(
        all(not (p.inverted and isinstance(p.law, Chains) and quantizes(p.law.stages)) for p in links),
        "not a bijection",
    )
    sources = [name for p in links for name in p.starts]
    need(
        len(set(sources)) == len(sources),
        "one variable is the source of two pipelines, whose results depend on each other",
    )
    listed = [name for p in links for name in p.conditions]
    listed += [u.variable for p in whole.productions if p not in links and not has_density(p.law) for u in p.listed]
    need(all(len(p.produces) == 1 for p in links), "what a quantization leaves is a latent variable of its own")
    eliminated = set(sources)
    need(not eliminated & set(listed), "the source of a pipeline is mentioned by another equation")
    need(not eliminated & computed, "the source of a pipeline is computed")
    left = names - eliminated - computed
    need(set(observed) <= names and left == set(observed), "a latent variable is not eliminated")
    return HasDensity(whole.joint, observed, given, whole.productions, density_kind(whole.productions))


@rule
def unnormalized(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A joint with an equation stated by `∝`."""
    joint, productions = cast(tuple[str, tuple[Production, ...]], subject)
    need(any(p.law is None for p in productions), "every equation is a distribution")
    return Unnormalized(joint, productions)


@rule
def all_transformed(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Following every place through the pipeline, none passes all couplings unchanged."""
    shape, maps, stages = cast(tuple[Shape, Maps, tuple[StageData, ...]], subject)
    need(not untransformed(shape, maps, stages), "a dimension is never transformed")
    return Transforms(shape, maps, stages)


@rule
def member(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A term whose range is within an interval support.  Premise: its range."""
    term, support = cast(tuple[Term, Support], subject)
    (found,) = premises
    allowed = domain.of_support(support)
    if not isinstance(found, InRange) or found.term is not term or allowed is None:
        raise Unproved(f"nothing is known about {term}")
    need(support.name in CONTINUOUS or (support.name in COUNTING and is_whole(term)), "{} may not be {}", term, support)
    need(found.interval.within(allowed), "{} may not be {}", term, support)
    return Member(term, support)


#: Functions that give whole numbers, whatever they are applied to; and those that do of whole numbers.
_WHOLE_VALUES = ("indicator", "floor", "sign")
_WHOLE_OF_WHOLE = ("add", "subtract", "multiply", "negate", "min", "max", "abs", "relu")


def is_whole(term: Term) -> bool:
    """Whether every element of a term is a whole number, read off its structure."""
    match term.operation:
        case "literal":
            return is_finite(term.data) and term.data.denominator == 1
        case "table":
            return all(is_finite(v) and v.denominator == 1 for v in term.data[1])
        case "symbol":
            return SUPPORTS[support_of(term).name].discrete
        case "apply" if FUNCTIONS[term.data].kind == "boolean" or term.data in _WHOLE_VALUES:
            return True
        case "apply":
            return term.data in _WHOLE_OF_WHOLE and all(map(is_whole, term.arguments))
        case "choose":
            return all(map(is_whole, term.arguments[1:]))
        case "element" | "select" | "each":
            return is_whole(term.arguments[0])
        case "join":
            return all(map(is_whole, term.arguments))
        case "reduce":
            return term.data in ("sum", "prod", "min", "max") and is_whole(term.arguments[0])
    return False


@rule
def point_mass(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A distribution that is all at one value, which is one of the variable's.  Premise: that it is."""
    family, form, arguments, event, shape = cast(tuple[str, str, tuple[Term, ...], Support, Shape], subject)
    need(is_atom(family) and len(arguments) == 1, "{} is no point", family)
    form_of(family, form)
    (value,) = arguments
    need(premises == (Member(value, event),), "{} is not known to be {}", value, event)
    need(value.shape in ((), shape) and not any(views.axes(value)), "a value of another shape than the event")
    return Admissible(family, form, arguments, event, shape)


@rule
def wrong_events(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A distribution whose events are not the values of its variable."""
    family, form, arguments, event, shape = cast(tuple[str, str, tuple[Term, ...], Support, Shape], subject)
    need(not is_atom(family), "{} has its events anywhere", family)
    need(not same_events(event_support(family, form, arguments), event), "the events are those of the variable")
    need(event.name in (*CONTINUOUS, *COUNTING), "{} is not an interval", event)
    return NotAdmissible(family, form, arguments, event, shape)


@rule
def broken_chain(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A range that is not the next domain, or not the target."""
    source, target, shape, maps, stages, ends = cast(Pipe, subject)
    try:
        end = pass_through(source, shape, maps, stages, ends=ends)
    except Breaks:
        return NotChains(source, target, shape, maps, stages, ends)
    need(not same_set(end, target), "the pipeline ends where it should")
    return NotChains(source, target, shape, maps, stages, ends)


@rule
def some_kept(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A place that every coupling passes on."""
    shape, maps, stages = cast(tuple[Shape, Maps, tuple[StageData, ...]], subject)
    need(bool(untransformed(shape, maps, stages)), "every dimension is transformed")
    return Keeps(shape, maps, stages)
