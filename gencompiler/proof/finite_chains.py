"""The search for counterexamples in small finite chains; the rules of `finite_rules` confirm what it finds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from flint import ctx

from gencompiler.proof import enclosure
from gencompiler.proof.chain_rules import Aided, Blend, Deterministic, Images, Kernel, Mapped, Move, Orbit
from gencompiler.proof.composite_rules import moved, parts_of
from gencompiler.proof.evaluate import Undefined
from gencompiler.proof.finite_rules import Finite, Measure, State, states
from gencompiler.proof.graph import Term, name_of, support_of
from gencompiler.proof.kernel import Proof, Unproved, attempt, prove
from gencompiler.proof.numbers import Number, Undecided, ball
from gencompiler.proof.refute_rules import Assignment, admissible
from gencompiler.proof.text import number

#: Values that parameters are tried at.
_TRIED = tuple(map(Fraction, ("1", "1/2", "-1", "2", "1/4")))


def change(move: Move, log_target: Term) -> Proof | None:
    """A state whose mass one step changes."""
    variables = _variables(move, log_target)
    for assignment in _assignments((log_target, *terms_of(move))):
        try:
            with ctx.workprec(enclosure.PRECISION):
                finite = Finite(variables, assignment)
                before: Measure = {s: finite.mass(log_target, s) for s in states(variables)}
                after = finite.pushed(move, before)
        except (Undecided, Undefined, Unproved):
            continue
        gaps = {s: abs(_float(after.get(s, Fraction(0))) - _float(mass)) for s, mass in before.items()}
        for state in sorted(gaps, key=lambda s: -gaps[s])[:1]:
            place = tuple(zip(variables, state, strict=True))
            found = attempt("finite_change", (move, log_target, assignment, place, variables))
            if found is not None:
                return found
    return None


def imbalance(move: Move, log_target: Term) -> Proof | None:
    """Two states between which the flows differ."""
    variables = _variables(move, log_target)
    for assignment in _assignments((log_target, *terms_of(move))):
        try:
            with ctx.workprec(enclosure.PRECISION):
                finite = Finite(variables, assignment)
                every = states(variables)
                mass = {s: _float(finite.mass(log_target, s)) for s in every}
                steps = {s: {t: _float(p) for t, p in finite.spread(move, s).items()} for s in every}
        except (Undecided, Undefined, Unproved):
            continue
        gaps = {
            (s, t): abs(mass[s] * steps[s].get(t, 0.0) - mass[t] * steps[t].get(s, 0.0))
            for s, t in itertools.combinations(every, 2)
        }
        for pair in sorted(gaps, key=lambda pair: -gaps[pair])[:1]:
            found = attempt("finite_imbalance", (move, log_target, assignment, variables, *pair))
            if found is not None:
                return found
    return None


def settled(rule: str, move: Move, log_target: Term) -> Proof | None:
    """That a finite chain of rational numbers keeps a measure, or is in balance with it, by going through it."""
    variables = _variables(move, log_target)
    if any(s.data[0] in ("parameter", "condition") for t in (log_target, *terms_of(move)) for s in t.symbols):
        return None
    return attempt(rule, (move, log_target, variables))


def unreachable(move: Move, wanted: tuple[Term, ...]) -> Proof | None:
    """A state from which some others are never reached."""
    variables = _variables(move, *wanted)
    for assignment in _assignments(tuple(terms_of(move))):
        try:
            every = states(variables)
        except Unproved:
            return None
        for first in (every[0], every[-1], every[len(every) // 2]):
            for other in _projections(every, variables, wanted):
                try:
                    return prove("closed_set", (move, wanted, assignment, variables, first, other))
                except Unproved as failure:
                    if str(failure) != "it is reached":
                        return None
    return None


def _projections(
    every: list[State], variables: tuple[Term, ...], wanted: tuple[Term, ...]
) -> list[tuple[tuple[Term, tuple[Fraction, ...]], ...]]:
    """A few places for the wanted variables."""
    places = [variables.index(w) for w in wanted]
    seen = dict.fromkeys(tuple(s[k] for k in places) for s in every)
    listed = [tuple(zip(wanted, values, strict=True)) for values in seen]
    return listed if len(listed) <= 16 else [*listed[:6], *listed[-6:]]


def told(found: Proof) -> str:
    """A set that is never left, in words."""
    _, _, assignment, variables, first, other = found.subject
    fixed = [f"{t} = {_shown(v if isinstance(v, tuple) else (v,))}" for t, v in assignment]
    start = [f"{v} = {_shown(s)}" for v, s in zip(variables, first, strict=True)]
    missed = [f"{v} = {_shown(s)}" for v, s in other]
    return f"from {', '.join([*fixed, *start])} it never reaches {', '.join(missed)}"


def _shown(values: tuple[Fraction, ...]) -> str:
    shown = [number(v) for v in values]
    return shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]"


def _float(value: Number) -> float:
    try:
        return float(ball(value).mid())
    except (OverflowError, ValueError):
        return 0.0


def _variables(move: Move, *terms: Term) -> tuple[Term, ...]:
    """The variables that a move and terms are about, by name."""
    found = {s for t in (*terms, *terms_of(move)) for s in t.symbols if s.data[0] == "variable"}
    found |= {t for t in terms if t.operation == "symbol" and t.data[0] == "variable"} | moved(move)
    return tuple(sorted(found, key=name_of))


def terms_of(move: Move) -> Iterator[Term]:
    """The terms that a move is made of."""
    if isinstance(move, Kernel):
        for proposal in move.proposals:
            yield from (*proposal.law.arguments, *proposal.place)
    if isinstance(move, Deterministic):
        yield from _images(move.maps)
    if isinstance(move, Orbit):
        yield from (*_images(move.maps), *_images(move.turn), move.reach, move.log_weight)
    if isinstance(move, Aided):
        yield from (a for _, law in move.aids for a in law.arguments)
    if isinstance(move, Kernel | Deterministic):
        yield from (t for t in (move.log_ratio, move.probability) if t is not None)
    if isinstance(move, Blend):
        yield from move.weights
    for part in parts_of(move):
        yield from terms_of(part)


def _images(maps: tuple[Mapped, ...]) -> Iterator[Term]:
    for each in maps:
        yield from each.images if isinstance(each, Images) else _images(each.maps)


def _assignments(terms: tuple[Term, ...]) -> Iterator[Assignment]:
    """Values for the parameters and conditions of terms."""
    free = sorted(
        {s for t in terms for s in t.symbols if s.data[0] in ("parameter", "condition")}, key=lambda s: str(s.data[:2])
    )
    for turn in range(3):
        found: list[tuple[Term, Any]] = []  # a tensor may have a value for each element
        for place, symbol in enumerate(free):
            values = [v for v in _TRIED if admissible(support_of(symbol), v)]
            if not values:
                return
            chosen = values[(turn + place * turn) % len(values)]
            size = math.prod(symbol.shape)
            apart = tuple(values[(turn + place + k * k) % len(values)] for k in range(size))
            found.append((symbol, apart if turn == 1 and symbol.shape else chosen))
        yield tuple(found)
        if not free:
            return
