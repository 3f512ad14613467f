"""The search for a second solution of f(u) = f(p), by Newton's method from many starts.  Nothing here is trusted."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from gencompiler.proof.condition_rules import holds_at
from gencompiler.proof.facts import Member
from gencompiler.proof.graph import Malformed, Term, support_of
from gencompiler.proof.kernel import Proof, Unproved, attempt
from gencompiler.proof.lazy import np
from gencompiler.proof.numbers import Values
from gencompiler.proof.numeric import values
from gencompiler.proof.refute_rules import admissible
from gencompiler.proof.samples import grid_of
from gencompiler.proof.solution_rules import System, Unknown
from gencompiler.proof.vector_refutations import Choice

#: Maps of at most this many numbers, this many values of the rest, points, starts and steps.
LARGEST, ASSIGNMENTS, STARTS, STEPS = 4, 6, 96, 40
RADIUS = Fraction(1, 2**30)

Array = Any


def second_solution(
    input_: Term, body: Term, assignments: Iterator[tuple[Choice, ...]], requires: tuple[Member, ...] = ()
) -> Proof | None:
    """A point and a box that holds another one with its value; None where none is met."""
    if len(input_.shape) != 1 or input_.shape[0] > LARGEST or body.shape != input_.shape:
        return None
    tried = 0
    for chosen in assignments:
        at = tuple((a, v) for a, v, _ in chosen if a.operation == "symbol")
        if requires and not holds_at(requires, at):
            continue
        tried += 1
        if tried > ASSIGNMENTS:
            return None
        try:
            found = _with(input_, body, chosen)
        except (Unproved, Malformed, np.linalg.LinAlgError):
            continue
        if found is not None:
            return found
    return None


def _with(input_: Term, body: Term, chosen: tuple[Choice, ...]) -> Proof | None:
    size = input_.shape[0]
    networks = [a for a, _, _ in chosen if a.operation == "network"]
    if not networks:
        unknowns: tuple[Unknown, ...] = tuple((input_, k) for k in range(size))
        looks = [_Look(input_, body, chosen, unknowns, p, None) for p in _points(input_)]
    else:
        outputs = [(a, k) for a in networks for k in range(a.shape[0] if a.shape else 1)]
        if len(outputs) < size:
            return None
        first, *others = _points(input_)
        looks = [
            _Look(input_, body, chosen, tuple(picked), first, other)
            for other in others
            for picked in ({tuple(outputs[:size]), tuple(outputs[-size:])})
        ]
    for look in looks:
        found = look.found()
        if found is not None:
            return found
    return None


def _points(input_: Term) -> Iterator[Values]:
    """A few inputs, not too regular."""
    size = input_.shape[0]
    for numbers in ("1/2 1/3 3/4 2/5", "0 0 0 0", "1 1 1 1", "3/2 1/2 2 1", "-1/2 1/2 -1 1/4"):
        values_ = tuple(Fraction(n) for n in numbers.split())[:size]
        if all(admissible(support_of(input_), v) for v in values_):
            yield values_


@dataclasses.dataclass
class _Look:
    """One point, and what is solved for at a second one: all of it, or outputs of networks at `second`."""

    input: Term
    body: Term
    chosen: tuple[Choice, ...]
    unknowns: tuple[Unknown, ...]
    first: Values
    second: Values | None

    def found(self) -> Proof | None:
        self.system = System(self.input, self.body, self.chosen, self.unknowns)
        known = {a: v for a, v, _ in self.chosen}
        here = self.system.elements({**known, self.input: self.first})
        self.there = self.system.elements({**known, self.input: self.second or self.first})
        self.target = [float(v) for v in (values(e, _floats(here)) for e in self.system.equations)]
        if not np.isfinite(self.target).all():
            return None
        for place in self._solutions():
            proof = self._shown(place)
            if proof is not None:
                return proof
        return None

    def _solutions(self) -> list[Array]:
        """Where Newton's method ends, other points than the first one, the nearest first."""
        generator = np.random.default_rng(0)
        own = np.array(grid_of(self.input, 32)) if self.second is None else np.linspace(-3.0, 3.0, 32)
        own = own[np.abs(own) < 40]
        at = generator.choice(own, size=(STARTS, len(self.unknowns)))
        with np.errstate(all="ignore"):
            for _ in range(STEPS):
                gaps, slopes = self._system(at)
                singular = ~np.isfinite(slopes).all((1, 2)) | ~np.isfinite(gaps).all(1)
                slopes[singular] = np.eye(len(self.unknowns))
                slopes = slopes + 1e-13 * np.eye(len(self.unknowns))
                step = np.linalg.solve(slopes, gaps[..., None])[..., 0]
                long = np.abs(step).max(1, keepdims=True)
                at = at - np.where(singular[:, None], 0.0, step * np.minimum(1.0, 4.0 / np.maximum(long, 1e-300)))
            gaps, slopes = self._system(at)
        good = np.isfinite(gaps).all(1) & (np.abs(gaps).max(1) < 1e-9) & (np.abs(at).max(1) < 1e4)
        if self.second is None:
            away = np.abs(at - np.array([float(v) for v in self.first])).max(1)
            good &= away > 1e-2
        found = at[good]
        distinct: list[Array] = []
        for place in sorted(found, key=lambda p: float(np.abs(p).max())):
            if all(np.abs(place - other).max() > 1e-6 for other in distinct):
                distinct.append(place)
        return distinct[:4]

    def _system(self, at: Array) -> tuple[Array, Array]:
        """The gaps and the slopes at many places, one row each."""
        point = {**_floats(self.there), **{w: at[:, k] for k, w in enumerate(self.system.unknowns)}}
        rows = at.shape[0]
        gaps = [np.broadcast_to(values(e, point), rows) - t for e, t in zip(self.system.equations, self.target, strict=True)]
        slopes = [[np.broadcast_to(values(s, point), rows) for s in row] for row in self.system.slopes]
        return np.stack(gaps, 1), np.stack([np.stack(row, 1) for row in slopes], 1)

    def _shown(self, place: Array) -> Proof | None:
        """The proof with a box around a place, which is made exact by further steps with exact numbers."""
        point = [Fraction(float(v)) for v in place]
        _, slopes = self._system(place[None])
        if not np.isfinite(slopes).all() or abs(np.linalg.det(slopes[0])) < 1e-9:
            return None
        undone = np.linalg.inv(slopes[0])
        rows = tuple(tuple(Fraction(float(v)).limit_denominator(10**9) for v in row) for row in undone)
        centre = tuple(v.limit_denominator(2**40) for v in point)
        choices = []
        for atom, first, second in self.chosen:
            there = list(second)
            for (own, k), value in zip(self.unknowns, centre, strict=True):
                if own is atom:
                    there[k] = value
            choices.append((atom, first, tuple(there)))
        end = list(self.second or self.first)
        for (own, k), value in zip(self.unknowns, centre, strict=True):
            if own is self.input:
                end[k] = value
        subject = (self.input, self.body, tuple(choices), (self.first, tuple(end)), self.unknowns, RADIUS, rows)
        return attempt("second_solution", subject)


def _floats(point: dict[Term, Any]) -> dict[Term, Any]:
    return {k: float(v) for k, v in point.items()}


