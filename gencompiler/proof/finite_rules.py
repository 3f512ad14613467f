"""Small finite chains, solved exactly: what one step makes of a measure, and what it reaches.

A state is a value for each element of every variable; the probabilities of a step are balls, or exact.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import cast

from flint import arb, ctx

from gencompiler.model.nodes import Support
from gencompiler.proof import domain, enclosure
from gencompiler.proof.chain_rules import (
    Aided,
    Blend,
    Deterministic,
    Images,
    Kernel,
    Mapped,
    Move,
    NotReversible,
    NotStationary,
    Orbit,
    Repeated,
    Sequence,
    Times,
    log_law,
    there,
)
from gencompiler.proof.ergodic_rules import NotErgodic
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.exact_masses import exponential
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Term, apply, literal, support_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.numbers import Number, Undecided, Values, ball, times
from gencompiler.proof.numbers import total as summed
from gencompiler.proof.refute_rules import Assignment, is_free
from gencompiler.proof.terms import ONE

#: The most states, and the most steps of probabilities followed through one move.
MOST_STATES = 256
MOST_WORK = 40_000

State = tuple[tuple[Fraction, ...], ...]
Measure = dict[State, Number]


def values_of(support: Support) -> tuple[Fraction, ...]:
    """The values of a finite support, in order."""
    found = domain.values_of(support, MOST_STATES)
    if found is None:
        raise Unproved("a support that is not finite")
    return found


def states(variables: tuple[Term, ...]) -> list[State]:
    """Every state; raises Unproved where there are too many."""
    choices = [values_of(support_of(v)) for v in variables]
    sizes = [math.prod(v.shape) for v in variables]
    count = math.prod(len(c) ** n for c, n in zip(choices, sizes, strict=True))
    need(0 < count <= MOST_STATES, "too many states")
    parts = [itertools.product(c, repeat=n) for c, n in zip(choices, sizes, strict=True)]
    return [tuple(s) for s in itertools.product(*map(list, parts))]


class Finite:
    """One step of moves of `variables`, with values for everything else."""

    def __init__(self, variables: tuple[Term, ...], assignment: Assignment) -> None:
        self.variables = variables
        self.fixed: dict[Term, Fraction | Values] = dict(assignment)
        self.work = 0
        self.known: dict[object, Measure] = {}  # where moves go, by the move, the state and what is fixed

    def pushed(self, move: Move, measure: Measure) -> Measure:
        """What a move makes of a measure."""
        if isinstance(move, Sequence):
            for part in move.parts:
                measure = self.pushed(part, measure)
            return measure
        if isinstance(move, Repeated):
            for number in range(move.count):
                if move.index is not None:
                    self.fixed[move.index] = Fraction(number)
                measure = self.pushed(move.part, measure)
            return measure
        found: Measure = {}
        for state, mass in measure.items():
            for target, probability in self.spread(move, state).items():
                self.work += 1
                need(self.work <= MOST_WORK, "too much to compute")
                own = times(mass, probability)
                found[target] = summed((found[target], own)) if target in found else own
        return found

    def spread(self, move: Move, state: State) -> Measure:
        """Where a move goes from a state, each place once."""
        key = (id(move), state, tuple(self.fixed.items()))
        if key not in self.known:
            found: Measure = {}
            for target, probability in self.step(move, state):
                self.work += 1
                need(self.work <= MOST_WORK, "too much to compute")
                found[target] = summed((found[target], probability)) if target in found else probability
            self.known[key] = found
        return self.known[key]

    def step(self, move: Move, state: State) -> Iterator[tuple[State, Number]]:
        """Where a move goes from a state, and with what probabilities."""
        match move:
            case Sequence() | Repeated():
                yield from self.pushed(move, {state: Fraction(1)}).items()
            case Blend(weights=weights, parts=parts):
                for weight, part in zip(weights, parts, strict=True):
                    own = self._value(weight, state)
                    for target, probability in self.spread(part, state).items():
                        yield target, times(own, probability)
            case Kernel():
                yield from self._kernel(move, state)
            case Deterministic():
                yield from self._deterministic(move, state)
            case Orbit():
                raise Unproved("a walk along an orbit")
            case Aided():
                raise Unproved("draws beside the state")

    def _point(self, state: State) -> dict[Term, Fraction | Values]:
        return {**self.fixed, **dict(zip(self.variables, state, strict=True))}

    def _value(self, term: Term, state: State) -> Number:
        return evaluate(term, self._point(state))[0]

    def mass(self, log_target: Term, state: State) -> Number:
        """exp(log_target) at a state."""
        return exponential(log_target, self._point(state))

    # -- kernels -----------------------------------------------------------------------------------------------------

    def _kernel(self, kernel: Kernel, state: State) -> Iterator[tuple[State, Number]]:
        point = self._point(state)
        for drawn, probability in self._draws(kernel, point, 0):
            chance = self._chance(kernel, drawn)
            moved = there(kernel)
            target = tuple(
                evaluate(moved[v], drawn) if v in moved else s for v, s in zip(self.variables, state, strict=True)
            )
            need(all(isinstance(x, Fraction) for part in target for x in part), "a state that is not exact")
            yield cast(State, target), times(probability, chance)
            if not (isinstance(chance, Fraction) and chance == 1):
                yield state, times(probability, _rest(chance))

    def _draws(
        self, kernel: Kernel, point: dict[Term, Fraction | Values], number: int
    ) -> Iterator[tuple[dict[Term, Fraction | Values], Number]]:
        """Every outcome of the draws from one on, with its probability."""
        if number == len(kernel.proposals):
            yield point, Fraction(1)
            return
        proposal = kernel.proposals[number]
        need(proposal.noise is None, "a proposal that is made of noise")
        law = proposal.law
        density = log_law(law, proposal.drawn)
        size = math.prod(law.shape)
        need(len(values_of(law.event)) ** size <= MOST_STATES, "too many outcomes of a draw")
        for values in itertools.product(values_of(law.event), repeat=size):
            inside = {**point, proposal.drawn: values}
            probability = exponential(density, inside)
            if isinstance(probability, Fraction) and probability == 0:
                continue
            for rest, own in self._draws(kernel, inside, number + 1):
                yield rest, times(probability, own)

    def _chance(self, kernel: Kernel | Deterministic, point: dict[Term, Fraction | Values]) -> Number:
        if kernel.probability is ONE:
            return Fraction(1)
        own = kernel.probability
        if own is None:
            assert kernel.log_ratio is not None
            ratio = exponential(kernel.log_ratio, point)
            if isinstance(ratio, Fraction):
                return min(ratio, Fraction(1))
            own = apply("min", literal(1), apply("exp", kernel.log_ratio))
        try:
            found = evaluate(own, point)[0]
        except Undecided:
            if kernel.log_ratio is None:
                raise
            found = self._near_one(kernel.log_ratio, point)
        need(not bool(ball(found) < 0) and not bool(ball(found) > 1), "no probability")
        return found

    def _near_one(self, log_ratio: Term, point: dict[Term, Fraction | Values]) -> Number:
        """min(1, r) of a ratio whose ball holds 1."""
        ratio = ball(evaluate(log_ratio, point)[0]).exp()
        return ratio.union(arb(1)) if not bool(ratio < 1) else ratio

    def _deterministic(self, move: Deterministic, state: State) -> Iterator[tuple[State, Number]]:
        point = self._point(state)
        here = {m: point[m] for m in move.moves}
        there_ = self._mapped(move.maps, move.moves, {**point, **here})
        arrived = {**point, **dict(zip(move.arrives, there_, strict=True))}
        chance = self._chance(move, arrived)
        values = dict(zip(move.moves, there_, strict=True))
        target = tuple(values.get(v, s) for v, s in zip(self.variables, state, strict=True))
        yield cast(State, target), chance
        if not (isinstance(chance, Fraction) and chance == 1):
            yield state, _rest(chance)

    def _mapped(
        self, maps: tuple[Mapped, ...], moves: tuple[Term, ...], point: dict[Term, Fraction | Values]
    ) -> tuple[Values, ...]:
        for each in maps:
            for _ in range(each.count if isinstance(each, Times) else 1):
                if isinstance(each, Images):
                    found = tuple(evaluate(i, point) for i in each.images)
                else:
                    found = self._mapped(each.maps, moves, point)
                point = {**point, **dict(zip(moves, found, strict=True))}
        return tuple(cast(Values, point[m]) for m in moves)


def _rest(chance: Number) -> Number:
    """1 - chance"""
    return Fraction(1) - chance if isinstance(chance, Fraction) else 1 - ball(chance)


def checked(variables: tuple[Term, ...], assignment: Assignment) -> None:
    """Variables, and values that parameters and conditions can have; raises Unproved."""
    need(all(s.data[0] == "variable" for s in variables) and len(set(variables)) == len(variables), "not variables")
    for symbol, value in assignment:
        need(symbol.operation == "symbol" and symbol.data[0] in ("parameter", "condition"), "not parameters")
        values = value if isinstance(value, tuple) else (value,) * math.prod(symbol.shape)
        need(is_free(symbol, values), "a value outside its support")
        need(len(values) == math.prod(symbol.shape), "another number of elements")


@rule
def finite_change(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """One step changes how much mass a state has, at some values of the parameters.

    Subject: the move, log of the measure, parameters, the state, the variables.  All states are gone through."""
    move, log_target, assignment, place, variables = cast(
        tuple[Move, Term, Assignment, tuple[tuple[Term, Values], ...], tuple[Term, ...]], subject
    )
    checked(variables, assignment)
    need(tuple(s for s, _ in place) == variables, "a state of other variables")
    try:
        with ctx.workprec(enclosure.PRECISION):
            finite = Finite(variables, assignment)
            before: Measure = {s: finite.mass(log_target, s) for s in states(variables)}
            after = finite.pushed(move, before)
            state = cast(State, tuple(v for _, v in place))
            gap = ball(after.get(state, Fraction(0))) - ball(before[state])
            need(bool(gap > 0) or bool(gap < 0), "the mass may be the same")
    except (Undecided, Undefined) as problem:
        raise Unproved(str(problem)) from None
    except KeyError:
        raise Unproved("no state of the chain") from None
    return NotStationary(move, log_target)


@rule
def finite_imbalance(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Between two states the flows there and back differ.  Subject: the move, log of the measure, parameters, the
    variables, the states."""
    move, log_target, assignment, variables, here, there_ = cast(
        tuple[Move, Term, Assignment, tuple[Term, ...], State, State], subject
    )
    checked(variables, assignment)
    try:
        with ctx.workprec(enclosure.PRECISION):
            every = states(variables)
            need(here in every and there_ in every, "no states of the chain")
            finite = Finite(variables, assignment)
            flows = []
            for start, stop in ((here, there_), (there_, here)):
                mass = ball(finite.mass(log_target, start))
                flows.append(mass * ball(finite.spread(move, start).get(stop, Fraction(0))))
            need(bool(flows[0] < flows[1]) or bool(flows[1] < flows[0]), "the flows may be equal")
    except (Undecided, Undefined) as problem:
        raise Unproved(str(problem)) from None
    return NotReversible(move, log_target)


@rule
def closed_set(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """From the states reached from one, another is never reached.

    Subject: the move, the variables that are to be reached, parameters, all variables, a state, one never reached."""
    move, wanted, assignment, variables, first, other = cast(
        tuple[Move, tuple[Term, ...], Assignment, tuple[Term, ...], State, tuple[tuple[Term, Values], ...]], subject
    )
    checked(variables, assignment)
    need(set(wanted) <= set(variables), "other variables")
    need(tuple(s for s, _ in other) == wanted, "a place for other variables")
    try:
        with ctx.workprec(enclosure.PRECISION):
            every = set(states(variables))
            need(first in every, "no state of the chain")
            finite = Finite(variables, assignment)
            reached: set[State] = set()
            waiting = [first]
            while waiting:
                state = waiting.pop()
                if state in reached:
                    continue
                reached.add(state)
                for target, probability in finite.step(move, state):
                    if not (isinstance(probability, Fraction) and probability == 0) and not _zero(probability):
                        waiting.append(target)
                    finite.work += 1
                    need(finite.work <= MOST_WORK, "too much to compute")
    except (Undecided, Undefined) as problem:
        raise Unproved(str(problem)) from None
    places = [variables.index(w) for w in wanted]
    seen = {tuple(s[k] for k in places) for s in reached}
    need(tuple(v for _, v in other) not in seen, "it is reached")
    need(all(v in values_of(support_of(s)) for s, values in other for v in values), "no state")
    return NotErgodic(move, wanted)


def _zero(probability: Number) -> bool:
    return bool(ball(probability) == 0)
