"""The search for a second solution of f(u) = f(p), by Newton's method from many starts.  Nothing here is trusted."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from gencompiler.proof.binders import replaced
from gencompiler.proof.components import component, components
from gencompiler.proof.condition_rules import holds_at
from gencompiler.proof.facts import Member
from gencompiler.proof.graph import Malformed, Term, support_of
from gencompiler.proof.kernel import Proof, Unproved, attempt
from gencompiler.proof.lazy import np
from gencompiler.proof.numbers import Values
from gencompiler.proof.numeric import Array, values
from gencompiler.proof.refute_rules import admissible
from gencompiler.proof.samples import grid_of
from gencompiler.proof.solution_rules import System, Unknown, output_names
from gencompiler.proof.vector_refutations import Choice, values_of_symbols

#: Maps of at most this many numbers, this many looks, starts and steps of each.
LARGEST, LOOKS, STARTS, STEPS = 8, 24, 96, 40
RADIUS = Fraction(1, 2**30)


def second_solution(
    input_: Term, body: Term, assignments: Iterable[tuple[Choice, ...]], requires: tuple[Member, ...] = ()
) -> Proof | None:
    """A point and a box that holds another one with its value; None where none is met."""
    if len(input_.shape) != 1 or input_.shape[0] > LARGEST or body.shape != input_.shape:
        return None
    allowed = [chosen for chosen in assignments if holds_at(requires, values_of_symbols(chosen))]
    if not allowed:
        return None
    atoms = tuple(a for a, _, _ in allowed[0])
    for looks in (_with_outputs, _with_inputs):
        with contextlib.suppress(Unproved, Malformed, np.linalg.LinAlgError):
            for look in itertools.islice(looks(input_, body, atoms, allowed), LOOKS):
                found = look.found()
                if found is not None:
                    return found
    return None


def _with_inputs(
    input_: Term, body: Term, atoms: tuple[Term, ...], allowed: list[tuple[Choice, ...]]
) -> Iterator[_Look]:
    """Looks for a second input, first where the determinant changes its sign."""
    system = System(input_, body, atoms, tuple((input_, k) for k in range(input_.shape[0])))
    for chosen in _turning(system, input_, allowed):
        for point in _points(input_):
            yield _Look(system, input_, body, chosen, point, None)


def _turning(system: System, input_: Term, allowed: list[tuple[Choice, ...]]) -> list[tuple[Choice, ...]]:
    """Values of the rest, those first for which the determinant has both signs."""
    generator = np.random.default_rng(0)
    own = np.array(grid_of(input_, 32))
    own = own[np.abs(own) < 40]
    places = generator.choice(own, size=(48, len(system.unknowns)))
    ranked = []
    for number, chosen in enumerate(allowed):
        point = system.elements({a: v for a, v, _ in chosen})
        _, slopes = evaluated(system, point, places, [0.0] * len(system.equations))
        with np.errstate(all="ignore"):
            signs = np.sign(np.linalg.det(np.where(np.isfinite(slopes), slopes, 0.0)))
        ranked.append((not ((signs > 0).any() and (signs < 0).any()), number, chosen))
    return [chosen for *_, chosen in sorted(ranked, key=lambda r: r[:2])]


def _with_outputs(
    input_: Term, body: Term, atoms: tuple[Term, ...], allowed: list[tuple[Choice, ...]]
) -> Iterator[_Look]:
    """Looks for outputs of networks at a second input that make up for the difference of the inputs."""
    outputs = [(a, k) for a in atoms if a.operation == "network" for k in range(math.prod(a.shape))]
    for picked in dict.fromkeys((_matched(input_, body, atoms, outputs), _matched(input_, body, atoms, outputs[::-1]))):
        if picked:
            system = System(input_, body, atoms, picked)
            for chosen in allowed[:4]:
                for first, other in _pairs(input_):
                    yield _Look(system, input_, body, chosen, first, other)


def _matched(input_: Term, body: Term, atoms: tuple[Term, ...], outputs: list[Unknown]) -> tuple[Unknown, ...]:
    """One output for each element of the result that depends on outputs."""
    names = output_names(atoms)
    found: list[Unknown] = []
    for equation in components(replaced(body, names)):
        own = [u for u in outputs if component(names[u[0]], u[1]) in equation.symbols]
        free = [u for u in own if u not in found]
        if own and not free:
            return ()
        found.extend(free[:1])
    return tuple(found)


def _pairs(input_: Term) -> Iterator[tuple[Values, Values]]:
    """Two inputs that differ in one part."""
    size = input_.shape[0]
    for first in itertools.islice(_points(input_), 2):
        for moved in (range(size), range(size // 2, size), range(size // 2), range(size - 1, size), range(1)):
            other = tuple(v + Fraction(int(k in moved), 2) for k, v in enumerate(first))
            if all(admissible(support_of(input_), v) for v in other):
                yield first, other


def _points(input_: Term) -> Iterator[Values]:
    """A few inputs, not too regular."""
    size = input_.shape[0]
    for numbers in ("1/2 1/3 3/4 2/5", "0", "1", "3/2 1/2 2 1", "-1/2 1/2 -1 1/4"):
        values_ = tuple(itertools.islice(itertools.cycle(Fraction(n) for n in numbers.split()), size))
        if all(admissible(support_of(input_), v) for v in values_):
            yield values_


@dataclasses.dataclass
class _Look:
    """One point, and what is solved for at a second one: all of it, or outputs of networks at `second`."""

    system: System
    input: Term
    body: Term
    chosen: tuple[Choice, ...]
    first: Values
    second: Values | None

    def found(self) -> Proof | None:
        known = {a: v for a, v, _ in self.chosen}
        here = self.system.elements({**known, self.input: self.first})
        self.there = self.system.elements({**known, self.input: self.second or self.first})
        if any(values(e, _floats(here)) != values(e, _floats(self.there)) for e in self.system.constant):
            return None
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
        at = generator.choice(own, size=(STARTS, len(self.system.solved)))
        with np.errstate(all="ignore"):
            for _ in range(STEPS):
                gaps, slopes = self._system(at)
                singular = ~np.isfinite(slopes).all((1, 2)) | ~np.isfinite(gaps).all(1)
                slopes[singular] = np.eye(len(self.system.solved))
                slopes = slopes + 1e-13 * np.eye(len(self.system.solved))
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
        return evaluated(self.system, self.there, at, self.target)

    def _shown(self, place: Array) -> Proof | None:
        """The proof with a box around a place, as a rational number."""
        _, slopes = self._system(place[None])
        if not np.isfinite(slopes).all() or abs(np.linalg.det(slopes[0])) < 1e-9:
            return None
        undone = np.linalg.inv(slopes[0])
        rows = tuple(tuple(Fraction(float(v)).limit_denominator(10**9) for v in row) for row in undone)
        centre = tuple(Fraction(float(v)).limit_denominator(2**40) for v in place)
        choices = []
        for atom, first, second in self.chosen:
            there = list(second)
            for (own, k), value in zip(self.system.solved, centre, strict=True):
                if own is atom:
                    there[k] = value
            choices.append((atom, first, tuple(there)))
        end = list(self.second or self.first)
        for (own, k), value in zip(self.system.solved, centre, strict=True):
            if own is self.input:
                end[k] = value
        subject = (self.input, self.body, tuple(choices), (self.first, tuple(end)), self.system.solved, RADIUS, rows)
        return attempt("second_solution", subject)


def evaluated(system: System, point: dict[Term, Any], at: Array, target: list[float]) -> tuple[Array, Array]:
    """The gaps and the slopes of a system at many places, one row each."""
    there = {**_floats(point), **{w: at[:, k] for k, w in enumerate(system.unknowns)}}
    rows = at.shape[0]
    gaps = [np.broadcast_to(values(e, there), rows) - t for e, t in zip(system.equations, target, strict=True)]
    slopes = [[np.broadcast_to(values(s, there), rows) for s in row] for row in system.slopes]
    return np.stack(gaps, 1), np.stack([np.stack(row, 1) for row in slopes], 1)


def _floats(point: dict[Term, Any]) -> dict[Term, Any]:
    return {k: float(v) for k, v in point.items()}
