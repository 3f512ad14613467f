"""The search for places where flows differ, or where a step brings too much; the rules of `flow_rules` confirm them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from fractions import Fraction

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.proof.chain_rules import Blend, Deterministic, Kernel, Move, Orbit
from gencompiler.proof.composite_rules import kernels, moved, parts_of
from gencompiler.proof.finite_chains import terms_of
from gencompiler.proof.flow_rules import Place
from gencompiler.proof.graph import Term, name_of, support_of
from gencompiler.proof.kernel import Proof, attempt
from gencompiler.proof.refute_rules import admissible

#: Values that states and parameters are tried at; where a place gains, and how far its neighbours are looked for.
_STATES = tuple(map(Fraction, ("0", "1", "1/2", "-1", "2", "3", "1/4", "3/4")))
_PARAMETERS = tuple(map(Fraction, ("1", "1/2", "2", "-1")))
_GAINING = tuple(map(Fraction, ("1", "-1", "0", "2", "-2", "1/2", "3", "-3", "4", "1/4", "3/4", "1/16")))
_REST = tuple(map(Fraction, ("1", "0", "-1", "1/2", "2")))
#: How many places are tried, and how many assignments of parameters.
MOST_PLACES = 18
TURNS = 2


def state_of(move: Move, *terms: Term) -> tuple[Term, ...]:
    """The variables that a move, and terms, are about, by name."""
    state: set[Term] = set()
    waiting = [move]
    while waiting:
        part = waiting.pop()
        state |= set(part.state) if isinstance(part, Kernel | Deterministic | Orbit | Blend) else set()
        waiting += parts_of(part)
    named = {s for t in (*terms, *terms_of(move)) for s in t.symbols}
    return tuple(sorted({s for s in state if s in named} | moved(move), key=name_of))


def assignments(move: Move, log_target: Term) -> Iterator[Place]:
    """Values of what a move depends on besides its state."""
    state = set(state_of(move, log_target))
    free = {s for t in (log_target, *terms_of(move)) for s in t.symbols if s.data[0] in ("parameter", "condition")}
    free |= {s for t in (log_target, *terms_of(move)) for s in t.symbols if s.data[0] == "variable" and s not in state}
    ordered = sorted(free, key=lambda s: str(s.data[:2]))
    for turn in range(TURNS if ordered else 1):
        found = []
        for number, own in enumerate(ordered):
            values = [v for v in _PARAMETERS if admissible(support_of(own), v)]
            if not values:
                return
            found.append((own, (values[(turn * (number + 1)) % len(values)],) * math.prod(own.shape)))
        yield tuple(found)


def unbalanced(move: Move, log_target: Term, laws: Iterable[Proof]) -> Proof | None:
    """Two places between which the flows differ."""
    premises = tuple(laws)
    changing = moved(move)
    state = state_of(move, log_target)
    for assignment in assignments(move, log_target):
        for a, b in itertools.permutations(_STATES[:5], 2):
            here, there = [], []
            for number, own in enumerate(state):
                values = [v for v in (a, b, *_STATES) if admissible(support_of(own), v)]
                if len(values) < 2:
                    return None
                size = math.prod(own.shape)
                one, other = _apart(values, number)
                here.append((own, (one,) * size))
                there.append((own, ((other if own in changing else one),) * size))
            found = attempt("unbalanced", (move, log_target, assignment, tuple(here), tuple(there)), *premises)
            if found is not None:
                return found
    return None


def _apart(values: list[Fraction], number: int) -> tuple[Fraction, Fraction]:
    """Two different values of a variable, for the next variable in another order."""
    one = values[0]
    other = next((v for v in values if v != one), one)
    return (one, other) if number % 2 == 0 else (other, one)


def surplus(move: Move, log_target: Term, premises: Iterable[Proof]) -> Proof | None:
    """A place that gains, of a kernel that moves one number, or of a mixture of such."""
    known = tuple(premises)
    state = state_of(move, log_target)
    for kernel in kernels(move):
        if len(kernel.proposals) != 1 or kernel.proposals[0].place or kernel.proposals[0].moves.shape:
            return None
    if any(own.shape for own in state):
        return None
    tried = 0
    for assignment in assignments(move, log_target):
        for place in places(state, moved(move)):
            ranges = tuple((own, range_around(own, value)) for own, (value,) in place if own in moved(move))
            found = attempt("surplus", (move, log_target, assignment, place, ranges), *known)
            tried += 1
            if found is not None or tried >= MOST_PLACES:
                return found
    return None


def places(state: tuple[Term, ...], changing: frozenset[Term]) -> Iterator[Place]:
    """Values of the state, near ones first: of what moves, many; of the rest, a few."""
    choices = [[v for v in (_GAINING if own in changing else _REST) if admissible(support_of(own), v)] for own in state]
    if not all(choices):
        return
    for turn in range(max(map(len, choices))):
        for shift in range(1 if len(state) == 1 else 2):
            yield tuple(
                (own, (values[(turn + shift * number) % len(values)],) * math.prod(own.shape))
                for number, (own, values) in enumerate(zip(state, choices, strict=True))
            )


def range_around(own: Term, value: Fraction) -> tuple[Fraction, Fraction]:
    """Where what comes to a value is looked for."""
    support, tiny = support_of(own), Fraction(1, 4096)
    low, high = value - 12, value + 12
    if SUPPORTS[support.name].discrete:
        low, high = Fraction(math.floor(value) - 30), Fraction(math.floor(value) + 60)
    below = [v for v in (low, Fraction(0), tiny, -tiny, Fraction(-1)) if v <= value and admissible(support, v)]
    above = [v for v in (high, Fraction(1), 1 - tiny) if v >= value and admissible(support, v)]
    return below[0] if below else value, above[0] if above else value


def overtaken(
    move: Deterministic, log_target: Term, premises: Iterable[Proof] | None, stated: Iterable[Proof]
) -> Proof | None:
    """A place from which a map takes more than comes back, or leaves the space; without premises, which say what its
    volume is, by its derivatives there.  `stated`: that a probability of acceptance is one."""
    stated = tuple(stated)
    known = None if premises is None else tuple(premises)
    state = state_of(move, log_target)
    for assignment in assignments(move, log_target):
        for turn in range(len(_STATES)):
            place = []
            for number, own in enumerate(state):
                values = [v for v in _STATES if admissible(support_of(own), v)]
                if not values:
                    return None
                size = math.prod(own.shape)
                place.append((own, tuple(values[(turn + number + k) % len(values)] for k in range(size))))
            subject = (move, log_target, assignment, tuple(place))
            found = attempt("escapes", subject) or (
                attempt("overtaken", subject, *known)
                if known is not None
                else attempt("overtaken_nearby", subject, *stated)
            )
            if found is not None:
                return found
    return None
