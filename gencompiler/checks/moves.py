"""Transitions as moves that proofs speak about: draws and acceptances, one after another, repeated, mixed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from fractions import Fraction

from gencompiler.checks.admissibility import step_support
from gencompiler.derive.acceptance import log_joint
from gencompiler.derive.conditional_laws import NoLawError
from gencompiler.derive.nodes import Derived
from gencompiler.model import nodes
from gencompiler.node import walk
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.chain_rules import (
    Aided,
    Blend,
    Deterministic,
    Images,
    Kernel,
    Mapped,
    Move,
    Orbit,
    Proposal,
    Repeated,
    Sequence,
    Times,
)
from gencompiler.proof.facts import Bijection, result
from gencompiler.proof.graph import Malformed, Term, substitute, support_of, symbol
from gencompiler.proof.kernel import prove
from gencompiler.proof.scope import distribution_terms, trusted_ranges
from gencompiler.proof.search import Search
from gencompiler.proof.structure import Admissible
from gencompiler.proof.terms import ONE
from gencompiler.proof.translate import Translation, variable


class Unsupported(Exception):
    """The transition is not of a form that the rules speak about; `step` is to blame."""

    def __init__(self, reason: str, step: nodes.Step | nodes.Transition) -> None:
        super().__init__(reason)
        self.step = step


class _Stale(Exception):
    """A step reads a value that the state had before it moved."""


def move_of(derived: Derived, transition: nodes.Transition) -> Move:
    """A transition as a move; raises Unsupported."""
    conditions = {i.name: condition(i) for i in transition.conditions}
    return _Moves(derived).transition(transition, conditions)


def condition(declared: nodes.Input) -> Term:
    """The symbol of a condition of a transition or a density."""
    return symbol("condition", declared.name, declared.type.support, declared.type.shape)


class _Moves:
    def __init__(self, derived: Derived) -> None:
        self.derived = derived
        self.model = derived.model
        self.transitions = {t.name: t for t in derived.model.transitions}
        self.state = tuple(variable(v) for v in derived.model.variables if v.role not in ("given", nodes.DERIVED))

    def transition(self, transition: nodes.Transition, given: Mapping[str, Term]) -> Move:
        if not transition.steps or not isinstance(
            transition.steps[0], nodes.Use | nodes.Series | nodes.Iterate | nodes.Mix
        ):
            return self._block(transition, given)
        stale = next((n for n, value in given.items() if set(self.state) & value.symbols), None)
        if stale is not None:  # its parts would read the state that they find
            raise Unsupported(f"it is composed of others, and `{stale}` depends on where it starts", transition)
        scope = self._scope(transition, given)
        return self._step(transition.steps[0], scope, transition)

    def _scope(self, transition: nodes.Transition, given: Mapping[str, Term]) -> Translation:
        names = {i.name: symbol("variable", i.name, i.type.support, i.type.shape) for i in transition.current}
        every = {v.name: variable(v) for v in self.model.variables if v.role == "given"}
        return Translation.of_model(self.model).binding({**every, **names, **given})

    # -- composition -------------------------------------------------------------------------------------------------

    def _step(self, step: nodes.Step, scope: Translation, transition: nodes.Transition) -> Move:
        match step:
            case nodes.Use(transition=name, given=given):
                values = {b.name: scope.term(b.value) for b in given}
                return self.transition(self.transitions[name], values)
            case nodes.Series(steps=steps):
                return _sequence(tuple(self._step(s, scope, transition) for s in steps))
            case nodes.Iterate(index=index, count=count, step=inner):
                if not index:
                    return Repeated(None, count, self._step(inner, scope, transition))
                support = nodes.Support("Integer", (Fraction(0), Fraction(count)))
                own = symbol("condition", index, support)
                return Repeated(own, count, self._step(inner, scope.binding({index: own}), transition))
            case nodes.Mix(weights=weights, branches=branches):
                parts = tuple(self._step(b, scope, transition) for b in branches)
                return Blend(self.state, tuple(scope.term(w) for w in weights), parts)
        raise Unsupported("it is no composition of transitions", step)

    # -- the steps of a block ----------------------------------------------------------------------------------------

    def _block(self, transition: nodes.Transition, given: Mapping[str, Term]) -> Move:
        """One kernel after another where each step reads what the state is by then; else one kernel of all draws."""
        try:
            return _sequence(_Block(self, transition, given).parts())
        except _Stale as problem:
            stale = str(problem)
        try:
            return _Block(self, transition, given, joint=True).parts()[0]
        except _Stale:
            raise Unsupported(f"it reads `{stale}` after it has moved", transition) from None


def _sequence(parts: tuple[Move, ...]) -> Move:
    flat = tuple(p for part in parts for p in (part.parts if isinstance(part, Sequence) else (part,)))
    return flat[0] if len(flat) == 1 else Sequence(flat)


class _Block:
    """The steps in the braces of one transition.  `joint`: all draws of the state are one proposal."""

    def __init__(
        self, moves: _Moves, transition: nodes.Transition, given: Mapping[str, Term], *, joint: bool = False
    ) -> None:
        self.moves = moves
        self.model = moves.model
        self.move = transition
        self.scope = moves._scope(transition, given)
        self.joint = joint
        self.variables = {v.name: variable(v) for v in self.model.variables}
        self.found: list[Move] = []
        self.pending: dict[str, tuple[Term, Admissible]] = {}
        self.moved: dict[str, tuple[Term, Admissible, tuple[Term, ...]]] = {}
        self.images: dict[str, Term] = {}
        self.maps: tuple[tuple[str, ...], tuple[Term, ...], tuple[Mapped, ...]] | None = None
        self.stale: set[str] = set()
        #: What the names of values stand for that were computed before: they are those of the state as it was then.
        self.assigned = dict(given)

    def parts(self) -> tuple[Move, ...]:
        for step in self.move.steps:
            self._check_fresh(step)
            match step:
                case nodes.Draw():
                    self._draw(step)
                case nodes.Assign():
                    self._assign(step)
                case nodes.Through():
                    self._through(step)
                case nodes.Accept():
                    self._accept(step)
                case nodes.Orbit():
                    self._orbit(step)
                case _:
                    raise Unsupported("a composition inside braces", step)
        if self.joint and self.images:
            self.found.append(self._exchange())
        if self.joint and self.moved:
            proposals = tuple(Proposal(d, self.variables[n], law, at) for n, (d, law, at) in self.moved.items())
            self.found.append(Kernel(self.moves.state, proposals, None, ONE))
        if self.pending:
            raise Unsupported(f"nothing becomes of the draw `{next(iter(self.pending))}`", self.move)
        if not self.found:
            raise Unsupported("nothing moves", self.move)
        return tuple(self.found)

    def _check_fresh(self, step: nodes.Step) -> None:
        own = {step.base} if isinstance(step, nodes.Draw) and step.place else set()
        read = {r.name for r in walk(step) if isinstance(r, nodes.Reference)}
        for name in sorted((read | own) & self.stale):
            raise _Stale(name)

    def _draw(self, step: nodes.Draw) -> None:
        if isinstance(step.distribution, nodes.Conditioned):
            raise Unsupported("a law that could not be derived", step)
        distribution, arguments = distribution_terms(self.scope, step.distribution)
        event = step_support(self.move, step, distribution, arguments, self.model)
        law = Admissible(distribution.family, distribution.form, arguments, event, distribution.type.shape)
        name = step.name.rstrip("'")
        drawn = symbol("draw", step.name, event, distribution.type.shape)
        becomes = name in self.variables and (step.name in self.move.next or step.name == name)
        if not becomes:
            self.pending[step.name] = (drawn, law)
            self.scope = self.scope.binding({step.name: drawn})
            return
        place = tuple(self.scope.term(s) for s in step.place)
        if self.maps is not None or (self.pending and (self.joint or place)):
            raise Unsupported("a part of the state moves between a proposal and its acceptance", step)
        if self.joint:
            self.moved[name] = (drawn, law, place)
            self.scope = self.scope.binding({step.name: drawn})
            return
        proposal = Proposal(drawn, self.variables[name], law, place)
        kernel = Kernel(self.moves.state, (proposal,), None, ONE)
        self.found.append(Aided(tuple(self.pending.values()), kernel) if self.pending else kernel)
        self.stale |= set(self.pending)
        self.pending = {}
        self._arrive(step.name)

    def _arrive(self, name: str) -> None:
        """From here on the state is what `name` says; its old value is gone."""
        base = name.rstrip("'")
        if name != base:
            self.stale |= {base}
        self.stale |= {n for n, value in self.assigned.items() if self.variables[base] in value.symbols}
        self.scope = self.scope.binding({name: self.variables[base]})

    def _assign(self, step: nodes.Assign) -> None:
        value = self.scope.term(step.value)
        if step.name not in self.move.next:
            self.scope = self.scope.binding({step.name: value})
            self.assigned[step.name] = value
            return
        if self.joint and not self.pending and self.maps is None:
            self.images[step.name] = value
            self.scope = self.scope.binding({step.name: value})
            return
        self._propose((step.name,), (value,), step, None, ONE)

    def _exchange(self) -> Move:
        """Values that are assigned at once, each in terms of the state before."""
        if self.moved or self.found:
            raise Unsupported("draws beside values that are assigned at once", self.move)
        moves = tuple(self.variables[n.rstrip("'")] for n in self.images)
        names = zip(self.images, moves, strict=True)
        arrives = tuple(symbol("draw", n, support_of(m), m.shape) for n, m in names)
        return Deterministic(self.moves.state, moves, arrives, (Images(tuple(self.images.values())),), None, ONE)

    def _through(self, step: nodes.Through) -> None:
        sources = tuple(self.scope.term(s) for s in step.sources)
        if any(s not in self.moves.state for s in sources) or self.pending:
            raise Unsupported("a bijection of something besides the state", step)
        maps = self._stages(step, step.stages, sources, at_start=True)
        arrives = tuple(symbol("draw", n, support_of(s), s.shape) for n, s in zip(step.names, sources, strict=True))
        targets = tuple(self.variables.get(n.rstrip("'")) for n in step.names)
        if set(step.names) <= set(self.move.next) and targets == sources:
            self.found.append(Deterministic(self.moves.state, sources, arrives, maps, None, ONE))
            for name in step.names:
                self._arrive(name)
            return
        self.maps = (step.names, sources, maps)
        self.scope = self.scope.binding(dict(zip(step.names, arrives, strict=True)))

    def _stages(
        self, step: nodes.Step, stages: tuple[nodes.Stage, ...], sources: tuple[Term, ...], *, at_start: bool
    ) -> tuple[Mapped, ...]:
        """What stages do to `sources`.  A condition is computed where the step begins, and a formula of `sources` in it
        would stand for what arrives at the stage: they are the same only `at_start`, before the first stage."""
        found: list[Mapped] = []
        functions = {f.name: f for f in self.model.functions}
        for stage in stages:
            if isinstance(stage, nodes.Repeat):
                found.append(Times(stage.count, self._stages(step, stage.stages, sources, at_start=False)))
                continue
            assert isinstance(stage, nodes.UseMany)
            given = tuple(self.scope.term(b.value) for b in stage.given)
            if (found or not at_start) and any(s in sources for each in given for s in each.symbols):
                raise Unsupported(f"a condition of `{stage.definition}` depends on what moves before it", step)
            images = []
            for name in stage.functions:
                function = functions[name]
                values = (*sources, *given)
                inside = self.scope.binding({i.name: s for i, s in zip(function.inputs, values, strict=True)})
                images.append(inside.term(function.body))
            found.append(Images(tuple(images)))
        return tuple(found)

    def _orbit(self, step: nodes.Orbit) -> None:
        sources = tuple(self.scope.term(s) for s in step.sources)
        targets = tuple(self.variables[n.rstrip("'")] for n in step.names)
        if sources != targets or self.pending or self.maps is not None or self.images:
            raise Unsupported("a walk along an orbit from elsewhere than where the chain is", step)
        maps = self._stages(step, step.forward, sources, at_start=False)
        turn = self._stages(step, step.turn, sources, at_start=False)
        ends = tuple(
            symbol("draw", n, support_of(s), s.shape) for n, s in zip(step.ends, (*sources, *sources), strict=True)
        )
        reach = self.scope.binding(dict(zip(step.ends, ends, strict=True))).term(step.reach)
        try:
            weight = self.scope.term(log_joint(self.model, step.target, step))
        except NoLawError as problem:
            raise Unsupported(problem.reason, step) from None
        self.found.append(Orbit(self.moves.state, sources, maps, turn, ends, reach, step.doublings, weight))
        for name in step.names:
            self._arrive(name)

    def _accept(self, step: nodes.Accept) -> None:
        proposals = tuple(self.scope.term(p) for p in step.proposals)
        log_ratio, probability = None, None
        if step.probability is not None:
            probability = self.scope.term(step.probability)
        else:
            derived = self.moves.derived.acceptances.get(self.move.name)
            if derived is None:
                reason = next(
                    (f.reason for f in self.moves.derived.failures if f.subject == self.move.name),
                    "no ratio could be derived",
                )
                raise Unsupported(reason, step)
            log_ratio = self.scope.term(derived.log_ratio)
        self._propose(step.names, proposals, step, log_ratio, probability)

    def _propose(
        self,
        names: tuple[str, ...],
        values: tuple[Term, ...],
        step: nodes.Step,
        log_ratio: Term | None,
        probability: Term | None,
    ) -> None:
        """A move to `values`, made of what has been drawn, or of nothing but the state."""
        targets = tuple(self.variables[n.rstrip("'")] for n in names)
        if self.maps is not None:
            arrived, sources, maps = self.maps
            arrives = tuple(symbol("draw", n, support_of(s), s.shape) for n, s in zip(arrived, sources, strict=True))
            if values != arrives or targets != sources or self.pending:
                raise Unsupported("it moves to something besides what the bijection gives", step)
            own: Move = Deterministic(self.moves.state, sources, arrives, maps, log_ratio, probability)
            self.maps = None
        elif not self.pending:
            arrives = tuple(symbol("draw", n, support_of(t), t.shape) for n, t in zip(names, targets, strict=True))
            own = Deterministic(self.moves.state, targets, arrives, (Images(values),), log_ratio, probability)
        else:
            order = [drawn for drawn, _ in self.pending.values()]
            proposals = tuple(self._proposal(n, t, v, step) for n, t, v in zip(names, targets, values, strict=True))
            proposals = tuple(sorted(proposals, key=lambda p: order.index(p.noise or p.drawn)))  # as they are drawn
            if len(self.pending) != len(proposals):
                raise Unsupported("each variable must move to a draw, or to a bijection of one", step)
            own = Kernel(self.moves.state, proposals, log_ratio, probability)
            written = {p.noise: p.inverse for p in proposals if p.noise is not None and p.inverse is not None}
            if written:
                own = dataclasses.replace(
                    own,
                    log_ratio=None if log_ratio is None else substitute(log_ratio, written),
                    probability=None if probability is None else substitute(probability, written),
                )
            self.pending = {}
        self.found.append(own)
        for name in names:
            self._arrive(name)

    def _proposal(self, name: str, target: Term, value: Term, step: nodes.Step) -> Proposal:
        by_symbol = dict(self.pending.values())
        if value in by_symbol:
            return Proposal(value, target, by_symbol[value])
        used = [d for d in by_symbol if d in value.symbols]
        if len(used) != 1:
            raise Unsupported("each variable must move to a draw, or to a bijection of one", step)
        (noise,) = used
        search = Search(prove("assumption", said) for said in trusted_ranges(self.model))
        try:
            found = search.any_bijection(noise, value).conclusion
        except (NotFound, Malformed) as problem:
            raise Unsupported(f"the proposal is no bijection of `{noise}`: {problem}", step) from None
        if not isinstance(found, Bijection):
            raise Unsupported(f"the proposal is no map of each element of `{noise}`", step)
        drawn = symbol("draw", f"{name} proposed", support_of(target), target.shape)
        inverse = substitute(found.inverse, {result(noise.shape): drawn})
        return Proposal(drawn, target, by_symbol[noise], (), noise, value, inverse, found.log_derivative)
