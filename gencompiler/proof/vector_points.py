"""Values of what a map of a vector depends on besides its input, for the search for counterexamples: a few hundred at
most, simplest first.  Nothing rests on them."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator
from fractions import Fraction

from gencompiler.model.nodes import Support
from gencompiler.proof import refute
from gencompiler.proof.boxes import support_interval
from gencompiler.proof.condition_rules import holds_at
from gencompiler.proof.facts import Member
from gencompiler.proof.graph import Term, is_finite, support_of
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.numbers import Values
from gencompiler.proof.refute_rules import admissible, is_free
from gencompiler.proof.samples import WITHIN, within_conditions
from gencompiler.proof.vector_refutations import MATRICES, Choice, is_matrix_of, values_of_symbols

#: At most this many points of the parameters are tried.
BUDGET = 60

_HALF, _ZERO, _ONE = Fraction(1, 2), Fraction(0), Fraction(1)


def free_of(input_: Term, body: Term, requires: tuple[Member, ...]) -> list[Term]:
    """What a map and conditions depend on besides the input."""
    return [a for a in refute.atoms(body, *(c.term for c in requires)) if a is not input_]


def points_where(
    input_: Term, body: Term, requires: tuple[Member, ...], most: int | None = None
) -> Iterator[tuple[Choice, ...]]:
    """Of at most so many values for what a map depends on, those for which the conditions hold."""
    for chosen in itertools.islice(assignments(free_of(input_, body, requires)), most):
        if holds_at(requires, values_of_symbols(chosen)):
            yield chosen


def assignments(free: list[Term]) -> Iterator[tuple[Choice, ...]]:
    """Values for each of some atoms."""
    choices = [list(_values(a, ())) for a in free]
    by_size = sorted(itertools.islice(itertools.product(*(range(len(c)) for c in choices)), 20 * BUDGET), key=sum)
    for picked in by_size[:BUDGET]:
        values = [choices[k][place] for k, place in enumerate(picked)]
        yield tuple((a, v, v) for a, v in zip(free, values, strict=True))


def one_at_a_time(free: list[Term], ends: tuple[Fraction, ...]) -> list[tuple[Choice, ...]]:
    """The same, and each value of one atom with the first, or second, of all others; `ends`: further values that
    elements may have."""
    choices = [list(_values(a, ends)) for a in free]
    found = dict.fromkeys(assignments(free))
    for others, number in itertools.product((0, 1), range(len(free))):
        for value in choices[number] if all(choices) else ():
            values = [c[min(others, len(c) - 1)] for c in choices]
            values[number] = value
            found[tuple((a, v, v) for a, v in zip(free, values, strict=True))] = None
    return list(found)


def extreme(free: list[Term], requires: tuple[Member, ...]) -> tuple[Fraction, ...]:
    """Numbers at and just within what supports and conditions allow."""
    found: list[Fraction] = []
    for atom in free:
        if atom.operation != "symbol":
            continue
        try:
            own = support_interval(atom)
        except Unproved:
            continue
        for end, inward in ((own.lower, 1), (own.upper, -1)):
            found += [Fraction(end), Fraction(end) + inward * WITHIN] if is_finite(end) else []
    found += within_conditions(requires)
    return tuple(dict.fromkeys(v for v in found if v not in (0, 1, -1, _HALF, -_HALF)))[:8]


def scattered(free: list[Term]) -> Iterator[tuple[Choice, ...]]:
    """Values that follow no pattern, the same whenever they are asked for."""
    generator = random.Random(0)
    for _ in range(BUDGET):
        picked = []
        for atom in free:
            support = support_of(atom) if atom.operation == "symbol" else Support("Real")
            size = math.prod(atom.shape)
            drawn = tuple(Fraction(generator.randint(-12, 12) * 3, generator.choice((8, 24))) for _ in range(size))
            picked.append((atom, *(tuple(v if admissible(support, v) else abs(v) for v in drawn),) * 2))
        if all(is_free(a, v) if a.operation == "symbol" else True for a, v, _ in picked):
            yield tuple(picked)


def _values(atom: Term, ends: tuple[Fraction, ...]) -> Iterator[Values]:
    """Elements for one atom, simplest first: all equal, or patterns."""
    size = math.prod(atom.shape)
    support = support_of(atom) if atom.operation == "symbol" else Support("Real")
    if support.name in MATRICES:
        yield from (v for v in _matrices(atom.shape) if is_matrix_of(support, atom.shape, v))
        return
    equal = [(v,) * size for v in (_ZERO, _ONE, -_ONE, _HALF, -_HALF, Fraction(2), *ends)]
    patterns: list[Values] = []
    if len(atom.shape) == 1 and size > 1 and atom.operation == "symbol":
        patterns = [
            (_ONE, *(_ZERO,) * (size - 1)),
            (_HALF, _HALF, *(_ZERO,) * (size - 2)),
            (_ONE, -_ONE, *(_ZERO,) * (size - 2)),
        ]
    if len(atom.shape) == 2:  # what scales the first entries, and what scales the first one alone
        rows, columns = atom.shape
        ones = [Fraction(i == j) for i in range(rows) for j in range(columns)]
        first = [Fraction(k == 0) for k in range(size)]
        scaled = [(ones, n) for n in (_ONE, -_ONE, _HALF, -_HALF, Fraction(2))]
        scaled += [(first, n) for n in (*map(Fraction, ("1", "-3/2", "3/2", "3/4", "-3/4")), *ends, Fraction(2))]
        patterns = [tuple(n * v for v in table) for table, n in scaled]
    yield from (v for v in (*equal, *patterns) if all(admissible(support, e) for e in v))


def _matrices(shape: tuple[int, ...]) -> Iterator[Values]:
    """Matrices of a kind, among others unit columns and reorderings."""
    rows, columns = shape
    for own, below, above in ((1, 0, 0), (-1, 0, 0), (1, 2, 0), (1, 0, 2), (1, 1, 0), (1, 0, 1)):
        yield tuple(Fraction(own if i == j else below if i > j else above) for i in range(rows) for j in range(columns))
    yield tuple(Fraction(int(j == (i + 1) % columns)) for i in range(rows) for j in range(columns))
