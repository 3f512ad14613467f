"""The search for counterexamples to statements about maps of vectors; the kernel confirms each.

Two inputs with one value: along a direction that a map which is affine in its input sends to 0, by outputs of networks
that make up for the difference, on a small grid, by a shift, near a solution of the equations.  A determinant that
changes its sign; an entry, or a smaller map, that takes a value twice.  Values that are missed: by a part of the
result, beyond a sphere, in a corner, out of order."""

from __future__ import annotations

import contextlib
import itertools
from fractions import Fraction

from gencompiler.model.nodes import Support
from gencompiler.proof import refute
from gencompiler.proof.blocks import NotFound, diagonal
from gencompiler.proof.boxes import difference
from gencompiler.proof.components import components
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.facts import Member
from gencompiler.proof.graph import Malformed, Term, support_of
from gencompiler.proof.kernel import Proof, Unproved, attempt
from gencompiler.proof.lemma_refutations import smaller
from gencompiler.proof.lemma_rules import DISTANCE, radial_of
from gencompiler.proof.map_rules import is_interval
from gencompiler.proof.mixing_rules import mixed_blocks, mixing_of, sign_at
from gencompiler.proof.numbers import Undecided, Values
from gencompiler.proof.refute_rules import Assignment, admissible, differs
from gencompiler.proof.search import Search
from gencompiler.proof.solution_search import second_solution
from gencompiler.proof.vector_points import assignments, free_of, points_where, scattered
from gencompiler.proof.vector_refutations import (
    Choice,
    entry_alone,
    entry_there,
    reduced,
)

#: Inputs of at most this many dimensions are tried.
LARGEST = 8
#: Of so many dimensions all points of a small grid are looked at.
_FEW = 4

_HALF, _ZERO, _ONE = Fraction(1, 2), Fraction(0), Fraction(1)


def not_injective(input_: Term, body: Term, requires: tuple[Member, ...] = ()) -> Proof | None:
    """Two inputs of a map of a vector with one value."""
    if len(input_.shape) != 1 or input_.shape[0] > LARGEST:
        return None
    for chosen in points_where(input_, body, requires):
        found = _kernel(input_, body, chosen) or _compensated(input_, body, chosen)
        if found is not None:
            return found
    return None


def collision(input_: Term, body: Term, requires: tuple[Member, ...] = ()) -> Proof | None:
    """Two inputs with one exact value among those whose elements are powers of two, or 0 and 1."""
    if len(input_.shape) != 1 or input_.shape[0] > _FEW:
        return None
    numbers = [v for v in (_HALF, _ONE, Fraction(2), _ZERO) if admissible(support_of(input_), v)][:3]
    for chosen in points_where(input_, body, requires, 3):
        seen: dict[Values, Values] = {}
        for place in itertools.product(numbers, repeat=input_.shape[0]):
            found = _at(input_, body, chosen, place)
            if found is None:
                continue
            other = seen.setdefault(found, place)
            if other != place:
                return attempt("two_vectors", (input_, body, chosen, other, place))
    return None


def shifted(input_: Term, body: Term, requires: tuple[Member, ...] = ()) -> Proof | None:
    """The same value at two inputs all of whose elements differ by one number."""
    if len(input_.shape) != 1 or input_.shape[0] > LARGEST:
        return None
    ends = [(v,) * input_.shape[0] for v in (_ZERO, _ONE, Fraction(2)) if admissible(support_of(input_), v)][:2]
    for chosen in points_where(input_, body, requires, 2) if len(ends) == 2 else ():
        found = attempt("two_vectors", (input_, body, chosen, *ends))
        if found is not None:
            return found
    return None


def taken_again(input_: Term, body: Term, requires: tuple[Member, ...] = ()) -> Proof | None:
    """A value that a map takes a second time, somewhere in a box."""
    free = free_of(input_, body, requires)
    return second_solution(input_, body, (*assignments(free), *scattered(free)), requires)


def singular(input_: Term, body: Term, search: Search) -> Proof | None:
    """Two values of the parameters between which a mixing of parts becomes singular."""
    places = mixed_blocks(input_, body)
    try:
        determinant = mixing_of(input_, body, places).determinant()
        defined = search.range(determinant)
    except (NotFound, Unproved, Malformed):
        return None
    free = tuple(sorted(determinant.symbols, key=str))
    if not all(a.operation == "symbol" and is_interval(support_of(a)) for a in free):
        return None
    signs: dict[int, Assignment] = {}
    for assignment in refute.assignments(free):
        with contextlib.suppress(Unproved):
            signs.setdefault(sign_at(determinant, assignment), assignment)
        if {-1, 1} <= signs.keys():
            return attempt("singular_between", (input_, body, places, signs[1], signs[-1]), defined)
    return None


def entry_twice(input_: Term, body: Term, search: Search) -> Proof | None:
    """An entry of a map that takes one value twice, as a map of a number."""
    try:
        own, inner = entry_alone(input_, body)
    except (Unproved, Malformed):
        return None
    found = refute.not_injective(own, inner, search)
    return attempt("entry_twice", (input_, body), found) if found is not None else None


def smaller_twice(input_: Term, body: Term, search: Search) -> Proof | None:
    """The smaller map that a map comes down to takes one value twice."""
    for kind in ("ridge", "radial", "within"):
        try:
            own, inner = smaller(kind, input_, body)
        except (Unproved, Malformed):
            continue
        found = refute.not_injective(own, inner, search)
        if found is None and own.shape:
            found = not_injective(own, inner) or entry_twice(own, inner, search)
        if found is not None:
            return attempt("smaller_twice", (input_, body, kind), found)
    return None


def sphere_missed(input_: Term, body: Term, search: Search) -> Proof | None:
    """A distance from the centre at which a radial map has no values."""
    try:
        found = radial_of(input_, body)
        size = search.range(found.scalar)
    except (NotFound, Unproved, Malformed):
        return None
    missed = refute.not_onto(DISTANCE, found.scalar, support_of(DISTANCE), search)
    return attempt("falls_short_of_sphere", (input_, body), size, missed) if missed is not None else None


def corner_missed(input_: Term, body: Term, support: Support, search: Search) -> Proof | None:
    """A corner of the declared cube outside the ball that a radial map stays in."""
    with contextlib.suppress(NotFound, Unproved, Malformed):
        found = radial_of(input_, body)
        return attempt("corner_missed", (input_, body, support), search.bijection(DISTANCE, found.scalar))
    return None


def part_not_onto(body: Term, support: Support, search: Search) -> Proof | None:
    """A part of the result of a join that misses values of the declared support."""
    start = 0
    for part in body.arguments if body.operation == "join" else ():
        places = tuple(range(start, start + part.shape[0]))
        start += part.shape[0]
        try:
            found = attempt("part_not_onto", (body, places, support), search.range(part))
        except NotFound:
            continue
        if found is not None:
            return found
    return None


def part_skips(input_: Term, body: Term, support: Support) -> Proof | None:
    """A part of a map of integers that is a multiple."""
    with contextlib.suppress(NotFound, Unproved, Malformed):
        places = diagonal(input_, body)
        for k in range(len(places)):
            found = attempt("lattice_skips", (input_, body, support, places, k))
            if found is not None:
                return found
    return None


def entry_missed(
    input_: Term, body: Term, support: Support, requires: tuple[Member, ...], search: Search
) -> Proof | None:
    """An entry of the result that misses values of the declared support for some values of the parameters."""
    if len(body.shape) != 1 or body.shape[0] > LARGEST:
        return None
    free = free_of(input_, body, requires)
    if any(a.operation != "symbol" for a in free):
        return None
    for chosen in points_where(input_, body, requires, 8):
        with contextlib.suppress(NotFound, Unproved, Malformed):
            known = search.range(entry_there(input_, body, chosen, 0))
            found = attempt("entry_missed", (input_, body, chosen, 0, support), known)
            if found is not None:
                return found
    return None


def always_in_order(body: Term, support: Support, search: Search) -> Proof | None:
    """Neighbours in the result that are always in the same order."""
    if len(body.shape) != 1 or not 2 <= body.shape[0] <= LARGEST:
        return None
    with contextlib.suppress(Unproved, Malformed):
        entries = components(body)
        for less, greater in [(0, 1), (1, 0), (len(entries) - 2, len(entries) - 1)]:
            with contextlib.suppress(NotFound):
                known = search.range(difference(entries[greater], entries[less]))
                found = attempt("always_in_order", (body, greater, less, support), known)
                if found is not None:
                    return found
    return None


# -- two inputs ------------------------------------------------------------------------------------------------------


def _kernel(input_: Term, body: Term, chosen: tuple[Choice, ...]) -> Proof | None:
    """A point and a direction of which the differences from there add up to nothing."""
    for start in _starts(input_):
        origin = (start,) * input_.shape[0]
        base = _numbers(input_, body, chosen, origin)
        if base is None:
            continue
        columns: dict[int, list[Fraction]] = {}  # those that are known exactly
        for k in range(len(origin)):
            there = tuple(v + int(j == k) for j, v in enumerate(origin))
            moved = _numbers(input_, body, chosen, there)
            if moved is None:
                continue
            if all(isinstance(v, Fraction) for v in (*moved, *base)):
                columns[k] = [a - b for a, b in zip(moved, base, strict=True)]
            elif not any(differs(a, b) for a, b in zip(moved, base, strict=True)):
                found = attempt("two_vectors", (input_, body, chosen, origin, there))
                if found is not None:
                    return found
        direction = _null([tuple(row) for row in zip(*columns.values(), strict=True)], len(columns))
        if direction is not None:
            along = dict(zip(columns, direction, strict=True))
            other = tuple(v + along.get(k, _ZERO) for k, v in enumerate(origin))
            found = attempt("two_vectors", (input_, body, chosen, origin, other))
            if found is not None:
                return found
    return None


def _starts(input_: Term) -> list[Fraction]:
    """Where directions are looked for: at 0, if that is an input, and at 1, -1 and 1/2."""
    return [c for c in (_ZERO, _ONE, -_ONE, _HALF) if admissible(support_of(input_), c)]


def _start(input_: Term) -> Fraction:
    return next((c for c in (_ZERO, _ONE, _HALF) if admissible(support_of(input_), c)), _ZERO)


def _at(input_: Term, body: Term, chosen: tuple[Choice, ...], place: Values) -> Values | None:
    """The value at an input where it is exact."""
    found = _numbers(input_, body, chosen, place)
    return found if found is not None and all(isinstance(v, Fraction) for v in found) else None


def _numbers(input_: Term, body: Term, chosen: tuple[Choice, ...], place: Values) -> Values | None:
    """The value at an input, of numbers and balls."""
    with contextlib.suppress(Undecided, Undefined):
        return evaluate(body, {**{a: v for a, v, _ in chosen}, input_: place})
    return None


def _null(table: list[Values], size: int) -> Values | None:
    """A vector that a table of rationals sends to 0, and that is not 0 itself."""
    rows = reduced(table)
    leading = dict(rows)
    loose = next((k for k in range(size) if k not in leading), None)
    if loose is None:
        return None
    return tuple(-leading[k][loose] if k in leading else Fraction(int(k == loose)) for k in range(size))


def _compensated(input_: Term, body: Term, chosen: tuple[Choice, ...]) -> Proof | None:
    """A second input, and outputs of the networks there, which enter affinely, that give the value at the first."""
    networks = [k for k, (a, _, _) in enumerate(chosen) if a.operation == "network"]
    size = input_.shape[0]
    start = (_start(input_),) * size
    wanted = _at(input_, body, chosen, start) if networks else None
    if wanted is None:
        return None
    for moved in ((*start[:-1], start[-1] + 1), (start[0] + 1, *start[1:]), tuple(v + 1 for v in start)):
        base = _at(input_, body, chosen, moved)
        if base is None:
            continue
        columns = [(k, j) for k in networks for j in range(len(chosen[k][1]))]
        tried = [(k, j, _at(input_, body, _changed(chosen, k, j), moved)) for k, j in columns]
        columns = [(k, j) for k, j, other in tried if other is not None]
        slopes = [[a - b for a, b in zip(other, base, strict=True)] for _, _, other in tried if other is not None]
        solved = _solved(slopes, [a - b for a, b in zip(wanted, base, strict=True)])
        if solved is None:
            continue
        there = [list(second) for _, _, second in chosen]
        for (k, j), amount in zip(columns, solved, strict=True):
            there[k][j] += amount
        final = tuple((a, first, tuple(there[k])) for k, (a, first, _) in enumerate(chosen))
        found = attempt("two_vectors", (input_, body, final, start, moved))
        if found is not None:
            return found
    return None


def _changed(chosen: tuple[Choice, ...], number: int, place: int) -> tuple[Choice, ...]:
    atom, values, _ = chosen[number]
    moved = tuple(v + int(k == place) for k, v in enumerate(values))
    return (*chosen[:number], (atom, moved, moved), *chosen[number + 1 :])


def _solved(columns: list[list[Fraction]], wanted: list[Fraction]) -> list[Fraction] | None:
    """Amounts of the columns that add up to what is wanted."""
    count = len(columns)
    table = [(*(c[i] for c in columns), wanted[i]) for i in range(len(wanted))]
    rows = reduced(table)
    if any(at == count for at, _ in rows):
        return None
    values = {at: row[count] for at, row in rows}
    return [values.get(k, _ZERO) for k in range(count)]
