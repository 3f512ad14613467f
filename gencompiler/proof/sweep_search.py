"""The search for counterexamples along intervals: a fixed grid of places, a few patterns of parameters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction

from gencompiler.model.nodes import Support
from gencompiler.proof.domain import Interval, of_support
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.graph import Term, is_finite, subterms, support_of
from gencompiler.proof.kernel import Proof, Unproved, attempt
from gencompiler.proof.numbers import Undecided, Values, compare
from gencompiler.proof.refute_rules import admissible, is_free
from gencompiler.proof.sweep import branches, enclosures
from gencompiler.proof.sweep_refutations import Cell, Elements

#: What parameters are tried at: the same for all, then rising, alternating, and one that stands out.
LEVELS = tuple(Fraction(v) for v in ("0", "1", "-1", "3", "-3", "1/4"))
#: Cells of the grid, and parameter values, at most.
CELLS, TRIES = 37, 24
#: How far beside a number that the input is compared with the grid looks, too.
BESIDE = Fraction(1, 1 << 20)


def _patterns(atom: Term) -> list[tuple[Fraction, ...]]:
    size = math.prod(atom.shape)
    network = atom.operation == "network"
    if not network and support_of(atom).name == "Simplex" and len(atom.shape) == 1:
        rising = [Fraction(k + 1) for k in range(size)]
        one = [Fraction(1)] * (size - 1) + [Fraction(size + 1)]
        return [tuple(v / sum(own) for v in own) for own in ([Fraction(1)] * size, rising, one, one[::-1])]
    levels = [v for v in LEVELS if network or admissible(support_of(atom), v)]
    found = [(v,) * size for v in levels]
    if size > 1 and len(levels) > 1:
        low, high = min(levels), max(levels)
        found[1:1] = [
            tuple(high if k % 2 else low for k in range(size)),
            tuple(low if k % 2 else high for k in range(size)),
            tuple(low + (high - low) * Fraction(k, size - 1) for k in range(size)),
        ]
    return [f for f in found if network or is_free(atom, f)]


def assignments(free: tuple[Term, ...]) -> Iterator[Elements]:
    """Values of everything but the input, simplest first."""
    choices = [_patterns(atom) for atom in free]
    places = itertools.islice(itertools.product(*(range(len(c)) for c in choices)), 4096)
    for picked in sorted(places, key=sum)[:TRIES]:
        yield tuple((atom, choices[k][place]) for k, (atom, place) in enumerate(zip(free, picked, strict=True)))


def _grid(input_: Term, body: Term) -> list[Fraction]:
    """Places across the finite part of the domain and beyond the numbers that the input is compared with."""
    compared = {
        abs(a.data)
        for t in subterms(body)
        if t.operation == "apply" and t.data in ("less", "less_equal", "greater", "greater_equal")
        for a in t.arguments
        if a.operation == "literal" and is_finite(a.data)
    }
    reach = 2 * Fraction(max((*compared, 2)))
    whole = of_support(support_of(input_))
    low, high = (-reach, reach)
    if whole is not None and is_finite(whole.lower) and is_finite(whole.upper):
        low, high = Fraction(whole.lower), Fraction(whole.upper)
    even = {low + (high - low) * k / CELLS for k in range(CELLS + 1)}
    near = [s * BESIDE * (1 << n) for n in (0, 6, 12, 15) for s in (1, -1)]
    corners = {s * c + beside for c in compared for s in (1, -1) for beside in (0, *near)}
    return sorted(p for p in even | corners if admissible(support_of(input_), p))


def taken_twice(input_: Term, body: Term, free: tuple[Term, ...]) -> Proof | None:
    """One value on two intervals."""
    grid = _grid(input_, body)
    for assignment in assignments(free):
        point = _settled(input_, body, assignment)
        cells: list[tuple[Cell, Fraction, Fraction]] = []
        for low, high in itertools.pairwise(grid):
            try:
                enclosures(body, point, input_, Interval(low, high), strict=True)
                ends = [evaluate(body, {**point, input_: (e,)})[0] for e in (low, high)]
                order = compare(*ends)
            except (Unproved, Undecided, Undefined):
                continue
            a, b = (_near(e) for e in ends)
            if order:
                cells.append(((low, high), min(a, b), max(a, b)))
        for (one, a, b), (other, c, d) in itertools.combinations(cells, 2):
            if max(a, c) < min(b, d):
                value = _simple(max(a, c), min(b, d))
                found = attempt("taken_twice", (input_, body, assignment, one, other, value))
                if found is not None:
                    return found
    return None


def _around_knots(body: Term, point: dict[Term, Fraction | Values]) -> set[Fraction]:
    """Places just beside the knots of a spline."""
    found: set[Fraction] = set()
    for term in subterms(body):
        if term.operation == "bin" and isinstance(values := point.get(term.arguments[1]), tuple):
            found |= {_near(v) + beside for v in values for beside in (-BESIDE, BESIDE)}
    return found


def _settled(input_: Term, body: Term, assignment: Elements) -> dict[Term, Fraction | Values]:
    """An assignment with the values of everything that does not depend on the input, computed once."""
    point: dict[Term, Fraction | Values] = dict(assignment)
    for term in subterms(body):
        if input_ not in term.symbols and term.operation not in ("whole", "before"):
            try:
                point[term] = evaluate(term, point)
            except (Undecided, Undefined, KeyError):
                continue
    return point


def _near(number: object) -> Fraction:
    """A rational beside a number, for a guess."""
    if isinstance(number, Fraction):
        return number
    return Fraction(float(number.mid())).limit_denominator(10**9)  # type: ignore[attr-defined]


def never_taken(input_: Term, body: Term, support: Support, free: tuple[Term, ...]) -> Proof | None:
    """A value that no part of the line is mapped to: one in a gap between what the parts are mapped to."""
    grid, whole, wanted = _grid(input_, body), of_support(support_of(input_)), of_support(support)
    if whole is None or wanted is None:
        return None
    for assignment in assignments(free):
        point = _settled(input_, body, assignment)
        cuts = tuple(sorted(p for p in {*grid, *_around_knots(body, point)} if whole.lower < p < whole.upper))
        ends = (whole.lower, *cuts, whole.upper)
        try:
            pairs = itertools.pairwise(ends)
            reached = [r for low, high in pairs for r in branches(body, point, input_, Interval(low, high))]
        except Unproved:
            continue
        value = _gap(reached, wanted)
        if value is not None:
            found = attempt("never_taken", (input_, body, support, assignment, value, cuts))
            if found is not None:
                return found
    return None


def _gap(reached: list[Interval], wanted: Interval) -> Fraction | None:
    """A simple number of `wanted` in the widest gap between intervals."""
    ordered = sorted(reached, key=lambda r: (r.lower, r.upper))
    edge, widest = wanted.lower, None
    for own in ordered:
        if own.lower > edge and is_finite(own.lower):
            low = edge if is_finite(edge) else own.lower - 2
            if widest is None or own.lower - low > widest[1] - widest[0]:
                widest = (Fraction(low), Fraction(own.lower))
        edge = max(edge, own.upper)
    if edge < wanted.upper and is_finite(edge):
        widest = widest or (Fraction(edge), Fraction(edge) + 2)
    return _simple(*widest) if widest is not None and widest[0] < widest[1] else None


def _simple(low: Fraction, high: Fraction) -> Fraction:
    """A number with a small denominator strictly between two."""
    middle = (low + high) / 2
    denominator = 1
    while True:
        found = middle.limit_denominator(denominator)
        if low < found < high:
            return found
        denominator *= 2
