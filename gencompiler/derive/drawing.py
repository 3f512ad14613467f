"""Which equations draw variables, each after what it needs; and which compute derived quantities.

What needs one another place by place is drawn in turns (`derive.turns`)."""

from __future__ import annotations

from collections.abc import Iterable

from gencompiler.derive import turns
from gencompiler.derive.nodes import Derived, Factor, InTurns
from gencompiler.derive.queries import Graph, Refused, in_order
from gencompiler.derive.sequences import in_sequence
from gencompiler.model import nodes
from gencompiler.node import walk

#: One variable is drawn from its factor, or computed from what is there; or several are, in turns.
DrawStep = Factor | nodes.Link | nodes.Deterministic | InTurns
DrawPlan = tuple[DrawStep, ...]


def draw_plan(derived: Derived, joint: str, targets: tuple[str, ...], given: tuple[str, ...]) -> DrawPlan:
    """The steps that draw `targets` given values of `given`, each after what it needs; raises Refused.

    What is neither target nor given is drawn on the way where a target needs it."""
    graph = Graph(derived, joint)
    if graph.energy is not None:
        raise Refused(f"`{joint}` is stated up to a constant (`∝`)", graph.energy.span)
    fixed = frozenset(given)
    for name in targets:
        if name in fixed:
            raise Refused(f"`{name}` is given, and cannot be drawn too", derived.model.span)
    plan = _Plan(graph, fixed)
    for name in targets:
        plan.draw(name)
    drawn = plan.made
    after = sorted(fixed & graph.descendants(drawn))
    if after:
        asked = ", ".join(targets)
        raise Refused(
            f"`{after[0]}` depends on `{asked}`: drawing it given `{after[0]}` is drawing from a posterior, which no "
            "equation states",
            graph.factors[after[0]][0].span if after[0] in graph.factors else derived.model.span,
        )
    return tuple(plan.steps)


def computing_plan(derived: Derived, names: Iterable[str], known: frozenset[str]) -> DrawPlan:
    """The steps that compute derived quantities from `known` variables; raises Refused where that is not enough."""
    plan = _Plan(Graph(derived, "p"), known)
    for name in sorted(names):
        plan.draw(name)
    computed = {*plan.graph.computed, *plan.graph.deterministic}
    drawn = sorted(plan.made - computed)
    if drawn:
        raise Refused(f"`{drawn[0]}` is latent, and no equation eliminates it", derived.model.span)
    return tuple(plan.steps)


def come_down_to(derived: Derived, name: str) -> frozenset[str]:
    """The variables that a derived quantity comes down to."""
    graph = Graph(derived, "p")
    computed = {*graph.computed, *graph.deterministic}
    found, waiting = set[str](), [name]
    while waiting:
        more = graph.parents[waiting.pop()] - found
        found |= more
        waiting += more & computed
    return frozenset(found - computed)


def undrawn(distribution: nodes.Expr) -> nodes.UserDistribution | None:
    """The user's density in a law of which no sampler was derived."""
    found = (n for n in walk(distribution) if isinstance(n, nodes.UserDistribution))
    return next((n for n in found if n.sampler is None), None)


def _check_drawn(factor: Factor) -> None:
    found = undrawn(factor.distribution)
    if found is not None:
        raise Refused(f"no sampler was derived for `{found.density.name}`", found.span)


class _Plan:
    """Draws under construction: `steps`, and what they have `made` so far."""

    def __init__(self, graph: Graph, given: frozenset[str]) -> None:
        self.graph = graph
        self.given = given
        self.steps: list[DrawStep] = []
        self.made: set[str] = set()

    def draw(self, name: str) -> None:
        """Add the steps that `name` needs, then its own; with those of what needs it in turn."""
        graph = self.graph
        if name in self.given or name in self.made:
            return
        group = graph.together(name, self.given)
        for each in sorted(group):
            self._check_made(each)
        parents = frozenset().union(*(graph.parents[n] for n in group)) - group
        for parent in in_order(graph, parents):
            self.draw(parent)
        self.made |= group
        if len(group) > 1 or name in graph.computed:
            self._in_turns(group)
        elif name in graph.factors:
            self.steps.extend(in_sequence(graph.derived.model, graph.factors[name]))
        elif name in graph.deterministic:
            self.steps.append(graph.deterministic[name])
        else:
            self.steps.append(graph.links[name])

    def _in_turns(self, group: frozenset[str]) -> None:
        graph = self.graph
        names = in_order(graph, group)
        factors = [f for n in names for f in (graph.factors.get(n) or graph.computed.get(n, []))]
        whole = [n for n in names if n not in graph.factors and n not in graph.computed]
        order = turns.in_order(graph.derived.model, factors) if not whole else None
        if order is None:
            circle = " and ".join(f"`{n}`" for n in names)
            raise Refused(f"the equations of {circle} go round in a circle", graph.derived.model.span)
        self.steps.extend(order)

    def _check_made(self, name: str) -> None:
        graph = self.graph
        if name in graph.rests:
            raise Refused(f"`{name}` is where in its level a number lies, which no draw keeps", graph.rests[name].span)
        if not graph.produced(name):
            variable = graph.variables.get(name)
            span = variable.span if variable is not None else graph.derived.model.span
            raise Refused(f"no equation of `{graph.joint}` gives `{name}`", span)
        for factor in graph.factors.get(name, ()):
            _check_drawn(factor)
