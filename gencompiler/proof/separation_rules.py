"""Rules for inverses of Bayesian networks: whether a joint can state the posterior of another, element by element.

q factorizes as a product over its elements e, in an order, of q(e | parents).  It can state p(latent | observed), for
every p over the same graph, exactly if each e is independent, under p, of all that is observed or comes before it,
given its parents in q (the ordered Markov property; Pearl, Probabilistic Reasoning in Intelligent Systems, 1988,
theorem 9 and corollary 4).  d-separation in the graph of p decides: what it separates is independent whatever the
conditionals of p are, and of what it does not separate some conditionals make dependent (Geiger, Verma & Pearl,
Identifying independence in Bayesian networks, Networks 1990).  A variable that its parents determine is known where
they are.

A proof takes the most that p's equations may depend on and the least that q's do; a refutation the reverse.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import cast

from gencompiler.catalog.supports import SUPPORTS, bounds
from gencompiler.proof import separation
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.facts import Fact, Member
from gencompiler.proof.graph import Term, literal, name_of, substitute
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.numbers import Undecided
from gencompiler.proof.separation import Elements, Network, Variables, bits
from gencompiler.proof.separation_facts import Faithful, Minimal, Names, NotMinimal, Unfaithful
from gencompiler.proof.structure import Admissible, Factorizes, Production, is_atom
from gencompiler.proof.structure_rules import form_of


@dataclasses.dataclass(frozen=True)
class Pair:
    """The graphs of both joints over the same elements; `observed` as bits, `order` of the inverse's elements."""

    elements: Elements
    inverse: Network
    joint: Network
    observed: int
    order: tuple[int, ...]

    def before(self, element: int) -> int:
        """What is observed or comes before an element."""
        return self.observed | sum(1 << e for e in self.order[: self.order.index(element)])


def pair(
    variables: Variables, observed: Names, recognition: tuple[Production, ...], generation: tuple[Production, ...]
) -> Pair:
    """Both graphs; raises Unproved where an equation's places are not known, or where the inverse conditions on what
    is neither observed nor its own.  What the inverse computes is no element: what depends on it depends on what it
    mentions."""
    elements, computed = Elements.of(variables), computed_by(recognition)
    made = {place.variable for production in recognition for place in production.produces} - computed.keys()
    need(made | set(observed) <= set(elements.shapes), "a variable that the joint does not produce")
    joint = separation.network(elements, generation)
    wide = Elements.of((*variables, *computed.items()))
    inverse = separation.network(wide, recognition)
    if computed:
        drawn = tuple(p for p in recognition if p.produces[0].variable not in computed)
        blurred = separation.network(wide, drawn).blurred
        inverse = dataclasses.replace(separation.without(inverse, elements.count), blurred=blurred)
    seen = 0
    for name in observed:
        seen |= elements.all_of(name)
    need(joint.produced == (1 << elements.count) - 1, "an element without an equation")
    need(not inverse.produced & seen, "the inverse produces what is observed")
    used = 0
    for element in bits(inverse.produced):
        used |= inverse.most[element]
    need(used & ~(inverse.produced | seen) == 0, "the inverse is conditioned on what is neither observed nor its own")
    return Pair(elements, inverse, joint, seen, separation.order_of(inverse.most, inverse.produced))


def computed_by(productions: tuple[Production, ...]) -> dict[str, tuple[int, ...]]:
    """The derived quantities of a joint, with shapes that hold all places that its equations compute."""
    found: dict[str, tuple[int, ...]] = {}
    for production in productions:
        if isinstance(production.law, Member):
            name, shape = production.produces[0].variable, _extents(production, production.law.term)
            known = found.get(name, shape)
            need(len(known) == len(shape), "a quantity that is computed in other parts")
            found[name] = tuple(map(max, known, shape))
    return found


def _extents(production: Production, element: Term) -> tuple[int, ...]:
    """How far the places go that an equation computes, each an `element`."""
    stops, rest = {r.index: r.stop for r in production.indices}, list(element.shape)
    found = []
    for axis in production.produces[0].axes:
        if axis.kind == "whole":
            found.append(rest.pop(0) if rest else 1)
        else:
            found.append(axis.shift + stops.get(axis.index, 1))
    return (*found, *rest)


def leaks(pair_: Pair, parents: tuple[int, ...], element: int, given: int) -> int:
    """What is observed or comes before `element` and still depends on it given the elements `given`."""
    known = separation.fixed(pair_.joint, given)
    if known >> element & 1:
        return 0
    children = separation.children_of(parents)
    reached = separation.connected(parents, children, element, known)
    if known != given:  # either set of what is known separates
        reached &= separation.connected(parents, children, element, given) | known
    return reached & pair_.before(element) & ~known


# -- what is proved --------------------------------------------------------------------------------------------------


def _both(premises: tuple[Fact, ...], observed: Names) -> tuple[str, str, Variables, Names, Pair]:
    """The two factorizations of the premises, the inverse first, and their graphs."""
    inverse, joint = premises
    if not isinstance(inverse, Factorizes) or not isinstance(joint, Factorizes):
        raise Unproved("not two factorizations")
    names = {name for name, _ in joint.variables}
    drawn = dict(inverse.variables).keys() - computed_by(inverse.productions).keys()
    need(drawn | set(observed) <= names, "a variable that {} does not produce", joint.joint)
    graphs = pair(joint.variables, observed, inverse.productions, joint.productions)
    return inverse.joint, joint.joint, joint.variables, observed, graphs


@rule
def faithful(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Each element of the inverse is separated, given its parents, from the rest of what is observed or before it.

    Subject: the observed variables.  Premises: the factorizations of the inverse and of the joint."""
    (observed,) = cast(tuple[Names], subject)
    inverse, joint, variables, seen, graphs = _both(premises, observed)
    need(not graphs.inverse.blurred, "an equation of {} makes several elements together", inverse)
    for element in graphs.order:
        left = leaks(graphs, graphs.joint.most, element, graphs.inverse.least[element])
        need(left == 0, "{} leaves out a dependence", inverse)
    recognition, generation = (cast(Factorizes, p).productions for p in premises)
    return Faithful(inverse, joint, variables, seen, recognition, generation)


@rule
def minimal(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Each element of the inverse, without any one of its parents, is not separated from that parent.

    Subject: the observed variables.  Premises: the factorizations of the inverse and of the joint."""
    (observed,) = cast(tuple[Names], subject)
    inverse, joint, variables, seen, graphs = _both(premises, observed)
    for element in graphs.order:
        own = graphs.inverse.most[element]
        for parent in bits(own):
            left = leaks(graphs, graphs.joint.least, element, own & ~(1 << parent))
            need(left >> parent & 1 == 1, "a parent in {} that could be left out", inverse)
    recognition, generation = (cast(Factorizes, p).productions for p in premises)
    return Minimal(inverse, joint, variables, seen, recognition, generation)


# -- what is refuted -------------------------------------------------------------------------------------------------


@rule
def active_trail(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """An element of the inverse that a trail joins, given its parents, to something observed or before it.

    Subject: the fact without its kind, the element, and what it is joined to.  No equation of the joint may determine
    its variable, or be known only by what it lists."""
    inverse, joint, variables, observed, recognition, generation, element, other = subject
    graphs = pair(variables, observed, recognition, generation)
    need(not graphs.joint.blurred and not graphs.joint.determined, "an equation of {} is not of this kind", joint)
    need(element in graphs.order and type(other) is int, "not an element of {}", inverse)
    given = graphs.inverse.most[element]
    left = leaks(graphs, graphs.joint.least, element, given)
    need(left >> other & 1 == 1, "nothing is left out")
    return Unfaithful(inverse, joint, variables, observed, recognition, generation)


@rule
def spare_parent(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """An element of the inverse that its other parents separate from all else that is observed or before it, this
    parent included.

    Subject: the fact without its kind, the element, the parent."""
    inverse, joint, variables, observed, recognition, generation, element, parent = subject
    graphs = pair(variables, observed, recognition, generation)
    need(element in graphs.order and not graphs.inverse.blurred, "not an element of {}", inverse)
    own = graphs.inverse.least[element]
    need(own == graphs.inverse.most[element] and type(parent) is int, "parents that are not known")
    need(own >> parent & 1 == 1, "not a parent")
    need(leaks(graphs, graphs.joint.most, element, own & ~(1 << parent)) == 0, "a parent that carries something")
    return NotMinimal(inverse, joint, variables, observed, recognition, generation)


@rule
def dependence(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Two cases that agree in the parents of an element of the inverse, and in which it has other probabilities.

    Subject: the fact without its kind, the element, a value of it, and the two cases, which say the values of elements
    that are observed or come before it; `seed`: None, or that of the conditionals that the joint is given where its
    own are not numbers.  All variables are finite."""
    inverse, joint, variables, observed, recognition, generation, element, value, first, second, seed = subject
    graphs = pair(variables, observed, recognition, generation)
    need(element in graphs.order, "not an element of {}", inverse)
    one, two = dict(cast(tuple[tuple[int, int], ...], first)), dict(cast(tuple[tuple[int, int], ...], second))
    before = graphs.before(element)
    need(set(one) == set(two) and all(before >> e & 1 for e in one), "a case of what is not known before")
    need(all(one[e] == two[e] for e in bits(graphs.inverse.most[element]) if e in one), "two parents' values")
    need(all(e in one for e in bits(graphs.inverse.most[element])), "a parent without a value")
    tables = Tables(graphs.elements, graphs.joint, generation, seed)
    left, right = (probability(graphs, tables, element, value, case) for case in (one, two))
    need(left is not None and right is not None and left != right, "the probabilities are the same")
    return Unfaithful(inverse, joint, variables, observed, recognition, generation)


#: The most cases that are added up.
MOST_CASES = 1 << 13


class Tables:
    """The conditionals of a joint as exact tables: its own where they are constants, or made up from `seed` where they
    are not; variables that are functions of others always keep their own."""

    def __init__(
        self, elements: Elements, network: Network, productions: tuple[Production, ...], seed: int | None
    ) -> None:
        self.elements = elements
        self.network = network
        self.productions = productions
        self.seed = seed
        self.known: dict[tuple[int, tuple[int, ...]], tuple[Fraction, ...]] = {}
        self.ranges: dict[int, range] = {}

    def values(self, element: int) -> range:
        """The values of an element; two, where the conditionals are made up, for one that has infinitely many."""
        if element not in self.ranges:
            self.ranges[element] = self._values(element)
        return self.ranges[element]

    def _values(self, element: int) -> range:
        law = self._law(element)
        low, high, _, _ = bounds(law.event.name, law.event.arguments)
        finite = SUPPORTS[law.event.name].discrete and -math.inf < low and high < math.inf
        need(finite or (self.seed is not None and not self.network.determined), "infinitely many values")
        need(law.event.name not in ("Sign", "Permutation"), "values that are not counted")
        return range(int(low), int(high) + 1) if finite else range(2)

    def _law(self, element: int) -> Admissible:
        found = self.network.laws[element]
        law = self.productions[found[0]].law if found is not None else None
        if not isinstance(law, Admissible):
            raise Unproved("an equation that is not a distribution of the catalogue")
        return law

    def row(self, element: int, parents: tuple[int, ...]) -> tuple[Fraction, ...]:
        """The probabilities of an element's values, its parents (by number, in order) at these values."""
        key = (element, parents)
        if key not in self.known:
            made_up = self.seed is not None and not self.network.determined >> element & 1
            self.known[key] = self._made_up(element, parents) if made_up else self._own(element, parents)
        return self.known[key]

    def _made_up(self, element: int, parents: tuple[int, ...]) -> tuple[Fraction, ...]:
        """Weights 1 to 9 by a formula that mixes the seed, the element, its parents' values and its own; tenths where
        there are two values."""
        weights = []
        for value in self.values(element):
            mixed = cast(int, self.seed) + 1
            for part in (element, *parents, value):
                mixed = (mixed * 48271 + 11 * part + 7919) % 2147483647
            weights.append(1 + mixed // 64 % 9)
        weights = [10 - weights[1], weights[1]] if len(weights) == 2 else weights
        return tuple(Fraction(w, sum(weights)) for w in weights)

    def _own(self, element: int, parents: tuple[int, ...]) -> tuple[Fraction, ...]:
        """By the catalogue's families that state probabilities of values."""
        law = self._law(element)
        _, at = cast(tuple[int, tuple[tuple[str, int], ...]], self.network.laws[element])
        point = self._point(element, parents)
        need(len(law.arguments) == 1, "a distribution of several parameters")
        (argument,) = law.arguments
        here = {s: literal(dict(at)[name_of(s)]) for s in argument.symbols if s.data[0] == "index"}
        numbers = _exact(substitute(argument, here), point)
        values = self.values(element)
        form = form_of(law.family, law.form)
        if form.masses is not None:
            need(form.masses == form.vectors[0], "probabilities that are not exact numbers")
            return numbers
        own = numbers[element - self.elements.first[self.elements.name(element)[0]] if len(numbers) > 1 else 0]
        if is_atom(law.family):
            return tuple(Fraction(v == own) for v in values)
        need((law.family, law.form) == ("Bernoulli", "probability"), "probabilities that are not exact numbers")
        return (1 - own, own)

    def _point(self, element: int, parents: tuple[int, ...]) -> dict[Term, tuple[Fraction, ...]]:
        """The values of variables that an equation reads; what it does not read is 0."""
        law = self._law(element)
        own = dict(zip(bits(self.network.least[element]), parents, strict=True))
        found: dict[Term, tuple[Fraction, ...]] = {}
        for argument in law.arguments:
            for each in argument.symbols:
                if each.data[0] == "variable" and name_of(each) in self.elements.first:
                    start = self.elements.first[name_of(each)]
                    size = math.prod(self.elements.shapes[name_of(each)])
                    found[each] = tuple(Fraction(own.get(start + k, 0)) for k in range(size))
        return found


def _exact(term: Term, point: Mapping[Term, tuple[Fraction, ...]]) -> tuple[Fraction, ...]:
    try:
        found = evaluate(term, point)
    except (Undefined, Undecided) as problem:
        raise Unproved(str(problem)) from None
    need(all(isinstance(v, Fraction) for v in found), "a probability that is not an exact number")
    return cast(tuple[Fraction, ...], found)


def probability(graphs: Pair, tables: Tables, element: int, value: int, case: Mapping[int, int]) -> Fraction | None:
    """P(element = value | case) under the joint, by adding up; None where the case has no probability."""
    wanted = separation.ancestral(graphs.joint.least, 1 << element | sum(1 << e for e in case))
    order = separation.order_of(graphs.joint.least, wanted)
    need(math.prod(len(tables.values(e)) for e in order if e not in case) <= MOST_CASES, "too many cases")
    both = total = Fraction(0)
    for weight, values in _cases(graphs, tables, order, case):
        total += weight
        both += weight if values[element] == value else 0
    return both / total if total else None


def _cases(
    graphs: Pair, tables: Tables, order: tuple[int, ...], case: Mapping[int, int]
) -> Iterator[tuple[Fraction, dict[int, int]]]:
    """Every assignment to `order` that agrees with `case`, with its probability."""
    parents = {e: tuple(bits(graphs.joint.least[e])) for e in order}
    choices = [(case[e],) if e in case else tuple(tables.values(e)) for e in order]
    for chosen in itertools.product(*choices):
        values = dict(zip(order, chosen, strict=True))
        weight = Fraction(1)
        for e in order:
            row = tables.row(e, tuple(values[p] for p in parents[e]))
            weight *= row[values[e] - tables.values(e).start]
            if not weight:
                break
        if weight:
            yield weight, values
