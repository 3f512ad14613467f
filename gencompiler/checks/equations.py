"""The equations of a model as productions: what each produces, what its head lists, what its body uses, and its law."""

from __future__ import annotations

import dataclasses

from gencompiler.checks import implicit, ode_flows
from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.span import Span
from gencompiler.model import flows, nodes
from gencompiler.model.mentioned import rests, starts
from gencompiler.model.nodes import Support
from gencompiler.node import Node
from gencompiler.proof.graph import Term
from gencompiler.proof.mentions import mentions, place, variable_of
from gencompiler.proof.scope import density_terms, index_symbol, terms_of, under_lets
from gencompiler.proof.stages import (
    MapStage,
    OdeStage,
    PartsStage,
    QuantizeStage,
    RearrangeStage,
    RepeatStage,
    StageData,
    UndoneStage,
)
from gencompiler.proof.structure import (
    Admissible,
    Chains,
    Described,
    Law,
    Mixed,
    Place,
    Production,
    PushesForward,
    Range,
    covers,
)
from gencompiler.proof.translate import Translation


@dataclasses.dataclass(frozen=True)
class Equation:
    """A production with the places of the text that it came from."""

    production: Production
    span: Span
    head: Span
    listed: tuple[tuple[Place, Span], ...]
    mentioned: tuple[tuple[Place, Span], ...]
    source: nodes.Conditional | nodes.Energy | nodes.Link | nodes.Deterministic | nodes.Quantity

    def mentioned_at(self, place: Place) -> Span:
        """Where the body mentions a place first."""
        return next((s for p, s in self.mentioned if p == place), self.span)

    def listed_at(self, place: Place) -> Span:
        """Where the head lists a place."""
        return next((s for p, s in self.listed if p == place), self.head)


def equations_of(derived: Derived, joint: str) -> tuple[Equation, ...]:
    """The equations of a joint: conditionals, energies, and for `p` the links."""
    model = derived.model
    found = [conditional_equation(model, c) for c in model.conditionals if c.joint == joint]
    found += [energy_equation(model, e) for e in model.energies if e.joint == joint]
    if joint == "p":
        stated = {variable_of(t) for c in model.conditionals if c.joint == "p" for t in c.targets}
        found += [link_equation(derived, link, link.target in stated) for link in model.links]
        found += [deterministic_equation(model, d) for d in model.deterministic]
    found += [quantity_equation(model, q) for q in quantities_of(model, joint)]
    return tuple(found)


# -- conditionals ----------------------------------------------------------------------------------------------------


def conditional_equation(model: nodes.Model, conditional: nodes.Conditional) -> Equation:
    """`p(x[i] | x[<i]) = …`"""
    from gencompiler.model import print as printing

    indices = {r.index for r in conditional.indices}
    variables = {v.name for v in model.variables}
    produced = tuple(place(t, indices) for t in conditional.targets)
    listed = tuple(place(g, indices) for g in conditional.given)
    spans = tuple((place(e, indices), e.span) for e in conditional.given)
    used = [m for part in (*conditional.targets, *conditional.given) for m in _orders(part, variables, indices, model)]
    used += mentions(conditional.distribution, variables, indices, model)
    givens = {v.name for v in model.variables if v.role == "given"}
    mentioned = tuple(dict.fromkeys(p for p, _ in used if p.variable not in givens))
    listed += tuple(p for p in _computed(model, mentioned) if not any(covers(q, p) for q in listed))
    ranges = tuple(Range(r.index, r.start, r.stop) for r in conditional.indices)
    label = _label(conditional)
    if sum(label == _label(c) for c in model.conditionals) > 1:  # guards tell them apart
        label += printing.ranges(conditional.indices)
    production = Production(label, ranges, produced, listed, mentioned, law(model, conditional))
    head = conditional.targets[0].span
    for part in (*conditional.targets[1:], *conditional.given):
        head = head.to(part.span)
    return Equation(production, conditional.span, head, spans, tuple(used), conditional)


def _computed(model: nodes.Model, places: tuple[Place, ...]) -> tuple[Place, ...]:
    """Those of derived quantities: a head need not list them."""
    derived = {v.name for v in model.variables if v.role == nodes.DERIVED}
    return tuple(p for p in places if p.variable in derived)


def _orders(part: nodes.Expr, variables: set[str], indices: set[str], model: nodes.Model) -> list[tuple[Place, Span]]:
    """What the subscripts of a part of a head mention: which element is meant depends on an order."""
    subscripts = part.subscripts if isinstance(part, nodes.Element) else ()
    return [m for s in subscripts for m in mentions(s, variables, indices, model)]


def law(model: nodes.Model, conditional: nodes.Conditional) -> Law:
    """What must hold of a conditional: admissible parameters, and events in the variable's own support, where a
    pipeline of bijections takes them if there is one."""
    inside = Translation.of_model(model).binding({r.index: index_symbol(r) for r in conditional.indices})
    declared = {v.name: v.type.support for v in model.variables}
    event = declared[variable_of(conditional.targets[0])]
    if event.name == "Simplex":  # of which a row is a point, and a column is none
        event = conditional.targets[0].type.support
    pushed = pushed_in(conditional.distribution)
    if pushed is None:
        return law_of(model, inside, conditional.distribution, event)
    source = pushed.base.type
    base = law_of(model, inside, conditional.distribution, source.support)
    return PushesForward(base, piped(model, pushed.stages, source, event))


def pushed_in(expr: nodes.Expr) -> nodes.Pushed | None:
    """The distribution piped through maps that an expression is, under its local equations."""
    while isinstance(expr, nodes.Let):
        expr = expr.body
    return expr if isinstance(expr, nodes.Pushed) else None


def law_of(model: nodes.Model, scope: Translation, expr: nodes.Expr, event: nodes.Support) -> Admissible:
    """What must be proven of one distribution, for events in a support; of one piped through maps, of its base."""
    distribution, inside = under_lets(scope, expr)
    assert isinstance(distribution, nodes.Distribution)
    arguments = tuple(inside.term(a) for a in distribution.arguments)
    own = (distribution.family, distribution.form, arguments, event, distribution.type.shape)
    if isinstance(distribution, nodes.UserDistribution):
        terms = density_terms(model, distribution.density)
        return Described(*own, terms.variables[0], terms.conditions, terms.body, terms.place, terms.width)
    if isinstance(distribution, nodes.MixtureDistribution):
        name = distribution.index
        index = index_symbol(nodes.Range(name, 0, distribution.extent, span=distribution.span))
        return Mixed(*own, index, law_of(model, inside.binding({name: index}), distribution.component, event))
    return Admissible(*own)


def _label(conditional: nodes.Conditional) -> str:
    from gencompiler.model.print import expression

    targets, given = (", ".join(map(expression, part)) for part in (conditional.targets, conditional.given))
    return f"{conditional.joint}({targets} | {given})" if given else f"{conditional.joint}({targets})"


# -- energies and links ----------------------------------------------------------------------------------------------


def energy_equation(model: nodes.Model, energy: nodes.Energy) -> Equation:
    """`p(x, h) ∝ …`: every variable at once."""
    produced = tuple(Place(v) for v in energy.variables)
    others = {v.name for v in model.variables if v.role != "given"} - set(energy.variables)
    used = mentions(energy.value, others, set(), model)
    label = f"{energy.joint}({', '.join(energy.variables)})"
    listed = tuple(Place(g) for g in energy.given)
    production = Production(label, (), produced, listed, tuple(dict.fromkeys(p for p, _ in used)), None)
    return Equation(production, energy.span, energy.span, (), tuple(used), energy)


def link_equation(derived: Derived, link: nodes.Link, inverted: bool) -> Equation:
    """`x = z |> …`; inverted, where the target has a distribution of its own and the source follows from it."""
    sources = tuple(Place(part.name) for part in starts(link))
    target = Place(link.target)
    made, from_ = (sources[0], (target,)) if inverted else (target, sources)
    used = _mentioned_by_maps(derived.model, link)
    listed = (*from_, *(p for p in dict.fromkeys(p for p, _ in used)))
    produced = (made, *map(Place, rests(derived.model, link)))
    own = f"{link.target} = …", (), produced, listed, listed, chains(derived, link), inverted, len(from_)
    spans = tuple((Place(part.name), part.span) for part in starts(link))
    return Equation(Production(*own), link.span, link.span, (*spans, *used), tuple(used), link)


def _mentioned_by_maps(model: nodes.Model, link: nodes.Link) -> list[tuple[Place, Span]]:
    """The variables, besides givens, that the maps of a pipeline are conditioned on."""
    variables = {v.name for v in model.variables if v.role != "given"}
    found: list[tuple[Place, Span]] = []
    for name in maps_used(model, link):
        if name.startswith(ODE):  # a definition mentions its inputs and what is given
            continue
        map_ = next(m for m in model.maps if m.name == name)
        inside = mentions(map_.body, variables, set(), model, frozenset({map_.input.name}))
        found += [(Place(p.variable), span) for p, span in inside]
    return found


def deterministic_equation(model: nodes.Model, equation: nodes.Deterministic) -> Equation:
    """`x = f(z)`: it lists what it mentions."""
    variables = {v.name for v in model.variables if v.role != "given"}
    used = [(Place(p.variable), span) for p, span in mentions(equation.value, variables, set(), model)]
    listed = tuple(dict.fromkeys(p for p, _ in used))
    law = implicit.law(model, equation)
    production = Production(f"{equation.target} = …", (), (Place(equation.target),), listed, listed, law)
    return Equation(production, equation.span, equation.span, tuple(used), tuple(used), equation)


# -- derived quantities ----------------------------------------------------------------------------------------------


def quantities_of(model: nodes.Model, joint: str) -> tuple[nodes.Quantity, ...]:
    """The quantities that the equations of a joint mention, themselves or through others; `p` has those that no joint
    mentions as well."""
    if not model.quantities:
        return ()
    mentioned = {name: _reached(model, name) for name in {c.joint for c in model.conditionals}}
    elsewhere = set().union(*mentioned.values()) if mentioned else set()
    own = mentioned.get(joint, set())
    return tuple(q for q in model.quantities if q.name in own or (joint == "p" and q.name not in elsewhere))


def _reached(model: nodes.Model, joint: str) -> set[str]:
    """The quantities that a joint needs."""
    derived = {v.name for v in model.variables if v.role == nodes.DERIVED}
    parts = {name: [q.value for q in model.quantities if q.name == name] for name in derived}
    waiting: list[Node] = [part for c in model.conditionals if c.joint == joint for part in (c.distribution, *c.given)]
    found: set[str] = set()
    while waiting:
        more = {p.variable for p, _ in mentions(waiting.pop(), derived, set(), model)} - found
        found |= more
        waiting += [value for name in more for value in parts[name]]
    return found


def quantity_equation(model: nodes.Model, quantity: nodes.Quantity) -> Equation:
    """`h[t] = …`: it lists what it mentions."""
    indices = {r.index for r in quantity.indices}
    variables = {v.name for v in model.variables if v.role != "given"}
    used = mentions(quantity.value, variables, indices, model)
    listed = tuple(dict.fromkeys(p for p, _ in used))
    ranges = tuple(Range(r.index, r.start, r.stop) for r in quantity.indices)
    produced = (place(quantity.place, indices),)
    law = implicit.quantity_law(model, quantity)
    production = Production(implicit.quantity_label(model, quantity), ranges, produced, listed, listed, law)
    return Equation(production, quantity.span, quantity.place.span, tuple(used), tuple(used), quantity)


#: What the name of an ODE's field begins with among the maps of a pipeline.
ODE = "ode "


def chains(derived: Derived, link: nodes.Link) -> Chains:
    """What must hold of a pipeline: each range is the next domain, from the source's support to the target's."""
    target = next(v.type for v in derived.model.variables if v.name == link.target)
    return piped(derived.model, link.stages, link.source.type, target.support, target.shape)


def piped(
    model: nodes.Model,
    written: tuple[nodes.Stage, ...],
    source: nodes.Type,
    target: Support,
    ends: tuple[int, ...] | None = None,
) -> Chains:
    """The same of stages between any two supports, which end in another shape than they begin with where `ends` is."""
    used: list[str] = []
    stages = tuple(_stage(model, s, used) for s in written)
    maps: list[tuple[Term, Term, Support]] = []
    for name in used:
        if name.startswith(ODE):
            field = ode_flows.goal(model, next(s for s in flows.odes(model) if f"{ODE}{s.function}" == name))
            maps.append((field.state, field.field, nodes.REAL))
            continue
        map_ = next(m for m in model.maps if m.name == name)
        terms = terms_of(model, map_)
        maps.append((terms.input, terms.body, map_.result.support))
    return Chains(source.support, target, source.shape, tuple(maps), stages, ends if ends != source.shape else None)


def maps_used(model: nodes.Model, written: nodes.Link | nodes.Pushed) -> tuple[str, ...]:
    """The maps of a pipeline, in order of first use."""
    used: list[str] = []
    for stage in written.stages:
        _stage(model, stage, used)
    return tuple(used)


def _stage(model: nodes.Model, stage: nodes.Stage, used: list[str]) -> StageData:
    if isinstance(stage, nodes.UseMap):
        if stage.map not in used:
            used.append(stage.map)
        kind = UndoneStage if isinstance(stage, nodes.UseInverse) else MapStage
        return kind(used.index(stage.map), next(m for m in model.maps if m.name == stage.map).lift)
    if isinstance(stage, nodes.UseOde):
        name = f"{ODE}{stage.function}"
        if name not in used:
            used.append(name)
        return OdeStage(used.index(name))
    if isinstance(stage, nodes.UseSurjection):
        found = next(s for s in model.surjections if s.name == stage.surjection)
        rest = next((v.type.support for v in model.variables if v.name == found.rest), None)
        return QuantizeStage(found.levels, found.shape, rest)
    if isinstance(stage, nodes.Rearrange):
        return RearrangeStage(stage.before, stage.after, stage.order)
    if isinstance(stage, nodes.Parts):
        inner = tuple(tuple(_stage(model, s, used) for s in part.stages) for part in stage.parts)
        return PartsStage(tuple(part.count for part in stage.parts), inner)
    assert isinstance(stage, nodes.Repeat)
    return RepeatStage(stage.count, tuple(_stage(model, s, used) for s in stage.stages))
