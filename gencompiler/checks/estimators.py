"""Does the gradient that a phase follows pass through every draw that depends on what it updates?

A draw passes the gradient on where its sampler is a differentiable function of its parameters: all draws on the way
must be so (Kingma & Welling 2014; Schulman, Heess, Weber & Abbeel, NeurIPS 2015).  `stop(q)` takes the parameters of a
joint out; then nothing is missing, whatever the distribution.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from gencompiler.catalog.distributions import DISTRIBUTIONS
from gencompiler.catalog.functions import STEPS
from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.equations import maps_used
from gencompiler.derive import drawing, queries
from gencompiler.derive.nodes import Factor, InTurns
from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.model.groups import reached
from gencompiler.model.mentioned import read_by_maps
from gencompiler.node import Node, children, walk


@dataclasses.dataclass(frozen=True)
class Blocked:
    """The draw of `variable` from `family` depends on what a phase updates, and has no pathwise gradient."""

    variable: str
    family: str
    joint: str
    drawn: Span
    stated: Span


def check(checking: Checking, opposed: frozenset[str] = frozenset()) -> None:
    """Report every draw through which a gradient is needed and does not pass; not for the objectives in `opposed`,
    whose phases reach too much to say."""
    for training in checking.model.trainings:
        for phase in training.objective.phases:
            found: dict[tuple[str, str], list[Blocked]] = {}
            flat: list[nodes.Expr] = []
            for blocked in _blocked(checking, phase, flat):
                found.setdefault((blocked.joint, blocked.family), []).append(blocked)
            if training.objective.name not in opposed:
                for same in found.values():
                    _report(checking, training, phase, same)
                for step in dict.fromkeys(flat):
                    _report_step(checking, training, phase, step)


def _report(checking: Checking, training: nodes.Training, phase: nodes.Phase, found: list[Blocked]) -> None:
    """One report for all draws of one joint from one family."""
    first = found[0]
    inside = first.drawn.source == training.span.source
    own = (first.joint,) if first.joint in phase.update else phase.update
    groups = ", ".join(f"`{g}`" for g in own)
    names = [f"`{n}`" for n in dict.fromkeys(b.variable for b in found)]
    drawn = f"draw of {names[0]}" if len(names) == 1 else f"draws of {', '.join(names[:-1])} and {names[-1]}"
    shared = _shared(checking.model, phase, first.joint)
    whose = f", of which {groups} has parameters too," if shared else ","
    message = (
        f"the gradient of `{training.objective.name}` in {groups} passes through the {drawn}"
        f"{f' from `{first.joint}`' if shared else ''}{whose} and a draw from {first.family} has none"
    )
    span = first.drawn if inside else training.span
    marks = tuple(Label(s.place.span, f"`{first.joint}` and {groups} share the parameters of this") for s in shared)
    marks += tuple(Label(b.stated, f"`{b.variable}` is drawn from this") for b in found if b.stated != span)
    help_: tuple[str, ...] = ()
    if first.joint == "q":
        others = "`train reweighted_wake_sleep`, `vimco`, `score_function`, `wake_sleep`"
        help_ = (f"draw from `stop(q)`, and estimate the gradient in another way: {others}",)
    elif shared:
        name = shared[0].name
        help_ = (
            f"give {groups} a quantity of its own in place of `{name}`, with the same formula: its networks are new",
            f"or write the objective so that it draws from `stop({first.joint})`",
        )
    elif first.joint:
        help_ = (f"draw from `stop({first.joint})`, or give {names[0]} a distribution such as Normal",)
    checking.report(Finding("G705", message, span, "needs a gradient", marks, help=help_))


def _shared(model: nodes.Model, phase: nodes.Phase, joint: str) -> list[nodes.Quantity]:
    """The derived quantities with parameters that a phase updates, where it draws from a joint that it does not."""
    if not joint or joint in phase.update:
        return []
    found = [q for q in model.quantities if reached(model, (q.value,)) & set(phase.parameters)]
    return list({q.name: q for q in found}.values())


def _report_step(checking: Checking, training: nodes.Training, phase: nodes.Phase, step: nodes.Expr) -> None:
    """A step function of a draw: its derivative is 0 wherever it has one, that of its mean is not."""
    groups = ", ".join(f"`{g}`" for g in phase.update)
    what = f"`{step.function}`" if isinstance(step, nodes.Apply) else "this choice"
    message = (
        f"the gradient of `{training.objective.name}` in {groups} passes through {what}, a step function of a draw, "
        "and is lost there"
    )
    span = step.span if step.span.source == training.span.source else training.span
    help_ = ("block it, `stop(…)`, or put a smooth function in its place",)
    checking.report(Finding("G705", message, span, "needs a gradient", help=help_))


# -- following the draws ---------------------------------------------------------------------------------------------


def _blocked(checking: Checking, phase: nodes.Phase, flat: list[nodes.Expr]) -> Iterator[Blocked]:
    """The draws that block a gradient; step functions of draws are put in `flat`."""
    for part in walk(phase.value):
        if isinstance(part, nodes.Expectation):
            following = _Following(checking, frozenset(phase.parameters))
            for draw in part.draws:
                yield from following.draw(draw)
            flat += following.steps(part.body, following.carrying)


class _Following:
    """Which local names carry a gradient of `updated` parameters, draw by draw."""

    def __init__(self, checking: Checking, updated: frozenset[str]) -> None:
        self.checking = checking
        self.model = checking.model
        self.updated = updated
        self.carrying: set[str] = set()

    def draw(self, drawn: nodes.Drawn) -> Iterator[Blocked]:
        source = drawn.source
        if isinstance(source, nodes.DistributionSource):
            yield from self._own(drawn, source)
        elif isinstance(source, nodes.JointSource):
            carried = {b.name for b in source.given if self._carries(b.value, self.carrying)}
            kinds = {t.name: "a transition" for t in self.model.transitions}
            if source.joint in kinds:
                yield from self._transition(drawn, source, bool(carried))
            elif any(s.name == source.joint for s in self.model.sdes):
                sde = next(s for s in self.model.sdes if s.name == source.joint)
                if carried or (not source.stopped and self._learned(sde)):
                    self.carrying |= set(drawn.names)
            else:
                yield from self._joint(drawn, source, carried)

    def _own(self, drawn: nodes.Drawn, source: nodes.DistributionSource) -> Iterator[Blocked]:
        if not (self._carries(source.distribution, self.carrying) or self._learned(source.distribution)):
            return
        family = _family(source.distribution)
        if not _pathwise(family):
            yield Blocked(drawn.names[0], _named(family), "", drawn.span, source.span)
        self.carrying |= set(drawn.names)

    def _transition(self, drawn: nodes.Drawn, source: nodes.JointSource, carried: bool) -> Iterator[Blocked]:
        move = next(t for t in self.model.transitions if t.name == source.joint)
        targets = {s.target for s in move.steps if isinstance(s, nodes.Accept | nodes.Orbit)}
        roots: list[Node] = [move, *(e for e in self.model.energies if e.joint in targets)]
        if carried or (not source.stopped and self._learned(*roots)):
            name = drawn.names[0]
            yield Blocked(name, f"the transition `{move.name}`", move.name, drawn.span, move.span)
            self.carrying |= set(drawn.names)

    def _joint(self, drawn: nodes.Drawn, source: nodes.JointSource, carried: set[str]) -> Iterator[Blocked]:
        """Along the plan of the draw: each variable from its own equation, given those before it."""
        given = tuple(b.name for b in source.given)
        try:
            plan = drawing.draw_plan(self.checking.derived, source.joint, drawn.variables, given)
        except queries.Refused:
            return  # reported as a draw that cannot be made
        inside, told = set(carried), list[Factor]()
        for step in _one_by_one(plan):
            name, value = _made(step)
            learned = not source.stopped and self._learned(step)
            if not (learned or self._carries(value, inside) or self._along(step, inside)):
                continue
            family = _family(value) if isinstance(step, Factor) else ""
            if isinstance(step, Factor) and not _pathwise(family) and step not in told:
                told.append(step)
                yield Blocked(name, _named(family), source.joint, drawn.span, step.conditional.distribution.span)
            if isinstance(step, nodes.Link) and _quantizes(step.stages):
                yield Blocked(name, "a quantization", source.joint, drawn.span, step.span)
            inside.add(name)
        local = dict(zip(drawn.variables, drawn.names, strict=True))
        self.carrying |= {local[name] for name in inside if name in local}

    def _along(self, step: drawing.DrawStep, carrying: set[str]) -> bool:
        """A pipeline carries what either of its ends does, and what its maps are conditioned on."""
        if not isinstance(step, nodes.Link):
            return False
        ends = {step.target, *(n.name for n in walk(step.source) if isinstance(n, nodes.Reference))}
        maps = (m for m in self.model.maps if m.name in maps_used(self.model, step))
        return bool(ends & carrying) or any(self._carries(m.body, carrying - {m.input.name}) for m in maps)

    def _carries(self, value: Node, names: set[str]) -> bool:
        """Whether a value depends on one of `names`, in the bodies of definitions too, `stop(…)` left out."""
        if isinstance(value, nodes.Apply) and value.function == "stop":
            return False
        if isinstance(value, nodes.Reference):
            return value.name in names
        if isinstance(value, nodes.UseMap):
            return any(r.name in names for r in read_by_maps(self.model, value))
        if isinstance(value, nodes.Call | nodes.Gradient):
            function = next(f for f in self.model.functions if f.name == value.function)
            if self._carries(function.body, names - {i.name for i in function.inputs}):
                return True
        return any(self._carries(child, names) for child in children(value))

    def steps(self, value: Node, names: set[str]) -> Iterator[nodes.Expr]:
        """The step functions of one of `names` in a value, in the bodies of definitions too."""
        if isinstance(value, nodes.Apply) and value.function == "stop":
            return
        if isinstance(value, nodes.Let):
            inside = set(names)
            for binding in value.bindings:
                yield from self.steps(binding.value, inside)
                inside = inside | {binding.name} if self._carries(binding.value, inside) else inside - {binding.name}
            yield from self.steps(value.body, inside)
            return
        if isinstance(value, nodes.Apply) and value.function in STEPS and self._carries(value, names):
            yield value
        if isinstance(value, nodes.Choose) and self._carries(value.condition, names):
            branches = (value.then, value.otherwise)
            if not any(self._carries(branch, names) for branch in branches):
                yield value
        if isinstance(value, nodes.Call):
            function = next(f for f in self.model.functions if f.name == value.function)
            pairs = list(zip(function.inputs, value.arguments, strict=True))
            inside = (names - {i.name for i, _ in pairs}) | {i.name for i, a in pairs if self._carries(a, names)}
            yield from self.steps(function.body, inside)
        for child in children(value):
            yield from self.steps(child, names)

    def _learned(self, *roots: Node) -> bool:
        """Whether an equation reaches a parameter that is updated."""
        return bool(reached(self.model, roots) & self.updated)


def _one_by_one(plan: drawing.DrawPlan) -> Iterator[Factor | nodes.Link | nodes.Deterministic]:
    """The steps of a plan; equations in turns follow one another more than once, each feeding the others."""
    for step in plan:
        if isinstance(step, InTurns):
            yield from step.factors * len(step.factors)
        else:
            yield step


def _made(step: Factor | nodes.Link | nodes.Deterministic) -> tuple[str, Node]:
    """The variable of a step, and the expression it comes from."""
    if isinstance(step, Factor):
        return queries.variable_of(step.conditional), step.conditional.distribution
    if isinstance(step, nodes.Deterministic):
        return step.target, step.value
    return step.target, step.source


def _quantizes(stages: tuple[nodes.Stage, ...]) -> bool:
    return any(
        isinstance(s, nodes.UseSurjection) or (isinstance(s, nodes.Repeat) and _quantizes(s.stages)) for s in stages
    )


def _family(distribution: Node) -> str:
    while isinstance(distribution, nodes.Let | nodes.Pushed):
        distribution = distribution.base if isinstance(distribution, nodes.Pushed) else distribution.body
    return distribution.family if isinstance(distribution, nodes.Distribution) else ""


def _pathwise(family: str) -> bool:
    if family.startswith(nodes.USER):
        return True  # a derived sampler is a differentiable function of the conditions
    return family in DISTRIBUTIONS and DISTRIBUTIONS[family].pathwise


def _named(family: str) -> str:
    return f"a {family}" if family in DISTRIBUTIONS else "such a density"
