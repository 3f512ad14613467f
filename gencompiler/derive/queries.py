"""Which equations answer a question: a plan for `log p(targets | given)`.

p(T | G) is a product of the factors of T exactly if every parent of T is in T or G and nothing in G descends from T
(the local Markov property; Koller & Friedman, Probabilistic Graphical Models, theorem 3.1).  A variable that a
bijection makes of one with a density has the density of the pushforward.  Each way to answer is one function; the first
that applies wins.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Container, Iterable

from gencompiler.catalog.distributions import DISTRIBUTIONS
from gencompiler.catalog.supports import SUPPORTS
from gencompiler.derive import forward_sums, marginals
from gencompiler.derive.forward_sums import Filter, ForwardSum
from gencompiler.derive.marginals import FiniteSum, LinearGaussian, Ratio
from gencompiler.derive.nodes import Derived, Factor
from gencompiler.derive.turns import computing
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.model.mentioned import read_by_maps, rests, starts
from gencompiler.node import Node, walk

# -- plans -----------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Product:
    """The sum of the log densities of `factors`."""

    factors: tuple[Factor, ...]


@dataclasses.dataclass(frozen=True)
class Pushforward:
    """log p(data) = log p(base) + log|d base / d data| through `link`; `base` is the plan of what is left."""

    link: nodes.Link
    base: DensityPlan


DensityPlan = Product | Pushforward | ForwardSum | Filter | FiniteSum | LinearGaussian | Ratio


class Refused(Exception):
    """No equations answer the question; `span` is the cause."""

    def __init__(self, reason: str, span: Span) -> None:
        super().__init__(reason)
        self.reason = reason
        self.span = span


# -- the graph of a joint --------------------------------------------------------------------------------------------


class Graph:
    """The equations of one joint by what they produce; equations between variables belong to `p`.

    `parents`: of each variable, those that its equation mentions or lists; `points`: the variables without a density,
    all at one real number; `computed`: the factors of derived quantities, which belong to every joint."""

    def __init__(self, derived: Derived, joint: str) -> None:
        model = derived.model
        self.derived = derived
        self.joint = joint
        self.variables = {v.name: v for v in model.variables if v.role != "given"}
        self.factors: dict[str, list[Factor]] = {}
        for factor in derived.factors:
            if factor.conditional.joint == joint:
                self.factors.setdefault(variable_of(factor.conditional), []).append(factor)
        self.points = {name for name, own in self.factors.items() if any(map(is_point, own))}
        self.energy = next((e for e in model.energies if e.joint == joint), None)
        own = joint == "p"
        self.deterministic = {d.target: d for d in model.deterministic} if own else {}
        self.links = {made_by(link, self.factors): link for link in model.links} if own else {}
        self.rests = {name: link for link in self.links.values() for name in rests(model, link)}
        self.computed: dict[str, list[Factor]] = {}
        for quantity in model.quantities:
            self.computed.setdefault(quantity.name, []).append(computing(quantity))
        self.parents = {name: self._parents(name) for name in (*self.variables, *self.deterministic)}

    def _parents(self, name: str) -> frozenset[str]:
        if name in self.factors or name in self.computed:
            found: set[str] = set()
            for factor in self.factors.get(name) or self.computed[name]:
                found |= self.mentioned(*factor.conditional.given, factor.conditional.distribution)
            return frozenset(found - {name})
        if name in self.deterministic:
            return self.mentioned(self.deterministic[name].value) - {name}
        if name in self.links or name in self.rests:
            link = self.links.get(name) or self.rests[name]
            ends = bases(link, name) if name in self.links else tuple(part.name for part in starts(link))
            return frozenset({*ends, *link_conditions(self.derived.model, link)} & set(self.variables))
        return frozenset()

    def mentioned(self, *parts: Node) -> frozenset[str]:
        """The variables and derived quantities that an equation speaks of."""
        known = {*self.variables, *self.deterministic}
        named = (n for p in parts for n in (*walk(p), *read_by_maps(self.derived.model, p)))
        return frozenset(n.name for n in named if isinstance(n, nodes.Reference) and n.name in known)

    def produced(self, name: str) -> bool:
        return any(name in made for made in (self.factors, self.deterministic, self.links, self.computed))

    def together(self, name: str, given: frozenset[str]) -> frozenset[str]:
        """The variables that need one another with `name`, itself among them, what is given left aside."""

        def needed(start: str) -> set[str]:
            found, waiting = {start}, [start]
            while waiting:
                more = self.parents.get(waiting.pop(), frozenset()) - given - found
                found |= more
                waiting += more
            return found

        return frozenset(n for n in needed(name) if name in needed(n))

    def descendants(self, names: Iterable[str]) -> frozenset[str]:
        """Everything that depends on one of `names`, without them."""
        start = set(names)
        found = set(start)
        while True:
            more = {n for n, parents in self.parents.items() if parents & found} - found
            if not more:
                return frozenset(found - start)
            found |= more


def is_point(factor: Factor) -> bool:
    """Whether a factor is all at one real number, so that it can be drawn and has no density."""
    law = factor.distribution
    while isinstance(law, nodes.Let):
        law = law.body
    atom = isinstance(law, nodes.Distribution) and law.family in DISTRIBUTIONS and DISTRIBUTIONS[law.family].atom
    return atom and not SUPPORTS[factor.conditional.targets[0].type.support.name].discrete


def variable_of(conditional: nodes.Conditional) -> str:
    """The variable that a conditional is about."""
    target = conditional.targets[0]
    while isinstance(target, nodes.Element):
        target = target.base
    assert isinstance(target, nodes.Reference)
    return target.name


def made_by(link: nodes.Link, stated: Container[str]) -> str:
    """The variable that a pipeline gives a density: the end that has no distribution of its own."""
    return starts(link)[0].name if link.target in stated else link.target


def bases(link: nodes.Link, made: str) -> tuple[str, ...]:
    """The other end."""
    return tuple(part.name for part in starts(link)) if made == link.target else (link.target,)


def link_conditions(model: nodes.Model, link: nodes.Link) -> frozenset[str]:
    """The variables that the maps of a pipeline are conditioned on."""
    variables = {v.name for v in model.variables if v.role != "given"}
    return frozenset(r.name for r in read_by_maps(model, link)) & variables


# -- densities -------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Question:
    """log joint(targets | given); `determined`: what a pipeline makes of the targets, and is known too."""

    graph: Graph
    targets: frozenset[str]
    given: frozenset[str]
    determined: frozenset[str] = frozenset()

    @property
    def known(self) -> frozenset[str]:
        return self.targets | self.given | self.determined

    def unknown(self) -> frozenset[str]:
        """What the targets depend on, directly or through others of its kind, and that is not known."""
        found: set[str] = set()
        waiting = list(self.targets)
        while waiting:
            more = self.graph.parents.get(waiting.pop(), frozenset()) - self.known - found
            found |= more
            waiting.extend(more)
        return frozenset(found)


def density_plan(derived: Derived, joint: str, targets: tuple[str, ...], given: tuple[str, ...]) -> DensityPlan:
    """The equations of `log joint(targets | given)`; raises Refused with the first reason."""
    roles = {v.name: v.role for v in derived.model.variables}
    question = Question(
        Graph(derived, joint), frozenset(targets), frozenset(g for g in given if roles.get(g) != "given")
    )
    return _answer(question)


def _answer(question: Question) -> DensityPlan:
    refused: Refused | None = None
    for way in WAYS:
        try:
            found = way(question)
        except Refused as problem:
            refused = refused or problem
            continue
        if found is not None:
            return found
    assert refused is not None, "the product always answers or refuses"
    raise refused


def _pushforward(question: Question) -> DensityPlan | None:
    """A target that a pipeline makes, its base unknown."""
    graph = question.graph
    for name in sorted(question.targets):
        link = graph.links.get(name)
        if link is None:
            continue
        base = frozenset(bases(link, name))
        if fixed := sorted(base & question.known):
            raise Refused(f"given `{fixed[0]}`, `{name}` is determined: it has no density", link.span)
        hidden = sorted((graph.parents[name] - base) - question.known)
        if hidden:
            raise Refused(f"the pipeline to `{name}` needs `{hidden[0]}`, which is not known", link.span)
        rests = frozenset(n for n, own in graph.rests.items() if own is link)
        unknown = sorted(rests - question.targets)
        if unknown:
            raise Refused(f"`{name}` and `{unknown[0]}` are made together, and `{unknown[0]}` is latent", link.span)
        left, made = question.targets - {name} - rests | base, question.determined | {name} | rests
        rest = dataclasses.replace(question, targets=left, determined=made)
        if rest.given & graph.descendants(question.targets):
            break
        return Pushforward(link, _answer(rest))
    return None


def _product(question: Question) -> DensityPlan:
    """The factors of the targets; raises Refused with what is in the way."""
    graph, joint = question.graph, question.graph.joint
    if graph.energy is not None:
        raise Refused(f"`{joint}` is stated up to a constant (`∝`)", graph.energy.span)
    if not question.targets:
        raise Refused("no variables", graph.derived.model.span)
    for name in in_order(graph, question.targets):
        _check_produced(graph, name)
        hidden = _hidden(question, name)
        if hidden is not None:
            span = graph.factors[name][0].span
            raise Refused(f"`{hidden}` is latent, and no equation eliminates it", span)
    after = sorted(question.given & graph.descendants(question.targets))
    if after:
        asked = ", ".join(in_order(graph, question.targets))
        raise Refused(
            f"`{after[0]}` depends on `{asked}`, so that {joint}({asked} | {', '.join(sorted(question.given))}) is a "
            "posterior, which no equation states",
            graph.factors[after[0]][0].span if after[0] in graph.factors else graph.derived.model.span,
        )
    factors = (f for name in in_order(graph, question.targets) for f in graph.factors[name])
    return Product(tuple(factors))


def _check_produced(graph: Graph, name: str) -> None:
    """A target needs a distribution of its own."""
    if name in graph.points:
        reason = f"`{name}` is all at one value, and has no density"
        raise Refused(reason, graph.factors[name][0].span)
    if name in graph.factors:
        return
    if name in graph.deterministic:
        equation = graph.deterministic[name]
        raise Refused(f"`{name}` is implicit: its equation computes it, and has no density", equation.span)
    if name in graph.links:
        raise Refused(
            f"`{name}` is what a pipeline makes of `{bases(graph.links[name], name)[0]}`", graph.links[name].span
        )
    if name in graph.rests:
        raise Refused(f"a pipeline makes `{name}` together with what it quantizes", graph.rests[name].span)
    variable = graph.variables.get(name)
    span = variable.span if variable is not None else graph.derived.model.span
    raise Refused(f"no equation of `{graph.joint}` gives `{name}`", span)


def _hidden(question: Question, name: str) -> str | None:
    """A parent whose value is not known; a derived quantity is known where what it mentions is."""
    waiting = sorted(question.graph.parents[name])
    seen: set[str] = set()
    while waiting:
        parent = waiting.pop()
        if parent in question.known or parent in seen:
            continue
        seen.add(parent)
        if parent not in question.graph.deterministic and parent not in question.graph.computed:
            return parent
        waiting.extend(sorted(question.graph.parents[parent]))
    return None


def in_order(graph: Graph, names: frozenset[str]) -> list[str]:
    """Names in the order of the model's equations, then of its variables."""
    every = dict.fromkeys((*graph.factors, *graph.variables, *graph.deterministic))
    places = {name: number for number, name in enumerate(every)}
    return sorted(names, key=lambda n: (places.get(n, len(places)), n))


def _ratio(question: Question) -> DensityPlan | None:
    """A posterior: something given depends on the targets, or on what they depend on."""
    graph = question.graph
    after = question.given & graph.descendants(question.targets | question.unknown())
    if not after or graph.energy is not None:
        return None
    before = question.given - after
    joint = _answer(dataclasses.replace(question, targets=question.targets | after, given=before))
    return Ratio(tuple(sorted(after)), joint, _answer(dataclasses.replace(question, targets=after, given=before)))


#: The ways to answer, in order; the last one answers or refuses.
WAYS: tuple[Callable[[Question], DensityPlan | None], ...] = (
    _pushforward,
    forward_sums.forward_sum,
    forward_sums.filtered,
    marginals.finite_sum,
    marginals.linear_gaussian,
    _ratio,
    _product,
)
